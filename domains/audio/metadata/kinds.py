"""Kinds of sound files by their names: those that are read, and those that are known but hold no sound to read."""

from __future__ import annotations

import os
from pathlib import Path

from ...containers.kinds import VIDEO_SUFFIXES

SOUND_SUFFIXES = frozenset({
    ".wav", ".wave", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".m4a", ".m4b", ".aac", ".aif", ".aiff", ".aifc",
    ".au", ".snd", ".caf", ".w64", ".rf64", ".wma", ".ac3", ".eac3", ".amr", ".spx", ".wv", ".tak", ".tta", ".ape",
    ".mka", ".mp2", ".dsf", ".dff", ".voc", ".sph", ".3ga", ".weba",
})  # fmt: skip
"""Endings of the names of recordings."""
_KINDS = (
    ("notes to be played (MIDI), no sound", ".mid .midi .kar .rmi"),
    ("a tracker's module, no recording", ".mod .xm .s3m .it"),
    ("a project, no recording", ".aup .aup3 .ptx .ptf .pts .als .flp .rpp .logicx .sesx .cpr .npr .omf .aaf .band"),
    ("a playlist, no recording", ".m3u .m3u8 .pls .xspf .wpl .asx"),
    ("a cue sheet, no recording", ".cue"),
    ("sound of a kind that is not read", ".mpc .ofr .shn .ra .aa .aax .m4p .paf .avr .8svx .sd2 .wve .ircam .gsm"),
)  # fmt: skip
_ADVICE = {
    ".mid": "play them into a WAV file first",
    ".aup": "export the mix as WAV first",
    ".mpc": "convert it to WAV or FLAC first",
}
_UNREAD = {ending: (what, _ADVICE.get(endings.split()[0])) for what, endings in _KINDS for ending in endings.split()}


def for_libsndfile(path: Path) -> str | bytes:
    """A path as soundfile takes it, which makes UTF-8 of text, also where that cannot be done."""
    return str(path) if os.name == "nt" else os.fsencode(path)


def is_sound_name(name: str) -> bool:
    """Whether a file of this name is taken for a recording, or for a video with sound: also of those kinds that are not
    read, so that the user is told that they are skipped."""
    suffix = Path(name).suffix.lower()
    return suffix in SOUND_SUFFIXES or suffix in VIDEO_SUFFIXES or suffix in _UNREAD


def unread(path: Path) -> str | None:
    """Reason why a file of this name is not read, and what to do; None if it may be."""
    found = _UNREAD.get(path.suffix.lower())
    if found is None:
        return None
    what, advice = found
    return f"{what}; {advice}" if advice else what
