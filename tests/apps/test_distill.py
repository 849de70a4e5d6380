"""`unpaired distill` as it is typed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from unpaired.apps.main import main
from unpaired.core.model import load_model, read_header
from unpaired.core.settings import read_yaml

QUICK = ("--steps", "1", "--workers", "0", "--device", "cpu", "--precision", "fp32")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folders of small pictures, and a run on them."""
    place = tmp_path_factory.mktemp("runs")
    random = torch.Generator().manual_seed(0)
    for side in ("a", "b"):
        (place / side).mkdir()
        for number in range(4):
            picture = torch.randint(0, 256, (36, 40, 3), generator=random, dtype=torch.uint8)
            Image.fromarray(picture.numpy()).save(place / side / f"{number}.png")
    words = ["--domain", "image", "--a", f"{place}/a", "--b", f"{place}/b", "--out", f"{place}/teacher"]
    assert main(["train", *words, "--preset", "tiny", "--domain.size", "32", "--domain.gamma_b", "2", *QUICK]) == 0
    return place


def test_a_run_says_all_that_a_student_needs(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["distill", f"{runs}/teacher", "--out", f"{runs}/student", *QUICK]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("verdict: ")
    config = read_yaml(runs / "student" / "config.yaml")
    assert config["a"] == f"{runs}/a"
    assert config["domain"]["gamma_b"] == 2.0
    assert config["preset"] == "tiny"
    assert config["networks"]["generator"] == "mobile"
    assert config["objective"]["teacher"] == f"{runs}/teacher"
    assert load_model(runs / "student" / "model.safetensors").networks.generator_a2b.architecture == "mobile"
    # The student is a run like any other, and goes on as one.
    assert main(["train", "--out", f"{runs}/student", "--resume", "--steps", "2"]) == 0
    assert read_header(runs / "student" / "model.safetensors")["step"] == 2
    assert main(["convert", f"{runs}/student", f"{runs}/a/0.png", f"{runs}/0.png"]) == 0
    assert main(["distill", f"{runs}/student", "--out", f"{runs}/third", "--networks.filters", "4", *QUICK]) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("nothing --out new", "no model named 'nothing'"),
        ("day2night --out new", "a is missing: give --a DIR; b is missing: give --b DIR"),
        ("day2night --a a --b missing --out new", "missing"),
        ("{runs}/teacher --out {runs}/teacher", "continue it with unpaired train --out {runs}/teacher --resume"),
        ("{runs}/teacher --out new --preset huge", "preset is 'huge'"),
        ("{runs}/teacher --out new --objective.output -1", "objective.output"),
        ("{runs}/teacher --out new --steps 2 --minutes 2", "exclude each other"),
        ("{runs}/a/0.png --out new", "0.png"),
        ("", "MODEL"),
        ("{runs}/teacher --out new --domain image", "--domain is no option here: the medium is the teacher's"),
        (
            "{runs}/teacher --out new --recipe light",
            "--recipe is no option here: recipes are for trainings without a teacher",
        ),
        ("{runs}/teacher --out new --size -1", "--size is -1; expected"),
        ("{runs}/teacher --out new --sze 32", "did you mean '--size'?"),
    ],
)
def test_faults_are_one_line(
    words: str, said: str, runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(runs)
    assert main(["distill", *words.format(runs=runs).split()]) == 2
    printed = capsys.readouterr().err.strip().splitlines()
    assert len(printed) == 1
    assert said.format(runs=runs) in printed[0]
    assert not (runs / "new").exists()
