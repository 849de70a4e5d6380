"""Jobs by the API, with a real server and real commands."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from web_server import Server


def test_a_picture_goes_in_and_a_picture_comes_out(server: Server, assets: Path) -> None:
    photo = server.upload(assets / "day2night" / "square.jpg", "Straße 街.jpg")
    job = server.submit("convert", input=photo, model="day2night", settings={"strength": 1})
    assert job["title"] == "Straße 街.jpg"
    done = server.wait(job["id"])
    assert done["state"] == "done", done["error"]
    assert done["progress"]["share"] == 1
    (result,) = done["results"]
    assert result["name"] == "Straße 街.jpg"
    with server.client as client:
        made = np.asarray(Pillow.open(io.BytesIO(client.get(result["url"]).content)))
    source = np.asarray(Pillow.open(assets / "day2night" / "square.jpg"))
    assert made.shape == source.shape
    assert made.mean() < 0.7 * source.mean()  # night
