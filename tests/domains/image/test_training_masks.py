"""Masks in training: cut as the picture is, matched by name, and refused before the run where they do not fit."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

import unpaired
from unpaired import ConfigError, Image, MediaError, MissingFile
from unpaired.core.adapter.inventory import Inventory
from unpaired.core.samples import Sample
from unpaired.core.settings.mapping import read_yaml
from unpaired.core.sides import Side
from unpaired.core.training.folders import data_hash
from unpaired.domains.image import MaskFolder


def drawn(domain: Image, file: Path, seed: int = 0, augmentation: float = 1.0) -> Sample:
    return Sample.of(domain.sample(file, "a", np.random.default_rng(seed), augmentation))


def blocks(path: Path, size: tuple[int, int] = (48, 64)) -> Path:
    """Black and white fields: a picture that is its own mask."""
    path.parent.mkdir(parents=True, exist_ok=True)
    levels = np.random.default_rng(3).integers(0, 2, (size[0] // 8, size[1] // 8), np.uint8)
    Pillow.fromarray(255 * np.kron(levels, np.ones((8, 8), np.uint8))).save(path)
    return path


@pytest.mark.parametrize("augmentation", [1.0, 0.3])
def test_a_mask_is_cut_mirrored_and_turned_as_its_picture_is(tmp_path: Path, augmentation: float) -> None:
    file = blocks(tmp_path / "a" / "x.png")
    blocks(tmp_path / "masks" / "x.bmp")
    settings: dict[str, Any] = {"size": 32, "mode": "grey", "rotate": True, "vertical_flip": True}
    masked, plain = Image(**settings, masks_a=tmp_path / "masks"), Image(**settings)
    masked = pickle.loads(pickle.dumps(masked))
    for seed in range(8):
        sample, alone = drawn(masked, file, seed, augmentation), drawn(plain, file, seed, augmentation)
        assert torch.equal(sample.x, alone.x)  # a mask changes nothing of what is drawn
        assert alone.keep is None
        assert sample.keep is not None
        torch.testing.assert_close(sample.keep, 0.5 - 0.5 * sample.x)
        assert 0 < float(sample.keep.mean()) < 1


def test_masks_lie_in_folders_as_their_pictures_do(tmp_path: Path) -> None:
    names = ["x.png", "one/x.png", "one/y.png", "two/deep/x.png"]
    masks = MaskFolder(tmp_path, [tmp_path / name for name in names])
    for name in names:
        assert masks.of(Path("/elsewhere/pictures", name).with_suffix(".jpg")) == tmp_path / name
    assert masks.of(Path("three/x.jpg")) == tmp_path / "x.png"
    with pytest.raises(ConfigError, match=r"1 of 1 file has no mask of the same name in .*: z\.jpg; add masks"):
        masks.of(Path("one/z.jpg"))
    with pytest.raises(ConfigError, match=r"2 of 3 files have no mask .*: z\.jpg, w\.jpg; add"):
        masks.require([Path("x.jpg"), Path("z.jpg"), Path("w.jpg")])
    with pytest.raises(ConfigError, match=r"several masks x, suffix aside"):
        MaskFolder(tmp_path, [tmp_path / "x.png", tmp_path / "x.bmp"])


def test_masks_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    file = blocks(tmp_path / "a" / "x.png")
    found = Inventory(tmp_path / "a", (file,))
    with pytest.raises(MissingFile, match=r"there is no folder .*masks"):
        Image(masks_a=tmp_path / "masks").fit(found, found)
    blocks(tmp_path / "masks" / "x.png", (24, 32))
    domain = Image(size=32, masks_a=tmp_path / "masks")
    assert domain.fit(found, found) is domain
    with pytest.raises(MediaError, match=r"x\.png has 32x24 pixels, but .*x\.png has 64x48; scale the mask"):
        drawn(domain, file)
    with pytest.raises(ConfigError, match="no mask of the same name"):
        Image(masks_b=tmp_path / "masks").fit(found, Inventory(tmp_path, (tmp_path / "y.png",)))


def test_a_run_goes_by_them(tmp_path: Path) -> None:
    for place in range(4):
        for side in ("a", "b", "masks"):
            blocks(tmp_path / side / f"{place}.png")
    domain = Image(size=32, masks_a=tmp_path / "masks")
    run: dict[str, Any] = {"a": tmp_path / "a", "b": tmp_path / "b", "preset": "tiny", "workers": 0, "log_every": 1}
    model = unpaired.train(domain, out=tmp_path / "run", steps=1, **run)
    losses = (tmp_path / "run" / "metrics.jsonl").read_text()
    assert "losses.keep_a" in losses
    assert "keep_b" not in losses
    for path in (tmp_path / "masks").iterdir():  # a model needs no masks
        path.unlink()
    unpaired.load(model).convert(tmp_path / "a" / "0.png", tmp_path / "out.png")
    for place in range(4):
        blocks(tmp_path / "masks" / f"{place}.png")
    with pytest.raises(ConfigError, match="masks of what must not change are for the objective cycle; cut does not go"):
        unpaired.train(domain, out=tmp_path / "cut", steps=1, objective_name="cut", **run)
    assert not (tmp_path / "cut").exists()
    _check_that_no_model_names_them(tmp_path / "run")
    _check_that_resuming_heeds_them(tmp_path, domain, run)


def _check_that_no_model_names_them(run: Path) -> None:
    place = str(run.parent / "masks")
    naming = {path.name for path in run.rglob("*") if path.is_file() and place.encode() in path.read_bytes()}
    assert naming == {"config.yaml", "report.html"}  # as the folders of A and B
    assert unpaired.load(run).domain.settings.masks_a is None  # type: ignore[attr-defined]
    assert read_yaml(run / "config.yaml")["domain"]["masks_a"] == place


def _check_that_resuming_heeds_them(folder: Path, domain: Image, run: dict[str, Any]) -> None:
    config = folder / "run" / "config.yaml"
    blocks(folder / "masks" / "0.png", (48, 128))
    with pytest.raises(ConfigError, match=r"are not those that .* was trained on .*--data-changed"):
        unpaired.train(domain, out=folder / "run", steps=2, resume=True, **run)
    blocks(folder / "masks" / "0.png")
    sides: dict[Side, Inventory] = {"a": domain.scan(folder / "a"), "b": domain.scan(folder / "b")}
    earlier, now = data_hash(sides), read_yaml(config)["data_hash"]
    assert earlier != now
    config.write_text(config.read_text().replace(now, earlier))  # as earlier versions wrote it
    unpaired.train(domain, out=folder / "run", steps=2, resume=True, **run)
    assert read_yaml(config)["data_hash"] == now
