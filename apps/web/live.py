"""Voices that are converted while they are spoken: `unpaired convert MODEL - - --live`, each in a process of its own.

Raw samples go into its standard input and come out of its output (16 bits, little-endian, one channel), through pipes
that nothing is kept behind: neither here nor on the disk. A process whose pipe is closed ends by itself, also where the
server was killed.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from unpaired import UnpairedError
from unpaired.apps.progress import VARIABLE
from unpaired.apps.web.children import command, environment
from unpaired.apps.web.errors import TooMany

_LOG = logging.getLogger("unpaired.web")
MOST = 2
"""Voices at a time: one takes about a third of a core."""
_GRACE = 1.0
"""Seconds in which a process ends by itself once its input is closed."""
_STUCK = 5.0
"""Seconds for which a process may take nothing. Meanwhile nothing is read of the socket either, not even its end."""
_PATIENCE = 1.0
"""Seconds for which one more voice waits for another to be left: who stops and begins again at once is often here
before the end of the first has been read."""
_SOON = 0.05
"""Seconds until it is looked again whether a voice has ended."""
_BLOCK = 1 << 16


class VoiceEnded(UnpairedError):
    """A process ended that should have gone on."""


class VoiceProcess:
    """One voice: what is fed in comes back converted, in order and as much."""

    def __init__(self, process: asyncio.subprocess.Process, facts: asyncio.StreamReader) -> None:
        self._process, self._facts = process, facts
        self._error = ""
        self._told: deque[bytes] = deque(maxlen=20)
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, words: Sequence[str]) -> VoiceProcess:
        """Start `unpaired` with these words. Raises OSError."""
        facts, tell = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *command(words),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment(**{VARIABLE: f"/dev/fd/{tell}"}),
                pass_fds=(tell,),
                start_new_session=True,
            )
        except BaseException:
            os.close(facts)
            raise
        finally:
            os.close(tell)
        assert process.stdin is not None
        process.stdin.transport.set_write_buffer_limits(0)  # what is not in the pipe yet is waited for
        return cls(process, await _reader(facts))

    async def feed(self, samples: bytes) -> None:
        """Hand samples over; waits as long as the process does not take them. Raises VoiceEnded: for too long."""
        assert self._process.stdin is not None
        self._process.stdin.write(samples)
        try:
            await asyncio.wait_for(self._process.stdin.drain(), _STUCK)
        except TimeoutError:
            raise VoiceEnded(f"the process that converts has stood still for {_STUCK:.0f} s; start again") from None
        except ConnectionError:  # what reads its output learns why
            return

    async def read(self) -> bytes:
        """Converted samples as soon as there are some. Raises VoiceEnded."""
        assert self._process.stdout is not None
        samples = await self._process.stdout.read(_BLOCK)
        if not samples:
            await self._listening
            raise VoiceEnded(self._error or "the process that converts has ended; start again")
        return samples

    async def facts(self) -> AsyncIterator[dict[str, Any]]:
        """What it says of itself (`apps.progress`): a report each second, the first once it is ready."""
        while line := await self._facts.readline():
            with suppress(ValueError):
                told = json.loads(line)
                self._error = str(told.get("error") or self._error)
                yield told

    async def end(self) -> None:
        """Close its input, and kill what does not end for that."""
        assert self._process.stdin is not None
        if not self._process.stdin.is_closing():
            self._process.stdin.transport.abort()
        try:
            await asyncio.wait_for(self._ended(), _GRACE)
        except TimeoutError:
            pass
        finally:
            if self._process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
            self._listening.cancel()
        await self._ended()

    async def _ended(self) -> None:
        """Wait for its end. What it still has to say is taken from it, or it would wait as well."""
        assert self._process.stdout is not None
        while await self._process.stdout.read(_BLOCK):
            pass
        await self._process.wait()

    async def _listen(self) -> None:
        """Take what it says to people, so that it need not wait; shown where it failed without a sentence."""
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            self._told.append(line)
        if await self._process.wait() not in (0, 2, -signal.SIGKILL):
            _LOG.error("a live voice ended: %s", b"".join(self._told).decode(errors="replace"))


class LiveVoices:
    """The voices that are going on."""

    def __init__(self) -> None:
        self._open: set[asyncio.Task[Any]] = set()
        self._ending = 0
        """Voices that were left, and whose processes have not ended yet."""

    @asynccontextmanager
    async def open(self, words: Sequence[str]) -> AsyncIterator[VoiceProcess]:
        """A process for a voice, which ends with the block. Raises TooMany."""
        until = time.monotonic() + _PATIENCE
        while len(self._open) >= MOST and (self._ending or time.monotonic() < until):
            await asyncio.sleep(_SOON)
        if len(self._open) >= MOST:
            raise TooMany(
                f"{MOST} voices are live already, which is as many as go at a time; stop one, or close its page"
            )
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            process = await VoiceProcess.start(words)
            try:
                yield process
            finally:
                self._ending += 1
                try:
                    await process.end()
                finally:
                    self._ending -= 1
        finally:
            self._open.discard(task)

    async def close(self) -> None:
        """End all of them."""
        voices = list(self._open)
        for task in voices:
            task.cancel()
        await asyncio.gather(*voices, return_exceptions=True)


async def _reader(descriptor: int) -> asyncio.StreamReader:
    """The reading end of a pipe."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb")
    )
    return reader
