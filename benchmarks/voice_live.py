"""A voice converted while it is spoken, measured from outside: delay as heard, and CPU time.

    python benchmarks/voice_live.py speech.flac [--model female-male] [--direction a2b] [--seconds 20]
                                    [--against CHECKOUT] [--rounds 1] [--idle]

`unpaired convert MODEL - - --live` runs in a process of its own. Speech goes into its pipe in real time, a piece of 20
ms when its last sample has been spoken, and each sample that comes back is stamped. A listener hears a sample at its
arrival; the delay is that arrival minus the moment the same sample was spoken, where the place of output in input is
found by correlating their envelopes. Figures: the median, and the delay with which a player never runs dry (99 % of
samples). CPU is that of the process and its threads while speech went in, by the system's record (Linux); silence goes
first, until everything is made. `--idle` prints instead what of the delay no machine could spare: that of one that
computes in no time, as it is and where the filter waits for each gain.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import IO, Any
from unittest import mock

import numpy as np
import numpy.typing as npt
import soundfile
from processes import as_package, with_package

import unpaired
from unpaired.core.sides import SIDES
from unpaired.domains.audio.conversion import live
from unpaired.domains.audio.settings import AudioConversion

CHUNK = 0.02
WARM_UP = 2.0
"""Seconds of silence in real time before the clock starts."""
_COMMAND = "import sys; from unpaired.apps.main import main; sys.exit(main())"
Array = npt.NDArray[Any]


class Output:
    """What comes back, and when."""

    def __init__(self, read: Callable[[], bytes]) -> None:
        self.parts: list[bytes] = []
        self.arrivals: list[tuple[int, float]] = []
        """Samples up to here, and the time they had arrived."""
        self._read_some = read
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        count = 0
        while part := self._read_some():
            count += len(part)
            self.parts.append(part)
            self.arrivals.append((count // 2, time.perf_counter()))

    def wait(self) -> Array:
        """All of it (samples,), once the process has ended."""
        self._thread.join()
        return np.frombuffer(b"".join(self.parts), "<i2").astype(np.float32) / 32768


def cpu_of(pid: int) -> float:
    """Seconds that a process has spent on the cores."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Input:
    """What speech goes into."""

    def __init__(self, write: Callable[[bytes], None], rate: int) -> None:
        self._write, self._rate, self.samples = write, rate, 0

    def write(self, audio: Array) -> None:
        """As soon as it is taken."""
        self.samples += len(audio)
        self._write(np.rint(audio * 32767).astype("<i2").tobytes())

    def speak(self, audio: Array) -> float:
        """Write each piece when its last sample has been spoken; the moment at which the first one was."""
        begun, size = time.perf_counter(), round(CHUNK * self._rate)
        for at in range(0, len(audio), size):
            piece = audio[at : at + size]
            time.sleep(max(0.0, begun + (at + len(piece)) / self._rate - time.perf_counter()))
            self.write(piece)
        return begun


def write_whole(pipe: IO[bytes], samples: bytes) -> None:
    """Into a pipe that is not buffered here."""
    view = memoryview(samples)
    while view:
        view = view[os.write(pipe.fileno(), view) :]


def converse(voice: Array, rate: int, model: str, direction: str, view: Path | None) -> dict[str, float]:
    """One conversation; the figures."""
    command = [sys.executable, "-W", "ignore", "-c", _COMMAND, "convert", model, "-", "-", "--live",
               "--direction", direction]  # fmt: skip
    process = subprocess.Popen(
        [*command, "--rate", str(rate)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=with_package(view),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    taken, given = process.stdin, process.stdout
    output = Output(lambda: os.read(given.fileno(), 1 << 16))
    speech = Input(lambda samples: write_whole(taken, samples), rate)
    silence = np.zeros(round(WARM_UP * rate), np.float32)
    while not output.arrivals:
        speech.write(silence[: round(CHUNK * rate)])
    speech.speak(silence)
    lead, before = speech.samples, cpu_of(process.pid)
    begun = speech.speak(voice)
    cpu = cpu_of(process.pid) - before
    process.stdin.close()
    result = output.wait()
    said = process.stderr.read().decode()
    if process.wait() or len(result) <= lead:
        sys.exit(f"the conversion ended early: {said}")
    return figures(voice, result, output.arrivals, begun, lead, rate) | {"cpu": cpu * rate / len(voice)}


def figures(
    voice: Array, result: Array, arrivals: list[tuple[int, float]], begun: float, lead: int, rate: int
) -> dict[str, float]:
    """Delays in seconds. `begun`: when the first sample of the voice was spoken; `lead`: samples before it."""
    counts, times = (np.array(each) for each in zip(*arrivals, strict=True))
    lag = offset(voice, result[lead:], rate)
    places = np.arange(round(0.5 * rate), len(voice) - round(0.5 * rate), round(0.005 * rate))
    heard = times[np.searchsorted(counts, places + lead + lag, side="right").clip(max=len(times) - 1)]
    delays = heard - begun - places / rate
    return {
        "median": float(np.median(delays)),
        "99 %": float(np.percentile(delays, 99)),
        "lag": lag / rate,
        "missing": (len(voice) + lead - len(result)) / rate,
    }


def looked_ahead(voice: Array, rate: int, model: str, direction: Any) -> float:
    """The delay beyond the chunk, of 99 % of the samples, of a machine that computes in no time."""
    translator: Any = unpaired.load(model)
    translate, settings = translator.for_direction(direction), translator.domain.settings
    conversion = live.LiveConversion(rate, 1, SIDES[direction][0], translate, AudioConversion(), settings)
    size, arrivals, count = round(CHUNK * rate), [], 0
    for at in range(0, len(voice), size):
        count += conversion.push(voice[None, at : at + size]).shape[1]
        arrivals.append((count, min(at + size, len(voice)) / rate))
    counts, times = (np.array(each) for each in zip(*arrivals, strict=True))
    places = np.arange(round(0.5 * rate), len(voice) - round(0.5 * rate), round(0.005 * rate))
    heard = times[np.searchsorted(counts, places, side="right").clip(max=len(times) - 1)]
    return float(np.percentile(heard - places / rate, 99)) - CHUNK


def offset(voice: Array, result: Array, rate: int) -> int:
    """Samples by which the result lies behind, by the envelopes; to a millisecond."""
    step = rate // 1000
    envelopes = []
    for each in (voice, result[: len(voice)]):
        whole = np.abs(each[: len(each) // step * step]).reshape(-1, step).mean(axis=1)
        smooth = np.convolve(np.sqrt(whole), np.hanning(12), "same")
        envelopes.append(smooth - smooth.mean())
    ours, theirs = (each[: min(map(len, envelopes))] for each in envelopes)
    likeness = [float(ours[200:-200] @ np.roll(theirs, -shift)[200:-200]) for shift in range(-200, 201)]
    return (int(np.argmax(likeness)) - 200) * step


def main() -> None:
    """Measure this checkout, and another by turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recording", type=Path)
    parser.add_argument("--model", default="female-male")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--direction", default="a2b", choices=sorted(SIDES))
    parser.add_argument("--idle", action="store_true", help="what of the delay is no computing")
    parser.add_argument("--against", type=Path, help="another checkout, which takes turns with this one")
    args = parser.parse_args()
    audio, rate = soundfile.read(args.recording, dtype="float32", always_2d=True)
    voice = np.resize(audio[:, 0], round(args.seconds * rate))
    if args.idle:
        for name, changed in (("as it is", {}), ("waiting for each gain", {"_GOES_ON": 0})):
            with mock.patch.multiple(live, **changed) if changed else nullcontext():
                seconds = looked_ahead(voice, rate, args.model, args.direction)
            print(f"{name}: {1000 * seconds:.0f} ms beyond the chunk (99 %), without computing")
        return
    with tempfile.TemporaryDirectory() as scratch:
        views = {"this": None} | ({"other": as_package(args.against, Path(scratch))} if args.against else {})
        found: dict[str, list[dict[str, float]]] = {name: [] for name in views}
        for _ in range(args.rounds):
            for name, view in views.items():
                found[name].append(converse(voice, rate, args.model, args.direction, view))
    for name, rounds in found.items():
        middle = {key: statistics.median(each[key] for each in rounds) for key in rounds[0]}
        print(
            f"{name}: heard after {1000 * middle['median']:.0f} ms (99 %: {1000 * middle['99 %']:.0f}), "
            f"{1000 * (middle['99 %'] - CHUNK):.0f} beyond the chunk; CPU {middle['cpu']:.3f} s a second; "
            f"output {1000 * middle['lag']:.0f} ms behind in place, {1000 * middle['missing']:.0f} ms missing"
        )


if __name__ == "__main__":
    main()
