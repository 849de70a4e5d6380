"""A long recording in parts: the file that is joined has every byte of the one that a single conversion makes."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from scaling import in_two, once, outputs, recorded
from synthetic_sound import silence, voice, write
from untrained import untrained_model

from unpaired import Audio, NetworkSettings
from unpaired.core.adapter.division import NotDivided, Part
from unpaired.core.model.model_file import save_model
from unpaired.core.scale import TranslatorSpec, convert_archive
from unpaired.domains.audio import AudioConversion, AudioSettings
from unpaired.domains.audio.conversion import stream
from unpaired.domains.audio.conversion.gains import MelStream
from unpaired.domains.audio.conversion.stream import prepare
from unpaired.domains.audio.division import part, recordings
from unpaired.domains.audio.division.joined import JoinedReader
from unpaired.domains.audio.division.part import PartReader, PartWriter
from unpaired.domains.audio.reading import files
from unpaired.domains.audio.reading.reader import open_recording
from unpaired.domains.audio.signal.state import digest, state_of

RATE, SECONDS = 8000, 24
IN_PARTS = ["converted"] * 3


@pytest.fixture(scope="session")
def speech(tmp_path_factory: pytest.TempPathFactory) -> TranslatorSpec:
    """A tiny model of sound with random weights."""
    domain = Audio(sample_rate=RATE, fft_size=256, hop_length=64, bins=16)
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    save_model(untrained_model(domain, NetworkSettings(filters=4), names=("one", "other"), step=7), path)
    return TranslatorSpec(str(path), "torch", "cpu", "fp32")


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two channels of sentences with pauses; floats, so that no bit is lost on the way into the file."""
    sentences = [np.concatenate([voice(110 + 9 * n, 2.2, n, rate=RATE), silence(0.3, RATE)]) for n in range(10)]
    mono = np.concatenate(sentences)[: SECONDS * RATE]
    return write(tmp_path_factory.mktemp("recording") / "long.wav", np.stack([mono, 0.5 * mono]), RATE, "FLOAT")


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of half the recording, which is read in blocks of half a second and translated a second at a time."""
    for module in (stream, part):
        monkeypatch.setattr(module, "prepare", partial(prepare, frames=128, around=32))
    monkeypatch.setattr(part, "FRAMES", 128)
    monkeypatch.setattr(part, "AROUND", 32)
    monkeypatch.setattr(part, "_SETTLE", 3.0)
    monkeypatch.setattr(recordings, "least", lambda _: SECONDS / 2)
    monkeypatch.setattr(files, "BLOCK", RATE // 2)


@pytest.mark.parametrize(
    ("settle", "options", "kinds"),
    [
        (3.0, {"pitch": "2"}, IN_PARTS),
        pytest.param(3.0, {}, IN_PARTS, marks=pytest.mark.slow),
        (-6.0, {"pitch": "-3"}, ["converted", "converted", "loose", "converted", "converted"]),
        pytest.param(3.0, {"pitch": "5", "formants": "0.9", "strength": 0.5}, IN_PARTS, marks=pytest.mark.slow),
    ],
)
def test_parts_are_joined_to_the_same_bytes(
    speech: TranslatorSpec, recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    settle: float, options: dict[str, Any], kinds: list[str],
) -> None:  # fmt: skip
    """Where the warm-up does not lead to the state that the part before ends in, the part is made again from that."""
    monkeypatch.setattr(part, "_SETTLE", settle)
    alone = speech.load().convert(recording, tmp_path / "alone" / recording.name, **options)
    engine = in_two(speech, recording, tmp_path / "out", **options)
    assert outputs(tmp_path / "out") == outputs(tmp_path / "alone")
    assert recorded(tmp_path / "out") == {recording.name: 1}
    assert [result.kind for result in engine.results[:-1]] == kinds, engine.notes
    assert engine.results[-1].notes == tuple(note.text for note in alone.notes)
    assert not (tmp_path / "out/.unpaired/parts").exists()


def test_a_silent_recording_is_converted_as_a_whole(speech: TranslatorSpec, tmp_path: Path) -> None:
    source = write(tmp_path / "in" / "silent.wav", silence(SECONDS, RATE), RATE)
    engine = in_two(speech, source, tmp_path / "out")
    assert [result.kind for result in engine.results] == ["whole", "whole", "converted", "converted"]
    assert "is silent throughout" in engine.notes[0]
    assert recorded(tmp_path / "out") == once(tmp_path / "out")


@pytest.mark.parametrize("fault", ["other recording", "damaged", "lost"])
def test_sound_that_does_not_fit_is_not_joined(tmp_path: Path, fault: str) -> None:
    """Such a recording is converted as a whole."""
    source, kept = write(tmp_path / "in.wav", voice(120, 1, rate=RATE), RATE), tmp_path / "0"
    with open_recording(source, "a") as like:
        writer = PartWriter(kept, PartReader(like, Part(0, 1), 0.0))
        writer.write(torch.ones(1, RATE))
        writer.finish()
    with JoinedReader(open_recording(source, "a"), [kept]) as joined:
        assert torch.equal(torch.cat(list(joined), dim=1), torch.ones(1, RATE))
    if fault == "other recording":
        write(source, voice(130, 1, rate=RATE), RATE)
    elif fault == "damaged":
        kept.joinpath("sound.f32").write_bytes(bytes(4 * RATE))
    else:
        kept.joinpath("sound.f32").unlink()
    with pytest.raises(NotDivided), JoinedReader(open_recording(source, "a"), [kept]) as joined:
        list(joined)


@pytest.mark.parametrize(
    "options", [{"vocoder": "world"}, {"start": 1}, {"end": 9}, {"strength": 0.0, "pitch": "keep"}]
)
def test_what_is_not_a_stream_throughout_is_not_divided(
    speech: TranslatorSpec, recording: Path, options: dict[str, Any]
) -> None:
    division = speech.load().domain.division()
    assert division is not None
    assert division.parts(recording, Path("a.flac"), AudioConversion(strength=0.5)) == 2
    assert division.parts(recording, Path("a.flac"), AudioConversion(**options)) == 0
    assert division.parts(recording, Path("a.txt"), AudioConversion()) == 0


@pytest.mark.parametrize("rates", [(44100, 22050), (48000, 22050), (22050, 8000), (8000, 22050), (8000, 8000)])
def test_a_stage_that_skips_is_where_one_is_that_was_given_silence(rates: tuple[int, int]) -> None:
    rate, other = rates
    settings = AudioSettings(sample_rate=other)
    pushed, skipped = (MelStream(np.ones(1, np.float32), rate, 1.0, settings) for _ in range(2))
    for samples in (rate // 2, 3 * rate, 7 * rate + 13):
        frames = pushed.push(silence(samples / rate, rate)[None]).shape[1] if samples else 0
        assert frames
    total = rate // 2 + 3 * rate + 7 * rate + 13
    skipped.skip(total)
    sound = voice(120, 1, rate=rate)[None]
    assert np.array_equal(pushed.push(sound), skipped.push(sound))
    assert digest(state_of(pushed)) == digest(state_of(skipped))


@pytest.mark.slow
@pytest.mark.parametrize("engine", [{"workers": 2}, {"workers": 2, "ray": "local"}])
def test_two_workers_of_which_one_is_killed_make_what_one_does(
    speech: TranslatorSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: dict[str, Any]
) -> None:
    """With the windows of real use; actors of Ray work as hard as other processes."""
    monkeypatch.undo()
    monkeypatch.setattr(recordings, "least", lambda _: 75.0)
    sentences = [np.concatenate([voice(100 + n, 2.7, n, rate=RATE), silence(0.3, RATE)]) for n in range(60)]
    source, out = write(tmp_path / "long.flac", np.concatenate(sentences), RATE), tmp_path / "out"
    speech.load().convert(source, tmp_path / "alone" / source.name, pitch="3")
    killed: list[int] = []
    niceness: list[int] = []

    def kill() -> None:
        while not killed:
            for claim in (out / ".unpaired/claims").glob("*"):
                killed.append(int(claim.read_text().split()[-1].split("-")[2]))
                niceness.append(psutil.Process(killed[0]).nice())
                os.kill(killed[0], signal.SIGKILL)
                break
            time.sleep(0.1)

    threading.Thread(target=kill, daemon=True).start()
    report = convert_archive(speech, source, out / source.name, pitch="3", **engine)
    assert killed
    assert set(niceness) == {os.nice(0)}
    assert outputs(out) == outputs(tmp_path / "alone")
    assert recorded(out) == once(out)
    assert len(json.loads((out / ".unpaired/report.json").read_text())["lost_workers"]) == 1
    assert [path.name for path in report.converted] == [source.name]
