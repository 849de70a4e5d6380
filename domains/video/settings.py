"""Settings of the video domain. Nothing here imports more than the standard library."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from ...core.errors import show
from ...core.settings.faults import collecting_faults, raise_faults, require, require_span
from ...core.settings.moments import clock_seconds
from ..image import CropSettings, ImageConversion, ImageSettings, PixelConversion
from .curve import Curve


@dataclass(frozen=True)
class VideoSettings(CropSettings):
    """Settings of a sample of footage and how it is drawn from a clip."""

    cache_mb: int = 512
    """Memory, in MB for each loader process, for frames already decoded and resized; 0 decodes every time."""
    neighbours: bool = False
    """Draw neighbouring frames and their flow with each sample, for the temporal losses of the objective."""
    longest_gap: int = 8
    """Largest gap, in frames, between a sample and its far neighbour; the gap is drawn from 2 up to this."""
    warp: Literal["none", "motion"] = "motion"
    """Transformation that translation should commute with (weight: objective.equivariance): synthetic motion."""
    motion_deviation: float = 8.0
    """Standard deviation, in pixels, of the synthetic relative motion within a frame."""
    motion_shift: float = 10.0
    """Largest shift of a whole frame by synthetic motion, in pixels along each axis."""
    gamma_a: float = 1.0
    """Tone curve of side A: the networks see a value v in 0 to 1 as v ** gamma, and translations into A are
    mapped back. Above 1 it spreads the highlights, below 1 the shadows (footage at night: 0.5)."""
    gamma_b: float = 1.0
    """Tone curve of side B."""

    def _check(self, faults: list[str]) -> None:
        super()._check(faults)
        require(faults, self.warp in ("none", "motion"),
                f"domain.warp is {show(self.warp)}; expected one of none, motion")  # fmt: skip
        require(faults, self.cache_mb >= 0, f"domain.cache_mb is {self.cache_mb}; expected 0 or more")
        require(faults, 2 <= self.longest_gap <= 100, f"domain.longest_gap is {self.longest_gap}; expected 2 to 100")
        for name in ("motion_deviation", "motion_shift"):
            value = getattr(self, name)
            require(faults, 0.0 <= value <= 100.0, f"domain.{name} is {value}; expected 0 to 100 pixels")

    def pictures(self) -> ImageSettings:
        """The same for single frames, as the picture domain has it."""
        return ImageSettings(**self.of_pictures(), cache_mb=0)


_CHROMA = re.compile(r"4:(?:2:0|2:2|4:4)")
_SIZE = re.compile(r"[1-9]\d{0,4}x[1-9]\d{0,4}")


_MOMENT = re.compile(r"f\d{1,9}|\d{1,2}:\d\d:\d\d[:;.,]\d\d\d?", re.IGNORECASE)


def is_moment(moment: float | str) -> bool:
    """Whether a moment of footage can be meant by it, once `clock_seconds` has read it."""
    return not isinstance(moment, str) or bool(_MOMENT.fullmatch(moment))


def _require_moment(faults: list[str], name: str, moment: float | str | None) -> None:
    require(faults, moment is None or is_moment(moment), f"{name} is {show(moment)}; expected seconds (62.5), "
            "1:02.5, a frame (f120) or a timecode (01:00:10:12)")  # fmt: skip


@dataclass(frozen=True)
class VideoConversion(PixelConversion):
    """Settings of a conversion of footage."""

    codec: str = "auto"
    """Video codec of the output: auto, or h264, h265, vp9, av1, ffv1, prores, dnxhr, cineform, png, qtrle."""
    crf: float | None = None
    """Constant quality of the encoder (lower is better); None uses the codec's default."""
    preset: str | None = None
    """Speed preset of the encoder; None uses the codec's default."""
    profile: str | None = None
    """Profile of the codec: main10 of h265, 4444 of prores, hqx of dnxhr; None takes the one that fits the input."""
    depth: Literal[8, 10, 12, 16] | None = None
    """Bits of a sample in the output; None keeps the input's as far as the codec goes."""
    chroma: Literal[420, 422, 444] | None = None
    """Colour resolution of the output: halved in both directions, across, or in none; None keeps the input's."""
    sdr: bool = False
    """Tone-map HDR (PQ, HLG) to standard range before it is translated; otherwise it stays HDR."""
    dither: bool = True
    """Round to the output's depth by a fixed pattern, so that slow gradients show no bands."""
    immediate: bool = False
    """Write each frame as soon as it is encoded, at some cost in size (live streams always do)."""
    size: str | None = None
    """Size of the output in pixels as WIDTHxHEIGHT; None keeps the input's."""
    start: float | str | None = None
    """Where to begin: seconds, 1:02.5, a frame (f120, counted from 0; of numbered pictures its number) or a timecode of
    the clip's (01:00:10:12; with ; for drop frame); None begins with the first frame."""
    end: float | str | None = None
    """Where to end, likewise; that frame is the first that is left out. None goes to the last."""
    rate: float | None = None
    """Frame rate of numbered pictures, 0.01 to 1000; None uses their own (EXR, DPX), else 25. A clip has its own."""
    missing: Literal["skip", "hold", "error"] = "skip"
    """Numbers missing among numbered pictures: skip keeps their places (in a clip the frame before lasts longer), hold
    repeats the frame before, error refuses."""
    first_number: int = 1
    """Number of the first picture, if a clip is written as numbered pictures."""
    side_by_side: bool = False
    """Show the input to the left of its translation."""
    smooth: bool = False
    """Smooth the instance-norm statistics over time instead of using each frame's own; on top of blending it gains
    little, and takes twice as long."""
    blend: bool = True
    """Blend each translation with the previous one, warped along the input's motion."""
    cuts: bool = True
    """Detect scene cuts and start afresh there."""
    known_cuts: Path | None = None
    """File of cuts to start afresh at beside those detected: an edit list (EDL, CMX 3600), or a moment a line."""
    contact_sheet: Path | None = None
    """Picture to write with a row for each shot: its first, middle and last frame, before and after. A folder takes one
    for each clip."""
    report: Path | None = None
    """HTML page to write, with figures, strips and players; None writes none."""

    strength_curve: str | None = None
    """Strength over time in place of `strength`, as pairs of seconds and strength, linear between: 0:0,2:1."""

    @classmethod
    def respelled(cls, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """A curve may be written as the strength itself, chroma as 4:2:2, and a codec in capitals."""
        given = dict(super().respelled(given))
        if isinstance(chroma := given.get("chroma"), str) and _CHROMA.fullmatch(chroma):
            given["chroma"] = int(chroma.replace(":", ""))
        if isinstance(codec := given.get("codec"), str):
            given["codec"] = codec.lower()
        strength = given.get("strength")
        if not isinstance(strength, str) or ":" not in strength:
            return given
        return {**{name: value for name, value in given.items() if name != "strength"}, "strength_curve": strength}

    def __post_init__(self) -> None:
        faults: list[str] = []
        with collecting_faults(faults):
            super().__post_init__()
        if self.strength_curve is not None:
            with collecting_faults(faults):
                Curve(self.strength_curve)
            require(faults, self.strength == 1.0, "strength is a number and a curve; give one of them")
        require(faults, self.size is None or bool(_SIZE.fullmatch(self.size)),
                f"size is {show(self.size)}; expected WIDTHxHEIGHT, such as 512x288")  # fmt: skip
        for name, known in (("depth", (8, 10, 12, 16)), ("chroma", (420, 422, 444))):
            value = getattr(self, name)
            require(faults, value is None or value in known,
                    f"{name} is {show(value)}; expected one of {', '.join(map(str, known))}")  # fmt: skip
        for name in ("start", "end"):
            object.__setattr__(self, name, clock_seconds(getattr(self, name)))
            _require_moment(faults, name, getattr(self, name))
        if not isinstance(self.start, str) and not isinstance(self.end, str):
            require_span(faults, self.start, self.end)
        require(faults, self.rate is None or 0.01 <= self.rate <= 1000,
                f"rate is {self.rate}; expected 0.01 to 1000 frames a second")  # fmt: skip
        require(faults, self.missing in ("skip", "hold", "error"),
                f"missing is {show(self.missing)}; expected one of skip, hold, error")  # fmt: skip
        require(faults, 0 <= self.first_number <= 10_000_000,
                f"first_number is {self.first_number}; expected 0 to 10,000,000")  # fmt: skip
        raise_faults(faults)

    def for_pictures(self) -> ImageConversion:
        """What of them single pictures have too."""
        return ImageConversion(**{field.name: getattr(self, field.name) for field in fields(PixelConversion)})
