"""What moved is named with its new place to a package that imports it from the old one."""

from __future__ import annotations

import importlib
from importlib.util import find_spec

import pytest

from unpaired.core.moved import MODULES, NAMES, new_place


def _found(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even its parent
        return False


@pytest.mark.parametrize("old", MODULES)
def test_a_module_that_moved_is_gone_and_each_new_one_is_there(old: str) -> None:
    assert not _found(old)
    assert all(_found(new) for new in MODULES[old].split(", "))


@pytest.mark.parametrize("old", NAMES)
def test_a_name_that_moved_is_gone_and_lies_where_the_table_says(old: str) -> None:
    module = importlib.import_module(old)
    for place, listed in NAMES[old].items():
        for each in listed.split():
            name, _, new = each.partition("=")
            assert not hasattr(module, name), f"{old}.{name} is there"
            assert hasattr(importlib.import_module(place), new or name), f"{place} has no {new or name}"


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("from unpaired.core.arrays import ArrayDomain", "what was there is in unpaired.core.adapter.array_domain now"),
        ("import unpaired.core.watch.log", "what was there is in unpaired.core.monitoring.monitor now"),
        ("from unpaired.core.domain import Side", "unpaired.core.samples, unpaired.core.sides now"),
        ("from unpaired.core import arrays", "what was there is in unpaired.core.adapter.array_domain now"),
        ("import unpaired.core\nunpaired.core.arrays", "what was there is in unpaired.core.adapter.array_domain now"),
        ("from unpaired.core.settings import CycleSettings", "it is unpaired.CycleSettings now"),
        ("from unpaired.core.settings import gathered", "it is unpaired.core.settings.faults.collecting_faults now"),
        ("import unpaired.core.training as m\nm.RunPlan", "it is unpaired.core.training.plan.RunPlan now"),
        ("from unpaired.domains.video import Container", "it is unpaired.domains.containers.kinds.Container now"),
    ],
)  # fmt: skip
def test_the_new_place_is_told(statement: str, told: str) -> None:
    with pytest.raises((ImportError, AttributeError)) as caught:
        exec(statement)
    assert new_place(caught.value).endswith(told)


@pytest.mark.parametrize("statement", ["import no_such_module", "from unpaired.core.settings import Nothing", "(1).x"])
def test_of_what_never_was_nothing_is_told(statement: str) -> None:
    with pytest.raises((ImportError, AttributeError)) as caught:
        exec(statement)
    assert new_place(caught.value) == ""
