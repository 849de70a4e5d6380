"""Advice for each finding: the setting to change, its current value, and the reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ADVICE: Mapping[str, str] = {
    "NaN or infinity": "Resume from the last checkpoint with a lower {training.learning_rate}, with {training.clip} "
    "at 1, or with {training.precision} fp32: a step was too large, or too large for half precision.",
    "identity collapse": "Lower {objective.identity_<to>} and raise {objective.adversarial_<to>}: "
    "copying the input satisfies the identity and cycle terms, and the discriminator pulls too little against them.",
    "colour inversion": "Raise {objective.identity_<to>}, which keeps colours, and begin again with another "
    "{training.seed}: an inversion that both generators agree on costs the cycle nothing and seldom mends itself. "
    "If the domains really are each other's negatives, all is well.",
    "displaced translation": "Raise {objective.identity_<to>}, which keeps things in their places, and begin again: a "
    "shift that both generators agree on costs the cycle nothing. If the domains are no pictures of like colours, give "
    "{objective.equivariance} a weight instead, with mirrored samples ({domain.warp}).",
    "flat output": "Raise {objective.cycle_<from>}: nothing can be translated back from a flat output. If it is "
    "raised already, lower {training.learning_rate}: large steps drive the output layer out of its range.",
    "identical outputs": "Raise {objective.cycle_<from>} or lower {objective.adversarial_<to>}: one convincing output "
    "for every input pleases the discriminator, and only the cycle term objects.",
    "discriminator saturation": "Lower {training.discriminator_learning_rate}, for a start to a quarter of "
    "{training.learning_rate}, or {networks.discriminator_filters}: a discriminator that is always right gives the "
    "generator no direction. More training samples help too.",
}
"""By finding. <to> is the domain translated into, <from> the other."""

SIDES: Mapping[str, tuple[str, str]] = {"a2b": ("a", "b"), "b2a": ("b", "a"), "a": ("b", "a"), "b": ("a", "b")}


def advice(name: str, settings: Mapping[str, Any]) -> str:
    """The advice for a finding such as `colour inversion a2b`, with the settings' present values.

    `settings` maps dotted names to values; a name it lacks is given without a value.
    """
    kind, _, suffix = name.rpartition(" ")
    if suffix not in SIDES:
        kind, suffix = name, "a2b"
    source, target = SIDES[suffix]
    text = ADVICE[kind].replace("<to>", target).replace("<from>", source)
    before, *rest = text.split("{")
    for part in rest:
        setting, _, after = part.partition("}")
        before += setting + (f" (now {settings[setting]})" if setting in settings else "") + after
    return before
