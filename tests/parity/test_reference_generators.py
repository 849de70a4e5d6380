"""Generators of pytorch-CycleGAN-and-pix2pix and CUT: the same output here, or a line that says what the file is."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from kept import row
from reference_generators import Resnet, Unet, lively
from torch import Tensor, nn

import unpaired
from unpaired.apps.main import main
from unpaired.core.model.importing import import_checkpoint
from unpaired.core.model.model_file import Model

OUT = "out.safetensors"
KINDS: dict[str, Any] = {
    "instance": lambda: Resnet("instance"),
    "instance, drop-out": lambda: Resnet("instance", dropout=True),
    "instance, no biases": lambda: Resnet("instance", bias=False),
    "batch": lambda: Resnet("batch", bias=False),
    "batch, biases": lambda: Resnet("batch", bias=True),
    "none": lambda: Resnet("none", bias=False),
    "none, biases": lambda: Resnet("none", bias=True),
    "no place for norms": lambda: Resnet("left out", bias=True),
    "no place for norms, drop-out": lambda: Resnet("left out", bias=False, dropout=True),
    "cut": lambda: Resnet("instance", blurred=(True, True)),
    "cut, batch": lambda: Resnet("batch", bias=False, blurred=(True, True)),
    "cut, none": lambda: Resnet("none", bias=False, blurred=(True, True)),
    "cut --no_antialias": lambda: Resnet("instance", blurred=(False, True)),
    "cut --no_antialias_up": lambda: Resnet("instance", blurred=(True, False), dropout=True),
    "unet_128 batch": lambda: Unet("batch"),
    "unet_256 batch, drop-out": lambda: Unet("batch", levels=8, dropout=True, filters=2),
    "unet_128 instance": lambda: Unet("instance", bias=True, dropout=True),
    "unet_128 none": lambda: Unet("none"),
    "unet_128 no place for norms": lambda: Unet("left out", bias=True),
}


def imported(content: Any, place: Path, **options: Any) -> tuple[Model, Any]:
    """The model that a saved object becomes, and a translator of it."""
    torch.save(content, place / "net.pth")
    model = import_checkpoint(place / "net.pth", place / OUT, unpaired.Image(size=256), **options)
    return model, unpaired.load(place / OUT, runtime="torch", device="cpu")


def difference(translator: Any, network: nn.Module, side: int = 64) -> float:
    x = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.no_grad():
        y: Tensor = network(x)
    assert y.std() > 0.02  # there is something to compare
    return float((translator(x, "a2b") - y).abs().max())


@row("generator of pytorch-CycleGAN-and-pix2pix or CUT", "ResNet and U-Net, each norm, blurred sampling, drop-out")
@pytest.mark.parametrize("kind", KINDS)
def test_the_output_is_the_references(kind: str, tmp_path: Path) -> None:
    network = lively(KINDS[kind]())
    model, translator = imported(network.state_dict(), tmp_path)
    said = "batch norms use their running statistics" in model.card.get("note", "")
    assert said == ("batch" in kind)
    assert said or model.card == {}  # the file tells everything
    # Biases that go into a mean are rounded once more; all else is the same arithmetic.
    allowed = 1e-5 if kind == "batch, biases" else 1e-6
    assert difference(translator, network, 256 if "256" in kind else 128) <= allowed


@row("generator of pytorch-CycleGAN-and-pix2pix or CUT", "instance norms with running statistics (PyTorch before 0.4)")
@pytest.mark.parametrize("make", [Resnet, lambda: Unet("instance", bias=True)], ids=["resnet", "unet"])
def test_running_statistics_of_instance_norms_are_left_out(make: Any, tmp_path: Path) -> None:
    network = lively(make())
    state = dict(network.state_dict())
    for name, module in network.named_modules():
        if isinstance(module, nn.InstanceNorm2d):
            state[f"{name}.running_mean"] = torch.randn(module.num_features)
            state[f"{name}.running_var"] = torch.rand(module.num_features) + 0.5
            state[f"{name}.num_batches_tracked"] = torch.tensor(3)
    model, translator = imported(state, tmp_path)
    assert difference(translator, network, 128) <= 1e-6
    assert "running statistics of its instance norms are left out" in model.card["note"]


@row("generator of pytorch-CycleGAN-and-pix2pix or CUT", "instance norms or none, if the file does not say")
def test_what_the_file_does_not_tell_is_said(tmp_path: Path) -> None:
    """A plain dictionary has lost the versions of the modules, and neither norm has tensors."""
    with_norms, without = lively(Resnet("instance")), lively(Resnet("none"))
    model, translator = imported(dict(with_norms.state_dict()), tmp_path)
    assert difference(translator, with_norms) <= 1e-6
    assert "assumed to have instance norms" in model.card["note"]
    assert "--norm none" in model.card["note"]
    model, translator = imported(dict(without.state_dict()), tmp_path, norm="none")
    assert difference(translator, without) <= 1e-6
    assert model.card == {}
    plain = lively(Resnet("none", bias=False))
    model, translator = imported(dict(plain.state_dict()), tmp_path)
    assert difference(translator, plain) <= 1e-6
    assert "assumed to have no norms" in model.card["note"]


@pytest.mark.parametrize("kind", ["spectral", "old spectral", "weight", "old weight"])
@pytest.mark.parametrize("make", [Resnet, lambda: Unet("batch")], ids=["resnet", "unet"])
def test_spectral_and_weight_norm_are_folded_in(kind: str, make: Any, tmp_path: Path) -> None:
    network = lively(make())
    wrap: Any = {
        "spectral": nn.utils.parametrizations.spectral_norm,
        "old spectral": nn.utils.spectral_norm,
        "weight": nn.utils.parametrizations.weight_norm,
        "old weight": nn.utils.weight_norm,
    }[kind]
    for module in list(network.modules()):
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            is_unlike = kind.endswith("spectral") and isinstance(module, nn.ConvTranspose2d)
            wrap(module, **({"dim": 1} if is_unlike else {}))
    if kind.endswith("spectral"):
        for _ in range(20):  # what training would do: u and v approach the singular vectors
            network.train()(torch.randn(2, 3, 128, 128))
    network.eval()
    _, translator = imported(network.state_dict(), tmp_path)
    assert difference(translator, network, 128) <= 2e-6


class Early:
    """Pickles a tensor as PyTorch before 0.4 did."""

    def __init__(self, value: Tensor) -> None:
        self.value = value

    def __reduce__(self) -> tuple[Any, ...]:
        value = self.value
        rebuild: Any = torch._utils._rebuild_tensor
        return rebuild, (value.storage(), 0, tuple(value.shape), value.stride())


@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
def test_files_without_a_zip_archive_are_read(tmp_path: Path) -> None:
    network = lively(Resnet())
    early = OrderedDict((name, Early(value)) for name, value in network.state_dict().items())
    for content in (network.state_dict(), early):
        torch.save(content, tmp_path / "net.pth", _use_new_zipfile_serialization=False)
        import_checkpoint(tmp_path / "net.pth", tmp_path / OUT, unpaired.Image(size=64))
        assert difference(unpaired.load(tmp_path / OUT, runtime="torch", device="cpu"), network) <= 1e-6


@row("generator of pytorch-CycleGAN-and-pix2pix or CUT", "several networks in one file")
@pytest.mark.parametrize(
    "key", ["state_dict", "netG", "model", "module", "net.module", "generator.model.module", "_orig_mod"]
)
def test_wrapped_state_dicts_are_taken_out(key: str, tmp_path: Path) -> None:
    for network in (lively(Resnet("none")), lively(Unet("batch", filters=2))):
        state: Any = network.state_dict()
        flat = {f"{key}.{name}": value for name, value in state.items()}
        for part in reversed(key.split(".")):
            state = {part: state, "epoch": 3, "optimizer": {"state": {0: {"exp_avg": torch.zeros(3)}}}}
        _, translator = imported(state, tmp_path)
        assert difference(translator, network, 128) <= 1e-6
        if not isinstance(network, Resnet):
            _, translator = imported(flat, tmp_path)
            assert difference(translator, network, 128) <= 1e-6


def test_one_of_several_generators_is_named(tmp_path: Path) -> None:
    there, back = lively(Resnet(), 1), lively(Resnet(), 2)
    both = {"G_A": there.state_dict(), "G_B": back.state_dict(), "D_A": {"model.0.weight": torch.zeros(8, 3, 4, 4)}}
    with pytest.raises(unpaired.ModelFileError, match=r"holds several generators \(G_A, G_B\); say which .*--part"):
        imported(both, tmp_path)
    with pytest.raises(unpaired.ModelFileError, match=r"no generator named 'G_C'; generators in it: G_A, G_B"):
        imported(both, tmp_path, part="G_C")
    _, translator = imported(both, tmp_path, part="G_A", reverse_part="G_B")
    x = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(translator(x, "a2b"), there(x), atol=1e-6, rtol=0)
        torch.testing.assert_close(translator(x, "b2a"), back(x), atol=1e-6, rtol=0)


def _zero_padded() -> dict[str, Tensor]:
    names = {"conv_block.1": "conv_block.0", "conv_block.5": "conv_block.3"}
    return {
        next((name.replace(old, new) for old, new in names.items() if old in name), name): value
        for name, value in Resnet().state_dict().items()
    }


REFUSED: dict[str, tuple[Any, str]] = {
    "affine": (lambda: Resnet("batch", bias=False).state_dict(), "norms with weight"),
    "zero-padded": (_zero_padded, "layers are in other positions"),
    "discriminator": (
        lambda: {"model.0.weight": torch.zeros(8, 3, 4, 4), "model.2.weight": torch.zeros(1, 8, 4, 4)},
        "seems to be a discriminator; take the file of the generator",
    ),
    "projection": (
        lambda: {"mlp_0.0.weight": torch.zeros(8, 3, 1, 1)},
        r"CUT's projection \(net_F\); take the file of net_G",
    ),
    "stylegan2": (lambda: {"encoder.0.style.weight": torch.zeros(8, 3, 3, 3)}, "StyleGAN2"),
    "larger blur": (
        lambda: {
            name: torch.ones(len(value), 1, 5, 5) / 25 if name.endswith("filt") else value
            for name, value in Resnet(blurred=(True, True)).state_dict().items()
        },
        r"filt is \(\d+, 1, 5, 5\), the recognised network has",
    ),
    "not finite": (
        lambda: {name: value * float("nan") for name, value in Resnet().state_dict().items()},
        "weights that are not finite",
    ),
    "unlike parametrisation": (
        lambda: {**Resnet().state_dict(), "model.1.parametrizations.weight.0.base": torch.zeros(3)},
        "neither spectral norm nor weight norm",
    ),
}


@row("generator of pytorch-CycleGAN-and-pix2pix or CUT", "any other network")
@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_imported_is_named(kind: str, tmp_path: Path) -> None:
    make, message = REFUSED[kind]
    state = dict(make())
    if kind == "affine":
        state = {name: value for name, value in state.items() if "running" not in name}
    with pytest.raises(unpaired.ModelFileError, match=message) as caught:
        imported(state, tmp_path)
    assert not (tmp_path / OUT).exists()
    assert len(str(caught.value).replace(str(tmp_path), "")) <= 300


def test_running_statistics_alone_need_a_word(tmp_path: Path) -> None:
    """Batch norms without weights look like it, and so do early instance norms: the biases would tell them."""
    network = lively(Resnet("batch", bias=False))
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight, module.bias = None, None  # type: ignore[assignment]
    state = network.state_dict()
    with pytest.raises(unpaired.ModelFileError, match="say --norm batch or --norm instance"):
        imported(state, tmp_path)
    _, translator = imported(state, tmp_path, norm="batch")
    assert difference(translator, network) <= 1e-6
    for norm in ("instance", "none"):
        with pytest.raises(unpaired.ModelFileError, match=f"--norm {norm} does not go with"):
            imported(lively(Resnet("batch", bias=False)).state_dict(), tmp_path, norm=norm)
    with pytest.raises(unpaired.ModelFileError, match="--norm batch does not go with"):
        imported(lively(Resnet("none")).state_dict(), tmp_path, norm="batch")
    with pytest.raises(unpaired.ConfigError, match="norm is 'group'; expected one of auto, instance"):
        imported(state, tmp_path, norm="group")


def test_the_command_says_what_it_took_for_granted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = lively(Resnet("none"))
    torch.save({"G_A": dict(network.state_dict()), "G_B": dict(network.state_dict())}, tmp_path / "net.pth")
    words = ["import", str(tmp_path / "net.pth"), str(tmp_path / OUT), "--part", "G_A"]
    assert main(words) == 0
    assert "unpaired: note: assumed to have instance norms" in capsys.readouterr().err
    assert main([*words, "--norm", "none", "--reverse-part", "G_B"]) == 0
    assert "note:" not in capsys.readouterr().err
    assert difference(unpaired.load(tmp_path / OUT, runtime="torch", device="cpu"), network) <= 1e-6
    torch.save(network.state_dict(), tmp_path / "net.pth")
    assert main(["import", str(tmp_path / "net.pth"), str(tmp_path / OUT)]) == 0


def test_half_and_double_precision_files(tmp_path: Path) -> None:
    for kind in (torch.float16, torch.float64):
        network = lively(Resnet())
        state = {name: value.to(kind) for name, value in network.state_dict().items()}
        network.load_state_dict({name: value.float() for name, value in state.items()})
        model, translator = imported(state, tmp_path)
        assert difference(translator, network) <= 1e-6
        assert {value.dtype for value in model.generators["a2b"].state_dict().values()} == {torch.float32}
