"""Which files are held out: by seed and name alone, whole groups, true pairs, and never too many or too few."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import unpaired
from unpaired.core.adapter.labels import Labels
from unpaired.core.sides import Side
from unpaired.core.training.held_out import MOST, HeldOutFiles, held_out_count, hold_out, hold_out_real


def inventory(side: Side, names: Sequence[str], draws: tuple[int, ...] = ()) -> unpaired.Inventory:
    folder = Path("/data") / side
    return unpaired.Inventory(folder, tuple(folder / name for name in names), draws=draws)


def sides(a: Sequence[str], b: Sequence[str]) -> dict[Side, unpaired.Inventory]:
    return {"a": inventory("a", a), "b": inventory("b", b)}


def held_names(found: HeldOutFiles, side: Side) -> set[str]:
    each = found.inventories[side]
    return {file.relative_to(each.folder).as_posix() for file in each.files}


MANY = [f"{number}.png" for number in range(200)]


def test_numbers_that_are_held_out() -> None:
    """A tenth, 8 to 32, from 50 files on; a share, or a number, that is asked for."""
    assert [held_out_count(files, None) for files in (49, 50, 79, 160, 320, 100_000)] == [0, 8, 8, 16, 32, 32]
    assert [held_out_count(60, setting) for setting in (0, 0.25, 12.0)] == [0, 15, 12]


def test_by_default_none_where_one_side_is_small() -> None:
    given = sides(MANY, MANY[:49])
    left, held = hold_out(given, None, 0, False)
    assert left == given
    assert held == HeldOutFiles()


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 100), st.integers(50, 200))
def test_neither_the_order_of_a_listing_nor_the_place_of_a_folder_matters(
    random: object, seed: int, count: int
) -> None:
    names, shuffled = MANY[:count], MANY[:count]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    left, held = hold_out(sides(names, names), None, seed, False)
    other_left, other = hold_out(sides(shuffled, names), None, seed, False)
    moved = unpaired.Inventory(Path("/moved"), tuple(Path("/moved") / name for name in names))
    _, elsewhere = hold_out({"a": moved, "b": moved}, None, seed, False)
    assert held_names(held, "a") == held_names(other, "a") == held_names(elsewhere, "b")
    assert set(left["a"].files) == set(other_left["a"].files)
    assert not set(left["a"].files) & set(held.inventories["a"].files)
    assert len(left["a"].files) + len(held.inventories["a"].files) == count


def test_another_seed_holds_out_other_files() -> None:
    first, second = (held_names(hold_out(sides(MANY, MANY), None, seed, False)[1], "a") for seed in (0, 1))
    assert first != second


@pytest.mark.parametrize("form", ["{clip:02d}/{frame:03d}.png", "clip{clip}take_{frame}.png", "s{clip}/t-{frame}.wav"])
def test_the_files_of_a_recording_stay_together(form: str) -> None:
    names = [form.format(clip=clip, frame=frame) for clip in range(20) for frame in range(6)]
    left, held = hold_out(sides(names, names), None, 3, False)
    groups = [{form.format(clip=clip, frame=frame) for frame in range(6)} for clip in range(20)]
    out = held_names(held, "a")
    assert 12 <= len(out) <= 18
    assert all(group <= out or not group & out for group in groups)
    assert len(left["a"].files) == 120 - len(out)


def test_folders_of_few_large_groups_are_split_rather_than_emptied() -> None:
    names = [f"{kind}/{number}.png" for kind in ("cats", "dogs") for number in range(40)]
    _, held = hold_out(sides(names, names), None, 0, False)
    assert len(held_names(held, "a")) == 8


def test_true_pairs_are_held_out_together() -> None:
    given = sides([f"{n}.png" for n in range(60)], [f"{n}.tif" for n in range(60)])
    left, held = hold_out(given, 0.2, 0, True)
    stems = {side: [file.stem for file in held.inventories[side].files] for side in ("a", "b")}  # type: ignore[index]
    assert stems["a"] == stems["b"]
    assert len(stems["a"]) == 12
    assert [file.stem for file in left["a"].files] == [file.stem for file in left["b"].files]


def test_files_that_hold_more_samples_keep_their_draws_and_are_scored_more_often() -> None:
    names = [f"{number}.wav" for number in range(10)]
    draws = tuple(range(1, 11))
    given = {"a": inventory("a", names, draws), "b": inventory("b", names, draws)}
    left, held = hold_out(given, 4, 0, False)
    for found in (left["a"], held.inventories["a"]):
        assert dict(zip(found.files, found.draws, strict=True)) == {
            file: times for file, times in zip(given["a"].files, draws, strict=True) if file in found.files
        }
    assert len(held.scored["a"]) == min(MOST, sum(held.inventories["a"].draws))


@pytest.mark.parametrize(
    ("files", "setting", "said"),
    [
        (10, 0.1, "training.held_out is 0.1: 1 of 10 files of A are held out; scores need 2 or more"),
        (10, 0.04, "0 of 10 files of A are held out; scores need 2 or more"),
        (5, 4.0, "training.held_out is 4: 4 of 5 files of A are held out; training needs 2 or more of them"),
        (5, 20.0, "5 of 5 files of A are held out; training needs 2"),
    ],
)
def test_too_few_on_either_side_of_the_split_are_refused(files: int, setting: float, said: str) -> None:
    with pytest.raises(unpaired.ConfigError, match=said):
        hold_out(sides(MANY[:files], MANY), setting, 0, False)


@pytest.mark.parametrize("value", [-1, 1, 1.5, 2.5, float("nan")])
def test_a_share_or_number_that_cannot_be_is_refused(value: float) -> None:
    with pytest.raises(unpaired.ConfigError, match=r"training\.held_out is .*expected a share"):
        unpaired.TrainingSettings(held_out=value)


def test_a_generator_is_scored_by_files_of_b_of_each_label_its_share() -> None:
    names = [*(f"many/{number}.png" for number in range(90)), *(f"few/{number}.png" for number in range(10))]
    real, labels = inventory("b", names), Labels(Path("/data/b"), ("few", "many"))
    left, held = hold_out_real(real, 0.2, 0, labels)
    out = held_names(held, "b")
    assert len(out) == 20
    assert sum(name.startswith("few") for name in out) == 2
    assert {*left.files} | {*held.inventories["b"].files} == {*real.files}
    assert held.inventories.keys() == {"b"}
    assert hold_out_real(inventory("b", names[:49]), None, 0, None)[1] == HeldOutFiles()
