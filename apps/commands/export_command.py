"""`unpaired export`: a model for other programs."""

from __future__ import annotations

from unpaired.apps.command_line import Parser

DESCRIPTION = """Write one direction of a model as ONNX with dynamic sizes, and print its largest difference from torch;
or write the whole model as safetensors.

  unpaired export runs/monet monet.onnx --direction a2b
  unpaired export runs/monet monet.safetensors --half

MODEL is a run folder, a model file, or the name of a shipped model (`unpaired models`)."""


def parser() -> Parser:
    """What `unpaired export` takes."""
    made = Parser("unpaired export", DESCRIPTION)
    made.add_argument("model", metavar="MODEL")
    made.add_argument("out", metavar="OUT", help="a name that ends in .onnx or .safetensors")
    made.add_argument("--direction", choices=("a2b", "b2a"), help="of an ONNX file (default: a2b)")
    made.add_argument("--half", action="store_true", help="store safetensors weights as 16-bit floats")
    made.add_argument("--json", action="store_true", help="print figures as JSON")
    return made
