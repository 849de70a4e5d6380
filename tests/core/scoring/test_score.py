"""Scores of generators as a whole: what there is, what it says, and that nothing is left behind."""

from __future__ import annotations

import copy
import math
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from toy import Arrays, write_arrays

import unpaired
from unpaired.core.networks.discriminators import PatchDiscriminator
from unpaired.core.objectives.objective import Discriminators, Generators
from unpaired.core.scoring import HeldOut, load_held_out, score, score_held_out, total_score


class Shift(nn.Module):
    """Adds a number."""

    def __init__(self, by: float) -> None:
        super().__init__()
        self.by = nn.Parameter(torch.tensor(by))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.by


class Noisy(Shift):
    """Adds noise where none should be."""

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.randn(x.shape) + random.random() + float(np.random.rand())


@pytest.fixture
def held(tmp_path: Path) -> HeldOut:
    write_arrays(tmp_path / "a", 6, 0, 0.3)
    write_arrays(tmp_path / "b", 5, 1, -0.3)
    return load_held_out(Arrays(), {side: sorted((tmp_path / side).iterdir()) for side in ("a", "b")})  # type: ignore[misc]


def shifts(by: float) -> Generators:
    return Generators({"a2b": Shift(by), "b2a": Shift(-by)})


def discriminators(norm: str = "batch") -> Discriminators:
    def one() -> nn.Module:
        return PatchDiscriminator(2, filters=4, layers=2, norm=norm)

    return Discriminators({"a": one(), "b": one()})


def test_the_shift_that_the_sides_differ_by_scores_best_and_copying_scores_as_untranslated(held: HeldOut) -> None:
    none, half, right = (score_held_out(shifts(by), discriminators(), held) for by in (0.0, -0.3, -0.6))
    for name in ("random_swd_a2b", "random_swd_b2a", "discriminator_swd_a2b"):
        assert none[name] == pytest.approx(none[f"untranslated_{name}"], rel=1e-4)
    for name in ("random_swd_a2b", "random_swd_b2a"):
        assert right[name] < half[name] < none[name]
    totals = [total_score(each) for each in (right, half, none)]
    assert None not in totals
    assert totals == sorted(totals)  # type: ignore[type-var]
    assert right["structure_a2b"] == pytest.approx(0, abs=1e-6)
    assert right["cycle_a2b"] == pytest.approx(0, abs=1e-6)
    assert right["identity_a2b"] == pytest.approx(0.6, abs=1e-5)
    assert right["sharpness_a2b"] == pytest.approx(1 / right["sharpness_b2a"])


def test_the_total_is_distance_and_what_is_not_kept() -> None:
    found = {"random_kid_a2b": 0.5, "untranslated_random_kid_a2b": 2.0}
    found |= {"discriminator_kid_a2b": 3.0, "untranslated_discriminator_kid_a2b": 1.0}
    found |= {"structure_a2b": 0.25, "cycle_a2b": 0.1, "identity_a2b": 0.3}
    assert total_score(found) == pytest.approx((0.25 + 1.0) / 2 + 0.25 + 0.15), "the cycle error is no part of it"
    back = {"random_kid_b2a": -0.1, "structure_b2a": 0.5}
    assert total_score(back) == pytest.approx(0.5), "an estimate below 0 is no distance"
    assert total_score(found | back) == pytest.approx((1.025 + 0.5) / 2)
    assert total_score({"random_kid_a2b": 3.0, "structure_a2b": 0.0}) == pytest.approx(0.75), (
        "unlike channels: d / (1 + d)"
    )
    assert total_score(found | {"random_kid_a2b": math.nan}) is None
    assert total_score({"structure_a2b": 0.5}) is None


def test_copying_has_a_score_of_one(held: HeldOut) -> None:
    copied = score_held_out(shifts(0.0), discriminators(), held)
    assert total_score(copied) == pytest.approx(1, abs=1e-3)


def test_nothing_is_changed_and_no_random_number_is_drawn(held: HeldOut) -> None:
    networks = discriminators().train()
    generators = Generators({"a2b": Noisy(0.0), "b2a": Noisy(0.0)})
    before, modes = copy.deepcopy(networks.state_dict()), [module.training for module in networks.modules()]
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()  # type: ignore[index]
    first, second = (score_held_out(generators, networks, held) for _ in range(2))
    assert first.keys() == second.keys()
    assert torch.equal(states[0], torch.get_rng_state())
    assert states[1] == random.getstate()
    assert np.array_equal(states[2], np.random.get_state()[1])  # type: ignore[index]
    assert all(torch.equal(value, networks.state_dict()[name]) for name, value in before.items())
    assert modes == [module.training for module in networks.modules()]
    assert all(weight.grad is None for weight in networks.parameters())


def test_what_is_drawn_all_the_same_comes_from_the_seed(held: HeldOut) -> None:
    """A resumed run, whose generators of Python and NumPy start anew, scores as one that was never stopped."""
    found = []
    for state in (1, 2):
        random.seed(state)
        np.random.seed(state)
        torch.manual_seed(state)
        found.append(score_held_out({"a2b": Noisy(0.0)}, None, held))
    assert found[0] == found[1]


def test_one_direction_has_its_own_figures_alone(held: HeldOut) -> None:
    found = score_held_out({"a2b": Shift(-0.6)}, None, held)
    assert {name for name in found if name.endswith("b2a")} == set()
    assert "cycle_a2b" not in found
    assert total_score(found) is not None


def test_sides_of_unlike_channels_have_no_untranslated_figure(tmp_path: Path) -> None:
    domain = Arrays(channels_a=2, channels_b=1)
    write_arrays(tmp_path / "a", 4, 0, 0.3)
    for place in range(4):
        (tmp_path / "b").mkdir(exist_ok=True)
        np.save(tmp_path / "b" / f"{place}.npy", np.random.default_rng(place).uniform(-1, 1, (1, 32, 32)))

    class Grey(Shift):
        def forward(self, x: Tensor) -> Tensor:
            return x.mean(1, keepdim=True) + self.by

    files = {side: sorted((tmp_path / side).iterdir()) for side in ("a", "b")}
    found = score({"a2b": Grey(0.1)}, None, domain, files["a"], files["b"])
    assert not any(name.startswith("untranslated") for name in found)
    assert "identity_a2b" not in found
    assert total_score(found) is not None


def test_what_is_not_finite_has_no_total(held: HeldOut) -> None:
    found = score_held_out(shifts(math.nan), discriminators(), held)
    assert math.isnan(found["random_swd_a2b"])
    assert total_score(found) is None


def test_files_that_cannot_be_decoded_are_left_out_with_a_note_and_too_few_are_refused(tmp_path: Path) -> None:
    write_arrays(tmp_path / "a", 3, 0, 0.3)
    files = sorted((tmp_path / "a").iterdir())
    files[0].write_bytes(b"no array")
    held = load_held_out(Arrays(), {"a": files, "b": files[1:]})
    assert len(held.samples["a"]) == 2
    assert any(str(files[0]) in note for note in held.notes)
    with pytest.raises(unpaired.MediaError, match="1 held-out samples of A; scores need 2 or more"):
        load_held_out(Arrays(), {"a": files[:2], "b": files[1:]})


def test_a_domain_whose_own_scores_fail_does_without_and_says_so_once(held: HeldOut) -> None:
    def broken(*arguments: object) -> dict[str, float]:
        raise IndexError("list index out of range")

    held.domain.unpaired_scores = broken  # type: ignore[assignment]
    found = score_held_out(shifts(0.0), None, held)
    assert "random_swd_a2b" in found
    assert held.notes == ["the scores of Arrays.unpaired_scores are left out: IndexError list index out of range"]


def test_what_only_successive_samples_show_is_asked_of_the_domain_for_files_that_were_loaded(tmp_path: Path) -> None:
    seen: list[tuple[list[str], str, bool]] = []

    class Successive(Arrays):
        def sequence_scores(self, translate, files, side):  # type: ignore[no-untyped-def]
            moved = translate(self.load(files[0], side)) - self.load(files[0], side)
            seen.append(([file.name for file in files], side, bool(torch.allclose(moved, torch.tensor(0.5)))))
            if side == "b":
                raise IndexError("no files")
            return {"flicker": 0.25}

    files = {}
    for side, seed in (("a", 0), ("b", 1)):
        write_arrays(tmp_path / side, 3, seed, 0.0)
        files[side] = sorted((tmp_path / side).iterdir())
    files["a"][0].write_bytes(b"no array")
    held = load_held_out(Successive(), files)  # type: ignore[arg-type]
    found = score_held_out(Generators({"a2b": Shift(0.5), "b2a": Shift(0.5)}), None, held)
    names = {side: [file.name for file in each] for side, each in files.items()}
    assert seen == [(names["a"][1:], "a", True), (names["b"], "b", True)]
    assert found["flicker_a2b"] == 0.25
    assert "flicker_b2a" not in found
    assert "the scores of Successive.sequence_scores are left out: IndexError no files" in held.notes


def test_own_scores_are_of_samples_on_the_domains_scale(held: HeldOut) -> None:
    def calibrate(sample: Tensor, side: str) -> Tensor:
        return sample + (10.0 if side == "a" else 20.0)

    held.domain.calibrate = calibrate  # type: ignore[method-assign]
    held.domain.unpaired_scores = lambda ours, real, extractor, seed: {  # type: ignore[assignment]
        "apart": float(torch.stack(list(ours)).mean() - torch.stack(list(real)).mean())
    }
    found = score_held_out({"a2b": Shift(0.0)}, None, held)
    assert found["apart_a2b"] == pytest.approx(0.6, abs=0.2), "translations are on the target's scale"
    assert found["untranslated_apart_a2b"] == pytest.approx(-10 + 0.6, abs=0.2), "the input on its own"
