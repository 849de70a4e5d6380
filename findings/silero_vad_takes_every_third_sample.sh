#!/usr/bin/env bash
# Sound at 48 kHz is given to silero-vad's get_speech_timestamps with sampling_rate=48000, which it takes ("8000 and 16000, or a
# multiple"). Guess: it resamples, so that the answer is that for the same sound at 16 kHz. With silero-vad 6.2.3 it takes every
# third sample without a filter before (and warns that it is "casting"): whatever lies above 8 kHz is mirrored into the
# band of speech. A tone at 17.5 kHz, which few adults hear, 20 dB below the peak of a buzzing voice-like sound, turns what is 8 % speech
# at 16 kHz into more than 90 % at 48 kHz. Cure: resample to 16 kHz first. Exits with 1 when that changes.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q torch==2.12.1 silero-vad==6.2.3 numpy==2.4.6 scipy==1.17.0
cd "$place"
cat > whine.py <<'PYTHON'
import warnings

import numpy as np
import torch
from scipy import signal
from silero_vad import get_speech_timestamps, load_silero_vad

warnings.simplefilter("ignore")
rate, model, random = 48000, load_silero_vad(), np.random.default_rng(0)
times = np.arange(6 * rate) / rate
pitch = 120 + 20 * np.sin(2 * np.pi * 0.7 * times) + 5 * np.sin(2 * np.pi * 3 * times)
pulses = np.diff(np.floor(np.cumsum(pitch) / rate), prepend=0) + 0.003 * random.standard_normal(len(times))
vowels = [(730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480), (570, 840, 2410)]
length, voice = rate // 5, np.zeros(len(times))
for number in range(len(times) // length):
    part = slice(number * length, (number + 1) * length)
    syllable = pulses[part] * np.hanning(length) * (number % 8 != 7)
    for formant in vowels[number % 5]:
        radius = np.exp(-np.pi * 90 / rate)
        turn = 2 * radius * np.cos(2 * np.pi * formant / rate)
        syllable = signal.lfilter([1 - radius], [1, -turn, radius**2], syllable)
    voice[part] = syllable
voice *= 0.3 / np.abs(voice).max()
whine = 0.03 * np.sin(2 * np.pi * 17500 * times)


def share(sound, hertz):
    spans = get_speech_timestamps(torch.from_numpy(sound.astype(np.float32)), model, sampling_rate=hertz)
    return round(100 * sum(each["end"] - each["start"] for each in spans) / len(sound))


for sound in (voice, voice + whine):
    print(share(signal.resample_poly(sound, 1, 3), 16000), share(sound, rate))
PYTHON
"$place/venv/bin/python" whine.py > seen.txt
echo "per cent speech at 16 kHz, and at 48: without the tone $(sed -n 1p seen.txt), with it $(sed -n 2p seen.txt)"
read -r filtered taken < <(sed -n 2p seen.txt)
[ "$filtered" -lt 20 ] && [ "$taken" -gt 90 ] && echo "as described" || { echo "CHANGED"; exit 1; }
