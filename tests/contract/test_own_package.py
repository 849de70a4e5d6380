"""A medium that somebody else's package brings is found by its name, trained and used like ours."""

from __future__ import annotations

import json
import os
import re
import shutil
import site
import subprocess
import venv
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from contract.explicit_domain import Ecg
from contract.speech import ORDER, speech_series

import unpaired
from unpaired.core.model.model_file import read_header

Program = Callable[..., str]
SEVERAL = """
import json, sys
from unpaired.apps.main import main
for words in json.loads(sys.argv[1]):
    if code := main(words):
        sys.exit(code)
"""
"""Runs several commands in one process: its imports take the most of their time."""


def install(names: Sequence[str], repository: Path, tmp_path: Path) -> Program:
    """The Python of a fresh environment, into which docs/examples/ of these names were installed by pip.

    What this environment has, torch above all, is lent to that one by a .pth file.
    """
    sources, place = [tmp_path / name for name in names], tmp_path / "environment"
    for source in sources:
        shutil.copytree(repository / "docs" / "examples" / source.name, source)
    venv.create(place, symlinks=os.name != "nt", with_pip=False)
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    def run(*words: str | Path) -> str:
        command = [str(python), *map(str, words)]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=290)
        assert done.returncode == 0, done.stderr
        return done.stdout

    packages = Path(run("-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    lent = "".join(f"import site; site.addsitedir({folder!r})\n" for folder in site.getsitepackages())
    (packages / "lent.pth").write_text(lent)
    pip = ["-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    run(*pip, "--no-index", "--no-deps", "--no-build-isolation", *sources)
    modules = {path.stem for path in packages.iterdir()}
    assert modules >= {name.replace("-", "_") for name in names}
    return run


@pytest.fixture(scope="module")
def installed(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Runs commands, one after the other, in a process where the examples of media are installed."""
    run = install(["unpaired-series", "unpaired-text"], repository, tmp_path_factory.mktemp("installed"))
    return lambda *commands: run("-c", SEVERAL, json.dumps(commands, default=str))


def test_a_package_of_ones_own_from_folder_to_file(assets: Path, tmp_path: Path, installed: Program) -> None:
    data, run = speech_series(assets, tmp_path), tmp_path / "run"
    settings = ["--preset", "tiny", "--steps", "2", "--domain.size", "64", "--domain.columns", "2"]
    sides = ["--a", data / "a", "--b", data / "b"]
    # By the ending of names, nobody says --domain to inspect.
    columns = ["--domain.columns", "2"]
    said = installed(
        ["domains"],
        ["train", "--domain", "series", *sides, "--out", run, *settings],
        ["inspect", data / "a" / ORDER[0], *columns],
        ["inspect", data / "a", *columns],
    )
    assert "series  (unpaired-series 0.1.0)" in said.splitlines()
    assert "channels: 2" in said
    assert f"{len(ORDER)} usable, 0 broken" in said
    said = installed(
        ["convert", run, data / "a", tmp_path / "converted", "--runtime", "torch"],
        ["evaluate", run, *sides, "--paired", "--runtime", "torch"],
    )
    assert "l1" in said
    for name in ORDER:
        given, got = ((tmp_path / folder / name).read_text().splitlines() for folder in ("a", "converted"))
        assert (len(got), got[0]) == (len(given), "level,brightness")


def test_texts_from_a_folder_to_a_file(tmp_path: Path, installed: Program) -> None:
    """Phases, resuming and a file of texts, by the names that docs/examples/unpaired-text registers."""
    (tmp_path / "b").mkdir()
    lines = [
        f"{who} {what} {where}" for who in ("a dog", "the cat") for what in ("sat", "ran") for where in ("here", "")
    ]
    (tmp_path / "b" / "texts.txt").write_text("\n".join(lines * 9))
    run, texts = tmp_path / "run", tmp_path / "texts.txt"
    objective = {
        "pretrain": 2,
        "pretrain-discriminator": 1,
        "discriminator-steps": 1,
        "references": 2,
        "comparisons": 2,
    }
    asked = {f"objective.{name}": value for name, value in objective.items()}
    asked |= {
        "batch": 8,
        "workers": 0,
        "device": "cpu",
        "steps": 4,
        "log-every": 1,
        "preset": "tiny",
        "domain.length": 5,
    }
    train = ["train", "--domain", "text", "--objective", "rankgan", "--b", tmp_path / "b", "--out", run]
    train += [word for name, value in asked.items() for word in (f"--{name}", str(value))]
    generate = ["generate", run, texts, "--count", "7", "--seed", "3", "--temperature", "0.8"]
    said = installed(["domains"], train, ["train", "--out", run, "--resume", "--steps", "5"], generate)
    assert "text  (unpaired-text 0.1.0)" in said.splitlines()
    written = texts.read_text().splitlines()
    assert len(written) == 7
    assert {word for line in written for word in line.split()} <= {
        "a",
        "the",
        "dog",
        "cat",
        "sat",
        "ran",
        "here",
        "<unk>",
    }
    assert len(list((run / "previews").iterdir())) >= 2
    logged = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert {f"losses.{name}" for name in ("likelihood", "adversarial", "discriminator_b")} <= set().union(*logged)


def test_a_medium_that_nobody_registered_is_given_as_a_class(recordings: Path) -> None:
    run = recordings / "run"
    options = {"preset": "tiny", "steps": 2, "workers": 0, "device": "cpu"}
    unpaired.train(Ecg(length=64), recordings / "a", recordings / "b", run, **options)
    with pytest.raises(unpaired.UnknownName, match="ecg"):
        unpaired.load(run)
    translator = unpaired.load(run, domain=Ecg)
    translator.convert(recordings / "b" / "0.txt", recordings / "slow.txt", direction="b2a")
    assert len((recordings / "slow.txt").read_text().splitlines()) == 5000


FENCE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_networks_of_ones_own_from_the_guide_to_a_file(repository: Path, assets: Path, tmp_path: Path) -> None:
    run = install(["unpaired-dilated"], repository, tmp_path)
    checked, trained = FENCE.findall((repository / "docs" / "how-to" / "add-a-network.md").read_text())
    quick = "networks=networks, steps=1, workers=0, preset='tiny', device='cpu')"
    trained = trained.replace("size=256", "size=32").replace("networks=networks)", quick)
    for name in ("day", "night"):
        trained = trained.replace(f'"{name}"', repr(str(assets / "day2night" / name)))
    run("-c", f"{checked}\ntest_networks()\n{trained}")

    def unpaired_(*commands: Sequence[str | Path]) -> str:
        return run("-c", SEVERAL, json.dumps(commands, default=str))

    sides = ("--a", assets / "day2night/day", "--b", assets / "day2night/night")
    given = (
        *("--domain", "image", "--domain.size", "32", "--preset", "tiny", "--device", "cpu", "--workers", "0"),
        *("--networks.generator", "dilated", "--networks.discriminator", "strided", "--networks.blocks", "2"),
    )
    made = tmp_path / "run"
    picture = next((assets / "day2night/day").iterdir())
    unpaired_(
        ("train", *given, *sides, "--out", made, "--steps", "2"),
        ("train", "--out", made, "--resume", "--steps", "3"),
        ("convert", made, picture, tmp_path / "night.png"),
    )
    network = read_header(made / "model.safetensors")["networks"]["generator_a2b"]
    assert network == {
        "architecture": "dilated",
        "options": {"in_channels": 3, "out_channels": 3, "filters": 8, "blocks": 2},
    }
    assert (tmp_path / "night.png").stat().st_size > 0
    with pytest.raises(
        AssertionError, match=r"networks\.dropout: the generator dilated does not take it; it takes filters, blocks"
    ):
        unpaired_(("train", *given, *sides, "--out", tmp_path / "other", "--networks.dropout", "0.5", "--steps", "2"))
    with pytest.raises(unpaired.UnknownName, match="no generator named 'dilated' is installed"):
        unpaired.load(made)
