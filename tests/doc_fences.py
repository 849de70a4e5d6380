"""What the documentation shows, run: its fences, the place where they are typed, and how they are made short.

Every `bash` and `python` fence is run, unless the line above it says why not: `<!-- not run: needs a camera -->`.
A `text` fence below `<!-- printed -->` holds lines that the fences before it on the page must have printed.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RUN, SHOWN = ("bash", "python"), ("text", "yaml", "toml", "json", "html")
EXEMPT = {
    "docs/how-to/add-a-medium.md": "tests/contract/test_own_package.py runs its example as an installed package",
    "docs/how-to/add-a-network.md": "tests/contract/test_own_package.py runs its example as an installed package",
    "docs/examples/": "examples have tests of their own below tests/contract",
}
"""Pages, or folders of pages, whose fences are run elsewhere, and where."""

_FENCE = re.compile(
    r"(?:^ *<!-- (?P<mark>[^\n]*?) -->\n)?^(?P<indent> *)```(?P<language>[^\n`]*)\n(?P<code>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_SMALLEST = {"image": "--domain.size 64", "video": "--domain.size 64", "audio": ""}
_GIVEN = {"monet": "image", "maps": "image", "earlier": "image", "rain": "video", "voice": "audio"}
_RUN = re.compile(r"runs/([\w-]+)")
_STEPS = 2


@dataclass(frozen=True)
class Fence:
    """A block of code on a page."""

    page: str
    line: int
    language: str
    code: str
    mark: str

    @property
    def where(self) -> str:
        """Page and line, for messages."""
        return f"{self.page}:{self.line}"

    @property
    def reason(self) -> str:
        """Why it is not run; empty where it is."""
        return self.mark.removeprefix("not run:").strip() if self.mark.startswith("not run:") else ""


def pages() -> list[Path]:
    """Every page that people read in the repository."""
    top = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    return [*top, *(path for path in sorted((ROOT / "docs").rglob("*.md")) if "_build" not in path.parts)]


def name_of(page: Path) -> str:
    """A page's path in the repository."""
    return page.relative_to(ROOT).as_posix()


def exempt(page: Path) -> bool:
    """Whether the fences of the whole page are run elsewhere."""
    return any(name_of(page).startswith(name) for name in EXEMPT)


def fences(page: Path) -> list[Fence]:
    """All fences of a page, of any language."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(text):
        line = text.count("\n", 0, match.start("language")) + 1
        found.append(
            Fence(name_of(page), line, match["language"].strip(), match["code"], (match["mark"] or "").strip())
        )
    return found


def given_runs(page: Path) -> dict[str, str]:
    """The runs that a page takes for granted, with the medium of each: those it uses and does not make."""
    code = "\n".join(fence.code for fence in fences(page) if fence.language in RUN and not fence.reason)
    code = code.replace("\\\n", " ")
    starts = [line for line in code.splitlines() if "--resume" not in line]
    made = set(re.findall(r'(?:--out |out=")runs/([\w-]+)', "\n".join(starts)))
    return {name: _GIVEN[name] for name in sorted(set(_RUN.findall(code)) - made)}


def run_page(page: Path, place: Path) -> None:
    """Run every fence of a page in `place`, in order; Python fences share their names. Asserts that each succeeds."""
    names: dict[str, Any] = {"__name__": "__main__"}
    printed = ""
    for fence in fences(page):
        if fence.mark == "printed":
            _check_printed(fence, printed)
        if fence.language not in RUN or fence.reason:
            continue
        printed += _python(fence, place, names) if fence.language == "python" else _bash(fence, place)


def _check_printed(fence: Fence, printed: str) -> None:
    there = {line.strip() for line in printed.splitlines()}
    for line in fence.code.splitlines():
        assert line.strip() in {*there, "", "..."}, f"{fence.where} shows {line!r}, which was not printed:\n{printed}"


def _python(fence: Fence, place: Path, names: dict[str, Any]) -> str:
    code = re.sub(r"\bsteps=[\d_]+", f"steps={_STEPS}, workers=0", fence.code)
    code = re.sub(r"\bsize=\d+", "size=64", code.replace('preset="small"', 'preset="tiny"'))
    out = io.StringIO()
    with contextlib.chdir(place), contextlib.redirect_stdout(out), warnings.catch_warnings():
        exec(compile(code, fence.where, "exec"), names)
    return out.getvalue()


def _bash(fence: Fence, place: Path) -> str:
    return "".join(_command(short(line), place, fence.where) for line in _lines(fence.code))


def _lines(code: str) -> Iterator[str]:
    for line in code.replace("\\\n", " ").splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            yield line.strip()


def short(line: str) -> str:
    """The same command with a tiny network and few steps, over little material."""
    line = re.sub(r"--start [\d.]+ --end [\d.]+", "--start 0 --end 0.2", line)
    if "unpaired distill" in line:
        return f"{re.sub(r'--minutes [0-9]+', '', line)} --steps {_STEPS} --workers 0"
    train = re.search(r"\bunpaired(\.apps\.main)? train ", line)
    if train and "--resume" in line:
        return f"{line} --steps {_STEPS + 1} --workers 0"
    if train:
        medium = re.search(r"--domain (\w+)", line)
        # The networks of a model that is started from are not ours to choose.
        preset = "" if "--start-from" in line and "--preset" in line else "--preset tiny"
        return f"{line} --steps {_STEPS} --workers 0 {preset} {_SMALLEST[medium[1] if medium else 'image']}"
    if "unpaired evaluate" in line:
        return f"{line} {'--seconds 0.1' if '--clips' in line else '--limit 2'}"
    return line


def _command(line: str, place: Path, where: str) -> str:
    """Run one line in this process where it is a program of ours and nothing but that: it starts in no time there."""
    words = shlex.split(line, comments=True)
    plain = not any(set(word) <= set("();<>|&") for word in shlex.shlex(line, posix=True, punctuation_chars=True))
    plain = plain and not re.search(r"[*$~`]", line) and "--processes" not in line
    if plain and words[0] == "unpaired":
        return _in_process("unpaired.apps.main", words[1:], place, where)
    if plain and words[0] == "python" and words[1].startswith("apps/"):
        return _in_process(f"unpaired.apps.{Path(words[1]).stem}", words[2:], place, where)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"}
    command = ["bash", "-euo", "pipefail", "-c", line]
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, timeout=280, check=False)
    out, err = (stream.decode(errors="replace") for stream in (done.stdout, done.stderr))
    assert done.returncode == 0, f"{where}: {line}\n{out}\n{err}"
    return out


def _in_process(module: str, words: list[str], place: Path, where: str) -> str:
    out = io.StringIO()
    with contextlib.chdir(place), contextlib.redirect_stdout(out), warnings.catch_warnings():
        code = import_module(module).main(words)
    assert code == 0, f"{where}: {module} {shlex.join(words)} ended with {code}\n{out.getvalue()}"
    return out.getvalue()


def train_given(medium: str, place: Path, run: str) -> None:
    """Make a run of few steps in `place`, on the folders that lie there."""
    sides = {"image": ("photos", "paintings"), "video": ("clipsA", "clipsB"), "audio": ("voicesA", "voicesB")}[medium]
    line = f"unpaired train --domain {medium} --a {sides[0]} --b {sides[1]} --out {run}"
    _command(short(line), place, f"the given run {run}")
