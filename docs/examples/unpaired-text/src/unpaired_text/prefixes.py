"""Features of texts that grow by a token: of each convolution only what the token changes is computed."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from .networks import TextEncoder


class GrowingTexts:
    """The features that an encoder has for the beginnings of texts, where tokens that are not there yet are token 0.

    Convolutions are linear: a token adds its product with each filter's weight at its place to the few positions that
    see it. All beginnings of a text together take the products of one convolution of the whole text. Weights are those
    that the encoder has when this is made.

    Args:
        length: tokens of a whole text.
    """

    def __init__(self, encoder: TextEncoder, length: int) -> None:
        convolutions: list[nn.Conv1d] = list(encoder.convolutions)  # type: ignore[arg-type]
        self._embedding = encoder.embedding.weight.detach()
        self._sizes = [(each.kernel_size[0], each.out_channels) for each in convolutions]
        # (embedding, width * filters), the last of a filter's weights first: positions that see a token follow another.
        self._weights = [each.weight.detach().permute(1, 2, 0).flip(1).flatten(1) for each in convolutions]
        ends = itertools.accumulate((length - width + 1) * filters for width, filters in self._sizes)
        self._ends = [0, *ends]
        blank = self._embedding[:1].expand(length, -1).T[None]
        self._blank = torch.cat([each(blank).detach().transpose(1, 2).flatten(1) for each in convolutions], 1)

    def begin(self, count: int) -> Tensor:
        """What the convolutions give for `count` texts without tokens, (count, values): positions by filters, for each
        width."""
        return self._blank.expand(count, -1)

    def add(self, values: Tensor, place: int, tokens: Tensor) -> Tensor:
        """Those of texts with one more token (N,) at `place`."""
        values, change = values.clone(), self._embedding[tokens] - self._embedding[0]
        for (width, filters), weight, start, end in zip(
            self._sizes, self._weights, self._ends, self._ends[1:], strict=False
        ):
            first, behind = max(0, place - width + 1), min(place + 1, (end - start) // filters)
            skipped = width - 1 - (place - first)
            seen = weight[:, skipped * filters : (skipped + behind - first) * filters]
            values[:, start + first * filters : start + behind * filters].addmm_(change, seen)
        return values

    def largest(self, values: Tensor) -> Tensor:
        """The largest value of each filter over texts with these values, (N, width): what their features are made of
        (`TextEncoder.features_of_largest`)."""
        blocks = zip(self._sizes, self._ends, self._ends[1:], strict=False)
        return torch.cat([values[:, a:b].unflatten(1, (-1, filters)).amax(1) for (_, filters), a, b in blocks], 1)
