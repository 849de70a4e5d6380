"""Translating a voice while it speaks: from a microphone, or through pipes of raw samples.

The stages are those of a file with short sight: the generator sees the last second and nothing of what is to come,
norms, loudness and the speaker's median pitch are followed as they become known, and the gains are applied once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

import numpy as np

from ....core.adapter.arrays import for_arrays
from ....core.adapter.streams import Translate
from ....core.errors import ConfigError, MissingDependency
from ....core.runtimes.runtime import translate_end
from ....core.sides import Side
from ..settings import AudioConversion, AudioSettings
from ..signal.buffer import empty
from ..signal.mel import LogMel, to_sample
from ..signal.sound import Resampler, Sound
from .gains import gain_between
from .live_loudness import Limiter, Loudness
from .live_pitch import LivePitch
from .live_report import LiveReport, Session
from .queues import DeviceQueue, PipeQueue
from .source_filter import DB, GainFilter, bounded

CHUNK = 0.02
"""Seconds that are read at a time."""
_SEEN = 32
"""Frames that the generator sees: 0.37 s. The gains of the newest depend little on what was before."""
_REPEATED = 4
"""Of these, frames that the newest one goes on for in place of what is to come. The generator's convolutions take what
lies beyond an edge for means, which no voice is: its newest frames were hardly a translation (docs/decisions.md)."""
_FOLLOWED = 0.25
"""Seconds of sound after which norms follow the voice; they would hardly change from one frame to the next."""
_WINDOW = 0.5
"""Share of the model's window that the sound is filtered in. Gains are smooth along frequency, so a short one, which
looks ahead by less, does."""
_GOES_ON = 1
"""Frames of that filter, 6 ms each, that the newest gain goes on for: the next one is not waited for."""
_LONGEST_QUEUE = 0.25
"""Seconds of sound that may wait at a microphone."""
_MEMORY = 3.0
"""Seconds over which loudness is averaged."""
_TARGET = -23.0
_QUIET = 10 ** (-60 / 10)
_LOUDER = 6 * DB
"""By how much a frame may become louder or softer, 6 dB as the logarithm of an amplitude."""
_PAUSE, _BEGINS = 1e-3, 100.0
"""Times the mean power of a voice: less is a pause between its words; more, and what was heard before was no voice."""


class LiveConversion:
    """A voice (channels, samples) that comes in short pieces, translated with little delay.

    Args:
        rate: samples a second.
        channels: their number; they share one gain.
        side: the domain that the voice belongs to.
        translate: one direction of a model.
        options: strength and pitch; the waveform stage is always source-filter.
        settings: the model's.
    """

    def __init__(
        self, rate: int, channels: int, side: Side, translate: Translate, options: AudioConversion,
        settings: AudioSettings,
    ) -> None:  # fmt: skip
        self._made_of = rate, channels, side, translate, options, settings
        self._translate = for_arrays(translate)
        self._settings, self._side, self._strength = settings, side, options.strength
        self._pitch = LivePitch(rate, channels, side, options, settings)
        self._resampler, self._log_mel = Resampler(rate, settings.sample_rate), LogMel(settings)
        bands = settings.equaliser(side, options.strength)
        self._filter = GainFilter(rate, channels, settings, _WINDOW, _GOES_ON, bands)
        self._seen = np.full((settings.bins, 0), 0, np.float32)
        self._statistics: Sound | None = None
        self._power = self._unfollowed = 0.0
        self._spoken, self._heard = False, 0.0
        self._loudness, self._limiter = Loudness(), Limiter(rate)
        self._inside = empty(channels)
        self._rate = rate
        self._received = self._given = 0

    @property
    def delay(self) -> float:
        """Seconds of sound that came in and did not go out yet."""
        return (self._received - self._given) / self._rate

    def warm_up(self, chunk: float = CHUNK) -> None:
        """Let another voice speak as long as this one is remembered, so that its first word finds everything made."""
        trial, rate, channels = LiveConversion(*self._made_of), *self._made_of[:2]
        seconds = (_SEEN + 8) * self._settings.hop_length / self._settings.sample_rate
        noise = np.random.default_rng(0).uniform(-0.1, 0.1, (channels, round(seconds * rate))).astype(np.float32)
        for at in range(0, noise.shape[1], size := round(chunk * rate)):
            trial.push(noise[:, at : at + size])
        trial.finish()

    def push(self, audio: Sound) -> Sound:
        """The samples (channels, n) that are complete with further ones (channels, m)."""
        self._received += audio.shape[1]
        return self._gone(self._apply_gains(self._pitch.push(audio)))

    def finish(self) -> Sound:
        """The samples at the end, once everything was pushed."""
        last = [self._apply_gains(self._pitch.finish())]
        sound = self._resampler.finish()
        mel = np.concatenate([self._log_mel.push(sound.reshape(-1)), self._log_mel.finish()], axis=1)
        last += [self._filter.push(last[0][:, :0], self._gain(mel)), self._filter.finish()]
        return self._gone(np.concatenate(last, axis=1))

    def _gone(self, audio: Sound) -> Sound:
        self._given += audio.shape[1]
        return self._limiter(audio)

    def _apply_gains(self, audio: Sound) -> Sound:
        sound = self._resampler.push(audio.mean(axis=0))
        self._listen(sound)
        made = self._filter.push(audio, self._gain(self._log_mel.push(sound)))
        before, self._inside = np.split(np.concatenate([self._inside, audio], axis=1), [made.shape[1]], axis=1)
        if self._spoken:
            self._loudness.follow(before, made, self._share(made.shape[1] / self._rate))
        return made

    def _listen(self, sound: Sound) -> None:
        """Follow the voice's loudness, and tell the voice from what is before it and between its words."""
        if not len(sound):
            return
        power = float(np.square(sound).mean())
        self._spoken = power > max(_QUIET, _PAUSE * self._power)
        if not self._spoken:
            return
        if power > _BEGINS * self._power:
            self._power, self._heard, self._statistics = power, 0.0, None
            self._loudness = Loudness()
            self._seen = self._seen[:, :0]
        seconds = len(sound) / self._settings.sample_rate
        self._heard += seconds
        self._power += (power - self._power) * self._share(seconds)

    def _share(self, seconds: float) -> float:
        """What so many seconds count for in a mean of all that was heard at first, then of the last seconds."""
        return min(1.0, seconds / min(_MEMORY, self._heard))

    def _gain(self, mel: Sound) -> Sound:
        count = mel.shape[1]
        if not count:
            return empty(self._settings.bins)
        if self._statistics is None and not self._spoken:  # norms of silence would be no voice's
            return np.zeros_like(mel)
        level = 10 * np.log10(self._power) - 0.691
        self._seen = np.concatenate([self._seen, mel], axis=1)[:, -max(_SEEN - _REPEATED, count) :]
        settings, side = self._settings, self._side
        # Mirrored until as much was heard: one size from the first word on, for which everything is made by then.
        seen, missing = self._seen, _SEEN - _REPEATED - self._seen.shape[1]
        if missing > 0:
            seen = np.pad(seen, ((0, 0), (missing, 0)), mode="symmetric")
        seen = np.pad(seen, ((0, 0), (0, _REPEATED)), mode="edge")
        louder = seen + np.float32((_TARGET - level) * DB)
        x = to_sample(louder, settings.mean(side), settings.deviation(side))[None]
        self._unfollowed += self._spoken * count * settings.hop_length / settings.sample_rate
        due = self._statistics is None or (self._spoken and self._unfollowed >= _FOLLOWED)
        momentum = self._share(self._unfollowed) if due else 0.0
        if self._statistics is None or momentum:
            y, self._statistics = self._translate.with_statistics(x, self._statistics, momentum)
        else:
            y = translate_end(self._translate, x, self._statistics, count + _REPEATED)
        self._unfollowed = 0.0 if due else self._unfollowed
        x, y = (each[..., : each.shape[-1] - _REPEATED][..., -count:] for each in (x, y))
        gain = self._strength * bounded(gain_between(x, y, side, settings), settings.content)
        return (self._as_loud(mel, gain) if self._strength else gain).astype(np.float32)

    def _as_loud(self, mel: Sound, gain: Sound) -> Sound:
        """The gains (bins, frames) by which the voice stays about as loud as it comes: norms that know little of it yet
        make it several times as loud, or hardly let it through. Frames are bounded from the first on, and what comes
        out of the filter says what is missing in the mean."""
        before, after = (np.log(np.exp(2 * each).mean(axis=0)) / 2 for each in (mel, mel + gain))
        changed = after - before
        steadied: Sound = gain - changed + np.clip(changed, -_LOUDER, _LOUDER) + self._loudness.corrected()
        return steadied


def convert_pipe(
    conversion: LiveConversion,
    source: BinaryIO,
    target: BinaryIO,
    rate: int,
    channels: int,
    chunk: float = CHUNK,
    progress: Callable[[LiveReport], None] | None = None,
) -> LiveReport:
    """Translate raw samples (16 bits, little-endian, channels interleaved) from one open file into another until the
    first ends or Ctrl-C. Nothing is left out: where the machine does not keep up, what writes into the pipe waits.

    Args:
        progress: told how it stands, first when it is ready, then every second.

    Raises:
        ConfigError: the chunk is not between 5 ms and a second.
    """
    if not 0.005 <= chunk <= 1.0:
        raise ConfigError(f"the chunk is {chunk} s; expected 0.005 to 1")
    size = round(chunk * rate) * channels * 2
    queue = PipeQueue(source, 4 * size)
    conversion.warm_up(chunk)
    session = Session(conversion, rate, chunk)
    if progress is not None:
        progress(session.report())
    try:
        while block := queue.read(size):
            samples = np.frombuffer(block[: len(block) // (2 * channels) * 2 * channels], "<i2")
            audio: Sound = samples.reshape(-1, channels).T.astype(np.float32) / np.float32(32768)
            session.translate(audio, queue.seconds_waiting(), lambda result: _write(target, result))
            if progress is not None and session.due():
                progress(session.report())
    except KeyboardInterrupt:
        pass
    _write(target, conversion.finish())
    return session.report()


def convert_microphone(
    conversion: LiveConversion, rate: int, channels: int, chunk: float = CHUNK,
    progress: Callable[[LiveReport], None] | None = None,
) -> LiveReport:  # fmt: skip
    """Translate the default microphone to the default loudspeaker until Ctrl-C. Where the machine does not keep up,
    what has waited for a quarter of a second is left out.

    Raises:
        MissingDependency: sounddevice, or PortAudio beneath it, is not installed.
        ConfigError: there is no microphone or loudspeaker that takes this rate.
    """
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise MissingDependency(
            "a microphone needs sounddevice and PortAudio: pip install 'unpaired[live]', and libportaudio2 on Linux"
        ) from error
    conversion.warm_up(chunk)
    session, size, latency = Session(conversion, rate, chunk), round(chunk * rate), 0.0
    try:
        with sounddevice.Stream(
            samplerate=rate, channels=channels, blocksize=size, dtype="float32", latency="low"
        ) as stream:
            queue, latency = DeviceQueue(stream, rate), sum(stream.latency)
            if progress is not None:
                progress(session.report(latency))
            while True:
                block = queue.read(size)
                if queue.seconds_waiting() > _LONGEST_QUEUE:
                    session.dropped += len(queue.read(round(queue.seconds_waiting() * rate)))
                audio = np.ascontiguousarray(block.T)
                session.translate(audio, queue.seconds_waiting(), lambda result: stream.write(_pack(result)))
                if progress is not None and session.due():
                    progress(session.report(latency))
    except KeyboardInterrupt:
        return session.report(latency)
    except sounddevice.PortAudioError as error:
        raise ConfigError(f"no microphone and loudspeaker at {rate} Hz with {channels} channels: {error}") from error


def _pack(audio: Sound) -> Sound:
    """(n, channels), as sound cards take it."""
    return np.ascontiguousarray(audio.T)


def _write(target: BinaryIO, audio: Sound) -> None:
    whole = np.clip(np.rint(audio.T * 32768), -32768, 32767).astype("<i2")
    view = memoryview(whole.tobytes())
    while view:  # an unbuffered file may take a part
        view = view[target.write(view) :]
    target.flush()
