"""`unpaired inspect`, `evaluate`, `export` and `import`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import unpaired as package
from unpaired.core.model.model_file import load_model


def test_a_folder_is_inspected(unpaired: Callable, pictures: Path) -> None:
    (pictures / "trainA/broken.png").write_bytes(b"text")
    done = unpaired("inspect", pictures / "trainA")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"{pictures / 'trainA'}: 3 usable, 1 broken\n")
    assert f"  broken: {pictures / 'trainA/broken.png'}: " in done.out
    assert "width: min 44, median 44, max 44" in done.out


def test_two_folders_are_also_compared(unpaired: Callable, pictures: Path) -> None:
    (pictures / "trainB/same.png").write_bytes((pictures / "trainA/0.png").read_bytes())
    by_name = json.loads(unpaired("inspect", pictures, "--json").out)
    by_folder = json.loads(unpaired("inspect", pictures / "trainA", pictures / "trainB", "--json").out)
    assert by_name == by_folder
    assert [each["usable"] for each in by_name["folders"]] == [3, 4]
    assert any("same.png" in sentence or "1 " in sentence for sentence in by_name["together"])
    assert "together: " in unpaired("inspect", pictures).out


def test_a_setting_of_the_medium_changes_what_it_means(unpaired: Callable, pictures: Path) -> None:
    small, large = (unpaired("inspect", pictures / "trainA", "--domain.size", size).out for size in ("16", "256"))
    assert "smaller than the crop of 256" in large
    assert "smaller than the crop" not in small


def test_one_reason_is_one_line_for_people_and_every_file_is_listed_for_scripts(
    unpaired: Callable, pictures: Path
) -> None:
    for number in range(25):
        (pictures / f"trainA/x{number}.png").write_bytes(b"")
    line = "  broken: 25 files (x0.png, x1.png, x10.png, ...): is empty (0 bytes)\n"
    assert line in unpaired("inspect", pictures / "trainA").out
    assert len(json.loads(unpaired("inspect", pictures / "trainA", "--json").out)["folders"][0]["broken"]) == 25


def test_one_file_is_inspected(unpaired: Callable, pictures: Path) -> None:
    report = json.loads(unpaired("inspect", pictures / "trainA/0.png", "--json").out)
    assert report["facts"] == {"parts": 1, "channels": 3, "size": [36, 44]}
    (pictures / "trainA/0.png").write_bytes(b"")
    done = unpaired("inspect", pictures / "trainA/0.png")
    assert (done.code, done.err.count("\n")) == (2, 1)


def test_a_model_is_inspected(unpaired: Callable, model: Path) -> None:
    facts = json.loads(unpaired("inspect", model, "--json").out)["facts"]
    assert (facts["step"], facts["names"], facts["directions"]) == (7, ["day", "night"], ["a2b", "b2a"])
    assert facts["bytes"] == model.stat().st_size
    told = unpaired("inspect", model).out
    assert "  names: day, night\n" in told
    assert max(map(len, told.splitlines())) < 300  # the checksum of each tensor is for scripts


def test_a_shipped_model_is_inspected_by_its_name(unpaired: Callable) -> None:
    facts = json.loads(unpaired("inspect", "day2night", "--json").out)["facts"]
    assert facts["names"] == ["day", "night"]
    assert unpaired("inspect", "day2nigt").code == 2


def test_scores_are_printed_and_written(unpaired: Callable, model: Path, pictures: Path, tmp_path: Path) -> None:
    words = ("evaluate", model, "--a", pictures / "trainA", "--b", pictures / "trainB", "--limit", "2")
    done = unpaired(*words, "--paired", "--json", tmp_path / "scores.json", "--sheet", tmp_path / "sheet.jpg",
                    "--csv", tmp_path / "files.csv")  # fmt: skip
    assert done.code == 0, done.err
    assert "cycle" in done.out
    assert len((tmp_path / "files.csv").read_text().splitlines()) == 1 + 2 * 2
    assert (tmp_path / "files-totals.csv").read_text().startswith("figure,a2b,b2a")
    written = json.loads((tmp_path / "scores.json").read_text())
    assert written["limit"] == 2
    assert set(written["scores"]) == {"a2b", "b2a"}
    assert "psnr" in written["scores"]["a2b"]["paired"]
    with Image.open(tmp_path / "sheet.jpg") as sheet:
        assert sheet.size[0] > 3 * 32
    printed = json.loads(unpaired(*words, "--direction", "b2a", "--json", "-").out)
    assert list(printed["scores"]) == ["b2a"]


def test_an_evaluation_loads_its_model_once_and_names_it(
    unpaired: Callable, model: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = []

    def load(path: Path, *more: Any) -> Any:
        loaded.append(path)
        return load_model(path, *more)

    monkeypatch.setattr("unpaired.core.model.shipped.load_model", load)
    folders = ("--a", pictures / "trainA", "--b", pictures / "trainB")
    report = json.loads(unpaired("evaluate", model, *folders, "--limit", "1", "--json", "-").out)
    assert loaded == [model]
    assert report["model"]["name"] == str(model)


def test_onnx_agrees_with_torch(unpaired: Callable, model: Path, tmp_path: Path) -> None:
    import onnxruntime

    report = json.loads(unpaired("export", model, tmp_path / "m.onnx", "--direction", "b2a", "--json").out)
    assert report["direction"] == "b2a"
    assert report["largest_difference"] < 1e-4
    x = torch.rand(1, 3, 40, 24) * 2 - 1
    (found,) = onnxruntime.InferenceSession(tmp_path / "m.onnx").run(None, {"x": x.numpy()})
    expected = package.load(model, runtime="torch", device="cpu")(x, "b2a").numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert "largest difference from torch: " in unpaired("export", model, tmp_path / "m.onnx").out


def test_half_is_half_the_size(unpaired: Callable, model: Path, tmp_path: Path) -> None:
    report = json.loads(unpaired("export", model, tmp_path / "h.safetensors", "--half", "--json").out)
    assert report["bytes"] < 0.6 * model.stat().st_size
    assert set(package.load(tmp_path / "h.safetensors").model.generators) == {"a2b", "b2a"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("m.txt",), "has no known ending; expected .onnx, .safetensors or .xml"),
        (("m.onnx", "--half"), "--half is for a .safetensors file"),
        (("m.safetensors", "--direction", "a2b"), "--direction is for an .onnx file"),
    ],
)
def test_an_export_that_makes_no_sense_is_refused(
    words: tuple[str, ...],
    message: str,
    unpaired: Callable,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = unpaired("export", model, *words)
    assert done.code == 2
    assert message in done.err
    assert list(tmp_path.iterdir()) == []


def reference_weights(file: Path) -> dict[str, torch.Tensor]:
    """A ResNet generator of one block and 4 filters, under the names of pytorch-CycleGAN-and-pix2pix."""
    random = torch.Generator().manual_seed(0)
    shapes = {
        "1": (4, 3, 7, 7),
        "4": (8, 4, 3, 3),
        "7": (16, 8, 3, 3),
        "10.conv_block.1": (16, 16, 3, 3),
        "10.conv_block.5": (16, 16, 3, 3),
        "11": (16, 8, 3, 3),
        "14": (8, 4, 3, 3),
        "18": (3, 4, 7, 7),
    }
    biases = {"1": 4, "4": 8, "7": 16, "10.conv_block.1": 16, "10.conv_block.5": 16, "11": 8, "14": 4, "18": 3}
    state = {}
    for name, shape in shapes.items():
        state[f"model.{name}.weight"] = torch.randn(shape, generator=random) * 0.1
        state[f"model.{name}.bias"] = torch.randn(biases[name], generator=random) * 0.1
    torch.save(state, file)
    return state


def test_weights_of_the_reference_become_a_model(unpaired: Callable, pictures: Path, tmp_path: Path) -> None:
    reference_weights(tmp_path / "net.pth")
    done = unpaired("import", tmp_path / "net.pth", tmp_path / "m.safetensors", "--reverse", tmp_path / "net.pth")
    assert done.code == 0, done.err
    assert "a2b: resnet (" in done.out
    assert "b2a: resnet (" in done.out
    assert "blocks 1" in done.out
    assert unpaired("convert", tmp_path / "m.safetensors", pictures / "trainA/0.png", tmp_path / "o.png").code == 0


def test_an_import_names_every_fault(unpaired: Callable, tmp_path: Path) -> None:
    done = unpaired("import", tmp_path / "net.pth", tmp_path / "m.pth", "--domain", "imgae", "--domain.size", "3")
    assert done.code == 2
    assert "did you mean 'image'?" in done.err
    assert "must end in .safetensors" in done.err


def test_label_maps_are_scored_by_a_palette(unpaired: Callable, model: Path, pictures: Path, tmp_path: Path) -> None:
    palette = tmp_path / "classes.yaml"
    palette.write_text("dark: [0, 0, 0]\nlight: [255, 255, 255]\n")
    folders = ("--a", pictures / "trainA", "--b", pictures / "trainB", "--palette-b", palette)
    refused = unpaired("evaluate", model, *folders)
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert "need true counterparts: add --paired" in refused.err
    palette.write_text("dark: black\nlight: [255, 255, 255]\n")
    refused = unpaired("evaluate", model, *folders, "--paired")
    assert refused.code == 2
    assert "dark is 'black'; expected a colour as numbers" in refused.err
