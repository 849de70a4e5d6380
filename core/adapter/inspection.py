"""Shared parts of the scans of several media: examining files, finding copies, and draws that are even over time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar

from ..errors import MediaError, MissingFile, counted
from ..files import real_path
from ..terms import remark, term_of
from .inventory import BrokenFile, Inventory

MOST_DRAWS = 200_000
"""Samples an epoch draws at most; long sides are thinned out evenly."""
FEWEST = 2
"""Samples an epoch of a side below which training is refused: with one there is nothing to generalise from."""
_UNEQUAL = 10
"""Times the samples of one side that the other has, above which the sides are called unequal."""
_SHOWN = 3

T = TypeVar("T")


class Facts(Protocol):
    """Facts about one usable file."""

    @property
    def path(self) -> Path: ...
    @property
    def digest(self) -> bytes:
        """Hash of its bytes; empty where they were not read."""


F = TypeVar("F", bound=Facts)


INFORMING = frozenset({"left out", "transparency", "several pages", "silence", "uneven loudness", "slow seeking",
                       "one recording", "one side drawn"})  # fmt: skip
"""Remarks that limit nothing."""


def readiness(sides: Mapping[str, Inventory], together: Iterable[str] = ()) -> str:
    """The verdict on the data of a training, in words that begin with their term.

    `sides`: inventories of one folder or two, by what they are called. `together`: remarks on both. A remark that
    begins with no term, of a medium of one's own, counts as a reservation too.
    """
    unusable = [f"{name} has {counted(len(each.files), 'usable file', 'usable files')}"
                for name, each in sides.items() if len(each.drawn) < FEWEST]  # fmt: skip
    remarks = [(f" ({name})" if len(sides) > 1 else "", said) for name, each in sides.items() for said in each.warnings]
    remarks += [("", said) for said in together]
    named = [(term_of(said) or "remarks", where) for where, said in remarks]
    same = ["A and B are the same folder"] * any(term == "same folder" for term, _ in named)
    if unusable or same:
        return remark(
            "cannot train", f"{', '.join([*unusable, *same])}; training needs two folders of {FEWEST} or more."
        )
    limits = list(dict.fromkeys(f"{term}{where}" for term, where in named if term not in INFORMING))
    if limits:
        return remark("trains with reservations", f"{', '.join(limits)}.")
    return remark("ready to train", "nothing stands in the way.")


# -- one folder -------------------------------------------------------------------------------------
def examine_files(
    paths: Sequence[Path], examine: Callable[[Path], T], threads: int
) -> tuple[tuple[T, ...], list[BrokenFile]]:
    """Results of `examine` for each file, and the files for which it raises MissingFile, MediaError or OSError."""

    def look(path: Path) -> T | BrokenFile:
        try:
            return examine(path)
        except (MediaError, MissingFile) as error:
            return BrokenFile.of(path, error)
        except OSError as error:
            return BrokenFile(path, f"cannot be read: {error.strerror}")

    if threads == 1:
        seen = list(map(look, paths))
    else:
        with ThreadPoolExecutor(threads) as pool:
            seen = list(pool.map(look, paths))
    findings = tuple(found for found in seen if not isinstance(found, BrokenFile))
    return findings, [found for found in seen if isinstance(found, BrokenFile)]


def usable(paths: Iterable[Path], broken: Iterable[BrokenFile]) -> tuple[Path, ...]:
    """The paths without those of broken files."""
    left_out = {each.path for each in broken}
    return tuple(path for path in paths if path not in left_out)


def even_draws(files: Sequence[Path], known: Mapping[Path, int], usual: Callable[[Path], int]) -> tuple[int, ...]:
    """Number of samples an epoch draws from each file: `known` where given, else `usual`; thinned out evenly where
    that comes to more than `MOST_DRAWS`. Empty where each is 1."""
    draws = [known[path] if path in known else usual(path) for path in files]
    if sum(draws) > MOST_DRAWS:
        share = MOST_DRAWS / sum(draws)
        draws = [max(1, round(draw * share)) for draw in draws]
    return tuple(draws) if any(draw > 1 for draw in draws) else ()


def digest_of(*paths: Path) -> bytes:
    """16 bytes that stand for the contents of files in this order. Raises OSError."""
    whole = hashlib.blake2b(digest_size=16)
    for path in paths:
        with path.open("rb") as file:
            whole.update(hashlib.file_digest(file, "blake2b").digest())
    return whole.digest()


def same_files(findings: Iterable[Facts]) -> list[list[Path]]:
    """Groups of files with the same bytes."""
    groups: dict[bytes, list[Path]] = {}
    for found in findings:
        groups.setdefault(found.digest, []).append(found.path)
    return [group for digest, group in groups.items() if digest and len(group) > 1]


def tell_broken(count: int) -> Iterator[str]:
    """A sentence where files are broken."""
    if count:
        left_out = counted(count, "file is broken; training leaves it", "files are broken; training leaves them")
        yield remark("broken files", f"{left_out} out.")


def tell_copies(findings: Iterable[Facts], one: str, more: str) -> Iterator[str]:
    """A sentence where files are copies of others; `one` and `more` of them are called so ("clip", "clips")."""
    count = sum(len(group) - 1 for group in same_files(findings))
    if count:
        copies = counted(count, f"{one} is a copy of another", f"{more} are copies of others")
        yield remark("copies", f"{copies}; copies are seen more often than the rest.")


# -- two folders ------------------------------------------------------------------------------------
def compare_amounts(a: Inventory, b: Inventory, counted: str) -> Iterator[str]:
    """A sentence where A and B are one folder, and where one is far smaller; `counted`: what a sample stands for."""
    if real_path(a.folder) == real_path(b.folder):
        yield remark("same folder", "A and B are the same folder: there is nothing to translate.")
    fewer, more = sorted((len(a.drawn), len(b.drawn)))
    if fewer and more > _UNEQUAL * fewer:
        yield remark(
            "unequal sides",
            f"An epoch has {len(a.drawn)} samples of A and {len(b.drawn)} of B ({counted}): the smaller side is "
            "repeated and soon memorised.",
        )


def compare_bytes(a: Iterable[F], b: Iterable[F], one: str, more: str) -> Iterator[str]:
    """A sentence where files are in A and in B; `one` and `more` of them are called so ("clip", "clips")."""
    of_b = {found.digest: found for found in b if found.digest}
    both = [(found, of_b[found.digest]) for found in a if found.digest in of_b]
    if both:
        files = counted(len(both), f"{one} is", f"{more} are")
        yield remark(
            "in both sides",
            f"{files} in A and in B, byte for byte ({as_pairs(both)}): remove {'it' if len(both) == 1 else 'them'} "
            "from one side, or the model learns to change nothing.",
        )


def as_pairs(pairs: Collection[tuple[Facts, Facts]]) -> str:
    """The first pairs of files, by name: a.png = b.png, c.png = d.png, ..."""
    named = [f"{first.path.name} = {second.path.name}" for first, second in list(pairs)[:_SHOWN]]
    return ", ".join(named + ["..."] * (len(pairs) > _SHOWN))
