"""Inventory of a folder of recordings, with notes on what it means for training."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median_high
from typing import Any

import numpy as np
import numpy.typing as npt

from ....core.adapter.folders import LISTED, as_lines, listing, min_median_max, spread
from ....core.adapter.inspection import even_draws, examine_files, same_files, tell_copies, usable
from ....core.adapter.inventory import BrokenFile, Inventory
from ....core.errors import counted
from ....core.terms import remark
from ..judges.speaker import halves_alike, likeness
from ..metadata.kinds import is_sound_name, unread
from ..settings import AudioSettings
from .file import RecordingAnalysis, RecordingFacts, examine, header
from .ranges import two_ranges

LOOKED_AT = 500
"""Headers that a quick scan reads, evenly spread over the folder."""
GOOD_SECONDS = 300.0
"""Sound of a side that makes a good start."""
_FEWEST_SECONDS = 60.0
_SPEECH, _LITTLE_SPEECH = 0.85, 0.2
"""Share of speech below which pauses are told of; with less than the other it is singing, or no voice at all."""
_CLIPPED = 1e-3
_NOISY = -25.0
_TONAL = 15.0
"""dB of `tones` from which on there is something beneath the voice. Four in five recordings of VCC 2018 have 8 to 11,
in a room that rings for half a second 11 to 13, and with a cello 10 or 20 dB below the speech 15 to 29
(benchmarks/voice_stages.py rough)."""
_SILENT = 0.5
_LOUDNESS_RANGE = 12.0
_NARROW = 0.75
_FEW_VOICED = 0.1
_FEWEST_VOICES = 4
"""Recordings below which nothing is said: two of one speaker may be as unlike as those of two."""
_ONE_SPEAKER, _OF_FEW, _FEW = 0.87, 0.80, 10
"""`halves_alike` below which recordings are of several people, the same of few, and how many are not few. Draws of 4
to 20 recordings of a speaker of VCC 2018 and VCTK are taken for several people in 0 to 1 % of cases, and those of two
of them, in halves or three to one, in 89 to 100 % (benchmarks/voice_judges.py speakers)."""
_STRANGER = 0.80
"""Mean similarity of a recording to the others, as a share of the median one, below which it is somebody else's. No
speaker's own is below 0.82 there; 0.82 to 0.95 of strangers are."""
_HISTOGRAM = (60, 80, 100, 120, 140, 170, 200, 240, 280, 340, 400, 480, 600, 850, 1200, 1700)
"""Hz; edges of the pitch histogram."""


@dataclass(frozen=True)
class SoundInventory(Inventory):
    """An inventory that keeps what `compare` needs."""

    findings: tuple[RecordingFacts, ...] = ()
    thorough: bool = False

    @property
    def analyses(self) -> tuple[RecordingAnalysis, ...]:
        """Results of the files that were analysed."""
        return tuple(found.analysis for found in self.findings if found.analysis is not None)


def scan(folder: Path, settings: AudioSettings, thorough: bool) -> SoundInventory:
    """Look through a folder and all below it.

    Raises:
        MissingFile: there is no such folder.
        MediaError: it cannot be listed.
    """
    found = listing(folder, lambda path: is_sound_name(path.name))
    paths = [path for path in found.sizes if unread(path) is None]
    broken = [*found.broken, *(BrokenFile(path, reason) for path in found.sizes if (reason := unread(path)))]
    others = found.others
    looked_at = paths if thorough else spread(paths, LOOKED_AT)
    look = partial(examine, settings=settings) if thorough else header
    findings, failed = examine_files(looked_at, look, min(4, os.cpu_count() or 1))
    broken = sorted([*broken, *failed], key=lambda each: each.path)
    files = usable(paths, broken)
    return SoundInventory(
        found.folder,
        files,
        tuple(broken),
        _facts(found.folder, findings, others),
        tuple(_warnings(files, findings, len(broken), settings)),
        draws=_draws(files, findings),
        findings=findings,
        thorough=thorough,
    )


def _draws(files: Sequence[Path], findings: Sequence[RecordingFacts]) -> tuple[int, ...]:
    """A second of sound is drawn as often as any other; files that were not looked at are taken for the median."""
    known = {found.path: found.draws for found in findings}
    usual = median_high(known.values()) if known else 1
    return even_draws(files, known, lambda path: usual)


# -- facts ------------------------------------------------------------------------------------------
def _facts(folder: Path, findings: Sequence[RecordingFacts], others: int) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "other files": others,
        "looked at": len(findings),
        "minutes": round(sum(found.seconds for found in findings) / 60, 2),
        "duration": min_median_max([round(found.seconds, 3) for found in findings]),
        "rates": dict(Counter(str(found.rate) for found in findings).most_common()),
        "channels": dict(Counter(str(found.channels) for found in findings).most_common()),
        "codecs": dict(Counter(found.codec for found in findings).most_common()),
        "videos": sum(found.picture for found in findings),
    }
    analyses = [(found, found.analysis) for found in findings if found.analysis]
    if not analyses:
        return facts
    each = [listened for _, listened in analyses]
    same = same_files(findings)
    sounding, seconds = sum(one.sounding for one in each), sum(one.seconds for one in each)
    return facts | {
        "usable minutes": round(sounding / 60, 2),
        "silence": round(1 - sounding / seconds, 3),
        **_speech_facts(each),
        "loudness in LUFS": min_median_max([round(one.loudness, 1) for one in each]),
        "noise in dB": min_median_max([round(one.noise, 1) for one in each]),
        "bandwidth in Hz": min_median_max([round(one.bandwidth) for one in each]),
        "clipped": {
            "files": sum(one.clipped > _CLIPPED for one in each),
            "examples": [str(found.path.relative_to(folder)) for found, one in analyses if one.clipped > _CLIPPED][
                :LISTED
            ],
        },
        "pitch": _pitch_facts(each),
        "duplicates": {"files": sum(map(len, same)) - len(same), "examples": as_lines(same, folder)},
        "damaged in part": [
            f"{found.path.relative_to(folder)}: {'; '.join(one.damage)}" for found, one in analyses if one.damage
        ][:LISTED],
    }


def _pitch_facts(analyses: Sequence[RecordingAnalysis]) -> dict[str, Any]:
    """Median, deviation of the logarithm, and share of voiced frames in each band of Hz; empty without pitch."""
    hz = pitch_of(analyses)
    if not len(hz):
        return {}
    counts, _ = np.histogram(hz, _HISTOGRAM)
    bands = zip(_HISTOGRAM, _HISTOGRAM[1:], counts, strict=False)
    return {
        "median in Hz": round(float(np.median(hz)), 1),
        "deviation in semitones": round(12 * float(np.log2(hz).std()), 2),
        "histogram": {f"{low} to {high} Hz": round(float(count) / len(hz), 3) for low, high, count in bands if count},
    }


def pitch_of(analyses: Sequence[RecordingAnalysis]) -> npt.NDArray[np.float64]:
    """F0 in Hz of all voiced frames of several recordings."""
    return np.concatenate([one.pitch for one in analyses]) if analyses else np.zeros(0)


def _speech_facts(analyses: Sequence[RecordingAnalysis]) -> dict[str, float]:
    share = _spoken_share(analyses)
    return {} if share is None else {"speech in what sounds": round(share, 3)}


def _spoken_share(analyses: Sequence[RecordingAnalysis]) -> float | None:
    """Share of the sound of several recordings, silence aside, that is speech; None where it was not looked for."""
    heard = [(one.spoken, one.sounding) for one in analyses if one.spoken is not None]
    return sum(share * seconds for share, seconds in heard) / sum(seconds for _, seconds in heard) if heard else None


# -- what they mean ---------------------------------------------------------------------------------
def _warnings(
    files: Sequence[Path], findings: Sequence[RecordingFacts], broken: int, settings: AudioSettings
) -> Iterator[str]:
    if not files:
        yield remark("nothing usable", "There are no usable recordings here.")
        return
    if broken > 0.1 * (len(files) + broken):
        yield remark(
            "broken files",
            f"{broken} of {len(files) + broken} files cannot be used; each says why. If they are broken, check whether "
            "the folder was copied completely.",
        )
    short = sum(0 < found.seconds * settings.sample_rate < settings.frames * settings.hop_length for found in findings)
    if short:
        window = settings.frames * settings.hop_length / settings.sample_rate
        yield remark(
            "small files",
            f"{short} recordings are shorter than a sample of {window:.2f} s: they are extended by reflection.",
        )
    analyses = [found.analysis for found in findings if found.analysis]
    if analyses:
        yield from _amount(analyses, settings)
        yield from _pauses(analyses, settings)
        yield from _quality(analyses, settings)
        yield from _voices(findings, settings)
        yield from tell_copies(findings, "recording", "recordings")


def _amount(analyses: Sequence[RecordingAnalysis], settings: AudioSettings) -> Iterator[str]:
    seconds, sounding = sum(one.seconds for one in analyses), sum(one.sounding for one in analyses)
    amount = f"{sounding:.0f} s" if sounding < 120 else f"{sounding / 60:.1f} min"
    if sounding < _FEWEST_SECONDS:
        yield remark(
            "few files", f"There are {amount} of sound: expect timbre only; aim for {GOOD_SECONDS / 60:.0f} min a side."
        )
    elif sounding < GOOD_SECONDS:
        yield remark(
            "few files", f"There are {amount} of sound, enough to try; aim for {GOOD_SECONDS / 60:.0f} min a side."
        )
    if sounding < (1 - _SILENT) * seconds:
        what = "no speech" if settings.pauses == "speech" else "silence"
        yield remark("silence", f"{1 - sounding / seconds:.0%} of the recordings is {what}, which is left out.")


def _pauses(analyses: Sequence[RecordingAnalysis], settings: AudioSettings) -> Iterator[str]:
    share = _spoken_share(analyses)
    if settings.pauses == "level" and share is not None and _LITTLE_SPEECH < share < _SPEECH:
        yield remark(
            "pauses that sound",
            f"{1 - share:.0%} of what is not silent is no speech (noise or music in the pauses) and would be learnt as "
            "the voice: --domain.pauses speech leaves it out.",
        )


def _quality(analyses: Sequence[RecordingAnalysis], settings: AudioSettings) -> Iterator[str]:
    clipped = sum(one.clipped > _CLIPPED for one in analyses)
    if clipped:
        yield remark("clipping", f"{clipped} recordings are clipped: their distortion is learnt as part of the voice.")
    noisy = sum(one.noise > _NOISY for one in analyses)
    if noisy > 0.2 * len(analyses):
        yield remark(
            "noisy recordings",
            f"{noisy} of {len(analyses)} recordings are less than {-_NOISY:.0f} dB above their noise (or have no "
            "pauses): the model learns noise and reverberation of a side with its voice.",
        )
    tonal = sum(one.tones > _TONAL for one in analyses) if settings.content == "voice" else 0
    if tonal > 0.2 * len(analyses):
        yield remark(
            "music beneath",
            f"{tonal} of {len(analyses)} recordings have tones beneath the voice (music, hum): the model learns them "
            "with it, and its pitch is followed worse. Take others, or separate the voice first.",
        )
    band = min(8000.0, settings.sample_rate / 2)
    narrow = sum(one.bandwidth < _NARROW * band for one in analyses)
    if narrow:
        lowest = min(one.bandwidth for one in analyses)
        yield remark(
            "narrow bandwidth",
            f"{narrow} of {len(analyses)} recordings have nothing above {lowest / 1000:.1f} kHz or little more "
            f"(telephone, strong compression) and sound dull beside {band / 1000:.0f} kHz: keep them apart, or lower "
            "domain.sample_rate for both sides.",
        )
    levels = [one.loudness for one in analyses]
    if max(levels) - min(levels) > _LOUDNESS_RANGE and settings.normalise:
        yield remark(
            "uneven loudness",
            f"Loudness differs by {max(levels) - min(levels):.0f} dB between recordings; all are normalised.",
        )


def _voices(findings: Sequence[RecordingFacts], settings: AudioSettings) -> Iterator[str]:
    if settings.content == "music":
        return
    analyses = [found.analysis for found in findings if found.analysis]
    hz = pitch_of(analyses)
    if len(hz) * 0.005 < _FEW_VOICED * sum(one.sounding for one in analyses):
        yield remark("little pitch", "Hardly any pitch is found: for anything but voices set domain.content to music.")
    elif ranges := two_ranges(one.pitch for one in analyses):
        yield remark(
            "mixed voices",
            f"Low and high voices are mixed, about {ranges.low:.0f} and {ranges.high:.0f} Hz, and no single shift "
            "brings them all to the other side's. Keep similar voices together.",
        )
    yield from _speakers([(found.path, found.analysis.speaker) for found in findings
                          if found.analysis and found.analysis.speaker is not None])  # fmt: skip


def _speakers(voices: Sequence[tuple[Path, npt.NDArray[np.float64]]]) -> Iterator[str]:
    if len(voices) < _FEWEST_VOICES:
        return
    alike = likeness([voice for _, voice in voices])
    alike /= np.median(alike)
    others = [path.name for (path, _), each in zip(voices, alike, strict=True) if each < _STRANGER]
    same = halves_alike([voice for _, voice in voices])
    least = _OF_FEW if len(voices) < _FEW else _ONE_SPEAKER
    if same < least and not 0 < len(others) <= len(voices) // 5:
        yield remark(
            "several speakers",
            f"The recordings sound like several people (their two halves are {same:.2f} as alike as each is in itself, "
            f"one speaker's {least:.2f} or more): the model learns what they have in common. For one voice, keep one "
            "speaker's alone.",
        )
        return
    if others:
        shown = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
        what = counted(len(others), "recording sounds", "recordings sound")
        yield remark(
            "several speakers", f"{what} like somebody else than the rest ({shown}): listen, and take them out."
        )
