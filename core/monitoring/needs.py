"""Number of steps that a training needs before its translations tell anything."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

STEPS: Mapping[str, int] = {"image": 2000, "video": 2000, "audio": 2500}
"""Steps at batch 1, by medium: docs/how-to/read-the-doctor.md says which runs these come from."""
OTHERS = 2000
"""Steps for a medium of one's own."""
FEWEST = 500
"""Steps below which nothing is judged, whatever the batch."""
STARTED = 4
"""So many times fewer for a run that starts from a trained model."""


def needed_steps(settings: Mapping[str, Any]) -> int:
    """Steps after which a run can be judged. `settings`: those of the run by dotted names; the defaults for others.

    They fall with the root of the batch: twice the samples in a step do not make it worth two.
    """
    batch = math.prod(int(settings.get(f"training.{name}") or 1) for name in ("batch", "accumulate", "processes"))
    steps = max(FEWEST, round(STEPS.get(str(settings.get("domain.name")), OTHERS) / math.sqrt(batch)))
    return math.ceil(steps / STARTED) if settings.get("training.start_from") else steps
