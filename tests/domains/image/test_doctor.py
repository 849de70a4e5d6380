"""The data doctor: what is found in made-up folders with known ills."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from unpaired import Image, MediaError, MissingFile
from unpaired.domains.image.near_duplicates import near_pairs
from unpaired.domains.image.scan import LOOKED_AT


@pytest.fixture(name="fill")
def _fill(scene: Any) -> Callable[..., Path]:
    def fill(folder: Path, count: int, height: int = 80, width: int = 100, first: int = 0) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for seed in range(first, first + count):
            Pillow.fromarray(scene(height, width, seed)).save(folder / f"{seed:04}.png")
        return folder

    return fill


def test_a_folder_with_every_ill(tmp_path: Path, scene: Any, fill: Any) -> None:
    folder = fill(tmp_path / "a", 6)
    (folder / "deeper").mkdir()
    (folder / "deeper" / "copy.png").write_bytes((folder / "0000.png").read_bytes())
    Pillow.open(folder / "0001.png").save(folder / "almost.jpg", quality=90)
    Pillow.new("RGB", (100, 80), "blue").save(folder / "flat.png")
    Pillow.fromarray(scene(10, 900)).save(folder / "long.png")
    Pillow.new("L", (100, 80)).save(folder / "flat-grey.png")
    (folder / "empty.png").write_bytes(b"")
    (folder / "text.jpg").write_text("no picture")
    (folder / "notes.txt").write_text("no picture either")
    (folder / ".hidden.png").write_bytes(b"")
    found = Image(size=64).scan(folder, thorough=True)
    assert [path.name for path in found.files] == [
        "0000.png", "0001.png", "0002.png", "0003.png", "0004.png", "0005.png",
        "almost.jpg", "copy.png", "flat-grey.png", "flat.png", "long.png",
    ]  # fmt: skip
    assert {each.path.name: each.reason for each in found.broken}.keys() == {"empty.png", "text.jpg"}
    assert found.broken[0].reason == "is empty (0 bytes)"
    assert str(folder) not in found.broken[1].reason
    facts = found.facts
    assert facts["pictures"] == 11
    assert facts["other files"] == 1
    assert facts["width"] == {"min": 100, "median": 100.0, "max": 900}
    assert facts["modes"] == {"RGB": 10, "L": 1}
    assert facts["duplicates"]["files"] == 1
    assert "copy.png" in facts["duplicates"]["examples"][0]
    assert facts["near-duplicates"]["pairs"] == 1
    assert "almost.jpg" in facts["near-duplicates"]["examples"][0]
    assert facts["flat"]["files"] == 2
    assert any("long.png: 900x10 is very long" in line for line in facts["odd ones"])
    said = "\n".join(found.warnings)
    for words in ("2 files are broken", "few", "smaller than the crop", "times as long as wide", "grey among coloured",
                  "is a copy of another", "almost alike", "one colour only"):  # fmt: skip
        assert words in said
    json.dumps(dict(facts), allow_nan=False)


def test_a_sound_folder_is_left_in_peace(tmp_path: Path, fill: Any) -> None:
    found = Image(size=32).scan(fill(tmp_path / "a", 60, 40, 50), thorough=True)
    assert found.warnings == ()
    assert found.broken == ()
    assert found.facts["near-duplicates"]["pairs"] == 0


def test_a_quick_scan_reads_some_headers_only(tmp_path: Path, fill: Any) -> None:
    one = fill(tmp_path / "a", 1) / "0000.png"
    for number in range(2 * LOOKED_AT):
        os.link(one, tmp_path / "a" / f"link-{number:04}.png")
    found = Image().scan(tmp_path / "a")
    assert len(found.files) == 2 * LOOKED_AT + 1
    assert found.facts["looked at"] == LOOKED_AT
    assert list(found.files) == sorted(found.files)
    assert "duplicates" not in found.facts


def test_places_that_are_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(MissingFile, match="there is no folder"):
        Image().scan(tmp_path / "absent")
    with pytest.raises(MissingFile, match="is not a folder"):
        Image().scan(tmp_path / "file")


def test_an_empty_folder_is_said_to_be_empty(tmp_path: Path) -> None:
    for thorough in (False, True):
        found = Image().scan(tmp_path, thorough)
        assert found.files == ()
        assert found.warnings == ("nothing usable: There is no usable picture here.",)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="no folder is closed to this user")
def test_a_folder_that_must_not_be_listed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir(mode=0)
    with pytest.raises(MediaError, match="cannot be listed"):
        Image().scan(tmp_path / "a")


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_links_that_lead_in_circles_are_followed_once(tmp_path: Path, fill: Any) -> None:
    folder = fill(tmp_path / "a", 2)
    (folder / "again").symlink_to(folder)
    (folder / "dangling.png").symlink_to(tmp_path / "absent.png")
    assert len(Image().scan(folder).files) == 2


def test_folders_that_share_pictures(tmp_path: Path, fill: Any) -> None:
    domain = Image(size=32)
    a, b = fill(tmp_path / "a", 8), fill(tmp_path / "b", 8, first=5)
    Pillow.open(a / "0000.png").save(b / "same-view.jpg", quality=90)
    (said,) = [domain.compare(domain.scan(a, thorough=True), domain.scan(b, thorough=True))]
    assert any("3 pictures are in A and in B" in sentence for sentence in said)
    assert any("1 pair across A and B looks almost alike (0000.png = same-view.jpg)" in sentence for sentence in said)


def test_folders_that_differ_in_kind(tmp_path: Path, scene: Any, fill: Any) -> None:
    domain = Image(size=32)
    a, b = fill(tmp_path / "a", 2, 60, 60), tmp_path / "b"
    b.mkdir()
    for seed in range(30):
        Pillow.fromarray(scene(200, 400, seed)[..., 0]).save(b / f"{seed}.png")
    said = " ".join(domain.compare(domain.scan(a), domain.scan(b)))
    for words in (
        "2 samples of A and 30 of B",
        "60 pixels in A and 200 in B",
        "times as wide as high",
        "0% of A and 100% of B",
    ):
        assert words in said
    assert any("same folder" in sentence for sentence in domain.compare(domain.scan(a), domain.scan(a)))


@pytest.mark.parametrize("drawn", ["A", "B"])
def test_a_side_that_is_drawn(tmp_path: Path, assets: Path, drawn: str) -> None:
    """Maps of three colours beside photographs; two sides of either say nothing."""
    photos, maps = assets / "day2night" / "day", tmp_path / "maps"
    maps.mkdir()
    for number in range(4):
        streets = np.full((64, 64, 3), (240, 238, 230), np.uint8)
        streets[:, 10 * number + 5 :: 20] = 255
        streets[40:, :20] = (180, 220, 160)
        Pillow.fromarray(streets).save(maps / f"{number}.png")
    domain = Image(size=32)
    photos_seen, maps_seen = (domain.scan(folder, thorough=True) for folder in (photos, maps))
    pair = (maps_seen, photos_seen) if drawn == "A" else (photos_seen, maps_seen)
    (said,) = [each for each in domain.compare(*pair) if each.startswith("one side drawn: ")]
    assert f"{drawn} shows less than" in said
    assert ("the other way round" in said) == (drawn == "A")
    (tmp_path / "plain").mkdir()
    Pillow.new("RGB", (8, 8)).save(tmp_path / "plain" / "one colour.png")
    plain_seen = domain.scan(tmp_path / "plain", thorough=True)
    assert not any("drawn" in each for each in domain.compare(photos_seen, plain_seen))
    for same in (photos_seen, maps_seen):
        assert not any("drawn" in each for each in domain.compare(same, same))


@given(st.lists(st.integers(0, 2**64 - 1), max_size=12), st.lists(st.integers(0, 63), max_size=4))
@settings(max_examples=80, deadline=None)
def test_near_pairs_are_all_pairs_within_four_bits(values: list[int], bits: list[int]) -> None:
    if values:
        changed = values[0]
        for bit in bits:
            changed ^= 1 << bit
        values = [*values, changed]
    expected = [
        (i, j)
        for i in range(len(values))
        for j in range(i + 1, len(values))
        if (values[i] ^ values[j]).bit_count() <= 4
    ]
    assert near_pairs(values) == expected
    assert near_pairs(np.array(values, np.uint64).tolist()) == expected
