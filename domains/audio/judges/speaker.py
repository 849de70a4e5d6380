"""Who speaks: the speaker encoder of Resemblyzer (Wan et al. 2018, *Generalized end-to-end loss for speaker
verification*), trained on thousands of English speakers.

The package itself depends on webrtcvad, which has no wheels, and imports librosa. So its weights are read from where it
is installed and its steps are repeated here: loudness, silences cut by WebRTC's detector, partial utterances of 1.6 s.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage, signal
from torch import Tensor, nn
from torch.nn import functional

from ....core.runtimes.packages import require
from ..signal.mel import mel_filters
from ..signal.sound import Sound
from .weights import RATE, weights_in

Embedding = npt.NDArray[np.float64]

_FFT, _HOP, _BINS = 400, 160, 40
_PARTIAL, _STEP = 160, 77
"""Frames of a partial utterance, and from one to the next."""
_LEAST = 0.75
"""Share of the last partial utterance that must be sound."""
_SIZE = 256
_TARGET = 10 ** (-30 / 20)
"""Root mean square that quiet recordings are brought to."""
_WINDOW, _AVERAGED, _LONGEST_SILENCE = 480, 8, 6
"""Samples that are voice or not, windows that this is averaged over, and windows of silence that are kept."""


class SpeakerEncoder(nn.Module):
    """Embeddings of recordings: unit vectors, the cosines of which say how alike two voices are.

    Raises:
        MissingDependency: resemblyzer or webrtcvad-wheels is not installed.
    """

    def __init__(self) -> None:
        super().__init__()
        self._detectors: Any = require("webrtcvad", "webrtcvad-wheels")
        self._filters = mel_filters(RATE, _FFT, _BINS).astype(np.float64)
        self.lstm = nn.LSTM(_BINS, _SIZE, 3, batch_first=True)
        self.linear = nn.Linear(_SIZE, _SIZE)
        state = torch.load(weights_in("resemblyzer", "pretrained.pt"), map_location="cpu", weights_only=True)
        self.load_state_dict({name: value for name, value in state["model_state"].items() if "similarity" not in name})
        self.eval().requires_grad_(False)

    @torch.no_grad()
    def forward(self, mel: Tensor) -> Tensor:
        """(N, 160, 40) mel power -> (N, 256) of length 1."""
        hidden = self.lstm(mel)[1][0]
        return functional.normalize(functional.relu(self.linear(hidden[-1])), dim=1)

    def embedding(self, audio: Sound) -> Embedding:
        """Of a recording (samples,) at 16 kHz: (256,), the mean over partial utterances, of length 1."""
        sound = self.without_silence(_loud_enough(audio))
        count = -(-(len(sound) + 1) // _HOP)
        starts = [*range(0, max(1, count - _PARTIAL + _STEP + 1), _STEP)]
        covered = (len(sound) - starts[-1] * _HOP) / (_PARTIAL * _HOP)
        if covered < _LEAST and len(starts) > 1:
            starts.pop()
        sound = np.pad(sound, (0, max(0, (starts[-1] + _PARTIAL) * _HOP - len(sound))))
        mel = self._mel(sound)
        partials = self(torch.from_numpy(np.stack([mel[start : start + _PARTIAL] for start in starts])))
        mean = partials.double().mean(0).numpy()
        return cast(Embedding, mean / np.linalg.norm(mean))

    def _mel(self, sound: Sound) -> Sound:
        """(frames, 40) mel power of centred frames; beyond both ends there is silence."""
        frames = np.lib.stride_tricks.sliding_window_view(np.pad(sound, _FFT // 2), _FFT)[::_HOP]
        power = np.square(np.abs(np.fft.rfft(frames * signal.get_window("hann", _FFT), axis=1)))
        return (power @ self._filters.T).astype(np.float32)

    def without_silence(self, sound: Sound) -> Sound:
        """A recording with its silences cut to what the encoder was trained on; whole where no voice is found."""
        sound = sound[: len(sound) // _WINDOW * _WINDOW]
        samples = np.round(sound.clip(-1, 1) * 32767).astype("<i2")
        windows, detector = samples.reshape(-1, _WINDOW), self._detectors.Vad(3)  # which remembers what it heard
        voiced = np.array([detector.is_speech(each.tobytes(), RATE) for each in windows], float)
        padded = np.pad(voiced, ((_AVERAGED - 1) // 2, _AVERAGED // 2))
        mean = np.convolve(padded, np.ones(_AVERAGED), "valid") / _AVERAGED if len(windows) else voiced
        kept = ndimage.binary_dilation(np.round(mean).astype(bool), np.ones(_LONGEST_SILENCE + 1))
        return sound[np.repeat(kept, _WINDOW)] if kept.any() else sound


@cache
def encoder() -> SpeakerEncoder:
    """The encoder, loaded once. Raises MissingDependency."""
    return SpeakerEncoder()


def likeness(voices: Sequence[Embedding]) -> Embedding:
    """Mean similarity of each of two voices or more to the others, (N,)."""
    stacked = np.stack(voices)
    return cast(Embedding, ((stacked @ stacked.T).sum(axis=1) - 1) / (len(voices) - 1))


def halves_alike(voices: Sequence[Embedding]) -> float:
    """How alike the two groups are that voices fall into along their first principal axis: the mean similarity between
    them as a share of that within them, about 1 for one speaker. 1 where no group has two."""
    stacked = np.stack(voices)
    first = np.linalg.svd(stacked - stacked.mean(axis=0), full_matrices=False)[0][:, 0] > 0
    similar = stacked @ stacked.T
    within = [(similar[np.ix_(group, group)].sum() - count) / (count * (count - 1))
              for group in (first, ~first) if (count := int(group.sum())) > 1]  # fmt: skip
    return float(similar[np.ix_(first, ~first)].mean() / np.mean(within)) if within and not first.all() else 1.0


def _loud_enough(audio: Sound) -> Sound:
    level = float(np.sqrt(np.square(audio, dtype=np.float64).mean())) if len(audio) else 0.0
    return audio * np.float32(_TARGET / level) if 0 < level < _TARGET else audio


def centroid(embeddings: Sequence[Embedding]) -> Embedding:
    """The mean (256,) of embeddings, of length 1."""
    mean = np.stack(embeddings).mean(axis=0)
    return cast(Embedding, mean / np.linalg.norm(mean))
