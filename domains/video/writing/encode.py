"""The video track of a file being written: frames in, packets out."""

from __future__ import annotations

import os
from contextlib import suppress
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av

from ....core.errors import MediaError
from ...containers.opening import reason
from .plan import Plan
from .scheduling import scheduling_kept

if TYPE_CHECKING:
    from av.container import OutputContainer

# x265 (4.2) takes decoding times from the frames before: where there are none, from memory that nobody has written.
# One or two frames are decoded in the order they are shown in.
_SHORTER_THAN_THE_DELAY = 2


class Encoder:
    """The video track of a file being written.

    Args:
        container: the file, before its header.
        plan: how frames are encoded.
        height, width: of the frames.
        time_base: seconds of a tick.
        rate: frames in a second, on average.
        sample_aspect: width of a pixel to its height.

    Raises:
        MediaError: the encoder refuses the size.
    """

    def __init__(self, container: OutputContainer, plan: Plan, height: int, width: int, time_base: Fraction,
                 rate: Fraction, sample_aspect: Fraction) -> None:  # fmt: skip
        # SVT-AV1 writes its settings on the terminal otherwise.
        os.environ.setdefault("SVT_LOG", "1")
        encoder, kind = plan.codec.encoder, container.format.name
        stream: Any = container.add_stream(encoder, rate=rate.limit_denominator(100_000), options=dict(plan.options))
        context = stream.codec_context
        stream.width, stream.height, stream.pix_fmt = width, height, plan.form.name
        context.time_base = stream.time_base = time_base
        context.sample_aspect_ratio = sample_aspect
        # Slices, the default, cost x264 quality; whole frames in several threads come as many frames late.
        context.thread_type, context.thread_count = ("SLICE" if plan.at_once else "AUTO"), plan.threads
        context.colorspace, context.color_trc = plan.colour.matrix, plan.colour.transfer
        context.color_primaries, context.color_range = plan.colour.primaries, 2 if plan.colour.full else 1
        if encoder == "libx265" and kind in ("mp4", "mov"):
            context.codec_tag = "hvc1"  # the one that Apple's players know
        try:
            with scheduling_kept():
                context.open()
        except av.FFmpegError as error:
            raise MediaError(
                f"{encoder} cannot write {width}x{height} pixels ({plan.form.name}): {reason(error)}"
            ) from error
        self.stream = stream
        self.moved = 0
        """Frames whose time was not after the one before."""
        self.base = time_base
        """Seconds of a tick."""
        self._last: int | None = None
        self._frames = 0
        self._durations: dict[int, int] = {}

    def encode(self, frame: av.VideoFrame, ticks: int, duration: int) -> list[av.Packet[Any]]:
        """A frame shown at `ticks` for `duration` ticks (0: unknown)."""
        if self._last is not None and ticks <= self._last:
            self.moved += 1
            ticks = self._last + 1
        self._last = ticks
        self._frames += 1
        frame.pts, frame.time_base = ticks, self.base
        if duration > 0:
            self._durations[ticks] = frame.duration = duration
        return self._set_durations(self.stream.encode(frame))

    def rest(self) -> list[av.Packet[Any]]:
        """Packets that the encoder still holds."""
        packets = self.stream.encode(None)
        if self._frames <= _SHORTER_THAN_THE_DELAY:
            for packet in packets:
                packet.dts = packet.pts
        return self._set_durations(packets)

    def _set_durations(self, packets: list[av.Packet[Any]]) -> list[av.Packet[Any]]:
        for packet in packets:
            with suppress(KeyError):
                packet.duration = self._durations.pop(packet.pts)  # type: ignore[arg-type]
        return packets
