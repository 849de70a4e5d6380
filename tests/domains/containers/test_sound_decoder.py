"""The order of channels that a file states, and what decoders of sound are told of it.

PyAV 18.1 ends the program where a decoder or a frame has a list of loudspeakers in an order of its own, so no file here
states one: what takes such a list from the decoder is tested by itself.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
from kept import row
from placed_sound import write_clip

from unpaired.domains.audio.reading.track import SoundTrack
from unpaired.domains.containers.sound import SoundDecoder

from .test_sound_by_container import through


def track(layout: str) -> Any:
    """A track whose decoder has a layout."""
    return SimpleNamespace(codec_context=SimpleNamespace(layout=av.AudioLayout(layout)))


@row("MOV with a custom channel order", "loudspeaker of each channel")
@pytest.mark.parametrize(
    ("listed", "told", "order"),
    [
        ("FL+FR+FC+LFE+SL+SR+BL+BR", "7.1", [0, 1, 2, 3, 6, 7, 4, 5]),
        ("FL+FR+FC+LFE+SL+SR+BC", "6.1", [0, 1, 2, 3, 6, 4, 5]),
        ("FR+FL", "stereo", [1, 0]),
        ("SL+TC+FL", "3 channels (FL+SL+TC)", [2, 0, 1]),
        ("FL+FL+FC", "3 channels", None),  # no loudspeaker twice
        ("FL+FR+AMBI0", "3 channels", None),
        ("5.1(side)", "5.1(side)", None),
        ("downmix", "downmix", None),
        ("10 channels", "10 channels", None),
    ],
)
def test_a_decoder_is_told_the_usual_order_before_it_makes_a_frame(
    listed: str, told: str, order: list[int] | None
) -> None:
    stream = track(listed)
    decoder = SoundDecoder(stream)
    assert isinstance(stream.codec_context.layout, str)  # the list is gone from it
    assert av.AudioLayout(stream.codec_context.layout).name == told
    assert decoder.order == order
    count = av.AudioLayout(told).nb_channels
    packed = np.arange(2 * count)[None]
    assert decoder.channels(packed, count)[:, 0].tolist() == (order or [*range(count)])


@pytest.mark.parametrize("kind", [".mov", ".mkv", ".avi"])
def test_no_track_of_sound_is_decoded_past_it(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = write_clip(tmp_path / "a.mov", "pcm_s16le", layout="5.1")
    decoded: list[int] = []
    own = SoundDecoder.decode

    def decode(decoder: SoundDecoder, packet: av.Packet[Any] | None) -> list[av.AudioFrame]:
        frames = own(decoder, packet)
        decoded.extend(frame.samples for frame in frames)
        return frames

    monkeypatch.setattr(SoundDecoder, "decode", decode)
    file = SoundTrack(clip)
    count = sum(block.shape[1] for block in file.blocks())
    file.close()
    assert file.info.layout == "5.1"
    assert sum(decoded) >= count == 76_800
    decoded.clear()
    through(clip, tmp_path / f"b{kind}")
    assert sum(decoded) in (0, 76_800)  # copied, or all of it
