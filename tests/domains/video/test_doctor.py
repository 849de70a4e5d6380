"""What a folder of footage holds, and what is said of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from synthetic_footage import levels, moving, texture, write_clip, write_frames

from unpaired import MissingFile, Video
from unpaired.domains.video.inspection.file import examine, header
from unpaired.domains.video.inspection.scan import FootageInventory, scan
from unpaired.domains.video.settings import VideoSettings


def found(folder: Path, thorough: bool = True, **fields: object) -> FootageInventory:
    return scan(folder, VideoSettings(**fields), thorough)  # type: ignore[arg-type]


def said(inventory: FootageInventory, words: str) -> bool:
    return any(words in warning for warning in inventory.warnings)


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A long clip, a short one, a folder of frames, two numbered pictures, and what is none of these."""
    write_clip(tmp_path / "long.mkv", moving(120), rate=10)
    write_clip(tmp_path / "deep" / "short.mp4", moving(10, seed=1), rate=10, codec="mpeg4")
    write_frames(tmp_path / "frames", moving(75, seed=2))
    write_frames(tmp_path, [texture(seed=3), texture(seed=4)])
    (tmp_path / "notes.txt").write_text("not footage")
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "text.mkv").write_text("no clip at all")
    return tmp_path


@pytest.mark.parametrize("thorough", [False, True])
def test_files_of_every_kind_and_how_often_each_is_drawn(mixed: Path, thorough: bool) -> None:
    inventory = found(mixed, thorough)
    names = [file.relative_to(mixed).as_posix() for file in inventory.files]
    assert names == ["deep/short.mp4", "frame1.png", "frame2.png", "frames", "long.mkv"]
    assert inventory.draws == (2, 1, 1, 3, 12)
    assert [each.path.name for each in inventory.broken] == ["empty.mp4", "text.mkv"]
    assert inventory.broken[0].reason == "is empty (0 bytes)"
    facts = inventory.facts
    assert (facts["clips"], facts["folders of frames"], facts["pictures"], facts["other files"]) == (2, 1, 2, 1)
    assert facts["footage"] == {"seconds": pytest.approx(16.0, abs=0.3), "frames": pytest.approx(205, abs=2)}
    assert facts["codecs"] == {"mpeg4": 1, "PNG": 1, "ffv1": 1}
    assert said(inventory, "2 files are broken")
    assert said(inventory, "pictures are numbered")


def test_each_clip_has_a_line(mixed: Path) -> None:
    lines = found(mixed).facts["each"]
    assert lines[-1] == "long.mkv: ffv1 64x48, 10 frames/s, 12 s (120 frames)"
    assert lines[1] == "frames: PNG 64x48, 25 frames/s, 3 s (75 frames)"


def test_cuts_duplicates_and_stills(tmp_path: Path) -> None:
    scenes = moving(15, step=3) + moving(15, step=3, seed=9)
    doubled = [frame for frame in moving(20, step=3) for _ in range(2)]
    still = moving(10, step=3) + [texture(seed=5)] * 25
    clips = {"scenes": scenes, "doubled": doubled, "still": still}
    seen = {name: examine(write_clip(tmp_path / f"{name}.mkv", frames)).seen for name, frames in clips.items()}
    assert all(seen.values())
    assert [seen["scenes"].cuts, seen["doubled"].cuts] == [1, 0]  # type: ignore[union-attr]
    assert [seen["scenes"].duplicates, seen["doubled"].duplicates] == [0, 20]  # type: ignore[union-attr]
    assert seen["still"].still == pytest.approx(2.4, abs=0.11)  # type: ignore[union-attr]
    assert seen["still"].duplicates == 0  # type: ignore[union-attr]
    inventory = found(tmp_path)
    assert inventory.facts["cuts"] >= 1
    assert said(inventory, "show the one before once more")


def test_static_footage_is_called_so(tmp_path: Path) -> None:
    write_clip(tmp_path / "still.mkv", [texture()] * 30)
    assert said(found(tmp_path), "of the footage is static")


def test_a_variable_rate_is_found_by_decoding(tmp_path: Path) -> None:
    times = np.cumsum(np.tile([0.02, 0.2, 0.05], 10)).tolist()
    clip = write_clip(tmp_path / "uneven.mkv", moving(30), times=times)
    assert not header(clip).variable
    assert examine(clip).variable
    assert "variable rate" in found(tmp_path).facts["each"][0]


def test_a_damaged_clip_is_used_in_part_and_said_to_be(tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "whole.mkv", moving(60), codec="mpeg4")
    (tmp_path / "cut.mkv").write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    inventory = found(tmp_path)
    assert len(inventory.files) == 2
    cut = inventory.findings[0]
    assert 10 < cut.frames < 60


def test_copies_and_clips_that_look_alike(tmp_path: Path) -> None:
    first = write_clip(tmp_path / "first.mkv", moving(30, height=72, width=128))
    shutil.copy(first, tmp_path / "second.mkv")
    write_clip(tmp_path / "third.mp4", moving(30, height=72, width=128), codec="mpeg4")
    write_clip(tmp_path / "other.mkv", moving(30, height=72, width=128, seed=11))
    inventory = found(tmp_path)
    assert inventory.facts["copies"] == {"groups": 1, "examples": ["first.mkv = second.mkv"]}
    assert inventory.facts["near-copies"]["examples"] == ["first.mkv = third.mp4"]
    assert said(inventory, "1 clip is a copy of another")


def test_numbered_pictures_that_do_not_follow_one_another(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    unrelated = [rng.integers(0, 256, (6, 8, 3), np.uint8).repeat(8, 0).repeat(8, 1) for _ in range(12)]
    write_frames(tmp_path / "photos", unrelated)
    assert said(found(tmp_path), "do not follow one another")


def test_one_clip_that_outweighs_the_rest(tmp_path: Path) -> None:
    write_clip(tmp_path / "lecture.mkv", levels(2) * 300, rate=5)
    write_clip(tmp_path / "glimpse.mkv", moving(10), rate=5)
    inventory = found(tmp_path, thorough=False)
    assert inventory.draws == (2, 120)
    assert said(inventory, "lecture.mkv is 98% of the footage")


def test_what_temporal_terms_would_miss(tmp_path: Path) -> None:
    write_frames(tmp_path, [texture()])
    assert said(found(tmp_path), "pictures only")
    write_clip(tmp_path / "clip.mkv", moving(4))
    assert said(found(tmp_path, neighbours=True), "1 pictures have no neighbours")
    assert said(found(tmp_path, neighbours=True), "1 clips have 8 frames or fewer")


def test_two_folders_together(tmp_path: Path) -> None:
    domain = Video(size=32)
    one = write_clip(tmp_path / "a" / "one.mkv", moving(30, height=72, width=128))
    (tmp_path / "b").mkdir()
    shutil.copy(one, tmp_path / "b" / "copy.mkv")
    write_clip(tmp_path / "b" / "large.mkv", moving(12, height=216, width=384, seed=3), rate=1)
    write_clip(tmp_path / "b" / "larger.mkv", moving(12, height=216, width=384, seed=4), rate=1)
    sentences = domain.compare(domain.scan(tmp_path / "a", True), domain.scan(tmp_path / "b", True))
    assert any("1 clip is in A and in B" in each and "one.mkv = copy.mkv" in each for each in sentences)
    assert any("shorter sides are 72 pixels in A and 216 in B" in each for each in sentences)
    assert any("frames/s" in each for each in sentences)
    assert any(each.startswith("same folder: A and B are the same folder") for each in
               domain.compare(domain.scan(tmp_path / "a"), domain.scan(tmp_path / "a")))  # fmt: skip


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match="there is no folder"):
        found(tmp_path / "absent")
    assert found(tmp_path).warnings == ("nothing usable: There is no usable footage here.",)
