"""Facts about a clip from its header and its first frame: a header alone is unreliable."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
from av.stream import Discard, Disposition

from ....core.errors import MediaError
from ...containers.clock import Clock
from ...containers.opening import INPUT_STREAM, MOST_PIXELS, Source, open_container, reason, source_name
from ..frames.alpha import alpha_of, decoder_of, has_alpha, is_clear, says_alpha
from ..frames.colour import Colour, Orientation
from ..frames.forms import Form
from ..frames.side_data import Light, side_data

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

_NOT_FOOTAGE = Disposition.attached_pic | Disposition.timed_thumbnails
_INTERLACED = (2, 3, 4, 5)  # AVFieldOrder


@dataclass(frozen=True)
class ClipInfo:
    """One clip as it is shown."""

    name: str
    """Its path, for messages."""
    container: str
    codec: str
    width: int
    """Pixels of the upright picture, before sample_aspect stretches them."""
    height: int
    orientation: Orientation
    """Rotation that makes the stored picture upright."""
    sample_aspect: Fraction
    """Width of a pixel to its height, upright."""
    rate: Fraction
    """Frames in a second, on average."""
    time_base: Fraction
    """Seconds of one tick of the clock that times are counted in."""
    start: Fraction
    """Seconds at which the first frame is shown."""
    duration: Fraction | None
    """Seconds, as the header has it; None where it does not say."""
    frames: int | None
    """Number of frames, as the header has it; None where it does not say."""
    form: Form
    """Of the decoded frames' pixels."""
    colour: Colour
    interlaced: bool
    alpha: bool
    """Whether there is transparency, in the first frame at least where every frame has room for it."""
    video_streams: int
    stream: int
    """Index of the video stream in the container."""
    sound: tuple[str, ...]
    """Codec of each sound track."""
    subtitles: tuple[str, ...]
    """Codec of each subtitle track."""
    chapters: int
    metadata: Mapping[str, str] = field(default_factory=dict)
    light: Light = field(default_factory=Light)
    """Its HDR10 metadata."""
    warnings: tuple[str, ...] = ()
    """Notes on anything unusual, one sentence each."""

    @property
    def depth(self) -> int:
        """Bits of a sample."""
        return self.form.depth

    @property
    def expected_frames(self) -> int | None:
        """The header's number of frames, or what rate and duration come to."""
        if self.frames:
            return self.frames
        return round(self.duration * self.rate) if self.duration else None


def probe(path: Source) -> ClipInfo:
    """Read the header and the first frame.

    Raises:
        MissingFile: there is no such file.
        MediaError: it is no video, or no frame of it can be decoded.
    """
    container = open_container(path)
    try:
        stream = choose_stream(container, source_name(path))
        return describe(container, stream, _first_frame(container, stream, source_name(path)), source_name(path))
    finally:
        container.close()


def choose_stream(container: InputContainer, name: str) -> VideoStream:
    """The video stream with most pixels, then the one marked as default, then the first.

    Raises MediaError when there is none that can be decoded; the others are told to the demuxer as not needed.
    """
    streams = [s for s in container.streams.video if not s.disposition & _NOT_FOOTAGE]
    if not streams:
        kinds = sorted({s.type for s in container.streams if s.type != "unknown"})
        raise MediaError(f"{name} has no video track" + (f" (only {', '.join(kinds)})" if kinds else ""))
    usable = [s for s in streams if s.codec_context is not None]
    if not usable:
        raise MediaError(f"{name}: its video codec is not known here; convert it to H.264 first")
    best = max(usable, key=lambda s: (s.width * s.height, bool(s.disposition & Disposition.default), -s.index))
    for stream in container.streams.video:
        if stream.index != best.index and not stream.disposition & Disposition.attached_pic:
            stream.discard = Discard.all
    if best.width * best.height > MOST_PIXELS:
        raise MediaError(
            f"{name}: its frames have {best.width}x{best.height} pixels, more than {MOST_PIXELS}; scale them down first"
        )
    best.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
    return best


def no_frames(container: InputContainer, stream: VideoStream, name: str, fault: str = "") -> MediaError:
    """The error for a clip without a single frame; what its header claims is part of the message."""
    if name == INPUT_STREAM and stream.frames and "mp4" in container.format.name:
        return MediaError(
            f"{name} is MP4 or MOV whose index comes after the frames, and a pipe cannot go back to them: "
            "give the file's name instead of -, or put the index first (ffmpeg -i IN -c copy -movflags +faststart OUT)"
        )
    claim = []
    if stream.frames:
        claim.append(f"{stream.frames} frames")
    if container.duration:
        claim.append(f"{container.duration / av.time_base:.1f} s")
    said = f", though its header claims {' and '.join(claim)}" if claim else ""
    return MediaError(f"{name} holds no frame that can be decoded{said}" + (f": {fault}" if fault else ""))


def _first_frame(container: InputContainer, stream: VideoStream, name: str) -> av.VideoFrame:
    fault = ""
    clock, decoder = Clock(container), decoder_of(stream)
    for packet in clock.packets(stream):
        try:
            for frame in decoder.decode(packet if packet.size else None):
                return frame
        except (av.FFmpegError, ValueError) as error:
            fault = reason(error)
    raise no_frames(container, stream, name, clock.fault or fault)


def describe(container: InputContainer, stream: VideoStream, frame: av.VideoFrame, name: str) -> ClipInfo:
    """Facts about a clip once its first frame is decoded; where header and frame disagree, the frame is right."""
    orientation = Orientation.of(frame)
    width, height = frame.width, frame.height
    aspect = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio or Fraction(1)
    aspect = aspect if aspect > 0 else Fraction(1)
    if orientation.transpose:
        width, height, aspect = height, width, 1 / aspect
    time_base = stream.time_base or Fraction(1, 1000)
    start = frame.pts * (frame.time_base or time_base) if frame.pts is not None else Fraction(0)
    info = ClipInfo(
        name=name,
        container=container.format.name,
        codec=stream.codec_context.name,
        width=width,
        height=height,
        orientation=orientation,
        sample_aspect=aspect,
        rate=_rate(stream),
        time_base=time_base,
        start=start,
        duration=_duration(container, stream, time_base),
        frames=stream.frames or None,
        form=Form.of(frame.format.name),
        colour=Colour.of(frame),
        interlaced=frame.interlaced_frame or stream.codec_context.field_order in _INTERLACED,
        alpha=_has_alpha(frame, stream),
        video_streams=sum(not s.disposition & _NOT_FOOTAGE for s in container.streams.video),
        stream=stream.index,
        sound=tuple(codec_name(s) for s in container.streams.audio),
        subtitles=tuple(codec_name(s) for s in container.streams.subtitles),
        chapters=len(container.chapters()),
        metadata=dict(container.metadata),
        light=Light.of(side_data(frame)),
    )
    return _add_warnings(info, says_alpha(stream) and not info.alpha)


def _has_alpha(frame: av.VideoFrame, stream: VideoStream) -> bool:
    if stream.codec_context.name in ("gif", "apng"):  # every frame has room for it
        return is_clear(alpha_of(frame, frame.height, frame.width, Orientation()))
    return has_alpha(frame)


def codec_name(stream: av.stream.Stream) -> str:
    """The codec of a stream, or "unknown"."""
    return stream.codec_context.name if stream.codec_context is not None else "unknown"


def _add_warnings(info: ClipInfo, loses_alpha: bool) -> ClipInfo:
    warnings = []
    if info.video_streams > 1:
        used = f"track {info.stream} ({info.width}x{info.height}), the largest, is used and the others are left out"
        warnings.append(f"there are {info.video_streams} video tracks; {used}")
    if loses_alpha:
        warnings.append(f"its transparency is left out: it cannot be decoded here ({info.codec})")
    return ClipInfo(**{**vars(info), "warnings": tuple(warnings)})


def _rate(stream: VideoStream) -> Fraction:
    with suppress(ValueError, ZeroDivisionError):
        for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate):
            if rate and 0 < rate <= 1000:
                return Fraction(rate)
    return Fraction(25)


def _duration(container: InputContainer, stream: VideoStream, time_base: Fraction) -> Fraction | None:
    if stream.duration and stream.duration > 0:
        return stream.duration * time_base
    if container.duration and container.duration > 0:
        return Fraction(container.duration, av.time_base)
    return None


def tracks_beside(container: InputContainer) -> list[Any]:
    """The tracks that go along with the picture: sound, subtitles and covers."""
    return [stream for stream in container.streams if stream.type in ("audio", "subtitle") or _is_cover(stream)]


def _is_cover(stream: Any) -> bool:
    return stream.type == "video" and bool(stream.disposition & Disposition.attached_pic)
