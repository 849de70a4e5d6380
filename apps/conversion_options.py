"""Options of a conversion, and the reading of them: shared by `unpaired convert` and the programs for one medium.

An option that sets a field of the medium's conversion settings either stands in `SHORTHAND`, or names the field as its
`dest` (`dest="conversion.side_by_side"`): that is all it needs.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import unpaired.core.settings as config
from unpaired import ConfigError, ConversionSettings
from unpaired.apps.command_line import Parser, add_ema_length, add_runtime, put
from unpaired.core import check_writable, shortened
from unpaired.core.adapter import PIPE, usable_media
from unpaired.core.stores import is_address
from unpaired.domains.video import ffmpeg_option

_ANY = ("strength", "mask", "feather")
_FOOTAGE = ("size", "codec", "profile", "depth", "chroma", "crf", "preset", "start", "end", "missing")
_FILM = ("exposure", "colour_space")
_SOUND = ("pitch", "range", "formants", "vocoder", "voice_strength")
SHORTHAND = {name: f"conversion.{name}" for name in (*_ANY, *_FOOTAGE, *_FILM, *_SOUND)}
"""Options that take a value, and the settings that they stand for."""

_NO_MODEL = "-"
"""Stands for MODEL where it is left out."""
_EPILOGUE = """\
--strength 0..1 or 0%..100% is how much of the translation is applied (default: all, 1); for footage also over time, in
seconds: --strength 0:0,2:1. --mask FILE shows it only where FILE is white, --feather PIXELS softens the mask's edge.
For footage: --size 512x288; --codec h264|h265|vp9|av1|ffv1|prores|dnxhr|cineform|png|qtrle with --crf, --preset,
--profile (main10, 4444, hqx ...), --depth 8|10|12|16, --chroma 420|422|444;
of numbered pictures --missing skip|hold|error (default: skip, the places of missing numbers are kept).
For OpenEXR and DPX: --exposure STOPS, --colour-space NAME (of OpenColorIO; default: by the file).
For sound: --pitch auto|keep|octave|SEMITONES (default: auto, by as much of the way as --strength says),
--range auto|keep|target|FACTOR of the melody, --formants auto|keep|FACTOR (0.5 to 2: a larger or smaller speaker),
--vocoder source-filter|griffin-lim|world; beside footage --voice-strength 0..1.
For both: --start and --end (62.5 or 1:02.5; of footage also a frame, f120, or 01:00:10:12), to convert a part.
--conversion.KEY VALUE sets whatever else the medium offers."""


class ConversionParser(Parser):
    """The options of a conversion. Models are named by --model, the first of them also by the first word, MODEL.

    usual: the model where none is named; there is no MODEL then.
    """

    def __init__(
        self, program: str, description: str, shorthand: dict[str, str] = SHORTHAND, usual: str | None = None
    ) -> None:
        super().__init__(program, description, ("conversion",), shorthand)
        self._usual = usual
        if usual is None:
            self.add_argument("model", metavar="MODEL")
        instead = "instead of MODEL" if usual is None else f"(default: {usual})"
        self.add_argument("--model", dest="models", action="append", metavar="NAME",
                          help=f"a run, a model file or a shipped model {instead}")  # fmt: skip
        add_options(self)

    def read(self, words: Sequence[str]) -> argparse.Namespace:
        """As every parser; `models` are all that were named, and `model` is the first of them."""
        args = self._read(words)
        args.models = [name for each in args.models for name in ([each] if Path(each).exists() else each.split(","))]
        args.model = args.models[0]
        return args

    def _read(self, words: Sequence[str]) -> argparse.Namespace:
        if self._usual is None and any(word.partition("=")[0] == "--model" for word in words):
            with suppress(ConfigError):  # then there is a MODEL as well, or a fault, which is found below
                return super().read([_NO_MODEL, *words])
        args = super().read(words)
        first = [args.model] if self._usual is None else [] if args.models else [self._usual]
        args.models = [*first, *(args.models or [])]
        return args


def add_options(made: Parser) -> None:
    """Everything but the model, by what it is for."""
    made.foreign = ffmpeg_option
    _add_places(made)
    _add_general(made)
    _add_footage(made)
    _add_review(made)
    _add_voice(made)
    _add_live(made)
    _add_archive(made)
    made.epilog = _EPILOGUE


def read_options(args: argparse.Namespace, kind: type[ConversionSettings]) -> ConversionSettings:
    """The conversion settings that were asked for. Raises ConfigError, or OutputError for a report's place."""
    for name, value in vars(args).items():
        if name.startswith("conversion.") and value is not None:
            put(args.settings, name, value)
    if args.rate is not None and not args.live:
        put(args.settings, "conversion.rate", args.rate)
        args.typed["conversion.rate"] = "--rate"
    report = args.settings.get("conversion", {}).get("report")
    if report is not None:
        check_writable(Path(report))
    given = args.settings.get("conversion", {})
    if misplaced := list(_misplaced(kind, given)):
        raise ConfigError(*misplaced)
    return config.from_mapping(kind, given, "conversion")


def _misplaced(kind: type[ConversionSettings], given: Mapping[str, object]) -> Iterator[str]:
    """The faults of settings that other media have."""
    for name in given:
        owners = [each.medium for each in usable_media() if name in _names(each.conversion_type)]
        if owners and name not in _names(kind):
            yield f"conversion.{name} is for {' and '.join(owners)}; leave it out"


def _names(kind: type[ConversionSettings]) -> set[str]:
    return {field.name for field in dataclasses.fields(kind)}


def is_archive(args: argparse.Namespace, layout: str | None) -> bool:
    """Whether the conversion is one by workers. Raises ConfigError for options that do not go with that, as a `layout`
    of `layout_of` does not."""
    asked = args.workers is not None or args.ray is not None or args.shard is not None or args.fan_out
    if not args.live and (is_address(args.input) or is_address(args.output)):
        if layout is not None or PIPE in (args.input, args.output):
            raise ConfigError("files in a store are translated alone, and not through a pipe; leave layouts and "
                              "--burn-in out")  # fmt: skip
        return True
    if args.record is not None and not asked:
        raise ConfigError("--record is for an OUTPUT in a store (s3://...); leave it out")
    if asked and (args.live or PIPE in (args.input, args.output)):
        raise ConfigError("--workers, --ray, --shard and --fan-out are for files; leave --live and pipes out")
    if asked and layout is not None:
        raise ConfigError("--workers, --ray, --shard and --fan-out write translations alone; leave layouts and "
                          "--burn-in out")  # fmt: skip
    return asked


def layout_of(args: argparse.Namespace, kind: type[ConversionSettings]) -> str | None:
    """How files are laid out for review, before `read_options`; None where they are not.

    One model's footage beside its source is no more than a setting, which goes live too.
    """
    if len(args.models) > 1 and args.layout is None:
        raise ConfigError(f"{len(args.models)} models are named ({', '.join(args.models)}); add --side-by-side, --wipe "
                          "or --grid to see what each makes of a file, or name one")  # fmt: skip
    known = "side_by_side" in _names(kind)
    if args.layout == "side-by-side" and known and len(args.models) == 1 and not args.burn_in:
        put(args.settings, "conversion.side_by_side", True)
        args.typed["conversion.side_by_side"] = "--side-by-side"
        return None
    layout = args.layout or ("plain" if args.burn_in else None)
    if layout is not None and (args.live or PIPE in (args.input, args.output)):
        raise ConfigError("--wipe, --grid, --burn-in and several models are for files; leave --live and pipes out")
    return layout


def _add_places(made: Parser) -> None:
    made.add_argument("input", metavar="INPUT", help="a file or a folder; footage also 'shot_%%04d.png' (numbered "
                      "pictures), - (a pipe), s3://, gs:// or https:// (a file or a folder in a store) or, with "
                      "--live, a stream's URL or camera:N")  # fmt: skip
    made.add_argument("output", metavar="OUTPUT", help="likewise; - writes Matroska to a pipe")


def _add_general(made: Parser) -> None:
    made.add_argument("--direction", choices=("a2b", "b2a"), default="a2b", help="a2b (default) or b2a")
    add_runtime(made)
    add_ema_length(made)
    made.add_argument(
        "--skip-existing",
        action="store_true",
        help="leave existing outputs alone; go on with numbered pictures where they end",
    )
    made.add_argument(
        "--domain",
        metavar="NAME",
        help="the medium of INPUT, if the model serves several: video applies a picture model to a folder of clips",
    )
    made.add_argument("--full", dest="conversion.full", action="store_const", const=True,
                      help="translate every pixel of pictures and frames above 1.5 megapixels")  # fmt: skip
    made.add_argument("--json", action="store_true", help="print a summary as JSON")


def _add_footage(made: Parser) -> None:
    group = made.add_argument_group("footage")
    group.add_argument("--sdr", dest="conversion.sdr", action="store_const", const=True,
                       help="tone-map HDR (PQ, HLG) to standard range")  # fmt: skip
    group.add_argument("--cuts", dest="conversion.known_cuts", metavar="FILE",
                       help="known cuts, beside those detected: an EDL, or a moment a line")  # fmt: skip
    group.add_argument("--contact-sheet", dest="conversion.contact_sheet", metavar="FILE",
                       help="write a picture with a row for each shot, before and after")  # fmt: skip
    group.add_argument("--report", dest="conversion.report", metavar="FILE",
                       help="write an HTML page about the footage's steadiness")  # fmt: skip


def _add_review(made: Parser) -> None:
    group = made.add_argument_group("to look at (pictures and footage)")
    layouts = group.add_mutually_exclusive_group()
    layouts.add_argument("--side-by-side", dest="layout", action="store_const", const="side-by-side",
                         help="show the input beside its translation; of several models (--model A --model B) beside "
                         "all of theirs")  # fmt: skip
    layouts.add_argument("--wipe", dest="layout", action="store_const", const="wipe",
                         help="one picture, part of it the input, part of it each model's")  # fmt: skip
    layouts.add_argument("--grid", dest="layout", action="store_const", const="grid",
                         help="likewise whole, in rows and columns")  # fmt: skip
    group.add_argument("--burn-in", action="store_true", help="write names into the pictures, and the timecode into "
                       "footage")  # fmt: skip


def _add_voice(made: Parser) -> None:
    group = made.add_argument_group("the sound of footage")
    group.add_argument("--voice-model", metavar="NAME", help="translate the sound too, by this model of voices, in the "
                       "same pass")  # fmt: skip
    group.add_argument("--voice-direction", choices=("a2b", "b2a"), help="of that model: a2b (default) or b2a")


def _add_live(made: Parser) -> None:
    group = made.add_argument_group("live, and what has no rate of its own")
    group.add_argument("--live", action="store_true", help="INPUT is being filmed (frames drop) or spoken")
    group.add_argument("--rate", type=_rate, metavar="HZ", help="of numbered pictures (default: their own, else 25 a "
                       "second), or of raw samples (sound, --live; default: the model's)")  # fmt: skip
    group.add_argument("--channels", type=int, default=1, metavar="N",
                       help="of raw samples (sound, --live; default: 1)")  # fmt: skip


def _add_archive(made: Parser) -> None:
    group = made.add_argument_group("archives (each output once; the same command goes on where it ended)")
    group.add_argument("--workers", type=int, metavar="N", help="convert in N processes, or with --ray in N actors")
    group.add_argument("--ray", metavar="ADDRESS", help="on a Ray cluster: HOST:PORT, auto, or local (started here)")
    group.add_argument("--shard", metavar="I/N", help="convert a share of the files: I from 0 to N - 1")
    group.add_argument("--fan-out", action="store_true", help="divide folders of outputs: ab/cd/NAME")
    group.add_argument("--record", metavar="DIR", help="for an OUTPUT in a store: the folder for its record, which all "
                       "machines share (default: in the cache folder)")  # fmt: skip


def _rate(text: str) -> float:
    """A number, or one over another: 24000/1001."""
    try:
        return float(Fraction(text))
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(f"{shortened(text, 40)!r} is no number; write 24 or 24000/1001") from None
