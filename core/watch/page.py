"""The report's page: style and script, all in one file that needs nothing from the network."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --paper: #f6f7f9; --card: #fff; --ink: #1b2430; --soft: #66717f; --line: #dfe3e8;
  --good: #14804a; --bad: #b3361b; --c0: #2f6fde; --c1: #d9730d; --c2: #12915f; --c3: #c43d85; --c4: #7a55d6;
  --c5: #0d8f9e; }
@media (prefers-color-scheme: dark) { :root { --paper: #12161c; --card: #1b2129; --ink: #e6eaf0; --soft: #98a3b1;
  --line: #303944; --good: #4cc38a; --bad: #ff8f73; --c0: #6ea8ff; --c1: #ffa657; --c2: #4fd1a1; --c3: #f58fc0;
  --c4: #b59bff; --c5: #5bd0dd; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 26px; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 34px 0 12px; }
h3 { font-size: 14px; margin: 0 0 2px; }
p { margin: 0 0 10px; } .soft { color: var(--soft); font-size: 13px; }
.facts { display: flex; flex-wrap: wrap; gap: 10px; margin-top: 16px; }
.fact { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 8px 14px; }
.fact b { display: block; font-size: 17px; font-variant-numeric: tabular-nums; }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); gap: 16px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 14px 16px; min-width: 0; }
.finding { border-left: 4px solid var(--soft); margin-bottom: 10px; }
.finding.present { border-left-color: var(--bad); } .badge { color: var(--soft); font-size: 13px; font-weight: 400; }
.finding.present .badge { color: var(--bad); } .healthy { border-left: 4px solid var(--good); }
.chart { position: relative; } .chart svg { display: block; width: 100%; height: auto; touch-action: pan-y; }
.chart text { fill: var(--soft); font-size: 11px; font-variant-numeric: tabular-nums; }
.tip { position: absolute; top: 6px; pointer-events: none; background: var(--card); border: 1px solid var(--line);
  border-radius: 8px; padding: 5px 9px; font-size: 12px; white-space: nowrap; display: none;
  box-shadow: 0 3px 12px #0003; font-variant-numeric: tabular-nums; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 12px; margin-top: 6px; }
.legend button { all: unset; cursor: pointer; font-size: 12px; display: flex; align-items: center; gap: 5px; }
.legend button:focus-visible { outline: 2px solid var(--c0); } .legend .off { opacity: .35; }
.sheets img { display: none; max-width: 100%; max-height: 88vh; border-radius: 6px; margin: 0 auto; }
.sheets img.shown { display: block; } .sheets input { width: 100%; margin: 8px 0; accent-color: var(--c0); }
table { border-collapse: collapse; width: 100%; font: 13px/1.6 ui-monospace, Menlo, Consolas, monospace; }
td { padding: 0 10px 0 0; vertical-align: top; overflow-wrap: anywhere; } td:first-child { color: var(--soft); }
td:first-child { white-space: nowrap; width: 1%; }
"""

SCRIPT = """
const data = JSON.parse(document.getElementById("data").textContent);
const W = 560, H = 270, L = 46, R = 10, T = 8, B = 24;
function make(name, attributes, parent) {
  const e = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const k in attributes) e.setAttribute(k, attributes[k]);
  parent.appendChild(e); return e;
}
function smooth(values) {
  const keep = Math.max(0, 1 - 40 / values.length); let sum = 0, weight = 0;
  return values.map(v => {
    if (v === null) return null;
    sum = keep * sum + v; weight = keep * weight + 1; return sum / weight;
  });
}
function ticks(low, high, count) {
  const raw = (high - low) / count, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map(m => m * power).find(s => s >= raw), list = [];
  for (let v = Math.ceil(low / step) * step; v <= high + step * 1e-6; v += step) list.push(+v.toPrecision(10));
  return list;
}
const short = v => Math.abs(v) >= 1e6 ? +(v / 1e6).toPrecision(3) + "M" : Math.abs(v) >= 1e4 ?
  +(v / 1e3).toPrecision(3) + "k" : String(+v.toPrecision(3));
function range(lists) {
  const all = lists.flat().filter(v => v !== null).sort((p, q) => p - q);
  if (!all.length) return [0, 1];
  const cut = all.length > 50 ? Math.floor(all.length * 0.005) : 0;
  let low = all[cut], high = all[all.length - 1 - cut];
  if (low > 0 && low < high / 2) low = 0;
  const pad = (high - low || Math.abs(high) || 1) * 0.06;
  return [low === 0 ? 0 : low - pad, high + pad];
}
function path(values, x, y) {
  let d = "", pen = "M";
  values.forEach((v, i) => {
    if (v === null) { pen = "M"; return; }
    d += pen + x(data.steps[i]).toFixed(1) + " " + y(v).toFixed(1); pen = "L";
  });
  return d + (d.lastIndexOf("M") === 0 && !d.includes("L") ? "h0.1" : "");
}
function draw(panel, box, hidden) {
  box.replaceChildren();
  const shown = panel.series.filter(s => !hidden.has(s.name));
  const lines = shown.map(s => ({...s, raw: data.series[s.name], smoothed: smooth(data.series[s.name])}));
  const [low, high] = range(lines.map(s => s.smoothed));
  const first = data.steps[0], last = data.steps[data.steps.length - 1], width = last - first || 1;
  const x = s => L + (s - first) / width * (W - L - R), y = v => T + (high - v) / (high - low) * (H - T - B);
  const svg = make("svg", {viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": panel.title}, box);
  const clip = "clip-" + panel.id;
  make("rect", {x: L, y: T - 2, width: W - L - R, height: H - T - B + 4}, make("clipPath", {id: clip}, svg));
  for (const v of ticks(low, high, 5)) {
    make("line", {x1: L, x2: W - R, y1: y(v), y2: y(v), stroke: "var(--line)"}, svg);
    make("text", {x: L - 6, y: y(v) + 4, "text-anchor": "end"}, svg).textContent = short(v);
  }
  for (const s of ticks(first, last > first ? last : first + 1, 6))
    if (s <= last) make("text", {x: x(s), y: H - 6, "text-anchor": "middle"}, svg).textContent = short(s);
  const group = make("g", {fill: "none", "clip-path": `url(#${clip})`, "stroke-linejoin": "round",
    "stroke-linecap": "round"}, svg);
  for (const s of lines)
    make("path", {d: path(s.raw, x, y), stroke: s.color, "stroke-opacity": 0.22}, group);
  for (const s of lines)
    make("path", {d: path(s.smoothed, x, y), stroke: s.color, "stroke-width": 1.8,
      "stroke-dasharray": s.dashed ? "6 4" : "none"}, group);
  hover(svg, box, lines, x, [first, width]);
}
function hover(svg, box, lines, x, [first, width]) {
  const rule = make("line", {y1: T, y2: H - B, stroke: "var(--soft)", visibility: "hidden"}, svg);
  const tip = box.appendChild(document.createElement("div")); tip.className = "tip";
  svg.addEventListener("pointermove", event => {
    const place = svg.getBoundingClientRect(), at = (event.clientX - place.left) / place.width * W;
    const wanted = first + (at - L) / (W - L - R) * width;
    let i = 0; data.steps.forEach((s, k) => { if (Math.abs(s - wanted) < Math.abs(data.steps[i] - wanted)) i = k; });
    const px = x(data.steps[i]); rule.setAttribute("x1", px); rule.setAttribute("x2", px);
    rule.setAttribute("visibility", "visible"); tip.style.display = "block"; tip.replaceChildren();
    tip.append("step " + data.steps[i].toLocaleString("en"));
    for (const s of lines) {
      const row = tip.appendChild(document.createElement("div")); row.style.color = s.color;
      row.textContent = s.name + "  " + (s.smoothed[i] === null ? "-" : +s.smoothed[i].toPrecision(4));
    }
    const left = px / W * place.width;
    tip.style.left = left > place.width / 2 ? left - tip.offsetWidth - 10 + "px" : left + 10 + "px";
  });
  svg.addEventListener("pointerleave", () => {
    rule.setAttribute("visibility", "hidden"); tip.style.display = "none";
  });
}
for (const panel of data.panels) {
  const card = document.getElementById(panel.id), box = card.querySelector(".chart"), hidden = new Set();
  for (const s of panel.series) {
    const button = card.querySelector(".legend").appendChild(document.createElement("button"));
    const key = make("svg", {width: 22, height: 8}, button);
    make("line", {x1: 1, x2: 21, y1: 4, y2: 4, stroke: s.color, "stroke-width": 2.4,
      "stroke-dasharray": s.dashed ? "6 4" : "none"}, key);
    button.append(s.name);
    button.addEventListener("click", () => {
      hidden.has(s.name) ? hidden.delete(s.name) : hidden.add(s.name);
      button.classList.toggle("off"); draw(panel, box, hidden);
    });
  }
  draw(panel, box, hidden);
}
const slider = document.querySelector(".sheets input");
if (slider) slider.addEventListener("input", () => {
  const pictures = document.querySelectorAll(".sheets img");
  pictures.forEach((p, i) => p.classList.toggle("shown", i === +slider.value));
  document.querySelector(".sheets output").textContent = pictures[+slider.value].alt;
});
"""


def page(title: str, body: str, data: str) -> str:
    """The whole document. `title` and `body` are HTML already, `data` is JSON with `<` escaped."""
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n"
        f'<script id="data" type="application/json">{data}</script>\n<script>{SCRIPT}</script>\n</body>\n</html>\n'
    )
