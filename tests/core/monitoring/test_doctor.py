"""The doctor's measures and patience on hand-made tensors and losses."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from unpaired import Audio, Image, Video
from unpaired.core import registry
from unpaired.core.monitoring.advice import GENERAL, advice
from unpaired.core.monitoring.doctor import PREVIEWS, WINDOW, Doctor, saturation
from unpaired.core.monitoring.measures import (
    apart,
    correlation,
    cycle_error,
    displacement,
    relative_change,
    spatial_contrast,
    variety,
)
from unpaired.core.monitoring.records import Finding, Preview, PreviewRow, StepReport
from unpaired.core.networks.settings import NetworkSettings
from unpaired.core.objectives.cut import Cut, CutSettings
from unpaired.core.objectives.cycle import Cycle
from unpaired.core.objectives.dual import Dual
from unpaired.core.objectives.objective import Objective
from unpaired.core.objectives.settings import CycleSettings
from unpaired.core.training.settings import TrainingSettings

SETTINGS = {"objective": {"form": "lsgan", "adversarial_a": 1.0, "adversarial_b": 1.0}}


def noise(seed: int, channels: int = 3, samples: int = 4) -> Tensor:
    return torch.rand(samples, channels, 16, 16, generator=torch.Generator().manual_seed(seed)) - 0.5


def report(step: int, **losses: float) -> StepReport:
    return StepReport(step, 1000, losses, 2e-4, 10.0)


def won(loss: float, generated: float = 0.0, side: str = "b") -> dict[str, float]:
    return {f"discriminator_{side}": loss, f"real_{side}": 1.0, f"generated_{side}": generated}


def after(rows: Mapping[Any, PreviewRow], times: int = PREVIEWS, doctor: Doctor | None = None) -> list[Finding]:
    """What the doctor finds when shown the same preview several times."""
    doctor = doctor or Doctor(Cycle(), SETTINGS)
    return [finding for step in range(1, times + 1) for finding in doctor.examine_preview(Preview(100 * step, rows))]


def row(source: Tensor, translation: Tensor, cycle: Tensor | None = None) -> PreviewRow:
    return PreviewRow(source, translation, source if cycle is None else cycle, None)


def test_relative_change_by_hand() -> None:
    x = torch.tensor([[[[-0.5, 0.5]]]])
    assert relative_change(x, x + 0.1) == pytest.approx(0.2)
    assert cycle_error(x, torch.zeros_like(x)) == pytest.approx(1.0)
    assert relative_change(torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)) == math.inf
    assert relative_change(x, torch.zeros(1, 1, 4, 4)) == math.inf


@given(st.integers(0, 1000), st.floats(0.1, 3.0), st.floats(-1.0, 1.0))
def test_correlation_ignores_scale_and_offset(seed: int, scale: float, offset: float) -> None:
    x = noise(seed)
    assert correlation(x, scale * x + offset) == pytest.approx(1.0, abs=1e-5)
    assert correlation(x, -scale * x + offset) == pytest.approx(-1.0, abs=1e-5)


def test_correlation_between_unlike_channels_and_of_constants() -> None:
    x = noise(0)
    assert correlation(x, -x.mean(1, keepdim=True)) == pytest.approx(-1.0, abs=1e-5)
    assert math.isnan(correlation(x, torch.zeros_like(x)))
    assert math.isnan(correlation(x, x[..., :8]))


@given(st.integers(0, 1000), st.lists(st.integers(-2, 2), min_size=1, max_size=3), st.sampled_from([-1.0, 0.5]))
def test_displacement_finds_the_shift_in_any_dimension(seed: int, shift: list[int], scale: float) -> None:
    x = torch.rand(2, 2, *[16] * len(shift), generator=torch.Generator().manual_seed(seed))
    found, related = displacement(x, scale * x.roll(shift, tuple(range(2, x.ndim))) + 0.1)
    assert found == tuple(shift)
    assert related == pytest.approx(math.copysign(1.0, scale), abs=1e-5)


def test_displacement_by_hand_and_of_constants() -> None:
    x = torch.zeros(1, 1, 8)
    x[..., 2] = 1.0
    y = torch.zeros(1, 1, 8)
    y[..., 3] = 1.0
    assert displacement(x, y) == ((1,), pytest.approx(1.0))
    assert displacement(x, y.roll(1))[0] != (2,), "an eighth of the axis at most"
    assert displacement(x, torch.cat([y, y], dim=1)) == ((1,), pytest.approx(1.0)), "unlike channels: their means"
    shift, related = displacement(x, torch.zeros(1, 1, 8))
    assert shift == (0,)
    assert math.isnan(related)


def test_contrast_and_variety_by_hand() -> None:
    x = torch.tensor([[[-1.0, 1.0]], [[0.0, 0.0]]])
    assert spatial_contrast(x) == pytest.approx(0.5)
    assert variety(x) == pytest.approx(1.0)
    assert variety(x[:1]) == 0.0


@pytest.mark.parametrize("shape", [(4, 1, 64), (4, 2, 16, 16), (4, 1, 4, 8, 8)])
def test_apart_sees_colour_and_texture_in_any_dimension(shape: tuple[int, ...]) -> None:
    x, y = torch.randn(shape) * 0.1, torch.randn(shape) * 0.1
    assert not apart(x, y)
    assert apart(x, y + 0.5)
    assert apart(x, y * 4)
    assert not apart(x[:1], y[:1] + 0.5), "one sample says nothing of the spread"


def test_healthy_translations_give_no_finding() -> None:
    a, b = noise(1), noise(2) * 0.5 + 0.4
    rows = {"a2b": row(a, a * 0.5 + 0.4), "b2a": row(b, (b - 0.4) * 2)}
    assert after(rows, 10) == []


def test_copied_input_is_identity_collapse_only_where_domains_differ() -> None:
    a = noise(1)
    alike, unlike = noise(2), noise(2) + 0.5
    assert after({"a2b": row(a, a), "b2a": row(alike, alike)}) == []
    names = [finding.name for finding in after({"a2b": row(a, a), "b2a": row(unlike, unlike - 0.5)})]
    assert names == ["identity collapse a2b"]


def test_copied_input_is_identity_collapse_where_the_discriminator_is_not_fooled() -> None:
    a, b = noise(1), noise(2)
    doctor = Doctor(Cycle(), SETTINGS)
    doctor.examine(report(1, real_b=0.9, generated_b=0.1, real_a=0.5, generated_a=0.5))
    names = [finding.name for finding in after({"a2b": row(a, a), "b2a": row(b, b)}, doctor=doctor)]
    assert names == ["identity collapse a2b"]


def test_negative_is_inversion_only_while_the_cycle_closes() -> None:
    a = noise(1)
    assert [f.name for f in after({"b2a": row(a, -0.7 * a, 0.9 * a)})] == ["colour inversion b2a"]
    assert after({"b2a": row(a, -0.7 * a, -a)}) == []


def test_displaced_only_where_the_way_back_shifts_back() -> None:
    a, b = noise(1), noise(2)
    there, back = row(a, 0.5 * a.roll((2, -1), (2, 3)) + 0.3, a), row(b, 0.5 * b.roll((-2, 1), (2, 3)) + 0.3, b)
    findings = after({"a2b": there, "b2a": back})
    assert [finding.name for finding in findings] == ["displaced translation a2b", "displaced translation b2a"]
    assert "shifted by (+2, -1), by " in findings[0].evidence
    assert after({"a2b": there, "b2a": row(b, 0.5 * b + 0.3)}) == [], "one direction alone is no agreement"
    assert after({"a2b": there, "b2a": row(b, 0.5 * b.roll((2, -1), (2, 3)) + 0.3, b)}) == []
    aside = row(a, 0.5 * a.roll(1, 3) + 0.3, a)
    assert after({"a2b": aside, "b2a": row(b, 0.5 * b + 0.3)}) == [], "nor is it where the shift is a single pixel"
    assert after({"a2b": there}) == [], "nothing to compare with where one direction is trained"


def test_flat_output_is_measured_against_real_samples_of_the_target() -> None:
    a, b = noise(1), noise(2)
    flat = torch.full_like(a, 0.3) + 0.001 * b
    assert [f.name for f in after({"a2b": row(a, flat, b), "b2a": row(b, a)})] == ["flat output a2b"]
    assert after({"a2b": row(a, flat, b), "b2a": row(b * 0.001, a, a)}) == [], "a flat domain is translated flat"


def test_one_output_for_every_input() -> None:
    a, b = noise(1), noise(2)
    same = b[:1].expand_as(a)
    assert [f.name for f in after({"a2b": row(a, same, b), "b2a": row(b, a)})] == ["identical outputs a2b"]


def test_nan_in_a_preview_is_found_at_once() -> None:
    a = noise(1)
    bad = a.clone()
    bad[0, 0, 0, 0] = math.nan
    assert [f.name for f in after({"a2b": row(a, bad)}, 1)] == ["NaN or infinity a2b"]


def test_a_finding_waits_is_given_once_and_again_after_it_vanished() -> None:
    a = noise(1)
    sick, well = {"a2b": row(a, -a)}, {"a2b": row(a, a)}
    doctor = Doctor(Cycle(), SETTINGS)
    assert after(sick, PREVIEWS - 1, doctor) == []
    assert len(after(sick, 5, doctor)) == 1
    assert doctor.present == {"colour inversion a2b"}
    assert after(well, 1, doctor) == []
    assert doctor.present == set()
    assert len(after(sick, PREVIEWS, doctor)) == 1


def test_the_last_preview_of_a_run_with_steps_enough_needs_no_others_beside_it() -> None:
    a = noise(1)
    sick = {"a2b": row(a, -a)}
    doctor = Doctor(Cycle(), SETTINGS)
    assert doctor.examine_preview(Preview(1000, sick, last=True)) == [], "a run too young for it"
    (found,) = Doctor(Cycle(), SETTINGS).examine_preview(Preview(2000, sick, last=True))
    assert found.name == "colour inversion a2b"
    resumed = Doctor(Cycle(), SETTINGS, standing=[found.name])
    assert resumed.examine_preview(Preview(2100, sick, last=True)) == [], "known already"
    assert resumed.present == {found.name}


def test_the_first_hundredth_of_a_training_is_not_judged() -> None:
    doctor = Doctor(Cycle(), SETTINGS)
    doctor.examine(StepReport(1, 100_000, {}, 2e-4, 1.0))
    a = noise(1)
    assert after({"a2b": row(a, -a)}, 5, doctor) == []


def test_a_young_generator_whose_samples_still_spread_has_not_collapsed() -> None:
    """All samples of a generator are nearly one at first; that they stay so is the collapse."""
    settings, real = {"training": {"batch": 16}}, noise(1, samples=16)
    one, others = noise(0, samples=1), noise(2, samples=16)

    def found(spreads: list[float], first: int = 40) -> list[str]:
        doctor = Doctor(Cycle(CycleSettings()), settings)
        rows = [PreviewRow(others, one + spread * others, None, None, real=real) for spread in spreads]
        previews = [Preview(first + step, {"a2b": row}) for step, row in enumerate(rows)]
        return [finding.name for preview in previews for finding in doctor.examine_preview(preview)]

    assert found([0.01, 0.02, 0.04, 0.06, 0.1]) == []
    assert found([0.02, 0.04, 0.04, 0.04, 0.04]) == ["mode collapse a2b"]
    assert found([0.3, 0.2, 0.1]) == ["mode collapse a2b"]
    assert found([0.01, 0.02, 0.04], first=600) == ["mode collapse a2b"]  # old enough to have spread


def test_saturation_needs_a_full_window_and_a_loss_next_to_nothing() -> None:
    assert saturation([won(0.005)] * (WINDOW - 1), "b", "lsgan") == ""
    assert "0.005" in saturation([won(0.005)] * WINDOW, "b", "lsgan")
    assert saturation([won(0.05)] * WINDOW, "b", "lsgan") == ""
    assert saturation([won(0.005)] * WINDOW, "a", "lsgan") == "", "another discriminator's figures"


def test_saturation_is_not_found_while_the_generator_gains() -> None:
    history = [won(0.005, generated=0.02 * i) for i in range(WINDOW)]
    assert saturation(history, "b", "lsgan") == ""


def test_saturation_is_measured_against_the_form_of_the_loss() -> None:
    assert saturation([won(0.02)] * WINDOW, "b", "lsgan") == ""
    assert saturation([won(0.02)] * WINDOW, "b", "vanilla")
    assert saturation([won(0.02)] * WINDOW, "b", "hinge")
    assert saturation([won(0.0)] * WINDOW, "b", "wgan-gp") == "", "a critic has no bound to reach"


def test_a_discriminator_whose_weight_is_zero_may_win() -> None:
    doctor = Doctor(Cycle(CycleSettings(adversarial_b=0.0)), {})
    assert [f for i in range(50) for f in doctor.examine(report(i, **won(0.001)))] == []


@pytest.mark.parametrize(
    ("objective", "found"),
    [(Cut(CutSettings(form="lsgan")), True), (Cut(CutSettings(form="lsgan", adversarial=0)), False), (Dual(), False)],
)
def test_how_a_discriminator_wins_is_the_objectives_to_say(objective: Objective, found: bool) -> None:
    doctor = Doctor(objective, {})
    names = [finding.name for i in range(50) for finding in doctor.examine(report(i, **won(0.001)))]
    assert names == ["discriminator saturation b"] * found


def test_nan_losses_are_named() -> None:
    (finding,) = Doctor(Cycle(), SETTINGS).examine(report(7, cycle_a=math.nan, cycle_b=1.0, generators=math.inf))
    assert (finding.name, finding.step) == ("NaN or infinity", 7)
    assert "cycle_a, generators" in finding.evidence


def objectives() -> list[type[Objective]]:
    """Every registered objective, as the core has it and as each medium has it."""
    names = [entry.name for entry in registry.entries("objectives")]
    kinds = [registry.find("objectives", name) for name in names]
    kinds += [medium().objective_type(name) for medium in (Audio, Image, Video) for name in names]
    return list(dict.fromkeys(kinds))


@pytest.mark.parametrize("kind", objectives(), ids=lambda kind: kind.__name__)
def test_advice_names_settings_that_the_run_has_with_their_values(kind: type[Objective]) -> None:
    groups = {"objective": kind().settings, "training": TrainingSettings(), "networks": NetworkSettings()}  # type: ignore[attr-defined]
    fields = {f"{group}.{field.name}" for group, value in groups.items() for field in dataclasses.fields(value)}
    assert kind.advice.keys() <= GENERAL.keys()
    for name in GENERAL:
        for suffix in ("a2b", "b2a"):
            text = advice(f"{name} {suffix}", kind.advice, dict.fromkeys(fields, "set"))
            assert "{" not in text
            assert "<" not in text
            named = set(re.findall(r"\b(?:objective|training|networks|domain)\.\w+", text))
            assert named <= fields
            if kind.advice and (name in kind.advice or not kind.generates):  # samples from noise have no input to keep
                assert text.count("(now set)") >= len(named) > 0


def test_a_grid_is_not_blamed_on_convolutions_that_are_not_there() -> None:
    assert advice("checkerboard a2b", {}, {"networks.upsampling": "transposed"}).startswith(
        "Set networks.upsampling (now transposed) to resize"
    )
    assert advice("checkerboard b2a", {}, {"networks.upsampling": "resize", "training.steps": 9}) == (
        "Look whether the files of B have it, such as blocks of JPEG: they would be carried over, for "
        "networks.upsampling (now resize) makes none. Else train on (training.steps (now 9))."
    )
    assert "networks.filters (now not set)" in advice("overfitting", {}, {"networks.filters": None})
