#!/usr/bin/env bash
# SVT-AV1, opened by root through PyAV, makes the thread that opens it real-time, and leaves it so when it is closed.
#
# Guess: an encoder changes at most the priority of threads of its own.
# Behaviour: the calling thread gets SCHED_FIFO at priority 99, which the threads and processes that it starts later
# inherit: on a machine of few cores whatever else runs waits for them. As another user nothing changes.
# Seen with: PyAV 18.1.0 (libsvtav1 in its wheel), Linux, as root (as in most containers).
# What helps: os.sched_setscheduler for the caller and the encoder's threads once the encoder is open.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "this shows only where root runs it"; exit 1; }
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" -q install av==18.1.0 numpy==2.4.6
SVT_LOG=1 "$place/venv/bin/python" - "$place/out.mkv" <<'PYTHON'
import os
import subprocess
import sys

import av
import numpy as np


def policy() -> int:
    return os.sched_getscheduler(0)


print(f"PyAV {av.__version__}")
before = policy()
with av.open(sys.argv[1], "w") as out:
    stream = out.add_stream("libsvtav1", rate=10)
    stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
    frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
    for each in (frame.reformat(format="yuv420p"), None):
        out.mux(stream.encode(each))
after, priority = policy(), os.sched_getparam(0).sched_priority
child = int(subprocess.check_output([sys.executable, "-c", "import os; print(os.sched_getscheduler(0))"]))
print(f"policy before {before}, after the file is closed {after} at priority {priority}, of a child {child}")
as_described = before == os.SCHED_OTHER and after == child == os.SCHED_FIFO and priority == 99
print("as described" if as_described else "not as described")
sys.exit(not as_described)
PYTHON
