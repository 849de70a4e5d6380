"""A run in Weights & Biases."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from ..runtimes.offline import without_reports_of_use
from ..runtimes.packages import require
from .callbacks import RunInfo
from .records import EndReport, Preview
from .sounds import preview_sounds
from .tracking import Tracker, keep_id, known_id, require_packages


class Wandb(Tracker):
    """Logs settings, losses, scores, preview sheets and sound to Weights & Biases.

    Nothing leaves the machine unless you say so: with `mode`, `entity`, or WANDB_MODE in the environment. Otherwise the
    run is written to `wandb` in the run folder, from where `wandb sync` uploads it. A resumed run keeps its id.
    Where your program has begun a run with `wandb.init`, that is logged to, and left open.

    Args:
        project: the project in W&B.
        entity: the user or team; given, the run is logged online.
        name: of the run; by default that of the run folder.
        mode: online or offline; by default WANDB_MODE, or offline.
    """

    def __init__(
        self,
        project: str = "unpaired",
        entity: str | None = None,
        name: str | None = None,
        mode: Literal["online", "offline"] | None = None,
    ) -> None:
        """Raises MissingDependency without the package wandb."""
        require_packages("wandb", "wandb")
        self._project, self._entity, self._name, self._mode = project, entity, name, mode
        self._wandb: Any = None
        self._run: Any = None
        self._own = True
        super().__init__()

    def on_start(self, run: RunInfo) -> None:
        super().on_start(run)
        self._wandb = require("wandb", "wandb")
        self._own = self._wandb.run is None
        if self._own:
            with without_reports_of_use():  # W&B's process is started here
                self._run = self._begin(run)
            keep_id(run, "wandb", self._run.id)
        else:
            self._run = self._wandb.run
            self._run.config.update(dict(run.settings), allow_val_change=True)
        self._run.define_metric("*", step_metric="step")

    def on_end(self, run: RunInfo, report: EndReport) -> None:
        if self._run is not None and self._own:
            self._run.finish(exit_code=int(report.outcome == "failed"))
        self._run = None

    def _begin(self, run: RunInfo) -> Any:
        mode = self._mode or os.environ.get("WANDB_MODE") or ("online" if self._entity else "offline")
        quiet = {"console": "off", "silent": True}
        if mode != "online":  # what it would find out about the machine, it asks the network for as well
            quiet |= {"x_disable_stats": True, "x_disable_meta": True, "x_disable_machine_info": True}
        return self._wandb.init(
            project=self._project,
            entity=self._entity,
            name=self._name or run.folder.resolve().name,
            dir=run.folder,
            id=known_id(run, "wandb"),
            resume="allow" if mode == "online" else None,
            config=dict(run.settings),
            mode=mode,
            settings=self._wandb.Settings(**quiet),
        )

    def _show(self, run: RunInfo, preview: Preview, sheet: Path) -> None:
        shown: dict[str, Any] = {"preview/sheet": self._wandb.Image(str(sheet))}
        for name, (sound, rate) in preview_sounds(preview, run.domain).items():
            shown[f"preview/{name}"] = self._wandb.Audio(sound.T.numpy(), sample_rate=rate)
        self._log(shown, preview.step)

    def _log(self, figures: Mapping[str, Any], step: int) -> None:
        # Their own count of steps may not go back, as it would when a run is resumed from an earlier checkpoint.
        self._run.log({"step": step, **figures})
