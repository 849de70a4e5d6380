"""New locations of modules and names, for packages that still import them from their old ones.

Kept for one release.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

MODULES = {
    "unpaired.core.arrays": "unpaired.core.adapter.array_domain",
    "unpaired.core.checkpoints": "unpaired.core.training.checkpoints",
    "unpaired.core.config": "unpaired.core.settings.mapping",
    "unpaired.core.contract": "unpaired.core.adapter.checks, unpaired.core.adapter.tensors",
    "unpaired.core.data": "unpaired.core.training.loader, unpaired.core.training.folders, unpaired.core.samples, "
    "unpaired.core.adapter.pairs",
    "unpaired.core.domain": "unpaired, unpaired.core.adapter.domain, unpaired.core.adapter.inventory, "
    "unpaired.core.adapter.streams, unpaired.core.samples, unpaired.core.sides",
    "unpaired.core.engine": "unpaired.core.training.engine",
    "unpaired.core.evaluation_report": "unpaired.core.evaluation.report",
    "unpaired.core.export": "unpaired.core.model.export",
    "unpaired.core.folders": "unpaired.core.adapter.folders",
    "unpaired.core.held_out": "unpaired.core.evaluation.test_set",
    "unpaired.core.history": "unpaired.core.training.engine",
    "unpaired.core.importing": "unpaired.core.model.importing, unpaired.core.model.state_dicts",
    "unpaired.core.launch": "unpaired.core.training.launch",
    "unpaired.core.loop": "unpaired.core.training.loop, unpaired.core.training.signals",
    "unpaired.core.objectives.adversarial": "unpaired.core.objectives.losses",
    "unpaired.core.objectives.terms": "unpaired.core.objectives.losses",
    "unpaired.core.pipeline": "unpaired.core.conversion.pipeline",
    "unpaired.core.preview": "unpaired.core.adapter.preview",
    "unpaired.core.schedule": "unpaired.core.training.schedule",
    "unpaired.core.transfer": "unpaired.core.training.start_from",
    "unpaired.core.translator": "unpaired.core.conversion.translator, unpaired.core.model.shipped",
    "unpaired.core.watch": "unpaired.core.monitoring.monitor",
    "unpaired.core.watch.advice": "unpaired.core.monitoring.advice",
    "unpaired.core.watch.curves": "unpaired.core.monitoring.curves",
    "unpaired.core.watch.doctor": "unpaired.core.monitoring.doctor",
    "unpaired.core.watch.log": "unpaired.core.monitoring.log",
    "unpaired.core.watch.measures": "unpaired.core.monitoring.measures",
    "unpaired.core.watch.page": "unpaired.core.monitoring.page, unpaired.core.pages",
    "unpaired.core.watch.progress": "unpaired.core.monitoring.progress",
    "unpaired.core.watch.records": "unpaired.core.monitoring.records",
    "unpaired.core.watch.report": "unpaired.core.monitoring.report",
    "unpaired.core.watch.sheets": "unpaired.core.monitoring.sheets, unpaired.core.pages",
    "unpaired.domains.audio.alignment": "unpaired.domains.audio.evaluation.alignment",
    "unpaired.domains.audio.comparison": "unpaired.domains.audio.inspection.comparison",
    "unpaired.domains.audio.doctor": "unpaired.domains.audio.inspection.scan",
    "unpaired.domains.audio.examination": "unpaired.domains.audio.inspection.file",
    "unpaired.domains.audio.features": "unpaired.domains.audio.signal.mel, unpaired.domains.audio.signal.levels, "
    "unpaired.domains.audio.signal.sound, unpaired.domains.audio.reading.mono",
    "unpaired.domains.audio.files": "unpaired.domains.audio.reading.files, unpaired.domains.audio.metadata.info, "
    "unpaired.domains.audio.metadata.kinds, unpaired.domains.containers.opening",
    "unpaired.domains.audio.live": "unpaired.domains.audio.conversion.live",
    "unpaired.domains.audio.loudness": "unpaired.domains.audio.signal.loudness",
    "unpaired.domains.audio.objective": "unpaired.domains.audio.training.objective",
    "unpaired.domains.audio.output": "unpaired.domains.audio.writing.writer",
    "unpaired.domains.audio.pitch": "unpaired.domains.audio.signal.pitch, unpaired.domains.audio.signal.pitch_shift",
    "unpaired.domains.audio.remux": "unpaired.domains.audio.writing.ffmpeg",
    "unpaired.domains.audio.report": "unpaired.domains.audio.evaluation.listening_page",
    "unpaired.domains.audio.sampling": "unpaired.domains.audio.training.sampling",
    "unpaired.domains.audio.scores": "unpaired.domains.audio.evaluation.scores",
    "unpaired.domains.audio.source_filter": "unpaired.domains.audio.conversion.source_filter",
    "unpaired.domains.audio.statistics": "unpaired.domains.audio.training.statistics",
    "unpaired.domains.audio.survey": "unpaired.domains.audio.reading.survey",
    "unpaired.domains.audio.tape": "unpaired.domains.audio.signal.buffer",
    "unpaired.domains.audio.translation": "unpaired.domains.audio.conversion.gains",
    "unpaired.domains.audio.vocoders": "unpaired.domains.audio.conversion.vocoders",
    "unpaired.domains.audio.voice": "unpaired.domains.audio.evaluation.analysis",
    "unpaired.domains.audio.warp": "unpaired.domains.audio.training.warp",
    "unpaired.domains.image.doctor": "unpaired.domains.image.scan",
    "unpaired.domains.image.twins": "unpaired.domains.image.near_duplicates",
    "unpaired.domains.video.access": "unpaired.domains.video.reading.access",
    "unpaired.domains.video.blank": "unpaired.domains.video.conversion.blank",
    "unpaired.domains.video.colour": "unpaired.domains.video.frames.colour",
    "unpaired.domains.video.comparison": "unpaired.domains.video.inspection.comparison",
    "unpaired.domains.video.cuts": "unpaired.domains.video.frames.cuts",
    "unpaired.domains.video.decode": "unpaired.domains.video.reading.decode",
    "unpaired.domains.video.deinterlace": "unpaired.domains.video.reading.deinterlace",
    "unpaired.domains.video.doctor": "unpaired.domains.video.inspection.scan",
    "unpaired.domains.video.encode": "unpaired.domains.video.writing.encode, unpaired.domains.containers.kinds",
    "unpaired.domains.video.examination": "unpaired.domains.video.inspection.file",
    "unpaired.domains.video.live": "unpaired.domains.video.conversion.live",
    "unpaired.domains.video.material": "unpaired.domains.video.reading.material",
    "unpaired.domains.video.motion": "unpaired.domains.video.frames.motion",
    "unpaired.domains.video.objective": "unpaired.domains.video.training.objective",
    "unpaired.domains.video.pipes": "unpaired.domains.video.reading.pipes",
    "unpaired.domains.video.probe": "unpaired.domains.video.reading.probe, unpaired.domains.containers.opening",
    "unpaired.domains.video.report": "unpaired.domains.video.evaluation.report",
    "unpaired.domains.video.sampling": "unpaired.domains.video.training.sampling",
    "unpaired.domains.video.scores": "unpaired.domains.video.evaluation.scores",
    "unpaired.domains.video.stabiliser": "unpaired.domains.video.conversion.stabiliser",
    "unpaired.domains.video.tone": "unpaired.domains.video.conversion.tone",
    "unpaired.domains.video.tracks": "unpaired.domains.containers.tracks",
}
"""Modules that are gone: where each is now, or the several modules that hold what it held."""

NAMES: Mapping[str, Mapping[str, str]] = {
    "unpaired.core.conversion": {
        "unpaired.core.conversion.files": "convert notes_of",
        "unpaired.core.conversion.input_files": "files_below=InputFiles",
    },
    "unpaired.core.model": {"unpaired.core.model.model_file": "FORMAT"},
    "unpaired.core.networks.layers": {
        "unpaired.core.networks.layers": "Enlarge=NearestUpsample outputs_at=intermediate_outputs",
    },
    "unpaired.core.networks.norm": {"unpaired.core.networks.norm": "StatisticsTape=NormStatistics"},
    "unpaired.core.runtimes": {"unpaired.core.runtimes.choice": "NAMES RuntimeName"},
    "unpaired.core.settings": {
        "unpaired": "CycleSettings NetworkSettings TrainingSettings",
        "unpaired.core.objectives.settings": "AdversarialForm FORMS require_form",
        "unpaired.core.training.settings": "Precision",
        "unpaired.core.settings.faults": "gathered=collecting_faults raise_faults require "
        "require_least=require_at_least",
    },
    "unpaired.core.training": {
        "unpaired.core.training.checkpoints": "newest_checkpoint=newest",
        "unpaired.core.training.devices": "FabricPrecision make_fabric",
        "unpaired.core.runtimes.machine": "native_bf16",
        "unpaired.core.training.plan": "RunPlan",
        "unpaired": "train",
    },
    "unpaired.domains.audio.conversion": {
        "unpaired.domains.audio.conversion.stream": "AROUND Conversion FRAMES WaveformStage=Stage "
        "convert waveform_stage",
        "unpaired.domains.audio.reading.reader": "AudioReader",
        "unpaired.domains.audio.writing.writer": "AudioWriter",
    },
    "unpaired.domains.audio.evaluation": {
        "unpaired.domains.audio.evaluation.results": "DirectionScores Example FIGURES ROWS Row VoiceEvaluation table",
        "unpaired.domains.audio.evaluation.voices": "evaluate_voices voicing_change",
    },
    "unpaired.domains.image.arrays": {"unpaired.domains.image.tiff": "read_tiff"},
    "unpaired.domains.image.colour": {"unpaired.domains.image.metadata": "exif_without_orientation"},
    "unpaired.domains.image.files": {
        "unpaired.domains.image.files": "judged=media_errors",
        "unpaired.domains.image.kinds": "SUFFIXES is_picture_name",
    },
    "unpaired.domains.image.tone": {"unpaired.domains.image.tone": "curved=apply_gamma straightened=undo_gamma"},
    "unpaired.domains.video": {
        "unpaired.domains.containers.kinds": "Container",
        "unpaired.domains.containers.labels": "kept_tags=content_tags",
        "unpaired.domains.containers.tracks": "Track take_along=copy_track",
    },
    "unpaired.domains.video.conversion": {
        "unpaired.domains.video.reading.clip": "VideoReader",
        "unpaired.domains.video.reading.reader": "Shown",
        "unpaired.domains.video.writing.writer": "VideoWriter",
    },
    "unpaired.domains.video.evaluation": {"unpaired.domains.video.evaluation.clips": "ClipScores score_clip"},
}
"""Names that a module has no more, though it is still there: where each is now, as `old=new` where it is called
otherwise."""


def new_place(error: Exception) -> str:
    """Where that lies now for which an import failed, as the end of a sentence; empty where nothing has moved."""
    module, name = _wanted(error)
    whole = f"{module}.{name}" if name else module
    if whole in MODULES:
        return f"; what was there is in {MODULES[whole]} now"
    for place, listed in NAMES.get(module, {}).items():
        renamed = {old: new or old for old, _, new in (each.partition("=") for each in listed.split())}
        if name in renamed:
            return f"; it is {place}.{renamed[name]} now"
    return ""


def _wanted(error: Exception) -> tuple[str, str]:
    """The module that an import, or a look into a module, asked for, and the name in it, if that is what is missing."""
    if isinstance(error, ModuleNotFoundError):
        return error.name or "", ""
    if isinstance(error, ImportError) and (found := re.match("cannot import name '(.+?)' from", str(error))):
        return error.name or "", found[1]
    if isinstance(error, AttributeError):
        return getattr(error.obj, "__name__", ""), error.name or ""
    return "", ""
