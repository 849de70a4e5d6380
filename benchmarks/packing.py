"""Packing of the models that ship."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from unpaired.core.model.model_file import Model, save_model


def pack(model: Model, out: Path, **changed: Any) -> None:
    """Write a model in half precision, with fields that are `changed`, and say its size."""
    save_model(dataclasses.replace(model, **changed), out, half=True)
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB")
