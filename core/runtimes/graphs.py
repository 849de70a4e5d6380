"""OpenVINO's graphs of a generator, kept on the disk: making one takes torch, and longer than translating a picture.

A graph is kept as OpenVINO's own two files, an XML and its weights, which hold for every CPU and every size. They lie
in the user's cache folder under a digest of all that they depend on: the generator, this code, the versions of torch
and OpenVINO. What is damaged, or cannot be kept, is made anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import zlib
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, get_args

from ..errors import OutputError
from ..files import PendingFolder, atomic_text
from .cache import cache_folder
from .packages import require
from .runtime import End, Statistics
from .source import GeneratorSource

LARGEST = 500 * 1024**2
"""Bytes of all graphs that are kept; those that were not used for longest go first."""
_FRONT_END = "openvino.frontend", "openvino.frontend.pytorch.ts_decoder"
_XML, _WEIGHTS, _CHECKSUMS = "graph.xml", "graph.bin", "checksums.json"


class Graphs:
    """The OpenVINO models of one generator, each read from the disk, or made of its module and kept there."""

    def __init__(self, generator: GeneratorSource, core: Any) -> None:
        self._generator, self._core = generator, core
        if "torch" in sys.modules or not any(self._is_kept(each) for each in get_args(Statistics)):
            for module in _FRONT_END:  # now: graphs are made in whatever thread first needs one
                require(module, "openvino")

    def model(self, statistics: Statistics, end: End | None = None) -> Any:
        """The model for every size, with statistics and end as `traced` has them."""
        if (folder := self._folder(statistics, end)) is None:
            return self._converted(statistics, end)
        if (kept := self._read(folder)) is not None:
            return kept
        made = self._converted(statistics, end)
        _keep(made, folder)
        # What is kept is what is used from the first time on.
        return self._read(folder) or made

    def _folder(self, statistics: Statistics, end: End | None = None) -> Path | None:
        """Where the graph is kept; None where it is not."""
        content = self._generator.content
        if content is None:
            return None
        key = f"{content} {self._generator.dimensions} {statistics} {end} {tools()}"
        return graph_folder() / hashlib.blake2b(key.encode(), digest_size=16).hexdigest()

    def _is_kept(self, statistics: Statistics) -> bool:
        folder = self._folder(statistics)
        return folder is not None and folder.is_dir()

    def _read(self, folder: Path) -> Any:
        """A graph that is kept, and as it was written; else None."""
        try:
            recorded = json.loads((folder / _CHECKSUMS).read_text())
            if recorded != _checksums(folder) or not is_private(folder.parent):
                return None
            os.utime(folder)
            return self._core.read_model(folder / _XML, folder / _WEIGHTS)
        except (OSError, ValueError, RuntimeError):
            return None

    def _converted(self, statistics: Statistics, end: End | None) -> Any:
        """The OpenVINO model of a generator, for every size.

        Through the front end itself: `openvino.convert_model` does the same, and tries to report it (see `offline`).
        """
        from .tracing import traced

        frontends, decoders = (require(module, "openvino") for module in _FRONT_END)
        graph, _ = traced(self._generator.module, self._generator.dimensions, statistics, end)
        frontend = frontends.FrontEndManager().load_by_framework("pytorch")
        # The front end reads from the decoder until the conversion is over, without keeping it alive.
        decoder = decoders.TorchScriptPythonDecoder(graph)
        return frontend.convert(frontend.load(decoder))


def graph_folder() -> Path:
    """The folder that the graphs are in."""
    return cache_folder() / "graphs"


def is_private(folder: Path) -> bool:
    """Whether nobody else can have put anything into a folder: others' graphs would be others' translations."""
    if os.name != "posix":
        return True
    facts = folder.stat()
    return facts.st_uid == os.geteuid() and not facts.st_mode & 0o022


@cache
def tools() -> str:
    """Digest of what a generator is made a graph by: the code of networks and runtimes, torch and OpenVINO."""
    digest = hashlib.blake2b(digest_size=16)
    here = Path(__file__).parent
    for file in sorted([*here.glob("*.py"), *here.parent.joinpath("networks").glob("*.py")]):
        digest.update(file.read_bytes())
    digest.update(f"{_version('torch')} {_version('openvino')}".encode())
    return digest.hexdigest()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def _keep(model: Any, folder: Path) -> None:
    """Write a graph, and make room for it; where that cannot be, it is not kept."""
    with suppress(OutputError, OSError, RuntimeError):
        folder.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        pending = PendingFolder(folder)
        try:
            require("openvino", "openvino").save_model(model, pending.path / _XML, compress_to_fp16=False)
            atomic_text(pending.path / _CHECKSUMS, json.dumps(_checksums(pending.path)))
            pending.commit()
        finally:
            pending.abandon()
        _make_room(folder.parent)


def _checksums(folder: Path) -> dict[str, str]:
    return {name: f"{zlib.crc32((folder / name).read_bytes()):08x}" for name in (_XML, _WEIGHTS)}


def _make_room(folder: Path) -> None:
    """Remove graphs until the others fit, the longest unused first and never the newest."""
    graphs = sorted((graph for graph in folder.iterdir() if graph.is_dir()), key=lambda each: -each.stat().st_mtime)
    taken = 0
    for number, graph in enumerate(graphs):
        taken += sum(file.stat().st_size for file in graph.iterdir())
        if number and taken > LARGEST:
            shutil.rmtree(graph, ignore_errors=True)
