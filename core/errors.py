"""What unpaired raises when the input, not the program, is at fault.

Every class also subclasses the builtin a caller would expect to catch. A message says what was found,
what was expected and what to do; command-line programs print it as one line and exit with code 2.
"""

from __future__ import annotations

from typing import Any


class UnpairedError(Exception):
    """Root of every error a user can cause and mend."""


class ConfigError(UnpairedError, ValueError):
    """A setting is unknown, of the wrong type or out of range; the message lists every fault at once."""


class MediaError(UnpairedError, ValueError):
    """A media file cannot be read, or holds what the domain cannot use."""


class MissingFile(UnpairedError, FileNotFoundError):
    """A file or folder that was named does not exist."""


class OutputError(UnpairedError, OSError):
    """An output cannot be written: no space, no permission, or a place that must not be written to."""


class ModelFileError(UnpairedError, ValueError):
    """A model file or checkpoint is damaged, of another format, or does not match its own header."""


class UnknownName(UnpairedError, LookupError):
    """A domain, network, objective or model of that name is not installed."""


class ArgumentError(UnpairedError, TypeError):
    """An argument is of another type than the function takes; the message says what was expected."""


class AdapterError(UnpairedError, TypeError):
    """A domain breaks its contract; the message names the class, the method, what came and what was expected."""


class MissingDependency(UnpairedError, ImportError):
    """An optional package is needed here; the message names what to install."""


class ResourceError(UnpairedError, RuntimeError):
    """The machine lacks what the work needs (memory, shared memory, processes), or took it away."""


class NumericsError(UnpairedError, ArithmeticError):
    """Training produced NaN or infinity; the message names the last good checkpoint."""


class Interrupted(KeyboardInterrupt):
    """Training was asked to stop (Ctrl-C, SIGTERM) and has saved its state; not a fault, so not an UnpairedError."""


def one_line(error: BaseException) -> str:
    """What an exception says, in one line of at most 300 characters."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split())[:300] or type(error).__name__


def show(value: Any) -> str:
    """A value as a message quotes it, cut short."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    try:
        text = repr(str(value)) if isinstance(value, str) else repr(value)
    except (ValueError, RecursionError):  # more digits, or deeper, than Python writes
        text = f"a very large {type(value).__name__}"
    return shortened(text, 60)


def shortened(text: str, longest: int = 240) -> str:
    """A text, cut where it is longer than a message may quote."""
    return text if len(text) <= longest else text[: longest - 3] + "..."
