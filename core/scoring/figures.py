"""Scores of generators on held-out samples, by name and direction: `random_swd_a2b`, `structure_b2a` ..."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from ..adapter.domain import Domain
from ..adapter.randomness import seeded
from ..objectives.objective import Discriminators, Generators
from ..sides import SIDES, Direction, Side, backwards
from .composition import UNTRANSLATED
from .content import gradient_energy, layout, relative_structure_distance
from .distances import SetFeatures, set_distances
from .features import DiscriminatorFeatures, evaluating
from .held_out import HeldOut, load_held_out

ROUND_TRIPS = 8
"""Samples of a side that cycle and identity error are measured on, at most: means that scatter little."""


def score(
    generators: Generators | Mapping[Direction, nn.Module],
    discriminators: Discriminators | None,
    domain: Domain,
    files_a: Sequence[Path],
    files_b: Sequence[Path],
    extractor: Path | None = None,
    seed: int = 0,
) -> dict[str, float]:
    """Score generators on held-out files of both sides; see `score_held_out`.

    Raises:
        MediaError: fewer than two files of a side can be decoded.
    """
    held = load_held_out(domain, {"a": files_a, "b": files_b}, extractor, seed)
    return score_held_out(generators, discriminators, held)


def score_held_out(
    generators: Generators | Mapping[Direction, nn.Module], discriminators: Discriminators | None, held: HeldOut
) -> dict[str, float]:
    """All figures of the directions there are, with the direction at the end of each name.

    Neither weights, modes and statistics of the networks nor any random state are changed.

    Args:
        generators: on one device; by direction, or as an objective has them.
        discriminators: for distances on their features; None goes without.

    Returns:
        random_swd, random_kid: distances to the target side on random features; discriminator_swd, discriminator_kid:
        on those of the target side's discriminator; each with `untranslated_` in front for the untranslated input,
        where the sides have equal channels. structure: `relative_structure_distance`. cycle, identity: mean absolute
        errors. sharpness: gradient energy over that of the target side. Then the domain's own: `sequence_scores`,
        `judged_scores` and `unpaired_scores`. Of samples from noise those that need no input: random_swd, random_kid,
        sharpness and `unpaired_scores`.
    """
    there = generators.by_direction() if isinstance(generators, Generators) else dict(generators)
    discriminating = dict(discriminators.named_children()) if discriminators is not None else {}
    found: dict[str, float] = {}
    with _random_state_kept(held.seed, *there.values()), evaluating(*there.values(), *discriminating.values()):
        for direction, generator in there.items():
            scorer = _DirectionScorer(held, direction, generator, there.get(backwards(direction)))
            figures = scorer.figures(discriminating.get(SIDES[direction][1]))
            found |= {f"{name}_{direction}": value for name, value in figures.items()}
    return found


def seconds_to_translate(generators: Generators, held: HeldOut) -> float:
    """Estimate of the seconds that `score_held_out` spends in the generators, from one sample of each direction."""
    there, seconds = generators.by_direction(), 0.0
    with _random_state_kept(held.seed, *there.values()), evaluating(*there.values()):
        for direction, generator in there.items():
            samples = held.samples[SIDES[direction][0]]
            start = time.perf_counter()
            _through(generator, samples[0])
            seconds += (time.perf_counter() - start) * (len(samples) + 2 * min(ROUND_TRIPS, len(samples)))
    return seconds


class _DirectionScorer:
    """The figures of one direction."""

    def __init__(self, held: HeldOut, direction: Direction, there: nn.Module, back: nn.Module | None) -> None:
        self.held, self.direction, self.there, self.back = held, direction, there, back
        self.source, self.target = SIDES[direction]
        self.translated = [_through(there, x) for x in held.samples[self.source]]

    def figures(self, discriminator: nn.Module | None) -> dict[str, float]:
        """All of them by name."""
        held = self.held
        found = self._random()
        if discriminator is not None and not held.noise:  # its features change, and there is no input to relate them to
            found |= self._discriminator(discriminator)
        if not held.noise:
            layouts = [layout(y) for y in self.translated]
            found["structure"] = relative_structure_distance(held.layouts[self.source], layouts)
            found |= held.sequence_scores(partial(_through, self.there), self.source)
            found |= held.judged_scores(partial(_through, self.there), self.source)
        if self.back is not None:
            returned = [_through(self.back, y) for y in self.translated[:ROUND_TRIPS]]
            found["cycle"] = self._error(returned, self.source)
        if held.alike:
            unchanged = [_through(self.there, y) for y in held.samples[self.target][:ROUND_TRIPS]]
            found["identity"] = self._error(unchanged, self.target)
        detail = gradient_energy(held.samples[self.target])
        found["sharpness"] = gradient_energy(self.translated) / detail if detail else math.nan
        untranslated = held.own_untranslated.get(self.direction, {})
        found |= held.own_scores(self.translated, self.target, self.target)
        return found | {UNTRANSLATED + name: value for name, value in untranslated.items()}

    def _random(self) -> dict[str, float]:
        device = next(self.there.parameters()).device
        network, real, untranslated = self.held.known_features(self.target, device)
        return _distances("random", _features_of(network, self.translated, network.first), real, untranslated)

    def _discriminator(self, discriminator: nn.Module) -> dict[str, float]:
        features, held = DiscriminatorFeatures(discriminator), self.held
        if not features.usable(held.domain.channels(self.target)):
            return {}
        described = partial(_features_of, features, weight=next(discriminator.parameters()))
        ours, real = described(self.translated), described(held.samples[self.target])
        untranslated = described(held.samples[self.source]) if held.alike else None
        return _distances("discriminator", ours, real, untranslated)

    def _error(self, found: Sequence[Tensor], side: Side) -> float:
        """Mean absolute difference of what was made of the first samples of a side from them."""
        plain, wanted = self.held.plain(side, found), self.held.plain(side)
        return float(torch.stack([(x - y).abs().mean() for x, y in zip(plain, wanted, strict=False)]).mean())


def _distances(kind: str, ours: SetFeatures, real: SetFeatures, untranslated: SetFeatures | None) -> dict[str, float]:
    """Those of the translations and, where there is such a thing, of the untranslated input."""
    units = [real] if untranslated is None else [real, untranslated]
    found = {f"{kind}_{name}": value for name, value in set_distances(ours, real, units).items()}
    if untranslated is not None:
        before = set_distances(untranslated, real, units)
        found |= {f"{UNTRANSLATED}{kind}_{name}": value for name, value in before.items()}
    return found


def _features_of(features: Callable[[Tensor], list[Tensor]], samples: Sequence[Tensor], weight: Tensor) -> SetFeatures:
    return SetFeatures.of([features(x[None].to(weight.device, weight.dtype)) for x in samples])


def _through(generator: nn.Module, x: Tensor) -> Tensor:
    place = next(generator.parameters())
    return cast(Tensor, generator(x[None].to(place.device, place.dtype)))[0].float().cpu()


@contextmanager
def _random_state_kept(seed: int, *networks: nn.Module) -> Iterator[None]:
    """Random numbers from `seed` in this block, and afterwards those that would have come without it: a network or a
    medium of a user's may draw some where it should not."""
    devices = {parameter.device for network in networks for parameter in network.parameters()}
    with seeded(seed), torch.random.fork_rng([device for device in devices if device.type == "cuda"]):
        torch.manual_seed(seed)  # of all devices
        yield
