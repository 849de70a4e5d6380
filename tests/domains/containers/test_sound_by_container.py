"""Sound of every codec into every container: it is heard where it was, or was encoded anew, is there all the same, and
that is said."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from kept import row
from placed_sound import lateness, picture_start, write_clip
from synthetic_footage import convert

from unpaired.domains.containers.kinds import CONTAINERS

ENCODERS = {
    "aac": ".mp4", "libmp3lame": ".mkv", "mp2": ".mkv", "ac3": ".mkv", "eac3": ".mkv", "libopus": ".mkv",
    "vorbis": ".mkv", "flac": ".mkv", "alac": ".mkv", "wavpack": ".mkv", "tta": ".mkv", "pcm_s16le": ".mkv",
    "pcm_s24le": ".mkv", "pcm_u8": ".avi", "pcm_mulaw": ".mov", "pcm_s16be": ".mov", "adpcm_ms": ".avi",
    "adpcm_ima_wav": ".avi", "wmav2": ".wmv", "libopencore_amrnb": ".3gp",
}  # fmt: skip
"""Encoders of sound, each with a kind of file that holds its codec."""
KINDS = (".mp4", ".mov", ".mkv", ".webm", ".ts", ".avi", ".flv", ".3gp", ".wmv", ".nut")
ONE_MILLISECOND = 1.0


def made(folder: Path, encoder: str, start: float = 0.0) -> Path:
    """A clip with such sound, in the kind of file that holds it."""
    rate = 8000 if "amr" in encoder else 48_000
    layout = "stereo" if encoder == "vorbis" else "mono"
    return write_clip(folder / f"{encoder}{ENCODERS[encoder]}", encoder, rate=rate, layout=layout, start=start)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, list[float]]]:
    """A clip for each codec, and where its sound lies."""
    folder = tmp_path_factory.mktemp("sources")
    clips = {encoder: made(folder, encoder) for encoder in ENCODERS}
    return {encoder: (clip, lateness(clip)) for encoder, clip in clips.items()}


def through(clip: Path, target: Path, **options: Any) -> tuple[str, ...]:
    """What was said of the sound of a clip on its way into another file."""
    notes = convert(clip, target, preset="8" if target.suffix == ".webm" else "ultrafast", **options)
    return tuple(note for note in notes if "sound" in note)


def sound_codecs(path: Path) -> list[str]:
    with av.open(str(path)) as file:
        return [stream.codec_context.codec.canonical_name for stream in file.streams.audio]


@row("any sound, into any container", "position of the sound")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("encoder", ENCODERS)
def test_sound_is_heard_where_it_was(
    encoder: str, kind: str, sources: dict[str, tuple[Path, list[float]]], tmp_path: Path
) -> None:
    clip, before = sources[encoder]
    notes = through(clip, tmp_path / f"b{kind}")
    (old,), (new,) = sound_codecs(clip), sound_codecs(tmp_path / f"b{kind}")
    old = "mp3" if (old, kind) == ("mp2", ".mp4") else old  # MP4 knows them as one, and decoders as well
    assert any("encoded anew" in note for note in notes) == (old != new)
    after = lateness(tmp_path / f"b{kind}")
    assert all(abs(a - b) <= ONE_MILLISECOND for a, b in zip(after, before, strict=True)), (before, after)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("encoder", ["aac", "libopus", "flac", "pcm_s16le", "libmp3lame", "adpcm_ms"])
def test_sound_that_begins_late_is_as_late(encoder: str, kind: str, tmp_path: Path) -> None:
    """A quarter of a second after the picture; in AVI, which knows no such thing, after silence."""
    holder = ".mkv" if ENCODERS[encoder] != ".avi" else ".wmv"
    clip = write_clip(tmp_path / f"a{holder}", encoder, start=0.25)
    before = lateness(clip)
    assert 240 < before[0] < 260
    through(clip, tmp_path / f"b{kind}")
    assert all(abs(a - b) <= ONE_MILLISECOND for a, b in zip(lateness(tmp_path / f"b{kind}"), before, strict=True))


def samples(path: Path) -> bytes:
    with av.open(str(path)) as file:
        return b"".join(bytes(frame.planes[0]) for frame in file.decode(audio=0))


@pytest.mark.parametrize("encoder", ["pcm_s16le", "pcm_s24le"])
def test_samples_of_two_channels_go_into_mp4_also_where_their_loudspeakers_are_not_named(
    encoder: str, tmp_path: Path
) -> None:
    """Matroska names no loudspeakers of stored samples; MP4 must."""
    clip = write_clip(tmp_path / "a.mkv", encoder, layout="stereo")
    assert not through(clip, tmp_path / "b.mp4")
    assert sound_codecs(tmp_path / "b.mp4") == [encoder]
    assert samples(tmp_path / "b.mp4") == samples(clip)


@pytest.mark.parametrize("kind", [".avi", ".webm", ".mp4", ".wmv"])
def test_a_cut_cuts_sound_where_the_picture_is_cut(kind: str, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mkv", "flac")
    through(clip, tmp_path / f"b{kind}", start=0.6)
    begin = picture_start(tmp_path / f"b{kind}") - Fraction(6, 10)
    beside = [late for late in lateness(tmp_path / f"b{kind}", begin=begin) if late < 900]
    assert len(beside) >= 2
    assert all(abs(late) <= 100 for late in beside)
    exact = kind in (".avi", ".webm", ".wmv")  # what is copied is cut between packets
    assert not exact or all(abs(late) <= ONE_MILLISECOND for late in beside)


def test_a_pause_without_packets_is_silence_where_nothing_has_times(tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "whole.mkv", "flac")
    with av.open(str(whole)) as old, av.open(str(tmp_path / "a.mkv"), "w") as new:
        streams = {stream.index: new.add_stream_from_template(stream) for stream in old.streams}
        for packet in old.demux():
            sound = packet.stream.type == "audio"
            if packet.size and not (sound and 0.5 < packet.pts * packet.time_base < 1.0):
                packet.stream = streams[packet.stream.index]
                new.mux(packet)
    through(tmp_path / "a.mkv", tmp_path / "b.avi")
    first, *_, last = lateness(tmp_path / "b.avi")
    assert abs(first) <= ONE_MILLISECOND
    assert abs(last) <= ONE_MILLISECOND


def test_what_an_encoder_refuses_is_left_out_with_a_note_and_the_rest_is_written(tmp_path: Path) -> None:
    """FLV's only encoder, AAC, has no layout for 12 channels: they go, with a note; the picture and the other stay."""
    clip = write_clip(tmp_path / "a.mkv", "pcm_s16le", layout="mono")
    many = tmp_path / "many.mkv"
    with av.open(str(many), "w") as out, av.open(str(clip)) as old:
        picture = out.add_stream_from_template(old.streams.video[0])
        wide = out.add_stream("pcm_s16le", rate=48_000)
        wide.layout = "7.1.4"
        for packet in old.demux(video=0):
            if packet.size:
                packet.stream = picture
                out.mux(packet)
        frame = av.AudioFrame("s16", "7.1.4", 960)
        frame.sample_rate, frame.pts, frame.time_base = 48_000, 0, Fraction(1, 48_000)
        out.mux(wide.encode(frame))
    notes = through(many, tmp_path / "b.flv")
    assert any("left out" in note for note in notes) or sound_codecs(tmp_path / "b.flv") == ["aac"]


@pytest.mark.parametrize("kind", sorted({kind.name: suffix for suffix, kind in CONTAINERS.items()}.values()))
def test_two_tracks_keep_their_order_and_languages(kind: str, tmp_path: Path) -> None:
    tracks = ({"language": "fra", "title": "One"}, {"language": "eng", "title": "Two"})
    clip = write_clip(tmp_path / "a.mkv", "libmp3lame", tracks=tracks)
    notes = convert(clip, tmp_path / f"b{kind}", preset="8" if kind == ".webm" else "ultrafast")
    with av.open(str(tmp_path / f"b{kind}")) as file:
        found = [stream.metadata.get("language") for stream in file.streams.audio]
    assert all(math.isclose(a, b, abs_tol=1.0) for a, b in zip(lateness(tmp_path / f"b{kind}", 1), lateness(clip, 1),
                                                              strict=True))  # fmt: skip
    if "languages" in CONTAINERS[kind].keeps:
        assert [{"fre": "fra"}.get(language or "", language) for language in found] == ["fra", "eng"]
    else:
        assert any("no room for" in note and "languages" in note for note in notes)


@row("Matroska with packets shorter than a millisecond (TrueHD)", "position of the sound")
def test_packets_shorter_than_a_millisecond_stay_in_their_places(tmp_path: Path) -> None:
    """Several of them have one time in Matroska; put one tick apart, they came to lie a fifth later."""
    clip = write_clip(tmp_path / "a.mkv", "pcm_s16le", together=40)
    assert through(clip, tmp_path / "b.mkv") == ()
    assert max(map(abs, lateness(tmp_path / "b.mkv"))) <= ONE_MILLISECOND
