"""What the pages to convert say, and what they ask of the queue."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from web_server import Server

from unpaired.apps.web.choices import Choice, fitting
from unpaired.apps.web.estimates import START, estimate, work
from unpaired.apps.web.facts import Facts
from unpaired.apps.web.jobs import Job, JobKind, JobProgress, JobState
from unpaired.apps.web.naming import kind_by_name
from unpaired.apps.web.pages.convert import Asked
from unpaired.apps.web.pages.summaries import error_words, note_words
from unpaired.apps.web.playable import WIDEST, make_playable
from unpaired.apps.web.wording import duration, facts_in_words, moment, progress_words, size
from unpaired.core.model import shipped_file

CLIP = Facts("clip", 480, 270, seconds=2.0, rate=25.0, frames=50, sound=True)


@given(
    files=st.lists(st.text("0123456789abcdef", min_size=24, max_size=24), max_size=3, unique=True),
    do=st.sampled_from(["", "day2night.a2b", "0123456789abcdef01234567@best.b2a"]),
    strength=st.integers(0, 100),
    start=st.none() | st.floats(0, 100).map(lambda each: round(each, 3)),
    pitch=st.sampled_from(["auto", "keep"]),
)
def test_the_address_of_the_page_holds_what_was_asked(
    files: list[str], do: str, strength: int, start: float | None, pitch: str
) -> None:
    asked = Asked(tuple(files), do, "", strength, start, None, pitch)
    assert Asked.of(parse_qsl(urlsplit(asked.link()).query)) == asked


def test_nonsense_in_an_address_is_left_out() -> None:
    asked = Asked.of(
        [("file", "x"), ("file", "x"), ("strength", "-5"), ("start", "nan"), ("end", "soon"), ("pitch", "up")]
    )
    assert asked == Asked(("x",))


def test_only_settings_that_are_not_as_usual_are_asked_for() -> None:
    assert Asked().settings(CLIP) == {}
    assert Asked(strength=40, start=0.4, end=2.0).settings(CLIP) == {"strength": 0.4, "start": 0.4}
    assert Asked(end=1.0, pitch="keep").settings(CLIP) == {"end": 1.0}
    voice = Facts("sound", seconds=3.0)
    assert Asked(end=3.0, pitch="keep").settings(voice, "audio") == {"pitch": "keep"}
    assert Asked(start=0.5, end=1.0).settings(voice, "audio") == {"start": 0.5, "end": 1.0}
    assert Asked(start=0.5, end=1.0).settings(CLIP, "audio") == {}, "the picture of a clip is not cut for its voice"
    assert Asked(("a", "b"), start=0.5, end=1.0).settings(voice, "audio") == {}
    assert (Asked(start=0.5, end=1.0).seconds(voice, "audio"), Asked(end=1.0).seconds(CLIP, "audio")) == (0.5, 2.0)


def test_the_likeliest_models_come_first() -> None:
    choices = [Choice(name, "a2b", "", "", name) for name in ("audio", "image", "video", "series")]
    assert [each.medium for each in fitting(choices, {"picture"})] == ["image", "video"]
    assert [each.medium for each in fitting(choices, {"clip"})] == ["video", "image", "audio"]
    assert [each.medium for each in fitting(choices, {"sound"})] == ["audio"]
    assert [each.medium for each in fitting(choices, {"unknown"})] == ["series"]
    assert fitting(choices, {"picture", "sound"}) == []
    names = ("a.JPG", "b.webm", "c.flac", "d.series", "e.mts", "f.mxf", "g.ape", "h.3gp")
    kinds = ["picture", "clip", "sound", "unknown", "clip", "clip", "sound", "clip"]
    assert [kind_by_name(name) for name in names] == kinds


def test_estimates_come_from_earlier_conversions() -> None:
    amount = work(CLIP, seconds=1.0)
    assert amount == pytest.approx(480 * 270 * 25 / 1e6)
    done = Job(JobKind.CONVERT, {}, "a.mp4", state=JobState.DONE)
    earlier = [
        (replace(done, seconds=START["clip"] + 2.0 * amount), amount),
        (replace(done, seconds=START["clip"] + 200.0), amount / 10),
    ]
    assert estimate(CLIP, amount, earlier[:1]) == pytest.approx(START["clip"] + 2.0 * amount)
    assert estimate(CLIP, amount, []) > START["clip"]
    busy = [(replace(done, seconds=4 * (START["clip"] + 2.0 * amount), slowdown=4.0), amount)]
    assert estimate(CLIP, amount, busy) == pytest.approx(START["clip"] + 2.0 * amount)
    assert estimate(CLIP, amount, busy, slowdown=3.0) == pytest.approx(3 * (START["clip"] + 2.0 * amount))
    assert work(Facts("sound", seconds=30.0)) == 30.0
    assert work(Facts("sound", seconds=30.0), seconds=6.0) == pytest.approx(6.0)
    assert estimate(Facts("sound", seconds=7.0), 7.0, []) > START["sound"] > START["picture"]


def test_times_and_sizes_are_said_as_people_say_them() -> None:
    assert [duration(each) for each in (0.2, 45, 200, 7300, 40000)] == ["1 s", "45 s", "3 min", "2 h", "11 h"]
    assert [duration(each) for each in (5400 + 300, 3600 * 40, 86400 * 2.6)] == ["1 h 35 min", "40 h", "3 days"]
    assert [moment(1000.0 - ago, 1000.0) for ago in (5, 70, 300)] == ["just now", "a minute ago", "5 min ago"]
    assert [size(each) for each in (12, 1500, 3_100_000, 2_500_000_000)] == ["12 B", "1.5 kB", "3.1 MB", "2.5 GB"]
    assert facts_in_words(CLIP, 75_000) == "480 × 270 · 0:02 · 75 kB"
    assert facts_in_words(Facts("sound", seconds=1.68), 0) == "0:02"


def test_errors_name_settings_without_the_command_line() -> None:
    job = Job(JobKind.CONVERT, {}, "a.mp4", error="--conversion.start is unknown; did you mean --training.log_every?")
    assert error_words(job) == "“start” is unknown; did you mean “log every”?"


@pytest.mark.parametrize(
    ("note", "words"),
    [
        ("HDR is written with 8 bits, which shows bands; --depth 10 does not, nor does --sdr",
         "HDR is written with 8 bits, which shows bands"),
        ("the input is RGB; h264 halves the resolution of colour: --chroma 444 or another codec (ffv1) keeps it",
         "the input is RGB; h264 halves the resolution of colour"),
        ("the frames have no rate; 25 frames/s is assumed (--rate sets another)",
         "the frames have no rate; 25 frames/s is assumed"),
        ("a.png: text -- with dashes; and more", "a.png: text -- with dashes; and more"),
    ],
)  # fmt: skip
def test_notes_leave_out_what_only_the_command_line_can_do(note: str, words: str) -> None:
    assert note_words(note) == words


def test_progress_names_the_frame_or_the_file() -> None:
    job = Job(JobKind.CONVERT, {}, "a.mp4", state=JobState.RUNNING)
    assert progress_words(job, CLIP) == "Getting ready"
    within = replace(job, progress=JobProgress(0.5, "a.mp4", chunks=25, total=50))
    assert progress_words(within, CLIP) == "frame 25 of 50"
    several = replace(job, progress=JobProgress(0.5, "b.png", file=2, files=4))
    assert progress_words(several, None) == "file 3 of 4, b.png"


def test_getting_ready_does_not_count_for_the_time_that_is_left() -> None:
    job = Job(JobKind.CONVERT, {}, "a.mp4", state=JobState.RUNNING, started=1000.0)
    job = job.advanced(JobProgress(0.1), 20.0)
    assert job.seconds_left(1020.0) is None
    job = job.advanced(JobProgress(0.2), 22.0)
    assert job.seconds_left(1022.0) == pytest.approx(16.0)
    assert job.advanced(JobProgress(0.1), 3.0).first_seconds == 3.0, "begun anew"


def test_a_copy_for_browsers_keeps_size_sound_and_length(assets: Path, tmp_path: Path) -> None:
    import av

    make_playable(assets / "video/animation.webm", tmp_path / "copy.mp4")
    with av.open(str(tmp_path / "copy.mp4")) as copy:
        video = copy.streams.video[0]
        assert (video.codec_context.name, video.width, video.height) == ("h264", 426, 240)
        assert (copy.streams.audio[0].codec_context.name, WIDEST) == ("aac", 960)
        frames = list(copy.decode(video))
    assert len(frames) == 48
    assert float(frames[-1].time or 0) == pytest.approx(47 / 24, abs=0.01)


def test_a_folder_is_converted_as_a_whole(server: Server, assets: Path) -> None:
    def within(folder: str, name: str) -> str:
        found = server.ask("GET", "/api/places", params={"id": folder} if folder else {})
        return str(next(each["id"] for each in found if each["name"] == name))

    folder = within(within(within("", "assets"), "day2night"), "day")
    text = server.ask_text(f"/?file={folder}&do=day2night-video-mobile.a2b")
    assert "a folder with everything in it" in text
    assert 'value="day2night-video-mobile.a2b" checked' in text
    form = {"file": folder, "do": "day2night-video-mobile.a2b", "strength": "100"}
    with server.client as client:
        led_to = client.post("/convert", data=form).headers["location"]
    job = server.wait(led_to.removeprefix("/jobs/"))
    assert (job["state"], len(job["results"])) == ("done", 12)
    page = server.ask_text(led_to)
    assert "12 results" in page
    question = f'hx-confirm="Remove “{job["title"]}” with its results? They cannot be had back."'
    assert question in page
    assert question in server.ask_text("/queue")
    assert "Before" in page, "the file that a result was made of is found by its name"


def test_a_picture_that_moves_becomes_a_clip(server: Server, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (32, 24), (level, 0, 0)) for level in (10, 200)]
    jobs = []
    for name in ("moves.gif", "moves.webp"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], duration=100)
        file = server.upload(tmp_path / name)
        assert "day2night.a2b" in server.ask_text(f"/?file={file}")
        jobs.append(server.submit("convert", input=file, model="day2night"))
    for job in jobs:
        done = server.wait(job["id"])
        assert (done["error"], [each["name"] for each in done["results"]]) == ("", ["moves.mp4"])
        assert "Save the result" in server.ask_text(f"/jobs/{job['id']}")


def test_from_and_to_of_one_clip_are_not_those_of_others(server: Server, assets: Path) -> None:
    files = [server.upload(assets / "video" / name) for name in ("road.mp4", "traffic.mp4")]
    form = {"file": files, "do": "day2night-video-mobile.a2b", "strength": "50", "start": "0.2", "end": "1.0"}
    with server.client as client:
        assert client.post("/convert", data=form).headers["location"] == "/queue"
    jobs = [job for job in server.ask("GET", "/api/jobs") if job["request"]["input"] in files]
    assert [job["request"]["settings"] for job in jobs] == 2 * [{"strength": 0.5}]
    for job in jobs:
        server.ask("POST", f"/api/jobs/{job['id']}/cancel")
        server.wait(job["id"])


def test_a_form_without_a_model_is_refused_in_words(server: Server, assets: Path) -> None:
    file = server.upload(assets / "day2night/square.jpg")
    with server.client as client:
        answer = client.post("/convert", data={"file": file, "do": ""})
        beside = client.get(f"/look/{file}/facts.json")
    assert answer.status_code == 400
    assert "it is not said what to make of the file" in answer.text
    assert beside.status_code == 404, "only pictures are served"


def _checked(text: str) -> list[str]:
    """What a page has chosen of the things that can be made of a file."""
    return re.findall(r'name="do" value="([^"]+)" checked', text)


def test_another_model_is_compared_on_the_same_part(server: Server, assets: Path) -> None:
    file = server.upload(assets / "video/road.mp4")
    settings = {"strength": 0.5, "start": 0.2, "end": 0.6}
    asked = {"input": file, "model": "day2night-video-mobile", "direction": "a2b", "settings": settings}
    job = server.submit("convert", **asked)
    assert server.wait(job["id"])["state"] == "done"
    link = re.search(r'href="([^"]+)"><svg[^\n]*Compare another model', server.ask_text(f"/jobs/{job['id']}"))
    assert link is not None
    page = server.ask_text(unescape(link[1]))
    assert _checked(page) == ["day2night-video.a2b"], "another model, to the same end"
    for name, value in {"strength": "50", "start": "0.2", "end": "0.6"}.items():
        assert re.search(rf'<input[^>]* name="{name}"[^>]* value="{value}"', page), name
    fields = {"file": file, "do": "day2night-video-mobile.a2b", "strength": "60", "start": "0.2", "end": "0.6"}
    with server.client as client:
        led_to = client.post("/convert", data={**fields, "beside": "day2night-video-mobile.a2b"}).headers["location"]
    server.wait(led_to.removeprefix("/jobs/").partition("?")[0])
    shown = re.findall(r"<figcaption>([^<]+)</figcaption>", server.ask_text(led_to))
    assert shown == ["make it night (the same, quicker, 50 %)", "make it night (the same, quicker, 60 %)"]
    back = server.submit("convert", **{**asked, "direction": "b2a"})
    server.wait(back["id"])
    assert _checked(server.ask_text(f"/?file={file}&beside=day2night-video-mobile.b2a")) == ["day2night-video.b2a"]
    with server.client as client:
        saved = client.get(server.ask("GET", f"/api/jobs/{back['id']}")["results"][0]["url"], params={"download": ""})
    assert saved.headers["content-disposition"] == "attachment; filename*=utf-8''road%20day.mp4"


@pytest.mark.parametrize("model", [24 * "a", "day2dusk", f"{24 * 'a'}@latest"])
def test_a_model_that_went_away_is_said(server: Server, assets: Path, model: str) -> None:
    file = server.upload(assets / "day2night/square.jpg")
    sentence = "the model that was chosen is no longer there; choose another one"
    for address in (f"/?do={model}.a2b", f"/?file={file}&do={model}.a2b"):
        assert sentence in server.ask_text(address)
    with server.client as client:
        answer = client.post("/convert", data={"file": file, "do": f"{model}.a2b"})
    assert (answer.status_code, sentence in answer.text) == (404, True)


def test_files_that_cannot_be_read_are_left_out(server: Server, assets: Path, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture\n" * 50)
    files = [server.upload(tmp_path / "text.png"), server.upload(assets / "day2night/square.jpg")]
    page = server.ask_text(f"/?file={files[0]}&file={files[1]}")
    assert ">Convert 1 file<" in page
    assert "text.png cannot be read and is left out." in page
    with server.client as client:
        form = {"file": files, "do": "day2night.a2b"}
        job = client.post("/convert", data=form).headers["location"].removeprefix("/jobs/")
        refused = client.post("/convert", data={**form, "file": files[:1]})
    assert server.ask("GET", f"/api/jobs/{job}")["request"]["input"] == files[1]
    assert server.ask("POST", f"/api/jobs/{job}/cancel")
    assert refused.status_code == 400
    assert "text.png holds no picture that can be read" in refused.text


def test_files_of_several_kinds_each_have_their_models(server: Server, assets: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_text("no picture\n" * 50)
    paths = [tmp_path / "broken.png", assets / "video/road.mp4", assets / "speech/female-1.flac"]
    files = [server.upload(path) for path in paths]
    query = "&".join(f"file={file}" for file in files)
    page = server.ask_text(f"/?{query}")
    assert '<h1 class="only-heard">Convert road.mp4<' in page, "the first that can be read"
    assert _checked(page) == ["day2night-video.a2b"]
    assert "female-1.flac is of another kind and is left out: select it to see its models." in page
    voice = server.ask_text(f"/?{query}&show={files[2]}")
    assert _checked(voice) == ["female-male.a2b"]
    assert "left out: select" not in voice, "that model takes the sound of a clip, too"
    with server.client as client:
        answer = client.post("/convert", data={"file": files, "do": "day2night-video-mobile.a2b"})
        wrong = client.post("/convert", data={"file": files[2], "do": "day2night-video-mobile.a2b"})
    job = answer.headers["location"].removeprefix("/jobs/")
    assert server.ask("GET", f"/api/jobs/{job}")["request"]["input"] == files[1]
    server.ask("POST", f"/api/jobs/{job}/cancel")
    assert (wrong.status_code, "is of another kind" in wrong.text) == (400, True)


def test_versions_of_a_training_can_be_told_apart(server: Server, assets: Path) -> None:
    folder = server.home / "runs" / "late"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("names: [photo, map]\ndomain: {name: image}\n")
    shutil.copy(shipped_file("day2night-video-mobile"), folder / "model.safetensors")
    (id,) = [run["id"] for run in server.ask("GET", "/api/runs") if run["run"] == "late"]
    file = server.upload(assets / "day2night/square.jpg")
    page = server.ask_text(f"/?file={file}&do={id}@latest.a2b")
    assert _checked(page) == [f"{id}@latest.a2b"]
    assert "late, its newest version, for footage" in page
    assert "late, for footage" in page
