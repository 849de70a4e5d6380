"""`unpaired domains`: the media that are installed."""

from __future__ import annotations

import argparse
import json

from unpaired.apps.command_line import Parser, refuse
from unpaired.core.adapter import installed_domains


def parser() -> Parser:
    """The options of `unpaired domains`."""
    made = Parser("unpaired domains", "List the installed domains: each is a medium that --domain takes.")
    made.add_argument("--json", action="store_true", help="print JSON")
    return made


def main(args: argparse.Namespace) -> int:
    """Print a line for each domain: its name, where it comes from, and why it cannot be used, if so."""
    refuse(args.faults)
    found = installed_domains()
    if args.json:
        print(json.dumps([vars(entry) for entry in found], indent=2))
        return 0
    for entry in found:
        print(f"{entry.name}  ({entry.package})" + (f"  broken: {entry.broken}" if entry.broken else ""))
    return 0
