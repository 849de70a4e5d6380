"""Errors for which the input, not the program, is at fault.

Every class also subclasses the builtin a caller would expect to catch. A message says what was found,
what was expected and what to do; command-line programs print it as one line and exit with code 2.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

LONGEST = 300
"""Characters of a message."""


class UnpairedError(Exception):
    """Base of every error that a user can cause and fix."""

    @property
    def faults(self) -> tuple[str, ...]:
        """Each fault separately; most errors have one."""
        return (str(self),)


class _Faults(UnpairedError):
    """One fault or several; the message lists as many as a line holds, `faults` all of them."""

    def __init__(self, *faults: str) -> None:
        super().__init__(*faults)

    def __str__(self) -> str:
        return joined(self.faults)

    @property
    def faults(self) -> tuple[str, ...]:
        """Each fault in words of its own."""
        return tuple(str(fault) for fault in self.args)


class ConfigError(_Faults, ValueError):
    """Settings are unknown, of the wrong type or out of range; all faults are reported together."""


class MediaError(UnpairedError, ValueError):
    """A media file cannot be read, or its content cannot be used."""


class MissingFile(UnpairedError, FileNotFoundError):
    """A file or folder that was named does not exist."""


class OutputError(UnpairedError, OSError):
    """An output cannot be written: no space, no permission, or a place that must not be written to."""


class ModelFileError(UnpairedError, ValueError):
    """A model file or checkpoint is damaged, has another format, or does not match its own header."""


class UnknownName(UnpairedError, LookupError):
    """A domain, network, objective or model of that name is not installed."""


class ArgumentError(_Faults, TypeError):
    """Arguments have the wrong type; the message says what was expected."""


class AdapterError(UnpairedError, TypeError):
    """A class of somebody else's (a domain, a network, an objective, a dataset) breaks its contract; the message names
    the class, the method, what was found and what was expected."""


class MissingDependency(UnpairedError, ImportError):
    """An optional package is needed here; the message names what to install."""


class ResourceError(UnpairedError, RuntimeError):
    """The machine lacks resources for the work (memory, shared memory, processes), or took them away."""


class NumericsError(UnpairedError, ArithmeticError):
    """Training produced NaN or infinity; the message names the last good checkpoint."""


class CallbackError(UnpairedError, RuntimeError):
    """A callback of the user's failed; the message names it, and the state of the training has been saved."""


class Interrupted(KeyboardInterrupt):
    """Training was asked to stop (Ctrl-C, SIGTERM) and has saved its state; not a fault, so not an UnpairedError."""


def joined(faults: Sequence[str]) -> str:
    """Join faults into one message: the first, and the further ones that fit into 300 characters, the rest counted."""
    message = faults[0] if faults else ""
    for place, fault in enumerate(faults[1:], 1):
        left = len(faults) - place - 1
        longer = f"{message}; {fault}"
        if len(longer + _more(left)) > LONGEST:
            return message + _more(left + 1)
        message = longer
    return message


def _more(left: int) -> str:
    return f"; and {left} more" if left else ""


def one_line(error: BaseException) -> str:
    """Message of an exception, in one line of at most 300 characters."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split())[:LONGEST] or type(error).__name__


def fault_of_others(error: Exception, when: str = "") -> AdapterError | None:
    """The AdapterError for an exception out of a class or a function that was given to us: it names that, and the line.

    None where no such code took part: the fault is ours, or a library's.
    """
    frames = [(frame, line) for frame, line in traceback.walk_tb(error.__traceback__) if _is_foreign(frame)]
    if isinstance(error, UnpairedError | OSError | MemoryError) or not frames:
        return None
    (first, _), (last, line) = frames[0], frames[-1]
    said = f"{type(error).__name__}: {one_line(error)}{when and ' '}{when}"
    place = f"{Path(last.f_code.co_filename).name}, line {line}"
    return AdapterError(f"{first.f_code.co_qualname} raised {said} ({place})")


_LIBRARIES = sys.stdlib_module_names | {
    "unpaired", "torch", "torchvision", "torchaudio", "lightning_fabric", "lightning_utilities", "numpy", "tensorboard",
    "safetensors", "yaml", "tqdm", "PIL", "cv2", "tifffile", "skimage", "av", "librosa", "soundfile", "scipy",
    "pyworld", "onnx", "onnxruntime", "openvino",
}  # fmt: skip


def _is_foreign(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0] not in _LIBRARIES


def as_note(text: str) -> str:
    """A line about what was done all the same, as every program and training says it."""
    return f"unpaired: note: {text}"


def counted(count: int, one: str, more: str) -> str:
    """A number of things: "1 frame is", "2 frames are"."""
    return f"{count} {one if count == 1 else more}"


def some(names: Sequence[str], most: int) -> str:
    """The first of some names: "a, b and 7 more"."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def show(value: Any) -> str:
    """A value as a message quotes it, cut short."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    try:
        text = repr(str(value)) if isinstance(value, str) else " ".join(repr(value).split())
    except (ValueError, RecursionError):  # more digits, or deeper, than Python writes
        text = f"a very large {type(value).__name__}"
    return shortened(text, 60)


def shortened(text: str, longest: int = 240) -> str:
    """A text, cut where it is longer than a message may quote."""
    return text if len(text) <= longest else text[: longest - 3] + "..."
