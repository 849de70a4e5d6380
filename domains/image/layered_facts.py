"""Facts about OpenEXR and DPX files, for people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .layered import Layers, read_layers
from .settings import View


def layered_facts(path: Path) -> dict[str, Any]:
    """Parts and channels, what of them is translated, windows and rate. Raises MediaError."""
    layers = read_layers(path, View(), decode=False)
    spec, layer = layers.spec, layers.layer
    names = [spec.channelnames[place] for place in (*layer.colour, *([] if layer.alpha is None else [layer.alpha]))]
    data = _window(spec.x, spec.y, spec.width, spec.height)
    display = _window(spec.full_x, spec.full_y, spec.full_width, spec.full_height)
    facts: dict[str, Any] = {"format": layers.format, "layers": list(_parts(layers)), "translated": ", ".join(names)}
    facts |= {"display window": display, "data window": data if data != display else ""}
    return facts | ({} if layers.rate is None else {"rate": float(layers.rate)})


def _parts(layers: Layers) -> Iterator[str]:
    for part in layers.parts:
        spec = part.spec
        title = str(spec.getattribute("oiio:subimagename") or "") if len(layers.parts) > 1 else ""
        kinds = list(dict.fromkeys(map(str, spec.channelformats))) or [str(spec.format)]
        channels = f"{' '.join(spec.channelnames)} ({', '.join(kinds)})"
        yield f"{title}: {channels}" if title else channels


def _window(x: int, y: int, width: int, height: int) -> str:
    return f"{width}x{height} from {x},{y}" if x or y else f"{width}x{height}"
