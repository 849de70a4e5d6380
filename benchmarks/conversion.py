"""Conversion speed: the fastest runtime here against eager fp32 torch, side by side.

    python benchmarks/conversion.py                       ResNet-9 with 64 filters, 256x256
    python benchmarks/conversion.py --model runs/monet --input photo.jpg

Both sides translate the same sample in turn, so that whatever else the machine does falls on both; medians are
compared. Without --model a new generator is first fitted for a few steps to a simple recolouring of smooth noise:
weights that were never trained magnify rounding (43 dB) as those of a trained model do not. PSNR is between the two
outputs, with the peak of [-1, 1], which is 2.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

import unpaired
from unpaired.core.model.export import psnr
from unpaired.core.networks.initialisation import initialise
from unpaired.core.networks.norm import WithStatistics
from unpaired.core.networks.resnet import ResnetGenerator
from unpaired.core.runtimes.choice import choose
from unpaired.core.runtimes.source import GeneratorSource
from unpaired.core.runtimes.torch import TorchRuntime


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="a run, a model file or a shipped model; default: untrained ResNet-9")
    parser.add_argument("--input", type=Path, help="a file of the model's domain A to translate")
    parser.add_argument("--runtime", default="auto", help="auto (default), openvino, onnx or torch")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--size", type=int, default=256, help="width and height (default: 256)")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--statistics", action="store_true", help="also time translation under given norm statistics")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def main() -> None:
    args = arguments()
    generator, x = subject(args.model, args.input, args.size)
    choice = choose(args.runtime, args.device)
    dimensions = x.dim() - 2
    fast, eager = choice.build(GeneratorSource.of(generator, dimensions)), TorchRuntime(generator, "cpu")
    sides: dict[str, Callable[[], Tensor]] = {
        "torch eager fp32 on the CPU": lambda: eager(x),
        f"{choice.name} on {choice.device}": lambda: fast(x),
    }
    if args.statistics:
        size = WithStatistics(generator).size
        given = torch.zeros(size)
        sides[f"{choice.name} under given statistics"] = lambda: fast.with_statistics(x, given, 1.0)[0]
    seconds, outputs = alternate(sides, args.rounds)
    reference, *others = sides
    figures = {
        name: {
            "median_ms": round(1e3 * statistics.median(seconds[name]), 2),
            "ratio": round(statistics.median(seconds[reference]) / statistics.median(seconds[name]), 2),
            "psnr_db": None if name == reference else round(psnr(outputs[name], outputs[reference]), 1),
        }
        for name in (reference, *others)
    }
    report = {
        "shape": list(x.shape),
        "threads": torch.get_num_threads(),
        "machine": platform.processor() or platform.machine(),
        "torch": torch.__version__,
        "rounds": args.rounds,
        "sides": figures,
    }
    if args.json:
        print(json.dumps(report, indent=2))
        return
    print(f"shape {report['shape']}, {report['threads']} threads, {args.rounds} rounds in turn")
    for name, figure in figures.items():
        quality = "" if figure["psnr_db"] is None else f"   {figure['psnr_db']} dB from it"
        print(f"{name:38} {figure['median_ms']:9.2f} ms   {figure['ratio']:6.2f} x{quality}")


def subject(model: str | None, file: Path | None, size: int) -> tuple[torch.nn.Module, Tensor]:
    """The generator and the sample (1, C, *space) to translate."""
    if model is None:
        return fitted(ResnetGenerator(3, 3), steps=30), smooth((1, 3, size, size), seed=1)
    translator = unpaired.load(model, "torch", "cpu")
    generator = translator.model.generators["a2b"]
    if file is not None:
        x = translator.domain.load(file, "a")[None]
        return generator, torch.nn.functional.interpolate(x, size=(size, size)) if x.dim() == 4 else x
    return generator, smooth((1, translator.domain.channels("a"), *(size,) * translator.domain.dimensions), seed=1)


def fitted(generator: torch.nn.Module, steps: int) -> torch.nn.Module:
    """The generator after `steps` of Adam towards x -> x / 2 - 0.4 on samples of 64x64."""
    initialise(generator, torch.Generator().manual_seed(0))
    optimiser = torch.optim.Adam(generator.parameters(), 2e-4, betas=(0.5, 0.999))
    for seed in range(steps):
        x = smooth((1, 3, 64, 64), seed)
        loss = (generator(x) - (0.5 * x - 0.4)).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return generator.eval().requires_grad_(False)


def smooth(shape: tuple[int, ...], seed: int) -> Tensor:
    """Noise with detail from an eighth of the size up, in [-1, 1]."""
    coarse = torch.rand(*shape[:2], *(8,) * (len(shape) - 2), generator=torch.Generator().manual_seed(seed)) * 2 - 1
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[len(shape) - 2]
    return torch.nn.functional.interpolate(coarse, size=shape[2:], mode=mode)


def alternate(sides: dict[str, Callable[[], Tensor]], rounds: int) -> tuple[dict[str, list[float]], dict[str, Tensor]]:
    """Seconds of every round of each side, taken in turn, after enough calls to warm up; and the outputs."""
    outputs = {}
    for name, call in sides.items():
        for _ in range(10 if name != next(iter(sides)) else 2):
            outputs[name] = call()
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, call in sides.items():
            start = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - start)
    return seconds, outputs


if __name__ == "__main__":
    main()
