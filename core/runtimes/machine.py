"""What a measurement depends on beside the network: the CPU, the threads used of it, and the libraries."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

FLAGS = (
    "sse4_2", "avx", "avx2", "fma", "avx_vnni", "avx512f", "avx512", "avx512_vnni", "avx512_bf16", "avx512_fp16",
    "amx_tile", "amx_int8", "amx_bf16", "asimd", "asimdhp", "asimddp", "sve", "i8mm", "bf16",
)  # fmt: skip
"""Instructions that decide how fast a network runs."""
LIBRARIES = ("torch", "openvino", "onnxruntime")
LIMITS = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY")
"""Variables of the environment that keep libraries from using instructions."""
_CPUINFO = Path("/proc/cpuinfo")


def measured_on(threads: int) -> dict[str, Any]:
    """All that a measurement on the CPU is valid for."""
    return {
        "cpu": cpu_model(),
        "flags": list(cpu_flags()),
        "limits": {name: os.environ[name] for name in LIMITS if name in os.environ},
        "threads": threads,
        "libraries": library_versions(),
    }


def cpu_model() -> str:
    """The name of the CPU as the system gives it."""
    fields = _cpuinfo()
    return fields.get("model name") or platform.processor() or platform.machine()


def cpu_flags() -> tuple[str, ...]:
    """Those of FLAGS that the CPU has; where the system doesn't list them, those that torch knows."""
    fields = _cpuinfo()
    listed = (fields.get("flags") or fields.get("Features", "")).split()
    if not listed:
        import torch

        tests = {"avx512_bf16": torch.cpu._is_avx512_bf16_supported, "amx_bf16": torch.cpu._is_amx_tile_supported}
        listed = [torch.backends.cpu.get_cpu_capability().lower(), *(name for name, has in tests.items() if has())]
    return tuple(flag for flag in FLAGS if flag in listed)


@cache
def library_versions() -> Mapping[str, str]:
    """Versions of the libraries that run networks, those that are installed."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def native_bf16(accelerator: str) -> bool:
    """Whether a device (cpu, cuda, mps) has instructions for bf16. On CPUs that does not make it faster than fp32."""
    if accelerator == "cpu":
        return any(flag in cpu_flags() for flag in ("avx512_bf16", "amx_bf16"))
    if accelerator != "cuda":
        return False
    import torch

    return bool(torch.cuda.is_bf16_supported(including_emulation=False))


def listed_bf16() -> bool:
    """Whether torch lists instructions for bf16 on this CPU: by that earlier versions chose the precision."""
    import torch

    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


@cache
def _cpuinfo() -> Mapping[str, str]:
    """The fields of the first core, on Linux."""
    try:
        with _CPUINFO.open(encoding="utf-8", errors="replace") as file:  # of many cores it is long
            lines = file.read(16384).partition("\n\n")[0].splitlines()
    except OSError:
        return {}
    pairs = (re.split(r"\s*:\s*", line, maxsplit=1) for line in lines)
    return {pair[0].strip(): pair[1].strip() for pair in pairs if len(pair) == 2}
