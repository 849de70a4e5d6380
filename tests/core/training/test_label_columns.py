"""Sheets of a run with labels: a column for each, of generated samples and of real ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image as Pillow

import unpaired
from unpaired.core.monitoring.callbacks import RunInfo
from unpaired.core.monitoring.records import Preview, PreviewRow


@pytest.mark.parametrize(("count", "in_columns"), [(9, True), (7, False)])
def test_real_samples_of_a_label_stand_in_its_column(count: int, in_columns: bool, tmp_path: Path) -> None:
    """Where a label has fewer files than a sheet has lines, they come in the order of files."""
    for name, level in (("dark", 20), ("bright", 230)):
        (tmp_path / "b" / name).mkdir(parents=True)
        for number in range(count):
            Pillow.new("L", (8, 8), level + number).save(tmp_path / "b" / name / f"{number}.png")
    seen: list[PreviewRow] = []

    class Watching(unpaired.Callback):
        def on_preview(self, run: RunInfo, preview: Preview) -> None:
            seen.append(preview.rows["a2b"])

    networks = unpaired.NetworkSettings("dcgan", 2, discriminator="dcgan", discriminator_filters=2)
    unpaired.train(
        unpaired.Image(size=8, mode="grey", flip=False), None, tmp_path / "b", tmp_path / "run", objective_name="cgan",
        networks=networks, steps=1, batch=4, held_out=0.0, workers=0, device="cpu", callbacks=[Watching()],
    )  # fmt: skip
    row = seen[-1]
    assert row.columns == 2
    assert row.real is not None
    bright, dark = (row.real[column::2].mean(dim=(1, 2, 3)) for column in (0, 1))
    assert bool((bright > 0).all() and (dark < 0).all()) is in_columns
