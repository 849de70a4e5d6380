"""The channels of a recording belong to the same loudspeakers in every kind of file."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from kept import row

from unpaired.domains.audio.metadata.channels import WAVE, mask_of, speakers_in, speakers_of, usual
from unpaired.domains.audio.metadata.chunks import ChunkedFile, add, overwrite
from unpaired.domains.audio.metadata.comments import comments_in, write_flac
from unpaired.domains.audio.metadata.tags import labels_of
from unpaired.domains.audio.reading.files import SoundFile

from .voices import Sound, through

RATE = 48000
VORBIS = {3: (0, 2, 1), 4: (0, 1, 2, 3), 5: (0, 2, 1, 3, 4), 6: (0, 2, 1, 4, 5, 3), 7: (0, 2, 1, 5, 6, 4, 3),
          8: (0, 2, 1, 6, 7, 4, 5, 3)}  # fmt: skip
"""Of channels in FLAC's order, the one at each place of a Vorbis or Opus file (Vorbis I, 4.3.9)."""
KINDS = [".wav", ".flac", ".ogg", ".opus", ".aiff", ".caf", ".w64", ".rf64", ".au"]


def tones(channels: int) -> Sound:
    """A tone of another pitch in each channel, low enough for a bass loudspeaker."""
    time = np.arange(RATE // 4) / RATE
    return np.stack([0.2 * np.sin(2 * np.pi * (60 + 20 * each) * time) for each in range(channels)]).astype(np.float32)


def heard(path: Path) -> list[int]:
    """Which tone is in each channel, as libsndfile gives them."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    spectrum = np.abs(np.fft.rfft(samples.T * np.hanning(len(samples)), 1 << 16))
    return [round((each.argmax() * rate / (1 << 16) - 60) / 20) for each in spectrum]


def in_order(kind: str, channels: int) -> list[int]:
    return list(VORBIS[channels]) if kind in (".ogg", ".opus") else list(range(channels))


@row("5.1 and other recordings of 3 to 8 channels", "loudspeaker of each channel")
@pytest.mark.parametrize("channels", [3, 4, 5, 6, 7, 8])
def test_channels_keep_their_loudspeakers_from_every_kind_to_every_kind(channels: int, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", tones(channels).T, RATE)
    for first in KINDS:
        through(tmp_path / "a.flac", tmp_path / f"b{first}", strength=0.0, pitch="keep")
        assert heard(tmp_path / f"b{first}") == in_order(first, channels), first
    for first in (".ogg", ".opus", ".wav"):
        for second in KINDS:
            through(tmp_path / f"b{first}", tmp_path / f"c{second}", strength=0.0, pitch="keep")
            assert heard(tmp_path / f"c{second}") == in_order(second, channels), (first, second)


def with_mask(path: Path, mask: int, channels: int) -> Path:
    soundfile.write(path, tones(channels).T, RATE, format="WAVEX", subtype="PCM_16")
    chunk = ChunkedFile(path).find(b"fmt ")
    assert chunk is not None
    overwrite(path, chunk, 20, struct.pack("<I", mask))
    return path


@row("WAV that names its loudspeakers", "the channel mask")
@pytest.mark.parametrize(("mask", "channels"), [(0x60F, 6), (0x107, 4), (0x0B, 3), (0x63F, 8), (0x4, 1), (0x3, 2)])
@pytest.mark.parametrize("between", [".wav", ".rf64", ".flac", ".aiff", ".caf"])
def test_masks_of_loudspeakers_are_kept(mask: int, channels: int, between: str, tmp_path: Path) -> None:
    source = with_mask(tmp_path / "a.wav", mask, channels)
    assert through(source, tmp_path / f"b{between}") == []
    through(tmp_path / f"b{between}", tmp_path / "c.wav")
    assert heard(tmp_path / "c.wav") == list(range(channels))
    if channels > 2:
        found = speakers_of(tmp_path / "c.wav", "WAV", "PCM_16", channels)
        assert found is not None
        assert mask_of(found) == mask


def test_the_usual_loudspeakers_stay_named_in_flac_that_names_them(tmp_path: Path) -> None:
    """FFmpeg takes 5.1 to be beside in FLAC that does not say, and behind where the comment says so."""
    path = tmp_path / "a.flac"
    soundfile.write(path, tones(6).T, RATE)
    through(path, tmp_path / "b.flac")
    write_flac(path, labels_of(path), path, 0x3F)
    through(path, tmp_path / "c.flac")
    assert "WAVEFORMATEXTENSIBLE_CHANNEL_MASK" not in dict(comments_in(tmp_path / "b.flac"))
    assert dict(comments_in(tmp_path / "c.flac"))["WAVEFORMATEXTENSIBLE_CHANNEL_MASK"] == "0x3f"


@row("AIFF and CAF with a custom channel order", "loudspeaker of each channel")
@pytest.mark.parametrize(("tag", "order"), [(124, "FC FL FR BL BR LFE"), (123, "FL FC FR BL BR LFE")])
def test_other_orders_of_aiff_and_caf_are_understood(tag: int, order: str, tmp_path: Path) -> None:
    places = [WAVE.index(name) for name in order.split()]
    for kind, name in ((".aiff", b"CHAN"), (".caf", b"chan")):
        soundfile.write(tmp_path / f"a{kind}", tones(6)[places].T, RATE)
        add(tmp_path / f"a{kind}", [(name, struct.pack(">III", tag << 16 | 6, 0, 0))])
        through(tmp_path / f"a{kind}", tmp_path / "b.flac")
        assert heard(tmp_path / "b.flac") == list(range(6))


@pytest.mark.parametrize("labels", [(), (1, 2, 3, 4, 5, 6, 33, 34)])
def test_the_rear_ones_of_two_surround_pairs_are_behind(labels: tuple[int, ...], tmp_path: Path) -> None:
    """Apple's tag 128, and its labels: left, right, centre, bass, left and right surround, rear left and right."""
    tag = 0 if labels else 128 << 16 | 8
    listed = b"".join(struct.pack(">II3f", label, 0, 0, 0, 0) for label in labels)
    soundfile.write(tmp_path / "a.caf", tones(8).T, RATE)
    add(tmp_path / "a.caf", [(b"chan", struct.pack(">III", tag, 0, len(labels)) + listed)])
    assert speakers_of(tmp_path / "a.caf", "CAF", "PCM_16", 8) == ("FL", "FR", "FC", "LFE", "SL", "SR", "BL", "BR")
    through(tmp_path / "a.caf", tmp_path / "b.flac")
    assert heard(tmp_path / "b.flac") == [0, 1, 2, 3, 6, 7, 4, 5]


def test_what_ogg_has_no_place_for_is_said(tmp_path: Path) -> None:
    source = with_mask(tmp_path / "a.wav", 0x0B, 3)  # front left, front right, bass
    notes = through(source, tmp_path / "b.ogg")
    assert notes == [
        ".ogg files have no place for its loudspeakers (FL, FR, LFE); players take the channels, which stand in this "
        "order, for others"
    ]
    assert heard(tmp_path / "b.ogg") == [0, 1, 2]


@row("5.1 and other recordings of 3 to 8 channels", "side and back loudspeakers, if a kind of file has only one pair")
@pytest.mark.parametrize("kind", [".m4a", ".mka", ".wv", ".ogg", ".opus", ".flac", ".caf", ".aiff", ".w64"])
@pytest.mark.parametrize(("mask", "channels"), [(0x60F, 6), (0x3F, 6), (0x607, 5), (0x603, 4), (0x33, 4), (0x70F, 7)])
def test_a_layout_is_kept_or_the_change_is_said(kind: str, mask: int, channels: int, tmp_path: Path) -> None:
    """5.1 with loudspeakers beside is no 5.1 with loudspeakers behind."""
    source = with_mask(tmp_path / "a.wav", mask, channels)
    notes = through(source, tmp_path / f"b{kind}", strength=0.0, pitch="keep")
    with SoundFile(tmp_path / f"b{kind}") as file:
        found = speakers_in(file.info.layout) or (usual(channels) if kind == ".w64" else None)  # it says nothing
    kept = set(found or ()) == {WAVE[bit] for bit in range(11) if mask >> bit & 1}
    assert kept == (not any("loudspeakers" in note for note in notes)), notes


# 2.1, 3.0 with one behind, 4.0, four with two beside, 3.1, 4.1, 6.0, hexagonal, 7.0, 7.1 to the front, octagonal
OF_OTHERS = [(0x0B, 3), (0x103, 3), (0x107, 4), (0x603, 4), (0x0F, 4), (0x10F, 5), (0x707, 6), (0x137, 6), (0x637, 7),
             (0xFF, 8), (0x737, 8)]  # fmt: skip


@row("Opus in Matroska and WebM", "loudspeakers of 2.1, 4.0 and other layouts that Opus has not")
@pytest.mark.parametrize(("mask", "channels"), OF_OTHERS)
def test_channels_that_opus_has_no_place_for_stay_apart(mask: int, channels: int, tmp_path: Path) -> None:
    source = with_mask(tmp_path / "a.wav", mask, channels)
    (said,) = through(source, tmp_path / "b.weba", strength=0.0, pitch="keep")
    assert "loudspeakers" in said
    through(tmp_path / "b.weba", tmp_path / "c.wav", strength=0.0, pitch="keep")
    assert heard(tmp_path / "c.wav") == list(range(channels))


@row("lossless recordings into M4A", "samples")
@pytest.mark.parametrize("mask", [0x3F, 0x63F])
def test_a_loss_where_none_was_is_said(mask: int, tmp_path: Path) -> None:
    """ALAC has eight channels for other loudspeakers alone."""
    channels = mask.bit_count()
    source = with_mask(tmp_path / "a.wav", mask, channels)
    notes = through(source, tmp_path / "b.m4a", strength=0.0, pitch="keep")
    with SoundFile(tmp_path / "b.m4a") as file:
        codec = file.info.codec
    assert codec == ("alac" if channels == 6 else "aac")
    said = "its sound is written with loss, by aac: alac has no 7.1"
    assert notes == ([] if channels == 6 else [said])


@row("sound tracks and recordings of eight channels and more", "all channels")
def test_eight_channels_and_more_go_through_ffmpeg(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", tones(8).T, RATE)
    through(tmp_path / "a.flac", tmp_path / "b.wv")
    through(tmp_path / "b.wv", tmp_path / "c.wav")
    assert heard(tmp_path / "c.wav") == list(range(8))


@row("M4A, Matroska, WavPack and other kinds that FFmpeg writes", "loudspeaker of each channel")
@pytest.mark.parametrize("channels", [3, 4, 5, 6, 7, 8])
@pytest.mark.parametrize("kind", [".m4a", ".mka", ".weba", ".wv"])
def test_channels_keep_their_loudspeakers_where_ffmpeg_writes(kind: str, channels: int, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", tones(channels).T, RATE)
    through(tmp_path / "a.flac", tmp_path / f"b{kind}", strength=0.0, pitch="keep")
    through(tmp_path / f"b{kind}", tmp_path / "c.flac", strength=0.0, pitch="keep")
    assert heard(tmp_path / "c.flac") == list(range(channels))
