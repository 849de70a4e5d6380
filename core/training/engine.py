"""One training step: the generators', then the discriminators', in the paper's order.

Two groups are wrapped by Lightning Fabric, generators and discriminators, each with one forward that computes its
whole loss: one wrapped module with all four networks fails under DDP.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ..errors import AdapterError
from ..model.stored import first_difference, shapes
from ..networks.initialisation import initialise
from ..networks.layers import use_channels_last, use_winograd
from ..networks.spec import Networks
from ..objectives.objective import Discriminators, DiscriminatorStep, Generators, GeneratorStep, Objective, Updates
from ..samples import Batch, Warp
from ..sides import Side
from .devices import arithmetic
from .history import HistoryBuffer
from .post_hoc import PostHocAverages
from .settings import TrainingSettings

if TYPE_CHECKING:
    from lightning_fabric import Fabric


WINOGRAD_FROM = 128 * 128
"""Values of a channel of a sample; of fewer, the transforms take longer than they save."""


class GeneratorGroup(nn.Module):
    """The generators, with a forward that is their whole loss."""

    def __init__(self, generators: Generators, discriminators: Discriminators, objective: Objective) -> None:
        super().__init__()
        self.generators = generators
        self.objective = objective
        # In a tuple, so that the discriminators' parameters do not become this group's.
        self._discriminators = (discriminators,)
        self.warp: Warp | None = None

    def forward(self, batch: Batch) -> GeneratorStep:
        (discriminators,) = self._discriminators
        return self.objective.generator_step(self.generators, discriminators, batch, self.warp)


class DiscriminatorGroup(nn.Module):
    """The discriminators, with a forward that is their whole loss."""

    def __init__(self, discriminators: Discriminators, objective: Objective) -> None:
        super().__init__()
        self.discriminators = discriminators
        self.objective = objective

    def forward(self, batch: Batch, shown: Mapping[Side, Tensor], auxiliary: Mapping[str, Tensor]) -> DiscriminatorStep:
        return self.objective.discriminator_step(self.discriminators, batch, shown, auxiliary)


class Engine:
    """Networks, optimisers, moving average and history buffers of a run, and the step that moves them."""

    def __init__(self, fabric: Fabric, networks: Networks, objective: Objective, settings: TrainingSettings) -> None:
        self.fabric = fabric
        self.settings = settings
        random = torch.Generator().manual_seed(settings.seed)
        directions = objective.directions
        self.generators = Generators(networks, directions, objective.heads(networks))
        self.discriminators = Discriminators(networks, directions)
        initialise(self.generators, random)
        initialise(self.discriminators, random)
        cuda = fabric.device.type == "cuda"
        if cuda or settings.memory_format == "channels_last":
            use_channels_last(self.generators)
        if cuda:  # on the CPU discriminators gain nothing by it (benchmarks/arrangement.py)
            use_channels_last(self.discriminators)
        if settings.compile:
            for network in (*_parts_of(self.generators), *_parts_of(self.discriminators)):
                network.compile()
        plain = fabric.device.type == "cpu" and fabric.world_size == 1 and not settings.compile
        self._may_use_winograd = plain and settings.winograd and fabric.strategy.precision.precision == "32-true"
        rate = settings.learning_rate
        self._rates = (rate, settings.discriminator_learning_rate or rate)
        self._objective = objective
        self._plain_g = GeneratorGroup(self.generators, self.discriminators, objective)
        group_d = DiscriminatorGroup(self.discriminators, objective)
        self._group_g, self._optimiser_g = fabric.setup(self._plain_g, self._optimiser(self.generators))
        self._group_d, self._optimiser_d = fabric.setup(group_d, self._optimiser(self.discriminators))
        self.averaged = copy.deepcopy(self.generators).requires_grad_(False).eval()
        wanted = settings.post_hoc_ema and fabric.is_global_zero
        self.post_hoc = PostHocAverages(self.generators.by_direction()) if wanted else None
        """Averages for the first process to write; None where there are none."""
        # Odd and even seeds keep the two buffers' draws, and those of every process, apart.
        seed = 2 * (settings.seed * fabric.world_size + fabric.global_rank) % 2**63
        self._history: dict[Side, HistoryBuffer] = {
            "a": HistoryBuffer(objective.history, seed),
            "b": HistoryBuffer(objective.history, seed + 1),
        }

    def _optimiser(self, network: nn.Module) -> torch.optim.Optimizer:
        """An optimiser whose learning rate is set before each step."""
        settings, decay = self.settings, self.settings.weight_decay
        if settings.optimiser == "rmsprop":
            return torch.optim.RMSprop(network.parameters(), alpha=settings.beta2, weight_decay=decay)
        betas, fused = (settings.beta1, settings.beta2), self.fabric.device.type in ("cpu", "cuda")
        return torch.optim.Adam(network.parameters(), betas=betas, weight_decay=decay, fused=fused)

    def step(
        self, batches: Sequence[Batch], warp: Warp | None, factor: float | tuple[float, float], step: int
    ) -> dict[str, Tensor]:
        """One optimiser step of each group over `batches` (one each accumulated pass).

        `factor` scales the learning rates, of both groups or of generators and discriminators each; `step` (0-based)
        sets the moving average's warm-up, and the objective may go by it. Returns named losses and logits as scalars
        on the device, averaged over the batches.
        """
        factors = factor if isinstance(factor, tuple) else (factor, factor)
        self._objective.step = step
        if self._may_use_winograd:
            self._may_use_winograd = False
            self._use_winograd(batches[0])
        with arithmetic(self.settings.precision):
            return self._step(batches, warp, factors, step)

    def _use_winograd(self, batch: Batch) -> None:
        """Have the generators go by Winograd's algorithm where samples are so large that it pays."""
        if min(batch.a[0, 0].numel(), batch.b[0, 0].numel()) >= WINOGRAD_FROM:
            for generators in (self.generators, self.averaged):
                use_winograd(generators)
            _lay_out_as_weights(self._optimiser_g)

    def _step(
        self, batches: Sequence[Batch], warp: Warp | None, factors: tuple[float, float], step: int
    ) -> dict[str, Tensor]:
        optimisers = (self._optimiser_g, self._optimiser_d)
        for optimiser, rate, factor in zip(optimisers, self._rates, factors, strict=True):
            for group in optimiser.param_groups:
                group["lr"] = rate * factor
        learn = Updates(*self._objective.updates())
        if self._objective.resets_optimiser:
            self._optimiser_g.optimizer.state.clear()
        steps = self._generators(batches, warp, learn.generators)
        losses = _mean([s.losses for s in steps])
        if losses:
            losses["generators"] = _sum(losses, steps[0].times)
        answers = self._discriminators(batches, steps, learn.discriminators)
        losses |= _mean([s.losses for s in answers]) | _mean([s.logits for s in answers])
        self._average(step)
        if self.post_hoc is not None:
            self.post_hoc.update(step + 1)
        return losses

    def _generators(self, batches: Sequence[Batch], warp: Warp | None, learn: bool) -> list[GeneratorStep]:
        self.discriminators.requires_grad_(False)
        self._plain_g.warp = warp
        steps = []
        for number, batch in enumerate(batches):
            with self._pass(self._group_g, learn, last=number + 1 == len(batches)):
                step: GeneratorStep = self._group_g(batch)
                if learn:
                    self.fabric.backward(_sum(step.losses, step.times) / len(batches))
            steps.append(step)
        if learn:
            self._descend(self._group_g, self._optimiser_g)
        self.discriminators.requires_grad_(True)
        return steps

    def _discriminators(
        self, batches: Sequence[Batch], steps: Sequence[GeneratorStep], learn: bool
    ) -> list[DiscriminatorStep]:
        answers = []
        for number, (batch, step) in enumerate(zip(batches, steps, strict=True)):
            shown = {side: self._history[side].exchange(made) for side, made in step.translated.items()}
            with self._pass(self._group_d, learn, last=number + 1 == len(batches)):
                answer: DiscriminatorStep = self._group_d(batch, shown, step.auxiliary)
                if learn:
                    self.fabric.backward(_sum(answer.losses, {}) / len(batches))
            answers.append(answer)
        if learn:
            self._descend(self._group_d, self._optimiser_d)
            self._objective.after_discriminator_update(self.discriminators)
        return answers

    @contextmanager
    def _pass(self, group: Any, learn: bool, last: bool) -> Iterator[None]:
        """One forward pass and what follows of it; gradients go to the other processes with the last pass alone."""
        with ExitStack() as stack:
            if not learn:
                stack.enter_context(torch.no_grad())
            elif not last:
                stack.enter_context(self.fabric.no_backward_sync(group))
            yield

    def _descend(self, group: Any, optimiser: Any) -> None:
        if self.settings.clip:
            self.fabric.clip_gradients(group, optimiser, max_norm=self.settings.clip, error_if_nonfinite=False)
        optimiser.step()
        optimiser.zero_grad()

    @torch.no_grad()
    def _average(self, step: int) -> None:
        # A young average follows closely, else the random initial weights stay in it for 1 / (1 - decay) steps.
        decay = min(self.settings.ema, (1 + step) / (10 + step)) if self.settings.ema else 0.0
        torch._foreach_lerp_(
            list(self.averaged.parameters()), [p.data for p in self.generators.parameters()], 1.0 - decay
        )
        for averaged, buffer in zip(self.averaged.buffers(), self.generators.buffers(), strict=True):
            averaged.copy_(buffer)

    def finite(self) -> bool:
        """Whether every weight, and every statistic that a norm keeps, is finite."""
        networks = (self.generators, self.discriminators, self.averaged)
        values = [value.detach() for network in networks for value in network.state_dict().values()]
        floating = [value for value in values if value.is_floating_point()]
        return bool(torch.stack(torch._foreach_norm(floating, float("inf"))).isfinite().all())

    def weights(self) -> dict[str, Tensor]:
        """All weights by name, for a checkpoint."""
        parts = {"generators": self.generators, "discriminators": self.discriminators, "averaged": self.averaged}
        return {
            f"{part}.{name}": value.detach().cpu().contiguous()
            for part, network in parts.items()
            for name, value in network.state_dict().items()
        }

    def restore_weights(self, weights: Mapping[str, Tensor]) -> None:
        """Take up a checkpoint's weights. Raises ValueError when they do not fit the networks."""
        # Checkpoints of earlier versions have another name for the auxiliary discriminators.
        weights = {name.replace(*_RENAMED, 1) if name.startswith(_RENAMED[0]) else name: value
                   for name, value in weights.items()}  # fmt: skip
        if unlike := first_difference(shapes(self.weights()), shapes(weights)):
            raise ValueError(unlike)
        parts = {"generators": self.generators, "discriminators": self.discriminators, "averaged": self.averaged}
        for part, network in parts.items():
            prefix = f"{part}."
            network.load_state_dict({n.removeprefix(prefix): v for n, v in weights.items() if n.startswith(prefix)})

    def shared_state(self) -> dict[str, Any]:
        """The optimisers' state, equal in every process."""
        return {"generators": self._optimiser_g.state_dict(), "discriminators": self._optimiser_d.state_dict()}

    def restore_shared_state(self, state: Mapping[str, Any]) -> None:
        """Take up the optimisers' state. Raises ValueError, KeyError or TypeError when it is not theirs."""
        for name, optimiser in (("generators", self._optimiser_g), ("discriminators", self._optimiser_d)):
            _check_optimiser(optimiser, state[name], name, _KEPT[self.settings.optimiser])
            optimiser.load_state_dict(state[name])
            _lay_out_as_weights(optimiser)

    def restore_post_hoc(self, state: Mapping[str, Any] | None) -> None:
        """Take up the averages of a checkpoint; where it has none there are none from now on, since those that began
        now would pass for averages over all steps. Raises ValueError or KeyError when they are not theirs."""
        if self.post_hoc is not None and state is not None:
            self.post_hoc.restore(state)
        else:
            self.post_hoc = None

    def local_state(self) -> dict[str, Any]:
        """State that differs between processes: history buffers and random generators."""
        cuda = self.fabric.device.type == "cuda"
        return {
            "history_a": self._history["a"].state(),
            "history_b": self._history["b"].state(),
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state(self.fabric.device) if cuda else None,
        }

    def restore_local_state(self, state: Mapping[str, Any]) -> None:
        """Take up this process's own state."""
        self._history["a"].restore(state["history_a"], self.fabric.device)
        self._history["b"].restore(state["history_b"], self.fabric.device)
        torch.set_rng_state(state["random"].cpu())
        if state["random_cuda"] is not None and self.fabric.device.type == "cuda":
            torch.cuda.set_rng_state(state["random_cuda"].cpu(), self.fabric.device)


_RENAMED = ("discriminators.further.", "discriminators.auxiliary.")

# What each optimiser keeps of a weight beside the number of its steps.
_KEPT = {"adam": {"step", "exp_avg", "exp_avg_sq"}, "rmsprop": {"step", "square_avg"}}


def _check_optimiser(optimiser: Any, state: Mapping[str, Any], name: str, kept: set[str]) -> None:
    """Raise ValueError for a state that torch would take up, and stumble over in the next step."""
    weights = [weight for group in optimiser.param_groups for weight in group["params"]]
    for own, found in zip(optimiser.param_groups, state["param_groups"], strict=True):
        if missing := own.keys() - found.keys():
            raise ValueError(f"the optimiser of the {name} has no {sorted(missing)[0]}: training.optimiser is another")
    for place, facts in state["state"].items():
        shape = weights[place].shape
        if facts.keys() != kept or any(value.dim() and value.shape != shape for value in facts.values()):
            raise ValueError(f"the optimiser of the {name} holds another state of weight {place}")


def _lay_out_as_weights(optimiser: Any) -> None:
    """Give an optimiser's state the memory format of its weights, which another device may have in another one.

    Fused Adam walks through the memory of both, and on the CPU looks at no strides (PyTorch 2.12): a state from CUDA,
    in channels_last, would be paired with the wrong weights without an error.
    """
    for weight, facts in optimiser.state.items():
        for name, value in facts.items():
            if isinstance(value, Tensor) and value.shape == weight.shape and value.stride() != weight.stride():
                facts[name] = torch.empty_like(weight, dtype=value.dtype).copy_(value)


def _parts_of(group: nn.Module) -> Iterator[nn.Module]:
    """The networks of a group, those in its dictionaries each by itself."""
    for network in group.children():
        if isinstance(network, nn.ModuleDict):
            yield from network.values()
        else:
            yield network


def _sum(losses: Mapping[str, Tensor], times: Mapping[str, int]) -> Tensor:
    """The sum of losses, each as many `times` as is said of it, or once. Raises AdapterError where there are none."""
    if not losses:
        raise AdapterError("the objective gave no losses for networks that Objective.updates has updated at this step")
    return torch.stack([times[name] * loss if name in times else loss for name, loss in losses.items()]).sum()


def _mean(records: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    return {name: torch.stack([record[name].detach() for record in records]).mean() for name in records[0]}
