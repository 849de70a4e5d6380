"""`unpaired web`: the page."""

from __future__ import annotations

import argparse
import os
from getpass import getpass
from pathlib import Path

from unpaired import ConfigError
from unpaired.apps.command_line import Parser, refuse
from unpaired.core.runtimes import require

DESCRIPTION = """Serve a page on this machine: drop a file, look and listen; two folders, a night, a translator.

  unpaired web
  unpaired web --folder ~/photos --folder ~/paintings
  unpaired web --host 0.0.0.0 --password

Open the address that is printed: the token in it lets you in. Jobs go into one queue and are carried out one after the
other; they survive a restart. The page loads nothing from elsewhere, and sends nothing away.

Needs pip install 'unpaired[web]'."""


def parser() -> Parser:
    """The options of `unpaired web`."""
    made = Parser("unpaired web", DESCRIPTION)
    made.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, this machine)")
    made.add_argument("--port", type=int, default=8765, help="port to listen on (default: 8765; 0: any that is free)")
    made.add_argument("--home", metavar="DIR", help="folder of uploads, results, runs and the queue (default: "
                      "UNPAIRED_HOME, else ~/unpaired)")  # fmt: skip
    made.add_argument("--folder", metavar="DIR", action="append", default=[],
                      help="a folder whose files may be used where they are; give it again for several")  # fmt: skip
    made.add_argument("--no-browser", action="store_true", help="do not open a browser")
    made.add_argument(
        "--token",
        metavar="TEXT",
        help="in place of a random one, which is kept in the home folder (also: UNPAIRED_WEB_TOKEN)",
    )
    made.add_argument("--password", action="store_true",
                      help="ask for a password that lets people in too (or take UNPAIRED_WEB_PASSWORD)")  # fmt: skip
    made.add_argument("--upload-limit", type=float, default=20.0, metavar="GB", help="of one upload (default: 20)")
    made.epilog = (
        "Another --host than this machine's own lets other machines in: whoever has the token or the password can\n"
        "read what lies below --folder, start work and fill the disk, and the connection is not encrypted. It needs\n"
        "--token or --password for that reason."
    )
    return made


def main(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    refuse(args.faults)
    if os.name == "nt":
        raise ConfigError("unpaired web needs Linux or macOS (on Windows: WSL); the other commands run here too")
    for module in ("starlette", "uvicorn", "jinja2", "websockets"):
        require(module, "unpaired[web]")
    from unpaired.apps.web.server import serve
    from unpaired.apps.web.settings import WebSettings, default_home, new_token

    token = args.token or os.environ.get("UNPAIRED_WEB_TOKEN") or ""
    password = os.environ.get("UNPAIRED_WEB_PASSWORD") or (getpass("Password: ") if args.password else "")
    settings = WebSettings(
        host=args.host,
        port=args.port,
        home=Path(args.home).expanduser() if args.home else default_home(),
        roots=tuple(Path(folder).expanduser() for folder in args.folder),
        token=token or new_token(),
        password=password,
        upload_limit=int(args.upload_limit * 1e9),
    )
    if not settings.loopback and not token and not password:
        raise ConfigError(
            f"--host {args.host} lets other machines in: whoever gets in can read what lies below --folder, start work "
            "and fill the disk, and the connection is not encrypted; add --password, or a --token of your own, if you "
            "mean it"
        )
    serve(settings, browser=not args.no_browser and settings.loopback, token_given=bool(token))
    return 0
