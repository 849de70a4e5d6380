"""What the names of video files end in: one list for those who read footage and for those who read sound."""

from __future__ import annotations

from pathlib import Path

import pytest

from unpaired import Audio, Video
from unpaired.domains.audio.metadata.kinds import is_sound_name
from unpaired.domains.containers.kinds import CONTAINERS, FRAME_STREAM_SUFFIXES, VIDEO_SUFFIXES, container_of
from unpaired.domains.video.reading.naming import is_clip_name


@pytest.mark.parametrize("suffix", sorted(VIDEO_SUFFIXES))
def test_a_video_is_one_to_footage_and_to_sound(suffix: str) -> None:
    assert is_clip_name(f"A{suffix.upper()}")
    assert is_sound_name(f"A{suffix.upper()}")


@pytest.mark.parametrize("suffix", sorted(FRAME_STREAM_SUFFIXES))
def test_a_stream_of_frames_is_footage_and_no_sound(suffix: str) -> None:
    assert is_clip_name(f"a{suffix}")
    assert not is_sound_name(f"a{suffix}")


def test_every_kind_that_is_written_is_read() -> None:
    assert set(CONTAINERS) < VIDEO_SUFFIXES
    assert all(container_of(f"a{suffix}") is kind for suffix, kind in CONTAINERS.items())


@pytest.mark.parametrize("name", ["tape.vob", "tape.f4v", "tape.3g2", "tape.rmvb"])
def test_a_broken_video_is_named_by_both(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"something else")
    for domain in (Audio(), Video()):
        found = domain.scan(tmp_path)
        assert [each.path.name for each in found.broken] == [name]
        assert found.facts["other files"] == 0
