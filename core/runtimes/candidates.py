"""The ways there are to run a generator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .runtime import Runtime

if TYPE_CHECKING:
    from .source import GeneratorSource


@dataclass(frozen=True)
class Candidate:
    """One way to run a generator: a runtime and the precision it computes in."""

    runtime: Literal["torch", "openvino", "onnx"]
    precision: Literal["fp32", "bf16"]

    def __str__(self) -> str:
        return f"{self.runtime} {self.precision}"

    def build(self, generator: GeneratorSource, device: str = "cpu") -> Runtime:
        """Make a generator ready to run.

        Raises:
            MissingDependency: the runtime's package is not installed.
        """
        if self.runtime == "torch":
            from .torch import TorchRuntime

            return TorchRuntime(generator.module, device, self.precision)
        if self.runtime == "openvino":
            from .openvino import OpenVinoRuntime

            return OpenVinoRuntime(generator, self.precision)
        from .onnx import OnnxRuntime

        return OnnxRuntime(generator.module, generator.dimensions)


OPENVINO_BF16 = Candidate("openvino", "bf16")
CANDIDATES = (
    Candidate("openvino", "fp32"),
    OPENVINO_BF16,
    Candidate("torch", "fp32"),
    Candidate("torch", "bf16"),
    Candidate("onnx", "fp32"),
)
"""Every way to run a generator on the CPU, those that are preferred where several are about as fast first."""
