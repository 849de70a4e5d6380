"""Jobs, files and models as JSON: nothing in them is a path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from unpaired.apps.web.commands import CONTACT_SHEET
from unpaired.apps.web.folders import walk
from unpaired.apps.web.jobs import Job
from unpaired.apps.web.models import ModelInfo
from unpaired.apps.web.places import NoSuchPlace, Place
from unpaired.apps.web.queue.outcome import read_report
from unpaired.apps.web.site import Site
from unpaired.core.settings import to_mapping

MOST_RESULTS = 2000
"""Files that are listed of a job."""

OWN = ("process", "position", "first_share", "first_seconds")
"""What a job keeps for itself."""


def file_url(place: Place) -> str:
    """The address of a file's contents; the name in it is for people and is not read."""
    return f"/files/{place.id}/{quote(place.name, safe='')}"


def place_view(place: Place) -> dict[str, Any]:
    """A file or a folder."""
    facts = {"id": place.id, "name": place.name, "in": place.root, "folder": place.is_folder}
    return facts if place.is_folder else {**facts, "bytes": place.size, "url": file_url(place)}


def job_view(site: Site, job: Job) -> dict[str, Any]:
    """A job, with what can be done with it now."""
    facts = {name: value for name, value in to_mapping(job).items() if name not in OWN}
    return {
        **facts,
        "lane": job.lane,
        "seconds_left": job.seconds_left(),
        "actions": list(job.actions()),
        "results": [place_view(place) for place in results_of(site, job)],
        "run": run_id(site, job),
        "run_name": job.run,
    }


def results_of(site: Site, job: Job) -> list[Place]:
    """The files that a job made, those in folders too, by name; its contact sheet comes last."""
    found = _places(site, islice(walk(site.commands.result_folder(job)), MOST_RESULTS))
    return sorted(found, key=lambda place: is_sheet(job, place))


def is_sheet(job: Job, place: Place) -> bool:
    """Whether one of the files that a job made is its contact sheet."""
    return bool(job.request.get("contact_sheet")) and place.name == CONTACT_SHEET


def run_id(site: Site, job: Job) -> str:
    """The id of the run folder of a training; empty as long as there is none."""
    if not job.run or not site.commands.run_folder(job).is_dir():
        return ""
    return site.places.id_of(site.commands.run_folder(job))


def report_of(site: Site, job: Job) -> dict[str, Any]:
    """The JSON that the command of a job printed, such as that of `unpaired inspect`, without paths."""
    report = read_report(site.queue.folder(job))
    return {name: _redacted(site, value) for name, value in report.items()}


def model_view(model: ModelInfo) -> dict[str, Any]:
    """A model."""
    facts = to_mapping(model)
    return {**facts, "sides": list(model.sides)}


def _places(site: Site, paths: Iterable[Path]) -> Iterator[Place]:
    for path in paths:
        with suppress(NoSuchPlace):
            yield site.places.at(path)


def _redacted(site: Site, value: Any) -> Any:
    if isinstance(value, str):
        return site.places.redact(value)
    if isinstance(value, Mapping):
        return {site.places.redact(str(key)): _redacted(site, each) for key, each in value.items()}
    return [_redacted(site, each) for each in value] if isinstance(value, list) else value
