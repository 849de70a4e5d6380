"""Every term that a verdict, a doctor or an inspection can name has words for people."""

from __future__ import annotations

import pytest

from unpaired.apps.web.words import duration, tell_finding, tell_readiness, tell_verdict, with_names
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
    ("seconds", "words"),
    [(20, "less than a minute"), (61, "about 1 minute"), (700, "about 12 minutes"), (5400, "about 2 hours"),
     (3600 * 30, "about 30 hours"), (86400 * 2, "about 2 days")],
)  # fmt: skip
def test_durations_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_remarks_name_the_folders() -> None:
    said = "The median pitch is 214 Hz in A and 95 Hz in B (A). A file of A: B."
    assert with_names(said, ("women", "men")) == (
        "The median pitch is 214 Hz in women and 95 Hz in men (women). A file of women: B."
    )
