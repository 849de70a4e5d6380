"""Shards: tar files of ours and of others, read by position, checked, and named when they are damaged."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy import Arrays

import unpaired
from unpaired.apps.main import main
from unpaired.core.adapter.shards import ShardSide, open_shards, scan_shards
from unpaired.core.shards import are_shards
from unpaired.core.shards.index import ending_of
from unpaired.core.shards.names import find_shards
from unpaired.core.shards.shard import open_shard
from unpaired.core.training.order import BLOCK, WINDOW, BlockOrder, KeyedOrder


class Npy(Arrays):
    """The toy domain, by its ending."""

    suffixes = (".npy",)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNPAIRED_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "shards"


def write_tar(path: Path, members: dict[str, bytes] | list[tuple[str, bytes]], form: int = tarfile.GNU_FORMAT) -> Path:
    with tarfile.open(path, "w", format=form) as tar:
        for name, data in members.items() if isinstance(members, dict) else members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def array(value: float = 0.0) -> bytes:
    target = io.BytesIO()
    np.save(target, np.full((2, 32, 32), value, np.float32))
    return target.getvalue()


# -- order --------------------------------------------------------------------------------------------
@given(st.integers(1, 400), st.integers(0, 2**31))
def test_an_order_goes_through_all_places_once(count: int, seed: int) -> None:
    assert sorted(map(KeyedOrder(count, seed, 97, 0, 1), range(count))) == list(range(count))


def test_orders_differ_by_their_keys_and_stay_as_they_are() -> None:
    first, second = (list(map(KeyedOrder(10_000_000, 0, 97, 0, epoch), range(6))) for epoch in (0, 1))
    assert first == [2653768, 9149260, 879674, 2823522, 2162032, 4652966]  # or runs could not be resumed
    assert not set(first) & set(second)


@given(st.integers(1, 400), st.integers(1, 9), st.integers(1, 5), st.integers(0, 2**31))
def test_an_order_of_blocks_goes_through_all_places_once(count: int, block: int, window: int, seed: int) -> None:
    order = BlockOrder(count, seed, 97, 0, 1, block=block, window=window)
    drawn = list(map(order, range(count)))
    assert sorted(drawn) == list(range(count))
    # What belongs to a window comes in it, but for a sample that stands for one beyond the last.
    told = [set(range(first, last + 1)) for first, last in map(order.coming, range(0, count, block))]
    moved = -count % block
    for begin in range(0, count, block * window):
        here = set().union(*told[begin // block : begin // block + window])
        assert len(set(drawn[begin : begin + block * window]) - here) <= moved


def test_an_order_of_blocks_stays_as_it_is_and_draws_from_many_places() -> None:
    order = BlockOrder(10_000_000, 0, 97, 0, 0)
    assert [order(place) for place in range(6)] == [
        4486631,
        6033341,
        7271475,
        442046,
        2026427,
        810653,
    ]  # or runs could not be resumed
    assert order(9_999_999) != BlockOrder(10_000_000, 0, 97, 0, 1)(9_999_999)
    for first in range(0, 10_000_000, 2_500_000):
        window = BLOCK * WINDOW
        begin = first // window * window
        drawn = [order(place) for place in range(begin, begin + window)]
        assert len({sample // 100_000 for sample in drawn}) > 35  # of 100 shards; of 64 at random, 47 are expected
        assert len({sample // BLOCK for sample in drawn}) == WINDOW
        assert len({sample // BLOCK for sample in drawn[:BLOCK]}) > 30  # mixed: of 64 at random, 41 are expected


def test_every_place_is_as_likely_as_another() -> None:
    """Pearson's statistic over places 0 and 1 of 3,000 orders of 12 (121 degrees of freedom, deviation 16)."""
    counts = np.zeros((12, 12))
    for seed in range(3000):
        order = KeyedOrder(12, seed)
        counts[order(0), order(1)] += 1
    expected = 3000 / 132
    off = counts[~np.eye(12, dtype=bool)]
    assert float(((off - expected) ** 2 / expected).sum()) < 131 + 6 * 16


# -- names --------------------------------------------------------------------------------------------
def test_names_of_shards(tmp_path: Path) -> None:
    for name in ("day-08.tar", "day-09.tar", "day-10.tar", "night.tar"):
        write_tar(tmp_path / name, {"1.npy": b"x"})
    at = str(tmp_path)
    assert [Path(each).name for each in find_shards(f"{at}/day-{{08..10}}.tar")] == [
        "day-08.tar", "day-09.tar", "day-10.tar",
    ]  # fmt: skip
    assert [Path(each).name for each in find_shards(f"{at}/{{night,day-09}}.tar")] == ["night.tar", "day-09.tar"]
    assert len(find_shards(f"{at}/day-*.tar")) == 3
    assert len(find_shards(tmp_path)) == 4
    assert are_shards(f"{at}/day-{{08..10}}.tar")
    assert are_shards(tmp_path)
    (tmp_path / "photo.jpg").touch()
    assert not are_shards(tmp_path)


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("day-{0..3}.tar", unpaired.MissingFile, r"there is no shard .*day-1.tar"),
        ("no-*.tar", unpaired.MissingFile, r"there is no shard"),
        ("day-{5..2}.tar", unpaired.ConfigError, r"counts no shards"),
        ("day-{0..99}{0..99999}.tar", unpaired.ConfigError, r"names 10,000,000 shards"),
        ("day-{0,0}.tar", unpaired.ConfigError, r"day-0.tar twice"),
        ("day.tar.gz", unpaired.ConfigError, r"is compressed"),
    ],
)
def test_names_that_cannot_be(tmp_path: Path, name: str, error: type[Exception], said: str) -> None:
    write_tar(tmp_path / "day-0.tar", {"1.npy": b"x"})
    (tmp_path / "day.tar.gz").touch()
    with pytest.raises(error, match=said):
        find_shards(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("a/b.c/1.JPG", ".jpg"),
        ("1.nii.gz", ".nii.gz"),
        ("clip.0001.png", ".png"),
        ("none", ""),
        ("1.mel.npy", ".mel.npy"),
    ],
)
def test_endings(name: str, ending: str) -> None:
    assert ending_of(name) == ending


# -- shards of others ---------------------------------------------------------------------------------
@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_any_tar_is_read_by_position(tmp_path: Path, cache: Path, form: int) -> None:
    """Long names, names that are no ASCII, folders, labels beside samples and hidden names, in each format."""
    names = ["./1.npy", f"{'d' * 90}/{'n' * 60}.npy", "2.npy"]
    if form != tarfile.USTAR_FORMAT:
        names += [f"{'x' * 300}.npy", "ä/ö.npy"]
    members = {name: os.urandom(1 + 700 * place) for place, name in enumerate(names)}
    others = {"1.json": b"{}", "__MACOSX/._1.npy": b"no", ".hidden.npy": b"no", "README": b"no"}
    write_tar(tmp_path / "a.tar", {**members, **others}, form)
    samples, broken = open_shards(Npy(), tmp_path / "a.tar")
    assert not broken
    assert samples.others == 4
    order = np.random.default_rng(0).permutation(len(samples))
    assert [samples.read(int(place)) for place in order] == [list(members.values())[place] for place in order]
    assert samples.shards[0].name(samples.locate(1)[1]) == names[1]
    (made,) = cache.iterdir()
    before = made.stat().st_mtime_ns
    open_shards(Npy(), tmp_path / "a.tar")
    assert made.stat().st_mtime_ns == before  # once


def test_a_tar_that_was_written_anew_is_indexed_anew(tmp_path: Path) -> None:
    write_tar(tmp_path / "a.tar", {"1.npy": b"one", "2.npy": b"two"})
    assert len(open_shard(str(tmp_path / "a.tar"))) == 2
    write_tar(tmp_path / "a.tar", {"1.npy": b"three"})
    os.utime(tmp_path / "a.tar", ns=(1, 1))
    assert open_shard(str(tmp_path / "a.tar")).read(0) == b"three"


def test_names_that_lead_out_of_a_folder_write_nothing_there(tmp_path: Path) -> None:
    write_tar(tmp_path / "a.tar", {"../../out.npy": array(), "/root.npy": array()})
    side = ShardSide("a", tmp_path / "a.tar")
    inventory = side.inventory(Npy())
    assert len(inventory.files) == 1
    seen: list[Path] = []
    side.sample(Npy(), 0, lambda file: seen.append(file) or unpaired.Sample(None), None)  # type: ignore[arg-type, func-returns-value]
    assert seen[0].parent.parent == side._unpacked.folder
    assert not list(tmp_path.rglob("out.npy"))


# -- our own ------------------------------------------------------------------------------------------
def pack(tmp_path: Path, count: int = 7, **options: int) -> Path:
    (tmp_path / "files" / "sub").mkdir(parents=True)
    for place in range(count):
        (tmp_path / "files" / ("sub" if place % 2 else "") / f"{place}.npy").write_bytes(array(place / count))
    unpaired.write_shards(Npy(), tmp_path / "files", tmp_path / "out", **options)
    return tmp_path / "out"


def test_a_folder_comes_back_from_its_shards(tmp_path: Path, cache: Path) -> None:
    out = pack(tmp_path, shard_samples=3)
    assert sorted(file.name for file in out.iterdir()) == [
        f"shard-00000{each}.tar{end}" for each in range(3) for end in ("", ".index")
    ]
    samples, _ = open_shards(Npy(), out)
    paths = sorted((tmp_path / "files").rglob("*.npy"))
    assert [samples.read(place) for place in range(7)] == [path.read_bytes() for path in paths]
    with tarfile.open(out / "shard-000002.tar") as tar:  # another program's view
        assert tar.getnames() == ["sub/5.npy"]
        assert tar.getmember("sub/5.npy").mtime == 0
    assert not cache.exists()  # the indexes came along
    shard = (out / "shard-000000.tar").read_bytes()
    unpaired.write_shards(Npy(), tmp_path / "files", tmp_path / "again", shard_samples=3)
    assert (tmp_path / "again" / "shard-000000.tar").read_bytes() == shard


def test_shards_end_before_they_grow_too_large(tmp_path: Path) -> None:
    out = pack(tmp_path, shard_bytes=22_000)
    assert len(find_shards(out)) == 4
    assert all(file.stat().st_size <= 23_024 for file in out.glob("*.tar"))


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    from PIL import Image

    for place in range(3):
        Image.new("RGB", (64, 48), (80 * place, 0, 0)).save(pictures / f"{place}.a.png")
    (pictures / "empty.png").touch()
    (pictures / "notes.txt").touch()
    assert main(["shards", str(pictures), str(tmp_path / "out"), "--samples", "2"]) == 0
    said = capsys.readouterr()
    assert "3 files in 2 shards" in said.out
    assert "empty.png" in said.err
    assert "WebDataset" in said.err
    assert main(["shards", str(pictures), str(tmp_path / "out")]) == 2
    assert "is there already" in capsys.readouterr().err
    assert main(["shards", str(pictures), str(pictures / "in")]) == 2
    assert not (pictures / "in").exists()
    capsys.readouterr()
    assert main(["inspect", str(tmp_path / "out"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)["folders"][0]
    assert report["usable"] == 3
    assert report["facts"]["shards"] == 2
    assert report["facts"]["formats"] == {"PNG": 3}


def test_an_inspection_names_samples_by_shard_and_member(tmp_path: Path) -> None:
    class Doubtful(Npy):
        def scan(self, folder: Path, thorough: bool = False) -> unpaired.Inventory:
            files = sorted(file for file in folder.rglob("*") if file.is_file())
            return unpaired.Inventory(folder, (), tuple(unpaired.BrokenFile(file, f"{file} is odd") for file in files))

    path = write_tar(tmp_path / "a.tar", {"day/1.npy": b"x", "/root.npy": b"x", "a:b.npy": b"x"})
    found = scan_shards(Doubtful(), path)
    assert [(str(each.path), each.reason) for each in found.broken] == [
        (f"{path}/{name}", f"{path}/{name} is odd") for name in ("000000001.npy", "000000002.npy", "day/1.npy")
    ]


# -- damage -------------------------------------------------------------------------------------------
def damage(path: Path, at: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


def test_a_flipped_bit_is_named_with_shard_and_sample(tmp_path: Path) -> None:
    out = pack(tmp_path)
    shard = open_shard(str(out / "shard-000000.tar"))
    damage(out / "shard-000000.tar", shard.index.member(2).data + 5000, b"!")
    assert len(shard.read(1)) > 8000
    with pytest.raises(unpaired.MediaError, match=r"shard-000000.tar/4.npy is damaged: its checksum differs"):
        shard.read(2)
    damage(out / "shard-000000.tar", shard.index.member(3).offset, b"\xff" * 600)
    with pytest.raises(unpaired.MediaError, match=r"shard-000000.tar is damaged at byte .* \(sample 3 is not there\)"):
        shard.read(3)


def test_a_truncated_shard_is_used_as_far_as_it_goes(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar", {f"{place}.npy": array() for place in range(4)})
    with path.open("r+b") as file:
        file.truncate(2 * 9216 + 4000)
    samples, broken = open_shards(Npy(), path)
    assert len(samples) == 2
    assert "is damaged after 2 members (unexpected end of data)" in broken[0].reason


def test_a_damaged_header_in_the_middle_is_no_end(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar", {f"{place}.npy": array() for place in range(4)})
    damage(path, 2 * 9216, b"\x07" * 300)
    samples, broken = open_shards(Npy(), path)
    assert len(samples) == 2
    assert "after 2 members (bad header at byte 18,432)" in broken[0].reason


def test_what_is_no_tar_is_left_out(tmp_path: Path) -> None:
    write_tar(tmp_path / "a.tar", {"1.npy": array()})
    (tmp_path / "b.tar").write_bytes(b"no tar at all" * 100)
    (tmp_path / "c.tar").touch()
    samples, broken = open_shards(Npy(), tmp_path)
    assert len(samples) == 1
    assert [each.path.name for each in broken] == ["b.tar", "c.tar"]


def test_one_name_twice_is_refused(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar", [("1.npy", b"one"), ("2.npy", b"two"), ("./1.npy", b"three")])
    with pytest.raises(unpaired.ConfigError, match=r"a.tar holds 1.npy twice"):
        open_shard(str(path))


@pytest.mark.parametrize("kind", ["cut", "other", "text"])
def test_a_damaged_index_is_named_and_made_anew(tmp_path: Path, kind: str) -> None:
    out = pack(tmp_path)
    index, said = out / "shard-000000.tar.index", list[str]()
    whole = index.read_bytes()
    index.write_bytes(
        {"cut": whole[:-3], "other": whole.replace(b'\\"bytes\\": 6', b'\\"bytes\\": 7'), "text": b"x" * 99}[kind]
    )
    shard = open_shard(str(out / "shard-000000.tar"), said.append)
    assert "shard-000000.tar.index is damaged or of another shard" in said[0]
    assert len(shard) == 7
    assert shard.read(6) == array(5 / 7)


def test_the_shard_is_replaced_while_it_is_used(tmp_path: Path) -> None:
    out = pack(tmp_path)
    shard = open_shard(str(out / "shard-000000.tar"))
    damage(out / "shard-000000.tar", 0, bytes(20_000))
    with pytest.raises(unpaired.MediaError, match=r"is not the shard that"):
        shard.read(0)
    assert shard.describe(0).endswith("shard-000000.tar/member 0")
