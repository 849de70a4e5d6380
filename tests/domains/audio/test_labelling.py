"""What a recording says beside its sound comes along, or is said to be left out."""

from __future__ import annotations

import io
import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from kept import row
from PIL import Image
from synthetic_sound import voice, write

from unpaired.domains.audio.metadata import comments, id3
from unpaired.domains.audio.metadata.chunks import ChunkedFile, add, splice, wave64_name
from unpaired.domains.audio.metadata.labels import Chapter, Labels, Picture
from unpaired.domains.audio.metadata.tags import labels_of

from .voices import through

RATE = 16000
LEAVE = {"strength": 0.0, "pitch": "keep"}
CHUNKS = [
    (b"bext", b"A description".ljust(256, b"\0") + b"someone".ljust(346, b"\0")),
    (b"cue ", struct.pack("<I", 1) + struct.pack("<II4sIII", 1, 4000, b"data", 0, 0, 4000)),
    (b"LIST", b"adtl" + b"labl" + struct.pack("<II", 8, 1) + b"cue\0"),
    (b"smpl", bytes(36)),
    (b"iXML", b"<BWFXML/>"),
    (b"LIST", b"INFO" + b"INAM" + struct.pack("<I", 6) + b"Title\0"),
]
"""Chunks of WAV beside format and samples; one has an odd number of bytes."""


def cover(kind: str = "JPEG") -> Picture:
    with io.BytesIO() as file:
        Image.new("RGB", (32, 24), "red").save(file, kind)
        return Picture(f"image/{kind.lower()}", file.getvalue(), 3, "", 32, 24)


ALL = Labels(
    {"title": "Über", "artist": "Someone", "album": "Album", "track": "3/9", "date": "2021-05-04", "genre": "Speech",
     "comment": "a comment", "composer": "Composer", "lyrics": "la la", "mood": "calm"},
    (cover(),),
    (Chapter(Fraction(0), Fraction(1, 2), "One"), Chapter(Fraction(1, 2), Fraction(1), "Two")),
)  # fmt: skip


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A second of a recording with nothing beside it."""
    tone = 0.2 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)
    soundfile.write(tmp_path / "plain.wav", tone, RATE)
    return tmp_path / "plain.wav"


@pytest.fixture
def labelled(plain: Path, tmp_path: Path) -> Path:
    """The same as MP3 with everything that ID3 has."""
    through(plain, tmp_path / "labelled.mp3", **LEAVE)
    id3.write_mp3(tmp_path / "labelled.mp3", ALL, None)
    return tmp_path / "labelled.mp3"


def test_labels_read_as_written(labelled: Path) -> None:
    assert labels_of(labelled) == ALL
    assert soundfile.info(labelled).frames == RATE


@row("WAV, RF64", "chunks beside the sound (bext, cue, smpl, iXML, LIST ...), to WAV and RF64")
@pytest.mark.parametrize("kind", [".wav", ".rf64"])
def test_chunks_of_wav_are_kept(kind: str, plain: Path, tmp_path: Path) -> None:
    add(plain, CHUNKS)
    assert through(plain, tmp_path / f"b{kind}", **LEAVE) == []
    assert ChunkedFile(tmp_path / f"b{kind}").beside_sound() == CHUNKS
    assert np.array_equal(soundfile.read(plain)[0], soundfile.read(tmp_path / f"b{kind}")[0])


@row("WAV, RF64", "the same, to other kinds of file")
@pytest.mark.parametrize("kind", [".flac", ".mp3", ".ogg", ".aiff", ".m4a", ".w64"])
def test_chunks_that_have_no_place_are_named_in_one_note(kind: str, plain: Path, tmp_path: Path) -> None:
    add(plain, CHUNKS)
    notes = through(plain, tmp_path / f"b{kind}", **LEAVE)
    assert len(notes) == 1
    for what in ("cue points", "labels of cue points", "sampler data", "production data (iXML)"):
        assert what in notes[0]
    if kind not in (".w64", ".m4a"):
        assert labels_of(tmp_path / f"b{kind}").tags["title"] == "Title"


@row("Wave64, AIFF, CAF", "chunks beside the sound, to the same kind")
@pytest.mark.parametrize(
    ("kind", "chunk"),
    [
        (".w64", (b"bext" + bytes.fromhex("f3acd3118cd100c04f8edb8a"), b"A description".ljust(602, b"\0"))),
        (".aiff", (b"MARK", struct.pack(">HHIB", 1, 1, 4000, 5) + b"first")),
        (".caf", (b"mark", bytes(8))),
    ],
)
def test_chunks_of_other_kinds_are_kept(kind: str, chunk: tuple[bytes, bytes], plain: Path, tmp_path: Path) -> None:
    through(plain, tmp_path / f"a{kind}", **LEAVE)
    add(tmp_path / f"a{kind}", [chunk])
    through(tmp_path / f"a{kind}", tmp_path / f"b{kind}", **LEAVE)
    assert chunk in ChunkedFile(tmp_path / f"b{kind}").beside_sound()
    assert soundfile.info(tmp_path / f"b{kind}").frames == RATE


@row("MP3, FLAC, Ogg, WAV, AIFF", "tags, covers, chapters, in every pair of these")
@pytest.mark.parametrize("first", [".mp3", ".flac", ".ogg", ".opus", ".wav", ".aiff"])
def test_labels_are_kept_between_kinds_that_hold_them(first: str, labelled: Path, tmp_path: Path) -> None:
    assert through(labelled, tmp_path / f"b{first}", **LEAVE) == []
    for second in (".mp3", ".flac", ".ogg", ".wav"):
        assert through(tmp_path / f"b{first}", tmp_path / f"c{second}", **LEAVE) == []
        found = labels_of(tmp_path / f"c{second}")
        assert found.tags == ALL.tags
        assert found.pictures == ALL.pictures
        assert [(each.start, each.title) for each in found.chapters] == [(0, "One"), (Fraction(1, 2), "Two")]
        rate = soundfile.info(tmp_path / f"c{second}").samplerate
        assert soundfile.info(tmp_path / f"c{second}").frames == rate


@row("recordings with tags, covers and chapters", "to kinds that do not support some of them")
@pytest.mark.parametrize(
    ("kind", "what"),
    [(".caf", "1 picture, 2 chapters"), (".au", "the tags album, artist, comment"), (".m4a", "the tag mood"),
     (".wv", "1 picture, 2 chapters")],
)  # fmt: skip
def test_labels_that_have_no_place_are_named_in_one_note(kind: str, what: str, labelled: Path, tmp_path: Path) -> None:
    (note,) = through(labelled, tmp_path / f"b{kind}", **LEAVE)
    assert note.startswith(f"left out, as {kind} files have no place for it: ")
    assert what in note


@row("M4A, M4B, Matroska", "tags, covers, chapters")
@pytest.mark.parametrize("first", [".m4a", ".m4b", ".mka"])
def test_labels_of_m4a_and_matroska(first: str, labelled: Path, tmp_path: Path) -> None:
    through(labelled, tmp_path / f"b{first}", **LEAVE)
    assert b"ftypM4" in (tmp_path / f"b{first}").read_bytes()[:16] or first == ".mka"
    for second in (first, ".mp3"):
        through(tmp_path / f"b{first}", tmp_path / f"c{second}", **LEAVE)
        found = labels_of(tmp_path / f"c{second}")
        assert dict(found.tags, mood="calm") == ALL.tags
        assert [picture.data for picture in found.pictures] == [cover().data]
        assert [(each.start, each.title) for each in found.chapters] == [(0, "One"), (Fraction(1, 2), "Two")]


@row("FLAC, Ogg", "all comment fields, cue sheets, pictures")
def test_comments_and_blocks_of_flac_come_as_they_are(plain: Path, tmp_path: Path) -> None:
    through(plain, tmp_path / "a.flac", **LEAVE)
    begin, blocks, end = comments._flac_blocks(tmp_path / "a.flac")
    sheet = bytes(395) + b"\1" + struct.pack(">QB", RATE, 255) + bytes(27)
    fields = [("ARTIST", "One"), ("Artist", "Two"), ("X-ODD", "1=2")]
    block = next(each for each in blocks if each.kind == 4)
    changed = [each for each in blocks if each is not block]
    changed += [comments._Block(4, comments._pack(fields, b"maker")), comments._Block(5, sheet)]
    splice(tmp_path / "a.flac", begin, end, b"".join(each.encode(each is changed[-1]) for each in changed))
    through(tmp_path / "a.flac", tmp_path / "b.flac", **LEAVE)
    assert comments.comments_in(tmp_path / "b.flac") == fields
    assert sheet in [each.content for each in comments._flac_blocks(tmp_path / "b.flac")[1]]
    through(tmp_path / "b.flac", tmp_path / "c.ogg", **LEAVE)
    assert comments.comments_in(tmp_path / "c.ogg") == fields


@row("MP3", "ID3v2, ID3v1 and APE tags")
def test_frames_of_mp3_come_as_they_are(plain: Path, tmp_path: Path) -> None:
    through(plain, tmp_path / "a.mp3", **LEAVE)
    private = id3._frame("PRIV", b"owner\0\1\2\3")
    stale = id3._frame("COMM", b"\3engiTunSMPB\0 00000000 00000210 00000726")
    tag = b"ID3\4\0\0" + id3._syncsafe(len(private + stale)) + private + stale
    last = b"TAG" + b"A title".ljust(125, b"\0")
    (tmp_path / "b.mp3").write_bytes(tag + (tmp_path / "a.mp3").read_bytes() + last)
    through(tmp_path / "b.mp3", tmp_path / "c.mp3", **LEAVE)
    written = (tmp_path / "c.mp3").read_bytes()
    assert private in written
    assert b"iTunSMPB" not in written
    assert written.endswith(last)
    assert soundfile.info(tmp_path / "c.mp3").frames == RATE


@row("MP3 that does not state its length", "length")
def test_a_guessed_length_is_no_promise(plain: Path, tmp_path: Path) -> None:
    through(plain, tmp_path / "a.mp3", **LEAVE)
    first = (tmp_path / "a.mp3").read_bytes()
    assert id3.counts_frames(tmp_path / "a.mp3")
    bare = first[first.index(b"\xff\xf3", 4) :]  # without the frame that counts the others
    id3_tag = id3.made(Labels({"comment": "long " * 4000}))
    (tmp_path / "b.mp3").write_bytes(id3_tag + bare)
    assert not id3.counts_frames(tmp_path / "b.mp3")
    assert soundfile.info(tmp_path / "b.mp3").frames > 1.5 * RATE
    assert through(tmp_path / "b.mp3", tmp_path / "c.mp3", **LEAVE) == []
    assert soundfile.info(tmp_path / "c.mp3").frames < 1.2 * RATE


@row("Wave64 with chunks after the sound", "the sound")
def test_chunks_behind_the_sound_of_wave64_are_no_sound(plain: Path, tmp_path: Path) -> None:
    through(plain, tmp_path / "a.w64", **LEAVE)
    whole = (tmp_path / "a.w64").read_bytes()
    chunk = wave64_name(b"bext") + struct.pack("<Q", 24 + 608) + bytes(range(256)) * 2 + bytes(96)
    size = struct.pack("<Q", len(whole) + len(chunk))
    (tmp_path / "a.w64").write_bytes(whole[:16] + size + whole[24:] + chunk)
    through(tmp_path / "a.w64", tmp_path / "b.wav", **LEAVE)
    assert np.array_equal(soundfile.read(plain)[0], soundfile.read(tmp_path / "b.wav")[0])


def test_a_header_of_many_pages_moves_the_pages_of_sound(plain: Path, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, 30 * RATE)
    soundfile.write(tmp_path / "a.ogg", noise, RATE)
    before = soundfile.read(tmp_path / "a.ogg")[0]
    comments.write_ogg(tmp_path / "a.ogg", Labels({"lyrics": "la " * 50_000}, (cover("PNG"),)), plain)
    assert np.array_equal(soundfile.read(tmp_path / "a.ogg")[0], before)
    with av.open(str(tmp_path / "a.ogg")) as container:
        assert sum(frame.samples for frame in container.decode(audio=0)) == len(noise)
    found = labels_of(tmp_path / "a.ogg")
    assert len(found.tags["lyrics"]) > 149_000
    assert found.pictures == (cover("PNG"),)


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=600))
def test_damaged_chunks_are_no_fault(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("damaged") / "a"
    for head in (
        b"RIFF\0\0\0\0WAVE", b"RF64\0\0\0\0WAVEds64", b"FORM\0\0\0\0AIFF", b"caff\0\1\0\0", b"fLaC", b"OggS",
        b"ID3\3\0\0",
    ):  # fmt: skip
        path.write_bytes(head + data)
        ChunkedFile(path).beside_sound()
        comments.comments_in(path)
        id3.leading(path)
        id3.trailing(path)


@pytest.mark.parametrize("name", ["a.wav", "a.aiff", "a.ogg", "a.opus"])
def test_the_same_sound_makes_the_same_file(tmp_path: Path, name: str) -> None:
    """libsndfile writes the time of the day into files of floats, and draws the number of a stream in Ogg."""
    source = write(tmp_path / "in.wav", voice(120, 0.5, rate=48_000), 48_000, "FLOAT")
    for folder in ("one", "other"):
        through(source, tmp_path / folder / name)
    made = tmp_path / "one" / name
    assert made.read_bytes() == (tmp_path / "other" / name).read_bytes()
    peak = ChunkedFile(made).find(b"PEAK")
    assert (peak is None) == made.name.startswith("a.o")
    assert peak is None or ChunkedFile(made).content(peak)[4:8] == bytes(4)
    assert soundfile.info(made).frames == 24_000
