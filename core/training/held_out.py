"""Files that are not trained on: which, by their names and the seed alone, and what the run says of them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path

from ..adapter.domain import Domain
from ..adapter.folders import spread
from ..adapter.inspection import FEWEST as FEWEST_SAMPLES
from ..adapter.inventory import Inventory
from ..adapter.labels import Labels
from ..errors import ConfigError
from ..files import atomic_text, real_path
from ..sides import SIDES, Side

FROM = 50
"""Files of each side from which on some are held out unless the user says otherwise."""
SHARE, FEWEST, MOST = 0.1, 8, 32
"""Share of a side that is held out by default, and the numbers of files that it stays between."""
HELD_OUT = "held-out.json"
"""The file of a run that names them."""
LEAST = 2
"""Files of a side below which there is nothing to score."""
_GROUPS = 10
"""Groups of files that belong together from which on they are held out as wholes."""
_LARGEST = 0.15
"""Share of a side that groups may take, where twice the wanted number of files is less."""


def held_out_count(files: int, setting: float | None) -> int:
    """Number of `files` that `training.held_out` asks for: None is the default, below 1 a share, else a number."""
    if setting is None:
        return min(max(round(SHARE * files), FEWEST), MOST) if files >= FROM else 0
    return round(setting * files) if setting < 1 else int(setting)


@dataclass(frozen=True)
class HeldOutFiles:
    """What a run is scored by."""

    inventories: Mapping[Side, Inventory] = field(default_factory=dict)
    """Files of each side; empty where there are none."""
    of_test_folders: bool = False
    """Whether they come from folders of their own, else out of those that are trained on."""
    from_noise: bool = False
    """Whether those of A are noise, which samples are made from to be compared with the files of B."""

    @property
    def scored(self) -> dict[Side, tuple[Path, ...]]:
        """At most 32 files of each side, evenly spread; a long recording as often as an epoch would draw from it."""
        return {side: tuple(spread(each.drawn, MOST)) for side, each in self.inventories.items()}

    def say(self, say: Callable[[str], None]) -> None:
        """One line on it, if there is anything."""
        if self.inventories:
            say(self._in_words())

    def _in_words(self) -> str:
        scored = {side: len(files) for side, files in self.scored.items()}
        if self.from_noise:
            where = "a test folder" if self.of_test_folders else "B that are held out, not trained on"
            return (f"scored at checkpoints by {scored['a']} samples from noise, beside {scored['b']} of {where}"
                    f"{'' if self.of_test_folders else ' (training.held_out 0 trains on all)'}")  # fmt: skip
        what = f"scored at checkpoints by {scored['a']} samples of A and {scored['b']} of B"
        if self.of_test_folders:
            return f"{what}, from the test folders"
        a, b = (len(self.inventories[side].files) for side in SIDES["a2b"])
        return f"{what}: {a} and {b} files are held out, not trained on (training.held_out 0 trains on all)"

    def write(self, run: Path) -> None:
        """Record the files in a run folder, by full names, if there are any. Raises OutputError."""
        if self.inventories:
            names = {side: [str(file.absolute()) for file in each.files] for side, each in self.inventories.items()
                     if side == "b" or not self.from_noise}  # fmt: skip
            atomic_text(run / HELD_OUT, json.dumps(names, indent=2) + "\n")


def hold_out(
    inventories: Mapping[Side, Inventory], setting: float | None, seed: int, paired: bool
) -> tuple[dict[Side, Inventory], HeldOutFiles]:
    """What is left to train on, and what is held out: nothing where `setting` or few files say so.

    Chosen by the seed and the names below the folder, so that neither the order of a listing nor the place of the
    folder matters. Files that belong together (those of one of ten or more subfolders, or of ten or more names that
    differ in more than their last number) stay together; with `paired` so do true pairs.

    Raises:
        ConfigError: so few are held out that there is nothing to score, or so few left that there is nothing to train.
    """
    counts = {side: held_out_count(len(each.files), setting) for side, each in inventories.items()}
    if setting == 0 or (setting is None and 0 in counts.values()):
        return dict(inventories), HeldOutFiles()
    chosen = {side: _choose(each, counts[side], seed) for side, each in inventories.items()}
    if paired:
        places = [place for place, file in enumerate(inventories["a"].files) if file in chosen["a"]]
        chosen = {side: {each.files[place] for place in places} for side, each in inventories.items()}
    held = {side: _only(each, chosen[side]) for side, each in inventories.items()}
    left = {side: _only(each, {*each.files} - chosen[side]) for side, each in inventories.items()}
    for side in inventories:
        _require_enough(side, held[side], left[side], setting)
    return left, HeldOutFiles(held)


def hold_out_real(
    real: Inventory, setting: float | None, seed: int, labels: Labels | None
) -> tuple[Inventory, HeldOutFiles]:
    """The same of B alone, for a generator from noise. With labels each file stands for itself, and each label has its
    share of what is held out.

    Raises:
        ConfigError: as `hold_out`.
    """
    count = held_out_count(len(real.files), setting)
    if setting == 0 or not count:
        return real, HeldOutFiles()
    chosen = _choose_of_labels(real, labels, count, seed) if labels else _choose(real, count, seed)
    held, left = _only(real, chosen), _only(real, {*real.files} - chosen)
    _require_enough("b", held, left, setting)
    return left, HeldOutFiles({"b": held})


def held_out_of(domain: Domain, folders: Mapping[Side, Path], trained_on: Sequence[Path]) -> HeldOutFiles:
    """The files of test folders; `trained_on`: folders that they must not be.

    Raises:
        MissingFile: there is no such folder.
        ConfigError: it is trained on, or holds too few usable files.
    """
    inventories: dict[Side, Inventory] = {}
    for side, folder in folders.items():
        if real_path(folder) in map(real_path, trained_on):
            raise ConfigError(f"test_{side} is {folder}, which is trained on; give a folder of other files")
        inventories[side] = found = domain.scan(folder)
        if len(found.drawn) < LEAST:
            raise ConfigError(
                f"test_{side} holds {len(found.files)} usable files ({folder}), {len(found.broken)} broken; "
                f"scores need {LEAST} or more"
            )
    return HeldOutFiles(inventories, of_test_folders=True)


def _require_enough(side: Side, held: Inventory, left: Inventory, setting: float | None) -> None:
    asked = "by default" if setting is None else f"training.held_out is {setting:g}:"
    files = f"{len(held.files)} of {len(held.files) + len(left.files)} files of {side.upper()}"
    if len(held.files) < LEAST:
        raise ConfigError(f"{asked} {files} are held out; scores need {LEAST} or more "
                          "(0 holds out none)")  # fmt: skip
    if len(left.drawn) < FEWEST_SAMPLES:
        raise ConfigError(f"{asked} {files} are held out; training needs {FEWEST_SAMPLES} "
                          "or more of them (0 holds out none)")  # fmt: skip


def _choose(found: Inventory, count: int, seed: int) -> set[Path]:
    """Groups of files in the order of a hash, until there are `count` files or more."""
    for groups in _groupings(found):
        ordered = [groups[name] for name in sorted(groups, key=lambda name: _hash(seed, name))]
        # Rather several small groups than one large one, for few recordings say little about a side.
        several = _fill([group for group in ordered if len(group) <= max(1, count / 3)], count, round(1.25 * count))
        few = _fill(ordered, count, max(2 * count, round(_LARGEST * len(found.files))))
        for chosen in (several, few):
            if len(chosen) >= count:
                return chosen
    return chosen


def _choose_of_labels(found: Inventory, labels: Labels, count: int, seed: int) -> set[Path]:
    """`count` files, of each label in proportion to its number."""
    by_label: dict[int | None, list[tuple[str, Path]]] = {}
    for file in found.files:
        name = file.relative_to(found.folder).as_posix()
        by_label.setdefault(labels.of(file), []).append((_hash(seed, name), file))
    ranked = [((rank + 0.5) / len(each), digest, file)
              for each in by_label.values() for rank, (digest, file) in enumerate(sorted(each))]  # fmt: skip
    return {file for _, _, file in sorted(ranked)[:count]}


def _fill(groups: Sequence[Sequence[Path]], count: int, most: int) -> set[Path]:
    """Groups, as they come, until there are `count` files, and never more than `most`."""
    chosen: set[Path] = set()
    for group in groups:
        if len(chosen) < count and len(chosen) + len(group) <= most:
            chosen.update(group)
    return chosen


def _hash(seed: int, name: str) -> str:
    return hashlib.sha256(f"{seed}:{name}".encode(errors="surrogateescape")).hexdigest()


def _groupings(found: Inventory) -> Iterator[dict[str, list[Path]]]:
    """The files by what may belong together: subfolder and name up to the last number, then subfolder, where there are
    several of none that most lie in; then each by itself."""
    names = {file: file.relative_to(found.folder).with_suffix("") for file in found.files}
    keys = [
        {file: re.sub(r"\d+$", "", name.as_posix()) for file, name in names.items()},
        {file: name.parent.as_posix() for file, name in names.items()},
        {file: name.as_posix() for file, name in names.items()},
    ]
    for key_of in keys:
        groups: dict[str, list[Path]] = {}
        for file, key in key_of.items():
            groups.setdefault(key, []).append(file)
        largest = max(map(len, groups.values()))
        if key_of is keys[-1] or (len(groups) >= _GROUPS and largest <= len(names) / 2):
            yield groups


def _only(found: Inventory, files: set[Path]) -> Inventory:
    kept = [file in files for file in found.files]
    draws = tuple(compress(found.draws, kept))
    return dataclasses.replace(found, files=tuple(compress(found.files, kept)), draws=draws)
