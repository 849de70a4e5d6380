"""Texts as a medium (docs/examples/unpaired-text): lines, vocabulary, BLEU and the oracle."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import unpaired


@pytest.fixture(autouse=True)
def _package(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(repository / "docs" / "examples" / "unpaired-text" / "src"))


# -- figures ----------------------------------------------------------------------------------------
def words(*texts: str) -> list[list[str]]:
    return [text.split() for text in texts]


def test_bleu_by_hand() -> None:
    from unpaired_text.metrics import bleu, self_bleu

    references = words("the cat sat on the mat", "a dog ran")
    # "the the the cat": "the" counts twice at most; of 3 pairs "the cat" matches; the closest reference has 3 words.
    assert bleu(words("the the the cat"), references, 1) == pytest.approx(3 / 4)
    assert bleu(words("the the the cat"), references, 2) == pytest.approx(math.sqrt(3 / 4 * 1 / 3))
    assert bleu(words("a dog"), references, 2) == pytest.approx(math.exp(1 - 3 / 2))
    # No three words match: 0.1 of 2.
    assert bleu(words("the cat a dog"), references, 3) == pytest.approx((1 * 2 / 3 * 0.1 / 2) ** (1 / 3))
    assert bleu(words("x y"), references, 2) == 0.0
    texts = words("a b c", "a b d", "e f g")
    # Pairs: "a b" of two; of the first two texts 2 of 3 words and 1 of 2 pairs are in another text, of the third none.
    assert self_bleu(texts, 2) == pytest.approx(2 * math.sqrt(2 / 3 * 1 / 2) / 3)
    assert self_bleu(words("a b", "a b"), 2) == 1.0


def test_the_oracle_is_the_lstm_of_its_arrays(tmp_path: Path) -> None:
    """One step by hand, with the gates in the order of their names."""
    from unpaired_text.oracle import load_oracle, nll

    rng = np.random.default_rng(0)
    shapes = {"embeddings": (4, 3), "Wo": (2, 4), "bo": (4,)}
    for gate in ("i", "f", "og", "c"):
        shapes |= {f"W{gate}": (3, 2), f"U{gate}": (2, 2), f"b{gate}": (2,)}
    held: dict[str, Any] = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    np.savez(tmp_path / "oracle.npz", **held)
    oracle = load_oracle(tmp_path / "oracle.npz", 2)
    at = SimpleNamespace(**held)
    tokens, h, c, total = [2, 1], np.zeros(2), np.zeros(2), 0.0
    for before, token in zip([0, 2], tokens, strict=True):
        x = at.embeddings[before]
        i, f, o = (1 / (1 + np.exp(-(x @ held[f"W{g}"] + h @ held[f"U{g}"] + held[f"b{g}"]))) for g in ("i", "f", "og"))
        c = f * c + i * np.tanh(x @ at.Wc + h @ at.Uc + at.bc)
        h = o * np.tanh(c)
        logits = h @ at.Wo + at.bo
        total -= logits[token] - np.log(np.exp(logits).sum())
    assert nll(oracle, torch.tensor([tokens])) == pytest.approx(total / 2, rel=1e-5)


# -- files ------------------------------------------------------------------------------------------
def text_domain(**settings: Any) -> Any:
    from unpaired_text.domain import Text

    return Text(**settings)


def test_lines_that_are_no_texts_are_counted_and_files_that_hold_none_are_named(tmp_path: Path) -> None:
    (tmp_path / "good.txt").write_text("\ufeffein Hund läuft\n\n  \nein Hund und noch ein Hund\nein Ball\r\n", "utf-8")
    (tmp_path / "latin.txt").write_bytes("ein Hund\nläuft\n".encode("latin-1"))
    (tmp_path / "blank.txt").write_text("\n\n \n")
    found = text_domain(length=4, vocabulary=4).scan(tmp_path)
    assert ([each.name for each in found.files], found.draws) == (["good.txt"], (2,))
    reasons = {each.path.name: each.reason for each in found.broken}
    assert reasons["latin.txt"].startswith("is no text in UTF-8: byte 0xe4 in line 2")
    assert reasons["blank.txt"] == "it has no line of 1 to 4 words"
    counted = {name: found.facts[name] for name in ("texts", "empty lines", "lines too long", "different words")}
    assert counted == {"texts": 2, "empty lines": 2, "lines too long": 1, "different words": 4}
    assert found.warnings == (
        "1 line has more than 4 words, left out; raise domain.length to include them",
        "there are 4 different words; all but the 2 most frequent are read as <unk>",
    )
    domain = text_domain(length=4, vocabulary=4).fit(found, found)
    assert domain.settings.words == ("<end>", "<unk>", "ein", "Ball")
    assert domain.fit(found, found) is domain
    samples = domain.encode(["ein Ball", "ein Hund ein Ball", "ein ein ein ein ein"])
    assert domain.decode(samples) == ["ein Ball", "ein <unk> ein Ball", "ein ein ein ein"]
    drawn = {domain.decode(domain.sample(found.files[0], "b", np.random.default_rng(k))[None])[0] for k in range(20)}
    assert drawn == {"ein <unk> <unk>", "ein Ball"}
    assert domain.preview(samples[0]).shape[0] == 3


def test_wrong_settings_and_objectives_of_texts_are_named() -> None:
    with pytest.raises(unpaired.ConfigError, match=r"domain\.length is 0.*domain\.vocabulary is 2"):
        text_domain(length=0, vocabulary=2)
    with pytest.raises(unpaired.ConfigError, match="texts are not trained by cycle: give --objective seqgan"):
        text_domain().objective_type("cycle")
    with pytest.raises(unpaired.MissingFile, match="there is no file"):
        text_domain().describe(Path("nowhere.txt"))
