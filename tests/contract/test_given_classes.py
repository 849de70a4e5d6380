"""Generators, discriminators and objectives of one's own, given as classes in Python: judged before the first step,
resumed and converted, and what the command line says of such a run."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from contract.conftest import Install
from safetensors.torch import load_file
from torch import Tensor, nn
from toy import Arrays, write_arrays

import unpaired
from unpaired.apps.main import main
from unpaired.core.model.model_file import read_header
from unpaired.core.networks.norm import InstanceNorm
from unpaired.core.objectives.cut import Cut
from unpaired.core.objectives.cycle import Cycle
from unpaired.core.objectives.objective import Objective
from unpaired.core.settings.mapping import read_yaml, write_yaml
from unpaired.core.training import checkpoints


class Plain(nn.Module):
    """A generator of two layers."""

    multiple, minimum = 1, 4

    def __init__(self, in_channels: int, out_channels: int, filters: int = 4) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, filters, 3, padding=1), InstanceNorm(filters), nn.ReLU(),
            nn.Conv2d(filters, out_channels, 3, padding=1), nn.Tanh(),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Judge(nn.Module):
    """A discriminator of one layer."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.layer = nn.Conv2d(in_channels, 1, 4, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


class Smooth(Cycle):
    """The cycle with one more loss."""

    def auxiliary_losses(
        self, discriminators: Any, side: Any, batch: Any, translated: Mapping[str, Tensor]
    ) -> tuple[Mapping[str, Tensor], Mapping[str, Tensor]]:
        return {f"smooth_{side}": translated["x"].diff().abs().mean()}, {}


OWN = f"{__name__}:Plain"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for side, offset in (("a", 0.3), ("b", -0.3)):
        write_arrays(tmp_path / side, 3, ord(side), offset)
    return tmp_path


def train(data: Path, out: str = "run", generator: Any = Plain, discriminator: Any = Judge, **options: Any) -> Path:
    given: dict[str, Any] = {"steps": 4, "workers": 0, "device": "cpu", "precision": "fp32", "preset": "tiny"}
    networks = unpaired.NetworkSettings(generator=generator, discriminator=discriminator)
    return unpaired.train(
        Arrays(), data / "a", data / "b", data / out, networks=networks, **{**given, **options}
    ).parent


def weights(run: Path) -> dict[str, Tensor]:
    return load_file(checkpoints.listed(run)[-1] / "weights.safetensors")


# -- what they are for --------------------------------------------------------------------------------
def test_a_run_of_ones_own_classes_goes_on_bitwise_and_is_loaded_with_them(data: Path) -> None:
    whole = train(data, "whole", objective_name=Smooth)
    train(data, "parts", objective_name=Smooth, checkpoint_every=2)
    shutil.rmtree(checkpoints.listed(data / "parts")[-1])
    parts = train(data, "parts", objective_name=Smooth, resume=True, checkpoint_every=2)
    assert all(torch.equal(value, weights(parts)[name]) for name, value in weights(whole).items())
    config = read_yaml(whole / "config.yaml")
    assert config["networks"]["generator"] == OWN
    assert config["objective"]["name"] == f"{__name__}:Smooth"
    assert read_header(whole / "model.safetensors")["networks"]["generator_a2b"] == {
        "architecture": OWN, "options": {"in_channels": 2, "out_channels": 2, "filters": 8},
    }  # fmt: skip
    for name in (whole, f"{whole}@latest", f"{whole}@4", whole / "checkpoints" / "step-00000004"):
        translator = unpaired.load(name, domain=Arrays, generator=Plain)
        assert translator(torch.zeros(1, 2, 9, 9).uniform_()).shape == (1, 2, 9, 9)
    train(data, "more", start_from=str(whole), steps=1)


def test_a_class_that_is_registered_is_recorded_by_its_name(data: Path) -> None:
    from unpaired.core.networks.resnet import ResnetGenerator

    assert unpaired.NetworkSettings(generator=ResnetGenerator) == unpaired.NetworkSettings(generator="resnet")
    run = train(data, generator="resnet", discriminator="patchgan", objective_name=Cut, steps=1)
    assert read_yaml(run / "config.yaml")["objective"]["name"] == "cut"


def test_a_run_of_an_earlier_version_knew_a_class_by_its_name_alone(data: Path) -> None:
    run = train(data, objective_name=Smooth, steps=1)
    config = read_yaml(run / "config.yaml")
    config["objective"]["name"] = "Smooth"
    write_yaml(run / "config.yaml", config)
    train(data, objective_name=Smooth, steps=2, resume=True)


def test_another_class_does_not_go_with_a_run(data: Path) -> None:
    run = train(data, steps=1)
    with pytest.raises(unpaired.UnknownName, match=r"Plain'; the class given is torch\.nn\.modules\.conv:Conv2d"):
        unpaired.load(run, domain=Arrays, generator=nn.Conv2d)
    with pytest.raises(unpaired.ArgumentError, match="generator is 'Plain'; expected a class"):
        unpaired.load(run, domain=Arrays, generator="Plain")  # type: ignore[arg-type]
    with pytest.raises(unpaired.ConfigError, match="cannot be resumed with other settings: networks"):
        train(data, discriminator="patchgan", resume=True)


def test_a_file_names_classes_and_brings_nothing_of_them(data: Path, tmp_path: Path) -> None:
    """A name is looked up among what is given and what is registered: no module is imported for it."""
    run = train(data, steps=1)
    (tmp_path / "evil_module.py").write_text("raise SystemExit('imported')\n")
    sys.path.insert(0, str(tmp_path))
    try:
        for name in ("evil_module:Net", "os:system"):
            text = (run / "model.safetensors").read_bytes()
            padded = name.encode().ljust(len(OWN))[: len(OWN)]
            (tmp_path / "hostile.safetensors").write_bytes(text.replace(OWN.encode(), padded))
            with pytest.raises(unpaired.UnpairedError, match="no installed package registers"):
                unpaired.load(tmp_path / "hostile.safetensors", domain=Arrays)
    finally:
        sys.path.remove(str(tmp_path))
    assert "evil_module" not in sys.modules


# -- the command line ---------------------------------------------------------------------------------
LINES = f'[project.entry-points."unpaired.generators"] plain = "{OWN}"'


def test_the_command_line_says_where_to_register_them(
    data: Path, install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install("toy-package", "arrays", "toy:Arrays")
    run = train(data, objective_name=Smooth, steps=1)
    file = next((data / "a").iterdir())
    commands = [
        ("convert", run, file, data / "out.npy"), ("evaluate", run, "--a", data / "a", "--b", data / "b"),
        ("export", run, data / "out.onnx"), ("train", "--out", run, "--resume"),
    ]  # fmt: skip
    capsys.readouterr()
    for words in commands:
        assert main([str(word) for word in words]) == 2, words
        told = capsys.readouterr().err
        assert (LINES if words[0] != "train" else 'unpaired.objectives"] smooth = "') in told
        assert len(told.strip().splitlines()) == 1
    assert main(["runs", str(data)]) == 0
    assert not list(data.glob("out.*"))


def test_a_class_is_found_once_it_is_registered(
    data: Path, install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train(data, objective_name=Smooth, steps=1)
    install("toy-package", "arrays", "toy:Arrays")
    groups = f"[unpaired.generators]\nflat = {OWN}\n[unpaired.discriminators]\njudge = {__name__}:Judge\n"
    install("own-package", "smooth", f"{__name__}:Smooth", None, "objectives", groups)
    assert main(["convert", str(run), str(next((data / "a").iterdir())), str(data / "out.npy")]) == 0
    assert main(["train", "--out", str(run), "--resume", "--steps", "2", "--device", "cpu"]) == 0
    train(data, objective_name=Smooth, steps=3, resume=True)
    assert read_yaml(run / "config.yaml")["networks"]["generator"] == "flat"


def test_a_class_of_a_script_is_told_to_move(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Inner(Plain):
        pass

    run = train(data, generator=Inner, steps=1)
    assert unpaired.load(run, domain=Arrays, generator=Inner).model.step == 1
    with pytest.raises(unpaired.UnknownName, match=r"move Inner to the top of a module, write .* inner = \"MODULE:Inn"):
        unpaired.load(run, domain=Arrays)


# -- what is wrong with them --------------------------------------------------------------------------
class Bare(nn.Conv2d):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 1)


class Picky(Plain):
    def __init__(self, in_channels: int, out_channels: int, width: int) -> None:
        super().__init__(in_channels, out_channels, width)


class Text(Plain):
    multiple = "4"  # type: ignore[assignment]


class OneChannel(Plain):
    def __init__(self) -> None:
        super().__init__(1, 1)


class Half(Plain):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)[..., ::2]


class Pair(Plain):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x), x  # type: ignore[return-value]


class Raising(Plain):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward({}["features"])


class Idle(nn.Module):
    multiple, minimum, in_channels = 1, 1, 2


class Unready(Plain):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        raise ValueError("no weights at hand")


class Empty(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x[:0]


class Sequence(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return [x]  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"generator": Bare}, "Bare is no generator: it has no multiple, no minimum; set them in __init__"),
        ({"generator": Picky}, r"Picky cannot be made: missing a required argument: 'width'; it is given in_channels, "
                               "out_channels, so give any other argument a default"),
        ({"generator": Text}, r"Text\.multiple is '4'; give a whole number from 1"),
        ({"generator": OneChannel}, r"OneChannel\.in_channels is 1; expected 2, as samples of A have"),
        ({"generator": Half}, r"Half\.forward gave \(1, 2, 32, 16\) for \(1, 2, 32, 32\); expected \(1, 2, 32, 32\)"),
        ({"generator": Pair}, r"Pair\.forward gave a tuple for \(1, 2, 32, 32\); expected one tensor"),
        ({"generator": Raising}, r"^Raising\.forward raised KeyError: 'features' for a batch \(1, 2, 32, 32\) "
                                 r"\(test_given_classes\.py, line \d+\)$"),
        ({"generator": Idle}, r"Idle has no method forward\(x\); define it"),
        ({"generator": Unready}, r"Unready\.__init__ raised ValueError: no weights at hand \(test_given"),
        ({"generator": Arrays}, r"networks\.generator is the class Arrays; expected a torch\.nn\.Module"),
        ({"generator": Plain(2, 2)}, r"networks\.generator is Plain.*; expected text or a class \(in Python\) or null"),
        ({"discriminator": Empty}, r"Empty\.forward gave \(0, 2, 32, 32\) for \(1, 2, 32, 32\); expected logits"),
        ({"discriminator": Sequence}, r"Sequence\.forward gave a list for .*; expected one tensor"),
        ({"objective_name": Plain}, "Plain is not a subclass of unpaired.core.objectives.Objective"),
        ({"objective_name": Objective}, "Objective has no __init__, discriminator_step, generator_step, settings_type"),
    ],
)  # fmt: skip
def test_what_a_class_lacks_is_told_before_the_first_step(data: Path, given: dict[str, Any], words: str) -> None:
    with pytest.raises(unpaired.UnpairedError, match=words) as caught:
        train(data, **given)
    assert "\n" not in str(caught.value)
    assert not (data / "run").exists()


class Counting(Plain):
    """Computes with values: it cannot be tried without."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * min(1.0, float(x.detach().abs().max()) + 0.1)


def test_a_network_that_needs_values_is_left_to_the_first_step(data: Path) -> None:
    assert train(data, generator=Counting, steps=1).is_dir()


def test_a_class_that_other_processes_cannot_get(data: Path) -> None:
    class Local(Plain):
        pass

    class LocalObjective(Smooth):
        pass

    for given in ({"generator": Local}, {"objective_name": LocalObjective}):
        with pytest.raises(
            unpaired.ConfigError, match=r"the (generator|objective) Local\w* cannot be pickled .*at the top of a module"
        ):
            train(data, processes=2, batch=2, **given)
    assert not (data / "run").exists()


def test_a_plan_takes_classes_that_a_process_of_its_own_can_get(data: Path) -> None:
    class Local(Plain):
        pass

    networks = unpaired.NetworkSettings(generator=Local)
    with pytest.raises(unpaired.ConfigError, match="the generator Local cannot be pickled"):
        unpaired.plan_training(Arrays(), data / "a", data / "b", networks=networks, steps=5, workers=0, device="cpu")


@pytest.mark.slow
def test_two_processes_train_classes_of_a_module(data: Path) -> None:
    assert train(data, processes=2, objective_name=Smooth, steps=2).is_dir()


def test_a_class_of_an_interactive_session_trains_alone(data: Path) -> None:
    code = (
        f"import sys; sys.path[:0] = {[str(Path(__file__).parents[1])]!r}\n"
        "from contract.test_given_classes import Plain, train\nfrom pathlib import Path\nimport unpaired\n"
        "class Mine(Plain): pass\n"
        f"train(Path({str(data)!r}), generator=Mine, steps=1)\n"
        "try:\n"
        f"    train(Path({str(data)!r}), 'two', generator=Mine, steps=1, processes=2)\n"
        "except unpaired.ConfigError as error:\n"
        "    assert 'Mine is defined in an interactive session' in str(error), error\n"
        "    print('told')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.endswith("told\n"), done.stderr
    assert read_header(data / "run" / "model.safetensors")["networks"]["generator_a2b"]["architecture"] == (
        "__main__:Mine"
    )


# -- what they raise later ----------------------------------------------------------------------------
class Wrong(Smooth):
    def auxiliary_losses(self, *given: Any) -> Any:
        if self.step == 1:
            return {"smooth": given[3]["warped"].mean()}, {}
        return {}, {}


@pytest.mark.parametrize("processes", [1, 2])
def test_what_an_objective_raises_is_told_as_its_own(data: Path, processes: int) -> None:
    words = r"^Wrong\.auxiliary_losses raised KeyError: 'warped' \(test_given_classes\.py, line \d+\)"
    with pytest.raises(unpaired.AdapterError, match=words) as caught:
        train(data, objective_name=Wrong, processes=processes, steps=3)
    cause = "".join(getattr(caught.value, "__notes__", [])) if processes > 1 else repr(caught.value.__cause__)
    assert "KeyError('warped')" in cause or "KeyError: 'warped'" in cause
