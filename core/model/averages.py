"""Averages of a run's generators of any length, rebuilt after the training.

While a run trains it keeps two averages of its generators, whose memory grows with the run: the weights after step s
count by s to the power of an exponent. Snapshots of both are kept now and then, and a weighted sum of those is close to
the average of any other length. The idea is that of Karras et al. 2024, "Analyzing and Improving the Training Dynamics
of Diffusion Models", section 3.

An average's length is the standard deviation of the steps that it averages over, as a share of the steps up to then:
0.1 after 50,000 steps means those of the last 10,000 or so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError

from ..errors import ArgumentError, ConfigError, MissingFile, ModelFileError, counted, show
from ..files import atomic
from ..sides import Direction
from .stored import checksum, first_line, open_tensors, save_tensors

if TYPE_CHECKING:
    from torch import Tensor

LENGTHS = (0.05, 0.10)
"""Of the averages that a run keeps."""
SHORTEST, LONGEST = 0.01, 0.25
"""Lengths that can be asked for; a plain mean over all steps has 0.29."""
FOLDER = "averages"
"""In a run: its snapshots."""
LARGEST_ERROR = 0.4
"""Of a rebuilt profile, relative to the one that was asked for, from which on it is another one."""
_NOISE = 1e-6
"""Variance, relative to the averages', that 16-bit floats and the steps between two updates may add to a snapshot."""

Vector = npt.NDArray[np.float64]


def exponent_of(length: float) -> float:
    """The exponent of the power function whose standard deviation is `length`, relative to its end."""
    # (g + 1) / ((g + 2)^2 (g + 3)) is the variance of the density (g + 1) x^g on 0 to 1.
    inverse = length**-2
    roots = np.roots([1.0, 7.0, 16.0 - inverse, 12.0 - inverse])
    return float(max(root.real for root in roots if abs(root.imag) < 1e-6))


def check_length(length: float) -> None:
    """Raise ConfigError for a length that no average of a run has, ArgumentError for what is no number."""
    if isinstance(length, bool) or not isinstance(length, int | float):
        raise ArgumentError(f"ema_length is {show(length)}; expected a number, {SHORTEST} to {LONGEST}")
    if not SHORTEST <= length <= LONGEST:
        raise ConfigError(f"ema_length is {length:g}; expected {SHORTEST} to {LONGEST}, as a share of the run")


class Profile(NamedTuple):
    """Weights that an average gives to steps: (g + 1) s^g / t^(g + 1) for s from 0 to t."""

    step: float
    exponent: float


def products(first: Sequence[Profile], second: Sequence[Profile]) -> npt.NDArray[np.float64]:
    """Inner products of profiles, (first, second): integrals over all steps of the product of each two."""
    (t, g), (u, h) = ([np.array(column, float) for column in zip(*profiles, strict=True)]
                      for profiles in (first, second))  # fmt: skip
    t, g = t[:, None], g[:, None]
    both = np.log(np.minimum(t, u)) * (g + h + 1) - np.log(t) * (g + 1) - np.log(u) * (h + 1)
    result: npt.NDArray[np.float64] = (g + 1) * (h + 1) / (g + h + 1) * np.exp(both)
    return result


def solve(kept: Sequence[Profile], wanted: Profile) -> tuple[Vector, float]:
    """Factors of the kept averages whose sum is nearest to the wanted one, by least squares, and its relative error.

    The factors sum to 1, so that weights that never change are rebuilt exactly.
    """
    between, toward = products(kept, kept), products(kept, [wanted])[:, 0]
    scale = np.sqrt(np.diag(between))
    count = len(kept)
    system = np.zeros((count + 1, count + 1))
    system[:count, :count] = between / np.outer(scale, scale) + _NOISE * np.eye(count)
    system[:count, count] = system[count, :count] = scale.min() / scale
    solved = np.linalg.lstsq(system, np.append(toward / scale, scale.min()), rcond=1e-12)[0]
    factors = solved[:count] / scale
    itself = products([wanted], [wanted])[0, 0]
    missed = itself - 2 * toward @ factors + factors @ between @ factors
    return factors, float(np.sqrt(max(missed, 0.0) / itself))


@dataclass(frozen=True)
class Snapshot:
    """A file with both averages as they were at a step."""

    path: Path
    step: int
    """Up to which they average."""
    lengths: tuple[float, ...]
    checksums: Mapping[str, str]


def snapshot_file(run: Path, step: int) -> Path:
    """The snapshot that belongs to the checkpoint of a step."""
    return run / FOLDER / f"step-{step:08d}.safetensors"


def snapshot_files(run: Path) -> dict[int, Path]:
    """Snapshots of a run by the step of their checkpoint, oldest first."""
    steps = {path: path.stem.removeprefix("step-") for path in (run / FOLDER).glob("step-*.safetensors")}
    return {int(step): path for path, step in sorted(steps.items()) if step.isdigit()}


def save_snapshot(path: Path, step: int, averages: Mapping[float, Mapping[str, Tensor]]) -> None:
    """Write averages by length, each by DIRECTION.NAME, as they are after `step`, in 16-bit floats. Raises
    OutputError."""
    import torch

    tensors = {_name(length, name): value.detach().to("cpu", torch.float16).contiguous()
               for length, each in averages.items() for name, value in each.items()}  # fmt: skip
    sums = {name: checksum(value) for name, value in tensors.items()}
    header = {"step": step, "lengths": list(averages), "checksums": sums}
    with atomic(path) as temporary:
        save_tensors(tensors, temporary, {"unpaired": json.dumps(header, sort_keys=True)})


def rebuild(run: Path, step: int, length: float) -> tuple[dict[str, Tensor], float]:
    """The generators' weights, by DIRECTION.NAME, averaged over `length` of the run up to `step`, and the relative
    error of the average's profile.

    Raises:
        ConfigError: the length is none, or the snapshots that are kept cannot be summed to it.
        MissingFile: the run keeps no averages.
        ModelFileError: a snapshot is damaged.
    """
    check_length(length)
    snapshots = [snapshot for snapshot in map(_read, snapshot_files(run).values()) if 0 < snapshot.step <= step]
    if not snapshots:
        raise MissingFile(
            f"{run} keeps no averages up to step {step}, so that none of length {length:g} can be rebuilt: an earlier "
            "version trained it, training.post_hoc_ema was off, or it has no checkpoint of step 4 or later"
        )
    kept = [(snapshot, each) for snapshot in snapshots for each in snapshot.lengths]
    profiles = [Profile(snapshot.step, exponent_of(each)) for snapshot, each in kept]
    own = [snapshot.step for snapshot in snapshots if snapshot.path == snapshot_file(run, step)]
    factors, error = solve(profiles, Profile(own[0] if own else step, exponent_of(length)))
    if error > LARGEST_ERROR:
        raise ConfigError(
            f"an average of length {length:g} cannot be rebuilt from what {run} keeps up to step {step} "
            f"({counted(len(snapshots), 'snapshot', 'snapshots')}, the last of step {snapshots[-1].step}); choose a "
            f"length nearer to {_listed(LENGTHS)}, or another step"
        )
    total: dict[str, Tensor] = {}
    for (snapshot, each), factor in zip(kept, factors, strict=True):
        _add(total, snapshot, each, float(factor))
    return total, error


def _add(total: dict[str, Tensor], snapshot: Snapshot, length: float, factor: float) -> None:
    """Add one average of a snapshot, times `factor`. Raises ModelFileError."""
    prefix = _name(length, "")
    try:
        with open_tensors(snapshot.path) as handle:
            for name in [name for name in snapshot.checksums if name.startswith(prefix)]:
                value = handle.get_tensor(name)
                if checksum(value) != snapshot.checksums[name] or not bool(value.isfinite().all()):
                    raise ModelFileError(f"{snapshot.path} is damaged: {name} is not as it was written; remove it")
                part, key = value.float() * factor, name.removeprefix(prefix)
                total[key] = total[key] + part if key in total else part
    except (SafetensorError, OSError, RuntimeError) as error:
        raise ModelFileError(f"{snapshot.path} is damaged ({first_line(error)}); remove it") from error


def _read(path: Path) -> Snapshot:
    """What a snapshot says of itself. Raises ModelFileError."""
    try:
        with open_tensors(path) as handle:
            header = json.loads((handle.metadata() or {})["unpaired"])
        lengths = tuple(float(each) for each in header["lengths"])
        return Snapshot(path, int(header["step"]), lengths, {str(k): str(v) for k, v in header["checksums"].items()})
    except (SafetensorError, OSError, LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ModelFileError(f"{path} is no snapshot of averages ({first_line(error)}); remove it") from error


def _name(length: float, name: str) -> str:
    return f"{length:g}.{name}"


def _listed(lengths: Sequence[float]) -> str:
    return " or ".join(f"{each:g}" for each in lengths)


def by_direction(weights: Mapping[str, Tensor], direction: Direction) -> dict[str, Tensor]:
    """Those of one generator."""
    prefix = f"{direction}."
    return {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
