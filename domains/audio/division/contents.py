"""What a part says of itself, in the folder that it is: its sound, and the states that it begins and ends with."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ....core.adapter import parts
from ....core.adapter.division import NotDivided
from ..reading.survey import Survey
from ..signal.sound import Sound

SOUND = "sound.f32"


@dataclass(frozen=True)
class Facts:
    """Of one part."""

    survey: str
    """Digest of what the recording was found to be."""
    lengths: list[int]
    """Samples of each of its pieces."""
    sums: list[int]
    """CRC-32 of each."""
    read: int
    """Samples of the recording that went into the state that it ends with."""
    entering: str
    """Digest of the state before its first sample; that of no state for the recording's first."""
    leaving: str
    """The same after its last sample; that of no state for the recording's last."""


def read_facts(part: Path) -> Facts:
    """Raises NotDivided where a part is not whole."""
    return parts.read_facts(part, Facts, "a recording")


def kept_sound(part: Path, facts: Facts, channels: int) -> Iterator[Sound]:
    """The pieces (channels, n) of a part, in order. Raises NotDivided where they are damaged."""
    try:
        with (part / SOUND).open("rb") as file:
            for length, known in zip(facts.lengths, facts.sums, strict=True):
                held = file.read(4 * channels * length)
                if len(held) != 4 * channels * length or zlib.crc32(held) != known:
                    raise NotDivided(f"the sound of {part} is damaged")
                yield np.frombuffer(bytearray(held), np.float32).reshape(channels, length)
    except (OSError, ValueError) as error:
        raise NotDivided(f"the sound of {part} cannot be read: {error}") from error


def digest_of(survey: Survey) -> str:
    """Forty digits that tell whether two recordings are the same at a glance."""
    found = hashlib.blake2b(f"{survey.samples} {survey.rate} {survey.gain!r}".encode(), digest_size=20)
    for values in (survey.mix, survey.excerpt):
        found.update(np.ascontiguousarray(values).tobytes())
    return found.hexdigest()
