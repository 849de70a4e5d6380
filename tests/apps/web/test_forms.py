"""Forms are made of the settings that --help lists, and say in words what is wrong with what was filled in."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from unpaired import UnknownName
from unpaired.apps import recipe
from unpaired.apps.main import main
from unpaired.apps.web import forms
from unpaired.core.networks.presets import PRESETS


@pytest.mark.parametrize("medium", list(forms.MEDIA))
def test_a_form_offers_what_the_help_lists(medium: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["train", "--domain", medium, "--help"])
    listed = set(re.findall(r"^  --((?:training|networks|domain|objective)\.\w+)$", capsys.readouterr().out, re.M))
    offered = {field.name for group in forms.groups(medium) for field in group.fields}
    own_objective = {name for name in listed if name.startswith("objective.")} - offered
    assert medium != "image" or not own_objective  # footage and sound have terms of their own besides
    assert offered <= listed
    assert listed - offered - own_objective == forms.RECORDED | forms.NAMING_FILES


def test_a_field_says_what_the_help_says(capsys: pytest.CaptureFixture[str]) -> None:
    main(["train", "--help"])
    printed = "".join(capsys.readouterr().out.split())  # lines break anywhere
    for group in forms.groups("image")[1:]:
        for field in group.fields:
            assert "".join(f"--{field.name} {field.text} ({field.expects}; default".split()) in printed


def test_presets_in_words_are_those_that_there_are() -> None:
    assert [each.key for each in forms.PRESETS] == list(PRESETS)
    assert forms.preset_of(forms.USUAL_PRESET) in forms.PRESETS
    assert forms.preset_of("huge") is None


def test_tasks_in_words_are_recipes_that_keep_the_detail_of_the_form() -> None:
    for task in forms.TASKS[1:]:
        read = recipe.read(task.key, "image")
        assert "size" not in read.get("domain", {})


@pytest.mark.parametrize(
    ("length", "own", "minutes"),
    [("night", "", 480), ("hour", "", 60), ("own", "1,5", 90), ("own", "0", None), ("own", "x", None), ("?", "", None)],
)
def test_lengths_in_words_are_minutes(length: str, own: str, minutes: float | None) -> None:
    assert forms.minutes_of(length, own) == minutes


def test_what_is_not_filled_in_is_left_out() -> None:
    listed = forms.groups("image")
    form = {"domain.size": " 128 ", "domain.flip": "no", "training.learning_rate": "0,0001", "training.seed": "",
            "training.start_from": "/etc", "steps": "3"}  # fmt: skip
    settings, faults = forms.filled_in(listed, form)
    assert settings == {"domain": {"size": "128", "flip": "false"}, "training": {"learning_rate": "0.0001"}}
    assert not faults


def test_all_that_is_wrong_is_told_by_the_labels_of_the_form() -> None:
    form = {"domain.size": "4", "training.learning_rate": "fast", "networks.filters": "-1"}
    _, faults = forms.filled_in(forms.groups("image"), form)
    assert faults == [
        "“size” is 4; expected 8 to 8192 pixels",
        "“learning rate” is 'fast'; expected a number",
        "“filters” is -1; expected 1 to 4096",
    ]


def test_another_medium_says_its_settings_in_a_process_of_its_own() -> None:
    listed = forms.groups("tensors")
    assert [group.name for group in listed] == ["domain", "training", "objective", "networks"]
    assert forms.from_data(json.loads(json.dumps(forms.as_data(listed)))) == listed
    with pytest.raises(UnknownName, match="nonsense"):
        forms.groups("nonsense")


def test_forms_need_no_torch() -> None:
    code = ("from unpaired.apps.web import forms\nfor medium in forms.MEDIA: forms.groups(medium)\n"
            "import sys; print(sorted({'torch', 'numpy', 'cv2', 'PIL'} & set(sys.modules)))")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
