"""Noise, with a label where there are some: what a generator without an input begins with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import ConfigError, show

if TYPE_CHECKING:
    import numpy as np

    from .values import Array

_CUSTOMARY = re.compile(r"[^/\\:*?\"<>|\x00-\x1f]{1,100}").fullmatch
MOST = 4096
"""Channels of a sample, at most."""


@dataclass(frozen=True)
class Noise:
    """Vectors of independent numbers, uniform on (-1, 1), each followed by a label as a one-hot vector."""

    size: int
    """Numbers of a vector, without its label."""
    labels: tuple[str, ...] = ()
    """Names of the labels; empty: without."""

    def __post_init__(self) -> None:
        if not 1 <= self.channels <= MOST:
            raise ConfigError(f"noise has {self.channels} channels; expected 1 to {MOST} with its labels")
        odd = next((name for name in self.labels if name.strip(" .") != name or not _CUSTOMARY(name)), None)
        if odd is not None:  # samples of a label are written into a folder of its name
            raise ConfigError(f"{show(odd)} is no label; expected a name that a folder may have")

    @property
    def channels(self) -> int:
        """Length of a vector with its label."""
        return self.size + len(self.labels)

    def label(self, name: str) -> int:
        """The number of a label. Raises ConfigError where there is none of that name."""
        if not self.labels:
            raise ConfigError(f"label is {show(name)}, but this model knows no labels; leave it out")
        if name not in self.labels:
            raise ConfigError(f"label is {show(name)}; this model knows {', '.join(self.labels)}")
        return self.labels.index(name)

    def draw(self, rng: np.random.Generator, label: int | None = None) -> Array:
        """A vector (channels,), float32; `label` None draws one of them, each as likely."""
        import numpy as np

        values = rng.uniform(-1.0, 1.0, self.size).astype(np.float32)
        if not self.labels:
            return values
        drawn = int(rng.integers(len(self.labels)))
        one_hot = np.zeros(len(self.labels), np.float32)
        one_hot[drawn if label is None else label] = 1.0
        return np.concatenate([values, one_hot])

    def as_dict(self) -> dict[str, Any]:
        """It as plain values, for a model file."""
        return {"size": self.size, "labels": list(self.labels)}

    @classmethod
    def of_dict(cls, given: Any) -> Noise:
        """The noise of such values. Raises KeyError, TypeError or ConfigError for others."""
        return cls(int(given["size"]), tuple(map(str, given["labels"])))
