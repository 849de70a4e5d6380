"""Where somebody speaks: silero-vad (MIT, snakers4/silero-vad), a network trained on speech of many languages in noise.

The package is not imported: with version 6.2.3 that sets the number of PyTorch's threads to one for the whole process.
"""

from __future__ import annotations

import warnings
from functools import cache
from importlib.util import find_spec
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ....core.errors import MissingDependency
from ..settings import AudioSettings
from ..signal.levels import Frames, frame_size, loud, trimmed
from ..signal.sound import Sound, resampled
from .weights import RATE, weights_in

_WINDOW = 512
"""Samples that the network judges at a time."""
_BEGINS, _ENDS = 0.5, 0.35
"""Probabilities from which on it is speech, and down to which it goes on (the package's defaults)."""
_LISTENING = Lock()
"""The network remembers what it heard."""


def without_pauses(audio: Sound, rate: int, settings: AudioSettings) -> Sound:
    """`audio` (samples,) without silence, whatever counts as such (`settings.pauses`); empty if there is nothing else.

    Raises MissingDependency where silero-vad is needed and not installed.
    """
    return trimmed(audio, rate, spoken(audio, rate) if settings.pauses == "speech" else None)


def nothing_in(audio: Sound, rate: int, settings: AudioSettings) -> str:
    """What is to be said of a recording (samples,) that is nothing but pauses."""
    if settings.pauses == "speech" and loud(audio, rate).any():
        return "holds no speech; domain.pauses level takes any sound"
    return f"holds no sound: it is {'silent' if len(audio) else 'empty'}"


def installed() -> bool:
    """Whether speech can be told from the rest."""
    return find_spec("silero_vad") is not None


def spoken(audio: Sound, rate: int) -> Frames:
    """Which frames of 20 ms of a recording (samples,) are speech, and 32 ms around it.

    Raises MissingDependency where silero-vad is not installed.
    """
    probabilities = _probabilities(resampled(audio, rate, RATE))
    possible, _ = ndimage.label(probabilities >= _ENDS)
    begun = np.unique(possible[probabilities >= _BEGINS])
    speech = ndimage.binary_dilation(np.isin(possible, begun), np.ones(3))
    size = frame_size(rate)
    middles = (np.arange(-(-len(audio) // size)) + 0.5) * size / rate
    return np.asarray(speech[np.minimum(middles * RATE / _WINDOW, len(speech) - 1).astype(int)])


def _probabilities(audio: Sound) -> npt.NDArray[np.float32]:
    """Of speech, (windows,), for every 32 ms of (samples,) at 16 kHz; one at least."""
    import torch

    padded = np.pad(audio, (0, -len(audio) % _WINDOW if len(audio) else _WINDOW))
    with _LISTENING, torch.inference_mode():
        network = _network()
        network.reset_states()
        windows = torch.from_numpy(padded.reshape(-1, _WINDOW))
        return np.array([network(each, RATE).item() for each in windows], np.float32)


@cache
def _network() -> Any:
    import torch

    if not installed():
        raise MissingDependency("domain.pauses speech needs silero-vad: pip install 'unpaired[speech]'")
    file = weights_in("silero_vad", "data/silero_vad.jit")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # TorchScript is what the package has
        return torch.jit.load(str(file), map_location="cpu").eval()  # type: ignore[no-untyped-call]
