"""`unpaired import`: weights of pytorch-CycleGAN-and-pix2pix to a model file."""

from __future__ import annotations

import argparse

from unpaired.apps.command_line import Parser, refuse

DESCRIPTION = """Read the generator weights of pytorch-CycleGAN-and-pix2pix (ResNet and U-Net, recognised from the
weights alone) and write a model file. Nothing in the checkpoint is executed.

  unpaired import latest_net_G_A.pth zebra.safetensors
  unpaired import latest_net_G_A.pth zebra.safetensors --reverse latest_net_G_B.pth"""


def parser() -> Parser:
    """What `unpaired import` takes."""
    made = Parser("unpaired import", DESCRIPTION)
    made.add_argument("checkpoint", metavar="CHECKPOINT", help="a .pth file that holds a generator's weights")
    made.add_argument("out", metavar="OUT", help="the model file to write, .safetensors")
    made.add_argument("--direction", choices=("a2b", "b2a"), default="a2b", help="what it translates (default: a2b)")
    made.add_argument("--reverse", metavar="CHECKPOINT", help="the weights of the other direction")
    return made


def main(args: argparse.Namespace) -> int:
    """Write the model file."""
    refuse(args.faults)
    from unpaired.core.importing import import_checkpoint

    import_checkpoint(args.checkpoint, args.out, args.direction, reverse=args.reverse)
    print(args.out)
    return 0
