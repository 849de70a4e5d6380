"""The page /train/new: two sides, what is in them, and how long to learn from them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unpaired import ConfigError, MissingFile, UnknownName, UnpairedError
from unpaired.apps.web import forms
from unpaired.apps.web.bodies import read_form
from unpaired.apps.web.findings import Findings, read_inspection
from unpaired.apps.web.jobs import Job, JobKind, JobState
from unpaired.apps.web.places import Place
from unpaired.apps.web.rendering import render
from unpaired.apps.web.sides import Letter, Side, fault_of_pair, installed_media, look_at, usual_name
from unpaired.apps.web.site import Site, site_of
from unpaired.apps.web.views import report_of

_LETTERS: tuple[Letter, ...] = ("a", "b")
_UNNAMED: Mapping[Letter, str] = {"a": "the first kind", "b": "the other kind"}
"""What sides are called that nobody named."""

_FORGOTTEN = "That training was removed from the queue, and its settings with it: this form is filled in as usual."


async def page(request: Request) -> Response:
    """The form; `again` names a training to take everything over from."""
    site = site_of(request)
    again = request.query_params.get("again", "")
    asked = _asked_before(site, again)
    names = list(asked.get("names") or ("", ""))
    sides = [await _side(site, letter, str(asked.get(letter, "")), name)
             for letter, name in zip(_LETTERS, names, strict=True)]  # fmt: skip
    medium = _medium(sides, asked)
    listed = await asyncio.to_thread(forms.groups, medium)
    values = {"media": installed_media(), "medium": medium, "groups": listed, **_choices(asked)}
    values |= {
        "inspected": None,
        "sides": [(each, _pictures(site, each)) for each in sides],
        "own_folders": bool(site.settings.roots),
        "fault": "" if asked or not again else _FORGOTTEN,
    }
    return render(request, "new_training.html", page="train", **values)


def _asked_before(site: Site, id: str) -> Mapping[str, Any]:
    try:
        return site.queue.job(id).request if id else {}
    except UnpairedError:
        return {}


def _medium(sides: list[Side], asked: Mapping[str, Any]) -> str:
    return str(asked.get("medium", "")) or next((side.medium for side in sides if side.medium), "image")


def _choices(asked: Mapping[str, Any]) -> dict[str, Any]:
    settings = asked.get("settings") or {}
    minutes = float((settings.get("training") or {}).get("minutes") or 0)
    known = {each.minutes: each.key for each in forms.LENGTHS}
    length = known.get(minutes, "own") if minutes else forms.USUAL_LENGTH
    return {
        "lengths": forms.LENGTHS,
        "length": length,
        "hours": f"{round(minutes / 60, 3):g}" if length == "own" else "",
        "presets": forms.PRESETS,
        "preset": asked.get("preset") or forms.USUAL_PRESET,
        "tasks": forms.TASKS,
        "recipe": asked.get("recipe", ""),
        "details": forms.DETAILS,
        "detail": str((settings.get("domain") or {}).get("size", forms.USUAL_DETAIL)),
        "filled": {f"{group}.{name}": value for group, own in settings.items() for name, value in own.items()},
    }


# -- the sides --------------------------------------------------------------------------------------
async def side(request: Request) -> Response:
    """One side, with the folder that was chosen or filled."""
    site, query = site_of(request), request.query_params
    letter: Letter = "b" if query.get("side") == "b" else "a"
    name = query.get(f"name_{letter}", "")
    if name == _usual_name(site, query.get(letter, "")):  # the former folder's, typed by nobody
        name = ""
    shown = await _side(site, letter, query.get("place", ""), name)
    values: dict[str, Any] = {
        "side": shown,
        "pictures": _pictures(site, shown),
        "own_folders": bool(site.settings.roots),
    }
    answer = render(request, "new_training_side.html", **values)
    answer.headers["hx-trigger-after-swap"] = "sides"
    return answer


async def folders(request: Request) -> Response:
    """Folders below the declared ones, to choose one for a side."""
    site, query = site_of(request), request.query_params
    letter, id = ("b" if query.get("side") == "b" else "a"), query.get("id", "")
    listed = await asyncio.to_thread(site.places.below, id)
    here = site.places.place(id) if id else None
    above = site.places.parent(here) if here is not None else None
    inside = [each for each in listed if each.is_folder]
    values: dict[str, Any] = {"letter": letter, "here": here, "above": above, "listed": inside}
    values["files"] = len(listed) - len(inside)
    return render(request, "new_training_folders.html", **values)


async def _side(site: Site, letter: Letter, id: str, name: str) -> Side:
    if not id:
        return Side(letter, name=name)
    try:
        place = site.places.place(id)
    except MissingFile as error:
        return Side(letter, name=name, fault=str(error))
    return await asyncio.to_thread(look_at, letter, place, name)


def _usual_name(site: Site, id: str) -> str:
    """What a side with that folder is called; empty without one."""
    try:
        return usual_name(site.places.place(id)) if id else ""
    except MissingFile:
        return ""


def _pictures(site: Site, side: Side) -> list[Place]:
    """Some of the files of a side, to be shown."""
    return [site.places.at(path) for path in side.shown]


# -- what is in them --------------------------------------------------------------------------------
@dataclass(frozen=True)
class Inspected:
    """What `unpaired inspect` says of both sides, as far as it has come."""

    job: Job | None = None
    findings: Findings | None = None
    fault: str = ""
    alike: tuple[tuple[Place, Place], ...] = ()
    """Pairs of files that are the same, or nearly."""


async def findings(request: Request) -> Response:
    """Have both sides looked at, and show what was found as soon as it is there."""
    site, given = site_of(request), dict(await read_form(request))
    sides = [await _side(site, letter, given.get(letter, ""), given.get(f"name_{letter}", "")) for letter in _LETTERS]
    if any(each.place is None for each in sides):
        return render(request, "new_training_findings.html", inspected=None)
    fault = "" if given.get("medium", "") not in forms.MEDIA else fault_of_pair(*sides)
    if fault:
        return render(request, "new_training_findings.html", inspected=Inspected(fault=fault))
    asked: dict[str, Any] = {"a": given["a"], "b": given["b"], "medium": given.get("medium", "")}
    if (detail := given.get("detail", "")).isdigit() and asked["medium"] in forms.WITH_DETAIL:
        asked["settings"] = {"size": detail}
    job = _same_inspection(site, asked) or await site.queue.submit(JobKind.INSPECT, asked)
    return await _inspected(request, job, given)


async def inspection(request: Request) -> Response:
    """The same of an inspection that was asked for already."""
    job = site_of(request).queue.job(request.path_params["job"])
    return await _inspected(request, job, dict(request.query_params))


async def _inspected(request: Request, job: Job, given: Mapping[str, str]) -> Response:
    site = site_of(request)
    if job.state is JobState.DONE:
        places = [site.places.place(str(job.request[letter])) for letter in _LETTERS]
        found = read_inspection(report_of(site, job), (_name(places[0], "a", given), _name(places[1], "b", given)))
        inspected = Inspected(job, found, alike=tuple(_alike(site, places, found)))
    elif job.state.ended:
        inspected = Inspected(job, fault=job.error or "The look at the files was ended.")
    else:
        inspected = Inspected(job)
    return render(request, "new_training_findings.html", inspected=inspected)


def _name(place: Place, letter: Letter, given: Mapping[str, str]) -> str:
    """What a side is called in sentences."""
    return given.get(f"name_{letter}", "").strip() or usual_name(place) or _UNNAMED[letter]


def _alike(site: Site, places: list[Place], found: Findings) -> Iterator[tuple[Place, Place]]:
    for place, look in zip(places, found.looks, strict=False):
        for names in look.alike:
            first, second = (place.path / name for name in names)
            if first.is_file() and second.is_file():
                yield site.places.at(first), site.places.at(second)


def _same_inspection(site: Site, asked: Mapping[str, Any]) -> Job | None:
    """An inspection of the same folders that goes on, or has just ended well."""
    for job in site.queue.newest(20):
        good = not job.state.ended or job.state is JobState.DONE
        if job.kind is JobKind.INSPECT and good and dict(job.request) == dict(asked):
            return job
    return None


async def more(request: Request) -> Response:
    """All settings of a medium."""
    medium = request.query_params.get("medium", "image")
    listed = await asyncio.to_thread(forms.groups, medium)
    return render(request, "new_training_more.html", groups=listed, filled={})


# -- beginning --------------------------------------------------------------------------------------
async def start(request: Request) -> Response:
    """Put the training into the queue, or say all that is wrong."""
    site, given = site_of(request), dict(await read_form(request))
    try:
        asked = await _request(site, given)
        job = await site.queue.submit(JobKind.TRAIN, asked)
    except UnpairedError as error:
        faults = error.faults if isinstance(error, ConfigError) else (str(error),)
        said = [site.places.redact(fault) for fault in faults]
        return render(request, "new_training_faults.html", faults=said, once=given.get("a") and given.get("b"))
    return Response(status_code=204, headers={"hx-redirect": f"/train/{job.id}"})


async def _request(site: Site, given: Mapping[str, str]) -> dict[str, Any]:
    """What the queue is asked for. Raises ConfigError with all that is wrong."""
    medium, faults = given.get("medium", ""), []
    if medium not in installed_media():
        raise UnknownName("Say what is in the folders: pictures, footage, or voices and sound.")
    sides = [await _side(site, letter, given.get(letter, ""), given.get(f"name_{letter}", "")) for letter in _LETTERS]
    if medium in forms.MEDIA and (fault := fault_of_pair(*sides)):
        faults.append(fault)
    minutes = forms.minutes_of(given.get("length", ""), given.get("hours", ""))
    if minutes is None:
        faults.append("Say how long it may take: choose a time, or give hours as a number above 0.")
    if forms.preset_of(given.get("preset", "")) is None:
        faults.append("Choose how fine the model is to be.")
    listed = await asyncio.to_thread(forms.groups, medium)
    settings, wrong = forms.filled_in(listed, given)
    if faults or wrong:
        raise ConfigError(*faults, *wrong)
    settings.setdefault("training", {})["minutes"] = str(minutes)
    detail = given.get("detail", "")
    if detail and medium in forms.WITH_DETAIL:
        settings.setdefault("domain", {}).setdefault("size", detail)
    names = [given.get(f"name_{each.letter}", "").strip() or each.name or _UNNAMED[each.letter] for each in sides]
    plain = [forms.plain_name(each) or letter.upper() for each, letter in zip(names, _LETTERS, strict=True)]
    return {
        "a": given["a"],
        "b": given["b"],
        "medium": medium,
        "preset": given["preset"],
        "recipe": given.get("recipe", "") if medium in forms.WITH_DETAIL else "",
        "name": f"{plain[0]} and {plain[1]}",
        "names": names if names[0] != names[1] else None,
        "settings": settings,
    }


ROUTES = [
    Route("/train", start, methods=["POST"]),
    Route("/train/new", page, methods=["GET"]),
    Route("/train/new/side", side, methods=["GET"]),
    Route("/train/new/folders", folders, methods=["GET"]),
    Route("/train/new/findings", findings, methods=["POST"]),
    Route("/train/new/findings/{job}", inspection, methods=["GET"]),
    Route("/train/new/more", more, methods=["GET"]),
]
