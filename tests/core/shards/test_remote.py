"""Shards in a store: read by ranges from a local S3 server that throttles and drops connections."""

from __future__ import annotations

import os
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from store_server import Unreliable, put
from toy import Arrays, write_arrays

import unpaired
from unpaired.core.adapter.shards import ShardSide, open_shards
from unpaired.core.shards import are_shards, remote
from unpaired.core.shards.names import find_shards
from unpaired.core.stores import access

pytest.importorskip("s3fs")
pytest.importorskip("moto.server")


class Npy(Arrays):
    """The toy domain, by its ending."""

    suffixes: ClassVar[tuple[str, ...]] = (".npy",)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = write_arrays(tmp_path_factory.mktemp("files"), 9, 0, 0.3)
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def server(files: list[Path], store_server: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a store with three shards in "day", and one without its index in "bare"."""
    out = tmp_path_factory.mktemp("shards") / "out"
    unpaired.write_shards(Npy(), files[0].parent, out, shard_samples=4)
    for name in ("/bucket", *(f"/bucket/day/{file.name}" for file in out.iterdir()), "/bucket/bare/shard-000000.tar"):
        data = b"" if name == "/bucket" else (out / Path(name).name).read_bytes()
        put(name, data)
    return store_server


@pytest.fixture
def bucket(server: str, own_store: None, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(remote, "_states", {})
    return "s3://bucket/day"


def test_ranges_come_whole_from_a_store_that_throttles_and_breaks_off(
    bucket: str, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Unreliable, "faults", True)
    monkeypatch.setattr(Unreliable, "count", 0)
    samples, broken = open_shards(Npy(), f"{bucket}/shard-{{000000..000002}}.tar")
    assert not broken
    order = np.random.default_rng(0).permutation(9)
    assert [samples.read(int(place)) for place in order] == [files[place].read_bytes() for place in order]
    ranges = [each for each in Unreliable.asked if each.startswith("GET") and ".tar bytes" in each]
    assert len(ranges) > 9  # some were asked for again
    before = Unreliable.count
    assert samples.read(3) == files[3].read_bytes()
    assert Unreliable.count == before  # kept


def test_names_in_a_store(bucket: str) -> None:
    assert len(find_shards(f"{bucket}/shard-*.tar")) == 3
    assert len(find_shards(f"{bucket}/")) == 3
    assert find_shards(Path(f"{bucket}/a.tar")) == [f"{bucket}/a.tar"]  # a path object keeps one slash of two
    assert are_shards(Path(bucket))
    with pytest.raises(unpaired.MissingFile, match=r"there is nothing at s3://.*/none.tar"):
        ShardSide("a", f"{bucket}/none.tar").inventory(Npy())


def test_a_shard_without_an_index_is_indexed_where_it_lies(bucket: str, files: list[Path]) -> None:
    samples, _ = open_shards(Npy(), "s3://bucket/bare/shard-000000.tar")
    assert len(samples) == 4
    assert samples.read(2) == files[2].read_bytes()


def test_a_store_that_stays_silent_ends_the_run_rather_than_changing_it(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples, _ = open_shards(Npy(), f"{bucket}/shard-000000.tar")
    monkeypatch.setattr(access, "PAUSES", ())
    monkeypatch.setattr(access, "_part", lambda *args, **given: 1 / 0)
    with pytest.raises(unpaired.ResourceError, match=r"does not answer .* a training with --resume"):
        samples.read(0)


def test_loader_processes_are_not_forked_beside_the_thread_that_asks_stores(tmp_path: Path) -> None:
    assert ShardSide("a", "s3://bucket/a.tar").keeps_threads
    assert not ShardSide("a", tmp_path / "a.tar").keeps_threads


def test_loader_processes_open_connections_of_their_own(bucket: str, server: type[Unreliable], tmp_path: Path) -> None:
    networks = unpaired.NetworkSettings(filters=2, blocks=1, discriminator_filters=2, discriminator_layers=2)
    write_arrays(tmp_path / "b", 4, 1, -0.3)
    given: dict[str, Any] = {"steps": 3, "workers": 1, "device": "cpu", "precision": "fp32", "networks": networks}
    model = unpaired.train(Npy(), f"{bucket}/shard-{{000000..000002}}.tar", tmp_path / "b", tmp_path / "run", **given)
    assert model.exists()


class Ending(unpaired.Callback):
    """Ends a training at its first step."""

    def on_log(self, *given: Any) -> None:
        raise ValueError("enough")


@pytest.mark.slow
def test_both_sides_at_addresses_of_two_kinds_resume_bitwise(bucket: str, server: str, tmp_path: Path) -> None:
    """A folder of a store and shards of a web server in braces, read ahead by processes."""
    networks = unpaired.NetworkSettings(filters=2, blocks=1, discriminator_filters=2, discriminator_layers=2)
    given: dict[str, Any] = {"workers": 2, "device": "cpu", "precision": "fp32", "networks": networks}
    sides = f"{bucket}/", f"{server}/bucket/day/shard-00000{{0,1}}.tar"
    straight = load_file(unpaired.train(Npy(), *sides, tmp_path / "straight", steps=4, **given))
    with pytest.raises(unpaired.CallbackError):
        unpaired.train(Npy(), *sides, tmp_path / "in-two", steps=4, callbacks=[Ending()], **given)
    resumed = load_file(unpaired.train(Npy(), *sides, tmp_path / "in-two", steps=4, resume=True, **given))
    assert all(torch.equal(resumed[name], values) for name, values in straight.items())


def test_the_cache_stays_below_its_bound(tmp_path: Path) -> None:
    for place in range(20):
        file = tmp_path / f"{place % 3}" / f"{place:02d}"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(bytes(1000))
        os.utime(file, (place, place))
    remote.sweep(tmp_path, 10_000)
    left = sorted(file.name for file in tmp_path.rglob("*") if file.is_file())
    assert left == [f"{place:02d}" for place in range(11, 20)]


def test_an_address_without_its_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "_filesystems", {})

    def missing(protocol: str) -> Any:
        raise ImportError("No module named 'gcsfs'")

    monkeypatch.setattr("fsspec.filesystem", missing)
    with pytest.raises(unpaired.MissingDependency, match=r"gs://bucket/a.tar needs .* 'unpaired\[remote\]'"):
        ShardSide("a", "gs://bucket/a.tar").inventory(Npy())


def test_a_web_server_with_ranges_and_one_without(
    bucket: str, server: str, files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples, _ = open_shards(Npy(), f"{server}/bucket/day/shard-00000{{0,1}}.tar")
    assert samples.read(6) == files[6].read_bytes()

    class Whole(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    unpaired.write_shards(Npy(), files[0].parent, tmp_path / "out")
    plain = ThreadingHTTPServer(("127.0.0.1", 0), partial(Whole, directory=str(tmp_path / "out")))
    threading.Thread(target=plain.serve_forever, daemon=True).start()
    with pytest.raises(unpaired.ConfigError, match="gives files as a whole, and no parts"):
        open_shards(Npy(), f"http://127.0.0.1:{plain.server_port}/shard-000000.tar")[0].read(0)
    plain.shutdown()
