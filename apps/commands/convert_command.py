"""`unpaired convert`: a file, or a folder of files, through a trained translator."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import unpaired
import unpaired.core.settings as config
from unpaired import ConfigError, ConversionSettings
from unpaired.apps.command_line import (
    Parser,
    add_ema_length,
    add_runtime,
    carried_out,
    leads_nowhere,
    loaded,
    put,
    quiet_libraries,
    refuse,
    run,
    tell_notes,
)
from unpaired.apps.live import convert_live
from unpaired.apps.progress import Progress
from unpaired.core import as_note, check_writable
from unpaired.core.adapter import PIPE, told

if TYPE_CHECKING:
    from unpaired import ConversionReport, Domain, InputFiles, Translator
    from unpaired.core.conversion import Progress as ConversionProgress

DESCRIPTION = """Translate a file, or a folder with its subfolders.

  unpaired convert day2night photo.jpg night.jpg
  unpaired convert day2night-video street.mp4 night.mp4
  unpaired convert day2night-video frames night.mov --rate 24
  unpaired convert runs/monet photos paintings --skip-existing --strength 0.8
  unpaired convert runs/monet painting.png photo.png --direction b2a
  unpaired convert runs/voice in.wav out.wav --pitch keep

MODEL is a run folder, a model file, or the name of a shipped model (`unpaired models`). A model of colour pictures
translates footage too, with what keeps it steady."""


def parser() -> Parser:
    """The options of `unpaired convert`."""
    made = Parser("unpaired convert", DESCRIPTION, ("conversion",), SHORTHAND)
    made.add_argument("model", metavar="MODEL")
    add_options(made)
    return made


_SHORT = ("strength", "size", "codec", "crf", "preset", "start", "end", "pitch", "vocoder")
SHORTHAND = {name: f"conversion.{name}" for name in _SHORT}


def standalone(
    name: str, description: str, model: str, shorthand: dict[str, str] = SHORTHAND, domain: str | None = None
) -> Parser:
    """The options of a program for one medium: those of `unpaired convert`, with an optional model."""
    made = Parser(name, description, ("conversion",), shorthand)
    made.add_argument("--model", default=model, help=f"a run, a model file or a shipped model (default: {model})")
    add_options(made)
    made.set_defaults(domain=domain)
    return made


def run_standalone(parser: Parser, words: Sequence[str] | None) -> int:
    """Run such a program with `words` (default: those of the process) and return the exit code."""
    given = list(sys.argv[1:] if words is None else words)
    return run(lambda: carried_out(main, parser.read(given)), debug="--debug" in given)


def add_options(made: Parser) -> None:
    """Everything but the model: shared with the programs that convert one medium."""
    made.add_argument("input", metavar="INPUT", help="a file or a folder; footage also - (a pipe) or, with --live, "
                      "a stream's URL or camera:N")  # fmt: skip
    made.add_argument("output", metavar="OUTPUT", help="likewise a file or a folder; - writes Matroska to a pipe")
    made.add_argument("--direction", choices=("a2b", "b2a"), default="a2b", help="a2b (default) or b2a")
    add_runtime(made)
    add_ema_length(made)
    made.add_argument("--skip-existing", action="store_true", help="leave existing outputs alone")
    made.add_argument(
        "--domain",
        metavar="NAME",
        help="the medium of INPUT, if the model serves several: video applies a picture model to a folder of clips",
    )
    made.add_argument("--live", action="store_true", help="INPUT is being filmed (frames drop) or spoken")
    made.add_argument("--rate", type=_rate, metavar="HZ", help="of numbered frames (default: 25 a second), or of raw "
                      "samples (sound, --live; default: the model's)")  # fmt: skip
    made.add_argument("--channels", type=int, default=1, metavar="N", help="of raw samples (sound, --live; default: 1)")
    made.add_argument("--side-by-side", action="store_true", help="show the input beside its translation (video)")
    made.add_argument("--report", metavar="FILE", help="write an HTML page about the footage's steadiness")
    made.add_argument("--json", action="store_true", help="print a summary as JSON")
    made.epilog = (
        "--strength 0..1 is how much of the translation is applied (default: all, 1).\n"
        "For footage: --size 512x288, --codec h264|h265|vp9|av1|ffv1|prores, --crf, --preset, --start and --end in "
        "seconds.\n"
        "For sound: --pitch auto|keep|SEMITONES, --vocoder source-filter|griffin-lim|world.\n"
        "--conversion.KEY VALUE sets whatever else the medium offers."
    )


def _rate(text: str) -> float:
    """A number, or one over another: 24000/1001."""
    return float(Fraction(text))


def main(args: argparse.Namespace) -> int:
    """Convert; the exit code is 2 when a file could not be converted."""
    refuse(args.faults)
    source = unpaired.InputFiles(args.input)
    translator = _translator(args, source)
    options = _options(args, translator.domain.conversion_type)
    if args.live:
        tell_notes(translator)
        given = {"rate": args.rate, "channels": args.channels, "json": args.json}
        return convert_live(translator, args.input, args.output, args.direction, options, **given)
    counter = _Counter(_shown_by(Progress("converted")))
    with quiet_libraries():
        report = _converted(translator, args, source, options, counter)
    unit = translator.domain.unit
    rate = counter.figures(unit) if unit else {}
    # Standard output is the recording's where that goes into a pipe.
    with redirect_stdout(sys.stderr if args.output == PIPE else sys.stdout):
        if args.json:
            print(json.dumps(_figures(report) | {"runtime": translator.ran} | rate, indent=2, ensure_ascii=False))
        else:
            print(_text(report, rate, unit))
    tell_notes(translator)
    for note in report.notes:
        print(as_note(f"{note.path}: {note.text}"), file=sys.stderr)
    for line in told(report.failed):
        print(f"unpaired: {line}", file=sys.stderr)
    return 2 if report.failed else 0


def _translator(args: argparse.Namespace, source: InputFiles) -> Translator:
    """The model, under the medium that INPUT is of."""
    _check_places(args)
    translator = loaded(args)
    if args.domain is not None:
        translator = translator.for_medium(args.domain)
    elif not args.live and args.input != PIPE:
        translator = translator.for_input(source, args.output)
    return _streaming(translator, args) if args.live or PIPE in (args.input, args.output) else translator


def _streaming(translator: Translator, args: argparse.Namespace) -> Translator:
    """The model under a medium that goes live, or through a pipe: its own, or one that can use it."""

    def serves(domain: Domain) -> bool:
        return domain.live if args.live else domain.pipes

    from unpaired.core.conversion import medium_of

    media = translator.media if args.domain is None else [translator.domain]
    fitting = next(filter(serves, media), None)
    if fitting is not None:
        return translator.for_medium(fitting.name)
    medium = medium_of(translator.domain)
    if args.live:
        raise ConfigError(f"--live is for cameras, streams and voices, not for {medium}; leave it out")
    instead = "add --live to translate it as it comes" if translator.domain.live else "name files"
    raise ConfigError(f"{medium} cannot go through a pipe; {instead}")


def _check_places(args: argparse.Namespace) -> None:
    """Refuse an INPUT or OUTPUT that cannot be, before the model is loaded."""
    if "://" in args.input and not args.live:
        refuse([f"{args.input} is an address; add --live to translate it as it comes, or fetch it as a file first"])
    if args.output == PIPE and sys.stdout.isatty():
        refuse(["OUTPUT is -, but standard output is a terminal; redirect it or name a file"])
    if args.output == PIPE and leads_nowhere(sys.stdout):
        refuse(["OUTPUT is -, but standard output is closed; redirect it or name a file"])
    if not args.live and args.output != PIPE:
        check_writable(Path(args.output))


def _options(args: argparse.Namespace, kind: type[ConversionSettings]) -> ConversionSettings:
    given = {"side_by_side": args.side_by_side or None, "rate": None if args.live else args.rate, "report": args.report}
    for name, value in given.items():
        if value is not None:
            put(args.settings, f"conversion.{name}", value)
            args.typed[f"conversion.{name}"] = f"--{name.replace('_', '-')}"
    if args.report is not None:
        check_writable(Path(args.report))
    return config.from_mapping(kind, args.settings.get("conversion", {}), "conversion")


def _converted(
    translator: Translator,
    args: argparse.Namespace,
    source: InputFiles,
    options: ConversionSettings,
    counter: _Counter,
) -> ConversionReport:
    if PIPE in (args.input, args.output):
        from unpaired.core.conversion import convert_piped

        return convert_piped(translator, args.input, args.output, args.direction, options, counter)
    output = Path(args.output)
    if args.output.endswith(("/", os.sep)) and not source.is_folder:  # a folder, as for cp
        output /= source.path.name
    return translator.convert(
        source,
        output,
        args.direction,
        skip_existing=args.skip_existing,
        progress=counter,
        **vars(options),
    )


class _Counter:
    """Counts chunks, and the time they took since the first was asked for."""

    def __init__(self, show: Callable[[ConversionProgress], None]) -> None:
        self._show = show
        self._start = time.perf_counter()
        self._chunks = 0

    def __call__(self, stand: ConversionProgress) -> None:
        self._chunks += 1
        self._show(stand)

    def figures(self, unit: str) -> dict[str, float]:
        """Chunks in all, seconds, and chunks a second; `unit`: what they are called."""
        seconds = time.perf_counter() - self._start
        return {
            unit: self._chunks,
            "seconds": round(seconds, 3),
            f"{unit}_per_second": round(self._chunks / seconds, 2),
        }


def _shown_by(show: Progress) -> Callable[[ConversionProgress], None]:
    def report(stand: ConversionProgress) -> None:
        within = stand.chunks / stand.chunks_in_file if stand.chunks_in_file else 0.0
        share = (stand.file + min(within, 1.0)) / stand.files
        where = {"name": stand.source.name, "file": stand.file, "files": stand.files}
        show(share, **where, chunks=stand.chunks, total=stand.chunks_in_file)

    return report


def _figures(report: ConversionReport) -> dict[str, Any]:
    return {
        "converted": [str(path) for path in report.converted],
        "skipped": [str(path) for path in report.skipped],
        "refused": [{"file": str(each.path), "reason": each.reason} for each in report.failed],
        "notes": [{"file": str(each.path), "text": each.text} for each in report.notes],
    }


def _text(report: ConversionReport, rate: Mapping[str, float], unit: str) -> str:
    counts = f"{len(report.converted)} converted, {len(report.skipped)} skipped, {len(report.failed)} refused"
    if not rate:
        return counts
    speed = f"{rate[unit]} {unit} in {rate['seconds']:.1f} s ({rate[f'{unit}_per_second']:.1f} {unit}/s)"
    return f"{counts}; {speed}"
