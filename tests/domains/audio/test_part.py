"""A part of a recording: exactly its samples, converted as if it were a file of its own."""

from __future__ import annotations

import struct
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from kept import row
from placed_sound import write_clip

from unpaired import Audio, ConfigError, MediaError
from unpaired.domains.audio.metadata import id3
from unpaired.domains.audio.metadata.chunks import ChunkedFile, add
from unpaired.domains.audio.metadata.labels import Chapter, Labels, of_part
from unpaired.domains.audio.metadata.tags import labels_of
from unpaired.domains.audio.reading.files import SoundFile
from unpaired.domains.audio.settings import AudioConversion

from .voices import Identity, Tilt, through

LEAVE = {"strength": 0.0, "pitch": "keep"}
RATE = 11025


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    """Three seconds of noise in two channels, 16 bits, longer than a block."""
    rng = np.random.default_rng(3)
    soundfile.write(tmp_path / "noise.wav", rng.uniform(-0.5, 0.5, (12 * RATE, 2)), RATE, subtype="PCM_16")
    return tmp_path / "noise.wav"


@row("recordings of which a part is converted", "its samples")
@pytest.mark.parametrize(
    ("start", "end"), [(None, 0.1), (0.1, None), (0.1, 2.7), (5.94, 6.0), (11.9999, 20.0), (0.0, 12.0), (0.0, 1e-4)]
)
def test_a_part_is_exactly_its_samples(start: float | None, end: float | None, noise: Path, tmp_path: Path) -> None:
    whole = soundfile.read(noise)[0]
    first = round(Fraction(repr(start or 0.0)) * RATE)
    last = len(whole) if end is None else round(Fraction(repr(end)) * RATE)
    for kind in (".wav", ".flac"):
        assert through(noise, tmp_path / f"part{kind}", **LEAVE, start=start, end=end) == []
        assert np.array_equal(soundfile.read(tmp_path / f"part{kind}")[0], whole[first:last]), kind


@given(cuts=st.lists(st.integers(1, 119_999), min_size=1, max_size=4, unique=True))
def test_parts_that_meet_are_the_whole(cuts: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    from unpaired.domains.audio.reading.part import Part

    rng, folder = np.random.default_rng(3), tmp_path_factory.mktemp("parts")
    soundfile.write(folder / "a.wav", rng.uniform(-0.5, 0.5, 120_000), 44_100, subtype="PCM_16")
    places = [0, *sorted(cuts), 120_000]
    with SoundFile(folder / "a.wav") as file:
        whole = np.concatenate(list(file), axis=1)
        parts = [list(Part(file, one / 44_100, other / 44_100)) for one, other in pairwise(places)]
        assert np.array_equal(np.concatenate([piece for part in parts for piece in part], axis=1), whole)


def test_a_part_is_converted_as_a_file_of_its_own(assets: Path, tmp_path: Path) -> None:
    voice = assets / "speech" / "female-1.flac"
    sound, rate = soundfile.read(voice)
    soundfile.write(tmp_path / "cut.flac", sound[round(0.3 * rate) : round(1.1 * rate)], rate, subtype="PCM_16")
    through(tmp_path / "cut.flac", tmp_path / "one.flac", Tilt())
    through(voice, tmp_path / "two.flac", Tilt(), start=0.3, end=1.1)
    assert np.array_equal(soundfile.read(tmp_path / "one.flac")[0], soundfile.read(tmp_path / "two.flac")[0])


@row("recordings of which a part is converted", "sound that begins after the picture")
def test_seconds_are_those_of_the_file(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mkv", "flac", start=0.4)
    through(clip, tmp_path / "whole.wav", **LEAVE)
    whole, rate = soundfile.read(tmp_path / "whole.wav")
    with SoundFile(clip) as file:
        assert file.start > 0
    for start, end in ((0.05, 0.9), (0.6, 1.2)):
        notes = through(clip, tmp_path / "part.wav", **LEAVE, start=start, end=end)
        assert [each for each in notes if "picture" not in each] == []
        assert np.array_equal(soundfile.read(tmp_path / "part.wav")[0], whole[round(start * rate) : round(end * rate)])


@row("recordings of which a part is converted", "picture and further tracks of footage")
def test_pictures_are_not_cut(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mkv", "flac")
    with pytest.raises(MediaError, match=r"start and end cut sound alone.*end the name with \.wav"):
        through(clip, tmp_path / "b.mkv", **LEAVE, start=0.1)
    assert not (tmp_path / "b.mkv").exists()


@row("recordings of which a part is converted", "tags, covers, chapters")
@pytest.mark.parametrize("kind", [".mp3", ".flac", ".ogg", ".m4a", ".wav"])
def test_chapters_move_with_the_part(kind: str, noise: Path, tmp_path: Path) -> None:
    chapters = (Chapter(Fraction(0), Fraction(2), "One"), Chapter(Fraction(2), Fraction(5), "Two"),
                Chapter(Fraction(5), Fraction(12), "Three"))  # fmt: skip
    through(noise, tmp_path / "a.mp3", **LEAVE)
    id3.write_mp3(tmp_path / "a.mp3", Labels({"title": "Noise"}, (), chapters), None)
    through(tmp_path / "a.mp3", tmp_path / f"b{kind}", **LEAVE, start=2.5, end=6.0)
    found = labels_of(tmp_path / f"b{kind}")
    assert found.tags["title"] == "Noise"
    assert [(each.start, each.title) for each in found.chapters] == [(0, "Two"), (Fraction(5, 2), "Three")]


def test_labels_of_a_part() -> None:
    labels = Labels({"title": "a", "time_reference": "7"}, (), (Chapter(Fraction(1), Fraction(2), "One"),))
    assert of_part(labels, Fraction(1, 2), None) == Labels(
        {"title": "a"}, (), (Chapter(Fraction(1, 2), Fraction(3, 2), "One"),)
    )
    assert of_part(labels, Fraction(2), None).chapters == ()
    assert of_part(labels, Fraction(0), Fraction(1)).chapters == ()


@row("recordings of which a part is converted", "cue points, loops and what else counts samples")
def test_cue_points_are_left_out_with_a_note(noise: Path, tmp_path: Path) -> None:
    cue = struct.pack("<I", 1) + struct.pack("<II4sIII", 1, 4000, b"data", 0, 0, 4000)
    add(noise, [(b"cue ", cue)])
    (note,) = through(noise, tmp_path / "b.wav", **LEAVE, start=1.0)
    assert note == "left out, as it counts from the beginning of the whole: cue points"
    assert ChunkedFile(tmp_path / "b.wav").beside_sound() == []


def test_sound_that_ffmpeg_reads_ends_where_it_is_told(tmp_path: Path) -> None:
    sound = write_clip(tmp_path / "a.m4a", "alac", picture=None)
    through(sound, tmp_path / "whole.wav", **LEAVE)
    assert through(sound, tmp_path / "b.wav", **LEAVE, start=0.5, end=1.25) == []
    whole, rate = soundfile.read(tmp_path / "whole.wav")
    assert np.array_equal(soundfile.read(tmp_path / "b.wav")[0], whole[rate // 2 : 5 * rate // 4])


@pytest.mark.parametrize("chosen", [{"start": 12.0}, {"start": 100.0, "end": 200.0}])
def test_a_part_without_sound_is_refused(chosen: dict[str, Any], noise: Path, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"noise\.wav has no sound between start and end; it is 12\.00 s long"):
        through(noise, tmp_path / "b.wav", Identity(), **chosen)
    assert not (tmp_path / "b.wav").exists()


@pytest.mark.parametrize(
    ("chosen", "fault"),
    [({"start": -1.0}, "start is -1.0; expected 0 seconds or more"),
     ({"end": float("inf")}, "end is inf; expected 0 seconds or more"),
     ({"start": 2.0, "end": 1.0}, "start is 2.0 and end 1.0; start must be less")],
)  # fmt: skip
def test_what_is_no_part_is_a_fault(chosen: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        AudioConversion(**chosen)


def test_a_voice_that_is_spoken_has_no_part() -> None:
    with pytest.raises(ConfigError, match="a voice that is spoken is translated until it ends"):
        Audio().convert_live("-", "-", Identity(), "a", AudioConversion(start=1.0))
