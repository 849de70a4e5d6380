"""The cores that a process may use, and the threads that libraries are given."""

from __future__ import annotations

import os
import sys


def usual_threads() -> int:
    """As many threads as torch uses, or would use."""
    if "torch" in sys.modules:
        import torch

        return torch.get_num_threads()
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdigit() and int(asked) else len(os.sched_getaffinity(0))
