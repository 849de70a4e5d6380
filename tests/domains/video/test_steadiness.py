"""Steadiness while training: 1 for what moves as its input does, more for what flickers, from few frames."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from synthetic_footage import moving, texture, write_clip, write_frames
from torch import Tensor, nn

from unpaired import Video
from unpaired.core.scoring import load_held_out, score_held_out
from unpaired.domains.video.evaluation.steadiness import CLIPS, FRAMES


class Flicker:
    """Brighter and darker by turns."""

    def __init__(self, by: float) -> None:
        self.by, self.calls = by, 0

    def __call__(self, x: Tensor) -> Tensor:
        self.calls += 1
        return x + (self.by if self.calls % 2 else -self.by)


@pytest.fixture
def clips(tmp_path: Path) -> list[Path]:
    return [write_clip(tmp_path / f"{n}.mkv", moving(9, 2, 48, 64, seed=n)) for n in range(6)]


def test_a_copy_has_a_ratio_of_1_and_flicker_more_the_stronger_it_is(clips: list[Path]) -> None:
    domain = Video(size=48)
    copy, weak, strong = (domain.sequence_scores(Flicker(by), clips, "a") for by in (0.0, 0.02, 0.1))
    assert copy["warping_ratio"] == 1
    assert copy["warping_error"] == copy["untranslated_warping_error"] > 0
    assert copy["warping_ratio"] < weak["warping_ratio"] < strong["warping_ratio"]
    assert strong["untranslated_warping_error"] == copy["untranslated_warping_error"]


def test_flicker_of_what_does_not_move_is_its_square(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "still.mkv", [(texture() // 2 + 60).astype("uint8")] * 6)
    found = Video(size=48).sequence_scores(Flicker(10 / 255), [clip], "a")  # 5 levels up, then 5 down
    assert found["warping_error"] == pytest.approx((10 / 255) ** 2)
    assert found["untranslated_warping_error"] == 0
    assert "warping_ratio" not in found, "nothing to divide by"


def test_few_frames_are_translated_however_many_files_there_are(clips: list[Path]) -> None:
    translate = Flicker(0.0)
    Video(size=48).sequence_scores(translate, clips * 3, "a")
    assert translate.calls == CLIPS * FRAMES


def test_tone_curves_are_undone_on_each_side(clips: list[Path]) -> None:
    domain = Video(size=48, gamma_a=2.0, gamma_b=0.5)
    power = lambda x: 2 * ((x + 1) / 2) ** (0.5 / 2.0) - 1  # noqa: E731  # plain values stay as they are
    assert domain.sequence_scores(power, clips, "a")["warping_ratio"] == pytest.approx(1, rel=0.02)


def test_pictures_and_single_frames_have_no_steadiness(tmp_path: Path, clips: list[Path]) -> None:
    write_frames(tmp_path / "frames", moving(1))
    picture = next((tmp_path / "frames").iterdir())
    one = write_clip(tmp_path / "one.mkv", moving(1))
    domain, translate = Video(size=48), Flicker(0.0)
    assert domain.sequence_scores(translate, [picture, one], "a") == {}
    assert "warping_ratio" in domain.sequence_scores(translate, [picture, one, *clips], "a")


def test_held_out_clips_are_scored_for_steadiness(clips: list[Path]) -> None:
    held = load_held_out(Video(size=48), {"a": clips[:3], "b": clips[3:]})
    found = score_held_out({"a2b": nn.Conv2d(3, 3, 1)}, None, held)
    assert {"warping_error_a2b", "untranslated_warping_error_a2b", "warping_ratio_a2b", "swd_a2b"} <= found.keys()
    assert held.notes == []
    assert torch.isfinite(torch.tensor(found["warping_ratio_a2b"]))
