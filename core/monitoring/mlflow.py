"""A run in MLflow."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..runtimes.packages import require
from .callbacks import RunInfo
from .records import EndReport, Preview, flatten
from .tracking import Tracker, keep_id, known_id, require_packages

_STATUS = {"complete": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"}
_LONGEST = 500
"""Characters of a setting: what every version of MLflow takes."""


class MLflow(Tracker):
    """Logs settings, losses, scores and preview sheets to MLflow.

    Without an address, neither here nor in MLFLOW_TRACKING_URI, everything stays in `mlflow.db` and `mlflow-artifacts`
    beside the run folder: `mlflow ui --backend-store-uri sqlite:///runs/mlflow.db` shows the runs of `runs`. A resumed
    run goes on as the same run.

    Args:
        experiment: the experiment in MLflow; made if there is none.
        tracking_uri: where to log to, for example http://localhost:5000 or sqlite:///mlflow.db.
        name: of the run; by default that of the run folder.
    """

    def __init__(self, experiment: str = "unpaired", tracking_uri: str | None = None, name: str | None = None) -> None:
        """Raises MissingDependency without the packages mlflow-skinny, sqlalchemy and alembic."""
        require_packages("mlflow", "mlflow", "sqlalchemy", "alembic")
        self._experiment, self._uri, self._name = experiment, tracking_uri, name
        self._client: Any = None
        self._entities: Any = None
        self._id = ""
        super().__init__()

    def on_start(self, run: RunInfo) -> None:
        super().on_start(run)
        self._entities = require("mlflow.entities", "mlflow-skinny")
        uri, artifacts = self._uri or os.environ.get("MLFLOW_TRACKING_URI"), None
        if not uri:
            beside = run.folder.absolute().parent
            uri, artifacts = f"sqlite:///{beside / 'mlflow.db'}", (beside / "mlflow-artifacts").as_uri()
        logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)  # it tells of each table that it makes
        self._client = require("mlflow", "mlflow-skinny").MlflowClient(uri)
        known = known_id(run, "mlflow")
        if known is not None:
            self._id = known
            self._client.update_run(known, status="RUNNING")
            return
        name = self._name or run.folder.resolve().name
        self._id = self._client.create_run(self._experiment_id(artifacts), run_name=name).info.run_id
        keep_id(run, "mlflow", self._id)
        settings = [self._entities.Param(name, str(value)[:_LONGEST]) for name, value in flatten(run.settings).items()]
        for start in range(0, len(settings), 100):  # as many as a call takes
            self._client.log_batch(self._id, params=settings[start : start + 100])

    def on_end(self, run: RunInfo, report: EndReport) -> None:
        if self._id:
            self._client.set_terminated(self._id, _STATUS[report.outcome])
        self._id = ""

    def _experiment_id(self, artifacts: str | None) -> str:
        found = self._client.get_experiment_by_name(self._experiment)
        made: str = found.experiment_id if found else self._client.create_experiment(self._experiment, artifacts)
        return made

    def _show(self, run: RunInfo, preview: Preview, sheet: Path) -> None:
        self._client.log_artifact(self._id, str(sheet), "previews")

    def _log(self, figures: Mapping[str, float], step: int) -> None:
        now = time.time_ns() // 1_000_000
        self._client.log_batch(
            self._id, metrics=[self._entities.Metric(name, value, now, step) for name, value in figures.items()]
        )
