"""HDR clips: PQ and HLG stay what they are, or are tone-mapped to standard range."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from kept import row
from synthetic_footage import convert
from written_through import write_through

from unpaired import MediaError
from unpaired.core.adapter.review import Review
from unpaired.domains.video import VideoConversion
from unpaired.domains.video.conversion.review import sheet_of
from unpaired.domains.video.frames.colour import Colour, Packer, Unpacker
from unpaired.domains.video.frames.side_data import Light
from unpaired.domains.video.frames.tone_mapping import ToneMap, eetf, hlg_to_scene, light_to_pq, pq_to_light
from unpaired.domains.video.reading.clip import VideoReader
from unpaired.domains.video.reading.probe import probe
from unpaired.domains.video.writing.sequence import SequenceWriter

from .clips import contents

PQ, HLG, SDR = (9, 16, 9), (9, 18, 9), (1, 1, 1)


def hdr_clip(path: Path, signal: np.ndarray[Any, Any], labels: tuple[int, int, int], codec: str = "ffv1") -> Path:
    """Three frames of a signal (3, H, W), 0 to 1, with 10 bits."""
    with av.open(path, "w") as out:
        stream: Any = out.add_stream(codec, rate=25)
        stream.height, stream.width = signal.shape[1:]
        stream.pix_fmt = "yuv444p10le"
        context = stream.codec_context
        context.colorspace, context.color_trc, context.color_primaries, context.color_range = *labels, 1
        pack = Packer("yuv444p10le", Colour(*labels), labels[0], dither=False)
        for number in range(3):
            frame = pack(np.rint(65535 * signal).astype(np.uint16))
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def greys(light: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Stripes (3, 48, 64) of so many cd/m2, in PQ."""
    return np.broadcast_to(np.repeat(light_to_pq(light), 64 // len(light)), (3, 48, 64))


LIGHT = np.array([0.0, 1.0, 10.0, 26.0, 100.0, 203.0, 500.0, 1000.0])


def test_the_curve_is_that_of_bt2390() -> None:
    shown = eetf(LIGHT, 1000.0)
    # By hand, from the formula: the knee is at 0.3864 of PQ (27.6 cd/m2), and 203 cd/m2 come to 0.4955.
    assert np.allclose(shown[:4], LIGHT[:4], atol=1e-6)
    assert float(light_to_pq(np.array(shown[5]))) == pytest.approx(0.4955, abs=5e-4)
    assert shown[-1] == pytest.approx(100.0)
    assert np.all(np.diff(eetf(np.linspace(0, 4000, 4001), 4000.0)) > 0)
    assert np.allclose(eetf(LIGHT[:5], 100.0), LIGHT[:5])


def test_the_transfer_curves_are_those_of_bt2100() -> None:
    assert float(light_to_pq(np.array(100.0))) == pytest.approx(0.5081, abs=1e-4)
    assert float(light_to_pq(np.array(1000.0))) == pytest.approx(0.7518, abs=1e-4)
    assert np.allclose(pq_to_light(light_to_pq(LIGHT)), LIGHT, atol=1e-6)
    assert np.allclose(hlg_to_scene(np.array([0.0, 0.5, 0.75, 1.0])), [0, 1 / 12, 0.265, 1.0], atol=1e-3)


@row("HDR clip (PQ, HLG), `--sdr`", "brightness, colour and labels")
def test_pq_is_tone_mapped_and_said(tmp_path: Path) -> None:
    source = hdr_clip(tmp_path / "a.mkv", greys(LIGHT), PQ)
    notes = convert(source, tmp_path / "b.mp4", sdr=True, codec="h265", crf=4)
    assert "HDR (PQ, up to 1000 cd/m2) was tone-mapped to SDR (BT.709) by the EETF of BT.2390" in notes
    info = probe(tmp_path / "b.mp4")
    assert (info.colour.matrix, info.colour.transfer, info.colour.primaries) == SDR
    assert not info.light
    assert info.depth == 10
    frame = contents(tmp_path / "b.mp4").frames[0]
    shown = Unpacker(48, 64, depth=16)(frame)[:, 24, 4::8] / 65535
    assert np.abs(shown - (eetf(LIGHT, 1000.0) / 100) ** (1 / 2.4)).max() < 0.01


@row("HDR clip (PQ, HLG)", "curve, primaries and matrix")
@pytest.mark.parametrize("labels", [PQ, HLG])
@pytest.mark.parametrize(("name", "codec"), [("b.mp4", "h264"), ("b.mp4", "h265"), ("b.mkv", "av1"),
                                             ("b.mov", "prores"), ("b.mkv", "ffv1")])  # fmt: skip
def test_hdr_stays_hdr(labels: tuple[int, int, int], name: str, codec: str, tmp_path: Path) -> None:
    source = hdr_clip(tmp_path / "a.mkv", greys(LIGHT), labels)
    convert(source, tmp_path / name, codec=codec)
    info = probe(tmp_path / name)
    assert (info.colour.matrix, info.colour.transfer, info.colour.primaries) == labels
    assert info.depth >= 10


@row("HDR clip (PQ, HLG) with fewer than 10 bits or as numbered pictures", "curve")
def test_what_shows_bands_or_says_no_curve_is_said(tmp_path: Path) -> None:
    source = hdr_clip(tmp_path / "a.mkv", greys(LIGHT), PQ)
    assert any("HDR is written with 8 bits" in note for note in convert(source, tmp_path / "b.mp4", depth=8))
    assert not any("8 bits" in note for note in convert(source, tmp_path / "c.mp4", depth=8, sdr=True))
    for sdr in (False, True):
        options = VideoConversion(sdr=sdr)
        with VideoReader(source, options) as reader:
            notes = write_through(reader, SequenceWriter(tmp_path / f"{sdr}/f_%d.png", reader, options))
        assert any("which its pictures do not say" in note for note in notes) != sdr


@row("HDR clip (PQ, HLG) into OpenEXR", "light")
@pytest.mark.parametrize("labels", [PQ, HLG])
def test_codes_of_hdr_are_not_written_as_linear_light(labels: tuple[int, int, int], tmp_path: Path) -> None:
    source = hdr_clip(tmp_path / "a.mkv", greys(LIGHT), labels)
    with VideoReader(source, VideoConversion()) as reader, pytest.raises(MediaError, match=r"linear light .* --sdr"):
        SequenceWriter(tmp_path / "out/f_%d.exr", reader, VideoConversion())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("labels", "light"), [(PQ, 203), (HLG, 203), (SDR, None)])
def test_burnt_in_letters_are_as_bright_as_graphics_in_hdr(
    labels: tuple[int, int, int], light: float | None, tmp_path: Path
) -> None:
    black = np.zeros((3, 48, 64))
    with VideoReader(hdr_clip(tmp_path / "a.mkv", black, labels), VideoConversion()) as reader:
        sheet = sheet_of(Review((), "wipe", True, "in"), reader)
        signal = (float(sheet.compose([np.full((3, 48, 64), -1.0, np.float32)], 2.0, "00:00:00:00").max()) + 1) / 2
    if light is None:
        assert signal == 1.0
        return
    shown = pq_to_light(np.array(signal)) if labels == PQ else 1000 * hlg_to_scene(np.array(signal)) ** 1.2
    assert float(shown) == pytest.approx(light, rel=0.02)  # Report ITU-R BT.2408


def test_standard_range_is_left_alone_and_said(tmp_path: Path) -> None:
    source = hdr_clip(tmp_path / "a.mkv", greys(LIGHT), SDR)
    assert "it is in standard range already, which sdr leaves as it is" in convert(source, tmp_path / "b.mkv", sdr=True)


def test_hlg_white_and_grey_stay_neutral_and_in_place() -> None:
    signal = np.array([0.0, 0.5, 0.75, 1.0])
    planes = np.rint(65535 * np.broadcast_to(signal, (3, 8, 4))).astype(np.uint16)
    shown = ToneMap(Colour(*HLG), Light())(planes)[:, 0] / 65535
    # Of a display of 1000 cd/m2, system gamma 1.2: 75 % of HLG is diffuse white, 203 cd/m2.
    light = 1000 * hlg_to_scene(signal) ** 1.2
    assert light[2] == pytest.approx(203, abs=1)
    assert np.abs(shown - (eetf(light, 1000.0) / 100) ** (1 / 2.4)).max() < 2e-3
    assert np.ptp(shown, axis=0).max() < 2e-3


def test_the_peak_is_the_clips_own_and_colours_are_those_of_bt709() -> None:
    assert ToneMap(Colour(*PQ), Light(levels=(600, 100))).peak == 600
    assert ToneMap(Colour(*PQ), Light(levels=(0, 0))).peak == 1000
    # The red of BT.709 at 20 cd/m2, in BT.2020.
    red = light_to_pq(20 * np.array([0.6274, 0.0691, 0.0164]))
    planes = np.rint(65535 * red[:, None, None] * np.ones((3, 8, 8))).astype(np.uint16)
    shown = ToneMap(Colour(*PQ), Light())(planes)[:, 0, 0] / 65535
    assert shown == pytest.approx([0.2 ** (1 / 2.4), 0.0, 0.0], abs=0.03)
