"""Arrays of numpy: the translation lies in its file as the input did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kept import row

from unpaired import Image, MediaError, Translator
from unpaired.domains.image.encoding import save_picture
from unpaired.domains.image.files import read_picture

TYPES = ("?", "|u1", "<u2", ">u2", "<f2", ">f2", "<f4", ">f4", "<f8", ">f8")


def values(shape: tuple[int, ...], dtype: str, order: str = "C") -> np.ndarray[Any, Any]:
    """Values that take on black and white, and lie as `order` says."""
    spread = (np.arange(int(np.prod(shape))) * 7 % 256).reshape(shape) / 255
    kind = np.dtype(dtype)
    made = spread > 0.5 if kind.kind == "b" else spread * np.iinfo(kind).max if kind.kind == "u" else spread
    return np.asarray(made.astype(kind), order=order)  # type: ignore[call-overload, no-any-return]


@row(".npy", "layout, order and type of the values")
@given(
    shape=st.sampled_from(
        [(9, 12), (1, 9, 12), (9, 12, 1), (3, 9, 12), (9, 12, 3), (5, 16, 17), (16, 17, 5), (8, 9, 8)]
    ),
    dtype=st.sampled_from(TYPES),
    order=st.sampled_from(["C", "F"]),
)
@settings(max_examples=120, deadline=None)
def test_an_array_is_written_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, shape: tuple[int, ...], dtype: str, order: str
) -> None:
    place = tmp_path_factory.mktemp("arrays")
    given_values = values(shape, dtype, order)
    np.save(place / "x.npy", given_values)
    save_picture(read_picture(place / "x.npy"), place / "y.npy", 90)
    if np.dtype(dtype).itemsize == 8:  # computed in 32 bits
        found = np.load(place / "y.npy")
        assert np.abs(found - given_values).max() < 1e-7
        assert (found.dtype, found.shape) == (given_values.dtype, shape)
        assert found.flags.f_contiguous == given_values.flags.f_contiguous
    else:
        assert (place / "y.npy").read_bytes() == (place / "x.npy").read_bytes()


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("tile_above", [10**6, 1000], ids=["whole", "tiles"])
def test_channels_stay_where_they_were(first: bool, tile_above: int, tmp_path: Path, random_translator: Any) -> None:
    translator = random_translator(Image(mode="channels", channels_a=5, channels_b=5))
    given_values = values((5, 64, 70) if first else (64, 70, 5), "<u2")
    np.save(tmp_path / "x.npy", given_values)
    options = {"tile_above": tile_above, "tile": 128, "overlap": 32}
    translator.convert(tmp_path / "x.npy", tmp_path / "y.npy", strength=0.0, **options)
    assert np.array_equal(np.load(tmp_path / "y.npy"), given_values)


def test_an_array_of_two_axes_gets_a_third_where_there_are_channels_to_hold(
    translator: Translator, tmp_path: Path, random_translator: Any
) -> None:
    np.save(tmp_path / "x.npy", values((20, 30), "<f4"))
    translator.convert(tmp_path / "x.npy", tmp_path / "colour.npy")
    assert np.load(tmp_path / "colour.npy").shape == (20, 30, 3)
    random_translator(Image(mode="grey")).convert(tmp_path / "x.npy", tmp_path / "grey.npy")
    assert np.load(tmp_path / "grey.npy").shape == (20, 30)


@row(".npy", "which axis holds the channels")
@pytest.mark.parametrize(
    ("shape", "height", "width", "channels"),
    [((4, 100, 5), 100, 5, 4), ((5, 100, 4), 5, 100, 4), ((4, 100, 4), 4, 100, 4), ((7, 9), 7, 9, 1)],
)
def test_the_shorter_outer_axis_is_the_channels(
    shape: tuple[int, ...], height: int, width: int, channels: int, tmp_path: Path
) -> None:
    np.save(tmp_path / "x.npy", np.zeros(shape, np.uint8))
    assert read_picture(tmp_path / "x.npy").pixels.shape == (height, width, channels)


@row(".npy and float TIFF", "NaN, infinity, and values outside 0 to 1")
@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_counted(strange: float, tmp_path: Path) -> None:
    import tifffile

    spoiled = values((20, 30), "<f4")
    spoiled[3:5, 7] = strange
    np.save(tmp_path / "x.npy", spoiled)
    tifffile.imwrite(tmp_path / "x.tif", spoiled)
    for name in ("x.npy", "x.tif"):
        with pytest.raises(MediaError, match=rf"{name} holds 2 of 600 values that are not finite \(NaN or infinity\)"):
            read_picture(tmp_path / name)
    np.save(tmp_path / "y.npy", np.full((4, 5), 2.0))
    with pytest.raises(MediaError, match=r"y\.npy"):
        read_picture(tmp_path / "y.npy")


@row(".npy", "signed and wider integers")
@pytest.mark.parametrize("dtype", ["<i2", "|i1", "<u4", "<i8", "<c8"])
def test_numbers_whose_range_is_not_known_are_refused(dtype: str, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((4, 5), dtype))
    with pytest.raises(MediaError, match=r"x\.npy holds \w+ values; expected 8 or 16 bits unsigned, or floats"):
        read_picture(tmp_path / "x.npy")
