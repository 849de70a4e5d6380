"""Verdicts of evaluations of generators whose effect is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d
from toy import Arrays

from unpaired.core.conversion.translator import Translator
from unpaired.core.evaluation.evaluate import evaluate
from unpaired.core.evaluation.verdict import gain, in_words
from unpaired.core.model.model_file import Model
from unpaired.core.networks.presets import default_networks
from unpaired.core.networks.settings import NetworkSettings
from unpaired.core.terms import EVALUATIONS, FINDINGS, term_of


class Scored(Arrays):
    """Arrays with a distance between sets: that of their means."""

    def unpaired_scores(self, translated, real, extractor=None, seed=0):  # type: ignore[no-untyped-def]
        means = [float(torch.stack(list(samples)).mean()) for samples in (translated, real)]
        return {"means": abs(means[0] - means[1])}


class Fixed(nn.Module):
    multiple, minimum, in_channels, out_channels = 1, 1, 2, 2

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x) + self.weight


def picture(number: int) -> np.ndarray:
    """Coarse cells under fine grain."""
    rng = np.random.default_rng(number)
    coarse = rng.uniform(-0.3, 0.3, (2, 4, 4)).repeat(8, 1).repeat(8, 2)
    return (coarse + rng.uniform(-0.1, 0.1, (2, 32, 32))).astype(np.float32)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Twelve arrays a side; those of B are those of A, 0.5 higher."""
    for side, level in (("a", -0.25), ("b", 0.25)):
        (tmp_path / side).mkdir()
        for number in range(12):
            np.save(tmp_path / side / f"{number}.npy", picture(number) + level)
    return tmp_path / "a", tmp_path / "b"


def words(folders: tuple[Path, Path], function: Callable[[Tensor], Tensor], paired: bool) -> str:
    networks = default_networks(2, 2, 2, "tiny", NetworkSettings())
    model = Model({"a2b": Fixed(function).eval()}, networks, Scored(), names=("low", "high"))
    report = evaluate(Translator(model, runtime="torch", device="cpu"), *folders, paired=paired)
    said = report.verdicts()["a2b"]
    assert report.as_dict()["verdict"] == {"a2b": said}
    assert report.text().splitlines()[-1] == f"verdict     low to high: {said}"
    return said


def looks_like(said: str) -> list[str]:
    return [name for name in FINDINGS if f"looks like {name}: " in said]


def soften(x: Tensor) -> Tensor:
    return avg_pool2d(x, 5, 1, 2, count_include_pad=False) + 0.45


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize(
    ("function", "term", "findings"),
    [
        (lambda x: x + 0.45, "translation gained", []),
        (lambda x: x, "gained nothing", ["identity collapse"]),
        (lambda x: x - 0.4, "worse than the input", ["colour cast"]),
        (lambda x: 0.001 * x + 0.2, "translation gained", ["flat output"]),
        (soften, "translation gained", ["blur"]),
    ],
    ids=["gain", "nothing", "worse", "flat", "soft"],
)
def test_what_generators_do_is_named(
    function: Callable[[Tensor], Tensor], term: str, findings: list[str], paired: bool, folders: tuple[Path, Path]
) -> None:
    said = words(folders, function, paired)
    assert term_of(said) == term, said
    assert looks_like(said) == [*findings, *(["colour cast"] if findings == ["identity collapse"] else [])]
    assert ("paired l1" if paired else "means") in said


def test_gains_by_hand() -> None:
    assert gain({"swd": 0.5}, {"swd": 0.6}, False, 50)[0] == "translation gained"
    assert gain({"swd": 0.5}, {"swd": 0.6}, False, 5)[0] == "gained nothing", "five files scatter"
    assert gain({"swd": 0.7}, {"swd": 0.6}, False, 50)[0] == "worse than the input"
    assert (
        gain({"swd": 0.5, "kid": 0.6}, {"swd": 0.6, "kid": 0.5}, False, 99)[1] == "kid 0.6, of the untouched input 0.5"
    )
    assert gain({"l1": 9.4, "psnr": 20}, {"l1": 10.0, "psnr": 19}, True, 5)[0] == "translation gained"
    assert gain({"l1": 9.6}, {"l1": 10.0}, True, 5)[0] == "gained nothing"
    assert gain({"swd": 0.5}, {}, False, 50)[0] == "not comparable"
    assert gain({"swd": float("nan")}, {"swd": 1.0}, False, 50)[0] == "not comparable"


def test_words_begin_with_their_terms_and_advise() -> None:
    said = in_words("gained nothing", "swd 1, of the untouched input 1", {"blur": "soft"})
    assert said.startswith(
        "gained nothing: swd 1, of the untouched input 1. It looks like blur: soft. Give the adversarial"
    )
    assert "{" not in said
    kept = in_words("translation gained", "figures", {"identity collapse": "the same"})
    assert "identity collapse" not in kept, "sides that are alike are not changed, and need not be"
    assert set(EVALUATIONS) == {"translation gained", "gained nothing", "worse than the input", "not comparable"}
