"""The report's page: style and script, all in one file that needs nothing from the network."""

from __future__ import annotations

from ..pages import STYLE

REFRESH = 15
"""Seconds after which the page of a run that goes on is loaded again."""

SCRIPT = """
const place = "report " + location.pathname, kept = recall(), hiddenOf = {};
function recall() { try { return JSON.parse(sessionStorage.getItem(place)) || {}; } catch { return {}; } }
const data = JSON.parse(document.getElementById("data").textContent);
const W = 560, H = 270, L = 46, R = 10, T = 8, B = 24, MARKED = 40;
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
function path(values, steps, x, y) {
  let d = "", pen = "M";
  values.forEach((v, i) => {
    if (v === null) { pen = "M"; return; }
    d += pen + x(steps[i]).toFixed(1) + " " + y(v).toFixed(1); pen = "L";
  });
  return d;
}
function draw(panel, box, hidden) {
  box.replaceChildren();
  const {steps, series} = panel.of ? data[panel.of] : data;
  const shown = panel.series.filter(s => !hidden.has(s.name));
  const soft = panel.of ? values => values : smooth;  // scores are few
  const lines = shown.map(s => ({...s, raw: series[s.name], smoothed: soft(series[s.name])}));
  const [low, high] = range(lines.map(s => s.smoothed));
  const first = steps[0], last = steps[steps.length - 1], width = last - first || 1;
  const x = s => L + (s - first) / width * (W - L - R), y = v => T + (high - v) / (high - low) * (H - T - B);
  const svg = make("svg", {viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": panel.title}, box);
  const clip = "clip-" + panel.id;
  make("rect", {x: L - 4, y: T - 2, width: W - L - R + 8, height: H - T - B + 4}, make("clipPath", {id: clip}, svg));
  for (const v of ticks(low, high, 5)) {
    make("line", {x1: L, x2: W - R, y1: y(v), y2: y(v), stroke: "var(--line)"}, svg);
    make("text", {x: L - 6, y: y(v) + 4, "text-anchor": "end"}, svg).textContent = short(v);
  }
  for (const s of ticks(first, last > first ? last : first + 1, 6))
    if (s <= last) make("text", {x: x(s), y: H - 6, "text-anchor": "middle"}, svg).textContent = short(s);
  const group = make("g", {fill: "none", "clip-path": `url(#${clip})`, "stroke-linejoin": "round",
    "stroke-linecap": "round"}, svg);
  for (const s of lines)
    make("path", {d: path(s.raw, steps, x, y), stroke: s.color, "stroke-opacity": 0.22}, group);
  for (const s of lines)
    make("path", {d: path(s.smoothed, steps, x, y), stroke: s.color, "stroke-width": 1.8,
      "stroke-dasharray": s.dashed ? "6 4" : "none"}, group);
  if (steps.length <= MARKED)  // few enough that each is seen, and one alone too
    for (const s of lines) s.smoothed.forEach((v, i) => {
      if (v !== null) make("circle", {cx: x(steps[i]), cy: y(v), r: 2.6, fill: s.color, stroke: "none"}, group);
    });
  hover(svg, box, lines, steps, x, [first, width]);
}
function hover(svg, box, lines, steps, x, [first, width]) {
  const rule = make("line", {y1: T, y2: H - B, stroke: "var(--soft)", visibility: "hidden"}, svg);
  const tip = box.appendChild(document.createElement("div")); tip.className = "tip";
  svg.addEventListener("pointermove", event => {
    const place = svg.getBoundingClientRect(), at = (event.clientX - place.left) / place.width * W;
    const wanted = first + (at - L) / (W - L - R) * width;
    let i = 0; steps.forEach((s, k) => { if (Math.abs(s - wanted) < Math.abs(steps[i] - wanted)) i = k; });
    const px = x(steps[i]); rule.setAttribute("x1", px); rule.setAttribute("x2", px);
    rule.setAttribute("visibility", "visible"); tip.style.display = "block"; tip.replaceChildren();
    tip.append("step " + steps[i].toLocaleString("en"));
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
  const card = document.getElementById(panel.id), box = card.querySelector(".chart");
  const hidden = new Set((kept.hidden || {})[panel.id]);
  hiddenOf[panel.id] = hidden;
  for (const s of panel.series) {
    const button = card.querySelector(".legend").appendChild(document.createElement("button"));
    const key = make("svg", {width: 22, height: 8}, button);
    make("line", {x1: 1, x2: 21, y1: 4, y2: 4, stroke: s.color, "stroke-width": 2.4,
      "stroke-dasharray": s.dashed ? "6 4" : "none"}, key);
    button.append(s.name);
    button.classList.toggle("off", hidden.has(s.name));
    button.addEventListener("click", () => {
      hidden.has(s.name) ? hidden.delete(s.name) : hidden.add(s.name);
      button.classList.toggle("off"); draw(panel, box, hidden);
    });
  }
  draw(panel, box, hidden);
}
const slider = document.querySelector(".sheets input");
function show() {
  const pictures = document.querySelectorAll(".sheets img");
  pictures.forEach((p, i) => p.classList.toggle("shown", i === +slider.value));
  document.querySelector(".sheets output").textContent = pictures[+slider.value].alt;
}
if (slider) {
  const pictures = [...document.querySelectorAll(".sheets img")];
  const chosen = pictures.findIndex(p => p.alt === kept.sheet);
  if (chosen >= 0) { slider.value = chosen; show(); }
  slider.addEventListener("input", show);
}
history.scrollRestoration = "manual";
if (kept.scroll) scrollTo(0, kept.scroll);
addEventListener("pagehide", () => {
  const hidden = Object.fromEntries(Object.entries(hiddenOf).map(([id, names]) => [id, [...names]]));
  const sheet = slider && slider.value < slider.max ? document.querySelector(".sheets img.shown").alt : null;
  try { sessionStorage.setItem(place, JSON.stringify({scroll: scrollY, hidden, sheet})); } catch {}
});
const refresh = document.body.dataset.refresh, again = () => location.reload();
if (refresh) setTimeout(() => {
  if (document.hidden) document.addEventListener("visibilitychange", again, {once: true}); else again();
}, refresh * 1000);
"""


def page(title: str, body: str, data: str, running: bool = False) -> str:
    """The whole document. `title` and `body` are HTML already, `data` is JSON with `<` escaped. The page of a `running`
    training loads itself again, and keeps its place; it needs no server for that."""
    refresh = f'<noscript><meta http-equiv="refresh" content="{REFRESH}"></noscript>\n' if running else ""
    body_tag = f'<body data-refresh="{REFRESH}">' if running else "<body>"
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"{refresh}<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n{body_tag}\n<main>\n{body}\n</main>\n"
        f'<script id="data" type="application/json">{data}</script>\n<script>{SCRIPT}</script>\n</body>\n</html>\n'
    )
