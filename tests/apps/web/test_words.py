"""Every term that a verdict, a doctor or an inspection can name has words for people."""

from __future__ import annotations

from typing import Any

import pytest

from unpaired.apps.web.jobs import Job, JobKind, JobProgress, JobState, Wish
from unpaired.apps.web.wording import state_words
from unpaired.apps.web.words import tell_finding, tell_readiness, tell_verdict, with_names
from unpaired.core.monitoring import Finding
from unpaired.core.monitoring.verdict import Verdict
from unpaired.core.terms import FINDINGS, READINESS, VERDICTS

JARGON = ("domain", "a2b", "b2a", "ema", "generator", "loss", "domain a", "collapse")


@pytest.mark.parametrize("term", FINDINGS)
def test_findings_in_words(term: str) -> None:
    told = tell_finding(Finding(f"{term} a2b", 7, "Evidence.", "Advice."), ("day", "night"))
    assert told.title.endswith("(day to night)")
    assert not [word for word in JARGON if word in f"{told.title} {told.text}".lower().split()]
    assert told.details == f"{term} a2b: Evidence. Advice."


@pytest.mark.parametrize("kind", VERDICTS)
def test_verdicts_in_words(kind: str) -> None:
    told = tell_verdict(Verdict(kind, f"{kind}: figures.", findings=("blur",)))
    assert told.title
    assert told.text
    assert "figures" in told.details
    assert "figures" not in told.title + told.text


@pytest.mark.parametrize("term", READINESS)
def test_readiness_in_words(term: str) -> None:
    told = tell_readiness(f"{term}: few files (A), copies (B).", ("day", "night"))
    assert told.title.endswith(".")
    assert told.text == ("" if term == "ready to train" else "Few files (day), copies (night).")


@pytest.mark.parametrize(
    ("job", "words"),
    [({"kind": JobKind.CONVERT, "state": JobState.RUNNING}, "running"),
     ({"kind": JobKind.CONVERT, "state": JobState.DONE}, "done"),
     ({"kind": JobKind.CONVERT, "state": JobState.DONE, "left_out": 3}, "done, 3 left out"),
     ({"kind": JobKind.CONVERT, "state": JobState.RUNNING, "wish": Wish.CANCEL}, "being cancelled"),
     ({"kind": JobKind.TRAIN, "state": JobState.RUNNING}, "training"),
     ({"kind": JobKind.TRAIN, "state": JobState.RUNNING, "wish": Wish.STOP}, "stopping: it saves itself first"),
     ({"kind": JobKind.TRAIN, "state": JobState.DONE}, "finished"),
     ({"kind": JobKind.TRAIN, "state": JobState.DONE, "progress": JobProgress(step=5, steps=9)}, "stopped, and kept")],
)  # fmt: skip
def test_where_a_job_stands(job: dict[str, Any], words: str) -> None:
    assert state_words(Job(**{"request": {}, "title": "Winter", **job})) == words


def test_remarks_name_the_folders() -> None:
    said = "The median pitch is 214 Hz in A and 95 Hz in B (A). A file of A: B."
    assert with_names(said, ("women", "men")) == (
        "The median pitch is 214 Hz in women and 95 Hz in men (women). A file of women: B."
    )
