"""Scoring a translator on recordings it was not trained on, through the whole conversion, from file to file.

Beside every figure stands that of the input as it is (what a converter must beat) and that of real recordings of the
target (what there is to reach).
"""

from __future__ import annotations

import math
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ....core.adapter.inventory import BrokenFile
from ....core.errors import ConfigError, MediaError, MissingFile
from ....core.evaluation.report import FileFigures
from ....core.evaluation.test_set import draw
from ....core.sides import SIDES, Direction, Side
from ..judges.panel import Judgement, Panel
from ..reading.files import SoundFile
from .analysis import MEL_CEPSTRUM, Voice, analyse_file, common_rate
from .judged import JudgedDirection, in_short, way
from .results import BY_JUDGES, FIGURES, ROWS, DirectionScores, Example, Row, VoiceEvaluation
from .scores import Estimate, against_target, cents, definition, pooled_f0, speaker_similarity

if TYPE_CHECKING:
    from ....core.conversion.translator import Translator
_EXAMPLES = 8


# -- the evaluation ---------------------------------------------------------------------------------


def evaluate_voices(
    translator: Translator,
    a: Path,
    b: Path,
    *,
    paired: bool = False,
    directions: Sequence[Direction] | None = None,
    limit: int | None = None,
    seed: int = 0,
    page: Path | None = None,
    options: Mapping[str, Any] | None = None,
    judges: Mapping[str, bool] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> VoiceEvaluation:
    """Convert the recordings below one folder and compare them with those below the other.

    Args:
        translator: of the domain audio.
        a, b: held-out folders.
        paired: files of the same name, suffix aside, are the same sentence. Where several recordings of the other side
            have the name (of several speakers, in folders of their own), each is compared with.
        directions: by default all that the model has.
        limit, seed: so many inputs a direction, drawn with `seed`.
        page: HTML page to write, with the recordings to listen to.
        options: of the conversion, as for `Translator.convert`.
        judges: which ones are asked, as `Domain.judges` has them; by default those.
        progress: called with recordings done and recordings in all.

    Raises:
        MissingFile, MediaError: a folder is not there, or holds nothing that can be scored.
        ConfigError: no name of one folder is found in the other, or the model lacks a direction.
        OutputError: the page cannot be written.
    """
    directions = _directions(translator, directions)
    files: dict[Side, tuple[Path, ...]] = {"a": _recordings(translator, a), "b": _recordings(translator, b)}
    rate = common_rate(_rate(file) for side in files.values() for file in side)
    asked = translator.domain.judges() if judges is None else judges
    library = _Library(rate, Panel(asked))
    sources = {direction: draw(files[SIDES[direction][0]], limit, seed) for direction in directions}
    tick = _ticking(progress, sum(map(len, sources.values())))
    with tempfile.TemporaryDirectory(prefix="unpaired-") as scratch:
        scorers = {
            each: _DirectionScorer(translator, each, library, Path(scratch) / each, dict(options or {}))
            for each in directions
        }
        found = {
            each: scorer.scores(sources[each], files[SIDES[each][1]], paired, tick) for each, scorer in scorers.items()
        }
        files_scored = tuple(each for scorer in scorers.values() for each in scorer.files)
        notes = tuple(f"{each}: {note}" for each, scorer in scorers.items() for note in scorer.notes)
        evaluation = VoiceEvaluation(
            rate, definition(rate), found, tuple(library.left_out), files_scored, dict(asked), notes
        )
        if page is not None:
            from .listening_page import write_page

            examples = {each: scorer.examples for each, scorer in scorers.items()}
            write_page(page, evaluation, examples, translator.model.names)
    return evaluation


def _ticking(progress: Callable[[int, int], None] | None, total: int) -> Callable[[], None]:
    """Tells `progress` of each recording that is done."""
    numbers = count(1)

    def tick() -> None:
        done = next(numbers)
        if progress is not None:
            progress(done, total)

    return tick


def _directions(translator: Translator, wanted: Sequence[Direction] | None) -> tuple[Direction, ...]:
    there = tuple(translator.model.generators)
    missing = [direction for direction in wanted or () if direction not in there]
    if missing:
        raise ConfigError(f"the model has no direction {missing[0]!r}; it has {', '.join(there)}")
    return tuple(wanted or there)


def _recordings(translator: Translator, folder: Path) -> tuple[Path, ...]:
    if not folder.is_dir():
        raise MissingFile(f"no folder at {folder}; give a folder of test recordings")
    files = translator.domain.scan(folder).files
    if not files:
        raise MediaError(f"{folder} holds no recording that can be read; give a folder of test recordings")
    return tuple(files)


def _rate(file: Path) -> int:
    with SoundFile(file) as sound:
        if sound.info.rate < min(MEL_CEPSTRUM):
            raise MediaError(f"{file} has {sound.info.rate} Hz; voices are scored from {min(MEL_CEPSTRUM)} Hz on")
        return sound.info.rate


class _Library:
    """Analyses, each made once; recordings that cannot be scored are left out and named."""

    def __init__(self, rate: int, panel: Panel) -> None:
        self.rate, self.panel = rate, panel
        self.left_out: list[BrokenFile] = []
        self._voices: dict[Path, Voice | None] = {}
        self._judged: dict[Path, Judgement] = {}

    def voice(self, file: Path) -> Voice | None:
        if file not in self._voices:
            try:
                self._voices[file] = analyse_file(file, self.rate)
            except MediaError as error:
                self._voices[file] = None
                self.left_out.append(BrokenFile.of(file, error))
        return self._voices[file]

    def voices(self, files: Iterable[Path]) -> dict[Path, Voice]:
        """The recordings that can be scored."""
        heard_ones = {file: self.voice(file) for file in files}
        return {file: voice for file, voice in heard_ones.items() if voice is not None}

    def judged(self, files: Iterable[Path]) -> dict[Path, Judgement]:
        """What the judges make of recordings that can be scored."""
        for file in files:
            if file not in self._judged:
                self._judged[file] = self.panel.judge_file(file)
        return {file: self._judged[file] for file in files}


class _DirectionScorer:
    """One direction."""

    def __init__(
        self, translator: Translator, direction: Direction, library: _Library, scratch: Path, options: dict[str, Any]
    ) -> None:
        self.translator, self.direction, self.library = translator, direction, library
        self.scratch, self.options = scratch, options
        self.examples: list[Example] = []
        self.files: list[FileFigures] = []
        self.notes: Sequence[str] = ()
        self._spent: list[float] = []
        self._seconds: list[float] = []

    def scores(
        self, sources: Sequence[Path], targets: Sequence[Path], paired: bool, tick: Callable[[], None]
    ) -> DirectionScores:
        """Convert every source; compare it, its source and the targets themselves with the targets."""
        ours, theirs = self.library.voices(sources), self.library.voices(targets)
        if not ours or not theirs:
            raise MediaError(f"nothing can be scored {self.direction}: {self.library.left_out[0].reason}")
        counterparts = _counterparts(ours, theirs) if paired else {}
        judged = JudgedDirection(self.library.judged(ours), self.library.judged(theirs))
        self.notes = judged.notes
        rows: dict[str, _Gathered] = {name: _Gathered() for name in ROWS}
        shown = set(np.linspace(0, len(ours) - 1, _EXAMPLES).round().astype(int).tolist())
        converted: list[Voice] = []
        for number, (file, voice) in enumerate(ours.items()):
            output, result = self._convert(file, number)
            true = [theirs[other] for other in counterparts.get(file, ())]
            likeness = [speaker_similarity(each, [*ours.values()], [*theirs.values()]) for each in (result, voice)]
            source, judgement = self.library.judged([file])[file], self.library.panel.judge_file(output)
            own = {"hnr": result.hnr, "similarity": likeness[0], **judged.figures(judgement, source)}
            after = rows["converted"].add(
                [against_target(result, each) for each in true], own | voicing_change(result, voice)
            )
            own = {"hnr": voice.hnr, "similarity": likeness[1], **judged.figures(source)}
            before = rows["input"].add([against_target(voice, each) for each in true], own)
            figures = after | {f"untranslated {name}": value for name, value in before.items()}
            self.files.append(FileFigures(SIDES[self.direction][0], file, figures))
            converted.append(result)
            if number in shown:
                said = {"source": in_short(source, before), "converted": in_short(judgement, after)}
                self.examples.append(_example(file, output, counterparts.get(file, ()), after, said))
            tick()
        rows["target"].add_real(theirs, [*ours.values()], paired, self._of_targets(judged, theirs, counterparts))
        return self._results(rows, ours, theirs, converted, sum(map(len, counterparts.values())))

    def _of_targets(
        self, judged: JudgedDirection, theirs: Iterable[Path], counterparts: Mapping[Path, Sequence[Path]]
    ) -> dict[Path, dict[str, float]]:
        """What the judges say of the target's own recordings, and of the sources of the same words beside them."""
        same: defaultdict[Path, list[Path]] = defaultdict(list)
        for source, targets in counterparts.items():
            for each in targets:
                same[each].append(source)
        return {file: judged.of_target(each, same[file]) for file, each in self.library.judged(theirs).items()}

    def _results(
        self,
        rows: Mapping[str, _Gathered],
        ours: Mapping[Path, Voice],
        theirs: Mapping[Path, Voice],
        converted: Sequence[Voice],
        pairs: int,
    ) -> DirectionScores:
        pitch = pooled_f0([*theirs.values()])
        pools = {"input": [*ours.values()], "converted": converted}
        results = {name: row.result() | _offset(pools.get(name, []), pitch) for name, row in rows.items()}
        results["converted"] |= way({name: row.values for name, row in rows.items()})
        return DirectionScores(
            rows=results,
            files=len(ours),
            pairs=pairs,
            target_f0=pitch,
            real_time_factor=sum(self._spent[1:]) / sum(self._seconds[1:]) if len(self._spent) > 1 else math.nan,
        )

    def _convert(self, file: Path, number: int) -> tuple[Path, Voice]:
        output = self.scratch / f"{number}.wav"
        start = time.perf_counter()
        self.translator.convert(file, output, self.direction, **self.options)
        self._spent.append(time.perf_counter() - start)
        self._seconds.append(len(self.library.voices([file])[file].f0) * 0.005)
        return output, analyse_file(output, self.library.rate)


def _counterparts(ours: Mapping[Path, Voice], theirs: Mapping[Path, Voice]) -> dict[Path, list[Path]]:
    named: defaultdict[str, list[Path]] = defaultdict(list)
    for file in theirs:
        named[file.stem].append(file)
    found = {file: named[file.stem] for file in ours if file.stem in named}
    if not found:
        one, other = next(iter(ours)).name, next(iter(theirs)).name
        raise ConfigError(f"no recording has its counterpart: names differ, such as {one} and {other}; "
                          "give both sides of a sentence the same name, or leave --paired out")  # fmt: skip
    return found


def _example(
    file: Path, output: Path, targets: Sequence[Path], figures: Mapping[str, float], said: Mapping[str, str]
) -> Example:
    return Example(file, output, targets[0] if targets else None, figures.get("mcd", math.nan), said)


def voicing_change(voice: Voice, source: Voice) -> dict[str, float]:
    """Share of frames whose voicing a conversion, which keeps the length, changed among the source's speech."""
    frames = min(len(voice.f0), len(source.f0))
    differs = (voice.f0[:frames] > 0) != (source.f0[:frames] > 0)
    speech = source.speech[:frames]
    return {"vuv_change": float(differs[speech].mean())} if speech.any() else {}


def _offset(voices: Sequence[Voice], pitch: float) -> Row:
    """Distance of a set's median pitch above the target's, in cents."""
    ours = pooled_f0(voices)
    if math.isnan(ours) or math.isnan(pitch):
        return {}
    return {"f0_offset": Estimate.of([cents(ours, pitch)])}


class _Gathered:
    """Figures of inputs: one value each, the mean over its counterparts, so that what is averaged is independent."""

    def __init__(self) -> None:
        self.values: defaultdict[str, list[float]] = defaultdict(list)

    def add(self, compared: Sequence[Mapping[str, float]], own: Mapping[str, float]) -> dict[str, float]:
        """Those of one input, which are given back."""
        named = dict.fromkeys(name for each in compared for name in each)
        figures = {name: float(np.mean([each[name] for each in compared if name in each])) for name in named}
        figures.update(own)
        for name, value in figures.items():
            self.values[name].append(value)
        return figures

    def add_real(
        self,
        theirs: Mapping[Path, Voice],
        source: Sequence[Voice],
        paired: bool,
        judged: Mapping[Path, dict[str, float]],
    ) -> None:
        """The target's own recordings; where several speakers said one sentence, each against the others."""
        everyone = [*theirs.values()]
        groups: defaultdict[str, list[Voice]] = defaultdict(list)
        for file, voice in theirs.items():
            groups[file.stem].append(voice)
        for file, voice in theirs.items():
            others = [each for each in groups[file.stem] if each is not voice] if paired else []
            own = {"hnr": voice.hnr, "similarity": speaker_similarity(voice, source, everyone)}
            self.add([against_target(voice, each) for each in others], own | judged[file])

    def result(self) -> Row:
        estimates = {name: Estimate.bootstrapped if name in BY_JUDGES else Estimate.of for name in FIGURES}
        return {name: of(self.values[name]) for name, of in estimates.items() if self.values.get(name)}
