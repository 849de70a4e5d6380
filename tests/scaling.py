"""What an archive that was converted by several workers holds, and workers that a test can end."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from unpaired.core.conversion.record import identity_of, lines, manifests
from unpaired.core.makers import mark
from unpaired.core.scale.claims import Claims
from unpaired.core.scale.engine import Engine
from unpaired.core.scale.worker import Answer, Item, Ready, Recipe, Worker

RECORDS = {".unpaired", ".unpaired.jsonl"}


def outputs(folder: Path) -> dict[str, bytes]:
    """Every output, by its place."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and not RECORDS & set(path.parts))
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def recorded(folder: Path) -> Counter[str]:
    """How many records each output has."""
    return Counter(entry["output"] for file in manifests(folder) for _, entry in lines(file))


def once(folder: Path) -> dict[str, int]:
    """One record for each output that is there."""
    return dict.fromkeys(outputs(folder), 1)


def leave_claimed(folder: Path, item: Item, ended: str) -> None:
    """A claim as a worker leaves it that is killed."""
    claims = Claims(folder)
    claims.folder.mkdir(parents=True, exist_ok=True)
    name = identity_of(Path(item.target), folder)
    with (claims.folder / name).open("a") as file:
        file.write(f"{ended}\n")


class WorkersHere(Engine):
    """Real workers, in this process and one after another."""

    window = 1

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.workers: list[Worker] = []
        self.waiting: list[tuple[int, Answer]] = []

    def add(self) -> int:
        self.workers.append(Worker(self.recipe))
        self.waiting.append((len(self.workers) - 1, Ready(mark())))
        return len(self.workers) - 1

    def next(self) -> tuple[int, Answer]:
        return self.waiting.pop(0)

    def close(self) -> None:
        pass
