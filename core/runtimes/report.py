"""What this machine is to a network, what was measured on it, and why the ways in use were chosen."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .cache import CONVERSIONS, TRAININGS, cache_bytes, cache_folder, damaged_entries, kept_entries
from .cores import SPINNING, allowed_cores, core_quota, usable_cores, usual_threads
from .machine import LIMITS, cpu_flags, cpu_model, library_versions, measured_on
from .race import MARGIN, winner


@dataclass(frozen=True)
class Measurement:
    """One race: what it was for, what each way took, and what has been used since."""

    use: Literal["conversion", "training"]
    network: str
    """The generator's class."""
    layers: str
    """A digest of its layers, which tells it from others of its class with as many weights."""
    weights: int
    """Number of its weights."""
    shape: tuple[int, ...]
    """Of the sample."""
    candidates: tuple[str, ...]
    """The ways that there were to choose from, the default first."""
    default: str
    chosen: str
    reason: str
    seconds: Mapping[str, float]
    """Median of each way that ran."""
    threads: int
    valid: bool
    """Whether it holds for this process: same CPU, threads and libraries, by a version that chose among the same."""


@dataclass(frozen=True)
class MachineReport:
    """The CPU, what a process gets of it, the libraries, the cache folder, and what was measured."""

    cpu: str
    flags: tuple[str, ...]
    """Instructions of the CPU that decide how fast a network runs."""
    limits: Mapping[str, str]
    """Variables of the environment that keep libraries from using some of them."""
    allowed_cores: int
    """Cores that the process may run on."""
    quota: float | None
    """Cores' worth of time that the container grants; None: no bound."""
    cores: int
    """Cores that it gets in the end."""
    threads: int
    spinning: Mapping[str, str]
    """Variables of the environment that say how long waiting threads spin."""
    libraries: Mapping[str, str]
    cache: Path
    cache_bytes: int
    measured: tuple[Measurement, ...]
    damaged: int
    """Measurements that cannot be read."""


def describe_machine() -> MachineReport:
    """Describe this machine as networks see it, and what was measured on it. Measures nothing and imports no torch."""
    return MachineReport(
        cpu=cpu_model(),
        flags=cpu_flags(),
        limits={name: os.environ[name] for name in LIMITS if name in os.environ},
        allowed_cores=allowed_cores(),
        quota=core_quota(),
        cores=usable_cores(),
        threads=usual_threads(),
        spinning={name: os.environ[name] for name in SPINNING if name in os.environ},
        libraries=dict(library_versions()),
        cache=cache_folder(),
        cache_bytes=cache_bytes(),
        measured=tuple(sorted(_measurements(), key=lambda each: (each.use, each.weights, each.shape))),
        damaged=sum(map(damaged_entries, (CONVERSIONS, TRAININGS))),
    )


def reason_of(chosen: str, default: str, seconds: Mapping[str, float]) -> str:
    """Why a way is used, in words."""
    others = {name: value / seconds[default] for name, value in seconds.items() if name != default}
    if chosen not in seconds or winner(seconds) != chosen:
        return "recorded by an earlier measurement, and kept"
    if chosen != default:
        return f"{chosen} takes {others[chosen]:.2f} of the time of {default}"
    if not others:
        return "no other way ran"
    nearest, ratio = min(others.items(), key=lambda item: item[1])
    if ratio > MARGIN:
        return f"the default is faster: {nearest} takes {ratio:.2f} of its time"
    return f"{nearest} takes {ratio:.2f} of its time, within {100 * (MARGIN - 1):.0f} %, so the default stays"


def _measurements() -> Iterator[Measurement]:
    here = measured_on(usual_threads())
    for use, kind in (("conversion", CONVERSIONS), ("training", TRAININGS)):
        for key, value in kept_entries(kind):
            for row in value.values() if use == "conversion" else ({"shape": key.get("shape"), **value},):
                try:
                    yield _measurement(use, key, row, here)
                except (KeyError, TypeError, ValueError, AttributeError, IndexError, ZeroDivisionError):
                    continue  # of a later version, or changed by hand


def _measurement(use: Any, key: Mapping[str, Any], row: Mapping[str, Any], here: Mapping[str, Any]) -> Measurement:
    candidates = tuple(map(str, key["candidates"])) if "candidates" in key else ("fp32",)  # by earlier versions
    default = candidates[0]
    seconds = {str(name): float(value) for name, value in row["seconds"].items()}
    network, _, layers = key["network"].partition(" ")
    return Measurement(
        use=use,
        network=network,
        layers=layers,
        weights=int(key["weights"]),
        shape=tuple(map(int, row["shape"])),
        candidates=candidates,
        default=default,
        chosen=str(row["chosen"]),
        reason=reason_of(row["chosen"], default, seconds),
        seconds=seconds,
        threads=int(key["threads"]),
        valid="candidates" in key and all(key.get(name) == value for name, value in here.items()),
    )
