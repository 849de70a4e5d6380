"""The audio adapter as the core sees it: settings, and a training from folder to model file."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from synthetic_sound import folders

import unpaired
from unpaired import Audio, ConfigError, Image
from unpaired.core.model.model_file import load_model
from unpaired.core.monitoring.log import losses_of, read_metrics
from unpaired.core.settings.mapping import read_yaml
from unpaired.domains.audio import AudioConversion, AudioSettings
from unpaired.domains.audio.training.objective import AudioCycle, AudioCycleSettings

TINY = unpaired.NetworkSettings(filters=4, blocks=1, discriminator_filters=4, discriminator_layers=2)
QUICK: dict[str, Any] = {
    "networks": TINY, "workers": 0, "log_every": 2, "preview_every": 1000, "precision": "fp32", "device": "cpu"
}  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"sample_rate": 4000}, "domain.sample_rate is 4000; expected 8000 to 48000"),
        ({"bins": 82}, "domain.bins is 82; expected a multiple of 4"),
        ({"frames": 66, "stretch": 0.6}, "domain.frames is 66; expected a multiple of 4; domain.stretch is 0.6"),
        ({"fft_size": 1000}, "domain.fft_size is 1000; expected a power of two"),
        ({"hop_length": 600}, "domain.hop_length is 600; expected at most half of fft_size, 512"),
        ({"shift_frames": 64}, "domain.shift_frames is 64; expected fewer than domain.frames"),
        ({"content": "speech"}, "domain.content is 'speech'; expected voice or music"),
        ({"mean_a": (1.0, 2.0)}, "domain.mean_a has 2 numbers; expected 80 or none"),
        ({"deviation_b": (0.0,) * 80}, "domain.deviation_b must be above 0 everywhere"),
        ({"f0_a": (0.0, 0.1)}, "domain.f0_a is (0.0, 0.1); expected a median in Hz and a deviation, or nothing"),
        ({"sampel_rate": 1}, "domain.sampel_rate is unknown; did you mean domain.sample_rate?"),
    ],
)
def test_settings_that_cannot_be(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Audio(**fields)
    assert message in str(caught.value)


@pytest.mark.parametrize("pitch", ["high", "25", "nan", ""])
def test_pitches_that_cannot_be(pitch: str) -> None:
    with pytest.raises(ConfigError, match="expected auto, keep, octave, or semitones from -24 to 24"):
        AudioConversion(pitch=pitch)


def test_pitch_is_a_word_or_semitones() -> None:
    assert AudioConversion().semitones is None
    assert AudioConversion(pitch="keep").semitones is None
    assert AudioConversion(pitch="-3.5").semitones == -3.5
    with pytest.raises(ConfigError, match="vocoder is 'wavenet'"):
        AudioConversion(vocoder="wavenet")  # type: ignore[arg-type]


def test_naming_the_medium_loads_nothing_heavy() -> None:
    code = (
        "import sys, unpaired; unpaired.Audio(); "
        "print([n for n in ('torch', 'numpy', 'scipy', 'soundfile', 'av', 'pyworld', 'librosa') if n in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_run_measures_trains_resumes_and_carries_all_in_the_model(tmp_path: Path) -> None:
    root = folders(tmp_path)
    objective = AudioCycleSettings(identity_steps=4)
    model = unpaired.train(Audio(), root / "a", root / "b", root / "run", steps=4, objective=objective, **QUICK)
    unpaired.train(Audio(), root / "a", root / "b", root / "run", steps=6, objective=objective, resume=True, **QUICK)
    saved = read_yaml(root / "run" / "config.yaml")
    assert saved["networks"]["generator"] == "gated"
    assert saved["networks"]["start"] == "random"  # a woman and a man
    assert len(saved["domain"]["mean_a"]) == 80
    loaded = load_model(model)
    assert isinstance(loaded.domain, Audio)
    assert loaded.domain.settings.measured
    assert loaded.domain.settings.f0_a[0] > loaded.domain.settings.f0_b[0]
    assert (loaded.networks.generator_a2b.architecture, sorted(loaded.networks.auxiliary)) == (
        "gated",
        ["second_a", "second_b"],
    )
    names = [set(losses_of(line)) for line in read_metrics(root / "run")]
    assert all({"second_a", "discriminator_second_b", "real_second_a"} <= each for each in names)
    assert ["identity_a" in each for each in names] == [True, True, True, False]
    assert json.loads(json.dumps(saved["objective"]))["filling"] == 0.5


def test_two_voices_of_one_range_begin_at_their_recordings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = folders(tmp_path)
    shutil.copytree(root / "a", root / "c")
    model = unpaired.train(Audio(), root / "a", root / "c", root / "run", steps=1, **QUICK)
    assert load_model(model).networks.generator_b2a.options["start"] == "residual"
    assert read_yaml(root / "run" / "config.yaml")["networks"]["start"] == "residual"
    assert "generators begin at their input (networks.start residual)" in capsys.readouterr().err


def test_voices_of_one_range_are_not_begun_from_a_model_of_two() -> None:
    women, pair = (Audio(AudioSettings(f0_a=(200.0, 0.2), f0_b=(b, 0.2))) for b in (210.0, 110.0))
    assert "the model of training.start_from was made for two" in (women.start_note(pair) or "")
    for run, model in ((pair, pair), (women, women), (women, Audio()), (women, Image())):
        assert run.start_note(model) is None


def test_the_lower_voice_is_not_begun_from_a_model_that_has_the_higher_one_there() -> None:
    woman, man = (Audio(AudioSettings(f0_a=(a, 0.2), f0_b=(b, 0.2))) for a, b in ((200.0, 110.0), (105.0, 190.0)))
    assert "A has the lower voice, and the model" in (man.start_note(woman) or "")
    assert "A has the higher voice, and the model" in (woman.start_note(man) or "")
    for run, model in ((man, man), (Audio(), woman), (woman, Audio())):
        assert run.start_note(model) is None


def test_voices_of_one_range_lie_within_five_semitones() -> None:
    def one_range(a: float, semitones: float, content: Any = "voice") -> bool:
        return AudioSettings(f0_a=(a, 0.2), f0_b=(a * 2 ** (semitones / 12), 0.2), content=content).one_range

    assert one_range(200.0, 4.9)
    assert one_range(200.0, -4.9)
    assert not one_range(200.0, 5.1)
    assert not one_range(200.0, -5.1)
    assert not one_range(200.0, 0.0, "music")
    assert not AudioSettings(f0_a=(200.0, 0.2)).one_range


def test_workers_are_given_the_settings_and_no_spectrograms(tmp_path: Path) -> None:
    root = folders(tmp_path)
    domain = Audio()
    domain = domain.fit(domain.scan(root / "a"), domain.scan(root / "b"))
    sent = pickle.dumps(domain)
    assert len(sent) < 20_000
    file = domain.scan(root / "a").files[0]
    drawn = [each.sample(file, "a", np.random.default_rng(1)) for each in (domain, pickle.loads(sent))]
    assert torch.equal(*drawn)


def test_the_core_s_networks_and_objective_serve_too(tmp_path: Path) -> None:
    root = folders(tmp_path)
    networks = unpaired.NetworkSettings(
        generator="resnet", discriminator="patchgan", filters=4, blocks=1, discriminator_filters=4,
        discriminator_layers=2,
    )  # fmt: skip
    options = {**QUICK, "networks": networks}
    model = unpaired.train(Audio(), root / "a", root / "b", root / "run", steps=2, **options)
    assert load_model(model).networks.generator_a2b.architecture == "resnet"
    assert Audio().objective_type("cycle") is AudioCycle
    with pytest.raises(unpaired.UnknownName):
        Audio().objective_type("cycel")


def test_names_of_recordings_and_videos_are_convertible() -> None:
    named = {name: Audio().convertible(Path(name)) for name in ("a.wav", "b.FLAC", "c.mp4", "d.txt", "e")}
    assert named == {"a.wav": True, "b.FLAC": True, "c.mp4": True, "d.txt": False, "e": False}
