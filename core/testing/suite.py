"""Every rule of the contract suite, run over one case."""

from __future__ import annotations

from collections.abc import Sequence

from .case import Case, ContractError, Rule, faults_of
from .conversion_rules import CONVERSION_RULES
from .process_rules import PROCESS_RULES
from .training_rules import TRAINING_RULES

__all__ = ["RULES", "Case", "ContractError", "Rule", "check", "verify"]

RULES: tuple[Rule, ...] = (*TRAINING_RULES, *CONVERSION_RULES, *PROCESS_RULES)
"""Every rule of the contract, in the order in which to fix a new domain."""


def check(case: Case, rules: Sequence[Rule] = RULES) -> tuple[str, ...]:
    """Every fault of a domain, one line each: the rule's name and what to fix. Empty if it keeps the contract."""
    return tuple(faults_of(rules, case))


def verify(case: Case, rules: Sequence[Rule] = RULES) -> None:
    """Raise one ContractError that lists every fault `check` finds."""
    faults = check(case, rules)
    if faults:
        raise ContractError(f"{type(case.domain).__name__} breaks its contract:\n" + "\n".join(faults))
