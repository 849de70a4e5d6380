"""`unpaired convert --voice-model`: pictures and voice of a clip in one command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from placed_sound import write_clip

from .conftest import Run


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    """A clip of half a second with sound."""
    return write_clip(tmp_path / "talk.mkv", "pcm_s16le", seconds=0.5)


@pytest.mark.parametrize("named", [False, True])
def test_pictures_and_voice_of_a_clip_in_one_command(
    named: bool, unpaired: Run, model: Path, voice_model: Path, talk: Path
) -> None:
    target = talk.with_name("out.mkv")
    words = [talk, target, "--model", model] if named else [model, talk, target]
    words += ["--voice-model", voice_model, "--runtime", "torch", "--skip-existing", "--json"]
    done = unpaired("convert", *words, "--voice-direction", "b2a")
    assert (done.code, target.exists()) == (0, True), done.err
    again = unpaired("convert", *words)
    assert json.loads(again.out)["converted"] == [str(target)]  # the voice's other direction is another result
    assert json.loads(unpaired("convert", *words).out)["skipped"] == [str(target)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--voice-model", "{model}"), "both translate pictures; expected one for the pictures and one for the sound"),
        (("--voice-direction", "b2a"), "--voice-direction is of a model that --voice-model names"),
        (("--voice-model", "{voice}", "--live"), "--voice-model goes through the sound once before"),
        (("--model", "{model}"), "2 models are named"),
        (("--voice-model", "nothing"), "nothing"),
    ],
)
def test_a_voice_model_that_cannot_be(
    words: tuple[str, ...], said: str, unpaired: Run, model: Path, voice_model: Path, talk: Path
) -> None:
    filled = [word.format(model=model, voice=voice_model) for word in words]
    done = unpaired("convert", model, talk, talk.with_name("out.mkv"), *filled, "--runtime", "torch")
    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1
    assert not talk.with_name("out.mkv").exists()
