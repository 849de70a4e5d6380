"""The scripts for SLURM in the documentation, run under an `sbatch` and an `srun` made of bash."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from doc_fences import ROOT, Fence, fences
from PIL import Image as Pillow

from unpaired.core.scale.shard import Shard

SBATCH = r"""#!/bin/bash
# sbatch SCRIPT: the options of its #SBATCH lines, and the script once for each task of the array.
nodes=1 each=1 cpus="" first=0 last=0 array=""
while read -r _ option; do
  case $option in
    --array=*) array=${option#*=} first=${array%-*} last=${array#*-} ;;
    --nodes=*) nodes=${option#*=} ;;
    --ntasks-per-node=*) each=${option#*=} ;;
    --cpus-per-task=*) cpus=${option#*=} ;;
    --gpus-per-node=[0-9]|--requeue) ;;
    --time=[0-9][0-9]:[0-9][0-9]:[0-9][0-9]) ;;
    --signal=TERM@[0-9]*) ;;
    *) echo "sbatch: unrecognized option '$option'" >&2; exit 1 ;;
  esac
done < <(grep '^#SBATCH' "$1")
bash -n "$1" || exit 1
export SLURM_JOB_ID=4711 SLURM_NNODES=$nodes SLURM_NTASKS_PER_NODE=$each SLURM_NTASKS=$((nodes * each))
export SLURM_JOB_NODELIST="127.0.0.[1-$nodes]"
[ -n "$cpus" ] && export SLURM_CPUS_PER_TASK=$cpus
for task in $(seq "$first" "$last"); do
  [ -n "$array" ] && export SLURM_ARRAY_TASK_ID=$task SLURM_ARRAY_TASK_COUNT=$((last - first + 1))
  bash "$1" || code=$?
done
exit "${code:-0}"
"""
SRUN = r"""#!/bin/bash
# srun [--cpus-per-task N] COMMAND: one for each task, at the same time. It takes no CPUs over from sbatch (22.05).
export GRANTED=1
[ "$1" = --cpus-per-task ] && { GRANTED=$2; shift 2; }
for rank in $(seq 0 $((SLURM_NTASKS - 1))); do
  SLURM_PROCID=$rank SLURM_NODEID=$((rank / SLURM_NTASKS_PER_NODE)) "$@" & running+=($!)
done
for each in "${running[@]}"; do wait "$each" || code=$?; done
exit "${code:-0}"
"""
SCONTROL = """#!/bin/bash
[ "$1 $2" = "show hostnames" ] && seq -f '127.0.0.%g' 1 "$SLURM_NNODES"
"""
RECORDING = """#!/bin/bash
echo "$GRANTED $SLURM_NODEID $(basename "$0") $*" >> "$RECORD"
"""


def script(page: str) -> Fence:
    """The only one of a page."""
    (found,) = (each for each in fences(ROOT / page) if "#SBATCH" in each.code)
    return found


@pytest.fixture
def cluster(tmp_path: Path) -> Path:
    """The folder of a SLURM without machines, and of an `unpaired` and a `torchrun` that say how they were called."""
    place = tmp_path / "bin"
    place.mkdir()
    stubs = {"sbatch": SBATCH, "srun": SRUN, "scontrol": SCONTROL, "unpaired": RECORDING, "torchrun": RECORDING}
    for name, code in stubs.items():
        (place / name).write_text(code)
        (place / name).chmod(0o755)
    return place


def submit(cluster: Path, code: str, **extra: str) -> list[str]:
    """What a script calls, a line each."""
    job, record = cluster / "job.sh", cluster / "record"
    job.write_text(code)
    record.touch()
    known = {name: value for name, value in os.environ.items() if not name.startswith("SLURM")}
    path = {"PATH": f"{cluster}{os.pathsep}{os.environ['PATH']}", "RECORD": str(record)}
    done = subprocess.run(["sbatch", str(job)], env=known | path | extra, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-3000:]
    return record.read_text().splitlines()


def test_the_tasks_of_an_array_take_every_share_once(cluster: Path) -> None:
    calls = [call.split() for call in submit(cluster, script("docs/how-to/convert-an-archive.md").code)]
    shares = [Shard.parse(call[call.index("--shard") + 1]) for call in calls]
    assert sorted(share.index for share in shares) == list(range(shares[0].count))
    assert {(call[0], call[2], call[3]) for call in calls} == {("8", "unpaired", "convert")}
    assert all(int(call[call.index("--workers") + 1]) <= int(call[0]) for call in calls)


@pytest.mark.parametrize("begun", [False, True])
def test_a_training_starts_one_torchrun_a_machine_and_goes_on_where_it_stopped(
    cluster: Path, tmp_path: Path, begun: bool
) -> None:
    config = tmp_path / "runs/monet/config.yaml"
    config.parent.mkdir(parents=True)
    if begun:
        config.touch()
    code = script("docs/how-to/several-machines.md").code.replace("/shared/", f"{tmp_path}/")
    calls = submit(cluster, code)
    assert sorted(call.split()[1] for call in calls) == ["0", "1"]
    assert all(call.startswith("16 ") and " --nnodes 2 " in call for call in calls)
    assert all("--rdzv-id 4711 " in call and "--rdzv-endpoint 127.0.0.1:29500" in call for call in calls)
    assert all(call.endswith("--resume") is begun for call in calls)


def real(cluster: Path) -> Mapping[str, str]:
    """Let `unpaired` and `torchrun` be themselves, with one thread."""
    for name, module in (("unpaired", "unpaired.apps.main"), ("torchrun", "torch.distributed.run")):
        (cluster / name).write_text(f'#!/bin/bash\nexec {sys.executable} -m {module} "$@"\n')
    return {"OMP_NUM_THREADS": "1"}


def pictures(folder: Path, count: int) -> Path:
    """Small ones."""
    folder.mkdir(parents=True)
    for number in range(count):
        pixels = np.random.default_rng(number).integers(0, 256, (40, 40, 3), dtype=np.uint8)
        Pillow.fromarray(pixels).save(folder / f"{number}.png")
    return folder


@pytest.mark.slow
def test_an_array_of_two_converts_all_files_once(cluster: Path, tmp_path: Path) -> None:
    source = pictures(tmp_path / "data/photos", 6)
    code = script("docs/how-to/convert-an-archive.md").code.replace("/data/", f"{tmp_path}/data/")
    code = code.replace("0-63", "0-1").replace("/64", "/2").replace("--workers 4", "--workers 1")
    submit(cluster, code, **real(cluster))
    out = tmp_path / "data/nights"
    assert {each.name for each in out.glob("*.png")} == {each.name for each in source.iterdir()}
    assert len(list(out.glob(".unpaired/report-*-of-2.json"))) == 2
    assert sum(file.read_text().count("\n") for file in out.glob(".unpaired/*.jsonl")) == 6


@pytest.mark.slow
def test_two_torchruns_train_together_and_go_on(cluster: Path, tmp_path: Path) -> None:
    for side in ("photos", "paintings"):
        pictures(tmp_path / "data" / side, 4)
    code = script("docs/how-to/several-machines.md").code.replace("/shared/", f"{tmp_path}/")
    code = code.replace("/data/", f"{tmp_path}/data/").replace("--nproc-per-node 4", "--nproc-per-node 1")
    code = code.replace(" $resume", " --preset tiny --domain.size 32 --batch 1 --device cpu --steps $STEPS $resume")
    for steps in (2, 4):
        submit(cluster, code, STEPS=str(steps), **real(cluster))
        assert (tmp_path / f"runs/monet/checkpoints/step-{steps:08}").is_dir()
