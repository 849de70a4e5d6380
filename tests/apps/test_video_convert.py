"""`video_convert.py` and `unpaired convert` on footage, with a small untrained model of pictures."""

from __future__ import annotations

import csv
import io
import json
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from ending import ended_while_writing
from kept import row
from PIL import Image
from synthetic_sound import encode_sound

from unpaired.apps.video_convert import main

FRAMES, RATE = 8, 25
WIDTH, HEIGHT = 64, 48


def write_clip(path: Path, frames: int = FRAMES, pictures: bool = True, sound: bool = True) -> Path:
    """A moving pattern and a tone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pattern = np.kron(np.random.default_rng(0).integers(0, 256, (6, 64, 3), np.uint8), np.ones((8, 8, 1), np.uint8))
    with av.open(path, "w") as container:
        if pictures:
            video = container.add_stream("libx264", rate=RATE, options={"preset": "ultrafast", "crf": "18"})
            video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        if sound:
            audio = container.add_stream("aac", rate=16000, layout="mono")
        if pictures:
            for number in range(frames):
                left = 2 * number % 400
                pixels = np.ascontiguousarray(pattern[:, left : left + WIDTH])
                container.mux(video.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
            container.mux(video.encode(None))
        if sound:
            container.mux(encode_sound(audio, np.sin(0.1 * np.arange(frames * 16000 // RATE))))
    return path


def pixels_of(path: Path) -> np.ndarray:
    """(frames, H, W, 3)."""
    with av.open(path) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]).astype(int)


def sound_of(path: Path) -> list[bytes]:
    with av.open(path) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4")


@pytest.fixture
def convert(model: Path, capfd: pytest.CaptureFixture[str]) -> Callable:
    """`video_convert.py` in this process, with the small model on torch; exit code and both streams."""

    def call(*words: str | Path) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main([*map(str, words), "--model", str(model), "--runtime", "torch"])
        out, err = capfd.readouterr()
        return code, out, err

    return call


@pytest.fixture
def refused(convert: Callable, tmp_path: Path) -> Callable:
    """Convert what must be refused in one line, with nothing left in the test's folder; returns the line."""

    def call(*words: str | Path) -> str:
        before = sorted(tmp_path.rglob("*"))
        code, out, err = convert(*words)
        assert (code, out, err.count("\n")) == (2, "", 1), err
        assert err.startswith("unpaired: ")
        assert sorted(tmp_path.rglob("*")) == before
        return str(err)

    return call


# -- what comes out ----------------------------------------------------------------------------------
def test_a_clip_keeps_frames_size_and_sound_and_is_translated(convert: Callable, clip: Path, tmp_path: Path) -> None:
    code, out, err = convert(clip, tmp_path / "deep/out.mp4")
    assert (code, err) == (0, "")
    assert out.startswith(f"1 converted, 0 skipped, 0 refused; {FRAMES} frames in ")
    assert out.endswith(" frames/s)\n")
    before, after = pixels_of(clip), pixels_of(tmp_path / "deep/out.mp4")
    assert after.shape == before.shape
    assert np.abs(after - before).mean() > 5
    assert sound_of(tmp_path / "deep/out.mp4") == sound_of(clip)


def test_options_arrive(convert: Callable, clip: Path, tmp_path: Path) -> None:
    words = ("--side-by-side", clip, tmp_path / "out.mkv", "--size", "32x24", "--start", "0.08", "--end=0.2", "--codec",
             "ffv1", "--strength", "0", "--json")  # fmt: skip
    code, out, _ = convert(*words)
    assert code == 0
    figures = json.loads(out)
    assert figures["frames"] == 3
    assert figures["frames_per_second"] > 0
    both = pixels_of(tmp_path / "out.mkv")
    assert both.shape == (3, 24, 64, 3)
    assert np.abs(both[:, :, :32] - both[:, :, 32:]).mean() < 4  # halved chroma differs at the seam


def test_a_folder_keeps_its_tree_and_says_what_is_broken(convert: Callable, clip: Path, tmp_path: Path) -> None:
    for name in ("in/a.mp4", "in/deep/b.mp4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(clip, tmp_path / name)
    (tmp_path / "in/zero.mp4").touch()
    code, out, err = convert(tmp_path / "in", tmp_path / "out")
    assert code == 2
    assert out.startswith(f"2 converted, 0 skipped, 1 refused; {2 * FRAMES} frames in ")
    assert err.startswith(f"unpaired: {tmp_path / 'in/zero.mp4'}")
    assert err.count("\n") == 1
    assert sorted(p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("[!.]*.*")) == [
        "a.mp4",
        "deep/b.mp4",
    ]


def test_notes_of_the_reader_are_lines_of_their_own(convert: Callable, tmp_path: Path) -> None:
    source = write_clip(tmp_path / "cut.mkv", frames=60)
    whole = source.read_bytes()
    source.write_bytes(whole[: 2 * len(whole) // 3])
    code, out, err = convert(source, tmp_path / "out.mkv", "--json")
    assert code == 0
    notes = json.loads(out)["notes"]
    assert [f"unpaired: note: {source}: {note['text']}" for note in notes] == err.splitlines()


def test_pipes_of_matroska(clip: Path, model: Path, repository: Path) -> None:
    command = [sys.executable, "apps/video_convert.py", "-", "-", "--model", str(model), "--runtime", "torch"]
    source = write_clip(clip.with_name("piped.mkv"))
    done = subprocess.run(command, cwd=repository, input=source.read_bytes(), capture_output=True, timeout=240,
                          check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"\x1a\x45\xdf\xa3")  # EBML
    assert b"1 converted" in done.stderr
    target = source.with_name("from-pipe.mkv")
    target.write_bytes(done.stdout)
    assert pixels_of(target).shape == (FRAMES, HEIGHT, WIDTH, 3)
    assert sound_of(target) == sound_of(source)


# -- what a clip is ----------------------------------------------------------------------------------
def test_a_clip_and_a_folder_of_clips_are_inspected_as_footage(unpaired: Callable, clip: Path) -> None:
    facts = json.loads(unpaired("inspect", clip, "--json").out)["facts"]
    assert (facts["codec"], facts["size"], facts["frames"], facts["sound"]) == ("h264", "64x48", FRAMES, ["aac"])
    assert facts["cuts"] == facts["duplicate frames"] == 0
    done = unpaired("inspect", clip)
    assert (done.code, done.err) == (0, "")
    assert "  codec: h264\n" in done.out
    folder = json.loads(unpaired("inspect", clip.parent, "--json").out)["folders"][0]
    assert folder["facts"]["clips"] >= 1


def test_what_is_no_clip_is_refused_by_inspect(unpaired: Callable, tmp_path: Path) -> None:
    (tmp_path / "zero.mp4").touch()
    done = unpaired("inspect", tmp_path / "zero.mp4")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)


# -- how steady it is --------------------------------------------------------------------------------
def test_clips_are_scored(unpaired: Callable, model: Path, clip: Path, tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    shutil.copy(clip, tmp_path / "clips/a.mp4")
    words = ("evaluate", model, "--clips", tmp_path / "clips", clip, "--seconds", "0.2")
    done = unpaired(*words, "--json", tmp_path / "scores.json", "--csv", tmp_path / "scores.csv")
    assert done.code == 0, done.err
    assert len([line for line in done.out.splitlines() if ".mp4" in line]) == 2
    report = json.loads((tmp_path / "scores.json").read_text())
    assert report["direction"] == "a2b"
    first, second = report["clips"]
    assert first["frames"] == second["frames"] == 5
    assert first["warping_error"] == second["warping_error"] > 0
    assert first["frames_per_second"] > 0
    assert len(first["series"]["output"]) == 5
    assert first["series"]["output"][0] is None
    rows, totals = (list(csv.DictReader((tmp_path / f"scores{end}.csv").open(newline=""))) for end in ("", "-totals"))
    assert [(row["side"], Path(row["file"]).name) for row in rows] == [("a", "a.mp4"), ("a", clip.name)]
    assert [float(row["warping_error"]) for row in rows] == [first["warping_error"], second["warping_error"]]
    (mean,) = (float(row["a2b"]) for row in totals if row["figure"] == "warping_error")
    assert mean == pytest.approx(first["warping_error"])


def test_scoring_clips_goes_without_what_is_for_folders(unpaired: Callable, model: Path, clip: Path) -> None:
    done = unpaired("evaluate", model, "--clips", clip, "--paired", "--a", "x")
    assert done.code == 2
    assert "--a has no meaning beside --clips; --paired has no meaning beside --clips" in done.err


# -- what is refused ---------------------------------------------------------------------------------
def test_the_output_is_the_input(refused: Callable, clip: Path, tmp_path: Path) -> None:
    shutil.copy(clip, tmp_path / "a.mp4")
    (tmp_path / "link.mp4").symlink_to(tmp_path / "a.mp4")
    for output in (tmp_path / "a.mp4", tmp_path / "link.mp4", tmp_path):
        assert "is the input itself" in refused(tmp_path / "a.mp4", output)
    assert (tmp_path / "a.mp4").read_bytes() == clip.read_bytes()


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("out.webm", ("--codec", "h264"), "webm"),
        ("out.mp4", ("--codec", "prores"), "mp4"),
        ("out.xyz", (), "out.xyz"),
        ("out", (), "out"),
        ("out.mp4", ("--codec", "h263plus"), "codec is 'h263plus'"),
        ("out.mp4", ("--crf", "99"), "crf is 99"),
        ("out.mp4", ("--preset", "warp9"), "preset is 'warp9'"),
        ("out.mp4", ("--size", "big"), "size is 'big'"),
        ("out.mp4", ("--start", "5", "--end", "4"), "start must be less"),
        ("out.mp4", ("--start", "100"), "no frame"),
        ("out.mp4", ("--sise", "32x24"), "did you mean '--size'?"),
    ],
)
def test_what_cannot_be_made(
    name: str, options: tuple[str, ...], message: str, refused: Callable, clip: Path, tmp_path: Path
) -> None:
    assert message in refused(clip, tmp_path / name, *options)


def test_what_is_no_footage(refused: Callable, tmp_path: Path) -> None:
    (tmp_path / "zero.mp4").touch()
    (tmp_path / "text.mp4").write_text("no clip at all\n" * 100)
    write_clip(tmp_path / "sound.mp4", pictures=False)
    for name, said in {"zero": "zero.mp4", "text": "text.mp4", "sound": "no video track", "none": "no file"}.items():
        assert said in refused(tmp_path / f"{name}.mp4", tmp_path / "out.mp4")


def test_an_address_without_live_and_a_file_with_it(refused: Callable, clip: Path, tmp_path: Path) -> None:
    assert "add --live" in refused("rtsp://127.0.0.1:1/camera", tmp_path / "out.mkv")
    assert "--live is for" in refused(clip, tmp_path / "out.mkv", "--live")
    assert "127.0.0.1:1" in refused("http://127.0.0.1:1/camera", tmp_path / "out.mkv", "--live")


def test_a_model_that_is_not_of_colour_pictures(tmp_path: Path, clip: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import torch

    from unpaired import Image, NetworkSettings
    from unpaired.core.model.model_file import Model, save_model

    torch.manual_seed(0)
    domain = Image(size=32, mode="grey")
    networks = domain.networks("tiny", NetworkSettings(blocks=1))
    model = Model({"a2b": networks.generator_a2b.build("generators")}, networks, domain)
    save_model(model, tmp_path / "grey.safetensors")
    assert main([str(clip), str(tmp_path / "out.mp4"), "--model", str(tmp_path / "grey.safetensors")]) == 2
    assert "of colour pictures" in capfd.readouterr().err
    assert not (tmp_path / "out.mp4").exists()


# -- disks and ends ----------------------------------------------------------------------------------
def test_a_full_disk(refused: Callable, small_disk: Path, tmp_path: Path) -> None:
    source = write_clip(tmp_path / "clip.mkv", frames=20)
    line = refused(source, small_disk / "out.mkv", "--codec", "ffv1", "--size", "256x192")
    assert str(small_disk) in line
    assert "No space left" in line


def test_a_limit_on_file_size(refused: Callable, tmp_path: Path) -> None:
    source = write_clip(tmp_path / "clip.mkv", frames=20)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, hard))
    try:
        line = refused(source, tmp_path / "out.mkv", "--codec", "ffv1", "--size", "256x192")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "cannot write" in line


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_ended_in_the_middle_nothing_has_the_final_name(
    end: signal.Signals, model: Path, repository: Path, tmp_path: Path
) -> None:
    source = write_clip(tmp_path / "clip.mkv", frames=2000, sound=False)
    (tmp_path / "out").mkdir()
    words = [
        str(source),
        str(tmp_path / "out/out.mkv"),
        "--model",
        str(model),
        "--runtime",
        "torch",
        "--size",
        "256x192",
    ]
    code, err = ended_while_writing(
        [sys.executable, repository / "apps/video_convert.py", *words], tmp_path / "out", end
    )
    assert code == (-signal.SIGKILL if end is signal.SIGKILL else 130)
    assert not (tmp_path / "out/out.mkv").exists()
    if end is signal.SIGINT:
        assert err.splitlines()[-1] == "unpaired: interrupted"
        assert list((tmp_path / "out").iterdir()) == []


@row("folder of numbered pictures, `inspect`, `evaluate --clips` and pipes", "how it is treated")
def test_numbered_frames_are_a_clip_for_every_command(unpaired: Callable, model: Path, tmp_path: Path) -> None:
    frames = tmp_path / "shot"
    frames.mkdir()
    for number, pixels in enumerate(pixels_of(write_clip(tmp_path / "clip.mp4", 3, sound=False))):
        Image.fromarray(pixels.astype(np.uint8)).save(frames / f"{number:04d}.png")
    seen = json.loads(unpaired("inspect", frames, "--domain", "video", "--json").out)
    assert seen["facts"]["frames"] == 3
    assert "numbered like the parts of one recording" in unpaired("inspect", frames).out
    scores = json.loads(unpaired("evaluate", model, "--clips", frames, "--json", "-").out)
    assert scores["clips"][0]["frames"] == 3
    words = ("convert", model, frames, "--domain", "video", "--rate", "24000/1001", "--json")
    done = unpaired(*words[:3], tmp_path / "out.mov", *words[3:])
    assert json.loads(done.out)["converted"] == [str(tmp_path / "out.mov")]
    with av.open(tmp_path / "out.mov") as clip:
        assert clip.streams.video[0].average_rate == Fraction(24000, 1001)
    refused = unpaired("convert", model, frames, tmp_path / "out.png", "--domain", "video")
    assert (refused.code, refused.err.count("\n"), (tmp_path / "out.png").exists()) == (2, 1, False)
    piped = subprocess.run(
        [sys.executable, "-m", "unpaired.apps.main", "convert", str(model), str(frames), "-", "--domain", "video"],
        capture_output=True,
        check=True,
    )
    with av.open(io.BytesIO(piped.stdout)) as clip:
        assert sum(1 for _ in clip.decode(video=0)) == 3
