"""TensorBoard: previews as pictures and as sound, of bounded size."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor
from torchvision.io import decode_jpeg
from toy import Arrays

import unpaired
from unpaired.core.monitoring import EndReport, Preview, PreviewRow, RunInfo, StepReport, TensorBoard
from unpaired.core.monitoring.sheets import write_sheet
from unpaired.core.sides import Side

END = EndReport(9, "complete", None)


class Heard(Arrays):
    """Arrays that can be listened to: a tone as high as the side says, longer than is kept."""

    def preview_sound(self, sample: Tensor, side: Side) -> tuple[Tensor, int]:
        return torch.sin(torch.arange(90_000) * (0.1 if side == "a" else 0.3))[None], 8000


class Wrong(Arrays):
    def preview_sound(self, sample: Tensor, side: Side) -> tuple[Tensor, int]:
        return torch.zeros(5), 8000


def shown(run: RunInfo, step: int) -> Preview:
    x = torch.linspace(-1, 1, 2 * 2 * 32 * 32).reshape(2, 2, 32, 32)
    preview = Preview(step, {"a2b": PreviewRow(x, -x, x, None)})
    return Preview(step, preview.rows, write_sheet(run.folder, preview, run.domain))


def board(folder: Path, domain: unpaired.Domain, previews: range, steps: int) -> EventAccumulator:
    writer, run = TensorBoard(), RunInfo(folder, domain, {}, 0)
    writer.on_start(run)
    for step in previews:
        writer.on_log(run, StepReport(step, steps, {}, 2e-4, 1.0))
        writer.on_preview(run, shown(run, step))
    writer.on_end(run, END)
    sizes = {"images": 0, "audio": 0}
    return EventAccumulator(str(folder / "tensorboard"), sizes).Reload()


def test_sheets_are_shown_as_they_are_on_disk(tmp_path: Path) -> None:
    events = board(tmp_path, Arrays(), range(1, 4), 30)
    images = events.Images("preview/sheet")
    assert [image.step for image in images] == [1, 2, 3]
    picture = decode_jpeg(torch.frombuffer(bytearray(images[0].encoded_image_string), dtype=torch.uint8))
    assert picture.shape == (3, images[0].height, images[0].width)
    assert events.Tags()["audio"] == []


def test_media_that_are_listened_to_are_heard(tmp_path: Path) -> None:
    events = board(tmp_path, Heard(), range(1, 2), 30)
    assert events.Tags()["audio"] == ["preview/a2b/input", "preview/a2b/translation"]
    (sound,) = events.Audio("preview/a2b/translation")
    with wave.open(io.BytesIO(sound.encoded_audio_string)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (8000, 1, 80_000)


def test_many_previews_are_thinned_and_the_last_is_there(tmp_path: Path) -> None:
    events = board(tmp_path, Arrays(), range(1, 1001, 3), 1000)
    steps = [image.step for image in events.Images("preview/sheet")]
    assert steps[:3] == [1, 13, 25]
    assert len(steps) <= 102
    assert steps[-1] == 1000


def test_what_is_no_sound_is_the_adapters_fault(tmp_path: Path) -> None:
    with pytest.raises(unpaired.AdapterError, match=r"Wrong\.preview_sound gave torch.float32 of shape \(5,\)"):
        board(tmp_path, Wrong(), range(1, 2), 30)
