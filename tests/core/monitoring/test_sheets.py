"""Preview sheets: layout, sizes, and a bounded number of them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torchvision.io import decode_jpeg, read_file

from unpaired.core.adapter.domain import Domain
from unpaired.core.lettering import fitting, lettering
from unpaired.core.monitoring import sheets
from unpaired.core.monitoring.records import Preview, PreviewRow


def plain(value: float, samples: int = 2, size: tuple[int, int] = (32, 32)) -> Tensor:
    return torch.full((samples, 3, *size), float(value))


def both(identity: bool = True, size: tuple[int, int] = (32, 32)) -> Preview:
    row = PreviewRow(
        plain(-1, size=size), plain(-0.5, size=size), plain(0, size=size), plain(0.5, size=size) if identity else None
    )
    other = PreviewRow(row.cycle, row.source, row.translation, row.identity)
    return Preview(7, {"a2b": row, "b2a": other})


def cell_values(picture: Tensor) -> list[int]:
    """Grey values met along a line through the first row of cells, paper left out."""
    line = picture[0, sheets.MARGIN + 32 + 48]
    values = [int(value) for value in torch.unique_consecutive(line)]
    return [value for value in values if value != sheets.PAPER]


def test_columns_are_input_translation_cycle_identity_for_both_directions(domain: Domain) -> None:
    picture = sheets.draw_sheet(both(), domain)
    assert picture.dtype == torch.uint8
    assert cell_values(picture) == [0, 64, 128, 191, 128, 0, 64, 191]


def test_without_identity_its_column_is_left_out(domain: Domain) -> None:
    assert cell_values(sheets.draw_sheet(both(identity=False), domain)) == [0, 64, 128, 128, 0, 64]


@pytest.mark.parametrize(("size", "cell"), [((32, 32), 96), ((8, 40), 120), ((100, 200), 200), ((512, 1024), 256)])
def test_cells_are_neither_tiny_nor_huge(domain: Domain, size: tuple[int, int], cell: int) -> None:
    picture = sheets.draw_sheet(both(size=size), domain)
    width = 2 * (4 * (cell + sheets.GAP) + 2 * sheets.MARGIN - sheets.GAP)
    assert picture.shape[2] == width


def test_labels_are_drawn_above_the_cells(domain: Domain) -> None:
    top = sheets.draw_sheet(both(), domain)[0, sheets.MARGIN : sheets.MARGIN + 32]
    assert int((top == sheets.INK).sum()) > 200


@pytest.mark.parametrize(
    ("names", "title"),
    [(("day", "night"), "DAY TO NIGHT"), (("Größe", "été"), "GROSSE TO ETE"), (("夜", "day"), "A TO B"),
     (("", "b"), "A TO B"), (("a" * 60, "another very long name"), f"{'a' * 60} to another very long name")],
)  # fmt: skip
def test_the_title_names_the_sides(domain: Domain, names: tuple[str, str], title: str) -> None:
    picture = sheets.draw_sheet(both(), domain, names)
    assert picture.shape == sheets.draw_sheet(both(), domain).shape
    width = 4 * (96 + sheets.GAP)
    line = picture[:, sheets.MARGIN : sheets.MARGIN + 16, sheets.MARGIN : sheets.MARGIN + width]
    times = 2 if len(title) * 8 <= width else 1
    letters = lettering(fitting(title, width // 4), times)
    assert torch.equal((line[0, 3:] == sheets.INK).to(torch.uint8)[: 5 * times, : letters.shape[1]], letters)


def test_a_preview_that_is_no_picture_is_refused_by_name(domain: Domain) -> None:
    class Wrong(type(domain)):  # type: ignore[misc]
        def preview(self, sample: Tensor) -> Tensor:
            return sample

    with pytest.raises(TypeError, match=r"Wrong\.preview gave torch\.float32 of shape \(3, 32, 32\)"):
        sheets.draw_sheet(both(), Wrong())


def test_written_sheets_can_be_read_and_thumbnails_fit(domain: Domain, tmp_path: Path) -> None:
    path = sheets.write_sheet(tmp_path, both(), domain)
    assert path == tmp_path / "previews" / "step-00000007.jpg"
    assert decode_jpeg(read_file(str(path))).shape == sheets.draw_sheet(both(), domain).shape
    small = decode_jpeg(torch.frombuffer(bytearray(sheets.thumbnail(path, 200)), dtype=torch.uint8))
    assert small.shape[2] == 200
    assert [entry.name for entry in (tmp_path / "previews").iterdir()] == [path.name]


def test_sheets_on_disk_stay_bounded_with_first_and_last_kept(
    domain: Domain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "KEEP", 5)
    row = PreviewRow(plain(0, 1, (8, 8)), plain(0, 1, (8, 8)), plain(0, 1, (8, 8)), None)
    for step in range(1, 31):
        sheets.write_sheet(tmp_path, Preview(step, {"a2b": row}), domain)
    kept = list(sheets.list_sheets(tmp_path))
    assert len(kept) == 5
    assert (kept[0], kept[-1]) == (1, 30)
    gaps = [later - earlier for earlier, later in pairwise(kept)]
    assert max(gaps) <= 4 * min(gaps) + 2


def test_resuming_drops_later_sheets(tmp_path: Path) -> None:
    (tmp_path / "previews").mkdir()
    for step in (100, 200, 300):
        (tmp_path / "previews" / f"step-{step:08d}.jpg").write_bytes(b"x")
    (tmp_path / "previews" / "step-notes.jpg").write_bytes(b"a user's own")
    sheets.drop_sheets(tmp_path, 200)
    assert list(sheets.list_sheets(tmp_path)) == [100, 200]
    assert (tmp_path / "previews" / "step-notes.jpg").exists()


@given(st.sets(st.integers(0, 10**6), min_size=1, max_size=60), st.integers(2, 40))
def test_thinning_keeps_the_ends_and_the_number(steps: set[int], keep: int) -> None:
    ordered = sorted(steps)
    left = sorted(steps - set(sheets.thinned(ordered, keep)))
    assert len(left) == min(len(ordered), keep)
    assert (left[0], left[-1]) == (ordered[0], ordered[-1])


def test_thinning_an_even_row_leaves_it_even() -> None:
    assert sheets.thinned(list(range(9)), 5) == [1, 3, 5, 7]
