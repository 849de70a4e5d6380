#!/usr/bin/env bash
# Between RGB of 16 bits and Y'CbCr of more than 8, swscale takes 65280 (255 * 256) for white, not 65535.
#
# Guess: gbrp16le has white at 65535, so it becomes 940 of yuv444p10le in limited range, and 940 becomes 65535.
# Behaviour: it becomes 943, and 940 becomes 65283; a middle grey in full range becomes 514 instead of 512. A round trip
#   hides it, since both ways err alike; whatever computes in between, or makes its own 16 bits, is 0.4 % too bright.
# Seen with: PyAV 18.1.0 (FFmpeg 8.1, libswscale 9.5), also with accurate rounding.
# What helps: scale RGB by 65280 / 65535 before, and by the inverse after.
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


def filled(form: str, values: list[int]) -> av.VideoFrame:
    frame = av.VideoFrame(64, 64, form)
    for plane, value in zip(frame.planes, values):
        np.frombuffer(plane, np.uint16)[:] = value
    return frame


def first(frame: av.VideoFrame) -> int:
    return int(np.frombuffer(frame.planes[0], np.uint16)[0])


def luma(grey: int, full: bool) -> int:
    to = ColorRange.JPEG if full else ColorRange.MPEG
    ways = {"dst_colorspace": 1, "src_color_range": ColorRange.JPEG, "dst_color_range": to, "interpolation": FLAGS}
    return first(filled("gbrp16le", [grey] * 3).reformat(format="yuv444p10le", **ways))


def green(code: int) -> int:
    ways = {"src_colorspace": 1, "src_color_range": ColorRange.MPEG, "dst_color_range": ColorRange.JPEG}
    return first(filled("yuv444p10le", [code, 512, 512]).reformat(format="gbrp16le", interpolation=FLAGS, **ways))


print(f"PyAV {av.__version__}, libswscale {av.library_versions['libswscale']}")
found = {
    "65535 in limited range (940)": luma(65535, False),
    "65280 in limited range": luma(65280, False),
    "32768 in full range (512)": luma(32768, True),
    "940 as RGB of 16 bits (65535)": green(940),
}
for what, value in found.items():
    print(f"{what}: {value}")
sys.exit(list(found.values()) != [943, 940, 514, 65283])
PYTHON
