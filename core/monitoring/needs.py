"""Number of steps that a training needs before its translations tell anything."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

SAMPLES: Mapping[str, int] = {"image": 4000, "video": 4000, "audio": 5000}
"""Samples of each side, by medium: docs/how-to/read-the-doctor.md says which runs these come from."""
OTHERS = 4000
"""Samples for a medium of one's own."""
FEWEST = 500
"""Steps below which nothing is judged, whatever the batch: a step is a step for the optimiser."""
STARTED = 4
"""So many times fewer for a run that starts from a trained model."""


def needed_steps(settings: Mapping[str, Any]) -> int:
    """Steps after which a run can be judged. `settings`: those of the run by dotted names; the defaults for others."""
    samples = SAMPLES.get(str(settings.get("domain.name")), OTHERS)
    batch = math.prod(int(settings.get(f"training.{name}") or 1) for name in ("batch", "accumulate", "processes"))
    steps = max(FEWEST, math.ceil(samples / batch))
    return math.ceil(steps / STARTED) if settings.get("training.start_from") else steps
