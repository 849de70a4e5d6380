"""What changed, told to every open page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

_MOST = 500
"""Subjects that a slow page may be behind with; beyond, it is told to load everything anew."""


class Events:
    """One stream for everybody. Of what happens to one subject only the newest is kept for a page that is slow."""

    def __init__(self) -> None:
        self._listeners: set[_Listener] = set()
        self._closed = False

    def publish(self, subject: str, data: Mapping[str, Any]) -> None:
        """Tell that `subject` (a job's id) is now as `data` says."""
        for listener in self._listeners:
            listener.put(subject, data)

    def close(self) -> None:
        """End all streams."""
        self._closed = True
        for listener in self._listeners:
            listener.wake.set()

    async def listen(self, pause: float = 15.0) -> AsyncIterator[Mapping[str, Any] | None]:
        """What is published from now on; None after `pause` seconds of silence, to see whether anybody listens."""
        listener = _Listener()
        self._listeners.add(listener)
        try:
            while not self._closed:
                try:
                    await asyncio.wait_for(listener.wake.wait(), pause)
                except TimeoutError:
                    yield None
                for data in listener.take():
                    yield data
        finally:
            self._listeners.discard(listener)


class _Listener:
    def __init__(self) -> None:
        self.wake = asyncio.Event()
        self._pending: dict[str, Mapping[str, Any]] = {}

    def put(self, subject: str, data: Mapping[str, Any]) -> None:
        self._pending[subject] = data
        if len(self._pending) > _MOST:
            self._pending = {"": {"reload": True}}
        self.wake.set()

    def take(self) -> list[Mapping[str, Any]]:
        taken, self._pending = list(self._pending.values()), {}
        self.wake.clear()
        return taken
