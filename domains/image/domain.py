"""The picture adapter: the contract of a medium, implemented for pictures.

Light to import, so that a command line can read its settings: decoders come with the first use, torch with the first
tensor. Files are converted as arrays.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ...core.adapter.domain import ConversionSettings, DomainSettings, Scorer
from ...core.adapter.inventory import Inventory
from ...core.adapter.streams import ArrayTranslate, Reader, Translate, Writer
from ...core.errors import ConfigError, MediaError
from ...core.samples import KEEP, Sample, Warp
from ...core.sides import Side
from .masked import Masked
from .settings import ImageConversion, ImageSettings

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from ...core.adapter.review import Review
    from ...core.values import Array
    from .sampling import PictureCache
    from .training_masks import PictureMasks


SHOWN = 1024 * 1024
"""Pixels of a picture, about, in a comparison."""


class Image(Masked):
    """Pictures: samples (C, height, width) in [-1, 1], where -1 is black.

    Args:
        settings: all settings at once; the defaults where left out.
        fields: single settings, as in `Image(size=128, mode="grey")`.

    Raises:
        ConfigError: a setting is unknown or out of range.
    """

    name: ClassVar[str] = "image"
    medium: ClassVar[str] = "pictures"
    precedence: ClassVar[int] = 0
    dimensions: ClassVar[int] = 2
    arrays: ClassVar[bool] = True
    settings_type: ClassVar[type[DomainSettings]] = ImageSettings
    conversion_type: ClassVar[type[ConversionSettings]] = ImageConversion
    generated_suffix: ClassVar[str] = ".png"
    settings: ImageSettings

    def __init__(self, settings: ImageSettings | None = None, **fields: Any) -> None:
        super().__init__(settings, **fields)
        self._cache: PictureCache | None = None
        self._review: Review | None = None
        self._mask_folders: dict[Side, PictureMasks] = {}

    # -- training -----------------------------------------------------------------------------------
    def channels(self, side: Side) -> int:
        """1, 3 or 4 by the mode, or `channels_a` and `channels_b`."""
        return self.settings.channels(side)

    def scan(self, folder: Path, thorough: bool = False) -> Inventory:
        """The pictures below `folder`. Quick: all names and sizes and about 500 headers; thorough: every file decoded,
        with duplicates, near-duplicates and odd ones. Raises MissingFile, or MediaError for an unreadable folder."""
        from .scan import scan

        return scan(folder, self.settings, thorough)

    def sample(self, file: Path, side: Side, rng: np.random.Generator, augmentation: float = 1.0) -> Tensor | Sample:
        """A random crop (C, height, width), with what must not change where there are masks; see
        `sampling.random_crop`. Raises MissingFile, MediaError, or ConfigError for a file without a mask."""
        from .sampling import PictureCache, loaded, random_crop
        from .tone import apply_gamma
        from .training_masks import kept

        if self._cache is None:
            self._cache = PictureCache(self.settings.cache_mb * 1024**2)
        masks, pixels = self.masks(side), loaded(file, side, self.settings, self._cache)
        again = copy.deepcopy(rng) if masks else rng
        x = apply_gamma(random_crop(pixels, self.settings, rng, augmentation), self.settings.gamma(side))
        if masks is None:
            return x
        mask = masks.read(file, pixels, self._cache)
        return Sample(x, {KEEP: kept(random_crop(mask, self.settings, again, augmentation))})

    def masks(self, side: Side) -> PictureMasks | None:
        """The masks of one side, if there are any. Raises MissingFile or ConfigError."""
        folder = self.settings.masks(side)
        if folder is None:
            return None
        if side not in self._mask_folders:
            from .training_masks import PictureMasks

            self._mask_folders[side] = PictureMasks(folder)
        return self._mask_folders[side]

    def warp(self, rng: np.random.Generator) -> Warp | None:
        """A random exact rotation or reflection of the batch when `warp` is flip-rotate."""
        if self.settings.warp == "none":
            return None
        from .sampling import random_flip_rotate

        return random_flip_rotate(self.settings, rng)

    def compare(self, a: Inventory, b: Inventory) -> tuple[str, ...]:
        """Notes on the two folders together: shared pictures, different sizes, grey against colour."""
        from .comparison import compare

        return compare(a, b)

    # -- conversion ---------------------------------------------------------------------------------
    def prepare_conversion(self, options: ConversionSettings) -> None:
        """Import decoders and encoders."""
        from . import conversion, review  # noqa: F401
        from .masks import check_mask

        assert isinstance(options, ImageConversion)
        check_mask(options)
        super().prepare_conversion(options)

    def open(self, path: Path, side: Side, options: ConversionSettings) -> Reader:
        """Decode a picture.

        Raises:
            MissingFile: there is no such file.
            MediaError: it is damaged, too large, animated, or has other channels than the model.
            ConfigError: a strength below 1 where A and B differ in channels.
        """
        from .conversion import PictureReader

        assert isinstance(options, ImageConversion)
        if self.channels("a") != self.channels("b") and (options.strength < 1.0 or options.mask is not None):
            asked = "there is a mask" if options.mask else f"strength is {options.strength}; it must be 1"
            raise ConfigError(
                f"{asked}, but A has {self.channels('a')} channels and B {self.channels('b')}, which cannot be blended"
            )
        return PictureReader(path, side, self.settings, options)

    def check_target(self, path: Path, source: Path, options: ConversionSettings) -> None:
        """Raise MediaError for an ending of no picture format that is written, or of none for so many channels."""
        from .encoding import FORMAT_OF, check_channels, format_of
        from .kinds import unread_by_name
        from .layered import prepare_files

        prepare_files(path, source)
        kind = unread_by_name(source)
        if kind is not None and path.suffix.lower() not in FORMAT_OF:
            raise MediaError(f"{source}: {kind.reason}")  # in a folder, what is not read is not written either
        format_of(path)
        if self.channels("a") == self.channels("b"):
            check_channels(path, self.channels("a"))

    def create(self, path: Path, like: Reader, options: ConversionSettings) -> Writer:
        """Start writing a picture in the format of `path`'s ending. Raises MediaError for an unsupported one."""
        from .conversion import PictureReader, PictureWriter

        assert isinstance(like, PictureReader)
        assert isinstance(options, ImageConversion)
        if self._review is None:
            return PictureWriter(path, like, self.settings, options)
        from .review import sheet_of

        return PictureWriter(path, like, self.settings, options, sheet_of(self._review, like))

    def convert(self, reader: Reader, translate: Translate, options: ConversionSettings) -> Iterator[Tensor]:
        """The translated picture whole, or in strips when it is processed in tiles; see `conversion.convert`."""
        from ...core.conversion.pipeline import convert_by_arrays

        return convert_by_arrays(self, reader, translate, options)

    def convert_arrays(self, reader: Reader, translate: ArrayTranslate, options: ConversionSettings) -> Iterator[Array]:
        """The same of arrays."""
        from . import review
        from .conversion import PictureReader, convert

        opened = reader.opened
        assert isinstance(opened, PictureReader)
        assert isinstance(options, ImageConversion)
        chunks: Iterable[Array] = reader  # type: ignore[assignment]  # see `Domain.convert_arrays`
        if self._review is not None:
            return review.convert(self._review, opened, chunks, options)
        return convert(opened, chunks, translate, options)

    def reviewed(self, review: Review) -> Image:
        """Pictures of the source and what several models make of it. Raises ConfigError for other than colour ones."""
        if any(self.channels(side) not in (1, 3) for side in ("a", "b")):
            raise ConfigError("only colour and grey pictures can be laid beside each other; leave that out")
        other = Image(self.settings)
        other._review = review
        return other

    def check_generated(self, out: Path) -> None:
        """Raise ConfigError, too, for samples of so many channels that no PNG file holds."""
        from .encoding import check_channels

        super().check_generated(out)
        check_channels(Path("sample.png"), self.channels("b"))

    def write_sample(self, path: Path, sample: Tensor) -> None:
        """A PNG file of 8 bits. Raises OutputError."""
        from .conversion import save_sample

        save_sample(path, sample)

    def convertible(self, path: Path) -> bool:
        """Whether the name ends like a picture's."""
        from .kinds import is_picture_name

        return is_picture_name(path.name)

    # -- judging ------------------------------------------------------------------------------------
    def preview(self, sample: Tensor) -> Tensor:
        """(3, H, W) uint8: grey as grey, transparency over white, of other channels the first three (or the first)."""
        from .picture import shown

        return shown(sample)

    def show_file(self, path: Path, side: Side) -> Tensor:
        """The whole picture, reduced. Raises MissingFile or MediaError."""
        from ...core.values import as_tensor
        from .conversion import PictureReader

        with PictureReader(path, side, self.settings, ImageConversion()) as reader:
            return self.preview(as_tensor(reader.reduced(SHOWN)))

    def load(self, file: Path, side: Side) -> Tensor:
        """A file as one sample of the crop's size: stretched (fit stretch), or the shorter side fitted and the middle
        cut out (fit short). Raises MissingFile or MediaError."""
        from .sampling import whole
        from .tone import apply_gamma

        return apply_gamma(whole(file, side, self.settings), self.settings.gamma(side))

    def describe(self, file: Path) -> Mapping[str, Any]:
        """Facts about one picture; of OpenEXR and DPX also layers and windows. Raises MissingFile or MediaError."""
        facts = super().describe(file)
        from .layered import is_layered
        from .layered_facts import layered_facts

        return {**facts, **layered_facts(file)} if is_layered(file) else facts

    def denormalise(self, sample: Tensor, side: Side) -> Tensor:
        """The sample without its side's tone curve."""
        from .tone import undo_gamma

        return undo_gamma(sample, self.settings.gamma(side))

    def paired_scores(self, translated: Tensor, target: Tensor) -> dict[str, float]:
        """Figures for a translation and its true counterpart; see `scores.paired_scores`."""
        from .scores import paired_scores

        return paired_scores(translated, target)

    def unpaired_scores(
        self, translated: Sequence[Tensor], real: Sequence[Tensor], extractor: Path | None = None, seed: int = 0
    ) -> dict[str, float]:
        """Distances between two sets of pictures; see `scores.unpaired_scores`."""
        from .scores import unpaired_scores

        return unpaired_scores(translated, real, extractor, seed)

    def judges(self) -> Mapping[str, bool]:
        """EfficientNet-Lite0, of the extra `judges`."""
        from .judge import NAME, installed

        return {NAME: installed()}

    def label_scorer(self, palette: Mapping[str, Sequence[float]]) -> Scorer:
        """Label-map figures by nearest colour; see `scores.LabelScorer`."""
        from .scores import LabelScorer

        return LabelScorer(palette)
