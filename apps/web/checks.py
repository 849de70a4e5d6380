"""What can be told of a request at once: settings that cannot be, and folders that nothing can be learned from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, get_args

from unpaired import ConfigError, CycleSettings, NetworkSettings, TrainingSettings
from unpaired.apps import recipe
from unpaired.apps.run_settings import settings_of
from unpaired.apps.web.folders import walk
from unpaired.apps.web.foreign import faults_in, foreign_faults
from unpaired.apps.web.forms import MEDIA, PRESETS
from unpaired.apps.web.models import Models
from unpaired.apps.web.naming import kind_by_name
from unpaired.apps.web.places import Place, Places
from unpaired.apps.web.requests import (
    CompareRequest,
    ConvertRequest,
    DistillRequest,
    InspectRequest,
    Request,
    TrainRequest,
)
from unpaired.apps.web.sides import MOST, installed_media, look_at
from unpaired.core import show
from unpaired.core.adapter import find_domain

_OF_PICTURES = ("image", "video")
_INSTEAD = {
    "mask": "give its id as mask, beside settings",
    "known_cuts": "give its id as known_cuts, beside settings",
    "contact_sheet": "ask for contact_sheet beside settings: true",
}
"""What is said for settings that name files, and are asked in another way."""


def check(request: Request, models: Models, places: Places) -> None:
    """Refuse what its command would refuse when its turn comes, as far as that takes no look into files.

    Raises ConfigError with all faults, or MissingFile.
    """
    match request:
        case ConvertRequest():
            input = places.place(request.input)
            medium = converted_as(models.info(request.model).medium, input)
            faults = [*_of_kind(medium, input), *_of_conversion(medium, request.settings, request.mask)]
            faults += [*_of_pictures_alone(medium, request), *_of_footage_alone(medium, request, input)]
        case CompareRequest():
            input = places.place(request.input)
            media = [converted_as(models.info(model).medium, input) for model in request.models]
            faults = [fault for medium in dict.fromkeys(media) for fault in _of_kind(medium, input)]
            faults += [] if faults else _of_conversion(media[0], request.settings)
        case InspectRequest():
            faults = list(_of_medium(request.medium))
            if request.medium and not faults:
                faults += _of_groups(request.medium, {"domain": request.settings}, "", "settings")
        case TrainRequest():
            unknown = list(_of_medium(request.medium))
            faults = [*unknown, *_of_preset(request.preset), *_of_recipe(request), *_of_sides(request, places)]
            faults += _of_groups("" if unknown else request.medium, request.settings, request.objective)
        case DistillRequest():
            faults = [*_of_preset(request.preset), *_of_groups("", request.settings, "distill")]
    if faults:
        raise ConfigError(*faults)


def converted_as(medium: str, input: Place) -> str:
    """The medium whose settings hold: models of pictures translate footage, and the other way round."""
    if medium not in _OF_PICTURES or find_domain(medium)().convertible(input.path):
        return medium
    return "video" if input.is_folder else next(each for each in _OF_PICTURES if each != medium)


def _of_kind(medium: str, input: Place) -> Iterator[str]:
    """A model of voices is for no pictures, nor one of pictures for recordings, as far as names tell."""
    wrong, what = ("sound", "pictures and footage") if medium in _OF_PICTURES else ("picture", "voices and other sound")
    files = islice(walk(input.path), MOST) if input.is_folder else [input.path]
    kinds = {kind_by_name(each.name) for each in files}
    if not kinds:
        yield f"“{input.name}” is empty; choose a folder with files in it"
    elif kinds == {wrong} and medium in MEDIA:
        name = "recording" if wrong == "sound" else "picture"
        holds = f"holds {name}s alone" if input.is_folder else f"is a {name}"
        yield f"{input.name} {holds}, but the model is for {what}"


def _of_conversion(medium: str, settings: Mapping[str, Any], mask: str = "") -> Iterator[str]:
    if medium in MEDIA:
        kind = find_domain(medium).conversion_type
        yield from _naming_files(kind, settings)
        masked = {"mask": mask} if mask and medium in _OF_PICTURES else {}
        yield from faults_in(kind, {**settings, **masked}, "settings")
    elif settings:
        yield from foreign_faults(medium, "", [("conversion", "settings", settings)])


def _naming_files(kind: type[Any], settings: Mapping[str, Any]) -> Iterator[str]:
    """No request names a file, but by its id."""
    for each in settings_of(kind, "settings"):
        name = each.name.partition(".")[2]
        if Path in (each.kind, *get_args(each.kind)) and settings.get(name) is not None:
            instead = _INSTEAD.get(name, "leave it out")
            yield f"{each.name} names a file, which no request does; {instead}"


def _of_pictures_alone(medium: str, request: ConvertRequest) -> Iterator[str]:
    for name in ("mask", "layout", "burn_in"):
        if getattr(request, name) and medium not in _OF_PICTURES:
            yield f"{name} is for pictures and footage; leave it out"


def _of_footage_alone(medium: str, request: ConvertRequest, input: Place) -> Iterator[str]:
    for name in ("known_cuts", "contact_sheet"):
        if getattr(request, name) and (medium != "video" or input.is_folder):
            yield f"{name} is for a clip; leave it out"


def _of_medium(medium: str) -> Iterator[str]:
    known = [*installed_media(), "tensors"]
    if medium and medium not in known:
        yield f"medium is {show(medium)}; expected one of {', '.join(known)}"


def _of_preset(preset: str) -> Iterator[str]:
    known = [each.key for each in PRESETS]
    if preset and preset not in known:
        yield f"preset is {show(preset)}; expected one of {', '.join(known)}"


def _of_recipe(request: TrainRequest) -> Iterator[str]:
    if request.recipe:
        try:
            recipe.read(request.recipe, request.medium)
        except ConfigError as error:
            yield from error.faults


def _of_sides(request: TrainRequest, places: Places) -> Iterator[str]:
    a, b = places.place(request.a), places.place(request.b)
    if request.medium in MEDIA:
        for letter, side in (("A", look_at("a", a)), ("B", look_at("b", b))):
            if side.fault:
                yield f"{letter}: {side.fault}"
    if a.path.resolve() == b.path.resolve():
        yield "A and B are the same folder: there is nothing to learn; choose another one for one of them"


def _of_groups(medium: str, groups: Mapping[str, Any], objective: str, root: str = "") -> Iterator[str]:
    """Faults of groups of settings; `medium` is empty where it is not known, `root` is the name of the medium's group
    where that is the only one."""
    types: dict[str, type[Any]] = {"training": TrainingSettings, "networks": NetworkSettings}
    if medium in MEDIA:
        types["domain"] = find_domain(medium).settings_type
    if objective in ("", "cycle") and (not medium or medium in MEDIA):
        types["objective"] = CycleSettings
    foreign = []
    for name, settings in groups.items():
        where = root or f"settings.{name}"
        if name in types:
            yield from faults_in(types[name], settings, where)
        elif settings and (medium or name == "objective"):
            foreign.append((name, where, settings))
    if foreign:
        yield from foreign_faults(medium, objective or "cycle", foreign)
