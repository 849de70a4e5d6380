"""Choice of runtime and device."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

from ..errors import ConfigError, MissingDependency, show
from .devices import device_named, spelled
from .runtime import Runtime

if TYPE_CHECKING:
    from .source import GeneratorSource

RuntimeName = Literal["auto", "torch", "openvino", "onnx"]
NAMES: tuple[RuntimeName, ...] = ("auto", "torch", "openvino", "onnx")


@dataclass(frozen=True)
class Choice:
    """A runtime and the device it runs on, both settled."""

    name: Literal["torch", "openvino", "onnx"]
    device: str

    def build(self, generator: GeneratorSource) -> Runtime:
        """Make a generator ready to run.

        Raises:
            MissingDependency: the runtime's package is not installed.
        """
        if self.name == "torch":
            from .torch import TorchRuntime

            return TorchRuntime(generator.module, self.device)
        if self.name == "openvino":
            from .openvino import OpenVinoRuntime

            return OpenVinoRuntime(generator)
        from .onnx import OnnxRuntime

        return OnnxRuntime(generator.module, generator.dimensions)


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
