"""Pictures of files for the page, made in a process of their own."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from unpaired.apps.web.facts import read_facts
from unpaired.apps.web.media import REDUCED, STRIP_FRAMES, STRIP_HEIGHT, STRIP_WIDTH, THUMB, look
from unpaired.apps.web.sounds import HIGHEST, LOWEST, pitch_curve, spectrum


def test_a_picture_is_reduced_and_upright(tmp_path: Path) -> None:
    source = tmp_path / "Straße 夜.jpg"
    turned = Image.Exif()
    turned[274] = 6  # shown, it is turned by a quarter
    Image.fromarray(np.full((900, 1600, 3), (200, 30, 30), np.uint8)).save(source, exif=turned)
    facts = look(source, tmp_path / "look")
    assert (facts.kind, facts.width, facts.height, facts.error) == ("picture", 900, 1600, "")
    with Image.open(tmp_path / "look/reduced.png") as reduced, Image.open(tmp_path / "look/thumb.jpg") as thumb:
        assert reduced.size == (REDUCED * 9 // 16, REDUCED)
        assert max(thumb.size) == THUMB
        assert np.abs(np.asarray(reduced)[5, 5].astype(int) - (200, 30, 30)).max() < 5
    assert read_facts(tmp_path / "look") == facts


def test_transparency_and_sixteen_bits_become_a_picture_for_people(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((20, 30, 4), np.uint8)).save(tmp_path / "clear.png")
    Image.fromarray(np.full((20, 30), 40000, np.uint16)).save(tmp_path / "deep.png")
    for name, level in (("clear", 255), ("deep", round(40000 / 257))):
        look(tmp_path / f"{name}.png", tmp_path / name)
        with Image.open(tmp_path / name / "reduced.png") as reduced:
            assert np.abs(np.asarray(reduced.convert("RGB")).astype(int) - level).max() <= 1


def test_pages_of_a_picture_are_told_before_it_is_converted(tmp_path: Path) -> None:
    pages = [Image.new("RGB", (32, 24), (level, 0, 0)) for level in (10, 200)]
    pages[0].save(tmp_path / "scan.tif", save_all=True, append_images=pages[1:])
    facts = look(tmp_path / "scan.tif", tmp_path / "look")
    assert facts.error == "scan.tif holds 2 pages; split it into single pictures first"
    pages[0].save(tmp_path / "moves.webp", save_all=True, append_images=pages[1:])
    facts = look(tmp_path / "moves.webp", tmp_path / "other")
    assert (facts.kind, facts.frames, facts.error) == ("picture", 2, "")


def test_a_clip_has_a_strip_of_frames_in_order(repository: Path, tmp_path: Path) -> None:
    facts = look(repository / "tests/assets/video/road.mp4", tmp_path)
    assert (facts.kind, facts.width, facts.height, facts.frames, facts.sound) == ("clip", 480, 270, 50, True)
    assert facts.seconds == pytest.approx(2.0, abs=0.05)
    with Image.open(tmp_path / "strip.jpg") as strip:
        assert strip.size == (STRIP_FRAMES * STRIP_WIDTH, STRIP_HEIGHT)
        frames = np.split(np.asarray(strip).astype(int), STRIP_FRAMES, axis=1)
    assert all(np.abs(one - next_).mean() > 0.5 for one, next_ in pairwise(frames)), "all alike"


def test_a_recording_has_a_spectrum_and_its_pitch(repository: Path, tmp_path: Path) -> None:
    facts = look(repository / "tests/assets/speech/female-1.flac", tmp_path)
    assert facts.kind == "sound"
    assert facts.seconds == pytest.approx(1.68, abs=0.01)
    ElementTree.parse(tmp_path / "pitch.svg")
    with Image.open(tmp_path / "spectrum.png") as picture:
        assert np.asarray(picture).std() > 10


def test_spectrum_and_pitch_share_their_axes() -> None:
    rate, hz = 16000, 220.0
    tone = sum(np.sin(2 * np.pi * hz * k * np.arange(2 * rate) / rate) / k for k in range(1, 6))
    picture = spectrum(0.2 * np.asarray(tone), rate)
    brightest = int(picture[:, picture.shape[1] // 2].astype(int).sum(axis=1).argmax())
    height = 1 - np.log(hz / LOWEST) / np.log(HIGHEST / LOWEST)
    assert brightest / picture.shape[0] == pytest.approx(height, abs=0.02)
    middle = pitch_curve(0.2 * np.asarray(tone), rate).split("L500.")[1].split("L")[0].split()[1]
    assert float(middle) / 1000 == pytest.approx(height, abs=0.01)


def test_silence_has_a_dark_spectrum_and_no_pitch() -> None:
    silent = np.zeros(16000)
    assert spectrum(silent, 16000).max() < 64
    assert 'd=""' in pitch_curve(silent, 16000)


@pytest.mark.parametrize("name", ["text.png", "text.mp4", "text.txt", "empty.wav"])
def test_what_cannot_be_read_is_said_in_a_sentence_without_a_path(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text("" if "empty" in name else "no picture at all\n" * 20)
    facts = look(file, tmp_path / "look", name="mine.bin")
    assert facts.kind == "unknown"
    assert "mine.bin" in facts.error
    assert str(tmp_path) not in facts.error
    assert read_facts(tmp_path / "look") == facts


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("letter.docx", b"PK" + 99 * b"x", "is neither a picture, nor a clip, nor a recording"),
        ("empty.mp3", b"", "is empty"),
        (
            "zooming.flac",
            b"oming-header" * 9,
            "cannot be read as a recording: it is damaged, or something else by that",
        ),
        ("text.mp4", b"Dear all" * 9, "cannot be read as a clip: it is damaged, or something else by that name"),
    ],
)
def test_why_a_file_cannot_be_read_is_said_in_words_of_people(
    tmp_path: Path, name: str, data: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(data)
    assert look(tmp_path / name, tmp_path / "look").error.startswith(f"{name} {words}")


def test_the_process_imports_no_torch(repository: Path, tmp_path: Path) -> None:
    code = ("import sys; from unpaired.apps.web.media import main; "
            "main(sys.argv[1:]); assert 'torch' not in sys.modules")  # fmt: skip
    for file in ("day2night/square.jpg", "video/road.mp4", "speech/female-1.flac"):
        subprocess.run(
            [sys.executable, "-c", code, str(repository / "tests/assets" / file), str(tmp_path / "look")], check=True
        )
