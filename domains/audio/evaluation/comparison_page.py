"""The page on which several models are heard on the same recordings: one HTML file that needs no network.

All versions of a recording are brought to one loudness and played in step; a key or a click switches between them at
the place that is playing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

import numpy as np

from ....core.adapter.comparison import Comparison
from ....core.errors import MediaError
from ....core.files import atomic_text
from ....core.pages import STYLE
from ..reading.files import SoundFile
from ..signal.loudness import gain_to, loudness
from ..signal.sound import Sound
from .listening_page import flac, spectrogram

LOUDNESS = -20.0
"""LUFS that every version is brought to, or less where one would be clipped."""
LONGEST, IN_ALL = 30.0, 600.0
"""Seconds of one version at most, and of all together."""
_SHORTEST = 5.0


def write_comparison(comparison: Comparison, output: Path) -> Sequence[str]:
    """Write the page, whole or not at all; what is to be said of it. Raises OutputError, and what a conversion
    raises."""
    count = len(comparison.inputs) * (len(comparison.models) + 1)
    seconds = max(_SHORTEST, min(LONGEST, IN_ALL / count))
    notes: list[str] = []
    sections, players = [], []
    with comparison.results(".wav") as results:
        for number, (path, row) in enumerate(zip(comparison.inputs, results, strict=True)):
            versions, rate, cut = _read([path, *row], seconds)
            if cut:
                notes.append(f"{path}: the first {seconds:.0f} s are on the page")
            matched = _matched(versions, rate)
            players.append([flac(sound.T, rate) for sound in matched])
            pictures = [spectrogram(sound.mean(axis=0), rate) for sound in matched]
            sections.append(_section(number, path.name, comparison.labels, pictures))
    data = json.dumps(players)
    title = " and ".join(model.label for model in comparison.models[:3])
    body = "\n".join([f"<h1>{escape(title)}</h1>", f'<p class="soft">{_HELP}</p>', _scores(comparison), *sections])
    atomic_text(output, _PAGE.format(title=escape(title), style=STYLE + _STYLE, body=body, data=data, script=_SCRIPT))
    return notes


def _read(paths: Sequence[Path], seconds: float) -> tuple[list[Sound], int, bool]:
    """The start of each version (channels, samples) at the source's rate, all of one length; and whether there is
    more."""
    found: list[Sound] = []
    rates, more = [], False
    for path in paths:
        sound, rate, longer = _start_of(path, seconds)
        found.append(sound)
        rates.append(rate)
        more |= longer
    if len(set(rates)) > 1:
        raise MediaError(f"{paths[0]} and its translations have different sample rates ({sorted(set(rates))})")
    length = max(sound.shape[1] for sound in found)
    return [np.pad(sound, ((0, 0), (0, length - sound.shape[1]))) for sound in found], rates[0], more


def _start_of(path: Path, seconds: float) -> tuple[Sound, int, bool]:
    file = SoundFile(path)
    try:
        wanted, blocks, count = math.ceil(seconds * file.info.rate), [], 0
        for block in file:
            blocks.append(block)
            count += block.shape[1]
            if count > wanted:
                break
        if not count:
            raise MediaError(f"{path} holds no sound to compare")
        sound = np.concatenate(blocks, axis=1)[:, :wanted]
        # A page plays two loudspeakers.
        return sound if sound.shape[0] <= 2 else sound.mean(axis=0, keepdims=True), file.info.rate, count > wanted
    finally:
        file.close()


def _matched(versions: Sequence[Sound], rate: int) -> list[Sound]:
    """The versions at one loudness, the same for all: as loud as `LOUDNESS` where none is clipped by it."""
    measured = [loudness(sound, rate) for sound in versions]
    peaks = [max(float(np.abs(sound).max()), 1e-9) for sound in versions]
    most = [found + 20 * math.log10(0.98 / peak)
            for found, peak in zip(measured, peaks, strict=True) if math.isfinite(found)]  # fmt: skip
    target = min([LOUDNESS, *most])
    return [np.asarray(sound * min(gain_to(found, target), 0.98 / peak), np.float32)
            for sound, found, peak in zip(versions, measured, peaks, strict=True)]  # fmt: skip


def _scores(comparison: Comparison) -> str:
    """A table of the models' figures; empty where there are none."""
    names = list(dict.fromkeys(name for model in comparison.models for name in model.figures))
    if not names:
        return ""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    rows = [
        f'<tr><th scope="row">{escape(model.label)}</th>'
        + "".join(f"<td>{model.figures[name]:.4g}</td>" if name in model.figures else "<td></td>" for name in names)
        + "</tr>"
        for model in comparison.models
    ]
    return f'<div class="card scores"><table><tr><td></td>{head}</tr>{"".join(rows)}</table></div>'


def _section(number: int, name: str, labels: Sequence[tuple[str, str]], pictures: Sequence[str]) -> str:
    return "\n".join([
        f'<section class="player" data-player="{number}" aria-label="{escape(name)}">',
        f"<h2>{escape(name)}</h2>",
        '<div class="transport"><button class="play">Play</button>'
        f'<input type="range" min="0" max="1" step="0.001" value="0" aria-label="Position in {escape(name)}">'
        '<output class="soft"></output></div><div class="versions">',
        *_versions(labels, pictures),
        "</div></section>",
    ])  # fmt: skip


def _versions(labels: Sequence[tuple[str, str]], pictures: Sequence[str]) -> Iterator[str]:
    for place, ((label, scores), picture) in enumerate(zip(labels, pictures, strict=True)):
        note = f'<span class="soft">{escape(scores)}</span>' if scores else ""
        yield (
            f'<button class="version" aria-pressed="{"true" if place == 0 else "false"}">'
            f'<span><b>{place}</b> {escape(label)} {note}</span><span class="picture">'
            f'<img alt="Spectrogram of {escape(label)}" src="data:image/jpeg;base64,{picture}">'
            '<i class="head"></i></span></button>'
        )


_HELP = (
    "All versions of a recording have one loudness and play in step. Click a version, or press its number, to hear it "
    "from the place that is playing; a click into a spectrogram goes to that place. Space plays and stops, the arrow "
    "keys go back and forth by a second."
)
_STYLE = """
.transport { display: flex; align-items: center; gap: 12px; margin-bottom: 10px; }
.transport input { flex: 1; accent-color: var(--c0); }
.play { font: inherit; min-width: 72px; padding: 6px 14px; border-radius: 8px; border: 1px solid var(--line);
  background: var(--c0); color: #fff; cursor: pointer; }
@media (prefers-color-scheme: dark) { .play { color: #10151b; } }
.versions { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr)); gap: 12px; }
.version { font: inherit; color: inherit; text-align: left; background: var(--card); border: 2px solid var(--line);
  border-radius: 12px; padding: 10px 12px; cursor: pointer; min-width: 0; overflow-wrap: anywhere; }
.version[aria-pressed=true] { border-color: var(--c0); } .version b { color: var(--soft); margin-right: 6px; }
button:focus-visible, input:focus-visible { outline: 3px solid var(--c1); outline-offset: 2px; }
.picture { display: block; position: relative; margin-top: 6px; }
.picture img { display: block; width: 100%; height: 120px; border-radius: 6px; }
.head { position: absolute; top: 0; bottom: 0; left: 0; width: 2px; background: #fff; mix-blend-mode: difference; }
.scores { overflow-x: auto; margin: 14px 0; } th { text-align: left; padding-right: 16px; font-weight: 600; }
"""
_SCRIPT = """
const data = JSON.parse(document.getElementById("data").textContent);
let context = null, active = null;
const bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0)).buffer;
class Player {
  constructor(box, files) {
    this.box = box; this.files = files; this.shown = 0; this.at = 0; this.started = null; this.sources = [];
    this.button = box.querySelector(".play"); this.slider = box.querySelector("input");
    this.output = box.querySelector("output"); this.versions = [...box.querySelectorAll(".version")];
    this.heads = [...box.querySelectorAll(".head")];
    this.button.addEventListener("click", () => this.toggle());
    this.slider.addEventListener("input", () => {
      const share = +this.slider.value;
      this.load().then(() => this.seek(share * this.length()));
    });
    this.versions.forEach((button, i) => button.addEventListener("click", event => {
      this.choose(i);
      const picture = event.target.closest(".picture");
      if (picture && event.detail) {
        const place = picture.getBoundingClientRect();
        this.load().then(() => this.seek((event.clientX - place.left) / place.width * this.length()));
      }
    }));
    box.addEventListener("focusin", () => { active = this; });
  }
  length() { return this.buffers ? this.buffers[0].duration : 0; }
  async load() {
    context = context || new AudioContext();
    if (!this.loading) this.loading = Promise.all(this.files.map(f => context.decodeAudioData(bytes(f))));
    this.buffers = await this.loading;
  }
  now() {
    return this.started === null ? this.at : Math.min(this.at + context.currentTime - this.started, this.length());
  }
  choose(i) {
    active = this; this.shown = i;
    this.versions.forEach((button, k) => button.setAttribute("aria-pressed", String(k === i)));
    this.sources.forEach((s, k) => s.gain.gain.setTargetAtTime(k === i ? 1 : 0, context.currentTime, 0.008));
  }
  async toggle() {
    active = this;
    if (this.started !== null) { this.stop(); return; }
    await this.load(); await context.resume();
    for (const other of players) if (other !== this) other.stop();
    if (this.now() >= this.length() - 0.02) this.at = 0;
    this.play();
  }
  play() {
    const begin = context.currentTime + 0.03;
    this.sources = this.buffers.map((buffer, k) => {
      const source = context.createBufferSource(), gain = context.createGain();
      source.buffer = buffer; gain.gain.value = k === this.shown ? 1 : 0;
      source.connect(gain); gain.connect(context.destination); source.start(begin, this.at);
      return {source, gain};
    });
    this.started = begin; this.button.textContent = "Stop"; this.draw();
  }
  stop() {
    if (this.started === null) return;
    this.at = Math.max(0, this.now()); this.started = null;
    for (const s of this.sources) s.source.stop();
    this.sources = []; this.button.textContent = "Play"; this.show();
  }
  async seek(seconds) {
    active = this; await this.load();
    const playing = this.started !== null;
    this.stop(); this.at = Math.max(0, Math.min(seconds, this.length()));
    if (playing) this.play(); else this.show();
  }
  show() {
    const length = this.length() || 1, share = Math.max(0, this.now()) / length;
    this.slider.value = share; this.heads.forEach(h => { h.style.left = 100 * share + "%"; });
    this.output.textContent = Math.max(0, this.now()).toFixed(1) + " / " + this.length().toFixed(1) + " s";
  }
  draw() {
    if (this.started === null) return;
    if (this.now() >= this.length()) { this.stop(); return; }
    this.show(); requestAnimationFrame(() => this.draw());
  }
}
const players = [...document.querySelectorAll(".player")].map((box, i) => new Player(box, data[i]));
active = players[0];
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || !active) return;
  const tag = event.target.tagName, digit = "0123456789".indexOf(event.key);
  if (digit >= 0 && digit < active.versions.length && event.key.length === 1) active.choose(digit);
  else if (event.key === " " && tag !== "BUTTON") { event.preventDefault(); active.toggle(); }
  else if (event.key === "ArrowLeft" && tag !== "INPUT") active.seek(active.now() - 1);
  else if (event.key === "ArrowRight" && tag !== "INPUT") active.seek(active.now() + 1);
});
"""
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline';
 script-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{style}</style></head>
<body><main>
{body}
</main><script id="data" type="application/json">{data}</script><script>{script}</script></body></html>
"""
