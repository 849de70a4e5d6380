"""The demonstration does what it says, in a few steps."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path


def test_the_demonstration_from_picture_to_report(repository: Path, tmp_path: Path) -> None:
    command = [sys.executable, "apps/demo.py", "--out", str(tmp_path / "demo"), "--steps", "6"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].endswith(": unpaired web")
    made = ("night.jpg", "road-night.mp4", "male.wav", "night-tiny.jpg", "night-tiny-half.jpg", "run/report.html")
    for name in (*made, "run/model.safetensors"):
        path = tmp_path / "demo" / name
        assert path.is_file()
        assert str(path) in done.stdout
    log = (tmp_path / "demo" / "run" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in log] == [1, 2, 3, 4, 5, 6]


def test_it_says_so_when_it_cannot_write(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    command = [sys.executable, "apps/demo.py", "--out", str(tmp_path / "file" / "demo")]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "file" in done.stderr
