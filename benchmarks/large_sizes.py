"""Working sizes of large frames against every pixel: how near each comes, and what it costs.

    python benchmarks/large_sizes.py DATA [--frames 2] [--model day2night-video] [--direction a2b] [--inputs]

Frames are those of `large_frames.py`, 3840x2160. For each working size, frame by frame and without steadying: PSNR of
what comes back at full size from the translation of every pixel, both reduced to 1182x665; sharpness as a share of it;
and seconds of CPU for the network and for the way back, medians after a warm-up. *Corrected*: the PSNR of the last
frame with the affine model of below, over the whole frame, fitted on the first.

Then, at the usual working size, what an affine model of the difference gains: from the translation and its input (six
numbers and an offset for each channel) to the translation of every pixel, over the whole frame or in cells of 32x32
pixels. *Same*: fitted on the frame itself, which needs the translation that it is to replace: no model of its kind can
come nearer. *Later*: fitted on the first frame and used twelve frames on, as a clip could.

`--inputs`: of the first frame alone, at the usual working size, what other ways to reduce it gain, each also under the
instance-norm statistics of the translation of every pixel.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from large_frames import _psnr, _sharpness, mosaics

import unpaired
from unpaired.domains.image import Detail, reduced, working_size

MEGAPIXELS = (0.4, 0.79, 1.6, 3.1, 5.0, 8.3)
_CELL = 32
_LATER = 12


def planes_of(frame: np.ndarray) -> np.ndarray:
    """A frame (H, W, 3) as planes in [-1, 1]."""
    return np.ascontiguousarray(frame.transpose(2, 0, 1)).astype(np.float32) / 127.5 - 1


def sized(megapixels: float, height: int, width: int) -> tuple[int, int]:
    """Height and width of so many pixels."""
    scale = min(1.0, (megapixels * 1e6 / (height * width)) ** 0.5)
    return int(height * scale), int(width * scale)


def affine(own: np.ndarray, source: np.ndarray, wanted: np.ndarray, cell: int | None) -> np.ndarray:
    """Coefficients (cells down, cells along, 7, 3) of least squares from both to what is wanted."""
    terms = np.concatenate([own, source, np.ones_like(own[:1])])
    found = []
    for rows in _cells(own.shape[1], cell):
        for columns in _cells(own.shape[2], cell):
            left, right = (each[:, rows, columns].reshape(len(each), -1) for each in (terms, wanted))
            even = 1e-3 * left.shape[1] * np.eye(7, dtype=np.float32)
            start = np.vstack([np.eye(3), np.zeros((4, 3))]).astype(np.float32)
            found.append(start + np.linalg.solve(left @ left.T + even, left @ (right.T - left.T @ start)))
    return np.array(found)


def corrected(own: np.ndarray, source: np.ndarray, model: np.ndarray, cell: int | None) -> np.ndarray:
    """The translation by such a model."""
    terms, found, numbers = np.concatenate([own, source, np.ones_like(own[:1])]), np.empty_like(own), iter(model)
    for rows in _cells(own.shape[1], cell):
        for columns in _cells(own.shape[2], cell):
            found[:, rows, columns] = np.einsum("khw,kc->chw", terms[:, rows, columns], next(numbers))
    return found


def _cells(length: int, cell: int | None) -> list[slice]:
    step = cell or length
    return [slice(start, min(start + step, length)) for start in range(0, length, step)]


Translated = Callable[[np.ndarray], np.ndarray]


def print_curve(frames: Sequence[np.ndarray], every: Sequence[np.ndarray], translated: Translated) -> None:
    """A line for each working size."""
    usual = working_size(*frames[0].shape[1:])
    for megapixels in MEGAPIXELS:
        size = sized(megapixels, *frames[0].shape[1:])
        near, sharp, network, back = [], [], [], []
        first = reduced(frames[0], *size)
        model = affine(translated(first), first, reduced(every[0], *size), None)
        for x, whole in zip(frames, every, strict=True):
            source, began = reduced(x, *size), time.process_time()
            own, between = translated(source), time.process_time()
            found = Detail(source, own).enlarged(x, 0, x.shape[1])
            network.append(between - began)
            back.append(time.process_time() - between)
            near.append(_psnr(reduced(found, *usual), reduced(whole, *usual)))
            sharp.append(_sharpness(found) / _sharpness(whole))
        nearer = Detail(source, corrected(own, source, model, None)).enlarged(x, 0, x.shape[1])
        print(
            f"{size[1]}x{size[0]} ({size[0] * size[1] / 1e6:.2f} megapixels): {statistics.mean(near):.1f} dB, "
            f"corrected {_psnr(reduced(nearer, *usual), reduced(whole, *usual)):.1f} dB, "
            f"sharpness {statistics.mean(sharp):.2f}, network {statistics.median(network):.2f} s, "
            f"back {statistics.median(back):.2f} s",
            flush=True,
        )


def print_models(frames: Sequence[np.ndarray], every: Sequence[np.ndarray], translated: Translated) -> None:
    """A line for each kind of model."""
    usual = working_size(*frames[0].shape[1:])
    wanted, sources = ([reduced(each, *usual) for each in side] for side in (every, frames))
    owns = [translated(each) for each in sources]
    print(f"as it is: {', '.join(f'{_psnr(a, b):.1f}' for a, b in zip(owns, wanted, strict=True))} dB")
    for name, cell in (("whole frame", None), (f"cells of {_CELL}", _CELL)):
        models = [affine(a, b, c, cell) for a, b, c in zip(owns, sources, wanted, strict=True)]
        same = [_psnr(corrected(a, b, m, cell), c) for a, b, m, c in zip(owns, sources, models, wanted, strict=True)]
        later = [_psnr(corrected(a, b, models[0], cell), c) for a, b, c in zip(owns, sources, wanted, strict=True)][1:]
        print(f"{name}: same {', '.join(f'{v:.1f}' for v in same)} dB, later {', '.join(f'{v:.1f}' for v in later)} dB")


def print_inputs(x: np.ndarray, translate: Any) -> None:
    """A line for each way to reduce a frame."""
    height, width = working_size(*x.shape[1:])

    def scaled(method: int, blur: float = 0.0) -> np.ndarray:
        planes = [cv2.GaussianBlur(plane, (0, 0), blur) if blur else plane for plane in x]
        return np.stack([cv2.resize(plane, (width, height), interpolation=method) for plane in planes])

    ways = {"areas": reduced(x, height, width), "nearest pixel": scaled(cv2.INTER_NEAREST)}
    ways |= {"linear": scaled(cv2.INTER_LINEAR), "Lanczos": scaled(cv2.INTER_LANCZOS4)}
    ways |= {f"blurred by {blur} pixels": scaled(cv2.INTER_LINEAR, blur) for blur in (1.6, 3.2, 6.0)}
    every, statistics_of_all = translate.with_statistics(torch.from_numpy(x)[None], None, 1.0)
    wanted = reduced(every[0].numpy(), height, width)
    for name, small in ways.items():
        batch = torch.from_numpy(small)[None]
        own, (given, _) = translate(batch), translate.with_statistics(batch, statistics_of_all, 0.0)
        figures = [_psnr(each[0].numpy(), wanted) for each in (own, given)]
        print(f"{name}: {figures[0]:.1f} dB, under the statistics of every pixel {figures[1]:.1f} dB", flush=True)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--frames", type=int, default=2)
    parser.add_argument("--model", default="day2night-video")
    parser.add_argument("--direction", choices=("a2b", "b2a"), default="a2b")
    parser.add_argument("--inputs", action="store_true")
    args = parser.parse_args()
    translator = unpaired.load(args.model).for_medium("video")
    network = translator.domain.framewise(translator.for_direction(args.direction), args.direction[0])  # type: ignore[attr-defined]

    def translated(planes: np.ndarray) -> np.ndarray:
        return np.asarray(network(torch.from_numpy(planes)[None])[0].numpy())

    if args.inputs:
        print_inputs(planes_of(next(mosaics(args.data))), network)
        return
    frames = [planes_of(frame) for frame in islice(mosaics(args.data), 0, _LATER * args.frames, _LATER)]
    every = []
    translated(frames[0])
    for x in frames:
        began = time.process_time()
        every.append(translated(x))
        print(f"every pixel: {time.process_time() - began:.2f} s", flush=True)
    print_curve(frames, every, translated)
    print_models(frames, every, translated)


if __name__ == "__main__":
    main()
