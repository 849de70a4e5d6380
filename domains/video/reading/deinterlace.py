"""Whole frames out of interlaced footage."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from fractions import Fraction

import av
import av.filter


def deinterlace(frames: Iterator[av.VideoFrame], say: Callable[[str], None]) -> Generator[av.VideoFrame]:
    """Frames as they are, up to the first interlaced one; from there on through bwdif, which leaves progressive
    frames alone. One frame comes out for each that goes in, with its own time; `say` is told when it begins."""
    graph: _Deinterlacer | None = None
    for frame in frames:
        if graph is None and frame.interlaced_frame:
            say("the footage is interlaced; it is de-interlaced, one frame for each frame")
            graph = _Deinterlacer(frame)
        elif graph is not None and not graph.takes(frame):
            yield from graph.rest()
            graph = _Deinterlacer(frame)
        if graph is None:
            yield frame
        else:
            yield from graph(frame)
    if graph is not None:
        yield from graph.rest()


class _Deinterlacer:
    """Bob Weaver's filter (bwdif), which keeps the first field and interpolates the second."""

    def __init__(self, like: av.VideoFrame) -> None:
        self._kind = self._kind_of(like)
        base = like.time_base or Fraction(1, 1000)
        self._graph = av.filter.Graph()
        source = self._graph.add(
            "buffer",
            f"video_size={like.width}x{like.height}:pix_fmt={like.format.name}:time_base={base.numerator}/"
            f"{base.denominator}:colorspace={int(like.colorspace)}:range={int(like.color_range)}",
        )
        bwdif = self._graph.add("bwdif", "mode=send_frame:deint=interlaced")
        sink = self._graph.add("buffersink")
        self._graph.link_nodes(source, bwdif, sink).configure()

    @staticmethod
    def _kind_of(frame: av.VideoFrame) -> tuple[object, ...]:
        return frame.width, frame.height, frame.format.name, frame.colorspace, frame.color_range, frame.time_base

    def takes(self, frame: av.VideoFrame) -> bool:
        """Whether a frame is of the kind that the filter was built for."""
        return self._kind_of(frame) == self._kind

    def __call__(self, frame: av.VideoFrame) -> Iterator[av.VideoFrame]:
        self._graph.vpush(frame)
        yield from self._pull()

    def rest(self) -> Iterator[av.VideoFrame]:
        """The frames that the filter still holds."""
        self._graph.vpush(None)
        yield from self._pull()

    def _pull(self) -> Iterator[av.VideoFrame]:
        with suppress(BlockingIOError, EOFError):
            while True:
                yield self._graph.vpull()
