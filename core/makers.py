"""Identify the process that is writing a file, by the file's name, and whether it is still alive."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import time
from functools import cache
from pathlib import Path

PATTERN = re.compile(r"(?P<host>[0-9a-f]{8})-(?P<boot>[0-9a-f]{8})-(?P<pid>\d+)-(?P<start>\d+)")
_PROC = Path("/proc")


def mark() -> str:
    """This process: its host (and container), that host's start, its number, and its own start."""
    return f"{_host()}-{_boot()}-{os.getpid()}-{_start(os.getpid()) or 0}"


def is_dead(maker: re.Match[str], changed: float) -> bool:
    """Whether the maker of a file, last changed at the time `changed`, is known to live no more.

    Of a process on another machine, or in another container, nothing is known.
    """
    if maker["host"] != _host() or os.name == "nt":
        return False
    if maker["boot"] != _boot():  # of before the machine's start, unless another machine goes by the same name
        return hasattr(time, "CLOCK_BOOTTIME") and changed < time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    pid = int(maker["pid"])
    if (_PROC / "self").exists():
        return _start(pid) != int(maker["start"])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


@cache
def _host() -> str:
    # Process numbers are those of a container, which may share its host's name.
    try:
        namespace = str((_PROC / "self" / "ns" / "pid").readlink())
    except OSError:
        namespace = ""
    return _digits(f"{socket.gethostname()} {namespace}")


@cache
def _boot() -> str:
    try:
        return _digits((_PROC / "sys" / "kernel" / "random" / "boot_id").read_text())
    except OSError:
        return _digits("")


def _start(pid: int) -> int | None:
    """Ticks from the machine's start to that of a process; None where there is no such process, or it has ended."""
    try:
        # The name, in parentheses, may hold anything: what counts from behind its end is state, parent, ...
        fields = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def _digits(text: str) -> str:
    return hashlib.blake2b(text.encode(errors="surrogateescape"), digest_size=4).hexdigest()
