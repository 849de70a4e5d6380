"""One shard: a tar file with its index, which is made once where none came with it."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..errors import ConfigError, MediaError, OutputError
from ..runtimes.cache import cache_folder
from ..stores.access import is_address
from .index import BLOCK, IndexBuilder, Member, ShardIndex, fits, open_index
from .names import INDEX
from .remote import fetched
from .sources import expect_at, forget, open_whole, read_at, state_of

PIECE = 4 * 1024**2
"""Bytes that are read at once."""
LITTLE = 64 * 1024
"""Bytes of members that are worth telling the system of before: larger ones are read in one go anyway."""
_HEADERS = 64 * BLOCK
_KEPT = 1024
"""Members that tarfile remembers."""


@dataclass
class Shard:
    """A tar file whose members are read by their number."""

    path: str
    index: ShardIndex

    def __len__(self) -> int:
        return self.index.count

    def name(self, number: int) -> str:
        """The name of a member; where its header is damaged, its number."""
        try:
            member = self.index.member(number)
            header = read_at(self.path, member.offset, min(member.data - member.offset, _HEADERS))
            with tarfile.open(fileobj=io.BytesIO(header), mode="r:") as tar:
                found = tar.next()
            return _plain(found.name) if found else f"member {number}"
        except (MediaError, OSError, tarfile.TarError, ValueError):
            return f"member {number}"

    def describe(self, number: int) -> str:
        """Shard and member, for messages."""
        return f"{self.path}/{self.name(number)}"

    def pieces(self, number: int) -> Iterator[bytes]:
        """The data of a member, in pieces of a few megabytes.

        Raises:
            MissingFile: the shard is gone.
            MediaError: it is damaged there, or is not what the index says.
        """
        member = self.index.member(number)
        checksum, at = 0, 0
        while at < member.size or not at:
            begin = member.data + at - (0 if at else BLOCK)
            count = min(PIECE, member.size - at)
            piece = read_at(self.path, begin, count + (0 if at else BLOCK))
            if not at:
                self._check_header(number, member, piece[:BLOCK])
                piece = piece[BLOCK:]
            if len(piece) < count:
                raise MediaError(f"{self.describe(number)} is cut off: the shard ends before it does")
            if self.index.facts.checksums:
                checksum = zlib.crc32(piece, checksum)
            at += len(piece)
            if at >= member.size and self.index.facts.checksums and checksum != member.checksum:
                raise MediaError(f"{self.describe(number)} is damaged: its checksum differs from that in the index")
            yield piece
            if not count:
                return

    def expect(self, first: int, last: int) -> None:
        """Say that members, from one to another, will be read soon. Raises MediaError where the index is damaged."""
        begin, end = self.index.member(first), self.index.member(last)
        count = end.data + end.size - begin.data
        if 0 <= count <= LITTLE * (last - first + 1):
            expect_at(self.path, begin.data - BLOCK, count + BLOCK)

    def read(self, number: int) -> bytes:
        """The data of a member. Raises as `pieces`."""
        pieces = list(self.pieces(number))
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _check_header(self, number: int, member: Member, header: bytes) -> None:
        """Raise MediaError unless the header of a member is where the index says, and sound."""
        try:
            stated = header[124:136]
            size = int(stated.strip(b"\0 ") or b"0", 8) if stated[0] < 128 else int.from_bytes(stated[1:], "big")
            total = int(header[148:156].strip(b"\0 "), 8)
        except (ValueError, IndexError):
            size, total = -1, -1
        # Of a member with an extended header the size may be there.
        sound = total == sum(header) - sum(header[148:156]) + 8 * ord(" ")
        if not sound or (size != member.size and member.blocks == 1):
            raise MediaError(
                f"{self.path} is damaged at byte {member.data - BLOCK}, or is not the shard that {self.index.path} is "
                f"of (sample {number} is not there)"
            )


def open_shard(path: str, say: Callable[[str], None] = lambda text: None) -> Shard:
    """Open a shard, with the index beside it or the one in the cache, which is made where there is none.

    `say`: told that an index is made, or that one is of no use.

    Raises:
        MissingFile: there is no such shard.
        MediaError: it cannot be read, or is no tar file.
        ConfigError: two members have one name.
        OutputError: the index cannot be kept.
    """
    for file in (path, path + INDEX):
        forget(file)  # it may have been written anew
    size, modified = state_of(path)
    beside = _index_beside(path)
    if fits(beside, size, ""):
        assert beside is not None
        return Shard(path, beside)
    kept = _kept_index(path)
    cached = open_index(str(kept))
    if fits(cached, size, modified):
        assert cached is not None
        return Shard(path, cached)
    if beside is not None or (not is_address(path) and Path(path + INDEX).exists()):
        say(f"{path + INDEX} is damaged or of another shard, and is not used")
    say(f"indexing {path}, once")
    return build_index(path, kept, size, modified)


def _index_beside(path: str) -> ShardIndex | None:
    if not is_address(path):
        return open_index(path + INDEX)
    file = fetched(path + INDEX)
    return None if file is None else open_index(str(file))


def _kept_index(path: str) -> Path:
    absolute = path if is_address(path) else str(Path(path).absolute())
    name = hashlib.blake2b(absolute.encode(errors="surrogateescape"), digest_size=10).hexdigest()
    return cache_folder() / "shards" / f"{name}{INDEX}"


def build_index(path: str, target: Path, size: int, modified: str) -> Shard:
    """Index a shard by its headers, in the file `target`. Raises as `open_shard`."""
    built, fault = IndexBuilder(), ""
    with open_whole(path) as file:
        try:
            for name, member in _members(file, built):
                if member.data + member.size > size:
                    raise tarfile.ReadError("unexpected end of data")
                built.add(name, member)
        except (tarfile.TarError, OSError, ValueError, EOFError) as error:
            if not len(built):
                raise MediaError(f"{path} is no tar file, or is damaged at its beginning: {error}") from error
            fault = f"is damaged after {len(built):,} members ({error}); those before are used"
    built.write(target, size, modified, fault=fault)
    made = open_index(str(target))
    if made is None:
        raise OutputError(f"the index of {path} cannot be read back from {target}; UNPAIRED_CACHE names another folder")
    shard = Shard(path, made)
    if doubles := built.doubles():
        first, second = map(shard.name, doubles)
        if first == second:
            target.unlink()
            raise ConfigError(f"{path} holds {first} twice; names in a shard must differ, or nobody can say which is "
                              "meant: write it anew")  # fmt: skip
    return shard


def _members(file: IO[bytes], built: IndexBuilder) -> Iterator[tuple[str, Member]]:
    """The regular files of a tar, as tarfile reads its headers."""
    with tarfile.open(fileobj=file, mode="r:", encoding="utf-8", errors="surrogateescape") as tar:
        while (found := tar.next()) is not None:
            if len(tar.members) > _KEPT:  # type: ignore[attr-defined]
                tar.members = []  # type: ignore[attr-defined]  # it would keep all
            name = _plain(found.name)
            if not found.isreg() or found.issparse() or _is_hidden(name):
                built.others += 1
                continue
            yield name, Member(found.offset, found.size, (found.offset_data - found.offset) // BLOCK, 0)
        file.seek(tar.offset)
        if file.read(BLOCK).strip(b"\0"):  # tarfile takes a damaged header for the end
            raise tarfile.ReadError(f"bad header at byte {tar.offset:,}")


def _plain(name: str) -> str:
    return name.removeprefix("./")


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))
