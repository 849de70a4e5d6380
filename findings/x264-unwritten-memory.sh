#!/usr/bin/env bash
# x264 (core 165, in PyAV 18.1.0), on a CPU with AVX-512.
# Common guess: the same frames and settings give the same H.264 stream; x264 calls itself deterministic with any
#   number of threads.
# Behaviour: with mb-tree (on from the preset veryfast up) its AVX-512 code reads memory that nobody has written, unless
#   the picture is a multiple of 256 pixels wide: the stream depends on what the heap held before. asm=AVX2 does not.
# Output seen (one thread, 480x272; glibc fills the heap with ~MALLOC_PERTURB_):
#   default: 3 streams of 4 fillings    asm=AVX2: 1 stream of 4 fillings
# Ends with 1 where that has changed, with 2 where the CPU has no AVX-512.
set -euo pipefail
grep -q avx512bw /proc/cpuinfo || { echo "this CPU has no AVX-512"; exit 2; }
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 numpy==2.4.6
cat > "$place/encode.py" <<'PROGRAM'
import hashlib, io, sys
import av, numpy as np

rows, columns = np.mgrid[0:300, 0:560].astype(np.float64)
waves = np.random.default_rng(0).uniform(0.02, 0.6, (24, 2))
smooth = sum(np.sin(rows * down + columns * across) for down, across in waves)
luma = np.clip(127 + 25 * smooth, 0, 255).astype(np.uint8)
written = io.BytesIO()
options = {"preset": "veryfast", "crf": "18"} | ({"x264-params": sys.argv[1]} if len(sys.argv) > 1 else {})
with av.open(written, "w", format="h264") as container:
    stream = container.add_stream("libx264", rate=25, options=options)
    stream.width, stream.height, stream.pix_fmt = 480, 272, "yuv420p"
    stream.codec_context.thread_count = 1
    for at in range(14):
        grey = np.ascontiguousarray(luma[at : at + 272, 3 * at : 3 * at + 480])
        container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, "gray").reformat(format="yuv420p")))
    container.mux(stream.encode(None))
print(hashlib.md5(written.getvalue()).hexdigest())
PROGRAM
streams() {
    for filling in 1 2 77 128; do
        MALLOC_PERTURB_=$filling "$place/venv/bin/python" "$place/encode.py" "$@"
    done | sort -u | wc -l
}
default=$(streams) limited=$(streams asm=AVX2)
echo "default: $default streams of 4 fillings    asm=AVX2: $limited stream of 4 fillings"
[ "$default" -gt 1 ] && [ "$limited" -eq 1 ]
