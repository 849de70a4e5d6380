"""Unpaired samples for training: stateless, so that position k of a run is the same sample however it is reached.

The k-th pair is drawn from generators seeded by (seed, side, k) alone. Resuming needs no loader state but the
step, and workers, their number and their timing cannot change what is trained on.
"""

from __future__ import annotations

import multiprocessing
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler, get_worker_info

from ..adapter.checks import check, check_keep
from ..adapter.domain import Domain
from ..adapter.indexed import OverSides
from ..adapter.inventory import BrokenFile, NumberedFiles
from ..adapter.tensors import raised
from ..children import without_garbage
from ..errors import AdapterError, MediaError, ResourceError, UnpairedError
from ..runtimes.cores import keep_to_one_thread
from ..samples import Batch, Sample
from ..sides import Side
from .handover import Piped, sendable
from .look_ahead import LookAhead
from .order import BlockOrder, KeyedOrder
from .pace import Pace
from .resources import MORE
from .settings import TrainingSettings
from .signals import end_with_parent_alone, holding_back_termination

AHEAD = 4
"""Batches that each loader process fetches ahead."""
ATTEMPTS = 20
"""Files in a row that are tried for one sample."""
_VALUES_EVERY = 16
"""Of so many samples the values of one are looked at, after the first epoch."""


class Draw(NamedTuple):
    """What is drawn for one place in a batch."""

    position: int
    """Of the pair in the run."""
    augmentation: float
    """The share of augmentation that is left at that point of the schedule."""


class PairDataset(Dataset[Batch]):
    """Pairs by their position in the run, as batches of one."""

    def __init__(
        self,
        domain: Domain,
        files: Mapping[Side, Sequence[Path]],
        settings: TrainingSettings,
        samples_a_step: int,
        paired: bool = False,
    ) -> None:
        """`paired`: files of the same place are true counterparts, and are drawn together with like random numbers."""
        self.domain = domain
        self.together: tuple[tuple[Side, ...], ...] = (("a", "b"),) if paired else (("a",), ("b",))
        # Text takes a tenth of the memory of Path objects; 100,000 files are an ordinary folder. A file that is drawn
        # several times an epoch is listed as often, and held once.
        listed = {side: paths for side, paths in files.items() if not isinstance(paths, NumberedFiles)}
        texts = {path: str(path) for paths in listed.values() for path in paths}
        self.files: dict[Side, Sequence[str | Path]] = {
            side: [texts[path] for path in paths] if side in listed else paths for side, paths in files.items()
        }
        self.settings = settings
        self.samples_a_step = samples_a_step
        self._orders: dict[Side, tuple[int, Callable[[int], Any]]] = {}
        self._spaces: dict[Side, tuple[int, ...]] = {}
        self._look_ahead = LookAhead(domain, self.files, samples_a_step, settings.shuffle == "blocks")

    def __getitem__(self, position: int) -> Batch:
        pace = Pace(self.settings.steps, self.settings.pace)
        return self.draw(Draw(position, pace.factor(position // self.samples_a_step, self.settings.constant_share)))

    def draw(self, wanted: Draw) -> Batch:
        """The pair at a position of the run. Raises MediaError, AdapterError."""
        problems: list[str] = []
        a, b = (sample for sides in self.together for sample in self._samples(sides, wanted, problems))
        contexts = [{name: value[None] for name, value in sample.context.items()} for sample in (a, b)]
        return Batch(a.x[None], b.x[None], tuple(problems), *contexts)

    def _samples(self, sides: tuple[Side, ...], wanted: Draw, problems: list[str]) -> list[Sample]:
        """A sample of each of the sides, which share order and random numbers: those of the first."""
        position, augmentation = wanted
        if len(sides) == 1:
            self._look_ahead(sides[0], position, self._order)
        # Every file's at first, then now and again: of pictures that are held decoded it would cost a tenth.
        values = position < len(self.files[sides[0]]) or position % _VALUES_EVERY == 0
        for attempt in range(ATTEMPTS):
            place = self._place(sides[0], position + attempt * 7919)
            seed = [self.settings.seed, ord(sides[0]), 1, position, attempt]
            drawn: list[Sample] = []
            for side in sides:
                file = Path(self.files[side][place])
                rng = np.random.default_rng(seed)
                try:
                    sample = draw(self.domain, file, side, rng, augmentation, values)
                except (MediaError, OSError) as error:
                    problems.append(f"{file}: {BrokenFile.of(file, error).reason}")
                    break
                drawn.append(self._of_one_size(sample, side, file))
            else:
                return drawn
        which = " or ".join(side.upper() for side in sides)
        raise MediaError(f"{ATTEMPTS} files of {which} in a row cannot be used; the last: {problems[-1]}")

    def _of_one_size(self, sample: Sample, side: Side, file: Path) -> Sample:
        space = tuple(sample.x.shape[1:])
        expected = self._spaces.setdefault(side, space)
        if space != expected:
            raise AdapterError(
                f"{type(self.domain).__name__}.sample gave {_size(space)} values for {file}; "
                f"expected {_size(expected)}, as of the samples of {side.upper()} before it"
            )
        return sample

    def _place(self, side: Side, position: int) -> int:
        """Every epoch goes through all files of a side once (as often as listed), in an order of its own."""
        count = len(self.files[side])
        epoch, place = divmod(position, count)
        if side not in self._orders or self._orders[side][0] != epoch:
            self._orders[side] = (epoch, self._order(side, epoch))
        return int(self._orders[side][1](place))

    def _order(self, side: Side, epoch: int) -> Any:
        """What comes in each place of an epoch; of files that are not listed, their order isn't either."""
        seed, files = [self.settings.seed, ord(side), 0, epoch], self.files[side]
        if isinstance(files, NumberedFiles):
            return (BlockOrder if self.settings.shuffle == "blocks" else KeyedOrder)(len(files), *seed)
        return np.random.default_rng(seed).permutation(len(files)).item


class Positions(Sampler[list[Draw]]):
    """What each batch of this process draws, from a given step on, to the end that `pace` has when it gets there.

    The loader asks some steps ahead (`steps_ahead`): a change of the pace must concern later ones.
    """

    def __init__(
        self,
        settings: TrainingSettings,
        start_step: int,
        rank: int,
        processes: int,
        pace: Callable[[], Pace] | None = None,
        first: int | None = None,
    ) -> None:
        """`first`: the position at which `start_step` begins; None where all steps before it were divided alike."""
        self.settings, self.start_step, self.rank, self.processes = settings, start_step, rank, processes
        self.first = start_step * settings.accumulate * processes * settings.batch if first is None else first
        whole = Pace(settings.steps, settings.pace)
        self.pace = pace or (lambda: whole)

    def __iter__(self) -> Iterator[list[Draw]]:
        batch, accumulate = self.settings.batch, self.settings.accumulate
        first = number = self.start_step * accumulate
        while number < self.pace().steps * accumulate:
            start = self.first + ((number - first) * self.processes + self.rank) * batch
            augmentation = self.pace().factor(number // accumulate, self.settings.constant_share)
            yield [Draw(position, augmentation) for position in range(start, start + batch)]
            number += 1

    def __len__(self) -> int:
        return (self.pace().steps - self.start_step) * self.settings.accumulate


def steps_ahead(settings: TrainingSettings) -> int:
    """Steps for which samples may have been drawn already, the next one included."""
    return 1 - (-AHEAD * settings.workers // settings.accumulate)


def collate(pairs: Sequence[Batch]) -> Batch:
    """Stack batches of one into one batch. Raises MediaError when a domain's samples differ in shape or context."""
    problems = tuple(problem for pair in pairs for problem in pair.problems)
    return Batch(
        _stacked([pair.a for pair in pairs], "samples of A"),
        _stacked([pair.b for pair in pairs], "samples of B"),
        problems,
        _stacked_context([pair.context_a for pair in pairs], "A"),
        _stacked_context([pair.context_b for pair in pairs], "B"),
    )


def _size(space: Sequence[int]) -> str:
    return " x ".join(map(str, space))


def _stacked(values: Sequence[Tensor], what: str) -> Tensor:
    shapes = {tuple(value.shape[1:]) for value in values}
    if len(shapes) > 1:
        raise MediaError(f"{what} differ in shape ({sorted(shapes)}); a batch needs one shape")
    return torch.cat(list(values))


def _stacked_context(contexts: Sequence[Mapping[str, Tensor]], side: str) -> dict[str, Tensor]:
    names = {tuple(sorted(context)) for context in contexts}
    if len(names) > 1:
        raise MediaError(f"samples of {side} differ in context ({sorted(names)}); every sample needs the same names")
    return {
        name: _stacked([context[name] for context in contexts], f"context {name!r} of samples of {side}")
        for name in contexts[0]
    }


class _Sent(Dataset[Batch | UnpairedError]):
    """Pairs, or what is wrong with them: an error that a worker raises would arrive as a page of text."""

    def __init__(self, pairs: PairDataset) -> None:
        self.pairs = pairs

    def __getitem__(self, wanted: Draw) -> Batch | UnpairedError:
        try:
            return self.pairs.draw(wanted)
        except UnpairedError as error:
            if get_worker_info() is not None:  # the traceback stays behind
                error.add_note(traceback.format_exc())
            return error


def _begin_worker(number: int) -> None:
    del number  # DataLoader passes it
    end_with_parent_alone()
    keep_to_one_thread()


def _collated(sent: Sequence[Batch | UnpairedError]) -> Batch | Piped | UnpairedError:
    pairs = [each for each in sent if isinstance(each, Batch)]
    if len(pairs) < len(sent):
        return next(each for each in sent if isinstance(each, UnpairedError))
    try:
        batch = collate(pairs)
    except UnpairedError as error:
        return error
    return batch if get_worker_info() is None else sendable(batch)


def _has_semaphores(count: int) -> bool:
    """Whether the system gives as many semaphores as the queues to and from loader processes take."""
    try:
        return bool([multiprocessing.Lock() for _ in range(count)])
    except OSError:
        return False


def _keeps_threads(domain: Domain) -> bool:
    return isinstance(domain, OverSides) and any(each.keeps_threads for each in domain.indexed.values())


def loader(
    dataset: PairDataset, positions: Positions, pin: bool, say: Callable[[str], None] = print
) -> Iterator[Batch]:
    """Batches in order, fetched ahead by worker processes; `say`: told what slows them down.

    Raises:
        MediaError: too many files in a row cannot be used, or samples do not go together.
        AdapterError: the domain gave what is no sample, or raised what is none of its errors.
        ResourceError: the system has no room for the workers, or ended one.
    """
    workers = dataset.settings.workers
    if workers and not _has_semaphores(4 * (workers + 3)):
        say(f"/dev/shm has no room for loader processes, so that the training process loads, which is slower: {MORE}")
        workers = 0
    batches: DataLoader[Batch | Piped | UnpairedError] = DataLoader(
        _Sent(dataset),
        batch_sampler=positions,
        num_workers=workers,
        worker_init_fn=_begin_worker,
        collate_fn=_collated,
        pin_memory=pin,
        prefetch_factor=AHEAD if workers else None,
        # Keeps the loader's own draw of worker seeds away from the checkpointed global generator.
        generator=torch.Generator().manual_seed(dataset.settings.seed),
        multiprocessing_context="spawn" if workers and _keeps_threads(dataset.domain) else None,
    )
    try:
        with holding_back_termination(), without_garbage():
            fetched = iter(batches)
    except OSError as error:
        raise ResourceError(f"{workers} loader processes cannot start: {error.strerror or error}; {MORE}") from error
    said = False
    for batch in fetched:
        if isinstance(batch, UnpairedError):
            raise batch
        if isinstance(batch, Piped):
            if not said:
                say(f"{batch.why}; batches come through pipes instead, which is slower")
                said = True
            batch = batch.batch()
        yield batch


def draw(
    domain: Domain,
    file: Path,
    side: Side,
    rng: np.random.Generator,
    augmentation: float = 1.0,
    values: bool = True,
) -> Sample:
    """Draw one training sample and check it against the contract; `values`: check its values too.

    Raises:
        MediaError, OSError: as the domain raises them, for a file that cannot be used.
        AdapterError: the domain raised anything else, or returned something that is not a sample.
    """
    try:
        drawn = domain.sample(file, side, rng, augmentation)
    except (UnpairedError, OSError, MemoryError):
        raise
    except Exception as error:
        raise raised(type(domain).__name__, "sample", error, file) from error
    sample = Sample.of(drawn)
    check(domain, "sample", sample.x, side, file, values)
    if sample.keep is not None:
        check_keep(domain, sample.keep, sample.x, file, values)
    return sample


def first_sample(domain: Domain, files: Sequence[Path], side: Side, augmentation: float = 1.0, seed: int = 0) -> Tensor:
    """The tensor of `first_drawn`."""
    return first_drawn(domain, files, side, augmentation, seed).x


def first_drawn(domain: Domain, files: Sequence[Path], side: Side, augmentation: float = 1.0, seed: int = 0) -> Sample:
    """A sample of the first file that can be read. Raises MediaError when none of the first twenty can, AdapterError
    when the domain breaks its contract."""
    problem = "there are none"
    for file in files[:ATTEMPTS]:
        try:
            return draw(domain, file, side, np.random.default_rng(seed), augmentation)
        except (MediaError, OSError) as error:
            problem = str(error)
    raise MediaError(f"none of the first {ATTEMPTS} files of {side.upper()} can be used; the last: {problem}")
