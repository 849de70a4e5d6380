"""Choice of runtime, precision and device."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

from ..errors import ConfigError, MissingDependency, show
from .candidates import CANDIDATES, OPENVINO_BF16, Candidate
from .devices import device_named, spelled
from .machine import native_bf16
from .runtime import Runtime

if TYPE_CHECKING:
    from .source import GeneratorSource

RuntimeName = Literal["auto", "torch", "openvino", "onnx"]
NAMES: tuple[RuntimeName, ...] = ("auto", "torch", "openvino", "onnx")
PrecisionName = Literal["auto", "fp32", "bf16"]
PRECISIONS: tuple[PrecisionName, ...] = ("auto", "fp32", "bf16")


@dataclass(frozen=True)
class Choice:
    """The ways left by what was asked, the default first, and the device they run on."""

    candidates: tuple[Candidate, ...]
    device: str
    notes: tuple[str, ...] = ()
    """What is to be said of them, for the user."""

    @property
    def name(self) -> Literal["torch", "openvino", "onnx"]:
        """The runtime of the default."""
        return self.candidates[0].runtime

    def build(self, generator: GeneratorSource) -> Runtime:
        """Make a generator ready to run: in the one way there is, or in whichever of several proves to be fast.

        Raises:
            MissingDependency: the runtime's package is not installed.
        """
        if len(self.candidates) == 1:
            return self.candidates[0].build(generator, self.device)
        from .measured import MeasuredRuntime

        return MeasuredRuntime(generator, self.candidates)


def choose(name: str = "auto", device: str = "auto", precision: str = "auto") -> Choice:
    """Settle on a device, and on the runtimes and precisions to choose from by measurement.

    `auto` runs on CUDA or MPS through torch where there is such a device, else on the CPU: through OpenVINO in fp32
    (torch where that is not installed) unless torch, or bf16 where the CPU has it, is measured to be faster. A named
    runtime keeps its name, and a named precision likewise; OpenVINO and ONNX Runtime are used on the CPU only.

    Raises:
        ConfigError: an unknown runtime, precision or device, one that is not there, or two that do not go together.
        MissingDependency: a runtime was named whose package is not installed.
    """
    if name not in NAMES:
        raise ConfigError(f"runtime is {show(name)}; expected one of {', '.join(NAMES)}")
    if precision not in PRECISIONS:
        raise ConfigError(f"precision is {show(precision)}; expected one of {', '.join(PRECISIONS)}")
    if name in ("openvino", "onnx"):
        _check_named(name, device, precision)
        settled = "cpu"
    else:
        settled = str(device_named(device))
    kind = spelled(settled).kind
    candidates = _on_cpu(name, precision) if kind == "cpu" else (_on_accelerator(kind, precision),)
    emulated = precision == "bf16" and not native_bf16(kind)
    return Choice(candidates, settled, (_EMULATED.format(kind=kind),) if emulated else ())


def _check_named(name: str, device: str, precision: str) -> None:
    if spelled(device).kind not in ("auto", "cpu"):
        raise ConfigError(f"runtime {name} runs on the CPU, but device is {device!r}; take runtime torch for that")
    if not _installed(name):
        package = _PACKAGES[name]
        raise MissingDependency(f"runtime {name} needs the package {package}: pip install {package}")
    if name == "onnx" and precision == "bf16":
        raise ConfigError("runtime onnx computes in fp32, but precision is 'bf16'; take another runtime, or fp32")


def _on_cpu(name: str, precision: str) -> tuple[Candidate, ...]:
    native = native_bf16("cpu")
    if name == "torch" and precision == "auto":
        return (Candidate("torch", "fp32"),)  # the reference that the others are compared with
    ways = [
        way
        for way in CANDIDATES
        if (way.runtime == name or (name == "auto" and way.runtime != "onnx" and _installed(way.runtime)))
        and (way.precision == precision or (precision == "auto" and (native or way.precision == "fp32")))
        and (native or way != OPENVINO_BF16)
    ]
    if not ways:
        raise ConfigError("precision is 'bf16', which runtime openvino computes in only where the CPU has instructions "
                          "for it; leave out the runtime, or take fp32")  # fmt: skip
    # Of two in bf16, torch's has never been the faster.
    return tuple(way for way in ways if OPENVINO_BF16 not in ways or way != Candidate("torch", "bf16"))


def _on_accelerator(kind: str, precision: str) -> Candidate:
    if precision == "fp32" or (precision == "auto" and not (kind == "cuda" and native_bf16(kind))):
        return Candidate("torch", "fp32")
    return Candidate("torch", "bf16")


_PACKAGES = {"openvino": "openvino", "onnx": "onnxruntime"}
_EMULATED = "precision is bf16, but this device ({kind}) has no instructions for it: it is slower than fp32 here"


def _installed(name: str) -> bool:
    return name not in _PACKAGES or find_spec(_PACKAGES[name]) is not None
