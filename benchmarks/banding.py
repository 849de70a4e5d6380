"""Bands in a dark gradient: how many levels are seen of it at 8, 10 and 16 bits, rounded plainly and with dithering.

    python benchmarks/banding.py [--json]

A night sky of 512x128 pixels that spans six levels of 8 bits goes the way of every translated frame (`Packer`), and
what is in the file's luma is compared with what the network said:

- codes: how many values of the samples there are;
- seen: how many the means of 8x8 pixels have, told apart at a 64th of a level of 8 bits, as the eye blends them;
- band: the widest stretch of pixels in a row over which those means do not change;
- error: root mean square, in levels of 8 bits, of what is left after a blur of 2 pixels: the bands, not the grain;
- elsewhere: share of the samples that change when another corner of the picture does, which flickers;
- ms: time for a frame of 1920x1080, of this step alone.

Beside ours stand plain rounding and two other ways: error diffusion (Floyd and Steinberg 1976) and thresholds of blue
noise (void and cluster; Ulichney 1993). The second table is the same sky moving, after a lossy encoder and back.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt

from unpaired.domains.video.frames.colour import Colour, Packer
from unpaired.domains.video.frames.dither import rounded

Plane = npt.NDArray[Any]
HEIGHT, WIDTH, CORNER, FRAMES = 128, 512, 16, 6
WAYS = ("rounded", "ordered dither", "error diffusion", "blue noise")
FORMS = {8: "yuv420p", 10: "yuv420p10le", 16: "yuv420p16le"}
ENCODERS = {"H.264, crf 18": ("libx264", {"crf": "18"}), "H.265, crf 20": ("libx265", {"crf": "20"})}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    ways: list[tuple[int, str]] = [(8, way) for way in WAYS] + [(10, way) for way in WAYS[:2]] + [(16, "rounded")]
    rows = [judged(depth, way) for depth, way in ways]
    coded = [encoded(label, way) for label in ENCODERS for way in WAYS]
    if args.json:
        print(json.dumps({"levels": rows, "encoded": coded}, indent=2))
        return 0
    for table in (rows, coded):
        print(" | ".join(table[0]))
        for row in table:
            print(" | ".join(f"{value:.4f}" if isinstance(value, float) else str(value) for value in row.values()))
        print()
    return 0


def sky(number: int = 0) -> Plane:
    """Luma (H, W) of a frame, in levels of 8 bits, limited range."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    return 20 + 5 * (x + 0.3 * number) / WIDTH + (y / HEIGHT) ** 2


def code(luma: Plane, depth: int, way: str) -> Plane:
    """What is written of it, in levels of so many bits."""
    if way == "error diffusion":
        return error_diffusion(luma)
    if way == "blue noise":
        return blue_noise(luma)
    grey = np.repeat(np.rint((luma - 16) / 219 * 65535).astype(np.uint16)[None], 3, axis=0)
    return luma_of(Packer(FORMS[depth], Colour(1, 1, 1), 1, way != "rounded")(grey))


def judged(depth: int, way: str) -> dict[str, Any]:
    """Figures of a way to write the sky."""
    luma, unit = sky(), 2.0 ** (depth - 8)
    codes = code(luma, depth, way)
    changed = luma.copy()
    changed[:CORNER, :CORNER] += 3.3
    elsewhere = code(changed, depth, way) != codes
    elsewhere[: 2 * CORNER, : 2 * CORNER] = False
    means = np.rint(64 * codes.reshape(HEIGHT // 8, 8, WIDTH // 8, 8).mean(axis=(1, 3)) / unit).astype(int)
    large = np.zeros((1080, 1920), np.uint16)
    ours = way in WAYS[:2]
    times = [timed(lambda: rounded(large, unit / 256, depth, 0.0, way != "rounded")) for _ in range(9 if ours else 0)]
    return {
        "bits": depth,
        "way": way,
        "codes": len(np.unique(codes)),
        "seen": len(np.unique(means)),
        "band": 8 * max(len(list(run)) for row in means.tolist() for _, run in itertools.groupby(row)),
        "error": error(codes / unit, luma),
        "elsewhere": float(elsewhere.mean()),
        "ms": round(statistics.median(times), 1) if ours else "-",
    }


def error(found: Plane, luma: Plane) -> float:
    """Root mean square of what is left after a blur, without the edges of the picture."""
    return float(cv2.GaussianBlur(found - luma, (0, 0), 2)[16:-16, 16:-16].std())


def luma_of(frame: av.VideoFrame) -> Plane:
    plane = frame.planes[0]
    rows = np.frombuffer(plane, np.uint8 if frame.format.components[0].bits == 8 else np.uint16)
    return rows.reshape(plane.height, -1)[:, : plane.width].astype(np.float64)


def encoded(label: str, way: str) -> dict[str, Any]:
    """A row for the moving sky in 8 bits after an encoder."""
    encoder, options = ENCODERS[label]
    written = io.BytesIO()
    quiet = {"x265-params": "log-level=none"} if encoder == "libx265" else {}
    with av.open(written, "w", format="matroska") as out:
        stream: Any = out.add_stream(encoder, rate=25, options={**options, "preset": "veryfast", **quiet})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(FRAMES):
            luma = code(sky(number), 8, way).astype(np.uint8)
            grey = np.full((HEIGHT // 2, WIDTH), 128, np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.concatenate([luma, grey]), "yuv420p")))
        out.mux(stream.encode(None))
    size = len(written.getvalue())
    written.seek(0)
    with av.open(written) as clip:
        errors = [error(luma_of(frame), sky(number)) for number, frame in enumerate(clip.decode(video=0))]
    return {"encoder": label, "way": way, "bytes": size, "error": float(np.mean(errors))}


def error_diffusion(luma: Plane) -> Plane:
    """Floyd and Steinberg's, from left to right."""
    left, codes = np.pad(luma, ((0, 1), (1, 1))), np.zeros_like(luma)
    for y in range(luma.shape[0]):
        for x in range(1, luma.shape[1] + 1):
            codes[y, x - 1] = np.floor(left[y, x] + 0.5)
            rest = left[y, x] - codes[y, x - 1]
            left[y, x + 1] += rest * 7 / 16
            left[y + 1, x - 1 : x + 2] += rest * np.array([3, 5, 1]) / 16
    return codes


def blue_noise(luma: Plane) -> Plane:
    """Thresholds of a 64x64 void-and-cluster pattern."""
    pattern = void_and_cluster(64)
    tiles = (-(-HEIGHT // 64), -(-WIDTH // 64))
    return np.floor(luma + np.tile((pattern + 0.5) / pattern.size, tiles)[:HEIGHT, :WIDTH])


def void_and_cluster(side: int, sigma: float = 1.5) -> Plane:
    """Ranks (side, side) of a pattern in which any first n points are evenly spread."""
    away = np.minimum(np.arange(side), side - np.arange(side))
    bell = np.exp(-(away[:, None] ** 2 + away[None] ** 2) / (2 * sigma**2))
    taken, energy = np.zeros((side, side), bool), np.zeros((side, side))

    def put(place: Any, sign: int) -> None:
        taken[place] = sign > 0
        energy[:] += sign * np.roll(bell, place, (0, 1))

    def cluster() -> Any:
        return np.unravel_index(np.where(taken, energy, -np.inf).argmax(), taken.shape)

    def void() -> Any:
        return np.unravel_index(np.where(taken, np.inf, energy).argmin(), taken.shape)

    for place in np.random.default_rng(0).permutation(side**2)[: side**2 // 10]:
        put(np.unravel_index(place, taken.shape), 1)
    moved_from, moved_to = None, ()
    while moved_from != moved_to:
        moved_from = cluster()
        put(moved_from, -1)
        moved_to = void()
        put(moved_to, 1)
    ranks, start = np.zeros((side, side), int), (taken.copy(), energy.copy())
    count = int(taken.sum())
    for rank in range(count - 1, -1, -1):
        place = cluster()
        ranks[place] = rank
        put(place, -1)
    taken[:], energy[:] = start
    for rank in range(count, side**2):
        place = void()
        ranks[place] = rank
        put(place, 1)
    return ranks


def timed(work: Callable[[], object]) -> float:
    """Milliseconds."""
    start = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - start)


if __name__ == "__main__":
    raise SystemExit(main())
