"""`unpaired machine`: what this machine is to a network, and what was measured on it."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from unpaired import ConfigError
from unpaired.apps.command_line import Parser, quiet_libraries, refuse
from unpaired.core import as_note
from unpaired.core.runtimes import describe_machine

if TYPE_CHECKING:
    from unpaired.core.runtimes import MachineReport

DESCRIPTION = """Say what this machine is to a network: its CPU, cores and libraries, and which ways to convert and to
train were measured and chosen on it, and why.

  unpaired machine             what is known; nothing is measured
  unpaired machine --measure   measure picture models of the presets anew (10 to 20 s), and say the same

A row is one network at one size of sample (channels first); four digits tell networks of a class apart that have other
layers, and "of" is how many ways it was chosen from."""

_PRESETS = ("tiny", "small", "base")
_SIZE = 256
"""Pixels a side: that of a training on pictures by default, and of many conversions."""
_DIGITS = 4
"""Of the digest that tells networks of a class apart."""


def parser() -> Parser:
    """The options of `unpaired machine`."""
    made = Parser("unpaired machine", DESCRIPTION)
    made.add_argument("--measure", action="store_true", help="measure the presets tiny, small and base for pictures of "
                      f"{_SIZE}x{_SIZE} anew; what was measured before for the same networks is replaced")  # fmt: skip
    made.add_argument("--json", action="store_true", help="print JSON, with every measurement")
    return made


def main(args: argparse.Namespace) -> int:
    """Print the report."""
    refuse(args.faults)
    if args.measure:
        _measure()
    report = describe_machine()
    if args.json:
        print(json.dumps({**asdict(report), "cache": str(report.cache)}, indent=2, ensure_ascii=False))
    else:
        print("\n".join([*_about(report), *_measured(report)]))
    return 0


def _measure() -> None:
    if os.environ.get("UNPAIRED_MEASURE") == "0":
        raise ConfigError("--measure is given, but with UNPAIRED_MEASURE=0 nothing that was measured is used; unset it")
    from unpaired import Image, NetworkSettings
    from unpaired.core.training import measure_networks

    domain, notes = Image(), set()
    for preset in _PRESETS:
        start = time.perf_counter()
        with quiet_libraries():
            notes |= {*measure_networks(domain.networks(preset, NetworkSettings()), (_SIZE, _SIZE))}
        print(f"measured the preset {preset} in {time.perf_counter() - start:.1f} s", file=sys.stderr)
    for note in sorted(notes):
        print(as_note(note), file=sys.stderr)


# -- for people -------------------------------------------------------------------------------------
def _about(report: MachineReport) -> Iterator[str]:
    yield f"CPU: {report.cpu}"
    yield f"instructions: {', '.join(report.flags) or 'not known'}"
    yield from (f"  kept from some of them by {name}={value}" for name, value in report.limits.items())
    bounds = f"{report.allowed_cores} that the process may run on"
    bounds += "" if report.quota is None else f", a quota of {report.quota:g} of the container"
    yield f"cores: {report.cores} ({bounds}); threads: {report.threads}"
    yield f"waiting threads spin by {', '.join(f'{name}={value}' for name, value in report.spinning.items())}"
    yield f"libraries: {', '.join(f'{name} {version}' for name, version in report.libraries.items()) or 'none'}"
    yield f"cache folder: {report.cache}, {report.cache_bytes / 1e6:.1f} MB"


def _measured(report: MachineReport) -> Iterator[str]:
    yield ""
    valid = [each for each in report.measured if each.valid]
    if os.environ.get("UNPAIRED_MEASURE") == "0":
        yield "UNPAIRED_MEASURE=0: nothing is measured, and the defaults are used."
    if valid:
        rows = [("for", "network", "weights", "sample", "chosen", "of", "because")]
        for each in valid:
            size, layers = "x".join(map(str, each.shape[1:])), each.layers[:_DIGITS]
            network, weights = f"{each.network} {layers}".rstrip(), f"{each.weights / 1e6:.2f} M"
            rows.append((each.use, network, weights, size, each.chosen, str(len(each.candidates)), each.reason))
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        for row in rows:
            yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    else:
        yield "Nothing has been measured here yet: that is done when a network first has much to do, or by --measure."
    if others := len(report.measured) - len(valid):
        yield f"{others} more for another CPU, number of threads, libraries or version: left aside (--json lists them)."
    if report.damaged:
        yield f"{report.damaged} damaged or of another version: measured again when needed."
