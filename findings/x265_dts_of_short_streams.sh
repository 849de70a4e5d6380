#!/usr/bin/env bash
# libx265 as PyAV ships it gives decoding times out of memory that nobody has written, for streams of one or two frames.
#
# Guess: an encoder's packets have dts <= pts, a few frames apart at most, however short the stream.
# Behaviour: with B-frames on (the default), the packets of the first two frames get dts from a queue that is only
# filled from the third frame on. Matroska and MP4 then refuse the packet (dts > pts: "Invalid argument"), or MP4 writes
# an edit list of thousands of hours, or all is well: it depends on what the heap held before.
# Seen with: PyAV 18.1.0 (FFmpeg 8.1, x265 4.2), Linux x86-64, CPython 3.11.
# What helps: dts = pts for streams of up to two frames, which are decoded in the order they are shown in.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" -q install av==18.1.0 numpy==2.4.6
"$place/venv/bin/python" - <<'PYTHON'
import io
import sys
from fractions import Fraction

import av
import numpy as np


def encoded(frames: int) -> list:
    context = av.CodecContext.create("libx265", "w")
    context.width, context.height, context.pix_fmt = 128, 64, "yuv420p"
    context.time_base, context.framerate = Fraction(1, 25), 25
    context.options = {"preset": "veryfast", "x265-params": "log-level=none"}
    packets = []
    for number in range(frames):
        frame = av.VideoFrame.from_ndarray(np.full((96, 128), 128, np.uint8), "yuv420p")
        frame.pts, frame.time_base = number, Fraction(1, 25)
        packets += context.encode(frame)
    return packets + context.encode(None)


print(f"PyAV {av.__version__}, libavcodec {av.library_versions['libavcodec']}")
strange = {1: 0, 2: 0, 3: 0}
for frames in strange:
    for trial in range(20):
        noise = [np.random.bytes(50_000 * (trial + 1)) for _ in range(8)]
        del noise
        times = [(packet.pts, packet.dts) for packet in encoded(frames)]
        if any(abs(pts - dts) > 100 for pts, dts in times):
            strange[frames] += 1
            example = times
    print(f"{frames} frames: {strange[frames]} of 20 streams have strange decoding times", example if strange[frames] else "")
sys.exit(0 if strange[1] and strange[2] and not strange[3] else 1)
PYTHON
