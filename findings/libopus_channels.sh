#!/usr/bin/env bash
# FFmpeg's libopus encoder, left to choose its channel mapping, writes 5.0 and 6.1 with channels in wrong places.
#
# Guess: a 5.0 or 6.1 track encoded by FFmpeg's libopus decodes to the same loudspeakers, as 3.0, quad, 5.1 and 7.1 do.
# Behaviour: with the default mapping_family (-1) the centre of 5.0 comes out of the right rear loudspeaker (and more are
# exchanged); 6.1 likewise. With mapping_family=1 all are right. Seen with PyAV 18.1.0 (FFmpeg 8.1, libopus from its
# wheel) and with the ffmpeg program 5.1.9 (`-c:a libopus` on a 6.1 file).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet av==18.1.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" - <<'PYTHON'
import sys

import av
import numpy as np

RATE = 48000
LAYOUTS = {3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
SWAPPED = {5: [0, 1, 3, 4, 2], 7: [0, 1, 5, 3, 2, 4, 6]}


def there_and_back(channels, options):
    """Which of the tones that went in comes out of each channel."""
    time = np.arange(RATE // 2) / RATE
    tones = np.stack([0.2 * np.sin(2 * np.pi * (60 + 10 * k) * time) for k in range(channels)])
    with av.open("a.mka", "w") as container:
        stream = container.add_stream("libopus", rate=RATE)
        stream.codec_context.layout = LAYOUTS[channels]
        stream.codec_context.bit_rate = 600_000
        stream.codec_context.options = options
        packed = np.ascontiguousarray(tones.T, np.float32).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=LAYOUTS[channels])
        frame.sample_rate = RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with av.open("a.mka") as container:
        frames = list(container.decode(audio=0))
        assert frames[0].layout.name == LAYOUTS[channels]
        resampler = av.AudioResampler(format="flt", layout=LAYOUTS[channels], rate=RATE)
        parts = [part.to_ndarray().reshape(-1, channels) for frame in frames for part in resampler.resample(frame)]
    spectrum = np.abs(np.fft.rfft(np.concatenate(parts).T, 1 << 17))
    return [round((each.argmax() * RATE / (1 << 17) - 60) / 10) for each in spectrum]


print("PyAV", av.__version__, "libavcodec", av.library_versions["libavcodec"])
changed = False
for channels, layout in LAYOUTS.items():
    default, family = there_and_back(channels, {}), there_and_back(channels, {"mapping_family": "1"})
    print(f"{layout:5} default {default}  mapping_family=1 {family}")
    changed |= default != SWAPPED.get(channels, list(range(channels))) or family != list(range(channels))
sys.exit("the behaviour has changed" if changed else 0)
PYTHON
