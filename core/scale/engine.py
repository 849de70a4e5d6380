"""What starts workers and carries files to them and results back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence

from ..conversion.pipeline import Progress as FileProgress
from ..conversion.translator import Translator
from ..makers import mark
from .worker import Answer, Item, Ready, Recipe, Worker


class Engine(ABC):
    """Workers by number. Each answers `Ready` or a `Fault` when it is added, then once for each group."""

    window = 2
    """Groups that a worker has at a time: the one it is at, and the next."""

    @abstractmethod
    def add(self) -> int:
        """Start another worker."""

    @abstractmethod
    def submit(self, worker: int, items: Sequence[Item]) -> None:
        """Give a worker a group of files."""

    @abstractmethod
    def next(self) -> tuple[int, Answer]:
        """Wait for the next answer of any worker. `Lost` is the last of one, whatever it had left."""

    @abstractmethod
    def close(self) -> None:
        """End all workers."""


class ThisProcess(Engine):
    """One worker, in this process."""

    window = 1

    def __init__(
        self, recipe: Recipe, translator: Translator | None, progress: Callable[[FileProgress], None] | None
    ) -> None:
        self._worker = Worker(recipe, translator, progress)
        self._answers: deque[Answer] = deque()

    def add(self) -> int:
        """Nothing is left to start."""
        self._answers.append(Ready(mark()))
        return 0

    def submit(self, worker: int, items: Sequence[Item]) -> None:
        """Convert them."""
        self._answers.append(self._worker.convert(items))

    def next(self) -> tuple[int, Answer]:
        """See Engine."""
        return 0, self._answers.popleft()

    def close(self) -> None:
        """Nothing is left to end."""
