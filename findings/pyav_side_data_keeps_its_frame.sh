#!/usr/bin/env bash
# What the side data of a frame of video (captions, HDR, the way it is turned) says is asked for, frame by frame. Guess: a
# frame that nobody holds any more gives its pixels back at once, as it does where nobody asked.
# PyAV 18.1.0: `frame.side_data` makes a container that the frame keeps and that keeps the frame, a circle of references.
# The pixels stay until Python's collector looks for circles, and that goes by how many objects there are, not by how
# large they are: of frames of 3840x2160, 12 MB each, dozens are held, and a program seems to leak. A container made of the
# frame (`av.sidedata.sidedata.SideDataContainer(frame)`) says the same, and the frame does not keep it.
# Exits with 1 when that changes.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q av==18.1.0
"$place/venv/bin/python" - <<'PYTHON'
import gc
import sys

import av
from av.sidedata.sidedata import SideDataContainer

COUNT = 12


def held(look):
    """Frames that nobody holds and that the collector finds, after `look` at each of some."""
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    for _ in range(COUNT):
        frame = av.VideoFrame(3840, 2160, "yuv420p")
        look(frame)
        del frame
    gc.collect()
    found = sum(isinstance(each, av.VideoFrame) for each in gc.garbage)
    gc.set_debug(0)
    gc.garbage.clear()
    gc.collect()
    gc.enable()
    return found


seen = {
    "nothing": held(lambda frame: None),
    "frame.side_data": held(lambda frame: list(frame.side_data)),
    "SideDataContainer(frame)": held(lambda frame: list(SideDataContainer(frame))),
}
for name, count in seen.items():
    print(f"{name}: {count} of {COUNT} frames wait for the collector")
same = list(seen.values()) == [0, COUNT, 0]
print("as described" if same else "CHANGED")
sys.exit(not same)
PYTHON
