"""What an archive that was converted by several workers holds, and workers that a test can end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unpaired.core.conversion.record import identity_of, lines, manifests
from unpaired.core.makers import mark
from unpaired.core.scale import TranslatorSpec
from unpaired.core.scale.claims import Claims
from unpaired.core.scale.dispatch import Dispatch
from unpaired.core.scale.division import divided
from unpaired.core.scale.engine import Engine
from unpaired.core.scale.worker import Answer, Done, Item, Lost, Ready, Recipe, Result, Worker, installed_version

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


class InTurn(WorkersHere):
    """Workers of which those in `ends` are killed at their first group, with the claim in hand."""

    def __init__(self, recipe: Recipe, ends: Sequence[int] = ()) -> None:
        super().__init__(recipe)
        self.results: list[Result] = []
        self.notes: list[str] = []
        self.ends = ends

    def submit(self, worker: int, items: Sequence[Item]) -> None:
        answer: Answer = Lost("signal SIGKILL")
        if worker in self.ends:
            leave_claimed(Path(self.recipe.outputs), items[0], f"0-0-{worker}-0")
        else:
            answer = self.workers[worker].answer(items)
            self.results += answer.results if isinstance(answer, Done) else ()
        self.waiting.append((worker, answer))


def in_two(spec: TranslatorSpec, source: Path, out: Path, ends: Sequence[int] = (), **options: Any) -> InTurn:
    """Convert one file by two workers, in two parts."""
    translator = spec.load()
    recipe = Recipe(spec, "a2b", options, translator.identity("a2b"), str(out), 1, installed_version())
    item = Item(0, str(source), str(out / source.name), None)
    settings = translator.domain.conversion_type(**options)
    found = divided(translator.domain.division(), [item], [1000], 2, recipe, settings)
    engine = InTurn(recipe, ends)
    out.joinpath(".unpaired").mkdir(parents=True, exist_ok=True)
    dispatch = Dispatch(engine, [item], [1000], 2, out, None, found)
    dispatch.run()
    assert list(dispatch.results) == [0]
    engine.results.append(dispatch.results[0])
    engine.notes = dispatch.notes()
    return engine
