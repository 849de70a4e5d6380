"""What a conversion offers beyond strength, part and pitch."""

from __future__ import annotations

import dataclasses
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from asked import BEARER, HOST, Asked

from unpaired import ConfigError
from unpaired.apps.web import more
from unpaired.apps.web.forms import MEDIA
from unpaired.apps.web.jobs import Job, JobKind
from unpaired.apps.web.views import results_of
from unpaired.core.adapter import find_domain
from unpaired.domains.containers.kinds import CONTAINERS
from unpaired.domains.video.writing.codecs import CODECS, FFMPEG_NAMES

JARGON = {"crf", "ema", "a2b", "b2a", "domain", "none", "null", "dataclass"}


def names(medium: str) -> set[str]:
    """The fields that are offered."""
    return {field.name.removeprefix(more.PREFIX) for field in chain(*more.fields(medium))}


@pytest.mark.parametrize("medium", MEDIA)
def test_every_setting_is_offered_in_words_or_asked_elsewhere(medium: str) -> None:
    known = {field.name for field in dataclasses.fields(find_domain(medium).conversion_type)}
    assert known - names(medium) == known & more._ELSEWHERE - names(medium)
    assert names(medium) - known <= set(more.OF_REQUEST)
    for field in chain(*more.fields(medium)):
        assert not JARGON & set(f"{field.label} {field.text}".lower().replace(".", " ").split()), field
    assert more.fields("tensors") == ((), ())


def test_a_codec_goes_into_the_files_that_hold_it() -> None:
    assert list(more.ENDINGS) == list(CODECS)
    for codec, endings in more.ENDINGS.items():
        held = {suffix for suffix, kind in CONTAINERS.items() if FFMPEG_NAMES.get(codec, codec) in kind.pictures}
        assert set(endings) == held
    assert more.fitting_name("a.b.mp4", "prores") == "a.b.mov"
    assert more.fitting_name("a.MKV", "prores") == "a.MKV"
    assert more.fitting_name("clip", "vp9") == "clip.webm"
    assert more.fitting_name("a.mp4", "") == more.fitting_name("a.mp4", "auto") == "a.mp4"


def test_what_is_filled_in_becomes_a_request_and_fills_the_form_again() -> None:
    given = {"depth": "10", "dither": "no", "feather": "2,5", "mask": "0", "layout": "side by side", "burn_in": "yes",
             "quality": "90", "size": " ", "known_cuts": "1", "contact_sheet": "yes"}  # fmt: skip
    asked = more.filled_in("video", given)
    assert asked == {"settings": {"depth": "10", "dither": False, "feather": "2.5"}, "mask": "0", "known_cuts": "1",
                     "layout": "side-by-side", "burn_in": True, "contact_sheet": True}  # fmt: skip
    back = dict(more.given_by({**asked, "settings": {**asked["settings"], "strength": 0.4}}))
    assert back == {"more.depth": "10", "more.dither": "no", "more.feather": "2.5", "more.mask": "0",
                    "more.layout": "side by side", "more.burn_in": "yes", "more.known_cuts": "1",
                    "more.contact_sheet": "yes"}  # fmt: skip
    assert {("Dither", "no"), ("Contact sheet", "yes")} <= set(more.in_words("video", asked))
    assert "known_cuts" not in more.filled_in("image", given)
    assert more.filled_in("audio", given) == {}
    assert more.filled_in("video", {"strength_curve": "0:0, 2:1"}) == {"settings": {"strength_curve": "0:0, 2:1"}}
    with pytest.raises(ConfigError, match=r"strength is 'up'; "):
        more.filled_in("video", {"strength_curve": "up"})


def test_all_that_is_wrong_is_told_in_the_words_of_the_form() -> None:
    with pytest.raises(ConfigError) as told:
        more.filled_in("video", {"depth": "11", "size": "big", "feather": "3"})
    assert [fault.partition(";")[0] for fault in told.value.faults] == [
        "“Bits” is '11'",
        "“Soft edge of the mask” is 3.0, but there is no mask to soften",
        "“Size” is 'big'",
    ]
    assert "--" not in str(told.value)


@pytest.fixture
def clip(asked: Asked, root: Path, assets: Path) -> str:
    """The id of a clip in the declared folder."""
    (root / "street.mp4").write_bytes(next((assets / "video").rglob("*.mp4")).read_bytes())
    return str(asked.site.places.id_of(root / "street.mp4"))


def test_a_request_becomes_options_of_the_command(asked: Asked, root: Path, clip: str) -> None:
    (root / "mask.png").write_bytes(b"")
    request = {"input": clip, "model": "day2night-video", "settings": {"codec": "prores", "profile": "4444"},
               "mask": asked.site.places.id_of(root / "mask.png"), "layout": "wipe", "burn_in": True}  # fmt: skip
    words = asked.site.commands.of(Job(JobKind.CONVERT, request, "a clip"))
    assert words[2] == str(root / "street.mp4")
    assert words[3].endswith("/street.mov")
    assert words[-5:] == ["--conversion.codec=prores", "--conversion.profile=4444",
                          f"--conversion.mask={root / 'mask.png'}", "--wipe", "--burn-in"]  # fmt: skip


def test_cuts_and_a_contact_sheet_become_options_and_the_sheet_comes_last(
    asked: Asked, root: Path, clip: str, assets: Path
) -> None:
    (root / "street.edl").write_text("TITLE: STREET\n")
    request = {"input": clip, "model": "day2night-video", "contact_sheet": True,
               "known_cuts": asked.site.places.id_of(root / "street.edl")}  # fmt: skip
    job = Job(JobKind.CONVERT, request, "a clip")
    words, folder = asked.site.commands.of(job), asked.site.commands.result_folder(job)
    assert words[-2:] == [f"--cuts={root / 'street.edl'}", f"--contact-sheet={folder / 'contact sheet.jpg'}"]
    folder.mkdir(parents=True)
    for name in ("contact sheet.jpg", "street.mp4"):
        (folder / name).write_bytes(b"")
    assert [place.name for place in results_of(asked.site, job)] == ["street.mp4", "contact sheet.jpg"]


@pytest.mark.parametrize(
    ("request_", "said"),
    [({"mask": "0" * 24}, "no such file"), ({"settings": {"feather": 3}}, "no mask to soften"),
     ({"settings": {"mask": "x.png"}}, "settings.mask names a file, which no request does; give its id as mask"),
     ({"settings": {"report": "x.html"}}, "settings.report names a file"), ({"layout": "round"}, "layout"),
     ({"model": "female-male", "layout": "wipe", "burn_in": True}, "layout is for pictures and footage"),
     ({"settings": {"known_cuts": "x.edl"}}, "give its id as known_cuts, beside settings"),
     ({"settings": {"contact_sheet": "x.jpg"}}, "ask for contact_sheet beside settings: true"),
     ({"model": "female-male", "contact_sheet": True}, "contact_sheet is for a clip; leave it out")],
)  # fmt: skip
def test_what_cannot_be_asked_for(asked: Asked, clip: str, request_: dict[str, Any], said: str) -> None:
    body = {"kind": "convert", "request": {"input": clip, "model": "day2night-video", **request_}}
    answer = asked("POST", "/api/jobs", BEARER, json=body)
    assert answer.status_code in (400, 404)
    assert said in answer.json()["error"]


def test_the_form_offers_what_the_model_has_and_keeps_what_was_filled_in(asked: Asked, clip: str) -> None:
    shown = asked("GET", f"/convert/more?file={clip}&do=day2night.a2b&more.depth=10", BEARER).text
    assert "<option selected>10</option>" in shown
    assert "Only in a part" in shown
    assert "Known cuts" in shown
    voice = asked("GET", f"/convert/more?file={clip}&do=female-male.a2b", BEARER).text
    assert "Only in a part" not in voice
    assert "Known cuts" not in voice
    assert 'name="more.vocoder"' in voice
    says = {**BEARER, "Origin": f"http://{HOST}", "Content-Type": "application/x-www-form-urlencoded"}
    form = f"file={clip}&do=day2night-video.a2b&strength=100&more.depth=11"
    refused = asked("POST", "/convert", says, content=form.encode())
    assert refused.status_code == 400
    assert "“Bits” is &#39;11&#39;; expected one of 8, 10, 12, 16" in refused.text
