"""What other systems published, one sentence each, under the scores and judges of our own voices.

    python benchmarks/voice_published.py SHARED

MCD and others are to the true target, where there is one: MaskCycleGAN-VC's two real recordings are of different
sentences. Speaker similarity (Resemblyzer) is the cosine to what there is of the target: all recordings of VCC 2018 for
MaskCycleGAN-VC, the one real recording for those on VCC 2016. The way is reckoned to what real recordings of the target
have: of VCC 2018 there are some; for VCC 2016 it is what two sentences of one speaker of VCC 2018 have in the mean.
"""

from __future__ import annotations

import argparse
import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from unpaired.domains.audio.evaluation.analysis import analyse_file, common_rate
from unpaired.domains.audio.evaluation.scores import against_target
from unpaired.domains.audio.judges.panel import WORDS, Panel, installed
from unpaired.domains.audio.judges.speaker import centroid

_CYCLEGAN, _STARGAN = "cyclegan_vc_leimao__vcc2016_SF1_TF2", "stargan_vc_hujinsen__vcc2016"
_MASKED = "maskcyclegan_vc__vcc2018_SF3_TF1"


class Published(NamedTuple):
    """A conversion, by the names of its recordings."""

    system: str
    folder: str
    converted: str
    source: str
    target: str
    """The true target, or the speaker of VCC 2018 that it should sound like."""


PUBLISHED = (
    Published("CycleGAN-VC, its authors", _CYCLEGAN, "200001_SF1toTF2_author", "200001_SF1", "200001_TF2"),
    Published("CycleGAN-VC, leimao", _CYCLEGAN, "200001_SF1toTF2", "200001_SF1", "200001_TF2"),
    Published("CycleGAN-VC, leimao", _CYCLEGAN, "200001_TF2toSF1", "200001_TF2", "200001_SF1"),
    Published("StarGAN-VC, hujinsen", _STARGAN, "SF1-TM1+200028", "SF1-200028", "TM1-200028"),
    Published("StarGAN-VC, hujinsen", _STARGAN, "TM1-SF1+200028", "TM1-200028", "SF1-200028"),
    Published("MaskCycleGAN-VC, GANtastic3", _MASKED, "converted_VCC2TF1", "real_VCC2SF3", "VCC2TF1"),
    Published("MaskCycleGAN-VC, GANtastic3", _MASKED, "converted_VCC2SF3", "real_VCC2TF1", "VCC2SF3"),
)
COLUMNS = ("mcd", "msd", "gv", "lsd", "f0_rmse", "vuv_error")


def exact(each: Published, place: Path) -> str:
    """Scores against the true target, before and after."""
    converted, source, target = (analyse_file(place / f"{name}.wav", common_rate([16000])) for name in each[2:])
    ours, before = against_target(converted, target), against_target(source, target)
    cells = [f"{name} {before.get(name, math.nan):.2f} > {ours.get(name, math.nan):.2f}" for name in COLUMNS]
    return ", ".join([*cells, f"hnr {source.hnr:.1f} > {converted.hnr:.1f} ({target.hnr:.1f})"])


class Judged:
    """What the judges say of the published recordings."""

    def __init__(self, shared: Path) -> None:
        self._panel = Panel({**installed(), WORDS: False})
        vcc = sorted((shared / "data" / "speech" / "vcc2018").glob("VCC2*"))
        self._vcc = {folder.name: [self._voice(file) for file in sorted(folder.glob("*.flac"))] for folder in vcc}
        alike = [x @ y for each in self._vcc.values() for x, y in itertools.combinations(each, 2)]
        self.one_speaker = float(np.mean(alike))

    def _voice(self, file: Path) -> npt.NDArray[np.float64]:
        return np.asarray(self._panel.judge_file(file).speaker)

    def line(self, each: Published, place: Path) -> str:
        """Similarity, way and DNSMOS."""
        converted, source = (self._panel.judge_file(place / f"{name}.wav") for name in (each.converted, each.source))
        centre, real = self._target(each, place)
        after, before = (float(np.asarray(one.speaker) @ centre) for one in (converted, source))
        assert converted.quality
        assert source.quality
        way, rated = 100 * (after - before) / (real - before), (source.quality.overall, converted.quality.overall)
        return (f"similarity {before:.3f} > {after:.3f} ({real:.3f}), way {way:.0f} %, "
                f"DNSMOS {rated[0]:.2f} > {rated[1]:.2f}")  # fmt: skip

    def _target(self, each: Published, place: Path) -> tuple[npt.NDArray[np.float64], float]:
        """What stands for the target, and how near a real recording of it is."""
        if each.target in self._vcc:
            voices: Sequence[npt.NDArray[np.float64]] = self._vcc[each.target]
            centre = centroid(voices)
            return centre, float(np.mean([one @ centre for one in voices]))
        return self._voice(place / f"{each.target}.wav"), self.one_speaker


def main() -> None:
    """Print a line or two for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    shared = parser.parse_args().shared
    judged = Judged(shared)
    print(f"two sentences of one speaker of VCC 2018: similarity {judged.one_speaker:.3f}")
    for each in PUBLISHED:
        place = shared / "data" / "speech" / "published_conversions" / each.folder
        print(f"{each.system}, {each.converted}: {judged.line(each, place)}", flush=True)
        if (place / f"{each.target}.wav").exists():
            print(f"  {exact(each, place)}", flush=True)


if __name__ == "__main__":
    main()
