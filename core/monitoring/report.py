"""report.html: a run at a glance in one offline file of bounded size."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from ..files import atomic_text
from .callbacks import Callback, RunInfo
from .curves import Curves
from .log import MetricsLog, read_figures
from .page import page
from .panels import LOSSES_NOTE, SCORES_NOTE, charts, loss_panels, score_panels
from .progress import duration
from .records import EndReport, Finding, Preview, ScoreReport, StepReport, flatten, generates
from .sheets import list_sheets, thinned, thumbnail
from .verdict import Verdict, verdict_of

SHARE = 0.01
"""Share of the time that goes into the report between previews, at most."""
SHEETS = 8
"""Previews shown."""
SHEETS_BYTES = 1_700_000
"""Bytes that all of them may take together, before base64 adds a third."""
FINDINGS = 30
"""Latest findings shown."""


@dataclass(frozen=True)
class Report:
    """Contents of a report, besides the preview sheets in the run folder."""

    run: Path
    settings: Mapping[str, Any]
    """Nested or dotted."""
    curves: Mapping[str, Any]
    """`Curves.data()` of the losses."""
    findings: Sequence[Finding] = ()
    present: frozenset[str] = frozenset()
    """Names of findings whose symptom is still there."""
    last: Mapping[str, Any] = field(default_factory=dict)
    """The last record of metrics.jsonl; empty before the first."""
    running: bool = False
    verdict: Verdict | None = None
    """None where nothing was logged yet."""
    scores: Mapping[str, Any] = field(default_factory=dict)
    """`Curves.data()` of the scores of held-out files."""


class ReportWriter(Callback):
    """Keeps report.html of a run up to date: at every preview, and between them as often as SHARE allows.

    metrics: whose last line says where the run stands.
    findings, present: the doctor's, which it adds to.
    """

    def __init__(self, metrics: MetricsLog, findings: Sequence[Finding], present: Set[str]) -> None:
        self._metrics, self._findings, self._present = metrics, findings, present
        self._curves, self._scores = Curves(), Curves()
        self._due = 0.0

    def on_start(self, run: RunInfo) -> None:
        records, scores = read_figures(run.folder)
        self._curves.add_records(records)
        for report in scores:
            self._add_scores(report)

    def on_log(self, run: RunInfo, report: StepReport) -> None:
        self._curves.add(report.step, report.losses)
        if time.monotonic() >= self._due:
            self._write(run, running=True)

    def on_preview(self, run: RunInfo, preview: Preview) -> None:
        self._write(run, running=True)

    def on_score(self, run: RunInfo, report: ScoreReport) -> None:
        self._add_scores(report)

    def on_end(self, run: RunInfo, report: EndReport) -> None:
        self._write(run, running=False)

    def _add_scores(self, report: ScoreReport) -> None:
        self._scores.add(report.step, {"score": report.score, **report.scores})

    def _write(self, run: RunInfo, running: bool) -> None:
        started = time.monotonic()
        curves, present = self._curves.data(), frozenset(self._present)
        last = self._metrics.last
        verdict = verdict_of(run.folder, run.settings) if last else None
        scores = self._scores.data()
        write_report(Report(run.folder, run.settings, curves, self._findings, present, last, running, verdict, scores))
        ended = time.monotonic()
        self._due = ended + (ended - started) / SHARE


def write_report(report: Report) -> Path:
    """Write `report.run`/report.html, smaller than 3 MB whatever the run's length. Raises OutputError."""
    title = escape(report.run.resolve().name)
    losses, scores = loss_panels(report.curves.get("series", {})), score_panels(report.scores.get("series", {}))
    body = "\n".join([
        f"<h1>{title}</h1>",
        _facts(report),
        _verdict(report.verdict),
        _changes(report.settings.get("elastic") or ()),
        _findings(report),
        charts("Scores", SCORES_NOTE, scores),
        charts("Losses", LOSSES_NOTE, losses),
        _sheets(report.run, _columns(report.settings)),
        _settings(report.settings),
    ])  # fmt: skip
    curves = {**report.curves, "scores": report.scores, "panels": [*scores, *losses]}
    data = json.dumps(curves, allow_nan=False).replace("<", "\\u003c")
    path = report.run / "report.html"
    atomic_text(path, page(f"{title}: training report", body, data, report.running))
    return path


def _facts(report: Report) -> str:
    last = report.last
    if not last:
        return '<p class="soft">Nothing logged yet.</p>'
    step, steps = int(last["step"]), int(last.get("steps", last["step"]))
    speed, state = last.get("steps_per_second"), "running" if report.running else "stopped"
    facts = {
        "state": "finished" if step >= steps else state,
        "step": f"{step:,} of {steps:,}",
        "training time": duration(float(last.get("seconds", 0.0))),
        "steps a second": f"{speed:.3g}" if speed else "unknown",
        "learning rate": f"{last['learning_rate']:.3g}" if last.get("learning_rate") is not None else "unknown",
    }
    if report.running and speed and step < steps:
        facts["time left"] = duration((steps - step) / speed)
    if report.running:
        facts["as of"] = time.strftime("%Y-%m-%d %H:%M:%S")
    items = (f'<div class="fact"><span class="soft">{name}</span><b>{escape(text)}</b></div>'
             for name, text in facts.items())  # fmt: skip
    return f'<div class="facts">{"".join(items)}</div>'


def _verdict(verdict: Verdict | None) -> str:
    if verdict is None:
        return ""
    state = {"going on well": " good", "looks wrong": " finding present", "getting worse": " finding present"}
    advice = f"<div>{escape(verdict.advice)}</div>" if verdict.advice else ""
    return (f'<h2>Verdict</h2>\n<div class="card{state.get(verdict.kind, " finding")}">'
            f"<h3>{escape(verdict.text)}</h3>{advice}</div>")  # fmt: skip


def _changes(changes: Sequence[Mapping[str, Any]]) -> str:
    """Where the run went on with its samples divided otherwise (`--resume elastic`), and is no longer the same."""
    lines = []
    for change in changes:
        before, after = change["before"], change["after"]
        what = ", ".join(f"{name} from {before[name]} to {after[name]}" for name in after
                         if before[name] and before[name] != after[name])  # fmt: skip
        lines.append(
            f"From step {change['step']:,} on this is no longer bitwise the same run ({escape(what)}); its "
            f"{change['samples']:,} samples of each side until then are followed by the next."
        )
    return f'<p class="soft">{"<br>".join(lines)}</p>' if lines else ""


def _findings(report: Report) -> str:
    if not report.findings:
        return '<h2>Doctor</h2>\n<div class="card">The doctor has noted nothing so far.</div>'
    cards = []
    for finding in reversed(report.findings[-FINDINGS:]):
        present = finding.name in report.present
        state = "still there" if present else "not seen lately"
        cards.append(
            f'<div class="card finding{" present" if present else ""}"><h3>{escape(finding.name)} '
            f'<span class="badge">noticed at step {finding.step:,}, {state}</span></h3>'
            f'<p class="soft">{escape(finding.evidence)}</p><div>{escape(finding.advice)}</div></div>'
        )
    return "<h2>Doctor</h2>\n" + "\n".join(cards)


def _columns(settings: Mapping[str, Any]) -> str:
    """What a sheet shows where, in words."""
    flat = flatten(settings)
    if generates(flat):
        return "left samples from the same noise each time, right real ones"
    teacher = "teacher, " if flat.get("objective.teacher") else ""
    return f"columns input, {teacher}translation, cycle, identity; left A to B, right B to A"


def _sheets(run: Path, columns: str) -> str:
    sheets = list_sheets(run)
    if not sheets:
        return ""
    gone = set(thinned(list(sheets), SHEETS))
    shown = {step: path for step, path in sheets.items() if step not in gone}
    pictures = _thumbnails(shown)
    last = len(pictures) - 1
    images = "\n".join(
        f'<img alt="step {step:,}"{" class=shown" if i == last else ""} '
        f'src="data:image/jpeg;base64,{b64encode(picture).decode()}">'
        for i, (step, picture) in enumerate(pictures.items())
    )
    slider = f'<input type="range" min="0" max="{last}" value="{last}" aria-label="preview">' if last else ""
    return (f'<h2>Previews</h2>\n<div class="card sheets"><output>step {max(pictures):,}</output> <span class="soft">'
            f"{columns}</span>"
            f"{slider}\n{images}</div>")  # fmt: skip


def _thumbnails(sheets: Mapping[int, Path]) -> dict[int, bytes]:
    """The sheets as JPEG, as wide as their common budget allows."""
    width = 1100
    while True:
        pictures = {step: thumbnail(path, width) for step, path in sheets.items()}
        if width < 100 or sum(map(len, pictures.values())) <= SHEETS_BYTES:
            return pictures
        width = width * 3 // 4


def _settings(settings: Mapping[str, Any]) -> str:
    """Tables by section, values as YAML writes them."""
    plain = {name: value for name, value in settings.items() if name != "elastic" and not isinstance(value, Mapping)}
    sections: dict[str, Mapping[str, Any]] = {"run": plain} if plain else {}
    sections |= {name: value for name, value in settings.items() if isinstance(value, Mapping)}
    cards = (f'<div class="card"><h3>{escape(str(name))}</h3><table>{_rows(section)}</table></div>'
             for name, section in sections.items())  # fmt: skip
    return f'<h2>Settings</h2>\n<div class="grid">{"".join(cards)}</div>' if sections else ""


def _rows(section: Mapping[str, Any], prefix: str = "") -> str:
    rows = ""
    for name, value in section.items():
        if isinstance(value, Mapping):
            rows += _rows(value, f"{prefix}{name}.")
        else:
            rows += f"<tr><td>{escape(prefix + str(name))}:</td><td>{escape(_yaml(value))}</td></tr>"
    return rows


def _yaml(value: Any) -> str:
    """A scalar or a list as YAML's flow style has it; anything else as its text."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_yaml, value))}]"
    return str(value) if str(value) else "''"
