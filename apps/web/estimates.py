"""How long a conversion takes: from the times of earlier ones, and before there are any, from a table; and longer where
the machine has other work."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from unpaired.apps.web.facts import Facts
from unpaired.apps.web.jobs import Job

START = {"picture": 1.5, "clip": 3.0, "sound": 4.0}
"""Seconds that a command takes before it begins: what it loads for footage and for sound is more."""
_USUAL = {"picture": 1.0, "clip": 0.5, "sound": 0.05}
"""Seconds for a megapixel of a picture, of all frames of a clip, for a second of sound: two cores without AMX, with
room for what slows them."""


_LATELY = 9
"""Conversions that count."""


def work(facts: Facts, seconds: float | None = None) -> float:
    """Megapixels, or seconds of sound; `seconds`: of a clip or of sound, those that are wanted."""
    share = min(1.0, seconds / facts.seconds) if seconds is not None and facts.seconds else 1.0
    return (facts.seconds if facts.kind == "sound" else facts.megapixels) * share


def estimate(facts: Facts, amount: float, earlier: Iterable[tuple[Job, float]], slowdown: float = 1.0) -> float:
    """Seconds for an amount of `work`. `earlier`: conversions by the model of such files, with theirs, newest first;
    `slowdown`: how busy the machine is now (see `machine.slowdown`)."""
    start = START.get(facts.kind, 3.0)
    idle = [(job.seconds / job.slowdown - start, done) for job, done in earlier if done > 0]
    rates = [seconds / done for seconds, done in idle if seconds > 0][:_LATELY]
    return slowdown * (start + amount * (median(rates) if rates else _USUAL.get(facts.kind, 0.0)))
