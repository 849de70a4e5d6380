#!/usr/bin/env bash
# libsndfile 1.2.2 reads everything behind the data chunk of a Wave64 file as sound.
#
# Guess: as in WAV, RF64, AIFF and CAF, the data chunk's size says where the samples end, and chunks behind it (markers,
# bext) are no sound. Behaviour: of Wave64 the rest of the file, headers of chunks included, comes as samples. FFmpeg
# reads the stated number. Seen with soundfile 0.14.0 (libsndfile 1.2.2) and PyAV 18.1.0 (FFmpeg 8.1).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet av==18.1.0 numpy==2.4.6 soundfile==0.14.0
cd "$work"
"$work/venv/bin/python" - <<'PYTHON'
import struct
import sys
from pathlib import Path

import av
import numpy as np
import soundfile

SAMPLES = 16000
TEXT = b"a description".ljust(602, b"\0")


def frames_of(path):
    with av.open(path) as container:
        theirs = sum(frame.samples for frame in container.decode(audio=0))
    return soundfile.info(path).frames, theirs


soundfile.write("a.w64", np.zeros(SAMPLES), 16000, subtype="PCM_16")
soundfile.write("a.wav", np.zeros(SAMPLES), 16000, subtype="PCM_16")

whole = Path("a.w64").read_bytes()
name = b"bext" + bytes.fromhex("f3acd3118cd100c04f8edb8a")
chunk = (name + struct.pack("<Q", 24 + len(TEXT)) + TEXT).ljust(632, b"\0")  # a multiple of 8
Path("b.w64").write_bytes(whole[:16] + struct.pack("<Q", len(whole) + len(chunk)) + whole[24:] + chunk)

whole = Path("a.wav").read_bytes()
chunk = b"bext" + struct.pack("<I", len(TEXT)) + TEXT
Path("b.wav").write_bytes(whole[:4] + struct.pack("<I", len(whole) + len(chunk) - 8) + whole[8:] + chunk)

print("soundfile", soundfile.__version__, soundfile.__libsndfile_version__, "PyAV", av.__version__)
found = {path: frames_of(path) for path in ("a.wav", "b.wav", "a.w64", "b.w64")}
for path, (sndfile, ffmpeg) in found.items():
    print(f"{path}: libsndfile {sndfile} samples, FFmpeg {ffmpeg}, written {SAMPLES}")
same = (SAMPLES, SAMPLES)
expected = {"a.wav": same, "b.wav": same, "a.w64": same, "b.w64": (SAMPLES + 632 // 2, SAMPLES)}
sys.exit(0 if found == expected else "the behaviour has changed")
PYTHON
