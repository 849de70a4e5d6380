"""Where modules of an earlier version are now, for packages that still import them by their old names."""

from __future__ import annotations

MOVED = {
    "unpaired.core.arrays": "unpaired.core.adapter.array_domain",
    "unpaired.core.config": "unpaired.core.settings.mapping",
    "unpaired.core.contract": "unpaired.core.adapter.checks",
    "unpaired.core.data": "unpaired.core.training.loader",
    "unpaired.core.domain": "unpaired.core.adapter.domain",
    "unpaired.core.engine": "unpaired.core.training.engine",
    "unpaired.core.export": "unpaired.core.model.export",
    "unpaired.core.importing": "unpaired.core.model.importing",
    "unpaired.core.preview": "unpaired.core.adapter.preview",
    "unpaired.core.translator": "unpaired.core.conversion.translator",
    "unpaired.core.watch": "unpaired.core.monitoring.monitor",
    "unpaired.domains.audio.live": "unpaired.domains.audio.conversion.live",
    "unpaired.domains.audio.objective": "unpaired.domains.audio.training.objective",
    "unpaired.domains.image.doctor": "unpaired.domains.image.scan",
    "unpaired.domains.video.decode": "unpaired.domains.video.reading.decode",
    "unpaired.domains.video.live": "unpaired.domains.video.conversion.live",
    "unpaired.domains.video.objective": "unpaired.domains.video.training.objective",
    "unpaired.domains.video.probe": "unpaired.domains.video.reading.probe",
    "unpaired.domains.video.stabiliser": "unpaired.domains.video.conversion.stabiliser",
}
"""Old and new names; kept for one release."""
