"""A conversion that is ended in the middle."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path


def ended_while_writing(command: Sequence[str | Path], folder: Path, end: signal.Signals) -> tuple[int, str]:
    """Run a command, send it a signal once it has begun to write into `folder`; its exit code and standard error."""
    process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    limit = time.monotonic() + 200
    while not any(path.stat().st_size for path in folder.glob(".*part*")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit
        time.sleep(0.05)
    process.send_signal(end)
    _, err = process.communicate(timeout=120)
    return process.returncode, err
