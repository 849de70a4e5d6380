"""A stream that does not wait: only its newest frame is translated, and what is left out is counted."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from queue import Queue

import pytest

from unpaired.domains.video.live import Newest


class Played:
    """A stream that gives what it is handed, when it is handed; None ends it."""

    def __init__(self) -> None:
        self.items: Queue[int | Exception | None] = Queue()
        self.closed_by: list[str] = []

    def __iter__(self) -> Iterator[int]:
        try:
            while (item := self.items.get(timeout=10)) is not None:
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            self.closed_by.append(threading.current_thread().name)

    def play(self, newest: Newest[int], *items: int) -> None:
        """Hand over items and wait until they were read."""
        expected = newest.received + len(items)
        for item in items:
            self.items.put(item)
        limit = time.monotonic() + 10
        while newest.received < expected:
            assert time.monotonic() < limit
            time.sleep(0.001)


@pytest.fixture
def played() -> Played:
    return Played()


def test_a_newer_item_takes_the_place_of_one_nobody_fetched(played: Played) -> None:
    newest = Newest(iter(played))
    items = iter(newest)
    played.play(newest, 1)
    assert next(items)[0] == 1
    played.play(newest, 2, 3, 4)
    assert next(items)[0] == 4
    played.play(newest, 5)
    assert next(items)[0] == 5
    assert (newest.received, newest.dropped) == (5, 2)


def test_the_last_item_is_given_after_the_stream_has_ended(played: Played) -> None:
    newest = Newest(iter(played))
    played.play(newest, 1, 2)
    played.items.put(None)
    newest.close()
    assert [item for item, _ in newest] == [2]
    assert [item for item, _ in newest] == []
    assert (newest.received, newest.dropped) == (2, 1)


def test_what_the_stream_raises_is_raised_after_the_last_item(played: Played) -> None:
    newest = Newest(iter(played))
    played.play(newest, 1)
    played.items.put(RuntimeError("unplugged"))
    given = []
    with pytest.raises(RuntimeError, match="unplugged"):
        given.extend(item for item, _ in newest)
    newest.close()
    items = iter(newest)
    with pytest.raises(RuntimeError, match="unplugged"):
        next(items)


def test_it_waits_for_what_has_not_come_yet(played: Played) -> None:
    newest = Newest(iter(played))
    threading.Timer(0.2, played.items.put, (7,)).start()
    item, arrived = next(iter(newest))
    assert item == 7
    assert arrived <= time.monotonic()


def test_the_stream_is_closed_by_the_thread_that_reads_it(played: Played) -> None:
    newest = Newest(iter(played))
    played.play(newest, 1)
    threading.Timer(0.1, played.items.put, (2,)).start()
    newest.close()
    assert played.closed_by == ["unpaired-live"]


def test_nothing_is_lost_and_nothing_comes_twice_under_load() -> None:
    newest = Newest(iter(range(20_000)))
    given = [item for item, _ in newest]
    assert given == sorted(set(given))
    assert given[-1] == 19_999
    assert len(given) + newest.dropped == newest.received == 20_000
