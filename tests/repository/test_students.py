"""The shipped students: small and quick beside their teachers, and near to them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode

from unpaired.core.model.model_file import Model
from unpaired.core.model.shipped import load_model_named, shipped_file, shipped_models
from unpaired.core.sides import Direction

ENDING = "-mobile"
STUDENTS = [name for name in shipped_models() if name.endswith(ENDING)]


def multiplications(model: Model) -> float:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.generators["a2b"](torch.zeros(1, 3, 128, 128))
    return float(counter.get_total_flops()) / 2


@pytest.mark.parametrize("name", STUDENTS)
def test_a_student_is_small_beside_its_teacher(name: str) -> None:
    student, teacher = load_model_named(name), load_model_named(name.removesuffix(ENDING))
    assert shipped_file(name).stat().st_size <= 10**6
    assert multiplications(teacher) / multiplications(student) >= 8
    assert student.domain.settings == teacher.domain.settings
    assert student.names == teacher.names


@pytest.mark.parametrize(("direction", "folder"), [("a2b", "day"), ("b2a", "night")])
@pytest.mark.parametrize("name", STUDENTS)
def test_a_student_makes_nearly_what_its_teacher_does(
    name: str, direction: Direction, folder: str, repository: Path
) -> None:
    student, teacher = load_model_named(name), load_model_named(name.removesuffix(ENDING))
    apart, changed = [], []
    for file in sorted((repository / "tests/assets/day2night" / folder).glob("*.jpg"))[:6]:
        picture = Image.open(file).convert("RGB").resize((160, 112))
        x = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None] / 127.5 - 1
        with torch.no_grad():
            theirs, own = (each.generators[direction](x) for each in (teacher, student))
        apart.append(float((theirs - own).abs().mean()))
        changed.append(float((theirs - x).abs().mean()))
    assert sum(apart) < sum(changed) / 3
