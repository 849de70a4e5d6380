"""Who is let in."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asked import BEARER, COOKIE, HOST, Asked
from web_server import TOKEN

from unpaired import ConfigError
from unpaired.apps.web.application import make_app
from unpaired.apps.web.settings import WebSettings

PAGES = ["/", "/live", "/train", "/queue", "/api/jobs", "/api/models", "/api/events", "/api/openapi.json", "/files/0"]


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
     ({"roots": (Path("/nowhere"),)}, "no folder /nowhere"),
     ({"home": Path(__file__)}, f"{Path(__file__)} is a file; --home takes a folder"),
     ({"home": Path(__file__) / "a/b"}, f"{Path(__file__)} is a file; --home takes a folder")],
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
    environment = b""
    while child.is_alive():
        environment = environment or Path(f"/proc/{child.pid}/environ").read_bytes()  # empty for a moment at first
        time.sleep(0.01)
    assert b"UNPAIRED_PROGRESS" in environment
    assert TOKEN.encode() not in environment
    assert json.loads((tmp_path / "progress.jsonl").read_text().splitlines()[-1]) == {"code": 0}
    assert not Child.find(tmp_path, child.pid).is_alive()
    assert os.path.exists(tmp_path / "alive")  # noqa: PTH110
