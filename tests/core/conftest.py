"""Small models for the tests of translator, conversion and export."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from store_server import ACCESS, Unreliable, running
from stored_signals import CHUNK
from torch import Tensor

from unpaired.core.adapter.domain import ConversionSettings, Domain
from unpaired.core.adapter.inventory import Inventory
from unpaired.core.adapter.streams import Reader, Writer
from unpaired.core.errors import MediaError, MissingFile
from unpaired.core.files import atomic
from unpaired.core.model.model_file import Model
from unpaired.core.networks.spec import Networks, NetworkSpec
from unpaired.core.sides import Side
from unpaired.core.stores import access


class Tracks(Domain):
    """Stored signals (C, length) in .npy files, streamed in chunks of CHUNK values."""

    name = "tracks"
    dimensions = 1

    def channels(self, side: Side) -> int:
        return 2 if side == "a" else 1

    def scan(self, folder: Path, thorough: bool = False) -> Inventory:
        return Inventory(folder, tuple(sorted(folder.rglob("*.npy"))))

    def sample(self, file: Path, side: Side, rng: np.random.Generator, augmentation: float = 1.0) -> Tensor:
        return torch.from_numpy(np.load(file)[:, :CHUNK])

    def open(self, path: Path, side: Side, options: ConversionSettings) -> Reader:
        return TrackReader(path)

    def create(self, path: Path, like: Reader, options: ConversionSettings) -> Writer:
        if path.suffix != ".npy":
            raise MediaError(f"{path} is no .npy file")
        return TrackWriter(path)

    def convertible(self, path: Path) -> bool:
        return path.suffix == ".npy"

    def preview(self, sample: Tensor) -> Tensor:
        return torch.zeros(3, 1, 1, dtype=torch.uint8)


class TrackReader(Reader):
    """The file is opened at once and decoded as it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.closed = 0
        try:
            self.signal = np.load(path)
        except FileNotFoundError as error:
            raise MissingFile(f"there is no {path}") from error
        except (ValueError, EOFError) as error:
            raise MediaError(f"{path} is no .npy file") from error

    def __iter__(self) -> Iterator[Tensor]:
        for start in range(0, self.signal.shape[1], CHUNK):
            chunk = torch.from_numpy(self.signal[:, start : start + CHUNK])
            if not bool(chunk.isfinite().all()):
                raise MediaError(f"{self.path} is damaged after {start} values")
            yield chunk

    def __length_hint__(self) -> int:
        return -(-self.signal.shape[1] // CHUNK)

    def close(self) -> None:
        self.closed += 1


class TrackWriter(Writer):
    """Writes raw values beside the target as they come, and the whole file under its name at the end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.part = path.with_name(f".{path.name}.part")
        self.part.touch()
        self.chunks: list[np.ndarray[Any, Any]] = []

    def write(self, chunk: Tensor) -> None:
        self.chunks.append(chunk.numpy())

    def finish(self) -> None:
        with atomic(self.path) as temporary, temporary.open("wb") as handle:
            np.save(handle, np.concatenate(self.chunks, axis=1) if self.chunks else np.zeros((1, 0), np.float32))
        self.part.unlink()

    def discard(self) -> None:
        self.part.unlink()


@pytest.fixture(scope="session")
def tracks() -> type[Tracks]:
    """A domain of one-dimensional signals, two channels in A and one in B."""
    return Tracks


@pytest.fixture(scope="session")
def make_model() -> Callable[..., Model]:
    """A model with untrained generators: make_model(domain, architecture="resnet", **options)."""

    def make(domain: Domain, architecture: str = "resnet", **options: Any) -> Model:
        depth = {"levels": 3, "norm": "instance"} if architecture == "unet" else {"blocks": 1}

        def spec(source: Side, target: Side) -> NetworkSpec:
            channels = {"in_channels": domain.channels(source), "out_channels": domain.channels(target)}
            given = {"dimensions": domain.dimensions, "filters": 4, **depth, **options}
            return NetworkSpec(architecture, {**channels, **given})

        def discriminator(side: Side) -> NetworkSpec:
            return NetworkSpec("patchgan", {"in_channels": domain.channels(side), "dimensions": domain.dimensions})

        networks = Networks(spec("a", "b"), spec("b", "a"), discriminator("a"), discriminator("b"))
        generators = {
            "a2b": networks.generator_a2b.build("generators").eval().requires_grad_(False),
            "b2a": networks.generator_b2a.build("generators").eval().requires_grad_(False),
        }
        return Model(generators=generators, networks=networks, domain=domain, names=("slow", "fast"))  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def store_server() -> Iterator[str]:
    """The address of a local S3 server, behind a proxy with faults."""
    with running() as address:
        yield address


@pytest.fixture
def own_store(store_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That server for s3://, without faults yet, with a cache of its own and short pauses."""
    given = {"UNPAIRED_CACHE": str(tmp_path / "cache"), "AWS_ENDPOINT_URL": store_server}
    for name, value in {**ACCESS, **given}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(access, "PAUSES", (0.01,) * 8)
    monkeypatch.setattr(Unreliable, "faults", False)
    Unreliable.asked.clear()
