"""`unpaired generate`: samples from noise, by a model that generates."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import unpaired
from unpaired.apps.command_line import Parser, add_ema_length, quiet_libraries, refuse

DESCRIPTION = """Make samples with a model that generates from noise (objectives gan, dcgan, cgan).

  unpaired generate runs/night nights --count 100
  unpaired generate runs/digits digits --count 50 --label 7 --seed 3
  unpaired generate runs/night walk --count 60 --interpolate

OUT is a folder, or the one file of a medium such as texts; files of a model with labels go into a sub-folder for each
label. The same seed gives the same samples. A folder that holds samples of an earlier generation is refused;
--overwrite replaces all of them.

MODEL is a run folder, RUN@STEP, RUN@best, or a model file."""


def parser() -> Parser:
    """The options of `unpaired generate`."""
    made = Parser("unpaired generate", DESCRIPTION)
    made.add_argument("model", metavar="MODEL")
    made.add_argument("output", metavar="OUT", help="the folder that the samples are written into; of texts, one file")
    made.add_argument("--count", type=int, default=16, metavar="N", help="number of samples (default: 16)")
    made.add_argument("--label", metavar="NAME", help="the label of all samples (default: all labels in turn)")
    made.add_argument("--seed", type=int, default=0, metavar="S", help="of the noise (default: 0)")
    made.add_argument(
        "--temperature",
        type=float,
        default=1.0,
        metavar="T",
        help="below 1: likelier, less varied samples (default: 1)",
    )
    made.add_argument("--interpolate", action="store_true", help="go from one point of noise to another in even steps, "
                      "with one label (that of --label, or the first)")  # fmt: skip
    made.add_argument("--overwrite", action="store_true", help="replace all samples of an earlier generation in OUT")
    made.add_argument("--device", default="auto", help="auto (default), cpu, cuda, cuda:N or mps")
    add_ema_length(made)
    made.add_argument("--json", action="store_true", help="print the names of the files as JSON")
    return made


def main(args: argparse.Namespace) -> int:
    """Write the samples and say where."""
    refuse(args.faults)
    with quiet_libraries():
        model = unpaired.load(args.model, runtime="torch", device=args.device, ema_length=args.ema_length)
        files = model.generate_files(
            args.output, args.count, args.label, args.seed, args.interpolate, args.overwrite, args.temperature
        )
    if args.json:
        print(json.dumps({"files": list(map(str, files))}, indent=2, ensure_ascii=False))
    else:
        print(f"samples: {args.count:,} in {Path(args.output)}")
    return 0
