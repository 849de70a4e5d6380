"""What the commands do for sound beyond other media: one recording described, and voices scored to be listened to."""

from __future__ import annotations

import dataclasses
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unpaired.apps.command_line import Progress, quiet_libraries

if TYPE_CHECKING:
    from unpaired import Translator
    from unpaired.core.domain import Direction


def score_voices(
    translator: Translator,
    a: str,
    b: str,
    *,
    paired: bool,
    direction: Direction | None,
    limit: int | None,
    seed: int,
    page: str | None,
    target: str | None,
) -> int:
    """Score a model of sound through the whole conversion; print a table, or write JSON (- prints it).

    Raises:
        UnpairedError: as `evaluate_voices` has it, or the JSON file cannot be written.
    """
    from unpaired.core.files import atomic_text
    from unpaired.domains.audio.evaluation import evaluate_voices

    show = Progress("scored")
    with quiet_libraries():
        evaluation = evaluate_voices(
            translator,
            Path(a),
            Path(b),
            paired=paired,
            directions=None if direction is None else [direction],
            limit=limit,
            seed=seed,
            page=None if page is None else Path(page),
            progress=lambda done, total: show(done / total),
        )
    text = dumps(evaluation.as_dict(), indent=2)
    if target not in (None, "-"):
        atomic_text(Path(str(target)), text + "\n")
    print(text if target == "-" else evaluation.text())
    return 0


def described(file: Path) -> dict[str, Any]:
    """What the header of one recording says. Raises MissingFile or MediaError."""
    from unpaired.domains.audio.files import SoundFile

    with SoundFile(file) as sound:
        facts = dataclasses.asdict(sound.info)
    seconds = None if facts["samples"] is None else round(facts["samples"] / facts["rate"], 3)
    shown = {key: facts[key] for key in ("container", "codec", "rate", "channels", "samples", "bits")}
    return shown | {"seconds": seconds, "footage beside it": facts["picture"]}
