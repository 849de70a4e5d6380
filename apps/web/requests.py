"""What can be asked of the queue, and the command line that does it.

A request holds ids, words and numbers. None of its texts may hold a path: a file is named by its id, and a setting
whose text has a separator in it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from unpaired import ConfigError
from unpaired.apps.web.jobs import JobKind
from unpaired.core import show
from unpaired.core.settings import from_mapping

_TEXT = re.compile(r"[\w .,+()-]{0,80}")
_TITLE = re.compile(r"(?![-.])[\w .,+()-]{0,80}")
_SIDE = re.compile(r"(?!-)[^\x00-\x1f\x7f-\x9f\u2028\u2029/\\]{0,80}")
"""What a side is called: a label in pictures and sentences, never part of a path."""
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,40}")
_SETTING = re.compile(r"[a-z][a-z0-9_]{0,60}")
_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d{1,2})?")
_NO_TITLE = "name is {}; expected letters, digits, spaces and . , + - ( )"
GROUPS = ("training", "domain", "objective", "networks")

Direction = Literal["a2b", "b2a"]


@dataclass(frozen=True)
class ConvertRequest:
    """A file, or a folder with everything in it, through a model."""

    input: str
    """Id of a file or folder."""
    model: str
    """Id of a model."""
    direction: Direction = "a2b"
    """a2b or b2a."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the conversion by name, such as strength (0 to 1), or start and end (seconds) of a clip."""
    mask: str = ""
    """Id of a picture (for footage also of a clip) that is white where the translation is to show; empty for all of
    it."""
    layout: Literal["", "side-by-side", "wipe"] = ""
    """Of pictures and footage: the result beside its original, or one picture with a part of each; empty for the result
    alone."""
    burn_in: bool = False
    """Of pictures and footage: write the names of both into it, and the timecode."""
    known_cuts: str = ""
    """Of footage: id of a file of cuts, an edit list (EDL, CMX 3600) or a moment a line; empty for none."""
    contact_sheet: bool = False
    """Of a clip: make a picture too, with the first, middle and last frame of each shot, before and after."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:N or mps."""

    def __post_init__(self) -> None:
        _refuse(*_faults_of_settings(self.settings, "settings"), *_faults_of_device(self.device))


@dataclass(frozen=True)
class CompareRequest:
    """What several models make of the same file."""

    input: str
    """Id of a file or folder."""
    models: tuple[str, ...]
    """Ids of models, 1 to 8."""
    direction: Direction = "a2b"
    """a2b or b2a."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """As of a conversion."""
    layout: Literal["grid", "wipe"] = "grid"
    """Of footage: pictures beside each other, or one picture with a moving strip of each."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:N or mps."""

    def __post_init__(self) -> None:
        number = [] if 1 <= len(self.models) <= 8 else [f"models names {len(self.models)}; expected 1 to 8"]
        _refuse(*number, *_faults_of_settings(self.settings, "settings"), *_faults_of_device(self.device))


@dataclass(frozen=True)
class TrainRequest:
    """Two folders to a model."""

    a: str
    """Id of the folder of side A."""
    b: str
    """Id of the folder of side B."""
    name: str = ""
    """What the run is called; a folder of that name is made in `runs`."""
    medium: str = "image"
    """image, video, audio, or an installed one."""
    preset: str = ""
    """tiny, small or base; empty for the medium's own."""
    names: tuple[str, str] | None = None
    """What the sides are called."""
    test_a: str = ""
    """Id of a folder of files of A to score by; empty to hold some out."""
    test_b: str = ""
    """The same for B."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Groups of settings by name: {"training": {"minutes": 30}, "domain": {"size": 128}}."""
    objective: str = ""
    """Name of the objective; empty for the usual one."""
    recipe: str = ""
    """Name of a recipe, whose settings go below those given; empty for none."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:N or mps."""

    def __post_init__(self) -> None:
        faults = [] if _TITLE.fullmatch(self.name) else [_NO_TITLE.format(show(self.name))]
        faults += [f"names has {show(each)}; expected a name without slashes, that does not begin with -"
                   for each in self.names or () if not _SIDE.fullmatch(each)]  # fmt: skip
        faults += _faults_of_names(medium=self.medium, preset=self.preset, objective=self.objective, recipe=self.recipe)
        _refuse(*faults, *_faults_of_groups(self.settings), *_faults_of_device(self.device))


@dataclass(frozen=True)
class DistillRequest:
    """A small model that does what a larger one does."""

    model: str
    """Id of the teacher."""
    name: str = ""
    """What the run is called."""
    a: str = ""
    """Id of the folder of side A; empty for that of the teacher's run."""
    b: str = ""
    """The same for B."""
    preset: str = ""
    """tiny, small or base; empty for tiny."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """As of a training."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:N or mps."""

    def __post_init__(self) -> None:
        faults = [] if _TITLE.fullmatch(self.name) else [_NO_TITLE.format(show(self.name))]
        faults += _faults_of_names(preset=self.preset)
        _refuse(*faults, *_faults_of_groups(self.settings), *_faults_of_device(self.device))


@dataclass(frozen=True)
class InspectRequest:
    """What a folder, or two, or a file holds, and what it means for training."""

    a: str
    """Id of a folder or file."""
    b: str = ""
    """Id of the folder of the other side."""
    medium: str = ""
    """image, video, audio, or an installed one; empty to tell by the names of the files."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the medium by name, such as size: those of the training that the folders are for."""

    def __post_init__(self) -> None:
        _refuse(*_faults_of_names(medium=self.medium), *_faults_of_settings(self.settings, "settings"))


Request = ConvertRequest | CompareRequest | TrainRequest | DistillRequest | InspectRequest
REQUESTS: Mapping[JobKind, type[Request]] = {
    JobKind.CONVERT: ConvertRequest,
    JobKind.COMPARE: CompareRequest,
    JobKind.TRAIN: TrainRequest,
    JobKind.DISTILL: DistillRequest,
    JobKind.INSPECT: InspectRequest,
}


def read_request(kind: JobKind, given: Any) -> Request:
    """A request from plain values, such as a JSON body. Raises ConfigError with all its faults."""
    if not isinstance(given, Mapping):
        raise ConfigError(f"the request is {show(given)}; expected an object")
    return from_mapping(REQUESTS[kind], given)


def _refuse(*faults: str) -> None:
    if faults:
        raise ConfigError(*faults)


def _faults_of_names(**given: str) -> list[str]:
    """Faults of names of something installed, which may be empty."""
    return [f"{what} is {show(name)}; expected a name" for what, name in given.items()
            if name and not _NAME.fullmatch(name)]  # fmt: skip


def _faults_of_device(device: str) -> list[str]:
    return [] if _DEVICE.fullmatch(device) else [f"device is {show(device)}; expected auto, cpu, cuda, cuda:N or mps"]


def _faults_of_groups(groups: Mapping[str, Any]) -> list[str]:
    if not isinstance(groups, Mapping):
        return [f"settings is {show(groups)}; expected groups of settings by name"]
    faults = []
    for name, settings in groups.items():
        if name not in GROUPS:
            faults.append(f"settings has {show(name)}; expected one of {', '.join(GROUPS)}")
        else:
            faults += _faults_of_settings(settings, f"settings.{name}")
    return faults


def _faults_of_settings(settings: Mapping[str, Any], where: str) -> list[str]:
    """What is wrong with the form of settings; their values are judged by the command."""
    if not isinstance(settings, Mapping):
        return [f"{where} is {show(settings)}; expected settings by name"]
    faults = []
    for name, value in settings.items():
        if not _SETTING.fullmatch(str(name)):
            faults.append(f"{where} has {show(name)}; expected the name of a setting")
            continue
        for each in value if isinstance(value, list | tuple) else [value]:
            plain = each is None or isinstance(each, bool | int | float)
            if not plain and not (isinstance(each, str) and _TEXT.fullmatch(each) and ".." not in each):
                faults.append(f"{where}.{name} is {show(value)}; expected a number, a word, or a list of these")
                break
    return faults
