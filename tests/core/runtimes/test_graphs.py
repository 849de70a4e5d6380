"""Graphs of OpenVINO on the disk: found again, made anew where they are damaged, and few."""

from __future__ import annotations

import json
import os
import shutil
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
import torch

from unpaired import NetworkSettings, Translator, load
from unpaired.core.adapter.tensor_domain import Tensors
from unpaired.core.model import stored_generators
from unpaired.core.model.model_file import Model, save_model
from unpaired.core.networks.initialisation import initialise
from unpaired.core.runtimes import graphs
from unpaired.core.runtimes.source import GeneratorSource


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNPAIRED_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows with every graph that is made of a module."""
    made: list[str] = []
    convert = graphs.Graphs._converted

    def converted(self: graphs.Graphs, statistics: graphs.Statistics, end: graphs.End | None) -> object:
        made.append(statistics)
        return convert(self, statistics, end)

    monkeypatch.setattr(graphs.Graphs, "_converted", converted)
    return made


def write(path: Path, seed: int = 0) -> Path:
    domain = Tensors(size=16)
    networks = domain.networks("tiny", NetworkSettings(blocks=1))
    generators = {"a2b": networks.generator_a2b.build("generators")}
    initialise(generators["a2b"], torch.Generator().manual_seed(seed), deviation=0.1)
    save_model(Model(generators, networks, domain), path)  # type: ignore[arg-type]
    return path


def translated(path: Path) -> torch.Tensor:
    """One sample by a translator of its own, and under its own statistics, frozen."""
    translator: Translator = load(path, runtime="openvino")
    x = torch.linspace(-1, 1, 3 * 16 * 20).reshape(1, 3, 16, 20)
    one = translator.for_direction("a2b")
    _, statistics = one.with_statistics(x, None, 1.0)
    return torch.cat([translator(x), one.with_statistics(x, statistics, 0.0)[0]])


def test_a_graph_is_made_once_and_gives_the_same(tmp_path: Path, counted: list[str]) -> None:
    path = write(tmp_path / "model.safetensors")
    first = translated(path)
    assert sorted(counted) == ["given", "mixed", "own"]
    assert torch.equal(translated(path), first)
    assert len(counted) == 3


def test_a_graph_that_is_not_kept_gives_the_same(
    tmp_path: Path, counted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "model.safetensors")
    kept = translated(path)
    (tmp_path / "file").touch()
    monkeypatch.setenv("UNPAIRED_CACHE", str(tmp_path / "file" / "cache"))
    assert torch.equal(translated(path), kept)
    assert len(counted) == 6


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, torch.Tensor]:
    """A model, a cache with its graphs, and what they give."""
    folder = tmp_path_factory.mktemp("kept")
    path = write(folder / "model.safetensors")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNPAIRED_CACHE", str(folder / "cache"))
        return path, folder / "cache", translated(path)


@pytest.mark.parametrize("name", ["graph.xml", "graph.bin", "checksums.json"])
@pytest.mark.parametrize("harm", ["cut", "other", "gone"])
def test_a_damaged_graph_is_made_anew(
    name: str, harm: str, kept: tuple[Path, Path, torch.Tensor], cache: Path, counted: list[str]
) -> None:
    path, whole, first = kept
    shutil.copytree(whole, cache)
    for file in (cache / "graphs").glob(f"*/{name}"):
        content = file.read_bytes()
        if harm == "gone":
            file.unlink()
        else:
            file.write_bytes(content[: len(content) // 2] if harm == "cut" else b"x" + content[1:])
    assert torch.equal(translated(path), first)
    assert len(counted) == 3
    assert torch.equal(translated(path), first)
    assert len(counted) == 3  # it was mended


@pytest.mark.skipif(os.name != "posix", reason="rights of a folder")
def test_graphs_that_others_could_have_written_are_not_used(tmp_path: Path, cache: Path, counted: list[str]) -> None:
    path = write(tmp_path / "model.safetensors")
    translated(path)
    assert (cache / "graphs").stat().st_mode & 0o077 == 0
    (cache / "graphs").chmod(0o777)
    translated(path)
    assert len(counted) == 6


def test_other_weights_are_another_graph(tmp_path: Path, counted: list[str]) -> None:
    path = write(tmp_path / "model.safetensors")
    first = translated(path)
    assert not torch.equal(translated(write(path, seed=1)), first)
    assert len(counted) == 6
    assert torch.equal(translated(write(path)), first)
    assert len(counted) == 6


def test_weights_that_were_changed_in_memory_are_another_graph(tmp_path: Path, counted: list[str]) -> None:
    path = write(tmp_path / "model.safetensors")
    translated(path)
    translator = load(path, runtime="openvino")
    x = torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        for weight in translator.model.generators["a2b"].parameters():
            weight.mul_(0.5)
    expected = translator.model.generators["a2b"](x)
    assert (translator(x) - expected).abs().mean() < 0.02  # bf16
    assert counted[3:] == ["own"]


def test_a_file_replaced_after_it_was_loaded_is_refused(tmp_path: Path) -> None:
    from unpaired.core.errors import ModelFileError

    path = write(tmp_path / "model.safetensors")
    load(path)
    known = load(path)
    write(path, seed=1)
    with pytest.raises(ModelFileError, match="replaced while it was in use; load it again"):
        known.model.generators["a2b"]


def test_a_model_is_loaded_where_openvino_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(package: str) -> str:
        raise PackageNotFoundError(package)

    path = write(tmp_path / "model.safetensors")
    monkeypatch.setattr(graphs, "version", missing)
    graphs.tools.cache_clear()
    try:
        assert load(path, runtime="torch").for_direction("a2b")
    finally:
        graphs.tools.cache_clear()


def test_networks_of_other_packages_are_not_kept() -> None:
    class Own(torch.nn.Module):
        pass

    assert stored_generators.content_of(Own()) is None
    assert stored_generators.content_of(torch.nn.Sequential(torch.nn.ReLU(), Own())) is None
    plain, other = torch.nn.Conv2d(1, 1, 3), torch.nn.Conv2d(1, 1, 3, padding=1)
    other.load_state_dict(plain.state_dict())
    assert stored_generators.content_of(plain) != stored_generators.content_of(other)


def test_few_graphs_are_kept_and_the_longest_unused_go(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "model.safetensors")
    translated(path)
    oldest, *_ = sorted((cache / "graphs").iterdir(), key=lambda each: each.stat().st_mtime_ns)
    os.utime(oldest, (1, 1))
    one = sum(file.stat().st_size for file in oldest.iterdir())
    monkeypatch.setattr(graphs, "LARGEST", int(3.5 * one))
    translated(write(tmp_path / "other.safetensors", seed=1))
    left = list((cache / "graphs").iterdir())
    assert oldest not in left
    assert 1 <= len(left) < 6
    assert sum(file.stat().st_size for graph in left for file in graph.iterdir()) <= graphs.LARGEST


def test_a_source_builds_its_module_once_and_late() -> None:
    built = []

    def build() -> torch.nn.Module:
        built.append(1)
        return torch.nn.Identity()

    source = GeneratorSource(build, 2)
    assert source.content is None
    assert not built
    assert source.module is source.module
    assert len(built) == 1


def test_what_is_remembered_of_a_file_holds_no_path(tmp_path: Path, cache: Path) -> None:
    translated(write(tmp_path / "model.safetensors"))
    (entry,) = (cache / "models").iterdir()
    assert set(json.loads(entry.read_text())["value"]) == {"a2b"}
    assert str(tmp_path) not in entry.read_text()
