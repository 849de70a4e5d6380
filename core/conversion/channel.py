"""A bounded queue of chunks between the stages of a conversion."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from enum import Enum, auto
from typing import TYPE_CHECKING

from ..values import Array, nbytes

if TYPE_CHECKING:
    from torch import Tensor

    Chunk = Tensor | Array

_MESSAGES_WAITING, _BYTES_WAITING = 16, 64 * 2**20


class Stopped(Exception):
    """The pipeline is ending early: unwinds a stage that waits."""


class Mark(Enum):
    BEGIN = auto()
    """The file is open: its chunks follow."""
    END = auto()
    """No more of this file."""


class Channel:
    """A queue from one thread to another, bounded in messages and bytes."""

    def __init__(self) -> None:
        self._messages: deque[tuple[Chunk | Mark, int]] = deque()
        self._bytes = 0
        self._stopped = False
        self._changed = threading.Condition()

    def wait_for_room(self) -> None:
        """Block until another message may be put. Raises Stopped."""
        with self._changed:
            self._wait(lambda: len(self._messages) < _MESSAGES_WAITING and self._bytes < _BYTES_WAITING)

    def put(self, message: Chunk | Mark, beside: int = 0) -> None:
        """Append a message, beside which so many bytes are kept, when there is room. Raises Stopped."""
        self.wait_for_room()
        size = _size(message) + beside
        with self._changed:
            self._messages.append((message, size))
            self._bytes += size
            self._changed.notify_all()

    def get(self) -> Chunk | Mark:
        """The next message. Raises Stopped."""
        with self._changed:
            self._wait(lambda: bool(self._messages))
            message, size = self._messages.popleft()
            self._bytes -= size
            self._changed.notify_all()
            return message

    def chunks(self) -> Iterator[Chunk]:
        """The chunks up to the end of the file."""
        while not isinstance(message := self.get(), Mark):
            yield message
            del message  # or it would be kept beside the next

    def stop(self) -> None:
        """End every wait, now and later, with Stopped."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _wait(self, ready: Callable[[], bool]) -> None:
        while not self._stopped and not ready():
            # A wait without a time-out cannot be interrupted by Ctrl-C on Windows.
            self._changed.wait(0.5)
        if self._stopped:
            raise Stopped


def _size(message: Chunk | Mark) -> int:
    return 0 if isinstance(message, Mark) else nbytes(message)
