"""A command in a child process that outlives this one.

It runs in a session of its own, so that a Ctrl-C meant for the server does not reach it, and writes into files, so that
nothing breaks when the server is gone. It inherits a lock on the file `alive`: whoever comes later learns by that lock
whether it still runs, whatever became of process numbers meanwhile.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from unpaired.apps.progress import VARIABLE
from unpaired.apps.web.children import command, environment
from unpaired.apps.web.queue.progress import ProgressReader

NICE = 5
"""Jobs leave the cores to the page, and to the previews that it asks for, whenever these want them."""
LOG, OUTPUT, PROGRESS, ALIVE = "log.txt", "output.txt", "progress.jsonl", "alive"


class Child:
    """The process group of a command."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes] | None, pid: int | None) -> None:
        self.reader = ProgressReader(folder / PROGRESS)
        self._folder = folder
        self._process = process
        self._pid = pid

    @classmethod
    def start(cls, folder: Path, words: Sequence[str]) -> Child:
        """Start `unpaired` with these words; its streams and its progress go into `folder`. Raises OSError."""
        folder.mkdir(parents=True, exist_ok=True)
        # A new lock too: what is left of an earlier attempt may hold the old one.
        for name in (PROGRESS, OUTPUT, ALIVE):
            (folder / name).unlink(missing_ok=True)
        lock = os.open(folder / ALIVE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with (folder / OUTPUT).open("wb") as output, (folder / LOG).open("ab") as log:
                process = subprocess.Popen(
                    command(words),
                    cwd=folder,
                    env=environment(**{VARIABLE: str(folder / PROGRESS)}),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=log,
                    pass_fds=(lock,),
                    start_new_session=True,
                )
        finally:
            os.close(lock)
        with suppress(OSError):  # where memory runs out, the command shall go, not the server
            Path(f"/proc/{process.pid}/oom_score_adj").write_text("500")
        with suppress(OSError):  # it has ended already
            os.setpriority(os.PRIO_PROCESS, process.pid, os.getpriority(os.PRIO_PROCESS, 0) + NICE)
        return cls(folder, process, process.pid)

    @classmethod
    def find(cls, folder: Path, pid: int | None) -> Child:
        """The child that an earlier server started in `folder`, whether it still runs or not."""
        return cls(folder, None, pid)

    @property
    def pid(self) -> int | None:
        """Number of the process and of its group."""
        return self._pid or self.reader.pid

    @property
    def signalled(self) -> int | None:
        """The signal that ended it, as far as that is known."""
        code = self._process.poll() if self._process else None
        return -code if code is not None and code < 0 else None

    @property
    def code(self) -> int | None:
        """Its exit code; None while it runs, and where a signal ended it."""
        code = self._process.poll() if self._process else None
        return self.reader.code if code is None or code < 0 else code

    def is_alive(self) -> bool:
        """Whether it still runs."""
        if self._process is not None:
            return self._process.poll() is None
        try:
            lock = os.open(self._folder / ALIVE, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(lock)
        return False

    def send(self, number: signal.Signals) -> None:
        """Send a signal to all its processes, if there are any left; SIGTERM to the command alone, which ends the
        others itself: a training whose loaders are gone cannot save what it has learned."""
        if self.pid is not None and (self._process is not None or self.is_alive()):
            with suppress(ProcessLookupError, PermissionError):
                (os.kill if number == signal.SIGTERM else os.killpg)(self.pid, number)

    def clear(self) -> None:
        """End what the command may have left running when it ended itself."""
        if self._process is not None and self.pid is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)


def tail(file: Path, size: int = 64 * 1024) -> str:
    """The end of a text file; nothing where there is none."""
    try:
        with file.open("rb") as opened:
            opened.seek(0, os.SEEK_END)
            opened.seek(max(0, opened.tell() - size))
            return opened.read().decode(errors="replace")
    except OSError:
        return ""
