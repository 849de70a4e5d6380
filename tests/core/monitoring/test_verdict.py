"""Verdicts on records made by hand, of runs driven into failure, and of one that is well."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import unpaired
from unpaired import CycleSettings, Interrupted, NumericsError
from unpaired.core.monitoring import needs
from unpaired.core.monitoring.callbacks import RunInfo
from unpaired.core.monitoring.log import FINDINGS, JsonLines, read_findings, read_standing
from unpaired.core.monitoring.needs import needed_steps
from unpaired.core.monitoring.records import CheckpointReport, Finding, ScoreReport
from unpaired.core.monitoring.verdict import QUALITY, Verdict, judge, verdict_of
from unpaired.core.terms import FINDINGS as TERMS
from unpaired.core.terms import VERDICTS

Run = Callable[..., Path]
DAYS = {"domain.name": "image", "names": ["day", "night"], "training.steps": 20_000, "training.batch": 1}


def steps_to(last: int, cycle: Callable[[float], float] = lambda share: 1.0) -> list[dict[str, Any]]:
    count = 30
    return [
        {"step": last * n // count, "steps": 20_000, "losses.cycle_a": cycle(n / count), "losses.generators": 3.0}
        for n in range(1, count + 1)
    ]


def scored(scores: Sequence[float], every: int = 1000, **each: Sequence[float]) -> list[ScoreReport]:
    rows = [dict(zip(each, values, strict=True)) for values in zip(*each.values(), strict=True)] or [{}] * len(scores)
    return [ScoreReport(every * (n + 1), row, value) for n, (value, row) in enumerate(zip(scores, rows, strict=True))]


def verdict(last: int, scores: Sequence[ScoreReport] = (), standing: Sequence[Finding] = (), **more: Any) -> Verdict:
    return judge(DAYS | more, steps_to(last), scores, standing)


def finding(name: str) -> Finding:
    return Finding(name, 900, f"figures of {name}", f"Change what leads to {name.rpartition(' ')[0] or name}.")


FALLING = [1.0, 0.8, 0.65, 0.55, 0.48, 0.44]


def test_too_early_says_how_many_steps_are_needed_and_gives_them() -> None:
    early = verdict(1500, scored(FALLING, 200))
    assert early.kind == "too early to judge"
    assert (
        early.text
        == "too early to judge: step 1,500 of the some 2,000 that a training on pictures needs at this batch."
    )
    assert early.advice == ""
    assert "--resume --steps 2000" in verdict(1500, **{"training.steps": 1500}).advice
    nothing = judge({}, [], [], [])
    assert nothing.kind == "too early to judge"


@pytest.mark.parametrize(
    ("changes", "steps"),
    [
        ({}, 2000),
        ({"domain.name": "audio"}, 2500),
        ({"domain.name": "ecg"}, 2000),
        ({"training.batch": 4}, 1000),
        ({"training.batch": 2, "training.accumulate": 2, "training.processes": 2}, 707),
        ({"training.batch": 64}, 500),
        ({"training.start_from": "day2night"}, 500),
    ],
)
def test_needed_steps_by_hand(changes: dict[str, Any], steps: int) -> None:
    assert needed_steps(DAYS | changes) == steps


def test_going_on_well_names_both_directions_by_the_users_names() -> None:
    there = {"random_kid_a2b": FALLING, "untranslated_random_kid_a2b": [2.0] * 6, "structure_a2b": [0.1] * 6}
    flat = [1.0, 0.5, 0.5, 0.501, 0.5, 0.5]
    back = {"random_kid_b2a": flat, "untranslated_random_kid_b2a": [1.0] * 6, "structure_b2a": [0.1] * 6}
    well = verdict(6000, scored(FALLING, **there, **back))
    assert (well.kind, well.advice) == ("going on well", "")
    assert "day to night: still gains, 22% as far from the target as the untouched input" in well.text
    assert "night to day: no gain since step 2,000, 50% as far" in well.text


def test_no_gain_names_the_step_and_the_model_to_use() -> None:
    still = verdict(12_000, scored([*FALLING, 0.44, 0.441, 0.44, 0.439, 0.441, 0.44]))
    assert still.kind == "no gain"
    assert still.text.startswith("no gain since step 6,000: the score was 0.44 at step 6,000, and is 0.44 now.")
    assert "Use the best model, RUN@best;" in still.advice
    lucky = verdict(12_000, [ScoreReport(200, {}, 0.1), *scored([*FALLING, 0.44, 0.441, 0.44, 0.439, 0.441, 0.44])])
    assert (lucky.kind, lucky.text) == (still.kind, still.text), "what a young run scores tells nothing"
    assert "Use the best model, RUN@6000;" in lucky.advice


def test_getting_worse_is_overfitting_only_while_the_training_files_gain() -> None:
    figures = [*FALLING, 0.5, 0.55, 0.6, 0.66, 0.7, 0.75]
    plain, scores = scored(figures), scored(figures, cycle_a2b=[0.1] * 6 + [0.11, 0.12, 0.13, 0.14, 0.15, 0.16])
    for each in (verdict(12_000, scores), judge(DAYS, steps_to(12_000, lambda share: 2.0 - share), plain, [])):
        assert (each.kind, each.findings) == ("getting worse", ()), "one of the two alone is no proof"
    memorised = judge(DAYS, steps_to(12_000, lambda share: 2.0 - share), scores, [])
    assert (memorised.kind, memorised.findings) == ("getting worse", ("overfitting",))
    assert "the cycle error of held-out files rose by 60%, while the cycle loss in training fell by" in memorised.text


@pytest.mark.parametrize("term", [term for term in TERMS if term not in ("overfitting", "flicker")])
def test_a_standing_finding_goes_before_scores(term: str) -> None:
    name = term if term == "NaN or infinity" else f"{term} a2b"
    bad = verdict(6000, scored(FALLING), [finding(name)])
    assert (bad.kind, bad.findings) == ("looks wrong", (term,))
    assert f"looks like {term}" in bad.text
    assert f"figures of {name}" in bad.text
    assert bad.advice
    early = verdict(600, (), [finding(name)])
    assert early.kind == ("too early to judge" if term in QUALITY else "looks wrong"), "every young run is blurred"


def test_findings_of_both_directions_are_told_together() -> None:
    bad = verdict(6000, (), [finding("blur a2b"), finding("blur b2a"), finding("discriminator saturation b")])
    assert bad.findings == ("discriminator saturation", "blur")
    assert "blur (day to night: figures of blur a2b; night to day: figures of blur b2a)" in bad.text
    assert "discriminator saturation (night: figures" in bad.text


@pytest.mark.parametrize(
    ("figures", "terms"),
    [
        ({"sharpness": 0.2, "structure": 0.3}, ("blur",)),
        ({"sharpness": 5.0, "structure": 0.3}, ("noise",)),
        ({"sharpness": 0.9, "structure": 0.95}, ("content lost",)),
        ({"structure": 0.01, "random_kid": 0.97, "untranslated_random_kid": 1.0}, ("identity collapse",)),
        ({"structure": 0.01, "random_kid": 0.2, "untranslated_random_kid": 1.0}, ()),
        ({"sharpness": 0.9, "structure": 0.3, "random_kid": 0.97, "untranslated_random_kid": 1.0}, ()),
    ],
)
def test_scores_of_held_out_files_show_findings(figures: dict[str, float], terms: tuple[str, ...]) -> None:
    each = {f"{name}_b2a": [value] * 6 for name, value in figures.items()}
    found = verdict(6000, scored(FALLING, **each))
    assert found.findings == terms
    if terms:
        assert f"looks like {terms[0]} (night to day: held-out files: " in found.text
        assert found.advice
    once = {name: [*values[:4], 0.5, 0.5] for name, values in each.items()}
    assert verdict(6000, scored(FALLING, **once)).findings == (), "it must last"


def test_a_direction_that_is_worse_than_its_input_is_said_to_be() -> None:
    each = {"structure_b2a": [0.3] * 6, "random_kid_b2a": [1.5] * 6, "untranslated_random_kid_b2a": [1.0] * 6}
    assert (
        "night to day: worse than the input, no gain since step 1,000, 150% as far"
        in verdict(6000, scored(FALLING, **each)).text
    )


def test_without_scores_nothing_is_said_of_quality() -> None:
    text = verdict(6000).text
    assert text.startswith("not scored: no files are held out, and losses do not tell how good translations are")
    assert "The cycle loss no longer falls" in text
    falling = judge(DAYS, steps_to(6000, lambda share: 2.0 - 1.5 * share), [], [])
    assert "The cycle loss fell by 41% in the last third" in falling.text, "from 1.225 to 0.725"
    few = verdict(6000, scored(FALLING[:3]))
    assert few.kind == "not scored"
    assert "3 scores" in few.text


def test_scores_tell_where_best_goes_by_a_loss() -> None:
    each = {"random_kid_a2b": FALLING, "structure_a2b": [0.0] * 6}
    reports = [ScoreReport(report.step, report.scores, None) for report in scored(FALLING, **each)]
    assert verdict(6000, reports).kind == "going on well"


@settings(deadline=None)
@given(
    st.lists(st.floats(0.02, 0.3), min_size=2, max_size=15),
    st.lists(st.floats(0.02, 0.3), min_size=4, max_size=15),
    st.booleans(),
)
def test_never_going_on_well_while_the_score_worsens(falls: list[float], rises: list[float], named: bool) -> None:
    scores = np.cumsum([10, *(-fall for fall in falls), *rises])
    each = {"random_kid_a2b": list(scores), "structure_a2b": [0.2] * len(scores)} if named else {}
    found = verdict(5000, scored(list(scores), 5000 // len(scores), **each)).kind
    assert found in ("no gain", "getting worse", "not scored"), "or there are too few since it can be judged"


def test_every_kind_is_a_term() -> None:
    assert set(Verdict.__annotations__) >= {"kind", "text", "advice", "findings"}
    assert set(QUALITY) <= TERMS.keys()
    for kind in VERDICTS:
        assert kind in str(judge.__globals__["Kind"])


def test_a_finding_that_went_no_longer_stands(tmp_path: Path) -> None:
    lines = JsonLines(tmp_path / FINDINGS, 0)
    for name in ("flat output a2b", "blur b2a"):
        lines.append(vars(finding(name)))
    lines.append({"name": "flat output a2b", "step": 1200, "gone": True})
    lines.close()
    assert [each.name for each in read_findings(tmp_path)] == ["flat output a2b", "blur b2a"]
    assert [each.name for each in read_standing(tmp_path)] == ["blur b2a"]
    JsonLines(tmp_path / FINDINGS, 1000).close()  # resumed from a step at which it was still there
    assert [each.name for each in read_standing(tmp_path)] == ["flat output a2b", "blur b2a"]


# -- real runs ---------------------------------------------------------------------------------------
def test_a_healthy_run_is_too_young_and_then_not_scored(tiny_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tiny_run(steps=60)
    young = verdict_of(run)
    assert young.kind == "too early to judge"
    assert young.text in (run / "report.html").read_text()
    monkeypatch.setattr(needs, "OTHERS", 50)
    monkeypatch.setattr(needs, "FEWEST", 50)
    assert verdict_of(run).kind == "not scored"


def test_of_a_run_that_was_stopped_between_two_lines_of_its_log_the_step_saved_counts(
    tiny_run: Run, tmp_path: Path
) -> None:
    class Stop(unpaired.Callback):
        def on_checkpoint(self, run: RunInfo, report: CheckpointReport) -> None:
            raise Interrupted("enough")

    with pytest.raises(Interrupted):
        tiny_run(steps=60, log_every=4, checkpoint_every=6, callbacks=[Stop()])
    run = tmp_path / "run"
    assert "step 6 of" in verdict_of(run).text
    assert "step 6 of" in (run / "report.html").read_text()
    (listed,) = unpaired.list_runs(run)
    assert listed.verdict == verdict_of(run)
    assert listed.step == 4, "what was logged"


@pytest.mark.parametrize(
    ("term", "objective", "training"),
    [
        ("identity collapse", CycleSettings(adversarial_a=0, adversarial_b=0, identity_a=50, identity_b=50),
         {"generator": "unet", "steps": 160, "batch": 4, "learning_rate": 1e-2}),
        ("discriminator saturation", None,
         {"steps": 160, "discriminator_learning_rate": 2e-2, "learning_rate": 1e-5}),
        ("flat output", None,
         {"steps": 16, "preview_every": 4, "learning_rate": 0.5, "discriminator_learning_rate": 1e-4}),
    ],
)  # fmt: skip
def test_runs_made_to_fail_are_named(term: str, objective: Any, training: dict[str, Any], tiny_run: Run) -> None:
    run = tiny_run(objective, **training)
    found = verdict_of(run)
    assert (found.kind, found.findings) == ("looks wrong", (term,))
    assert f"looks like {term}" in (run / "report.html").read_text()
    assert "(now " in found.advice


def test_a_run_that_diverged_is_named(tiny_run: Run, tmp_path: Path) -> None:
    with pytest.raises(NumericsError):
        tiny_run(steps=10, learning_rate=1e20)
    assert verdict_of(tmp_path / "run").findings == ("NaN or infinity",)
