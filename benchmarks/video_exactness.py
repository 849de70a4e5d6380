"""Whether a conversion keeps what it must: every frame, its time, and the sound, for every clip below a folder.

    python benchmarks/video_exactness.py DIR [DIR ...] [--json]

Each clip goes through reader, pipeline and writer with an identity in place of a network, in a process of its own with
a time limit, and is then compared with what PyAV decodes of input and output: number of frames, presentation times
from the first frame on (to the coarser of the two time bases), the time from first sound to first picture, and the
sound's packets byte by byte (decoded samples where the container demanded another codec). A clip that PyAV cannot
decode must be refused in one line.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

TIME_LIMIT = 300.0
_CONTAINERS = (".mp4", ".mkv", ".webm", ".mov")


@dataclass(frozen=True)
class Sound:
    """One track of sound."""

    codec: str
    packets: tuple[str, ...]
    """Digest of each packet's bytes."""
    samples: int
    start: Fraction


@dataclass(frozen=True)
class Facts:
    """What PyAV decodes of a clip."""

    times: tuple[Fraction, ...]
    """Presentation time of every frame in seconds."""
    time_base: Fraction
    sound: tuple[Sound, ...]
    error: str = ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("places", type=Path, nargs="+", metavar="DIR", help="folders or clips")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        return convert(args.places[0], args.worker)
    clips = [clip for place in args.places for clip in (sorted(place.rglob("*")) if place.is_dir() else [place])]
    rows = []
    for clip in clips:
        if clip.is_file() and clip.suffix not in (".csv", ".txt", ".md"):
            row = examine(clip)
            rows.append(row)
            said = "  ".join(f"{key} {value}" for key, value in row.items() if key not in ("clip", "verdict"))
            print(json.dumps(row) if args.json else f"{row['verdict']:8} {row['clip']:52} {said}", flush=True)
    wrong = sum(row["verdict"] == "WRONG" for row in rows)
    print(f"{len(rows)} clips, {wrong} wrong", file=sys.stderr)
    return 1 if wrong else 0


def examine(clip: Path) -> dict[str, Any]:
    """A row of the table: what became of one clip."""
    before = facts(clip)
    with tempfile.TemporaryDirectory(prefix="unpaired-") as scratch:
        suffix = clip.suffix if clip.suffix in _CONTAINERS else ".mkv"
        target = Path(scratch, f"out{suffix}")
        command = [sys.executable, __file__, str(clip), "--worker", str(target)]
        start = time.perf_counter()
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT)
        except subprocess.TimeoutExpired:
            return {"verdict": "WRONG", "clip": clip.name, "fault": f"took more than {TIME_LIMIT:g} s"}
        row: dict[str, Any] = {"clip": clip.name, "seconds": round(time.perf_counter() - start, 1)}
        said = done.stdout.splitlines()
        if done.returncode == 2 and said:
            left = [path.name for path in target.parent.iterdir()]
            wrong = bool(before.times and not before.error) or bool(left)
            return {"verdict": "WRONG" if wrong else "refused", **row, "said": said[-1][:160]}
        if done.returncode:
            return {"verdict": "WRONG", **row, "fault": (done.stderr.splitlines() or ["died"])[-1][:160]}
        row |= json.loads(said[-1])
        after = facts(target)
    faults = differences(before, after)
    row |= {"frames": len(after.times), "sound": sound_kept(before.sound, after.sound)}
    if faults:
        row["fault"] = "; ".join(faults)
    if before.error:
        row["damaged"] = before.error
    return {"verdict": "WRONG" if faults and not before.error else "exact" if not faults else "damaged", **row}


def differences(before: Facts, after: Facts) -> list[str]:
    """What is not as it was, in words."""
    if len(before.times) != len(after.times):
        return [f"{len(after.times)} frames of {len(before.times)}"]
    found = []
    tick = max(before.time_base, after.time_base)
    moved = max(
        (abs((a - after.times[0]) - (b - before.times[0])) for a, b in zip(after.times, before.times, strict=True)),
        default=Fraction(0),
    )
    if moved > tick:
        found.append(f"a frame moved by {float(moved):.4f} s (time base {tick})")
    if len(before.sound) != len(after.sound):
        found.append(f"{len(after.sound)} tracks of sound of {len(before.sound)}")
    for old, new in zip(before.sound, after.sound, strict=False):
        offset = (new.start - after.times[0]) - (old.start - before.times[0])
        if abs(offset) > max(tick, Fraction(1, 1000)):
            found.append(f"the sound moved by {float(offset):.4f} s")
        if old.codec == new.codec and old.packets != new.packets:
            found.append(f"{len(new.packets)} packets of sound of {len(old.packets)}, or other ones")
        if old.codec != new.codec and abs(old.samples - new.samples) > 4096:
            found.append(f"{new.samples} samples of sound of {old.samples}")
    return found


def sound_kept(before: Sequence[Sound], after: Sequence[Sound]) -> str:
    """How the sound came through, for the table."""
    if not before:
        return "none"
    same = all(old.packets == new.packets for old, new in zip(before, after, strict=False))
    return "packets equal" if same and len(before) == len(after) else "/".join(each.codec for each in after) or "lost"


def facts(clip: Path) -> Facts:
    """Times and sound of a clip; what could be decoded and the error where it breaks off."""
    times: list[Fraction] = []
    time_base, sound, error = Fraction(1), (), ""
    try:
        with av.open(clip, metadata_errors="replace") as container:
            video = container.streams.best("video")
            if video is None:
                return Facts((), time_base, (), "no picture track")
            time_base = video.time_base or time_base
            video.thread_type = "AUTO"
            for frame in container.decode(video):
                if frame.pts is not None:
                    times.append(frame.pts * frame.time_base)
            tracks = len(container.streams.audio)
        sound = tuple(track(clip, index) for index in range(tracks))
    except (av.FFmpegError, UnicodeDecodeError, OSError) as fault:
        error = " ".join(str(fault).split())[:80]
    return Facts(tuple(sorted(times)), time_base, sound, error)


def track(clip: Path, index: int) -> Sound:
    """One track of sound, its packets and how many samples they decode to."""
    digests, samples, start = [], 0, None
    with av.open(clip, metadata_errors="replace") as container:
        stream = container.streams.audio[index]
        for packet in container.demux(stream):
            if not packet.size:
                continue
            if start is None and packet.pts is not None:
                start = packet.pts * packet.time_base
            digests.append(hashlib.sha1(bytes(packet)).hexdigest())
            try:
                samples += sum(frame.samples for frame in packet.decode())
            except av.FFmpegError:
                continue  # the packet is kept all the same
        return Sound(stream.codec_context.name, tuple(digests), samples, start or Fraction(0))


# -- the conversion ----------------------------------------------------------------------------------
class Identity:
    """A translation that changes nothing."""

    def __call__(self, x: Any) -> Any:
        return x

    def with_statistics(self, x: Any, statistics: Any, momentum: float) -> tuple[Any, Any]:
        import torch

        return x, torch.zeros(0) if statistics is None else statistics


def convert(source: Path, target: Path) -> int:
    """Convert one clip with an identity; print peak memory and warnings, or why it is refused."""
    from unpaired import UnpairedError, Video
    from unpaired.apps.command_line import quiet_libraries
    from unpaired.core.conversion.pipeline import Job, Pipeline
    from unpaired.core.training.resources import peak_memory
    from unpaired.domains.video import VideoConversion

    preset = "8" if target.suffix == ".webm" else "ultrafast"
    options = VideoConversion(smooth=False, blend=False, cuts=False, preset=preset)
    job = Job(source, target)
    try:
        with quiet_libraries():
            Pipeline(Video(), Identity(), "a2b", options).run([job])
        job.check()
    except UnpairedError as error:
        print(" ".join(str(error).split()))
        return 2
    assert job.reader is not None
    print(json.dumps({"peak_mb": (peak_memory() or 0) // 2**20, "warnings": list(job.reader.warnings)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
