"""Preview sheets: what the networks make of fixed samples, as one labelled picture a step.

On the left A to B, on the right B to A, by the names of the sides where there are letters for them; a line for each
sample, and in it input, the teacher's translation where there is one, translation, cycle and identity. Of a run that
generates from noise, generated samples on the left and real ones on the right. The domain turns samples into pictures,
so that any medium can be seen.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.io import decode_jpeg, read_file

from ..adapter.domain import Domain
from ..errors import AdapterError
from ..files import atomic_bytes
from ..lettering import fitting, is_legible, lettering
from ..pages import jpeg
from ..sides import Direction
from .records import Preview, PreviewRow

KEEP = 40
"""Sheets kept on disk; beyond that older ones are thinned out evenly."""
CELL = (96, 256)
"""Smallest and largest longer side of a cell in pixels."""
GAP = 4
MARGIN = 16
QUALITY = 75
"""JPEG quality of sheets that are shown elsewhere than on disk."""
PAPER, INK = 244, 40
COLUMNS = {
    "INPUT": "source", "TEACHER": "teacher", "TRANSLATION": "translation", "CYCLE": "cycle", "IDENTITY": "identity",
}  # fmt: skip
"""Columns of a sheet, and the part of a row that each shows, where there is one."""


def draw_sheet(preview: Preview, domain: Domain, names: tuple[str, str] = ("A", "B")) -> Tensor:
    """The sheet as a picture (3, H, W) uint8; `names`: what the sides are called."""
    blocks = [block for direction, row in preview.rows.items()
              for block in _blocks(_title(direction, names), row, domain)]  # fmt: skip
    height = max(block.shape[1] for block in blocks)
    return torch.cat([_fill(block, height, block.shape[2]) for block in blocks], dim=2)


def _title(direction: Direction, names: tuple[str, str]) -> str:
    a, b = names if all(name and is_legible(name) for name in names) else ("A", "B")
    return f"{a} TO {b}" if direction == "a2b" else f"{b} TO {a}"


def write_sheet(run: Path, preview: Preview, domain: Domain, names: tuple[str, str] = ("A", "B")) -> Path:
    """Write `run`/previews/step-XXXXXXXX.jpg and thin out older sheets. Raises OutputError."""
    path = run / "previews" / f"step-{preview.step:08d}.jpg"
    atomic_bytes(path, jpeg(draw_sheet(preview, domain, names)))
    sheets = list_sheets(run)
    for step in thinned(list(sheets), KEEP):
        sheets[step].unlink(missing_ok=True)
    return path


def list_sheets(run: Path) -> dict[int, Path]:
    """Step -> sheet of every sheet of a run, in order."""
    steps = {path.stem.removeprefix("step-"): path for path in sorted((run / "previews").glob("step-*.jpg"))}
    return {int(step): path for step, path in steps.items() if step.isdigit()}


def drop_sheets(run: Path, start_step: int) -> None:
    """Remove the sheets of steps that a resumed run has yet to do again."""
    for step, path in list_sheets(run).items():
        if step > start_step:
            path.unlink(missing_ok=True)


def thinned(steps: list[int], keep: int) -> list[int]:
    """Sorted steps to remove so that `keep` stay, first and last among them, evenly spread.

    Again and again the one goes whose neighbours are closest together.
    """
    kept, removed = list(steps), []
    while len(kept) > max(2, keep):
        inner = range(1, len(kept) - 1)
        removed.append(kept.pop(min(inner, key=lambda i: kept[i + 1] - kept[i - 1])))
    return removed


def thumbnail(path: Path, width: int) -> bytes:
    """A sheet as JPEG bytes, not wider than `width` pixels."""
    return jpeg(narrowed(path, width), QUALITY)


def narrowed(path: Path, width: int) -> Tensor:
    """A sheet as a picture (3, H, W) uint8, not wider than `width` pixels."""
    picture = decode_jpeg(read_file(str(path)))
    return _scaled(picture, min(1.0, width / picture.shape[2]))


def _blocks(title: str, row: PreviewRow, domain: Domain) -> list[Tensor]:
    """One direction: a block; of what is made from noise two, with as many real samples."""
    if row.real is None:
        return [_block(title, row, domain)]
    return [_grid(name, samples, row.columns, domain) for name, samples in
            (("GENERATED", row.translation), ("REAL", row.real))]  # fmt: skip


def grid_of(samples: Tensor, columns: int, domain: Domain) -> Tensor:
    """Samples (N, C, *space) as the domain shows them, so many in a line: a picture (3, H, W) uint8."""
    cells = [_cell(sample, domain) for sample in samples]
    height, width = (max(cell.shape[axis] for cell in cells) + GAP for axis in (1, 2))
    cells = [_fill(cell, height, width) for cell in cells]
    cells += [_fill(cells[0][:, :0, :0], height, width)] * (-len(cells) % columns)
    return torch.cat([torch.cat(cells[at : at + columns], dim=2) for at in range(0, len(cells), columns)], dim=1)


def _grid(title: str, samples: Tensor, columns: int, domain: Domain) -> Tensor:
    cells = grid_of(samples, columns, domain)
    sheet = torch.cat([_label(title, cells.shape[2]), cells], dim=1)
    return _fill(sheet, sheet.shape[1] + 2 * MARGIN - GAP, sheet.shape[2] + 2 * MARGIN - GAP, MARGIN, MARGIN)


def _block(title: str, row: PreviewRow, domain: Domain) -> Tensor:
    """One direction: a title, then a line of cells for each sample, under column labels."""
    columns = {name: getattr(row, part) for name, part in COLUMNS.items()}
    parts = {name: samples for name, samples in columns.items() if samples is not None}
    cells = [[_cell(samples[i], domain) for samples in parts.values()] for i in range(row.source.shape[0])]
    height = max(cell.shape[1] for line in cells for cell in line)
    width = max(cell.shape[2] for line in cells for cell in line) + GAP
    lines = [torch.cat([_label(name, width) for name in parts], dim=2)]
    lines += [torch.cat([_fill(cell, height + GAP, width) for cell in line], dim=2) for line in cells]
    sheet = torch.cat([_label(title, lines[0].shape[2]), *lines], dim=1)
    return _fill(sheet, sheet.shape[1] + 2 * MARGIN - GAP, sheet.shape[2] + 2 * MARGIN - GAP, MARGIN, MARGIN)


def _cell(sample: Tensor, domain: Domain) -> Tensor:
    """One sample as the domain shows it, brought to a size fit for a sheet."""
    picture = domain.preview(sample)
    if picture.dtype != torch.uint8 or picture.ndim != 3 or picture.shape[0] != 3:
        raise AdapterError(
            f"{type(domain).__name__}.preview gave {picture.dtype} of shape {tuple(picture.shape)}; "
            "expected a picture (3, H, W) of dtype uint8"
        )
    smallest, largest = CELL
    side = max(picture.shape[1:])
    if side < smallest:
        times = -(-smallest // side)
        return picture.repeat_interleave(times, 1).repeat_interleave(times, 2)
    return _scaled(picture, min(1.0, largest / side))


def _scaled(picture: Tensor, factor: float) -> Tensor:
    """A picture made smaller by area averaging."""
    if factor >= 1.0:
        return picture
    size = [max(1, round(length * factor)) for length in picture.shape[1:]]
    return functional.interpolate(picture[None].float(), size=size, mode="area")[0].round().to(torch.uint8)


def _label(text: str, width: int) -> Tensor:
    """A strip (3, height, width) with `text`, in letters twice their drawn size where they fit."""
    times, text = (2, text) if len(text) * 8 <= width else (1, fitting(text, width // 4))
    letters = (PAPER - lettering(text, times) * (PAPER - INK)).to(torch.uint8).expand(3, -1, -1)[:, :, :width]
    return _fill(letters, 16, width, top=3)


def _fill(picture: Tensor, height: int, width: int, left: int = 0, top: int = 0) -> Tensor:
    """The picture at (top, left) of a sheet (3, height, width) of paper."""
    sheet = torch.full((3, height, width), PAPER, dtype=torch.uint8)
    sheet[:, top : top + picture.shape[1], left : left + picture.shape[2]] = picture
    return sheet
