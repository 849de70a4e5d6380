"""What a domain has by default: a scan by the endings of names, pictures of samples, the way to other processes."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from unpaired import BrokenFile, ConversionSettings, Domain, MediaError, MissingFile, Reader, Writer
from unpaired.core.adapter.preview import picture_of
from unpaired.core.sides import Side


class Words(Domain):
    """What must be given, and no more."""

    name = "words"
    dimensions = 1
    suffixes = (".txt", ".words.gz")

    def __init__(self, settings: None = None) -> None:
        super().__init__(settings)
        self.held = lambda: None  # cannot be pickled

    def channels(self, side: Side) -> int:
        return 1

    def sample(self, file: Path, side: Side, rng: np.random.Generator, augmentation: float = 1.0) -> Tensor:
        if not file.read_text().startswith(side):
            raise MediaError(f"{file}: expected {side} at the beginning")
        return torch.zeros(1, 8)

    def open(self, path: Path, side: Side, options: ConversionSettings) -> Reader:
        raise NotImplementedError

    def create(self, path: Path, like: Reader, options: ConversionSettings) -> Writer:
        raise NotImplementedError


def put(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_a_scan_goes_by_the_endings_of_names(tmp_path: Path) -> None:
    put(tmp_path, b_txt="a", deep__c_TXT="b", a_txt="a", d_words_gz="a", notes_md="a", empty_txt="", _hidden_txt="a")
    put(tmp_path, _thumbs__e_txt="a")
    found = Words().scan(tmp_path)
    assert found.files == tuple(tmp_path / name for name in ("a.txt", "b.txt", "d.words.gz", "deep/c.TXT"))
    assert found.broken == (BrokenFile(tmp_path / "empty.txt", "is empty (0 bytes)"),)
    assert found.facts == {"files": 4, "bytes": 4, "other files": 1}


def test_a_thorough_scan_loads_every_file_as_one_side_or_the_other(tmp_path: Path) -> None:
    put(tmp_path, a_txt="a", b_txt="b", c_txt="c")
    found = Words().scan(tmp_path, thorough=True)
    assert found.files == (tmp_path / "a.txt", tmp_path / "b.txt")
    assert found.broken == (BrokenFile(tmp_path / "c.txt", "expected a at the beginning"),)


def test_a_scan_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match="there is no folder"):
        Words().scan(tmp_path / "absent")
    put(tmp_path, a_txt="a")
    with pytest.raises(MissingFile, match=r"a\.txt is not a folder"):
        Words().scan(tmp_path / "a.txt")


def test_without_endings_every_file_is_taken(tmp_path: Path) -> None:
    class Any(Words):
        suffixes = ()

    put(tmp_path, a_txt="a", b_md="a")
    assert [path.name for path in Any().scan(tmp_path).files] == ["a.txt", "b.md"]


def test_what_a_domain_holds_stays_behind() -> None:
    domain = Words()
    assert pickle.loads(pickle.dumps(domain)).settings == domain.settings
    assert copy.deepcopy(domain).held is not domain.held


# -- previews ---------------------------------------------------------------------------------------
def lines(picture: Tensor) -> Iterator[list[int]]:
    """Inked rows of each column."""
    for column in (picture[0] < 128).T:
        yield column.nonzero()[:, 0].tolist()


def test_a_sample_of_one_axis_is_a_line_for_each_channel() -> None:
    picture = picture_of(torch.stack([torch.ones(9), -torch.ones(9)]))
    assert (picture.shape, picture.dtype) == ((3, 128, 9), torch.uint8)
    assert list(lines(picture)) == [[0, 127]] * 9


def test_a_steep_line_does_not_fall_apart() -> None:
    step = torch.cat([torch.full((4,), -1.0), torch.full((4,), 1.0)])[None]
    inked = list(lines(picture_of(step)))
    assert inked == [[127]] * 4 + [list(range(128))] + [[0]] * 3


def test_a_long_line_keeps_its_peaks() -> None:
    x = torch.zeros(1, 100_000)
    x[0, 54_321] = 1.0
    picture = picture_of(x)
    assert picture.shape == (3, 128, 512)
    assert sum(0 in rows for rows in lines(picture)) == 1


@pytest.mark.parametrize(
    ("shape", "picture"), [((1, 5, 7), (5, 7)), ((2, 5, 7), (5, 7)), ((4, 5, 7), (5, 7)), ((1, 9, 5, 7), (5, 7))]
)
def test_other_samples_are_pictures(shape: tuple[int, ...], picture: tuple[int, int]) -> None:
    x = torch.rand(shape) * 2 - 1
    found = picture_of(x)
    assert (tuple(found.shape), found.dtype) == ((3, *picture), torch.uint8)
    plane = x[:, shape[1] // 2] if len(shape) == 4 else x
    for channel in range(3):
        given = plane[channel if shape[0] >= 3 else 0]
        assert torch.equal(found[channel], ((given + 1) * 127.5).round().to(torch.uint8))


def test_values_out_of_range_and_missing_ones_are_shown_all_the_same() -> None:
    x = torch.tensor([[[torch.nan, 3.0, -3.0]]])
    assert picture_of(x)[0].tolist() == [[128, 255, 0]]
    assert picture_of(x[0]).shape == (3, 128, 3)
