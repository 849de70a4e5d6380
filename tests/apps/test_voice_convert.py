"""`voice_convert.py`, and what `unpaired evaluate` and `inspect` do for sound."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from unpaired.apps.voice_convert import main
from unpaired.domains.audio.signal.pitch import f0

from .conftest import Run


@pytest.fixture
def recording(assets: Path) -> Path:
    return assets / "speech" / "female-1.flac"


def convert(*words: str | Path) -> int:
    return main([str(word) for word in words])


def test_a_recording_keeps_length_rate_and_channels(voice_model: Path, recording: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.wav"
    assert convert(recording, target, "--model", voice_model, "--runtime", "torch", "--pitch", "-3") == 0
    before, after = soundfile.info(recording), soundfile.info(target)
    assert (after.frames, after.samplerate, after.channels) == (before.frames, before.samplerate, before.channels)


@pytest.mark.parametrize(
    ("name", "direction", "lowest", "highest"), [("female-1", "a2b", 80, 140), ("male-1", "b2a", 150, 250)]
)
def test_the_shipped_model_makes_the_other_voice(
    name: str, direction: str, lowest: float, highest: float, assets: Path, tmp_path: Path
) -> None:
    """Pitch goes to the other side's, the spectrum with it, and all else stays: length, level, silences."""
    source, target = assets / "speech" / f"{name}.flac", tmp_path / "out.wav"
    assert convert(source, target, "--direction", direction) == 0
    (before, rate), (after, _) = soundfile.read(source), soundfile.read(target)
    assert before.shape == after.shape
    assert not lowest < median_pitch(before, rate) < highest
    assert lowest < median_pitch(after, rate) < highest
    assert np.std(after) == pytest.approx(np.std(before), rel=0.3)


def median_pitch(audio: npt.NDArray[np.float64], rate: int) -> float:
    _, hz = f0(audio.astype(np.float32), rate)
    return float(np.median(hz[hz > 0]))


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--pitch", "high"], "pitch is 'high'; expected auto, keep, or semitones"),
        (["--vocoder", "hifigan"], "vocoder is 'hifigan'"),
        (["--strength", "2"], "strength is 2.0"),
        (["--vocodr", "world"], "--vocodr is no option, did you mean --vocoder?"),
    ],
)
def test_wrong_options_are_refused_in_one_line(
    words: list[str],
    reason: str,
    voice_model: Path,
    recording: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert convert(recording, tmp_path / "out.wav", "--model", voice_model, *words) == 2
    said = capsys.readouterr().err
    assert reason.partition(",")[0] in said
    assert said.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_model_of_pictures_is_refused(
    model: Path, recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert(recording, tmp_path / "out.wav", "--model", model) == 2
    assert "the model is of the domain image, not audio" in capsys.readouterr().err


def test_raw_samples_go_through_a_pipe_as_they_come(voice_model: Path, recording: Path) -> None:
    audio, rate = soundfile.read(recording, dtype="int16")
    program = Path(__file__).resolve().parents[2] / "apps" / "voice_convert.py"
    command = [sys.executable, program, "-", "-", "--live", "--rate", str(rate), "--model", voice_model]
    done = subprocess.run(
        [*map(str, command), "--runtime", "torch"], input=audio.tobytes(), capture_output=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout) == audio.nbytes
    assert b"latency" in done.stderr


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["-", "-"], "add --live"),
        (["-", "x.wav", "--live"], "--live takes - - (pipes) or microphone loudspeaker"),
        (["-", "-", "--live", "--channels", "0"], "--channels is 0"),
        (["-", "-", "--live", "--rate", "1"], "--rate is 1"),
    ],
)
def test_pipes_that_cannot_be_are_refused(
    words: list[str], reason: str, voice_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert(*words, "--model", voice_model) == 2
    assert reason in capsys.readouterr().err


def test_voices_are_evaluated_with_page_and_json(
    unpaired: Run, voice_model: Path, assets: Path, tmp_path: Path
) -> None:
    for side, name in {"a": "female-1", "b": "male-1"}.items():
        (tmp_path / side).mkdir()
        shutil.copy(assets / "speech" / f"{name}.flac", tmp_path / side / "one.flac")
    page, figures = tmp_path / "listen.html", tmp_path / "scores.json"
    words = ["evaluate", voice_model, "--a", tmp_path / "a", "--b", tmp_path / "b", "--paired", "--direction", "a2b"]
    done = unpaired(*words, "--page", page, "--json", figures, "--csv", tmp_path / "scores.csv")
    assert done.code == 0, done.err
    assert "MCD (dB)" in done.out
    assert "input as it is" in done.out
    found = json.loads(figures.read_text())
    assert found["scores"]["a2b"]["pairs"] == 1
    assert found["scores"]["a2b"]["input"]["mcd"]["mean"] > 3
    assert page.is_file()
    rows, totals = (list(csv.DictReader((tmp_path / f"scores{end}.csv").open(newline=""))) for end in ("", "-totals"))
    assert [(row["side"], Path(row["file"]).name) for row in rows] == [("a", "one.flac")]
    means = {row["figure"]: float(row["a2b"]) for row in totals}
    assert means["input mcd"] == found["scores"]["a2b"]["input"]["mcd"]["mean"] == float(rows[0]["untranslated mcd"])
    assert means["converted mcd"] == float(rows[0]["mcd"])
    assert "target hnr" in means
    assert {row["a2b ±"] for row in totals} == {""}  # one recording alone


def test_options_of_other_media_are_refused(unpaired: Run, voice_model: Path, model: Path, tmp_path: Path) -> None:
    sides = ["--a", tmp_path, "--b", tmp_path]
    done = unpaired("evaluate", voice_model, *sides, "--sheet", tmp_path / "x.jpg")
    assert done.code == 2
    assert "--sheet has no meaning for sound" in done.err
    done = unpaired("evaluate", model, *sides, "--page", tmp_path / "x.html")
    assert done.code == 2
    assert "--page is for models that are scored by their files (of sound)" in done.err


def test_recordings_are_inspected_without_naming_the_medium(unpaired: Run, recording: Path) -> None:
    done = unpaired("inspect", recording)
    assert done.code == 0, done.err
    assert "rate" in done.out
    assert "FLAC" in done.out
