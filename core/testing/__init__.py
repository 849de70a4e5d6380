"""The contract suite: rules that every domain must follow, each with a message that says what to fix.

    from unpaired.core.testing import Case, verify

    verify(Case(Series(), a=Path("rest"), b=Path("load"), broken=Path("broken.csv"), scratch=tmp_path))

`verify` raises one ContractError that lists every fault. To run each rule as a separate test, parametrise over
`RULES`: every rule is a function of a Case. No test runner is needed; a program that calls `verify` does so below
`if __name__ == "__main__":`, since one rule starts a process.

`check_generator` and `check_discriminator` do the same for networks of one's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .case import Case, ContractError, Rule
    from .network_rules import NetworkCase, check_discriminator, check_generator
    from .suite import RULES, check, verify

__all__ = [
    "RULES",
    "Case",
    "ContractError",
    "NetworkCase",
    "Rule",
    "check",
    "check_discriminator",
    "check_generator",
    "verify",
]

__getattr__ = lazy_names(__name__, {
    ".case": ["Case", "ContractError", "Rule"],
    ".network_rules": ["NetworkCase", "check_discriminator", "check_generator"],
    ".suite": ["RULES", "check", "verify"],
})  # fmt: skip
