"""Shared parts of HTML pages: their style, and pictures as JPEG."""

from __future__ import annotations

from torch import Tensor
from torchvision.io import encode_jpeg, encode_png

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
.finding.present .badge { color: var(--bad); } .good { border-left: 4px solid var(--good); }
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
td:first-child, th[scope=row] { white-space: nowrap; width: 1%; }
"""


def png(picture: Tensor) -> bytes:
    """A picture (3, H, W) uint8 as PNG bytes."""
    return bytes(encode_png(picture).numpy())


def jpeg(picture: Tensor, quality: int = 90) -> bytes:
    """A picture (3, H, W) uint8 as JPEG bytes."""
    return bytes(encode_jpeg(picture, quality).numpy())
