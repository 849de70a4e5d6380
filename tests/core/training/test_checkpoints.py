"""Checkpoints that are damaged, half-written, or met by a full disk."""

from __future__ import annotations

import pickle
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import unpaired
from unpaired import ModelFileError
from unpaired.core.training import checkpoints

WEIGHTS = {"generators.x": torch.arange(6.0)}


def save(run: Path, step: int) -> Path:
    checkpoints.save_local(run, step, 0, {"random": torch.get_rng_state()})
    return checkpoints.save_shared(run, step, WEIGHTS, {"generators": {}}, best=0.25)


def test_a_round_trip(tmp_path: Path) -> None:
    found = checkpoints.load(save(tmp_path, 12))
    assert (found.step, found.best, found.shared) == (12, 0.25, {"generators": {}})
    assert torch.equal(found.weights["generators.x"], WEIGHTS["generators.x"])
    assert torch.equal(found.local["random"], torch.get_rng_state())


def test_the_newest_are_kept_and_leftovers_removed(tmp_path: Path) -> None:
    for step in (5, 10, 100000, 15):
        save(tmp_path, step)
    checkpoints.save_local(tmp_path, 20, 0, {})
    assert len(checkpoints.listed(tmp_path)) == 4
    checkpoints.prune(tmp_path, 2)
    left = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert left == ["step-00000015", "step-00100000"]


@pytest.mark.parametrize("name", ["weights.safetensors", "state.pt"])
def test_a_folder_without_a_file_is_named_and_not_passed_over(tmp_path: Path, name: str) -> None:
    save(tmp_path, 5)
    (save(tmp_path, 10) / name).unlink()
    newest = checkpoints.newest(tmp_path)
    assert newest is not None
    with pytest.raises(ModelFileError, match=f"has no {name}; delete it to resume from an older one .step-00000005"):
        checkpoints.load(newest)


@pytest.mark.parametrize("name", ["weights.safetensors", "state.pt", "process-0.pt"])
@pytest.mark.parametrize("damage", ["cut", "garbage", "empty"])
def test_damage_is_named(tmp_path: Path, name: str, damage: str) -> None:
    file = save(tmp_path, 5) / name
    content = file.read_bytes()
    file.write_bytes({"cut": content[: len(content) // 2], "garbage": b"\x80\x02" + b"no" * 99, "empty": b""}[damage])
    with pytest.raises(unpaired.ModelFileError, match=r"step-00000005 is damaged .*resume from an older one"):
        checkpoints.load(file.parent)


def test_a_newer_format_and_another_number_of_processes(tmp_path: Path) -> None:
    folder = save(tmp_path, 5)
    with pytest.raises(unpaired.ModelFileError, match=r"has no process-1.pt; resume with as many processes"):
        checkpoints.load(folder, rank=1)
    state = torch.load(folder / "state.pt", weights_only=True)
    assert state["format"] == 1
    torch.save({**state, "format": 2}, folder / "state.pt")
    with pytest.raises(unpaired.ModelFileError, match="made by a newer version"):
        checkpoints.load(folder)


class Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, (f"open({str(self.path)!r}, 'w').close()",))


@pytest.mark.parametrize("name", ["state.pt", "process-0.pt"])
@pytest.mark.parametrize("plain", [True, False], ids=["a pickle", "of torch"])
def test_nothing_in_a_checkpoint_is_executed(tmp_path: Path, name: str, plain: bool) -> None:
    folder, sprung = save(tmp_path, 5), tmp_path / "sprung"
    if plain:
        (folder / name).write_bytes(pickle.dumps(Trap(sprung)))
    else:
        torch.save(Trap(sprung), folder / name)
    with pytest.raises(unpaired.ModelFileError, match=r"is damaged \(Weights only load failed.*delete it"):
        checkpoints.load(folder)
    assert not sprung.exists()


def test_a_full_disk_leaves_the_older_checkpoint_and_nothing_else(tmp_path: Path) -> None:
    """Writes beyond 64 KiB fail in the child, as on a full disk."""
    code = f"""
import resource, signal, torch
from pathlib import Path
from unpaired.core.training import checkpoints
from unpaired import OutputError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
run = Path({str(tmp_path)!r})
checkpoints.save_local(run, 1, 0, {{}})
checkpoints.save_shared(run, 1, {{"x": torch.zeros(3)}}, {{}}, None)
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
for part in ("local", "shared"):
    try:
        if part == "local":
            checkpoints.save_local(run, 2, 0, {{"x": torch.zeros(100_000)}})
        else:
            checkpoints.save_shared(run, 2, {{"x": torch.zeros(100_000)}}, {{}}, None)
    except OutputError as error:
        print("refused:", error)
"""
    assert hasattr(resource, "RLIMIT_FSIZE")
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    told = f"refused: cannot write {tmp_path}/checkpoints/step-00000002: File too large; free some space"
    assert result.stdout.count(told) == 2, result.stdout + result.stderr
    assert result.stdout.count("choose another place") == 2
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-00000001"]
