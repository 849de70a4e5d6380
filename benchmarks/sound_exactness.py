"""Whether a conversion keeps what it must of sound, for every recording and every clip below a folder.

    python benchmarks/sound_exactness.py DIR [DIR ...] [--every N] [--json]

Each file goes through reader and writer with nothing between them, into a file of its own ending (WAV where that is not
written), and what libsndfile, or else PyAV, decodes before and after is compared: rate, channels, number of samples,
where on the clock the sound lies (by correlation of stretches all over it, beside the picture where there is one), and
tags. What is not kept must be said in a note. A file without sound that can be decoded must be refused.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile

AT_ONCE = 60
"""Files that a process of its own goes through."""
TIME_LIMIT = 600.0
_IMAGES = (".png", ".jpg", ".tif", ".tiff", ".bmp", ".avif", ".webp", ".gif", ".csv", ".txt", ".md", ".tga", ".ppm",
           ".mpo", ".jp2", ".heic", ".apng", ".npy", ".npz")  # fmt: skip
_TAGS = ("title", "artist", "album", "date", "genre", "comment", "track")
_STRETCH, _AROUND, _STRETCHES = 0.5, 0.06, 6
_SILENT, _ALIKE = 1e-4, 0.95
_FRAMES = 4608
"""Samples that a file of whole frames may be longer by."""
_ROUNDED = Fraction(11, 10_000)
_GEN_PTS = av.container.core.Flags.gen_pts.value


@dataclass(frozen=True)
class Facts:
    """What is decoded of a file."""

    rate: int = 0
    sound: Any = None
    """(samples, channels) from the picture's beginning on, or from its own where there is no picture."""
    begin: int = 0
    """Samples after that at which the sound begins."""
    tags: frozenset[str] = frozenset()
    picture: bool = False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("places", type=Path, nargs="+", metavar="DIR", help="folders or files")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take each Nth file alone")
    parser.add_argument("--json", action="store_true", help="a line of JSON for each file")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        for path in args.places:
            print(json.dumps(examine(path)), flush=True)
        return 0
    files = [file for place in args.places for file in (sorted(place.rglob("*")) if place.is_dir() else [place])]
    files = [file for file in files if file.is_file() and file.suffix.lower() not in _IMAGES]
    files, rows = files[:: args.every], []
    for at in range(0, len(files), AT_ONCE):
        for row in rows_of(files[at : at + AT_ONCE]):
            rows.append(row)
            said = json.dumps(row) if args.json else f"{row['verdict']:8} {row['file']:60} {row.get('said', '')}"
            print(said, flush=True)
    counts = {
        verdict: sum(row["verdict"] == verdict for row in rows) for verdict in ("exact", "said", "refused", "WRONG")
    }
    print(
        f"{len(rows)} files: " + ", ".join(f"{count} {verdict}" for verdict, count in counts.items()), file=sys.stderr
    )
    return 1 if counts["WRONG"] else 0


def rows_of(files: list[Path]) -> Iterator[dict[str, Any]]:
    """What became of some files; where a process dies, the file that it was at is wrong, and the rest goes on."""
    while files:
        command = [sys.executable, __file__, "--worker", *map(str, files)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT).stdout
        except subprocess.TimeoutExpired as late:
            done = (late.stdout or b"").decode()
        rows = [json.loads(line) for line in done.splitlines() if line.startswith("{")]
        yield from rows
        files = files[len(rows) :]
        if files:
            yield {"verdict": "WRONG", "file": files[0].name, "said": "the process ended, or took too long"}
            files = files[1:]


def examine(path: Path) -> dict[str, Any]:
    """A row of the table."""
    before = facts(path)
    with tempfile.TemporaryDirectory(prefix="unpaired-") as scratch:
        notes, refusal = [], ""
        for suffix in dict.fromkeys((path.suffix or ".wav", ".wav")):
            target = Path(scratch, f"out{suffix}")
            notes, refusal, ending = converted(path, target)
            if not ending:
                break
        row = {"file": path.name, "said": refusal or "; ".join(notes)}
        if refusal:
            wrong = (before is not None and before.sound.shape[0] > 0) or any(Path(scratch).iterdir())
            return {"verdict": "WRONG" if wrong and "too few for" not in refusal else "refused", **row}
        after = facts(target)
    if before is None or after is None:
        return {"verdict": "WRONG", **row, "said": "cannot be decoded " + ("before" if before is None else "after")}
    faults = differences(before, after, notes)
    if faults:
        return {"verdict": "WRONG", **row, "said": "; ".join(faults)}
    return {"verdict": "said" if notes else "exact", **row}


def converted(source: Path, target: Path) -> tuple[list[str], str, bool]:
    """Notes, why it is refused (empty if it is not), and whether that is for the ending of the target."""
    from unpaired import Audio, UnpairedError
    from unpaired.domains.audio.reading.reader import open_recording
    from unpaired.domains.audio.settings import AudioConversion
    from unpaired.domains.audio.writing.writer import AudioWriter

    options = AudioConversion()
    try:
        Audio().check_target(target, source, options)
    except UnpairedError as error:
        return [], str(error), True
    try:
        reader = open_recording(source, "a")
        try:
            writer = AudioWriter(target, reader, options)
            try:
                for chunk in reader:
                    writer.write(chunk)
                writer.finish()
            except BaseException:
                writer.discard()
                raise
            return [*reader.warnings, *writer.warnings], "", False
        finally:
            reader.close()
    except UnpairedError as error:
        return [], " ".join(str(error).split()), False


# -- comparing -------------------------------------------------------------------------------------
def differences(before: Facts, after: Facts, notes: list[str]) -> list[str]:
    """What is not as it was and was not said, in words."""
    said = " ".join(notes)
    found = []
    if before.sound.shape[1] != after.sound.shape[1]:
        found.append(f"{after.sound.shape[1]} channels of {before.sound.shape[1]}")
    if before.rate != after.rate and f"written at {after.rate} Hz" not in said:
        found.append(f"{after.rate} Hz of {before.rate}")
    expected = -(-(before.begin + len(before.sound)) * after.rate // before.rate)
    longer = after.begin + len(after.sound) - expected
    whole = before.picture or "whole frames" in said or "silence follow its end" in said or before.rate != after.rate
    if not -(_FRAMES if before.picture else 1) <= longer <= (_FRAMES if whole else 0):
        found.append(f"{longer:+d} samples of {expected}")
    late = lateness(before, after)
    if "damaged" in said:  # what stands for the damage is not what a decoder leaves out
        return []
    if late is not None and abs(late) > 1.0:
        found.append(f"moved by {late:+.2f} ms")
    missing = [tag for tag in before.tags - after.tags if tag not in said and "tags" not in said]
    if missing:
        found.append(f"lost without a word: {', '.join(sorted(missing))}")
    return found


def lateness(before: Facts, after: Facts) -> float | None:
    """The greatest shift of stretches that are not silent, in milliseconds; None where all are."""
    rate, size = before.rate, round(_STRETCH * before.rate)
    shifts = []
    for at in np.linspace(0, max(0, len(before.sound) - size), _STRETCHES).astype(int):
        old = before.sound[at : at + size, 0].astype(np.float64)
        if not len(old) or np.sqrt(np.square(old).mean()) < _SILENT or before.rate != after.rate:
            continue
        place = at + before.begin - after.begin
        around = round(_AROUND * rate)
        new = after.sound[max(0, place - around) : max(0, place + len(old) + around), 0].astype(np.float64)
        new = np.pad(new, (max(0, around - place), 0))
        if not len(new):
            return 1000.0 * _AROUND
        here = new[around : around + len(old)]
        if len(here) == len(old) and old @ here > _ALIKE * np.sqrt(np.square(old).sum() * np.square(here).sum()):
            shifts.append(0.0)  # also where the sound is like itself in other places
            continue
        length = 1 << (len(new) + len(old)).bit_length()
        alike = np.fft.irfft(np.fft.rfft(new, length) * np.conj(np.fft.rfft(old, length)), length)[: 2 * around + 1]
        best = int(alike.argmax())
        shifts.append(1000 * (best - around) / rate)
    return max(shifts, key=abs, default=None)


# -- decoding --------------------------------------------------------------------------------------
def facts(path: Path) -> Facts | None:
    """What libsndfile, or else PyAV, finds in a file; None for no sound."""
    tags, picture, zero = labels(path)
    if not picture:
        try:
            sound, rate = soundfile.read(str(path), dtype="float32", always_2d=True)
            return Facts(rate, np.nan_to_num(sound), 0, tags)
        except (soundfile.LibsndfileError, RuntimeError):
            pass
    try:
        return decoded(path, tags, zero if picture else None)
    except (av.FFmpegError, OSError, ValueError):
        return None


def labels(path: Path) -> tuple[frozenset[str], bool, Fraction]:
    """Names of tags, whether there is footage, and seconds at which it begins."""
    try:
        with av.open(str(path), metadata_errors="replace") as file:
            file.flags &= ~_GEN_PTS
            given: dict[str, str] = dict(file.metadata)
            for stream in file.streams.audio[:1]:
                given |= stream.metadata
            tags = frozenset(name.lower() for name, value in given.items() if value.strip()) & set(_TAGS)
            videos = [stream for stream in file.streams.video if not int(stream.disposition) & 1024]
            frame = next(file.decode(videos[0]), None) if videos else None
            if frame is None:
                return tags, False, Fraction(0)
            ticks = frame.pts if frame.pts is not None else frame.dts or 0
            return tags, True, ticks * frame.time_base
    except (av.FFmpegError, OSError, ValueError):
        return frozenset(), False, Fraction(0)


def decoded(path: Path, tags: frozenset[str], zero: Fraction | None) -> Facts | None:
    """The sound by PyAV, each stretch where its time says."""
    parts: list[tuple[Fraction, Any]] = []
    rate, due = 0, Fraction(0)
    with av.open(str(path), metadata_errors="replace") as file:
        stream = file.streams.best("audio")
        if stream is None:
            return None
        for packet in file.demux(stream):
            try:
                frames = stream.decode(packet if packet.size else None)
            except (av.FFmpegError, EOFError):
                continue
            for frame in frames:
                rate = rate or frame.sample_rate
                time = frame.pts * frame.time_base if frame.pts is not None else due
                packed = av.AudioResampler("flt", frame.layout.name, rate)
                frame.pts = None
                sound = np.concatenate([each.to_ndarray().reshape(-1, each.layout.nb_channels)
                                        for each in packed.resample(frame)])  # fmt: skip
                parts.append((time if not parts or abs(time - due) > _ROUNDED else due, sound))
                due = parts[-1][0] + Fraction(len(sound), rate)
    if not parts:
        return None
    origin = parts[0][0] if zero is None else zero
    places = [round((time - origin) * rate) for time, _ in parts]
    first = min(places)
    whole = np.zeros((max(p + len(s) for p, (_, s) in zip(places, parts, strict=True)) - first, parts[0][1].shape[1]))
    for place, (_, sound) in zip(places, parts, strict=True):
        whole[place - first : place - first + len(sound)] = sound
    return Facts(rate, whole.astype(np.float32), first, tags, zero is not None)


if __name__ == "__main__":
    sys.exit(main())
