"""Any recording in, the same kind out: length, rate, channels and sample format exact, damage told, pictures copied."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from kept import row
from synthetic_sound import encode_sound

from unpaired import Audio, MediaError, MissingFile, OutputError, UnpairedError
from unpaired.domains.audio.metadata.kinds import is_sound_name
from unpaired.domains.audio.reading.files import SoundFile
from unpaired.domains.audio.settings import AudioConversion

from .voices import Tilt, read, signal_to_noise, speech, through


def everything(path: Path) -> Any:
    """(channels, samples)."""
    with SoundFile(path) as file:
        return np.concatenate([np.zeros((file.info.channels, 0), np.float32), *file], axis=1)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_wav_keeps_its_sample_format(subtype: str, assets: Path, tmp_path: Path) -> None:
    voice = speech(assets, "male-1")[:20_000]
    soundfile.write(tmp_path / "a.wav", np.stack([voice, 0.3 * voice], axis=1), 44100, subtype=subtype)
    assert through(tmp_path / "a.wav", tmp_path / "b.wav") == []
    before, after = soundfile.info(tmp_path / "a.wav"), soundfile.info(tmp_path / "b.wav")
    for name in ("samplerate", "channels", "frames", "subtype", "format"):
        assert getattr(after, name) == getattr(before, name)
    assert signal_to_noise(read(tmp_path / "a.wav"), read(tmp_path / "b.wav")) > 80
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["a.wav", "b.wav"]


@pytest.mark.parametrize("suffix", [".flac", ".mp3", ".ogg", ".opus", ".aif", ".au", ".caf", ".w64", ".m4a", ".wv"])
def test_every_kind_keeps_the_length(suffix: str, assets: Path, tmp_path: Path) -> None:
    voice = speech(assets, "female-1")[:30_001]
    soundfile.write(tmp_path / "a.wav", voice, 24000)
    through(tmp_path / "a.wav", tmp_path / f"b{suffix}")
    with SoundFile(tmp_path / f"b{suffix}") as file:
        assert (file.info.rate, file.info.channels) == (24000 if suffix != ".opus" else file.info.rate, 1)
    result = everything(tmp_path / f"b{suffix}")
    if suffix == ".opus":  # decoders give 48 kHz
        assert abs(result.shape[1] - 30_001 * file.info.rate // 24000) <= 2
    else:
        assert result.shape == (1, 30_001)
        assert signal_to_noise(voice[None], result) > 12


def test_aac_comes_out_as_aac(assets: Path, tmp_path: Path) -> None:
    voice = np.tile(speech(assets, "female-2"), 2)[: 40 * 1024]
    with av.open(str(tmp_path / "a.m4a"), "w") as container:
        stream: Any = container.add_stream("aac", rate=22050, layout="mono")
        container.mux(encode_sound(stream, voice))
    through(tmp_path / "a.m4a", tmp_path / "b.m4a")
    with SoundFile(tmp_path / "b.m4a") as file:
        assert file.info.codec == "aac"
    assert everything(tmp_path / "b.m4a").shape == everything(tmp_path / "a.m4a").shape


def test_kinds_that_cannot_hold_it_are_refused_with_advice(assets: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.tile(speech(assets, "male-2")[:9000, None], 6), 22050)
    for name in ("b.mp3", "b.xyz", "b"):
        with pytest.raises(MediaError, match="end the name with") as error:
            through(tmp_path / "a.wav", tmp_path / name)
        assert "\n" not in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


def test_what_is_not_a_number_becomes_silence(assets: Path, tmp_path: Path) -> None:
    voice = speech(assets, "female-1")
    voice[[100, 5000]] = np.nan
    voice[7000:7005], voice[7005:7010] = np.inf, -1e30
    soundfile.write(tmp_path / "a.wav", voice, 22050, subtype="FLOAT")
    notes = through(tmp_path / "a.wav", tmp_path / "b.wav", Tilt())
    assert any("12 samples are not numbers" in note for note in notes)
    assert np.isfinite(read(tmp_path / "b.wav")).all()


def test_loud_floats_are_kept_and_whole_numbers_bounded(assets: Path, tmp_path: Path) -> None:
    voice = speech(assets, "female-1")
    voice *= 3 / np.abs(voice).max()
    soundfile.write(tmp_path / "a.wav", voice, 22050, subtype="FLOAT")
    through(tmp_path / "a.wav", tmp_path / "b.wav")
    assert np.abs(read(tmp_path / "b.wav")).max() == pytest.approx(3, rel=1e-3)
    through(tmp_path / "a.wav", tmp_path / "c.flac")
    assert np.abs(read(tmp_path / "c.flac") - np.clip(voice, -1, 1)).max() < 1e-3


def test_files_cut_short_give_what_they_hold(assets: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", speech(assets, "male-1"), 22050)
    whole = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "half.wav").write_bytes(whole[: len(whole) // 2])
    through(tmp_path / "half.wav", tmp_path / "b.wav", Tilt())
    assert everything(tmp_path / "b.wav").shape == everything(tmp_path / "half.wav").shape
    flac = (assets / "speech" / "male-1.flac").read_bytes()
    (tmp_path / "half.flac").write_bytes(flac[: len(flac) // 2])
    assert 0 < everything(tmp_path / "half.flac").shape[1] < len(speech(assets, "male-1"))


@pytest.mark.parametrize(("name", "content"), [("a.wav", b"this is no sound"), ("a.mp3", b""), ("a.mp4", b"\0" * 4000)])
def test_what_is_no_recording_is_refused_in_one_line(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(MediaError) as error:
        through(tmp_path / name, tmp_path / "b.wav")
    assert name in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "b.wav").exists()


def test_nothing_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingFile):
        SoundFile(tmp_path / "none.wav")
    with pytest.raises(MediaError, match="folder"):
        SoundFile(tmp_path)


def test_an_empty_recording_comes_out_empty(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros((0, 2)), 16000)
    through(tmp_path / "a.wav", tmp_path / "b.wav", Tilt())
    info = soundfile.info(tmp_path / "b.wav")
    assert (info.frames, info.samplerate, info.channels) == (0, 16000, 2)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_place_that_takes_nothing_is_an_output_error(assets: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError) as error:
        through(assets / "speech" / "male-1.flac", tmp_path / "file" / "b.wav")
    assert "\n" not in str(error.value)


def test_a_conversion_that_fails_leaves_nothing_behind(assets: Path, tmp_path: Path) -> None:
    class Breaking(Tilt):
        def with_statistics(self, *arguments: Any) -> Any:
            raise MediaError("the network broke")

    (tmp_path / "b.wav").write_bytes(b"before")
    with pytest.raises(MediaError, match="broke"):
        through(assets / "speech" / "male-1.flac", tmp_path / "b.wav", Breaking())
    assert (tmp_path / "b.wav").read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["b.wav"]


def test_a_videos_picture_is_copied_and_its_sound_converted(assets: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "a.mp4", tmp_path / "b.mp4"
    voice = np.tile(speech(assets, "female-1"), 2)[:44100]
    with av.open(str(source), "w") as container, av.open(str(assets / "video" / "road.mp4")) as road:
        picture = container.add_stream_from_template(road.streams.video[0])
        sound: Any = container.add_stream("aac", rate=22050, layout="mono")
        for packet in road.demux(video=0):
            if packet.size:
                packet.stream = picture
                container.mux(packet)
        container.mux(encode_sound(sound, voice))
    through(source, target, Tilt())
    with av.open(str(source)) as before, av.open(str(target)) as after:
        pictures = [[(p.pts, p.dts, bytes(p)) for p in each.demux(video=0) if p.size] for each in (before, after)]
        assert pictures[0] == pictures[1]
        assert after.streams.video[0].disposition == before.streams.video[0].disposition
    one, two = everything(source), everything(target)
    assert one.shape == two.shape
    assert signal_to_noise(one, two) < 20
    notes = through(source, tmp_path / "c.wav")
    assert any("picture is left out" in note for note in notes)
    assert signal_to_noise(one, everything(tmp_path / "c.wav")) > 60
    silent = tmp_path / "silent.mp4"
    with av.open(str(silent), "w") as container, av.open(str(assets / "video" / "road.mp4")) as road:
        picture = container.add_stream_from_template(road.streams.video[0])
        for packet in road.demux(video=0):
            if packet.size:
                packet.stream = picture
                container.mux(packet)
    with pytest.raises(MediaError, match="no sound track"):
        SoundFile(silent)


def test_names_tell_recordings() -> None:
    assert all(map(is_sound_name, ("a.wav", "B.FLAC", "c.m4a", "d.mp4")))
    assert not any(map(is_sound_name, ("a.txt", "wav", "a.png")))


@row("folder of recordings", "MIDI files, projects, playlists, cue sheets and sound of unknown kinds")
@pytest.mark.parametrize("name", ["a.mid", "a.aup3", "a.ptx", "a.m3u", "a.cue", "A.MPC", "a.aax"])
def test_kinds_without_sound_to_read_are_said(name: str, assets: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(b"something else")
    soundfile.write(tmp_path / "in" / "voice.wav", speech(assets, "male-1")[:9000], 22050)
    assert is_sound_name(name)
    with pytest.raises(MediaError, match=r" is .*(sound|recording)") as error:
        SoundFile(tmp_path / "in" / name)
    assert "\n" not in str(error.value)
    with pytest.raises(MediaError, match=r" is .*(sound|recording)"):
        Audio().check_target(tmp_path / name, tmp_path / "in" / name, AudioConversion())
    found = Audio().scan(tmp_path / "in")
    assert [path.name for path in found.files] == ["voice.wav"]
    assert [each.path.name for each in found.broken] == [name]


REFUSED = {
    "106-invalid-streaminfo.flac", "adif.aac", "emptyfile.mp3", "ooming-header.flac", "too-short.mp3",
    "test-44100Hz-le-1ch-4bytes-early-eof-no-data.wav", "test-44100Hz-le-1ch-4bytes-incomplete-chunk.wav",
    "test-8000Hz-le-3ch-5S-36bit.wav", "test-8000Hz-le-3ch-5S-53bit.wav",
}  # fmt: skip


@pytest.mark.slow
def test_odd_and_broken_files_convert_or_are_refused(shared: Path, tmp_path: Path) -> None:
    """All files of the robustness set; what is refused is refused in one line."""
    files = [path for path in sorted((shared / "data" / "robustness" / "audio").rglob("*")) if path.is_file()]
    refused = set()
    for path in files:
        try:
            through(path, tmp_path / "b.wav")
        except UnpairedError as error:
            refused.add((path.name, str(error).count("\n")))
            continue
        written = soundfile.info(tmp_path / "b.wav")
        with SoundFile(path) as source:
            assert (source.info.rate, source.info.channels) == (written.samplerate, written.channels)
            silence = round(source.start * source.info.rate)  # where the first packets are damaged
            assert silence + sum(block.shape[1] for block in source) == written.frames
        (tmp_path / "b.wav").unlink()
    assert len(files) == 48
    assert refused == {(name, 0) for name in REFUSED}
    assert not list(tmp_path.iterdir())


@row("multichannel Opus at high bit rates", "every sample")
def test_opus_with_packets_over_several_pages_is_read_to_its_end(tmp_path: Path) -> None:
    """libsndfile 1.2.2 finds no way to places in such pages, and calls the file damaged there."""
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, (96_000, 6)).astype(np.float32)
    with av.open(str(tmp_path / "a.opus"), "w") as out:
        stream: Any = out.add_stream("libopus", rate=48_000, options={"mapping_family": "1"})
        stream.codec_context.layout, stream.codec_context.bit_rate = "5.1", 1_400_000
        out.mux(encode_sound(stream, sound.T))
    with SoundFile(tmp_path / "a.opus") as file:
        read = np.concatenate(list(file), axis=1)
        assert file.info.layout.startswith("5.1")
        assert file.warnings == ()
    assert read.shape == (6, 96_000)
    assert min(np.corrcoef(read[channel], sound[:, channel])[0, 1] for channel in (0, 1, 2, 4, 5)) > 0.9
