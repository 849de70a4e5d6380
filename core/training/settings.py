"""Settings of a training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..deprecation import renamed_fields
from ..errors import show
from ..settings.arguments import settle_types
from ..settings.faults import raise_faults, require, require_at_least
from .pace import Plans, faults_of

Precision = Literal["auto", "fp32", "bf16", "fp16", "fp64"]
MemoryFormat = Literal["auto", "contiguous", "channels_last"]


@renamed_fields(constant="constant_share", discriminator_constant="discriminator_constant_share")
@dataclass(frozen=True)
class TrainingSettings:
    """Settings of training."""

    steps: int = 100_000
    """Total number of optimiser steps."""
    minutes: float | None = None
    """A deadline in place of `steps`: as many steps as fit into so many minutes, from the start of training (the look
    through the folders included) to the last file of the run. `steps` is then what they came to."""
    pace: Plans = ()
    """Plans that a run with a deadline followed, [step, steps] each; from `step` on, the schedule leads evenly to its
    end at `steps`. Empty where the schedule is as long as the run. It is recorded, so that the run can be repeated."""
    start_from: str = ""
    """A trained model to start from, instead of random weights: a run folder (with its discriminators),
    a model file or the name of a shipped model. Its networks must be this run's."""
    batch: int = 1
    """Samples of each side in one forward pass of one process."""
    accumulate: int = 1
    """Forward passes whose gradients are averaged into one optimiser step."""
    optimiser: Literal["adam", "rmsprop"] = "adam"
    learning_rate: float = 2e-4
    """Learning rate of the generators."""
    discriminator_learning_rate: float | None = None
    """Learning rate of the discriminators; None uses learning_rate."""
    beta1: float = 0.5
    """Decay of Adam's mean of gradients; rmsprop does not use it."""
    beta2: float = 0.999
    """Decay of the mean of squared gradients."""
    weight_decay: float = 0.0
    """Share of every weight that is added to its gradient."""
    constant_share: float = 0.5
    """Share of the steps at the full rate; it decays linearly to zero over the rest."""
    discriminator_constant_share: float | None = None
    """Constant share of the discriminators' rate; None uses constant_share."""
    clip: float = 0.0
    """Largest gradient norm of a parameter group; 0 does not clip."""
    ema: float = 0.999
    """Decay of the generators' exponential moving average, which convert uses; 0 switches it off."""
    post_hoc_ema: bool = True
    """Keep averages of the generators from which one of any length can be made afterwards (`--ema-length`)."""
    precision: Precision = "auto"
    """Precision of the networks: auto is bf16 where CUDA has it or the CPU is measured to be faster so, else fp32."""
    memory_format: MemoryFormat = "auto"
    """How generators of pictures, footage and spectrograms lie in memory on the CPU: auto is channels_last where that
    is measured to be faster in bf16, else contiguous. On CUDA it is always channels_last. The results differ in
    rounding."""
    device: str = "auto"
    """auto, cpu, cuda, mps, or cuda:N."""
    processes: int = 1
    """Training processes (DDP) to start on this machine. Under torchrun, the processes that it starts count instead."""
    seed: int = 0
    shuffle: Literal["full", "blocks"] = "full"
    """Order of the samples of shards in an epoch. full: any may follow any. blocks: 64 neighbours at a time from 64
    places, mixed like a shuffle buffer of 4,096 samples, so that tiny samples are read nearly as fast as in order.
    Files of folders are always shuffled in full."""
    workers: int = 2
    """Loader processes; 0 loads in the training process."""
    compile: bool = False
    """torch.compile the networks (pays on CUDA only)."""
    winograd: bool = True
    """Compute the generators' wide 3x3 convolutions by Winograd's algorithm on the CPU, in fp32 and one process, for
    samples of 128x128 or more: less time, and other rounding. A run of a version without it goes on without."""
    checkpoint_every: int | None = None
    """Steps from one checkpoint, and usable model, to the next; null saves after 30 s, 2, 5 and 10 minutes, then every
    ten, less often where that would take more than 5 % of the time."""
    keep: int = 3
    """Checkpoints kept, besides the best one."""
    log_every: int = 50
    """Steps from one line of figures to the next."""
    preview_every: int | None = None
    """Steps from one preview sheet to the next; null shows one when a checkpoint would be due by time. There is
    always one after the first step, and at every stop."""
    held_out: float | None = None
    """Share of the files of each side (below 1), or number of them, that is not trained on and scores the checkpoints;
    0 holds out none. None: a tenth, 8 to 32 files, if both sides have 50 or more and there are no test folders."""
    best: str | None = None
    """What marks the best checkpoint: score (of held-out files), judged (of voices, by networks of the extra judges
    that hear held-out files), or a logged loss by its lowest mean from one checkpoint to the next; empty keeps none.
    None: score if there are held-out files."""
    patience: int = 0
    """Checkpoints without a better figure (of `best`) after which the run stops; 0 never stops it."""
    extractor: str = ""
    """TorchScript feature extractor for the medium's own scores (KID and FID of pictures); empty uses none."""

    def __post_init__(self) -> None:
        settle_types(self, "training")
        faults: list[str] = []
        counts = ["steps", "batch", "accumulate", "processes", "keep", "log_every"]
        counts += [name for name in ("checkpoint_every", "preview_every") if getattr(self, name) is not None]
        require_at_least(faults, self, "training", counts, 1)
        fine = self.minutes is None or 0 < self.minutes < float("inf")
        require(faults, fine, f"training.minutes is {show(self.minutes)}; expected more than 0")
        faults += faults_of(self.steps, self.pace)
        for name in ("beta1", "beta2", "ema"):  # at 1 nothing new would ever count
            value = getattr(self, name)
            require(faults, 0.0 <= value < 1.0, f"training.{name} is {show(value)}; expected 0 to below 1")
        for name in ("constant_share", "discriminator_constant_share"):
            value = getattr(self, name)
            require(faults, value is None or 0.0 <= value <= 1.0, f"training.{name} is {value}; expected 0 to 1")
        require_at_least(faults, self, "training", ("clip", "workers", "seed", "weight_decay", "patience"), 0)
        held_out = self.held_out
        fine = held_out is None or 0 <= held_out < 1 or (held_out >= 2 and float(held_out).is_integer())
        require(faults, fine, f"training.held_out is {show(held_out)}; expected a share of 0 to below 1, or a number "
                              "of files of 2 or more")  # fmt: skip
        for name in ("learning_rate", "discriminator_learning_rate"):
            value = getattr(self, name)
            fine = value is None or 0 < value < float("inf")
            require(faults, fine, f"training.{name} is {show(value)}; expected more than 0")
        optimisers = ("adam", "rmsprop")
        require(faults, self.optimiser in optimisers,
                f"training.optimiser is {show(self.optimiser)}; expected one of {', '.join(optimisers)}")  # fmt: skip
        precisions = ("auto", "fp32", "bf16", "fp16", "fp64")
        require(faults, self.precision in precisions,
                f"training.precision is {show(self.precision)}; expected one of {', '.join(precisions)}")  # fmt: skip
        formats = ("auto", "contiguous", "channels_last")
        require(faults, self.memory_format in formats, f"training.memory_format is {show(self.memory_format)}; "
                f"expected one of {', '.join(formats)}")  # fmt: skip
        raise_faults(faults)
