"""A record of how the outputs in a folder were made: what is finished, and what would come out differently today.

`.unpaired.jsonl` beside the outputs has a line of JSON for each; of several workers, each adds to a file of its own in
`.unpaired/`. To remove them costs nothing but that knowledge.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from stat import S_ISDIR
from struct import Struct
from typing import Any, Literal, NamedTuple

from ..adapter.patterns import Pattern
from ..files import below, folder_of, output_error
from .jobs import is_there
from .pipeline import Job

NAME = ".unpaired.jsonl"
FOLDER = ".unpaired"
Standing = Literal["absent", "same", "unknown", "model", "settings", "input"]
_SAID: Mapping[Standing, str] = {
    "model": "outputs of another model or direction, made again: {n}",
    "settings": "outputs of other settings, made again: {n}",
    "input": "outputs of an earlier version of the input, made again: {n}",
    "unknown": "outputs left alone, since it is not known how they were made (no record, or changed since): {n}",
}


class _Entry(NamedTuple):
    """What is kept of a line: a million of them are read."""

    made: int
    """The number of its model and settings."""
    time: float
    size: int
    written: int
    """Hash of the output's stamp; 0 where it was only begun."""
    input: int
    sha256: bytes
    """The first half."""


_decode = json.JSONDecoder().decode
_PACKED = Struct("<Idqqq16s")


class Record:
    """The record of one folder of outputs, for a conversion by `model` (what tells it from others) with `settings`.

    What ran it is recorded too, but no reason to make an output again. `file`: where outputs are added, of several
    workers a file of its own for each.
    """

    def __init__(
        self,
        folder: Path,
        model: str,
        settings: Mapping[str, Any],
        ran_on: Callable[[], str] = str,
        file: Path | None = None,
    ) -> None:
        self.folder = folder
        self.file = file or folder / NAME
        self._ran_on = ran_on
        self._spelled: Mapping[str, Any] = {"conversion": json.loads(json.dumps(settings))}
        """The settings in full, which the first line of each process has too."""
        self._made = model, _digest(settings)
        self._numbers: dict[tuple[str, str], int] = {self._made: 0}
        self._entries: dict[int, bytes] = {}
        self._offsets: dict[str, int] = {}

    def read(self) -> None:
        """Read what was added since the last time, by whomever."""
        for file in manifests(self.folder):
            end = start = self._offsets.get(str(file), 0)
            for end, entry in lines(file, start):  # noqa: B007 (where the next time begins)
                self._keep(entry)
            self._offsets[str(file)] = end

    def standings(self, jobs: Sequence[Job]) -> list[Standing]:
        """How the outputs that were there before (`Job.earlier`) were made: "same" is what this conversion makes of the
        inputs."""
        self.read()
        return ["absent" if job.earlier is None else self._standing(job) for job in jobs]

    @staticmethod
    def notes(counts: Mapping[Standing, int]) -> list[str]:
        """What is to be said of so many outputs of each standing, where those of unknown origin are left alone."""
        return [text.format(n=counts[standing]) for standing, text in _SAID.items() if counts.get(standing)]

    def differs(self, job: Job) -> bool:
        """Whether what there is of an output was begun with another model or other settings."""
        self.read()
        entry = self._entry(job)
        return entry is not None and entry.made != self._numbers[self._made]

    def begin(self, job: Job) -> None:
        """Record that an output is about to be written file by file. Raises OutputError."""
        with folder_of(self.file):
            self._add(job, {})

    def add(self, job: Job) -> None:
        """Record an output that has just been written. Raises OutputError."""
        size, sha256 = contents(job.target)
        made = {"bytes": size, "sha256": sha256, "seconds": round(time.perf_counter() - job.started, 3)}
        stamps = {"input": _source_stamp(job), "written": _target_stamp(job), "time": round(time.time(), 3)}
        self._add(job, made | stamps | {"notes": list(job.notes)})

    def _add(self, job: Job, facts: Mapping[str, Any]) -> None:
        model, settings = self._made
        output = self._name(job)
        known = {"id": identify(output), "output": output, "model": model, "settings": settings}
        append(self.file, known | {"runtime": self._ran_on()} | dict(self._spelled) | dict(facts))
        self._spelled = {}

    def _keep(self, entry: Mapping[str, Any]) -> None:
        model, settings, written = entry.get("model"), entry.get("settings"), entry.get("written")
        moment, size = entry.get("time"), entry.get("bytes")
        made = str(model), settings if isinstance(settings, str) else _digest(settings)
        number = self._numbers.get(made)
        if number is None:
            number = self._numbers[made] = len(self._numbers)
        packed = _PACKED.pack(
            number,
            moment if isinstance(moment, float) else 0.0,
            size if isinstance(size, int) and 0 <= size < 1 << 62 else -1,
            0 if written is None else hash(str(written)),
            hash(str(entry.get("input"))),
            _half(entry.get("sha256")),
        )
        key = int(identify(entry["output"]), 16)
        before = self._entries.setdefault(key, packed)
        if before is not packed and _Entry(*_PACKED.unpack(before)).time <= _Entry(*_PACKED.unpack(packed)).time:
            self._entries[key] = packed

    def _standing(self, job: Job) -> Standing:
        entry = self._entry(job)
        # What somebody else changed is not ours to replace.
        if entry is None or not entry.written or not _is_as_written(job, entry):
            return "unknown"
        if entry.made != self._numbers[self._made]:
            others = {number: made for made, number in self._numbers.items()}
            return "model" if others[entry.made][0] != self._made[0] else "settings"
        return "same" if entry.input == hash(_source_stamp(job)) else "input"

    def _entry(self, job: Job) -> _Entry | None:
        packed = self._entries.get(int(identify(self._name(job)), 16))
        return None if packed is None else _Entry(*_PACKED.unpack(packed))

    def _name(self, job: Job) -> str:
        return below(job.target, self.folder)


def manifests(folder: Path) -> list[Path]:
    """The files of a folder's record."""
    return [folder / NAME, *sorted((folder / FOLDER).glob("*.jsonl"))]


def lines(file: Path, start: int = 0) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The entries from a position on, each with the position behind it. Lines that are none are left out; a last one
    that is cut off (a process killed while writing) is not yet read."""
    try:
        with file.open("rb") as opened:
            opened.seek(start)
            for line in opened:
                if not line.endswith(b"\n"):
                    return
                start += len(line)
                entry = _parsed(line)
                if isinstance(entry, Mapping) and isinstance(entry.get("output"), str):
                    yield start, entry
    except OSError:  # no record: nothing is known
        return


def append(file: Path, entry: Mapping[str, Any]) -> None:
    """Append an entry, on a line of its own also behind one that is cut off, and flush it to disk. Raises
    OutputError."""
    line = json.dumps(entry, ensure_ascii=True).encode() + b"\n"
    try:
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            size = os.lseek(handle, 0, os.SEEK_END)
            if size:
                os.lseek(handle, size - 1, os.SEEK_SET)
                line = line if os.read(handle, 1) == b"\n" else b"\n" + line
            while line:  # a full disk takes a part first
                line = line[os.write(handle, line) :]
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise output_error(file, error) from error


def identify(output: str) -> str:
    """Identity of an output: twenty-four digits over its path in the folder of outputs."""
    return hashlib.blake2b(output.encode(errors="surrogateescape"), digest_size=12).hexdigest()


def identity_of(target: Path, outputs: Path) -> str:
    """Identity of the output at `target`, in the folder `outputs`."""
    return identify(below(target, outputs))


def stamp(path: Path) -> str:
    """Size and time of change of a file; of a folder or a pattern, over the files in it."""
    if of_file := _stamp_of_file(path):
        return of_file
    files = _files_of(path)
    if files is None:
        return _told(path.stat())
    digest = hashlib.blake2b(digest_size=8)
    for file in files:
        digest.update(f"{file.name}:{stamp(file) if file.is_file() else ''}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def stamp_if_there(output: Path) -> str | None:
    """The stamp of an output; None where there is none."""
    return _stamp_of_file(output) or (stamp(output) if is_there(output) else None)


def _stamp_of_file(path: Path) -> str | None:
    """By a single question, since an archive has millions of files; None for all else, and for what is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return None if S_ISDIR(status.st_mode) else _told(status)


def _told(status: os.stat_result) -> str:
    return f"{status.st_size}-{status.st_mtime_ns}"


def contents(path: Path) -> tuple[int, str]:
    """Bytes and SHA-256 of a file; of a folder or a pattern their sum, and one SHA-256 over those of its files."""
    files = _files_of(path)
    if files is None:
        with path.open("rb") as opened:
            return path.stat().st_size, hashlib.file_digest(opened, "sha256").hexdigest()
    each = [(file.name, *contents(file)) for file in files if file.is_file()]
    told = "".join(f"{sha256} {name}\n" for name, _, sha256 in each)
    return sum(size for _, size, _ in each), hashlib.sha256(told.encode(errors="surrogateescape")).hexdigest()


def _files_of(path: Path) -> list[Path] | None:
    """The files of a folder or a pattern; None for a file."""
    pattern = Pattern.of(path)
    if not path.is_dir() and not pattern:
        return None
    files = list(pattern.files().values()) if pattern else sorted(path.iterdir())
    return [file for file in files if not file.name.startswith(".")]


def _source_stamp(job: Job) -> str:
    return job.source_stamp or stamp(job.source)


def _target_stamp(job: Job) -> str:
    return job.target_stamp or stamp(job.target)


def _is_as_written(job: Job, entry: _Entry) -> bool:
    """Whether an output has the time that it was written at, or at least every byte: copies have another time."""
    target = job.target
    if hash(job.earlier) == entry.written:
        return True
    if job.target_stamp is not None or entry.size < 0 or (target.is_file() and target.stat().st_size != entry.size):
        return False
    size, sha256 = contents(target)
    return size == entry.size and _half(sha256) == entry.sha256


def _parsed(line: bytes) -> Any:
    try:
        return _decode(line.decode(errors="replace"))
    except (ValueError, RecursionError):
        return None


def _digest(settings: Any) -> str:
    """Identity of settings; lines of earlier versions have them in full."""
    if isinstance(settings, str):
        return settings
    told = json.dumps(settings, sort_keys=True)
    return hashlib.blake2b(told.encode(), digest_size=8).hexdigest()


def _half(sha256: Any) -> bytes:
    try:
        return bytes.fromhex(sha256)[:16]
    except (TypeError, ValueError):
        return b""
