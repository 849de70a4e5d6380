"""A generator in eight bits: an OpenVINO graph, calibrated with the user's own files, and how it compares with fp32."""

from __future__ import annotations

import io
import logging
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import ConfigError, MediaError, MissingDependency
from ..files import atomic_bytes
from ..runtimes.graphs import Graphs
from ..runtimes.offline import without_reports_of_use
from ..runtimes.openvino import new_core
from ..runtimes.packages import require
from ..runtimes.source import GeneratorSource
from ..samples import Sample
from ..settings.arguments import expect_path
from ..sides import SIDES, Direction
from .export import loaded, psnr
from .model_file import Model

ACCEPTABLE_PSNR = 40.0
"""Eight bits below this many dB against fp32 can be seen: the report warns."""
_CALIBRATION, _HELD_OUT = 48, 16
_ROUNDS = 7


@dataclass(frozen=True)
class Int8Report:
    """The exported graph, and how it compares with the model in fp32 on samples that it was not calibrated with."""

    path: Path
    direction: Direction
    bytes: int
    """Size of both files."""
    calibration: int
    """Samples that the ranges of the values were taken from ..."""
    held_out: int
    """... and others that the figures below are of."""
    psnr: float
    """PSNR in dB against torch in fp32 (peak 2), over all of them."""
    milliseconds: float
    """Median time of OpenVINO for one of them, in eight bits ..."""
    fp32_milliseconds: float
    """... and in fp32."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings on the figures, one sentence each; empty when they are as they should be."""
        found = []
        if not self.psnr >= ACCEPTABLE_PSNR:
            found.append(
                f"in eight bits the network is {self.psnr:.1f} dB from fp32, below {ACCEPTABLE_PSNR:.0f}: it can be "
                "seen; keep the model as it is where that matters"
            )
        if self.milliseconds >= self.fp32_milliseconds:
            found.append("in eight bits it is no faster than in fp32 on this machine")
        return tuple(found)


def export_int8(
    model: Model | str | os.PathLike[str],
    out: str | os.PathLike[str],
    direction: Direction = "a2b",
    *,
    calibration: str | os.PathLike[str],
    ema_length: float | None = None,
) -> Int8Report:
    """Write one direction as an OpenVINO graph in eight bits, and compare it with fp32.

    Weights and activations of convolutions become whole numbers by post-training quantisation (NNCF), norms stay in
    floating point. Samples are drawn from the files in `calibration`; a quarter of them, of files of their own where
    there are several, is held out for the figures.

    Args:
        model: a model, or what `load` takes (a run, a model file, a shipped model's name).
        out: the .xml file; the weights lie beside it in a .bin file.
        direction: a2b or b2a.
        calibration: a folder with files of the side that is translated.
        ema_length: as in `load`.

    Raises:
        MissingFile, UnknownName, ModelFileError: the model cannot be loaded, or there is no such folder.
        ConfigError: the model has no such direction, or `out` does not end in .xml.
        MediaError: the folder holds no usable file.
        OutputError: a file cannot be written.
        MissingDependency: nncf or openvino is not installed.
    """
    expect_path("out", out)
    expect_path("calibration", calibration, "the path of a folder")
    path = Path(out)
    if path.suffix != ".xml":
        raise ConfigError(f"{path} has no known ending for an OpenVINO graph; expected .xml")
    nncf = _nncf()
    model = loaded(model, ema_length)
    model.check_direction(direction)
    used, held_out = _samples(model, direction, Path(calibration))
    openvino = require("openvino", "openvino")
    core = new_core()
    generator = model.generators[direction].eval()
    plain = Graphs(GeneratorSource.of(generator, model.domain.dimensions), core).model("own")
    reduced = _quantised(nncf, plain, used)
    with torch.no_grad():
        expected = [generator(x) for x in held_out]
    compared = {"int8": (reduced, {}), "fp32": (plain, {"INFERENCE_PRECISION_HINT": "f32"})}
    found, times = _compared(core, compared, held_out)
    return Int8Report(
        path=path,
        direction=direction,
        bytes=_written(openvino, reduced, path),
        calibration=len(used),
        held_out=len(held_out),
        psnr=psnr(torch.cat([y.flatten() for y in found]), torch.cat([y.flatten() for y in expected])),
        milliseconds=times["int8"],
        fp32_milliseconds=times["fp32"],
    )


def _nncf() -> Any:
    # It imports what looks for a CUDA compiler, and logs that there is none.
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)
    try:
        return require("nncf", "nncf")
    except MissingDependency as error:
        raise MissingDependency("eight bits need the package nncf: pip install 'unpaired[int8]'") from error


def _samples(model: Model, direction: Direction, folder: Path) -> tuple[list[Tensor], list[Tensor]]:
    """Batches of one: those to calibrate with, and those that are held out. Raises MissingFile or MediaError."""
    side, rng = SIDES[direction][0], np.random.default_rng(0)
    files = model.domain.scan(folder).files
    if not files:
        raise MediaError(f"{folder} holds no usable file to calibrate with; give one with files of side {side}")

    def drawn(among: Sequence[Path], count: int) -> list[Tensor]:
        chosen = (among[number % len(among)] for number in range(count))
        return [Sample.of(model.domain.sample(file, side, rng, 0.0)).x[None] for file in chosen]

    held = files[::4] if len(files) > 1 else files
    used = [file for file in files if file not in held] or files
    return drawn(used, _CALIBRATION), drawn(held, _HELD_OUT)


def _quantised(nncf: Any, graph: Any, samples: Sequence[Tensor]) -> Any:
    """The graph in eight bits. NNCF would show its progress where the report is printed."""
    nncf.set_log_level(logging.ERROR)
    # The last convolution, whose rounding nothing averages out, stays as it is: 1 dB for hardly any time.
    last = [each.get_friendly_name() for each in graph.get_ordered_ops() if "Convolution" in each.get_type_name()][-1:]
    with without_reports_of_use(), redirect_stdout(io.StringIO()):
        return nncf.quantize(
            graph,
            nncf.Dataset([sample.numpy() for sample in samples]),
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(samples),
            ignored_scope=nncf.IgnoredScope(names=last),
        )


def _compared(
    core: Any, graphs: dict[str, tuple[Any, dict[str, Any]]], samples: Sequence[Tensor]
) -> tuple[list[Tensor], dict[str, float]]:
    """What the first of the graphs makes of the samples; the median milliseconds of each, taken in turn."""
    compiled = {}
    for name, (graph, settings) in graphs.items():
        fixed = graph.clone()
        fixed.reshape({0: list(samples[0].shape)})
        compiled[name] = core.compile_model(fixed, "CPU", {"PERFORMANCE_HINT": "LATENCY", **settings})
    first = next(iter(compiled.values()))
    found = [torch.from_numpy(first({0: sample.numpy()})[0].copy()) for sample in samples]
    taken: dict[str, list[float]] = {name: [] for name in compiled}
    for _ in range(_ROUNDS):
        for name, each in compiled.items():
            start = time.perf_counter()
            each({0: samples[0].numpy()})
            taken[name].append(1e3 * (time.perf_counter() - start))
    return found, {name: statistics.median(times[1:]) for name, times in taken.items()}


def _written(openvino: Any, graph: Any, path: Path) -> int:
    """Write a graph and its weights; their size. The graph is the last, so that it is never there without them."""
    with tempfile.TemporaryDirectory(prefix="unpaired-") as scratch:
        made = Path(scratch, "graph.xml")
        # OpenVINO's own names count what the process has made so far.
        graph.set_friendly_name(path.stem)
        for number, operation in enumerate(graph.get_ordered_ops()):
            operation.set_friendly_name(f"{operation.get_type_name()}_{number}")
        openvino.save_model(graph, made, compress_to_fp16=False)
        weights, described = made.with_suffix(".bin").read_bytes(), made.read_bytes()
    atomic_bytes(path.with_suffix(".bin"), weights)
    atomic_bytes(path, described)
    return len(weights) + len(described)
