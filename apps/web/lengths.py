"""More time for a training that is through: what it is asked for then."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from unpaired import ConfigError, MissingFile
from unpaired.apps.web.jobs import Job

_LENGTHS = ("minutes", "steps")


def extended(job: Job, saved: int, more: Mapping[str, Any]) -> Job:
    """A training with a later end; `saved` is the step of its newest model, `more` holds minutes or steps on top of
    what it has had. A length counts from the beginning of a run, as on the command line.

    Raises ConfigError, or MissingFile where its run went away.
    """
    name, amount = _amount(more)
    if not saved:
        raise MissingFile("what this training has learned is no longer there; train again")
    settings = dict(job.request.get("settings") or {})
    training = {key: value for key, value in dict(settings.get("training") or {}).items() if key not in _LENGTHS}
    training[name] = saved + int(amount) if name == "steps" else round(job.seconds / 60 + amount, 2)
    steps = training.get("steps", 0)  # of minutes, its command tells how many they come to
    progress = replace(job.progress, step=saved, steps=steps, share=saved / steps if steps else None)
    return replace(job, request={**job.request, "settings": {**settings, "training": training}}, progress=progress)


def _amount(more: Mapping[str, Any]) -> tuple[str, float]:
    given = {name: more[name] for name in _LENGTHS if more.get(name) is not None}
    if len(given) != 1 or set(more) - set(_LENGTHS):
        raise ConfigError("expected how much longer it is to train: minutes, or steps")
    ((name, amount),) = given.items()
    fine = isinstance(amount, int | float) and not isinstance(amount, bool) and 0 < amount < math.inf
    if not fine or (name == "steps" and amount < 1):
        raise ConfigError(f"{name} is {amount!r}; expected a number above 0")
    return name, float(amount)


def length_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """How long a training was asked to take, by the name of the setting: none, one or (a fault) both."""
    training = settings.get("training") or {}
    return {name: training[name] for name in _LENGTHS if training.get(name) is not None}
