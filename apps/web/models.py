"""Models by id: those that are shipped, runs, and model files below the declared folders."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from unpaired import MissingFile, UnpairedError
from unpaired.apps.web.places import NoSuchPlace, Places
from unpaired.apps.web.settings import WebSettings
from unpaired.core.model import read_header, shipped_file, shipped_models

_AT = re.compile(r"best|latest|\d{1,12}")
_IN_WORDS = re.compile(r"^\*\*In words\.\*\* (.+) \(a2b\), (.+) \(b2a\)\.$", re.MULTILINE)
_PHRASES = {"a2b": "turn {0} into {1}", "b2a": "turn {1} into {0}"}
_Facts = tuple[str, tuple[str, str], tuple[str, ...]]
"""Medium, names of the sides, directions."""


@dataclass(frozen=True)
class ModelInfo:
    """A model that files can be converted with."""

    id: str
    """Its name if it is shipped, else the id of its file or run; `ID@best` and `ID@STEP` are models of a run."""
    name: str
    medium: str
    """`image`, `video`, `audio`, or an installed one."""
    sides: tuple[str, str]
    """Names of A and B, for "turn day into night"."""
    words: Mapping[str, str]
    """For each direction that there is (a2b, b2a) a phrase for people: "make it night"."""
    shipped: bool
    size: int
    """Bytes."""


class Models:
    """All models that this server knows."""

    def __init__(self, settings: WebSettings, places: Places) -> None:
        self._settings = settings
        self._places = places
        self._known: dict[tuple[Path, float], _Facts] = {}

    def all(self) -> list[ModelInfo]:
        """Shipped models first, then runs that have saved a model, newest first. Broken ones are left out."""
        found = [self._of(name, name, shipped_file(name), True) for name in shipped_models()]
        files = sorted(self._settings.runs.glob("*/model.safetensors"), key=lambda file: -file.stat().st_mtime)
        found += [self._of(self._places.id_of(file.parent), file.parent.name, file, False) for file in files]
        return [model for model in found if model is not None]

    def info(self, id: str) -> ModelInfo:
        """The model of an id. Raises MissingFile or ModelFileError."""
        name, file, shipped = self._file(id)
        found = self._of(id, name, file, shipped)
        if found is None:
            read_header(file)  # says what is wrong with it
            raise MissingFile(f"the model {name} cannot be read")
        return found

    def word(self, id: str) -> str:
        """What a command line takes for a model. Raises MissingFile."""
        name, file, shipped = self._file(id)
        if not file.is_file():
            raise MissingFile(f"the model {name} is no longer there; choose another one")
        if shipped:
            return name
        _, _, at = id.partition("@")
        path = file.parent if file.name == "model.safetensors" else file
        return f"{path}@{at}" if at else str(path)

    def run(self, id: str) -> Path | None:
        """The run that a model is of; None of a shipped one, and of one that lies alone. Raises MissingFile."""
        _, file, shipped = self._file(id)
        return None if shipped or not (file.parent / "config.yaml").is_file() else file.parent

    def _file(self, id: str) -> tuple[str, Path, bool]:
        plain, _, at = id.partition("@")
        if plain in shipped_models() and not at:
            return plain, shipped_file(plain), True
        try:
            place = self._places.place(plain)
        except NoSuchPlace:
            raise NoSuchPlace("the model that was chosen is no longer there; choose another one") from None
        if place.is_folder:
            self._places.path_of(plain)  # no link in it leads out
        if at and not _AT.fullmatch(at):
            raise MissingFile(f"{place.name} has no such checkpoint; expected best, latest or a step")
        file = place.path / "model.safetensors" if place.is_folder else place.path
        return place.name, file, False

    def _of(self, id: str, name: str, file: Path, shipped: bool) -> ModelInfo | None:
        try:
            status = file.stat()
            medium, sides, directions = self._facts(file, status.st_mtime)
        except (OSError, UnpairedError, KeyError, TypeError, ValueError):
            return None
        said = _said(file.with_suffix(".md")) if shipped else {}
        words = {each: said.get(each) or _PHRASES[each].format(*sides) for each in directions}
        return ModelInfo(id, name, medium, sides, words, shipped, status.st_size)

    def _facts(self, file: Path, changed: float) -> _Facts:
        known = self._known.get((file, changed))
        if known is None:
            if len(self._known) > 500:
                self._known.clear()
            header = read_header(file)
            first, second = header["names"]
            translated = () if "noise" in header else header["directions"]  # one that generates takes no files
            directions = tuple(each for each in ("a2b", "b2a") if each in translated)
            known = str(header["domain"]["name"]), (str(first), str(second)), directions
            self._known[file, changed] = known
        return known


def _said(card: Path) -> dict[str, str]:
    """The phrases of a model's card: `**In words.** make it night (a2b), make it day (b2a).`"""
    found = _IN_WORDS.search(card.read_text(encoding="utf-8")) if card.is_file() else None
    return {"a2b": found[1], "b2a": found[2]} if found else {}
