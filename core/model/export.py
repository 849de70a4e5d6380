"""A model for other programs: an ONNX graph with its parity figures, or a smaller model file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ..errors import ArgumentError
from ..files import atomic_bytes
from ..networks.spec import as_generator
from ..runtimes.candidates import OPENVINO_BF16
from ..runtimes.choice import choose
from ..runtimes.onnx import onnx_graph, session
from ..runtimes.packages import require
from ..runtimes.source import GeneratorSource
from ..runtimes.tracing import example_shape, fixed_sizes
from ..settings.arguments import expect_path
from ..sides import Direction
from .model_file import Model, save_model

ACCEPTABLE_PSNR = 50.0
"""Reduced precision below this many dB against fp32 may be seen: the report warns."""
ACCEPTABLE_DIFFERENCE = 1e-3
"""An eighth of a step of an 8-bit value, in [-1, 1]."""


@dataclass(frozen=True)
class ExportReport:
    """The exported file, and how it compares with the model run by torch in fp32."""

    path: Path
    direction: Direction
    bytes: int
    """Size of the file."""
    sizes: tuple[tuple[int, ...], ...]
    """Shapes (B, C, *space) that were compared."""
    largest_difference: float
    """Largest absolute difference of ONNX Runtime from torch over those shapes, in the output's [-1, 1]."""
    reduced_psnr: float | None
    """PSNR in dB of OpenVINO in bf16 against torch in fp32 (peak 2); None where this machine has no bf16."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings on the figures, one sentence each; empty when they are as they should be."""
        found = []
        if not self.largest_difference < ACCEPTABLE_DIFFERENCE:
            found.append(
                f"the ONNX graph differs from torch by up to {self.largest_difference:.2g}; "
                f"expected less than {ACCEPTABLE_DIFFERENCE:g}"
            )
        if self.reduced_psnr is not None and not self.reduced_psnr >= ACCEPTABLE_PSNR:
            found.append(
                f"OpenVINO in bf16 is {self.reduced_psnr:.1f} dB from fp32, below {ACCEPTABLE_PSNR:.0f}; "
                "convert with --runtime torch or onnx where that matters"
            )
        return tuple(found)


def export_onnx(
    model: Model | str | os.PathLike[str],
    out: str | os.PathLike[str],
    direction: Direction = "a2b",
    *,
    samples: Tensor | None = None,
    ema_length: float | None = None,
) -> ExportReport:
    """Write one direction as an ONNX graph `x` -> `y` with free batch and spatial sizes, and compare it with torch.

    Args:
        model: a model, or what `load` takes (a run, a model file, a shipped model's name).
        out: the .onnx file.
        direction: a2b or b2a.
        samples: a batch (B, C, *space) in [-1, 1] for the precision figure; by default smooth noise.
        ema_length: as in `load`.

    The spatial sizes that the graph takes are those of the generator (multiples of its `multiple`); they stand in
    the file's metadata together with the direction and the names of the domains.

    Raises:
        MissingFile, UnknownName, ModelFileError: the model cannot be loaded.
        ConfigError: the model has no such direction.
        OutputError: the file cannot be written.
        MissingDependency: onnx or onnxruntime is not installed.
    """
    expect_path("out", out)
    model = loaded(model, ema_length)
    model.check_direction(direction)
    generator = model.generators[direction]
    graph = _described(onnx_graph(generator, model.domain.dimensions), model, direction)
    batches = [_smooth_noise(shape) for shape in _shapes(generator, model.domain.dimensions)]
    report = ExportReport(
        path=Path(out),
        direction=direction,
        bytes=len(graph),
        sizes=tuple(tuple(batch.shape) for batch in batches),
        largest_difference=_largest_difference(graph, generator, batches),
        reduced_psnr=_reduced_psnr(model, direction, batches[-1] if samples is None else samples),
    )
    atomic_bytes(report.path, graph)
    return report


def export_model(
    model: Model | str | os.PathLike[str],
    out: str | os.PathLike[str],
    half: bool = False,
    ema_length: float | None = None,
) -> Path:
    """Write a model as one .safetensors file, with `half` in 16-bit floats (half the size); `ema_length` as in `load`.

    Raises:
        MissingFile, UnknownName, ModelFileError: the model cannot be loaded.
        OutputError: the file cannot be written.
    """
    expect_path("out", out)
    path = Path(out)
    save_model(loaded(model, ema_length), path, half=half)
    return path


def psnr(found: Tensor, expected: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of two tensors in [-1, 1] (peak 2); infinite where they are equal."""
    error = float((found.double() - expected.double()).square().mean())
    return float("inf") if error == 0.0 else float(10.0 * torch.log10(torch.tensor(4.0 / error, dtype=torch.float64)))


def loaded(model: Model | str | os.PathLike[str], ema_length: float | None) -> Model:
    """A model, or what `load` takes, loaded. Raises ArgumentError where `ema_length` does not go with it."""
    if isinstance(model, Model):
        if ema_length is not None:
            raise ArgumentError("ema_length is for a model that is named by its run; this one is loaded already")
        return model
    from .shipped import load_model_named

    return load_model_named(model, ema_length=ema_length)


def _described(graph: bytes, model: Model, direction: Direction) -> bytes:
    onnx = require("onnx", "onnx")
    proto = onnx.load_from_string(graph)
    source, target = model.names if direction == "a2b" else reversed(model.names)
    generator = as_generator(model.generators[direction])
    facts = {
        "unpaired.direction": direction,
        "unpaired.from": source,
        "unpaired.to": target,
        "unpaired.domain": model.domain.name,
        "unpaired.multiple": str(generator.multiple),
        "unpaired.minimum": str(generator.minimum),
    }
    onnx.helper.set_model_props(proto, facts)
    serialised: bytes = proto.SerializeToString()
    return serialised


def _largest_difference(graph: bytes, generator: nn.Module, batches: list[Tensor]) -> float:
    run = session(graph)
    found = [torch.from_numpy(run.run(None, {"x": batch.numpy()})[0]) for batch in batches]
    return max(float((y - _reference(generator, batch)).abs().max()) for y, batch in zip(found, batches, strict=True))


def _shapes(generator: nn.Module, dimensions: int) -> list[tuple[int, ...]]:
    """Three shapes unlike the one the graph was recorded with, along the axes that are free: square, oblong, and a
    batch."""
    channels, *example = example_shape(generator, dimensions)
    fixed, step = fixed_sizes(generator, dimensions), as_generator(generator).multiple
    large = -(-128 // step) * step

    def shape(batch: int, free: Sequence[int]) -> tuple[int, ...]:
        return batch, channels, *(size or other for size, other in zip(fixed, free, strict=True))

    return [
        shape(1, [2 * side for side in example]),
        shape(2, [side + (i + 1) * step for i, side in enumerate(example)]),
        shape(1, [large if dimensions < 3 else 2 * side for side in example]),
    ]


def _smooth_noise(shape: tuple[int, ...]) -> Tensor:
    """Noise with detail at every scale, in [-1, 1]: nearer to what is converted than white noise."""
    random = torch.Generator().manual_seed(0)
    total = torch.zeros(shape)
    for scale in (1, 2, 4, 8):
        coarse = [max(1, size // scale) for size in shape[2:]]
        noise = torch.randn(*shape[:2], *coarse, generator=random)
        total += scale * torch.nn.functional.interpolate(noise, size=shape[2:])
    return (total / total.abs().max()).contiguous()


def _reference(generator: nn.Module, batch: Tensor) -> Tensor:
    with torch.no_grad():
        y: Tensor = generator(batch)
    return y


def _reduced_psnr(model: Model, direction: Direction, batch: Tensor) -> float | None:
    from ..runtimes.openvino import OpenVinoRuntime

    if OPENVINO_BF16 not in choose("auto", "cpu").candidates:
        return None
    generator = model.generators[direction]
    runtime = OpenVinoRuntime(GeneratorSource.of(generator, model.domain.dimensions), "bf16")
    return psnr(runtime(batch), _reference(generator, batch))
