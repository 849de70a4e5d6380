"""Who is let in, and what an id leads to."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from starlette.applications import Starlette

from unpaired import ConfigError, MissingFile
from unpaired.apps.web.application import make_app
from unpaired.apps.web.jobs import Job, JobKind
from unpaired.apps.web.settings import WebSettings
from unpaired.core.model import shipped_file

TOKEN = "a-token-of-the-tests"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
HOST = "127.0.0.1:8765"
COOKIE = {"Cookie": f"unpaired-8765={TOKEN}"}


class Asked:
    """An application that is asked without a server."""

    def __init__(self, app: Starlette) -> None:
        self.app = app
        self.site = app.state.site

    def __call__(self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
                return await client.request(method, path, headers=headers, **more)

        return asyncio.run(ask())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A declared folder, with a link out of it, a link within it, and a hidden file."""
    folder = tmp_path / "declared"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "inside.txt").write_text("inside")
    (folder / ".secret").write_text("secret")
    (tmp_path / "outside.txt").write_text("outside")
    (tmp_path / "declared-not").mkdir()
    (tmp_path / "declared-not" / "near.txt").write_text("near")
    (folder / "out.txt").symlink_to(tmp_path / "outside.txt")
    (folder / "out").symlink_to(tmp_path / "declared-not")
    (folder / "within.txt").symlink_to(folder / "deep" / "inside.txt")
    return folder


@pytest.fixture
def asked(tmp_path: Path, root: Path) -> Asked:
    """The application with that folder."""
    return Asked(make_app(WebSettings(home=tmp_path / "home", roots=(root,), token=TOKEN, disk_reserve=0)))


PAGES = ["/", "/train", "/queue", "/api/jobs", "/api/models", "/api/events", "/api/openapi.json", "/files/0"]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer wrong"}, {"Cookie": "unpaired-8765=wrong"}, {"Cookie": f"unpaired-1={TOKEN}"},
     {"Authorization": f"Basic {TOKEN}"}, {"Authorization": "Bearer \xfc"}],
)  # fmt: skip
def test_without_the_token_nothing_is_answered(asked: Asked, path: str, headers: dict[str, str]) -> None:
    answer = asked("GET", path, {name: value.encode("latin-1") for name, value in headers.items()})  # type: ignore[misc]
    assert answer.status_code == 401
    assert "token" in answer.text
    assert TOKEN not in answer.text


def test_a_person_without_the_token_is_led_to_the_door(asked: Asked) -> None:
    answer = asked("GET", "/queue", {"Accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    door = asked("GET", "/login")
    assert door.status_code == 200
    assert TOKEN not in door.text


def test_the_printed_address_sets_a_cookie_that_scripts_and_other_sites_do_not_get(asked: Asked) -> None:
    answer = asked("GET", f"/queue?token={TOKEN}&of=day")
    assert (answer.status_code, answer.headers["location"]) == (303, "/queue?of=day")
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith(f"unpaired-8765={TOKEN}")
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert asked("GET", "/", COOKIE).status_code == 200
    head = asked("HEAD", f"/queue?token={TOKEN}&of=day")
    assert (head.status_code, head.headers["location"]) == (303, "/queue?of=day")
    assert asked("HEAD", "/queue?token=wrong").status_code == 401
    assert asked("GET", f"http://{HOST}//elsewhere.example/?token={TOKEN}").headers["location"] == "/elsewhere.example/"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8765", "localhost.evil.example", "192.168.0.9:8765",
                                  "127.0.0.1.evil.example", "", "127.0.0.1:8765@evil.example", "[::1",
                                  "a b"])  # fmt: skip
@pytest.mark.parametrize("path", ["/", "/login", "/static/page.css"])
def test_another_host_is_refused(asked: Asked, host: str, path: str) -> None:
    assert asked("GET", path, {**BEARER, "Host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "localhost:9000", "127.0.0.1", "127.0.0.2:8765", "[::1]:8765"])
def test_every_name_of_this_machine_will_do(asked: Asked, host: str) -> None:
    assert asked("GET", "/api/jobs", {**BEARER, "Host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9999", "http://localhost:8765",
                                    "https://127.0.0.1", "file://", ""])  # fmt: skip
@pytest.mark.parametrize(("method", "path"), [("GET", "/api/jobs"), ("POST", "/api/jobs"), ("PUT", "/api/uploads"),
                                              ("DELETE", "/api/jobs/0"), ("POST", "/login"), ("GET", "/")])  # fmt: skip
def test_another_origin_is_refused_whatever_it_holds(asked: Asked, origin: str, method: str, path: str) -> None:
    for credentials in (COOKIE, BEARER):
        assert asked(method, path, {**credentials, "Origin": origin}).status_code == 403


def test_a_browser_that_changes_something_must_say_where_it_comes_from(asked: Asked) -> None:
    folder = {"json": {"name": "photos"}}
    assert asked("POST", "/api/uploads/folders", COOKIE, **folder).status_code == 403
    assert asked("POST", "/api/uploads/folders", {**COOKIE, "Origin": f"http://{HOST}"}, **folder).status_code == 201
    assert asked("POST", "/api/uploads/folders", BEARER, **folder).status_code == 201


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_gets_no_picture_and_no_answer_but_may_link(asked: Asked, site: str) -> None:
    asks = {**COOKIE, "Sec-Fetch-Site": site}
    assert asked("GET", "/api/jobs", asks).status_code == 403
    assert asked("GET", "/static/page.css", {**asks, "Sec-Fetch-Dest": "image"}).status_code == 403
    follows = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert asked("GET", "/", {**asks, **follows}).status_code == 200
    frames = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
    assert asked("GET", "/", {**asks, **frames}).status_code == 403
    linked = asked("GET", f"/?token={TOKEN}", {"Sec-Fetch-Site": site, **follows})
    assert linked.status_code == 200  # a redirect would not bring a strict cookie along
    assert "set-cookie" in linked.headers


@pytest.mark.parametrize("path", ["/", "/login", "/api/jobs", "/nowhere", "/files/0"])
def test_every_answer_says_what_may_be_loaded(asked: Asked, path: str) -> None:
    headers = asked("GET", path, BEARER).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["referrer-policy"] == "same-origin"
    assert "server" not in headers


def test_a_wrong_password_waits_and_the_right_one_opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    asked = Asked(make_app(WebSettings(home=tmp_path / "home", token=TOKEN, password="correct horse")))
    monkeypatch.setattr("unpaired.apps.web.security.asyncio.sleep", wait)
    says = {"Origin": f"http://{HOST}", "Content-Type": "application/x-www-form-urlencoded"}
    wrong = asked("POST", "/login", says, content=b"password=battery")
    assert wrong.status_code == 401
    assert "set-cookie" not in wrong.headers
    assert waits == [1.0]
    for secret in (b"correct+horse", TOKEN.encode()):
        right = asked("POST", "/login", says, content=b"password=" + secret)
        assert right.status_code == 303
        assert TOKEN in right.headers["set-cookie"]
    assert waits == [1.0]


def test_an_empty_password_opens_nothing(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unpaired.apps.web.login._ATTEMPTS._pause", 0.0)
    says = {"Origin": f"http://{HOST}"}
    for body in (b"", b"password="):
        assert asked("POST", "/login", says, content=body).status_code == 401


# -- ids --------------------------------------------------------------------------------------------
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


# -- starting ---------------------------------------------------------------------------------------
def test_an_open_host_needs_a_secret_and_says_what_it_means(program: Callable, tmp_path: Path) -> None:
    words = ["-m", "unpaired.apps.main", "web", "--no-browser", "--home", tmp_path / "home", "--port", "0"]
    cleared = {"UNPAIRED_WEB_TOKEN": "", "UNPAIRED_WEB_PASSWORD": ""}
    done = program(*words, "--host", "0.0.0.0", env=cleared)
    assert done.code == 2
    assert len(done.err.splitlines()) == 1
    for part in ("0.0.0.0", "other machines", "not encrypted", "--password"):
        assert part in done.err
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [({"port": 99999}, "port is 99999"), ({"token": "short"}, "token has 5"), ({"password": "123"}, "password has 3"),
     ({"roots": (Path("/nowhere"),)}, "no folder /nowhere")],
)  # fmt: skip
def test_settings_that_cannot_be(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        WebSettings(**given)


def test_the_hosts_of_an_open_server(tmp_path: Path) -> None:
    app = make_app(WebSettings(host="0.0.0.0", home=tmp_path / "home", token=TOKEN))
    asked = Asked(app)
    assert asked("GET", "/api/jobs", {**BEARER, "Host": "192.168.0.9:8765"}).status_code == 200
    assert asked("GET", "/api/jobs", {**BEARER, "Host": "evil.example"}).status_code == 421


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    assert TOKEN not in repr(WebSettings(home=tmp_path, token=TOKEN))


def test_children_do_not_get_the_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from unpaired.apps.web.queue.child import Child

    monkeypatch.setenv("UNPAIRED_WEB_TOKEN", TOKEN)
    child = Child.start(tmp_path, ["domains"])
    environment = Path(f"/proc/{child.pid}/environ").read_bytes()
    while child.is_alive():
        pass
    assert b"UNPAIRED_PROGRESS" in environment
    assert TOKEN.encode() not in environment
    assert json.loads((tmp_path / "progress.jsonl").read_text().splitlines()[-1]) == {"code": 0}
    assert not Child.find(tmp_path, child.pid).is_alive()
    assert os.path.exists(tmp_path / "alive")  # noqa: PTH110
