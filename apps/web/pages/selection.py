"""Files that were chosen to be converted, and what can be made of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from unpaired.apps.web.choices import Choice, fits, fitting, takes_anything
from unpaired.apps.web.facts import Facts, Kind
from unpaired.apps.web.naming import kind_by_name
from unpaired.apps.web.places import Place
from unpaired.apps.web.site import Site


@dataclass(frozen=True)
class Chosen:
    """A file that is to be converted."""

    place: Place
    facts: Facts

    @property
    def id(self) -> str:
        """Of its place."""
        return self.place.id


async def choose(site: Site, id: str) -> Chosen:
    """A file, looked at; a folder is known by the names in it. Raises MissingFile."""
    place = site.places.place(id)
    if not place.is_folder:
        return Chosen(place, await site.looks.facts(place))
    kinds = [kind_by_name(each.name) for each in await asyncio.to_thread(site.places.below, id) if not each.is_folder]
    known: list[Kind] = [kind for kind in kinds if kind != "unknown"]
    return Chosen(place, Facts(max(known, key=known.count) if known else "unknown"))


def known(chosen: Chosen, choices: list[Choice]) -> Chosen:
    """A file that may be of an installed medium is no broken one."""
    foreign = chosen.facts.error and kind_by_name(chosen.place.name) == "unknown" and takes_anything(choices)
    return replace(chosen, facts=Facts("unknown")) if foreign else chosen


def shown(files: Sequence[Chosen], id: str) -> Chosen:
    """The file of that id; else the first that can be read."""
    named = next((each for each in files if each.id == id), None)
    return named or next((each for each in files if not each.facts.error), files[0])


def choices_for(current: Chosen, wanted: Choice | None, listed: list[Choice]) -> list[Choice]:
    """What can be made of the file that is shown."""
    if current.facts.error:
        return []
    if wanted is not None and wanted.do not in {each.do for each in listed}:  # a checkpoint that is tried
        listed = [wanted, *listed]
    return fitting(listed, {current.facts.kind})


def left_out(files: Sequence[Chosen], choice: Choice | None) -> list[Chosen]:
    """Files that can be read, and that a choice is not for."""
    return [each for each in files if choice is not None and not each.facts.error
            and not fits(choice, each.facts.kind)]  # fmt: skip


def left_out_words(files: Sequence[Chosen], choice: Choice | None) -> str:
    """A sentence on them; empty where there are none."""
    names = [each.place.name for each in left_out(files, choice)]
    if not names:
        return ""
    if len(names) == 1:
        return f"{names[0]} is of another kind and is left out: select it to see its models."
    return f"{len(names)} files are of another kind and are left out: select one to see its models."


def count_alike(files: Sequence[Chosen]) -> int:
    """How many files are converted whatever is chosen; 0 where that depends on the choice."""
    kinds = [each.facts.kind for each in files if not each.facts.error]
    return len(kinds) if len(set(kinds)) == 1 else 0


def nothing(current: Chosen) -> str:
    """Why there is nothing to choose."""
    if current.facts.error:
        return "This file cannot be read. Leave it out and choose another one."
    return "There is no model for files of this kind. Train one from two folders."
