"""A recording as pictures: its spectrum over time, and the curve of its pitch above it, on one axis of frequency."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

LOWEST, HIGHEST = 60.0, 8000.0
"""Hz at the lower and the upper edge; the axis is logarithmic."""
SHOWN = 600.0
"""Seconds of a recording that are shown at most."""
_WIDTH, _HEIGHT, _WINDOW, _RANGE = 1200, 240, 2048, 70.0
"""Pixels, samples, and decibels from the darkest to the brightest."""
_COLOURS = ((0x10, 0x14, 0x20), (0x22, 0x2F, 0x63), (0x4B, 0x59, 0xC4), (0xB0, 0x86, 0xDE), (0xFF, 0xE8, 0xCC))
_POINTS = 1000


def spectrum(audio: npt.NDArray[Any], rate: int) -> npt.NDArray[np.uint8]:
    """A recording (samples,) as a picture (H, W, 3): time from left to right, frequency from below."""
    centres = np.linspace(0, max(0, len(audio) - 1), _WIDTH).astype(np.int64)
    padded = np.pad(np.asarray(audio, np.float32), _WINDOW // 2)
    hann = np.hanning(_WINDOW).astype(np.float32)
    bands = np.geomspace(LOWEST, min(HIGHEST, rate / 2), _HEIGHT) * _WINDOW / rate
    columns = []
    for some in np.array_split(centres, 16):
        pieces = padded[some[:, None] + np.arange(_WINDOW)] * hann
        power = np.square(np.abs(np.fft.rfft(pieces, axis=1)))
        low = np.floor(bands).astype(int).clip(0, power.shape[1] - 2)
        columns.append(power[:, low] + (bands - low) * (power[:, low + 1] - power[:, low]))
    level = 10 * np.log10(np.concatenate(columns).T[::-1] + 1e-10)
    share = ((level - level.max()) / _RANGE + 1).clip(0, 1) if level.max() > -90 else np.zeros_like(level)
    stops = np.linspace(0, 1, len(_COLOURS))
    colours = [np.interp(share, stops, [colour[n] for colour in _COLOURS]) for n in range(3)]
    return np.asarray(np.rint(np.stack(colours, axis=2)), np.uint8)


def pitch_curve(audio: npt.NDArray[Any], rate: int) -> str:
    """The pitch of a recording (samples,) as an SVG of the same axes, 1000 by 1000 units; empty where unvoiced."""
    from unpaired.domains.audio import f0

    times, hz = f0(audio, rate, speed=4)
    step = max(1, len(hz) // _POINTS)
    path, drawing = [], False
    for number in range(0, len(hz), step):
        value = hz[number]
        if value > 0:
            x = 1000 * rate * times[number] / len(audio)
            y = 1000 * (1 - np.log(value / LOWEST) / np.log(HIGHEST / LOWEST))
            path.append(f"{'L' if drawing else 'M'}{x:.1f} {y:.1f}")
        drawing = value > 0
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 1000" preserveAspectRatio="none">'
        f'<path d="{"".join(path)}" fill="none" stroke="#fff" stroke-width="2" stroke-linecap="round" '
        'stroke-linejoin="round" vector-effect="non-scaling-stroke"/></svg>\n'
    )
