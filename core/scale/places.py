"""Where the files of a conversion come from and go to: this machine, the plain case, or a store.

Everything else knows but files of this machine. A file of a store is fetched beside its output before it is opened. An
output for a store is written in a folder of this machine, in which the claims and the record are too; complete, it is
sent, then recorded, then removed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from ..adapter.domain import Domain
from ..conversion.input_files import InputFiles
from ..conversion.jobs import names_file
from ..conversion.pipeline import Job
from ..conversion.record import FOLDER, stamp_if_there
from ..errors import ConfigError, MediaError, MissingFile, OutputError
from ..files import PendingFolder, below, folder_of, output_error
from ..runtimes.cache import cache_folder
from ..stores.access import as_written, is_address, local_path
from ..stores.transfer import Stored, check_destination, fetch, listed, send, stored_at, write

_FEW = 32
"""Outputs that are asked for one by one; of more, the folder is listed."""


def input_files(place: str | os.PathLike[str]) -> InputFiles:
    """What is at a path or an address, listed once. Raises what listing a store does (`stores.access`)."""
    if isinstance(place, InputFiles):
        return place
    named = local_path(as_written(place))
    return StoredFiles(named) if is_address(named) else InputFiles(named)


class StoredFiles(InputFiles):
    """A file in a store, or all below a folder of it: each is a file by itself, numbered ones too."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        below = listed(address)
        self.is_folder = below is not None
        self.found: dict[Path, Stored]
        if below is None:
            self.found = {self.path: stored_at(address)}
        else:
            self.found = {self.path / name: facts for name, facts in below.items()}
        if not self.found:
            raise MissingFile(f"there is nothing at {address}")
        self.pattern = None

    @property
    def exists(self) -> bool:
        """It was listed."""
        return True

    @cached_property
    def files(self) -> Sequence[Path]:
        """Every file, sorted; of the two slashes of an address, its path keeps one."""
        return sorted(self.found)

    @cached_property
    def by_folder(self) -> dict[Path, Sequence[Path]]:
        """Nothing: no files of a store are taken for one recording."""
        return {}

    @cached_property
    def links_to_files(self) -> Sequence[Path]:
        """Stores have none."""
        return []

    @cached_property
    def links_to_folders(self) -> list[Path]:
        """Stores have none."""
        return []

    def parts(self, domain: Domain) -> Sequence[Path]:
        """Those that the domain converts."""
        return [file for file in self.files if domain.convertible(file)] if self.is_folder else [self.path]

    def name(self, file: Path) -> str:
        """Its address."""
        return as_written(file)

    def stamp(self, file: Path) -> str | None:
        """As the store says it."""
        return self.found[file].stamp

    def size(self, file: Path) -> int:
        """As the store says it."""
        return self.found[file].bytes


class Fetched:
    """A file of a store, in a folder beside the output that it becomes; `file`: where it is. Raises as `fetch`."""

    def __init__(self, address: str, target: Path) -> None:
        self._folder = PendingFolder(target)
        self.file = self._folder.path / address.rpartition("/")[2]
        try:
            self.stamp = fetch(address, self.file)
        except BaseException:
            self.remove()
            raise

    def remove(self) -> None:
        """Remove it."""
        self._folder.abandon()


@dataclass(frozen=True)
class Outputs:
    """A folder of outputs."""

    folder: Path
    """On this machine: the outputs themselves, or those that are yet to be sent; and their record."""
    address: str = ""
    """In a store, without a slash at its end; empty: none."""

    @classmethod
    def at(cls, address: str, record: Path | None) -> Outputs:
        """A folder in a store. `record`: the folder for its record; None: one in the cache folder.

        Raises:
            ConfigError, OutputError, MissingDependency, ResourceError: nothing can be written there.
        """
        address = address.rstrip("/")
        check_destination(address)
        name = hashlib.blake2b(address.encode(errors="surrogateescape"), digest_size=10).hexdigest()
        outputs = cls((record or cache_folder() / "outputs" / name).absolute(), address)
        write(outputs.address_of(outputs.folder / FOLDER / "begun"), b"")  # refused now, not after the first file
        try:
            outputs.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise output_error(outputs.folder, error) from error
        outputs._bring_record()
        return outputs

    def look(self, jobs: Sequence[Job]) -> None:
        """Find the outputs of jobs that are there: `Job.earlier`."""
        for job in jobs:
            if not self.address:
                job.earlier = stamp_if_there(job.target)
            elif len(jobs) <= _FEW:
                job.earlier = job.target_stamp = self.stamp(job.target)
            else:
                facts = self._stored.get(below(job.target, self.folder))
                job.earlier = job.target_stamp = None if facts is None else facts.stamp

    @cached_property
    def _stored(self) -> dict[str, Stored]:
        """The files in the store, as they were when this was first asked."""
        return listed(self.address + "/") or {}

    def stamp(self, target: Path) -> str | None:
        """The stamp of an output, if there is one."""
        try:
            return stored_at(self.address_of(target)).stamp if self.address else stamp_if_there(target)
        except FileNotFoundError:
            return None

    def refusal(self, job: Job) -> MediaError | None:
        """Why no store would take the output of a job whole."""
        if not self.address or not job.source.is_dir() or names_file(job.target):
            return None
        return MediaError(f"{job.source} is a recording of many files, which no store takes all at once; "
                          "convert it to a file, or to a folder of this machine")  # fmt: skip

    def send(self, job: Job) -> None:
        """Bring an output that is complete to where it belongs. Raises OutputError or ResourceError."""
        if self.address:
            job.target_stamp = send(job.target, self.address_of(job.target))

    def clear(self, job: Job) -> None:
        """Remove what was sent, now that it is recorded."""
        if self.address:
            job.target.unlink(missing_ok=True)

    def address_of(self, target: Path) -> str:
        """Where an output is in the store."""
        return f"{self.address}/{below(target, self.folder)}"

    def shown(self, target: Path) -> Path:
        """An output as the user knows it."""
        return Path(self.address_of(target)) if self.address else target

    def absolute(self) -> Outputs:
        """The same for processes that run elsewhere."""
        return replace(self, folder=self.folder.absolute())

    def send_record(self) -> None:
        """Copy the record and the reports beside the outputs, so that a run can go on elsewhere. Raises as `send`."""
        for file in sorted((self.folder / FOLDER).glob("*.json*")) if self.address else ():
            send(file, self.address_of(file))

    def _bring_record(self) -> None:
        """Take over the record of earlier runs, as far as it is not here."""
        folder = self.address_of(self.folder / FOLDER)
        for name, facts in (listed(f"{folder}/") or {}).items():
            file = self.folder / FOLDER / name
            if file.suffix == ".jsonl" and (not file.exists() or file.stat().st_size < facts.bytes):
                with folder_of(file), suppress(MissingFile):
                    fetch(f"{folder}/{name}", file)


def workplace(
    source: InputFiles, output: str | os.PathLike[str], record: str | os.PathLike[str] | None
) -> tuple[Outputs | None, Path]:
    """The outputs in the store that `output` names, if it names one, and what stands for it among the files of this
    machine. Raises as `Outputs.at`; ConfigError for a record beside outputs that are on this machine."""
    named = local_path(as_written(output))
    if not is_address(named):
        if record is not None:
            raise ConfigError("--record is for an OUTPUT in a store (s3://...); leave it out: the record is "
                              "kept beside the outputs")  # fmt: skip
        return None, Path(named)
    one = not source.is_folder and not named.endswith("/") and names_file(Path(named))
    folder, _, name = named.rpartition("/")
    if one and folder.endswith(":/"):
        raise OutputError(f"{named} is a bucket; name a folder or a file in it")
    outputs = Outputs.at(folder if one else named, None if record is None else Path(record))
    return outputs, outputs.folder / name if one else outputs.folder
