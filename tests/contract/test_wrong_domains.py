"""Each way of breaking the contract is found by the rule for it, with a message that says what to mend."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from contract.explicit_domain import CHUNK, Ecg, EcgReader, EcgWriter, Tuned
from torch import Tensor

from unpaired import CycleSettings, DomainSettings, Inventory, Reader, Sample
from unpaired.core.networks.spec import Networks, NetworkSpec
from unpaired.core.objectives.cycle import Cycle
from unpaired.core.testing.case import Case, ContractError
from unpaired.core.testing.process_rules import draws_alike_when_spawned
from unpaired.core.testing.suite import RULES, check, verify


class LooseSettings(DomainSettings):
    """Not a dataclass of its own."""

    length: int = 64


@dataclass(frozen=True)
class OddSettings(DomainSettings):
    """Holds what JSON cannot."""

    length: int = 64
    window: Any = dataclasses.field(default_factory=lambda: {1j})


Wrong = Callable[[type], dict[str, Any]]


def _sampling(change: Callable[[Tensor], Any]) -> Wrong:
    """A sample that is changed on its way out."""

    def members(ecg: type) -> dict[str, Any]:
        return {"sample": lambda self, *given, **named: change(ecg.sample(self, *given, **named))}

    return members


def _undisciplined(ecg: type) -> dict[str, Any]:
    def sample(self: Any, file: Path, side: str, rng: np.random.Generator, augmentation: float = 1.0) -> Tensor:
        return ecg.sample(self, file, side, rng, augmentation) * random.random()

    return {"sample": sample}


def _forgetful(ecg: type) -> dict[str, Any]:
    def sample(self: Any, file: Path, side: str, rng: np.random.Generator, augmentation: float = 1.0) -> Tensor:
        return ecg.sample(self, file, side, np.random.Generator(np.random.PCG64()), augmentation)

    return {"sample": sample}


def _scanning(change: Callable[[Inventory], Inventory]) -> Wrong:
    def members(ecg: type) -> dict[str, Any]:
        return {"scan": lambda self, folder, thorough=False: change(ecg.scan(self, folder, thorough))}

    return members


def _lenient(ecg: type) -> dict[str, Any]:
    def sample(self: Any, file: Path, side: str, rng: np.random.Generator, augmentation: float = 1.0) -> Tensor:
        try:
            return ecg.sample(self, file, side, rng, augmentation)
        except ValueError:
            return torch.zeros(1, self.settings.length)

    return {"sample": sample}


def _raw_errors(ecg: type) -> dict[str, Any]:
    def sample(self: Any, file: Path, side: str, rng: np.random.Generator, augmentation: float = 1.0) -> Tensor:
        if "broken" in file.name:
            raise KeyError(file.name)
        return ecg.sample(self, file, side, rng, augmentation)

    return {"sample": sample}


def _unpicklable(ecg: type) -> dict[str, Any]:
    def initialise(self: Any, settings: Any = None) -> None:
        ecg.__init__(self, settings)
        self.lock = lambda: None

    return {"__init__": initialise, "__reduce__": lambda self: (type(self), (self.settings,), vars(self))}


def _without_settings(ecg: type) -> dict[str, Any]:
    return {"__init__": lambda self: ecg.__init__(self)}


def _writing(**methods: Callable[..., Any]) -> Wrong:
    """A writer with some of its methods replaced."""

    def members(ecg: type) -> dict[str, Any]:
        def create(self: Any, path: Path, like: Reader, options: Any) -> Any:
            writer = ecg.create(self, path, like, options)
            for name, method in methods.items():
                setattr(writer, name, method.__get__(writer))
            return writer

        return {"create": create}

    return members


def _write_in_place(self: Any, chunk: Tensor) -> None:
    with self.path.open("a") as file:
        file.writelines(f"{value:.6f}\n" for value in chunk[0].tolist())


def _write_half(self: Any, chunk: Tensor) -> None:
    self.file.writelines(f"{value:.6f}\n" for value in chunk[0, ::2].tolist())


def _write_louder(self: Any, chunk: Tensor) -> None:
    self.file.writelines(f"{min(1.0, value + 0.5):.6f}\n" for value in chunk[0].tolist())


def _leave_part(self: Any) -> None:
    self.path.with_suffix(".part").write_text("left behind")


def _gather(self: Any, chunk: Tensor) -> None:
    self.chunks = [*getattr(self, "chunks", []), chunk]
    EcgWriter.write(self, chunk)


def _raw_create(ecg: type) -> dict[str, Any]:
    def create(self: Any, path: Path, like: Reader, options: Any) -> Any:
        path.with_name("raw").touch()
        return ecg.create(self, path, like, options)

    return {"create": create}


class HeldWhole(EcgReader):
    """Cuts its chunks out of the whole file."""

    def __iter__(self) -> Iterator[Tensor]:
        yield from torch.cat(list(super().__iter__()), dim=1).split(CHUNK, dim=1)


class Whole(EcgReader):
    """Gives the file as one chunk."""

    def __iter__(self) -> Iterator[Tensor]:
        yield torch.cat(list(super().__iter__()), dim=1)


def _reading(kind: type[Reader]) -> Wrong:
    return lambda ecg: {"open": lambda self, path, side, options: kind(path)}


def _counting(ecg: type) -> dict[str, Any]:
    """Samples that depend on how many there were before."""

    def sample(self: Any, file: Path, side: str, rng: np.random.Generator, augmentation: float = 1.0) -> Tensor:
        self.drawn = getattr(self, "drawn", 0) + 1
        return ecg.sample(self, file, side, rng, augmentation) * (1 - self.drawn / 1000)

    return {"sample": sample}


class Branching(torch.nn.Module):
    """A generator that looks at its input in Python, which no graph records."""

    in_channels, out_channels, multiple, minimum = 1, 1, 4, 8

    def forward(self, x: Tensor) -> Tensor:
        return x if float(x.abs().sum()) > 0 else torch.ones_like(x)


class BranchingSpec(NetworkSpec):
    def build(self, kind: Any) -> torch.nn.Module:
        return Branching()


def _branching(ecg: type) -> dict[str, Any]:
    def networks(self: Any, preset: str, settings: Any) -> Networks:
        return dataclasses.replace(ecg.networks(self, preset, settings), generator_a2b=BranchingSpec("branching", {}))

    return {"networks": networks}


def _with_context(context: Callable[[Any, Path], Any]) -> Wrong:
    """A sample with context."""

    def members(ecg: type) -> dict[str, Any]:
        def sample(self: Any, file: Path, side: str, rng: np.random.Generator, augmentation: float = 1.0) -> Sample:
            return Sample(ecg.sample(self, file, side, rng, augmentation), {"beat": context(rng, file)})

        return {"sample": sample}

    return members


@dataclass(frozen=True)
class OddWeights(CycleSettings):
    """Holds what JSON cannot."""

    window: Any = dataclasses.field(default_factory=lambda: {1j})


class OddCycle(Cycle):
    settings_type = OddWeights


class Undrawn(Cycle):
    """Asks for a discriminator of a kind that takes no such option."""

    def networks(self, networks: Networks) -> Networks:
        return dataclasses.replace(networks, auxiliary={"more": NetworkSpec("patchgan", {"channels": 3})})


def _training(kind: Any) -> Wrong:
    return lambda ecg: {"objective_type": lambda self, name: kind}


def _unread(ecg: type) -> dict[str, Any]:
    def convert(self: Any, reader: Reader, translate: Any, options: Any) -> Iterator[Tensor]:
        yield from reader

    return {"convert": convert}


def _heedless(ecg: type) -> dict[str, Any]:
    def convert(self: Any, reader: Reader, translate: Any, options: Any) -> Iterator[Tensor]:
        for chunk in reader:
            yield translate(chunk[None])[0]

    return {"convert": convert}


def _jittery_warp(ecg: type) -> dict[str, Any]:
    return {"warp": lambda self, rng: lambda x: x + torch.rand(())}


def _growing_warp(ecg: type) -> dict[str, Any]:
    return {"warp": lambda self, rng: lambda x: torch.cat([x, x], dim=-1)}


WRONG: list[tuple[str, str, str, Wrong]] = [
    ("no name", "describes_itself", "non-empty name", lambda ecg: {"name": ""}),
    ("endings in capitals", "describes_itself", "small letters", lambda ecg: {"suffixes": (".TXT",)}),
    ("four dimensions", "describes_itself", "expected 1, 2 or 3", lambda ecg: {"dimensions": 4}),
    ("no channels", "describes_itself", "whole number of at least 1", lambda ecg: {"channels": lambda self, side: 0}),
    ("settings not frozen", "settings_are_plain_and_frozen", "frozen=True",
     lambda ecg: {"settings_type": LooseSettings}),
    ("settings not plain", "settings_are_plain_and_frozen", "JSON", lambda ecg: {"settings_type": OddSettings}),
    ("no settings taken", "settings_rebuild_the_domain", "take settings as first argument", _without_settings),
    ("cannot be pickled", "survives_pickling", "pickle", _unpicklable),
    ("scan unsorted", "scans_folders", "sorted by path",
     _scanning(lambda found: dataclasses.replace(found, files=found.files[::-1]))),
    ("facts not plain", "scans_folders", "JSON-able",
     _scanning(lambda found: dataclasses.replace(found, facts={"folder": found.folder}))),
    ("warning not a tuple", "scans_folders", "tuple of sentences",
     _scanning(lambda found: dataclasses.replace(found, warnings="few files"))),
    ("scan forgives", "scans_awkward_folders", "lists broken.txt as usable",
     lambda ecg: {"scan": lambda self, folder, thorough=False: ecg.scan(self, folder)}),
    ("scan loses broken files", "scans_awkward_folders", "with a reason",
     _scanning(lambda found: dataclasses.replace(found, broken=()))),
    ("float64", "samples_are_well_formed", "give torch.float32", _sampling(lambda x: x.double())),
    ("an array", "samples_are_well_formed", "give a torch.Tensor", _sampling(lambda x: x.numpy())),
    ("no channel axis", "samples_are_well_formed", "give 2 axes", _sampling(lambda x: x[0])),
    ("two channels", "samples_are_well_formed", "2 channels where", _sampling(lambda x: x.repeat(2, 1))),
    ("0 to 255", "samples_are_well_formed", "scale them to [-1, 1]", _sampling(lambda x: 255 * x.abs())),
    ("NaN", "samples_are_well_formed", "not finite", _sampling(lambda x: x / 0 * 0)),
    ("sizes vary", "samples_are_well_formed", "the same spatial shape",
     _sampling(lambda x: x[:, : 32 + int(x[0, 0] * 8)])),
    ("global randomness", "samples_come_from_the_generator", "draw from `rng` only", _undisciplined),
    ("its own seed", "samples_come_from_the_generator", "differs for the same seed", _forgetful),
    ("context is a number", "contexts_are_alike", "no tensor of finite values", _with_context(lambda rng, file: 3.0)),
    ("context is random", "contexts_are_alike", "draw from `rng` only",
     _with_context(lambda rng, file: torch.tensor(random.random()))),
    ("context varies", "contexts_are_alike", "the same names and shapes",
     _with_context(lambda rng, file: torch.zeros(1 + int(file.stem)))),
    ("objective is none", "brings_an_objective", "give an Objective", _training(None)),
    ("objective's settings not plain", "brings_an_objective", "JSON", _training(OddCycle)),
    ("objective's discriminator cannot be built", "brings_an_objective", "discriminator patchgan", _training(Undrawn)),
    ("broken files pass", "refuses_broken_files", "raised nothing; raise MediaError", _lenient),
    ("raw errors", "refuses_broken_files", "raised KeyError", _raw_errors),
    ("samples too odd", "generators_fit_the_samples", "the generator needs multiples of",
     _sampling(lambda x: x[:, :63])),
    ("warp jitters", "warps_are_repeatable", "differs when applied twice", _jittery_warp),
    ("warp grows", "warps_are_repeatable", "keep the shape", _growing_warp),
    ("preview in floats", "previews_are_pictures", "torch.uint8",
     lambda ecg: {"preview": lambda self, sample: torch.zeros(3, 8, 8)}),
    ("load is random", "loads_for_scoring", "must not be random",
     lambda ecg: {"load": lambda self, file, side: torch.rand(1, 64)}),
    ("scores without names", "scores_are_named_numbers", "numbers by name",
     lambda ecg: {"paired_scores": lambda self, translated, target: {"l1": torch.zeros(3)}}),
    ("scores NaN", "scores_are_named_numbers", "NaN",
     lambda ecg: {"unpaired_scores": lambda self, translated, real, extractor=None: {"kid": float("nan")}}),
    ("written in place", "round_trips", "before it is whole", _writing(write=_write_in_place)),
    ("half is lost", "round_trips", "nothing may be lost", _writing(write=_write_half)),
    ("louder", "round_trips", "changes a chunk by", _writing(write=_write_louder)),
    ("translator unused", "converts_and_honours_strength", "must use `translate`", _unread),
    ("strength ignored", "converts_and_honours_strength", "at strength 0", _heedless),
    ("discard leaves a part", "discards_without_trace", "remove all that was written", _writing(discard=_leave_part)),
    ("bare OSError", "refuses_impossible_outputs", "raise UnpairedError", _raw_create),
    ("not at the top of a module", "draws_alike_when_spawned", "top of a module", lambda ecg: {}),
    ("counts its samples", "resumes_exactly", "ends with other weights", _counting),
    ("graph differs", "exports_what_torch_computes", "differs from torch", _branching),
    ("one chunk", "streams_in_constant_memory", "comes in one chunk", _reading(Whole)),
    ("views of the whole", "streams_in_constant_memory", "keeps", _reading(HeldWhole)),
    ("gathers chunks", "streams_in_constant_memory", "keep no chunk", _writing(write=_gather)),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "message", "wrong"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_a_wrong_domain_is_told_what_to_mend(
    rule: str, message: str, wrong: Wrong, ecg_case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = type(Ecg)("WrongEcg", (Ecg,), {"__module__": __name__, **wrong(Ecg)})
    monkeypatch.setitem(globals(), "WrongEcg", broken)
    domain = broken() if rule.startswith("settings") else broken(ecg_case.domain.settings)
    (tried,) = [each for each in RULES if each.__name__ == rule]
    (fault,) = check(dataclasses.replace(ecg_case, domain=domain), rules=[tried])
    assert fault.startswith(f"{rule}: ")
    assert message.lower() in fault.lower(), fault


def test_what_a_program_set_is_not_there_in_a_fresh_process(ecg_case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    case = dataclasses.replace(ecg_case, domain=Tuned(ecg_case.domain.settings))
    draws_alike_when_spawned(case)
    monkeypatch.setattr(Tuned, "gain", 0.5)
    with pytest.raises(ContractError, match="draws another sample"):
        draws_alike_when_spawned(case)


def test_every_rule_has_a_domain_that_breaks_it() -> None:
    tried = {case[1] for case in WRONG}
    elsewhere = {"reads_well_formed_chunks", "refuses_to_open_broken_files", "discriminators_fit_the_samples"}
    assert {rule.__name__ for rule in RULES} - tried == elsewhere


def test_all_faults_are_told_together(ecg_case: Case) -> None:
    class Wrong(Ecg):
        name: ClassVar[str] = ""

        def preview(self, sample: Tensor) -> Tensor:
            return sample

    some = [rule for rule in RULES if rule.__name__ in ("describes_itself", "previews_are_pictures")]
    with pytest.raises(ContractError) as raised:
        verify(dataclasses.replace(ecg_case, domain=Wrong(ecg_case.domain.settings)), rules=some)
    lines = str(raised.value).splitlines()
    assert lines[0] == "Wrong breaks its contract:"
    assert [line.split(":")[0] for line in lines[1:]] == ["describes_itself", "previews_are_pictures"]
