"""Checkpoints of pytorch-CycleGAN-and-pix2pix: recognised from the state dict alone, same output."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import unpaired
from unpaired.core.model.importing import import_checkpoint, read_state, recognise, rename
from unpaired.core.networks.spec import NetworkSpec


def test_recorded_outputs_are_reproduced(shared: Path, tmp_path: Path) -> None:
    files = sorted((shared / "golden" / "checkpoints").glob("*.pth"))
    assert len(files) == 2
    for file in files:
        out = tmp_path / f"{file.stem}.safetensors"
        import_checkpoint(file, out, unpaired.Image(size=128))
        recorded = load_file(file.with_suffix(".io.safetensors"))
        translated = unpaired.load(out, runtime="torch", device="cpu")(recorded["x"], "a2b")
        torch.testing.assert_close(translated, recorded["y"], rtol=0, atol=1e-5)


def test_the_architecture_is_read_off_the_tensors(shared: Path) -> None:
    folder = shared / "golden" / "checkpoints"
    resnet = folder / "latest_net_G_A.resnet_9blocks.ngf8.pth"
    unet = folder / "latest_net_G.unet_128.ngf4.batch.pth"
    channels = {"in_channels": 3, "out_channels": 3}
    assert recognise(read_state(resnet), resnet) == NetworkSpec(
        "resnet", {**channels, "filters": 8, "norm": "instance", "blocks": 9}
    )
    assert recognise(read_state(unet), unet) == NetworkSpec(
        "unet", {**channels, "filters": 4, "norm": "batch", "levels": 7}
    )


@pytest.fixture
def reference(golden: Path) -> dict[str, torch.Tensor]:
    weights = load_file(golden / "cyclegan-small" / "init.safetensors")
    return {key.removeprefix("G_A."): value.float() for key, value in weights.items() if key.startswith("G_A.")}


def test_safetensors_and_data_parallel_names_are_read_too(reference: dict[str, torch.Tensor], tmp_path: Path) -> None:
    save_file({f"module.{key}": value for key, value in reference.items()}, tmp_path / "net.safetensors")
    model = import_checkpoint(tmp_path / "net.safetensors", tmp_path / "out.safetensors", unpaired.Image(size=32))
    assert list(model.generators) == ["a2b"]
    assert unpaired.load(tmp_path / "out.safetensors", runtime="torch")(torch.zeros(1, 3, 32, 32)).shape == (
        1,
        3,
        32,
        32,
    )


def test_both_directions(reference: dict[str, torch.Tensor], tmp_path: Path) -> None:
    torch.save(reference, tmp_path / "net.pth")
    out = tmp_path / "out.safetensors"
    import_checkpoint(tmp_path / "net.pth", out, unpaired.Image(size=32), "b2a", reverse=tmp_path / "net.pth")
    translator = unpaired.load(out, runtime="torch")
    x = torch.randn(1, 3, 32, 32)
    torch.testing.assert_close(translator(x, "a2b"), translator(x, "b2a"))


def test_what_is_no_generator_is_refused(reference: dict[str, torch.Tensor], tmp_path: Path) -> None:
    domain, file, out = unpaired.Image(size=32), tmp_path / "net.pth", tmp_path / "out.safetensors"

    def refused(kind: type[unpaired.UnpairedError], message: str) -> None:
        with pytest.raises(kind, match=message):
            import_checkpoint(file, out, domain)
        assert not out.exists()

    refused(unpaired.MissingFile, "no checkpoint at")
    file.write_text("text")
    refused(unpaired.ModelFileError, "not a plain state dict")
    file.write_bytes(pickle.dumps(print))
    refused(unpaired.ModelFileError, "not a plain state dict")
    torch.save([1, 2], file)
    refused(unpaired.ModelFileError, "holds list, expected a state dict")
    torch.save({"fc.weight": torch.zeros(3, 3)}, file)
    refused(unpaired.ModelFileError, "no two-dimensional convolution")
    torch.save({"layer.weight": torch.zeros(3, 3, 3, 3)}, file)
    refused(unpaired.ModelFileError, "neither a ResNet nor a U-Net generator")
    torch.save({key: value for key, value in reference.items() if ".conv_block.5.bias" not in key}, file)
    refused(unpaired.ModelFileError, "tensors, the recognised network has")
    torch.save(reference, file)
    domain = unpaired.Image(size=32, mode="grey")
    refused(unpaired.ConfigError, "translates 3 to 3 channels, the domain 'image' has 1 and 1")


ODD = {
    "without values": lambda weight: weight.to("meta"),
    "sparse_coo": lambda weight: weight.to_sparse(),
    "of int8": lambda weight: (10 * weight).to(torch.int8),
    "of complex64": lambda weight: weight.to(torch.complex64),
    "of qint8": lambda weight: torch.quantize_per_tensor(weight, 0.1, 0, torch.qint8),
}


@pytest.mark.filterwarnings("ignore")  # torch is about to drop quantised tensors
@pytest.mark.parametrize("what", ODD)
def test_weights_that_are_no_plain_floats_are_refused(
    what: str, reference: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    torch.save({name: ODD[what](value) for name, value in reference.items()}, tmp_path / "net.pth")
    with pytest.raises(unpaired.ModelFileError, match=f"model.1.bias is .*{what}.*; expected the plain weights"):
        import_checkpoint(tmp_path / "net.pth", tmp_path / "out.safetensors", unpaired.Image(size=32))
    assert not (tmp_path / "out.safetensors").exists()


def test_order_of_names_does_not_matter(reference: dict[str, torch.Tensor]) -> None:
    network = NetworkSpec("resnet", {"in_channels": 3, "out_channels": 3, "filters": 4, "blocks": 6}).build(
        "generators"
    )
    shuffled = dict(sorted(reference.items(), reverse=True))
    one, other = rename(reference, network), rename(shuffled, network)
    assert all(torch.equal(one[key], other[key]) for key in one)
