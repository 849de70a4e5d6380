"""`unpaired compare`: several models on the same files, of each medium, as `convert` would write them."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
import torch
from PIL import Image as Pillow
from synthetic_footage import moving
from torch import Tensor
from toy import Arrays, write_arrays
from untrained import untrained_model

import unpaired
from unpaired.apps.main import main
from unpaired.core.adapter.comparison import draw_sheet
from unpaired.core.lettering import wrapped
from unpaired.core.model.model_file import save_model
from unpaired.domains.audio.signal.loudness import loudness


def write_model(path: Path, domain: unpaired.Domain, seed: int, directions: tuple[str, ...] = ("a2b", "b2a")) -> Path:
    """A model with random weights."""
    settings = unpaired.NetworkSettings(filters=4, blocks=1)
    asked = {"deviation": 0.3, "seed": 10 * seed, "directions": directions}
    save_model(untrained_model(domain, settings, **asked, names=("day", "night"), step=100 * seed), path)
    return path


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models of pictures, one of them of one direction, and one of grey pictures."""
    folder = tmp_path_factory.mktemp("models")
    write_model(folder / "one.safetensors", unpaired.Image(size=64), 1)
    write_model(folder / "two.safetensors", unpaired.Image(size=64), 2, ("a2b",))
    write_model(folder / "grey.safetensors", unpaired.Image(size=64, mode="grey"), 3)
    return folder


def write_pictures(folder: Path, count: int = 2) -> Path:
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(count):
        small = random.integers(0, 255, (25, 50, 3), dtype=np.uint8)
        Pillow.fromarray(small).resize((200, 100)).save(folder / f"{number}.png")
    return folder


def run(*words: object) -> int:
    return main(["compare", *map(str, words)])


def test_the_cells_of_a_sheet_are_what_convert_writes(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures = write_pictures(tmp_path / "in", 3)
    names = [models / f"{name}.safetensors" for name in ("one", "two")]
    assert run(*names, pictures, tmp_path / "sheet.png", "--limit", 2, "--runtime", "torch") == 0
    said = capsys.readouterr()
    assert "sheet.png: 2 inputs of 3" in said.out
    assert {"one", "two", "100", "200"} <= set(said.out.split())
    assert "2 of 3 inputs are shown" in said.err
    sheet = np.asarray(Pillow.open(tmp_path / "sheet.png"))
    for place, name in enumerate(names):
        unpaired.load(name, "torch").convert(pictures / "1.png", tmp_path / f"{place}.png")
        made = np.asarray(Pillow.open(tmp_path / f"{place}.png"))
        assert _holds(sheet, made), name
    assert _holds(sheet, np.asarray(Pillow.open(pictures / "0.png")))
    assert not _holds(sheet, np.asarray(Pillow.open(pictures / "2.png")))
    first = (tmp_path / "sheet.png").read_bytes()
    assert run(*names, pictures, tmp_path / "sheet.png", "--limit", 2, "--runtime", "torch") == 0
    assert (tmp_path / "sheet.png").read_bytes() == first


def _holds(sheet: np.ndarray, cell: np.ndarray) -> bool:
    height, width = cell.shape[:2]
    starts = np.argwhere((sheet[: -height + 1, : -width + 1] == cell[0, 0]).all(axis=2))
    return any((sheet[y : y + height, x : x + width] == cell).all() for y, x in starts)


def test_labels_and_scores_have_their_lines() -> None:
    cell = torch.zeros(3, 160, 200, dtype=torch.uint8)
    columns = [("source", ""), ("run@20000", "score 0.25")]
    with_scores = draw_sheet(columns, ["a.png"], [[cell, cell]])
    without = draw_sheet([(label, "") for label, _ in columns], ["a.png"], [[cell, cell]])
    assert with_scores.shape[1] > without.shape[1]
    assert with_scores.shape[2] == 2 * 24 + 2 * 200 + 8
    figures = ", ".join(f"figure_{n} 0.123{n}" for n in range(4))
    assert wrapped(figures, 25) == [f"figure_{n} 0.123{n}" for n in range(4)]
    assert wrapped(figures, 40) == ["figure_0 0.1230, figure_1 0.1231", "figure_2 0.1232, figure_3 0.1233"]
    assert wrapped("", 40) == []
    broken = draw_sheet([("source", ""), ("run@20000", figures)], ["a.png"], [[cell, cell]])
    line = with_scores.shape[1] - without.shape[1]
    assert broken.shape[1] == without.shape[1] + 4 * line
    many = draw_sheet([(f"m{n}", "") for n in range(13)], ["a"], [[torch.zeros(3, 900, 900, dtype=torch.uint8)] * 13])
    assert many.shape[2] < 3500


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve frames, lossless, with sound."""
    path = tmp_path_factory.mktemp("clip") / "in.mkv"
    with av.open(str(path), "w") as container:
        video, audio = container.add_stream("ffv1", rate=25), container.add_stream("pcm_s16le", rate=8000)
        video.width, video.height, video.pix_fmt = 96, 72, "bgr0"
        for pixels in moving(12, height=72, width=96):
            container.mux(video.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(video.encode(None))
        tone = (3000 * np.sin(np.arange(3840) / 5)).astype(np.int16)[None]
        block = av.AudioFrame.from_ndarray(tone, format="s16", layout="mono")
        block.sample_rate = 8000
        container.mux(audio.encode(block))
        container.mux(audio.encode(None))
    return path


def frames(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def sound(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def test_frames_are_in_step_and_those_that_convert_gives(models: Path, clip: Path, tmp_path: Path) -> None:
    names = [models / f"{name}.safetensors" for name in ("one", "two")]
    assert run(*names, clip, tmp_path / "grid.mkv", "--codec", "ffv1", "--runtime", "torch") == 0
    grid = frames(tmp_path / "grid.mkv")
    height, width = frames(clip)[0].shape[:2]
    band = grid[0].shape[0] // 2 - height
    assert (grid[0].shape[1], len(grid)) == (2 * width, 12)
    assert sound(tmp_path / "grid.mkv") == sound(clip) != []
    for place, name in enumerate(names, start=1):
        unpaired.load(name, "torch").convert(clip, tmp_path / "alone.mkv", codec="ffv1")
        row, column = divmod(place, 2)
        top = row * (height + band) + band
        for shown, alone in zip(grid, frames(tmp_path / "alone.mkv"), strict=True):
            cell = shown[top : top + height, column * width : (column + 1) * width].astype(int)
            assert np.abs(cell - alone).mean() < 2  # colour at half the size, from other neighbours at the edges


def test_a_wipe_shows_each_model_everywhere_in_turn(models: Path, clip: Path, tmp_path: Path) -> None:
    names = [models / f"{name}.safetensors" for name in ("one", "two")]
    assert run(*names, clip, tmp_path / "wipe.mkv", "--layout", "wipe", "--codec", "ffv1", "--runtime", "torch") == 0
    wipe, source = frames(tmp_path / "wipe.mkv"), frames(clip)
    height, width = source[0].shape[:2]
    band = wipe[0].shape[0] - height
    assert (wipe[0].shape[1], len(wipe)) == (width, 12)
    strip = slice(4, width // 3 - 4)
    assert np.abs(wipe[0][band:, strip].astype(int) - source[0][:, strip]).mean() < 3
    assert np.abs(wipe[0][band:, width // 2].astype(int) - source[0][:, width // 2]).mean() > 10
    later = wipe[-1][band:, width - 3].astype(int) - source[-1][:, width - 3]
    assert np.abs(later).mean() < 12, "after half a second the source's strip comes in from the right"


def test_several_clips_go_into_a_folder(models: Path, clip: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("x.mkv", "y.mkv"):
        shutil.copy(clip, tmp_path / "in" / name)
    model = models / "one.safetensors"
    assert run(model, tmp_path / "in", tmp_path / "out", "--runtime", "torch") == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["01-x.mkv", "02-y.mkv"]
    assert run(model, tmp_path / "in", tmp_path / "out.mp4") == 2


def test_sound_is_heard_on_one_page_at_one_loudness(voice_model: Path, assets: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    audio, rate = soundfile.read(assets / "speech" / "female-1.flac")
    soundfile.write(tmp_path / "in" / "quiet & low.wav", audio[:30000] * 0.05, rate)
    soundfile.write(tmp_path / "in" / "b.flac", audio[5000:30000], rate)
    other = shutil.copy(voice_model, tmp_path / "other.safetensors")
    page = tmp_path / "listen.html"
    assert run(voice_model, other, tmp_path / "in", page) == 0
    text = page.read_text()
    assert "quiet &amp; low.wav" in text
    assert "<script src" not in text
    assert not re.search(r"https?://", text.replace("http://www.w3.org", ""))
    assert "default-src 'none'" in text
    assert "prefers-color-scheme: dark" in text
    players = json.loads(re.search(r'type="application/json">(.*?)</script>', text, re.S)[1])  # type: ignore[index]
    assert [len(player) for player in players] == [3, 3]
    assert text.count('class="version"') == 6
    heard = [soundfile.read(io.BytesIO(base64.b64decode(file))) for file in players[1]]
    assert {found[1] for found in heard} == {rate}
    assert {len(found[0]) for found in heard} == {30000}
    levels = [loudness(found[0], rate) for found in heard]
    assert max(levels) - min(levels) < 0.5
    assert max(np.abs(found[0]).max() for found in heard) <= 1


def test_a_medium_without_a_way_of_its_own_gets_a_sheet(tmp_path: Path) -> None:
    """Also with scores: those that the run recorded at each step, and those of `evaluate`."""
    a, b = write_arrays(tmp_path / "a", 3, 0, 0.3), write_arrays(tmp_path / "b", 3, 1, -0.3)
    options = {"preset": "tiny", "steps": 4, "checkpoint_every": 2, "workers": 0, "device": "cpu"}
    unpaired.train(Arrays(), a, b, tmp_path / "run", **options)  # type: ignore[arg-type]
    line = {"step": 2, "seconds": 1.0, "score": 0.25, "scores.random_kid_a2b": 0.5, "scores.random_kid_b2a": 0.75}
    with (tmp_path / "run" / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")
    names = [f"{tmp_path}/run@2", f"{tmp_path}/run@latest"]
    given = {"domain": Arrays, "runtime": "torch", "device": "cpu"}
    shown: list[float] = []
    report = unpaired.compare(
        names,
        a,
        tmp_path / "sheet.jpg",
        target=b,
        paired=True,
        progress=shown.append,
        **given,  # type: ignore[arg-type]
    )
    assert Pillow.open(tmp_path / "sheet.jpg").size[0] > 400
    first, second = report.models
    assert (first.label, second.label, first.step) == ("run@2", "run@latest (4)", 2)
    assert first.recorded == {"score": 0.25, "random_kid": 0.5}
    assert second.recorded == {}
    assert {"cycle", "identity", "l1"} <= first.evaluated.keys()
    assert shown[-1] == 1.0
    assert json.loads(json.dumps(report.as_dict()))["models"][0]["recorded"]["score"] == 0.25
    assert "random_kid" in report.text()
    assert "untranslated" not in report.text()
    with pytest.raises(unpaired.ConfigError, match="the layout wipe is for footage"):
        unpaired.compare(names, a, tmp_path / "x.png", layout="wipe", **given)  # type: ignore[arg-type]


def test_the_same_average_of_another_length_is_labelled(tmp_path: Path) -> None:
    a, b = write_arrays(tmp_path / "a", 2, 0, 0.3), write_arrays(tmp_path / "b", 2, 1, -0.3)
    options = {"preset": "tiny", "steps": 8, "checkpoint_every": 4, "workers": 0, "device": "cpu"}
    unpaired.train(Arrays(), a, b, tmp_path / "run", **options)  # type: ignore[arg-type]
    report = unpaired.compare(
        [tmp_path / "run", f"{tmp_path}/run@4"], a, tmp_path / "sheet.png", domain=Arrays, ema_length=0.05
    )
    assert [model.label for model in report.models] == ["run@8 ema 0.05", "run@4 ema 0.05"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["one", "nix"], "there is no model at"),
        (["one", "grey"], "one takes 3 channels to 3 and grey 1 to 1; compare models of one kind"),
        (["one", "voice"], "one translates pictures and voice sound; compare models of one medium"),
        (["one", "two", "--direction", "b2a"], "two has no direction 'b2a'; it translates a2b"),
        (["one", "--limit", "0"], "limit is 0; expected 1 or more"),
        (["one", "--strength", "2"], "strength"),
        (["one", "--layout", "wipe"], "the layout wipe is for footage"),
        (["one", "--paired"], "paired is for a folder of targets"),
        (["one", "--ema-length", "0.1"], "is a model by itself"),
    ],
)
def test_what_cannot_be_compared_is_told_in_one_line(
    models: Path, voice_model: Path, tmp_path: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(voice_model, models / "voice.safetensors")
    pictures = write_pictures(tmp_path / "in", 1)
    names = [models / f"{word}.safetensors" for word in words if word in ("one", "two", "grey", "nix", "voice")]
    rest = [word for word in words if word not in ("one", "two", "grey", "nix", "voice")]
    assert run(*names, pictures, tmp_path / "sheet.png", *rest) == 2
    found = capsys.readouterr().err
    assert said in found
    assert found.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


def test_nothing_is_written_over_an_input_or_by_halves(models: Path, tmp_path: Path) -> None:
    pictures = write_pictures(tmp_path / "in", 1)
    model, file = models / "one.safetensors", pictures / "0.png"
    before = file.read_bytes()
    assert run(model, file, file) == 2
    assert run(model, pictures, pictures / "sheet.png") == 2
    (tmp_path / "in" / "0.png").write_bytes(before[:200])
    assert run(model, pictures, tmp_path / "sheet.png") == 2
    file.write_bytes(before)
    assert run(model, pictures, tmp_path / "sheet.gif") == 2
    assert run(model, tmp_path / "nix", tmp_path / "sheet.png") == 2
    assert file.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


def test_what_cannot_be_decoded_in_a_folder_is_left_out_and_named(models: Path, tmp_path: Path) -> None:
    pictures = write_pictures(tmp_path / "in", 2)
    (pictures / "1.png").write_bytes(b"no picture")
    report = unpaired.compare([models / "one.safetensors"], pictures, tmp_path / "sheet.png", runtime="torch")
    assert (report.inputs, report.found) == ((pictures / "0.png",), 2)
    assert "1.png" in report.notes[0]
    assert report.notes[0].startswith("left out")


@pytest.mark.parametrize("models", [[], ["day2night"] * 13])
def test_the_number_of_models_is_bounded(models: list[str], tmp_path: Path) -> None:
    with pytest.raises(unpaired.ConfigError, match="expected 1 to 12"):
        unpaired.compare(models, tmp_path, tmp_path / "x.png")
    with pytest.raises(unpaired.ArgumentError, match="models is 'day2night'; expected a list of models"):
        unpaired.compare("day2night", tmp_path, tmp_path / "x.png")  # type: ignore[arg-type]


def test_a_preview_of_more_than_one_chunk_is_the_first(tmp_path: Path) -> None:
    picture: Tensor = Arrays().show_file(write_arrays(tmp_path / "a", 1, 0, 0.0) / "000.npy", "a")
    assert picture.shape == (3, 32, 32)
