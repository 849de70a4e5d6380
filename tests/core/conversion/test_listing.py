"""What a conversion finds is what Path objects would say, though an archive of millions is held as text."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unpaired import Domain
from unpaired.core.adapter.folders import is_file, walk
from unpaired.core.adapter.patterns import Pattern
from unpaired.core.conversion.input_files import InputFiles
from unpaired.core.conversion.jobs import is_there
from unpaired.core.conversion.record import identity_of, stamp, stamp_if_there

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")

NAMES = st.sampled_from(["a", "a.x", "a-", "a b", "b.x", "r", "r1.x", "%02d.x", "z*", ".hidden", "\xe9.x"])
PLACES = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
KINDS = st.sampled_from(["file", "file", "file", "nowhere", "to a file", "to a folder", "folder"])


class Medium:
    """Converts what ends in .x; a folder that is called r holds one recording."""

    name = "medium"

    def convertible(self, path: Path) -> bool:
        return path.name.endswith(".x")

    def recording(self, folder: Path, listed: Sequence[Path]) -> Sequence[Path]:
        return [path for path in listed if "r" in path.name] if folder.name == "r" else []


def grow(root: Path, tree: dict[str, str]) -> None:
    """Files, folders and links, as far as they do not stand in each other's way."""
    (root / "in").mkdir(parents=True)
    (root / "beside/deep").mkdir(parents=True)
    (root / "beside/deep/c.x").write_text("c")
    leads = {"nowhere": "absent", "to a file": "beside/deep/c.x", "to a folder": "beside"}
    for place, kind in tree.items():
        path = root / "in" / place
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if kind == "folder":
                path.mkdir()
            elif kind == "file":
                path.write_text(place)
            else:
                path.symlink_to(root / leads[kind])
        except (FileExistsError, NotADirectoryError, IsADirectoryError, FileNotFoundError):
            pass


def as_paths(folder: Path, medium: Medium) -> Iterator[Any]:
    """The same by Path objects alone: all files, those of each folder, links, and inputs."""
    listed = {Path(entry.path): entry for entry in walk(folder, [])}
    yield sorted(listed)
    by_folder: dict[Path, list[Path]] = {}
    for path in sorted(listed):
        if is_file(listed[path]):
            by_folder.setdefault(path.parent, []).append(path)
    yield by_folder
    yield [path for path, entry in listed.items() if entry.is_symlink()]
    above = {each for path in listed for each in path.parents if folder in each.parents}
    yield sorted(each for each in above if each.is_symlink())
    recordings = {each: medium.recording(each, files) for each, files in by_folder.items()}
    inside = {part for parts in recordings.values() for part in parts}
    whole = [each for each, parts in recordings.items() if parts]
    yield sorted([*whole, *(path for path in sorted(listed) if path not in inside and medium.convertible(path))])


@given(st.dictionaries(PLACES, KINDS, max_size=12), st.sampled_from([".", "in", "in/r", "in/../in"]))
@settings(max_examples=25, deadline=None)
def test_a_tree_is_listed_as_path_objects_are_sorted(tree: dict[str, str], named: str) -> None:
    medium = Medium()
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as place:
        grow(Path(place), {"r/r2.x": "file"} | tree)
        os.chdir(place if named != "." else f"{place}/in")
        try:
            source = InputFiles(named)
            by_folder = {folder: list(files) for folder, files in source.by_folder.items()}
            links = list(source.links_to_files), source.links_to_folders
            parts = source.parts(cast(Domain, medium))
            assert list(parts[1:]) == list(parts)[1:]
            assert [list(source.files), by_folder, *links, list(parts)] == list(as_paths(Path(named), medium))
        finally:
            os.chdir(before)


@given(st.dictionaries(PLACES, KINDS, max_size=12))
@settings(max_examples=25, deadline=None)
def test_a_stamp_is_the_one_that_was_found_by_many_questions(tree: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as place:
        grow(Path(place), tree)
        asked = [Path(place, "in", each) for each in [*tree, "absent", "b.x/below", "%02d.x", "*.x", "#.x", "a/*.x"]]
        for path in asked:
            assert stamp_if_there(path) == (stamped(path) if is_there(path) else None)
            if is_there(path):
                assert stamp(path) == stamped(path)


def stamped(path: Path) -> str:
    """As records of earlier versions have it."""
    pattern = Pattern.of(path)
    if path.is_dir() or pattern:
        return stamp(path)
    status = path.stat()
    return f"{status.st_size}-{status.st_mtime_ns}"


@given(PLACES, st.sampled_from([".", "/", "out", "/out", "../out", "out/deep"]))
@settings(max_examples=25, deadline=None)
def test_an_identity_is_that_of_the_place_in_the_folder(place: str, folder: str) -> None:
    target = Path(folder) / place
    assert identity_of(target, Path(folder)) == identity_of(Path(target.relative_to(folder)), Path())
