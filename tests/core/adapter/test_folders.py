"""One rule for what lies below a folder: links are followed, each real folder once, hidden names left out."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest
from kept import row

from unpaired.core.adapter.folders import listing
from unpaired.core.adapter.inventory import BrokenFile
from unpaired.core.conversion.input_files import InputFiles

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")


def put(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    return folder


def found(folder: Path) -> list[str]:
    """Names below the folder, which a scan and a conversion see alike."""
    scanned = listing(folder, lambda path: True)
    assert list(InputFiles(folder).files) == sorted([*scanned.sizes, *(each.path for each in scanned.broken)])
    return [str(path.relative_to(folder)) for path in scanned.sizes]


@row("any folder", "links to files and folders in it")
def test_links_to_files_and_folders_are_followed(tmp_path: Path) -> None:
    folder, other = put(tmp_path / "a", "x", "deep/y"), put(tmp_path / "b", "z", "in/w")
    (folder / "link").symlink_to(other)
    (folder / "deep/v").symlink_to(other / "z")
    assert found(folder) == ["deep/v", "deep/y", "link/in/w", "link/z", "x"]
    (tmp_path / "c").symlink_to(folder)
    assert found(tmp_path / "c") == found(folder)


def test_a_circle_is_met_once(tmp_path: Path) -> None:
    folder = put(tmp_path / "a", "x", "deep/y")
    (folder / "deep/again").symlink_to(folder)
    (folder / "above").symlink_to(tmp_path)
    (folder / "itself").symlink_to("itself")
    assert found(folder) == ["deep/y", "x"]
    (broken,) = listing(folder, lambda path: True).broken
    assert broken.path == folder / "itself"


def test_a_real_folder_is_met_once_by_its_own_name_or_else_by_the_first_link(tmp_path: Path) -> None:
    folder, other = put(tmp_path / "a", "real/x"), put(tmp_path / "b", "y")
    (folder / "an earlier name").symlink_to(folder / "real")
    (folder / "two").symlink_to(other)
    (folder / "one").symlink_to(other)
    assert found(folder) == ["one/y", "real/x"]


def test_hidden_names_are_left_out_with_all_below_them(tmp_path: Path) -> None:
    folder = put(tmp_path / ".a", "x", ".y", ".deep/z", "deep/.w", "__MACOSX/v", "deep/u")
    assert found(folder) == ["deep/u", "x"]


@row("any folder", "a broken link in it, a pipe, a socket")
def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    folder = put(tmp_path / "a", "x")
    (folder / "gone").symlink_to(tmp_path / "absent")
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "socket"))
    assert found(folder) == ["x"]
    assert listing(folder, lambda path: True).broken == [
        BrokenFile(folder / "gone", "is a broken link: No such file or directory"),
        BrokenFile(folder / "pipe", "is a pipe, a socket or a device"),
        BrokenFile(folder / "socket", "is a pipe, a socket or a device"),
    ]
    assert listing(folder, lambda path: path.name == "x").broken == []
