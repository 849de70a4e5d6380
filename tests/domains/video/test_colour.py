"""Colours keep their values: matrix, range, depth, and which way is up."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unpaired.domains.video.frames.colour import Colour, Orientation, Packer, Unpacker, stated, to_planes, to_tensor

from .clips import picture, psnr, yuv

# Luma coefficients Kr and Kb of BT.601, BT.709 and BT.2020.
KR_KB = {5: (0.299, 0.114), 6: (0.299, 0.114), 1: (0.2126, 0.0722), 9: (0.2627, 0.0593)}


def flat(rgb: tuple[float, float, float], matrix: int, full: bool, bits: int = 8) -> av.VideoFrame:
    """A frame of one colour, its Y'CbCr computed from the definition (ITU-T H.273)."""
    kr, kb = KR_KB[matrix]
    r, g, b = (value / 255 for value in rgb)
    y = kr * r + (1 - kr - kb) * g + kb * b
    u, v = (b - y) / (2 * (1 - kb)), (r - y) / (2 * (1 - kr))
    unit = 2 ** (bits - 8)
    if full:
        values = [y * (256 * unit - 1), u * (256 * unit - 1) + 128 * unit, v * (256 * unit - 1) + 128 * unit]
    else:
        values = [(219 * y + 16) * unit, (224 * u + 128) * unit, (224 * v + 128) * unit]
    frame = av.VideoFrame(32, 16, "yuv420p" if bits == 8 else "yuv420p10le")
    for plane, value in zip(frame.planes, values, strict=True):
        np.frombuffer(plane, np.uint8 if bits == 8 else np.uint16)[:] = round(value)
    frame.colorspace, frame.color_range = matrix, 2 if full else 1
    return frame


@pytest.mark.parametrize("full", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize("matrix", list(KR_KB))
@pytest.mark.parametrize("rgb", [(0, 0, 0), (255, 255, 255), (200, 40, 90), (20, 180, 240)])
def test_colours_are_those_of_the_definition(rgb: tuple[float, float, float], matrix: int, full: bool) -> None:
    planes = Unpacker(16, 32)(flat(rgb, matrix, full))
    assert planes.shape == (3, 16, 32)
    assert planes.dtype == np.uint8
    assert np.abs(planes.mean((1, 2)) - rgb).max() <= 2.0


@pytest.mark.parametrize("matrix", [1, 5, 9])
def test_ten_bits_are_not_rounded_to_eight(matrix: int) -> None:
    frame = flat((100, 100.7, 101), matrix, False, bits=10)
    planes = Unpacker(16, 32, depth=10)(frame)
    assert planes.dtype == np.uint16
    assert np.abs(planes.mean((1, 2)) / 257 - (100, 100.7, 101)).max() < 0.6
    again = Packer("yuv420p10le", Colour.of(frame), matrix)(planes)
    for before, after in zip(frame.planes, again.planes, strict=True):
        assert (
            np.abs(np.frombuffer(before, np.uint16).astype(int)[:16] - np.frombuffer(after, np.uint16)[:16]).max() <= 1
        )


@pytest.mark.parametrize("full", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize("matrix", [1, 5, 9])
@pytest.mark.parametrize("form", ["yuv420p", "yuv422p", "yuv444p"])
def test_there_and_back_changes_next_to_nothing(form: str, matrix: int, full: bool) -> None:
    colour = Colour(matrix, 1, 1, full)
    start = Packer(form, colour, matrix)(np.ascontiguousarray(picture(3, 64, 96).transpose(2, 0, 1)))
    assert (start.colorspace, start.color_trc, start.color_primaries, start.color_range) == (
        matrix, 1, 1, 2 if full else 1)  # fmt: skip
    again = Packer(form, colour, matrix)(Unpacker(64, 96)(start))
    assert psnr(yuv(start), yuv(again)) > 48
    # No shift by a level: swscale rounds the chroma of full range down, by half a level on average.
    assert abs(float((yuv(start) - yuv(again)).mean())) < (0.4 if full else 0.05)


def test_an_unstated_matrix_is_what_players_take() -> None:
    assert [stated(2, 480), stated(2, 576), stated(2, 720), stated(9, 480), stated(3, 1080)] == [5, 5, 1, 9, 1]


def test_hdr_is_known_by_its_curve() -> None:
    assert [Colour(transfer=t).high_dynamic_range for t in (1, 16, 18)] == [False, True, True]


@pytest.mark.parametrize(("turned", "mirrored"), [(t, m) for t in (0, 90, 180, -90) for m in (False, True)])
def test_every_orientation_is_shown_as_its_matrix_says(turned: int, mirrored: bool) -> None:
    """Corner by corner: the display matrix maps stored to shown coordinates (ISO 14496-12, 6.2.2)."""
    unit = 1 << 16
    turn = {0: (1, 0, 0, 1), 90: (0, -1, 1, 0), 180: (-1, 0, 0, -1), -90: (0, 1, -1, 0)}[turned]
    a, b, c, d = turn
    if mirrored:
        a, c = -a, -c
    matrix = [a * unit, b * unit, 0, c * unit, d * unit, 0, 0, 0, 1 << 30]
    stored = np.arange(6).reshape(2, 3)
    shown = Orientation.from_matrix(matrix)(stored)
    places = {(a * x + c * y, b * x + d * y): stored[y, x] for x in range(3) for y in range(2)}
    left, top = (min(place[axis] for place in places) for axis in (0, 1))
    for (x, y), value in places.items():
        assert shown[y - top, x - left] == value


def test_a_matrix_that_is_none_leaves_the_picture_alone() -> None:
    assert Orientation.from_matrix([]) == Orientation()


@given(st.sampled_from(["uint8", "uint16"]), st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_tensors_hold_planes_exactly(dtype: Any, height: int, width: int, seed: int) -> None:
    planes = np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, (3, height, width), dtype, endpoint=True)
    tensor = to_tensor(planes)
    assert tensor.shape == planes.shape
    assert tensor.dtype == torch.float32
    assert tensor.abs().max() <= 1.0
    assert np.array_equal(to_planes(tensor, dtype), planes)


def test_black_is_minus_one_and_what_lies_outside_is_clipped() -> None:
    assert to_tensor(np.array([[[0, 255]]], np.uint8).repeat(3, 0))[0].tolist() == [[-1.0, 1.0]]
    values = torch.tensor([-1e9, -1.5, 0.0, 1.5, 1e9, float("inf"), float("nan")]).expand(3, 1, -1)
    assert to_planes(values)[0, 0].tolist() == [0, 0, 128, 255, 255, 255, 0]


def test_planes_turned_on_their_side_are_taken() -> None:
    turned = Orientation(True, True)(np.arange(24, dtype=np.uint8).reshape(3, 2, 4))
    assert torch.equal(to_tensor(turned), to_tensor(np.ascontiguousarray(turned)))


def test_frames_of_computers_have_no_matrix() -> None:
    pixels = picture(0)
    for form in ("rgb24", "gbrp", "bgra", "gray"):
        frame = av.VideoFrame.from_ndarray(pixels, "rgb24").reformat(format=form)
        frame.pts, frame.time_base = 0, Fraction(1, 25)
        planes = Unpacker(48, 64)(frame)
        expected = pixels if form != "gray" else frame.reformat(format="rgb24").to_ndarray()
        assert psnr(planes.transpose(1, 2, 0), expected) > 45, form
