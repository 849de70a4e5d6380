"""Letters for labels in pictures: drawing text otherwise takes a media library."""

from __future__ import annotations

import unicodedata

import torch
from torch import Tensor

GLYPHS = {
    "A": "010101111101101", "B": "110101110101110", "C": "011100100100011", "D": "110101101101110",
    "E": "111100110100111", "F": "111100110100100", "G": "011100101101011", "H": "101101111101101",
    "I": "111010010010111", "J": "001001001101010", "K": "101101110101101", "L": "100100100100111",
    "M": "101111111101101", "N": "101111111111101", "O": "010101101101010", "P": "110101110100100",
    "Q": "010101101110011", "R": "110101110101101", "S": "011100010001110", "T": "111010010010010",
    "U": "101101101101111", "V": "101101101101010", "W": "101101111111101", "X": "101101010101101",
    "Y": "101101010010010", "Z": "111001010100111", "0": "111101101101111", "1": "010110010010111",
    "2": "110001010100111", "3": "110001010001110", "4": "101101111001001", "5": "111100110001110",
    "6": "011100111101111", "7": "111001010010010", "8": "111101111101111", "9": "111101111001110",
    " ": "000000000000000", ".": "000000000000010", ",": "000000000010100", "-": "000000111000000",
    "_": "000000000000111", "/": "001001010100100", "@": "111101111100111", ":": "000010000010000",
    "=": "000111000111000", "%": "101001010100101", "(": "001010010010001", ")": "100010010010100",
    "+": "000010111010000", "'": "010010000000000", "?": "110001010000010",
}  # fmt: skip
"""Capital letters, digits and signs, 3 wide and 5 high; small letters are shown as capitals, and without accents."""
HEIGHT = 5
"""Of a letter."""


def lettering(text: str, times: int = 1) -> Tensor:
    """A line of text as (5 times, 4 times letters), uint8: 1 where there is ink. What has no letter is shown as ?."""
    letters = [GLYPHS.get(letter, GLYPHS["?"]) for letter in _plain(text)] or [GLYPHS[" "]]
    bits = [[int(bit) for letter in letters for bit in letter[3 * y : 3 * y + 3] + "0"] for y in range(HEIGHT)]
    return torch.tensor(bits, dtype=torch.uint8).repeat_interleave(times, 0).repeat_interleave(times, 1)


def is_legible(text: str) -> bool:
    """Whether there is a letter for all of it."""
    return set(_plain(text)) <= set(GLYPHS)


def _plain(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text.upper())
    return "".join(letter for letter in parts if not unicodedata.combining(letter))


def fitting(text: str, letters: int) -> str:
    """The text in so many letters at most, its middle left out where it is longer."""
    if len(text) <= letters:
        return text
    kept = max(2, letters - 2)
    return f"{text[: kept // 2]}..{text[len(text) - (kept - kept // 2) :]}"


def wrapped(text: str, letters: int) -> list[str]:
    """The text in lines of so many letters at most, broken after commas; a part that is longer loses its middle."""
    lines: list[str] = []
    for part in filter(None, text.split(", ")):
        longer = f"{lines[-1]}, {part}" if lines else part
        if lines and len(longer) <= letters:
            lines[-1] = longer
        else:
            lines.append(fitting(part, letters))
    return lines
