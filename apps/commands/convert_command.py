"""`unpaired convert`: a file, or a folder of files, through a trained translator."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import unpaired
from unpaired import ConfigError
from unpaired.apps.command_line import (
    Parser,
    carried_out,
    leads_nowhere,
    loaded,
    quiet_libraries,
    refuse,
    run,
    tell_notes,
)
from unpaired.apps.conversion_options import SHORTHAND, ConversionParser, is_archive, layout_of, read_options
from unpaired.apps.conversion_report import Counter, as_figures, as_text, shown_by
from unpaired.apps.live import convert_live
from unpaired.apps.progress import Progress
from unpaired.core import as_note, check_writable
from unpaired.core.adapter import PIPE, told
from unpaired.core.stores import as_written, is_address, local_path

if TYPE_CHECKING:
    from unpaired import ConversionReport, ConversionSettings, Domain, InputFiles, Translator

DESCRIPTION = """Translate a file, or a folder with its subfolders.

  unpaired convert day2night photo.jpg night.jpg
  unpaired convert day2night-video street.mp4 night.mp4
  unpaired convert day2night-video frames night.mov --rate 24
  unpaired convert runs/monet photos paintings --skip-existing --strength 0.8
  unpaired convert runs/monet painting.png photo.png --direction b2a
  unpaired convert runs/voice in.wav out.wav --pitch keep
  unpaired convert clip.mp4 night.mp4 --model day2night-video --voice-model female-male
  unpaired convert photos sheets --model day2night --model runs/night --grid --burn-in
  unpaired convert day2night photos nights --workers 4
  unpaired convert day2night s3://bucket/photos s3://bucket/nights --workers 4

MODEL is a run folder, a model file, or the name of a shipped model (`unpaired models`). A model of colour pictures
translates footage too, with what keeps it steady."""


_STREAMS = ("rtsp://", "rtsps://", "rtmp://", "rtmps://", "udp://", "rtp://", "srt://", "tcp://")


def parser() -> ConversionParser:
    """The options of `unpaired convert`."""
    return ConversionParser("unpaired convert", DESCRIPTION)


def standalone(
    name: str, description: str, model: str, shorthand: dict[str, str] = SHORTHAND, domain: str | None = None
) -> ConversionParser:
    """The options of a program for one medium: those of `unpaired convert`, with a usual model."""
    made = ConversionParser(name, description, shorthand, usual=model)
    made.set_defaults(domain=domain)
    return made


def run_standalone(parser: Parser, words: Sequence[str] | None) -> int:
    """Run such a program with `words` (default: those of the process) and return the exit code."""
    given = list(sys.argv[1:] if words is None else words)
    return run(lambda: carried_out(main, parser.read(given)), debug="--debug" in given)


def main(args: argparse.Namespace) -> int:
    """Convert; the exit code is 2 when a file could not be converted."""
    refuse(args.faults)
    source = _input_files(args)
    translator = _translator(args, source)
    layout = layout_of(args, translator.domain.conversion_type)
    archive = is_archive(args, layout)
    options = read_options(args, translator.domain.conversion_type)
    if args.live:
        tell_notes(translator)
        given = {"rate": args.rate, "channels": args.channels, "json": args.json}
        return convert_live(translator, args.input, args.output, args.direction, options, **given)
    counter = Counter(shown_by(Progress("converted")))
    unit = translator.domain.unit
    with quiet_libraries():
        if archive:
            from unpaired.apps.archive import convert_by_workers

            report, unit = convert_by_workers(translator, args, source, options), ""
        else:
            report = _converted(translator, args, source, options, counter, layout)
    rate = counter.figures(unit) if unit else {}
    # Standard output is the recording's where that goes into a pipe.
    with redirect_stdout(sys.stderr if args.output == PIPE else sys.stdout):
        if args.json:
            print(
                json.dumps(
                    as_figures(report) | {"runtime": report.runtime or translator.ran} | rate,
                    indent=2,
                    ensure_ascii=False,
                )
            )
        else:
            print(as_text(report, rate, unit))
    tell_notes(translator)
    for note in report.notes:
        print(as_note(f"{as_written(note.path)}: {note.text}"), file=sys.stderr)
    for line in told(report.failed):
        print(f"unpaired: {line}", file=sys.stderr)
    return 2 if report.failed else 0


def _input_files(args: argparse.Namespace) -> InputFiles:
    """What is to be converted; a store is listed here."""
    args.output = local_path(args.output)
    args.input = args.input if args.live else local_path(args.input)
    _check_places(args)
    if args.live or not is_address(args.input):
        return unpaired.InputFiles(args.input)
    from unpaired.core.scale import input_files

    return input_files(args.input)


def _translator(args: argparse.Namespace, source: InputFiles) -> Translator:
    """The model, under the medium that INPUT is of."""
    translator = loaded(args)
    if args.voice_model is not None:
        translator = translator.joined_by(args.voice_model, args.voice_direction or "a2b")
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
    if args.voice_model is None and args.voice_direction is not None:
        refuse(["--voice-direction is of a model that --voice-model names; name one, or leave it out"])
    if args.voice_model is not None and (args.live or PIPE in (args.input, args.output)):
        refuse(["--voice-model goes through the sound once before, and so needs files: no --live, no pipe"])
    if args.input.startswith(_STREAMS) and not args.live:
        refuse([f"{args.input} is a stream; add --live to translate it as it comes"])
    if args.output == PIPE and sys.stdout.isatty():
        refuse(["OUTPUT is -, but standard output is a terminal; redirect it or name a file"])
    if args.output == PIPE and leads_nowhere(sys.stdout):
        refuse(["OUTPUT is -, but standard output is closed; redirect it or name a file"])
    if not args.live and args.output != PIPE and not is_address(args.output):
        check_writable(Path(args.output))


def _converted(
    translator: Translator,
    args: argparse.Namespace,
    source: InputFiles,
    options: ConversionSettings,
    counter: Counter,
    layout: str | None,
) -> ConversionReport:
    if PIPE in (args.input, args.output):
        from unpaired.core.conversion import convert_piped

        return convert_piped(translator, args.input, args.output, args.direction, options, counter)
    output = Path(args.output)
    if args.output.endswith(("/", os.sep)) and not source.is_folder:  # a folder, as for cp
        output /= source.path.name
    given = {"skip_existing": args.skip_existing, "progress": counter}
    if layout is None:
        return translator.convert(source, output, args.direction, **given, **vars(options))
    usual = vars(type(options)())  # another medium, common to all models, may not have each of them
    given |= {name: value for name, value in vars(options).items() if value != usual[name]}
    models = [translator, *(loaded(args, name) for name in args.models[1:])]
    given |= {"layout": layout, "burn_in": args.burn_in}
    return unpaired.review(models, source, output, args.direction, **given)
