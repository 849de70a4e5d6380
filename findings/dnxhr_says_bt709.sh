#!/usr/bin/env bash
# FFmpeg's DNxHR encoder writes BT.709 into the picture header, whatever matrix its pixels are in.
#
# Guess: a stream told to be BT.601 or BT.2020 is read back as such, as from ProRes, CineForm or H.264 in the same file.
# Behaviour: primaries and curve come back from the QuickTime header, but the matrix is the picture header's: 1, BT.709.
#   Decoders believe it over QuickTime's own label, and show BT.601 footage with wrong colours.
# Seen with: PyAV 18.1.0 (FFmpeg 8.1, libavcodec 62.28).
# What helps: convert to BT.709's matrix for DNxHR.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" -q install av==18.1.0
"$place/venv/bin/python" - "$place" <<'PYTHON'
import sys

import av

NAMES = {1: "BT.709", 6: "BT.601", 9: "BT.2020"}


def read_back(codec: str, options: dict, form: str, matrix: int) -> tuple:
    path = f"{sys.argv[1]}/a.mov"
    with av.open(path, "w") as out:
        stream = out.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 256, 128, form
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = matrix
        context.color_range = 1
        frame = av.VideoFrame(256, 128, form)
        frame.colorspace = frame.color_primaries = frame.color_trc = matrix
        frame.color_range, frame.pts = 1, 0
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    with av.open(path) as clip:
        frame = next(clip.decode(video=0))
        return int(frame.colorspace), int(frame.color_primaries)


print(f"PyAV {av.__version__}, libavcodec {av.library_versions['libavcodec']}")
found = []
for matrix in (6, 9):
    for codec, options in (("dnxhd", {"profile": "dnxhr_hqx"}), ("prores_ks", {})):
        back = read_back(codec, options, "yuv422p10le", matrix)
        found.append(back)
        print(f"{codec} of {NAMES[matrix]}: matrix {NAMES.get(back[0], back[0])}, primaries {NAMES.get(back[1], back[1])}")
sys.exit(found != [(1, 6), (6, 6), (1, 9), (9, 9)])
PYTHON
