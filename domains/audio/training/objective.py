"""The cycle objective for sound: filling in frames, and second discriminators for reconstructions.

MaskCycleGAN-VC (Kaneko et al. 2021, arXiv 2102.12841) on the objective of CycleGAN-VC2 (Kaneko et al. 2019, arXiv
1904.04631).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from ....core.networks.spec import Networks
from ....core.objectives.cycle import Cycle
from ....core.objectives.losses import adversarial_loss
from ....core.objectives.objective import Discriminators
from ....core.objectives.settings import CycleSettings
from ....core.samples import Batch
from ....core.settings.faults import collecting_faults, raise_faults, require
from ....core.sides import SIDES, Side
from ..networks import TakesMask


@dataclass(frozen=True)
class AudioCycleSettings(CycleSettings):
    """Weights of the cycle objective for sound."""

    filling: float = 0.5
    """Largest share of a sample's frames that is hidden from the generator, which must fill it in (the length is drawn
    for each sample, from 0 up to this); 0 hides nothing."""
    second_a: float = 1.0
    """Weight of a second discriminator's logits on F(G(a)), which should sound like A too, since an L1 loss
    alone blurs. Needs cycle_a."""
    second_b: float = 1.0
    """Weight of the second discriminator of B, for G(F(b)). Needs cycle_b."""
    identity_steps: int | None = 10_000
    """Steps after which the identity losses are dropped (the content is anchored by then); None keeps them."""

    def __post_init__(self) -> None:
        faults: list[str] = []
        with collecting_faults(faults):
            super().__post_init__()
        require(faults, 0.0 <= self.filling <= 0.9, f"objective.filling is {self.filling}; expected 0 to 0.9")
        for side in SIDES["a2b"]:
            second, cycle = self.second(side), self.cycle(side)
            require(faults, second >= 0, f"objective.second_{side} is {second}; expected 0 or more")
            require(faults, not second or cycle > 0,
                    f"objective.second_{side} judges what went there and back, which objective.cycle_{side} = 0 leaves "
                    f"out; set objective.second_{side} to 0 too")  # fmt: skip
        steps = self.identity_steps
        require(
            faults, steps is None or steps >= 0, f"objective.identity_steps is {steps}; expected 0 or more, or null"
        )
        raise_faults(faults)

    def second(self, side: Side) -> float:
        """Weight of the second discriminator of one side."""
        return self.second_a if side == "a" else self.second_b


class AudioCycle(Cycle):
    """`Cycle` with filling in frames, the second adversarial loss and an identity loss that ends.

    Filling in frames: in each sample x to be translated, a run of frames is set to 0 (the mean) and the generator
    gets the mask, G(x m, m); the cycle loss still compares all of x (Kaneko et al. 2021, equation 5). Everything else,
    and conversion, has m = 1. A generator of the core, which takes no m, sees x m.

    Second adversarial loss: separate discriminators tell F(G(a)) from a and G(F(b)) from b (Kaneko et al. 2019,
    equation 4). They enter the generators' loss as second_a and second_b, and are trained with the discriminators'.
    """

    settings_type = AudioCycleSettings
    settings: AudioCycleSettings

    def __init__(self, settings: AudioCycleSettings | None = None) -> None:
        super().__init__(settings or AudioCycleSettings())

    def networks(self, networks: Networks) -> Networks:
        """The networks with a second discriminator for each side that has a weight, like that side's own."""
        auxiliary = {f"second_{side}": networks.discriminator(side) for side in self._seconds()}
        return dataclasses.replace(networks, auxiliary={**networks.auxiliary, **auxiliary})

    def weights(self) -> CycleSettings:
        """The weights in the settings, without identity once its steps are over."""
        last = self.settings.identity_steps
        if last is None or self.step < last:
            return self.settings
        return dataclasses.replace(self.settings, identity_a=0.0, identity_b=0.0)

    def generator_input(self, generator: nn.Module, name: str, sample: Tensor) -> Tensor:
        """The sample with its mask as a second channel where the generator takes one; x alone has frames hidden."""
        mask = torch.ones_like(sample[:, :1])
        if name == "x" and self.settings.filling:
            mask = frames_to_keep(sample, self.settings.filling)
            sample = sample * mask
        return torch.cat([sample, mask], dim=1) if isinstance(generator, TakesMask) and generator.masked else sample

    def auxiliary_losses(
        self, discriminators: Discriminators, side: Side, batch: Batch, translated: Mapping[str, Tensor]
    ) -> tuple[Mapping[str, Tensor], Mapping[str, Tensor]]:
        """second_* of the side that was translated and translated back."""
        name, weight = f"second_{side}", self.settings.second(side)
        if not weight:
            return {}, {}
        cycled = translated["cycled"]
        judged = adversarial_loss(self.settings.form, discriminators.auxiliary[name], cycled, partial(batch.of, side))
        return {name: weight * judged}, {name: cycled}

    def auxiliary_real(self, batch: Batch) -> Mapping[str, Tensor]:
        """The second discriminators tell real samples from reconstructions."""
        return {f"second_{side}": batch.of(side) for side in self._seconds()}

    def _seconds(self) -> list[Side]:
        """The sides that have a second discriminator."""
        return [side for side in SIDES["a2b"] if self.settings.second(side)]


def frames_to_keep(sample: Tensor, share: float) -> Tensor:
    """A mask (B, 1, bins, frames) of ones with a run of zeros over time in each sample: its length is uniform from 0 to
    `share` of the frames, its place uniform within the sample. Drawn from PyTorch's default generator on the CPU."""
    count, frames = len(sample), sample.shape[-1]
    lengths = torch.randint(int(share * frames) + 1, (count,))
    starts = (torch.rand(count) * (frames - lengths + 1)).long()
    times = torch.arange(frames)
    hidden = (times >= starts[:, None]) & (times < (starts + lengths)[:, None])
    mask = (~hidden).to(sample.device, sample.dtype)
    return mask[:, None, None, :].expand(-1, 1, sample.shape[-2], -1)
