#!/usr/bin/env bash
# PNG of grey in 2 or 4 bits whose tRNS chunk names one grey as transparent (PNG, third edition, 11.3.1.1: the sample
# value as stored is to be compared with it). Guess: Pillow gives transparency, as it does for 1, 8 and 16 bits and for palettes.
# Pillow 13.0.0 spreads the grey over 8 bits and compares it with the value as stored: only black can become
# transparent. OpenCV 5.0.0 gives no transparency for any grey of 1 to 8 bits with IMREAD_UNCHANGED.
# Exits with 1 when that changes.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q pillow==13.0.0 numpy==2.4.6 opencv-python-headless==5.0.0.93
"$place/venv/bin/python" - <<'PYTHON'
import io
import struct
import sys
import zlib

import cv2
import numpy as np
from PIL import Image


def png(bits, key):
    """One row of every grey of that many bits, the grey `key` transparent."""

    def framed(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    count = 2**bits
    spread = (np.arange(count)[:, None] >> np.arange(bits)[::-1]) & 1
    row = np.packbits(spread.flatten().astype(np.uint8)).tobytes()
    parts = [(b"IHDR", struct.pack(">IIBBBBB", count, 1, bits, 0, 0, 0, 0)), (b"tRNS", struct.pack(">H", key)),
             (b"IDAT", zlib.compress(b"\0" + row)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed(*part) for part in parts)


def clear(alpha):
    return np.flatnonzero(np.asarray(alpha).flatten() == 0).tolist()


seen = {}
for bits, key in ((1, 1), (2, 2), (4, 3), (4, 15), (8, 200)):
    data = png(bits, key)
    pillow = clear(np.asarray(Image.open(io.BytesIO(data)).convert("LA"))[..., 1])
    opencv = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    seen[bits, key] = pillow, clear(opencv[..., 3]) if opencv.ndim == 3 and opencv.shape[2] == 4 else []
    print(f"{bits} bits, grey {key} is clear: Pillow {seen[bits, key][0]}, OpenCV {seen[bits, key][1]}")
same = seen == {(1, 1): ([1], []), (2, 2): ([], []), (4, 3): ([], []), (4, 15): ([], []), (8, 200): ([200], [])}
print("as described" if same else "CHANGED")
sys.exit(not same)
PYTHON
