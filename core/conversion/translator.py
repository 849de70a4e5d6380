"""A trained model, ready to use on tensors and files of any size."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..adapter.domain import Domain
from ..adapter.installed import find_domain
from ..adapter.streams import Translate
from ..adapter.tensors import expect_dense
from ..deprecation import OldName
from ..errors import ConfigError
from ..model.model_file import Model
from ..model.shipped import load_model_named
from ..runtimes.choice import choose
from ..runtimes.measured import MeasuredRuntime
from ..settings.arguments import expect, expect_callable, expect_path, expect_truths
from ..settings.mapping import to_mapping
from ..sides import SIDES, Direction
from .direction import OneDirection
from .files import ConversionReport, convert
from .input_files import InputFiles
from .jobs import compatible_media, medium_of, names_file
from .pipeline import Progress

if TYPE_CHECKING:
    from torch import Tensor, nn


class Translator:
    """Both directions of a model on one runtime, each made ready when it is first used. Thread-safe.

    Raises:
        ConfigError: an unknown runtime, precision or device, or two that do not go together.
        MissingDependency: the runtime's package is not installed.
    """

    def __init__(
        self,
        model: Model,
        runtime: str = "auto",
        device: str = "auto",
        name: str | None = None,
        precision: str = "auto",
    ) -> None:
        expect("model", model, Model, "a model; unpaired.load makes a translator of a file or a name")
        self.model = model
        self.name = name or model.card.get("name", "in memory")
        """The name it was loaded by: a run, a file, a shipped model; else the name on the model's card."""
        self._asked: dict[str, Any] = {"runtime": runtime, "device": device, "precision": precision}
        self.choice = choose(runtime, device, precision)
        """The device it runs on, and the runtimes and precisions that come into question."""
        self._directions: dict[Direction, OneDirection] = {}
        self._by_medium: dict[str, Translator] = {}
        self._beside: tuple[Translator, Direction] | None = None
        self._lock = threading.Lock()

    @property
    def domain(self) -> Domain:
        """The medium it was trained on, with the settings it was trained with."""
        return self.model.domain

    def __call__(self, x: Tensor, direction: Direction = "a2b") -> Tensor:
        """Translate a batch.

        Args:
            x: (B, C, *space) in [-1, 1], of any spatial size and floating type.
            direction: a2b or b2a.

        Returns:
            (B, C', *space), float32 in [-1, 1], on the device of `x`. A sample with a single value per channel
            is returned unchanged if the generator normalises per sample: there is nothing in it to translate, and
            a norm would only amplify rounding errors.

        Raises:
            MediaError: `x` has a different rank or number of channels from the training data, or values that are not
                finite or beyond 1000.
            ConfigError: the model has no such direction.
        """
        from torch import Tensor

        expect("x", x, Tensor, "a tensor (B, C, *space)")
        expect_dense("x", x)
        return self.for_direction(direction)(x)

    def for_input(self, source: str | os.PathLike[str], target: str | os.PathLike[str] | None = None) -> Translator:
        """This translator, or the same model under another medium that reads `source`.

        The model's own medium comes first, then every installed one that can use the model (a picture model serves for
        footage). Of a folder the one is taken that converts most of its files (give
        `InputFiles` here and to `convert`, and it is listed once). Where `target` is to be one file it is
        the one that knows such files too (an animation into a clip), or to which the folder is one recording.
        """
        return self._under(self._best(InputFiles.of(source), None if target is None else Path(target)))

    @property
    def media(self) -> tuple[Domain, ...]:
        """The medium it was trained on, then every installed one that can use the model."""
        return (self.domain, *compatible_media(self.domain))

    def for_medium(self, name: str) -> Translator:
        """The same model under the medium of that name. Raises ConfigError where that one cannot use it, UnknownName
        where there is none."""
        for domain in self.media:
            if domain.name == name:
                return self._under(domain)
        wanted = " or ".join(filter(None, (f"of the domain {name}", find_domain(name).borrows)))
        raise ConfigError(f"the model is of the domain {self.domain.name}, not {name}; give one {wanted}")

    def joined_by(self, other: Translator | str | os.PathLike[str], direction: Direction = "a2b") -> Translator:
        """This translator with another for a second medium of the same files: the sound of footage. One pass
        translates both, and keeps what else the files hold.

        Args:
            other: a translator, or what `load` takes; it runs as this one was asked to.
            direction: the one of `other` to use, whatever this one's.

        Raises:
            ConfigError: both translate the same medium, or files of this one's hold none of the other's.
            MissingFile, UnknownName, ModelFileError: as `load`.
        """
        other = other if isinstance(other, Translator) else load(other, **self._asked)
        translate, side = other.for_direction(direction), SIDES[direction][0]
        for domain in self.media:
            if joined := other.domain.joined(domain, translate, side):
                both = Translator(replace(self.model, domain=joined), name=self.name, **self._asked)
                both._beside = other, direction
                return both
        ours, theirs = medium_of(self.domain), medium_of(other.domain)
        if ours == theirs:
            raise ConfigError(f"{self.name} and {other.name} both translate {ours}; expected one for the pictures and "
                              "one for the sound of footage")  # fmt: skip
        raise ConfigError(f"{other.name} translates {theirs}, which {self.name} ({ours}) cannot take along; expected a "
                          "model for footage, and beside it one for sound")  # fmt: skip

    def _under(self, domain: Domain) -> Translator:
        if domain is self.domain:
            return self
        with self._lock:
            if domain.name not in self._by_medium:
                self._by_medium[domain.name] = Translator(
                    replace(self.model, domain=domain), name=self.name, **self._asked
                )
            return self._by_medium[domain.name]

    def _best(self, source: InputFiles, target: Path | None) -> Domain:
        if source.pattern:
            return next((domain for domain in self.media if source.recording(domain, source.path)), self.domain)
        if target is not None and names_file(target) and not target.is_dir():
            if source.is_folder:
                return next((domain for domain in self.media if source.recording(domain, source.path)), self.domain)
            knowing = (each for each in self.media if each.convertible(source.path) and each.convertible(target))
            return next(knowing, self.domain)
        if all(map(self.domain.convertible, source.files)):
            return self.domain
        media = self.media
        fitting = [sum(map(domain.convertible, source.files)) for domain in media]
        return media[fitting.index(max(fitting))]

    def for_direction(self, direction: Direction = "a2b") -> Translate:
        """A single direction, as `Domain.convert` takes it. Raises ConfigError if the model lacks it."""
        self.model.check_direction(direction)
        with self._lock:
            if direction not in self._directions:
                self._directions[direction] = OneDirection(self.model, direction, self.choice)
            return self._directions[direction]

    @property
    def ran(self) -> str:
        """What has run it so far, runtime, precision and device: `openvino fp32 on cpu`; the default at first."""
        with self._lock:
            names = dict.fromkeys(name for one in self._directions.values() for name in one.runtime.ran)
        return f"{', '.join(names) or self.choice.candidates[0]} on {self.choice.device}"

    @property
    def ran_is_known(self) -> bool:
        """Whether it is known what runs it: by default once something was translated."""
        with self._lock:
            return any(one.runtime.ran for one in self._directions.values())

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes on how it runs here, such as a precision that is slow, one sentence each."""
        with self._lock:
            runtimes = [one.runtime for one in self._directions.values()]
        measured = (note for each in runtimes if isinstance(each, MeasuredRuntime) for note in each.notes)
        others = self._beside[0].notes if self._beside else ()
        return tuple(dict.fromkeys([*self.choice.notes, *measured, *others]))

    def identity(self, direction: Direction = "a2b") -> str:
        """Identity of one direction of this model: sixteen digits over its weights and its medium."""
        self.model.check_direction(direction)
        digest = hashlib.blake2b(digest_size=8)
        settings = {"domain": self.domain.name, **to_mapping(self.domain.settings)}
        digest.update(f"{direction} {self.model.networks} {settings}".encode())
        for name, value in self.model.weights(direction):
            digest.update(f"{name} {value.shape}".encode())
            digest.update(value.tobytes())
        if self._beside:
            digest.update(self._beside[0].identity(self._beside[1]).encode())
        return digest.hexdigest()

    def convert(
        self,
        input: str | os.PathLike[str],
        output: str | os.PathLike[str],
        direction: Direction = "a2b",
        *,
        skip_existing: bool = False,
        progress: Callable[[Progress], None] | None = None,
        **options: Any,
    ) -> ConversionReport:
        """Translate a file, or every file of a folder and its subfolders; see `core.conversion.files.convert`.

        `options` are the fields of the conversion settings of the domain (strength, ...): of the model's own, or of
        the one that `for_input` gives.
        """
        expect_path("input", input, "the path of a file or a folder")
        expect_path("output", output, "the path of a file or a folder")
        expect_callable("progress", progress)
        expect_truths(skip_existing=skip_existing)
        source = InputFiles.of(input)
        fitting = self.for_input(source, output)
        return convert(
            fitting,
            source,
            output,
            direction,
            skip_existing=skip_existing,
            made_by=partial(fitting.identity, direction),
            ran_on=lambda: fitting.ran,
            progress=progress,
            **options,
        )

    def generate(
        self,
        count: int = 16,
        label: str | None = None,
        seed: int = 0,
        interpolate: bool = False,
        temperature: float = 1.0,
    ) -> Tensor:
        """Samples of a model that generates from noise: (count, C, *space), float32 in [-1, 1] on the CPU; see
        `core.conversion.generate`. Raises ConfigError for a model that translates."""
        import torch

        from .generate import generate  # with torch, which a conversion can do without

        made = generate(self.model, self.choice.device, count, label, seed, interpolate, temperature)
        return torch.stack(list(made))

    def generate_files(
        self,
        out: str | os.PathLike[str],
        count: int = 16,
        label: str | None = None,
        seed: int = 0,
        interpolate: bool = False,
        overwrite: bool = False,
        temperature: float = 1.0,
    ) -> list[Path]:
        """Write such samples as files of the medium into the folder `out`, and return their paths. A folder with
        samples of an earlier generation is refused; `overwrite` replaces all of them."""
        from .generate import generate_files

        device = self.choice.device
        return generate_files(self.model, device, out, count, label, seed, interpolate, overwrite, temperature)

    toward = OldName("toward", "for_direction")
    suited_to = OldName("suited_to", "for_input")


def load(
    name_or_path: str | os.PathLike[str],
    runtime: str = "auto",
    device: str = "auto",
    domain: type[Domain] | None = None,
    ema_length: float | None = None,
    generator: type[nn.Module] | None = None,
    precision: str = "auto",
) -> Translator:
    """A translator from a run folder, a .safetensors file, or the name of a shipped model.

    Args:
        name_or_path: what to load; a path that exists goes before a name. RUN@best, RUN@latest and RUN@STEP are models
            of a run, and so is the folder of a checkpoint.
        runtime: auto, torch, openvino or onnx.
        device: auto, cpu, cuda, cuda:N or mps.
        domain: the model's domain class where no installed package registers it (an adapter being written).
        ema_length: for a run or a checkpoint: average its generators over this share of the run (0.01 to 0.25) instead
            of what it was saved with.
        generator: the class of its generators where no installed package registers it.
        precision: auto (whichever is faster here; see `docs/how-to/speed.md`), fp32 or bf16.

    Raises:
        ArgumentError: an argument is of another type.
        MissingFile: there is no such file, or the run has not saved a model yet.
        UnknownName: no shipped model has that name; the message lists those that there are.
        ModelFileError: the file is damaged or not a model.
        ConfigError, MissingDependency: runtime, precision or device cannot be used here, or there is no such average.
    """
    model = load_model_named(name_or_path, domain, ema_length, generator)
    return Translator(model, runtime, device, os.fspath(name_or_path), precision)
