"""Schedules are functions from a step to a factor."""


def constant_then_linear(step: float, steps: int, constant: float) -> float:
    """Factor of the learning rate at `step` (0-based): 1 for a share `constant` of `steps`, then linearly to 0.

    CycleGAN, appendix 7.1: 100 epochs at the full rate, 100 more down to zero. The last step still learns.
    """
    flat = constant_part(steps, constant)
    if step < flat:
        return 1.0
    return max(0.0, (steps - step) / (steps - flat + 1))


def constant_part(steps: int, constant: float) -> int:
    """The steps at the full rate, of `steps` in all."""
    return round(constant * steps)
