"""The listening page of an evaluation: input, output and true target, to listen to and look at.

One HTML file that needs no network. Recordings are within it as FLAC, their first seconds only, so that its size is
bounded.
"""

from __future__ import annotations

import io
import math
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

from ....core.files import atomic_text
from ....core.pages import STYLE, jpeg
from ....core.sides import Direction
from ..judges.panel import in_words
from ..reading.mono import read_mono
from ..settings import AudioSettings
from ..signal.mel import log_mel, to_sample
from ..signal.sound import Sound
from ..training.sampling import picture
from .results import FIGURES, ROWS, DirectionScores, Example, VoiceEvaluation

SECONDS = 12.0
"""Of each recording that the page holds at most."""


def write_page(
    path: Path, evaluation: VoiceEvaluation, examples: Mapping[Direction, Sequence[Example]], names: tuple[str, str]
) -> None:
    """Write the page, whole or not at all.

    Args:
        path: of the page.
        evaluation: the figures.
        examples: of each direction, whose files are still there.
        names: of the sides A and B.

    Raises:
        OutputError: it cannot be written.
    """
    titles = {"a2b": f"{names[0]} to {names[1]}", "b2a": f"{names[1]} to {names[0]}"}
    parts = ["<h1>Listening page</h1>", f'<p class="soft">{escape(evaluation.definition)}.</p>']
    for direction, found in evaluation.scores.items():
        parts += [
            f"<h2>{escape(titles[direction])}</h2>",
            _figures(found),
            *(_example(example, evaluation.rate) for example in examples[direction]),
        ]
    remarks = [*in_words(evaluation.judges), *evaluation.notes]
    if remarks:
        parts.append("<h2>Judges</h2><ul>" + "".join(f"<li>{escape(each)}</li>" for each in remarks) + "</ul>")
    if evaluation.left_out:
        items = "".join(f"<li>{escape(str(each.path))}: {escape(each.reason)}</li>" for each in evaluation.left_out)
        parts.append(f"<h2>Left out</h2><ul>{items}</ul>")
    title = escape(f"{names[0]} and {names[1]}")
    atomic_text(path, _PAGE.format(title=title, style=STYLE + _STYLE, body="\n".join(parts)))


def _figures(found: DirectionScores) -> str:
    rows = [row for row in ROWS if found.rows.get(row)]
    head = "".join(f"<th>{ROWS[row]}</th>" for row in rows)
    lines = []
    for name, label in FIGURES.items():
        cells = [found.rows[row].get(name) for row in rows]
        if any(cells):
            texts = "".join(f"<td>{'' if cell is None else cell}</td>" for cell in cells)
            lines.append(f"<tr><td>{label}</td>{texts}</tr>")
    speed = "" if math.isnan(found.real_time_factor) else f"; real-time factor {found.real_time_factor:.3f}"
    return (
        f'<div class="card"><table><tr><td></td>{head}</tr>{"".join(lines)}</table>'
        f'<p class="soft">{found.files} inputs, {found.pairs} pairs with a true counterpart{speed}. Mean and 95% '
        "interval over inputs.</p></div>"
    )


def _example(example: Example, rate: int) -> str:
    shown: Iterable[tuple[str, Path | None, str]] = (
        ("Source", example.source, example.judged.get("source", "")),
        ("Converted", example.converted, example.judged.get("converted", "")),
        ("True target", example.target, ""),
    )
    cards = "".join(_card(title, file, rate, said) for title, file, said in shown if file is not None)
    distortion = "" if math.isnan(example.mcd) else f' <span class="soft">MCD {example.mcd:.2f} dB</span>'
    return f'<h3>{escape(example.source.name)}{distortion}</h3><div class="grid heard">{cards}</div>'


def _card(title: str, file: Path, rate: int, said: str) -> str:
    line = f'<p class="soft">{escape(said)}</p>' if said else ""
    audio = read_mono(file, rate)[: round(SECONDS * rate)]
    return (
        f'<div class="card"><h3>{title}</h3>'
        f'<img alt="Spectrogram" src="data:image/jpeg;base64,{spectrogram(audio, rate)}">'
        f'<audio controls preload="none" src="data:audio/flac;base64,{flac(audio, rate)}"></audio>{line}</div>'
    )


def flac(audio: Sound, rate: int) -> str:
    """Sound (samples,) or (samples, channels) as a FLAC file of 16 bits, in base64."""
    import soundfile

    memory = io.BytesIO()
    soundfile.write(memory, audio.clip(-1, 1), rate, format="FLAC", subtype="PCM_16")
    return b64encode(memory.getvalue()).decode()


def spectrogram(audio: Sound, rate: int) -> str:
    """Its spectrogram, as a JPEG file in base64."""
    import torch

    mel = log_mel(audio, AudioSettings(sample_rate=rate))
    return b64encode(jpeg(picture(torch.from_numpy(to_sample(mel, (), ()))))).decode()


_STYLE = """
.heard { grid-template-columns: repeat(auto-fit, minmax(240px, 1fr)); margin-bottom: 20px; }
.heard img { width: 100%; height: 130px; border-radius: 6px; display: block; margin: 6px 0; }
.heard audio { width: 100%; } th { text-align: left; padding-right: 10px; }
main > h3 { margin: 18px 0 6px; }
"""
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{style}</style></head>
<body><main>{body}</main></body></html>
"""
