"""Shared parts of the programs: reading options, reporting faults, and exit codes.

Exit codes: 0 done, 1 a fault of this program, 2 something the user can fix, 130 interrupted.
"""

from __future__ import annotations

import argparse
import errno
import io
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import unpaired
from unpaired import ConfigError, UnpairedError
from unpaired.apps.progress import tell
from unpaired.core import as_note, atomic_text, shortened, suggestion
from unpaired.core.settings import Text, named_as_typed

if TYPE_CHECKING:
    from unpaired import Translator

# What the machine refuses (no space, no permission) is for the user to fix, even where no module foresaw it.
_ENVIRONMENT = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG)


class Parser(argparse.ArgumentParser):
    """argparse that raises ConfigError instead of exiting, and reads dotted settings (--training.steps 10).

    `groups` are the settings a program takes in dotted form, `shorthand` the plain options that stand for one
    ("steps" for "training.steps"). Whatever is misspelt is reported together.
    """

    def __init__(
        self, program: str, description: str, groups: Sequence[str] = (), shorthand: dict[str, str] | None = None
    ) -> None:
        super().__init__(
            prog=program,
            description=description,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self.groups = groups
        self.shorthand = shorthand or {}
        self.foreign: Callable[[str, str | None], str | None] | None = None
        """What stands here for an option of another program and its value; None for one that is not known."""
        self.elsewhere: Mapping[str, str] = {}
        """Options of another command, and what to say of each here."""
        self.details: Callable[[Sequence[str]], str] | None = None
        """Builds the end of the help, which may depend on the arguments."""
        self.add_argument("--debug", action="store_true", help="show the traceback of a fault")

    def error(self, message: str) -> NoReturn:
        """Raise argparse's error, with a hint for newcomers."""
        what, _, words = message.partition(": ")
        hint = ""
        if what == "unrecognized arguments":
            dashed = any(word[0] in "-\N{EN DASH}\N{EM DASH}" for word in words.split())
            hint = "; options begin with two hyphens" if dashed else "; a name with spaces goes in quotes"
        if what == "the following arguments are required":
            named = (str(action.metavar or action.dest) for action in self._actions if not action.option_strings)
            hint = f"; it takes {' '.join(named)}"
        raise ConfigError(f"{shortened(message, 160)} (see {self.prog} --help){hint}")

    def _print_message(self, message: str, file: Any = None) -> None:
        # argparse passes over a standard output that is full.
        print(message, end="", file=file)

    def read(self, words: Sequence[str]) -> argparse.Namespace:
        """Read a program's words. In the result, `settings` is the nested mapping of the dotted settings, `typed` each
        option that was typed, by the dotted name of its setting or by its own plain one, and `faults` what is wrong so
        far. Raises ConfigError where nothing can be made of the words."""
        if self.details and {"-h", "--help"} & set(words):
            self.epilog = self.details(words)
        self._typed: dict[str, str] = {}
        rest, settings, faults = self._take_settings(list(words))
        try:
            args = self.parse_args(rest)
        except ConfigError as error:
            raise ConfigError(*faults, *error.faults) from None
        # What nobody typed may be empty.
        empty = [each for each in self._actions if each.default != "" and getattr(args, each.dest, None) == ""]
        faults += [f"{(*action.option_strings, action.metavar)[0]} is an empty name" for action in empty]
        given = {word.partition("=")[0] for word in words}
        plain = {each.dest: option for each in self._actions for option in each.option_strings if option in given}
        args.settings, args.faults, args.typed = settings, faults, plain | self._typed
        return args

    def _take_settings(self, words: list[str]) -> tuple[list[str], dict[str, Any], list[str]]:
        rest: list[str] = []
        settings: dict[str, Any] = {}
        faults: list[str] = []
        known = {option for action in self._actions for option in action.option_strings}
        while words:
            word = words.pop(0)
            option, given, value = word.partition("=")
            if word == "--":
                return [*rest, word, *words], settings, faults
            foreign = self._foreign(option, value if given else next(iter(words), None), known)
            if foreign:
                faults.append(f"{shortened(word, 80)} is an option of ffmpeg; here: {foreign}")
                if not given and words and not words[0].startswith("-"):
                    words.pop(0)
                continue
            if not word.startswith("--") or option in known:
                rest.append(word)
                continue
            bare = not given and not (words and not words[0].startswith("--"))
            if not given:
                value = "true" if bare else words.pop(0)
            setting = self._setting(option)
            if setting:
                put(settings, setting, Text(value))
                self._typed[setting] = f"{option} (without a value)" if bare else option
            elif option in self.elsewhere:
                faults.append(f"{option} is no option here: {self.elsewhere[option]}")
            else:
                options = known | {"--" + short.replace("_", "-") for short in self.shorthand}
                faults.append(f"{shortened(option, 80)} is no option{suggestion(option, sorted(options))}")
        return rest, settings, faults

    def _foreign(self, option: str, value: str | None, known: Collection[str]) -> str | None:
        ours = not option.startswith("-") or option == "-" or option in known or self._setting(option) is not None
        return None if ours or self.foreign is None else self.foreign(option, value)

    def _setting(self, option: str) -> str | None:
        name = option.removeprefix("--").replace("-", "_")
        if "." in name and name.partition(".")[0] in self.groups:
            return name
        return self.shorthand.get(name)


def add_runtime(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what runs a model, in which precision, and on which device."""
    parser.add_argument("--runtime", choices=("auto", "torch", "openvino", "onnx"), default="auto",
                        help="what runs the network (default: auto, the fastest here)")  # fmt: skip
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16"), default="auto",
                        help="of the network (default: auto, what is measured to be faster here)")  # fmt: skip
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda, cuda:N or mps")


def loaded(args: argparse.Namespace, model: str | None = None) -> Translator:
    """The translator that MODEL (or `model`) and the options of `add_runtime` and `add_ema_length` name."""
    runs = {"runtime": args.runtime, "device": args.device, "precision": args.precision}
    return unpaired.load(model or args.model, ema_length=args.ema_length, **runs)


def tell_notes(translator: Translator) -> None:
    """Print what there is to say of how a model runs here."""
    for note in translator.notes:
        print(as_note(note), file=sys.stderr)


def add_ema_length(parser: argparse.ArgumentParser) -> None:
    """Add the option that averages the generators of a run otherwise."""
    parser.add_argument("--ema-length", type=float, metavar="SHARE", help="of a run or a checkpoint: average its "
                        "generators over this share of the run, 0.01 to 0.25")  # fmt: skip


def put(mapping: dict[str, Any], name: str, value: Any) -> None:
    """Set `mapping["a"]["b"]` for the name "a.b"."""
    *groups, key = name.split(".")
    for group in groups:
        if not isinstance(mapping.get(group), dict):
            mapping[group] = {}
        mapping = mapping[group]
    mapping[key] = value


def refuse(faults: Sequence[str]) -> None:
    """Raise the faults collected so far, if any, as one ConfigError."""
    if faults:
        raise ConfigError(*faults)


def put_scores(text: str, data: Mapping[str, Any], target: str | None) -> None:
    """Print `text`, and write `data` as JSON into the file `target` beside; JSON instead of the text where it is -.

    Raises:
        OutputError: the file cannot be written.
    """
    as_json = dumps(data, indent=2)
    if target not in (None, "-"):
        atomic_text(Path(str(target)), as_json + "\n")
    print(as_json if target == "-" else text)


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keep standard error to this program: decoders written in C print there as they please.

    Not for work in processes of its own: those would have no standard error at all.
    """
    try:
        kept = os.dup(2)
    except OSError:  # there is none
        yield
        return
    stream = sys.stderr
    sys.stderr.flush()
    if _number(stream) == 2:
        sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, encoding=stream.encoding, errors=stream.errors)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        sys.stderr = stream
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def carried_out(command: Callable[[argparse.Namespace], int | None], args: argparse.Namespace) -> int | None:
    """Carry out a command; its faults name settings by the options that were typed."""
    with named_as_typed(args.typed):
        return command(args)


def open_streams() -> None:
    """Give a program that was started without standard streams (`>&-`) ones that lead nowhere: the next file that it
    opened would take their place."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            stream = Path(os.devnull).open("w" if number else "r", encoding="utf-8")  # noqa: SIM115 (it stays open)
            setattr(sys, name, stream)

    for output in (sys.stdout, sys.stderr):
        if isinstance(output, io.TextIOWrapper):  # names of files need not be Unicode
            output.reconfigure(errors="backslashreplace")


def _number(stream: Any) -> int | None:
    """The system's number of a stream; None for one that Python made in its place (`io.StringIO`)."""
    try:
        return int(stream.fileno())
    except (AttributeError, OSError, ValueError):
        return None


def leads_nowhere(stream: Any) -> bool:
    """Whether a standard stream is one that `open_streams` had to make."""
    return getattr(stream, "name", None) == os.devnull


def run(program: Callable[[], int | None], debug: bool = False) -> int:
    """Run a program and return its exit code; a fault becomes one line on standard error."""
    tell(pid=os.getpid())
    code = _guarded(program, debug)
    tell(code=code)
    return code


def _guarded(program: Callable[[], int | None], debug: bool) -> int:
    if not debug:
        warnings.simplefilter("ignore")
    open_streams()
    try:
        return _finished(program)
    except UnpairedError as error:
        return _failed(str(error), 2, debug)
    except KeyboardInterrupt as error:
        return _failed(str(error) or "interrupted", 130, debug)
    except BrokenPipeError:  # whoever read our output went away, as `| head` does
        _give_up_output()
        return 0
    except Exception as error:
        if isinstance(error, OSError) and error.filename is None and _output_fails():
            _give_up_output()
            return _failed(f"standard output cannot be written: {error.strerror or error}", 2, debug)
        if isinstance(error, OSError) and error.errno in _ENVIRONMENT:
            return _failed(f"{shortened(str(error.filename or 'a file'))} cannot be used: {error.strerror}", 2, debug)
        return _failed(
            f"this is a fault of unpaired, please report it: {type(error).__name__}: {error}"
            " (--debug shows where it happened)",
            1,
            debug,
        )


def _finished(program: Callable[[], int | None]) -> int:
    """A program's exit code, once all that it printed is written."""
    try:
        code = program() or 0
    except SystemExit:  # argparse, after it printed the help
        code = 0
    sys.stdout.flush()
    return code


def _output_fails() -> bool:
    """Whether standard output accepts nothing: neither the buffer nor an empty write."""
    try:
        sys.stdout.flush()
        os.write(sys.stdout.fileno(), b"")
    except ValueError:  # no stream of the system's
        return False
    except OSError:
        return True
    return False


def _give_up_output() -> None:
    """Discard what is still buffered for standard output: Python would report it at exit."""
    number = _number(sys.stdout)
    if number is not None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)


def _failed(message: str, code: int, debug: bool) -> int:
    tell(error=" ".join(message.split()))
    if debug:
        traceback.print_exc()
    with suppress(OSError):  # standard error may be full as well
        print("unpaired:", " ".join(message.split()), file=sys.stderr, flush=True)
    return code
