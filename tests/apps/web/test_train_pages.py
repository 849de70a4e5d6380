"""The pages of trainings without a browser: what they answer, and a sentence for everything that cannot be trained."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import httpx
import pytest
from web_server import Server

from unpaired.core.model import shipped_file

QUICK = {"medium": "image", "length": "own", "hours": "1", "preset": "tiny", "detail": "64"}


@pytest.fixture(scope="module")
def folders(server: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Ids of folders, by their names: those of the assets, and some that cannot be trained on."""
    (assets,) = server.ask("GET", "/api/places")
    found = {}
    for inside in _below(server, assets["id"]):
        if inside["name"] in ("day2night", "speech", "video"):
            found[inside["name"]] = inside["id"]
    found |= {each["name"]: each["id"] for each in _below(server, found["day2night"])}
    found["empty"] = server.ask("POST", "/api/uploads/folders", 201, json={"name": "empty"})["id"]
    notes = server.ask("POST", "/api/uploads/folders", 201, json={"name": "notes"})["id"]
    server.ask("PUT", "/api/uploads", 201, params={"name": "Ä 笔记.txt", "folder": notes}, content=b"text")
    return found | {"notes": notes}


def _below(server: Server, id: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = server.ask("GET", "/api/places", params={"id": id})
    return [each for each in found if each["folder"]]


def _post(server: Server, path: str, fields: dict[str, str]) -> httpx.Response:
    with server.client as client:
        return client.post(path, data=fields)


def _text(answer: httpx.Response) -> str:
    """The words of a page, without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def test_the_first_visit_says_what_is_needed(server: Server) -> None:
    page = server.ask_text("/train")
    assert "Two folders are enough" in page
    assert 'href="/train/new"' in page


def test_the_form_offers_lengths_presets_and_all_settings(server: Server) -> None:
    page = server.ask_text("/train/new")
    assert "One night" in page
    assert 'name="training.learning_rate"' in page
    assert '<input type="radio" name="recipe" value="" checked>' in page
    assert "Another light, weather or season" in page
    assert 'name="training.start_from"' not in page  # it would name a file
    assert 'name="domain.content"' in server.ask_text("/train/new/more?medium=audio")
    assert "style=" not in page  # the policy allows none


def test_a_folder_is_found_below_the_declared_ones(server: Server, folders: dict[str, str]) -> None:
    listed = server.ask_text("/train/new/folders?side=a")
    assert "assets" in listed
    inside = server.ask_text(f"/train/new/folders?side=b&id={folders['day2night']}")
    assert "day" in inside
    assert "Back" in inside
    side = server.ask_text(f"/train/new/side?side=b&place={folders['night']}")
    assert "12 pictures" in side
    assert f'name="b" value="{folders["night"]}"' in side
    assert side.count("<img") == 6


def test_a_name_that_was_typed_stays_with_another_folder(server: Server, folders: dict[str, str]) -> None:
    with server.client as client:

        def name(**given: str) -> str:
            found = re.search(r'id="name-a"[^>]* value="([^"]*)"', client.get("/train/new/side", params=given).text)
            assert found is not None
            return found[1]

        assert name(side="a", place=folders["day"], name_a="Tag") == "Tag"
        assert name(side="a", place="", name_a="Tag", a=folders["day"]) == "Tag"
        assert name(side="a", place=folders["night"]) == "night"
        assert name(side="a", place="", name_a="day", a=folders["day"]) == "", "it was the folder's"
        browse = client.get("/train/new/folders", params={"side": "a", "id": folders["day"]}).text
    assert 'hx-include="#name-a"' in browse


@pytest.mark.parametrize(
    ("folder", "sentence"),
    [
        ("empty", "What was sent is empty; choose a folder with pictures, clips or recordings in it."),
        (
            "notes",
            "Nothing in what was sent is a picture, a clip or a recording by its name (such as Ä 笔记.txt).",
        ),
    ],
)
def test_a_folder_that_cannot_be_used_is_told_at_once(
    server: Server, folders: dict[str, str], folder: str, sentence: str
) -> None:
    with server.client as client:
        answer = client.get("/train/new/side", params={"side": "a", "place": folders[folder]})
    assert sentence in _text(answer)
    assert f'value="{folders[folder]}"' not in answer.text


def test_an_id_of_nothing_is_told(server: Server) -> None:
    with server.client as client:
        answer = client.get("/train/new/side", params={"side": "a", "place": "0" * 24})
    assert "choose or upload it again" in _text(answer)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"b": ""}, "The other kind has no files that can be used yet."),
        ({"b": "day"}, "Both sides are the same folder"),
        ({"b": "speech"}, "The sides hold different things: 12 pictures and 5 recordings."),
        ({"b": "empty"}, "What was sent is empty"),
        ({"medium": "smells"}, "Say what is in the folders"),
        ({"hours": "soon"}, "Say how long it may take"),
        ({"hours": "-1"}, "Say how long it may take"),
        ({"name_a": "a/b"}, "names has &#39;a/b&#39;; expected a name without slashes"),
        ({"preset": "huge"}, "Choose how fine the model is to be."),
        ({"recipe": "lite"}, "recipe is &#39;lite&#39;; expected one of"),
        ({"recipe": "maps", "medium": "video"}, "the recipe maps is for the domain image, not for &#39;video&#39;"),
        ({"training.learning_rate": "fast"}, "“learning rate” is &#39;fast&#39;; expected a number"),
        ({"hours": "", "preset": "", "networks.filters": "0"}, "“filters” is 0; expected 1 to 4096"),
    ],
)
def test_what_cannot_be_trained_is_a_sentence_and_no_job(
    server: Server, folders: dict[str, str], changes: dict[str, str], sentence: str
) -> None:
    fields = {**QUICK, "a": "day", "b": "night", **changes}
    answer = _post(server, "/train", {**fields, "a": folders[fields["a"]], "b": folders.get(fields["b"], "")})
    assert answer.status_code == 200
    assert sentence in answer.text
    assert 'role="alert"' in answer.text
    said_above = fields["b"] in folders
    assert ('id="pair-fault" hx-swap-oob="delete"' in answer.text) == said_above, "it is said once"
    assert not [job for job in server.ask("GET", "/api/jobs") if job["kind"] == "train"]


def test_what_inspect_finds_comes_in_words(server: Server, folders: dict[str, str]) -> None:
    fields = {"a": folders["day"], "b": folders["night"], "medium": "image", "detail": "128"}
    answer = _post(server, "/train/new/findings", fields)
    assert "Looking through your files" in answer.text
    job = re.search(r"/train/new/findings/(\w+)", answer.text)
    assert job is not None
    server.wait(job[1])
    found = server.ask_text(f"/train/new/findings/{job[1]}")
    assert "This will work, within limits." in found
    assert "12 pictures are few" in found
    assert "crop of" not in found  # pictures of 128 pixels are large enough for that detail
    assert found.count("thumb.jpg") == 4  # two pairs that look alike
    assert job[1] in str(server.ask("GET", "/api/jobs"))
    again = _post(server, "/train/new/findings", fields)
    assert "12 pictures are few" in again.text  # not looked through again


def test_the_same_folder_is_told_before_it_is_looked_through(server: Server, folders: dict[str, str]) -> None:
    fields = {"a": folders["day"], "b": folders["day"], "medium": "image"}
    assert "Both sides are the same folder" in _post(server, "/train/new/findings", fields).text


def test_a_training_that_does_not_exist(server: Server) -> None:
    with server.client as client:
        for id in ("0" * 16, "0" * 24, "..%2F..%2Fetc"):
            assert client.get(f"/train/{id}").status_code == 404


def test_a_training_waits_and_is_taken_over_again(server: Server, folders: dict[str, str], assets: Path) -> None:
    fields = {**QUICK, "a": folders["day"], "b": folders["night"], "name_a": "Tag – <b>", "name_b": "夜",
              "training.seed": "7", "length": "try"}  # fmt: skip
    answer = _post(server, "/train", fields)
    address = answer.headers["hx-redirect"]
    id = address.rpartition("/")[2]
    job = server.ask("GET", f"/api/jobs/{id}")
    assert job["request"]["names"] == ["Tag – <b>", "夜"]
    assert job["run_name"] == "Tag - b and 夜"
    assert job["request"]["settings"]["training"] == {"seed": "7", "minutes": "10"}
    page = server.ask_text(address)
    assert "Tag - b and 夜" in page
    assert str(assets) not in page
    server.ask("POST", f"/api/jobs/{id}/cancel")
    server.wait(id)
    status = server.ask_text(f"{address}/status")
    assert "cancelled" in status
    assert '<span id="open-jobs" hx-swap-oob="true">' in status  # the count beside Queue falls with it
    again = server.ask_text(f"/train/new?again={id}")
    assert 'value="Tag – &lt;b&gt;"' in again
    assert f'name="a" value="{folders["day"]}"' in again
    assert re.search(r'name="training.seed" value="7"', again)
    short = _post(server, "/train", {**fields, "length": "own", "hours": "0.0333333"}).headers["hx-redirect"]
    id = short.rpartition("/")[2]
    assert re.search(r'name="hours" value="0.033"', server.ask_text(f"/train/new?again={id}"))
    server.ask("POST", f"/api/jobs/{id}/cancel")
    server.wait(id)
    queue = server.ask_text("/queue")
    assert f'href="/train/new?again={id}"' in queue
    assert f'aria-label="Remove from the queue: {job["title"]}"' in queue
    assert f'hx-confirm="Remove “{job["title"]}” from the queue? Its settings go; what it has learned stays' in queue
    server.ask("DELETE", f"/api/jobs/{id}", 204)
    assert "That training was removed from the queue, and its settings with it" in server.ask_text(
        f"/train/new?again={id}"
    )


def test_a_run_of_the_command_line_is_shown_too(server: Server, assets: Path) -> None:
    folder = server.home / "runs" / "my run"
    (folder / "previews").mkdir(parents=True)
    (folder / "config.yaml").write_text("names: [photo, map]\ntraining: {steps: 100}\ndomain: {name: image}\n")
    (folder / "metrics.jsonl").write_text('{"step": 50, "steps": 100, "seconds": 120.0, "losses.generators": 3.0}\n')
    (folder / "previews/step-00000050.jpg").write_bytes((assets / "day2night/square.jpg").read_bytes())
    page = server.ask_text("/train")
    assert "my run" in page
    (id,) = [run["id"] for run in server.ask("GET", "/api/runs") if run["run"] == "my run"]
    shown = server.ask_text(f"/train/{id}")
    assert "photo to map" in shown
    assert "step 50 of 100" in shown
    assert "Too early to tell" in shown
    with server.client as client:
        sheet = re.search(r'src="(/files/[^"]+)"', shown)
        assert sheet is not None
        assert client.get(sheet[1]).headers["content-type"] == "image/jpeg"
        assert client.get(f"/train/{id}/sheets?seen=50").status_code == 204
        assert client.get(f"/train/{id}/sheets?seen=1").status_code == 200
        assert client.get(f"/train/{id}/nonsense").status_code == 404
        assert client.get(f"/train/{id}/judgement?seen=0").status_code == 200
        assert client.post(f"/train/{id}/longer", data={"length": "hour"}).status_code == 400


def test_a_run_of_the_command_line_goes_on(server: Server, folders: dict[str, str], assets: Path) -> None:
    folder = server.home / "runs" / "elsewhere"
    folder.mkdir()
    shutil.copy(shipped_file("day2night-video-mobile"), folder / "model.safetensors")
    sides = {side: str(assets / "day2night" / name) for side, name in (("a", "day"), ("b", "night"))}
    config = {"format": 2, **sides, "domain": {"name": "image"}, "preset": "tiny", "training": {"steps": 100}}
    (folder / "config.yaml").write_text(json.dumps(config))
    (folder / "metrics.jsonl").write_text('{"step": 100, "steps": 100, "seconds": 120.0, "losses.generators": 3.0}\n')
    (id,) = [run["id"] for run in server.ask("GET", "/api/runs") if run["run"] == "elsewhere"]
    assert "Train on" in server.ask_text(f"/train/{id}")
    answer = _post(server, f"/train/{id}/longer", {"length": "hour"})
    job = server.ask("GET", f"/api/jobs/{answer.headers['hx-redirect'].rpartition('/')[2]}")
    server.ask("POST", f"/api/jobs/{job['id']}/cancel")
    assert (job["run_name"], job["title"]) == ("elsewhere", "elsewhere")
    assert (job["request"]["a"], job["request"]["b"]) == (folders["day"], folders["night"])
    assert job["request"]["settings"] == {"training": {"minutes": 62.0}}
    server.wait(job["id"])
