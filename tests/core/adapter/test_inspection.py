"""What the scans of all media share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from unpaired import BrokenFile, Inventory, MediaError
from unpaired.core.adapter.inspection import (
    MOST_DRAWS,
    compare_amounts,
    compare_bytes,
    digest_of,
    even_draws,
    examine_files,
    readiness,
    same_files,
    tell_copies,
    usable,
)


@dataclass(frozen=True)
class Seen:
    path: Path
    digest: bytes = b""


def examine(path: Path) -> Seen:
    if path.suffix == ".bad":
        raise MediaError(f"{path}: is broken")
    return Seen(path, digest_of(path))


def files(folder: Path, **contents: str) -> list[Path]:
    paths = []
    for name, text in contents.items():
        paths.append(folder / name.replace("_", "."))
        paths[-1].write_text(text)
    return paths


def test_every_file_is_examined_and_what_fails_is_named(tmp_path: Path) -> None:
    paths = [*files(tmp_path, a_txt="1", b_bad="2"), tmp_path / "gone.txt"]
    for threads in (1, 3):
        findings, broken = examine_files(paths, examine, threads)
        assert [found.path.name for found in findings] == ["a.txt"]
        assert broken == [
            BrokenFile(paths[1], "is broken"),
            BrokenFile(paths[2], "cannot be read: No such file or directory"),
        ]
    assert usable(paths, broken) == (paths[0],)


def test_files_are_the_same_by_their_bytes(tmp_path: Path) -> None:
    findings = [examine(path) for path in files(tmp_path, a_txt="1", b_txt="2", c_txt="1")]
    assert same_files(findings) == [[tmp_path / "a.txt", tmp_path / "c.txt"]]
    assert list(tell_copies(findings, "thing", "things")) == [
        "copies: 1 thing is a copy of another; copies are seen more often than the rest."
    ]
    assert not list(tell_copies(findings[:2], "thing", "things"))
    assert same_files([Seen(Path("x")), Seen(Path("y"))]) == []  # not read
    assert digest_of(tmp_path / "a.txt", tmp_path / "b.txt") != digest_of(tmp_path / "b.txt", tmp_path / "a.txt")


def test_what_is_on_both_sides_is_said() -> None:
    a = [Seen(Path("a") / str(number), bytes([number])) for number in range(1, 6)]
    b = [Seen(Path("b") / str(number), bytes([number])) for number in range(2, 9)]
    (sentence,) = compare_bytes(a, b, "thing", "things")
    assert sentence.startswith("in both sides: 4 things are in A and in B, byte for byte (2 = 2, 3 = 3, 4 = 4, ...): ")
    (sentence,) = compare_bytes(a[:2], b, "thing", "things")
    assert sentence.startswith(
        "in both sides: 1 thing is in A and in B, byte for byte (2 = 2): remove it from one side"
    )
    assert not list(compare_bytes(a[:1], b, "thing", "things"))
    assert not list(compare_bytes([Seen(Path("x"))], [Seen(Path("y"))], "thing", "things"))


def test_unequal_sides_and_one_folder_for_both_are_said() -> None:
    def side(name: str, count: int) -> Inventory:
        return Inventory(Path(name), (Path("one"),), draws=(count,))

    assert not list(compare_amounts(side("a", 1), side("b", 10), "one a second"))
    (sentence,) = compare_amounts(side("a", 11), side("b", 1), "one a second")
    assert sentence.startswith("unequal sides: An epoch has 11 samples of A and 1 of B (one a second)")
    (sentence,) = compare_amounts(side("a", 1), side("a", 1), "one a second")
    assert sentence == "same folder: A and B are the same folder: there is nothing to translate."
    assert not list(compare_amounts(Inventory(Path("a"), ()), side("b", 40), "one a second"))


def test_draws_are_thinned_out_evenly() -> None:
    paths = [Path(name) for name in "abc"]
    known = {paths[0]: 2, paths[1]: 1}
    assert even_draws(paths, known, lambda path: 7) == (2, 1, 7)
    assert even_draws(paths, {}, lambda path: 1) == ()
    known = {paths[0]: 3 * MOST_DRAWS, paths[1]: MOST_DRAWS, paths[2]: 1}
    assert even_draws(paths, known, lambda path: 1) == (round(MOST_DRAWS * 0.75), round(MOST_DRAWS * 0.25), 1)


def test_readiness_names_what_limits_a_training() -> None:
    def side(count: int, *warnings: str) -> Inventory:
        return Inventory(Path("x"), tuple(map(Path, map(str, range(count)))), warnings=warnings)

    clear = side(300, "transparency: 3 of 300 pictures have transparency.")
    assert readiness({"A": clear, "B": side(300)}) == "ready to train: nothing stands in the way."
    few = side(10, "few files: 10 pictures are few.", "copies: 1 picture is a copy.")
    said = readiness({"A": clear, "B": few}, ["sizes differ: one side is sharper.", "Something of one's own."])
    assert said == "trains with reservations: few files (B), copies (B), sizes differ, remarks."
    assert readiness({"the folder": few}) == "trains with reservations: few files, copies."
    assert readiness({"A": side(1), "B": few}).startswith("cannot train: A has 1 usable file; training needs")
    assert readiness({"A": few, "B": few}, compare_amounts(few, few, "")).startswith(
        "cannot train: A and B are the same"
    )
