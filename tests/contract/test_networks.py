"""Networks of one's own: every shipped one keeps the rules, and each way to break one is named by it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from unpaired.core.networks.norm import InstanceNorm
from unpaired.core.networks.spec import NetworkSpec
from unpaired.core.testing import check_discriminator, check_generator

SMALL: dict[str, Any] = {"filters": 4, "blocks": 1}


@pytest.mark.parametrize(
    ("name", "dimensions", "options"),
    [
        ("resnet", 1, SMALL),
        ("resnet", 2, SMALL),
        ("resnet", 2, {**SMALL, "dropout": 0.5, "norm": "batch"}),
        ("resnet", 2, {**SMALL, "upsampling": "blurred", "downsampling": "blurred", "norm": "none"}),
        ("resnet", 3, SMALL),
        ("unet", 2, {"filters": 4, "levels": 3, "dropout": 0.5}),
        ("mobile", 1, SMALL),
        ("mobile", 2, {**SMALL, "blocks": 2, "dropout": 0.5}),
        ("mobile", 2, {**SMALL, "norm": "none"}),
        ("mobile", 3, SMALL),
    ],
)
def test_shipped_generators(name: str, dimensions: int, options: dict[str, Any]) -> None:
    spec = NetworkSpec(name, {"in_channels": 3, "out_channels": 2, "dimensions": dimensions, **options})
    size = 8 if dimensions == 3 else 32
    assert check_generator(lambda: spec.build("generators"), 3, 2, dimensions, size) == ()


@pytest.mark.parametrize(
    ("name", "dimensions", "options"),
    [("patchgan", 1, {"layers": 2}), ("patchgan", 2, {"layers": 2}), ("patchgan", 3, {"layers": 1}), ("pixel", 2, {})],
)
def test_shipped_discriminators(name: str, dimensions: int, options: dict[str, Any]) -> None:
    spec = NetworkSpec(name, {"in_channels": 3, "dimensions": dimensions, "filters": 4, **options})
    size = 16 if dimensions == 3 else 64
    assert check_discriminator(lambda: spec.build("discriminators"), 3, dimensions, size) == ()


class Mine(nn.Module):
    """The least that is a generator."""

    in_channels, multiple, minimum = 3, 2, 4

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = InstanceNorm(4)
        self.last = nn.Conv2d(4, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.norm(self.first(x)).relu()).tanh()


def test_a_small_one_of_ones_own_keeps_them() -> None:
    assert check_generator(Mine, 3, 3) == ()


class WrongChannels(Mine):
    in_channels = 4


class Unbounded(Mine):
    def forward(self, x: Tensor) -> Tensor:
        return 5 * x


class Shrunk(Mine):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)[..., 1:]


class Mixed(Mine):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * x.mean().sigmoid()


class Random(Mine):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * torch.rand(())


class Unused(Mine):
    def __init__(self) -> None:
        super().__init__()
        self.more = nn.Linear(2, 2)


class Forgetful(Mine):
    """What it learns as it goes is no buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = torch.zeros(())

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.seen = self.seen + x.detach().mean() + 0.5
        return super().forward(x) * (0.5 + 0.1 * self.seen.clamp(0, 1))


class FixedInside(Mine):
    """Computes with the size as a number of Python's, which a recorded graph keeps."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * float(min(1.0, 16 / x.shape[-1]))


@pytest.mark.parametrize(
    ("kind", "rule", "words"),
    [
        (WrongChannels, "is_a_generator", "in_channels is 4, asked for 3"),
        (Unbounded, "translates_every_size_that_it_names", "outside [-1, 1]; end with tanh"),
        (Shrunk, "translates_every_size_that_it_names", "expected (2, 3, 32, 32)"),
        (Mixed, "treats_samples_by_themselves", "keep samples apart"),
        (Random, "treats_samples_by_themselves", "draw nothing in eval mode"),
        (Unused, "learns_in_every_weight", "no gradient reaches more.weight, more.bias"),
        (Forgetful, "stores_all_that_it_is", "register what it needs as parameters or buffers"),
        (Forgetful, "goes_on_as_if_never_stopped", "keep no state outside the state dict"),
        (FixedInside, "traces_for_every_size", "recorded as a graph"),
        (FixedInside, "exports_as_onnx", "its ONNX graph"),
    ],
)
def test_what_breaks_a_rule_is_named_by_it(kind: Callable[[], nn.Module], rule: str, words: str) -> None:
    faults = check_generator(kind, 3, 3)
    assert any(fault.startswith(f"{rule}: ") and words in fault for fault in faults), faults
    assert all("\n" not in fault and len(fault) < 400 for fault in faults)


def test_a_module_without_the_attributes_is_told_which() -> None:
    (fault,) = check_generator(lambda: nn.Conv2d(3, 3, 1), 3, 3)
    assert fault == ("is_a_generator: Conv2d is no generator: it has no multiple, no minimum; set them in __init__")


def test_discriminators_that_break_a_rule() -> None:
    class Nothing(nn.Conv2d):
        def forward(self, input: Tensor) -> Tensor:
            return super().forward(input)[:0]

    class Infinite(nn.Conv2d):
        def forward(self, input: Tensor) -> Tensor:
            return super().forward(input) / 0

    assert check_discriminator(lambda: Nothing(3, 1, 3), 3)[0].startswith("gives_logits: (2, 3, 64, 64) becomes (0, 1,")
    assert check_discriminator(lambda: Infinite(3, 1, 3), 3)[0].endswith("becomes logits that are not finite")
    assert check_discriminator(lambda: nn.Conv2d(3, 1, 3), 3) == ()
