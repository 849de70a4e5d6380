"""Pictures are converted as arrays; by tensors they come out the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from torch import Tensor

from unpaired import ConversionSettings, Image, Reader, Translator
from unpaired.core.adapter.arrays import for_arrays
from unpaired.core.adapter.streams import Translate
from unpaired.core.conversion.pipeline import PrefetchedReader
from unpaired.domains.image import ImageConversion


class TensorsAlone:
    """A `Translate` of somebody else."""

    def __init__(self, translate: Translate) -> None:
        self._translate = translate

    def __call__(self, x: Tensor) -> Tensor:
        assert isinstance(x, Tensor)
        return self._translate(x)

    def with_statistics(self, x: Tensor, statistics: Tensor | None, momentum: float) -> tuple[Tensor, Tensor]:
        assert isinstance(x, Tensor)
        return self._translate.with_statistics(x, statistics, momentum)


@pytest.mark.parametrize("strength", [1.0, 0.4])
@pytest.mark.parametrize("tile_above", [10**6, 1000], ids=["whole", "tiles"])
@pytest.mark.parametrize("size", [(1, 1), (37, 50), (150, 200)])
def test_both_roads_give_the_same(
    size: tuple[int, int], tile_above: int, strength: float, tmp_path: Path, scene: Any, random_translator: Any
) -> None:
    domain = Image(size=32, gamma_a=1.5, gamma_b=2.5)
    translate = random_translator(domain).for_direction("a2b")
    options = ImageConversion(strength=strength, tile=128, overlap=32, tile_above=tile_above)
    Pillow.fromarray(scene(*size)).save(tmp_path / "x.png")
    found = []
    for given in (translate, TensorsAlone(translate)):
        with domain.open(tmp_path / "x.png", "a", options) as reader:
            ahead = PrefetchedReader(reader, reader.arrays())
            found.append(np.concatenate(list(domain.convert_arrays(ahead, for_arrays(given), options)), axis=1))
            by_tensors = list(domain.convert(reader, given, options))
            assert all(isinstance(chunk, Tensor) for chunk in by_tensors)
            found.append(torch.cat(by_tensors, dim=1).numpy())
    assert all(np.array_equal(each, found[0]) for each in found[1:])


class Black(Image):
    """A medium of somebody else, that knows tensors alone."""

    def convert(self, reader: Reader, translate: Translate, options: ConversionSettings) -> Iterator[Tensor]:
        for chunk in super().convert(reader, translate, options):
            yield chunk.new_full(chunk.shape, -1.0)


def test_a_class_with_a_conversion_of_its_own_is_not_passed_over(translator: Translator, photo: Path) -> None:
    assert Image.arrays
    assert not Black.arrays
    target = photo.with_name("black.png")
    domain = Black(translator.domain.settings)  # type: ignore[arg-type]
    Translator(replace(translator.model, domain=domain), "torch").convert(photo, target)
    assert Pillow.open(target).getextrema() == ((0, 0),) * 3
