"""Where nothing is asked of a translation, the samples come back as they were; their number and place always do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from kept import row
from scipy import signal

from .voices import Sound, Tilt, through

LEAVE = {"strength": 0.0, "pitch": "keep"}


def bursts(rate: int, seconds: float = 1.0, channels: int = 1, peak: float = 0.9) -> Any:
    """Noise (samples, channels) that comes and goes, at full level."""
    rng = np.random.default_rng(7)
    noise = signal.lfilter([1, 1, 1], [3], rng.standard_normal((round(seconds * rate), channels)), axis=0)
    gate = np.sin(2 * np.pi * 2.3 * np.arange(len(noise)) / rate)[:, None] > -0.2
    noise = noise * gate
    return peak * noise / np.abs(noise).max()


@row(
    "WAV, RF64, Wave64, AIFF, CAF, AU, VOC, FLAC",
    "sample format (8 to 24 bits, floats, mu-law and A-law, ALAC), and every sample",
)
@pytest.mark.parametrize(
    ("kind", "subtypes"),
    [
        ("WAV", "PCM_U8 PCM_16 PCM_24 FLOAT ULAW ALAW"), ("AIFF", "PCM_S8 PCM_16 PCM_24 FLOAT ULAW ALAW"),
        ("CAF", "PCM_S8 PCM_16 PCM_24 FLOAT ULAW ALAW ALAC_16 ALAC_24"), ("AU", "PCM_S8 PCM_16 PCM_24 FLOAT ULAW ALAW"),
        ("W64", "PCM_U8 PCM_16 PCM_24 FLOAT ULAW ALAW"), ("RF64", "PCM_U8 PCM_16 PCM_24 FLOAT ULAW ALAW"),
        ("VOC", "PCM_U8 PCM_16"), ("FLAC", "PCM_S8 PCM_16 PCM_24"),
    ],
)  # fmt: skip
def test_every_sample_format_comes_back_exactly(kind: str, subtypes: str, tmp_path: Path) -> None:
    for subtype in subtypes.split():
        source, target = tmp_path / f"a.{kind.lower()}", tmp_path / f"b.{kind.lower()}"
        soundfile.write(source, bursts(11025, 0.5, 2), 11025, subtype=subtype, format=kind)
        assert through(source, target, **LEAVE) == [], subtype
        assert soundfile.info(target).subtype == subtype
        one, two = soundfile.read(source)[0], soundfile.read(target)[0]
        assert np.array_equal(one, two), subtype


@row("recordings with 32-bit samples or 64-bit floats", "sample format, and every sample")
@pytest.mark.parametrize("subtype", ["PCM_32", "DOUBLE"])
def test_wider_samples_are_computed_in_single_precision(subtype: str, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", bursts(16000), 16000, subtype=subtype)
    assert through(tmp_path / "a.wav", tmp_path / "b.wav", **LEAVE) == []
    assert soundfile.info(tmp_path / "b.wav").subtype == subtype
    one, two = soundfile.read(tmp_path / "a.wav")[0], soundfile.read(tmp_path / "b.wav")[0]
    assert np.abs(one - two).max() <= 2.0**-24


@row("float recordings beyond full scale", "peaks")
def test_loud_floats(tmp_path: Path) -> None:
    loud = bursts(16000, peak=3.0).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", loud, 16000, subtype="FLOAT")
    assert through(tmp_path / "a.wav", tmp_path / "b.wav", **LEAVE) == []
    assert np.array_equal(soundfile.read(tmp_path / "b.wav", dtype="float32")[0], loud[:, 0])
    notes = through(tmp_path / "a.wav", tmp_path / "b.flac", **LEAVE)
    beyond = int(np.count_nonzero(np.abs(loud) > 1))
    assert any(note.startswith(f"{beyond} samples beyond full scale are bounded") for note in notes)


@row("WAV containing ADPCM, GSM or MP3", "number and format of the samples")
@pytest.mark.parametrize("subtype", ["IMA_ADPCM", "MS_ADPCM", "GSM610"])
def test_blocks_of_samples_are_written_one_by_one(subtype: str, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", bursts(8000, 0.77), 8000, subtype=subtype)
    notes = through(tmp_path / "a.wav", tmp_path / "b.wav", **LEAVE)
    assert notes == [f"its {subtype} sound is written as PCM_16, which keeps its length"]
    assert np.array_equal(soundfile.read(tmp_path / "a.wav")[0], soundfile.read(tmp_path / "b.wav")[0])


@row("recordings of any rate, however odd", "rate and number of samples")
@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44056, 96000, 192000])
@pytest.mark.parametrize("samples", [1, 37, 5000])
def test_rates_and_short_recordings_keep_every_sample_in_number(rate: int, samples: int, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", bursts(rate, 1.0, 3)[:samples], rate)
    through(tmp_path / "a.wav", tmp_path / "b.wav", Tilt())
    info = soundfile.info(tmp_path / "b.wav")
    assert (info.samplerate, info.frames, info.channels) == (rate, samples, 3)


def lag(one: Sound, two: Sound) -> int:
    """Samples by which `two` is late."""
    found = signal.correlate(two, one, method="fft")
    return int(found.argmax()) - (len(one) - 1)


@row("MP3, Ogg Vorbis, Opus", "position and length of the content")
@pytest.mark.parametrize("kind", ["mp3", "ogg", "opus"])
@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_encoders_delays_are_no_part_of_a_recording(kind: str, rate: int, tmp_path: Path) -> None:
    sound = bursts(rate, 1.3)
    soundfile.write(tmp_path / "a.wav", sound, rate)
    through(tmp_path / "a.wav", tmp_path / f"b.{kind}", **LEAVE)
    through(tmp_path / f"b.{kind}", tmp_path / "c.wav", **LEAVE)
    back = soundfile.read(tmp_path / "c.wav")[0]
    assert len(back) == len(sound)
    assert lag(sound[:, 0], back) == 0
    with av.open(str(tmp_path / f"b.{kind}")) as container:  # and so does another decoder
        frames = [frame.to_ndarray().ravel() for frame in container.decode(audio=0)]
        decoded = container.streams.audio[0].rate
    theirs = np.concatenate(frames).astype(np.float32)
    # FFmpeg takes Vorbis for a block shorter or longer where all of it is on one page.
    assert abs(len(theirs) - len(sound) * decoded // rate) <= (128 if kind == "ogg" else 0)
    assert abs(lag(signal.resample(sound[:, 0], len(sound) * decoded // rate), theirs)) <= decoded // 1000
