"""Translating what is being filmed: a camera or a network stream, at constant latency.

    reading thread              calling thread
    receive, decode -> newest -> translate, encode, write

Where translating is slower than the stream, a queue would grow and the picture lag further and further behind. So
there is none: one place holds the newest frame, and a frame that comes before its predecessor was fetched takes its
place. What is written keeps the times of the frames that were fetched, so it plays at the stream's own speed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Newest(Generic[T]):
    """The newest item of a stream that a thread of its own reads; iterating gives each item at most once.

    Whatever the stream raises is raised in the iterating thread, after the last item. The stream is an iterator whose
    `close`, when it has one (as generators do), is called in the reading thread, where a decoder can be released
    safely.
    """

    def __init__(self, stream: Iterator[T]) -> None:
        self.received = 0
        """Items read from the stream so far."""
        self.dropped = 0
        """Items that a newer one replaced before they were fetched."""
        self._stream = stream
        self._item: tuple[T, float] | None = None
        self._ended = False
        self._closing = False
        self._failure: BaseException | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, name="unpaired-live", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[tuple[T, float]]:
        """Items with the `time.monotonic` of their arrival."""
        while True:
            with self._changed:
                while self._item is None and not self._ended:
                    self._changed.wait(0.5)  # a wait without a time-out cannot be interrupted by Ctrl-C on Windows
                if self._item is None:
                    break
                item, self._item = self._item, None
            yield item
        if self._failure is not None:
            raise self._failure

    def close(self, patience: float = 15.0) -> None:
        """End the reading; waits up to `patience` seconds for a read that is under way."""
        self._closing = True
        self._thread.join(patience)

    def _read(self) -> None:
        try:
            for item in self._stream:
                with self._changed:
                    self.received += 1
                    self.dropped += self._item is not None
                    self._item = item, time.monotonic()
                    self._changed.notify_all()
                if self._closing:
                    break
        except BaseException as failure:  # raised again by the iterating thread
            self._failure = failure
        finally:
            try:
                end = getattr(self._stream, "close", None)
                if end is not None:
                    end()
            finally:
                with self._changed:
                    self._ended = True
                    self._changed.notify_all()
