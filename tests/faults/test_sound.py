"""Sound that cannot be written, or whose writer is ended in the middle."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from ending import ended_while_writing

Refused = Callable[..., str]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Ten seconds of noise in bursts: 440 KB, which no small disk holds."""
    random = np.random.default_rng(0)
    sound = random.standard_normal((10, 22050)) * np.linspace(0.2, 0, 22050)
    path = tmp_path / "in" / "noise.wav"
    path.parent.mkdir()
    soundfile.write(path, sound.ravel(), 22050)
    return path


@pytest.mark.parametrize("ending", ["wav", "flac", "mp3"])
def test_a_full_disk(ending: str, refused: Refused, full_disk: Path, voice_model: Path, recording: Path) -> None:
    line = refused(
        "convert", voice_model, "--runtime", "torch", recording, full_disk / f"out.{ending}", watched=full_disk
    )
    assert str(full_disk) in line
    assert "No space left" in line


@pytest.mark.parametrize("ending", ["wav", "flac", "mp3"])
def test_a_limit_on_file_size(
    ending: str, refused: Refused, small_files: Callable, voice_model: Path, recording: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    with small_files():
        line = refused("convert", voice_model, "--runtime", "torch", recording, tmp_path / "out" / f"out.{ending}")
    assert str(tmp_path / "out") in line


@pytest.mark.usefixtures("ordinary_user")
def test_a_read_only_folder(refused: Refused, voice_model: Path, recording: Path, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    line = refused("convert", voice_model, "--runtime", "torch", recording, tmp_path / "locked" / "out.wav")
    assert str(tmp_path / "locked") in line


@pytest.mark.skipif(os.name == "nt", reason="Windows ends programs in another way")
@pytest.mark.parametrize("end", ["SIGKILL", "SIGINT"])
def test_ended_in_the_middle_nothing_has_the_final_name(end: str, voice_model: Path, tmp_path: Path) -> None:
    long, out = tmp_path / "long.wav", tmp_path / "out"
    random = np.random.default_rng(0)
    soundfile.write(long, np.tile(random.standard_normal(22050) * np.linspace(0.2, 0, 22050), 1200), 22050)
    out.mkdir()
    command = [sys.executable, "-m", "unpaired.apps.main", "convert", voice_model, "--runtime", "torch", long]
    code, err = ended_while_writing([*command, out / "out.wav"], out, signal.Signals[end])
    assert code == (-signal.SIGKILL if end == "SIGKILL" else 130)
    assert not (out / "out.wav").exists()
    if end == "SIGINT":
        assert err.splitlines()[-1] == "unpaired: interrupted"
        assert list(out.iterdir()) == []
