"""Settings of the server."""

from __future__ import annotations

import ipaddress
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from unpaired import ConfigError

GIB = 2**30


def default_home() -> Path:
    """The home folder where none is named."""
    return Path(os.environ.get("UNPAIRED_HOME") or Path.home() / "unpaired")


def new_token() -> str:
    """A token that nobody guesses."""
    return secrets.token_urlsafe(24)


@dataclass(frozen=True)
class WebSettings:
    """Everything that `unpaired web` is told."""

    host: str = "127.0.0.1"
    """Address to listen on; another than the machine's own needs a password or a token that was chosen."""
    port: int = 8765
    """Port to listen on, 0 for any that is free."""
    home: Path = field(default_factory=default_home)
    """Folder of uploads, results, runs, and of the queue (`UNPAIRED_HOME`, else `~/unpaired`)."""
    roots: tuple[Path, ...] = ()
    """Folders that may be read from, with everything below them."""
    token: str = field(default_factory=new_token, repr=False)
    """What lets a request in: part of the printed address, then a cookie."""
    password: str = field(default="", repr=False)
    """Lets people in who do not have the address with the token; empty for none."""
    upload_limit: int = 20 * GIB
    """Most bytes of an upload."""
    disk_reserve: int = GIB // 2
    """Bytes of the disk that uploads leave free, or a twentieth of a small one."""
    uploads_kept: float = 7.0
    """Days until an upload that no job waits for is removed."""
    waiting_limit: int = 1000
    """Most jobs that wait."""

    def __post_init__(self) -> None:
        faults = []
        if not 0 <= self.port <= 65535:
            faults.append(f"port is {self.port}; expected 0 to 65535")
        if len(self.token) < 16:
            faults.append(f"the token has {len(self.token)} characters; expected 16 or more")
        if self.password and len(self.password) < 8:
            faults.append(f"the password has {len(self.password)} characters; expected 8 or more")
        faults += [f"there is no folder {root}; --folder takes one that is there"
                   for root in self.roots if not root.is_dir()]  # fmt: skip
        there = next(each for each in (self.home, *self.home.absolute().parents) if each.exists())
        if not there.is_dir():
            faults.append(f"{there} is a file; --home takes a folder, and makes one where there is none")
        if faults:
            raise ConfigError(*faults)
        object.__setattr__(self, "home", Path(os.path.realpath(self.home)))
        object.__setattr__(self, "roots", tuple(Path(os.path.realpath(root)) for root in self.roots))

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        try:
            return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def uploads(self) -> Path:
        """Folder of uploads, each in a folder of its own."""
        return self.home / "uploads"

    @property
    def results(self) -> Path:
        """Folder of what jobs made, a folder a job."""
        return self.home / "results"

    @property
    def runs(self) -> Path:
        """Folder of run folders."""
        return self.home / "runs"

    @property
    def jobs(self) -> Path:
        """Folder of the logs of jobs, a folder a job."""
        return self.home / "jobs"

    @property
    def database(self) -> Path:
        """The queue and its history."""
        return self.home / "queue.sqlite"
