"""One training at a time in a run folder, whatever became of the one before."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from toy import Arrays, write_arrays

import unpaired
from unpaired.core.training.lock import taken

HOLDER = """
import os, sys, time
from pathlib import Path
from unpaired.core.training.lock import taken
with taken(Path(sys.argv[1])):
    if os.fork() == 0:
        time.sleep(60)  # a loader process, which the end of the training may leave behind for a while
        os._exit(0)
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that trains into `run`, with a child of its own."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path / "run")], stdout=subprocess.PIPE, text=True,
                               start_new_session=True)  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.skipif(os.name == "nt", reason="fork is POSIX")
def test_a_second_training_is_refused_with_the_first_ones_number(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    for resume in (False, True):
        with pytest.raises(
            unpaired.OutputError, match=rf"another process trains here: process {holder.pid} on \S+ holds"
        ):
            unpaired.train(Arrays(), tmp_path / "a", tmp_path / "b", tmp_path / "run", device="cpu", resume=resume)
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [".lock"]


@pytest.mark.skipif(os.name == "nt", reason="fork is POSIX")
def test_it_ends_with_the_process_that_was_killed_though_its_children_live(
    holder: subprocess.Popen[str], tmp_path: Path
) -> None:
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    text = (tmp_path / "run" / ".lock").read_text()
    assert re.fullmatch(rf"{holder.pid} \S+\n", text)
    with taken(tmp_path / "run"):
        assert (tmp_path / "run" / ".lock").read_text().startswith(f"{os.getpid()} ")
    assert not (tmp_path / "run").joinpath(".lock").exists()


def test_what_the_file_says_binds_nobody(tmp_path: Path) -> None:
    (tmp_path / ".lock").write_text(f"{os.getpid()} here\n")
    with taken(tmp_path):
        pass


def test_it_is_once_in_a_process_and_leaves_no_empty_folder(tmp_path: Path) -> None:
    def train_in_vain() -> None:
        with taken(tmp_path / "new" / "run"):
            with (
                pytest.raises(unpaired.OutputError, match=rf"this process \({os.getpid()}\)"),
                taken(tmp_path / "new/run"),
            ):
                pass
            raise unpaired.MediaError("nothing to train on")

    with pytest.raises(unpaired.MediaError):
        train_in_vain()
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(unpaired.OutputError, match=r"file.*choose another place"), taken(tmp_path / "file" / "run"):
        pass


class Removing(Arrays):
    """Somebody removes the run folder while it trains."""

    drawn = 0
    place = Path()

    def sample(self, *arguments: Any, **further: Any) -> Any:
        Removing.drawn += 1
        if Removing.drawn == 60:
            shutil.rmtree(self.place)
        return super().sample(*arguments, **further)


@pytest.mark.parametrize("often", [{"log_every": 5}, {"checkpoint_every": 10, "log_every": 1000}, {"log_every": 1000}])
def test_a_run_folder_that_is_removed_ends_the_run(often: dict[str, int], tmp_path: Path) -> None:
    for number, side in enumerate("ab"):
        write_arrays(tmp_path / side, 3, number, 0.3)
    Removing.drawn, Removing.place = 0, tmp_path / "run"
    with pytest.raises(unpaired.OutputError, match=r"the run folder .*run was removed or moved at step \d+") as caught:
        unpaired.train(Removing(), tmp_path / "a", tmp_path / "b", tmp_path / "run", preset="tiny", device="cpu",
                       networks=unpaired.NetworkSettings(filters=2, blocks=1, discriminator_filters=2), workers=0,
                       steps=60, **often)  # fmt: skip
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()
