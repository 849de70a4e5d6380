"""Options, exit codes and streams, whatever the command."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from unpaired import ConfigError, MediaError, __version__
from unpaired.apps.command_line import Parser, quiet_libraries, run
from unpaired.apps.commands import train_command
from unpaired.apps.main import COMMANDS
from unpaired.apps.progress import Progress


def test_help_names_every_command(unpaired: Callable) -> None:
    done = unpaired("--help")
    assert done.code == 0
    assert not done.err
    for name, summary in COMMANDS.items():
        assert f"  {name} " in done.out
        assert summary in done.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_describes_itself(command: str, unpaired: Callable) -> None:
    done = unpaired(command, "--help")
    assert done.code == 0
    assert done.out.startswith(f"usage: unpaired {command} ")
    assert not done.err


def test_help_needs_nothing_heavy(program: Callable) -> None:
    """What takes the second that `--help` must not take is the import of torch and the like."""
    heavy = "torch", "numpy", "PIL", "cv2", "openvino", "lightning_fabric", "safetensors"
    code = (
        "import sys; from unpaired.apps.main import main; "
        "assert [main([word, '--help']) for word in ('train', 'convert', 'inspect')] == [0, 0, 0]; main(['--help']); "
        f"assert not set({heavy}) & set(sys.modules), set({heavy}) & set(sys.modules)"
    )
    done = program("-c", code)
    assert done.code == 0, done.err


def test_version(unpaired: Callable) -> None:
    assert unpaired("--version").out == f"unpaired {__version__}\n"


def test_the_console_script_and_the_module_are_one_program(program: Callable) -> None:
    script = subprocess.run(
        [Path(sys.executable).with_name("unpaired"), "--help"], capture_output=True, text=True, check=True
    )
    assert script.stdout == program("-m", "unpaired.apps.main", "--help").out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no command was named; commands: train, distill, generate, convert"),
        (["trian"], "there is no command 'trian' (did you mean 'train'?)"),
        (["--jsn"], "there is no command '--jsn'"),
        (["domains", "--jsn"], "--jsn is no option (did you mean '--json'?)"),
        (["domains", "extra"], "unrecognized arguments: extra (see unpaired domains --help)"),
        (["convert", "m", "in", "out", "--direction", "ab"], "argument --direction: invalid choice: 'ab'"),
        (["convert", "m", "in", "out", "--strenth=0.5"], "--strenth is no option (did you mean '--strength'?)"),
        (
            ["convert", "m", "in", "o.mov", "-pix_fmt", "yuv422p10le"],
            "-pix_fmt is an option of ffmpeg; here: --depth 10 --chroma 422\n",
        ),
        (["convert", "m", "in", "o.mov", "-c:v", "prores_ks"], "-c:v is an option of ffmpeg; here: --codec prores\n"),
        (
            ["convert", "m", "in", "o.mov", "--rate", "abc"],
            "argument --rate: 'abc' is no number; write 24 or 24000/1001",
        ),
        (["convert", "m"], "the following arguments are required: INPUT, OUTPUT"),
        (["convert", "--strenth", "1"], "--strenth is no option (did you mean '--strength'?); the following arg"),
        (["evaluate", "m", "--limit", "x", "--a", "x"], "argument --limit: invalid int value: 'x'"),
        (["evaluate", "m"], "a is missing: give --a DIR; b is missing: give --b DIR"),
        (["train", "--da", "x"], "--da is no option"),
    ],
)
def test_misused_options_are_one_line_and_exit_2(words: list[str], message: str, unpaired: Callable) -> None:
    done = unpaired(*words)
    assert done.code == 2
    assert done.out == ""
    assert done.err.startswith(f"unpaired: {message}"), done.err
    assert done.err.count("\n") == 1


def raising(error: BaseException) -> Callable[[], int]:
    def program() -> int:
        raise error

    return program


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (MediaError("a.png is\ntruncated"), 2, "unpaired: a.png is truncated\n"),
        (KeyboardInterrupt(), 130, "unpaired: interrupted\n"),
        (KeyboardInterrupt("go on with: x"), 130, "unpaired: go on with: x\n"),
        (OSError(28, "No space left on device", "/x/y"), 2, "unpaired: /x/y cannot be used: No space left on device\n"),
        (ZeroDivisionError("oh"), 1, "unpaired: this is a fault of unpaired, please report it: ZeroDivisionError: oh "
         "(--debug shows where it happened)\n"),
        (OSError("odd"), 1, "unpaired: this is a fault of unpaired, please report it: OSError: odd "
         "(--debug shows where it happened)\n"),
    ],
)  # fmt: skip
def test_a_fault_is_one_line_with_its_exit_code(
    error: BaseException, code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(raising(error)) == code
    assert capsys.readouterr().err == message


def test_debug_adds_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(raising(ZeroDivisionError("oh")), debug=True) == 1
    shown = capsys.readouterr().err
    assert shown.startswith("Traceback")
    assert "ZeroDivisionError: oh" in shown


def test_a_reader_that_goes_away_is_no_fault() -> None:
    many = "from unpaired.apps.command_line import run; import sys; sys.exit(run(lambda: print('x' * 9000000)))"
    with subprocess.Popen([sys.executable, "-c", many], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell closes the streams")
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("domains >&-", 0, ""),
        ("domains <&- >&- 2>&-", 0, ""),
        ("nonsense 2>&-", 2, ""),
        ("convert day2night-video missing.mp4 - >&-", 2, "unpaired: OUTPUT is -, but standard output is closed"),
    ],
)
def test_streams_that_are_closed_are_no_fault(words: str, code: int, said: str) -> None:
    command = f"{shlex.quote(sys.executable)} -m unpaired.apps.main {words}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == bool(said)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal")
def test_ctrl_c_is_one_line_and_exit_130() -> None:
    wait = (
        "import sys, time; from unpaired.apps.command_line import run; "
        "sys.exit(run(lambda: print('ready', flush=True) or time.sleep(60)))"
    )
    with subprocess.Popen([sys.executable, "-c", wait], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert process.stderr.read() == b"unpaired: interrupted\n"


def test_libraries_cannot_write_between_the_lines(program: Callable, capfd: pytest.CaptureFixture[str]) -> None:
    work = (
        "import os, sys; from unpaired.apps.command_line import quiet_libraries\n"
        "with quiet_libraries():\n    os.write(2, b'noise'); print('ours', file=sys.stderr)\n"
        "os.write(2, b'after')"
    )
    assert program("-c", work).err == "ours\nafter"
    with suppress(MediaError), quiet_libraries():
        os.write(2, b"noise")
        print("ours", file=sys.stderr)
        raise MediaError
    os.write(2, b"after")
    assert capfd.readouterr().err == "ours\nafter"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["convert", "in.jpg", "out.jpg"],
            "OUTPUT (see unpaired convert --help); it takes MODEL INPUT OUTPUT",
        ),
        (
            ["convert", "day2night", "my", "photo.jpg", "out.jpg"],
            "(see unpaired convert --help); a name with spaces",
        ),
        (["convert", "day2night", "", "out.jpg"], "INPUT is an empty name"),
        (["convert", "day2night", "in.jpg", ""], "OUTPUT is an empty name"),
        (["convert", "day2night", "in.jpg", "out.jpg", "--report", ""], "--report is an empty name"),
        (
            ["train", "photos", "paintings"],
            "paintings (see unpaired train --help); a name with spaces goes in quotes",
        ),
        (["train", "-steps", "10"], "-steps 10 (see unpaired train --help); options begin with two hyphens"),
        (["train", "\N{EN DASH}steps", "10"], "steps 10 (see unpaired train --help); options begin with two hyphens"),
        (["train", "--steps"], "--steps (without a value) is 'true'; expected a whole number"),
        (["train", "--steps", "10k"], "--steps is '10k'; expected a whole number"),
        (["train", "--out", ""], "--out is an empty name"),
        (["train", "--data-changed"], "--data-changed goes with --resume"),
    ],
)
def test_what_a_newcomer_types_is_answered_in_one_line(words: list[str], message: str, unpaired: Callable) -> None:
    done = unpaired(*words)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert message in done.err


@pytest.mark.parametrize("words", [["help"], ["help", "train"], ["train", "--help"], ["version"]])
def test_words_that_ask_for_help_get_it(words: list[str], unpaired: Callable) -> None:
    done = unpaired(*words)
    assert (done.code, done.err) == (0, "")
    assert ("unpaired train" if "train" in words else "unpaired") in done.out


def test_dotted_options_in_every_form() -> None:
    parser = Parser("x", "", groups=("training", "domain"), shorthand={"learning_rate": "training.learning_rate"})
    parser.add_argument("--domain")
    args = parser.read(["--domain", "image", "--domain.size", "256", "--training.compile", "--domain.mel.bins=80",
                        "--learning-rate", "1e-3", "--training.seed", "-1"])  # fmt: skip
    assert args.faults == []
    assert args.domain == "image"
    assert args.settings == {
        "domain": {"size": "256", "mel": {"bins": "80"}},
        "training": {"compile": "true", "learning_rate": "1e-3", "seed": "-1"},
    }


def test_the_size_of_samples_is_a_plain_option_of_a_training() -> None:
    args = train_command.parser().read(["--domain", "image", "--size", "64"])
    assert (args.faults, args.settings) == ([], {"domain": {"size": "64"}})


def test_options_are_never_abbreviated() -> None:
    parser = Parser("x", "")
    parser.add_argument("--direction")
    assert parser.read(["--dir", "a2b"]).faults == ["--dir is no option (did you mean '--direction'?)"]
    with pytest.raises(ConfigError):
        parser.read(["--direction"])


def test_short_work_shows_no_progress(capsys: pytest.CaptureFixture[str]) -> None:
    show = Progress("converted")
    show(0.5)
    show(1.0)
    assert capsys.readouterr().err == ""


def test_long_work_is_a_line_at_each_tenth(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    show = Progress("converted")
    monkeypatch.setattr("unpaired.apps.progress.time.monotonic", lambda: float("inf"))
    for done in (0.05, 0.1, 0.15, 0.35, 1.0):
        show(done)
    assert capsys.readouterr().err.splitlines() == ["converted: 10 %", "converted: 30 %", "converted: 100 %"]


def test_domains_are_listed_with_their_package(unpaired: Callable) -> None:
    listed = json.loads(unpaired("domains", "--json").out)
    assert [entry["package"].split()[0] for entry in listed if entry["name"] == "image"] == ["unpaired"]
    assert "image  (unpaired " in unpaired("domains").out


def test_a_broken_domain_is_listed_with_the_reason(tmp_path: Path, program: Callable) -> None:
    package = tmp_path / "odd-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[unpaired.domains]\nodd = no_such_module:Odd\n")
    done = program("-m", "unpaired.apps.main", "domains", env={"PYTHONPATH": str(tmp_path)})
    assert done.code == 0
    line = next(line for line in done.out.splitlines() if line.startswith("odd"))
    assert line.startswith("odd  (odd 1.0)  broken: ")
    assert "no_such_module" in line


def test_shipped_models_are_listed_with_their_cards(unpaired: Callable) -> None:
    listed = json.loads(unpaired("models", "--json").out)
    text = unpaired("models").out
    for each in listed:
        assert each["domain"] in ("image", "video", "audio")
        assert each["card"] != "no card"
        assert f"{each['name']}  " in text
