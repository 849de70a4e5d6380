"""A stream that does not wait: only its newest frame is translated, and what is left out is counted."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from queue import Queue
from typing import Any

import av
import numpy as np
import pytest
import torch
from av.codec.context import ThreadType
from synthetic_sound import encode_sound
from torch import Tensor

from unpaired import ConfigError, MediaError, Video
from unpaired.domains.video import VideoConversion
from unpaired.domains.video.conversion.live import LiveReport, Newest, convert_live, film
from unpaired.domains.video.reading.clip import VideoReader
from unpaired.domains.video.reading.decode import Footage, decode
from unpaired.domains.video.writing.writer import VideoWriter

from .clips import make
from .streaming import over_http, over_tcp


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


# -- streams -----------------------------------------------------------------------------------------
class Slow:
    """A translation that takes its time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __call__(self, x: Tensor) -> Tensor:
        time.sleep(self.seconds)
        return -x

    def with_statistics(self, x: Tensor, statistics: Tensor | None, momentum: float) -> tuple[Tensor, Tensor]:
        return self(x), torch.zeros(0) if statistics is None else statistics


PLAIN = VideoConversion(smooth=False, blend=False, cuts=False, preset="ultrafast")
SECONDS, RATE = 2, 25


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a moving pattern with sound."""
    path = tmp_path_factory.mktemp("live") / "clip.mkv"
    random = np.random.default_rng(0)
    wide = np.kron(random.integers(0, 256, (6, 40, 3), dtype=np.uint8), np.ones((8, 8, 1), np.uint8))
    with av.open(path, "w") as container:
        video = container.add_stream("libx264", rate=RATE, options={"preset": "ultrafast", "g": "25", "bf": "0"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        sound = container.add_stream("aac", rate=16000, layout="mono")
        for number in range(SECONDS * RATE):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(wide[:, 2 * number : 2 * number + 64]), "rgb24")
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        container.mux(encode_sound(sound, np.sin(0.1 * np.arange(SECONDS * 16000))))
    return path


def times_in(path: Path) -> list[float]:
    with av.open(path) as container:
        return [float(frame.time or 0) for frame in container.decode(video=0)]


def tracks_in(path: Path) -> list[str]:
    with av.open(path) as container:
        return [stream.type for stream in container.streams]


@pytest.mark.parametrize("served", [over_http, over_tcp])
def test_a_slow_translation_drops_frames_and_does_not_lag(served: Any, clip: Path, tmp_path: Path) -> None:
    lags: list[float] = []
    with served(clip) as broadcast:

        def behind(stand: LiveReport) -> None:
            lags.append(time.monotonic() - broadcast.started - stand.position)

        report = convert_live(Video(), Slow(0.12), broadcast.address, tmp_path / "out.mkv", PLAIN, "a", behind)
    assert report.translated + report.dropped == report.received
    assert 0.9 * SECONDS * RATE <= report.received <= SECONDS * RATE
    assert report.dropped > report.received / 4
    assert report.translated == len(lags)
    # A queue would have ended 0.12 s x 50 frames - 2 s = 4 s behind.
    assert max(lags[len(lags) // 2 :]) < 2.0
    assert report.longest < 2.0
    written = times_in(tmp_path / "out.mkv")
    assert len(written) == report.translated
    assert written == sorted(written)
    assert written[-1] - written[0] > 0.3 * SECONDS
    assert tracks_in(tmp_path / "out.mkv") == ["video", "audio"]


def test_a_fast_translation_keeps_up(clip: Path, tmp_path: Path) -> None:
    with over_http(clip) as broadcast:
        report = convert_live(Video(), Slow(0.0), broadcast.address, tmp_path / "out.mkv", PLAIN)
    # What arrived in a burst, while the stream was looked at, is passed over; the sender's interleaving makes pairs.
    assert report.translated >= SECONDS * RATE / 4
    assert report.warnings == ()
    assert np.median(np.diff(times_in(tmp_path / "out.mkv"))) < 2.5 / RATE


class Watched(Slow):
    """A translation that notes what it is given before there is an output, and whether a stream is read then."""

    def __init__(self, target: Path) -> None:
        super().__init__(0.0)
        self.target = target
        self.before = set(threading.enumerate())
        self.given: list[tuple[tuple[int, ...], bool]] = []

    def __call__(self, x: Tensor) -> Tensor:
        if not list(self.target.parent.iterdir()):
            assert x.amin() < x.amax()  # one of a single colour would not reach the network
            names = {each.name for each in set(threading.enumerate()) - self.before}
            self.given.append((tuple(x.shape), "unpaired-live" in names))
        return super().__call__(x)


@pytest.mark.parametrize("smooth", [False, True])
def test_the_network_is_made_ready_before_a_stream_is_read_and_for_its_size(
    smooth: bool, clip: Path, tmp_path: Path
) -> None:
    translate = Watched(tmp_path / "out.mkv")
    with over_http(clip) as broadcast:
        options = replace(PLAIN, smooth=smooth)
        convert_live(Video(), translate, broadcast.address, translate.target, options)
    assert translate.given[0] == ((1, 3, 64, 64), False)
    assert translate.given[1][0] == (1, 3, 48, 64)


def test_a_stream_that_breaks_off_leaves_a_whole_file(clip: Path, tmp_path: Path) -> None:
    with over_http(clip, stop_after=1.4) as broadcast:
        report = convert_live(Video(), Slow(0.01), broadcast.address, tmp_path / "out.mp4", PLAIN)
    assert len(times_in(tmp_path / "out.mp4")) == report.translated > 0


def test_an_interrupt_ends_the_recording_and_completes_the_file(clip: Path, tmp_path: Path) -> None:
    def stop(stand: LiveReport) -> None:
        if stand.translated == 5:
            raise KeyboardInterrupt

    with over_http(clip) as broadcast:
        report = convert_live(Video(), Slow(0.01), broadcast.address, tmp_path / "out.mkv", PLAIN, progress=stop)
    assert len(times_in(tmp_path / "out.mkv")) == report.translated == 5
    assert any("interrupt" in note for note in report.warnings)


def test_what_cannot_be_written_leaves_nothing(clip: Path, tmp_path: Path) -> None:
    def fail(stand: LiveReport) -> None:
        raise RuntimeError("on purpose")

    with over_http(clip) as broadcast, pytest.raises(RuntimeError, match="on purpose"):
        convert_live(Video(), Slow(0.01), broadcast.address, tmp_path / "out.mkv", PLAIN, progress=fail)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("source", "kind", "message"),
    [
        ("http://127.0.0.1:9/nothing", MediaError, "127.0.0.1:9"),
        ("strange://thing", MediaError, "strange://thing"),
        ("camera:99", MediaError, "camera 99 gives no picture"),
        ("clip.mp4", ConfigError, "--live is for an address"),
    ],
)
def test_a_source_that_cannot_be_is_refused(source: str, kind: type[Exception], message: str, tmp_path: Path) -> None:
    with pytest.raises(kind, match=message):
        convert_live(Video(), Slow(0.0), source, tmp_path / "out.mkv", PLAIN)
    assert list(tmp_path.iterdir()) == []


def test_what_opencv_films_comes_as_a_stream(clip: Path) -> None:
    """OpenCV takes a file for a camera; this machine has no other."""
    with film(str(clip)) as file, av.open(file) as container:
        frames = [(frame.width, frame.height, frame.time) for frame in container.decode(video=0)]
    assert len(frames) == SECONDS * RATE
    assert frames[0][:2] == (64, 48)
    times = [time for *_, time in frames]
    assert times == sorted(times)
    assert times[0] < 1.0  # the clock starts with the first picture


@pytest.mark.parametrize("codec", ["h264", "ffv1"])
def test_a_pipe_is_handed_each_frame_at_once(codec: str, clip: Path, tmp_path: Path) -> None:
    options = VideoConversion(codec=codec, immediate=True)
    target = tmp_path / "pipe"
    sizes = []
    with open(target, "wb", buffering=0) as file, VideoReader(clip, options) as reader:
        writer = VideoWriter(file, reader, options)
        for frame in reader:
            writer.write(frame)
            sizes.append(target.stat().st_size)
        writer.finish()
    handed_over = np.flatnonzero(np.diff(sizes)) + 1
    # The muxer keeps a frame until the sound beside it is there.
    assert np.diff([0, *handed_over, len(sizes)]).max() <= 6


def test_no_thread_keeps_a_frame_to_itself(tmp_path: Path) -> None:
    """Threads of which each takes a frame give the first when the last of them is busy."""
    clip = make(tmp_path / "a.mkv", 20, time_base=Fraction(1, 1000))
    with Footage(clip, at_once=True) as footage:
        assert footage.container.streams.video[0].thread_type == ThreadType.SLICE
    options = VideoConversion(immediate=True)
    with open(tmp_path / "pipe", "wb", buffering=0) as file, VideoReader(clip, options) as reader:
        writer = VideoWriter(file, reader, options)
        for frame in reader:
            writer.write(frame)
        (tmp_path / "so far.mkv").write_bytes((tmp_path / "pipe").read_bytes())
        writer.finish()
    assert len(list(decode(tmp_path / "so far.mkv"))) == 19  # the muxer keeps one until the next comes
