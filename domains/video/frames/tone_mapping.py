"""High dynamic range (PQ and HLG, BT.2100) as standard range: what networks that saw ordinary pictures know.

Light is compressed by the EETF of Report ITU-R BT.2390 (section 5.4.1), channel by channel, from the clip's peak to the
100 cd/m2 of a BT.1886 display: what is dark stays as bright as it was, diffuse white (203 cd/m2) comes to 95 % of the
signal, and the highlights roll off into the rest. HLG is brought to a display of 1000 cd/m2 first (the OOTF of BT.2100,
system gamma 1.2). Colours of BT.2020 become those of BT.709, and what lies outside is clipped (BT.2407, section 2).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .colour import Colour, Planes
from .side_data import Light

Values = npt.NDArray[np.float64]

SDR = 1
"""The code point of BT.709, for matrix, transfer curve and primaries alike."""
_PQ, _BT2020 = 16, 9
_WHITE, _USUAL_PEAK = 100.0, 1000.0
"""cd/m2 of white in standard range, and of the brightest pixel where a clip does not say."""
_GAMMA = 2.4
_STEPS = 0xFFFF
_TO_BT709 = np.array(
    [[1.660491, -0.587641, -0.072850], [-0.124550, 1.132900, -0.008349], [-0.018151, -0.100579, 1.118730]], np.float32
)
_LUMINANCE = np.array([0.2627, 0.6780, 0.0593], np.float32)


class ToneMap:
    """Planes of an HDR clip in standard range.

    Args:
        colour: of the clip, PQ or HLG.
        light: what it says of its peak: the brightest pixel, or else the mastering display's greatest luminance.
    """

    def __init__(self, colour: Colour, light: Light) -> None:
        self._pq, self._wide = colour.transfer == _PQ, colour.primaries in (2, _BT2020)
        stated = (light.levels or (0, 0))[0] or (float(light.display[9]) if light.display else 0.0)
        self.peak = min(max(stated or _USUAL_PEAK, _WHITE), 10_000.0) if self._pq else _USUAL_PEAK
        """cd/m2 of the brightest pixel."""
        codes = np.arange(_STEPS + 1) / _STEPS
        if self._pq:
            self._light = (eetf(pq_to_light(codes), self.peak) / _WHITE).astype(np.float32)
        else:
            self._scene = hlg_to_scene(codes).astype(np.float32)
            self._light = (eetf(self.peak * codes**_GAMMA, self.peak) / _WHITE).astype(np.float32)
        self._signal = np.rint(_STEPS * codes ** (1 / _GAMMA)).astype(np.uint16)

    def __call__(self, planes: Planes) -> Planes:
        """Planes (3, H, W) of uint16 as such of BT.709."""
        light = self._light[planes if self._pq else self._displayed(planes)]
        if self._wide:
            light = np.tensordot(_TO_BT709, light, 1)
        found: Planes = self._signal[_as_codes(light)]
        return found

    def _displayed(self, planes: Planes) -> Planes:
        """The OOTF of HLG: codes of what a display of the peak shows, under a plain gamma."""
        scene = self._scene[planes]
        scene *= np.tensordot(_LUMINANCE, scene, 1) ** np.float32(0.2)
        return _as_codes(scene ** np.float32(1 / _GAMMA))

    @property
    def note(self) -> str:
        """What was done, in a sentence."""
        kind = "PQ" if self._pq else "HLG"
        return f"HDR ({kind}, up to {self.peak:g} cd/m2) was tone-mapped to SDR (BT.709) by the EETF of BT.2390"


def _as_codes(values: npt.NDArray[np.float32]) -> npt.NDArray[np.uint16]:
    return np.asarray(np.clip(values, 0.0, 1.0) * np.float32(_STEPS) + np.float32(0.5)).astype(np.uint16)


def eetf(light: Values, peak: float) -> Values:
    """Light in cd/m2 of a picture mastered up to `peak`, for a display of 100 cd/m2 with a black of none."""
    most = float(light_to_pq(np.array(peak)))
    x, top = light_to_pq(np.minimum(light, peak)) / most, float(light_to_pq(np.array(_WHITE))) / most
    knee = 1.5 * top - 0.5
    if knee >= 1.0:
        return np.minimum(light, peak)
    t = (x - knee) / (1 - knee)
    spline = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (3 * t**2 - 2 * t**3) * top
    return pq_to_light(np.where(x < knee, x, spline) * most)


_M1, _M2, _C1, _C2, _C3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128


def pq_to_light(signal: Values) -> Values:
    """The EOTF of SMPTE ST 2084: 0 to 1 as cd/m2."""
    root = signal ** (1 / _M2)
    found: Values = 10_000 * (np.maximum(root - _C1, 0) / (_C2 - _C3 * root)) ** (1 / _M1)
    return found


def light_to_pq(light: Values) -> Values:
    """Its inverse."""
    power = (light / 10_000) ** _M1
    found: Values = ((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2
    return found


def hlg_to_scene(signal: Values) -> Values:
    """The inverse OETF of HLG (BT.2100): 0 to 1 as light of the scene, 0 to 1."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    found: Any = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    return np.asarray(found)
