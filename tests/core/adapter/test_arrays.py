"""ArrayDomain: windows, whole files in one chunk, and whatever reading and writing may raise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from unpaired import AdapterError, ArrayDomain, ArraySettings, ConfigError, MediaError, MissingFile, OutputError
from unpaired.core.adapter.array_domain import _window
from unpaired.core.conversion.files import convert


class Grids(ArrayDomain):
    """Arrays as numpy stores them."""

    name = "grids"
    dimensions = 2
    suffixes = (".npy", ".grid.npy")

    def channels(self, side: str) -> int:
        return 2

    def read(self, path: Path, side: str) -> Tensor:
        return torch.from_numpy(np.load(path))

    def write(self, path: Path, values: Tensor, source: Path) -> None:
        assert source.exists()
        np.save(path, values.numpy())


def same(domain: ArrayDomain) -> Any:
    return SimpleNamespace(domain=domain, for_direction=lambda direction: lambda x: x.clone())


def write(path: Path, *shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    values = np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, values)
    return values


def reading(action: Callable[[Path], Any]) -> Grids:
    class Reading(Grids):
        def read(self, path: Path, side: str) -> Any:
            return action(path)

    return Reading(size=8)


def writing(action: Callable[[Path], Any]) -> Grids:
    class Writing(Grids):
        def write(self, path: Path, values: Tensor, source: Path) -> None:
            action(path)

    return Writing(size=8)


def fail(error: Exception) -> Callable[[Path], Any]:
    def action(path: Path) -> Any:
        raise error

    return action


# -- windows ----------------------------------------------------------------------------------------
@given(
    space=st.lists(st.integers(1, 40), min_size=1, max_size=3),
    size=st.integers(4, 30),
    place=st.floats(0, 1),
    channels=st.integers(1, 3),
)
@settings(max_examples=80, deadline=None)
def test_a_window_is_what_numpy_would_cut_or_reflect(
    space: Sequence[int], size: int, place: float, channels: int
) -> None:
    values = np.random.default_rng(0).uniform(-1, 1, (channels, *space)).astype(np.float32)
    found = _window(torch.from_numpy(values), size, [place] * len(space))
    expected = values
    for axis, length in enumerate(space, start=1):
        if length >= size:
            start = min(int(place * (length - size + 1)), length - size)
            expected = expected.take(np.arange(start, start + size), axis)
        else:
            widths = [(0, size - length) if each == axis else (0, 0) for each in range(values.ndim)]
            # numpy, too, repeats what has no inside to reflect.
            expected = np.pad(expected, widths, "reflect" if length > 1 else "edge")
    assert np.array_equal(found.numpy(), expected)
    assert found.untyped_storage().nbytes() == 4 * found.numel(), "the whole file would stay in memory"


def test_both_sides_are_cut_alike(tmp_path: Path) -> None:
    write(tmp_path / "x.npy", 2, 50, 70)
    domain = Grids(size=16)
    for seed in range(5):
        a, b = (domain.sample(tmp_path / "x.npy", side, np.random.default_rng(seed)) for side in ("a", "b"))  # type: ignore[arg-type]
        assert torch.equal(a, b)
    places = {float(domain.sample(tmp_path / "x.npy", "a", np.random.default_rng(seed))[0, 0, 0]) for seed in range(9)}
    assert len(places) == 9


def test_what_is_scored_is_the_middle(tmp_path: Path) -> None:
    values = write(tmp_path / "x.npy", 2, 20, 9)
    assert np.array_equal(Grids(size=8).load(tmp_path / "x.npy", "a").numpy(), values[:, 6:14, 1:9])


# -- files ------------------------------------------------------------------------------------------
def test_a_file_goes_through_whole(tmp_path: Path) -> None:
    values = write(tmp_path / "in.grid.npy", 2, 5, 7)
    convert(same(Grids(size=8)), tmp_path / "in.grid.npy", tmp_path / "out.GRID.npy")
    assert np.array_equal(np.load(tmp_path / "out.GRID.npy"), values)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.grid.npy", "out.GRID.npy"]


def test_the_temporary_file_ends_like_the_real_one(tmp_path: Path) -> None:
    seen: list[str] = []
    write(tmp_path / "in.npy", 2, 5, 7)
    domain = writing(lambda path: (seen.append(path.name), path.write_bytes(b"x")))
    for name in ("out.npy", "out.grid.npy", "OUT.Grid.NPY"):
        convert(same(domain), tmp_path / "in.npy", tmp_path / name)
    assert [name[name.index("part") :] for name in seen] == ["part.npy", "part.grid.npy", "part.Grid.NPY"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("too\nwide"), "too wide"),
        (RuntimeError("no frames"), "no frames"),
        (OSError(5, "Input/output error"), "Input/output error"),
        (EOFError(), "EOFError: EOFError"),
        (KeyError("data"), "KeyError: 'data'"),
        (TypeError("no text"), "TypeError: no text"),
        (MemoryError(), "MemoryError: MemoryError"),
    ],
)
def test_whatever_reading_raises_is_the_files_fault(tmp_path: Path, error: Exception, reason: str) -> None:
    file = tmp_path / "a" / "x.npy"
    write(file, 2, 9, 9)
    domain = reading(fail(error))
    for action in (
        lambda: domain.sample(file, "a", np.random.default_rng(0)),
        lambda: domain.load(file, "a"),
        lambda: convert(same(domain), file, tmp_path / "out.npy"),
    ):
        with pytest.raises(MediaError) as told:
            action()
        assert str(told.value) == f"{file} cannot be read: {reason}"
    (broken,) = domain.scan(tmp_path / "a", thorough=True).broken
    assert (broken.path, broken.reason) == (file, f"cannot be read: {reason}")
    assert domain.scan(tmp_path / "a").files == (file,)


@pytest.mark.parametrize("error", [NameError("name 'np' is not defined"), ImportError("No module named 'tifffile'")])
def test_what_no_file_can_bring_about_is_the_adapters(tmp_path: Path, error: Exception) -> None:
    write(tmp_path / "x.npy", 2, 9, 9)
    with pytest.raises(
        AdapterError, match=rf"^Reading\.read raised {type(error).__name__}: {error} for \S+x\.npy; exp"
    ):
        reading(fail(error)).load(tmp_path / "x.npy", "a")


@pytest.mark.parametrize(
    ("values", "came"),
    [
        (torch.zeros(3, 9, 9), r"the shape \(3, 9, 9\)"),
        (torch.zeros(9, 9), r"the shape \(9, 9\)"),
        (torch.zeros(2, 9, 9, dtype=torch.uint8), r"torch\.uint8"),
        (torch.full((2, 9, 9), 2.0), "values from 2 to 2"),
        (torch.full((2, 9, 9), float("nan")), "values that are not finite"),
        (np.zeros((2, 9, 9), np.float32), "a ndarray"),
    ],
)
def test_what_is_read_is_checked(tmp_path: Path, values: Any, came: str) -> None:
    write(tmp_path / "x.npy", 2, 9, 9)
    expected = rf"^Reading\.read gave {came} for \S+x\.npy; expected float32 \(2, height, width\) in \[-1, 1\]$"
    with pytest.raises(AdapterError, match=expected):
        reading(lambda path: values).sample(tmp_path / "x.npy", "a", np.random.default_rng(0))


def test_a_file_without_values_is_broken(tmp_path: Path) -> None:
    write(tmp_path / "x.npy", 2, 0, 9)
    with pytest.raises(MediaError, match="it holds no values"):
        Grids().load(tmp_path / "x.npy", "a")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for action in (Grids().load, lambda path, side: Grids().open(path, side, Grids.conversion_type())):
        with pytest.raises(MissingFile, match=r"there is no file .*x\.npy"):
            action(tmp_path / "x.npy", "a")


@pytest.mark.parametrize(
    ("action", "error", "message"),
    [
        (
            fail(OSError(28, "No space left on device")),
            OutputError,
            r"cannot write .*out\.npy: No space left on device",
        ),
        (
            fail(ValueError("bad\nrate")),
            AdapterError,
            r"Writing\.write raised ValueError: bad rate for .*out\.npy; exp",
        ),
        (lambda path: None, AdapterError, r"Writing\.write wrote nothing for .*out\.npy; expected a file"),
    ],
)
def test_what_cannot_be_written_leaves_nothing(
    tmp_path: Path, action: Callable[[Path], Any], error: type[Exception], message: str
) -> None:
    write(tmp_path / "in.npy", 2, 9, 9)
    (tmp_path / "out.npy").write_bytes(b"earlier")
    with pytest.raises(error, match=f"^{message}"):
        convert(same(writing(action)), tmp_path / "in.npy", tmp_path / "out.npy")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.npy", "out.npy"]
    assert (tmp_path / "out.npy").read_bytes() == b"earlier"


def test_a_name_of_another_kind_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "in.npy", 2, 9, 9)
    with pytest.raises(MediaError, match=r"out\.txt cannot be written: files of grids end in \.npy, \.grid\.npy"):
        convert(same(Grids()), tmp_path / "in.npy", tmp_path / "out.txt")


# -- settings ---------------------------------------------------------------------------------------
def test_settings_by_keyword() -> None:
    assert Grids(size=12).settings == Grids(ArraySettings(12)).settings == Grids(ArraySettings(), size=12).settings
    assert Grids().settings.size == 256
    with pytest.raises(ConfigError, match=r"domain\.sise is unknown; did you mean domain\.size\?"):
        Grids(sise=12)
    with pytest.raises(ConfigError, match=r"domain\.size is 3; expected 4 to"):
        Grids(size=3)
