"""What a conversion offers beyond strength, part and pitch: fields made of the settings that `unpaired convert --help`
tells of, with words for those that many need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import chain
from typing import Any

from unpaired import ConfigError
from unpaired.apps.run_settings import settings_of
from unpaired.apps.web.foreign import faults_in
from unpaired.apps.web.forms import MEDIA, Field, field_of, text_of, value_of
from unpaired.core.adapter import find_domain
from unpaired.core.settings import as_typed
from unpaired.domains.video import CONTAINERS

PREFIX = "more."
OF_REQUEST = ("mask", "layout", "burn_in", "known_cuts", "contact_sheet")
"""What is no setting of the medium, but asked beside them."""
_HELD: Mapping[str, tuple[str, str]] = {
    "h264": ("h264", ".mp4"), "h265": ("hevc", ".mp4"), "vp9": ("vp9", ".webm"), "av1": ("av1", ".mp4"),
    "ffv1": ("ffv1", ".mkv"), "prores": ("prores", ".mov"), "dnxhr": ("dnxhd", ".mov"), "cineform": ("cfhd", ".mov"),
    "png": ("png", ".mov"), "qtrle": ("qtrle", ".mov"),
}  # fmt: skip
"""Codecs of footage: FFmpeg's names, and the usual endings of their files."""
ENDINGS: Mapping[str, tuple[str, ...]] = {
    codec: (usual, *(ending for ending, kind in CONTAINERS.items() if name in kind.pictures and ending != usual))
    for codec, (name, usual) in _HELD.items()
}
"""Codecs of footage, each with the endings of the files that hold it, the usual one first."""
_ELSEWHERE = frozenset({
    "strength", "start", "end", "pitch",  # asked on the page itself
    "mask", "side_by_side", "known_cuts", "contact_sheet",  # asked as `OF_REQUEST`
    "report",  # names a file
    "immediate", "first_number",  # of live footage, and of numbered pictures
})  # fmt: skip
_LAYOUT = Field(
    f"{PREFIX}layout",
    "Show the original too",
    "What is saved: the result alone, both side by side, or one picture of which a part is the original.",
    "choice",
    "the result alone",
    ("side by side", "one picture"),
)
_NAMES = Field(
    f"{PREFIX}burn_in",
    "Write names into it",
    "The names of both, and the timecode of footage.",
    "choice",
    "no",
    ("yes", "no"),
)
_SHEET = Field(
    f"{PREFIX}contact_sheet",
    "Contact sheet",
    "A picture beside the result: the first, middle and last frame of each shot, before and after.",
    "choice",
    "no",
    ("yes", "no"),
)
_LAYOUTS = {"side by side": "side-by-side", "one picture": "wipe"}
_Words = Mapping[str, tuple[str, str]]
_USUAL: _Words = {
    "full": ("Work on every pixel", "Above 1.5 megapixels, a smaller size is worked on, and gets the detail of the "
             "original back. Every pixel takes long."),
    "strength_curve": ("Strength over time", "Pairs of seconds and strength: 0:0, 2:1 goes from nothing to all in "
                       "two seconds. The strength above stays at 100 %."),
    "feather": ("Soft edge of the mask", "In pixels, inside its edge."),
    "codec": ("Codec", "How footage is packed. The ending of the file follows it."),
    "profile": ("Profile", "Of the codec: main10 of h265, 4444 of prores, hqx of dnxhr."),
    "depth": ("Bits", "10 or more leave room for grading."),
    "chroma": ("Colour detail", "420 halves it both ways, 422 across; 444 keeps all of it."),
    "dither": ("Dither", "Keeps slow gradients, such as night skies, free of bands."),
    "sdr": ("Standard range", "Turns HDR footage (PQ, HLG) into ordinary footage first."),
    "size": ("Size", "Width x height in pixels, such as 1280x720."),
    "quality": ("Quality", "Of JPEG, WebP and AVIF files: 1 to 100."),
}  # fmt: skip
"""Labels and explanations of what many need, in the order in which it is shown."""
_RARE: _Words = {
    "exposure": ("Exposure", "In stops, of OpenEXR and DPX: light is raised for the model, and lowered after it."),
    "colour_space": ("Colour space", "Of OpenEXR and DPX, by its name in OpenColorIO; usually the file says it."),
    "crf": ("Compression", "A number of the codec's: lower is finer, and the file larger."),
    "preset": ("Effort", "A word or a number of the codec's, such as slow: more time for a smaller file."),
    "rate": ("Frames a second", "Of numbered pictures."),
    "missing": ("Missing numbers", "Among numbered pictures: skip keeps their places, hold repeats the one before, "
                "error refuses."),
    "smooth": ("Even light", "Evens brightness and colours over time, and takes twice as long."),
    "blend": ("Keep steady", "Takes each result along with the motion, against flicker."),
    "cuts": ("Find cuts", "Begins afresh where the scene changes."),
    "tile": ("Tile", "Side of the squares that large pictures are worked on in, in pixels."),
    "overlap": ("Overlap", "Pixels that neighbouring tiles share."),
    "tile_above": ("Tiles above", "Pixels of a picture from which on it is worked on in tiles."),
    "range": ("Melody", "auto and target fit the new voice, keep leaves it; 0 to 3 narrows or widens it."),
    "formants": ("Size of the speaker", "auto fits the new pitch, keep leaves it; above 1 smaller, below 1 larger."),
    "vocoder": ("How sound is made", "source-filter shapes the original; griffin-lim and world make it anew."),
}  # fmt: skip
"""The same of the rest; what is in neither is told as by --help."""


@cache
def fields(medium: str) -> tuple[tuple[Field, ...], tuple[Field, ...]]:
    """The settings of a conversion that a form offers: what many need, and the rest. None of other packages' media."""
    if medium not in MEDIA:
        return (), ()
    listed = {each.name.removeprefix(PREFIX): field_of(each) for each in
              settings_of(find_domain(medium).conversion_type, PREFIX[:-1])}  # fmt: skip
    usual = [_in_words(name, field, _USUAL) for name in _USUAL if (field := listed.get(name))]
    rest = [_in_words(name, each, _RARE) for name, each in listed.items() if name not in _ELSEWHERE | _USUAL.keys()]
    usual += [_LAYOUT, _NAMES] if takes_masks(medium) else []
    return tuple([*usual, _SHEET] if has_shots(medium) else usual), tuple(rest)


def takes_masks(medium: str) -> bool:
    """Whether a mask can say where a medium is to be changed, and results be laid out beside their originals."""
    return medium in ("image", "video")


def has_shots(medium: str) -> bool:
    """Whether what a medium's files show is cut: then cuts that are known can be given, and a contact sheet be asked
    for."""
    return medium == "video"


def _in_words(name: str, field: Field, words: _Words) -> Field:
    label, text = words.get(name, (field.label, field.text))
    field = replace(field, label=label, text=text)
    return replace(field, kind="choice", choices=tuple(ENDINGS)) if name == "codec" else field


def filled_in(medium: str, given: Mapping[str, str]) -> dict[str, Any]:
    """What of the given texts by name a conversion by that medium takes: its settings and, beside them, `OF_REQUEST`.

    Raises ConfigError with all that is wrong, in the words of the form.
    """
    listed = {field.name.removeprefix(PREFIX): field for field in chain(*fields(medium))}
    settings = {name: value_of(listed[name], text) for name, text in given.items()
                if name in listed and name not in OF_REQUEST and text.strip()}  # fmt: skip
    found: dict[str, Any] = {"settings": settings} if settings else {}
    if takes_masks(medium):
        layout = given.get("layout", "")
        asked = {"mask": given.get("mask", ""), "layout": _LAYOUTS.get(layout, layout),
                 "burn_in": given.get("burn_in") == "yes"}  # fmt: skip
        found |= {name: value for name, value in asked.items() if value}
    if has_shots(medium):
        beside = {"known_cuts": given.get("known_cuts", ""), "contact_sheet": given.get("contact_sheet") == "yes"}
        found |= {name: value for name, value in beside.items() if value}
    if settings:
        masked = {**settings, "mask": "a mask"} if "mask" in found else settings
        faults = faults_in(find_domain(medium).conversion_type, masked, PREFIX[:-1])
        labels = {field.name: f"“{field.label}”" for field in listed.values()}
        if faults:
            raise ConfigError(*(as_typed(fault, labels).replace("give --mask", "choose a mask") for fault in faults))
    return found


def given_by(request: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The texts that a form is filled in with to ask for that once more, by name."""
    settings = {name: value for name, value in (request.get("settings") or {}).items() if name not in _ELSEWHERE}
    beside = {name: request.get(name) for name in OF_REQUEST if request.get(name)}
    back = {kept: shown for shown, kept in _LAYOUTS.items()}
    return [
        (f"{PREFIX}{name}", back.get(text_of(value), text_of(value))) for name, value in (settings | beside).items()
    ]


def in_words(medium: str, request: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was asked for beyond strength, part and pitch: labels and values."""
    labels = {field.name: field.label for field in chain(*fields(medium))}
    told = [(labels.get(name, name.removeprefix(PREFIX)), text) for name, text in given_by(request)]
    return [(label, text) for label, text in told if label not in ("mask", "known_cuts")]


def fitting_name(name: str, codec: str) -> str:
    """What the result of a clip is called so that its file can hold that codec."""
    stem, dot, ending = name.rpartition(".")
    endings: Sequence[str] = ENDINGS.get(codec, ())
    return name if not endings or f".{ending.lower()}" in endings else f"{stem if dot else name}{endings[0]}"
