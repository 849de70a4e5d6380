"""The folder that the documentation's commands are typed in: real media under the names that the pages use.

A checkout's `tests/assets` and `apps` lie there too; clips in it are the first frames of the real ones, so that a
page takes seconds.
"""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import av
import soundfile
import torch
from doc_fences import ROOT
from safetensors.torch import load_file

FRAMES, HEIGHT, SAMPLES = 6, 96, 16_000
_PAIR = ("female", "male")


def furnish(assets: Path, place: Path) -> Path:
    """Fill the folder `place`, which is made."""
    copy = place / "tests" / "assets"
    for name in ("day2night", "speech"):
        shutil.copytree(assets / name, copy / name)
    for clip in sorted((assets / "video").iterdir()):
        shorten(clip, copy / "video" / clip.name)
    (place / "apps").symlink_to(ROOT / "apps")
    (place / "models").symlink_to(ROOT / "models")
    _pictures(copy / "day2night", place)
    _footage(copy / "video", place)
    _voices(copy / "speech", place)
    reference = load_file(assets / "golden" / "cyclegan-small" / "init.safetensors")
    for network in ("G_A", "G_B"):
        weights = {key.removeprefix(f"{network}."): value.float() for key, value in reference.items()
                   if key.startswith(f"{network}.")}  # fmt: skip
        torch.save(weights, place / f"latest_net_{network}.pth")
    return place


def shorten(source: Path, target: Path) -> None:
    """The first frames of a clip, small, with as much of its sound."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(source)) as clip, av.open(str(target), "w") as short:
        given = clip.streams.video[0]
        width = HEIGHT * given.width // given.height // 2 * 2
        picture = short.add_stream("libvpx" if target.suffix == ".webm" else "libx264", rate=given.average_rate)
        picture.width, picture.height, picture.pix_fmt = width, HEIGHT, "yuv420p"
        sound = short.add_stream_from_template(clip.streams.audio[0])
        for frame in itertools.islice(clip.decode(video=0), FRAMES):
            short.mux(picture.encode(frame.reformat(width, HEIGHT, "yuv420p")))
            last = frame.time
        short.mux(picture.encode(None))
        clip.seek(0)
        for packet in clip.demux(audio=0):
            if packet.dts is not None and float(packet.pts * packet.time_base) <= last:
                packet.stream = sound
                short.mux(packet)


def talking(clip: Path, speech: Path, target: Path) -> None:
    """The pictures of a clip with somebody's speech in place of its sound (that of the road is silent)."""
    with av.open(str(clip)) as seen, av.open(str(speech)) as heard, av.open(str(target), "w") as made:
        picture = made.add_stream_from_template(seen.streams.video[0])
        sound = made.add_stream("aac", rate=heard.streams.audio[0].rate)
        for packet in seen.demux(video=0):
            if packet.dts is not None:
                packet.stream = picture
                made.mux(packet)
        for frame in heard.decode(audio=0):
            made.mux(sound.encode(frame))
        made.mux(sound.encode(None))


def _pictures(media: Path, place: Path) -> None:
    # sketches and photos have names in common, as pairs need them
    folders = {
        "photos": "day",
        "sketches": "night",
        "testA": "day",
        "day": "day",
        "paintings": "night",
        "testB": "night",
        "night": "night",
    }
    for folder, source in folders.items():
        (place / folder).mkdir()
        for number, file in enumerate(sorted((media / source).iterdir())[:4]):
            shutil.copy(file, place / folder / f"{number}.jpg")
    for name in ("photo.jpg", "horse.jpg"):
        shutil.copy(media / "square.jpg", place / name)


def _footage(media: Path, place: Path) -> None:
    for folder, clips in {"clips": ("road", "traffic"), "clipsA": ("road", "traffic"), "clipsB": ("traffic", "road"),
                          "test-clips": ("road",)}.items():  # fmt: skip
        (place / folder).mkdir()
        for number, clip in enumerate(clips):
            shutil.copy(media / f"{clip}.mp4", place / folder / f"{number}.mp4")
    shutil.copy(media / "road.mp4", place / "street.mp4")
    for name in ("talk.mp4", "man.mp4"):
        talking(media / "road.mp4", media.parent / "speech" / "male-1.flac", place / name)


def _voices(media: Path, place: Path) -> None:
    for side, speaker in zip("AB", _PAIR, strict=True):
        for folder, numbers in {f"voices{side}": (1, 2), f"test-voices{side}": (2,)}.items():
            (place / folder).mkdir()
            for number in numbers:
                shutil.copy(media / f"{speaker}-{number}.flac", place / folder / f"{number}.flac")
    shutil.copytree(place / "test-voicesA", place / "recordings")
    for name, speaker in {"woman.wav": "female", "in.wav": "female", "man.wav": "male"}.items():
        samples, rate = soundfile.read(media / f"{speaker}-1.flac", dtype="int16", frames=SAMPLES)
        soundfile.write(place / name, samples, rate)
        if name == "in.wav":
            (place / "in.raw").write_bytes(samples.tobytes())
