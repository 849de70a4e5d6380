"""A record of how the outputs in a folder were made, to detect those that would come out differently today.

`.unpaired.jsonl` beside the outputs has a line for each. To remove it costs nothing but that knowledge.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from ..adapter.patterns import Pattern
from ..files import folder_of, output_error
from .pipeline import Job

NAME = ".unpaired.jsonl"
Standing = Literal["same", "unknown", "model", "settings", "input"]
_SAID: Mapping[Standing, str] = {
    "model": "outputs of another model or direction, made again: {n}",
    "settings": "outputs of other settings, made again: {n}",
    "input": "outputs of an earlier version of the input, made again: {n}",
    "unknown": "outputs left alone, since it is not known how they were made (no record, or changed since): {n}",
}


class Record:
    """The record of one folder of outputs, for a conversion by `model` (what tells it from others) with `settings`.

    What ran it is recorded too, but no reason to make an output again.
    """

    def __init__(self, folder: Path, model: str, settings: Mapping[str, Any], ran_on: Callable[[], str] = str) -> None:
        self.folder = folder
        self._ran_on = ran_on
        self._made = {"model": model, "settings": json.loads(json.dumps(settings))}
        self._entries = dict(_lines(folder / NAME))

    def sorted_out(self, jobs: Sequence[Job]) -> tuple[list[Job], list[str]]:
        """Of jobs whose outputs are there: those to be done all the same, and what is to be said of all."""
        standings = [self._standing(job) for job in jobs]
        counts = Counter(standings)
        notes = [text.format(n=counts[standing]) for standing, text in _SAID.items() if counts[standing]]
        again = [job for job, standing in zip(jobs, standings, strict=True) if standing not in ("same", "unknown")]
        return again, notes

    def differs(self, job: Job) -> bool:
        """Whether what there is of an output was begun with another model or other settings."""
        entry = self._entries.get(self._name(job))
        return entry is not None and any(entry.get(name) != value for name, value in self._made.items())

    def begin(self, job: Job) -> None:
        """Record that an output is about to be written file by file. Raises OutputError."""
        with folder_of(self.folder / NAME):
            self._add(job, {})

    def add(self, job: Job) -> None:
        """Record an output that has just been written. Raises OutputError."""
        self._add(job, {"input": _stamp(job.source), "written": _stamp(job.target)})

    def _add(self, job: Job, stamps: Mapping[str, str]) -> None:
        entry = {"output": self._name(job), **self._made, "runtime": self._ran_on(), **stamps}
        try:
            with (self.folder / NAME).open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry, ensure_ascii=True) + "\n")
        except OSError as error:
            raise output_error(self.folder / NAME, error) from error

    def _standing(self, job: Job) -> Standing:
        entry = self._entries.get(self._name(job))
        # What somebody else changed is not ours to replace.
        if entry is None or entry.get("written") != _stamp(job.target):
            return "unknown"
        if entry.get("model") != self._made["model"]:
            return "model"
        if entry.get("settings") != self._made["settings"]:
            return "settings"
        return "same" if entry.get("input") == _stamp(job.source) else "input"

    def _name(self, job: Job) -> str:
        return job.target.relative_to(self.folder).as_posix()


def _lines(file: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every entry by its output, the latest last; lines that are none (a process killed while writing) are left out."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # no record: nothing is known
        return
    for line in lines:
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(entry, Mapping) and isinstance(entry.get("output"), str):
            yield entry["output"], entry


def _stamp(path: Path) -> str:
    """Size and time of change of a file; of a folder or a pattern, over the files in it."""
    pattern = Pattern.of(path)
    if not path.is_dir() and not pattern:
        status = path.stat()
        return f"{status.st_size}-{status.st_mtime_ns}"
    digest = hashlib.blake2b(digest_size=8)
    for file in pattern.files().values() if pattern else sorted(path.iterdir()):
        if not file.name.startswith("."):
            digest.update(f"{file.name}:{_stamp(file) if file.is_file() else ''}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()
