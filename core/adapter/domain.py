"""The adapter class: everything that the core knows about a medium.

A domain turns files into tensors and back. Samples are float32 tensors (C, *space) in [-1, 1] with
`dimensions` spatial axes; batches are (B, C, *space). Everything a domain provides is reached through the
methods below, so that the engine never branches on a domain's kind.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from ..deprecation import OldName, take_up_old_names
from ..errors import ConfigError, MediaError, UnpairedError
from ..samples import Sample, Warp
from ..settings.arguments import settings_from, settle_types
from ..sides import SIDES, Side
from .beginning import BeginningHooks
from .commands import CommandHooks
from .ending import EndingHooks
from .inventory import BrokenFile, Inventory
from .judging import JudgingHooks
from .streams import ArrayTranslate, Reader, Translate, Writer

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from ..networks.settings import NetworkSettings
    from ..networks.spec import Networks
    from ..objectives.objective import Objective
    from ..values import Array


@dataclass(frozen=True)
class DomainSettings:
    """Base of a domain's settings, which are saved in the model file so that it can convert on its own."""


@dataclass(frozen=True)
class ConversionSettings:
    """Base of a domain's conversion settings, which a user may choose for each conversion."""

    strength: float = 1.0
    """Strength of the translation, from 0 (input unchanged) to 1 (full)."""

    @classmethod
    def respelled(cls, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Settings by name, with what people write in place of a value as that value: 80% for 0.8."""
        strength = given.get("strength")
        if isinstance(strength, str) and (percent := re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*%\s*", strength)):
            return {**given, "strength": float(percent[1]) / 100}
        return given

    def __post_init__(self) -> None:
        settle_types(self, "")
        if not 0.0 <= self.strength <= 1.0:
            raise ConfigError(f"strength is {self.strength}; it must lie between 0 and 1")


class Scorer(Protocol):
    """Accumulator of figures over a paired test set that are not means over its files."""

    def add(self, translated: Tensor, target: Tensor) -> None:
        """Add one translation and its true counterpart, both (C, *space) in [-1, 1]."""

    def result(self) -> Mapping[str, float]:
        """The figures over everything added."""


_NOT_CONVERTING = frozenset({
    "scan", "sample", "fit", "networks", "objective_type", "warp", "compare", "denormalise", "preview", "load",
    "paired_scores", "unpaired_scores", "label_scorer", "describe", "evaluate_files", "check_comparison",
    "compare_files", "show_file", "calibrate", "sequence_scores", "judged_scores", "beside", "choose_start", "settle",
    "choose_discriminator_layers", "start_note",
})  # fmt: skip


_ROAD = frozenset({"open", "create", "convert"})


class Domain(JudgingHooks, CommandHooks, BeginningHooks, EndingHooks, ABC):
    """One medium. Required are `name`, `channels`, `sample`, `open` and `create`; the rest has defaults.

    A domain is sent to other processes, and saved in a model file, as its class and its settings: anything else (open
    files, a cache) is left out, and each process makes its own.

    Args:
        settings: all settings at once; the defaults where left out.
        fields: single settings, as in `Image(size=128)`.

    Raises:
        ConfigError: a setting is unknown or out of range.
    """

    name: ClassVar[str]
    """Name it is registered and saved under."""
    medium: ClassVar[str] = ""
    """Content of its files, for messages ("pictures"); empty: "files of the domain NAME"."""
    dimensions: ClassVar[int] = 2
    """Number of spatial axes of a sample: 1, 2 or 3."""
    suffixes: ClassVar[tuple[str, ...]] = ()
    """Lower-case filename endings (".wav"), used by `scan` and `convertible`; empty: any file."""
    chunk_axes: ClassVar[int | None] = None
    """Number of axes of a chunk, if conversion reads the medium differently from training (sound is trained on as
    a spectrogram and read as channels of samples); None: a chunk is shaped like a sample, of any size."""
    arrays: ClassVar[bool] = False
    """Whether files can be converted as numpy arrays, by `Reader.arrays`, `convert_arrays` and `Writer.write`: then
    nothing of torch is imported where a graph of the generator is at hand. Not inherited by a class with an `open`,
    `create` or `convert` of its own."""
    generator: ClassVar[str] = "resnet"
    """Default generator architecture of this medium."""
    discriminator: ClassVar[str] = "patchgan"
    """Default discriminator architecture of this medium."""
    settings_type: ClassVar[type[DomainSettings]] = DomainSettings
    conversion_type: ClassVar[type[ConversionSettings]] = ConversionSettings

    def __init__(self, settings: DomainSettings | None = None, **fields: Any) -> None:
        self.settings = settings_from(self.settings_type, settings, fields, "domain")

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        take_up_old_names(cls)
        if "arrays" not in vars(cls) and not _ROAD.isdisjoint(vars(cls)):
            cls.arrays = False

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.settings,)

    # -- training -----------------------------------------------------------------------------------
    @abstractmethod
    def channels(self, side: Side) -> int:
        """Number of channels of a sample of side A or B."""

    def scan(self, folder: Path, thorough: bool = False) -> Inventory:
        """Scan `folder`. Quick by default (100,000 files in seconds: names, sizes, some headers);
        `thorough` decodes every file. Raises MissingFile when there is no such folder. Default: the visible files
        below it that are `convertible`, without empty ones and, if thorough, those that `load` refuses."""
        from .folders import inventory

        return inventory(folder, self.convertible, self._unusable if thorough else None)

    @abstractmethod
    def sample(self, file: Path, side: Side, rng: np.random.Generator, augmentation: float = 1.0) -> Tensor | Sample:
        """One training sample (C, *space), float32 in [-1, 1], of the same shape every time; as a Sample if
        the domain's objective also needs context.

        All randomness comes from `rng`. `augmentation` runs from 1 (full jitter) to 0 (none): the engine
        lowers it with the learning rate. Raises MediaError for a file that cannot be decoded.
        """

    def beside(self, file: Path, side: Side) -> Sequence[Path]:
        """What training reads beside `file`, such as a mask: resuming checks it by name and size. Default: nothing."""
        return ()

    def fit(self, a: Inventory, b: Inventory) -> Domain:
        """This domain with statistics of the training data (means, deviations) in its settings, and so in the run and
        the model file; default: itself. Called once before training, with the results of `scan`. Must depend on nothing
        but files and settings, and return a domain that has them unchanged: a run is resumed from its settings.
        """
        return self

    def networks(self, preset: str, settings: NetworkSettings) -> Networks:
        """The four networks. Default: according to `dimensions`, `channels`, the preset and the user's settings."""
        from ..networks.presets import default_networks

        channels = self.channels("a"), self.channels("b")
        return default_networks(self.dimensions, *channels, preset, self.architectures(settings))

    def architectures(self, settings: NetworkSettings) -> NetworkSettings:
        """The settings with this medium's default architectures where the user named none."""
        return settings.with_defaults(self.generator, self.discriminator)

    def objective_type(self, name: str) -> type[Objective]:
        """The class that trains this medium under the objective `name`; default: the one registered under that name.

        A domain may provide its own objective class with additional losses and settings. Raises UnknownName.
        """
        from ..objectives.installed import find_objective

        return find_objective(name)

    def warp(self, rng: np.random.Generator) -> Warp | None:
        """A random transformation that translation should commute with; None (default) when there is none."""
        return None

    def compare(self, a: Inventory, b: Inventory) -> tuple[str, ...]:
        """Notes on the two folders together (duplicates between them, different sizes), one sentence each."""
        return ()

    def _unusable(self, file: Path) -> str | None:
        """Reason why `file` cannot be loaded as a sample of either side; None if it can."""
        from .tensors import check_sample, raised

        reason, adapter = None, type(self).__name__
        for side in SIDES["a2b"]:
            try:
                check_sample(adapter, "load", self.load(file, side), self.channels(side), self.dimensions, file)
                return None
            except (MediaError, OSError) as error:
                reason = reason or BrokenFile.of(file, error).reason
            except (UnpairedError, MemoryError):
                raise
            except Exception as error:
                raise raised(adapter, "load", error, file) from error
        return reason

    # -- conversion ---------------------------------------------------------------------------------
    def prepare_conversion(self, options: ConversionSettings) -> None:
        """Import what a conversion needs: called in the calling thread, before the reading and writing threads
        start. Default: what the adapter's package imports inside functions, except for methods that serve
        training or evaluation. Extend it if a library imports parts of itself only when they are used."""
        from .imports import import_ahead

        if not self.arrays:
            import torch  # noqa: F401
        ours = __package__.partition(".")[0]
        kinds = [kind.__module__ for kind in type(self).__mro__ if issubclass(kind, Domain)]
        import_ahead([name for name in kinds if not name.startswith(f"{ours}.")], _NOT_CONVERTING)

    @abstractmethod
    def open(self, path: Path, side: Side, options: ConversionSettings) -> Reader:
        """Open a file of side `side`. Raises MissingFile or MediaError."""

    def check_target(self, path: Path, source: Path, options: ConversionSettings) -> None:
        """Refuse an output that `create` would refuse, judging only by its name and the options: called for every
        file before any is opened. Raises MediaError for a name that no file of this medium has, ConfigError for
        options that do not go with it. Default: accept any name."""

    @abstractmethod
    def create(self, path: Path, like: Reader, options: ConversionSettings) -> Writer:
        """Start writing the translation of `like`. Raises OutputError or MediaError (unknown format)."""

    def go_on(self, reader: Reader, target: Path, options: ConversionSettings, afresh: bool = False) -> bool | None:
        """Have a reader leave out what `target` holds already, where that is many files, written one by one (with
        `afresh` nothing of it counts): returns whether something is left. Called before the first chunk where the user
        asks to skip what exists. Default: None, an output is one file, or appears as a whole."""
        return None

    def convert(self, reader: Reader, translate: Translate, options: ConversionSettings) -> Iterator[Tensor]:
        """Translated chunks in order; `reader.opened` is the reader that `open` gave. Default: each chunk by itself;
        override to carry state. Raises ConfigError for a strength below 1 where A and B differ in channels, and so
        cannot be blended."""
        for chunk in reader:
            translated = translate(chunk[None])[0]
            if options.strength < 1.0:
                if translated.shape != chunk.shape:
                    raise ConfigError(f"strength is {options.strength}; it must be 1 where A and B differ in channels")
                translated = chunk + options.strength * (translated - chunk)
            yield translated

    def convert_arrays(self, reader: Reader, translate: ArrayTranslate, options: ConversionSettings) -> Iterator[Array]:
        """The same of arrays, where `arrays` is set: iterating `reader` gives those of `Reader.arrays`."""
        raise NotImplementedError

    def convertible(self, path: Path) -> bool:
        """Whether a file in a folder is to be converted, by its name. Default: if it ends in one of `suffixes`."""
        return not self.suffixes or path.name.lower().endswith(self.suffixes)

    def recording(self, folder: Path, listed: Sequence[Path] | None = None) -> Sequence[Path]:
        """The files directly in `folder` that are parts of one recording (the frames of a clip), in order: it is opened
        by the folder's path, and written into a folder or a file. `listed`: the files directly in it, where
        the caller has listed it already. Default: none, each file is one by itself."""
        return ()

    def remark(self, folder: Path, listed: Sequence[Path] | None = None) -> str:
        """Note on a folder whose files were converted one by one, as a sentence. Default: none."""
        return ""

    @classmethod
    def from_compatible(cls, other: Domain) -> Domain | None:
        """This medium for a model that was trained on `other`, where its samples can pass for samples of `other`
        (frames of footage for pictures). None, the default, where they cannot."""
        return None

    # -- judging ------------------------------------------------------------------------------------
    def describe(self, file: Path) -> Mapping[str, Any]:
        """JSON-able facts about one file, for `unpaired inspect`. Raises MissingFile or MediaError. Default: number of
        chunks, channels and size of the first, and what the reader remarks."""
        with self.open(file, "a", self.conversion_type()) as reader:
            shapes = [tuple(chunk.shape) for chunk in (reader.arrays() if self.arrays else reader)]
            first = {"channels": shapes[0][0], "size": list(shapes[0][1:])} if shapes else {}
            remarks = {"remarks": list(reader.warnings)} if reader.warnings else {}
            return {"parts": len(shapes), **first, **remarks}

    def denormalise(self, sample: Tensor, side: Side) -> Tensor:
        """Undo what is done to one side only for training (a tone curve, a normalisation), for `preview` and the
        scores. Default: return the sample unchanged."""
        return sample

    def preview(self, sample: Tensor) -> Tensor:
        """A picture (3, H, W) uint8 that shows one plain sample (C, *space) to a person. Default: lines of every
        channel, a picture (grey, or the first three channels), or the middle slice; see `preview.picture_of`."""
        from .preview import picture_of

        return picture_of(sample)

    def preview_sound(self, sample: Tensor, side: Side) -> tuple[Tensor, int] | None:
        """A plain sample of side `side` as sound: float32 (channels, time) in [-1, 1], and samples a second. Default:
        None, for a medium that is not listened to."""
        return None

    def load(self, file: Path, side: Side) -> Tensor:
        """A whole file as one deterministic sample (C, *space) for scoring; default: an unjittered sample."""
        import numpy as np

        return Sample.of(self.sample(file, side, np.random.default_rng(0), augmentation=0.0)).x

    def paired_scores(self, translated: Tensor, target: Tensor) -> dict[str, float]:
        """Figures for one translation and its true counterpart, both (C, *space) in [-1, 1]."""
        return {"l1": float((translated - target).abs().mean())}

    def unpaired_scores(
        self, translated: Sequence[Tensor], real: Sequence[Tensor], extractor: Path | None = None, seed: int = 0
    ) -> dict[str, float]:
        """Figures for two sets without pairs, as `calibrate` gives them. `extractor`: a TorchScript feature extractor,
        when given; `seed`: of every random draw."""
        return {}

    def calibrate(self, sample: Tensor, side: Side) -> Tensor:
        """A sample of side `side` on the scale, the same for both sides, that `unpaired_scores` measures on. Default:
        `denormalise`; a medium that normalises each side by its own statistics undoes that here."""
        return self.denormalise(sample, side)

    def sequence_scores(
        self, translate: Callable[[Tensor], Tensor], files: Sequence[Path], side: Side
    ) -> dict[str, float]:
        """Figures of what only successive samples of a file show (steadiness), while a run goes on.

        Default: none. It is called at every scoring: translate few samples.

        Args:
            translate: one sample of side `side` to one of the other, as networks have them.
            files: held-out ones of side `side`.
        """
        return {}

    def label_scorer(self, palette: Mapping[str, Sequence[float]]) -> Scorer:
        """Accumulator of label-map figures by nearest colour over a paired test set. `palette`: classes and colours.

        Raises ConfigError for a medium without label maps or an invalid palette.
        """
        raise ConfigError(f"the domain {self.name!r} has no label maps to score; leave the palettes out")

    adopt = OldName("adopt", "from_compatible")
    plain = OldName("plain", "denormalise")
