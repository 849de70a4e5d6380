"""`unpaired ema`: the length of a run's average that scores best on held-out files."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

import unpaired
from unpaired import ConfigError
from unpaired.apps.command_line import Parser, quiet_libraries, refuse
from unpaired.apps.progress import Progress

DESCRIPTION = """Average a run's generators over several shares of the run, score each average on held-out files, and
write the model of the best one.

  unpaired ema runs/mine
  unpaired ema runs/mine@best --out mine.safetensors
  unpaired ema runs/mine --a testA --b testB --lengths 0.03,0.05,0.1

RUN is a run folder, RUN@STEP, RUN@best, or a checkpoint's folder."""


def parser() -> Parser:
    """The options of `unpaired ema`."""
    made = Parser("unpaired ema", DESCRIPTION)
    made.add_argument("model", metavar="RUN")
    made.add_argument("--a", metavar="DIR", help="held-out files of domain A (default: those that the run held out)")
    made.add_argument("--b", metavar="DIR", help="held-out files of domain B")
    made.add_argument("--lengths", metavar="SHARE,...", help="shares of the run to try (default: 7 from 0.02 to 0.2)")
    made.add_argument("--out", metavar="FILE", help="write the best model as .safetensors")
    made.add_argument("--json", action="store_true", help="print all figures as JSON")
    return made


def main(args: argparse.Namespace) -> int:
    """Print the table, and write the model."""
    refuse(args.faults)
    given: dict[str, Any] = {} if args.lengths is None else {"lengths": _lengths(args.lengths)}
    with quiet_libraries():
        report = unpaired.choose_ema_length(
            args.model, args.a, args.b, out=args.out, progress=Progress("scored"), **given
        )
    print(json.dumps(report.as_dict(), indent=2) if args.json else report.text())
    return 0


def _lengths(text: str) -> Sequence[float]:
    try:
        return [float(each) for each in text.split(",")]
    except ValueError:
        raise ConfigError(f"--lengths is {text!r}; expected numbers with commas between: 0.03,0.05,0.1") from None
