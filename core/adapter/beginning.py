"""What a medium has the networks of a new run be, where the user does not say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal

from ..networks.settings import PAPERS_LAYERS
from ..sides import Side

if TYPE_CHECKING:
    from torch import Tensor


class BeginningHooks:
    """Members of a domain with defaults: the paper's."""

    def choose_start(self, samples: Mapping[Side, Iterable[Tensor]]) -> Literal["random", "residual", "transport"]:
        """What `networks.start` is where the user does not say and generators can begin near their input.

        Must depend on nothing but settings and samples. Default: random.

        Args:
            samples: some of each side (C, *space), without augmentation; they are read when they are asked for.
        """
        return "random"

    def start_note(self, begun: BeginningHooks) -> str | None:
        """What is to be said, in a sentence, of a run that begins with the weights of a model of the domain `begun`
        (`training.start_from`). Default: nothing."""
        return None

    def choose_discriminator_layers(self) -> int:
        """What `networks.discriminator_layers` is for a PatchGAN where the user does not say, 1 to 8.

        Must depend on nothing but settings. Default: 3, patches of 70x70.
        """
        return PAPERS_LAYERS
