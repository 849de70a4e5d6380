#!/usr/bin/env bash
# PyAV gives no side data at all of a frame that carries a kind it does not know: `frame.side_data` raises ValueError.
#
# Guess: kinds that PyAV's enumeration lacks are left out, or come as numbers, and the others are there.
# Behaviour: the container of side data looks each kind up when it is made, so one EXIF block (kind 31 of FFmpeg 8) hides
# the display matrix and everything else. Frames of Motion JPEG cameras have one, and so have views of MV-HEVC.
# Seen with: PyAV 18.1.0 (FFmpeg 8.1), whose enumeration ends at 27.
# What helps: catch ValueError and fall back on `frame.rotation`, which reads the matrix by itself.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" -q install av==18.1.0 pillow==13.0.0
cd "$place"
"$place/venv/bin/python" - <<'PYTHON'
import io
import sys
from fractions import Fraction

import av
from PIL import Image

exif, jpeg = Image.Exif(), io.BytesIO()
exif[0x010F], exif[0x0112] = "Maker", 6  # the maker's name; turned by a quarter
Image.new("RGB", (64, 48), (200, 100, 50)).save(jpeg, "JPEG", exif=exif)
with av.open("camera.mkv", "w") as out:
    stream = out.add_mux_stream("mjpeg", rate=25, width=64, height=48)
    stream.time_base = Fraction(1, 1000)
    packet = av.Packet(jpeg.getvalue())
    packet.stream, packet.pts, packet.dts, packet.is_keyframe = stream, 0, 0, True
    out.mux(packet)
print(f"PyAV {av.__version__}, libavutil {av.library_versions['libavutil']}")
with av.open("camera.mkv") as clip:
    frame = next(clip.decode(video=0))
    print("rotation:", frame.rotation)
    try:
        print("side data:", [data.type.name for data in frame.side_data])
    except ValueError as error:
        print("side data: ValueError:", error)
        sys.exit(0)
sys.exit(1)
PYTHON
