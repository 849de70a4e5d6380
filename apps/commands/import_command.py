"""`unpaired import`: weights of pytorch-CycleGAN-and-pix2pix and CUT to a model file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import unpaired
from unpaired.apps.command_line import Parser, refuse
from unpaired.apps.run_settings import read_domain
from unpaired.core import as_note

DESCRIPTION = """Read the generator weights of pytorch-CycleGAN-and-pix2pix and CUT (ResNet and U-Net, recognised from
the weights alone) and write a model file. Nothing in the checkpoint is executed.

  unpaired import latest_net_G_A.pth zebra.safetensors
  unpaired import latest_net_G_A.pth zebra.safetensors --reverse latest_net_G_B.pth
  unpaired import all.ckpt zebra.safetensors --part G_A --reverse-part G_B
  unpaired import latest_net_G.pth grey.safetensors --domain.mode grey"""


def parser() -> Parser:
    """The options of `unpaired import`."""
    made = Parser("unpaired import", DESCRIPTION, ("domain",))
    made.add_argument("checkpoint", metavar="CHECKPOINT", help="a .pth file that holds a generator's weights")
    made.add_argument("out", metavar="OUT", help="the model file to write, .safetensors")
    made.add_argument("--direction", choices=("a2b", "b2a"), default="a2b", help="what it translates (default: a2b)")
    made.add_argument("--domain", metavar="NAME", default="image", help="the medium it works on (default: image)")
    made.add_argument("--reverse", metavar="CHECKPOINT", help="the weights of the other direction")
    norms = "the norm layers, if the file does not reveal them (default: auto, which notes what it assumes)"
    made.add_argument("--norm", choices=("auto", "instance", "batch", "none"), default="auto", help=norms)
    made.add_argument("--part", metavar="NAME", help="which of several generators in CHECKPOINT, as netG_A")
    made.add_argument("--reverse-part", metavar="NAME", help="the same for the other direction")
    return made


def main(args: argparse.Namespace) -> int:
    """Write the model file."""
    domain = read_domain({"name": args.domain, **args.settings.get("domain", {})}, args.faults)
    out = Path(args.out)
    if out.suffix != ".safetensors":
        args.faults.append(f"{out} must end in .safetensors, the ending of a model file")
    refuse(args.faults)
    assert domain is not None
    reverse = Path(args.reverse) if args.reverse else None
    model = unpaired.import_checkpoint(
        Path(args.checkpoint),
        out,
        domain,
        args.direction,
        reverse,
        norm=args.norm,
        part=args.part or "",
        reverse_part=args.reverse_part or "",
    )
    for direction in model.generators:
        spec = model.networks.generator(direction)
        options = ", ".join(f"{key} {value}" for key, value in spec.options.items())
        print(f"{direction}: {spec.architecture} ({options})")
    if "note" in model.card:
        print(as_note(model.card["note"]), file=sys.stderr)
    print(f"model: {out}")
    return 0
