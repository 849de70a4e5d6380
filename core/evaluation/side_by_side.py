"""Models that are shown side by side: loaded, named, and under one medium."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from ..conversion.jobs import medium_of
from ..conversion.translator import Translator
from ..errors import ConfigError, show
from ..model.of_run import run_of
from ..sides import SIDES, Direction

MOST_MODELS = 12


def load_together(
    models: Sequence[str | os.PathLike[str] | Translator],
    direction: Direction,
    load: Callable[[str | os.PathLike[str]], Translator],
    fit: Callable[[Translator], Translator],
) -> tuple[list[Translator], list[str]]:
    """Translators of one medium for the same files, and their names.

    Args:
        models: translators, or what `load` takes.
        direction: the one that all must have.
        load: makes a translator.
        fit: puts one under the medium of the files.

    Raises:
        ConfigError: they do not go together.
    """
    loaded = [each if isinstance(each, Translator) else load(each) for each in models]
    labels = _labels(loaded)
    fitting = _under_one_medium([fit(each) for each in loaded])
    _check_alike(fitting, labels, direction)
    return fitting, labels


def _labels(translators: Sequence[Translator]) -> list[str]:
    """Short names of models: that of the run or file, the step, and the length of its average where one was asked for;
    the names that they were loaded by where two would be called alike."""
    short = [_label(each) for each in translators]
    return [one if short.count(one) == 1 else each.name for one, each in zip(short, translators, strict=True)]


def _label(translator: Translator) -> str:
    run, name = run_of(translator.name), translator.name
    step, length = translator.model.step, translator.model.card.get("ema_length")
    if run is None:
        label = Path(name).name.removesuffix(".safetensors")
    else:
        which = name.rpartition("@")[2]
        shown = f"{which} ({step})" if which in ("best", "latest") else step
        label = f"{run.absolute().name}@{shown}"
    return f"{label} ema {length}" if length else label


def _under_one_medium(translators: Sequence[Translator]) -> list[Translator]:
    """The translators under a medium that can use all of their models, where there is one."""
    for name in dict.fromkeys(each.domain.name for each in translators):
        if all(name in (domain.name for domain in each.media) for each in translators):
            return [each.for_medium(name) for each in translators]
    return list(translators)


def _check_alike(translators: Sequence[Translator], labels: Sequence[str], direction: Direction) -> None:
    """Raise ConfigError for models that cannot be compared."""
    first, faults = translators[0], []
    for label, each in zip(labels, translators, strict=True):
        ours, theirs = first.domain, each.domain
        channels = [[domain.channels(side) for side in SIDES[direction]] for domain in (ours, theirs)]
        if direction not in each.model.generators:
            faults.append(
                f"{label} has no direction {show(direction)}; it translates {' or '.join(each.model.generators)}"
            )
        elif ours.name != theirs.name:
            faults.append(f"{labels[0]} translates {medium_of(ours)} and {label} {medium_of(theirs)}; compare "
                          "models of one medium")  # fmt: skip
        elif channels[0] != channels[1]:
            (a, b), (c, d) = channels
            faults.append(f"{labels[0]} takes {a} channels to {b} and {label} {c} to {d}; compare models of one kind")
    if faults:
        raise ConfigError(*faults)


def source_name(translator: Translator, direction: Direction) -> str:
    """What the untranslated files are called."""
    name = translator.model.names[direction == "b2a"]
    return "source" if len(name) == 1 else f"source ({name})"
