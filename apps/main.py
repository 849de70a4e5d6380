"""The program `unpaired`: finds the given command, and imports only that one."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

import unpaired
from unpaired import ConfigError
from unpaired.apps.command_line import carried_out, run
from unpaired.core import show, suggestion

# Each is a module of unpaired.apps.commands with `parser()` and `main(args)`.
COMMANDS = {
    "train": "train a translator from two folders",
    "distill": "train a small translator that does what a larger one does",
    "generate": "make samples from noise, by a model that does",
    "convert": "translate a file, or a folder of files",
    "compare": "show what several models make of the same files",
    "evaluate": "score a translator on held-out folders",
    "inspect": "say what a folder, a file, a run or a model holds, and what it means for training",
    "shards": "write a folder as tar files to train from",
    "runs": "list the runs of a folder beside each other",
    "ema": "average a run over the share of it that scores best",
    "export": "write a model as ONNX or safetensors",
    "import": "read the weights of pytorch-CycleGAN-and-pix2pix and CUT",
    "web": "serve a page: drop a file, look and listen; two folders, a night, a translator",
    "machine": "say what this machine is to a network, and what was measured on it",
    "models": "list the shipped models",
    "domains": "list the installed domains",
}


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line `words` (default: those of the process) and return its exit code."""
    given = list(sys.argv[1:] if words is None else words)
    return run(lambda: _dispatch(given), debug="--debug" in given)


def _dispatch(words: list[str]) -> int | None:
    command = next((word for word in words if word != "--debug"), None)
    if command == "help" and any(word in COMMANDS for word in words):
        words.remove("help")
        return _dispatch([*words, "--help"])
    if command in ("-h", "--help", "help"):
        print(_help())
        return 0
    if command in ("--version", "version"):
        print("unpaired", unpaired.__version__)
        return 0
    if command not in COMMANDS:
        found = "no command was named" if command is None else f"there is no command {show(command)}"
        known = list(COMMANDS)
        raise ConfigError(f"{found}{suggestion(command or '', known)}; commands: {', '.join(known)}")
    words.remove(command)
    module = import_module(f"unpaired.apps.commands.{command}_command")
    return carried_out(module.main, module.parser().read(words))


def _help() -> str:
    listed = "\n".join(f"  {name:<10}{summary}" for name, summary in COMMANDS.items())
    return (
        "usage: unpaired COMMAND ...\n\n"
        "Two folders in, a translator out.\n\n"
        f"commands:\n{listed}\n\n"
        "unpaired COMMAND --help describes one. --version prints the version, --debug the traceback of a fault."
    )


if __name__ == "__main__":
    sys.exit(main())
