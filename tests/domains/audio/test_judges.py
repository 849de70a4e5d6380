"""Judges with weights of their own: what they say is what their packages say, and what is missing is named."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from unpaired import Audio, MissingDependency, Translator
from unpaired.core.model.model_file import Model
from unpaired.core.training import preflight
from unpaired.domains.audio.evaluation.held_out import HeldOutJudge, composed
from unpaired.domains.audio.evaluation.judged import JudgedDirection
from unpaired.domains.audio.evaluation.results import BY_JUDGES
from unpaired.domains.audio.evaluation.scores import Estimate, way_covered
from unpaired.domains.audio.evaluation.voices import evaluate_voices
from unpaired.domains.audio.judges import panel, quality, weights
from unpaired.domains.audio.judges.panel import Judgement, Panel, in_words, installed
from unpaired.domains.audio.judges.quality import QualityJudge
from unpaired.domains.audio.judges.speaker import SpeakerEncoder
from unpaired.domains.audio.judges.weights import RATE
from unpaired.domains.audio.judges.words import FITTING, Understood, WordJudge, agreement
from unpaired.domains.audio.reading.mono import read_mono
from unpaired.domains.audio.settings import AudioSettings
from unpaired.domains.audio.signal.sound import Sound

SPEECH = Path(__file__).parents[2] / "assets" / "speech"
TOGETHER = "female-1", "female-2", "male-1"
"""The first and the last say: they are all strangely shaped."""


@pytest.fixture(scope="module")
def sounds() -> dict[str, Sound]:
    return {name: read_mono(SPEECH / f"{name}.flac", RATE) for name in TOGETHER}


@pytest.fixture(scope="module")
def judged(sounds: dict[str, Sound]) -> dict[str, Judgement]:
    judges, speakers = Panel(installed()), Panel({panel.SPEAKER: True})
    return {name: (speakers if name == "female-2" else judges).judge(sound) for name, sound in sounds.items()}


def test_voices_are_as_alike_as_resemblyzer_says(judged: dict[str, Judgement]) -> None:
    """Its own figures, of resemblyzer 0.1.4 with webrtcvad-wheels 2.0.14."""
    woman, again, man = (np.asarray(judged[name].speaker) for name in TOGETHER)
    assert np.linalg.norm(woman) == pytest.approx(1)
    assert woman @ again == pytest.approx(0.82614, abs=1e-4)
    assert woman @ man == pytest.approx(0.61971, abs=1e-4)


def test_a_recording_rates_as_dnsmos_says(judged: dict[str, Judgement]) -> None:
    """Its own figures, of speechmos 0.0.1.1, which looks at every second of what is repeated."""
    expected = {"female-1": (3.428, 3.994, 3.119), "male-1": (3.542, 4.065, 3.264)}
    for name, ratings in expected.items():  # of which three are looked at
        assert judged[name].quality == pytest.approx(ratings, abs=0.02)


def test_words_are_understood(judged: dict[str, Judgement]) -> None:
    woman, man = judged["female-1"].words, judged["male-1"].words
    assert woman is not None
    assert man is not None
    assert woman.words[-2:] == man.words[-2:] == ("strangely", "shaped")
    assert woman.fit > FITTING


def test_silence_and_a_moment_are_judged_too() -> None:
    for sound in (np.zeros(RATE, np.float32), np.zeros(160, np.float32)):
        voice = SpeakerEncoder().embedding(sound)
        assert np.isfinite(voice).all()
        assert WordJudge().understand(sound).words == ()
    assert all(1 < rating < 5 for rating in QualityJudge().rate(np.zeros(160, np.float32)))


def test_agreement_by_hand() -> None:
    assert agreement(["all", "are", "strangely", "shaped"], ["all", "were", "strangely", "shaped"]) == 0.75
    assert agreement(["a", "b", "c"], ["a", "c"]) == pytest.approx(2 / 3)
    assert agreement(["a", "b"], ["b", "a", "c", "d"]) == 0.25
    assert agreement([], ["a"]) == 0.0
    assert math.isnan(agreement([], []))


def test_the_way_that_is_covered_by_hand() -> None:
    half = way_covered([0.7, 0.7], [0.6, 0.6], [0.8, 0.8, 0.8])
    assert half.mean == pytest.approx(50)
    assert half.half == pytest.approx(0)
    assert way_covered([0.7, 0.9], [0.5, 0.7], [1.0, 1.0]).mean == pytest.approx(50)
    assert way_covered([], [], []).count == way_covered([1.0], [1.0], [1.0]).count == 0


def test_bootstrapped_intervals_are_those_of_the_normal_distribution_where_that_holds() -> None:
    values = np.random.default_rng(1).standard_normal(400).tolist()
    found = Estimate.bootstrapped(values)
    assert found.mean == pytest.approx(np.mean(values))
    assert found.half == pytest.approx(1.96 * np.std(values) / 20, rel=0.08)
    assert Estimate.bootstrapped(values) == found
    assert math.isnan(Estimate.bootstrapped([1.0, math.nan]).half)


def test_words_of_another_language_are_left_out_and_said() -> None:
    source = Path("a.wav")
    for fit, expected in ((FITTING + 1e-4, {"words": 0.5}), (FITTING - 1e-4, {})):
        heard = Judgement(words=Understood(("one", "two"), fit))
        direction = JudgedDirection({source: heard}, {Path("b.wav"): heard})
        assert direction.figures(Judgement(words=Understood(("one",), fit)), heard) == expected
        assert bool(direction.notes) == (not expected)
    assert "PocketSphinx knows US English" in direction.notes[0]


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for place, name in {"a/one": "female-1", "a/two": "female-2", "b/one": "male-1", "b/two": "male-2"}.items():
        (tmp_path / place).parent.mkdir(exist_ok=True)
        shutil.copy(SPEECH / f"{name}.flac", tmp_path / f"{place}.flac")
    return tmp_path / "a", tmp_path / "b"


def test_an_evaluation_has_their_figures_and_the_page_what_they_understood(
    monkeypatch: pytest.MonkeyPatch, untrained_voice: Model, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    """Without any translation: the conversion is the input, to the last figure."""
    monkeypatch.setattr(quality, "_MOST", 1)
    found = evaluate_voices(
        Translator(untrained_voice, "torch", "cpu"), *folders, paired=True, directions=["a2b"],
        page=tmp_path / "page.html", options={"strength": 0.0},
    )  # fmt: skip
    before, after, true = (found.scores["a2b"].rows[row] for row in ("input", "converted", "target"))
    assert set(BY_JUDGES) <= after.keys()
    assert after["words"].mean == 1.0
    assert 0 < true["words"].mean < 1  # two recordings of one sentence, each: the ceiling
    assert "words" not in before
    assert after["speaker"].mean == pytest.approx(before["speaker"].mean, abs=1e-3)
    assert after["speaker_way"].mean == pytest.approx(0, abs=1)
    assert before["speaker"].mean < true["speaker"].mean
    assert after["dnsmos"].mean == pytest.approx(before["dnsmos"].mean, abs=0.02)
    assert "judge: PocketSphinx" in found.text()
    assert "way to target (%)" in found.text()
    assert found.as_dict()["judges"] == dict.fromkeys(panel.JUDGES, True)
    page = (tmp_path / "page.html").read_text()
    assert page.count("understood: ") == 4
    assert "strangely shaped" in page


def test_without_their_packages_the_rest_goes_on_and_they_are_named(
    monkeypatch: pytest.MonkeyPatch, untrained_voice: Model, folders: tuple[Path, Path]
) -> None:
    for module in (panel, weights):
        monkeypatch.setattr(module, "find_spec", lambda name: None)
    translator = Translator(untrained_voice, "torch", "cpu")
    found = evaluate_voices(translator, *folders, directions=["a2b"], options={"strength": 0.0})
    assert not set(BY_JUDGES) & found.scores["a2b"].rows["converted"].keys()
    extra = "pip install 'unpaired[judges]'"
    lines = found.text().splitlines()
    assert f"judge: none; for DNSMOS: {extra}" in lines
    assert f"judge: none; for Resemblyzer: {extra} and pip install --no-deps resemblyzer==0.1.4" in lines
    assert found.notes == ()
    for judge in (SpeakerEncoder, QualityJudge):
        with pytest.raises(MissingDependency, match="is needed here and is not installed"):
            judge()


def test_music_has_none() -> None:
    assert Audio(content="music").judges() == {}
    assert in_words({}) == []
    assert Panel({}).judge_file(Path("nowhere.wav")).speaker is None  # which is not even opened


class Loud(nn.Module):
    """A network with weights that would be trained: what it gives is brighter by them."""

    def __init__(self) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.linspace(0, 0, 80)[None, :, None])

    def forward(self, x: Tensor) -> Tensor:
        assert x.shape[-1] % 4 == 0
        return x + self.slope


def test_held_out_files_are_judged_as_conversions_would_be(sounds: dict[str, Sound]) -> None:
    """One that changes nothing has the whole way before it, and has lost no quality."""
    files = {"a": [SPEECH / "female-1.flac"] * 2, "b": [SPEECH / "male-1.flac"]}  # a long one comes more than once
    network = Loud()
    judge = HeldOutJudge(AudioSettings())
    found = judge.scores(network, files, "a")  # type: ignore[arg-type]
    assert found["speaker"] == pytest.approx(found["untranslated_speaker"], abs=1e-3) == pytest.approx(0.62, abs=0.01)
    assert found["dnsmos"] == pytest.approx(found["untranslated_dnsmos"], abs=0.02)
    assert found["judged"] == pytest.approx(1, abs=0.02)
    with torch.no_grad():
        network.slope += torch.linspace(0.4, -0.4, 80)[None, :, None]
    assert judge.scores(network, files, "a")["judged"] > found["judged"]  # type: ignore[arg-type]


def test_what_is_left_of_the_way_and_what_was_lost_make_one_figure() -> None:
    before, real = {"speaker": 0.6, "dnsmos": 3.3}, {"speaker": 0.8, "dnsmos": 2.0}
    assert composed({"speaker": 0.75, "dnsmos": 3.2}, before, real) == pytest.approx(0.25 + 0.1)
    assert composed({"speaker": 0.9, "dnsmos": 3.5}, before, real) == 0
    assert composed({"speaker": 0.6, "dnsmos": 3.3}, before, {"speaker": 0.6}) == 0  # one voice on both sides


def test_a_run_that_is_to_go_by_judges_needs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert preflight._without_judges(Audio()) == []
    monkeypatch.setattr(panel, "find_spec", lambda name: None)
    (fault,) = preflight._without_judges(Audio())
    assert "Resemblyzer and DNSMOS are not installed" in fault
    (fault,) = preflight._without_judges(Audio(content="music"))
    assert "nothing judges held-out files of the domain 'audio'" in fault
    assert Audio().judged_scores(lambda x: x, {"a": [], "b": []}, "a") == {}
