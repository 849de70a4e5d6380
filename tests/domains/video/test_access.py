"""Frames at any place of a clip are those of straight decoding, in every container and codec that can be written."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from kept import row

from unpaired import MediaError
from unpaired.domains.video.reading.decode import ClipAccess, decode

from .clips import make

X265 = "log-level=none:keyint=12:min-keyint=12:b-adapt=0:bframes=2"
X264 = "scenecut=0:b-adapt=0"
CODECS: dict[str, tuple[str, dict[str, str]]] = {
    "H.264": ("libx264", {"g": "12", "bf": "2", "crf": "12", "x264-params": X264}),
    "H.264, open": ("libx264", {"g": "12", "bf": "2", "crf": "12", "x264-params": f"{X264}:open-gop=1"}),
    "H.265": ("libx265", {"preset": "ultrafast", "x265-params": f"{X265}:open-gop=0"}),
    "H.265, open": ("libx265", {"preset": "ultrafast", "x265-params": f"{X265}:open-gop=1"}),
    "MPEG-4": ("mpeg4", {"g": "12", "bf": "2", "qmax": "3"}),
    "MPEG-4 in order": ("mpeg4", {"g": "12", "bf": "0", "qmax": "3"}),
    "MPEG-2": ("mpeg2video", {"g": "12", "bf": "2", "qmax": "3"}),
    "FFV1": ("ffv1", {"g": "12"}),
}
CONTAINERS = (".avi", ".mp4", ".mkv", ".ts", ".mpg", ".flv", ".wmv", ".nut", ".mxf")
NOT_WRITTEN = {
    *(("FFV1", kind) for kind in (".ts", ".mpg", ".flv", ".mp4")),
    *((name, kind) for name in ("H.265", "H.265, open") for kind in (".wmv", ".avi")),
    *((name, ".mxf") for name in ("H.265", "H.265, open", "MPEG-4", "MPEG-4 in order", "H.264", "FFV1")),
    *((name, ".flv") for name in ("MPEG-4", "MPEG-4 in order", "MPEG-2")),
}  # fmt: skip
KINDS = [(codec, kind) for codec in CODECS for kind in CONTAINERS if (codec, kind) not in NOT_WRITTEN]
REORDERED = ["H.264", "H.264, open", "H.265", "H.265, open", "MPEG-4", "MPEG-2"]


def clip(path: Path, codec: str) -> Path:
    name, options = CODECS[codec]
    base = 25 if codec == "MPEG-2" else {".avi": 25, ".mxf": 25, ".flv": 1000}.get(path.suffix, 12800)
    return make(path, 40, codec=name, options=options, time_base=Fraction(1, base))


def agree(path: Path) -> None:
    """Check every frame, backwards, and a stretch of them."""
    through = list(decode(path))
    access = ClipAccess(path)
    assert len(access) == len(through) == 40
    assert np.ptp([float(time - frame.time) for time, frame in zip(access.times, through, strict=True)]) < 1e-3
    for number in reversed(range(40)):
        assert np.array_equal(access.frames(number)[0], through[number].pixels), number
    stretch = access.frames(5, 8, 2)
    assert all(np.array_equal(pixels, through[5 + 2 * n].pixels) for n, pixels in enumerate(stretch))
    access.close()


@row("footage in training", "frames at any place")
@pytest.mark.parametrize(("codec", "kind"), KINDS)
def test_any_frame_is_that_of_straight_decoding(codec: str, kind: str, tmp_path: Path) -> None:
    path = clip(tmp_path / f"a{kind}", codec)
    if kind == ".mpg" and codec != "MPEG-2":
        with pytest.raises(MediaError, match="says of most frames no time, so that none can be sought"):
            ClipAccess(path)
        return
    agree(path)


@pytest.mark.parametrize(
    ("codec", "kind"),
    [(codec, kind) for codec, kind in KINDS if codec in REORDERED and kind in (".mp4", ".mkv", ".ts", ".avi", ".nut")],
)
def test_any_frame_where_only_decoding_times_are_stated(codec: str, kind: str, tmp_path: Path) -> None:
    dated, path = clip(tmp_path / f"dated{kind}", codec), tmp_path / f"a{kind}"
    with av.open(str(dated)) as source, av.open(str(path), "w") as out:
        stream: Any = out.add_stream_from_template(source.streams.video[0])
        packets = [packet for packet in source.demux(source.streams.video[0]) if packet.size]
        for number, packet in enumerate(packets):
            packet.stream = stream
            packet.pts = packet.dts = round(number * Fraction(1, 25) / packet.time_base)
            out.mux(packet)
    agree(path)
