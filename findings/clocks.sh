#!/usr/bin/env bash
# Two MPEG-TS captures joined end to end, the second on an earlier clock: PyAV shows a jump of 26.5 hours back in the
# middle of the second one, where the file has none.
#
# Versions:  PyAV 18.1.0 (libavformat 62.12.102).
# Guess:     a packet's time is the one in the file; the one jump is where the captures meet (102 s to 30 s).
# Behaviour: the first time read, less 60 s, becomes the place where the 33-bit clock is taken to wrap. Every time before it
#            gets 2^33 ticks added: the second capture begins at 95473.7 s. As its clock passes 40 s, ten seconds into it,
#            nothing is added any more: a jump back of 95443.7 s between two neighbouring packets of one capture.
# Source:    libavformat/demux.c, update_wrap_reference() and wrap_timestamp(); the option correct_ts_overflow.
# Output seen:
#   places where times jump: [('101.982', '95473.708'), ('95483.692', '39.998')]
#   without correct_ts_overflow: [('101.982', '29.990')]
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q av==18.1.0
cd "$place"
cat > try.py <<'EOF'
import sys
from fractions import Fraction
import av

RATE = 48000


def capture(name, seconds, offset):
    """Silence as MP2, on a clock that shows `offset` seconds at its beginning."""
    with av.open(name, "w", container_options={"output_ts_offset": str(offset)}) as file:
        stream = file.add_stream("mp2", rate=RATE, layout="mono")
        for first in range(0, seconds * RATE, 1152):
            frame = av.AudioFrame("s16", "mono", 1152)
            frame.planes[0].update(bytes(2 * 1152))
            frame.sample_rate, frame.pts, frame.time_base = RATE, first, Fraction(1, RATE)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def jumps(name, **options):
    """Neighbouring packets whose times are more than a second apart."""
    with av.open(name, options=options) as file:
        times = [float(p.pts * p.time_base) for p in file.demux(audio=0) if p.pts is not None]
    return [(f"{a:.3f}", f"{b:.3f}") for a, b in zip(times, times[1:]) if abs(b - a) > 1]


capture("a.ts", 2, 100)
capture("b.ts", 14, 30)
with open("joined.ts", "wb") as file:
    for name in ("a.ts", "b.ts"):
        file.write(open(name, "rb").read())
usual, raw = jumps("joined.ts"), jumps("joined.ts", correct_ts_overflow="0")
print("PyAV", av.__version__, "libavformat", av.library_versions["libavformat"])
print("places where times jump:", usual)
print("without correct_ts_overflow:", raw)
wrap = 2**33 / 90000
as_seen = len(usual) == 2 and len(raw) == 1 and abs(float(usual[1][0]) - float(usual[1][1]) - wrap) < 1
sys.exit(not as_seen)
EOF
"$place/venv/bin/python" try.py
