"""Model files that are damaged, hostile, of another version, or made for what is not installed."""

from __future__ import annotations

import json
import pickle
import struct
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from unpaired import UnpairedError, load

Refused = Callable[..., str]


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """Where a test puts its bad model."""
    return tmp_path / "bad.safetensors"


@pytest.fixture
def told(refused: Refused, folders: Path, tmp_path: Path, bad: Path) -> Callable[[], str]:
    """What the command line says of the bad model; every command that takes a model says the same."""

    def call() -> str:
        line = refused("convert", bad, folders / "a/0.png", tmp_path / "out.png")
        assert refused("export", bad, tmp_path / "out.onnx") == line
        assert refused("evaluate", bad, "--a", folders / "a", "--b", folders / "b") == line
        return line

    return call


def parts(file: Path) -> tuple[dict[str, Any], bytes]:
    """The header and the data of a safetensors file."""
    content = file.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def put_together(file: Path, header: dict[str, Any], data: bytes) -> None:
    text = json.dumps(header).encode()
    file.write_bytes(struct.pack("<Q", len(text)) + text + data)


def changed(model: Path, bad: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Write the model with another header of ours."""
    header, data = parts(model)
    ours = json.loads(header["__metadata__"]["unpaired"])
    change(ours)
    header["__metadata__"]["unpaired"] = json.dumps(ours)
    put_together(bad, header, data)


def test_a_model_that_is_not_there(refused: Refused, folders: Path, tmp_path: Path) -> None:
    source, target = folders / "a/0.png", tmp_path / "out.png"
    assert "no model named 'day2nigth'" in refused("convert", "day2nigth", source, target)
    assert "there is no model at" in refused("convert", tmp_path / "none.safetensors", source, target)
    assert "holds no model.safetensors" in refused("convert", folders, source, target)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 7,
        b"\xff" * 200,
        b"text that is no model",
        struct.pack("<Q", 2**40) + b"{}",
        b"\x02" + b"\0" * 7 + b"{}",
    ],
    ids=["empty", "short", "noise", "text", "header beyond the file", "no tensors"],
)
def test_what_is_no_model_file(content: bytes, bad: Path, told: Callable[[], str]) -> None:
    bad.write_bytes(content)
    assert str(bad) in told()


def test_a_truncated_model(model: Path, bad: Path, told: Callable[[], str]) -> None:
    content = model.read_bytes()
    for length in (len(content) - 1, len(content) // 2, 100):
        bad.write_bytes(content[:length])
        assert str(bad) in told()


def test_weights_without_our_header(bad: Path, told: Callable[[], str]) -> None:
    save_file({"x": torch.zeros(3)}, bad)
    assert "holds no unpaired model header" in told()
    save_file({"x": torch.zeros(3)}, bad, metadata={"unpaired": "{"})
    assert "damaged header" in told()
    save_file({"x": torch.zeros(3)}, bad, metadata={"unpaired": "[1]"})
    assert str(bad) in told()


def test_a_model_made_by_a_newer_version(model: Path, bad: Path, told: Callable[[], str]) -> None:
    changed(model, bad, lambda header: header.update(format=2))
    assert "newer version" in told()


def test_a_model_for_what_is_not_installed(model: Path, bad: Path, told: Callable[[], str]) -> None:
    changed(model, bad, lambda header: header["domain"].update(name="smell"))
    assert "no domain named 'smell' is installed" in told()
    changed(model, bad, lambda header: header["networks"]["generator_a2b"].update(architecture="os.system"))
    assert "os.system" in told()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("filters", 16),
        ("filters", 10**9),
        ("filters", -1),
        ("filters", "8"),
        ("blocks", 2),
        ("blocks", 10**9),
        ("norm", "batch"),
        ("upsampling", "resize"),
        ("in_channels", 1),
        ("dimensions", 3),
        ("dimensions", 4),
        ("surprise", 1),
        ("dropout", None),
    ],
)
def test_a_header_that_does_not_fit_its_weights(
    option: str, value: Any, model: Path, bad: Path, told: Callable[[], str]
) -> None:
    changed(model, bad, lambda header: header["networks"]["generator_a2b"]["options"].update({option: value}))
    assert str(bad) in told()


@pytest.mark.parametrize("key", ["format", "domain", "networks", "directions", "names", "step", "metrics", "card"])
@pytest.mark.parametrize("value", [None, 3, "x", [], {}, [[]], {"name": {}}])
def test_a_header_with_a_field_of_another_type(key: str, value: Any, model: Path, bad: Path) -> None:
    """Refused in an orderly way, or read as if the field were plain; never anything else."""
    changed(model, bad, lambda header: header.update({key: value}))
    with suppress(UnpairedError):
        load(bad, runtime="torch", device="cpu")


def test_wrong_shapes_are_seen_before_memory_is_taken(model: Path, bad: Path, told: Callable[[], str]) -> None:
    tensors = load_file(model)
    header = json.loads(parts(model)[0]["__metadata__"]["unpaired"])
    name = next(name for name, value in tensors.items() if value.dim() == 4)
    for wrong in (tensors[name][:1], tensors[name].flatten(), torch.zeros(0)):
        save_file({**tensors, name: wrong.contiguous()}, bad, metadata={"unpaired": json.dumps(header)})
        assert "does not match its header" in told()
    del tensors[name]
    save_file(tensors, bad, metadata={"unpaired": json.dumps(header)})
    assert "does not match its header" in told()


def test_weights_that_are_not_finite(model: Path, bad: Path, told: Callable[[], str]) -> None:
    tensors = load_file(model)
    name = next(iter(tensors))
    tensors[name] = torch.full_like(tensors[name], float("nan"))
    save_file(tensors, bad, metadata=parts(model)[0]["__metadata__"])
    assert "not finite" in told()


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("form", ["pickle", "torch", "zip"])
def test_a_pickle_in_disguise_is_never_executed(
    form: str, bad: Path, told: Callable[[], str], refused: Refused, tmp_path: Path
) -> None:
    mark = tmp_path / "executed"
    if form == "pickle":
        bad.write_bytes(pickle.dumps({"model.1.weight": Trap(mark)}))
    elif form == "torch":
        torch.save({"model.1.weight": Trap(mark)}, bad)
    else:
        with zipfile.ZipFile(bad, "w") as archive:
            archive.writestr("archive/data.pkl", pickle.dumps(Trap(mark)))
    assert str(bad) in told()
    checkpoint = bad.rename(tmp_path / "net.pth")
    assert str(checkpoint) in refused("import", checkpoint, tmp_path / "out.safetensors")
    assert not mark.exists()


def test_a_checkpoint_that_is_no_generator(refused: Refused, tmp_path: Path) -> None:
    file, out = tmp_path / "net.pth", tmp_path / "out.safetensors"
    for content in (
        {},
        {"a": 3},
        [1],
        {"a": torch.zeros(2)},
        {"model.1.weight": torch.zeros(4, 3, 7, 7)},
        {"model.10.conv_block.1.weight": torch.zeros(4, 4, 3, 3)},
        {"model.model.0.weight": torch.zeros(1, 1, 4, 4)},
    ):
        torch.save(content, file)
        assert str(file) in refused("import", file, out)
    file.write_bytes(b"")
    assert str(file) in refused("import", file, out)
    assert str(tmp_path / "none.pth") in refused("import", tmp_path / "none.pth", out)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_model_with_any_byte_changed_is_read_or_refused(model: Path, tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(model.read_bytes())
    (length,) = struct.unpack("<Q", content[:8])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, 8 + length - 1))] = data.draw(st.integers(0, 255))
    file = tmp_path / "fuzzed.safetensors"
    file.write_bytes(content)
    with suppress(UnpairedError):
        load(file, runtime="torch", device="cpu")
