"""Sound in the commands: description of one recording, and voice scores with a listening page."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unpaired import ConversionSettings
from unpaired.apps.command_line import Progress, put_scores, quiet_libraries, refuse, said_now_and_then
from unpaired.core.errors import as_note
from unpaired.core.sides import SIDES

if TYPE_CHECKING:
    from unpaired import Translator
    from unpaired.core.sides import Direction
    from unpaired.domains.audio.conversion.live import LiveReport

PIPE, MICROPHONE, LOUDSPEAKER = "-", "microphone", "loudspeaker"


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
    from unpaired.domains.audio.evaluation.voices import evaluate_voices

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
    put_scores(evaluation.text(), evaluation.as_dict(), target)
    return 0


def described(file: Path) -> dict[str, Any]:
    """Facts from the header of one recording. Raises MissingFile or MediaError."""
    from unpaired.domains.audio.reading.files import SoundFile

    with SoundFile(file) as sound:
        facts = dataclasses.asdict(sound.info)
    seconds = None if facts["samples"] is None else round(facts["samples"] / facts["rate"], 3)
    shown = {key: facts[key] for key in ("container", "codec", "rate", "channels", "samples", "bits")}
    return shown | {"seconds": seconds, "footage beside it": facts["picture"]}


def convert_live(
    translator: Translator,
    source: str,
    target: str,
    direction: Direction,
    options: ConversionSettings,
    rate: int | None,
    channels: int,
    json: bool,
) -> int:
    """Translate a voice as it is spoken, until it ends or Ctrl-C: from - to - (raw samples, 16 bits, little-endian), or
    from microphone to loudspeaker. Says on standard error how it goes.

    Raises:
        ConfigError: INPUT and OUTPUT are neither, or the sound card has no such rate.
        MissingDependency: what a microphone needs is not installed.
    """
    from unpaired import Audio
    from unpaired.domains.audio import AudioConversion
    from unpaired.domains.audio.conversion.live import LiveConversion, convert_microphone, convert_pipe

    domain = translator.domain
    assert isinstance(domain, Audio)
    assert isinstance(options, AudioConversion)
    if (source, target) not in ((PIPE, PIPE), (MICROPHONE, LOUDSPEAKER)):
        refuse([f"--live takes {PIPE} {PIPE} (pipes) or {MICROPHONE} {LOUDSPEAKER}, not {source} {target}"])
    rate = rate or domain.settings.sample_rate
    refuse([f"--rate is {rate}; expected 8000 to 192000 Hz"] if not 8000 <= rate <= 192_000 else [])
    refuse([f"--channels is {channels}; expected 1 to 8"] if not 1 <= channels <= 8 else [])
    side, _ = SIDES[direction]
    conversion = LiveConversion(rate, channels, side, translator.for_direction(direction), options, domain.settings)
    show = _told_once_behind(said_now_and_then(_live_text))
    if source == PIPE:
        report = convert_pipe(conversion, sys.stdin.buffer, sys.stdout.buffer, rate, channels, progress=show)
    else:
        report = convert_microphone(conversion, rate, channels, progress=show)
    print(dumps(dataclasses.asdict(report), indent=2) if json else _live_text(report), file=sys.stderr)
    return 0


def _told_once_behind(show: Callable[[LiveReport], None]) -> Callable[[LiveReport], None]:
    """`show`, and once a line where the machine does not keep up."""
    told = False

    def shown(report: LiveReport) -> None:
        nonlocal told
        if report.behind and not told:
            told = True
            print(
                as_note(
                    f"this machine does not keep up: it takes {report.factor:.2f} s for a second of sound; "
                    f"{'some of it is left out' if report.dropped else 'what comes next waits'}; "
                    "choose a smaller model, another --runtime, or a lower --rate"
                ),
                file=sys.stderr,
                flush=True,
            )
        show(report)

    return shown


def _live_text(report: LiveReport) -> str:
    left_out = f", {report.dropped:.1f} s left out" if report.dropped else ""
    return (
        f"{report.seconds:.0f} s: latency {1e3 * report.latency:.0f} ms (median), {1e3 * report.longest:.0f} at most, "
        f"real-time factor {report.factor:.2f}{left_out}"
    )
