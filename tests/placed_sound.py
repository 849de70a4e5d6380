"""Sound whose place on the clock can be measured: noise that is like itself at one place alone, in clips to order."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from synthetic_sound import encode_sound

Sound = npt.NDArray[np.float64]

SECONDS, FRAMES_A_SECOND = 1.6, 10
_WINDOWS = 4
_SEARCHED = 0.3
_ROUNDED = Fraction(11, 10_000)  # containers round times to milliseconds
_LIKE = 0.3  # correlation of a window with what was written, at least
_GEN_PTS = av.container.core.Flags.gen_pts.value
_FORMATS = {"tta": "s16", "wavpack": "s16p", "flac": "s16", "alac": "s16p"}


def noise(seconds: float, rate: int, low: float = 100.0, high: float = 3000.0) -> Sound:
    """(samples,): the same band-limited noise at any rate."""
    count, most = round(seconds * rate), round(seconds * 48_000)
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(most))
    hertz = np.fft.rfftfreq(most, 1 / 48_000)
    spectrum[(hertz < low) | (hertz > high)] = 0
    mine = np.zeros(count // 2 + 1, np.complex128)
    mine[: min(len(mine), len(spectrum))] = spectrum[: len(mine)]
    sound = np.fft.irfft(mine, count)
    return 0.5 * sound / (np.abs(sound).max() or 1.0)


def write_clip(
    path: Path,
    codec: str,
    *,
    rate: int = 48_000,
    layout: str = "mono",
    start: float = 0.0,
    picture: str | None = "mpeg4",
    tracks: tuple[dict[str, str], ...] = ({},),
    seconds: float = SECONDS,
    together: int = 960,
) -> Path:
    """A clip whose sound, `noise`, begins `start` seconds after its picture.

    Args:
        codec: encoder of the sound.
        picture: encoder of the picture; None for sound alone.
        tracks: metadata of each sound track.
        together: samples that are encoded at a time; of PCM, those of a packet.
    """
    with av.open(str(path), "w") as out:
        pictures = _add_picture(out, picture) if picture else None
        streams = [_add_sound(out, codec, rate, layout, tags) for tags in tracks]
        out.start_encoding()
        packets = _encoded_pictures(pictures, seconds) if pictures else []
        for stream in streams:
            channels = stream.codec_context.layout.nb_channels
            sound = np.tile(noise(seconds, rate), (channels, 1))
            packets += encode_sound(stream, sound, round(start * rate), together)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            out.mux(packet)
    return path


def _add_picture(out: Any, codec: str) -> Any:
    stream = out.add_stream(codec, rate=FRAMES_A_SECOND)
    stream.width, stream.height, stream.pix_fmt = 32, 32, "yuvj420p" if codec == "mjpeg" else "yuv420p"
    return stream


def _encoded_pictures(stream: Any, seconds: float) -> list[Any]:
    packets = []
    for number in range(round(FRAMES_A_SECOND * seconds)):
        frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 10 * number, np.uint8), format="rgb24")
        frame.pts, frame.time_base = number, Fraction(1, FRAMES_A_SECOND)
        packets += stream.encode(frame)
    return [*packets, *stream.encode(None)]


def _add_sound(out: Any, codec: str, rate: int, layout: str, tags: dict[str, str]) -> Any:
    stream = out.add_stream(codec, rate=rate, options={"strict": "-2"})
    context = stream.codec_context
    context.layout = layout
    context.format = _FORMATS.get(codec, context.format.name)
    context.bit_rate = 12_200 if "amr" in codec else 128_000
    context.open(strict=False)
    stream.metadata.update(tags)
    return stream


# -- measuring -------------------------------------------------------------------------------------
def heard(path: Path, track: int = 0) -> tuple[int, list[tuple[Fraction, Sound]]]:
    """Rate, and the stretches of a sound track that follow on without a gap: seconds of their beginning, (samples,)."""
    rate, stretches = 0, list[tuple[Fraction, list[Sound]]]()
    with av.open(str(path)) as file:
        file.flags &= ~_GEN_PTS
        stream = file.streams.audio[track]
        due = Fraction(-1)
        for packet in file.demux(stream):
            for frame in _decoded(stream, packet):
                rate = frame.sample_rate
                time = frame.pts * frame.time_base if frame.pts is not None else due
                if not stretches or abs(time - due) > _ROUNDED:
                    stretches.append((time, []))
                    due = time
                stretches[-1][1].append(_first_channel(frame))
                due += Fraction(frame.samples, rate)
    return rate, [(time, np.concatenate(parts)) for time, parts in stretches]


def _decoded(stream: Any, packet: Any) -> list[Any]:
    try:
        return list(stream.decode(packet if packet.size else None))
    except (av.FFmpegError, EOFError):
        return []


def _first_channel(frame: Any) -> Sound:
    packed = av.AudioResampler("flt", frame.layout.name, frame.sample_rate)
    frame.pts = None
    parts = [part.to_ndarray().reshape(-1, frame.layout.nb_channels)[:, 0] for part in packed.resample(frame)]
    return np.concatenate(parts).astype(np.float64)


def picture_start(path: Path) -> Fraction:
    """Seconds at which the first picture is shown; where packets have but one time, that is it."""
    with av.open(str(path)) as file:
        file.flags &= ~_GEN_PTS
        if not file.streams.video:
            return Fraction(0)
        frame = next(file.decode(video=0))
        return (frame.pts if frame.pts is not None else frame.dts) * frame.time_base


def lateness(path: Path, track: int = 0, begin: Fraction | None = None) -> list[float]:
    """Milliseconds by which each quarter of the noise is heard after its place beside the picture; 999 where it is not
    heard at all.

    begin: seconds of the file's clock at which the noise should begin; None for the picture's beginning.
    """
    rate, stretches = heard(path, track)
    zero = picture_start(path) if begin is None else begin
    sound, first = _laid_out(rate, stretches, zero)
    whole = noise(SECONDS, rate)
    size = len(whole) // _WINDOWS
    return [_late(sound, whole[at : at + size], at - first, rate) for at in range(0, size * _WINDOWS, size)]


def _laid_out(rate: int, stretches: list[tuple[Fraction, Sound]], zero: Fraction) -> tuple[Sound, int]:
    places = [round((time - zero) * rate) for time, _ in stretches]
    first = min(places, default=0)
    sound = np.zeros(
        max((place + len(part) for place, (_, part) in zip(places, stretches, strict=True)), default=0) - first
    )
    for place, (_, part) in zip(places, stretches, strict=True):
        sound[place - first : place - first + len(part)] = part
    return sound, first


def _late(sound: Sound, window: Sound, place: int, rate: int) -> float:
    around = round(_SEARCHED * rate)
    begin = max(0, place - around)
    part = sound[begin : max(0, place + len(window) + around)]
    if len(part) < len(window) // 2:
        return 999.0
    size = 1 << (len(part) + len(window)).bit_length()
    alike = np.fft.irfft(np.fft.rfft(part, size) * np.conj(np.fft.rfft(window, size)), size)
    best = int(alike.argmax())
    at = best - size if best > size // 2 else best
    there = part[max(0, at) : max(0, at + len(window))]
    power = np.sqrt(np.square(window).sum() * np.square(there).sum())
    return 1000 * (begin + at - place) / rate if power and alike[best] / power > _LIKE else 999.0
