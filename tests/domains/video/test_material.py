"""What lies in a training folder is told apart, and its frames are found by their number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from synthetic_footage import levels, write_clip, write_frames

from unpaired import MediaError, MissingFile
from unpaired.domains.image import ImageSettings
from unpaired.domains.video.reading.material import open_material
from unpaired.domains.video.reading.naming import frames_in_order, is_clip_name, is_frame_folder, is_still_name

SETTINGS = ImageSettings(size=48, load_size=48)


def shades(path: Path, first: int, count: int) -> list[int]:
    return [int(frame[0, 0, 0]) for frame in open_material(path).read(first, count, SETTINGS, (48, 48))]


@pytest.mark.parametrize(
    ("names", "ordered"),
    [
        (["f10.png", "f9.png", "f8.png"], ["f8.png", "f9.png", "f10.png"]),
        (["0002.jpg", "0001.JPG"], ["0001.JPG", "0002.jpg"]),
        (["a 000.png", "a 010.png", "a 020.png", "notes.txt"], ["a 000.png", "a 010.png", "a 020.png"]),
        (["f1.png"], []),
        (["f1.png", "f1.jpg"], []),
        (["f1.png", "g2.png"], []),
        (["poster.png", "f1.png", "f2.png", "g1.png"], []),
        (["poster.png", "f1.png", "f2.png"], ["f1.png", "f2.png"]),
        (["f1.png", "f01.png"], []),
        (["f1.png", "f2.png", "f900.png"], []),
        (["one.png", "two.png"], []),
        ([], []),
    ],
)
def test_frames_are_numbered_alike_and_evenly(names: list[str], ordered: list[str]) -> None:
    assert frames_in_order(names) == ordered


def test_a_tenth_of_the_frames_may_be_missing() -> None:
    names = [f"{number}.png" for number in range(20) if number not in (3, 11)]
    assert len(frames_in_order(names)) == 18
    assert frames_in_order([name for name in names if name not in ("5.png", "14.png")]) == []


def test_names_tell_clips_from_pictures() -> None:
    assert is_clip_name("walk.MP4")
    assert is_clip_name("turning.gif")
    assert not is_still_name("turning.gif")
    assert is_still_name("walk.jpeg")
    assert not is_clip_name(".hidden.mp4")
    assert not is_clip_name("walk.mp4.txt")


def test_frames_of_a_clip_by_their_number(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mkv", levels(30))
    assert open_material(clip).count == 30
    assert shades(clip, 0, 1) == [10]
    assert shades(clip, 17, 3) == [95, 100, 105]
    assert shades(clip, 29, 1) == [155]


def test_frames_of_a_clip_of_variable_rate(tmp_path: Path) -> None:
    times = np.cumsum([0.0, 0.02, 0.5, 0.04, 1.5, 0.1])
    clip = write_clip(tmp_path / "clip.mkv", levels(6), times=times.tolist())
    assert shades(clip, 0, 6) == [10, 15, 20, 25, 30, 35]


def test_frames_of_a_folder(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "frames", levels(12))
    assert is_frame_folder(folder)
    assert open_material(folder).count == 12
    assert shades(folder, 8, 3) == [50, 55, 60]


def test_a_picture_is_one_frame(tmp_path: Path) -> None:
    (picture,) = write_frames(tmp_path, levels(1)).glob("*.png")
    assert open_material(picture).count == 1
    assert shades(picture, 0, 1) == [10]


def test_frames_cover_the_target_with_their_aspect_kept(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mkv", levels(2))
    assert open_material(clip).read(0, 1, SETTINGS, (24, 24))[0].shape == (24, 32, 3)
    stretched = ImageSettings(size=24, fit="stretch")
    assert open_material(clip).read(0, 1, stretched, (24, 24))[0].shape == (24, 24, 3)


def test_what_is_no_footage(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match=r"absent\.mp4 does not exist"):
        open_material(tmp_path / "absent.mp4")
    with pytest.raises(MediaError, match="without numbered pictures"):
        open_material(tmp_path)
    (tmp_path / "text.mp4").write_text("no clip at all")
    with pytest.raises(MediaError, match=r"text\.mp4"):
        open_material(tmp_path / "text.mp4")
