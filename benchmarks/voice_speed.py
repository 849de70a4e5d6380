"""Speed and memory of voice conversion, end to end.

    python benchmarks/voice_speed.py speech.flac [--model RUN] [--rounds 3]     real-time factor over two minutes
    python benchmarks/voice_speed.py speech.flac --against CHECKOUT             the same, and another checkout, by turns
    python benchmarks/voice_speed.py speech.flac [--model RUN] --memory         peak memory for one minute and one hour

The recording is repeated to the length needed, at its own rate, as 16-bit WAV. Each conversion works in a process of
its own, which loads its model and converts a second before its clock starts; peak memory is the system's record of the
process (VmHWM, Linux). Without --model, untrained networks of the preset small stand in: they cost the same.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import soundfile
from processes import as_package, with_package

import unpaired


def untrained(path: Path) -> Path:
    """A model file of the preset small with statistics as of speech, women and men."""
    import torch

    from unpaired.core.model.model_file import Model, save_model
    from unpaired.core.networks.initialisation import initialise

    mean, deviation = (-5.0,) * 80, (2.0,) * 80
    domain = unpaired.Audio(
        mean_a=mean, deviation_a=deviation, mean_b=mean, deviation_b=deviation, f0_a=(190.0, 0.2), f0_b=(100.0, 0.2)
    )
    networks = domain.networks("small", unpaired.NetworkSettings())
    generators = {"a2b": networks.generator_a2b.build("generators"), "b2a": networks.generator_b2a.build("generators")}
    for seed, generator in enumerate(generators.values()):
        initialise(generator, torch.Generator().manual_seed(seed), deviation=0.02)
    save_model(Model(generators=generators, networks=networks, domain=domain, names=("female", "male"), step=0), path)
    return path


def repeated(recording: Path, path: Path, seconds: float) -> Path:
    """A WAV file of the recording, over and over, `seconds` long."""
    audio, rate = soundfile.read(recording, dtype="int16", always_2d=True)
    left = round(seconds * rate)
    with soundfile.SoundFile(path, "w", rate, audio.shape[1], "PCM_16") as file:
        while left > 0:
            file.write(audio[:left])
            left -= len(audio)
    return path


def convert(model: str, source: Path, target: Path, options: dict[str, str]) -> dict[str, float]:
    """One conversion in this process: seconds it took after warming up, and the process's peak memory in MB."""
    translator = unpaired.load(model)
    with tempfile.TemporaryDirectory() as scratch:
        second = repeated(source, Path(scratch) / "in.wav", 1.0)
        translator.convert(second, Path(scratch) / "out.wav", **options)
    start, busy = time.perf_counter(), time.process_time()
    translator.convert(source, target, **options)
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    status = Path("/proc/self/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    return {"seconds": seconds, "cpu": busy, "peak_mb": peak / 1024}


def measured(options: argparse.Namespace, source: Path, target: Path, view: Path | None = None) -> dict[str, float]:
    """The same in a process of its own; `view`: a folder with another checkout's package."""
    command = [sys.executable, "-W", "ignore", __file__, str(source), "--model", options.model]
    command += ["--vocoder", options.vocoder, "--direction", options.direction, "--into", str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=with_package(view))
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def speed(options: argparse.Namespace, scratch: Path) -> None:
    """Print the median real-time factor, of both checkouts where there are two."""
    seconds = options.seconds
    source = repeated(options.recording, scratch / "in.wav", seconds)
    views = {"this": None} | ({"other": as_package(options.against, scratch / "other")} if options.against else {})
    found: dict[str, list[dict[str, float]]] = {name: [] for name in views}
    for _ in range(options.rounds):
        for name, view in views.items():
            found[name].append(measured(options, source, scratch / "out.wav", view))
    medians = {}
    for name, rounds in found.items():
        factors = [each["seconds"] / seconds for each in rounds]
        cpu = statistics.median(each["cpu"] for each in rounds) / seconds
        medians[name] = statistics.median(factors)
        each = ", ".join(f"{factor:.4f}" for factor in factors)
        print(f"{name}: real-time factor {medians[name]:.4f} ({each}), CPU {cpu:.4f}, {options.vocoder}")
    if "other" in medians:
        print(f"ratio {medians['other'] / medians['this']:.2f}")


def memory(options: argparse.Namespace, scratch: Path) -> None:
    """Print the peak memory of both lengths."""
    peaks = {}
    for name, seconds in {"one minute": 60.0, "one hour": 3600.0}.items():
        source = repeated(options.recording, scratch / "in.wav", seconds)
        found = measured(options, source, scratch / "out.wav")
        peaks[name] = found["peak_mb"]
        print(f"{name}: {found['peak_mb']:.0f} MB, {found['seconds']:.1f} s", flush=True)
    print(f"ratio {peaks['one hour'] / peaks['one minute']:.3f}")


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recording", type=Path)
    parser.add_argument("--model", help="a run or a model file (default: untrained, preset small)")
    parser.add_argument("--vocoder", default="source-filter")
    parser.add_argument("--direction", default="a2b", choices=("a2b", "b2a"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=120.0, help="of sound (default: %(default)s)")
    parser.add_argument("--against", type=Path, help="another checkout, which takes turns with this one")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.into is not None:
        options = {"vocoder": args.vocoder, "direction": args.direction}
        print(json.dumps(convert(args.model, args.recording, args.into, options)))
        return
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        args.model = args.model or str(untrained(scratch / "small.safetensors"))
        (memory if args.memory else speed)(args, scratch)


if __name__ == "__main__":
    main()
