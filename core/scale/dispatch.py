"""Handing files to workers, and again to others where one is lost."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ..conversion.record import identity_of, lines
from ..errors import ResourceError, counted
from ..files import clear_leftovers
from .claims import Claims
from .division import Divided, by_number
from .engine import Engine
from .parts import remove_parts
from .worker import Done, Fault, Item, Lost, Ready, Result, manifest

_FILES, _BYTES = 32, 8 * 2**20
"""Of a group, at most."""
_EACH = 64 * 2**10
"""Bytes that a file costs beside its own."""
_FAILED_STARTS = 3


@dataclass(frozen=True)
class Progress:
    """Progress over all files of a conversion by several workers."""

    done: int
    """Files."""
    files: int
    share: float
    """Of the work, by the bytes of the files: 0 to 1."""
    seconds_left: float | None
    """At the rate so far."""


def grouped(items: Sequence[Item], bytes_of: Sequence[int], workers: int) -> list[list[Item]]:
    """The files in groups, the longest first: long ones by themselves, small ones together.

    A group is a small part of a worker's share, so that all end at about the same time."""
    most = min(_BYTES, (sum(bytes_of) + len(items) * _EACH) // (8 * workers) + 1)
    groups: list[list[Item]] = []
    room = 0
    for item in sorted(items, key=lambda item: (-bytes_of[item.number], item.number)):
        cost = bytes_of[item.number] + _EACH
        if not groups or cost > room or len(groups[-1]) == _FILES:
            groups.append([])
            room = most
        groups[-1].append(item)
        room -= cost
    return groups


@dataclass
class _Hand:
    """A worker as the dispatcher knows it."""

    mark: str | None = None
    """None until it is ready."""
    groups: deque[Sequence[Item]] = field(default_factory=deque)


class Dispatch:
    """One conversion by `workers` workers of an engine. `bytes_of`: of each item, by its number."""

    def __init__(
        self,
        engine: Engine,
        items: Sequence[Item],
        bytes_of: Sequence[int],
        workers: int,
        outputs: Path,
        progress: Callable[[Progress], None] | None = None,
        divided: Sequence[Divided] = (),
    ) -> None:
        self._engine, self._outputs, self._progress = engine, outputs, progress
        self._bytes, self._files = bytes_of, len(items)
        self._all_bytes = sum(bytes_of) + len(items) * _EACH
        self._long, self._divided = divided, by_number(divided)
        plain = [item for item in items if item.number not in self._divided]
        groups = [*grouped(plain, bytes_of, workers), *([part] for each in divided for part in each.parts)]
        self._queue = deque[Sequence[Item]](sorted(groups, key=lambda group: -self._bytes_of(group[0])))
        self._workers = min(workers, len(self._queue))  # or some would find nothing to do
        self._hands: dict[int, _Hand] = {}
        self._claims = Claims(outputs)
        self._busy: list[Item] = []
        self._failed_starts = 0
        self._started, self._done_bytes = time.monotonic(), 0
        self.results: dict[int, Result] = {}
        self.lost: list[str] = []
        """Why workers ended, for each that did."""
        self.undivided: list[str] = []
        """Why files were converted as a whole that were to be divided."""
        self.runtimes: dict[str, None] = {}
        """What ran the network."""

    def run(self) -> None:
        """Convert every file. Raises what a worker has found that ends all work, and ResourceError where none stays
        alive. Files that others are at are asked for once more in the end."""
        try:
            for _ in range(self._workers):
                self._hands[self._engine.add()] = _Hand()
            while any(hand.mark is None for hand in self._hands.values()):
                self._take_answer()
            self._work()
            self._queue.extend([item] for item in self._busy)
            self._busy.clear()
            self._work()
            wholes = {self._whole(item).number for item in self._busy}
            self.results |= {number: Result(number, "busy") for number in wholes}
        finally:
            self._engine.close()
            self._tidy()

    def _work(self) -> None:
        while self._queue or any(hand.groups for hand in self._hands.values()):
            self._fill()
            self._take_answer()

    def _fill(self) -> None:
        for round_ in range(self._engine.window):  # one for each before a second for any
            for number, hand in self._hands.items():
                if self._queue and hand.mark is not None and len(hand.groups) == round_:
                    group = self._queue.popleft()
                    hand.groups.append(group)
                    self._engine.submit(number, group)

    def _take_answer(self) -> None:
        number, answer = self._engine.next()
        hand = self._hands[number]
        match answer:
            case Ready():
                hand.mark = answer.mark
            case Done():
                self._failed_starts = 0
                if answer.runtime:
                    self.runtimes[answer.runtime] = None
                # An engine may tell of a worker's second group before it tells of the first.
                done = next(group for group in hand.groups if group[0].number == answer.results[0].number)
                hand.groups.remove(done)
                for item, result in zip(done, answer.results, strict=True):
                    self._take(item, result)
            case Fault():
                answer.throw()
            case Lost():
                del self._hands[number]
                self._replace(hand, answer)

    def _take(self, item: Item, result: Result) -> None:
        if result.kind == "busy":
            self._busy.append(item)
            return
        divided = self._divided.get(item.number)
        if divided is not None and (item.part is not None or result.kind in ("loose", "whole")):
            self._take_part(divided, item, result)
            return
        self.results[item.number] = result
        self._done_bytes += self._bytes_of(item) + _EACH
        self._tell()

    def _tell(self) -> None:
        if self._progress is not None:
            share = (self._done_bytes + sum(map(self._bytes_of_parts, self._long))) / self._all_bytes
            passed = time.monotonic() - self._started
            left = passed / share * (1 - share)
            self._progress(Progress(len(self.results), self._files, share, left))

    def _take_part(self, divided: Divided, item: Item, result: Result) -> None:
        """Take what became of a part of a file, or of joining them where that came to nothing."""
        if divided.given_up:
            return
        if result.kind in ("whole", "failed"):
            self._give_up(divided, result)
        elif result.kind == "loose":
            self._queue.appendleft([divided.again(int(result.text))])
        else:
            if join := divided.done(item.number):
                self._queue.appendleft([join])
            self._tell()

    def _give_up(self, divided: Divided, result: Result) -> None:
        """Convert a file as a whole instead, or leave it where a part of it is set aside."""
        divided.given_up = True
        numbers = {part.number for part in divided.parts}
        self._queue = deque(group for group in self._queue if group[0].number not in numbers)
        self._busy = [item for item in self._busy if item.number not in numbers]
        if result.kind == "failed":
            self.results[divided.whole.number] = result._replace(number=divided.whole.number)
        else:
            self.undivided.append(result.text)
            self._queue.appendleft([divided.whole])

    def _whole(self, item: Item) -> Item:
        """The file that an item is, or is a part of."""
        return self._divided[item.number].whole if item.part is not None else item

    def _bytes_of(self, item: Item) -> int:
        """Of a file, or a part's share of them."""
        divided = self._divided.get(item.number)
        if divided is None or item.part is None:
            return self._bytes[item.number]
        return self._bytes[divided.whole.number] // len(divided.parts)

    def _bytes_of_parts(self, divided: Divided) -> float:
        """What is done of a file that is not joined yet."""
        if divided.given_up or divided.whole.number in self.results:
            return 0.0
        return self._bytes[divided.whole.number] * (1 - len(divided.left) / len(divided.parts))

    def _replace(self, hand: _Hand, lost: Lost) -> None:
        """Take back what a lost worker had left, and start another one."""
        self.lost.append(lost.reason)
        recorded = self._recorded(hand)
        given = [item for group in hand.groups for item in group]
        left = [item for item in given if item.number not in recorded]
        # What was in hand goes alone: if it ends the next one too, it takes no other files along.
        suspects = [item for item in left if self._claims.is_left(self._identity(item))]
        for item in given:
            if item.number in recorded:
                self._drop_claim(item)
                self._take(item, recorded[item.number])
        rest = [[item for item in group if item in left and item not in suspects] for group in hand.groups]
        self._queue.extendleft([[item] for item in reversed(suspects)])
        self._queue.extend(group for group in rest if group)
        self._failed_starts = 0 if recorded or suspects else self._failed_starts + 1
        if self._failed_starts >= _FAILED_STARTS:
            raise ResourceError(f"workers end before they convert anything ({lost.reason}); there may be too little "
                                "memory for so many: ask for fewer")  # fmt: skip
        if self._queue or hand.mark is None or any(each.groups for each in self._hands.values()):
            self._hands[self._engine.add()] = _Hand()

    def _recorded(self, hand: _Hand) -> dict[int, Result]:
        """The files of a worker's groups that its part of the record has."""
        if hand.mark is None:
            return {}
        waiting = {self._identity(item): item for group in hand.groups for item in group}
        found = {}
        for _, entry in lines(manifest(self._outputs, hand.mark)):
            item = waiting.get(str(entry.get("id")))
            if item is not None:
                found[item.number] = Result(item.number, "converted", "", tuple(map(str, entry.get("notes") or ())))
        return found

    def _tidy(self) -> None:
        """Remove what workers left that were ended with the conversion: it is no fault of a file."""
        for hand in self._hands.values():
            for item in (item for group in hand.groups for item in group):
                self._drop_claim(item)
        for divided in self._long:
            result = self.results.get(divided.whole.number)
            if result is not None and result.kind != "busy":
                remove_parts(Path(divided.whole.target), self._outputs)
        for folder in (self._claims.folder, self._claims.folder.with_name("parts")):
            with suppress(OSError):  # others are at work, or something is left to be gone on with
                folder.rmdir()

    def _drop_claim(self, item: Item) -> None:
        """Forget that a worker ended at a file, or between its record and the end of the claim."""
        identity = self._identity(item)
        if self._claims.is_left(identity) and (claim := self._claims.take(identity)):
            clear_leftovers(Path(item.target).parent, claim.ended)
            claim.release()

    def _identity(self, item: Item) -> str:
        return identity_of(Path(item.target), self._outputs)

    def notes(self) -> list[str]:
        """What is to be said of the workers."""
        said = []
        if self.lost:
            said.append(f"workers that ended before their time, their files given to others: {len(self.lost)} "
                        f"({self.lost[-1]})")  # fmt: skip
        if self.undivided:
            said.append("long files converted as a whole, since their parts could not be joined: "
                        f"{len(self.undivided)} ({self.undivided[-1]})")  # fmt: skip
        if len(self.runtimes) > 1:
            said.append(f"workers ran the network in different ways ({', '.join(self.runtimes)}), so that outputs "
                        "may differ by rounding; --runtime and --precision settle on one")  # fmt: skip
        busy = sum(result.kind == "busy" for result in self.results.values())
        if busy:
            said.append(f"left to other workers, which are at them: {counted(busy, 'file', 'files')}")
        return said
