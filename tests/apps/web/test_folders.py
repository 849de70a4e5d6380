"""Files in a folder, as pages list, count and send them."""

from __future__ import annotations

from pathlib import Path

from unpaired.apps.web.folders import walk
from unpaired.apps.web.places import Place
from unpaired.apps.web.sides import look_at


def test_files_are_met_in_order_whatever_lies_beside_them(tmp_path: Path) -> None:
    for name in ("b/c.png", "b/a.png", "b.png", "a b/ß.png", ".hidden/x.png", ".x.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link.png").symlink_to("b.png")
    (tmp_path / "round").symlink_to(tmp_path)
    for name in ("itself.png", "nowhere.png"):
        (tmp_path / name).symlink_to("itself.png")
    found = ["a b/ß.png", "b/a.png", "b/c.png", "b.png", "link.png"]
    assert [str(path.relative_to(tmp_path)) for path in walk(tmp_path)] == found
    assert list(walk(tmp_path / "none")) == []
    side = look_at("a", Place("0", "side", "uploads", tmp_path, True, 0, 0.0))
    assert (side.counted, side.fault) == ("5 pictures", "")
