"""What an adapter does wrong is said in one line, with its name, when it happens."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from contract.conftest import Install
from contract.explicit_domain import Ecg, EcgReader
from torch import Tensor

import unpaired
from unpaired import AdapterError, ConversionSettings, MediaError, Reader, TrainingSettings
from unpaired.apps.main import main
from unpaired.core.adapter.checks import check_pickles
from unpaired.core.adapter.installed import find_domain, installed_domains
from unpaired.core.conversion.files import convert
from unpaired.core.monitoring.sheets import _cell
from unpaired.core.training.loader import PairDataset, Positions, loader

QUICK: dict[str, Any] = {
    "preset": "tiny", "device": "cpu", "precision": "fp32", "steps": 3,
    "networks": unpaired.NetworkSettings(filters=2, blocks=1, discriminator_filters=2),
}  # fmt: skip


def missing(x: Tensor) -> Tensor:
    raise KeyError("lead")


def hole(x: Tensor) -> Tensor:
    x[0, 3] = torch.nan
    return x


WRONG: list[tuple[str, str, Callable[[Tensor], Any]]] = [
    ("shape", r"Wrong\.sample gave the shape \(64,\) for \S+\.txt; expected float32 \(1, length\) in \[-1, 1\]",
     lambda x: x[0]),
    ("channels", r"Wrong\.sample gave the shape \(2, 64\) for .*; expected float32 \(1, length\)",
     lambda x: x.repeat(2, 1)),
    ("empty", r"Wrong\.sample gave the shape \(1, 0\) for", lambda x: x[:, :0]),
    ("range", r"Wrong\.sample gave values from -?\d+.* to 255 for \S+\.txt; expected", lambda x: 255 * (x / x.max())),
    ("type", r"Wrong\.sample gave torch\.float64 for \S+\.txt; expected float32", lambda x: x.double()),
    ("array", r"Wrong\.sample gave a ndarray for \S+\.txt; expected float32", lambda x: x.numpy()),
    ("nan", r"Wrong\.sample gave values that are not finite for \S+\.txt; expected", hole),
    ("raises", r"Wrong\.sample raised KeyError: 'lead' for \S+\.txt; expected MediaError", missing),
]  # fmt: skip


def wrong(change: Callable[[Tensor], Any], only: str = "") -> Ecg:
    """The medium with a change to its samples: of the files of that name alone, where one is given."""

    class Wrong(Ecg):
        def sample(self, file: Path, *given: Any, **named: Any) -> Any:
            x = super().sample(file, *given, **named)
            return change(x) if not only or file.name == only else x

    return Wrong(length=64)


def batches(domain: Ecg, recordings: Path, workers: int) -> list[Any]:
    settings = TrainingSettings(steps=6, workers=workers)
    files = {side: sorted((recordings / side).glob("*.txt")) for side in ("a", "b")}
    dataset = PairDataset(domain, files, settings, 1)  # type: ignore[arg-type]
    return list(loader(dataset, Positions(settings, 0, 0, 1), pin=False))


# -- training ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(("message", "change"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_a_wrong_sample_is_refused_before_anything_is_written(
    message: str, change: Callable[[Tensor], Any], recordings: Path
) -> None:
    with pytest.raises(AdapterError, match=f"^{message}") as told:
        unpaired.train(wrong(change), recordings / "a", recordings / "b", recordings / "run", workers=0, **QUICK)
    assert len(str(told.value).splitlines()) == 1
    assert not (recordings / "run").exists()


@pytest.mark.parametrize(("message", "change"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_a_wrong_sample_of_a_later_file_too(message: str, change: Callable[[Tensor], Any], recordings: Path) -> None:
    with pytest.raises(AdapterError, match=f"^{message}"):
        batches(wrong(change, only="2.txt"), recordings, workers=0)


@pytest.mark.parametrize("change", [missing, hole], ids=["raises", "nan"])
def test_a_worker_tells_it_in_one_line(change: Callable[[Tensor], Any], recordings: Path) -> None:
    with pytest.raises(AdapterError, match=r"^Wrong\.sample .*2\.txt; expected") as told:
        batches(wrong(change, only="2.txt"), recordings, workers=1)
    assert len(str(told.value).splitlines()) == 1
    assert any("Traceback" in note for note in told.value.__notes__), "for --debug"


def test_a_worker_tells_of_broken_files_in_one_line(recordings: Path) -> None:
    for file in (recordings / "a").iterdir():
        file.write_text("no number")
    with pytest.raises(MediaError, match=r"^20 files of A in a row cannot be used; the last: ") as told:
        batches(Ecg(length=64), recordings, workers=1)
    assert len(str(told.value).splitlines()) == 1


def test_samples_of_several_sizes(recordings: Path) -> None:
    with pytest.raises(
        AdapterError, match=r"Wrong\.sample gave \d+ values for .*; expected \d+, as of the samples of [AB] before"
    ):
        batches(wrong(lambda x: x[:, :32], only="2.txt"), recordings, workers=0)


def test_values_are_looked_at_again_later(recordings: Path) -> None:
    """After the first epoch of three files, at every sixteenth position."""
    drawn = 0

    def later(x: Tensor) -> Tensor:
        nonlocal drawn
        drawn += 1
        return x if drawn < 12 else 3 + x

    files = {side: sorted((recordings / side).glob("*.txt")) for side in ("a", "b")}
    dataset = PairDataset(wrong(later), files, TrainingSettings(steps=100), 1)  # type: ignore[arg-type]
    for position in range(16):
        dataset[position]
    with pytest.raises(AdapterError, match=r"gave values from [23]"):
        dataset[16]


def test_a_wrong_preview(recordings: Path) -> None:
    class Wrong(Ecg):
        def preview(self, sample: Tensor) -> Tensor:
            return sample

    with pytest.raises(
        AdapterError, match=r"Wrong\.preview gave torch\.float32 of shape \(1, 64\); expected a picture"
    ):
        _cell(torch.zeros(1, 64), Wrong(length=64))


# -- other processes --------------------------------------------------------------------------------
def test_a_domain_that_cannot_go_to_another_process(recordings: Path) -> None:
    domain = wrong(lambda x: x)  # made in a function: no other process can find its class
    with pytest.raises(
        AdapterError, match=r"^Wrong cannot be pickled \(.*Wrong.*\), so that no other process.*workers to 0"
    ):
        unpaired.train(domain, recordings / "a", recordings / "b", recordings / "run", processes=2, **QUICK)
    assert not (recordings / "run").exists()
    check_pickles(domain, workers=0, processes=1)
    if multiprocessing.get_start_method() == "fork":
        check_pickles(domain, workers=2, processes=1)


def test_workers_that_are_spawned_need_it_too(tmp_path: Path) -> None:
    code = f"""
import multiprocessing, sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from contract.explicit_domain import Ecg
from unpaired import AdapterError
from unpaired.core.adapter.checks import check_pickles
multiprocessing.set_start_method("spawn")
def local():
    class Here(Ecg): pass
    return Here()
check_pickles(Ecg(), 2, 1)
check_pickles(local(), 0, 1)
try:
    check_pickles(local(), 2, 1)
except AdapterError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240, check=False)
    assert done.stdout.startswith("Here cannot be pickled ("), done.stderr


def test_settings_that_are_lost_on_the_way(recordings: Path) -> None:
    with pytest.raises(AdapterError, match=r"Forgetful comes back from pickling with EcgSettings\(length=256\)"):
        check_pickles(Forgetful(length=64), workers=2, processes=2)


class Forgetful(Ecg):
    def __reduce__(self) -> tuple[Any, ...]:
        return Forgetful, ()


# -- conversion -------------------------------------------------------------------------------------
class Same:
    """A translator that changes nothing."""

    def __init__(self, domain: Ecg) -> None:
        self.domain = domain

    def for_direction(self, direction: str) -> Callable[[Tensor], Tensor]:
        return lambda x: x.clone()


def reading(change: Callable[[Tensor], Any]) -> Ecg:
    class Changed(EcgReader):
        def __iter__(self) -> Iterator[Tensor]:
            yield from map(change, super().__iter__())

    class Wrong(Ecg):
        def open(self, path: Path, side: Any, options: ConversionSettings) -> Reader:
            return Changed(path)

    return Wrong()


def converting(change: Callable[[Tensor], Any]) -> Ecg:
    class Wrong(Ecg):
        def convert(self, *given: Any) -> Iterator[Tensor]:
            yield from map(change, super().convert(*given))

    return Wrong()


@pytest.mark.parametrize(
    ("domain", "message"),
    [
        (reading(lambda x: x[0]), r"Wrong\.open gave the shape \(512,\) for \S+0\.txt; expected float32 \(1, length\)"),
        (reading(lambda x: x.double()), r"Wrong\.open gave torch.float64"),
        (reading(lambda x: x + 7), r"Wrong\.open gave values from 6\.\d+ to 7\.\d+ for \S+0\.txt; expected"),
        (reading(hole), r"Wrong\.open gave values that are not finite"),
        (reading(lambda x: None), r"Wrong\.open gave a NoneType"),
        (converting(lambda x: x[0]), r"Wrong\.convert gave the shape \(512,\) for \S+0\.txt; expected float32"),
        (converting(lambda x: x.repeat(2, 1)), r"Wrong\.convert gave the shape \(2, 512\)"),
        (converting(lambda x: x.numpy()), r"Wrong\.convert gave a ndarray"),
    ],
)
def test_a_wrong_chunk_ends_the_conversion_and_leaves_nothing(domain: Ecg, message: str, recordings: Path) -> None:
    with pytest.raises(AdapterError, match=f"^{message}"):
        convert(Same(domain), recordings / "a", recordings / "out")  # type: ignore[arg-type]
    assert not (recordings / "out").exists()


def test_blending_what_differs_in_channels_is_refused(recordings: Path) -> None:
    class Wider(Same):
        def for_direction(self, direction: str) -> Callable[[Tensor], Tensor]:
            return lambda x: x.repeat(1, 2, 1)

    class Unlike(Ecg):
        def channels(self, side: str) -> int:
            return 1 if side == "a" else 2

    with pytest.raises(unpaired.ConfigError, match=r"strength is 0\.5; it must be 1 where A and B differ in channels"):
        convert(Wider(Unlike()), recordings / "a", recordings / "out", strength=0.5)  # type: ignore[arg-type]


# -- packages ---------------------------------------------------------------------------------------
GOOD = "from contract.explicit_domain import Ecg\nclass {name}(Ecg):\n    name = {registered!r}\n"


def broken(name: str) -> str:
    (reason,) = [entry.broken for entry in installed_domains() if entry.name == name]
    return reason or ""


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("class Odd(:\n", "cannot be imported: SyntaxError: "),
        ("raise RuntimeError('no\\nlicence')\n", "cannot be imported: RuntimeError: no licence"),
        ("import no_such_module\n", "cannot be imported: No module named 'no_such_module'"),
        ("from unpaired.core.arrays import ArrayDomain\n",
         "No module named 'unpaired.core.arrays'; what was there is in unpaired.core.adapter.array_domain now"),
        ("from unpaired.core.settings import CycleSettings\n",
         "; it is unpaired.CycleSettings now"),
        ("x = 1 / 0\n", "cannot be imported: ZeroDivisionError: division by zero"),
        ("Even = 1\n", "cannot be imported: module 'odd' has no attribute 'Odd'"),
        ("class Odd: pass\n", "cannot be used: Odd is not a subclass of unpaired.Domain"),
        ("from unpaired import ArrayDomain\nclass Odd(ArrayDomain):\n    name = 'odd'\n",
         "cannot be used: Odd has no channels, read, write"),
        (GOOD.format(name="Odd", registered="even"), "Odd.name is 'even'; expected 'odd', the name it is registered"),
    ],
)  # fmt: skip
def test_a_broken_package_is_listed_and_stops_nothing_else(
    code: str, reason: str, install: Install, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "odd", raising=False)
    install("odd-package", "odd", "odd:Odd", code)
    assert broken("odd").startswith("the domain 'odd' of odd-package 1.0 ")
    assert reason in broken("odd")
    assert len(broken("odd").splitlines()) == 1
    monkeypatch.delitem(sys.modules, "odd", raising=False)
    assert main(["domains"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in listed] == ["audio", "image", "odd", "tensors", "video"]
    assert sum("  broken: " in line for line in listed) == 1
    assert main(["train", "--domain", "odd", "--a", "a", "--b", "b", "--out", "run"]) == 2
    assert reason in " ".join(capsys.readouterr().err.split())
    assert main(["train", "--domain", "image", "--help"]) == 0
    assert unpaired.load("day2night", runtime="torch").for_input("clip.mp4").domain.name == "video"


def test_two_packages_with_one_name(install: Install) -> None:
    code = GOOD.format(name="Odd", registered="odd")
    install("first-package", "odd", "odd:Odd", code)
    install("second-package", "odd", "odd:Odd")
    reason = broken("odd")
    for package in ("first-package 1.0", "second-package 1.0"):
        assert package in reason
    assert reason.startswith("two packages register the domain 'odd': ")
    with pytest.raises(unpaired.UnknownName, match="uninstall one of them"):
        find_domain("odd")


def test_at_the_command_line_it_is_one_line(
    install: Install, recordings: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "loud", raising=False)
    louder = "    def sample(self, *given, **named):\n        return 9 * super().sample(*given, **named)\n"
    install("loud-package", "loud", "loud:Loud", GOOD.format(name="Loud", registered="loud") + louder)
    sides = ["--a", str(recordings / "a"), "--b", str(recordings / "b"), "--out", str(recordings / "run")]
    assert main(["train", "--domain", "loud", *sides, "--domain.length", "64", "--preset", "tiny"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("unpaired: Loud.sample gave values from ")
    assert told.endswith("; expected float32 (1, length) in [-1, 1]\n")
    assert len(told.splitlines()) == 1
    assert not (recordings / "run").exists()
