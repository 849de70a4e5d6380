"""The page /: files to convert, what to make of them, and a preview."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from unpaired import ConfigError, MediaError, UnpairedError
from unpaired.apps.web.bodies import read_form
from unpaired.apps.web.checks import converted_as
from unpaired.apps.web.choices import Choice, all_choices, choice_of, choice_or_none, cuts
from unpaired.apps.web.errors import status_of
from unpaired.apps.web.estimates import estimate, work
from unpaired.apps.web.facts import Facts
from unpaired.apps.web.jobs import Job, JobKind, JobState
from unpaired.apps.web.machine import slowdown
from unpaired.apps.web.more import PREFIX, fields, filled_in, has_shots, takes_masks
from unpaired.apps.web.pages.selection import (
    Chosen,
    choices_for,
    choose,
    count_alike,
    known,
    left_out,
    left_out_words,
    nothing,
    shown,
)
from unpaired.apps.web.places import Place
from unpaired.apps.web.rendering import html, render
from unpaired.apps.web.site import Site, site_of
from unpaired.apps.web.views import file_url
from unpaired.apps.web.wording import duration, facts_in_words

MOST_FILES = 500
_LEARNED_FROM = 60
"""Newest conversions that estimates look at."""


@dataclass(frozen=True)
class Asked:
    """What the address of the page, or its form, says."""

    files: tuple[str, ...] = ()
    do: str = ""
    show: str = ""
    strength: int = 100
    start: float | None = None
    end: float | None = None
    pitch: str = "auto"
    beside: str = ""
    """What is there already: another model is wanted, to compare with it."""
    more: tuple[tuple[str, str], ...] = ()
    """What was filled in behind "more", by name."""

    @classmethod
    def of(cls, given: Sequence[tuple[str, str]]) -> Asked:
        """Read pairs of names and values; what is nonsense is left out."""
        single = dict(given)
        files = tuple(dict.fromkeys(value for name, value in given if name == "file" and value))[:MOST_FILES]
        strength = _number(single.get("strength", ""))
        return cls(
            files,
            single.get("do", ""),
            single.get("show", ""),
            100 if strength is None else round(min(100.0, max(0.0, strength))),
            _number(single.get("start", "")),
            _number(single.get("end", "")),
            "keep" if single.get("pitch") == "keep" else "auto",
            single.get("beside", ""),
            tuple((name.removeprefix(PREFIX), value) for name, value in single.items()
                  if name.startswith(PREFIX) and value.strip()),
        )  # fmt: skip

    def link(self, **changes: Any) -> str:
        """The address of the page with changes."""
        new = replace(self, **changes)
        pairs: list[tuple[str, Any]] = [("file", id) for id in new.files]
        pairs += [(name, value) for name in ("do", "show", "beside") if (value := getattr(new, name))]
        pairs += [("strength", new.strength)] if new.strength != 100 else []
        pairs += [(name, value) for name in ("start", "end") if (value := getattr(new, name)) is not None]
        pairs += [("pitch", "keep")] if new.pitch == "keep" else []
        pairs += [(f"{PREFIX}{name}", value) for name, value in new.more]
        return f"/?{urlencode(pairs)}" if pairs else "/"

    def settings(self, facts: Facts, medium: str = "") -> dict[str, Any]:
        """The settings of a conversion of such a file, those that are as usual left out; `medium`: of the model."""
        found: dict[str, Any] = {"strength": self.strength / 100} if self.strength != 100 else {}
        if cuts(medium, facts.kind) and len(self.files) < 2:  # from and to are of one file
            if self.start:
                found["start"] = self.start
            if self.end is not None and self.end <= facts.seconds - _step(facts) + 1e-6:  # not its last moment
                found["end"] = self.end
        if facts.kind == "sound" and self.pitch == "keep":
            found["pitch"] = "keep"
        return found

    def seconds(self, facts: Facts, medium: str = "") -> float:
        """Seconds of a clip or a recording that are wanted."""
        if len(self.files) > 1 or not cuts(medium, facts.kind):
            return facts.seconds
        return max(0.0, min(self.end or facts.seconds, facts.seconds) - (self.start or 0.0))


async def page(request: Request) -> Response:
    """The page: without files, the place to drop them."""
    asked = Asked.of(request.query_params.multi_items())
    return await show(request, asked)


async def submit(request: Request) -> Response:
    """A job for each file; the page leads on to it, or to the queue."""
    site, asked = site_of(request), Asked.of(await read_form(request))
    try:
        choice = choice_of(site.models, asked.do)
        usable = await _usable(site, asked, choice)
        jobs = [await _submit(site, asked, choice, each) for each in usable]
    except UnpairedError as error:
        return await show(request, asked, site.places.redact(str(error)), status_of(error))
    beside = f"?{urlencode({'beside': asked.beside})}" if asked.beside else ""
    return RedirectResponse(f"/jobs/{jobs[0].id}{beside}" if len(jobs) == 1 else "/queue", 303)


async def _usable(site: Site, asked: Asked, choice: Choice) -> list[Chosen]:
    """The files that were asked for, without those that cannot be read or that the choice is not for. Raises
    UnpairedError if none is left."""
    if not asked.files:
        raise ConfigError("no file was chosen")
    listed = all_choices(site.models)
    files = [known(await choose(site, id), listed) for id in asked.files]
    readable = [each for each in files if not each.facts.error]
    if not readable:
        raise MediaError(files[0].facts.error)
    others = left_out(readable, choice)
    if len(others) == len(readable):
        raise ConfigError(left_out_words(readable, choice))
    return [each for each in readable if each not in others]


async def _submit(site: Site, asked: Asked, choice: Choice, chosen: Chosen) -> Job:
    more = filled_in(converted_as(choice.medium, chosen.place), dict(asked.more))
    request = {
        **more,
        "input": chosen.id,
        "model": choice.model,
        "direction": choice.direction,
        "settings": {**asked.settings(chosen.facts, choice.medium), **more.get("settings", {})},
    }
    return await site.queue.submit(JobKind.CONVERT, request)


async def show(request: Request, asked: Asked, fault: str = "", status: int = 200) -> Response:
    """The page as it was asked for; files that went away are left out, and that is said."""
    site, files = site_of(request), list[Chosen]()
    listed = all_choices(site.models)
    for id in asked.files:
        try:
            files.append(known(await choose(site, id), listed))
        except UnpairedError as error:
            fault = fault or site.places.redact(str(error))
    wanted, missing = _wanted(site, asked.do)
    fault = fault or missing
    asked = replace(asked, files=tuple(each.id for each in files))
    browse = f"/browse?{urlencode({'then': asked.link()})}" if site.settings.roots else ""
    if not files:
        return render(request, "start.html", status, page="convert", fault=fault, chosen=wanted,
                      choices=listed, drop_to=asked.link(), browse=browse)  # fmt: skip
    current = shown(files, asked.show)
    choices = choices_for(current, wanted, listed)
    picked = _picked(asked, choices)
    values = {
        "files": [_file(each, asked) for each in files],
        "current": _file(current, asked),
        "choices": [
            {**_choice(each), "preview": _preview(current, each), "cuts": cuts(each.medium, current.facts.kind)}
            for each in choices
        ],
        "chosen": picked and _choice(picked),
        "view": _view(current, picked),
        "strip": _strip(current, asked),
        "strength": asked.strength,
        "pitch": asked.pitch,
        **_more(site, asked, current, picked),
        "beside": asked.beside,
        "estimate": _estimate(site, asked, files, picked),
        "nothing": nothing(current),
        "count": count_alike(files),
        "without": asked.link(files=tuple(each.id for each in files if each is not current), show=""),
    }
    return render(
        request, "convert.html", status, page="convert", fault=fault, add_to=asked.link(), browse=browse, **values
    )


def _more(site: Site, asked: Asked, current: Chosen, picked: Choice | None) -> dict[str, Any]:
    """What is behind "more" for that file and that choice."""
    medium, given = (converted_as(picked.medium, current.place) if picked else ""), dict(asked.more)
    asks = {"mask": takes_masks(medium), "known_cuts": has_shots(medium)}
    beside: dict[str, Place | None] = {name: None for name, offered in asks.items() if offered}
    for name in beside:
        with suppress(UnpairedError):  # it went away
            beside[name] = site.places.place(given[name]) if given.get(name) else None
    usual, rare = fields(medium)
    return {"usual": usual, "rare": rare, "filled": {f"{PREFIX}{name}": text for name, text in asked.more},
            "beside_files": beside}  # fmt: skip


async def more(request: Request) -> Response:
    """What is behind "more", once another choice was made."""
    site, asked = site_of(request), Asked.of(request.query_params.multi_items())
    files = [await choose(site, id) for id in asked.files]
    current, picked = shown(files, asked.show) if files else None, choice_or_none(site.models, asked.do)
    return render(request, "convert_more.html", **(_more(site, asked, current, picked) if current else {}))


def _wanted(site: Site, do: str) -> tuple[Choice | None, str]:
    """What was asked for, if anything was, or why it is not there (any more)."""
    try:
        return (choice_of(site.models, do) if do else None), ""
    except UnpairedError as error:
        return None, site.places.redact(str(error))


def _picked(asked: Asked, choices: Sequence[Choice]) -> Choice | None:
    """What was asked for; else the likeliest, or beside what there is already another model that does the same."""
    named = next((each for each in choices if each.do == asked.do), None)
    there = next((each for each in choices if each.do == asked.beside), None)
    if named is not None or there is None:
        return named or next(iter(choices), None)
    others = [each for each in choices if each.model != there.model] or choices
    alike = [each for each in others if each.words == there.words]
    return (alike or [each for each in others if each.direction == there.direction] or others)[0]


def _choice(choice: Choice) -> dict[str, Any]:
    names = ("do", "words", "hint", "medium", "before", "after")
    return {name: getattr(choice, name) for name in names}


def _file(chosen: Chosen, asked: Asked) -> dict[str, Any]:
    place, facts = chosen.place, chosen.facts
    thumb = "" if place.is_folder or facts.kind == "unknown" else f"/look/{place.id}/thumb.jpg"
    said = "a folder with everything in it" if place.is_folder else facts_in_words(facts, place.size)
    return {"id": place.id, "name": place.name, "kind": facts.kind, "error": facts.error, "thumb": thumb, "said": said,
            "show": asked.link(show=place.id)}  # fmt: skip


def _view(chosen: Chosen, picked: Choice | None) -> Mapping[str, Any] | None:
    """What is looked at or listened to."""
    place, facts = chosen.place, chosen.facts
    if facts.error or place.is_folder or facts.kind == "unknown":
        return None
    look = f"/look/{place.id}"
    if facts.kind == "sound":
        version = {"label": "Before", "short": "Before", "url": file_url(place), "instead": f"/play/{place.id}/copy",
                   "spectrum": f"{look}/spectrum.png", "pitch": f"{look}/pitch.svg"}  # fmt: skip
        return {"kind": "sound", "seconds": facts.shown, "versions": [version]}
    return {
        "kind": facts.kind,
        "width": facts.width,
        "height": facts.height,
        "source": f"{look}/reduced.png",
        "preview": _preview(chosen, picked) if picked else "",
    }


def _strip(chosen: Chosen, asked: Asked) -> Mapping[str, Any] | None:
    """All of a clip or a recording from left to right, to choose a part of it; None of several files."""
    place, facts = chosen.place, chosen.facts
    if len(asked.files) > 1 or facts.error or facts.kind not in ("clip", "sound") or not facts.seconds:
        return None
    seconds = round(facts.seconds, 3)
    end = seconds if asked.end is None else min(asked.end, seconds)
    return {"kind": facts.kind, "picture": f"/look/{place.id}/strip.jpg", "seconds": seconds, "step": _step(facts),
            "start": asked.start or 0, "end": end}  # fmt: skip


def _step(facts: Facts) -> float:
    """Seconds by which a part can be chosen: a frame, or a hundredth."""
    if facts.kind == "sound" or not facts.rate:
        return 0.01 if facts.kind == "sound" else 0.04
    return int(1e6 / facts.rate) / 1e6  # not rounded up, or the last step would lie beyond the end


def _preview(chosen: Chosen, choice: Choice) -> str:
    """The address of what a choice makes of the reduced file."""
    shown = chosen.facts.kind in ("picture", "clip") and choice.medium in ("image", "video")
    return f"/preview/{chosen.id}/{quote(choice.do)}" if shown else ""


async def estimated(request: Request) -> Response:
    """The sentence below the button, as the form is filled in."""
    site, asked = site_of(request), Asked.of(request.query_params.multi_items())
    files = [await choose(site, id) for id in asked.files]
    return html(_estimate(site, asked, files, choice_or_none(site.models, asked.do)))


def _estimate(site: Site, asked: Asked, files: Sequence[Chosen], picked: Choice | None) -> str:
    others = left_out(files, picked)
    usable = [each for each in files if not (each.facts.error or each.place.is_folder or each in others)]
    if picked is None or not usable:
        return ""
    done = [job for job in site.queue.newest(_LEARNED_FROM, None, (JobState.DONE,))
            if job.kind is JobKind.CONVERT and job.request.get("model") == picked.model]  # fmt: skip
    earlier = [(job, amount, facts) for job in done for amount, facts in _done(site, job)]
    total, busy = 0.0, slowdown()
    for each in usable:
        alike = [(job, amount) for job, amount, facts in earlier if facts.kind == each.facts.kind]
        total += estimate(each.facts, work(each.facts, asked.seconds(each.facts, picked.medium)), alike, busy)
    return " · ".join(filter(None, [f"About {duration(total)}", left_out_words(files, picked)]))


def _done(site: Site, job: Job) -> list[tuple[float, Facts]]:
    """The work of a conversion that is through, where its file is still known."""
    try:
        place = site.places.place(str(job.request.get("input", "")))
    except UnpairedError:
        return []
    facts = None if place.is_folder else site.looks.known(place)
    if facts is None or facts.error:
        return []
    settings = job.request.get("settings", {})
    seconds = settings.get("end", facts.seconds) - settings.get("start", 0.0)
    return [(work(facts, seconds), facts)]


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if 0 <= found < 1e7 else None


ROUTES = [
    Route("/", page, methods=["GET"]),
    Route("/convert", submit, methods=["POST"]),
    Route("/convert/estimate", estimated, methods=["GET"]),
    Route("/convert/more", more, methods=["GET"]),
]
