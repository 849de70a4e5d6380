"""Many faults at once: every one is known, and the message stays a line of at most 300 characters."""

from __future__ import annotations

import contextlib
import io
import pickle
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from kept import row

import unpaired
from unpaired import ArgumentError, ConfigError, UnpairedError
from unpaired.apps.main import main
from unpaired.core.errors import joined
from unpaired.core.settings.mapping import from_mapping

NAMES = ("steps", "batch", "seed", "compile", "precision", "beta1", "ema", "constant_share", "device", "workers",
         "keep", "learning_rate", "discriminator_learning_rate", "best", "accumulate", "processes", "clip")  # fmt: skip
GROUPS: dict[type[Any], str] = {
    unpaired.TrainingSettings: "training",
    unpaired.NetworkSettings: "networks",
    unpaired.CycleSettings: "objective",
    unpaired.Image.settings_type: "domain",
}
VALUES = st.one_of(st.sampled_from([-1, 2**63, 10**30, 1e308, float("nan"), None, "x" * 5000, "\n", "\ud800", [1], {}]),
                   st.text(max_size=80), st.integers(), st.floats())  # fmt: skip
KEYS = st.one_of(st.sampled_from(NAMES), st.text(max_size=80))
MANY = dict.fromkeys(NAMES, "x" * 80)


def checked(error: UnpairedError) -> None:
    message = str(error)
    assert len(message) <= 300
    assert message.isprintable()
    again = pickle.loads(pickle.dumps(error))  # as a loader process sends it
    assert (type(again), again.faults, str(again)) == (type(error), error.faults, message)


@given(st.lists(st.text(min_size=1, max_size=120), min_size=1, max_size=40))
def test_the_first_faults_that_fit_are_said_and_the_rest_counted(faults: list[str]) -> None:
    whole = "; ".join(faults)
    cut = [f"{'; '.join(faults[:said])}; and {len(faults) - said} more" for said in range(1, len(faults))]
    assert joined(faults) == (whole if len(whole) <= 300 else max((each for each in cut if len(each) <= 300), key=len))


@row("settings in a YAML file or on the command line", "many faults at once")
@settings(max_examples=60, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=20))
@example(dict(MANY))
def test_settings_in_python(values: dict[str, Any]) -> None:
    for kind, where in GROUPS.items():
        with contextlib.suppress(TypeError):
            try:
                from_mapping(kind, values, where)
            except ConfigError as error:
                checked(error)
    known = {name: value for name, value in values.items() if name in NAMES}
    try:
        unpaired.TrainingSettings(**known)
    except (ConfigError, ArgumentError) as error:
        checked(error)


def said(*words: str) -> str:
    """The line of a command line that is refused."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        assert main(["train", "--domain", "image", *words]) == 2
    assert out.getvalue() == ""
    line = err.getvalue()
    assert line.startswith("unpaired: ")
    assert line.count("\n") == 1
    assert len(line.strip().removeprefix("unpaired: ")) <= 300, line
    return line


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=80), max_size=20), st.lists(st.text(max_size=80)))
@example(dict(MANY), ["x" * 300] * 5)
def test_settings_on_the_command_line(values: dict[str, str], further: list[str]) -> None:
    said(*(f"--training.{name}={value}" for name, value in values.items()), *(f"--{word}=1" for word in further), "--x")


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.dictionaries(KEYS, st.one_of(st.text(max_size=80), st.integers(), st.floats()), max_size=20))
@example(values={**MANY, **{f"networks{n}" * 20: 1 for n in range(9)}})
def test_settings_in_a_file(values: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    content = {"training": values, "networks": values, "objective": values, **values}
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    said("--config", str(file), "--x")
