"""Translated sound in the files that FFmpeg writes: where it is heard, what is written on it, what stays beside it."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from av.stream import Disposition
from kept import row
from placed_sound import lateness, noise, write_clip
from synthetic_sound import encode_sound
from written_through import write_through

from unpaired import MediaError
from unpaired.domains.audio.reading.files import SoundFile
from unpaired.domains.audio.reading.reader import open_recording
from unpaired.domains.audio.settings import AudioConversion
from unpaired.domains.audio.writing.writer import AudioWriter

ENCODERS = {
    "aac": ".mp4", "libmp3lame": ".mkv", "ac3": ".mkv", "libopus": ".mkv", "flac": ".mkv", "alac": ".mkv",
    "pcm_s16le": ".mkv", "pcm_u8": ".avi", "adpcm_ms": ".avi", "wmav2": ".wmv", "vorbis": ".mkv",
}  # fmt: skip
KINDS = (".mp4", ".mov", ".mkv", ".3gp", ".wmv", ".nut")
"""Kinds of file that take such a picture."""
SOUND_KINDS = (
    ".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".m4b", ".aac", ".mka", ".weba", ".wma", ".ac3", ".eac3", ".wv",
    ".tta", ".mp2", ".mpg", ".ogv", ".3ga", ".aiff", ".caf", ".au", ".w64",
)  # fmt: skip


def identity(source: Path, target: Path) -> tuple[str, ...]:
    """A recording through reader and writer with nothing between them; what both had to say."""
    reader = open_recording(source, "a")
    try:
        return write_through(reader, AudioWriter(target, reader, AudioConversion()))
    finally:
        reader.close()


def samples(path: Path) -> tuple[int, Any]:
    """Rate and samples (channels, n)."""
    with SoundFile(path) as file:
        return file.info.rate, np.concatenate(list(file), axis=1)


def tracks(path: Path) -> list[tuple[str, str, dict[str, str], Disposition]]:
    with av.open(str(path)) as file:
        return [
            (s.type, s.codec_context.name if s.codec_context else "", dict(s.metadata), s.disposition)
            for s in file.streams
        ]


@row("video whose sound is translated", "position of the sound")
@pytest.mark.parametrize("encoder", ENCODERS)
def test_translated_sound_is_heard_where_it_was(encoder: str, tmp_path: Path) -> None:
    layout = "stereo" if encoder == "vorbis" else "mono"
    clip = write_clip(tmp_path / f"a{ENCODERS[encoder]}", encoder, layout=layout)
    before = lateness(clip)
    for kind in KINDS if clip.suffix != ".avi" else (*KINDS, ".avi"):
        identity(clip, tmp_path / f"b{kind}")
        assert all(abs(a - b) <= 1.0 for a, b in zip(lateness(tmp_path / f"b{kind}"), before, strict=True)), kind


@row("video whose sound is translated", "language, title, default flag and position of the track; chapters; tags")
@pytest.mark.parametrize("kind", [".mkv", ".mp4", ".mov", ".nut"])
def test_the_translated_track_stands_where_the_other_stood(kind: str, tmp_path: Path) -> None:
    clip = tmp_path / "a.mkv"
    named = ({"language": "deu", "title": "Narrator"}, {"language": "eng", "title": "Comments"})
    write_clip(tmp_path / "plain.mkv", "flac", tracks=named)
    with av.open(str(tmp_path / "plain.mkv")) as old, av.open(str(clip), "w") as new:
        new.metadata["title"] = "A walk"
        new.set_chapters([
            {"id": 1, "start": 0, "end": 800, "time_base": Fraction(1, 1000), "metadata": {"title": "One"}},
            {"id": 2, "start": 800, "end": 1600, "time_base": Fraction(1, 1000), "metadata": {"title": "Two"}},
        ])  # fmt: skip
        streams = {}
        for stream in (*old.streams.audio, *old.streams.video):  # the translated one comes first
            streams[stream.index] = new.add_stream_from_template(stream)
            streams[stream.index].metadata.update(stream.metadata)
        streams[old.streams.audio[0].index].disposition = Disposition.default
        streams[old.streams.audio[1].index].disposition = Disposition.comment
        for packet in old.demux():
            if packet.size:
                packet.stream = streams[packet.stream.index]
                new.mux(packet)
    identity(clip, tmp_path / f"b{kind}")
    found = [track for track in tracks(tmp_path / f"b{kind}") if track[0] in ("audio", "video")]
    assert [kind for kind, *_ in found] == ["audio", "audio", "video"]
    first, second = found[0], found[1]
    name = "handler_name" if kind in (".mp4", ".mov") else "title"
    assert (first[2]["language"], first[2][name]) == ("ger" if kind == ".mov" else "deu", "Narrator")
    assert (second[2]["language"], second[2][name]) == ("eng", "Comments")
    assert first[3] & Disposition.default
    assert not second[3] & Disposition.default
    with av.open(str(tmp_path / f"b{kind}")) as file:
        assert file.metadata["title"] == "A walk"
        assert [(c["start"] * c["time_base"], c["metadata"]["title"]) for c in file.chapters()] == [
            (0, "One"), (Fraction(8, 10), "Two"),
        ]  # fmt: skip


@row("video whose sound is translated", "labels that the new container does not support")
def test_labels_without_a_place_are_said(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mp4", "aac", picture="libx264", tracks=({"language": "fra", "title": "One"},))
    notes = identity(clip, tmp_path / "b.flv")
    assert any("no room for" in note and "languages" in note for note in notes)


@row("video whose sound is translated", "additional sound tracks")
def test_further_tracks_are_copied_in_their_places(tmp_path: Path) -> None:
    named = tuple({"language": language} for language in ("fra", "eng", "ita"))
    clip = write_clip(tmp_path / "a.mkv", "flac", tracks=named)
    identity(clip, tmp_path / "b.mkv")
    found = [track[2].get("language") for track in tracks(tmp_path / "b.mkv") if track[0] == "audio"]
    assert found == ["fra", "eng", "ita"]
    with av.open(str(clip)) as old, av.open(str(tmp_path / "b.mkv")) as new:
        kept = [[bytes(p) for p in file.demux(file.streams.audio[2])] for file in (old, new)]
    assert kept[0] == kept[1]


@row("recording in Matroska or M4A", "additional sound tracks")
@pytest.mark.parametrize("kind", [".mka", ".m4a"])
def test_further_tracks_of_a_recording_are_kept_too(kind: str, tmp_path: Path) -> None:
    source = write_clip(tmp_path / f"a{kind}", "aac", picture=None, tracks=({"language": "fra"}, {"language": "eng"})) \
        if kind == ".mka" else _two_in_m4a(tmp_path)  # fmt: skip
    identity(source, tmp_path / f"b{kind}")
    assert [track[2].get("language") for track in tracks(tmp_path / f"b{kind}")] == ["fra", "eng"]
    notes = identity(source, tmp_path / "b.ac3")
    assert any("1 further sound tracks are left out" in note for note in notes)


def _two_in_m4a(folder: Path) -> Path:
    made = write_clip(folder / "a.mp4", "aac", picture=None, tracks=({"language": "fra"}, {"language": "eng"}))
    return made.rename(folder / "a.m4a")


@row("AVI of a camera", "sound without a named layout")
@pytest.mark.parametrize("encoder", ["pcm_u8", "adpcm_ima_wav", "adpcm_ms"])
def test_a_cameras_avi_becomes_mp4_with_all_its_pictures(encoder: str, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.avi", encoder, rate=22_050, picture="mjpeg")
    identity(clip, tmp_path / "b.mp4")
    assert [(kind, codec) for kind, codec, *_ in tracks(tmp_path / "b.mp4")] == [("video", "mjpeg"), ("audio", "aac")]
    with av.open(str(clip)) as old, av.open(str(tmp_path / "b.mp4")) as new:
        counts = [sum(1 for _ in file.decode(video=0)) for file in (old, new)]
    assert counts == [16, 16]


@row("video whose sound is translated", "a picture that the new container does not preserve")
@pytest.mark.parametrize(("codec", "kind"), [("libx264", ".avi"), ("ffv1", ".ts"), ("mpeg4", ".ts")])
def test_a_picture_that_would_be_lost_is_refused(codec: str, kind: str, tmp_path: Path) -> None:
    """AVI has no times of frames; MPEG-TS takes what no demuxer finds again."""
    clip = write_clip(tmp_path / "a.mkv", "aac", picture=codec)
    with pytest.raises(MediaError, match="the picture cannot be copied into such a"):
        identity(clip, tmp_path / f"b{kind}")
    assert not (tmp_path / f"b{kind}").exists()


@row("any recording, into any kind of file", "first and last sample")
@pytest.mark.parametrize("kind", [*SOUND_KINDS, ".ts", ".flv"])
@pytest.mark.parametrize("rate", [44_100, 96_000])
def test_a_recording_begins_where_it_began_and_loses_nothing(rate: int, kind: str, tmp_path: Path) -> None:
    sound = noise(0.7, rate).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", np.stack([sound, sound], axis=1), rate, subtype="PCM_16")
    notes = identity(tmp_path / "a.wav", tmp_path / f"b{kind}")
    found, heard = samples(tmp_path / f"b{kind}")
    assert any(f"written at {found} Hz" in note for note in notes) == (found != rate)
    expected = noise(0.7, found)
    assert heard.shape[0] == 2
    assert 0 <= heard.shape[1] - len(expected) <= (0 if not any("whole frames" in n for n in notes) else 4096) or (
        kind == ".3ga" and heard.shape[1] - len(expected) < 1024
    )
    size = 1 << 18
    alike = np.fft.irfft(np.fft.rfft(heard[0], size) * np.conj(np.fft.rfft(expected, size)), size)
    assert int(alike.argmax()) == 0
    last = slice(len(expected) - found // 50, len(expected))
    assert np.corrcoef(heard[0, last], expected[last])[0, 1] > 0.7


def test_sound_that_begins_late_is_as_late(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mkv", "flac", start=0.25)
    for kind in (".mkv", ".mp4", ".mov", ".wmv", ".nut"):
        identity(clip, tmp_path / f"b{kind}")
        assert all(249 <= late <= 251 for late in lateness(tmp_path / f"b{kind}")), kind


def test_a_cover_stays_a_cover(tmp_path: Path) -> None:
    """In Matroska that is an attachment: as a track it would be a second video."""
    clip = write_clip(tmp_path / "plain.mp4", "aac", picture="libx264")
    picture = av.codec.CodecContext.create("mjpeg", "w")
    picture.width, picture.height, picture.pix_fmt, picture.time_base = 16, 16, "yuvj420p", Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(np.full((16, 16, 3), 90, np.uint8), format="rgb24").reformat(format="yuvj420p")
    frame.pts = 0
    (cover,) = [*picture.encode(frame), *picture.encode(None)]
    with av.open(str(clip)) as old, av.open(str(tmp_path / "a.mp4"), "w") as new:
        streams = {stream.index: new.add_stream_from_template(stream) for stream in old.streams}
        extra = new.add_stream("mjpeg", rate=1)
        extra.width, extra.height, extra.pix_fmt = 16, 16, "yuvj420p"
        extra.disposition = Disposition.attached_pic
        new.start_encoding()
        cover.stream, cover.pts, cover.dts = extra, 0, 0
        new.mux(cover)
        for packet in old.demux():
            if packet.size:
                packet.stream = streams[packet.stream.index]
                new.mux(packet)
    for kind in (".mp4", ".mkv"):
        identity(tmp_path / "a.mp4", tmp_path / f"b{kind}")
        found = [disposition for type_, _, _, disposition in tracks(tmp_path / f"b{kind}") if type_ == "video"]
        assert [bool(each & Disposition.attached_pic) for each in found] == [False, True], kind
    notes = identity(tmp_path / "a.mp4", tmp_path / "b.ts")
    assert any("cover picture" in note and "left out" in note for note in notes)


@row("recording of no or few samples", "kinds of file that cannot hold so few")
@pytest.mark.parametrize("count", [0, 1, 10, 1000])
@pytest.mark.parametrize("kind", SOUND_KINDS)
def test_few_samples_come_back_or_are_refused(count: int, kind: str, tmp_path: Path) -> None:
    """Never a file of 0 bytes, nor one that nobody reads."""
    soundfile.write(tmp_path / "a.wav", noise(count / 44_100, 44_100) if count else np.zeros(0), 44_100)
    made = tmp_path / f"b{kind}"
    try:
        notes = identity(tmp_path / "a.wav", made)
    except MediaError as error:
        assert re.search("too few for|holds no samples", str(error))  # noqa: PT017 (one or the other)
        assert not made.exists()
        return
    assert ("it holds no samples; it was left as it is" in notes) == (count == 0)
    rate, heard = samples(made) if count else (44_100, np.zeros((1, 0)))
    assert made.stat().st_size > 0
    assert heard.shape[1] >= count * rate // 44_100


@row("FLAC written to a pipe", "length missing from the header")
def test_a_flac_without_a_length_is_read_to_its_end(tmp_path: Path) -> None:
    pipe = _Pipe()
    with av.open(pipe, "w", format="flac") as out:
        stream = out.add_stream("flac", rate=44_100)
        stream.layout = "mono"
        sound = (20_000 * noise(2.4, 44_100)).astype(np.int16)
        out.mux(encode_sound(stream, sound))
    (tmp_path / "a.flac").write_bytes(pipe.data)
    assert identity(tmp_path / "a.flac", tmp_path / "b.wav") == ()
    np.testing.assert_array_equal(soundfile.read(tmp_path / "b.wav", dtype="int16")[0], sound)


class _Pipe:
    """Where nobody can go back to fill in a header."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, block: bytes) -> int:
        self.data += block
        return len(block)
