"""A fourth medium is served by `inspect`, `convert` and `evaluate` like the three that come with unpaired."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from contract.conftest import Install

import unpaired
from unpaired.apps.main import main

PULSE = """
from dataclasses import asdict, dataclass

from contract.explicit_domain import Ecg

@dataclass(frozen=True)
class Told:
    seconds: float
    warnings: tuple = ()

    def text(self):
        return f"{self.seconds:g} s of pulse"

    def as_dict(self):
        return asdict(self)

class Pulse(Ecg):
    name = "pulse"
    medium = "pulses"
    unit = "parts"
    live = True
    scores_files = True

    def describe(self, file):
        return {"beats": 72}

    def convert_live(self, source, target, translate, side, options, *, rate=None, channels=1, progress=None):
        progress(Told(6.0, ("the hand is cold",)))
        return Told(7.0, ("the hand is cold", f"{source} to {target} at {rate:g}"))

    def check_comparison(self, output, inputs, layout):
        assert output.suffix == ".txt"

    def compare_files(self, comparison, output):
        with comparison.results() as rows:
            made = [[file.read_text().count("\\n") for file in row] for row in rows]
        output.write_text(f"{[model.label for model in comparison.models]} {made}")
        return ("both hearts beat",)

    def evaluate_files(self, translator, a, b, *, paired, directions, limit, seed, page, progress):
        progress(1, 1)
        return Told(len(list(a.iterdir())))
"""
"""What its own package says of a medium for the commands."""


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """The command line, in this process: what it prints."""

    def run(*words: str | Path, code: int = 0) -> str:
        capsys.readouterr()
        assert main([str(word) for word in words]) == code
        told = capsys.readouterr()
        return told.err if code else told.out

    return run


def trained(medium: str, recordings: Path) -> Path:
    """A run of a moment."""
    run, small = recordings / "run", unpaired.NetworkSettings(filters=2, blocks=1, discriminator_filters=2)
    options = {"preset": "tiny", "networks": small, "steps": 1, "workers": 0, "device": "cpu"}
    from unpaired.core.adapter import find_domain

    unpaired.train(find_domain(medium)(length=64), recordings / "a", recordings / "b", run, **options)
    return run


@pytest.fixture
def _forgotten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for module in ("pulses", "plains"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    yield
    for module in ("pulses", "plains"):
        sys.modules.pop(module, None)


@pytest.mark.usefixtures("_forgotten")
def test_a_medium_that_says_nothing_of_itself(install: Install, recordings: Path, call: Callable[..., str]) -> None:
    """The defaults serve it."""
    code = "from contract.explicit_domain import Ecg\nclass Plain(Ecg):\n    name = 'plain'\n"
    install("plain-package", "plain", "plains:Plain", code)
    assert json.loads(call("inspect", recordings / "a" / "0.txt", "--json"))["facts"] == {
        "parts": 10,
        "channels": 1,
        "size": [512],
    }
    assert "3 usable, 0 broken" in call("inspect", recordings / "a")
    run = trained("plain", recordings)
    assert call("convert", run, recordings / "a", recordings / "out") == "3 converted, 0 skipped, 0 refused\n"
    assert "cycle" in call("evaluate", run, "--a", recordings / "a", "--b", recordings / "b")
    assert "sheet.png: 3 inputs" in call("compare", run, f"{run}@latest", recordings / "a", recordings / "sheet.png")
    assert (recordings / "sheet.png").read_bytes()[1:4] == b"PNG"
    assert "a sheet of results is a picture" in call("compare", run, recordings / "a", recordings / "x.txt", code=2)
    for words, said in {
        ("-", "-"): "files of the domain plain cannot go through a pipe; name files",
        ("-", "-", "--live"): "--live is for cameras, streams and voices, not for files of the domain plain",
        ("x.txt", "y.txt", "--domain", "image"): "the model is of the domain plain, not image",
    }.items():
        assert said in call("convert", run, *words, code=2)
    sides = ("--a", recordings / "a", "--b", recordings / "b")
    assert "--page is for models that are scored by their files" in call("evaluate", run, *sides, "--page", "x", code=2)


@pytest.mark.usefixtures("_forgotten")
def test_a_medium_with_an_answer_to_each_command(
    install: Install, recordings: Path, call: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    install("pulse-package", "pulse", "pulses:Pulse", PULSE)
    assert "beats: 72" in call("inspect", recordings / "a" / "0.txt")
    run = trained("pulse", recordings)
    figures = json.loads(call("convert", run, recordings / "a", recordings / "out", "--json"))
    assert figures["parts"] == 30
    assert figures["parts_per_second"] > 0
    assert "add --live to translate it as it comes" in call("convert", run, "-", "-", code=2)
    assert json.loads(call("evaluate", run, "--a", recordings / "a", "--b", recordings / "b", "--json", "-")) == {
        "seconds": 3,
        "warnings": [],
    }
    page = recordings / "beats.txt"
    assert main(["compare", str(run), f"{run}@1", str(recordings / "a"), str(page), "--limit", "1"]) == 0
    assert page.read_text() == f"{[str(run), f'{run}@1']} [[5000, 5000]]"
    assert "unpaired: note: both hearts beat" in capsys.readouterr().err
    assert main(["convert", str(run), "wrist", "out.txt", "--live", "--rate", "100"]) == 0
    told = capsys.readouterr()
    assert told.out == "7 s of pulse\n"
    assert told.err.splitlines() == [
        "unpaired: note: wrist: the hand is cold",
        "6 s of pulse",
        "unpaired: note: wrist: wrist to out.txt at 100",
    ]
