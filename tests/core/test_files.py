"""Files that appear whole or not at all: a pending file and a pending folder, committed or abandoned."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from unpaired.core.errors import OutputError
from unpaired.core.files import PendingFile, PendingFolder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_has_its_name_once_it_is_committed(tmp_path: Path) -> None:
    target = tmp_path / "deep/a.nii.gz"
    pending = PendingFile(target, ".nii.gz")
    pending.path.write_bytes(b"new")
    assert not target.exists()
    assert pending.path.name.endswith(".part.nii.gz")
    pending.commit()
    pending.abandon()  # too late: the file has its name
    assert (names(target.parent), target.read_bytes()) == (["a.nii.gz"], b"new")


def test_an_abandoned_file_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    pending = PendingFile(tmp_path / "a")
    pending.path.write_bytes(b"half")
    pending.abandon()
    pending.abandon()
    assert (names(tmp_path), (tmp_path / "a").read_bytes()) == (["a"], b"old")


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of another kind")
def test_a_file_has_the_permissions_of_any_other_new_one(tmp_path: Path) -> None:
    umask = os.umask(0o027)
    try:
        pending = PendingFile(tmp_path / "a")
        pending.path.chmod(0o600)  # as safetensors makes its files
        pending.commit()
    finally:
        os.umask(umask)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_a_commit_that_cannot_be_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    pending = PendingFile(tmp_path / "a")
    (tmp_path / "a").mkdir()
    with pytest.raises(OutputError, match=f"cannot write {tmp_path / 'a'}: "):
        pending.commit()
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("kind", [PendingFile, PendingFolder])
def test_a_place_that_cannot_be_is_told_at_once(kind: type[PendingFile | PendingFolder], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"cannot write .*; free some space or choose another place"):
        kind(tmp_path / "file" / "a")


def test_a_folder_has_its_name_once_it_is_committed(tmp_path: Path) -> None:
    pending = PendingFolder(tmp_path / "frames")
    (pending.path / "1.png").write_bytes(b"new")
    assert names(tmp_path) == [pending.path.name]
    pending.commit()
    assert (names(tmp_path), names(tmp_path / "frames")) == (["frames"], ["1.png"])


def test_a_folder_that_is_there_gets_the_files_and_keeps_its_others(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    for name in ("1.png", "mine.txt"):
        (tmp_path / "frames" / name).write_bytes(b"old")
    pending = PendingFolder(tmp_path / "frames")
    (pending.path / "1.png").write_bytes(b"new")
    pending.commit()
    assert {path.name: path.read_bytes() for path in (tmp_path / "frames").iterdir()} == {
        "1.png": b"new",
        "mine.txt": b"old",
    }


def test_an_abandoned_folder_leaves_nothing(tmp_path: Path) -> None:
    pending = PendingFolder(tmp_path / "frames")
    (pending.path / "1.png").write_bytes(b"half")
    pending.abandon()
    assert names(tmp_path) == []
