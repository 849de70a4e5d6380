"""A side of a training that is shards: tar files of the medium's own files, in place of a folder of them."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
import secrets
import shutil
import sys
import tempfile
import weakref
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from .. import makers
from ..errors import MediaError, MissingFile, as_note, one_line
from ..files import clear_leftovers, output_error
from ..samples import Sample
from ..shards.index import endings_in
from ..shards.names import find_shards
from ..shards.shard import Shard, open_shard
from ..sides import Side
from ..stores.access import as_written, is_address
from .domain import Domain
from .folders import spread
from .indexed import IndexedSide
from .inventory import BrokenFile, Inventory, NumberedFiles

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

_UNPACKED = 32
"""Members that a process has unpacked at a time, at most: a decoder may keep some of them open."""
_BYTES = 1024**3
"""Bytes of them, at most, of more than one."""
_MEASURED = 256
"""Members of a side that a medium measures before training, where it measures any."""
_PLAIN = re.compile(r"[\w][\w .,()+=@-]*")
LOOKED_AT = 500
"""Members that `unpaired inspect` decodes, evenly spread."""


class Samples:
    """The members of some shards that a medium reads, by their places."""

    def __init__(self, domain: Domain, shards: list[Shard]) -> None:
        self.shards = shards
        known = endings_in([each.index for each in shards])
        self.endings = frozenset(each for each in known if domain.convertible(Path(f"sample{each}")))
        self._numbers = [each.index.numbers_of(self.endings) for each in shards]
        counts = [len(shard) if numbers is None else len(numbers)
                  for shard, numbers in zip(shards, self._numbers, strict=True)]  # fmt: skip
        self._ends = list(accumulate(counts))
        self.others = sum(map(len, shards)) - len(self) + sum(each.index.facts.others for each in shards)

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def locate(self, place: int) -> tuple[int, int]:
        """The number of the shard that holds a sample, and its number there."""
        shard = bisect_right(self._ends, place)
        within = place - (self._ends[shard - 1] if shard else 0)
        numbers = self._numbers[shard]
        return shard, within if numbers is None else int(numbers[within])

    def expect(self, first: int, last: int) -> None:
        """Say that the samples from one place to another will be read soon."""
        (shard, number), (end, until) = self.locate(first), self.locate(last)
        while shard <= end:
            with suppress(MediaError, OSError):  # the read will tell
                self.shards[shard].expect(number, until if shard == end else len(self.shards[shard]) - 1)
            shard, number = shard + 1, 0

    def read(self, place: int) -> bytes:
        """The data of a sample. Raises MissingFile or MediaError."""
        shard, number = self.locate(place)
        return self.shards[shard].read(number)


class Unpacked:
    """Members as files, for decoders: a few at a time for each process, in the temporary folder (`TMPDIR`)."""

    def __init__(self) -> None:
        place = Path(tempfile.gettempdir())
        clear_leftovers(place)
        self.folder = place / f".unpaired-shards.{makers.mark()}-{secrets.token_hex(2)}.part"
        self._begin(0)
        weakref.finalize(self, _remove, self.folder, os.getpid())

    def __getstate__(self) -> Path:
        return self.folder

    def __setstate__(self, folder: Path) -> None:
        self.folder = folder
        self._begin(0)

    def _begin(self, process: int) -> None:
        self._process, self._bytes = process, 0
        self._held: OrderedDict[Path, int] = OrderedDict()

    def path(self, name: str, pieces: Callable[[], Iterator[bytes]]) -> Path:
        """The file that holds a member; `name`: what no other has.

        Raises OutputError where it cannot be written, and what `pieces` raises.
        """
        if self._process != os.getpid():
            self._begin(os.getpid())
        folder = self.folder / str(self._process)
        file = folder / name
        if file in self._held:
            self._held.move_to_end(file)
            return file
        size = 0
        try:
            if not self._held:
                folder.mkdir(parents=True, exist_ok=True)
            with file.open("wb", buffering=0) as target:
                for piece in pieces():
                    target.write(piece)
                    size += len(piece)
        except MissingFile:
            file.unlink(missing_ok=True)
            raise
        except OSError as error:
            file.unlink(missing_ok=True)
            raise output_error(file, error) from error
        except BaseException:
            file.unlink(missing_ok=True)
            raise
        self._held[file] = size
        self._bytes += size
        while len(self._held) > _UNPACKED or (len(self._held) > 1 and self._bytes > _BYTES):
            oldest, its = self._held.popitem(last=False)
            oldest.unlink(missing_ok=True)
            self._bytes -= its
        return file


class ShardSide(IndexedSide):
    """Shards by their names: one, several in braces, those of a glob, or of a folder."""

    kind: ClassVar[str] = "shards"
    looks_ahead: ClassVar[bool] = True

    def __init__(self, side: Side, place: str | os.PathLike[str]) -> None:
        super().__init__(side)
        self.place = as_written(place)
        self.items: Samples | None = None
        self._unpacked = Unpacked()

    def __str__(self) -> str:
        return self.place

    @property
    def keeps_threads(self) -> bool:
        """Of addresses: fsspec asks stores in a thread."""
        return is_address(self.place)

    def mapping(self) -> str:
        """Their name, from the root on."""
        return self.place if is_address(self.place) else str(Path(self.place).absolute())

    def is_same(self, other: IndexedSide) -> bool:
        return isinstance(other, ShardSide) and self.mapping() == other.mapping()

    def inventory(self, domain: Domain) -> Inventory:
        """The samples, by the indexes of the shards; one that cannot be read at all is left out.

        Raises:
            MissingFile: a shard that is named is not there.
            ConfigError: two members of a shard have one name, or a shard is compressed.
            OutputError: an index cannot be kept.
        """
        self.items, broken = open_shards(domain, self.place)
        digest = hashlib.sha256()
        for shard in self.items.shards:
            digest.update(f"{shard.index.facts.digest} {shard.index.facts.fault}\n".encode())
        digest.update(" ".join(sorted(self.items.endings)).encode())
        count = len(self.items)
        facts = {"shards": len(self.items.shards), "samples": count, "other files": self.items.others}
        files = NumberedFiles(self.side, count)
        return Inventory(Path(self.place), files, tuple(broken), facts, digest=digest.hexdigest()[:16])

    def sample(
        self, medium: Domain, index: int, draw: Callable[[Path], Tensor | Sample], rng: np.random.Generator | None
    ) -> Tensor | Sample:
        assert self.items is not None
        number, member = self.items.locate(index)
        shard = self.items.shards[number]
        file = self._file(number, member)
        try:
            return draw(file)
        except (MediaError, OSError) as error:
            said = str(error) if isinstance(error, MediaError | MissingFile) else one_line(error)
            name = shard.describe(member)
            said = said.replace(str(file), name)
            raise MediaError(said if name in said else f"{name}: {said}") from error

    def expect(self, first: int, last: int) -> None:
        assert self.items is not None
        self.items.expect(first, last)

    def _file(self, number: int, member: int) -> Path:
        assert self.items is not None
        shard = self.items.shards[number]
        name = f"{self.side}-{number}-{member}{shard.index.ending(member)}"
        return self._unpacked.path(name, lambda: shard.pieces(member))

    @contextmanager
    def measured(self, medium: Domain, inventory: Inventory) -> Iterator[Inventory]:
        """A few members, evenly spread, as the medium scans a folder of them."""
        assert self.items is not None
        with _as_folder(self.items, _MEASURED) as (folder, _):
            yield medium.scan(folder)


def open_shards(domain: Domain, place: str | os.PathLike[str]) -> tuple[Samples, list[BrokenFile]]:
    """The samples of a medium in shards; and shards that cannot be read, or not to their end. Raises as
    `ShardSide.inventory`."""
    shards: list[Shard] = []
    broken: list[BrokenFile] = []
    for path in find_shards(place):
        try:
            shards.append(open_shard(path, _say))
        except MediaError as error:
            broken.append(BrokenFile.of(Path(path), error))
            continue
        if fault := shards[-1].index.facts.fault:
            broken.append(BrokenFile(Path(path), fault))
    return Samples(domain, shards), broken


def scan_shards(domain: Domain, place: str | os.PathLike[str]) -> Inventory:
    """What shards hold, as `Domain.scan` says it of a folder: of at most 500 of their samples, which are decoded."""
    samples, broken = open_shards(domain, place)
    with _as_folder(samples, LOOKED_AT) as (folder, unread):
        found = domain.scan(folder, thorough=True)
        broken += [*unread, *(_renamed(each, folder, samples) for each in found.broken)]
    left_out = len(unread) + len(found.broken)
    facts = {"shards": len(samples.shards), "samples": len(samples), "unpacked": min(LOOKED_AT, len(samples))}
    other = {key: value for key, value in found.facts.items() if key != "other files"}
    files = NumberedFiles("", max(0, len(samples) - left_out))
    facts = {**facts, "other files": samples.others, **other}
    return dataclasses.replace(found, folder=Path(place), files=files, broken=tuple(broken), facts=facts, draws=())


def names_in_shards(place: str | os.PathLike[str]) -> list[Path]:
    """Names like those of the members of shards, to recognise their medium by."""
    found = endings_in([open_shard(path, _say).index for path in find_shards(place)])
    return [Path(f"sample{ending}") for ending, count in found.items() for _ in range(max(1, min(count, 1000)))]


def _say(text: str) -> None:
    print(as_note(text), file=sys.stderr)


@contextmanager
def _as_folder(samples: Samples, most: int) -> Iterator[tuple[Path, list[BrokenFile]]]:
    """A temporary folder with at most `most` of the samples, evenly spread, and those that cannot be unpacked. They go
    by their names, below the number of their shard, or by their numbers where a name leads elsewhere."""
    unread: list[BrokenFile] = []
    with tempfile.TemporaryDirectory(prefix="unpaired-shards-") as name:
        folder = Path(name)
        for place in spread(range(len(samples)), most):
            number, member = samples.locate(place)
            shard = samples.shards[number]
            file = folder / str(number) / _safe_name(shard, member)
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
                with file.open("wb") as target:
                    target.writelines(shard.pieces(member))
            except MediaError as error:
                file.unlink()
                unread.append(BrokenFile.of(Path(shard.describe(member)), error))
        yield folder, unread


def _safe_name(shard: Shard, member: int) -> str:
    """The name of a member as a path that leads nowhere else; its number where it has none of that kind."""
    name = shard.name(member)
    *folders, file = name.split("/")
    # No file is called like a folder: the one has a point in its name, the other none.
    plain = "." in file and not any("." in folder for folder in folders)
    plain = plain and len(name) <= 200 and all(_PLAIN.fullmatch(part) for part in (*folders, file))
    return name if plain else f"{member:09d}{shard.index.ending(member)}"


def _renamed(broken: BrokenFile, folder: Path, samples: Samples) -> BrokenFile:
    """A fault of an unpacked member as one of the member."""
    number, *inside = broken.path.relative_to(folder).parts
    name = f"{samples.shards[int(number)].path}/{'/'.join(inside)}"
    return BrokenFile(Path(name), broken.reason.replace(str(broken.path), name))


def _remove(folder: Path, process: int) -> None:
    if os.getpid() == process:  # not a forked child's copy
        shutil.rmtree(folder, ignore_errors=True)
