"""A voice while it speaks: all of it comes out, soon, at the pitch that was asked for."""

from __future__ import annotations

import io
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import numpy as np
import pytest
import torch
from kept import row
from torch import Tensor

import unpaired
from unpaired import Audio, ConfigError, NetworkSettings
from unpaired.apps.live import Shown
from unpaired.core.conversion.translator import Translator
from unpaired.core.model.model_file import Model
from unpaired.domains.audio.conversion.live import CHUNK, LiveConversion, LiveReport, convert_microphone, convert_pipe
from unpaired.domains.audio.conversion.live_loudness import Limiter
from unpaired.domains.audio.conversion.live_pitch import LivePitch
from unpaired.domains.audio.conversion.queues import PipeQueue
from unpaired.domains.audio.settings import AudioConversion, AudioSettings
from unpaired.domains.audio.signal.mel import log_mel
from unpaired.domains.audio.signal.pitch import f0, median_and_deviation

from .voices import Identity, Sound, Tilt, converted, signal_to_noise, speech

RATE = 22050
PITCHED = replace(AudioSettings(), f0_a=(210.0, 0.2), f0_b=(120.0, 0.25))


def piped(conversion: LiveConversion, voice: Sound) -> Sound:
    """A voice (samples,) through pipes of raw samples."""
    target = io.BytesIO()
    source = io.BytesIO((voice * 32768).astype("<i2").tobytes())
    report = convert_pipe(conversion, source, target, RATE, 1)
    assert report.seconds == pytest.approx(len(voice) / RATE)
    return np.frombuffer(target.getvalue(), "<i2").astype(np.float32) / 32768


def test_what_is_too_loud_keeps_its_shape_after_the_first_peak() -> None:
    """A tone at 1.5 times full scale: of a clipped one 15 % are overtones."""
    tone = 1.5 * np.sin(2 * np.pi * 210 * np.arange(RATE // 2) / RATE).astype(np.float32)[None]
    whole, limiter = Limiter(RATE)(tone), Limiter(RATE)
    pieces = np.concatenate([limiter(piece) for piece in np.split(tone, [7, 500, 501, 4000], axis=1)], axis=1)
    np.testing.assert_array_equal(whole, pieces)
    assert np.abs(whole).max() <= 1
    spectrum = np.abs(np.fft.rfft(whole[0, 1050:9450] * np.hanning(8400)))  # 80 periods
    assert np.sqrt(np.square(np.delete(spectrum, np.s_[78:83])).sum() / np.square(spectrum).sum()) < 0.03
    quiet = 0.5 * tone
    assert Limiter(RATE)(quiet) is quiet


def test_an_identity_generator_gives_back_the_voice(assets: Path) -> None:
    voice = speech(assets, "female-1")
    settings = AudioSettings()
    result = piped(LiveConversion(RATE, 1, "a", Identity(), AudioConversion(), settings), voice)
    assert len(result) == len(voice)
    assert signal_to_noise(voice, result) > 60


@pytest.mark.parametrize(("lead", "hiss"), [(0, 0.0), (RATE, 0.0), (RATE, 1e-3)])
def test_a_voice_is_about_as_loud_as_it_comes_whatever_was_before(lead: int, hiss: float, assets: Path) -> None:
    """The shipped voice, after nothing, silence or hiss, and after a pause: norms of silence let nothing through for
    seconds, and more than there is later."""
    voice = speech(assets, "male-1")
    before = hiss * np.random.default_rng(0).standard_normal(lead).astype(np.float32)
    whole = np.concatenate([before, voice, np.zeros(RATE, np.float32), voice])
    translator: Any = unpaired.load("female-male", "openvino", "cpu")
    translate, settings = translator.for_direction("b2a"), translator.domain.settings
    result = piped(LiveConversion(RATE, 1, "b", translate, AudioConversion(), settings), whole)
    assert np.abs(result[: max(0, lead - RATE // 10)]).max(initial=0) <= 6 * hiss
    for begin in (lead, lead + len(voice) + RATE):
        spoken, heard = (each[begin : begin + len(voice)] for each in (whole, result))
        assert abs(20 * np.log10(np.std(heard) / np.std(spoken))) < 6


def test_pitch_is_moved_and_nothing_is_lost(assets: Path) -> None:
    voice = speech(assets, "female-1", "female-2")
    result = piped(LiveConversion(RATE, 1, "a", Tilt(), AudioConversion(), PITCHED), voice)
    assert len(result) == len(voice)
    found = median_and_deviation(f0(result, RATE)[1])
    assert found
    assert abs(1200 * np.log2(found[0] / 120)) < 150


@pytest.mark.parametrize("seconds", [0.02, 0.037, 0.9])
def test_pitch_is_followed_in_pieces_of_any_length(seconds: float) -> None:
    """Values are those of the sound as a whole, but for the last few before each piece's end."""
    hz = np.linspace(120, 260, 3 * RATE)
    phase = 2 * np.pi * np.cumsum(hz) / RATE
    voice = sum(np.cos(k * phase) / k for k in range(1, 12)).astype(np.float32)[None] / 8
    pitch = LivePitch(RATE, 1, "a", AudioConversion(pitch="4"), AudioSettings())
    size = round(seconds * RATE)
    pieces = [pitch.push(voice[:, at : at + size]) for at in range(0, voice.shape[1], size)]
    result = np.concatenate([*pieces, pitch.finish()], axis=1)[0]
    assert result.shape == voice[0].shape
    found = f0(result, RATE)[1][40:-40]
    expected = np.interp(np.arange(len(found)) * 0.005 + 0.2, np.arange(len(hz)) / RATE, hz) * 2 ** (4 / 12)
    assert np.mean(found > 0) > 0.95
    assert np.percentile(np.abs(1200 * np.log2(found[found > 0] / expected[found > 0])), 90) < 30


@pytest.mark.parametrize("settings", [AudioSettings(), PITCHED], ids=["keeps-pitch", "moves-pitch"])
def test_the_stages_look_ahead_by_little(settings: AudioSettings, assets: Path) -> None:
    """Computing apart, a sample leaves within 97 ms: what is held back and the chunk."""
    voice = speech(assets, "female-1")
    conversion = LiveConversion(RATE, 1, "a", Tilt(), AudioConversion(), settings)
    delays = []
    for piece in np.split(voice[None], range(441, len(voice), 441), axis=1):
        conversion.push(piece)
        delays.append(conversion.delay)
    assert max(delays) + CHUNK < 0.097
    assert np.median(delays) < 0.057


def test_gains_are_those_of_a_file_as_far_as_the_past_tells(assets: Path) -> None:
    """A tilt that needs no neighbours: live and from a file the same timbre, but for the norms and the level."""

    class Slope(Identity):
        def __call__(self, x: Tensor) -> Tensor:
            return (0.9 * x + torch.linspace(-0.1, 0.1, x.shape[2])[None, None, :, None]).clamp(-1, 1)

    voice = speech(assets, "female-1", "female-2")
    live = piped(LiveConversion(RATE, 1, "a", Slope(), AudioConversion(), AudioSettings()), voice)
    file = converted(voice[None], RATE, Slope())[0]
    spectra = [log_mel(each / np.sqrt(np.square(each).mean()), AudioSettings()) for each in (live, file)]
    loud = spectra[1].mean(axis=0) > np.median(spectra[1].mean(axis=0))
    assert np.abs(spectra[0] - spectra[1])[:, loud].mean() * 20 / np.log(10) < 3.0


def test_the_newest_frame_goes_on_in_place_of_what_is_to_come() -> None:
    """A generator that makes each frame the next but one is shown means beyond a file's end, and nothing there live."""

    class Ahead(Identity):
        def __call__(self, x: Tensor) -> Tensor:
            return torch.cat([x[..., 2:], torch.zeros_like(x[..., :2])], dim=-1)

    tone = (0.1 * np.sin(2 * np.pi * 220 / RATE * np.arange(RATE))).astype(np.float32)
    options = AudioConversion(pitch="keep")
    result = piped(LiveConversion(RATE, 1, "a", Ahead(), options, AudioSettings()), tone)
    assert signal_to_noise(tone[RATE // 2 : -RATE // 4], result[RATE // 2 : -RATE // 4]) > 20


def test_a_chunk_must_be_short(assets: Path) -> None:
    conversion = LiveConversion(RATE, 1, "a", Identity(), AudioConversion(), AudioSettings())
    with pytest.raises(ConfigError, match="chunk"):
        convert_pipe(conversion, io.BytesIO(), io.BytesIO(), RATE, 1, chunk=5.0)


class Clock:
    """A clock that goes on only where it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)


class Slow(Identity):
    """A generator that takes so many seconds of a clock for each call."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock, self._seconds = clock, seconds

    def with_statistics(self, *arguments: Any) -> Any:
        self._clock.now += self._seconds
        return super().with_statistics(*arguments)


class Card:
    """A sound card: it records and plays as its clock goes on, whether anybody takes the samples or not."""

    latency = (0.01, 0.02)

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.clock, self.seconds = clock, seconds
        self.begun: float | None = None
        self.taken = 0
        self.delays: list[float] = []
        self.voice = np.random.default_rng(0)

    def opened(self, **chosen: Any) -> Self:
        self.begun = self.clock.now
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read(self, samples: int) -> tuple[Sound, bool]:
        assert self.begun is not None
        if self.taken / RATE > self.seconds:
            raise KeyboardInterrupt
        self.taken += samples
        self.clock.now = max(self.clock.now, self.begun + self.taken / RATE)  # waits for what is not spoken yet
        return self.voice.uniform(-0.1, 0.1, (samples, 1)).astype(np.float32), False

    def write(self, audio: Sound) -> bool:
        assert self.begun is not None
        self.delays.append(self.clock.now - self.begun - self.taken / RATE)
        return False


def spoken(monkeypatch: pytest.MonkeyPatch, computing: float, seconds: float = 20.0) -> tuple[LiveReport, Card]:
    clock = Clock(monkeypatch)
    card = Card(clock, seconds)
    module = SimpleNamespace(Stream=card.opened, PortAudioError=RuntimeError)
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    conversion = LiveConversion(RATE, 1, "a", Slow(clock, computing), AudioConversion(), AudioSettings())
    report = convert_microphone(conversion, RATE, 1)
    return report, card


@row("live voice (--live)", "the printed delay")
def test_the_delay_that_is_told_has_everything_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunk, look-ahead, computing and the card's own; the stages were warm before the card began to record."""
    report, card = spoken(monkeypatch, computing=0.004)
    assert card.begun is not None
    assert card.begun > 0
    assert report.dropped == 0
    assert not report.behind
    assert report.latency > CHUNK + sum(card.latency)
    assert report.longest < 0.2


@row("live voice (--live)", "a machine that does not keep up")
def test_a_machine_that_does_not_keep_up_leaves_out_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    report, card = spoken(monkeypatch, computing=0.03)
    assert report.behind
    assert report.factor > 1
    # What cannot be translated in time is left out; nothing waits for longer than it is told.
    assert report.dropped == pytest.approx((1 - 1 / report.factor) * 20, abs=0.5)
    assert max(card.delays) < 0.4
    assert max(card.delays) + CHUNK <= report.longest


def test_it_is_said_once_by_how_much(capsys: pytest.CaptureFixture[str]) -> None:
    shown = Shown("-")
    for second in range(5):
        shown.now_and_then(LiveReport(second, 0.1, 0.2, 1.4))
    err = capsys.readouterr().err
    assert err.count("does not keep up: it takes 1.40 s for a second of sound") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not say what waits in a pipe")
def test_what_waits_in_a_pipe_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    outer, inner = os.pipe()
    with open(outer, "rb") as source, open(inner, "wb", buffering=0) as voice:
        queue = PipeQueue(source, 4096)
        os.set_blocking(inner, False)
        assert voice.write(bytes(1 << 20)) == 4096  # and no more: whoever writes waits, not the listener
        clock.now = 3.0
        assert len(queue.read(1096)) == 1096
        assert queue.seconds_waiting() == 3.0
        clock.now = 5.0
        assert len(queue.read(3000)) == 3000
        assert queue.seconds_waiting() == 5.0
        assert voice.write(bytes(96)) == 96
        clock.now = 7.0
        assert len(queue.read(96)) == 96  # it came at some time after the first look
        assert queue.seconds_waiting() == 2.0
    queue = PipeQueue(io.BytesIO(b"voice"), 4096)
    clock.now = 9.0
    assert queue.read(10) == b"voice"
    assert queue.seconds_waiting() == 0.0


def test_the_stages_are_warm_before_the_first_sample_is_taken() -> None:
    calls: list[str] = []

    class Watched(Identity):
        def with_statistics(self, *arguments: Any) -> Any:
            calls.append("translated")
            return super().with_statistics(*arguments)

    class Source(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            calls.append("read")
            return super().read(size)

    conversion = LiveConversion(RATE, 1, "a", Watched(), AudioConversion(), AudioSettings())
    convert_pipe(conversion, Source(bytes(2 * RATE)), io.BytesIO(), RATE, 1)
    assert calls.index("read") > 20
    assert conversion.delay == 0


def test_the_generator_sees_one_size_from_the_first_word_to_the_last(assets: Path) -> None:
    """A runtime makes a graph for each size, which takes a quarter of a second: none while somebody speaks."""
    sizes = set()

    class Measured(Identity):
        def with_statistics(self, x: Tensor, *arguments: Any) -> Any:
            sizes.add(tuple(x.shape))
            return super().with_statistics(x, *arguments)

    piped(LiveConversion(RATE, 1, "a", Measured(), AudioConversion(), AudioSettings()), speech(assets, "female-1"))
    assert sizes == {(1, 1, 80, 32)}


def test_what_is_not_heard_is_not_computed_and_the_rest_is_the_same(assets: Path) -> None:
    """Of each window the generator computes the newest frames alone, wherever its norms are frozen."""
    domain = Audio()
    networks = domain.networks("tiny", NetworkSettings())
    generators: Any = {each: networks.generator(each).build("generators").eval() for each in ("a2b", "b2a")}
    direction = Translator(Model(generators=generators, networks=networks, domain=domain), "torch").for_direction("a2b")
    lengths: list[int] = []

    class Whole(Identity):
        def with_statistics(self, *arguments: Any) -> Any:
            return direction.with_statistics(*arguments)

        def for_arrays(self) -> Any:
            return self

    class Ends(Whole):
        def translate_end(self, x: Sound, statistics: Sound, length: int) -> Sound:
            lengths.append(length)
            return direction.translate_end(x, statistics, length)

    voice = speech(assets, "female-1")[: RATE // 2]
    results = [
        piped(LiveConversion(RATE, 1, "a", each, AudioConversion(), AudioSettings()), voice)
        for each in (Ends(), Whole())
    ]
    assert np.abs(results[0] - results[1]).max() < 1.5 / 32768  # a step of 16 bits here and there
    assert len(lengths) > 20
    assert set(lengths) == {5, 6}  # with the four that the newest is repeated by
