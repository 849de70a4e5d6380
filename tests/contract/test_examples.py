"""The documentation's own media: small, whole, and good for real recordings, rasters and series."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
import tifffile
import torch
from contract.speech import ORDER, speech_series

import unpaired
from unpaired.core.model.export import ACCEPTABLE_DIFFERENCE, export_onnx
from unpaired.core.testing.case import Case
from unpaired.core.testing.suite import verify

LINES = 60
"""Lines of code that an adapter may take; if one needs more, the contract asks for too much."""
QUICK: dict[str, Any] = {
    "preset": "tiny", "workers": 0, "device": "cpu", "precision": "fp32",
    "networks": unpaired.NetworkSettings(filters=4, blocks=1, discriminator_filters=4),
}  # fmt: skip


@pytest.fixture(autouse=True)
def examples(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where they lie, and can be imported from."""
    folder = repository / "docs" / "examples"
    for place in (folder, folder / "unpaired-series" / "src"):
        monkeypatch.syspath_prepend(str(place))
    return folder


def _sides(root: Path) -> tuple[Path, Path]:
    for side in ("a", "b"):
        (root / side).mkdir()
    return root / "a", root / "b"


def _case(domain: unpaired.Domain, root: Path, broken: Path, content: bytes) -> Case:
    broken.write_bytes(content)
    (root / "scratch").mkdir()
    return Case(domain, root / "a", root / "b", broken, root / "scratch", tolerance=1e-4)


def _trained(domain: unpaired.Domain, root: Path) -> unpaired.Translator:
    """A translator after two steps and, resumed, two more; its graph agrees with it."""
    for steps in (2, 4):
        unpaired.train(domain, root / "a", root / "b", root / "run", steps=steps, resume=steps == 4, **QUICK)
    translator = unpaired.load(root / "run", runtime="torch", domain=type(domain))
    assert translator.model.step == 4
    assert export_onnx(translator.model, root / "a2b.onnx").largest_difference < ACCEPTABLE_DIFFERENCE
    return translator


# -- recordings -------------------------------------------------------------------------------------
@pytest.fixture
def recordings(assets: Path, tmp_path: Path) -> Case:
    for folder, voice in zip(_sides(tmp_path), ("female", "male"), strict=True):
        for number in (1, 2):
            content = (assets / "speech" / f"{voice}-{number}.flac").read_bytes()
            (folder / f"{number}.flac").write_bytes(content)
    domain = import_module("recordings").Recordings(size=1024)
    return _case(domain, tmp_path, tmp_path / "broken.flac", content[:30])


def test_recordings_keep_the_contract(recordings: Case) -> None:
    verify(recordings)


def test_recordings_from_folder_to_file(recordings: Case, tmp_path: Path) -> None:
    translator = _trained(recordings.domain, tmp_path)
    source = tmp_path / "a" / "1.flac"
    for name in ("translated.flac", "translated.wav"):
        translator.convert(source, tmp_path / name)
        given, got = soundfile.info(source), soundfile.info(tmp_path / name)
        kept = ("frames", "samplerate", "channels", "subtype")
        assert [getattr(got, each) for each in kept] == [getattr(given, each) for each in kept]
    assert not np.array_equal(soundfile.read(source)[0], soundfile.read(tmp_path / "translated.flac")[0])


def test_recordings_of_two_channels_are_broken_ones(recordings: Case, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a" / "stereo.wav", np.zeros((5000, 2)), 8000)
    soundfile.write(tmp_path / "a" / "none.wav", np.zeros((0, 1)), 8000)
    found = recordings.domain.scan(tmp_path / "a", thorough=True)
    reasons = {each.path.name: each.reason for each in found.broken}
    assert reasons == {
        "stereo.wav": "cannot be read: it has 2 channels; expected 1",
        "none.wav": "cannot be read: it holds no values",
    }
    assert len(found.files) == 2


# -- rasters ----------------------------------------------------------------------------------------
def write_rasters(clip: Path, folder: Path, count: int = 2, frames: int = 8) -> None:
    """Rasters of four channels and 16 bits: the light of several frames, averaged, and how much it changes over them.

    A mean of frames of 8 bits, taken where light adds up, holds more than 8 bits."""
    with av.open(str(clip)) as container:
        shown = [frame.to_ndarray(format="rgb24") for frame, _ in zip(container.decode(video=0), range(count * frames))]  # noqa: B905
    for number in range(count):
        light = (np.stack(shown[number * frames :][:frames]) / 255.0) ** 2.2
        change = light.mean(axis=3, keepdims=True).std(axis=0)
        raster = np.concatenate([light.mean(axis=0), (4 * change).clip(0, 1)], axis=2)
        values = (raster * 65535).round().astype(np.uint16)
        assert len(np.unique(values[..., :3])) > 256
        tifffile.imwrite(folder / f"{number}.tif", values, photometric="minisblack", planarconfig="contig")


@pytest.fixture
def rasters(assets: Path, tmp_path: Path) -> Case:
    for folder, clip in zip(_sides(tmp_path), ("road", "traffic"), strict=True):
        write_rasters(assets / "video" / f"{clip}.mp4", folder)
    domain = import_module("rasters").Rasters(size=32)
    return _case(domain, tmp_path, tmp_path / "broken.tif", (tmp_path / "a" / "0.tif").read_bytes()[:100])


def test_rasters_keep_the_contract(rasters: Case) -> None:
    verify(rasters)


def test_rasters_from_folder_to_file(rasters: Case, tmp_path: Path) -> None:
    translator = _trained(rasters.domain, tmp_path)
    report = translator.convert(tmp_path / "a", tmp_path / "translated")
    assert [path.name for path in report.converted] == ["0.tif", "1.tif"]
    given, got = (tifffile.imread(tmp_path / folder / "0.tif") for folder in ("a", "translated"))
    assert (got.dtype, got.shape) == (np.uint16, given.shape) == (np.uint16, (270, 480, 4))
    assert not np.array_equal(got, given)
    unchanged = tmp_path / "unchanged.tif"
    translator.convert(tmp_path / "a" / "0.tif", unchanged, strength=0)
    assert np.array_equal(tifffile.imread(unchanged), given), "16 bits go through whole"


# -- series -----------------------------------------------------------------------------------------
@pytest.fixture
def series(assets: Path, tmp_path: Path) -> Case:
    speech_series(assets, tmp_path)
    domain = import_module("unpaired_series").Series(columns=2, size=64)
    fitted = domain.fit(domain.scan(tmp_path / "a"), domain.scan(tmp_path / "b"))
    return _case(fitted, tmp_path, tmp_path / "broken.csv", b"level,brightness\n0.1\n")


def test_series_keep_the_contract(series: Case) -> None:
    verify(series)


def test_series_are_scaled_by_what_both_folders_hold(series: Case, tmp_path: Path) -> None:
    files = [*(tmp_path / "a").iterdir(), *(tmp_path / "b").iterdir()]
    largest = np.max([np.abs(np.loadtxt(file, delimiter=",", skiprows=1)).max(axis=0) for file in files], axis=0)
    assert np.allclose(series.domain.settings.largest, largest, rtol=1e-6)  # type: ignore[attr-defined]
    (tmp_path / "a" / "broken.csv").write_text("level,brightness\n1e9\n")
    again = type(series.domain)(columns=2, size=64).fit(*(series.domain.scan(tmp_path / side) for side in "ab"))
    assert again.settings == series.domain.settings


def test_series_from_folder_to_file(series: Case, tmp_path: Path) -> None:
    translator = _trained(type(series.domain)(columns=2, size=64), tmp_path)
    source = tmp_path / "b" / ORDER[0]
    translator.convert(source, tmp_path / "translated.csv", direction="b2a")
    given, got = (path.read_text().splitlines() for path in (source, tmp_path / "translated.csv"))
    assert (got[0], len(got)) == ("level,brightness", len(given))
    assert got != given
    assert bool(torch.tensor([float(x) for line in got[1:] for x in line.split(",")]).isfinite().all())


# -- all of them ------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["recordings.py", "rasters.py", "unpaired-series/src/unpaired_series.py"])
def test_an_adapter_is_short(name: str, examples: Path) -> None:
    assert code_lines((examples / name).read_text()) <= LINES


def code_lines(source: str) -> int:
    """Lines with code on them: neither blank nor comments nor docstrings."""
    tree = ast.parse(source)
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)]
    silent = {line for text in texts for line in range(text.lineno, (text.end_lineno or text.lineno) + 1)}
    lines = enumerate(source.splitlines(), start=1)
    return sum(bool(line.strip()) and not line.strip().startswith("#") and n not in silent for n, line in lines)
