"""`unpaired convert` and `image_convert.py`, with a small untrained model."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kept import row
from PIL import Image


def pixels(file: Path) -> np.ndarray:
    with Image.open(file) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def test_a_file_becomes_a_file_of_its_own_size(unpaired: Callable, model: Path, pictures: Path, tmp_path: Path) -> None:
    done = unpaired("convert", model, pictures / "trainA/0.png", tmp_path / "deep/out.png")
    assert (done.code, done.out, done.err) == (0, "1 converted, 0 skipped, 0 refused\n", "")
    before, after = pixels(pictures / "trainA/0.png"), pixels(tmp_path / "deep/out.png")
    assert after.shape == before.shape
    assert np.abs(after - before).mean() > 5


def test_a_folder_keeps_its_tree(unpaired: Callable, model: Path, pictures: Path, tmp_path: Path) -> None:
    assert unpaired("convert", model, pictures, tmp_path / "out").code == 0
    expected = sorted(path.relative_to(pictures) for path in pictures.rglob("*.png"))
    assert sorted(path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("[!.]*.*")) == expected


def test_skip_existing_leaves_what_is_there(unpaired: Callable, model: Path, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/1.png").write_bytes(b"mine")
    done = unpaired("convert", model, pictures / "trainA", tmp_path / "out", "--skip-existing", "--json")
    figures = json.loads(done.out)
    assert [Path(each).name for each in figures["skipped"]] == ["1.png"]
    assert [Path(each).name for each in figures["converted"]] == ["0.png", "2.png"]
    assert figures["refused"] == []
    assert (tmp_path / "out/1.png").read_bytes() == b"mine"


def test_what_ran_is_in_the_summary_and_in_the_record(
    unpaired: Callable, model: Path, pictures: Path, tmp_path: Path
) -> None:
    ran = []
    for number, options in enumerate([(), ("--precision", "bf16"), ("--runtime", "torch")]):
        out = tmp_path / str(number)
        done = unpaired("convert", model, pictures / "trainA", out, "--device", "cpu", "--json", *options)
        ran.append(json.loads(done.out)["runtime"])
        assert {json.loads(line)["runtime"] for line in (out / ".unpaired.jsonl").read_text().splitlines()} == {ran[-1]}
        again = unpaired("convert", model, pictures / "trainA", out, "--skip-existing", "--json", "--runtime", "onnx")
        assert len(json.loads(again.out)["skipped"]) == 3  # what runs it is no reason to make an output again
    assert ran[0] == "openvino fp32 on cpu"
    assert "bf16" in ran[1]
    assert ran[2] == "torch fp32 on cpu"


def test_directions_differ_and_strength_0_changes_nothing(
    unpaired: Callable, model: Path, pictures: Path, tmp_path: Path
) -> None:
    source = pictures / "trainA/0.png"
    for name, *options in (("a2b",), ("b2a", "--direction", "b2a"), ("none", "--strength", "0"),
                           ("half", "--conversion.strength=0.5")):  # fmt: skip
        assert unpaired("convert", model, source, tmp_path / f"{name}.png", "--runtime", "torch", *options).code == 0
    a2b, b2a, none, half = (pixels(tmp_path / f"{name}.png") for name in ("a2b", "b2a", "none", "half"))
    assert np.abs(a2b - b2a).mean() > 1
    assert np.array_equal(none, pixels(source))
    assert np.abs(half - (pixels(source) + a2b) / 2).max() <= 1.5


def test_a_folder_with_a_broken_file_converts_the_rest(
    unpaired: Callable, model: Path, pictures: Path, tmp_path: Path
) -> None:
    (pictures / "trainA/1.png").write_bytes(b"no picture")
    done = unpaired("convert", model, pictures / "trainA", tmp_path / "out")
    assert done.code == 2
    assert done.out == "2 converted, 0 skipped, 1 refused\n"
    assert f"\nunpaired: {pictures / 'trainA/1.png'}" in f"\n{done.err}"
    assert done.err.count("\n") == 2  # and the note that files with numbers may be a clip
    assert sorted(path.name for path in (tmp_path / "out").glob("[!.]*")) == ["0.png", "2.png"]


def test_what_is_refused_at_the_end_is_all_that_was_misspelt(
    unpaired: Callable, model: Path, pictures: Path, tmp_path: Path
) -> None:
    words = ("--conversion.tiel", "3", "--strength", "much")
    done = unpaired("convert", model, pictures / "trainA/0.png", tmp_path / "out.png", *words)
    assert done.code == 2
    assert "--conversion.tiel is unknown; did you mean --conversion.tile?" in done.err
    assert "--strength is 'much'; expected a number" in done.err
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize("started", [("apps/image_convert.py",), ("-m", "unpaired.apps.image_convert")])
def test_image_convert_starts_as_a_file_and_as_a_module(
    started: tuple[str, ...], program: Callable, repository: Path, model: Path, pictures: Path, tmp_path: Path
) -> None:
    source, target = pictures / "trainA/0.png", tmp_path / "out.png"
    done = program(*started, source, target, "--model", model, "--runtime", "torch", cwd=repository)
    assert (done.code, done.out, done.err) == (0, "1 converted, 0 skipped, 0 refused\n", "")
    assert target.is_file()


def test_image_convert_needs_no_option(program: Callable, repository: Path, assets: Path, tmp_path: Path) -> None:
    source = assets / "day2night/square.jpg"
    done = program(repository / "apps/image_convert.py", source, tmp_path / "night.jpg", cwd=tmp_path)
    assert done.code == 0, done.err
    assert pixels(tmp_path / "night.jpg").mean() < 0.8 * pixels(source).mean()


def test_programs_hide_no_module_of_others(repository: Path) -> None:
    """A program started as a file puts apps/ first on the module path: no name there may hide another's."""
    import importlib.machinery
    import sys

    elsewhere = [place for place in sys.path if place and Path(place).resolve() != repository / "apps"]
    names = [
        path.stem for path in (repository / "apps").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    ]
    for name in set(names) - {"__init__"}:
        assert name not in sys.stdlib_module_names
        found = importlib.machinery.PathFinder.find_spec(name, elsewhere)
        assert found is None or found.origin is None, f"apps/{name} hides {found.origin}"


def test_a_model_run_folder_and_file_are_the_same(
    unpaired: Callable, model: Path, pictures: Path, tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    shutil.copy(model, tmp_path / "run/model.safetensors")
    source = pictures / "trainA/0.png"
    for name, place in (("file", model), ("run", tmp_path / "run")):
        assert unpaired("convert", place, source, tmp_path / f"{name}.png").code == 0
    assert (tmp_path / "file.png").read_bytes() == (tmp_path / "run.png").read_bytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--strength", "2"), "--strength is 2.0; it must lie between 0 and 1"),
        (("--conversion.strength", "2"), "--conversion.strength is 2.0; it must lie between 0 and 1"),
        (("--conversion.tile", "x"), "--conversion.tile is 'x'; expected a whole number"),
        (("--quality=x",), "--quality is no option"),
    ],
)
def test_a_fault_names_the_option_as_it_was_typed(
    words: tuple[str, ...], said: str, unpaired: Callable, model: Path, pictures: Path, tmp_path: Path
) -> None:
    done = unpaired("convert", model, pictures / "trainA" / "0.png", tmp_path / "out.png", *words)
    assert done.code == 2
    assert said in done.err
    assert "conversion.strength" not in done.err.replace("--conversion.strength", "")


def test_an_output_that_ends_in_a_slash_is_a_folder(
    unpaired: Callable, model: Path, pictures: Path, tmp_path: Path
) -> None:
    assert unpaired("convert", model, pictures / "trainA" / "0.png", f"{tmp_path / 'new'}/").code == 0
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["0.png"]


@row("any", "existing outputs, with `--skip-existing`")
def test_outputs_of_another_model_other_settings_or_another_input_are_made_anew_and_said(
    unpaired: Callable, model: Path, pictures: Path, tmp_path: Path
) -> None:
    folder, out = pictures / "trainA", tmp_path / "out"

    def convert(*words: str | Path) -> tuple[list[str], list[str], str]:
        done = unpaired("convert", *words, folder, out, "--json", "--runtime", "torch")
        figures = json.loads(done.out)
        converted, skipped = ([Path(each).name for each in figures[key]] for key in ("converted", "skipped"))
        return converted, skipped, done.err

    names = ["hill.png", "lake.png", "tree.png"]  # without numbers, which would make them a clip
    for number, name in enumerate(names):
        (folder / f"{number}.png").rename(folder / name)
    assert convert(model) == (names, [], "")
    assert convert(model, "--skip-existing") == ([], names, "")
    converted, skipped, said = convert(model, "--skip-existing", "--strength", "0.5")
    assert (converted, skipped) == (names, [])
    assert said == f"unpaired: note: {out}: outputs of other settings, made again: 3\n"
    converted, skipped, said = convert(model, "--skip-existing", "--strength", "0.5", "--direction", "b2a")
    assert (converted, skipped) == (names, [])
    assert said == f"unpaired: note: {out}: outputs of another model or direction, made again: 3\n"
    shutil.copy(folder / "hill.png", folder / "lake.png")
    (out / "tree.png").write_bytes(b"retouched")
    converted, skipped, said = convert(model, "--skip-existing", "--strength", "0.5", "--direction", "b2a")
    assert (converted, skipped) == (["lake.png"], ["hill.png", "tree.png"])
    assert "outputs of an earlier version of the input, made again: 1" in said
    assert "outputs left alone, since it is not known how they were made (no record, or changed since): 1" in said
    assert (out / "tree.png").read_bytes() == b"retouched"
    (out / ".unpaired.jsonl").unlink()
    assert convert(model, "--skip-existing")[:2] == ([], names)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell when a process began")
@row("any", "half-written files of a killed conversion")
def test_what_a_killed_conversion_left_is_cleared_by_the_next(
    unpaired: Callable, model: Path, pictures: Path, tmp_path: Path
) -> None:
    killed = (
        "import os; from pathlib import Path; from unpaired.core.files import atomic\n"
        "with atomic(Path({!r})): os._exit(9)"
    )
    place = tmp_path / "out" / "0.png"
    assert subprocess.run([sys.executable, "-c", killed.format(str(place))], check=False).returncode == 9
    assert len(list(place.parent.glob(".0.*.part.png"))) == 1
    assert unpaired("convert", model, pictures / "trainA" / "0.png", place).code == 0
    assert [path.name for path in place.parent.iterdir()] == ["0.png"]


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each folder was listed."""
    counts: Counter[str] = Counter()
    for name in ("scandir", "listdir"):
        listing = getattr(os, name)

        def counted(folder: Any = ".", listing: Any = listing) -> Any:
            counts[os.path.realpath(folder)] += 1
            return listing(folder)

        monkeypatch.setattr(os, name, counted)
    return counts


@pytest.mark.parametrize("numbered", [False, True], ids=["pictures", "numbered pictures of several sizes"])
def test_a_conversion_lists_its_input_once(
    numbered: bool, listed: Counter[str], unpaired: Callable, model: Path, tmp_path: Path
) -> None:
    (tmp_path / "in/deep").mkdir(parents=True)
    for number, name in enumerate(("a", "b", "deep/c", "deep/d")):
        file = f"deep/{number:04}.png" if numbered and "deep" in name else f"{name}.png"
        Image.new("RGB", (32, 32 + number), (90, number, 60)).save(tmp_path / "in" / file)
    done = unpaired("convert", model, tmp_path / "in", tmp_path / "out")
    assert done.code == 0, done.err
    assert len(list((tmp_path / "out").rglob("*.png"))) == 4
    assert (listed[str(tmp_path / "in")], listed[str(tmp_path / "in/deep")]) == (1, 1)
