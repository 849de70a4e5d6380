"""The command line of a job."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from unpaired.apps.web.checks import check
from unpaired.apps.web.facts import Facts
from unpaired.apps.web.jobs import Job
from unpaired.apps.web.lengths import length_of
from unpaired.apps.web.looks import Looks
from unpaired.apps.web.models import Models
from unpaired.apps.web.more import fitting_name
from unpaired.apps.web.places import Place, Places
from unpaired.apps.web.requests import (
    CompareRequest,
    ConvertRequest,
    DistillRequest,
    InspectRequest,
    TrainRequest,
    read_request,
)
from unpaired.apps.web.settings import WebSettings
from unpaired.core.settings import read_yaml
from unpaired.domains.image import is_picture_name
from unpaired.domains.video import CONTAINERS

_COMPARED = {"image": "comparison.png", "video": "comparison.mp4"}
"""What a comparison is written as, by medium; others get a page."""


CONTACT_SHEET = "contact sheet.jpg"
"""What the contact sheet of a clip is called, among its results."""


class Commands:
    """Turns jobs into words for `unpaired`."""

    def __init__(self, settings: WebSettings, places: Places, models: Models, looks: Looks) -> None:
        self._settings = settings
        self._places = places
        self._models = models
        self._looks = looks

    def of(self, job: Job) -> list[str]:
        """The words behind `unpaired`. Raises UnpairedError: a file or a model went away, or the request is wrong."""
        request = read_request(job.kind, job.request)
        match request:
            case ConvertRequest():
                return list(self._convert(job, request))
            case CompareRequest():
                return list(self._compare(job, request))
            case TrainRequest():
                return list(self._train(job, request))
            case DistillRequest():
                return list(self._distill(job, request))
            case InspectRequest():
                return list(self._inspect(request))

    def check(self, job: Job) -> None:
        """Refuse now what the command would refuse when its turn comes. Walks through folders. Raises UnpairedError."""
        self.of(job)
        check(read_request(job.kind, job.request), self._models, self._places)

    def result_folder(self, job: Job) -> Path:
        """Where a job's results go."""
        return self._settings.results / job.id

    def run_folder(self, job: Job) -> Path:
        """The run folder of a training."""
        return self._settings.runs / job.run

    def _convert(self, job: Job, request: ConvertRequest) -> Iterator[str]:
        source = self._places.source(request.input)
        medium = self._models.info(request.model).medium
        name = _as_clip(source, self._looks.known(source), medium) if medium in ("image", "video") else ""
        codec = request.settings.get("codec")
        if isinstance(codec, str) and not source.is_folder:
            name = fitting_name(name or source.path.name, codec.lower())
        name = name or (source.path.name if source.is_folder else "")
        yield from ("convert", self._models.word(request.model), str(source.path), f"{self.result_folder(job)}/{name}")
        yield from ("--direction", request.direction, "--device", request.device, "--json")
        yield from _options({"conversion": request.settings})
        if request.mask:
            yield f"--conversion.mask={self._places.path_of(request.mask)}"
        if request.layout:
            yield f"--{request.layout}"
        if request.burn_in:
            yield "--burn-in"
        if request.known_cuts:
            yield f"--cuts={self._places.path_of(request.known_cuts)}"
        if request.contact_sheet:
            yield f"--contact-sheet={self.result_folder(job) / CONTACT_SHEET}"

    def _compare(self, job: Job, request: CompareRequest) -> Iterator[str]:
        source = self._places.path_of(request.input)
        medium = self._models.info(request.models[0]).medium
        yield from ("compare", *(self._models.word(model) for model in request.models), str(source))
        yield str(self.result_folder(job) / _COMPARED.get(medium, "comparison.html"))
        yield from ("--direction", request.direction, "--layout", request.layout, "--device", request.device, "--json")
        yield from _options({"conversion": request.settings})

    def _train(self, job: Job, request: TrainRequest) -> Iterator[str]:
        out = self.run_folder(job)
        sides = {"a": request.a, "b": request.b, "test-a": request.test_a, "test-b": request.test_b}
        folders = list(self._folders(sides))  # looked at again when it goes on, which reads them again
        if (out / "config.yaml").is_file():
            yield from _resumed(out, request)
            return
        yield from ("train", "--out", str(out), "--domain", request.medium, *folders)
        if request.names is not None:
            yield from ("--names", *request.names)
        given = {"recipe": request.recipe, "preset": request.preset, "objective": request.objective}
        for option, value in given.items():
            if value:
                yield f"--{option}={value}"
        yield from _options(_with_device(request.settings, request.device))

    def _distill(self, job: Job, request: DistillRequest) -> Iterator[str]:
        out = self.run_folder(job)
        folders = list(self._folders({"a": request.a, "b": request.b}))
        if (out / "config.yaml").is_file():
            yield from _resumed(out, request)
            return
        self._check_teacher(request)
        yield from ("distill", self._models.word(request.model), "--out", str(out), *folders)
        if request.preset:
            yield f"--preset={request.preset}"
        yield from _options(_with_device(request.settings, request.device))

    def _check_teacher(self, request: DistillRequest) -> None:
        """Folders that the request does not name are those of the teacher's run, which may be anybody's."""
        run = self._models.run(request.model)
        found = read_yaml(run / "config.yaml") if run is not None else {}
        for name, given in {"a": request.a, "b": request.b, "test_a": "", "test_b": ""}.items():
            if found.get(name) and not given:
                self._places.path_of(self._places.id_of(Path(str(found[name]))))

    def _inspect(self, request: InspectRequest) -> Iterator[str]:
        yield from ("inspect", *(str(self._places.path_of(id)) for id in (request.a, request.b) if id), "--json")
        if request.medium:
            yield f"--domain={request.medium}"
        yield from _options({"domain": request.settings})

    def _folders(self, ids: Mapping[str, str]) -> Iterator[str]:
        for option, id in ids.items():
            if id:
                yield from (f"--{option}", str(self._places.path_of(id)))


def _as_clip(source: Place, facts: Facts | None, medium: str) -> str:
    """What the result is called where its kind of file cannot hold it: a clip that is not written as what it is read
    from, and a picture that moves, become MP4; else empty."""
    if source.is_folder or facts is None or source.path.suffix.lower() in CONTAINERS:
        return ""
    still = facts.frames < 2 and medium == "image" and is_picture_name(source.path.name)
    moves = facts.kind == "clip" or (facts.kind == "picture" and facts.frames > 1)
    return f"{source.path.stem}.mp4" if moves and not still else ""


def _resumed(run: Path, request: TrainRequest | DistillRequest) -> Iterator[str]:
    """Go on with a run. Its length is said anew, which may have been extended; one that is not makes no difference."""
    yield from ("train", "--out", str(run), "--resume")
    yield from _options({"training": length_of(request.settings)})


def _with_device(settings: Mapping[str, Any], device: str) -> dict[str, Any]:
    training = dict(settings.get("training", {}))
    return {**settings, "training": {"device": device, **training} if device != "auto" else training}


def _options(groups: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for group, settings in groups.items():
        for name, value in settings.items():
            yield f"--{group}.{name}={_text(value)}"


def _text(value: Any) -> str:
    """A value as it is typed."""
    return value if isinstance(value, str) else json.dumps(value)
