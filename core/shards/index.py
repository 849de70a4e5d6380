"""The index of a shard: where each of its members lies, in a file that is read by position too.

An index is a safetensors file. `members` holds a record for each regular file of the tar, in its order, `endings` the
number of its ending (".jpg") in the list of the header, which also says what shard the index is of.
"""

from __future__ import annotations

import hashlib
import json
import struct
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors.numpy import save

from ..errors import MediaError
from ..files import atomic_bytes
from .sources import forget, read_at

FORMAT = "unpaired shard index 1"
_RECORD = struct.Struct("<QQHI")
_LONGEST_HEADER = 16 * 1024**2
BLOCK = 512
"""Bytes that everything in a tar file is a multiple of."""


class Member(NamedTuple):
    """Where a member of a shard lies."""

    offset: int
    """Where its headers begin, in bytes."""
    size: int
    """Bytes of its data."""
    blocks: int
    """Blocks of 512 bytes from there to its data."""
    checksum: int
    """CRC-32 of its data; 0 where nobody computed it."""

    @property
    def data(self) -> int:
        """Where its data begins."""
        return self.offset + BLOCK * self.blocks


@dataclass(frozen=True)
class IndexFacts:
    """What the header of an index says."""

    bytes: int
    """Of the shard."""
    modified: str
    """When the shard was written, where the index is kept apart from it; else empty."""
    digest: str
    """Hash of names and sizes of all members."""
    endings: tuple[str, ...] = ()
    """Endings of the members' names, in lower case."""
    counts: tuple[int, ...] = ()
    """Number of members of each."""
    others: int = 0
    """Entries that are no regular files, or hidden."""
    checksums: bool = False
    """Whether the members' checksums are known."""
    fault: str = ""
    """Why the shard could not be read to its end."""


class IndexBuilder:
    """Collects the members of a shard."""

    def __init__(self) -> None:
        self._records = bytearray()
        self._endings = array("H")
        self._known: dict[str, int] = {}
        self._hashes = array("Q")
        self._digest = hashlib.blake2b(digest_size=16)
        self.others = 0

    def __len__(self) -> int:
        return len(self._endings)

    def add(self, name: str, member: Member) -> None:
        """Take up one more member."""
        encoded = name.encode(errors="surrogateescape")
        self._digest.update(b"%b\0%d\0" % (encoded, member.size))
        self._hashes.append(int.from_bytes(hashlib.blake2b(encoded, digest_size=8).digest(), "little"))
        self._records += _RECORD.pack(*member)
        self._endings.append(self._known.setdefault(ending_of(name, len(self._known)), len(self._known)))

    def doubles(self) -> tuple[int, int] | None:
        """The numbers of two members that have one name, if there are any."""
        hashes = np.frombuffer(self._hashes, np.uint64)
        order = np.argsort(hashes, kind="stable")
        same = np.flatnonzero(hashes[order][1:] == hashes[order][:-1])
        return (int(order[same[0]]), int(order[same[0] + 1])) if len(same) else None

    def write(self, path: Path, size: int, modified: str, checksums: bool = False, fault: str = "") -> None:
        """Write the index of a shard of `size` bytes. Raises OutputError."""
        endings = np.frombuffer(self._endings, np.uint16)
        facts = IndexFacts(
            bytes=size,
            modified=modified,
            digest=self._digest.hexdigest(),
            endings=tuple(self._known),
            counts=tuple(np.bincount(endings, minlength=len(self._known)).tolist()),
            others=self.others,
            checksums=checksums,
            fault=fault,
        )
        members = np.frombuffer(bytes(self._records), np.uint8).reshape(-1, _RECORD.size)
        header = {"format": FORMAT, "shard": json.dumps(asdict(facts))}
        atomic_bytes(path, save({"members": members, "endings": endings}, header))
        forget(str(path))


def ending_of(name: str, known: int = 0) -> str:
    """The ending of a member's name in lower case, of two parts where the first is a word (.nii.gz); of one where so
    many are `known` that the names must be numbers with points."""
    parts = name.rpartition("/")[2].lower().split(".")[1:]
    if not parts or known >= 2**16 - 2**8:
        return ""
    words = [part for part in parts[-2:-1] if part[:1].isalpha() and len(part) <= 12 and known < 2**15]
    return "." + ".".join([*words, parts[-1][:16]])


@dataclass
class ShardIndex:
    """The index of one shard, opened."""

    path: str
    """The file."""
    facts: IndexFacts
    _members: int
    _endings: int
    count: int = field(default=0)
    """Members of the shard."""

    def member(self, number: int) -> Member:
        """Where one lies. Raises MediaError for an index that is cut off."""
        found = read_at(self.path, self._members + number * _RECORD.size, _RECORD.size)
        if len(found) < _RECORD.size:
            raise MediaError(f"the index {self.path} is damaged; remove it, and it is made anew")
        return Member(*_RECORD.unpack(found))

    def ending(self, number: int) -> str:
        """The ending of a member's name."""
        found = int.from_bytes(read_at(self.path, self._endings + 2 * number, 2), "little")
        return self.facts.endings[found] if found < len(self.facts.endings) else ""

    def numbers_of(self, endings: Iterable[str]) -> np.ndarray | None:
        """The members with one of these endings, in order; None where all have."""
        wanted = [number for number, ending in enumerate(self.facts.endings) if ending in set(endings)]
        if sum(self.facts.counts[number] for number in wanted) == self.count:
            return None
        found = np.frombuffer(read_at(self.path, self._endings, 2 * self.count), np.uint16)
        return np.flatnonzero(np.isin(found, np.array(wanted, np.uint16))).astype(np.uint32)


def open_index(path: str) -> ShardIndex | None:
    """Open an index; None where there is none that can be used."""
    try:
        length = int.from_bytes(read_at(path, 0, 8), "little")
        if not 2 <= length <= _LONGEST_HEADER:
            return None
        header = json.loads(read_at(path, 8, length))
        given = header["__metadata__"]
        facts = json.loads(given["shard"])
        tensors = {name: header[name] for name in ("members", "endings")}
        begins = {name: 8 + length + int(each["data_offsets"][0]) for name, each in tensors.items()}
        ends = 8 + length + max(int(each["data_offsets"][1]) for each in tensors.values())
        count = int(tensors["endings"]["shape"][0])
        whole = given["format"] == FORMAT and tensors["members"]["shape"] == [count, _RECORD.size]
        if not whole or sum(facts["counts"]) != count or len(read_at(path, ends - 1, 2)) != 1:
            return None
        return ShardIndex(path, _facts(facts), begins["members"], begins["endings"], count)
    except (MediaError, OSError, ValueError, LookupError, TypeError, RecursionError):
        return None


def _facts(given: dict[str, Any]) -> IndexFacts:
    return IndexFacts(**{**given, "endings": tuple(given["endings"]), "counts": tuple(given["counts"])})


def fits(index: ShardIndex | None, size: int, modified: str) -> bool:
    """Whether an index is there, and of a shard of that size (and of that time, where it knows that)."""
    if index is None or index.facts.bytes != size:
        return False
    return index.facts.modified in ("", modified)


def endings_in(indexes: Sequence[ShardIndex]) -> dict[str, int]:
    """All endings of some shards, with the numbers of members that have them."""
    found: dict[str, int] = {}
    for index in indexes:
        for ending, count in zip(index.facts.endings, index.facts.counts, strict=True):
            found[ending] = found.get(ending, 0) + count
    return found
