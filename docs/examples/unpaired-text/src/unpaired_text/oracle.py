"""The oracle of the papers: a random LSTM whose texts are the data, so that quality is a likelihood."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from .networks import LstmGenerator
from .tokens import decode


def load_oracle(path: Path, length: int = 20) -> LstmGenerator:
    """The oracle that the authors of SeqGAN drew (`target_params_py3.pkl`), from an `.npz` file of its arrays.

    Its arrays: embeddings (V, E); for the gates i, f, og and c matrices W (E, H) and U (H, H) and a bias b (H,); the
    output Wo (H, V) and bo (V,).
    """
    with np.load(path, allow_pickle=False) as arrays:
        held = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    vocabulary, embedding = held["embeddings"].shape
    oracle = LstmGenerator(length, vocabulary, length, embedding, held["Ui"].shape[0])
    gates = ("i", "f", "c", "og")  # PyTorch's order: input, forget, cell, output
    weights = {
        "embedding.weight": held["embeddings"],
        "lstm.weight_ih_l0": torch.cat([held[f"W{gate}"].T for gate in gates]),
        "lstm.weight_hh_l0": torch.cat([held[f"U{gate}"].T for gate in gates]),
        "lstm.bias_ih_l0": torch.cat([held[f"b{gate}"] for gate in gates]),
        "lstm.bias_hh_l0": torch.zeros(4 * held["Ui"].shape[0]),
        "output.weight": held["Wo"].T,
        "output.bias": held["bo"],
    }
    oracle.load_state_dict({name: value.float().contiguous() for name, value in weights.items()})
    return oracle.requires_grad_(False).eval()


class Writes(Protocol):
    """A generator of texts that knows how likely they are."""

    in_channels: int
    vocabulary: int

    def __call__(self, noise: Tensor) -> Tensor:
        """Texts (B, 1, length) as samples, for noise (B, in_channels, ...)."""

    def log_likelihood(self, tokens: Tensor) -> Tensor:
        """log p of each token of texts (B, length)."""


@torch.no_grad()
def draw_texts(model: Writes, count: int, seed: int, batch: int = 500) -> Tensor:
    """Texts (count, length) of a model as token numbers; the same for the same seed."""
    random = torch.Generator().manual_seed(seed)
    noise = 2.0 * torch.rand(count, model.in_channels, generator=random) - 1.0
    return torch.cat([decode(model(part), model.vocabulary) for part in noise.split(batch)])


@torch.no_grad()
def nll(model: Writes, tokens: Tensor, batch: int = 250) -> float:
    """Mean negative log likelihood of a token of texts (N, length) under a model, in nats.

    NLL_oracle is that of generated texts under the oracle, NLL_gen that of the oracle's texts under the generator.
    """
    total = sum(float(-model.log_likelihood(part).double().sum()) for part in tokens.split(batch))
    return total / tokens.numel()
