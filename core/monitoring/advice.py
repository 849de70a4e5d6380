"""Advice for each finding: the setting to change, its current value, and the reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

GENERAL: Mapping[str, str] = {
    "NaN or infinity": "Resume from the last checkpoint with a lower {training.learning_rate}, with {training.clip} "
    "at 1, or with {training.precision} fp32: a step was too large, or too large for half precision.",
    "identity collapse": "Give the adversarial loss more weight: copying the input satisfies the losses that tie the "
    "translation to it, and the discriminator is too weak to prevent it.",
    "colour inversion": "Begin again with another {training.seed}: an inversion that both generators agree on costs "
    "the reconstruction nothing and rarely goes away. If the domains really are each other's negatives, ignore this.",
    "displaced translation": "Begin again with another {training.seed}: a shift that both generators agree on costs "
    "the reconstruction nothing and rarely goes away.",
    "flat output": "Lower {training.learning_rate}: large steps drive the output layer out of its range. If it is low "
    "already, give the losses that tie the translation to its input more weight.",
    "identical outputs": "Give the losses that tie the translation to its input more weight, or lower "
    "{training.discriminator_learning_rate}: one convincing output for every input satisfies the discriminator.",
    "mode collapse": "Go back to an earlier checkpoint, and lower {training.learning_rate} or "
    "{training.discriminator_learning_rate}: the generator found few samples that convince, and makes nothing else.",
    "discriminator saturation": "Lower {training.discriminator_learning_rate}, for a start to a quarter of "
    "{training.learning_rate}, or {networks.discriminator_filters}: a discriminator that is always right gives the "
    "generator no useful gradient. More training samples help too.",
    "blur": "Give the adversarial loss more weight against those that tie the translation to its input, or train on "
    "({training.steps}): a mean of what is possible costs the others least, and only the discriminator objects.",
    "noise": "Lower {training.learning_rate}, or keep {training.ema} at 0.999: steps too large leave speckle. It may "
    "also be the input, hidden for the way back: noise before translating back keeps it from being read.",
    "checkerboard": "Set {networks.upsampling} to resize: transposed convolutions overlap unevenly and leave a grid.",
    "low contrast": "Give the adversarial loss more weight against those that tie the translation to its input, or "
    "train on ({training.steps}): grey is a compromise that only the discriminator objects to.",
    "colour cast": "Train on ({training.steps}), with a weight on the identity losses, which keep colours; and look "
    "whether the held-out files of both sides show the same kinds of things.",
    "content lost": "Give the losses that tie the translation to its input more weight, or lower "
    "{training.learning_rate}: the discriminator alone does not ask what the input showed.",
    "overfitting": "Use the best model so far, and take more files, or fewer {networks.filters}: the training files "
    "are being memorised.",
    "flicker": "Give the losses of motion a weight, or convert with the steadying that the medium offers; more "
    "{training.steps} alone do not steady footage.",
}
"""By finding, for whatever is minimised; an objective's own goes before (`Objective.advice`)."""

_CARRIED_OVER = (
    "Look whether the files of <FROM> have it, such as blocks of JPEG: they would be carried over, for "
    "{networks.upsampling} makes none. Else train on ({training.steps})."
)
"""Advice against a checkerboard that no transposed convolution made."""
SIDES: Mapping[str, tuple[str, str]] = {"a2b": ("a", "b"), "b2a": ("b", "a"), "a": ("b", "a"), "b": ("a", "b")}


def parted(name: str) -> tuple[str, str]:
    """The name of a finding as its term and the direction or side that it is of, empty where it is of the run."""
    term, _, place = name.rpartition(" ")
    return (term, place) if place in SIDES else (name, "")


def advice(name: str, own: Mapping[str, str], settings: Mapping[str, Any]) -> str:
    """The advice for a finding such as `colour inversion a2b`, with the settings' present values.

    `own` is the objective's, by finding. `settings` maps dotted names to values; a name it lacks is given without a
    value.
    """
    term, place = parted(name)
    source, target = SIDES[place or "a2b"]
    text = {**GENERAL, **own}[term]
    if term == "checkerboard" and settings.get("networks.upsampling", "transposed") != "transposed":
        text = _CARRIED_OVER
    text = text.replace("<to>", target).replace("<from>", source).replace("<FROM>", source.upper())
    before, *rest = text.split("{")
    for part in rest:
        setting, _, after = part.partition("}")
        now = settings.get(setting)
        shown = {"": "empty", None: "not set"}.get(now, now) if isinstance(now, str | None) else now
        before += setting + (f" (now {shown})" if setting in settings else "") + after
    return before
