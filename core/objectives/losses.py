"""Adversarial losses as pure functions of a discriminator's raw logits (no sigmoid inside the networks)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from ..errors import ConfigError
from .objective import DiscriminatorOutput
from .settings import AdversarialForm


def generator_loss(form: AdversarialForm, logits: Tensor, real: Tensor | None = None) -> Tensor:
    """Generator loss for the logits on its translations; any shape in, a scalar out.

    lsgan: mean (D - 1)^2 (Mao et al. 2017, eq. 9 without its half, as CycleGAN section 4);
    vanilla: mean -log sigmoid D (Goodfellow et al. 2014, non-saturating);
    hinge, wgan and wgan-gp: -mean D (Lim & Ye 2017; Arjovsky et al. 2017);
    relativistic: mean -log sigmoid (D - D(real)), value by value, with `real`, the logits on real samples, of the same
    shape (Jolicoeur-Martineau 2018; Huang et al. 2024).

    Raises:
        ConfigError: relativistic without `real`.
    """
    if form == "relativistic":
        if real is None:
            raise ConfigError("objective.form relativistic compares translations with real samples, which this "
                              "objective does not give it; use vanilla")  # fmt: skip
        return F.softplus(real - logits).mean()
    if form == "lsgan":
        return (logits - 1.0).square().mean()
    if form == "vanilla":
        return F.softplus(-logits).mean()
    return -logits.mean()


def discriminator_loss(form: AdversarialForm, real: Tensor, generated: Tensor) -> Tensor:
    """Half the sum of a discriminator's loss on real and on generated samples; a scalar.

    lsgan: mean (D(real) - 1)^2 and mean D(generated)^2; vanilla: mean -log sigmoid D(real) and
    mean -log (1 - sigmoid D(generated)); hinge: mean max(0, 1 - D(real)) and mean max(0, 1 + D(generated));
    wgan and wgan-gp: -mean D(real) and mean D(generated), without the penalty. The half is the CycleGAN paper's
    (section 4): discriminators learn at half the speed. relativistic has one term, mean -log sigmoid (D(real) -
    D(generated)), and no half.
    """
    if form == "relativistic":
        return F.softplus(generated - real).mean()
    if form == "lsgan":
        both = (real - 1.0).square().mean() + generated.square().mean()
    elif form == "vanilla":
        both = F.softplus(-real).mean() + F.softplus(generated).mean()
    elif form == "hinge":
        both = F.relu(1.0 - real).mean() + F.relu(1.0 + generated).mean()
    else:
        both = generated.mean() - real.mean()
    return 0.5 * both


def adversarial_loss(
    form: AdversarialForm, discriminator: nn.Module, made: Tensor, real: Callable[[], Tensor]
) -> Tensor:
    """`generator_loss` of translations `made` (B, C, *space), by a discriminator that sees real samples of the same
    shape too where the form compares the two; a scalar. `real` gives those, and is asked for them there alone."""
    seen = [made, real()] if form == "relativistic" else [made]
    return generator_loss(form, *apply_together(discriminator, seen))


def gradient_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, generated: Tensor, mix: Tensor) -> Tensor:
    """Mean (|gradient of the critic| - 1)^2 on the line between the samples (Gulrajani et al. 2017, eq. 3).

    real, generated: (B, C, *space); mix: (B,) in [0, 1], how far towards the generated sample; a scalar.
    """
    share = mix.reshape(-1, *[1] * (real.dim() - 1))
    between = (real + share * (generated - real)).detach().requires_grad_(True)
    with torch.enable_grad():
        (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    slope: Tensor = gradient.flatten(1).square().sum(1).sqrt()
    return (slope - 1.0).square().mean()


def zero_centred_penalty(discriminator: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Half of the mean over samples of |gradient|^2 at x: R1 on real samples, R2 on generated ones (Mescheder et al.
    2018, equations 9 and 10); a scalar.

    x: (B, C, *space). The gradient is that of the sum of a sample's logits, and its square is divided by their number:
    of patches that do not overlap this is the mean over patches, whatever the size of the sample.
    """
    at = x.detach().requires_grad_(True)
    with torch.enable_grad():
        logits = discriminator(at)
        (gradient,) = torch.autograd.grad(logits.sum(), at, create_graph=True)
    penalty: Tensor = gradient.square().sum() / (2 * logits.numel())
    return penalty


def apply_together(network: nn.Module, inputs: Sequence[Tensor]) -> list[Tensor]:
    """The network's output for every input (B_i, C, *space), in fp32 or better, by one call where that is exact.

    Samples do not see one another through instance norm, so one call is the same as many and faster; through
    batch norm they do, and inputs of unlike shapes cannot be stacked.
    """
    one_shape = len({tuple(x.shape[1:]) for x in inputs}) == 1
    coupled = any(isinstance(module, _BatchNorm) for module in network.modules())
    if one_shape and not coupled:
        together = network(torch.cat(list(inputs)))
        outputs = together.split([len(x) for x in inputs])
    else:
        outputs = [network(x) for x in inputs]
    return [precise(y) for y in outputs]


def precise(x: Tensor) -> Tensor:
    """In fp32 or better: what reduced precision computed is summed up without it."""
    return x if x.dtype == torch.float64 else x.float()


def discriminate(
    form: AdversarialForm, discriminator: nn.Module, real: Tensor, generated: Tensor
) -> DiscriminatorOutput:
    """Logits and loss of a discriminator on real samples (B, C, *space) and generated ones."""
    on_real, on_generated = apply_together(discriminator, [real, generated])
    return DiscriminatorOutput(discriminator_loss(form, on_real, on_generated), on_real, on_generated)


def distance(x: Tensor, y: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean absolute difference, the L1 of the paper's equation 2; of x and y (B, C, *space) each place counts by its
    `weight` (B, 1, *space), if there is one, and the mean is over all places."""
    difference = (x - y).abs()
    return difference.mean() if weight is None else (weight * difference).mean()
