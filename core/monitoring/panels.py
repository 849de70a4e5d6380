"""Charts of the report: which curves they hold, and in which colours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from ..scoring.composition import TEACHER, UNTRANSLATED

SIDED = re.compile(r"(.+)_(a|b|a2b|b2a)$")
PANELS = (
    ("terms", "Generator terms", "Weighted, as they enter the sum. Each should fall, then settle."),
    ("logits", "Discriminator logits", "Mean output on real and on generated samples; a widening gap that "
     "stays means that the discriminator has won."),
    ("sum", "Generators' loss", "The sum of all terms. Adversarial training does not drive it to zero."),
    ("discriminators", "Discriminators' losses", "Near zero for long: saturated, the generators learn nothing."),
)  # fmt: skip
LOSSES_NOTE = "Solid lines belong to domain A, dashed ones to B; the faint line is unsmoothed. Click a name to hide it."
SCORES_NOTE = "Of held-out files, at each scoring; solid from B to A, dashed from A to B."
SCORE_PANELS = 12
"""Charts of scores, at most."""


def loss_panels(series: Iterable[str]) -> list[dict[str, Any]]:
    """Style and chart of each loss: colour by quantity, dashes for side B."""
    members: dict[str, list[str]] = {identity: [] for identity, _, _ in PANELS}
    for name in series:
        members[_panel_of(name)].append(name)
    return [_panel(identity, title, note, members[identity]) for identity, title, note in PANELS if members[identity]]


def score_panels(series: Iterable[str]) -> list[dict[str, Any]]:
    """A chart for each kind of score, with those of the untranslated input and of a teacher where they were taken."""
    members: dict[str, list[str]] = {}
    for name in series:
        members.setdefault(_kind(name.removeprefix(UNTRANSLATED).removeprefix(TEACHER)), []).append(name)
    panels = []
    for kind, names in list(members.items())[:SCORE_PANELS]:
        note = "The figure that `best` goes by; lower is better." if kind == "score" else ""
        panels.append({**_panel(f"score-{kind}", kind.replace("_", " "), note, names), "of": "scores"})
    return panels


def charts(title: str, note: str, panels: Sequence[Mapping[str, Any]]) -> str:
    """A section of charts, which the page's script draws; empty where there are none."""
    if not panels:
        return ""
    cards = (
        f'<div class="card" id="{escape(panel["id"])}"><h3>{escape(panel["title"])}</h3>'
        f'<p class="soft">{escape(panel["note"])}</p><div class="chart"></div><div class="legend"></div></div>'
        for panel in panels
    )
    return f'<h2>{title}</h2>\n<p class="soft">{note}</p>\n<div class="grid">{"".join(cards)}</div>'


def _panel(identity: str, title: str, note: str, names: Sequence[str]) -> dict[str, Any]:
    kinds = list(dict.fromkeys(map(_kind, names)))
    lines = [
        {"name": name, "color": f"var(--c{kinds.index(_kind(name)) % 6})", "dashed": name.endswith("b")}
        for name in names
    ]
    return {"id": identity, "title": title, "note": note, "series": lines}


def _panel_of(name: str) -> str:
    if name == "generators":
        return "sum"
    kind = _kind(name)
    return {"discriminator": "discriminators", "real": "logits", "generated": "logits"}.get(kind, "terms")


def _kind(name: str) -> str:
    """The name without the domain or direction it belongs to."""
    match = SIDED.match(name)
    return match[1] if match else name
