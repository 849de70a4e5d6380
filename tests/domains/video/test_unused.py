"""Options that an output has no use for are said, since in a folder they may be meant for other files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic_footage import write_clip, write_frames

from unpaired import Video
from unpaired.domains.video import VideoConversion
from unpaired.domains.video.reading.sequence import frames_at


@pytest.mark.parametrize(
    ("source", "target", "options", "said"),
    [
        ("clip.mkv", "o_%04d.png", {"codec": "prores", "profile": "hq", "chroma": 422, "first_number": 5},
         "codec, profile and chroma are for clips, and left aside here"),
        ("frames", "o.mkv", {"codec": "ffv1", "missing": "hold", "first_number": 5, "sdr": True},
         "first number is for clips that become numbered pictures, and left aside here; "
         "sdr is for HDR clips, and left aside here"),
        ("clip.mkv", "o.mkv", {"codec": "ffv1", "missing": "hold"},
         "missing is for numbered pictures, and left aside here"),
        ("frames", "o_%04d.png", {"depth": 16, "missing": "hold", "rate": 24}, ""),
    ],
)  # fmt: skip
def test_options_that_mean_nothing_for_an_output_are_said(
    source: str, target: str, options: dict[str, Any], said: str, tmp_path: Path
) -> None:
    frames = [np.full((48, 64, 3), 40 * n, np.uint8) for n in range(3)]
    write_frames(tmp_path / "frames", frames)
    write_clip(tmp_path / "clip.mkv", frames)
    chosen = VideoConversion(**options)
    with frames_at(tmp_path / source, "a", chosen) as reader:
        writer = Video().create(tmp_path / target, reader, chosen)
        found = [note for note in writer.warnings if note.endswith("left aside here")]
        writer.discard()
    assert "; ".join(found) == said


def test_a_picture_takes_no_options_of_footage(tmp_path: Path) -> None:
    write_frames(tmp_path, [np.zeros((48, 64, 3), np.uint8)])
    options = VideoConversion(depth=16, codec="prores", strength_curve="0:0,2:1", full=True, strength=1.0)
    with Video().open(tmp_path / "frame1.png", "a", options) as reader:
        assert reader.warnings == ["codec, depth and strength curve are for footage, and left aside here"]
