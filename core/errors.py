"""What unpaired raises when the input, not the program, is at fault.

Every class also subclasses the builtin a caller would expect to catch. A message says what was found,
what was expected and what to do; command-line programs print it as one line and exit with code 2.
"""


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
