"""`unpaired export`: a model for other programs."""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import unpaired
from unpaired import ConfigError
from unpaired.apps.command_line import Parser, add_ema_length, refuse
from unpaired.core import as_note

if TYPE_CHECKING:
    from unpaired.core.model import ExportReport, Int8Report

DESCRIPTION = """Write one direction of a model as ONNX with dynamic sizes, and print its largest difference from torch;
or write the whole model as safetensors; or one direction as an OpenVINO graph in eight bits, with its PSNR and time.

  unpaired export runs/monet monet.onnx --direction a2b
  unpaired export runs/monet monet.safetensors --half
  unpaired export runs/monet monet.xml --int8 --calibration photos

MODEL is a run folder, a model file, or the name of a shipped model (`unpaired models`)."""


def parser() -> Parser:
    """The options of `unpaired export`."""
    made = Parser("unpaired export", DESCRIPTION)
    made.add_argument("model", metavar="MODEL")
    made.add_argument("out", metavar="OUT", help="a name that ends in .onnx, .safetensors or .xml")
    made.add_argument("--direction", choices=("a2b", "b2a"), help="of an ONNX file or an OpenVINO graph (default: a2b)")
    add_ema_length(made)
    made.add_argument("--half", action="store_true", help="store safetensors weights as 16-bit floats")
    made.add_argument("--int8", action="store_true", help="quantise to eight bits (.xml)")
    made.add_argument("--calibration", metavar="DIR", help="files of the translated side, for --int8")
    made.add_argument("--json", action="store_true", help="print figures as JSON")
    return made


def main(args: argparse.Namespace) -> int:
    """Write the file and print what became of it."""
    refuse(args.faults)
    out = Path(args.out)
    if args.int8 or args.calibration or out.suffix == ".xml":
        return _int8(args, out)
    if out.suffix == ".onnx":
        if args.half:
            raise ConfigError("--half is for a .safetensors file; ONNX is written in 32-bit floats")
        return _onnx(args, out)
    if out.suffix == ".safetensors":
        if args.direction:
            raise ConfigError(
                "--direction is for an .onnx file; a .safetensors file holds every direction of the model"
            )
        return _safetensors(args, out)
    raise ConfigError(f"{out} has no known ending; expected .onnx, .safetensors or .xml")


def _onnx(args: argparse.Namespace, out: Path) -> int:
    report = unpaired.export_onnx(args.model, out, args.direction or "a2b", ema_length=args.ema_length)
    if args.json:
        print(json.dumps(_figures(report), indent=2))
        return 0
    print(f"{report.path}: {report.direction}, {report.bytes / 1e6:.1f} MB")
    print(f"largest difference from torch: {report.largest_difference:.2g} (outputs lie in -1 to 1)")
    if report.reduced_psnr is not None:
        print(f"bf16 on this CPU against fp32: {report.reduced_psnr:.1f} dB PSNR")
    for warning in report.warnings:
        print(as_note(warning), file=sys.stderr)
    return 0


def _int8(args: argparse.Namespace, out: Path) -> int:
    if not (args.int8 and args.calibration and out.suffix == ".xml") or args.half:
        raise ConfigError("an OpenVINO graph is written by OUT.xml --int8 --calibration DIR, without --half")
    report = unpaired.export_int8(
        args.model, out, args.direction or "a2b", calibration=args.calibration, ema_length=args.ema_length
    )
    if args.json:
        print(json.dumps({**vars(report), "path": str(report.path)}, indent=2))
        return 0
    _say(report)
    return 0


def _say(report: Int8Report) -> None:
    print(f"{report.path}: {report.direction}, {report.bytes / 1e6:.1f} MB with its weights")
    print(f"eight bits against fp32: {report.psnr:.1f} dB PSNR on {report.held_out} samples that were held out")
    print(f"one of them takes {report.milliseconds:.1f} ms, in fp32 {report.fp32_milliseconds:.1f} ms")
    for warning in report.warnings:
        print(as_note(warning), file=sys.stderr)


def _figures(report: ExportReport) -> dict[str, Any]:
    psnr = report.reduced_psnr if report.reduced_psnr is None or math.isfinite(report.reduced_psnr) else None
    return {**vars(report), "path": str(report.path), "reduced_psnr": psnr}


def _safetensors(args: argparse.Namespace, out: Path) -> int:
    size = unpaired.export_model(args.model, out, args.half, args.ema_length).stat().st_size
    print(json.dumps({"path": str(out), "bytes": size}) if args.json else f"{out}: {size / 1e6:.1f} MB")
    return 0
