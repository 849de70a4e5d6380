"""What an id leads to, and what it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from asked import BEARER, Asked

from unpaired import MissingFile
from unpaired.apps.web.jobs import Job, JobKind
from unpaired.core.model import shipped_file


def listing(asked: Asked, id: str = "") -> dict[str, Any]:
    """What the API lists below an id, by name."""
    answer = asked("GET", "/api/places", BEARER, params={"id": id})
    assert answer.status_code == 200, answer.text
    return {each["name"]: each for each in answer.json()}


def test_a_folder_lists_what_is_below_it_and_no_link_out(asked: Asked) -> None:
    top = listing(asked)
    assert list(top) == ["declared"]
    inside = listing(asked, top["declared"]["id"])
    assert list(inside) == ["deep", "within.txt"]
    assert asked("GET", inside["within.txt"]["url"], BEARER).text == "inside"
    deep = listing(asked, inside["deep"]["id"])
    assert asked("GET", deep["inside.txt"]["url"], BEARER).text == "inside"


def test_an_id_is_looked_at_again_when_it_is_used(asked: Asked, root: Path, tmp_path: Path) -> None:
    deep = listing(asked)["declared"]["id"]
    deep = listing(asked, deep)["deep"]
    file = listing(asked, deep["id"])["inside.txt"]
    (root / "deep" / "inside.txt").unlink()
    assert asked("GET", file["url"], BEARER).status_code == 404
    (root / "deep" / "inside.txt").symlink_to(tmp_path / "outside.txt")
    assert asked("GET", file["url"], BEARER).status_code == 404
    (root / "deep" / "inside.txt").unlink()
    (root / "deep").rmdir()
    (root / "deep").symlink_to(tmp_path / "declared-not")
    assert asked("GET", "/api/places", BEARER, params={"id": deep["id"]}).status_code == 404


@pytest.mark.parametrize("id", ["../outside.txt", "..%2f..%2foutside.txt", "%2e%2e", "/etc/passwd", "0" * 24, "",
                                "declared/deep/inside.txt", "\x00", "'; DROP TABLE files; --", "a" * 5000])  # fmt: skip
def test_an_id_that_was_never_given_out_leads_nowhere(asked: Asked, id: str) -> None:
    listed = asked("GET", "/api/places", BEARER, params={"id": id or "x"})
    for answer in (asked("GET", f"/files/{quote(id)}", BEARER), listed):
        assert answer.status_code == 404
        assert "root" not in answer.text
    for kind, request in {"convert": {"input": id, "model": "day2night"}, "inspect": {"a": id}}.items():
        answer = asked("POST", "/api/jobs", BEARER, json={"kind": kind, "request": request})
        assert answer.status_code in (400, 404), answer.text


@pytest.mark.parametrize("path", ["../home/queue.sqlite", "..", "../declared-not/near.txt", "../outside.txt", "out.txt",
                                  "out/near.txt", ".secret", "deep/../../outside.txt", ""])  # fmt: skip
def test_the_server_itself_gives_no_id_to_what_lies_outside(asked: Asked, root: Path, path: str) -> None:
    if path:
        with pytest.raises(Exception, match="outside"):
            asked.site.places.id_of(root / path)
    else:
        assert asked.site.places.place(asked.site.places.id_of(root)).is_folder


_GONE = "the model that was chosen is no longer there; choose another one"
JOBS = {
    "convert": lambda folder: {"input": folder, "model": "day2night"},
    "compare": lambda folder: {"input": folder, "models": ["day2night"]},
    "inspect": lambda folder: {"a": folder},
    "train": lambda folder: {"a": folder, "b": folder},
    "distill": lambda folder: {"model": "day2night", "a": folder, "b": folder},
}


@pytest.mark.parametrize("link", ["out.txt", "out", "deep/there", "deep/round", ".hidden.png"])
@pytest.mark.parametrize("kind", JOBS)
def test_a_folder_with_a_link_out_is_given_to_no_command(asked: Asked, root: Path, kind: str, link: str) -> None:
    for each in ("out.txt", "out"):
        (root / each).unlink()
    folder = asked.site.places.id_of(root)
    job = Job(JobKind(kind), JOBS[kind](folder), "a job")
    (root / "deep" / "again").symlink_to(root)  # in a circle, but within
    asked.site.commands.of(job)
    (root / link).symlink_to(root.parent / ("declared-not" if link.endswith(("out", "there")) else "outside.txt"))
    if link == "deep/round":  # a link to another root, which holds a link out
        (root / link).unlink()
        (root / link).symlink_to(asked.site.settings.uploads)
        asked.site.settings.uploads.mkdir(exist_ok=True)
        (asked.site.settings.uploads / "leak").symlink_to(root.parent / "outside.txt")
    answer = asked("POST", "/api/jobs", BEARER, json={"kind": kind, "request": JOBS[kind](folder)})
    assert answer.status_code == 404
    assert "is a link that leads out of the folders that this page may read" in answer.json()["error"]
    assert str(root.parent) not in answer.text
    with pytest.raises(MissingFile, match="leads out"):  # when its turn comes, or a training goes on
        asked.site.commands.of(job)


def test_a_model_leads_out_neither_by_a_link_nor_by_the_folders_of_its_run(asked: Asked, root: Path) -> None:
    for each in ("out.txt", "out"):
        (root / each).unlink()
    run, elsewhere = root / "Winter", root.parent / "declared-not"
    run.mkdir()
    (run / "model.safetensors").write_bytes(shipped_file("day2night").read_bytes())
    (run / "config.yaml").write_text(f"a: {root / 'deep'}\nb: {elsewhere}\n")
    model = asked.site.places.id_of(run)
    asked.site.models.word(model)
    answer = asked("POST", "/api/jobs", BEARER, json={"kind": "distill", "request": {"model": model}})
    assert answer.status_code == 404
    assert "declared-not lies outside the folders" in answer.json()["error"]
    (run / "model.safetensors").rename(root.parent / "model.safetensors")
    (run / "model.safetensors").symlink_to(root.parent / "model.safetensors")
    for ask in (asked.site.models.word, asked.site.models.info):
        with pytest.raises(MissingFile, match="leads out"):
            ask(model)


@pytest.mark.parametrize("model", ["0" * 24, "0" * 24 + ".a2b", "nowhere"])
def test_a_model_that_went_away_is_called_a_model(asked: Asked, root: Path, model: str) -> None:
    request = {"input": asked.site.places.id_of(root / "within.txt"), "model": model}
    answer = asked("POST", "/api/jobs", BEARER, json={"kind": "convert", "request": request})
    assert (answer.status_code, answer.json()["error"]) == (404, _GONE)


@pytest.mark.parametrize("model", ["../declared/x.safetensors", "/etc/passwd", "day2night@best", "day2night/../x", "-x",
                                   "day2night@../..", "nowhere"])  # fmt: skip
def test_a_model_is_named_by_its_id_alone(asked: Asked, root: Path, model: str) -> None:
    file = listing(asked, listing(asked)["declared"]["id"])["within.txt"]["id"]
    request = {"input": file, "model": model}
    answer = asked("POST", "/api/jobs", BEARER, json={"kind": "convert", "request": request})
    assert answer.status_code == 404
    assert str(root.parent) not in answer.text


@pytest.mark.parametrize(
    "settings",
    [{"report": "/tmp/x.html"}, {"report": "../../x.html"}, {"report": ".."}, {"a b": 1}, {"--out": 1},
     {"strength": {"x": 1}}, {"x": ["a/b"]}, {"x": "a\nb"}, {"x": "~"}, ["x"], 5],
)  # fmt: skip
def test_a_setting_names_no_path(asked: Asked, settings: Any) -> None:
    file = listing(asked, listing(asked)["declared"]["id"])["within.txt"]["id"]
    request = {"input": file, "model": "day2night", "settings": settings}
    answer = asked("POST", "/api/jobs", BEARER, json={"kind": "convert", "request": request})
    assert answer.status_code == 400
    assert "settings" in answer.json()["error"]


@pytest.mark.parametrize("name", ["../up", "a/b", "-x", ".hidden", "..", "a\\b", "x" * 200, "a\x00b"])
def test_a_run_has_a_plain_name(asked: Asked, name: str) -> None:
    folder = listing(asked)["declared"]["id"]
    request = {"a": folder, "b": folder, "name": name}
    answer = asked("POST", "/api/jobs", BEARER, json={"kind": "train", "request": request})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("name is")


def test_messages_hold_no_path_outside_the_roots(asked: Asked, root: Path, tmp_path: Path) -> None:
    places = asked.site.places
    assert places.redact(f"cannot read {root}/deep/inside.txt: no") == "cannot read declared/deep/inside.txt: no"
    assert places.redact(f"in {tmp_path}/home/uploads/0a/photo.jpg") == "in 0a/photo.jpg"
    assert places.redact(f"{tmp_path}/home/uploads/4f7cb0e72546a5ce/photo.jpg is empty") == "photo.jpg is empty"
    assert places.redact(f"{tmp_path}/home/results/4f7cb0e72546a5ce/a/b.png: no") == "a/b.png: no"
    assert places.redact("File '/usr/lib/python3/x.py', line 3") == "File 'x.py', line 3"
    assert places.redact("at http://127.0.0.1/x, 3/4 of a/b") == "at http://127.0.0.1/x, 3/4 of a/b"
    assert places.redact(f"{tmp_path}/home/runs/Winter holds a run") == "runs/Winter holds a run"


PLAYLISTS = [("list.m3u8", ""), ("LIST.M3U", ""), ("manifest.mpd", ""), ("a.mp4", "#EXTM3U\n"), ("a.mkv", "ffconcat\n")]


@pytest.mark.parametrize(("name", "begin"), PLAYLISTS)
def test_a_playlist_leads_to_no_other_file(asked: Asked, root: Path, name: str, begin: str) -> None:
    (root / name).write_text(f"{begin}file://{root.parent}/outside.mp4\n")
    asks = {"input": asked.site.places.id_of(root / name), "model": "day2night"}
    answer = asked("POST", "/api/jobs", BEARER, json={"kind": "convert", "request": asks})
    assert answer.status_code == 404
    assert "is a playlist" in answer.json()["error"]


@pytest.mark.parametrize("query", ["limit=nan", "limit=inf", "limit=x", "before=nan", "before=-inf"])
def test_a_number_that_is_none_is_refused(asked: Asked, query: str) -> None:
    answer = asked("GET", f"/api/jobs?{query}", BEARER)
    assert answer.status_code == 400
    assert answer.json()["error"].endswith("expected a number")


def test_a_page_of_a_run_is_kept_to_itself(asked: Asked) -> None:
    run = asked.site.settings.runs / "Winter"
    run.mkdir()
    (run / "report.html").write_text("<script>fetch('/api/jobs')</script>")
    (run / "drawing.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>")
    page = asked("GET", f"/files/{asked.site.places.id_of(run / 'report.html')}", BEARER)
    assert page.headers["content-security-policy"].startswith("sandbox allow-scripts; default-src 'none'")
    assert "allow-same-origin" not in page.headers["content-security-policy"]
    drawing = asked("GET", f"/files/{asked.site.places.id_of(run / 'drawing.svg')}", BEARER)
    assert drawing.headers["content-type"] == "application/octet-stream"
    assert drawing.headers["content-disposition"].startswith("attachment")


def test_a_part_of_a_file_can_be_asked_for(asked: Asked, root: Path) -> None:
    (root / "sound.wav").write_bytes(bytes(range(100)))
    url = listing(asked, listing(asked)["declared"]["id"])["sound.wav"]["url"]
    part = asked("GET", url, {**BEARER, "Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, bytes(range(10, 20)))
