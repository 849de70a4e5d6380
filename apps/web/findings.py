"""What `unpaired inspect` found in the two sides of a training, as the page tells it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from unpaired.apps.web.words import Told, tell_readiness, with_names

_LISTED = 8
_PAIRS = ("near-duplicates", "duplicates")


@dataclass(frozen=True)
class Broken:
    """Files that cannot be used, for one reason."""

    reason: str
    names: tuple[str, ...]
    more: int
    """How many others there are."""


@dataclass(frozen=True)
class Look:
    """One folder."""

    name: str
    usable: int
    broken: tuple[Broken, ...]
    notes: tuple[str, ...]
    """What is to be said of it, a sentence each."""
    alike: tuple[tuple[str, str], ...]
    """Names of files that are the same, or nearly."""

    @property
    def broken_files(self) -> int:
        """How many files cannot be used."""
        return sum(len(each.names) + each.more for each in self.broken)


@dataclass(frozen=True)
class Findings:
    """Both of them, and what they come to."""

    verdict: Told
    looks: tuple[Look, ...]
    together: tuple[str, ...]

    @property
    def can_train(self) -> bool:
        """Whether a training would not be refused."""
        return self.verdict.mood != "bad"


def read_inspection(report: Mapping[str, Any], names: tuple[str, str]) -> Findings:
    """The findings in the JSON that `unpaired inspect A B` prints; `names` are those of the folders."""
    looks = tuple(_look(folder, name) for folder, name in zip(report.get("folders", ()), names, strict=False))
    together = tuple(with_names(_sentence(each), names) for each in report.get("together", ()))
    return Findings(tell_readiness(str(report.get("verdict", "")), names), looks, together)


def _look(folder: Mapping[str, Any], name: str) -> Look:
    facts = folder.get("facts", {})
    return Look(
        name=name,
        usable=int(folder.get("usable", 0)),
        broken=tuple(_by_reason(folder.get("broken", ()))),
        notes=tuple(_sentence(each) for each in folder.get("warnings", ())),
        alike=tuple(_pairs(facts))[:_LISTED],
    )


def _by_reason(broken: Any) -> Iterator[Broken]:
    names: dict[str, list[str]] = {}
    for each in broken:
        names.setdefault(str(each["reason"]), []).append(str(each["file"]).rpartition("/")[2])
    for reason, files in names.items():
        yield Broken(reason, tuple(files[:_LISTED]), max(0, len(files) - _LISTED))


def _pairs(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Pairs of names that the facts of a folder give as "a.png = b.png"."""
    for kind in _PAIRS:
        found = facts.get(kind)
        for example in found.get("examples", ()) if isinstance(found, Mapping) else ():
            first, sign, second = str(example).partition(" = ")
            if sign:
                yield first, second.partition(" = ")[0]


def _sentence(remark: str) -> str:
    """A remark without the term that it begins with, which is for programs."""
    term, colon, sentence = remark.partition(": ")
    return f"{sentence[:1].upper()}{sentence[1:]}" if colon and len(term) < 30 else remark
