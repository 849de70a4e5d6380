"""Which waveform stage suits music: the true mel spectrogram of a note's counterpart through four of them.

    python benchmarks/music_stages.py SHARED [--notes N]

SHARED as in music_quality.py. Each note (clarinet or cello, D3 to C6) is given the mel spectrogram of its counterpart,
frame by frame from the onset on. Printed: the log-mel distance of the sound to what was asked for, and its
harmonics-to-noise ratio beside that of the counterpart itself.

- smoothed: the note's own sound, filtered by the gain smoothed to 5 cepstra, as `content` music has it
- filtered: by the gain as it is, twice
- hybrid: filtered where the gain is below 6 dB; magnitudes from the mel bins and phases by Griffin-Lim elsewhere
- griffin-lim: magnitudes from the mel bins, all phases by Griffin-Lim
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from music_quality import FOLDER, NAMES, SETTINGS, distance, key, note
from torch import Tensor

from unpaired.domains.audio.conversion.source_filter import GainFilter, bounded, to_spectrum
from unpaired.domains.audio.conversion.vocoders import MOMENTUM, griffin_lim, magnitudes
from unpaired.domains.audio.evaluation.analysis import analyse
from unpaired.domains.audio.signal.mel import log_mel
from unpaired.domains.audio.signal.sound import Sound

RATE, SIZE, HOP = SETTINGS.sample_rate, SETTINGS.fft_size, SETTINGS.hop_length
DECIBEL = np.float32(np.log(10) / 20)
NEW = 6 * DECIBEL
"""Gain in nepers from which on the hybrid takes a partial for one that the note has not got."""
MOST = 40
"""dB; bound of the gain."""
ITERATIONS = 32
WINDOW = torch.hann_window(SIZE)


def spectrum(sound: Tensor) -> Tensor:
    """(bins, frames) complex."""
    return torch.stft(sound, SIZE, HOP, window=WINDOW, pad_mode="constant", return_complex=True)


def sound_of(frames: Tensor, like: Sound) -> Sound:
    """(samples,), as many as `like` has."""
    return torch.istft(frames, SIZE, HOP, window=WINDOW, length=len(like)).numpy()


def filtered(sound: Sound, gain: Sound) -> Sound:
    """The sound with its spectrum multiplied by a gain in nepers (mel bins, frames)."""
    stage = GainFilter(RATE, 1, SETTINGS)
    return np.concatenate([stage.push(sound[None], gain), stage.finish()], axis=1)[0]


def filtered_twice(sound: Sound, gain: Sound) -> Sound:
    """`filtered`, and once more by what is missing to the wanted spectrogram then."""
    once = filtered(sound, gain)
    missing = log_mel(sound, SETTINGS) + gain - log_mel(once, SETTINGS)
    return filtered(once, np.clip(missing, -12 * DECIBEL, 12 * DECIBEL))


def hybrid(sound: Sound, gain: Sound) -> Sound:
    """The sound's own phases where it has something to filter, Griffin-Lim's where it has not."""
    source = spectrum(torch.from_numpy(sound))
    gains = torch.from_numpy((gain.T @ spread()).T)
    new = gains > NEW
    wanted = torch.from_numpy(magnitudes(np.exp(log_mel(sound, SETTINGS) + gain), SETTINGS).T)
    magnitude = torch.where(new, wanted, source.abs() * gains.exp())
    own = phases = torch.polar(torch.ones_like(magnitude), source.angle())
    before = torch.zeros_like(own)
    for _ in range(ITERATIONS):
        consistent = spectrum(torch.from_numpy(sound_of(magnitude * phases, sound)))
        ahead = consistent + MOMENTUM * (consistent - before)
        phases = torch.where(new, torch.polar(torch.ones_like(magnitude), ahead.angle()), own)
        before = consistent
    return sound_of(magnitude * phases, sound)


def spread() -> Sound:
    """(mel bins, bins of the spectrum)."""
    return to_spectrum(RATE, SETTINGS.bins, RATE, SIZE)


def stages(source: Sound, target: Sound) -> dict[str, Sound]:
    """What each stage makes of a note whose counterpart's spectrogram is asked for; both (samples,), of one length."""
    own, wanted = log_mel(source, SETTINGS), log_mel(target, SETTINGS)
    gain = np.clip(wanted - own, -30 * DECIBEL, MOST * DECIBEL)
    return {
        "input": source,
        "target": target,
        "smoothed": filtered(source, bounded(wanted - own, "music")),
        "filtered": filtered_twice(source, gain),
        "hybrid": hybrid(source, gain),
        "griffin-lim": griffin_lim(source, own, gain, SETTINGS)[: len(source)],
    }


def main() -> None:
    """Means over notes, each way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--notes", type=int, default=40, help="pairs each way (default: all 40)")
    args = parser.parse_args()
    files = {name: {key(file): file for file in (args.shared / FOLDER / "test" / name).glob("*.mp3")} for name in NAMES}
    pairs = sorted(files[NAMES[0]].keys() & files[NAMES[1]].keys())
    chosen = [pairs[index] for index in np.linspace(0, len(pairs) - 1, min(args.notes, len(pairs))).round().astype(int)]
    for source, target in (NAMES, NAMES[::-1]):
        found: dict[str, list[tuple[float, float]]] = {}
        for pair in chosen:
            ours, theirs = note(files[source][pair]), note(files[target][pair])
            length = min(len(ours), len(theirs))
            wanted = log_mel(theirs[:length], SETTINGS)
            for name, made in stages(ours[:length], theirs[:length]).items():
                figures = distance(log_mel(made, SETTINGS), wanted), analyse(made, RATE).hnr
                found.setdefault(name, []).append(figures)
        means = {name: np.nanmean(values, axis=0) for name, values in found.items()}
        print(f"{source} to {target}, {len(chosen)} notes")
        for name, (far, hnr) in means.items():
            print(f"  {name:<12} {far:5.2f} dB from what was asked for, HNR {hnr:.1f} dB", flush=True)


if __name__ == "__main__":
    main()
