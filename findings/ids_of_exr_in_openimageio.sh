#!/usr/bin/env bash
# OpenEXR with a channel of 32-bit whole numbers (object ids) beside half floats. Guess: a program that copies the
# file with OpenImageIO keeps every value, as it does for half and float, and as reading the channel by itself does.
# OpenImageIO 3.2.2 holds a part of several types as floats: ImageBuf.write and `oiiotool a.exr -o b.exr` round ids from
# 2^24 on to 24 bits, without a word. A part that holds ids alone is kept by ImageBuf, and not by oiiotool.
# Exits with 1 when that changes.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q numpy==2.4.6 openimageio==3.2.2.0 openexr==3.5.3
cd "$place"
PATH="$place/venv/bin:$PATH" "$place/venv/bin/python" - <<'PYTHON'
import subprocess
import sys

import numpy as np
import OpenEXR
import OpenImageIO as oiio

ids = np.arange(2**24 + 1, 2**24 + 25, dtype=np.uint32).reshape(4, 6)
half = np.ones((4, 6), np.float16)
header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}


def changed(name):
    with OpenEXR.File(name) as file:
        return int((file.channels()["id"].pixels != ids).sum())


seen = {}
for name, others in (("mixed", {"R": half, "G": half, "B": half}), ("alone", {})):
    with OpenEXR.File(header, {**others, "id": ids}) as file:
        file.write(f"{name}.exr")
    assert oiio.ImageBuf(f"{name}.exr").write("buffer.exr")
    subprocess.run(["oiiotool", f"{name}.exr", "-o", "tool.exr"], check=True)
    source = oiio.ImageInput.open(f"{name}.exr")
    place = source.spec().channelnames.index("id")
    read = source.read_image(0, 0, place, place + 1, "uint")[..., 0]
    seen[name] = changed("buffer.exr"), changed("tool.exr"), int((read != ids).sum())
    print(f"{name}: of 24 ids {seen[name][0]} are changed by ImageBuf, {seen[name][1]} by oiiotool, "
          f"{seen[name][2]} where the channel is read by itself")
same = seen == {"mixed": (12, 12, 0), "alone": (0, 12, 0)}
print("as described" if same else "CHANGED")
sys.exit(not same)
PYTHON
