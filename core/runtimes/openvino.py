"""The OpenVINO runtime: the fastest road on a CPU."""

from __future__ import annotations

import ctypes
import math
import sys
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Literal

import numpy as np

from ..values import Values, alike, as_array
from .cores import usual_threads
from .graphs import Graphs
from .packages import require
from .runtime import AT_ONCE, End, Statistics, statistics_for
from .source import GeneratorSource

_SHAPES_KEPT = 4
"""Graphs of fixed shape, which take 0.3 s to make."""
_SHORT = 32
"""Frames of a spectrogram up to which it has a graph of its own, which takes two thirds of the time there."""
_SHARED = 4
"""Lengths at the end of a translation have a graph for each multiple of this."""


class OpenVinoRuntime:
    """A generator compiled by OpenVINO for the CPU, with as many threads as torch would use.

    Nothing of torch is imported for arrays where the graph is kept on the disk (`graphs`). bf16 is for CPUs that have
    instructions for it (AVX512-BF16, AMX).

    Raises:
        MissingDependency: openvino is not installed.
    """

    def __init__(self, generator: GeneratorSource, precision: Literal["fp32", "bf16"] = "fp32") -> None:
        self._core = new_core()
        self.precision = precision
        self.ran = (f"openvino {precision}",)
        self._models = Graphs(generator, self._core)
        self._threads, self._any_length = usual_threads(), generator.takes.any_length
        self._graphs: dict[tuple[Statistics, bool, End | None], _Graph] = {}
        self._lock = threading.Lock()

    def __call__(self, x: Values) -> Values:
        """Translate (B, C, *space); see Runtime."""
        array = as_array(x)
        if len(array) == 1:
            (y,) = self._graph("own").run([array])
        else:
            y = np.concatenate(self._graph("own", side_by_side=True).run_each(np.split(array, len(array))))
        return alike(y, x)

    def with_statistics(self, x: Values, statistics: Values, momentum: float) -> tuple[Values, Values]:
        """Translate (1, C, *space) under given statistics; see Runtime."""
        inputs = [as_array(x), as_array(statistics)]
        if momentum:
            inputs.append(np.array(momentum, np.float32))
        y, used = self._graph(statistics_for(momentum)).run(inputs)
        return alike(y, x), alike(used, statistics)

    def translate_end(self, x: Values, statistics: Values, length: int) -> Values:
        """The end of a translation; see `TranslatesEnds`."""
        graph = self._graph("given")
        if self._any_length and x.shape[-1] <= _SHORT:
            # Lengths that differ by little share a graph.
            graph = self._graph("given", end=End(-(-length // _SHARED) * _SHARED, x.shape[-1]))
        y, _ = graph.run([as_array(x), as_array(statistics)])
        return alike(y[..., -length:], x)

    def _graph(self, statistics: Statistics, side_by_side: bool = False, end: End | None = None) -> _Graph:
        with self._lock:
            key = statistics, side_by_side, end
            if key not in self._graphs:
                self._graphs[key] = self._made(*key)
            return self._graphs[key]

    def _made(self, statistics: Statistics, side_by_side: bool, end: End | None) -> _Graph:
        settings: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": "bf16" if self.precision == "bf16" else "f32",
            "INFERENCE_NUM_THREADS": self._threads,
            "PERFORMANCE_HINT": "LATENCY",
        }
        streams = 1
        if side_by_side:  # a thread for each sample is faster than all threads for each sample in turn
            streams = self._threads
        elif statistics == "given":
            streams = min(AT_ONCE, self._threads)
        if streams > 1:
            settings |= {"PERFORMANCE_HINT": "THROUGHPUT", "NUM_STREAMS": streams}
        # Batches and given statistics come with series of frames or tiles of one size, but spectrograms in any length:
        # the shortest of them come in series too, while somebody speaks.
        given = (_SHORT if self._any_length else math.inf) if statistics != "own" else 0
        series = math.inf if side_by_side else given
        return _Graph(self._core, self._models.model(statistics, end), settings, series, 1 if side_by_side else streams)


class _Graph:
    """One OpenVINO model, compiled for any size or, up to a last axis of `series`, for each of the last few. It runs
    for `callers` at a time. Thread-safe.

    Which of the two must not depend on what was asked before: their numbers differ in the last places.
    """

    def __init__(self, core: Any, model: Any, settings: dict[str, Any], series: float, callers: int) -> None:
        self._core, self._model, self._settings, self._series = core, model, settings, series
        self._any_size: _Compiled | None = None
        self._fixed: OrderedDict[tuple[int, ...], _Compiled] = OrderedDict()
        self._lock, self._room = threading.Lock(), threading.Semaphore(callers)

    def run(self, inputs: list[np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
        with self._room, self._suited(inputs).request() as request:
            # Copies: the request reuses its output buffers.
            return list(request.infer(dict(enumerate(inputs)), share_inputs=True).to_tuple())

    def run_each(self, samples: list[np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
        """The one output for each of several inputs, which are worked on at the same time."""
        with self._room, ExitStack() as stack:
            compiled = self._suited(samples[:1])
            requests = [stack.enter_context(compiled.request()) for _ in samples]
            for request, sample in zip(requests, samples, strict=True):
                request.start_async({0: sample}, share_inputs=True)
            for request in requests:
                request.wait()
            return [request.get_output_tensor(0).data.copy() for request in requests]

    def _suited(self, inputs: list[np.ndarray[Any, Any]]) -> _Compiled:
        with self._lock:
            if inputs[0].shape[-1] > self._series:
                self._any_size = self._any_size or self._compiled(self._model)
                return self._any_size
            shape = inputs[0].shape
            if shape not in self._fixed:
                fixed = self._model.clone()
                fixed.reshape({i: list(array.shape) for i, array in enumerate(inputs)})
                # For short spectrograms threads would take longer to wait for one another than they save.
                alone = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1} if math.isfinite(self._series) else {}
                self._fixed[shape] = self._compiled(fixed, alone)
            self._fixed.move_to_end(shape)
            if len(self._fixed) > _SHAPES_KEPT:
                self._fixed.popitem(last=False)
            return self._fixed[shape]

    def _compiled(self, model: Any, further: Mapping[str, Any] | None = None) -> _Compiled:
        return _Compiled(self._core.compile_model(model, "CPU", {**self._settings, **(further or {})}))


class _Compiled:
    """A compiled model with as many requests as were ever needed at a time."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._idle: list[Any] = []

    @contextmanager
    def request(self) -> Iterator[Any]:
        """A request for the caller alone."""
        try:
            request = self._idle.pop()
        except IndexError:
            request = self._model.create_infer_request()
        try:
            yield request
        finally:
            self._idle.append(request)


class _SignalStack(ctypes.Structure):
    """Linux's `stack_t` (sigaltstack(2))."""

    _fields_ = [("ss_sp", ctypes.c_void_p), ("ss_flags", ctypes.c_int), ("ss_size", ctypes.c_size_t)]


def new_core() -> Any:
    """A core of OpenVINO with the CPU's plugin loaded. Raises MissingDependency where OpenVINO is not installed."""
    openvino = require("openvino", "openvino")
    with _own_signal_stack():
        core = openvino.Core()
        core.get_property("CPU", "FULL_DEVICE_NAME")  # loads the plugin here, not at the first graph
    return core


@contextmanager
def _own_signal_stack() -> Iterator[None]:
    """Keep the stack that this thread handles signals on.

    OpenVINO's CPU plugin sets one of AT_MINSIGSTKSZ + 8 KiB as it loads (openvinotoolkit/openvino#11894), so that the
    system allows AMX, and unmaps it with the `Core`. Once AMX was used a signal takes 11 KiB of it: two at a time, such
    as SIGINT and SIGTERM, end in SIGSEGV. Where the stack of before is too small for AMX, the system refuses to have it
    back, and OpenVINO's stays.
    """
    if sys.platform != "linux":
        yield
        return
    sigaltstack = ctypes.CDLL(None).sigaltstack
    before = _SignalStack()
    sigaltstack(None, ctypes.byref(before))
    try:
        yield
    finally:
        sigaltstack(ctypes.byref(before), None)
