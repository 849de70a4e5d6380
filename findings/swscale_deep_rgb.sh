#!/usr/bin/env bash
# Between two planar RGB formats of more than 8 bits, swscale does not keep the values: they go by way of Y'CbCr.
#
# Guess: gbrp12le -> gbrp16le -> gbrp12le multiplies and divides, so it gives back what went in (as gbrp -> gbrp and
# gbrp16le -> gbrp16le do, which copy).
# Behaviour: saturated colours come back up to some levels off, also with accurate rounding; grey all but exactly.
# Seen with: PyAV 18.1.0 (FFmpeg 8.1, libswscale 9.5).
# What helps: scale the planes as arrays.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" -q install av==18.1.0 numpy==2.4.6
"$place/venv/bin/python" - <<'PYTHON'
import sys

import av
import numpy as np
from av.video.reformatter import ColorRange, Interpolation

FLAGS = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP


def planes(frame: av.VideoFrame) -> list:
    return [np.frombuffer(plane, np.uint16).reshape(plane.height, -1)[:, : plane.width] for plane in frame.planes]


def worst(form: str, colours: np.ndarray) -> int:
    source = av.VideoFrame(64, 64, form)
    for plane, values in zip(planes(source), colours):
        plane[:] = values
    full = {"src_color_range": ColorRange.JPEG, "dst_color_range": ColorRange.JPEG, "interpolation": FLAGS}
    back = source.reformat(format="gbrp16le", **full).reformat(format=form, **full)
    return max(int(abs(a.astype(int) - b.astype(int)).max()) for a, b in zip(planes(source), planes(back)))


print(f"PyAV {av.__version__}, libswscale {av.library_versions['libswscale']}")
rng, off = np.random.default_rng(0), {}
for form, top in (("gbrp10le", 1023), ("gbrp12le", 4095), ("gbrp14le", 16383)):
    grey = np.broadcast_to(rng.integers(0, top + 1, (1, 64, 64)), (3, 64, 64))
    colours = rng.integers(0, 2, (3, 64, 64)) * top
    off[form] = worst(form, colours)
    print(f"{form} by way of gbrp16le: grey {worst(form, grey)}, saturated colours {off[form]} levels off at most")
sys.exit(0 if all(off.values()) else 1)
PYTHON
