"""The verdict on a run in words: what a good engineer would say of it, from what is recorded and nothing else.

In this order: a failure that the doctor still sees; that the run is too young to be judged; a lack of quality that the
doctor sees; and else what the scores of held-out files say. Losses are no measure of quality: generators and
discriminators move against one another, and a loss that stays where it is may be a stand-off between two that improve.
So without scores nothing is said of how good a run is, only whether its reconstruction still moves.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal, NamedTuple

from ..errors import counted
from ..model.of_run import saved_step
from ..scoring.composition import total_score
from ..settings.mapping import read_yaml
from ..sides import DIRECTIONS, Direction
from .advice import advice, parted
from .course import Course, course_of
from .log import losses_of, read_figures, read_standing
from .needs import needed_steps
from .records import Finding, ScoreReport, flatten, generates
from .scored import of_direction, share_of_input, shown_by_scores

Kind = Literal["too early to judge", "going on well", "no gain", "getting worse", "looks wrong", "not scored"]

QUALITY = ("blur", "noise", "checkerboard", "low contrast", "colour cast", "content lost")
"""Findings that every young run has: they count once it has had the steps it needs."""
_MEDIA: Mapping[str, str] = {"image": "pictures", "video": "footage", "audio": "sound"}
_ADVISED = 2
_MOVES = 0.03
"""Share by which the cycle loss must fall to be called falling."""
NO_CLOSER = 1.1
"""Share of the untouched input's distance above which a translation is worse than its input."""
_LATEST = 10
"""Reports over which it is taken."""


@dataclass(frozen=True)
class Verdict:
    """What a run has come to, and what to do next."""

    kind: Kind
    text: str
    """The kind with its evidence, in one sentence or a few."""
    advice: str = ""
    """What to do next; empty where it is to go on."""
    findings: tuple[str, ...] = ()
    """The findings that the verdict rests on, by the terms of `core/terms.py`, each once."""

    def __str__(self) -> str:
        return f"{self.text} {self.advice}".rstrip()

    def naming(self, run: str | os.PathLike[str]) -> str:
        """In words, with the run by its name where else it is called RUN."""
        return str(self).replace("RUN@", f"{os.fspath(run)}@")


def verdict_of(run: str | os.PathLike[str], settings: Mapping[str, Any] | None = None) -> Verdict:
    """The verdict on a run folder. Raises ConfigError or MissingFile where it has no readable config.yaml.

    `settings`: those of the run, nested or dotted, where they are known already.
    """
    run = Path(run)
    known = read_yaml(run / "config.yaml") if settings is None else settings
    return judge(flatten(known), *read_figures(run), read_standing(run), saved=saved_step(run))


def judge(
    settings: Mapping[str, Any],
    records: Sequence[Mapping[str, Any]],
    scores: Sequence[ScoreReport],
    standing: Sequence[Finding],
    needed: int | None = None,
    saved: int = 0,
) -> Verdict:
    """The verdict on what is recorded of a run; the same for the same records.

    Args:
        settings: of the run, by dotted names.
        records: the step lines of metrics.jsonl.
        standing: the doctor's findings whose symptom is still there.
        needed: steps before which nothing is judged; by default those that data of this kind needs.
        saved: step of the newest model: a run that was stopped has made steps since it last logged.
    """
    names = SideNames.of(settings)
    step = max([saved, *(record["step"] for record in records[-1:]), *(report.step for report in scores[-1:])])
    logged = records[-1].get("steps") if records else None
    # With a deadline, the steps of the settings are an early plan.
    fixed = None if settings.get("training.minutes") else settings.get("training.steps")
    steps = int(fixed or logged or step)
    needed = needed_steps(settings) if needed is None else needed
    failures = [finding for finding in standing if _term(finding) not in QUALITY]
    if failures:
        return _looks_wrong([*failures, *standing], names)
    if step < needed:
        return _too_early(step, steps, needed, settings)
    if standing := [*standing, *shown_by_scores(scores, settings)]:
        return _looks_wrong(standing, names)
    grown = [report for report in scores if report.step >= needed / 2]
    overall = course_of([report.step for report in grown], [_figure(report) for report in grown])
    if overall is None or overall.trend == "too few":
        unscored = _generated if generates(settings) else _not_scored
        return unscored(step, steps, records, len(grown))
    best = min(scores, key=lambda report: math.inf if math.isnan(_figure(report)) else _figure(report)).step
    model = "RUN@best" if best >= grown[0].step else f"RUN@{overall.step}"
    return _scored(
        overall,
        step >= steps,
        [] if generates(settings) else list(_by_direction(grown, names)),
        _memorised(records, grown, overall),
        model,
    )


def _figure(report: ScoreReport) -> float:
    """The one figure of a report; made of its scores where `best` goes by something else."""
    return _total(report.scores) if report.score is None else report.score


def _total(scores: Mapping[str, float]) -> float:
    total = total_score(scores)
    return math.nan if total is None else total


class SideNames(NamedTuple):
    """The user's names of the two sides."""

    a: str
    b: str

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> SideNames:
        """Those that the settings of a run give; else A and B."""
        given = settings.get("names")
        return cls(*map(str, given)) if isinstance(given, list | tuple) and len(given) == 2 else cls("A", "B")

    def direction(self, direction: Direction) -> str:
        """`day to night`."""
        return f"{self.a} to {self.b}" if direction == "a2b" else f"{self.b} to {self.a}"

    def place(self, finding: str) -> str:
        """The direction or the side that a finding is of; empty where it is of the run."""
        _, place = parted(finding)
        if place in ("a", "b"):
            return self.a if place == "a" else self.b
        return self.direction(place) if place in DIRECTIONS else ""


# -- findings ----------------------------------------------------------------------------------------
def _term(finding: Finding) -> str:
    return parted(finding.name)[0]


def _looks_wrong(findings: Sequence[Finding], names: SideNames) -> Verdict:
    findings = list({finding.name: finding for finding in findings}.values())
    terms = dict.fromkeys(_term(finding) for finding in findings)
    seen = []
    for term in terms:
        these = [finding for finding in findings if _term(finding) == term]
        places = [f"{names.place(finding.name)}: {finding.evidence}" for finding in these]
        seen.append(f"{term} ({'; '.join(place.removeprefix(': ') for place in places)})")
    advice = list(dict.fromkeys(finding.advice for finding in findings))[:_ADVISED]
    return Verdict("looks wrong", f"looks like {', and '.join(seen)}.", " ".join(advice), tuple(terms))


# -- time --------------------------------------------------------------------------------------------
def _too_early(step: int, steps: int, needed: int, settings: Mapping[str, Any]) -> Verdict:
    kind = _MEDIA.get(str(settings.get("domain.name")), "its kind")
    text = f"too early to judge: step {step:,} of the some {needed:,} that a training on {kind} needs at this batch."
    few = f"Give it more steps: --resume --steps {needed} or more." if steps < needed else ""
    return Verdict("too early to judge", text, few)


# -- scores ------------------------------------------------------------------------------------------
def _scored(course: Course, finished: bool, directions: Sequence[str], memorised: str, model: str) -> Verdict:
    parts = f" {'; '.join(directions)}." if directions else ""
    best = f"the score was {course.best:.3g} at step {course.step:,}"
    if course.trend == "improving":
        text = f"going on well: the score of held-out files fell from {course.first:.3g} to {course.last:.3g}.{parts}"
        return Verdict("going on well", text, "More steps may gain more: --resume --steps N." if finished else "")
    use = f"Use the best model, {model}"
    if course.trend == "no gain":
        text = f"no gain since step {course.step:,}: {best}, and is {course.last:.3g} now.{parts}"
        return Verdict("no gain", text, f"{use}; for more take other data or other settings, not more steps.")
    text = f"getting worse since step {course.step:,}: {best}, and rose to {course.last:.3g}.{parts}"
    if memorised:
        return Verdict("getting worse", f"{text} It looks like overfitting: {memorised}.",
                       f"{use}. {advice('overfitting', {}, {})}", ("overfitting",))  # fmt: skip
    return Verdict("getting worse", text, f"{use}, and stop: --patience does so by itself.")


def _by_direction(scores: Sequence[ScoreReport], names: SideNames) -> Iterator[str]:
    """A few words on each direction that has scores of its own."""
    for direction in DIRECTIONS:
        own = [(report.step, of_direction(report.scores, direction)) for report in scores]
        course = course_of([step for step, _ in own], [_total(each) for _, each in own])
        if course is None:
            continue
        said = {
            "improving": "still gains",
            "no gain": f"no gain since step {course.step:,}",
            "getting worse": f"worse since step {course.step:,}",
            "too few": "too few scores",
        }[course.trend]
        distance = share_of_input(own[-1][1])
        far = "" if distance is None else f", {distance:.0%} as far from the target as the untouched input"
        worse = "worse than the input, " if distance is not None and distance > NO_CLOSER else ""
        yield f"{names.direction(direction)}: {worse}{said}{far}"


def _memorised(records: Sequence[Mapping[str, Any]], scores: Sequence[ScoreReport], course: Course) -> str:
    """Evidence that training files are reconstructed better and better and held-out ones worse, or ""."""
    at_best = next(report for report in scores if report.step == course.step)
    rose = _fall(_held_out_cycle(at_best), _held_out_cycle(scores[-1]))
    before = [record for record in records if record["step"] <= course.step]
    fell = _fall(_reconstruction(before), _reconstruction(records))
    if rose is None or fell is None or rose > -_MOVES or fell < _MOVES:
        return ""
    return f"the cycle error of held-out files rose by {-rose:.0%}, while the cycle loss in training fell by {fell:.0%}"


def _held_out_cycle(report: ScoreReport) -> float | None:
    cycles = [value for name, value in report.scores.items() if name.startswith("cycle_") and math.isfinite(value)]
    return sum(cycles) / len(cycles) if cycles else None


# -- losses ------------------------------------------------------------------------------------------
def _not_scored(step: int, steps: int, records: Sequence[Mapping[str, Any]], scored: int) -> Verdict:
    """What can be said without a course of scores."""
    text = _why_not(scored, "translations are", step, steps)
    third = records[: len(records) - len(records) // 3]
    fell = _fall(_reconstruction(third), _reconstruction(records))
    if fell is not None:
        moves = f"fell by {fell:.0%}" if fell > _MOVES else "no longer falls"
        text += f" The cycle loss {moves} in the last third."
    more = "Look at the previews" if scored else "Look at the previews, or hold files out (--held-out)"
    return Verdict("not scored", text, f"{more}.")


def _generated(step: int, steps: int, records: Sequence[Mapping[str, Any]], scored: int) -> Verdict:
    """The same of samples from noise, which nothing reconstructs."""
    more = "" if scored else ", or hold files out (--held-out)"
    advice = f"Look at the previews, which show them beside real ones{more}."
    return Verdict("not scored", _why_not(scored, "samples from noise are", step, steps), advice)


def _why_not(scored: int, what: str, step: int, steps: int) -> str:
    few = counted(scored, "score of held-out files is", "scores of held-out files are")
    why = f"{few} too few" if scored else "no files are held out"
    return f"not scored: {why}, and losses do not tell how good {what}, by step {step:,} of {steps:,}."


def _reconstruction(records: Sequence[Mapping[str, Any]]) -> float | None:
    """The latest cycle losses together: the median over some reports."""
    sums = []
    for record in records[-_LATEST:]:
        cycles = [value for name, value in losses_of(record).items() if name.startswith("cycle_") and value is not None]
        sums += [sum(cycles)] if cycles else []
    return median(sums) if sums else None


def _fall(before: float | None, now: float | None) -> float | None:
    return None if before is None or now is None or before <= 0 else (before - now) / before
