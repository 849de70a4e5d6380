#!/usr/bin/env bash
# The first level of an OpenEXR texture (mip-mapped, as maketx writes it) copied with OpenImageIO: the header that was
# read is given to ImageOutput.open, and the pixels of level 0 are written. Guess: a file of one level, as ImageBuf.write
# makes it of the same texture.
# OpenImageIO 3.2.2 goes by the attribute `textureformat`, which comes with the header: the new file declares all levels
# of the texture, holds the first, and whoever asks for another gets an error, or no values. `openexr:levelmode` 0 in the
# header makes it one level.
# Exits with 1 when that changes.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q numpy==2.4.6 openimageio==3.2.2.0
cd "$place"
"$place/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import OpenImageIO as oiio

pixels = np.random.default_rng(0).random((64, 64, 3), np.float32)
picture = oiio.ImageBuf(pixels)
assert oiio.ImageBufAlgo.make_texture(oiio.MakeTxTexture, picture, "texture.exr")


def levels(name):
    """Levels that a file declares, and those of them that can be read."""
    source = oiio.ImageInput.open(name)
    declared = int(source.spec().getattribute("oiio:miplevels") or 1)
    read = [level for level in range(declared)
            if source.seek_subimage(0, level) and source.read_image(0, level, 0, 3, "float") is not None]
    return declared, len(read)


def copy(name, one_level):
    source = oiio.ImageInput.open("texture.exr")
    spec, values = source.spec(), source.read_image(0, 0, 0, 3, "float")
    if one_level:
        spec.attribute("openexr:levelmode", 0)
    target = oiio.ImageOutput.create(name)
    assert target.open(name, spec) and target.write_image(values) and target.close(), target.geterror()


assert oiio.ImageBuf("texture.exr").write("buffer.exr")
copy("copied.exr", False)
copy("one.exr", True)
seen = {name: levels(f"{name}.exr") for name in ("texture", "copied", "one", "buffer")}
for name, (declared, read) in seen.items():
    print(f"{name}.exr: declares {declared} levels, of which {read} can be read")
same = seen == {"texture": (7, 7), "copied": (7, 1), "one": (1, 1), "buffer": (1, 1)}
print("as described" if same else "CHANGED")
sys.exit(not same)
PYTHON
