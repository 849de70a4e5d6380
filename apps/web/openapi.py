"""The OpenAPI document: made of the very types that requests are read by and answers are made of."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

import unpaired
from unpaired.apps.run_settings import settings_of
from unpaired.apps.web.jobs import Job, JobKind, JobProgress, JobState
from unpaired.apps.web.models import ModelInfo
from unpaired.apps.web.requests import REQUESTS
from unpaired.apps.web.views import OWN

_TEXT = {"type": "string"}
_JSON = "application/json"
_ID = {"in": "path", "name": "id", "required": True, "schema": _TEXT}
_PLACE = {
    "id": _TEXT | {"description": "What requests name it by."},
    "name": _TEXT,
    "in": _TEXT | {"description": "uploads, results, runs, or the name of a declared folder."},
    "folder": {"type": "boolean"},
    "bytes": {"type": "integer", "description": "Of a file."},
    "url": _TEXT | {"description": "Of a file: where its contents are. Takes Range; ?download offers to save it."},
}
_OF_JOB = {
    "lane": _TEXT | {"description": "Jobs of one lane run one after another."},
    "seconds_left": {"type": ["number", "null"], "description": "About how long it still takes."},
    "actions": {"type": "array", "items": _TEXT, "description": "What can be done with it now."},
    "results": {"type": "array", "items": {"$ref": "#/components/schemas/Place"}, "description": "What it made."},
    "run": _TEXT | {"description": "Of a training: the id of its run, a model to convert with."},
    "run_name": _TEXT | {"description": "Of a training: the name of its folder."},
}
_HIDDEN = (*OWN, "run")


@cache
def openapi() -> Mapping[str, Any]:
    """The document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "unpaired web",
            "version": unpaired.__version__,
            "description": "Convert files, train models and follow both. Every request sends the token: "
            "`Authorization: Bearer TOKEN`. An error is answered with a sentence: {\"error\": \"...\"}.",
        },
        "security": [{"token": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(),
        },
    }  # fmt: skip


def _schemas() -> dict[str, Any]:
    requests = {kind.__name__: _schema(kind) for kind in REQUESTS.values()}
    job = _schema(Job)
    for name in _HIDDEN:
        del job["properties"][name]
    job["properties"] |= _OF_JOB
    job["required"] = list(job["properties"])
    return {
        **requests,
        "Job": job,
        "JobProgress": _schema(JobProgress),
        "Model": _schema(ModelInfo),
        "Place": {"type": "object", "properties": _PLACE, "required": ["id", "name", "in", "folder"]},
        "Error": {"type": "object", "properties": {"error": _TEXT}, "required": ["error"]},
        "Submission": {
            "type": "object",
            "properties": {"kind": _kind(JobKind), "request": {"anyOf": [_ref(name) for name in requests]}},
            "required": ["kind", "request"],
        },
    }


def _schema(cls: type[Any]) -> dict[str, Any]:
    """A dataclass: its fields with their types, defaults and docstrings."""
    properties = {}
    for each in settings_of(cls, ""):
        text = {"description": each.text} if each.text else {}
        plain = isinstance(each.default, str | int | float | bool) and not isinstance(each.default, StrEnum)
        properties[each.name.removeprefix(".")] = {**_kind(each.kind), **text,
                                                   **({"default": each.default} if plain else {})}  # fmt: skip
    required = [field.name for field in fields(cls) if field.default is field.default_factory is MISSING]
    whole = {"type": "object", "description": str(cls.__doc__), "properties": properties}
    return {**whole, "required": required} if required else whole


def _kind(kind: Any) -> dict[str, Any]:
    origin, kinds = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        options = [_kind(each) for each in kinds]
        named = [option["type"] for option in options if set(option) == {"type"}]
        return {"type": named} if len(named) == len(options) else {"anyOf": options}
    if origin is Literal:
        return {"enum": list(kinds)}
    if origin is tuple:
        several = kinds[-1] is Ellipsis
        return {"type": "array", "items": _kind(kinds[0]),
                **({} if several else {"minItems": len(kinds), "maxItems": len(kinds)})}  # fmt: skip
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return {"enum": list(kind)}
    if isinstance(kind, type) and is_dataclass(kind):
        return _ref(kind.__name__)
    simple = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
    return {"type": simple[kind]} if kind in simple else {"type": "object"}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


@dataclass(frozen=True)
class _Operation:
    """One thing that can be asked for."""

    method: str
    path: str
    name: str
    summary: str
    answer: Mapping[str, Any] | None = None
    status: int = 200
    kind: str = _JSON
    query: Mapping[str, Mapping[str, Any]] | None = None
    body: Mapping[str, Any] | None = None
    body_kind: str = _JSON

    def described(self) -> dict[str, Any]:
        """As the document has it."""
        content = {"content": {self.kind: {"schema": self.answer}}} if self.answer is not None else {}
        error = {"description": "A sentence says what is wrong.", "content": {_JSON: {"schema": _ref("Error")}}}
        query = [{"in": "query", "name": name, "schema": schema, "required": name == "name"}
                 for name, schema in (self.query or {}).items()]  # fmt: skip
        found: dict[str, Any] = {
            "operationId": self.name,
            "summary": self.summary,
            "responses": {str(self.status): {"description": "Done.", **content}, "4XX": error},
        }
        if query:
            found["parameters"] = query
        if self.body is not None:
            found["requestBody"] = {"content": {self.body_kind: {"schema": self.body}}}
        return found


def _paths() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in _OPERATIONS:
        path = found.setdefault(each.path, {"parameters": [_ID]} if "{id}" in each.path else {})
        path[each.method] = each.described()
    return found


_JOB, _JOBS = _ref("Job"), {"type": "array", "items": _ref("Job")}
_PLACES = {"type": "array", "items": _ref("Place")}
_STATE = {"enum": ["live", *JobState], "description": "May be given several times."}
_BYTES = {"type": "string", "format": "binary"}
_BEFORE = {"type": ["string", "null"], "description": "Id of a job that waits in the same lane; null for behind all."}
_MORE = {"minutes": {"type": "number"}, "steps": {"type": "integer"}}
_OPERATIONS = (
    _Operation("get", "/api/jobs", "list_jobs", "The queue in its order (state=live), or the history, newest first.",
               _JOBS, query={"state": _STATE, "limit": {"type": "integer"}, "before": {"type": "number"}}),
    _Operation("post", "/api/jobs", "submit_job", "Put a job into the queue.", _JOB, 201, body=_ref("Submission")),
    _Operation("get", "/api/jobs/{id}", "get_job", "A job.", _JOB),
    _Operation("delete", "/api/jobs/{id}", "remove_job", "Forget a job that has ended, with its results.", status=204),
    _Operation("get", "/api/jobs/{id}/log", "get_log", "The end of its log.", _TEXT, kind="text/plain"),
    _Operation("get", "/api/jobs/{id}/report", "get_report", "What its command printed as JSON, such as the findings "
               "of an inspection.", {"type": "object"}),
    _Operation("post", "/api/jobs/{id}/pause", "pause_job", "Hold a waiting job back, stop a conversion where it is, "
               "or have a training save itself and end.", _JOB),
    _Operation("post", "/api/jobs/{id}/resume", "resume_job", "Put a paused job, or a training that was stopped, lost "
               "or cancelled, back into the queue.", _JOB),
    _Operation("post", "/api/jobs/{id}/extend", "extend_job", "Have a training that is done go on where it ended, for "
               "so many more minutes or steps.", _JOB, body={"type": "object", "properties": _MORE}),
    _Operation("post", "/api/jobs/{id}/cancel", "cancel_job", "End a job within two seconds and throw away what it made"
               "; the run folder of a training stays.", _JOB),
    _Operation("post", "/api/jobs/{id}/stop", "stop_job", "End a training and keep what it has learned.", _JOB),
    _Operation("post", "/api/jobs/{id}/retry", "retry_job", "Carry out again a job that failed, was cancelled or lost.",
               _JOB),
    _Operation("post", "/api/jobs/{id}/move", "move_job", "Put a waiting job in front of another one.", _JOB,
               body={"type": "object", "properties": {"before": _BEFORE}}),
    _Operation("post", "/api/jobs/{id}/again", "repeat_job", "A new job with the same request, in which the fields of "
               "the body are changed.", _JOB, 201, body={"type": "object"}),
    _Operation("get", "/api/models", "list_models", "Models to convert with.",
               {"type": "array", "items": _ref("Model")}),
    _Operation("get", "/api/runs", "list_runs", "Runs, as `unpaired runs --json` prints them, each with its id.",
               {"type": "array", "items": {"type": "object"}}),
    _Operation("get", "/api/places", "list_places", "The declared folders, or what a folder holds.", _PLACES,
               query={"id": _TEXT}),
    _Operation("put", "/api/uploads", "upload", "Send a file: its bytes are the body of the request.", _ref("Place"),
               201, query={"name": _TEXT, "folder": _TEXT}, body=_BYTES, body_kind="application/octet-stream"),
    _Operation("post", "/api/uploads/folders", "make_folder", "Make a folder to upload files into.", _ref("Place"), 201,
               body={"type": "object", "properties": {"name": _TEXT}}),
    _Operation("get", "/api/openapi.json", "describe", "This document.", {"type": "object"}),
    _Operation("get", "/api/events", "follow", "Server-Sent Events: id, state and share of a job whenever they change.",
               _TEXT, kind="text/event-stream"),
    _Operation("get", "/files/of/{id}", "archive", "Everything that a job made, as one ZIP.", _BYTES,
               kind="application/zip"),
    _Operation("get", "/files/{id}", "contents", "The contents of a file.", _BYTES, kind="application/octet-stream"),
)  # fmt: skip
