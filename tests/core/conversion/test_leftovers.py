"""What a killed process leaves half-written goes with the next work in that place; what a living one writes stays."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from unpaired.core import makers
from unpaired.core.files import PendingFolder, atomic, clear_leftovers

WRITER = """
import sys, time
from pathlib import Path
from unpaired.core.files import PendingFile, PendingFolder
place = Path(sys.argv[1])
PendingFile(place / "clip.mkv").path.write_bytes(b"half")
(PendingFolder(place / "frames").path / "0001.png").write_bytes(b"half")
print("writing", flush=True)
time.sleep(60)
"""
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell when a process began")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_they_stay_as_long_as_their_maker_lives_and_go_when_it_was_killed(tmp_path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "writing\n"
    (tmp_path / ".mine.part.mkv").write_bytes(b"somebody else's")
    before = names(tmp_path)
    assert len(before) == 3
    clear_leftovers(tmp_path)
    assert names(tmp_path) == before
    writer.send_signal(signal.SIGKILL)
    time.sleep(0.2)  # ended, but nobody has asked for its exit code yet
    clear_leftovers(tmp_path)
    assert names(tmp_path) == [".mine.part.mkv"]
    writer.wait()


@pytest.mark.parametrize(
    ("change", "dead"),
    [
        ({}, False),  # this process
        ({"pid": "4194305"}, True),  # beyond the largest number that Linux gives
        ({"start": "1"}, True),  # the number was given to another process since
        ({"host": "00000000", "pid": "4194305"}, False),  # another machine's or container's: nobody knows
        ({"boot": "00000000"}, True),  # of before the machine was started
    ],
)
def test_a_maker_is_known_by_host_start_and_number(change: dict[str, str], dead: bool) -> None:
    own = makers.PATTERN.fullmatch(makers.mark())
    assert own is not None
    maker = makers.PATTERN.fullmatch("-".join({**own.groupdict(), **change}.values()))
    assert maker is not None
    assert makers.is_dead(maker, changed=0.0) == dead


def test_a_file_changed_since_the_start_is_of_another_machine_that_goes_by_the_same_name() -> None:
    own = makers.PATTERN.fullmatch(makers.mark())
    assert own is not None
    maker = makers.PATTERN.fullmatch("-".join({**own.groupdict(), "boot": "00000000"}.values()))
    assert maker is not None
    assert not makers.is_dead(maker, changed=time.time())


def test_names_that_are_long_in_bytes_can_be_written(tmp_path: Path) -> None:
    target = tmp_path / ("夜" * 80 + ".png")
    with atomic(target) as temporary:
        assert re.fullmatch(r"\.夜{33}\.\S+\.part\.png", temporary.name)
        temporary.write_bytes(b"x")
    folder = PendingFolder(tmp_path / ("夜" * 80))
    (folder.path / "1.png").write_bytes(b"x")
    folder.commit()
    assert len(names(tmp_path)) == 2
