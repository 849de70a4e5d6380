"""The cache folder: where it is, and that nothing ever depends on what is in it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from unpaired.core.runtimes.cache import cache_folder, keep_entry, kept_entries, read_entry

KEY = {"network": "resnet", "shape": (1, 3, 64, 64)}
VALUE = {"chosen": "fp32", "milliseconds": {"fp32": 1.5}}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNPAIRED_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def file_of(folder: Path) -> Path:
    (file,) = (folder / "choices").iterdir()
    return file


def test_the_folder_is_the_named_one_else_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UNPAIRED_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("UNPAIRED_CACHE")
    if sys.platform == "linux":
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        assert cache_folder() == tmp_path / "unpaired"
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        for unusable in ("", "relative/folder"):
            monkeypatch.setenv("XDG_CACHE_HOME", unusable)
            assert cache_folder() == tmp_path / "home/.cache/unpaired"


def test_tests_never_use_the_folder_of_the_user() -> None:
    assert os.environ["UNPAIRED_CACHE"]
    assert Path.home() not in cache_folder().parents


def test_an_entry_comes_back_under_its_key_alone(folder: Path) -> None:
    assert read_entry("choices", KEY) is None
    assert keep_entry("choices", KEY, VALUE) is None
    assert read_entry("choices", KEY) == VALUE
    assert read_entry("choices", {**KEY, "threads": 2}) is None
    assert read_entry("others", KEY) is None
    keep_entry("choices", KEY, {"chosen": "bf16"})
    assert read_entry("choices", KEY) == {"chosen": "bf16"}
    assert [value for _, value in kept_entries("choices")] == [{"chosen": "bf16"}]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"format": 1, "key"',
        b"\xff\xfe\x00",
        b"[1, 2]",
        b'{"format": 1}',
        b'{"format": 1, "key": {}, "value": {}}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_entry_is_as_good_as_none_and_is_replaced(folder: Path, content: bytes) -> None:
    keep_entry("choices", KEY, VALUE)
    file_of(folder).write_bytes(content)
    assert read_entry("choices", KEY) is None
    assert all(key != KEY for key, _ in kept_entries("choices"))
    assert keep_entry("choices", KEY, VALUE) is None
    assert read_entry("choices", KEY) == VALUE


def test_an_entry_of_another_version_is_as_good_as_none(folder: Path) -> None:
    keep_entry("choices", KEY, VALUE)
    entry = json.loads(file_of(folder).read_text())
    file_of(folder).write_text(json.dumps({**entry, "format": 2}))
    assert read_entry("choices", KEY) is None


def test_a_folder_that_cannot_be_written_is_told_and_harms_nothing(folder: Path) -> None:
    folder.write_text("a file, where the folder should be")
    note = keep_entry("choices", KEY, VALUE)
    assert note is not None
    assert str(folder) in note
    assert "UNPAIRED_CACHE" in note
    assert read_entry("choices", KEY) is None
    assert list(kept_entries("choices")) == []


def test_a_user_without_a_home_folder_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UNPAIRED_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # which is what it does where nobody knows the user
    if sys.platform == "linux":
        assert keep_entry("choices", KEY, VALUE) is not None
        assert read_entry("choices", KEY) is None
