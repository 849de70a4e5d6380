"""What is to be said of two voices where a training begins from the model of others."""

from __future__ import annotations

from ..settings import AudioSettings


def start_note(ours: AudioSettings, theirs: AudioSettings) -> str | None:
    """Of two voices of one range of pitch, where the model was made for two ranges; or of the lower one as A, where it
    was made for the higher one. None where all is well, or a pitch is not known."""
    if theirs.one_range or not (theirs.f0_a and theirs.f0_b and ours.f0_a and ours.f0_b):
        return None
    if ours.one_range:
        return ("A and B have one range of pitch, and the model of training.start_from was made for two: with two "
                "women its generators lead away from the other voice one way; leave it out, and training begins at "
                "the recordings")  # fmt: skip
    if (ours.ratio < 1) == (theirs.ratio < 1):
        return None
    ours_is, theirs_is = ("lower", "higher") if theirs.ratio < 1 else ("higher", "lower")
    return (f"A has the {ours_is} voice, and the model of training.start_from has the {theirs_is} one there: its "
            "generators lead away from the other voice; exchange the folders")  # fmt: skip
