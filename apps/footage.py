"""Footage in the commands: picture models applied to it, and names that are not files."""

from __future__ import annotations

import dataclasses
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from json import dumps
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unpaired import Audio, ConfigError, ConversionSettings, Image, MissingFile, Video
from unpaired.apps.command_line import Progress as ProgressShown
from unpaired.apps.command_line import put_scores, quiet_libraries, said_now_and_then
from unpaired.core.errors import as_note
from unpaired.core.sides import SIDES

if TYPE_CHECKING:
    from unpaired import Domain, Translator
    from unpaired.core.conversion.files import ConversionReport
    from unpaired.core.conversion.pipeline import Progress
    from unpaired.core.sides import Direction
    from unpaired.domains.video.conversion.live import LiveReport
    from unpaired.domains.video.evaluation.clips import ClipScores

PIPE = "-"


def for_footage(translator: Translator) -> Translator:
    """The same model for clips: a colour picture model translates their frames.

    Raises:
        ConfigError: the model is of another medium, or of pictures that are not red, green and blue.
    """
    from unpaired import Translator

    if isinstance(translator.domain, Video):
        return translator
    adopted = Video.from_compatible(translator.domain)
    if adopted is None:
        raise ConfigError("this model cannot translate footage; give one of the domain video, or of colour pictures")
    choice = translator.choice
    return Translator(
        dataclasses.replace(translator.model, domain=adopted), choice.name, choice.device, translator.name
    )


def medium_of(places: Sequence[str]) -> str:
    """The medium that files or folders are inspected as, where nobody says: that of most names. In case of doubt
    pictures go before footage, and footage before sound."""
    from unpaired.core.conversion.input_files import InputFiles

    paths = [path for place in places for path in InputFiles(place).files]
    media = (Image(), Video(), Audio())
    counts = Counter(next((each.name for each in media if each.convertible(path)), "") for path in paths)
    return max((each.name for each in media), key=lambda name: counts[name])


def hints(folder: Path, domain: Domain) -> list[str]:
    """Note that a folder treated as pictures by default may be a clip."""
    if domain.name != "image" or not Video().recording(folder):
        return []
    return ["The pictures are numbered like the frames of a clip: --domain video looks at them as one."]


def described(file: Path) -> dict[str, Any]:
    """Facts about one clip. Raises MissingFile or MediaError."""
    from unpaired.domains.video.inspection.file import examine
    from unpaired.domains.video.reading.probe import probe

    found = examine(file)
    facts: dict[str, Any] = {
        "codec": found.codec,
        "size": f"{found.width}x{found.height}",
        "frames": found.frames,
        "seconds": round(found.seconds, 3),
        "rate": round(found.rate, 3),
    }
    if found.kind == "clip":
        info = probe(file)
        facts |= {"container": info.container, "sound": list(info.sound), "subtitles": list(info.subtitles)}
    if found.variable:
        facts["variable rate"] = "yes"
    if found.seen is not None:
        seen = found.seen
        facts |= {"cuts": seen.cuts, "duplicate frames": seen.duplicates, "static seconds": round(seen.still, 2)}
        facts["damage"] = seen.damage
    return facts | {"remarks": list(found.remarks)}


def through_pipe(
    translator: Translator,
    source: str,
    target: str,
    direction: Direction,
    options: ConversionSettings,
    progress: Callable[[Progress], None],
) -> ConversionReport:
    """Convert one clip where input or output is a pipe (the name -), which is no file to look for or to rename.

    Raises:
        MissingFile, MediaError, OutputError: as for files.
    """
    from unpaired.core.conversion.files import ConversionReport, notes_of
    from unpaired.core.conversion.pipeline import Job, Pipeline

    if source != PIPE and not (Path(source).is_file() or translator.domain.recording(Path(source))):
        raise MissingFile(f"there is no file {source}; what goes into a pipe is one clip")
    job = Job(Path(source), Path(target))
    translator.domain.check_target(job.target, job.source, options)
    Pipeline(translator.domain, translator.for_direction(direction), direction, options, progress).run([job])
    job.check()
    return ConversionReport(converted=(job.target,), notes=notes_of([job]))


def convert_live(
    translator: Translator, source: str, target: str, direction: Direction, options: ConversionSettings, json: bool
) -> int:
    """Translate a stream until it ends or Ctrl-C; say at the end how it went."""
    from unpaired.domains.video import VideoConversion
    from unpaired.domains.video.conversion.live import convert_live

    assert isinstance(options, VideoConversion)
    side, _ = SIDES[direction]
    show = said_now_and_then(_live_text)
    with quiet_libraries():
        report = convert_live(
            translator.domain, translator.for_direction(direction), source, Path(target), options, side, show
        )
    with redirect_stdout(sys.stderr if target == PIPE else sys.stdout):
        print(dumps(dataclasses.asdict(report), indent=2) if json else _live_text(report))
    for note in report.warnings:
        print(as_note(f"{source}: {note}"), file=sys.stderr)
    return 0


def _live_text(report: LiveReport) -> str:
    return (
        f"{report.seconds:.0f} s: {report.received} frames received, {report.translated} translated "
        f"({report.frames_per_second:.1f} frames/s), {report.dropped} dropped; "
        f"behind by {1e3 * report.latency:.0f} ms (median), {1e3 * report.longest:.0f} ms at most"
    )


def score_clips(
    translator: Translator, places: Sequence[str], direction: Direction, seconds: float | None, target: str | None
) -> int:
    """Score steadiness on clips, or on those below folders; print a table, or write JSON (- prints it)."""
    from unpaired.domains.video import VideoConversion
    from unpaired.domains.video.evaluation.clips import score_clip

    translator = for_footage(translator)
    domain, options = translator.domain, VideoConversion(end=seconds)
    assert isinstance(domain, Video)
    side, _ = SIDES[direction]
    clips, scores = _clips(places, domain), []
    for number, clip in enumerate(clips):
        show = ProgressShown(f"scored {clip.name} ({number + 1} of {len(clips)})")
        with quiet_libraries():
            scores.append(score_clip(domain, translator.for_direction(direction), clip, options, side, _sharing(show)))
    data = {"direction": direction, "clips": [_as_dict(each) for each in scores]}
    put_scores("\n".join(_table(scores)), data, target)
    return 0


def _clips(places: Sequence[str], domain: Video) -> list[Path]:
    from unpaired.core.conversion.input_files import InputFiles
    from unpaired.domains.video.reading.material import is_still_name

    found = []
    for place in map(InputFiles, places):
        found += [part for part in place.parts(domain) if part.is_dir() or not is_still_name(part.name)]
    if not found:
        raise MissingFile(f"there is no clip in {', '.join(places)}")
    return found


def _sharing(show: ProgressShown) -> Callable[[int, int], None]:
    return lambda done, expected: show(min(1.0, done / expected)) if expected else None


def _table(scores: Sequence[ClipScores]) -> Iterator[str]:
    columns = {
        "frames": "frames",
        "warping error": "warping_error",
        "input's": "warping_error_input",
        "ratio": "warping_ratio",
        "per frame": "warping_error_per_frame",
        "long range": "long_warping_ratio",
        "tOF": "tof",
        "sharpness": "sharpness_ratio",
        "frames/s": "frames_per_second",
    }
    width = max(len(each.clip.name) for each in scores)
    yield " ".join([" " * width, *(f"{heading:>13}" for heading in columns)])
    for each in scores:
        cells = (f"{each.figures[key]:13.4g}" if key in each.figures else f"{'-':>13}" for key in columns.values())
        yield " ".join([f"{each.clip.name:{width}}", *cells])
        yield from (f"  {remark}" for remark in each.remarks)


def _as_dict(scores: ClipScores) -> dict[str, Any]:
    return {
        "clip": str(scores.clip),
        **scores.figures,
        "cuts": scores.cuts,
        "remarks": scores.remarks,
        # JSON has no nan
        "series": {
            name: [None if isnan(error) else error for error in row] for name, row in scores.warping_error.items()
        },
    }
