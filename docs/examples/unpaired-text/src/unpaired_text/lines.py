"""Files of texts: a text a line, its tokens separated by spaces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from unpaired import MediaError, MissingFile

END, UNKNOWN = "<end>", "<unk>"
SPECIAL = (END, UNKNOWN)
"""Tokens 0 and 1: what follows the last word of a text, and any word that the vocabulary lacks."""


@dataclass(frozen=True)
class Lines:
    """The texts of a file as words, and what was left out of it."""

    texts: tuple[tuple[str, ...], ...]
    empty: int
    too_long: int
    """Lines of more words than a text may have. They are left out: cut ones would teach to end anywhere."""


def read_lines(path: Path, length: int) -> Lines:
    """The texts of a file, of up to `length` words. Raises MissingFile, or MediaError for what is no text in UTF-8."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise MissingFile(f"there is no file {path}") from None
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise MediaError(
            f"{path} is no text in UTF-8: byte 0x{content[error.start]:02x} in line {line}; convert it, for example "
            "with iconv -f LATIN1 -t UTF-8"
        ) from None
    texts = [tuple(line.split()) for line in lines]
    held = tuple(text for text in texts if 0 < len(text) <= length)
    return Lines(held, sum(not text for text in texts), sum(len(text) > length for text in texts))


def most_frequent(texts: Iterable[Sequence[str]], count: int) -> tuple[str, ...]:
    """The special tokens and the most frequent words, `count` in all; equally frequent ones in alphabetical order."""
    found = Counter(word for text in texts for word in text if word not in SPECIAL)
    ordered = sorted(found.items(), key=lambda each: (-each[1], each[0]))
    return (*SPECIAL, *(word for word, _ in ordered[: count - len(SPECIAL)]))


def as_text(words: Iterable[str]) -> str:
    """Words up to the end of a text, as a line."""
    held = []
    for word in words:
        if word == END:
            break
        held.append(word)
    return " ".join(held)
