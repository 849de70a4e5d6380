"""Threads of a training that give way while other processes want their cores.

A thread of GNU's OpenMP that waits for the others of its team spins at first, which is fastest where the cores are
free. Where another process wants them too, a thread that spins keeps its core from the very thread that it waits for:
two trainings then take several times as long as one after the other. The library spins a hundred times less while a
process has more threads of its own than there are cores (libgomp's manual, GOMP_SPINCOUNT). So while the training
thread spends much of its time in the queue for a core, a second team of threads is kept, which does nothing. As many
threads as before compute, so that results stay the same to the bit.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch

WANTED = 0.2
"""Share of its time that a thread waits for a core from which on it gives way; alone on a machine it is 0.01, beside a
second training 0.5."""
FREE = 0.08
"""Share below which nobody else wants them."""
LOOKS = 3
"""Looks in a row that must find the cores free."""
SECONDS = 1.0


class Yielding:
    """Whether a second team is kept; `look` decides anew, for the thread that makes this.

    Raises:
        OSError, ValueError or IndexError: this system does not say how long a thread waited for a core.
    """

    def __init__(self, folder: Path = Path("/proc/self/task")) -> None:
        self._file = folder / f"{threading.get_native_id()}/schedstat"
        self._waited = self._seconds_waited()
        self._free = 0
        self._team: _SecondTeam | None = None

    @property
    def active(self) -> bool:
        """Whether threads give way now."""
        return self._team is not None

    def look(self, seconds: float) -> None:
        """Decide by how long the thread waited in the last `seconds`."""
        before, self._waited = self._waited, self._seconds_waited()
        share = (self._waited - before) / seconds
        self._free = self._free + 1 if share < FREE else 0
        if not self.active and share > WANTED:
            self._team = _SecondTeam()
        elif self._free >= LOOKS:
            self.end()

    def end(self) -> None:
        """Let the second team go."""
        if self._team is not None:
            self._team.end()
            self._team = None

    def _seconds_waited(self) -> float:
        return int(self._file.read_text().split()[1]) / 1e9


class _SecondTeam(threading.Thread):
    """A thread that is the first of a team of its own, from its start to its end."""

    def __init__(self) -> None:
        super().__init__(name="unpaired-second-team", daemon=True)
        self._begun, self._over = threading.Event(), threading.Event()
        self.start()
        self._begun.wait()

    def run(self) -> None:
        """Bring the team together, and wait."""
        torch.ones(2**20).add_(1)  # large enough for all threads
        self._begun.set()
        self._over.wait()

    def end(self) -> None:
        """Let the team go."""
        self._over.set()
        self.join()


@contextmanager
def yielding_cores() -> Iterator[None]:
    """Give way in here where that can matter: on Linux, with several threads of GNU's OpenMP."""
    threads = torch.get_num_threads() if torch.backends.openmp.is_available() else 1  # type: ignore[no-untyped-call]
    if sys.platform != "linux" or threads == 1:
        yield
        return
    try:
        yielding = Yielding()
    except (OSError, ValueError, IndexError):
        yield
        return
    over = threading.Event()
    watching = threading.Thread(target=_watch, args=(yielding, over), name="unpaired-yielding", daemon=True)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()
        yielding.end()


def _watch(yielding: Yielding, over: threading.Event) -> None:
    with suppress(OSError, ValueError, IndexError):
        while not over.wait(SECONDS):
            yielding.look(SECONDS)
