"""Scoring a model from file to file: what is compared with what, the listening page, and bad folders."""

from __future__ import annotations

import math
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from unpaired import Translator
from unpaired.core.errors import ConfigError, MediaError, MissingFile
from unpaired.core.model.model_file import Model
from unpaired.domains.audio.evaluation.analysis import analyse_file
from unpaired.domains.audio.evaluation.listening_page import write_page
from unpaired.domains.audio.evaluation.results import DirectionScores, Example, VoiceEvaluation
from unpaired.domains.audio.evaluation.scores import Estimate
from unpaired.domains.audio.evaluation.voices import evaluate_voices, voicing_change


@pytest.fixture
def translator(untrained_voice: Model) -> Translator:
    return Translator(untrained_voice, "torch", "cpu")


@pytest.fixture
def folders(assets: Path, tmp_path: Path) -> tuple[Path, Path]:
    """One woman's sentence, and two recordings by men that have its name."""
    speech = assets / "speech"
    places = {"a/x": "female-1", "b/x": "male-1", "b/y": "male-2"}
    for place, name in places.items():
        (tmp_path / place).mkdir(parents=True)
        shutil.copy(speech / f"{name}.flac", tmp_path / place / "one.flac")
    return tmp_path / "a", tmp_path / "b"


@pytest.fixture
def evaluated(translator: Translator, folders: tuple[Path, Path], tmp_path: Path) -> VoiceEvaluation:
    """One direction without any translation: strength 0, pitch kept."""
    options = {"strength": 0.0, "pitch": "keep"}
    page = tmp_path / "listen.html"
    return evaluate_voices(translator, *folders, paired=True, directions=["a2b"], page=page, options=options, judges={})


def test_an_input_that_is_left_as_it_is_scores_as_the_input(evaluated: VoiceEvaluation, tmp_path: Path) -> None:
    found = evaluated.scores["a2b"]
    assert (found.files, found.pairs) == (1, 2)
    ours, source, true = (found.rows[name] for name in ("converted", "input", "target"))
    assert ours["mcd"].mean == pytest.approx(source["mcd"].mean, abs=0.3)
    assert ours["hnr"].mean == pytest.approx(source["hnr"].mean, abs=0.5)
    assert ours["vuv_change"].mean < 0.03
    assert abs(ours["f0_offset"].mean - source["f0_offset"].mean) < 20
    assert source["similarity"].mean == pytest.approx(-1.0)  # the only one of its side is its mean
    assert true["mcd"].count == 2  # each of the two against the other
    assert true["similarity"].mean > 0.3
    text = evaluated.text()
    assert "verdict: not comparable: one recording alone: MCD (dB) " in text
    assert "a2b, 1 files, 2 pairs" in text
    assert "mel-cepstrum 1 to" in text
    assert evaluated.as_dict()["scores"]["a2b"]["real_time_factor"] is None  # one file alone is the warm-up
    _check_page((tmp_path / "listen.html").read_text())


def _check_page(page: str) -> None:
    assert len(re.findall(r'<audio [^>]*src="data:audio/flac;base64,', page)) == 3
    assert len(re.findall(r'<img [^>]*src="data:image/jpeg;base64,', page)) == 3
    assert "True target" in page
    assert "high to low" in page
    assert not re.search(r'(src|href)="(?!data:)', page)


def test_without_pairs_only_what_needs_none_is_scored(translator: Translator, folders: tuple[Path, Path]) -> None:
    found = evaluate_voices(translator, *folders, limit=1, options={"pitch": "keep"}, judges={})
    assert list(found.scores) == ["a2b", "b2a"]
    assert found.scores["b2a"].files == 1
    for each in found.scores.values():
        assert each.pairs == 0
        assert set(each.rows["converted"]) == {"vuv_change", "f0_offset", "hnr", "similarity"}


def test_names_that_do_not_meet_are_an_error(translator: Translator, folders: tuple[Path, Path]) -> None:
    a, b = folders
    (a / "x" / "one.flac").rename(a / "x" / "two.flac")
    with pytest.raises(ConfigError, match=r"two\.flac and one\.flac"):
        evaluate_voices(translator, a, b, paired=True, judges={})


def test_bad_folders_are_an_error(translator: Translator, folders: tuple[Path, Path], tmp_path: Path) -> None:
    a, _ = folders
    with pytest.raises(MissingFile, match="no folder at"):
        evaluate_voices(translator, a, tmp_path / "nowhere", judges={})
    (tmp_path / "empty").mkdir()
    with pytest.raises(MediaError, match="no recording that can be read"):
        evaluate_voices(translator, a, tmp_path / "empty", judges={})


def test_a_direction_that_is_not_there_is_an_error(untrained_voice: Model, folders: tuple[Path, Path]) -> None:
    one_way = replace(untrained_voice, generators={"a2b": untrained_voice.generators["a2b"]})
    with pytest.raises(ConfigError, match="no direction 'b2a'; it has a2b"):
        evaluate_voices(Translator(one_way, "torch", "cpu"), *folders, directions=["b2a"], judges={})


def test_recordings_that_cannot_be_scored_are_left_out_and_named(
    translator: Translator, folders: tuple[Path, Path]
) -> None:
    import numpy as np
    import soundfile

    a, b = folders
    soundfile.write(b / "x" / "short.wav", np.full(800, 0.1), 16000)
    found = evaluate_voices(translator, a, b, directions=["a2b"], options={"strength": 0.0, "pitch": "keep"}, judges={})
    assert found.rate == 16000
    assert [each.path.name for each in found.left_out] == ["short.wav"]
    assert "lasts 0.05 s" in found.text()
    assert found.text().count("short.wav") == 1
    soundfile.write(b / "x" / "phone.wav", np.full(8000, 0.1), 8000)
    with pytest.raises(MediaError, match=r"phone\.wav has 8000 Hz"):
        evaluate_voices(translator, a, b, judges={})


def test_voicing_change_by_hand(assets: Path) -> None:
    from dataclasses import replace

    voice = analyse_file(assets / "speech" / "female-1.flac", 16000)
    silent = replace(voice, f0=voice.f0 * 0)
    share = (voice.f0[voice.speech] > 0).mean()
    assert voicing_change(voice, voice) == {"vuv_change": 0.0}
    assert voicing_change(silent, voice) == {"vuv_change": pytest.approx(share)}


def test_the_page_escapes_names_and_does_without_a_target(
    assets: Path, tmp_path: Path, evaluated: VoiceEvaluation
) -> None:
    source = tmp_path / "a<b>.flac"
    shutil.copy(assets / "speech" / "female-1.flac", source)
    example = Example(source, source, None, math.nan)
    write_page(tmp_path / "page.html", evaluated, {"a2b": [example]}, ("<x>", "y"))
    page = (tmp_path / "page.html").read_text()
    assert "a&lt;b&gt;.flac" in page
    assert "&lt;x&gt; to y" in page
    assert "True target" not in page
    assert page.count("<audio") == 2


def test_figures_that_are_not_defined_are_dashes() -> None:
    assert str(Estimate.of([math.nan])) == "-"


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ({"mcd": (9.7, 0.2)}, {"mcd": (9.3, 0.2)}, "translation gained: MCD (dB) 9.30±0.20, of the untouched"),
        ({"mcd": (9.7, 0.5)}, {"mcd": (9.3, 0.2)}, "gained nothing: MCD"),
        ({"mcd": (9.7, 0.1)}, {"mcd": (9.9, 0.1)}, "worse than the input: MCD"),
        ({"similarity": (-0.5, 0.1)}, {"similarity": (0.4, 0.1)}, "translation gained: similarity"),
        ({"hnr": (9.0, 0.1)}, {"hnr": (8.0, 0.1)}, "not comparable: "),
    ],
)
def test_a_verdict_goes_by_intervals(before: dict[str, Any], after: dict[str, Any], verdict: str) -> None:
    rows = {row: {name: Estimate(*figures, 10) for name, figures in each.items()}
            for row, each in (("input", before), ("converted", after))}  # fmt: skip
    scores = DirectionScores(rows, 10, 10, 100.0, 0.1)
    assert scores.verdict().startswith(verdict)
    evaluation = VoiceEvaluation(22050, "definition", {"a2b": scores}, ())
    assert f"verdict: {scores.verdict()}" in evaluation.text()
    assert evaluation.as_dict()["verdict"] == {"a2b": scores.verdict()}
