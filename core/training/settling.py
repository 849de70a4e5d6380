"""The end of a training: what its medium measures of the generators goes into the model files."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

from ..adapter.domain import Domain
from ..conversion.translator import Translator
from ..errors import as_note
from ..model.model_file import save_model
from ..model.of_run import BEST, LATEST
from ..model.shipped import load_model_named
from .plan import RunPlan


def settle_models(plan: RunPlan) -> None:
    """Have the medium measure the translations of each model file of a run that has ended; see `Domain.settle`."""
    if type(plan.domain).settle is Domain.settle:
        return  # spares loading them
    try:
        for file in (plan.out / LATEST, plan.out / BEST):
            if file.is_file():
                _settle(plan, file)
    except KeyboardInterrupt:
        text = "all steps are done, but not what is measured of the model after them: --resume does that"
        print(as_note(text), file=sys.stderr)
        raise


def _settle(plan: RunPlan, file: Path) -> None:
    model = load_model_named(file, type(plan.domain), generator=plan.networks.generator_a2b.given)
    translator = Translator(model, runtime="torch")
    directions = {each: translator.for_direction(each) for each in model.generators}
    domain = model.domain.settle(directions, plan.inventories)
    if domain is not model.domain:
        save_model(dataclasses.replace(model, domain=domain), file)
