"""Texts as a medium of unpaired: one a line, generated from noise."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from unpaired import (
    ConfigError,
    ConversionSettings,
    Domain,
    DomainSettings,
    Inventory,
    MediaError,
    NetworkSettings,
    OutputError,
    Reader,
    Writer,
)
from unpaired.core import Side, atomic_text
from unpaired.core.adapter.inventory import BrokenFile
from unpaired.core.networks.spec import Networks, NetworkSpec
from unpaired.core.objectives import Objective

from .lines import SPECIAL, UNKNOWN, Lines, as_text, most_frequent, read_lines
from .pictures import picture_of_text
from .tokens import decode, encode

SCALES = {"tiny": 0.05, "small": 0.25, "base": 1.0}
"""Share of the published filters of discriminators, by preset."""


@dataclass(frozen=True)
class TextSettings(DomainSettings):
    """Settings of texts."""

    length: int = 20
    """Words of a text at most; longer lines are left out of training."""
    vocabulary: int = 5000
    """Tokens at most, "no more words" and "unknown word" included; the most frequent words are kept."""
    words: tuple[str, ...] = ()
    """The tokens, by number; those of the training texts if left out."""

    def __post_init__(self) -> None:
        faults = []
        if not 1 <= self.length <= 4096:
            faults.append(f"domain.length is {self.length}; expected 1 to 4096 words")
        if not 3 <= self.vocabulary <= 2**20:
            faults.append(f"domain.vocabulary is {self.vocabulary}; expected 3 to {2**20} tokens")
        if self.words and (self.words[:2] != SPECIAL or len(set(self.words)) < len(self.words)):
            faults.append(f"domain.words must begin with {' and '.join(SPECIAL)}, and name every token once")
        if faults:
            raise ConfigError(*faults)


class Text(Domain):
    """Texts (1, length): the number of each token, from -1 for the first of the vocabulary to 1 for the last."""

    name = "text"
    medium = "texts"
    dimensions = 1
    suffixes = (".txt",)
    generator = "text-lstm"
    discriminator = "text-cnn"
    settings_type: ClassVar[type[DomainSettings]] = TextSettings
    settings: TextSettings

    def __init__(self, settings: TextSettings | None = None, **fields: Any) -> None:
        super().__init__(settings, **fields)
        self._numbers = {word: number for number, word in enumerate(self.settings.words)}
        self._samples: dict[Path, Tensor] = {}

    def channels(self, side: Side) -> int:
        return 1

    # -- training -----------------------------------------------------------------------------------
    def scan(self, folder: Path, thorough: bool = False) -> Inventory:
        """The files of a folder, each drawn from once for each of its texts in an epoch."""
        found = super().scan(folder)
        held: dict[Path, Lines] = {}
        broken = list(found.broken)
        for path in found.files:
            if reason := self._read(path, held):
                broken.append(BrokenFile(path, reason))
        lines = list(held.values())
        words = {word for each in lines for text in each.texts for word in text}
        facts = {
            "files": len(held), "texts": sum(len(each.texts) for each in lines), "different words": len(words),
            "empty lines": sum(each.empty for each in lines), "lines too long": sum(each.too_long for each in lines),
        }  # fmt: skip
        return dataclasses.replace(
            found, files=tuple(held), broken=tuple(sorted(broken, key=lambda each: each.path)),
            facts={**found.facts, **facts}, warnings=tuple(self._warnings(facts)),
            draws=tuple(len(each.texts) for each in lines),
        )  # fmt: skip

    def _read(self, path: Path, held: dict[Path, Lines]) -> str:
        """Read a file into `held`; the reason where it cannot be used."""
        try:
            lines = read_lines(path, self.settings.length)
        except (MediaError, OSError) as error:
            return str(error).removeprefix(str(path)).lstrip(": ")
        if not lines.texts:
            return f"it has no line of 1 to {self.settings.length} words"
        held[path] = lines
        return ""

    def _warnings(self, facts: Mapping[str, int]) -> Iterator[str]:
        length, most = self.settings.length, self.settings.vocabulary - len(SPECIAL)
        if count := facts["lines too long"]:
            which = "line has" if count == 1 else "lines have"
            yield f"{count:,} {which} more than {length} words, left out; raise domain.length to include them"
        if (count := facts["different words"]) > most:
            yield f"there are {count:,} different words; all but the {most:,} most frequent are read as {UNKNOWN}"

    def fit(self, a: Inventory, b: Inventory) -> Text:
        """With the words of the training texts."""
        if self.settings.words:
            return self
        files = dict.fromkeys((*a.files, *b.files))
        texts = (text for path in files for text in read_lines(path, self.settings.length).texts)
        return Text(dataclasses.replace(self.settings, words=most_frequent(texts, self.settings.vocabulary)))

    def sample(self, file: Path, side: Side, rng: np.random.Generator, augmentation: float = 1.0) -> Tensor:
        """One of the texts of a file."""
        texts = self._encoded(file)
        return texts[int(rng.integers(len(texts)))].clone()

    def load(self, file: Path, side: Side) -> Tensor:
        return self._encoded(file)[0].clone()

    def _encoded(self, file: Path) -> Tensor:
        if file not in self._samples:
            lines = read_lines(file, self.settings.length)
            if not lines.texts:
                raise MediaError(f"{file} has no line of 1 to {self.settings.length} words")
            self._samples[file] = self.encode([" ".join(text) for text in lines.texts])
        return self._samples[file]

    def networks(self, preset: str, settings: NetworkSettings) -> Networks:
        """The language model and the discriminator that settings name, at the vocabulary's size.

        `filters` is the length of embeddings and hidden values of the generator (None: 32), `discriminator_filters` the
        number of those of 2 to 5 words (200 in the papers).
        """
        if preset not in SCALES:
            raise ConfigError(f"preset is {preset!r}; expected one of {', '.join(SCALES)}")
        scale = settings.discriminator_filters / 200 if settings.discriminator_filters else SCALES[preset]
        given: dict[str, Any] = {
            "vocabulary": max(len(self.settings.words), 2), "length": self.settings.length, "scale": scale,
        }  # fmt: skip
        sizes = {"embedding": settings.filters, "hidden": settings.filters} if settings.filters else {}
        settings = self.architectures(settings)
        judged = {**given, "in_channels": 1, "noise": self.channels("a")}
        discriminator = _spec("discriminators", settings.discriminator, judged)
        generators = [
            _spec("generators", settings.generator, {**given, **sizes, "in_channels": channels})
            for channels in (self.channels("a"), self.channels("b"))
        ]
        return Networks(*generators, discriminator, discriminator)

    def objective_type(self, name: str) -> type[Objective]:
        """The text GAN of that name. Raises ConfigError for an objective of other media."""
        from .phases import TextObjective

        kind = super().objective_type(name)
        if not issubclass(kind, TextObjective):
            raise ConfigError(f"texts are not trained by {name}: give --objective seqgan, rankgan, leakgan or textgan")
        return kind

    # -- texts and samples --------------------------------------------------------------------------
    def encode(self, texts: Sequence[str]) -> Tensor:
        """Samples (N, 1, length) of texts; words that the vocabulary lacks are unknown, those beyond the length are
        cut."""
        tokens = torch.zeros(len(texts), self.settings.length, dtype=torch.long)
        for row, text in zip(tokens, texts, strict=True):
            words = text.split()[: self.settings.length]
            row[: len(words)] = torch.tensor([self._numbers.get(word, 1) for word in words], dtype=torch.long)
        return encode(tokens, self._size)

    def decode(self, samples: Tensor) -> list[str]:
        """Texts of samples (N, 1, length)."""
        return [as_text(self.settings.words[number] for number in row) for row in decode(samples, self._size).tolist()]

    @property
    def _size(self) -> int:
        if not self.settings.words:
            raise ConfigError("domain.words is empty: fit the domain to texts first")
        return len(self.settings.words)

    # -- files --------------------------------------------------------------------------------------
    def describe(self, file: Path) -> Mapping[str, Any]:
        lines = read_lines(file, self.settings.length)
        return {
            "texts": len(lines.texts), "empty lines": lines.empty, "lines too long": lines.too_long,
            "different words": len({word for text in lines.texts for word in text}),
        }  # fmt: skip

    def open(self, path: Path, side: Side, options: ConversionSettings) -> Reader:
        return _TextReader(self, path)

    def create(self, path: Path, like: Reader, options: ConversionSettings) -> Writer:
        return _TextWriter(self, path)

    def check_generated(self, out: Path) -> None:
        """Raise OutputError for a folder: texts are written into one file."""
        if out.is_dir():
            raise OutputError(f"{out} is a folder; name a file for the texts, such as {out / 'texts.txt'}")

    def write_generated(self, samples: Iterable[Tensor], names: Sequence[str], out: Path) -> Sequence[Path]:
        """Write the texts into one file, a line each."""
        _write(self, samples, out)
        return [out]

    def preview(self, sample: Tensor) -> Tensor:
        (text,) = self.decode(sample[None])
        return picture_of_text(text)


def _spec(kind: Any, architecture: Any, given: Mapping[str, Any]) -> NetworkSpec:
    """A network with those of the options that its constructor takes."""
    made_by = architecture if isinstance(architecture, type) else None
    spec = NetworkSpec(f"{made_by.__module__}:{made_by.__qualname__}" if made_by else str(architecture), {}, made_by)
    taken = spec.parameters(kind)
    return spec.with_options(**{name: value for name, value in given.items() if name in taken})


def _write(domain: Text, samples: Iterable[Tensor], out: Path) -> None:
    atomic_text(out, "".join(f"{domain.decode(sample[None])[0]}\n" for sample in samples))


class _TextReader(Reader):
    def __init__(self, domain: Text, path: Path) -> None:
        self.path, self._domain = path, domain

    def __iter__(self) -> Iterator[Tensor]:
        lines = read_lines(self.path, self._domain.settings.length)
        yield from self._domain.encode([" ".join(text) for text in lines.texts])


class _TextWriter(Writer):
    def __init__(self, domain: Text, path: Path) -> None:
        self._domain, self._path = domain, path
        self._chunks: list[Tensor] = []

    def write(self, chunk: Tensor) -> None:
        self._chunks.append(chunk.detach().cpu())

    def finish(self) -> None:
        _write(self._domain, self._chunks, self._path)

    def discard(self) -> None:
        self._chunks.clear()
