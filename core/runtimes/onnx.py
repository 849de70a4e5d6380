"""The ONNX Runtime runtime, and the ONNX graph that it and `unpaired export` share."""

from __future__ import annotations

import io
import threading
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..values import Values, alike, as_array
from .packages import require
from .runtime import Statistics, statistics_for
from .tracing import fixed_sizes, quiet, traced

OPSET = 17
"""ONNX operator set: the newest that both ONNX Runtime 1.14 (2023) and torch's exporter know."""
_SPINNING = "100"
"""Microseconds that threads spin while they wait."""


class OnnxRuntime:
    """A generator run by ONNX Runtime on the CPU in fp32, with as many threads as torch would use.

    Raises:
        MissingDependency: onnxruntime is not installed.
    """

    def __init__(self, generator: nn.Module, dimensions: int) -> None:
        self.ran = ("onnx fp32",)
        self._generator = generator
        self._dimensions = dimensions
        self._sessions: dict[Statistics, Any] = {}
        self._lock = threading.Lock()
        require("onnxruntime", "onnxruntime")
        # Exporting imports much: now, for graphs are made in whatever thread first needs one.
        _exported(nn.Identity(), (torch.zeros(1),), ["x"], ["y"], {})

    def __call__(self, x: Values) -> Values:
        """Translate (B, C, *space); see Runtime."""
        (y,) = self._session("own").run(None, {"x": as_array(x)})
        return alike(y, x)

    def with_statistics(self, x: Values, statistics: Values, momentum: float) -> tuple[Values, Values]:
        """Translate (1, C, *space) under given statistics; see Runtime."""
        inputs = {"x": as_array(x), "statistics": as_array(statistics)}
        if momentum:
            inputs["momentum"] = np.array(momentum, np.float32)
        y, used = self._session(statistics_for(momentum)).run(None, inputs)
        return alike(y, x), alike(used, statistics)

    def _session(self, statistics: Statistics) -> Any:
        with self._lock:
            if statistics not in self._sessions:
                self._sessions[statistics] = session(onnx_graph(self._generator, self._dimensions, statistics))
            return self._sessions[statistics]


def session(graph: bytes) -> Any:
    """An ONNX Runtime session for a serialised graph. Raises MissingDependency without onnxruntime."""
    onnxruntime = require("onnxruntime", "onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    # As long as alone it costs nothing; by default threads that wait keep the cores from a second process.
    options.add_session_config_entry("session.intra_op.spin_duration_us", _SPINNING)
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def onnx_graph(generator: nn.Module, dimensions: int, statistics: Statistics = "own") -> bytes:
    """The generator as a serialised ONNX graph `x` -> `y` with free batch and, where it takes any, spatial sizes.

    With statistics other than the samples' own the graph is that of WithStatistics: (x, statistics) -> (y, used), and
    momentum as a third input where they are mixed; one sample.
    """
    graph, inputs = traced(generator, dimensions, statistics)
    space = {2 + i: f"space_{i}" for i, size in enumerate(fixed_sizes(generator, dimensions)) if size is None}
    free = space if statistics != "own" else {0: "batch", **space}
    inward, outward = ["x", "statistics", "momentum"][: len(inputs)], ["y", "used"][: 1 if statistics == "own" else 2]
    return _exported(graph, inputs, inward, outward, {"x": free, "y": free})


def _exported(
    graph: Any, inputs: tuple[Tensor, ...], inward: list[str], outward: list[str], free: dict[str, dict[int, str]]
) -> bytes:
    buffer = io.BytesIO()
    export: Any = torch.onnx.export
    with torch.no_grad(), quiet():
        # The recording exporter: the newer one fixes batch 1 and needs divisibility constraints for these graphs.
        export(
            graph,
            inputs,
            buffer,
            dynamo=False,
            opset_version=OPSET,
            input_names=inward,
            output_names=outward,
            dynamic_axes=free,
        )
    return buffer.getvalue()
