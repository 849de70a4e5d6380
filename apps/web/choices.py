"""What can be made of a file: the directions of all models, as pairs of before and after, and in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from unpaired import ConfigError, MissingFile, UnpairedError
from unpaired.apps.web.facts import Kind
from unpaired.apps.web.models import ModelInfo, Models
from unpaired.apps.web.rendering import STATIC

_FITS: Mapping[str, tuple[Kind, ...]] = {
    "image": ("picture", "clip"),
    "video": ("clip", "picture"),
    "audio": ("sound", "clip"),
}
"""Kinds of files by medium of the model, the likeliest first; an installed medium takes what its own is."""
_HINTS = {
    "day2night": "Pictures of towns, with lights",
    "day2night-mobile": "Pictures: the same, quicker",
    "day2night-video": "Footage: sharp and steady",
    "day2night-video-mobile": "Footage: the same, quicker",
    "female-male": "Voices: words and melody stay",
    "live2animation": "Footage outdoors: bright colours, steady",
}
_VERSIONS = {"best": "its best version", "latest": "its newest version"}
"""Of a training, by what stands behind the @ of an id; else it is a step."""
_MEDIA = {"image": "pictures", "video": "footage", "audio": "voices"}


@dataclass(frozen=True)
class Choice:
    """One direction of a model."""

    model: str
    """Id of the model."""
    direction: str
    words: str
    """A phrase such as "make it night"."""
    hint: str
    medium: str
    before: str = ""
    """Address of an example; empty where there is none."""
    after: str = ""

    @property
    def do(self) -> str:
        """What a request names it by."""
        return f"{self.model}.{self.direction}"


def all_choices(models: Models) -> list[Choice]:
    """Every direction of every model."""
    return [choice for model in models.all() for choice in _of(model)]


def fitting(choices: list[Choice], kinds: set[Kind]) -> list[Choice]:
    """Those that files of these kinds can go through, the likeliest first."""
    first = next(iter(kinds), "unknown")
    found = [each for each in choices if kinds <= set(_FITS.get(each.medium, ("unknown",)))]
    return sorted(found, key=lambda each: (_FITS.get(each.medium, ("unknown",)).index(first), each.medium == "audio"))


def fits(choice: Choice, kind: Kind) -> bool:
    """Whether a file of that kind can go through; of what this page knows nothing of, the command judges."""
    return kind == "unknown" or kind in _FITS.get(choice.medium, (kind,))


def cuts(medium: str, kind: Kind) -> bool:
    """Whether a model of a medium can be asked for a part of such a file: voices go with the whole of their clip."""
    return (kind == "clip" and medium != "audio") or kind == "sound"


def takes_anything(choices: list[Choice]) -> bool:
    """Whether there is a model of an installed medium, whose files this page knows nothing of."""
    return any(each.medium not in _FITS for each in choices)


def choice_of(models: Models, do: str) -> Choice:
    """The choice that a request names, also of a model that is not listed. Raises ConfigError or MissingFile."""
    model, _, direction = do.rpartition(".")
    if direction not in ("a2b", "b2a"):
        raise ConfigError("it is not said what to make of the file; choose one of the models")
    found = {each.direction: each for each in _of(models.info(model))}
    if direction not in found:
        raise MissingFile(f"the model {model} does not go that way")
    return found[direction]


def choice_or_none(models: Models, do: str) -> Choice | None:
    """The same; None where there is no such choice."""
    try:
        return choice_of(models, do)
    except UnpairedError:
        return None


def _of(model: ModelInfo) -> list[Choice]:
    hint = _HINTS.get(model.name, "") if model.shipped else ""
    _, _, at = model.id.partition("@")
    name = f"{model.name}, {_VERSIONS.get(at, f'step {at}')}" if at else model.name
    hint = hint or f"{name}, for {_MEDIA.get(model.medium, model.medium)}"
    return [
        Choice(model.id, direction, words, hint, model.medium, *_examples(model, direction))
        for direction, words in model.words.items()
    ]


def _examples(model: ModelInfo, direction: str) -> tuple[str, str]:
    """Addresses of a pair of pictures."""
    names = [f"examples/{model.name}-{direction}-{which}.webp" for which in ("before", "after")]
    if model.shipped and all((STATIC / name).is_file() for name in names):
        return f"/static/{quote(names[0])}", f"/static/{quote(names[1])}"
    return "", ""
