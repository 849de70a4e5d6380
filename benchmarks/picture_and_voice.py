"""Pictures and voice of a clip by one command, beside two: the time of each, and whether the sound is in its place.

    python benchmarks/picture_and_voice.py [--seconds 2 5] [--size 320x180] [--repeats 3] [--json]

Clips are made of moving noise and of a voice of the test assets, with MP4's usual codecs. In turn, each clip is
translated by `unpaired convert CLIP OUT --model day2night-video --voice-model female-male`, and by two commands, one
for the pictures and one for the sound of what the first wrote, each a process of its own as a user starts them. Then
both results are decoded: every sample of the sound must be the same and at the same time, and so must every picture.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import Any

import av
import numpy as np
import soundfile

PICTURES, VOICES = "day2night-video", "female-male"
VOICE = Path(__file__).resolve().parents[1] / "tests" / "assets" / "speech" / "female-1.flac"
RATE = 25


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, nargs="+", default=[2.0, 5.0], help="lengths of the clips")
    parser.add_argument("--size", default="320x180", help="of the pictures")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        rows = [measure(Path(folder), seconds, width, height, args.repeats) for seconds in args.seconds]
    if args.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"{width}x{height}, medians of {args.repeats} runs in turn")
    for row in rows:
        print(
            f"{row['seconds']:4.1f} s of footage: one command {row['one']:.1f} s, two commands {row['two']:.1f} s, "
            f"{row['ratio']:.2f}x; sound {row['sound']}, pictures {row['pictures']}"
        )


def measure(folder: Path, seconds: float, width: int, height: int, repeats: int) -> dict[str, Any]:
    """Medians of both ways on one clip, and what their results have in common."""
    clip = write_clip(folder / f"clip-{seconds}.mp4", seconds, width, height)
    once, first, second = (folder / f"{name}.mp4" for name in ("once", "first", "second"))
    one, two = [], []
    for _ in range(repeats):
        one.append(timed([clip, once, "--model", PICTURES, "--voice-model", VOICES]))
        two.append(timed([PICTURES, clip, first], [VOICES, first, second]))
    ratio = median(b / a for a, b in zip(one, two, strict=True))
    return {"seconds": seconds, "one": median(one), "two": median(two), "ratio": ratio, **compared(once, second)}


def timed(*commands: list[Any]) -> float:
    """Seconds that conversions take one after the other."""
    begun = time.perf_counter()
    for words in commands:
        command = [sys.executable, "-m", "unpaired.apps.main", "convert", *map(str, words)]
        subprocess.run(command, check=True, capture_output=True, env=dict(os.environ))
    return time.perf_counter() - begun


def write_clip(path: Path, seconds: float, width: int, height: int) -> Path:
    """Footage that moves, with a voice."""
    voice, rate = soundfile.read(VOICE, dtype="float32")
    voice = np.resize(voice, round(seconds * rate))
    wide = np.random.default_rng(0).integers(0, 255, (height // 8, width // 8 + 64, 3), dtype=np.uint8)
    wide = wide.repeat(8, 0).repeat(8, 1)
    with av.open(str(path), "w") as out:
        pictures: Any = out.add_stream("libx264", rate=RATE, options={"crf": "20"})
        pictures.width, pictures.height, pictures.pix_fmt = width, height, "yuv420p"
        sound: Any = out.add_stream("aac", rate=rate, layout="mono")
        for number in range(round(seconds * RATE)):
            pixels = np.zeros((height, width, 3), np.uint8)
            part = wide[:height, 2 * number : 2 * number + width]
            pixels[: part.shape[0], : part.shape[1]] = part
            frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            out.mux(pictures.encode(frame))
        samples = av.AudioFrame.from_ndarray(voice[None], "fltp", "mono")
        samples.sample_rate, samples.pts, samples.time_base = rate, 0, Fraction(1, rate)
        for packet in (*pictures.encode(None), *sound.encode(samples), *sound.encode(None)):
            out.mux(packet)
    return path


def compared(one: Path, other: Path) -> dict[str, str]:
    """Whether two clips are alike to the sample and to the picture."""
    (at, sound), (at_other, sound_other) = decoded(one, "audio"), decoded(other, "audio")
    same = at == at_other and sound == sound_other
    seen, seen_other = decoded(one, "video"), decoded(other, "video")
    return {
        "sound": "the same to the sample" if same else f"DIFFERS (begins at {at} s and {at_other} s)",
        "pictures": "the same" if seen == seen_other else "DIFFER",
    }


def decoded(path: Path, kind: str) -> tuple[Fraction, list[tuple[int | None, bytes]]]:
    """Second of the beginning, and every frame with its time."""
    with av.open(str(path)) as file:
        frames: list[Any] = [each for packet in file.demux() if packet.stream.type == kind for each in packet.decode()]
        base = frames[0].time_base
        return (frames[0].pts or 0) * base, [(each.pts, each.to_ndarray().tobytes()) for each in frames]


if __name__ == "__main__":
    main()
