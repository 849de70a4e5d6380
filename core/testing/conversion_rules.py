"""Rules for conversion."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from ..adapter.domain import ConversionSettings
from ..adapter.streams import Translate
from ..errors import MediaError, MissingFile, UnpairedError
from ..sides import Side
from .case import SIDES, Case, Rule, expect, expect_chunk, expect_raised


class _Same:
    """A translator that changes nothing."""

    def __call__(self, x: Tensor) -> Tensor:
        return x.clone()

    def with_statistics(self, x: Tensor, statistics: Tensor | None, momentum: float) -> tuple[Tensor, Tensor]:
        return self(x), torch.zeros(1) if statistics is None else statistics


class _Negative(_Same):
    """A translator that changes every value."""

    def __call__(self, x: Tensor) -> Tensor:
        return -x


def _options(case: Case, **fields: float) -> ConversionSettings:
    return dataclasses.replace(case.domain.conversion_type(), **fields)


def _read(case: Case, path: Path, side: Side) -> list[Tensor]:
    with case.domain.open(path, side, _options(case)) as reader:
        return list(reader)


def _write(case: Case, source: Path, side: Side, target: Path, chunks: Sequence[Tensor]) -> None:
    with case.domain.open(source, side, _options(case)) as reader:
        writer = case.domain.create(target, reader, _options(case))
        for chunk in chunks:
            writer.write(chunk)
            expect(not target.exists(), "the output has its name before it is whole; write beside it, then rename")
        writer.finish()


def _expect_alike(found: Sequence[Tensor], wanted: Sequence[Tensor], tolerance: float, what: str) -> None:
    shapes = [tuple(x.shape) for x in found], [tuple(x.shape) for x in wanted]
    expect(shapes[0] == shapes[1], f"{what} gives chunks of {shapes[0]} for {shapes[1]}; nothing may be lost or added")
    worst = max(float((x - y).abs().mean()) for x, y in zip(found, wanted, strict=True))
    expect(worst <= tolerance, f"{what} changes a chunk by {worst:.3f} on average; at most {tolerance} is allowed")


def reads_well_formed_chunks(case: Case) -> None:
    """A file opens as one or more chunks, float32 (C, *space) in [-1, 1]."""
    for side in SIDES:
        for file in case.files(side):
            chunks = _read(case, file, side)
            expect(len(chunks) >= 1, f"{file.name} opens without a chunk")
            for chunk in chunks:
                expect_chunk(case.domain, side, chunk, "a reader")


def refuses_to_open_broken_files(case: Case) -> None:
    """Opening or reading a damaged file raises MediaError; a missing one, MissingFile or MediaError."""
    absent = case.scratch / f"absent{case.broken.suffix}"
    for side in SIDES:
        expect_raised(partial(_read, case, case.broken, side), (MediaError,), "opening a file that cannot be decoded")
        expect_raised(partial(_read, case, absent, side), (MissingFile, MediaError), "opening an absent file")


def round_trips(case: Case) -> None:
    """A file read, written and read again is the same within the tolerance; only its name appears, at the end."""
    for side in SIDES:
        file = case.files(side)[0]
        target = case.folder(f"round-trip-{side}") / file.name
        chunks = _read(case, file, side)
        _write(case, file, side, target, chunks)
        left = sorted(path.name for path in target.parent.iterdir())
        expect(left == [target.name], f"after finish() the folder holds {left}; expected {target.name} alone")
        _expect_alike(_read(case, target, side), chunks, case.tolerance, "writing and reading again")


def converts_and_honours_strength(case: Case) -> None:
    """`convert` uses the translator and keeps every chunk; strength 0 leaves the input unchanged."""
    if case.domain.channels("a") != case.domain.channels("b"):
        return
    file = case.files("a")[0]
    chunks = _read(case, file, "a")

    def converted(translate: Translate, strength: float) -> list[Tensor]:
        options = _options(case, strength=strength)
        with case.domain.open(file, "a", options) as reader:
            return list(case.domain.convert(reader, translate, options))

    same = converted(_Same(), 1.0)
    _expect_alike(same, chunks, case.tolerance, "convert with a translator that changes nothing")
    _expect_alike(converted(_Negative(), 0.0), chunks, case.tolerance, "convert at strength 0")
    differs = any(not torch.equal(x, y) for x, y in zip(same, converted(_Negative(), 1.0), strict=True))
    expect(differs, "convert gives the same whatever the translator does; it must use `translate`")


def discards_without_trace(case: Case) -> None:
    """A discarded output leaves nothing new, and an earlier file of its name stays unchanged."""
    file = case.files("a")[0]
    for earlier in (None, b"what was there before"):
        target = case.folder(f"discarded-{earlier is not None}") / file.name
        if earlier is not None:
            target.write_bytes(earlier)
        with case.domain.open(file, "a", _options(case)) as reader:
            writer = case.domain.create(target, reader, _options(case))
            for chunk in _read(case, file, "a"):
                writer.write(chunk)
            writer.discard()
        left = {path.name for path in target.parent.iterdir()}
        extra = left - ({target.name} if earlier is not None else set())
        expect(not extra, f"discard() leaves {sorted(extra)}; remove all that was written")
        kept = earlier is None or (target.is_file() and target.read_bytes() == earlier)
        expect(kept, "discard() changed a file that was there before; write beside it and rename in finish()")


def refuses_impossible_outputs(case: Case) -> None:
    """An output that cannot be written is the user's fault: a child of UnpairedError, never a bare OSError."""
    file = case.files("a")[0]
    blocker = case.folder("blocked") / "a-file"
    blocker.write_bytes(b"")
    action = partial(_write, case, file, "a", blocker / file.name, _read(case, file, "a"))
    expect_raised(action, (UnpairedError,), "writing below a file that is no folder")


CONVERSION_RULES: tuple[Rule, ...] = (
    reads_well_formed_chunks,
    refuses_to_open_broken_files,
    round_trips,
    converts_and_honours_strength,
    discards_without_trace,
    refuses_impossible_outputs,
)
