"""Small language models of docs/examples/unpaired-text, for its tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

VOCABULARY, LENGTH = 11, 6
SIZES: Mapping[str, Any] = {"vocabulary": VOCABULARY, "length": LENGTH}


def language_model(probabilities: Tensor | None = None) -> Any:
    """A small one; with `probabilities` (VOCABULARY,) every token is drawn from these."""
    from unpaired_text.networks import LstmGenerator

    model = LstmGenerator(LENGTH, **SIZES, embedding=5, hidden=7)
    model.initialise(torch.Generator().manual_seed(1))
    if probabilities is not None:
        with torch.no_grad():
            model.output.weight.zero_()
            model.output.bias.copy_(probabilities.log())
    return model


def leak_generator(**options: Any) -> Any:
    from unpaired_text.leakgan_networks import LeakGenerator

    given = {"embedding": 5, "hidden": 7, "goal": 3, "horizon": 2, "extractor_embedding": 6, "scale": 0.03}
    made = LeakGenerator(LENGTH, **SIZES, **{**given, **options})
    made.initialise(torch.Generator().manual_seed(2))
    return made
