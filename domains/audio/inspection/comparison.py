"""Notes on two folders of recordings together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ....core.adapter.inspection import compare_amounts, compare_bytes
from ....core.adapter.inventory import Inventory
from ....core.terms import remark
from ..settings import Content
from .file import RecordingAnalysis
from .scan import SoundInventory, pitch_of

_UNLIKE_BAND = 1.5
_SEMITONE = 2 ** (1 / 12)
_ONE_COLOUR = 3.0
"""dB (root mean square over mel bins) between long-term spectra below which they are of one voice in one room: other
sentences of one speaker of VCC 2018 lie 1.2 to 1.9 dB apart, two speakers 4.6 to 8.6."""
_OCTAVE = 2.0
_UNSHARED = 0.2


def compare(a: Inventory, b: Inventory, content: Content) -> tuple[str, ...]:
    """A sentence for each thing that training should know of A and B together; most need thorough scans."""
    sentences = list(compare_amounts(a, b, "one a second"))
    same = a.folder.resolve() == b.folder.resolve()
    if isinstance(a, SoundInventory) and isinstance(b, SoundInventory) and a.analyses and b.analyses and not same:
        sentences += compare_bytes(a.findings, b.findings, "recording", "recordings")
        sentences += _sounds(a.analyses, b.analyses)
        sentences += _voices(a.analyses, b.analyses) if content == "voice" else _notes(a.analyses, b.analyses)
        sentences += _alike(a.analyses, b.analyses)
    return tuple(sentences)


def _sounds(a: Sequence[RecordingAnalysis], b: Sequence[RecordingAnalysis]) -> Iterator[str]:
    bands = [float(np.median([one.bandwidth for one in side])) for side in (a, b)]
    if max(bands) > _UNLIKE_BAND * min(bands):
        yield remark(
            "quality differs",
            f"A reaches {bands[0] / 1000:.1f} kHz and B {bands[1] / 1000:.1f} kHz: the model learns that difference as "
            "part of the voice.",
        )
    noises = [float(np.median([one.noise for one in side])) for side in (a, b)]
    if abs(noises[0] - noises[1]) > 20:
        yield remark(
            "quality differs",
            f"The quietest parts lie {-noises[0]:.0f} dB below the loud ones in A and {-noises[1]:.0f} dB in B: the "
            "model learns the noise of one side with its voice.",
        )


def _voices(a: Sequence[RecordingAnalysis], b: Sequence[RecordingAnalysis]) -> Iterator[str]:
    medians = [float(np.median(hz)) for hz in map(pitch_of, (a, b)) if len(hz)]
    if len(medians) == 2 and max(medians) > _OCTAVE * min(medians):
        yield remark(
            "pitch differs",
            f"The median pitch is {medians[0]:.0f} Hz in A and {medians[1]:.0f} Hz in B, more than an octave "
            "apart: shifting it that far is audible.",
        )


def _notes(a: Sequence[RecordingAnalysis], b: Sequence[RecordingAnalysis]) -> Iterator[str]:
    pitches = [pitch_of(side) for side in (a, b)]
    if not all(map(len, pitches)):
        return
    ranges = [np.percentile(hz, [2, 98]) * [1 / _SEMITONE, _SEMITONE] for hz in pitches]
    outside = [float(np.mean((hz < low) | (hz > high))) for hz, (low, high) in zip(pitches, ranges[::-1], strict=True)]
    if max(outside) > _UNSHARED:
        low, high = max(each[0] for each in ranges), min(each[1] for each in ranges)
        keep = f"keep to notes from {low:.0f} to {high:.0f} Hz" if low < high else "use recordings of the same notes"
        yield remark(
            "notes differ",
            f"{outside[0]:.0%} of what A plays lies outside the notes of B, and {outside[1]:.0%} of what B plays lies "
            f"outside those of A: what only one of them plays is learnt as its timbre; {keep}.",
        )


def _alike(a: Sequence[RecordingAnalysis], b: Sequence[RecordingAnalysis]) -> Iterator[str]:
    medians = [float(np.median(hz)) for hz in map(pitch_of, (a, b)) if len(hz)]
    close = len(medians) < 2 or max(medians) < _SEMITONE * min(medians)
    if close and _colour_difference(a, b) < _ONE_COLOUR:
        yield remark(
            "little difference",
            "A and B sound like one voice, by pitch and long-term spectrum: there is little to learn.",
        )


def _colour_difference(a: Sequence[RecordingAnalysis], b: Sequence[RecordingAnalysis]) -> float:
    """Root mean square difference in dB of the long-term spectra of two sides."""
    first, second = (
        np.average([one.colour for one in side], axis=0, weights=[one.sounding for one in side]) for side in (a, b)
    )
    return float(20 / np.log(10) * np.sqrt(np.mean(np.square(first - second))))
