"""What the commands ask of a medium beyond reading, writing and judging: all of it has a default."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from ..errors import ConfigError
from ..sides import Direction, Side
from .streams import Translate

if TYPE_CHECKING:
    from torch import Tensor

    from .comparison import Comparison
    from .division import Division
    from .review import Review

PIPE = "-"
"""The name of standard input and output."""


class LiveReport(Protocol):
    """How a live conversion stands."""

    @property
    def seconds(self) -> float:
        """Since it began."""

    @property
    def warnings(self) -> Sequence[str]:
        """What is to be said of it, a sentence each: none goes again, further ones come behind."""

    def text(self) -> str:
        """A line for people."""

    def as_dict(self) -> Mapping[str, Any]:
        """JSON-able figures."""


class Evaluation(Protocol):
    """The scores of a model."""

    def text(self) -> str:
        """Tables for people."""

    def as_dict(self) -> Mapping[str, Any]:
        """JSON-able figures."""


@runtime_checkable
class WritesCsv(Protocol):
    """An `Evaluation` that `evaluate --csv` takes."""

    def write_csv(self, path: Path) -> None:
        """Write a row a file to `path`, and a row a figure to a file beside it, with -totals at the end of its name."""


class CommandHooks:
    """The part of a `Domain` that `unpaired inspect`, `convert`, `evaluate` and `compare` alone ask for."""

    precedence: ClassVar[int] = 10
    """Of several media that know a file's name, `inspect` takes the one of the lowest precedence."""
    borrows: ClassVar[str] = ""
    """Which models of other media `from_compatible` takes, for messages ("of colour pictures")."""
    unit: ClassVar[str] = ""
    """What chunks are called where a user would count them ("frames"): `convert` says how many a second it made."""
    pipes: ClassVar[bool] = False
    """Whether `open` and `create` take the name - for standard input and output."""
    live: ClassVar[bool] = False
    """Whether there is a `convert_live`."""
    scores_files: ClassVar[bool] = False
    """Whether there is an `evaluate_files`."""
    generated_suffix: ClassVar[str] = ""
    """Ending of the files that `write_sample` writes (".png"); empty: it writes none."""

    def check_generated(self, out: Path) -> None:
        """Refuse a place that `write_generated` would refuse, before anything is generated. Raises OutputError or
        ConfigError. Default: anything but a folder, and any for a medium that writes no samples."""
        from .generated import check_folder

        if not self.generated_suffix:
            raise ConfigError(f"{type(self).__name__} writes no generated samples; in Python translator.generate gives "
                              "them as tensors")  # fmt: skip
        check_folder(out)

    def write_sample(self, path: Path, sample: Tensor) -> None:
        """Write a generated sample (C, *space) of side B, as a network gave it, to a file whose name ends in
        `generated_suffix`. Raises OutputError. Default: ConfigError, the medium writes none."""
        raise ConfigError(f"{type(self).__name__} writes no generated samples")

    def write_generated(self, samples: Iterable[Tensor], names: Sequence[str], out: Path) -> Sequence[Path]:
        """Write generated samples, which come one by one, and return the files. Raises OutputError. Default: each by
        `write_sample` into the folder `out`, under its name, which may begin with that of a sub-folder."""
        from .generated import write_each

        return write_each(self.write_sample, samples, [name + self.generated_suffix for name in names], out)

    def convert_live(
        self,
        source: str,
        target: str,
        translate: Translate,
        side: Side,
        options: Any,
        *,
        rate: float | None = None,
        channels: int = 1,
        progress: Callable[[LiveReport], None] | None = None,
    ) -> LiveReport:
        """Translate a live source until it ends or Ctrl-C; default: ConfigError, not supported.

        Args:
            source: a stream of domain `side`: an address, a device, or - for standard input.
            target: a file, a device, or - for standard output.
            translate: one direction of a model.
            options: settings of the medium's `conversion_type`.
            rate, channels: of raw samples, where the source does not say.
            progress: called in this thread as it goes on.

        Raises:
            ConfigError, MediaError, OutputError: the source, the target or an option cannot be.
        """
        raise ConfigError(f"{type(self).__name__} has no live conversion; leave --live out")

    def joined(self, main: Any, translate: Translate, side: Side) -> Any:
        """`main` for files that hold this medium too (footage with sound): they are converted as by `main`, and in the
        same pass what they hold of this medium by `translate`. None (the default) for a `main` whose files hold none.

        Args:
            main: the domain that the files are of; so is what this returns.
            translate: one direction of a model of this medium.
            side: the domain that it translates from.
        """
        return None

    def evaluate_files(
        self,
        translator: Any,
        a: Path,
        b: Path,
        *,
        paired: bool,
        directions: Sequence[Direction] | None,
        limit: int | None,
        seed: int,
        page: Path | None,
        progress: Callable[[int, int], None],
    ) -> Evaluation:
        """Score a model of this medium by its files, for a medium whose samples do not tell how good those are (sound,
        whose samples are spectrograms); default: ConfigError, samples are scored by `unpaired.evaluate`.

        Args:
            translator: an `unpaired.Translator`.
            a, b: held-out folders.
            paired: files of the same name are true counterparts.
            directions: by default all that the model has.
            limit, seed: so many inputs a direction, drawn with `seed`.
            page: HTML page to write, with files to see or to listen to.
            progress: called with files done and files in all.
        """
        raise ConfigError(f"{type(self).__name__} scores samples, not files")

    def reviewed(self, review: Review) -> Any:
        """This domain, converting files into pictures of the source and what several models make of it; default:
        ConfigError, there is nothing to see."""
        raise ConfigError(f"{type(self).__name__} has no pictures to lay beside each other or to write on; "
                          "`unpaired compare` shows what several models make of it")  # fmt: skip

    def division(self) -> Division | None:
        """How the conversion of a long file is divided over several workers; None (default): it is not."""
        return None

    def check_comparison(self, output: Path, inputs: int, layout: str) -> None:
        """Refuse an output that `compare_files` would refuse, by its name and the number of inputs, before any work.

        Default: a sheet of pictures. Raises MediaError, OutputError or ConfigError.
        """
        from .comparison import check_sheet

        check_sheet(output, layout)

    def compare_files(self, comparison: Comparison, output: Path) -> Sequence[str]:
        """Lay out what several models make of the same files, in one file for a person, whole or not at all; what is
        to be said of it, a sentence each. Default: a sheet with a row for each input and a column for each model,
        drawn with `show_file`. Called on the first model's domain. Raises OutputError, and what a conversion raises."""
        from .comparison import write_sheet

        write_sheet(comparison, output)
        return ()

    def show_file(self, path: Path, side: Side) -> Tensor:
        """A picture (3, H, W) uint8 of a whole file, for that sheet. Default: its first chunk as `preview` shows it, or
        the sample that `load` gives of it. Raises MissingFile or MediaError."""
        from .comparison import show_file

        return show_file(self, path, side)
