"""Samples of recordings: windows, tiling, silence, loudness, pitch, long files, and a cache that changes nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from synthetic_sound import RATE, silence, voice, write

from unpaired import Audio, MediaError, MissingFile
from unpaired.domains.audio import AudioSettings
from unpaired.domains.audio.signal import mel as features
from unpaired.domains.audio.signal import pitch
from unpaired.domains.audio.signal.sound import resampled
from unpaired.domains.audio.training import sampling


def draw(domain: Audio, file: Path, seed: int = 0, side: str = "b") -> torch.Tensor:
    drawn = domain.sample(file, side, np.random.default_rng(seed))  # type: ignore[arg-type]
    assert isinstance(drawn, torch.Tensor)
    return drawn


def test_windows_go_on_by_reflection_at_the_ends() -> None:
    mel = np.arange(4, dtype=np.float32)[None]
    assert sampling.window(mel, 0, 10)[0].tolist() == [0, 1, 2, 3, 2, 1, 0, 1, 2, 3]
    assert sampling.window(mel, 5, 4)[0].tolist() == [1, 0, 1, 2]
    assert sampling.window(mel, 1, 2)[0].tolist() == [1, 2]
    assert sampling.window(mel[:, :1], 0, 3)[0].tolist() == [0, 0, 0]


def test_a_sample_is_a_window_of_the_spectrogram(tmp_path: Path) -> None:
    file = write(tmp_path / "voice.wav", voice(150, 2.0))
    domain = Audio(frames=32)
    whole = sampling.SpectrogramCache(domain.settings).mel(file, "b", 0)
    scaled = features.to_sample(whole, (), ())
    for seed in range(5):
        x = draw(domain, file, seed)
        assert x.shape == (1, 80, 32)
        starts = [t for t in range(whole.shape[1] - 31) if np.array_equal(scaled[:, :, t : t + 32], x.numpy())]
        assert len(starts) == 1


def test_every_window_is_drawn(tmp_path: Path) -> None:
    file = write(tmp_path / "voice.wav", voice(150, 0.5))
    domain = Audio(frames=40)
    assert len({draw(domain, file, seed).numpy().tobytes() for seed in range(100)}) == len(
        range(sampling.SpectrogramCache(domain.settings).mel(file, "b", 0).shape[1] - 39)
    )


@pytest.mark.parametrize("seconds", [0.01, 0.1, 0.4])
def test_short_clips_are_tiled_and_never_dropped(tmp_path: Path, seconds: float) -> None:
    file = write(tmp_path / "clip.wav", voice(150, seconds))
    x = draw(Audio(), file)
    assert x.shape == (1, 80, 64)
    frames = round(seconds * RATE) // 256 + 1
    period = max(1, 2 * (frames - 1))
    assert torch.equal(x[..., period:], x[..., :-period])


def test_silence_is_left_out_and_loudness_evened(tmp_path: Path) -> None:
    sound = voice(150, 1.0)
    plain = write(tmp_path / "plain.wav", sound, subtype="FLOAT")
    padded = np.concatenate([silence(1.0), 0.1 * sound, silence(2.0)])
    quiet = write(tmp_path / "quiet.wav", padded, subtype="FLOAT")
    first, second = (sampling.SpectrogramCache(AudioSettings()).mel(file, "b", 0) for file in (plain, quiet))
    assert abs(first.shape[1] - second.shape[1]) <= 4
    assert float(np.abs(first.mean(1) - second.mean(1)).max()) < 0.15
    as_it_is = sampling.SpectrogramCache(AudioSettings(trim=False, normalise=False)).mel(quiet, "b", 0)
    assert as_it_is.shape[1] == len(padded) // 256 + 1
    assert as_it_is.min() == pytest.approx(np.log(1e-5))


def test_the_pitch_of_a_is_moved_to_that_of_b_and_that_of_b_is_not(tmp_path: Path) -> None:
    sound = voice(200, 1.0)
    settings = AudioSettings(f0_a=(200.0, 0.1), f0_b=(120.0, 0.1))
    hz = {side: pitch.f0(sampling.pitch_shifted(sound, side, settings), RATE)[1] for side in ("a", "b")}  # type: ignore[arg-type]
    medians = {side: float(np.median(values[values > 0])) for side, values in hz.items()}
    own = pitch.f0(sound, RATE)[1]
    assert medians["a"] == pytest.approx(0.6 * float(np.median(own[own > 0])), rel=0.02)
    assert sampling.pitch_shifted(sound, "b", settings) is sound
    music = AudioSettings(f0_a=(200.0, 0.1), f0_b=(120.0, 0.1), content="music")
    assert sampling.pitch_shifted(sound, "a", music) is sound


def test_the_cache_changes_nothing_and_keeps_to_its_budget(tmp_path: Path) -> None:
    files = [write(tmp_path / f"{n}.wav", voice(120 + 20 * n, 2.0)) for n in range(4)]
    with_cache, without = Audio(cache_mb=1), Audio(cache_mb=0)
    for seed in range(8):
        file = files[seed % 4]
        assert torch.equal(draw(with_cache, file, seed), draw(without, file, seed))
    cache = sampling.SpectrogramCache(AudioSettings(cache_mb=1, bins=512, hop_length=16))
    for file in files:
        cache.mel(file, "b", 0)
    assert cache._bytes <= 2**20
    assert sampling.SpectrogramCache(AudioSettings()).mel(files[0], "b", 0) is not None


def test_a_long_recording_is_prepared_by_sections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "SECTION", 1.0)
    sound = np.concatenate([voice(hz, 1.0, seed=hz) for hz in (110, 150, 190)] + [silence(1.0)])
    file = write(tmp_path / "long.flac", sound)
    settings = AudioSettings(normalise=False)
    assert sampling.sections(file) == 4
    cache = sampling.SpectrogramCache(settings)
    for number, hz in enumerate((110, 150, 190)):
        heard = pitch.f0(sampling.prepared(file, settings, number, 4), RATE)[1]
        assert float(np.median(heard[heard > 0])) == pytest.approx(hz, rel=0.12)
        assert cache.mel(file, "b", number).shape[1] <= RATE // 256 + 1
    with pytest.raises(sampling.Silent, match="holds no sound: it is silent"):
        cache.mel(file, "b", 3)
    for seed in range(8):  # the silent section is never what comes of it
        assert draw(Audio(settings), file, seed).std() > 0.1


def test_the_last_section_goes_on_to_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "SECTION", 1.0)
    file = write(tmp_path / "long.wav", voice(150, 2.4))
    settings = AudioSettings(trim=False)
    lengths = [len(sampling.prepared(file, settings, number, 2)) for number in range(2)]
    assert lengths == [RATE, round(1.4 * RATE)]


@pytest.mark.parametrize(("name", "content"), [("text.wav", b"not sound at all"), ("empty.wav", b"")])
def test_what_is_no_recording_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(MediaError):
        draw(Audio(), file)
    with pytest.raises(MissingFile):
        draw(Audio(), tmp_path / "absent.wav")
    with pytest.raises(MediaError, match="holds no sound: it is silent"):
        draw(Audio(), write(tmp_path / "silent.wav", silence(1.0)))


def test_any_rate_and_number_of_channels_is_read(tmp_path: Path) -> None:
    """The same voice recorded at 48 kHz in stereo and at 22.05 kHz looks the same below 8 kHz."""
    sound = voice(150, 1.0, rate=48000)
    stereo = write(tmp_path / "stereo.wav", np.stack([sound, sound]), 48000)
    own = write(tmp_path / "own.wav", resampled(sound, 48000, RATE))
    first, second = (sampling.SpectrogramCache(AudioSettings()).mel(file, "b", 0) for file in (stereo, own))
    assert first.shape == second.shape
    assert float(np.abs(first - second)[:, 4:-4].mean()) < 0.05


def test_previews_show_low_tones_below(tmp_path: Path) -> None:
    x = torch.full((1, 8, 16), -1.0)
    x[0, 0] = 1.0
    picture = sampling.picture(x)
    assert picture.shape == (3, 16, 32)
    assert picture[:, -1, 0].tolist() == [252, 250, 190]
    assert picture[:, 0, 0].tolist() == [0, 0, 4]


def test_scoring_loads_the_middle(tmp_path: Path) -> None:
    file = write(tmp_path / "voice.wav", voice(150, 3.0))
    domain = Audio()
    mel = sampling.SpectrogramCache(domain.settings).mel(file, "a", 0)
    start = (mel.shape[1] - 64) // 2
    assert np.array_equal(domain.load(file, "a").numpy(), features.to_sample(mel[:, start : start + 64], (), ()))
