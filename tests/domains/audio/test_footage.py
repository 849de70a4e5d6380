"""Footage whose pictures and sound are translated in one pass: what comes out is what two passes give."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from kept import row
from placed_sound import FRAMES_A_SECOND, lateness, write_clip
from untrained import untrained_model

from unpaired import ConfigError, Image, MediaError, Translator
from unpaired.core.model.model_file import Model


@pytest.fixture(scope="module")
def pictures() -> Translator:
    """A model of pictures with random weights."""
    model = untrained_model(Image(size=32), names=("day", "night"), step=7)
    return Translator(model, runtime="torch", name="day2night")


@pytest.fixture(scope="module")
def voices(untrained_voice: Model) -> Translator:
    return Translator(untrained_voice, runtime="torch", name="voices")


@pytest.fixture(scope="module")
def both(pictures: Translator, voices: Translator) -> Translator:
    return pictures.joined_by(voices)


LEAVE: dict[str, Any] = {"voice_strength": 0.0, "pitch": "keep"}


def packets(path: Path, index: int) -> list[tuple[int | None, bytes]]:
    with av.open(str(path)) as file:
        return [(each.pts, bytes(each)) for each in file.demux(file.streams[index]) if each.size]


@row("footage whose pictures and sound are translated in one pass", "pictures, sound and every other track")
@pytest.mark.parametrize("kind", [".mp4", ".mkv", ".mov"])
def test_one_pass_gives_the_packets_of_two(
    kind: str, both: Translator, pictures: Translator, voices: Translator, tmp_path: Path
) -> None:
    clip = write_clip(tmp_path / f"a{kind}", "aac", tracks=({}, {"language": "deu"}))
    once, first, second = (tmp_path / f"{name}{kind}" for name in ("once", "first", "second"))
    report = both.convert(clip, once)
    assert not report.notes
    pictures.convert(clip, first)
    voices.convert(first, second)
    with av.open(str(once)) as file:
        assert [stream.type for stream in file.streams] == ["video", "audio", "audio"]
    for index in range(3):
        assert packets(once, index) == packets(second, index), index


@row("footage whose pictures and sound are translated in one pass", "position of the sound")
@pytest.mark.parametrize("start", [0.0, 0.25])
@pytest.mark.parametrize("kind", [".mkv", ".mov", ".avi", ".webm", ".ts"])
def test_sound_is_heard_where_it_was(kind: str, start: float, both: Translator, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mkv", "pcm_s16le", start=start)
    both.convert(clip, tmp_path / f"b{kind}", **LEAVE)
    before, after = lateness(clip), lateness(tmp_path / f"b{kind}")
    assert all(abs(a - b) <= 1.0 for a, b in zip(after, before, strict=True)), (before, after)


@row("footage whose pictures and sound are translated in one pass", "start and end")
def test_a_cut_takes_the_samples_from_its_first_to_its_last(both: Translator, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mkv", "pcm_s16le")
    both.convert(clip, tmp_path / "b.mkv", start=0.5, end=1.2, **LEAVE)
    whole, cut = samples(clip), samples(tmp_path / "b.mkv")
    assert np.array_equal(cut[1], whole[1][:, 24_000 : 24_000 + round(0.7 * 48_000)])
    assert cut[0] == 0
    with av.open(str(tmp_path / "b.mkv")) as file:
        assert sum(1 for _ in file.decode(video=0)) == round(0.7 * FRAMES_A_SECOND)


def samples(path: Path) -> tuple[Fraction, Any]:
    with av.open(str(path)) as file:
        frames = list(file.decode(audio=0))
    assert frames[0].pts is not None
    return frames[0].pts * frames[0].time_base, np.concatenate([each.to_ndarray() for each in frames], axis=1)


@row("footage without sound, with a voice model beside", "the clip")
def test_a_clip_without_sound_is_refused(both: Translator, tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mkv"), "w") as out:
        stream = out.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
        out.mux([*stream.encode(frame), *stream.encode(None)])
    with pytest.raises(MediaError, match=r"a\.mkv has no sound to translate; leave the voice model out$"):
        both.convert(tmp_path / "a.mkv", tmp_path / "b.mkv")
    assert not (tmp_path / "b.mkv").exists()


@row("footage whose pictures and sound are translated in one pass", "sound beside numbered pictures")
def test_numbered_pictures_have_the_translated_sound_beside_them(both: Translator, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mkv", "pcm_s16le", seconds=0.5)
    part: dict[str, float] = {"start": 0.1, "end": 0.4}
    report = both.convert(clip, tmp_path / "b" / "b_%04d.png", **part)
    assert report.notes[0].text == "its sound is kept in b.wav, beside the frames"
    both.convert(clip, tmp_path / "b.mkv", **part)
    sound = []
    for path in (tmp_path / "b" / "b.wav", tmp_path / "b.mkv"):
        with av.open(str(path)) as file:
            sound.append(np.concatenate([frame.to_ndarray() for frame in file.decode(audio=0)], axis=1))
    assert np.array_equal(*sound)


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        (lambda pictures, voices: pictures.joined_by(pictures), "day2night and day2night both translate pictures"),
        (lambda pictures, voices: voices.joined_by(voices), "voices and voices both translate sound"),
        (lambda pictures, voices: voices.joined_by(pictures), "day2night translates pictures, which voices"),
    ],
)
def test_models_that_do_not_go_together(
    pair: Callable[[Translator, Translator], Translator], said: str, pictures: Translator, voices: Translator
) -> None:
    with pytest.raises(ConfigError, match=said):
        pair(pictures, voices)


def test_another_voice_model_is_another_identity(both: Translator, pictures: Translator, voices: Translator) -> None:
    other = pictures.joined_by(voices, "b2a")
    assert len({pictures.identity(), both.identity(), other.identity()}) == 3


def test_a_fault_of_the_sound_ends_the_conversion(
    both: Translator, pictures: Translator, voices: Translator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unpaired.domains.audio.reading.files import SoundFile

    clip, read = write_clip(tmp_path / "a.mkv", "pcm_s16le"), SoundFile.__iter__
    calls = iter(range(9))

    def failing(self: SoundFile) -> Any:
        if next(calls):
            raise MediaError("the sound broke")
        return read(self)

    monkeypatch.setattr(SoundFile, "__iter__", failing)
    with pytest.raises(MediaError, match=r"^the sound broke$"):
        both.convert(clip, tmp_path / "b.mkv")
    assert not (tmp_path / "b.mkv").exists()
