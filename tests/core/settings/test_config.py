"""Settings as mappings: round trips, strict types, every fault at once, YAML."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from kept import row

from unpaired import ConfigError, CycleSettings, MissingFile, NetworkSettings, OutputError, TrainingSettings
from unpaired.core.settings.mapping import Text, from_mapping, merge, read_yaml, to_mapping, write_yaml


@dataclass(frozen=True)
class Window:
    length: int = 8
    shape: Literal["hann", "flat"] = "hann"

    def __post_init__(self) -> None:
        if self.length < 1:
            raise ConfigError(f"window.length is {self.length}; expected 1 or more")


@dataclass(frozen=True)
class Sound:
    rate: int
    gain: float = 1.0
    title: str = ""
    loud: bool = False
    level_a: float = 0.0
    level_b: float = 0.0
    crop: tuple[int, int] | None = None
    bands: tuple[float, ...] = ()
    place: Path | None = None
    window: Window = field(default_factory=Window)


@pytest.mark.parametrize(
    "values",
    [
        TrainingSettings(steps=7, learning_rate=1e-5, discriminator_learning_rate=None, best="cycle_a"),
        CycleSettings(form="hinge", cycle_a=0.25),
        NetworkSettings(filters=8, upsampling="resize"),
        Sound(rate=44100, crop=(3, 4), bands=(0.5, 1e-7), place=Path("x/y"), window=Window(3, "flat")),
    ],
)
def test_settings_survive_a_mapping_and_a_yaml_file(values: Any, tmp_path: Path) -> None:
    assert from_mapping(type(values), to_mapping(values)) == values
    write_yaml(tmp_path / "s.yaml", {"group": to_mapping(values)})
    assert from_mapping(type(values), read_yaml(tmp_path / "s.yaml")["group"]) == values


@row("settings in a YAML file or on the command line", "text with U+0085 (next line)")
@settings(deadline=None)
@example(rate=1, gain=0.0, title="a\x85b\u2028 c\u2029", bands=[])
@given(
    rate=st.integers(),
    gain=st.floats(allow_nan=False, allow_infinity=False),
    title=st.text(),
    bands=st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=4),
)
def test_any_value_survives_yaml(tmp_path_factory: Any, rate: int, gain: float, title: str, bands: list[float]) -> None:
    values = Sound(rate=rate, gain=gain, title=title, bands=tuple(bands))
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    write_yaml(file, to_mapping(values))
    assert from_mapping(Sound, read_yaml(file)) == values


def test_every_fault_is_in_one_message() -> None:
    wrong = {
        "stesp": 3,
        "batch": "many",
        "seed": True,
        "compile": 1,
        "precision": "bf17",
        "discriminator_learning_rate": [1],
        "ema": 1.5,
    }
    with pytest.raises(ConfigError) as caught:
        from_mapping(TrainingSettings, wrong, "training")
    assert caught.value.faults == (
        "training.stesp is unknown; did you mean training.steps?",
        "training.batch is 'many'; expected a whole number",
        "training.seed is true; expected a whole number",
        "training.compile is 1; expected true or false",
        "training.precision is 'bf17'; expected one of auto, fp32, bf16, fp16, fp64",
        "training.discriminator_learning_rate is [1]; expected a number or null",
        "training.ema is 1.5; expected 0 to below 1",
    )
    assert str(caught.value) == "; ".join([*caught.value.faults[:5], "and 2 more"])
    with pytest.raises(ConfigError) as caught:
        from_mapping(TrainingSettings, {key: wrong[key] for key in list(wrong)[:5]}, "training")
    assert str(caught.value) == "; ".join(caught.value.faults)


def test_nested_and_missing_settings_are_named_in_full() -> None:
    with pytest.raises(ConfigError) as caught:
        from_mapping(Sound, {"window": {"length": 0, "shpae": "flat"}, "crop": [1], "bands": [1, "x"]}, "domain")
    message = str(caught.value)
    assert "window.length is 0" in message
    assert "domain.window.shpae is unknown; did you mean domain.window.shape?" in message
    assert "domain.crop is [1]; expected a list of 2" in message
    assert "domain.bands[1] is 'x'; expected a number" in message
    assert "domain.rate is missing" in message


@pytest.mark.parametrize(("key", "value"), [("rate", 1.5), ("rate", "1"), ("rate", None), ("gain", float("nan")),
                                            ("gain", float("inf")), ("gain", True), ("title", 3), ("loud", "yes"),
                                            ("window", 3), ("crop", "ab"), ("place", 3)])  # fmt: skip
def test_a_value_of_another_type_is_refused(key: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=rf"^{key} is .*; expected "):
        from_mapping(Sound, {"rate": 1, key: value})


def test_a_whole_float_is_a_whole_number() -> None:
    assert from_mapping(TrainingSettings, {"steps": 1e5}).steps == 100_000


@pytest.mark.parametrize(
    ("key", "typed", "meant"),
    [
        ("rate", "1e3", 1000),
        ("rate", "16_000", 16000),
        ("gain", "2e-4", 2e-4),
        ("gain", "-1", -1.0),
        ("title", "12", "12"),
        ("title", "null", "null"),
        ("loud", "true", True),
        ("crop", "3,4", (3, 4)),
        ("crop", "[3, 4]", (3, 4)),
        ("crop", "null", None),
        ("bands", "1,2.5", (1.0, 2.5)),
        ("place", "a b", Path("a b")),
    ],
)
def test_typed_text_means_what_the_field_is(key: str, typed: str, meant: Any) -> None:
    assert getattr(from_mapping(Sound, {"rate": 1, key: Text(typed)}), key) == meant


@pytest.mark.parametrize("typed", ["010", "1:30", "-07", "0o17", "1:2:3"])
def test_numbers_that_are_read_in_more_than_one_way_are_refused(typed: str, tmp_path: Path) -> None:
    """YAML 1.1 has 010 for 8 and 1:30 for 90, YAML 1.2 for 10 and for text."""
    with pytest.raises(ConfigError, match=f"rate is '{typed}'; expected a whole number"):
        from_mapping(Sound, {"rate": Text(typed)})
    (tmp_path / "s.yaml").write_text(f"rate: {typed}\n")
    assert read_yaml(tmp_path / "s.yaml") == {"rate": typed}


@pytest.mark.parametrize("decay", ["beta1", "beta2", "ema"])
def test_a_decay_that_lets_nothing_new_in_is_refused(decay: str) -> None:
    with pytest.raises(ConfigError, match=rf"training\.{decay} is 1\.0; expected 0 to below 1"):
        TrainingSettings(**{decay: 1.0})  # type: ignore[arg-type]


def test_typed_text_leaves_no_trace_in_the_settings() -> None:
    found = from_mapping(Sound, {"rate": Text("1"), "title": Text("x"), "window": {"shape": Text("flat")}})
    assert type(found.title) is str
    assert type(found.window.shape) is str
    with pytest.raises(ConfigError, match=r"window\.shape is 'flta'; expected one of hann, flat"):
        from_mapping(Sound, {"rate": 1, "window": {"shape": Text("flta")}})


def test_typed_text_that_fits_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="rate is 'x: '; expected a whole number"):
        from_mapping(Sound, {"rate": Text("x: ")})


def test_a_joint_form_sets_both_sides_and_the_longer_form_wins() -> None:
    assert from_mapping(CycleSettings, {"cycle": 3}) == CycleSettings(cycle_a=3.0, cycle_b=3.0)
    assert from_mapping(CycleSettings, {"cycle_b": 5, "cycle": 3}) == CycleSettings(cycle_a=3.0, cycle_b=5.0)
    with pytest.raises(ConfigError, match=r"objective.cycel is unknown; did you mean objective.cycle\?"):
        from_mapping(CycleSettings, {"cycel": 3}, "objective")


def test_later_mappings_win_key_by_key() -> None:
    below = {"training": {"steps": 1, "seed": 2}, "a": "x"}
    assert merge(below, {"training": {"steps": 3}}) == {"training": {"steps": 3, "seed": 2}, "a": "x"}
    assert merge({"domain": "image"}, {"domain": {"size": 3}}) == {"domain": {"size": 3}}
    assert below == {"training": {"steps": 1, "seed": 2}, "a": "x"}


def test_a_joint_form_on_top_replaces_both_sides_below() -> None:
    assert merge({"o": {"cycle_a": 1, "cycle_b": 2}}, {"o": {"cycle": 3}}) == {"o": {"cycle": 3}}
    above = merge({"o": {"cycle": 3}}, {"o": {"cycle_b": 2}})
    assert from_mapping(CycleSettings, above["o"]) == CycleSettings(cycle_a=3.0, cycle_b=2.0)


def test_an_empty_file_holds_no_settings(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("# nothing\n")
    assert read_yaml(tmp_path / "s.yaml") == {}


def test_numbers_without_a_point_are_numbers(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("x: 2e-4\ny: 1E5\nz: 2e\n")
    assert read_yaml(tmp_path / "s.yaml") == {"x": 2e-4, "y": 1e5, "z": "2e"}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a: 1\nb: 2\na: 3\n", "line 3: a is given twice"),
        (b"training:\n  steps: 1\n  steps: 2\n", "line 3: steps is given twice"),
        (b"a: 1\nb: [1, 2\n", "line 3: "),
        (b"a: 1\n\tb: 2\n", "line 2: "),
        (b"- 1\n- 2\n", "expected settings by name"),
        (b"just words\n", "expected settings by name"),
        (b"\xff\xfe\x00bad", "no YAML text"),
        (b"a: !!python/object/apply:os.system ['touch hacked']\n", "line 1: could not determine a constructor"),
        (b"a: \x00\n", "no valid YAML"),
        (b"{" * 5000, "no YAML text"),
        (b"? {a: 1}\n: 3\n", "line 1"),
    ],
)
def test_what_is_no_yaml_is_refused_with_its_line(
    content: bytes, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "s.yaml"
    file.write_bytes(content)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=expected) as caught:
        read_yaml(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [each.name for each in tmp_path.iterdir()] == ["s.yaml"]


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match="no configuration file"):
        read_yaml(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_yaml(tmp_path)


def test_writing_replaces_the_file_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    write_yaml(file, {"a": 1})
    write_yaml(file, {"a": 2})
    assert file.read_text() == "a: 2\n"
    assert [each.name for each in tmp_path.iterdir()] == ["s.yaml"]
    (tmp_path / "taken").write_text("")
    with pytest.raises(OutputError):
        write_yaml(tmp_path / "taken" / "s.yaml", {})
