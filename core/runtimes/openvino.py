"""The OpenVINO runtime: the fastest road on a CPU."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from . import require
from .tracing import traced

_SHAPES_KEPT = 4
_CALLS_BEFORE_STATIC = 8
"""A graph of fixed shape is a few per cent faster than a dynamic one and takes 0.3 s to make."""


class OpenVinoRuntime:
    """A generator compiled by OpenVINO for the CPU, with as many threads as torch would use.

    `precision` auto computes in bf16 where the CPU has instructions for it (AVX512-BF16, AMX), else in fp32.

    Raises:
        MissingDependency: openvino is not installed.
    """

    def __init__(self, generator: nn.Module, dimensions: int, precision: Literal["auto", "fp32"] = "auto") -> None:
        self._openvino = require("openvino", "openvino")
        self._core = self._openvino.Core()
        capabilities = self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        self.precision = "bf16" if precision == "auto" and "BF16" in capabilities else "fp32"
        self._generator = generator
        self._dimensions = dimensions
        self._graphs: dict[bool, _Graph] = {}
        self._lock = threading.Lock()

    def __call__(self, x: Tensor) -> Tensor:
        """Translate (B, C, *space); see Runtime."""
        with self._lock:
            (y,) = self._graph(statistics=False).run([_array(x)])
        return torch.from_numpy(y).to(x.device)

    def with_statistics(self, x: Tensor, statistics: Tensor, momentum: float) -> tuple[Tensor, Tensor]:
        """Translate (1, C, *space) under given statistics; see Runtime."""
        inputs = [_array(x), _array(statistics), np.array(momentum, np.float32)]
        with self._lock:
            y, used = self._graph(statistics=True).run(inputs)
        return torch.from_numpy(y).to(x.device), torch.from_numpy(used).to(statistics.device)

    def _graph(self, statistics: bool) -> _Graph:
        if statistics not in self._graphs:
            settings = {
                "INFERENCE_PRECISION_HINT": "bf16" if self.precision == "bf16" else "f32",
                "INFERENCE_NUM_THREADS": torch.get_num_threads(),
                "PERFORMANCE_HINT": "LATENCY",
            }
            model = _converted(self._generator, self._dimensions, statistics)
            # Given statistics come with series of equal tiles or frames: their shape is fixed from the first call.
            calls = 1 if statistics else _CALLS_BEFORE_STATIC
            self._graphs[statistics] = _Graph(self._core, model, settings, calls)
        return self._graphs[statistics]


class _Graph:
    """One OpenVINO model, compiled for any size and for the few shapes that come again and again."""

    def __init__(self, core: Any, model: Any, settings: dict[str, Any], calls_before_static: int) -> None:
        self._core, self._model, self._settings = core, model, settings
        self._calls_before_static = calls_before_static
        self._any_size: Any = None
        self._static: OrderedDict[tuple[int, ...], Any] = OrderedDict()
        self._calls: OrderedDict[tuple[int, ...], int] = OrderedDict()

    def run(self, inputs: list[np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
        request = self._request(inputs)
        # Copies: the request reuses its output buffers.
        return list(request.infer(dict(enumerate(inputs)), share_inputs=True).to_tuple())

    def _request(self, inputs: list[np.ndarray[Any, Any]]) -> Any:
        shape = inputs[0].shape
        if shape in self._static:
            self._static.move_to_end(shape)
            return self._static[shape]
        self._calls[shape] = self._calls.pop(shape, 0) + 1
        if len(self._calls) > 64:
            self._calls.popitem(last=False)
        if self._calls[shape] < self._calls_before_static:
            if self._any_size is None:
                self._any_size = self._compiled(self._model)
            return self._any_size
        fixed = self._model.clone()
        fixed.reshape({i: list(array.shape) for i, array in enumerate(inputs)})
        self._static[shape] = self._compiled(fixed)
        if len(self._static) > _SHAPES_KEPT:
            self._static.popitem(last=False)
        return self._static[shape]

    def _compiled(self, model: Any) -> Any:
        return self._core.compile_model(model, "CPU", self._settings).create_infer_request()


def _array(x: Tensor) -> np.ndarray[Any, Any]:
    array: np.ndarray[Any, Any] = x.detach().to("cpu", torch.float32).contiguous().numpy()
    return array


def _converted(generator: nn.Module, dimensions: int, statistics: bool) -> Any:
    """The OpenVINO model of a generator, for every size.

    Through the front end itself: `openvino.convert_model` does the same and reports its use over the network.
    """
    frontends = require("openvino.frontend", "openvino")
    decoders = require("openvino.frontend.pytorch.ts_decoder", "openvino")
    graph, _ = traced(generator, dimensions, statistics)
    frontend = frontends.FrontEndManager().load_by_framework("pytorch")
    # The front end reads from the decoder until the conversion is over, without keeping it alive.
    decoder = decoders.TorchScriptPythonDecoder(graph)
    return frontend.convert(frontend.load(decoder))
