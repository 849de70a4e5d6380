"""Conversion of an archive by several workers, as `unpaired convert` asks for it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from unpaired.apps.progress import Progress
from unpaired.core.scale import Shard, TranslatorSpec, convert_archive

if TYPE_CHECKING:
    from unpaired import ConversionReport, ConversionSettings, InputFiles, Translator
    from unpaired.core.scale import Progress as ArchiveProgress


def convert_by_workers(
    translator: Translator, args: argparse.Namespace, source: InputFiles, options: ConversionSettings
) -> ConversionReport:
    """Convert INPUT by the workers that --workers, --ray and --shard ask for."""
    show = Progress("converted")

    def report(stand: ArchiveProgress) -> None:
        show(stand.share, files=stand.files, file=stand.done)

    spec = TranslatorSpec(
        args.model,
        args.runtime,
        args.device,
        args.precision,
        args.ema_length,
        translator.domain.name,
        args.voice_model,
        args.voice_direction or "a2b",
    )
    return convert_archive(
        spec,
        source,
        args.output,
        args.direction,
        workers=args.workers,
        ray=args.ray,
        shard=None if args.shard is None else Shard.parse(args.shard),
        fan_out=args.fan_out,
        skip_existing=args.skip_existing,
        record=args.record,
        translator=translator,
        progress=report,
        **vars(options),
    )
