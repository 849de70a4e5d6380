"""`unpaired shards`: the files of a folder as tar files, to train from."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import unpaired
from unpaired import BrokenFile, ConfigError
from unpaired.apps.command_line import Parser, refuse
from unpaired.apps.progress import Progress
from unpaired.apps.run_settings import read_domain
from unpaired.core import as_note
from unpaired.core.adapter import recognise, told

DESCRIPTION = """Write the files of a folder as shards: plain tar files in WebDataset's layout, each with an index. A
side of a training may be shards; they are read by position, so that resuming stays bitwise.

  unpaired shards photos /data/photos-shards
  unpaired train --domain image --a /data/photos-shards --b paintings --out runs/monet
  unpaired train --domain image --a '/data/photos-shards/shard-{000000..000099}.tar' --b paintings --out runs/part

Files are stored as they are, in the order of their paths; OUT appears when all of them are written."""


def parser() -> Parser:
    """The options of `unpaired shards`."""
    made = Parser("unpaired shards", DESCRIPTION, ("domain",))
    made.add_argument("folder", metavar="DIR")
    made.add_argument("out", metavar="OUT", help="a new folder for the shards")
    made.add_argument("--domain", metavar="NAME", help="the medium (default: by the names of the files)")
    made.add_argument(
        "--mb", type=float, default=1000, metavar="N", help="megabytes of a shard, at most (default 1000)"
    )
    made.add_argument("--samples", type=int, default=100_000, metavar="N",
                      help="files of a shard, at most (default 100000)")  # fmt: skip
    made.add_argument("--prefix", default="shard", help="what names begin with (default: shard, for shard-000000.tar)")
    made.add_argument("--json", action="store_true", help="print JSON, with every file that was left out")
    return made


def main(args: argparse.Namespace) -> int:
    """Write the shards and print what became of them."""
    name = args.domain or recognise(unpaired.InputFiles(args.folder).files)
    domain = read_domain({"name": name, **args.settings.get("domain", {})}, args.faults)
    refuse(args.faults)
    assert domain is not None
    if not 0 < args.mb < 1e9:
        raise ConfigError(f"--mb is {args.mb:g}; expected more than 0")
    shown = Progress("packing")
    limits = {"shard_bytes": round(args.mb * 1e6), "shard_samples": args.samples}
    report = unpaired.write_shards(domain, args.folder, args.out, prefix=args.prefix, **limits,
                                   progress=lambda done, total: shown(done / total))  # fmt: skip
    if args.json:
        print(json.dumps(report.as_dict(), indent=2, ensure_ascii=False))
        return 0
    for line in told([BrokenFile(Path(path), reason) for path, reason in report.left_out]):
        print(as_note(f"left out {line}"), file=sys.stderr)
    for note in report.notes:
        print(as_note(note), file=sys.stderr)
    files = "1 file" if report.samples == 1 else f"{report.samples:,} files"
    shards = "1 shard" if report.shards == 1 else f"{report.shards:,} shards"
    print(f"{report.folder}: {files} in {shards}, {report.bytes / 1e6:,.1f} MB")
    return 0
