"""Rules for training and scoring."""

from __future__ import annotations

import json
import pickle
import random
from collections.abc import Mapping
from dataclasses import is_dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..adapter.domain import ConversionSettings, DomainSettings
from ..adapter.inventory import Inventory
from ..errors import MediaError, MissingFile
from ..networks.settings import NetworkSettings
from ..networks.spec import as_generator
from ..objectives.objective import Objective
from ..samples import Sample
from ..settings.mapping import from_mapping, to_mapping
from ..sides import Side
from .case import (
    SIDES,
    Case,
    ContractError,
    Rule,
    expect,
    expect_json,
    expect_raised,
    expect_sentences,
    expect_tensor,
    sample,
)

_SMALLEST = NetworkSettings(filters=2, blocks=1, discriminator_filters=2)


def describes_itself(case: Case) -> None:
    """A name, 1 to 3 spatial dimensions, lower-case filename endings, a number of channels for each side."""
    name = getattr(case.domain, "name", None)
    expect(isinstance(name, str) and bool(name), f"name is {name!r}; give the class a non-empty name")
    dimensions = case.domain.dimensions
    expect(dimensions in (1, 2, 3), f"dimensions is {dimensions!r}; expected 1, 2 or 3")
    suffixes = case.domain.suffixes
    good = isinstance(suffixes, tuple) and all(each.startswith(".") and each == each.lower() for each in suffixes)
    expect(good, f"suffixes is {suffixes!r}; give a tuple of endings in small letters, each with its dot")
    for side in SIDES:
        channels = case.domain.channels(side)
        good = isinstance(channels, int) and channels >= 1
        expect(good, f"channels({side!r}) gave {channels!r}; give a whole number of at least 1")


def settings_are_plain_and_frozen(case: Case) -> None:
    """Settings are frozen dataclasses of plain values: a model file carries them as JSON."""
    for kind, base in ((case.domain.settings_type, DomainSettings), (case.domain.conversion_type, ConversionSettings)):
        expect(issubclass(kind, base), f"{kind.__name__} must derive from {base.__name__}")
        parameters = vars(kind).get("__dataclass_params__")
        expect(is_dataclass(kind) and parameters is not None and parameters.frozen,
               f"{kind.__name__} must itself be declared @dataclass(frozen=True)")  # fmt: skip
        described = to_mapping(kind())
        expect_json(described, kind.__name__)
        back = from_mapping(kind, json.loads(json.dumps(described)))
        expect(back == kind(), f"{kind.__name__} came back from JSON as {back}; use plain types for its fields")


def settings_rebuild_the_domain(case: Case) -> None:
    """A model file alone must rebuild the domain: the class is called with the settings and nothing else."""
    domain = case.domain
    kind = domain.settings_type
    expect(isinstance(domain.settings, kind), f"settings is a {type(domain.settings).__name__}, not a {kind.__name__}")
    try:
        rebuilt = type(domain)(from_mapping(kind, to_mapping(domain.settings)))
    except TypeError as error:
        raise ContractError(
            f"{type(domain).__name__}(settings) fails ({error}); take settings as first argument"
        ) from error
    expect(rebuilt.settings == domain.settings, f"rebuilt from its settings the domain has others: {rebuilt.settings}")
    same = all(rebuilt.channels(side) == domain.channels(side) for side in SIDES)
    expect(same, "channels change when the domain is rebuilt from its settings; derive them from settings alone")


def survives_pickling(case: Case) -> None:
    """Samples are drawn in worker processes, which get the domain by pickle."""
    copy = pickle.loads(pickle.dumps(case.domain))
    expect(copy.settings == case.domain.settings, "a pickled copy has other settings; keep no state outside settings")
    same = torch.equal(sample(copy, case.files("a")[0], "a"), case.sample("a"))
    expect(same, "a pickled copy draws another sample from the same seed; keep no state outside settings")


def scans_folders(case: Case) -> None:
    """A scan lists usable files sorted by path, and says the rest in plain values."""
    for folder in (case.a, case.b):
        for thorough in (False, True):
            inventory = case.domain.scan(folder, thorough=thorough)
            expect(isinstance(inventory, Inventory), f"scan gave a {type(inventory).__name__}; give an Inventory")
            files = inventory.files
            expect(len(files) >= 2, f"scan found {len(files)} usable files in {folder}; there are two or more")
            expect(files == tuple(sorted(files)), "files must be a tuple sorted by path: their order decides the draws")
            expect(all(file.exists() for file in files), "files must be paths that exist as they are given")
            counted = not inventory.draws or len(inventory.draws) == len(files)
            expect(counted and min(inventory.draws, default=1) >= 1, "draws must give each file a count of at least 1")
            expect_json(dict(inventory.facts), "facts")
            expect_sentences(inventory.warnings, "warnings")
            named = all(case.domain.convertible(file) is True for file in files)
            expect(named, "convertible(path) must be True for the files that scan lists")
    expect_sentences(case.domain.compare(case.domain.scan(case.a), case.domain.scan(case.b)), "compare")


def scans_awkward_folders(case: Case) -> None:
    """An absent folder is MissingFile, an empty one an empty inventory, a broken file is listed and not raised."""
    expect_raised(partial(case.domain.scan, case.scratch / "absent"), (MissingFile,), "scan of an absent folder")
    found = case.domain.scan(case.folder("empty")).files
    expect(found == (), f"scan of an empty folder found {found}; give an Inventory without files")
    folder = case.folder("only-broken")
    (folder / case.broken.name).write_bytes(case.broken.read_bytes())
    inventory = case.domain.scan(folder, thorough=True)
    expect(inventory.files == (), f"a thorough scan lists {case.broken.name} as usable, which cannot be decoded")
    listed = len(inventory.broken) == 1 and bool(inventory.broken[0].reason)
    expect(listed, "a thorough scan must list the broken file in `broken`, with a reason")


def samples_are_well_formed(case: Case) -> None:
    """float32 (C, *space) in [-1, 1], of one spatial shape for both domains, any file, seed and augmentation."""
    shapes = set()
    for side in SIDES:
        for file in case.files(side):
            for seed, augmentation in ((0, 1.0), (1, 1.0), (2, 0.3), (3, 0.0)):
                drawn = sample(case.domain, file, side, seed, augmentation)
                expect_tensor(case.domain, side, drawn, "sample")
                shapes.add(tuple(drawn.shape[1:]))
    expect(len(shapes) == 1, f"samples have the shapes {sorted(shapes)}; every sample must have the same spatial shape")


def contexts_are_alike(case: Case) -> None:
    """The context of a sample is tensors by name, of the same names and shapes each time, drawn from the generator."""
    for side in SIDES:
        kinds = set()
        for file in case.files(side):
            for seed in (0, 1):
                context, again = (_context(case, file, side, seed) for _ in range(2))
                for name, value in context.items():
                    good = isinstance(value, torch.Tensor) and bool(value.isfinite().all())
                    expect(good, f"the context {name!r} of a sample is no tensor of finite values")
                    same = name in again and torch.equal(value, again[name])
                    expect(same, f"the context {name!r} differs for the same seed; draw from `rng` only")
                kinds.add(tuple(sorted((name, tuple(value.shape), value.dtype) for name, value in context.items())))
        expect(len(kinds) == 1, f"samples of {side.upper()} differ in context; give each the same names and shapes")


def _context(case: Case, file: Path, side: Side, seed: int) -> Mapping[str, Any]:
    return Sample.of(case.domain.sample(file, side, np.random.default_rng(seed), 1.0)).context


def brings_an_objective(case: Case) -> None:
    """The objective that trains this medium has plain settings, and networks that can be described."""
    kind = case.domain.objective_type("cycle")
    expect(isinstance(kind, type) and issubclass(kind, Objective), f"objective_type gave {kind!r}; give an Objective")
    described = to_mapping(kind.settings_type())
    expect_json(described, kind.settings_type.__name__)
    objective = kind(from_mapping(kind.settings_type, json.loads(json.dumps(described))))
    networks = objective.networks(case.domain.networks("tiny", _SMALLEST))
    for name, spec in networks.auxiliary.items():
        expect_json(dict(spec.options), f"options of the auxiliary discriminator {name!r}")
        spec.build("discriminators")


def _global_random_state() -> Any:
    return torch.get_rng_state().tolist(), random.getstate(), str(np.random.get_state())


def samples_come_from_the_generator(case: Case) -> None:
    """The same seed gives the same sample, and no global random state is read or changed."""
    for side in SIDES:
        draws = []
        for disturbance in (1, 2):
            torch.manual_seed(disturbance)
            np.random.seed(disturbance)
            random.seed(disturbance)
            before = _global_random_state()
            draws.append(case.sample(side, seed=5))
            expect(before == _global_random_state(), "sample uses a global random generator; draw from `rng` only")
        expect(torch.equal(*draws), "sample differs for the same seed; draw from `rng` only and keep no state")


def refuses_broken_files(case: Case) -> None:
    """A file that cannot be decoded raises MediaError, one that is absent MissingFile or MediaError."""
    absent = case.scratch / f"absent{case.broken.suffix}"
    for side in SIDES:
        for path, what, kinds in (
            (case.broken, "a file that cannot be decoded", (MediaError,)),
            (absent, "an absent file", (MissingFile, MediaError)),
        ):
            expect_raised(partial(sample, case.domain, path, side), kinds, f"sample of {what}")
            expect_raised(partial(case.domain.load, path, side), kinds, f"load of {what}")


def generators_fit_the_samples(case: Case) -> None:
    """The generators take this domain's samples, and a translation has the form of a sample of the other side."""
    networks = case.domain.networks("tiny", _SMALLEST)
    a, b = case.sample("a")[None], case.sample("b")[None]
    for spec, x, other in ((networks.generator_a2b, a, b), (networks.generator_b2a, b, a)):
        generator = spec.build("generators").eval()
        takes = as_generator(generator)
        fits = all(size % takes.multiple == 0 and size >= takes.minimum for size in x.shape[2:])
        wanted = f"multiples of {takes.multiple}, at least {takes.minimum}"
        expect(fits, f"samples measure {tuple(x.shape[2:])}; the generator needs {wanted}")
        with torch.no_grad():
            y = generator(x)
        expect(y.shape == other.shape, f"a translation measures {tuple(y.shape)}, a sample {tuple(other.shape)}")
        expect(bool(y.abs().max() <= 1), "a translation leaves [-1, 1]; end the generator with tanh")


def discriminators_fit_the_samples(case: Case) -> None:
    """The discriminators take this domain's samples and give finite logits."""
    networks = case.domain.networks("tiny", _SMALLEST)
    for spec, x in ((networks.discriminator_a, case.sample("a")), (networks.discriminator_b, case.sample("b"))):
        with torch.no_grad():
            logits = spec.build("discriminators").eval()(x[None])
        finite = logits.numel() > 0 and bool(logits.isfinite().all())
        expect(finite, f"a discriminator gives {tuple(logits.shape)} values that are not all finite")


def warps_are_repeatable(case: Case) -> None:
    """A warp keeps the shape, does the same each time it is applied, and is drawn from the generator."""
    for side in SIDES:
        x = case.sample(side)[None]
        warp, again = (case.domain.warp(np.random.default_rng(1)) for _ in range(2))
        if warp is None or again is None:
            return
        y = warp(x)
        expect(y.shape == x.shape, f"warp turns {tuple(x.shape)} into {tuple(y.shape)}; keep the shape")
        expect(bool(y.isfinite().all()), "warp gives values that are not finite")
        expect(torch.equal(y, warp(x)), "a warp differs when applied twice; draw everything when it is made")
        expect(torch.equal(y, again(x)), "warps of the same seed differ; draw from `rng` only")


def previews_are_pictures(case: Case) -> None:
    """A preview is (3, H, W) uint8."""
    for side in SIDES:
        picture = case.domain.preview(case.sample(side))
        good = picture.dtype == torch.uint8 and picture.ndim == 3 and picture.shape[0] == 3 and picture.numel() > 0
        expect(good, f"preview gave {tuple(picture.shape)} {picture.dtype}; give (3, H, W) torch.uint8")


def loads_for_scoring(case: Case) -> None:
    """`load` gives one well-formed tensor, the same each time."""
    for side in SIDES:
        loaded = case.domain.load(case.files(side)[0], side)
        expect_tensor(case.domain, side, loaded, "load")
        again = case.domain.load(case.files(side)[0], side)
        expect(torch.equal(loaded, again), "load differs from call to call; it must not be random")


def scores_are_named_numbers(case: Case) -> None:
    """Scores are dictionaries of numbers by name, none of them NaN."""
    samples = [sample(case.domain, file, "b") for file in case.files("b")]
    for what, scores in (
        ("paired_scores", case.domain.paired_scores(samples[0], samples[1])),
        ("paired_scores of equals", case.domain.paired_scores(samples[0], samples[0])),
        ("unpaired_scores", case.domain.unpaired_scores(samples, samples[::-1])),
    ):
        good = all(isinstance(name, str) and isinstance(value, float | int) for name, value in scores.items())
        expect(good, f"{what} gave {scores!r}; give numbers by name")
        expect(all(value == value for value in scores.values()), f"{what} holds NaN: {scores}")


TRAINING_RULES: tuple[Rule, ...] = (
    describes_itself,
    settings_are_plain_and_frozen,
    settings_rebuild_the_domain,
    survives_pickling,
    scans_folders,
    scans_awkward_folders,
    samples_are_well_formed,
    samples_come_from_the_generator,
    contexts_are_alike,
    refuses_broken_files,
    generators_fit_the_samples,
    discriminators_fit_the_samples,
    brings_an_objective,
    warps_are_repeatable,
    previews_are_pictures,
    loads_for_scoring,
    scores_are_named_numbers,
)
