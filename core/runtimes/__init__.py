"""Runtimes: what executes a trained generator. Each is imported when it is first asked for."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, Protocol

from ..config import show
from ..devices import device_named, spelled
from ..errors import ConfigError, MissingDependency
from .offline import without_reports_of_use

if TYPE_CHECKING:
    from torch import Tensor, nn

RuntimeName = Literal["auto", "torch", "openvino", "onnx"]
NAMES: tuple[RuntimeName, ...] = ("auto", "torch", "openvino", "onnx")


class Runtime(Protocol):
    """One generator made ready to run. Sizes must suit the generator: nothing is padded here. Thread-safe."""

    def __call__(self, x: Tensor) -> Tensor:
        """Translate a batch (B, C, *space), float32 in [-1, 1]; the result is on the device of `x`."""

    def with_statistics(self, x: Tensor, statistics: Tensor, momentum: float) -> tuple[Tensor, Tensor]:
        """Translate one sample (1, C, *space) under given norm statistics (size,): the result and those used."""


@dataclass(frozen=True)
class Choice:
    """A runtime and the device it runs on, both settled."""

    name: Literal["torch", "openvino", "onnx"]
    device: str

    def build(self, generator: nn.Module, dimensions: int) -> Runtime:
        """Make `generator`, whose samples have `dimensions` spatial axes, ready to run.

        Raises:
            MissingDependency: the runtime's package is not installed.
        """
        if self.name == "torch":
            from .torch import TorchRuntime

            return TorchRuntime(generator, self.device)
        if self.name == "openvino":
            from .openvino import OpenVinoRuntime

            return OpenVinoRuntime(generator, dimensions)
        from .onnx import OnnxRuntime

        return OnnxRuntime(generator, dimensions)


def choose(name: str = "auto", device: str = "auto") -> Choice:
    """Settle on a runtime and a device.

    `auto` runs on CUDA or MPS through torch where there is such a device, else on the CPU through OpenVINO
    (through torch where that is not installed). A named runtime keeps its name; OpenVINO and ONNX Runtime are
    used on the CPU only.

    Raises:
        ConfigError: an unknown runtime or device, one that is not there, or two that do not go together.
        MissingDependency: a runtime was named whose package is not installed.
    """
    if name not in NAMES:
        raise ConfigError(f"runtime is {show(name)}; expected one of {', '.join(NAMES)}")
    if name in ("openvino", "onnx"):
        if spelled(device).kind not in ("auto", "cpu"):
            raise ConfigError(f"runtime {name} runs on the CPU, but device is {device!r}; take runtime torch for that")
        if not _installed(name):
            package = _PACKAGES[name]
            raise MissingDependency(f"runtime {name} needs the package {package}: pip install {package}")
        return Choice("openvino" if name == "openvino" else "onnx", "cpu")
    settled = str(device_named(device))
    if name == "auto" and settled == "cpu" and _installed("openvino"):
        return Choice("openvino", "cpu")
    return Choice("torch", settled)


_PACKAGES = {"openvino": "openvino", "onnx": "onnxruntime"}


def _installed(name: str) -> bool:
    return find_spec(_PACKAGES[name]) is not None


def require(module: str, package: str) -> Any:
    """Import an optional package at its first use, without what it would report over the network.

    Raises:
        MissingDependency: it is not installed; the message names what to install.
    """
    try:
        with without_reports_of_use():
            imported: ModuleType = import_module(module)
    except ImportError as error:
        raise MissingDependency(f"{package} is needed here and cannot be imported: pip install {package}") from error
    return imported
