"""Several models on the same files in one picture: layouts, names and timecode, the contact sheet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest
from kept import row
from PIL import Image as Pillow
from synthetic_footage import levels, moving, write_clip
from untrained import untrained_model

from unpaired import ConfigError, Image, MediaError, Translator, review
from unpaired.core.model.model_file import Model
from unpaired.domains.image.files import read_picture
from unpaired.domains.image.layouts import Sheet, ascii_of
from unpaired.domains.video import decode
from unpaired.domains.video.reading.clip import VideoReader


def model(seed: int, name: str) -> Translator:
    made = untrained_model(Image(size=32), seed=seed, names=("day", "night"), step=7)
    return Translator(made, "torch", "cpu", name)


@pytest.fixture(scope="module")
def models() -> list[Translator]:
    return [model(0, "one"), model(10, "two")]


def write_exr(path: Path, values: np.ndarray) -> None:
    """Half floats, red, green, blue and alpha."""
    spec = oiio.ImageSpec(values.shape[1], values.shape[0], 4, oiio.TypeDesc("half"))
    spec.channelnames = ("R", "G", "B", "A")
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), spec)
    assert out.write_image(values)
    assert out.close()


def frames(path: Path) -> list[np.ndarray]:
    return [frame.pixels for frame in decode(path)]


@row("footage and pictures, `--side-by-side`, `--wipe`, `--grid`", "the source, and what each model makes of it")
@pytest.mark.parametrize(("layout", "size"), [("side-by-side", (48, 192)), ("grid", (96, 128)), ("wipe", (48, 64))])
def test_a_clip_shows_what_each_model_makes_of_it(
    layout: Any, size: tuple[int, int], models: list[Translator], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = write_clip(tmp_path / "a.mkv", moving(4))
    opened: list[Path] = []
    read = VideoReader.arrays
    monkeypatch.setattr(VideoReader, "arrays", lambda self: opened.append(self.path) or read(self))
    report = review(models, clip, tmp_path / "b.mkv", layout=layout, codec="ffv1")
    assert opened == [clip]  # decoded once
    assert report.converted == (tmp_path / "b.mkv",)
    monkeypatch.undo()
    shown, alone = frames(tmp_path / "b.mkv"), []
    for number, each in enumerate(models):
        each.convert(clip, tmp_path / f"{number}.mkv", codec="ffv1")
        alone.append(frames(tmp_path / f"{number}.mkv"))
    assert shown[0].shape[:2] == size
    source = frames(clip)
    for n in range(4):
        if layout == "wipe":
            assert np.array_equal(shown[n][:, 2:20] if n == 0 else shown[n][:, 8:20], source[n][:, 2:20]
                                  if n == 0 else source[n][:, 8:20])  # fmt: skip
            assert np.array_equal(shown[n][:, 30:40], alone[0][n][:, 30:40])
            assert np.array_equal(shown[n][:, 52:60], alone[1][n][:, 52:60])
        else:
            places = {"side-by-side": [(0, 0), (0, 64), (0, 128)], "grid": [(0, 0), (0, 64), (48, 0)]}[layout]
            for (top, left), part in zip(places, (source, *alone), strict=True):
                assert np.array_equal(shown[n][top : top + 48, left : left + 64], part[n])


@row("footage and pictures, `--burn-in`", "names, and the timecode of footage")
def test_names_and_timecode_are_written_in_the_corners(models: list[Translator], tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mkv", levels(3, 96, 160))
    for name, burn_in in (("plain", False), ("named", True)):
        review(models[:1], clip, tmp_path / f"{name}.mkv", burn_in=burn_in, codec="ffv1", start="f1")
    for plain, named in zip(frames(tmp_path / "plain.mkv"), frames(tmp_path / "named.mkv"), strict=True):
        changed = (plain != named).any(2)
        assert changed[:14, :60].mean() > 0.5
        assert changed[:14, 160:220].any()
        assert changed[-14:, -60:].mean() > 0.5
        assert not changed[20:-20].any()
    named = frames(tmp_path / "named.mkv")
    assert not np.array_equal(named[0][-14:, -60:], named[1][-14:, -60:])  # frame 01, then 02


def test_pictures_keep_every_pixel(models: list[Translator], tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (37, 53, 3), dtype=np.uint8)
    (tmp_path / "in").mkdir()
    Pillow.fromarray(pixels).save(tmp_path / "in" / "a.png")
    Pillow.fromarray(pixels[:20]).save(tmp_path / "in" / "b.png")
    review(models, tmp_path / "in", tmp_path / "out", layout="grid")
    models[1].convert(tmp_path / "in" / "a.png", tmp_path / "two.png")
    shown, two = (np.asarray(Pillow.open(tmp_path / name)) for name in ("out/a.png", "two.png"))
    assert shown.shape == (74, 106, 3)
    assert np.array_equal(shown[:37, :53], pixels)
    assert np.array_equal(shown[37:, :53], two)
    assert np.asarray(Pillow.open(tmp_path / "out" / "b.png")).shape == (40, 106, 3)


@row("footage and pictures, `--burn-in`", "names in other letters than ASCII")
def test_names_are_spelled_in_ascii_or_that_is_said(models: list[Translator], tmp_path: Path) -> None:
    assert ascii_of("Größe Łódź café Ärger") == "Groesse Lodz cafe Aerger"
    assert ascii_of("東京-2") == "??-2"
    Pillow.new("RGB", (40, 40)).save(tmp_path / "a.png")
    named = model(0, "東京")
    report = review([named], tmp_path / "a.png", tmp_path / "b.png", burn_in=True)
    assert [note.text for note in report.notes] == ["a name is written as ??: there are letters for ASCII alone"]


def test_a_wipe_moves_over_the_picture() -> None:
    sheet = Sheet(["a", "b"], 10, 80, "wipe", burn_in=False)
    black, white = np.full((3, 10, 80), -1.0, np.float32), np.full((3, 10, 80), 1.0, np.float32)
    for seconds, left in ((0.0, 0), (2.0, 20), (6.0, 60), (8.0, 0)):
        shown = sheet.compose([black, white], seconds)[0, 5]
        expected = np.roll(np.r_[np.full(40, -1.0), np.full(40, 1.0)], left)
        edges = [(left + at) % 80 for at in (0, 40)]
        assert np.array_equal(np.delete(shown, edges), np.delete(expected, edges)), seconds


@row("footage and pictures, `--side-by-side`, `--wipe`, `--grid`", "transparency, light above 1, other layers")
@pytest.mark.parametrize("layout", ["side-by-side", "grid"])
def test_transparent_frames_are_laid_out_and_that_is_said(
    layout: Any, models: list[Translator], tmp_path: Path
) -> None:
    pixels = np.full((24, 40, 4), 90, np.uint8)
    (tmp_path / "in").mkdir()
    for number in (1, 2):
        Pillow.fromarray(pixels).save(tmp_path / "in" / f"a_{number}.png")
    size = {"side-by-side": (120, 24), "grid": (80, 48)}[layout]
    for source, target in (("in/a_%d.png", "out/b_%d.png"), ("in/a_1.png", "out/b_1.png")):
        report = review(models, tmp_path / source, tmp_path / target, layout=layout, burn_in=True)
        assert Sheet.OPAQUE in [note.text for note in report.notes]
        shown = Pillow.open(tmp_path / "out" / "b_1.png")
        assert (shown.size, shown.mode) == (size, "RGB")


def test_scene_linear_light_laid_out_is_said_to_end_at_one(models: list[Translator], tmp_path: Path) -> None:
    values = np.full((24, 40, 4), 0.5, np.float16)
    values[:4, :, :3] = 3.0
    for number in (1, 2):
        write_exr(tmp_path / f"a_{number}.exr", values)
    for source, target in (("a_%d.exr", "b_%d.exr"), ("a_1.exr", "c_1.exr")):
        report = review(models[:1], tmp_path / source, tmp_path / target, burn_in=True)
        notes = " / ".join(note.text for note in report.notes)
        assert "light above 1" in notes
        assert Sheet.OPAQUE in notes
    for name in ("b_1.exr", "c_1.exr"):
        shown = read_picture(tmp_path / name)
        assert (shown.width, shown.height, shown.alpha) == (80, 24, None)


@row("footage, `--contact-sheet`", "a row for each shot")
def test_a_contact_sheet_has_a_row_for_each_shot(models: list[Translator], tmp_path: Path) -> None:
    grey = [np.full((48, 64, 3), level, np.uint8) for level in (20, 60, 100, 140, 180, 220)]
    clip = write_clip(tmp_path / "a.mkv", grey)
    (tmp_path / "cuts.txt").write_text("f2\n")
    sheet = tmp_path / "sheet.png"
    models[0].convert(clip, tmp_path / "b.mkv", contact_sheet=sheet, known_cuts=tmp_path / "cuts.txt", cuts=False)
    pixels = np.asarray(Pillow.open(sheet)).astype(int)
    assert pixels.shape == (2 * 144, 6 * 192, 3)
    cells = [[pixels[144 * r + 72, 192 * c + 96, 0] for c in (0, 2, 4)] for r in (0, 1)]
    assert np.abs(np.array(cells) - [[20, 20, 60], [100, 140, 220]]).max() <= 1
    for c in (1, 3, 5):  # the translations have no names, and no box for them
        cell = pixels[:144, 192 * c : 192 * (c + 1)]
        assert np.ptp(cell[:16, :6]) <= 1 + np.ptp(cell[20:, 20:])


def test_a_contact_sheet_for_each_clip_of_a_folder(models: list[Translator], tmp_path: Path) -> None:
    (tmp_path / "sheets").mkdir()
    for name in ("a", "b"):
        write_clip(tmp_path / "in" / f"{name}.mkv", moving(2))
    models[0].convert(tmp_path / "in", tmp_path / "out", contact_sheet=tmp_path / "sheets")
    assert sorted(path.name for path in (tmp_path / "sheets").iterdir()) == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize(
    ("options", "fault", "said"),
    [
        ({"layout": "plain"}, ConfigError, "one picture cannot show 2 models"),
        ({"layout": "rows"}, ConfigError, "layout is 'rows'; expected one of plain, side-by-side, wipe, grid"),
        ({"side_by_side": True}, ConfigError, "laid out for review already"),
        ({"contact_sheet": Path("sheet.gif")}, MediaError, "no name for a contact sheet"),
        ({"known_cuts": Path("none.edl")}, Exception, "there is no file of cuts none.edl"),
    ],
)
def test_what_cannot_be_shown(
    options: dict[str, Any], fault: type[Exception], said: str, models: list[Translator], tmp_path: Path
) -> None:
    clip = write_clip(tmp_path / "a.mkv", moving(2))
    with pytest.raises(fault, match=said):
        review(models, clip, tmp_path / "b.mkv", **options)
    assert not (tmp_path / "b.mkv").exists()


def test_sound_is_not_seen(untrained_voice: Model, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no pictures to lay beside each other"):
        review([Translator(untrained_voice, "torch")], write_clip(tmp_path / "a.mkv", moving(2)), tmp_path / "b.mkv")


@row("OpenEXR with a data window smaller than the display window, `--burn-in`", "letters outside the data window")
def test_letters_reach_beyond_a_small_data_window(models: list[Translator], tmp_path: Path) -> None:
    spec = oiio.ImageSpec(40, 20, 3, "half")
    spec.x, spec.y, spec.full_width, spec.full_height = 30, 40, 100, 80
    for number in (1, 2):
        out = oiio.ImageOutput.create(str(tmp_path / f"a_{number}.exr"))
        assert out.open(str(tmp_path / f"a_{number}.exr"), spec)
        assert out.write_image(np.full((20, 40, 3), 0.5, np.float16))
        out.close()
    for source, target in (("a_%d.exr", "b_%d.exr"), ("a_1.exr", "c_1.exr")):
        plain = tmp_path / f"plain_{target}"
        for path, burn_in in ((plain, False), (tmp_path / target, True)):
            report = review(models[:1], tmp_path / source, path, layout="wipe", burn_in=burn_in)
            assert any("it is laid out for review" in note.text for note in report.notes)
        named, bare = (read_picture(Path(str(path).replace("%d", "1"))).pixels for path in (tmp_path / target, plain))
        assert named.shape == (80, 100, 3)
        assert (named != bare).any(2)[:14, :40].mean() > 0.2
