"""The cycle objective for footage: translations that move as their input does, and look right in motion."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from ....core.errors import ConfigError
from ....core.networks.spec import Networks, NetworkSpec
from ....core.objectives.cycle import Cycle
from ....core.objectives.losses import adversarial_loss
from ....core.objectives.objective import Discriminators
from ....core.objectives.settings import CycleSettings
from ....core.samples import Batch
from ....core.settings.faults import collecting_faults, raise_faults, require_at_least
from ....core.sides import Side, other_side
from ..frames.motion import warp

FRAMES = 3
"""Consecutive frames that a temporal discriminator sees."""
_TRIPLE = ("next", "after")


@dataclass(frozen=True)
class VideoCycleSettings(CycleSettings):
    """Weights of the cycle objective for footage; flow, far and temporal need `domain.neighbours`."""

    equivariance: float = 5.0
    """Weight of |G(W(x)) - W(G(x))| in both directions, W the domain's synthetic motion. Needs no clips."""
    motion_noise: float = 0.02
    """Standard deviation of the noise on W(x) before it is translated, of values in [-1, 1]: camera noise must
    not change the translation either."""
    flow_a: float = 10.0
    """Weight of the flow-warping loss between the translations of neighbouring frames of A: the squared colour norm."""
    flow_b: float = 10.0
    """Weight of flow warping between the translations of neighbouring frames of B."""
    far_a: float = 5.0
    """Weight of the flow-warping loss over a random longer gap between frames of A."""
    far_b: float = 5.0
    """Weight of flow warping over a longer gap for frames of B."""
    temporal: float = 0.0
    """Weight of two auxiliary discriminators, which see three consecutive frames. Needs clips on both sides: next to
    pictures, which stand still, all motion looks wrong."""

    def __post_init__(self) -> None:
        faults: list[str] = []
        with collecting_faults(faults):
            super().__post_init__()
        weights = ("motion_noise", "flow_a", "flow_b", "far_a", "far_b", "temporal")
        require_at_least(faults, self, "objective", weights, 0)
        raise_faults(faults)


def flow_warping_loss(translated: Tensor, neighbour: Tensor, flow: Tensor, mask: Tensor) -> Tensor:
    """Squared colour norm by which two translated frames differ along the motion of their inputs; a scalar.

    With y and n the two translations, F the backward flow of the first input to the second and M the mask:

        1 / (B H W)  sum over samples and pixels p of  M(p) |y(p) - n(p + F(p))|^2,   |v|^2 = v_r^2 + v_g^2 + v_b^2

    Ruder et al. 2016 (arXiv 1604.08610), equation 7, with the mean over pixels. The squares are summed over the
    channels; squaring the sum of the channels would let opposite changes cancel. Pixels outside the mask count as 0,
    so that a frame with little reliable flow weighs little. Gradients reach both translations.

    Args:
        translated, neighbour: (B, C, H, W) in [-1, 1].
        flow: (B, 2, H, W) in pixels, x first; input(p) ~ neighbouring input(p + flow(p)).
        mask: (B, 1, H, W), 1 where the flow is reliable, 0 elsewhere.
    """
    change = translated - warp(neighbour, flow)
    return (mask * change.square().sum(1, keepdim=True)).mean()


class VideoCycle(Cycle):
    """`Cycle` with flow-warping losses and temporal discriminators for samples with neighbouring frames.

    The context of a sample x, as the video domain gives it: `next`, `after` (3, H, W), the two frames after (or before)
    it; `flow` (2, H, W) and `mask` (1, H, W), its backward flow to `next`; `far`, `far_flow`, `far_mask`, the same for
    a frame some way off. Losses whose context is missing are left out, except the temporal one, which is asked for.
    """

    settings_type = VideoCycleSettings
    settings: VideoCycleSettings

    def __init__(self, settings: VideoCycleSettings | None = None) -> None:
        super().__init__(settings or VideoCycleSettings())

    def networks(self, networks: Networks) -> Networks:
        """With a discriminator of stacked frames for each domain, of the form of that domain's own."""
        if not self.settings.temporal:
            return networks
        discriminators = {"temporal_a": networks.discriminator_a, "temporal_b": networks.discriminator_b}
        auxiliary = {name: _of_stacked_frames(spec) for name, spec in discriminators.items()}
        return dataclasses.replace(networks, auxiliary={**networks.auxiliary, **auxiliary})

    def context_inputs(self, side: Side, batch: Batch) -> Mapping[str, Tensor]:
        """The frames that the weights require, out of next, after and far."""
        context = _context(side, batch)
        flow, far = self._weights(side)
        missing = [name for name in _TRIPLE if name not in context]
        if self.settings.temporal and missing:
            raise ConfigError(
                f"objective.temporal needs three frames in a row, but samples of {side.upper()} come without "
                f"{' and '.join(missing)}; set domain.neighbours to true, or objective.temporal to 0"
            )
        wanted = {"next": flow or self.settings.temporal, "after": self.settings.temporal, "far": far}
        return {name: context[name] for name, weight in wanted.items() if weight and name in context}

    def with_noise(self, warped: Tensor) -> Tensor:
        """With noise, which the warped translation is then compared without (Wang et al. 2022, arXiv 2201.05723)."""
        if not self.settings.motion_noise:
            return warped
        return warped + self.settings.motion_noise * torch.randn_like(warped)

    def auxiliary_losses(
        self, discriminators: Discriminators, side: Side, batch: Batch, translated: Mapping[str, Tensor]
    ) -> tuple[Mapping[str, Tensor], Mapping[str, Tensor]]:
        """flow_* and far_* of the side translated, temporal_* of the domain it is translated into."""
        context = _context(side, batch)
        losses: dict[str, Tensor] = {}
        flow, far = self._weights(side)
        x = translated["x"]
        if flow and "next" in translated:
            difference = flow_warping_loss(x, translated["next"], context["flow"], context["mask"])
            losses[f"flow_{side}"] = flow * difference
        if far and "far" in translated:
            difference = flow_warping_loss(x, translated["far"], context["far_flow"], context["far_mask"])
            losses[f"far_{side}"] = far * difference
        if not self.settings.temporal:
            return losses, {}
        into = other_side(side)
        name, triple = f"temporal_{into}", _stack(x, translated)
        real = partial(_stack, batch.of(into), _context(into, batch))
        judged = adversarial_loss(self.settings.form, discriminators.auxiliary[name], triple, real)
        losses[name] = self.settings.temporal * judged
        return losses, {name: triple}

    def auxiliary_real(self, batch: Batch) -> Mapping[str, Tensor]:
        """The temporal discriminators tell real triples from translations of triples."""
        if not self.settings.temporal:
            return {}
        return {"temporal_a": _stack(batch.a, batch.context_a), "temporal_b": _stack(batch.b, batch.context_b)}

    def _weights(self, side: Side) -> tuple[float, float]:
        weights = self.settings
        return (weights.flow_a, weights.far_a) if side == "a" else (weights.flow_b, weights.far_b)


def _context(side: Side, batch: Batch) -> Mapping[str, Tensor]:
    return batch.context_a if side == "a" else batch.context_b


def _stack(x: Tensor, context_inputs: Mapping[str, Tensor]) -> Tensor:
    """Three consecutive frames as one sample (B, 3 C, H, W)."""
    return torch.cat([x, *(context_inputs[name] for name in _TRIPLE)], dim=1)


def _of_stacked_frames(spec: NetworkSpec) -> NetworkSpec:
    return spec.with_options(in_channels=FRAMES * spec.options["in_channels"])
