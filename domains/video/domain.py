"""The video adapter, the contract of a medium for footage; light to import: decoders come with the first use."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ...core.adapter.domain import ConversionSettings, Domain, DomainSettings, Scorer
from ...core.adapter.inventory import Inventory
from ...core.adapter.streams import AnyTranslate, ArrayTranslate, Reader, Translate, Writer
from ...core.samples import Sample, Warp
from ...core.sides import Side, other_side
from ..image import Image, Masked
from .settings import VideoConversion, VideoSettings

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from ...core.adapter.comparison import Comparison
    from ...core.adapter.division import Division
    from ...core.adapter.review import Review
    from ...core.objectives.objective import Objective
    from ...core.values import Array
    from ..image import MaskFolder
    from .conversion.blank import BlankKept
    from .conversion.live import LiveReport
    from .training.sampling import FrameCache


class Video(Masked):
    """Footage: samples are frames (3, height, width) in [-1, 1], where -1 is black.

    Args:
        settings: all settings at once; the defaults where left out.
        fields: single settings, as in `Video(size=128, neighbours=True)`.

    Raises:
        ConfigError: a setting is unknown or out of range.
    """

    name: ClassVar[str] = "video"
    medium: ClassVar[str] = "footage"
    precedence: ClassVar[int] = 1
    borrows: ClassVar[str] = "of colour pictures"
    unit: ClassVar[str] = "frames"
    pipes: ClassVar[bool] = True
    live: ClassVar[bool] = True
    arrays: ClassVar[bool] = True
    dimensions: ClassVar[int] = 2
    settings_type: ClassVar[type[DomainSettings]] = VideoSettings
    conversion_type: ClassVar[type[ConversionSettings]] = VideoConversion
    settings: VideoSettings

    def __init__(self, settings: VideoSettings | None = None, **fields: Any) -> None:
        super().__init__(settings, **fields)
        self.pictures = Image(self.settings.pictures())
        """The picture domain, used for single frames."""
        self._caches: list[FrameCache] = []
        self._review: Review | None = None

    @property
    def _cache(self) -> FrameCache:
        from .training.sampling import FrameCache

        # A cache that a fork brought along is not used, and not let go of either: that would end its decoders.
        if not self._caches or self._caches[-1].process != os.getpid():
            self._caches.append(FrameCache(self.settings))
        return self._caches[-1]

    @classmethod
    def from_compatible(cls, other: Domain) -> Domain | None:
        """Footage for a colour picture model: its frames are such pictures. None for any other model."""
        if not isinstance(other, Image) or (other.channels("a"), other.channels("b")) != (3, 3):
            return None
        return cls(VideoSettings(**other.settings.of_pictures()))

    # -- training -----------------------------------------------------------------------------------
    def channels(self, side: Side) -> int:
        """3: red, green and blue."""
        return 3

    def scan(self, folder: Path, thorough: bool = False) -> Inventory:
        """The clips, folders of frames and pictures below `folder`. Quick: headers; thorough: every frame decoded, with
        cuts, duplicates and static footage. Raises MissingFile, or MediaError for an unreadable folder."""
        from .inspection.scan import scan

        return scan(folder, self.settings, thorough)

    def sample(self, file: Path, side: Side, rng: np.random.Generator, augmentation: float = 1.0) -> Tensor | Sample:
        """A random crop of a random frame, (3, height, width); with its neighbours where `neighbours` asks for them.
        See `sampling.sample`. Raises MissingFile, MediaError or ConfigError."""
        from .training.sampling import sample

        return sample(self._cache, file, side, self.settings, rng, augmentation)

    def masks(self, side: Side) -> MaskFolder | None:
        """The masks of one side, if there are any. Raises MissingFile or ConfigError."""
        return self._cache.masks(side)

    def objective_type(self, name: str) -> type[Objective]:
        """The cycle objective for footage, with temporal losses; any other as it is registered."""
        if name != "cycle":
            return super().objective_type(name)
        from .training.objective import VideoCycle

        return VideoCycle

    def warp(self, rng: np.random.Generator) -> Warp | None:
        """Random smooth motion and shift; see `motion.SyntheticMotion`. None where `warp` is none."""
        if self.settings.warp == "none":
            return None
        from .frames.motion import SyntheticMotion

        # The published recipe adds noise to the input; here the output would be asked to show it too.
        return SyntheticMotion(rng, self.settings.motion_deviation, self.settings.motion_shift, noise=0.0)

    def compare(self, a: Inventory, b: Inventory) -> tuple[str, ...]:
        """Notes on the two folders together: shared footage, different sizes and rates, footage against pictures."""
        from .inspection.comparison import compare

        return compare(a, b)

    # -- conversion ---------------------------------------------------------------------------------
    def prepare_conversion(self, options: ConversionSettings) -> None:
        """Import decoders and encoders, also for pictures, and the steadying."""
        from .conversion import review, tiled, tone  # noqa: F401
        from .division import clips, joined, part  # noqa: F401
        from .evaluation import steps  # noqa: F401
        from .reading import clip, material, pipes, sequence  # noqa: F401
        from .writing import sequence as frames  # noqa: F401

        assert isinstance(options, VideoConversion)
        if options.report is not None:
            from .evaluation import report  # noqa: F401
        self.pictures.prepare_conversion(options.for_pictures())
        super().prepare_conversion(options)

    def open(self, path: Path, side: Side, options: ConversionSettings) -> Reader:
        """Open a clip (- is standard input), an animation or a folder of numbered pictures as one, or a picture as the
        picture domain does. Raises MissingFile or MediaError."""
        from .reading.naming import is_still
        from .reading.sequence import frames_at
        from .unused import noted

        assert isinstance(options, VideoConversion)
        if is_still(path):
            return noted(self.pictures.open(path, side, options.for_pictures()), options)
        reader = frames_at(path, side, options)
        if self._review is None:
            reader.come_reduced()
        return reader

    def check_target(self, path: Path, source: Path, options: ConversionSettings) -> None:
        """Raise MediaError for an ending that is no supported clip (for a picture: picture) format, ConfigError
        for a codec, or a setting of it, that does not go with the kind of file."""
        from ..containers.kinds import PIPE, container_of
        from ..image import prepare_files
        from .evaluation.steps import check_beside
        from .reading import pipes
        from .reading.naming import is_sequence, is_still
        from .writing.codecs import check
        from .writing.sequence import check_depth, means_folder, means_sequence

        assert isinstance(options, VideoConversion)
        prepare_files(path, *(self.recording(source)[:1] if is_sequence(source) else [source]))
        check_beside(options, self._review)
        if means_sequence(path, is_sequence(source)):
            named = path / self.recording(source)[0].name if means_folder(path) else path
            self.pictures.check_target(named, source, options.for_pictures())
            check_depth(named, options)
        elif is_still(source):
            self.pictures.check_target(path, source, options.for_pictures())
        else:
            check(options, PIPE if str(path) == pipes.PIPE else container_of(path.name))

    def create(self, path: Path, like: Reader, options: ConversionSettings) -> Writer:
        """Start the translated counterpart of a clip (- is standard output) or a picture; numbered pictures where the
        name is a pattern, and of a folder of frames a folder. Raises OutputError or MediaError."""
        from .conversion.review import lay_out
        from .reading import pipes
        from .reading.reader import FrameReader
        from .reading.sequence import SequenceReader
        from .writing.sequence import SequenceWriter, means_sequence
        from .writing.writer import VideoWriter

        assert isinstance(options, VideoConversion)
        if not isinstance(like, FrameReader):
            return self.pictures.create(path, like, options.for_pictures())
        if means_sequence(path, isinstance(like, SequenceReader)):
            return SequenceWriter(path, like, options, lay_out(self._review, like))
        return VideoWriter(pipes.target(path), like, options, size=lay_out(self._review, like))

    def go_on(self, reader: Reader, target: Path, options: ConversionSettings, afresh: bool = False) -> bool | None:
        """Numbered pictures are gone on with frame by frame; see `writing.sequence.go_on`."""
        from .reading.reader import FrameReader
        from .reading.sequence import SequenceReader
        from .writing.sequence import go_on, means_sequence

        assert isinstance(options, VideoConversion)
        if not isinstance(reader, FrameReader) or not means_sequence(target, isinstance(reader, SequenceReader)):
            return None
        return go_on(reader, target, options, afresh)

    def convert(self, reader: Reader, translate: Translate, options: ConversionSettings) -> Iterator[Tensor]:
        """Translated frames in order, steadied; see `evaluation.steps`."""
        from ...core.conversion.pipeline import convert_by_arrays

        return convert_by_arrays(self, reader, translate, options)

    def convert_arrays(self, reader: Reader, translate: ArrayTranslate, options: ConversionSettings) -> Iterator[Array]:
        """The same of arrays."""
        from .conversion import review
        from .evaluation.steps import convert
        from .reading.reader import FrameReader

        assert isinstance(options, VideoConversion)
        opened = reader.opened
        if not isinstance(opened, FrameReader):
            yield from self.pictures.convert_arrays(reader, translate, options.for_pictures())
        elif self._review is not None:
            yield from review.convert(self._review, reader, options)
        else:
            yield from convert(reader, self.framewise(translate, opened.side), options)

    def reviewed(self, review: Review) -> Video:
        """Footage, and pictures, laid out with what several models make of them."""
        from .conversion.review import of_pictures

        other = object.__new__(type(self))
        vars(other).update(vars(self))
        other._review, other.pictures = review, self.pictures.reviewed(of_pictures(review))
        return other

    def division(self) -> Division | None:
        """Long clips in parts; see `division.clips`."""
        from .division.clips import ClipDivision

        return ClipDivision(self) if self._review is None and type(self) is Video else None

    def convert_live(
        self, source: str, target: str, translate: Translate, side: Side, options: VideoConversion,
        *, rate: float | None = None, channels: int = 1, progress: Callable[[LiveReport], None] | None = None,
    ) -> LiveReport:  # fmt: skip
        """Translate a stream, a camera or standard input into a clip or a pipe; see `conversion.live.convert_live`. A
        stream brings its own rate."""
        from .conversion.live import convert_live

        return convert_live(self, translate, source, Path(target), options, side, progress)

    def framewise(self, translate: AnyTranslate, side: Side) -> BlankKept:
        """`translate`, of tensors or of arrays, for single frames of domain `side` as they are: within the tone curves
        the model was trained in, and leaving blank frames alone."""
        from .conversion.blank import BlankKept
        from .conversion.tiled import Tiled
        from .conversion.tone import Toned

        gammas, tiled = (self.settings.gamma(side), self.settings.gamma(other_side(side))), Tiled(translate)
        return BlankKept(tiled if gammas == (1.0, 1.0) else Toned(tiled, *gammas))

    def convertible(self, path: Path) -> bool:
        """Whether the name ends like a clip's or a picture's, or the folder holds the frames of a clip."""
        from .reading.naming import is_clip_name, is_frame_folder, is_still_name

        return is_clip_name(path.name) or is_still_name(path.name) or is_frame_folder(path)

    def recording(self, folder: Path, listed: Sequence[Path] | None = None) -> Sequence[Path]:
        """The frames of the clip that the folder is: numbered pictures of one size; see `naming.recording`."""
        from .reading.naming import recording

        return recording(folder, listed)

    def remark(self, folder: Path, listed: Sequence[Path] | None = None) -> str:
        """Note that numbered pictures were not treated as a clip, and the reason; see `naming.remark`."""
        from .reading.naming import remark

        return remark(folder, listed)

    # -- judging ------------------------------------------------------------------------------------
    def describe(self, file: Path) -> Mapping[str, Any]:
        """What one clip is and shows: every frame is decoded. Raises MissingFile or MediaError."""
        from .inspection.file import describe

        return describe(file)

    def denormalise(self, sample: Tensor, side: Side) -> Tensor:
        """The sample without its side's tone curve."""
        return self.pictures.denormalise(sample, side)

    def check_comparison(self, output: Path, inputs: int, layout: str) -> None:
        """A clip, of several inputs a folder for them; of single pictures a sheet. Raises MediaError or OutputError."""
        from .conversion.comparison import check_clips
        from .reading.naming import is_still_name

        if is_still_name(output.name):
            super().check_comparison(output, inputs, layout)
        else:
            check_clips(output, inputs)

    def compare_files(self, comparison: Comparison, output: Path) -> Sequence[str]:
        """A clip in which the models' frames are in step; see `conversion.comparison`."""
        from .conversion.comparison import require_stills, write_clips
        from .reading.naming import is_still_name

        if not is_still_name(output.name):
            return write_clips(self, comparison, output)
        require_stills(comparison, output)
        return super().compare_files(comparison, output)

    def show_file(self, path: Path, side: Side) -> Tensor:
        """A whole picture, or the first frame. Raises MissingFile or MediaError."""
        return self.pictures.show_file(path, side)

    def preview(self, sample: Tensor) -> Tensor:
        """(3, H, W) uint8: the frame itself."""
        return self.pictures.preview(sample)

    def load(self, file: Path, side: Side) -> Tensor:
        """The frame in the middle of a clip, as the picture domain loads one. Raises MissingFile or MediaError."""
        from .training.sampling import middle

        return middle(self._cache, file, side, self.settings)

    def paired_scores(self, translated: Tensor, target: Tensor) -> dict[str, float]:
        """Figures for one frame and its true counterpart, as for pictures."""
        return self.pictures.paired_scores(translated, target)

    def unpaired_scores(
        self, translated: Sequence[Tensor], real: Sequence[Tensor], extractor: Path | None = None, seed: int = 0
    ) -> dict[str, float]:
        """Distances between two sets of frames, as for pictures."""
        return self.pictures.unpaired_scores(translated, real, extractor, seed)

    def judges(self) -> Mapping[str, bool]:
        """Those of pictures."""
        return self.pictures.judges()

    def sequence_scores(
        self, translate: Callable[[Tensor], Tensor], files: Sequence[Path], side: Side
    ) -> dict[str, float]:
        """Warping error of a few frames of a few clips, and the input's own; see `evaluation.steadiness`."""
        from .evaluation.steadiness import steadiness

        return steadiness(self._cache, translate, files, side, self.settings)

    def label_scorer(self, palette: Mapping[str, Sequence[float]]) -> Scorer:
        """Label-map figures by nearest colour, as for pictures."""
        return self.pictures.label_scorer(palette)
