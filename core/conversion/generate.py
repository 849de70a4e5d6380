"""Samples from noise, by a model that generates."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..adapter.generated import DIGITS, check_unused, earlier_samples, in_place_of
from ..adapter.noise import noise_batch
from ..adapter.randomness import seeded
from ..errors import ConfigError, show
from ..model.model_file import Model
from ..networks.spec import DrawsAtTemperature
from ..noise import Noise
from ..settings.arguments import expect, expect_path, expect_truths

if TYPE_CHECKING:
    from torch import Tensor, nn

_BATCH = 64
MOST = 10_000_000
"""Samples at most: that many names have one length."""
HOTTEST = 10
"""The highest temperature: at it samples are all but random."""


def generate(
    model: Model,
    device: str,
    count: int = 16,
    label: str | None = None,
    seed: int = 0,
    interpolate: bool = False,
    temperature: float = 1.0,
) -> Iterator[Tensor]:
    """Samples of B (C, *space) in [-1, 1], float32 on the CPU, one after another.

    The k-th depends on the model, `seed`, k, `label` and `temperature` alone.

    Args:
        device: where the generator runs.
        count: number of samples.
        label: of all of them; None takes the model's labels in turn, where it has any.
        seed: of the noise, and of what the generator draws itself.
        interpolate: go from one point of noise to a second in `count` even steps, both with one label.
        temperature: below 1 for likelier and less varied samples: what a generator that draws from distributions
            (`DrawsAtTemperature`) divides logits by, and for all others a factor of the noise.

    Raises:
        ArgumentError: an argument has the wrong type.
        ConfigError: the model translates, has no such label, or a number is out of range.
    """
    noise = generating(model)
    expect("label", label, (str, type(None)), "the name of a label, or None")
    for name, value, least in (("count", count, 1), ("seed", seed, 0)):
        expect(name, value, int, "a whole number")
        if not least <= value <= MOST:
            raise ConfigError(f"{name} is {show(value)}; expected {least} to {MOST:,}")
    if interpolate and count < 2:
        raise ConfigError(f"count is {count}; an interpolation has two ends, and so 2 samples or more")
    expect("temperature", temperature, (float, int), "a number")
    if not 0.0 < temperature <= HOTTEST:
        raise ConfigError(f"temperature is {show(temperature)}; expected a number above 0 and up to {HOTTEST}")
    labels = [noise.label(label)] if label is not None else []
    return _generated(model, device, noise, count, labels, seed, interpolate, temperature)


def generating(model: Model) -> Noise:
    """The noise that a model generates from. Raises ConfigError for one that translates."""
    if model.noise is None:
        raise ConfigError("this model translates, and generates nothing from noise: unpaired convert MODEL INPUT "
                          "OUTPUT (in Python translator.convert)")  # fmt: skip
    return model.noise


def _generated(
    model: Model,
    device: str,
    noise: Noise,
    count: int,
    labels: list[int],
    seed: int,
    interpolate: bool,
    temperature: float,
) -> Iterator[Tensor]:
    import torch

    generator, dimensions = model.generators["a2b"].to(device), model.domain.dimensions
    ends = noise_batch(noise, dimensions, 2, seed, labels or [0] * bool(noise.labels)) if interpolate else None
    for start in range(0, count, _BATCH):
        places = range(start, min(start + _BATCH, count))
        if ends is None:
            z = noise_batch(noise, dimensions, len(places), seed, labels, start)
        else:
            share = torch.tensor([place / (count - 1) for place in places], dtype=torch.float32)
            z = torch.lerp(ends[:1], ends[1:], share.reshape(-1, *[1] * (ends.dim() - 1)))
        with torch.inference_mode(), seeded(int(np.random.default_rng([seed, start, 1]).integers(2**32))):
            made = _at_temperature(generator, z.to(device), noise.size, temperature).float().cpu()
        yield from made


def _at_temperature(generator: nn.Module, z: Tensor, size: int, temperature: float) -> Tensor:
    """Samples for noise, of which `size` numbers are drawn and the rest are labels."""
    if not isinstance(generator, DrawsAtTemperature):
        z[:, :size] *= temperature
        return generator(z)  # type: ignore[no-any-return]
    own, generator.temperature = generator.temperature, temperature
    try:
        return generator(z)  # type: ignore[no-any-return, operator]
    finally:
        generator.temperature = own


def generate_files(
    model: Model,
    device: str,
    out: str | os.PathLike[str],
    count: int = 16,
    label: str | None = None,
    seed: int = 0,
    interpolate: bool = False,
    overwrite: bool = False,
    temperature: float = 1.0,
) -> list[Path]:
    """Write samples as files of the medium, into the folder `out`; see `generate`. With labels, each into a sub-folder
    of its label's name, ready to be trained on.

    Args:
        overwrite: remove the samples of an earlier generation, all of them, from the folders that this one writes into.
            Other files stay.

    Raises OutputError where they cannot be written, or would lie among those of an earlier generation; ConfigError for
    a medium that writes none; else as `generate`.
    """
    expect_path("out", out, "the path of a folder")
    expect_truths(overwrite=overwrite)
    samples = generate(model, device, count, label, seed, interpolate, temperature)
    noise = generating(model)
    model.domain.check_generated(Path(out))
    digits = max(DIGITS, len(str(count - 1)))
    turn = [label] if label is not None else list(noise.labels)[: 1 if interpolate else None]
    folders = [f"{turn[place % len(turn)]}/" if turn else "" for place in range(count)]
    names = [f"{folder}{place:0{digits}}" for place, folder in enumerate(folders)]
    earlier = earlier_samples(Path(out), folders, model.domain.generated_suffix)
    if not overwrite:
        check_unused(Path(out), earlier)
    # A file that exists is replaced as a whole by its writer.
    made = in_place_of([file for file in earlier if file != Path(out)], samples)
    return list(model.domain.write_generated((model.domain.denormalise(x, "b") for x in made), names, Path(out)))
