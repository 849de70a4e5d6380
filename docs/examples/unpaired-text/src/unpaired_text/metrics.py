"""BLEU and Self-BLEU as Texygen computes them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

Words = Sequence[str]


class _Most(NamedTuple):
    """How often an n-gram occurs in the text that has it most, which one that is, and in the next one."""

    count: int
    owner: int
    next: int


def bleu(texts: Sequence[Words], references: Sequence[Words], order: int) -> float:
    """The mean BLEU of texts, each against all references: n-grams up to `order`, equally weighted, where an order
    without a match counts 0.1 matches (NLTK's smoothing method 1)."""
    tables = [_most(references, size) for size in range(1, order + 1)]
    lengths = Counter(map(len, references))
    return sum(_sentence(text, tables, lengths, -1) for text in texts) / len(texts)


def self_bleu(texts: Sequence[Words], order: int) -> float:
    """The mean BLEU of texts, each against all others: 1 where all are alike. Lower is more diverse."""
    tables = [_most(texts, size) for size in range(1, order + 1)]
    lengths = Counter(map(len, texts))
    return sum(_sentence(text, tables, lengths, place) for place, text in enumerate(texts)) / len(texts)


def _grams(text: Words, size: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(text[place : place + size]) for place in range(len(text) - size + 1))


def _most(texts: Sequence[Words], size: int) -> dict[tuple[str, ...], _Most]:
    found: dict[tuple[str, ...], _Most] = {}
    for place, text in enumerate(texts):
        for gram, count in _grams(text, size).items():
            most = found.get(gram, _Most(0, -1, 0))
            if count > most.count:
                found[gram] = _Most(count, place, most.count)
            elif count > most.next:
                found[gram] = most._replace(next=count)
    return found


def _sentence(text: Words, tables: Sequence[dict[tuple[str, ...], _Most]], lengths: Counter[int], own: int) -> float:
    """BLEU of one text, which is number `own` of those in the tables (-1: none)."""
    if not text:
        return 0.0
    logs = []
    for size, table in enumerate(tables, 1):
        matched = 0
        for gram, count in _grams(text, size).items():
            most = table.get(gram, _Most(0, -1, 0))
            matched += min(count, most.next if most.owner == own else most.count)
        if size == 1 and not matched:
            return 0.0
        logs.append(math.log((matched or 0.1) / max(1, len(text) - size + 1)))
    others = [length for length, count in lengths.items() if own < 0 or count > (length == len(text))]
    closest = min(others, key=lambda length: (abs(length - len(text)), length), default=len(text))
    penalty = 1.0 if len(text) > closest else math.exp(1.0 - closest / len(text))
    return penalty * math.exp(sum(logs) / len(logs))
