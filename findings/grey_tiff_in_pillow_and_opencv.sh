#!/usr/bin/env bash
# Grey TIFFs of one row from black to white, white-is-zero (PhotometricInterpretation 0) or black-is-zero (1), of 4, 8, 12
# and 16 bits. Guess: a decoder that turns white-is-zero of 4 and 8 bits does so at 16, and 12 bits fill the range of the type.
# Pillow 13.0.0 turns 4 and 8 bits but not 16 (a negative), gives 12 bits as 0 to 4095 in a mode whose white is 65535, and
# does not know 12 bits white-is-zero. OpenCV 5.0.0 (IMREAD_UNCHANGED) turns 8 bits, but neither 12 nor 16.
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

import cv2
import numpy as np
from PIL import Image


def tiff(bits, photometric):
    """One row of 16 greys, the first black and the last white."""
    values = np.arange(16, dtype=np.uint32) * (2**bits - 1) // 15
    values = values if photometric else 2**bits - 1 - values
    if bits == 16:
        data = values.astype("<u2").tobytes()
    else:
        data = np.packbits(((values[:, None] >> np.arange(bits)[::-1]) & 1).flatten().astype(np.uint8)).tobytes()
    tags = [(256, 16), (257, 1), (258, bits), (259, 1), (262, photometric), (273, 8), (277, 1), (278, 1), (279, len(data))]
    entries = b"".join(struct.pack("<HHII", tag, 4 if tag in (273, 279) else 3, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + struct.pack("<H", len(tags)) + entries + bytes(4)


def ends(pixels):
    return None if pixels is None else (int(np.asarray(pixels).flatten()[0]), int(np.asarray(pixels).flatten()[-1]))


def by_pillow(data):
    try:
        return ends(Image.open(io.BytesIO(data)))
    except OSError:
        return None


seen = {}
for bits in (4, 8, 12, 16):
    for photometric in (0, 1):
        data = tiff(bits, photometric)
        opencv = ends(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED))
        seen[bits, photometric] = by_pillow(data), opencv
        print(f"{bits} bits, photometric {photometric}: black and white are {seen[bits, photometric][0]} in Pillow, {opencv} in OpenCV")
pillow = {key: value[0] for key, value in seen.items()}
same = pillow == {(4, 0): (0, 255), (4, 1): (0, 255), (8, 0): (0, 255), (8, 1): (0, 255), (12, 0): None,
                  (12, 1): (0, 4095), (16, 0): (65535, 0), (16, 1): (0, 65535)} and seen[16, 0][1] == (65535, 0)
print("as described" if same else "CHANGED")
sys.exit(not same)
PYTHON
