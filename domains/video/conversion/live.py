"""Translating what is being filmed: a camera or a network stream, at constant latency.

    reading thread              calling thread
    receive, decode -> newest -> translate, encode, write

Where translating is slower than the stream, a queue would grow and the picture lag further and further behind. So
there is none: one place holds the newest frame, and a frame that comes before its predecessor was fetched takes its
place. What is written keeps the times of the frames that were fetched, so it plays at the stream's own speed.
"""

from __future__ import annotations

import dataclasses
import os
import re
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, Generic, TypeVar

import av
import numpy as np

from ....core.adapter.arrays import for_arrays
from ....core.adapter.domain import Domain
from ....core.adapter.streams import Translate
from ....core.conversion.pipeline import PrefetchedReader, convert_arrays
from ....core.errors import ConfigError, MediaError
from ....core.sides import Side
from ....core.values import Array
from ...containers.opening import Source
from ...image import is_large, working_size
from ..frames.colour import to_array
from ..reading import pipes
from ..reading.clip import VideoReader
from ..settings import VideoConversion

T = TypeVar("T")
_PROBE = {"analyzeduration": "500000"}
"""Microseconds of a stream that are looked at before its first frame: five seconds by default."""
_CAMERA = re.compile(r"camera:(\d+)|/dev/video(\d+)")
_REMEMBERED = 10_000
_SMALL = 64
"""Pixels of a side of what is translated before a stream is opened."""


class Newest(Generic[T]):
    """The newest item of a stream that a thread of its own reads; iterating gives each item at most once.

    Whatever the stream raises is raised in the iterating thread, after the last item. The stream is an iterator whose
    `close`, when it has one (as generators do), is called in the reading thread, where a decoder can be released
    safely.
    """

    def __init__(self, stream: Iterator[T]) -> None:
        self.received = 0
        """Items read from the stream so far."""
        self.dropped = 0
        """Items that a newer one replaced before they were fetched."""
        self._stream = stream
        self._item: tuple[T, float] | None = None
        self._ended = False
        self._closing = False
        self._failure: BaseException | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, name="unpaired-live", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[tuple[T, float]]:
        """Items with the `time.monotonic` of their arrival."""
        while True:
            with self._changed:
                while self._item is None and not self._ended:
                    self._changed.wait(0.5)  # a wait without a time-out cannot be interrupted by Ctrl-C on Windows
                if self._item is None:
                    break
                item, self._item = self._item, None
            yield item
        if self._failure is not None:
            raise self._failure

    def close(self, patience: float = 15.0) -> bool:
        """End the reading; waits up to `patience` seconds for a read that is under way. Whether it has ended."""
        self._closing = True
        self._thread.join(patience)
        return not self._thread.is_alive()

    def _read(self) -> None:
        try:
            for item in self._stream:
                with self._changed:
                    self.received += 1
                    self.dropped += self._item is not None
                    self._item = item, time.monotonic()
                    self._changed.notify_all()
                if self._closing:
                    break
        except BaseException as failure:  # raised again by the iterating thread
            self._failure = failure
        finally:
            try:
                end = getattr(self._stream, "close", None)
                if end is not None:
                    end()
            finally:
                with self._changed:
                    self._ended = True
                    self._changed.notify_all()


class LiveReader(VideoReader):
    """A stream that does not wait: iterating gives its newest frame, and leaves out what came before that.

    Args:
        source: an address (with ://), or an open binary file such as a pipe.
        options: as for a clip; `start` and `end` count seconds of the stream.

    Raises:
        MediaError: it cannot be opened, or has no picture.
    """

    def __init__(self, source: Source, options: VideoConversion) -> None:
        super().__init__(source, options, reader_options=_PROBE)
        self.newest = Newest(iter(self.footage))
        self.arrivals: deque[tuple[float, float]] = deque()
        """Of the frames that were given: the second of the stream, and the `time.monotonic` of arrival; to be taken by
        whoever wrote them."""

    def arrays(self) -> Iterator[Array]:
        unpack = self._unpacker()
        for frame, arrived in self.newest:
            planes = unpack(frame)
            self.shown.append(self._shown(frame, planes, 0, 0))
            position = (self.footage.ticks_of(frame) - self.footage.first_tick) * self.info.time_base
            self.arrivals.append((float(position), arrived))
            yield to_array(planes)

    def close(self) -> None:
        """End the reading, then release the stream."""
        if self.newest.close():
            super().close()


@dataclass(frozen=True)
class LiveReport:
    """Summary of a live conversion."""

    seconds: float
    """Since the first frame was there."""
    received: int
    """Frames that came."""
    translated: int
    dropped: int
    """Frames that a newer one replaced while another was being translated."""
    latency: float
    """Seconds from when a frame was decoded until it was handed over, median of the last 10,000. What hands it here may
    keep each until the next has come: MPEG-TS does."""
    longest: float
    """The longest such time."""
    position: float
    """Second of the stream at which the last written frame is shown."""
    warnings: tuple[str, ...] = ()

    @property
    def frames_per_second(self) -> float:
        """Translated frames in a second."""
        return self.translated / self.seconds if self.seconds > 0 else 0.0

    def text(self) -> str:
        """A line for people."""
        return (
            f"{self.seconds:.0f} s: {self.received} frames received, {self.translated} translated "
            f"({self.frames_per_second:.1f} frames/s), {self.dropped} dropped; "
            f"behind by {1e3 * self.latency:.0f} ms (median), {1e3 * self.longest:.0f} ms at most, after decoding"
        )

    def as_dict(self) -> dict[str, Any]:
        """JSON-able figures."""
        return dataclasses.asdict(self)


def convert_live(
    domain: Domain,
    translate: Translate,
    source: str,
    target: Path,
    options: VideoConversion,
    side: Side = "a",
    progress: Callable[[LiveReport], None] | None = None,
) -> LiveReport:
    """Translate a stream into a file or a pipe until it ends, `options.end` is reached, or Ctrl-C.

    Args:
        domain: the video domain of the model.
        translate: one direction of it.
        source: an address (RTSP, HTTP, UDP, TCP ...), a camera (camera:N), or - for standard input.
        target: a clip to write, which gets its name at the end, or - for standard output.
        options: the conversion's settings.
        side: the domain that the source belongs to.
        progress: called in this thread after each written frame.

    Raises:
        ConfigError: the source is an ordinary file, or a setting does not fit.
        MediaError: the stream cannot be opened, or ends without a frame.
        OutputError: the target cannot be written.
    """
    options = dataclasses.replace(options, immediate=True)
    domain.prepare_conversion(options)
    _warm_up(translate, (_SMALL, _SMALL), options)  # imports libraries, which is done before a thread reads
    with _open(source, options) as reader:
        reader.side = side
        _warm_up(translate, (reader.height, reader.width), options)
        session = _Session(reader, 1 if str(target) == pipes.PIPE else 0)
        writer: Any = domain.create(target, reader, options)
        try:
            try:
                frames = PrefetchedReader(reader, reader.arrays())
                for frame in convert_arrays(domain, frames, translate, options):
                    writer.write(frame)  # type: ignore[arg-type]
                    session.wrote()
                    if progress is not None:
                        progress(session.report())
            except KeyboardInterrupt:
                if not session.translated:
                    raise
                session.notes.append("the recording was ended by an interrupt")
            writer.finish()
        except BaseException:
            writer.discard()
            raise
        return session.report((*reader.warnings, *writer.warnings))


def _warm_up(translate: Translate, size: tuple[int, int], options: VideoConversion) -> None:
    """Have the network made ready for this size before the first frame that is to be written comes."""
    height, width = working_size(*size) if is_large(*size) and not options.full else size
    row = np.linspace(-1, 1, width, dtype=np.float32)  # a frame of a single colour is not translated
    frame = np.ascontiguousarray(np.broadcast_to(row, (1, 3, height, width)))
    network = for_arrays(translate)
    if options.smooth:
        network.with_statistics(frame, None, 1.0)
    else:
        network(frame)


class _Session:
    """The figures of one recording."""

    def __init__(self, reader: LiveReader, held: int) -> None:
        self._reader, self._held = reader, held  # frames that the container keeps until the next one comes
        self._waiting: deque[float] = deque()
        self._start = time.monotonic()
        self._latencies: deque[float] = deque(maxlen=_REMEMBERED)
        self._longest = self._position = 0.0
        self.translated = 0
        self.notes: list[str] = []

    def wrote(self) -> None:
        """Take down that one more frame was written."""
        self._position, arrived = self._reader.arrivals.popleft()
        self.translated += 1
        self._waiting.append(arrived)
        if len(self._waiting) > self._held:
            latency = time.monotonic() - self._waiting.popleft()
            self._latencies.append(latency)
            self._longest = max(self._longest, latency)

    def report(self, warnings: tuple[str, ...] = ()) -> LiveReport:
        """Its state."""
        newest = self._reader.newest
        return LiveReport(
            seconds=time.monotonic() - self._start,
            received=newest.received,
            translated=self.translated,
            dropped=newest.dropped,
            latency=statistics.median(self._latencies) if self._latencies else 0.0,
            longest=self._longest,
            position=self._position,
            warnings=(*self.notes, *warnings),
        )


def _open(source: str, options: VideoConversion) -> LiveReader:
    if source == pipes.PIPE:
        return LiveReader(pipes.source(Path(source)), options)
    if camera := _CAMERA.fullmatch(source):
        return LiveReader(film(int(camera[1] or camera[2])), options)
    if "://" not in source:
        raise ConfigError(f"--live is for an address, a camera (camera:0) or a pipe (-), not for {source}")
    return LiveReader(source, options)


def film(camera: int | str) -> BinaryIO:
    """The pictures of a camera as an open file: NUT with raw frames, each with the time at which it was taken.

    `camera` is its number (or what else OpenCV's VideoCapture takes): this PyAV may be built without cameras.

    Raises:
        MediaError: it cannot be opened or gives no picture.
    """
    import cv2

    capture = cv2.VideoCapture(camera)
    good, pixels = capture.read() if capture.isOpened() else (False, None)
    if not good:
        capture.release()
        raise MediaError(f"camera {camera} gives no picture; check that it is plugged in and not in use")
    reading, writing = os.pipe()
    threading.Thread(target=_film, args=(capture, pixels, writing), name="unpaired-camera", daemon=True).start()
    file: Any = open(reading, "rb", buffering=0)  # noqa: SIM115  # the reader's
    return file  # type: ignore[no-any-return]


def _film(capture: Any, pixels: Any, writing: int) -> None:
    start = time.monotonic()
    try:
        with open(writing, "wb", buffering=0) as pipe, av.open(pipe, "w", format="nut") as container:
            stream = container.add_stream("rawvideo", rate=1000)
            stream.height, stream.width = pixels.shape[:2]
            stream.pix_fmt = "bgr24"
            stream.codec_context.time_base = Fraction(1, 1000)
            good, ticks = True, -1
            while good:
                frame = av.VideoFrame.from_ndarray(pixels, format="bgr24")
                ticks = max(ticks + 1, round(1000 * (time.monotonic() - start)))
                frame.pts, frame.time_base = ticks, Fraction(1, 1000)
                container.mux(stream.encode(frame))
                good, pixels = capture.read()
    except (av.FFmpegError, OSError):
        pass  # the other end of the pipe is closed: the recording is over
    finally:
        capture.release()
