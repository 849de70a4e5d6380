"""Values that no program expects: on the command line, in YAML files and in the headers of model files."""

from __future__ import annotations

import json
import os
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from kept import row

import unpaired
from unpaired import TrainingSettings, UnpairedError, load
from unpaired.core.settings.mapping import Text, from_mapping, read_yaml

VALUES = [
    "[" * 1000,
    "{" * 3000,
    "[" * 200 + "]" * 200,
    ".inf",
    "-.inf",
    ".nan",
    "Infinity",
    "NaN",
    "1e999",
    "9" * 5000,
    "-" + "9" * 5000,
    "0x" + "f" * 5000,
    "0x_",
    "2024-13-45",
    "2024-01-01",
    "!!int x",
    "!!int ''",
    "!!float x",
    "!!bool x",
    "!!timestamp x",
    "!!binary x",
    "!!set x",
    "!!omap x",
    "!!python/object/apply:os.system ['true']",
    "&a [*a]",
    "&a [1, *a]",
    "*a",
    "\udcff",
    "\ud800",
    "",
    "-1",
    str(2**63),
    str(2**64),
    "{a: 1, a: 2}",
    "{[1]: 2}",
    "? x",
    "@x",
    "`",
    "%",
    "x" * 5000,
    "\n",
    "\t- a",
    "a: b: c",
]
BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)


def judged(error: UnpairedError, *places: Path) -> None:
    """The message is one line of at most 300 characters, paths aside."""
    message = str(error)
    for place in places:
        message = message.replace(str(place), "")
    assert "\n" not in message
    assert len(message) <= 300, message
    assert not isinstance(error.__cause__, AssertionError)


def read_or_refused(file: Path) -> None:
    """A YAML file is settings, or an UnpairedError."""
    try:
        found = read_yaml(file)
        from_mapping(TrainingSettings, found.get("training", {}), "training")
    except UnpairedError as error:
        judged(error, file)


@row("settings in a YAML file or on the command line", "values out of range, infinite, or of the wrong type")
@pytest.mark.parametrize("value", VALUES, ids=lambda value: ascii(value)[:20])
def test_values_in_a_yaml_file(value: str, tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    for form in ("training: {{seed: {}}}\n", "training:\n  device: {}\n", "training: {}\n", "{}: 3\n", "{}\n"):
        file.write_bytes(form.format(value).encode("utf-8", "surrogatepass"))
        read_or_refused(file)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet="[]{}:,-&*!?|>'\"% \n\tax019.e_~<#@`\\", max_size=60))
@example(text=BOMB)
@example(text="training: {steps: 1, steps: 2}\n")
@example(text="<<: *x\n")
@example(text="a: &a {<<: *a}\n")
def test_any_yaml_is_settings_or_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(text, newline="")
    read_or_refused(tmp_path / "s.yaml")


@settings(max_examples=40, deadline=None)
@given(typed=st.one_of(st.sampled_from(VALUES), st.text(max_size=40), st.integers().map(str), st.floats().map(str)))
def test_anything_typed_for_a_setting_is_that_setting_or_refused(typed: str) -> None:
    for name in ("seed", "steps", "learning_rate", "device", "compile", "best", "precision"):
        try:
            found = from_mapping(TrainingSettings, {name: Text(typed)}, "training")
        except UnpairedError as error:
            judged(error)
        else:
            assert 0 <= found.seed < 2**63
            assert 0 < found.learning_rate < float("inf")


@pytest.mark.parametrize(
    "value", ["[" * 1000, "9" * 5000, "1e999", "!!int x", "\udcff", str(2**63), "2024-13-45", "-1"]
)
def test_values_on_the_command_line(
    value: str, refused: Callable[..., str], train: tuple[str, ...], folders: Path
) -> None:
    words = (*train, "--a", folders / "a", "--b", folders / "b", "--out", folders.parent / "run")
    for option in ("--seed", "--domain.size", "--objective.cycle", "--preset", "--objective", "--domain", "--batch"):
        line = refused(*words, f"{option}={value}")
        assert len(line.replace(str(folders.parent), "")) <= 300 + len("unpaired: ")


@pytest.mark.parametrize(
    ("device", "words"),
    [
        ("cpu:7", "there is one cpu device; take cpu"),
        ("cud", "expected auto, cpu, cuda, cuda:N or mps"),
        ("cuda:x", "expected auto, cpu, cuda, cuda:N or mps"),
        ("cuda:99", "CUDA devices are usable here"),
        ("cuda:-1", "expected auto, cpu, cuda, cuda:N or mps"),
        ("auto:1", "expected auto, cpu, cuda, cuda:N or mps"),
        ("cuda:" + "9" * 5000, "expected auto, cpu, cuda, cuda:N or mps"),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_devices(
    device: str, words: str, refused: Callable[..., str], train: tuple[str, ...], folders: Path, model: Path
) -> None:
    """Every command, and Python, say the same of a device."""
    place, sides = folders.parent, ("--a", folders / "a", "--b", folders / "b")
    for line in (
        refused(*train, *sides, "--out", place / "run", "--device", device),
        refused("convert", model, folders / "a/0.png", place / "y.png", "--device", device),
        refused("evaluate", model, *sides, "--json", place / "y.json", "--device", device),
    ):
        assert line.startswith("unpaired: --device is ")
        assert words in line
    for call in (
        lambda: unpaired.load(model, device=device),
        lambda: unpaired.train(unpaired.Image(), folders / "a", folders / "b", place / "run", device=device),
    ):
        with pytest.raises(unpaired.ConfigError, match=re.escape(words)):
            call()
    assert not (place / "run").exists()


def test_a_device_where_none_is_chosen(refused: Callable[..., str], model: Path, folders: Path) -> None:
    """An export is made, and compared with torch, on the CPU."""
    assert "--device is no option" in refused("export", model, folders.parent / "y.onnx", "--device", "cuda:x")


def test_the_first_processor_is_the_processor(
    unpaired: Callable[..., Any],  # the command line
    train: tuple[str, ...],
    model: Path,
    folders: Path,
) -> None:
    assert load(model, runtime="torch", device="cpu:0").choice.device == "cpu"
    place, sides = folders.parent, ("--a", folders / "a", "--b", folders / "b")
    for words in (
        (*train, *sides, "--out", place / "run", "--workers", "0"),
        ("convert", model, folders / "a/0.png", place / "y.png"),
        ("evaluate", model, *sides),
    ):
        done = unpaired(*words, "--device", "cpu:0")
        assert done.code == 0, done.err


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode on Windows")
def test_names_that_are_no_unicode(  # the fixture is the command line
    unpaired: Callable[..., Any], train: tuple[str, ...], folders: Path
) -> None:
    """Half a surrogate pair stands for a byte that is no UTF-8: such files are trained on and converted as others."""
    (folders / "a").rename(folders / "a\udcff")
    (folders / "a\udcff/0.png").rename(folders / "a\udcff/\udcfe.png")
    run = folders.parent / "run"
    assert unpaired(*train, "--a", folders / "a\udcff", "--b", folders / "b", "--out", run).code == 0
    assert unpaired("train", "--out", run, "--resume", "--steps", "3").code == 0
    assert unpaired("convert", run, folders / "a\udcff/\udcfe.png", folders.parent / "y\udcff.png").code == 0
    assert (folders.parent / "y\udcff.png").is_file()


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode on Windows")
def test_a_run_folder_that_is_no_unicode(refused: Callable[..., str], train: tuple[str, ...], folders: Path) -> None:
    words = (*train, "--a", folders / "a", "--b", folders / "b", "--out", folders.parent / "run\udcff")
    assert "is no name in UTF-8; name another folder for the run" in refused(*words)


# -- headers ----------------------------------------------------------------------------------------
def rewritten(model: Path, target: Path, header: str) -> Path:
    """The model with another text in place of our header."""
    content = model.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    whole = json.loads(content[8 : 8 + length])
    whole["__metadata__"]["unpaired"] = header
    text = json.dumps(whole).encode()
    target.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + length :])
    return target


def own(model: Path) -> dict[str, Any]:
    content = model.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header: dict[str, Any] = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["unpaired"])
    return header


HEADERS = [
    "[" * 1000, "[" * 100_000, '{"format": 1, "x": ' + "[" * 900 + "]" * 900 + "}", '{"format": 1e999}',
    '{"format": ' + "9" * 5000 + "}", '{"format": Infinity}', '{"format": NaN}', "null", '"\\ud800"',
    '{"format": 1, "card": {"note": "\\ud800"}}', '{"format": 1, "metrics": {"x": -Infinity}}',
]  # fmt: skip


@row("model file", "an impossible header")
@pytest.mark.parametrize("header", HEADERS, ids=lambda header: header[:24])
def test_headers_that_are_no_document(header: str, model: Path, tmp_path: Path) -> None:
    with pytest.raises(unpaired.ModelFileError) as caught:
        unpaired.load(rewritten(model, tmp_path / "m.safetensors", header))
    judged(caught.value, tmp_path)


ODD = st.one_of(
    st.sampled_from(
        [10**6, 2**62, 2**63, 10**30, -1, 0, 1.5, 1e308, True, None, "x", "9" * 5000, "\ud800", "\0", [], {}]
    ),
    st.recursive(st.one_of(st.integers(), st.floats(), st.text(max_size=5)), lambda each: st.lists(each, max_size=3)),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), value=ODD)
def test_any_value_in_a_header_is_read_or_refused(data: st.DataObject, value: Any, model: Path, tmp_path: Path) -> None:
    """Huge sizes are refused before memory is taken for them: this test has little."""
    header = own(model)
    place: Any = header
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
            place = place[key]
            continue
        place[key] = value
        break
    try:
        unpaired.load(rewritten(model, tmp_path / "m.safetensors", json.dumps(header)), runtime="torch", device="cpu")
    except UnpairedError as error:
        judged(error, tmp_path)


@pytest.mark.parametrize("runtime", ["torch", "openvino", "onnx"])
def test_another_default_type_changes_nothing(runtime: str, model: Path) -> None:
    x = torch.rand(1, 3, 32, 32) * 2 - 1
    expected = unpaired.load(model, runtime, "cpu")(x)
    earlier = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        translator = unpaired.load(model, runtime, "cpu")
        y = translator(x)
        z, statistics = translator.for_direction().with_statistics(x, None, 1.0)
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(earlier)
    assert (y.dtype, z.dtype, statistics.dtype) == (torch.float32,) * 3
    assert torch.equal(y, expected)
