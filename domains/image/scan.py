"""Inventory of a folder of pictures, with notes on what it means for training."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np

from ...core.adapter.folders import LISTED, as_lines, listing, min_median_max, spread
from ...core.adapter.inspection import digest_of, examine_files, same_files, tell_broken, tell_copies, usable
from ...core.adapter.inventory import Inventory
from ...core.errors import counted
from ...core.terms import remark
from .few_colours import share_of_commonest
from .files import Header, read_header, read_picture
from .kinds import UNREAD, is_picture_name, unread_by_name
from .near_duplicates import near_files
from .picture import Pixels, of_depth, resized
from .settings import ImageSettings

LOOKED_AT = 500
"""Headers that a quick scan reads, evenly spread over the folder."""
_FEW = 50
_FLAT = 3.0  # standard deviation of brightness, of 255: nothing to be seen
_LONG = 3.0  # aspect beyond which a crop shows little of a picture


@dataclass(frozen=True)
class PictureFacts:
    """Facts about one usable file."""

    path: Path
    header: Header
    digest: bytes = b""
    """Hash of the file's bytes; empty after a quick scan."""
    fingerprint: int = 0
    """64-bit difference hash of what it shows; 0 after a quick scan."""
    deviation: float = 255.0
    """Standard deviation of its brightness, 0 to 127; 255 after a quick scan."""
    commonest: float = 0.0
    """Share of it in its four commonest colours; 0 after a quick scan."""

    @property
    def flat(self) -> bool:
        return self.deviation < _FLAT

    @property
    def fingerprints(self) -> tuple[int, ...]:
        """None of a flat one: those all look alike."""
        return () if self.flat else (self.fingerprint,)


@dataclass(frozen=True)
class PictureInventory(Inventory):
    """An inventory that keeps what `compare` needs."""

    findings: tuple[PictureFacts, ...] = ()
    thorough: bool = False


def scan(folder: Path, settings: ImageSettings, thorough: bool) -> PictureInventory:
    """Look through a folder and all below it.

    Raises:
        MissingFile: there is no such folder.
        MediaError: it cannot be listed.
    """
    found = listing(folder, lambda path: is_picture_name(path.name))
    paths, broken, others = list(found.sizes), found.broken, found.others
    doubtful = [path for path in paths if unread_by_name(path)]  # each of these, or training would meet what is unread
    likely = [path for path in paths if not unread_by_name(path)]
    looked_at = doubtful + (likely if thorough else spread(likely, LOOKED_AT))
    look = partial(_look, thorough=thorough, raw=settings.mode == "channels")
    findings, failed = examine_files(looked_at, look, min(8, os.cpu_count() or 1) if thorough else 1)
    broken = sorted([*broken, *failed], key=lambda each: each.path)
    files = usable(paths, broken)
    facts = _facts(found.folder, files, findings, others, thorough)
    unread = [each.path for each in failed if unread_by_name(each.path)]
    warnings = (*_unread(unread), *_warnings(files, findings, len(broken) - len(unread), facts, settings))
    return PictureInventory(found.folder, files, tuple(broken), facts, warnings, findings=findings, thorough=thorough)


def _look(path: Path, thorough: bool, raw: bool) -> PictureFacts:
    header = read_header(path)
    if not thorough:
        return PictureFacts(path, header)
    # The decoder reads all of a JPEG's data even when it decodes at a fraction: damage is found all the same.
    pixels = read_picture(path, raw=raw, about=128).pixels
    small = brightness(pixels, 32, 32)
    commonest = share_of_commonest(of_depth(resized(pixels, 64, 64), np.dtype(np.float32)).transpose(2, 0, 1) * 2 - 1)
    return PictureFacts(path, header, digest_of(path), fingerprint(pixels), float(small.std()), commonest)


def brightness(pixels: Pixels, height: int, width: int) -> Pixels:
    """A small grey picture (height, width), float32 from 0 to 255."""
    small = of_depth(resized(pixels, height, width), np.dtype(np.float32)) * 255
    return cast(Pixels, cv2.cvtColor(small, cv2.COLOR_RGB2GRAY) if small.shape[2] == 3 else small.mean(axis=2))


def fingerprint(pixels: Pixels) -> int:
    """Difference hash: 64 bits that say where brightness rises from left to right in 8 rows of 9 (N. Krawetz, 2013)."""
    small = brightness(pixels, 8, 9)
    return int.from_bytes(np.packbits(small[:, 1:] > small[:, :-1]).tobytes(), "big")


# -- facts ------------------------------------------------------------------------------------------
def _facts(
    folder: Path, files: Sequence[Path], findings: Sequence[PictureFacts], others: int, thorough: bool
) -> dict[str, Any]:
    headers = [found.header for found in findings]
    facts: dict[str, Any] = {
        "pictures": len(files),
        "other files": others,
        "looked at": len(findings),
        "width": min_median_max([header.width for header in headers]),
        "height": min_median_max([header.height for header in headers]),
        "aspect": min_median_max([round(header.width / header.height, 3) for header in headers]),
        "formats": dict(Counter(header.format for header in headers).most_common()),
        "modes": dict(Counter(header.mode for header in headers).most_common()),
        "bits": dict(Counter(str(header.bits) for header in headers).most_common()),
        "animated or of several pages": sum(header.pages > 1 for header in headers),
    }
    if thorough:
        same = same_files(findings)
        near = [(findings[first].path, findings[second].path) for first, second in near_files(findings)]
        flat = [found.path for found in findings if found.flat]
        facts["duplicates"] = {"files": sum(map(len, same)) - len(same), "examples": as_lines(same, folder)}
        facts["near-duplicates"] = {"pairs": len(near), "examples": as_lines(near, folder)}
        facts["flat"] = {"files": len(flat), "examples": [str(path.relative_to(folder)) for path in flat[:LISTED]]}
        facts["odd ones"] = [f"{found.path.relative_to(folder)}: {why}" for found, why in _odd(findings)][:LISTED]
    return facts


def _odd(findings: Sequence[PictureFacts]) -> Iterator[tuple[PictureFacts, str]]:
    if not findings:
        return
    area = float(np.median([found.header.width * found.header.height for found in findings]))
    for found in findings:
        width, height = found.header.width, found.header.height
        if max(width, height) > _LONG * min(width, height):
            yield found, f"{width}x{height} is very long"
        elif not area / 16 <= width * height <= area * 16:
            yield found, f"{width}x{height} is far from the usual size"
        elif found.flat:
            yield found, "shows nothing (one colour)"


# -- what it means ----------------------------------------------------------------------------------
def _unread(paths: Sequence[Path]) -> Iterator[str]:
    for kind in UNREAD:
        count = sum(unread_by_name(path) is kind for path in paths)
        if count:
            yield remark("left out", f"{counted(count, 'file is', 'files are')} left out: {kind.reason}.")


def _warnings(
    files: Sequence[Path], findings: Sequence[PictureFacts], broken: int, facts: dict[str, Any], settings: ImageSettings
) -> Iterator[str]:
    headers, seen = [found.header for found in findings], len(findings)
    crop = min(settings.crop)
    yield from tell_broken(broken)
    if not files:
        yield remark("nothing usable", "There is no usable picture here.")
        return
    if len(files) < _FEW:
        few = counted(len(files), "picture is", "pictures are")
        yield remark("few files", f"{few} few: the model may memorise them; a few hundred are better.")
    small = sum(min(header.width, header.height) < crop for header in headers)
    if small:
        yield remark(
            "small files",
            f"{small} of {seen} pictures are smaller than the crop of {crop} pixels; they are enlarged and soft.",
        )
    long = sum(max(header.width, header.height) > _LONG * min(header.width, header.height) for header in headers)
    if long:
        what = "are squeezed into the crop" if settings.fit == "stretch" else "show only a part in each crop"
        yield remark(
            "long shapes", f"{long} of {seen} pictures are more than {_LONG:g} times as long as wide and {what}."
        )
    yield from _mode_warnings(headers, settings)
    yield from tell_copies(findings, "picture", "pictures")
    near = facts.get("near-duplicates", {}).get("pairs", 0)
    if near:
        alike = counted(near, "pair looks", "pairs look")
        yield remark("copies", f"{alike} almost alike: there is less variety than the number of pictures says.")
    flat = sum(found.flat for found in findings)
    if flat:
        them, teach = ("it", "it teaches") if flat == 1 else ("them", "they teach")
        shown = counted(flat, "picture shows", "pictures show")
        yield remark("flat files", f"{shown} one colour only: remove {them}, {teach} the discriminator a short cut.")


def _mode_warnings(headers: Sequence[Header], settings: ImageSettings) -> Iterator[str]:
    seen = len(headers)
    grey = sum(is_grey(header) for header in headers)
    if settings.mode == "rgb" and 0 < grey < seen:
        yield remark(
            "mixed colour",
            f"{grey} of {seen} pictures are grey among coloured ones: translations may lose colour now and then.",
        )
    clear = sum(header.mode in ("RGBA", "LA", "PA") for header in headers)
    if settings.mode in ("rgb", "grey") and clear:
        yield remark(
            "transparency",
            f"{clear} of {seen} pictures have transparency, which training ignores (mode rgba translates it).",
        )
    pages = sum(header.pages > 1 for header in headers)
    if pages:
        yield remark(
            "several pages",
            f"{pages} of {seen} files are animated or have several pages; the first picture of each is used.",
        )


def is_grey(header: Header) -> bool:
    """Whether a picture has no colour by its mode."""
    return header.mode in ("1", "L", "LA", "La", "I", "F", "1 channels") or header.mode.startswith("I;16")
