"""Cuts that somebody knows: edit lists and lists of moments, and where scenes then begin."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from kept import row
from torch import Tensor

from unpaired import ConfigError, MediaError, MissingFile
from unpaired.domains.video import VideoConversion
from unpaired.domains.video.conversion.stabiliser import Stabiliser
from unpaired.domains.video.frames.edit_list import read_cuts
from unpaired.domains.video.frames.timecode import Timecode

EDL = """TITLE: NIGHT
FCM: NON-DROP FRAME

001  AX       V     C        00:00:10:00 00:00:12:00 01:00:00:00 01:00:02:00
* FROM CLIP NAME: A.MOV
001  AX       A     C        00:00:10:00 00:00:12:00 01:00:00:00 01:00:02:00
002  BX       V     C        00:01:00:00 00:01:01:12 01:00:02:00 01:00:03:12
003  BX       V     C        00:01:01:12 00:01:01:12 01:00:03:12 01:00:03:12
003  CX       V     D    012 00:00:00:00 00:00:02:00 01:00:03:12 01:00:05:12
004  DX       B     C        00:00:00:00 00:00:02:00 01:00:05:12 01:00:07:12
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cuts.edl"


@row("footage, `--cuts`", "an edit list (EDL, CMX 3600)")
def test_an_edit_list_gives_the_cuts_of_its_picture(file: Path) -> None:
    """Not those of sound, and not the dissolve; from its first event on, or on the clip's own timecode."""
    file.write_text(EDL)
    cuts = read_cuts(file)
    assert cuts.frames(Fraction(24), None, "a.mov") == {0, 48, 132}
    assert cuts.frames(Fraction(24), Timecode(24, first=24 * 3599), "a.mov") == {24, 72, 156}
    assert cuts.frames(Fraction(24), Timecode(24, first=48 * 3600), "a.mov") == {0, 48, 132}


def test_drop_frame_is_what_the_list_says_it_is(file: Path) -> None:
    file.write_text(
        "FCM: DROP FRAME\n"
        "001  AX V C 00:00:00:00 00:01:00:00 00:59:59:00 01:00:00:00\n"
        "002  AX V C 00:00:00:00 00:01:00:00 01:01:00:02 01:02:00:00\n"
    )
    assert read_cuts(file).frames(Fraction(30000, 1001), None, "a") == {0, 30 + 1800}


@row("footage, `--cuts`", "a list of seconds, frames and timecodes")
def test_a_list_of_moments(file: Path) -> None:
    file.write_text("# by hand\n1.5, 0:03\nf100  # a flash\n01:00:05:00\n")
    assert read_cuts(file).frames(Fraction(24), Timecode(24, first=24 * 3600), "a") == {36, 72, 100, 120}
    with pytest.raises(MediaError, match=r"cuts\.edl: a\.mov has no timecode"):
        read_cuts(file).frames(Fraction(24), None, "a.mov")


@pytest.mark.parametrize(
    ("text", "said"), [("1.5\nnoon\n", "line 2: 'noon' is no moment"), ("# none\n", "holds no cuts")]
)
def test_files_that_are_no_list(text: str, said: str, file: Path) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_cuts(file)


def test_a_file_that_is_not_there(file: Path) -> None:
    with pytest.raises(MissingFile, match="there is no file of cuts"):
        read_cuts(file)


class _Counting:
    """Gives each frame a level of its own."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, x: Tensor) -> Tensor:
        self.calls += 1
        return torch.full_like(x, -0.9 + 0.3 * self.calls)

    def with_statistics(self, x: Tensor, statistics: Tensor | None, momentum: float) -> tuple[Tensor, Tensor]:
        raise NotImplementedError


def test_nothing_is_taken_over_a_known_cut() -> None:
    frame = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (3, 48, 64)).astype(np.float32))
    steady = Stabiliser(_Counting(), VideoConversion(), known=[True, False, True])
    first, second, third = (steady(frame) for _ in range(3))
    assert float(first.mean()) == pytest.approx(-0.6, abs=1e-5)
    assert float(second.mean()) < -0.4  # blended with the first
    assert float(third.mean()) == pytest.approx(0.0, abs=1e-5)
