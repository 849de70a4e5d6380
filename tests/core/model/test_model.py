"""The model file: a round trip, and every way it can be wrong."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from toy import Arrays, ArraySettings

import unpaired
from unpaired.core.model.model_file import FORMAT, Model, load_model, read_header, save_model
from unpaired.core.networks.presets import default_networks
from unpaired.core.networks.settings import NetworkSettings


@pytest.fixture
def model() -> Model:
    networks = default_networks(2, 2, 3, "tiny", NetworkSettings(filters=4, blocks=1))
    generators = {
        "a2b": networks.generator_a2b.build("generators").eval(),
        "b2a": networks.generator_b2a.build("generators").eval(),
    }
    domain = Arrays(ArraySettings(channels_a=2, channels_b=3))
    return Model(generators, networks, domain, ("day", "night"), 7, {"kid": 0.5}, "abc", {"licence": "CC0"})


@pytest.fixture
def saved(model: Model, tmp_path: Path) -> Path:
    save_model(model, tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def rewrite(path: Path, change: dict[str, Any] | None = None, tensors: dict[str, torch.Tensor] | None = None) -> None:
    header = {**read_header(path), **(change or {})}
    save_file({**load_file(path), **(tensors or {})}, path, metadata={"unpaired": json.dumps(header)})


def test_a_round_trip_keeps_everything(model: Model, saved: Path) -> None:
    again = load_model(saved, Arrays)
    assert (again.names, again.step, again.metrics, again.data_hash, again.card) == (
        model.names, model.step, model.metrics, model.data_hash, model.card
    )  # fmt: skip
    assert again.networks == model.networks
    assert again.domain.settings == model.domain.settings
    x = torch.randn(1, 2, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(again.generators["a2b"](x), model.generators["a2b"](x), atol=0, rtol=0)
    assert not any(p.requires_grad for p in again.generators["b2a"].parameters())


def test_half_precision_halves_the_file_and_loads_in_fp32(model: Model, tmp_path: Path) -> None:
    save_model(model, tmp_path / "whole.safetensors")
    save_model(model, tmp_path / "half.safetensors", half=True)
    assert (tmp_path / "half.safetensors").stat().st_size < 0.75 * (tmp_path / "whole.safetensors").stat().st_size
    half = load_model(tmp_path / "half.safetensors", Arrays)
    assert next(half.generators["a2b"].parameters()).dtype == torch.float32


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": FORMAT + 1}, "made by a newer version"),
        ({"format": None}, "without a format version"),
        ({"directions": []}, "names no generator"),
        ({"networks": {}}, "header that cannot be used"),
        ({"domain": {"name": "arrays", "settings": {"colour": 1}}}, "colour"),
        ({"names": []}, "header that cannot be used"),
    ],
)
def test_headers_that_are_refused(saved: Path, change: dict[str, Any], message: str) -> None:
    rewrite(saved, change)
    with pytest.raises(unpaired.ModelFileError, match=message):
        load_model(saved, Arrays)


def test_a_header_cannot_ask_for_terabytes(saved: Path) -> None:
    networks = read_header(saved)["networks"]
    networks["generator_a2b"]["options"]["filters"] = 1024
    rewrite(saved, {"networks": networks})
    with pytest.raises(unpaired.ModelFileError, match="does not match its header"):
        load_model(saved, Arrays)
    networks["generator_a2b"]["options"]["blocks"] = 10**12
    rewrite(saved, {"networks": networks})
    with pytest.raises(unpaired.ModelFileError, match="blocks is 1000000000000"):
        load_model(saved, Arrays)


def test_tensors_that_do_not_fit(saved: Path) -> None:
    name = next(iter(load_file(saved)))
    rewrite(saved, tensors={name: torch.zeros(1)})
    with pytest.raises(unpaired.ModelFileError, match="does not match its header"):
        load_model(saved, Arrays)


def test_weights_that_are_not_numbers(saved: Path) -> None:
    name, value = next(iter(load_file(saved).items()))
    rewrite(saved, tensors={name: torch.full_like(value, float("nan"))})
    with pytest.raises(unpaired.ModelFileError, match="not finite"):
        load_model(saved, Arrays)


def test_a_domain_that_is_not_installed(saved: Path) -> None:
    with pytest.raises(unpaired.UnknownName, match=r"no domain named .arrays. is installed; installed: .*image"):
        load_model(saved)


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        return (exec, (f"open({str(self.path)!r}, 'w').close()",))


def test_a_pickle_in_disguise_is_not_executed(tmp_path: Path) -> None:
    trap, sprung = tmp_path / "model.safetensors", tmp_path / "sprung"
    trap.write_bytes(pickle.dumps(Trap(sprung)))
    with pytest.raises(unpaired.ModelFileError, match="is not a safetensors model file"):
        load_model(trap)
    torch.save({"weights": Trap(sprung)}, trap)
    with pytest.raises(unpaired.ModelFileError):
        load_model(trap)
    assert not sprung.exists()


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_a_file_cut_short(saved: Path, share: float) -> None:
    content = saved.read_bytes()
    saved.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(unpaired.ModelFileError):
        load_model(saved, Arrays)


def test_no_file_and_somebody_elses_file(tmp_path: Path) -> None:
    with pytest.raises(unpaired.MissingFile, match="no model file at"):
        load_model(tmp_path / "none.safetensors")
    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(unpaired.ModelFileError, match="no unpaired model header"):
        load_model(tmp_path / "other.safetensors")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
def test_others_may_read_a_model_as_far_as_the_umask_lets_them(saved: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.touch()
    assert saved.stat().st_mode == plain.stat().st_mode
