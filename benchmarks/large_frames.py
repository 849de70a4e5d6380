"""Large frames at a working size against every pixel (`--full`, the only way until now): time, memory and likeness.

    python benchmarks/large_frames.py time DATA [--frames N] [--rounds N] [--model M] [--size 4k|8k|picture]
        [--against CHECKOUT]
    python benchmarks/large_frames.py likeness DATA [--frames N] [--model M]

DATA holds the shared test media. None of its footage is larger than 1920x1080 and none of its photographs than 1.2
megapixels, so that large frames are put together: nine clips of 1280x720 in rows of three make 3840x2160 with detail in
every pixel, which enlarging would not give. Scenes in such a frame are small, and that is the harder case.

`time`: each conversion is the command in a process of its own, start-up, decoding and encoding included; a round is one
of each kind in turn, and the medians and their ratio are printed, also of the time on the CPUs, which other processes
hardly touch. With `--against` another checkout of the project takes its turn as well, at the working size.

`likeness`, on single frames, of several ways from the working size to full size:
  own       PSNR, at the working size, from the translation that the network makes at the working size
  every     the same, from the translation of every pixel
  sharper   sharpness (root mean squared gradient of luma) as a share of that of the translation of every pixel
  seconds   for a frame, the network not counted
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from processes import as_package, run_measured, with_package

RATE = 24
_BEFORE = "the other checkout"
CLIPS = (
    ("video/animation/big_buck_bunny_0_30.webm", 120),
    ("video/cockatoo/cockatoo.mp4", 0),
    ("video/underwater/degraded_video.mp4", 0),
    ("video/animation/big_buck_bunny_0_30.webm", 300),
    ("robustness/video/moviepy/fire2.mp4", 0),
    ("video/cockatoo/cockatoo.mp4", 150),
    ("video/underwater/degraded_video.mp4", 150),
    ("video/animation/big_buck_bunny_0_30.webm", 480),
    ("video/cockatoo/cockatoo.mp4", 80),
)
"""Clips of 1280x720, and the frame that each begins with."""
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def frames_of(path: Path, first: int) -> Iterator[np.ndarray]:
    """The frames of a clip from one on, to its end and back again for ever."""
    with av.open(str(path)) as container:
        frames = []
        for number, frame in enumerate(container.decode(video=0)):
            if number >= first:
                frames.append(frame.reformat(format="rgb24"))
                yield frames[-1].to_ndarray()[:720, :1280]
            if len(frames) >= 24:
                break
    while True:
        for frame in [*frames[::-1], *frames]:
            yield frame.to_ndarray()[:720, :1280]


def mosaics(data: Path, times: int = 1) -> Iterator[np.ndarray]:
    """Frames of 3840x2160, or so many times as wide and high."""
    clips = [frames_of(data / name, first) for name, first in CLIPS]
    while True:
        tiles = [next(clip) for clip in clips]
        frame = np.concatenate([np.concatenate(tiles[row : row + 3], axis=1) for row in (0, 3, 6)])
        yield np.tile(frame, (times, times, 1))


def clip_of(data: Path, frames: int, times: int, folder: Path) -> Path:
    """Such frames as a clip."""
    path = folder / "in.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", RATE, options={"preset": "ultrafast", "crf": "16"})
        stream.width, stream.height, stream.pix_fmt = 3840 * times, 2160 * times, "yuv420p"
        stream.time_base = Fraction(1, RATE)
        for _, frame in zip(range(frames), mosaics(data, times), strict=False):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        container.mux(stream.encode(None))
    return path


def picture_of(data: Path, folder: Path) -> Path:
    """A picture of 24 megapixels: 6000x4000."""
    from PIL import Image

    frame = next(mosaics(data))
    path = folder / "in.jpg"
    Image.fromarray(np.tile(frame, (2, 2, 1))[:4000, :6000]).save(path, quality=92)
    return path


def measure_time(args: argparse.Namespace) -> None:
    """Print a line for each round, then medians and ratio."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        picture = args.size == "picture"
        times = 2 if args.size == "8k" else 1
        source = picture_of(args.data, folder) if picture else clip_of(args.data, args.frames, times, folder)
        target = folder / f"out{source.suffix}"
        command = [sys.executable, "-m", "unpaired.apps.main", "convert", args.model, str(source), str(target)]
        kinds = {"working size": command, "every pixel": [*command, "--full"]}
        kinds = {name: each for name, each in kinds.items() if args.only in (None, name)}
        homes = dict.fromkeys(kinds, None if args.against is None else as_package(Path(), folder / "this"))
        if args.against is not None:
            kinds, homes[_BEFORE] = kinds | {_BEFORE: command}, as_package(args.against, folder / "other")
        seconds: dict[str, list[float]] = {name: [] for name in kinds}
        worked: dict[str, list[float]] = {name: [] for name in kinds}
        peaks, made = dict.fromkeys(kinds, 0.0), dict[str, Path]()
        for number in range(args.rounds):
            for name, each in kinds.items():
                before = resource.getrusage(resource.RUSAGE_CHILDREN)
                taken, peak = run_measured(each, environment=with_package(homes[name]))
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                worked[name].append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
                seconds[name].append(taken)
                peaks[name] = max(peaks[name], peak)
                made[name] = target.replace(folder / f"{name}{target.suffix}")
                print(
                    f"round {number + 1}, {name}: {taken:.1f} s, {worked[name][-1]:.1f} s of CPU, peak {peak:.0f} MB",
                    flush=True,
                )
        like = "" if picture or args.against is None else _likeness(made["working size"], made[_BEFORE])
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    unit = "pictures/s" if picture else "frames/s"
    count = 1 if picture else args.frames
    found = {f"{name}, {unit}": round(count / value, 3) for name, value in medians.items()}
    found |= {f"{name}, MB": round(peak) for name, peak in peaks.items()}
    if args.against is not None:
        before, now = statistics.median(worked[_BEFORE]), statistics.median(worked["working size"])
        found["times as fast as before"] = round(medians[_BEFORE] / medians["working size"], 2)
        found |= {"times as much CPU before": round(before / now, 2), "PSNR of Y, Cb and Cr from it": like}
    if "every pixel" in medians and "working size" in medians:
        found["times as fast"] = round(medians["every pixel"] / medians["working size"], 2)
        every, working = (statistics.median(worked[name]) for name in ("every pixel", "working size"))
        found["times as much CPU"] = round(every / working, 2)
    print(json.dumps(found))


def _likeness(one: Path, other: Path) -> str:
    """PSNR in dB of the samples of two clips in 4:2:0 of 8 bits, plane by plane."""
    wrong = []
    with av.open(str(one)) as first, av.open(str(other)) as second:
        for pair in zip(first.decode(video=0), second.decode(video=0), strict=True):
            planes = zip(*(frame.planes for frame in pair), strict=True)
            samples = [[np.frombuffer(plane, np.uint8).astype(np.float32) for plane in both] for both in planes]
            wrong.append([float(((a - b) ** 2).mean()) for a, b in samples])
    return ", ".join(f"{10 * np.log10(255**2 / max(error, 1e-9)):.1f}" for error in np.mean(wrong, axis=0))


def measure_likeness(args: argparse.Namespace) -> None:
    """Print a line for each way and frame."""
    import torch

    import unpaired
    from unpaired.domains.image import reduced, working_size

    translator = unpaired.load(args.model).for_medium("video")
    translate = translator.domain.framewise(translator.for_direction(args.direction), args.direction[0])  # type: ignore[attr-defined]
    for number, frame in zip(range(args.frames), mosaics(args.data), strict=False):
        x = np.ascontiguousarray(frame.transpose(2, 0, 1)).astype(np.float32) / 127.5 - 1
        every = translate(torch.from_numpy(x)[None])[0].numpy()
        size = working_size(*x.shape[1:])
        source = reduced(x, *size)
        own = translate(torch.from_numpy(source)[None])[0].numpy()
        small = reduced(every, *size)
        print(f"frame {number}: the network at {size[1]}x{size[0]} and on every pixel: {_psnr(own, small):.1f} dB")
        for name, way in WAYS.items():
            start = time.perf_counter()
            found = way(x, source, own)
            taken = time.perf_counter() - start
            back = reduced(found, *size)
            print(
                f"  {name:<24} own {_psnr(back, own):5.1f} dB  every {_psnr(back, small):5.1f} dB  "
                f"sharper {_sharpness(found) / _sharpness(every):.2f}  {taken:.2f} seconds",
                flush=True,
            )


def _psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(10 * np.log10(4.0 / ((one.clip(-1, 1) - other.clip(-1, 1)) ** 2).mean()))


def _sharpness(planes: np.ndarray) -> float:
    luma = np.tensordot(_LUMA, planes.clip(-1, 1), 1)
    return float(np.sqrt((np.diff(luma, axis=0) ** 2).mean() + (np.diff(luma, axis=1) ** 2).mean()))


# -- ways from the working size to full size -----------------------------------------------------------
def with_detail(x: np.ndarray, source: np.ndarray, translated: np.ndarray) -> np.ndarray:
    """The one in use: `domains/image/large.py`."""
    from unpaired.domains.image import Detail

    return Detail(source, translated).enlarged(x, 0, x.shape[1])


def cubic(x: np.ndarray, source: np.ndarray, translated: np.ndarray) -> np.ndarray:
    """Nothing but enlarging."""
    return np.stack([_enlarged(plane, x, 2) for plane in translated])


def guided(radius: int, eps: float = 1e-3) -> Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    """Fast guided filter (He and Sun 2015), each channel guided by its own."""
    import cv2

    def box(plane: np.ndarray) -> np.ndarray:
        return np.asarray(cv2.blur(plane, (2 * radius + 1, 2 * radius + 1)))

    def way(x: np.ndarray, source: np.ndarray, translated: np.ndarray) -> np.ndarray:
        found = np.empty_like(x)
        for c, (guide, y) in enumerate(zip(source, translated, strict=True)):
            mean, own = box(guide), box(y)
            slope = (box(guide * y) - mean * own) / (box(guide * guide) - mean * mean + eps)
            found[c] = _enlarged(box(slope), x) * x[c] + _enlarged(box(own - slope * mean), x)
        return found

    return way


def bilateral(x: np.ndarray, source: np.ndarray, translated: np.ndarray) -> np.ndarray:
    """Joint bilateral upsampling (Kopf et al. 2007) over 3x3 pixels of the working size."""
    height, width = translated.shape[1:]
    rows = (np.arange(x.shape[1], dtype=np.float32) + 0.5) * height / x.shape[1] - 0.5
    columns = (np.arange(x.shape[2], dtype=np.float32) + 0.5) * width / x.shape[2] - 0.5
    full, small = np.tensordot(_LUMA, x, 1), np.tensordot(_LUMA, source, 1)
    found, total = np.zeros_like(x), np.zeros(x.shape[1:], np.float32)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            at, to = np.rint(rows) + down, np.rint(columns) + right
            place = np.exp(-((at - rows) ** 2))[:, None] * np.exp(-((to - columns) ** 2))
            near = np.ix_(at.clip(0, height - 1).astype(int), to.clip(0, width - 1).astype(int))
            weight = (place * np.exp(-(((full - small[near]) / 0.1) ** 2) / 2)).astype(np.float32)
            total += weight
            for c, plane in enumerate(translated):
                found[c] += weight * plane[near]
    return np.asarray(found / (total + 1e-8), np.float32)


def grid(x: np.ndarray, source: np.ndarray, translated: np.ndarray) -> np.ndarray:
    """Bilateral guided upsampling (Chen et al. 2016): an affine model in each cell of 16x16 pixels and 8 levels."""
    import cv2
    import torch

    levels, cell = 8, 16
    height, width = translated.shape[1:]
    size = max(2, width // cell), max(2, height // cell)
    level = (np.tensordot(_LUMA, source, 1) + 1) / 2 * (levels - 1)
    terms = [*source, np.ones_like(level)]

    def fitted(one: np.ndarray, other: np.ndarray, number: int) -> np.ndarray:
        weight = np.maximum(0, 1 - np.abs(level - number)).astype(np.float32)
        blurred = cv2.blur((weight * one * other).astype(np.float32), (2 * cell + 1, 2 * cell + 1))
        return np.asarray(cv2.resize(blurred, size, interpolation=cv2.INTER_AREA))

    left = np.array([[[fitted(a, b, n) for b in terms] for a in terms] for n in range(levels)])
    right = np.array([[[fitted(a, y, n) for y in translated] for a in terms] for n in range(levels)])
    left, right = left.transpose(0, 3, 4, 1, 2), right.transpose(0, 3, 4, 1, 2)
    even = np.diag([1e-3, 1e-3, 1e-3, 1e-5]) * (left[..., 3:, 3:] + 0.01)
    cells = torch.from_numpy(np.linalg.solve(left + even, right).astype(np.float32))
    cells = cells.permute(3, 4, 0, 1, 2).reshape(1, 4 * len(translated), levels, size[1], size[0])
    full = torch.from_numpy(np.tensordot(_LUMA, x, 1).astype(np.float32)).clamp(-1, 1) * (levels - 1) / levels
    down, along = (torch.linspace(-1, 1, 2 * length + 1)[1::2] for length in x.shape[1:])
    found = np.empty_like(x)
    for top in range(0, x.shape[1], 64):
        rows = slice(top, min(top + 64, x.shape[1]))
        luma = full[rows]
        where = torch.stack([along.expand_as(luma), down[rows, None].expand_as(luma), luma], -1)[None, None]
        model = torch.nn.functional.grid_sample(cells, where, padding_mode="border", align_corners=False)[0, :, 0]
        slopes = model.numpy().reshape(4, len(translated), *luma.shape)
        found[:, rows] = (slopes[:3] * x[:, None, rows]).sum(0) + slopes[3]
    return found


def _enlarged(plane: np.ndarray, like: np.ndarray, method: int = 1) -> np.ndarray:
    import cv2

    return np.asarray(cv2.resize(plane, like.shape[:0:-1], interpolation=method))


WAYS = {
    "detail by its gain": with_detail,
    "enlarged": cubic,
    "guided filter, radius 2": guided(2),
    "guided filter, radius 8": guided(8),
    "joint bilateral": bilateral,
    "bilateral grid, affine": grid,
}


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("time", "likeness"))
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default="day2night-video")
    parser.add_argument("--direction", choices=("a2b", "b2a"), default="a2b")
    parser.add_argument("--size", choices=("4k", "8k", "picture"), default="4k")
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="another checkout of the project")
    parser.add_argument("--only", choices=("working size", "every pixel"), help="one of the two kinds")
    args = parser.parse_args()
    (measure_time if args.what == "time" else measure_likeness)(args)


if __name__ == "__main__":
    main()
