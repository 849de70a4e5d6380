"""Where a voice that is spoken comes from and goes to: pipes of raw samples, or microphone and loudspeaker."""

from __future__ import annotations

import sys
from collections.abc import Callable

from ....core.adapter.streams import Translate
from ....core.errors import ConfigError
from ....core.sides import Side
from ..settings import LIVE_RATES, AudioConversion, AudioSettings
from .live import LiveConversion, convert_microphone, convert_pipe
from .live_report import LiveReport

PIPE, MICROPHONE, LOUDSPEAKER = "-", "microphone", "loudspeaker"


def convert_speech(
    source: str,
    target: str,
    translate: Translate,
    side: Side,
    options: AudioConversion,
    settings: AudioSettings,
    rate: float | None = None,
    channels: int = 1,
    progress: Callable[[LiveReport], None] | None = None,
) -> LiveReport:
    """Translate a voice of domain `side` as it is spoken, until it ends or Ctrl-C.

    Args:
        source, target: - and - (raw samples, 16 bits, little-endian), or microphone and loudspeaker.
        rate, channels: of the samples; the rate is the model's where left out.

    Raises:
        ConfigError: other places, or no such rate or number of channels; the sound card has no such rate.
        MissingDependency: what a microphone needs is not installed.
    """
    if (source, target) not in ((PIPE, PIPE), (MICROPHONE, LOUDSPEAKER)):
        raise ConfigError(f"--live takes {PIPE} {PIPE} (pipes) or {MICROPHONE} {LOUDSPEAKER}, not {source} {target}")
    rate = settings.sample_rate if rate is None else rate
    if rate % 1:
        raise ConfigError(f"rate is {rate:g}; samples come at a whole number a second")
    lowest, highest = LIVE_RATES
    if not lowest <= rate <= highest:
        raise ConfigError(f"rate is {rate:g}; expected {lowest} to {highest} Hz")
    if options.start is not None or options.end is not None:
        raise ConfigError("start and end are of recordings; a voice that is spoken is translated until it ends")
    if not 1 <= channels <= 8:
        raise ConfigError(f"channels is {channels}; expected 1 to 8")
    conversion = LiveConversion(int(rate), channels, side, translate, options, settings)
    if source == MICROPHONE:
        return convert_microphone(conversion, int(rate), channels, progress=progress)
    return convert_pipe(conversion, sys.stdin.buffer, sys.stdout.buffer, int(rate), channels, progress=progress)
