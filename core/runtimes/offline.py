"""Import what reports its use over the network, so that it does not."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, MutableMapping
from contextlib import ExitStack, contextmanager
from typing import Any

_lock = threading.RLock()
_SWITCHES = {"ORT_DISABLE_TELEMETRY": "1", "MLFLOW_DISABLE_TELEMETRY": "true", "WANDB_ERROR_REPORTING": "false"}


@contextmanager
def without_reports_of_use() -> Iterator[None]:
    """Let libraries that are imported inside the block look up no address and write nothing into the home folder.

    OpenVINO sends an event as it is imported, by the package openvino-telemetry; where that is missing it settles for
    a stand-in of its own. ONNX Runtime (1.29 and later) asks the environment once, as it is imported, whether it may,
    and so does MLflow. W&B starts a process that looks for its server in offline mode too, to report errors, unless the
    environment forbids it then.
    After the block both are as before, for whatever else the process does.
    """
    with _lock, ExitStack() as stack:
        stack.enter_context(_replaced(sys.modules, "openvino_telemetry", None))
        for name, value in _SWITCHES.items():
            stack.enter_context(_replaced(os.environ, name, value))
        yield


@contextmanager
def _replaced(mapping: MutableMapping[str, Any], key: str, value: Any) -> Iterator[None]:
    before = {key: mapping[key]} if key in mapping else {}
    mapping[key] = value
    try:
        yield
    finally:
        mapping.pop(key, None)
        mapping.update(before)
