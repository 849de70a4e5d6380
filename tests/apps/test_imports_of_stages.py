"""No library is first imported while a conversion's stages, or the threads of an inspection, run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

import av
import numpy as np
import pytest
import tifffile
from kept import row
from PIL import Image
from synthetic_footage import moving, write_clip
from synthetic_sound import encode_sound, voice, write

WATCH = """
import os, sys, threading

class Watch:
    def find_spec(self, name, path=None, target=None):
        if any(thread.name.startswith(("unpaired-", "ThreadPool")) for thread in threading.enumerate()):
            with open(os.environ["IMPORTED"], "a") as log:
                log.write(f"{threading.current_thread().name} {name}\\n")
        return None

sys.meta_path.insert(0, Watch())
"""
"""A line for every module that is looked for while threads of ours run, whichever thread asks for it."""

RUN = """
import json, sys
from unpaired.apps.main import main
for words in json.loads(sys.argv[1]):
    if code := main(words):
        sys.exit(code)
"""


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[..., str]:
    """Run commands, one after the other, in a fresh process: what it imported after their threads began."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(WATCH)

    def run(*commands: Sequence[str | Path], program: str = RUN, given: bytes | None = None) -> str:
        paths = [str(tmp_path / "site"), str(tmp_path / "packages"), os.environ.get("PYTHONPATH", "")]
        environment = {**os.environ, "IMPORTED": str(tmp_path / "imported"), "PYTHONPATH": os.pathsep.join(paths)}
        command = [sys.executable, "-c", program, json.dumps(commands, default=str)]
        done = subprocess.run(command, env=environment, input=given, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        log = tmp_path / "imported"
        return log.read_text() if log.exists() else ""

    return run


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    """A clip with a voice."""
    path, rate = tmp_path / "talk.mp4", 22050
    sound = voice(200, 1.5)
    with av.open(str(path), "w") as container:
        pictures, track = container.add_stream("libx264", rate=10), container.add_stream("aac", rate=rate)
        pictures.height, pictures.width, pictures.pix_fmt, track.layout = 48, 64, "yuv420p", "mono"
        for pixels in moving(15):
            container.mux(pictures.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(pictures.encode(None))
        container.mux(encode_sound(track, sound))
    return path


@row("any", "required libraries")
def test_the_sound_of_a_clip(fresh: Callable[..., str], talk: Path, voice_model: Path) -> None:
    ways = [("1.mp4", "--vocoder", "world", "--runtime", "onnx"), ("2.mp4", "--vocoder", "griffin-lim"), ("3.mp4",)]
    assert fresh(*(("convert", voice_model, talk, talk.with_name(name), *words) for name, *words in ways)) == ""


def test_a_recording(fresh: Callable[..., str], tmp_path: Path, voice_model: Path) -> None:
    write(tmp_path / "in.wav", voice(200, 1.0))
    endings = ("mp3", "m4a")
    assert fresh(*(("convert", voice_model, tmp_path / "in.wav", tmp_path / f"out.{each}") for each in endings)) == ""


def test_footage(fresh: Callable[..., str], talk: Path, model: Path) -> None:
    report = talk.with_name("report.html")
    ways = [("1.mp4", "auto"), ("2.mkv", "onnx", "--side-by-side"), ("3.mov", "torch", "--report", report)]
    commands = [("convert", model, talk, talk.with_name(name), "--runtime", *words) for name, *words in ways]
    assert fresh(*commands) == ""


def test_the_pictures_and_the_sound_of_a_clip(
    fresh: Callable[..., str], talk: Path, model: Path, voice_model: Path
) -> None:
    assert fresh(("convert", model, talk, talk.with_name("out.mp4"), "--voice-model", voice_model)) == ""


def test_a_picture(fresh: Callable[..., str], tmp_path: Path, model: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, (40, 48, 3), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "in.tif", pixels, photometric="rgb")
    Image.fromarray((pixels >> 8).astype(np.uint8)).save(tmp_path / "in.webp")
    ways = [("in.webp", "out.jpg"), ("in.tif", "out.tif")]
    commands = (("convert", model, tmp_path / given, tmp_path / wanted, "--runtime", "onnx") for given, wanted in ways)
    assert fresh(*commands) == ""


def test_live(fresh: Callable[..., str], talk: Path, model: Path, voice_model: Path) -> None:
    clip = write_clip(talk.with_name("in.mkv"), moving(10))
    target = talk.with_name("out.mkv")
    assert fresh(("convert", model, "-", target, "--live"), given=clip.read_bytes()) == ""
    samples = (32767 * voice(200, 1.0)).astype("<i2").tobytes()
    assert fresh(("convert", voice_model, "-", "-", "--live"), given=samples) == ""


def test_an_inspection(fresh: Callable[..., str], pictures: Path, tmp_path: Path) -> None:
    write(tmp_path / "data/in.wav", voice(200, 1.0))
    write_clip(tmp_path / "data/in.mkv", moving(10))
    media = ("image", "video", "audio")
    assert fresh(*(("inspect", tmp_path / "data", "--domain", medium) for medium in media)) == ""


def test_another_medium_that_imports_inside_its_methods(fresh: Callable[..., str], tmp_path: Path) -> None:
    """Modules of the standard library stand for the libraries it may use: what matters is who imports them first."""
    package = tmp_path / "packages/lazy"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from .medium import Lazy\n")
    (package / "medium.py").write_text(
        textwrap.dedent("""
        from unpaired import Domain

        class Lazy(Domain):
            name, dimensions = "lazy", 1

            def channels(self, side):
                return 1

            def sample(self, file, side, rng, augmentation=1.0):
                import turtledemo  # serves training alone

            def open(self, path, side, options):
                import wave
                from . import files
                return files.Lines(path)

            def create(self, path, like, options):
                if like is None:
                    import no_such_library
                from .files import Written
                return Written(path)
        """)
    )
    (package / "files.py").write_text(
        textwrap.dedent("""
        import torch
        from unpaired import Reader, Writer

        class Lines(Reader):
            def __init__(self, path):
                self.path = path

            def __iter__(self):
                import xmlrpc.client
                yield torch.zeros(1, 32)

        class Written(Writer):
            def __init__(self, path):
                self.path = path

            def write(self, chunk):
                from mailbox import Maildir

            def finish(self):
                from email.mime import audio
                self.path.write_text("whole")

            def discard(self):
                pass
        """)
    )
    program = """
import json, sys
from pathlib import Path
from lazy import Lazy
from unpaired import ConversionSettings
from unpaired.core.conversion.pipeline import Job, Pipeline

Pipeline(Lazy(), lambda x: x, "a2b", ConversionSettings()).run([Job(Path("in"), Path(json.loads(sys.argv[1])[0][0]))])
assert {"wave", "xmlrpc.client", "mailbox", "email.mime.audio"} <= set(sys.modules)
assert "turtledemo" not in sys.modules
"""
    assert fresh((tmp_path / "out",), program=program) == ""
    assert (tmp_path / "out").read_text() == "whole"
