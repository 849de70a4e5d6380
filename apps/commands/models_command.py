"""`unpaired models`: the shipped models."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from unpaired import UnpairedError
from unpaired.apps.command_line import Parser, refuse


def parser() -> Parser:
    """The options of `unpaired models`."""
    made = Parser("unpaired models", "List the shipped models: each name can be used in place of a model file.")
    made.add_argument("--json", action="store_true", help="print JSON")
    return made


def main(args: argparse.Namespace) -> int:
    """Print a line for each shipped model."""
    refuse(args.faults)
    from unpaired.core.model import shipped_file, shipped_models

    found = [_describe(shipped_file(name)) for name in shipped_models()]
    if args.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return 0
    width = max((len(each["name"]) for each in found), default=0)
    for each in found:
        size = f"{each['domain']}, {each['bytes'] / 1e6:.1f} MB"
        print(f"{each['name']:{width}}  {size:13}  {each['card'].removeprefix(each['name'] + ': ')}")
    if not found:
        print("no model is shipped with this installation")
    return 0


def _describe(file: Path) -> dict[str, Any]:
    from unpaired.core.model import read_header

    card = file.with_suffix(".md")
    lines = card.read_text(encoding="utf-8").splitlines() if card.is_file() else []
    first = next((line.lstrip("# ").strip() for line in lines if line.strip()), "no card")
    try:
        domain = str(read_header(file)["domain"]["name"])
    except UnpairedError as error:
        domain = f"broken: {error}"
    return {"name": file.stem, "domain": domain, "bytes": file.stat().st_size, "card": first}
