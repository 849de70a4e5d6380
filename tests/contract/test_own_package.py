"""A medium that somebody else's package brings is found by its name, trained and used like ours."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import venv
from collections.abc import Callable
from pathlib import Path

import pytest
from contract.explicit_domain import Ecg
from contract.speech import ORDER, speech_series

import unpaired

Program = Callable[..., str]


@pytest.fixture
def series_installed(repository: Path, tmp_path: Path) -> Program:
    """The command `unpaired` of a fresh environment, into which docs/examples/unpaired-series was installed by pip.

    What this environment has, torch above all, is lent to that one by a .pth file.
    """
    source, place = tmp_path / "source", tmp_path / "environment"
    shutil.copytree(repository / "docs" / "examples" / "unpaired-series", source)
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
    run(*pip, "--no-index", "--no-deps", "--no-build-isolation", source)
    assert (packages / "unpaired_series.py").is_file()
    return lambda *words: run("-m", "unpaired.apps.main", *words)


def test_a_package_of_ones_own_from_folder_to_file(assets: Path, tmp_path: Path, series_installed: Program) -> None:
    assert "series  (unpaired-series 0.1.0)" in series_installed("domains").splitlines()
    data, run = speech_series(assets, tmp_path), tmp_path / "run"
    settings = ["--preset", "tiny", "--steps", "2", "--domain.size", "64", "--domain.columns", "2"]
    sides = ["--a", data / "a", "--b", data / "b"]
    series_installed("train", "--domain", "series", *sides, "--out", run, *settings)
    series_installed("convert", run, data / "a", tmp_path / "converted", "--runtime", "torch")
    for name in ORDER:
        given, got = ((tmp_path / folder / name).read_text().splitlines() for folder in ("a", "converted"))
        assert (len(got), got[0]) == (len(given), "level,brightness")


def test_a_medium_that_nobody_registered_is_given_as_a_class(recordings: Path) -> None:
    run = recordings / "run"
    options = {"preset": "tiny", "steps": 2, "workers": 0, "device": "cpu"}
    unpaired.train(Ecg(length=64), recordings / "a", recordings / "b", run, **options)
    with pytest.raises(unpaired.UnknownName, match="ecg"):
        unpaired.load(run)
    translator = unpaired.load(run, domain=Ecg)
    translator.convert(recordings / "b" / "0.txt", recordings / "slow.txt", direction="b2a")
    assert len((recordings / "slow.txt").read_text().splitlines()) == 5000
