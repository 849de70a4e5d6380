"""The same command gives the same bytes: whatever memory held before, and however long each stage takes."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from kept import row
from synthetic_footage import moving, write_clip
from synthetic_sound import voice, write

import unpaired
from unpaired.core.conversion.pipeline import Channel

SEVERAL = """
import sys
from unpaired.apps.main import main

*pairs, = zip(*[iter(sys.argv[1:])] * 3)
sys.exit(max(main(["convert", *each]) for each in pairs))
"""


NOISE = """
import hashlib, io
import av, cv2, numpy as np
from unpaired.domains.video.writing.codecs import CODECS

codec, written = CODECS["h264"], io.BytesIO()
noise = np.random.default_rng(0).integers(0, 255, (42, 80, 3)).astype(np.uint8)
large = cv2.resize(noise, None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC)
with av.open(written, "w", format="h264") as container:
    stream = container.add_stream(codec.encoder, rate=25, options={"preset": codec.preset, **codec.options})
    stream.width, stream.height, stream.pix_fmt = 480, 272, "yuv420p"
    for at in range(14):
        pixels = np.ascontiguousarray(large[at : at + 272, 3 * at : 3 * at + 480])
        container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
    container.mux(stream.encode(None))
print(hashlib.md5(written.getvalue()).hexdigest())
"""


def after(filling: int, *words: str) -> str:
    """What a program prints where glibc fills memory that is asked for with a value."""
    environment = {**os.environ, "MALLOC_PERTURB_": str(filling)}
    done = subprocess.run([sys.executable, "-c", *words], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_x264_takes_no_decision_by_memory_that_nobody_has_written() -> None:
    assert len({after(filling, NOISE) for filling in (1, 2, 77)}) == 1


@pytest.mark.slow
@row("any", "bytes")
def test_memory_that_nobody_has_written_is_not_read(model: Path, voice_model: Path, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "in.mkv", moving(12, step=3, height=64, width=96))
    recording = write(tmp_path / "in.wav", voice(200, 1.0))

    def outputs(filling: int) -> dict[str, bytes]:
        place = tmp_path / str(filling)
        place.mkdir()
        wanted = [(model, clip, place / f"out.{ending}") for ending in ("mp4", "mkv", "webm", "mov")]
        wanted += [(voice_model, recording, place / f"out.{ending}") for ending in ("flac", "m4a")]
        after(filling, SEVERAL, *(str(word) for each in wanted for word in each))
        return {path.name: path.read_bytes() for path in place.iterdir()}

    expected, found = outputs(1), outputs(77)
    assert {name for name in expected if found[name] != expected[name]} == set()


@pytest.mark.parametrize("runtime", ["torch", "openvino", "onnx"])
def test_delays_of_the_stages_change_nothing(
    runtime: str, model: Path, voice_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = write_clip(tmp_path / "in.mkv", moving(11, height=64, width=96))
    recording = write(tmp_path / "in.wav", voice(200, 2.0))
    passed = {name: getattr(Channel, name) for name in ("put", "get")}
    found = []
    for seed in range(3):
        chance = random.Random(seed)

        def delayed(name: str, chance: random.Random) -> Any:
            def call(*arguments: Any) -> Any:
                time.sleep(chance.choice([0, 0, 0.001, 0.03]))
                return passed[name](*arguments)

            return call

        for name in passed:
            monkeypatch.setattr(Channel, name, delayed(name, chance))
        outputs = [tmp_path / f"out{seed}.mkv", tmp_path / f"out{seed}.wav"]
        footage = unpaired.load(model, runtime=runtime, device="cpu")
        footage.convert(clip, outputs[0], smooth=False, blend=True)
        unpaired.load(voice_model, runtime=runtime, device="cpu").convert(recording, outputs[1])
        found.append([path.read_bytes() for path in outputs])
    assert found[1] == found[0]
    assert found[2] == found[0]
