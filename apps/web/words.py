"""Words of people for what a training says: its verdict, and what its doctor sees.

The terms are those of the command line; its own sentence, with figures and settings, stays behind "details".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from unpaired.core.monitoring import Finding
from unpaired.core.training import Verdict

Mood = Literal["good", "wait", "warn", "bad"]


@dataclass(frozen=True)
class Told:
    """Something said of a training or of its files."""

    mood: Mood
    title: str
    text: str = ""
    """What to do about it, or what it means."""
    details: str = ""
    """The same as the command line says it; empty where that adds nothing."""


_VERDICTS: Mapping[str, tuple[Mood, str, str]] = {
    "too early to judge": ("wait", "Too early to tell", "The first results say little. Give it more time."),
    "going on well": ("good", "It keeps getting better", "Let it go on."),
    "no gain": (
        "warn",
        "It has stopped getting better",
        "Use the best version so far. More time alone will not help; more files, or other ones, may.",
    ),
    "getting worse": ("warn", "It was better before", "Use the best version so far, and stop it."),
    "looks wrong": ("bad", "Something looks wrong", ""),
    "not scored": (
        "wait",
        "Look for yourself",
        "No files were set aside to check it with, or too few checks are in: the pictures tell more than numbers.",
    ),
}
_FINDINGS: Mapping[str, tuple[str, str]] = {
    "NaN or infinity": (
        "It lost its way and stopped",
        "The last good version is kept. Start again with a lower learning rate.",
    ),
    "identity collapse": (
        "It changes nothing",
        "Results look like the originals. If that stays so, start again with a lower weight of “identity”.",
    ),
    "colour inversion": (
        "It turns colours into their negatives",
        "This rarely goes away: start again with another seed.",
    ),
    "displaced translation": ("It moves everything aside", "This rarely goes away: start again with another seed."),
    "flat output": ("Results are nearly blank", "If that stays so, start again with a lower learning rate."),
    "mode collapse": (
        "Results hardly differ from each other",
        "Start again with a lower learning rate, or with more varied files.",
    ),
    "identical outputs": (
        "Every file gets the same result",
        "Start again with a higher weight of “cycle”, or with more varied files.",
    ),
    "discriminator saturation": (
        "It has nothing more to learn from",
        "The part that checks results is always right. More files help, or a lower learning rate of the discriminator.",
    ),
    "blur": ("Results are blurred", "More time often helps."),
    "noise": ("Results show noise", "More time may help; a lower learning rate does too."),
    "checkerboard": ("A fine grid lies over the results", "Start again with “upsampling” at “resize”."),
    "low contrast": ("Results are pale", "More time often helps."),
    "colour cast": ("Colours are off", "More time may help. Look whether both folders show the same kinds of things."),
    "content lost": (
        "Results no longer show what the original showed",
        "If that stays so, start again with a higher weight of “cycle”.",
    ),
    "overfitting": ("It learns the files by heart", "Use the best version so far; more files help."),
    "flicker": ("Footage shows flicker", "More time may help."),
}
_READINESS: Mapping[str, tuple[Mood, str]] = {
    "ready to train": ("good", "Both folders are fine."),
    "trains with reservations": ("warn", "This will work, within limits."),
    "cannot train": ("bad", "This cannot be trained yet."),
}


def tell_verdict(verdict: Verdict) -> Told:
    """A verdict in people's words."""
    mood, title, text = _VERDICTS.get(verdict.kind, ("wait", verdict.kind, ""))
    if verdict.kind == "looks wrong":
        known = [_FINDINGS[term] for term in verdict.findings if term in _FINDINGS]
        title = known[0][0] if known else title
        text = " ".join(dict.fromkeys(advice for _, advice in known)) or verdict.text
    return Told(mood, title, text, str(verdict))


def tell_finding(finding: Finding, names: tuple[str, str]) -> Told:
    """What the doctor noticed, in people's words; `names` are those of the two sides."""
    term, place = _parted(finding.name)
    title, text = _FINDINGS.get(term, (term, finding.advice))
    where = {"a2b": f" ({names[0]} to {names[1]})", "b2a": f" ({names[1]} to {names[0]})"}.get(place, "")
    return Told("bad", f"{title}{where}", text, f"{finding.name}: {finding.evidence} {finding.advice}")


def _parted(name: str) -> tuple[str, str]:
    """The term of a finding, and the direction or the side that it is of."""
    term, _, place = name.rpartition(" ")
    return (term, place) if place in ("a2b", "b2a", "a", "b") else (name, "")


def tell_readiness(verdict: str, names: tuple[str, str]) -> Told:
    """The last line of `unpaired inspect` on two folders, in people's words."""
    term, _, reasons = verdict.partition(": ")
    mood, title = _READINESS.get(term, ("warn", verdict))
    text = "" if mood == "good" else with_names(reasons, names)
    return Told(mood, title, text[:1].upper() + text[1:])


def with_names(sentence: str, names: tuple[str, str]) -> str:
    """A remark of `unpaired inspect` with the names of the folders in place of A and B: "(A)", "in A", "of B"."""
    by_letter = dict(zip("AB", names, strict=True))
    return re.sub(r"(\(|\b(?:in|of|than) )([AB])\b", lambda found: found[1] + by_letter[found[2]], sentence)
