"""Conversion of footage, end to end: `unpaired convert` against what a user of picture tools does for a clip.

    python benchmarks/video_speed.py clip.mp4 [--rounds 3]      frames per second at 512x288, and how busy the cores are
    python benchmarks/video_speed.py clip.mp4 --against DIR     the same beside another version of unpaired, a checkout
    python benchmarks/video_speed.py clip.mp4 --student MODEL   the same beside a smaller model
    python benchmarks/video_speed.py clip.mp4 --memory          peak memory for the clip looped to 1 and to 10 minutes

The clip is first scaled to 512x288 (not timed), its sound kept. The picture tools' way: frames to PNG files, a script
that puts them one by one through the same network in eager fp32, and the PNGs back to H.264 with the sound muxed in.
Each side works in a process of its own, which loads its model and warms up before its clock starts; the sides take
turns and medians are compared, with those of the other version where one is given, else with those of the picture
tools. CPU is the process's own time on all cores, for a frame; busy is that over wall time and cores; peak memory is
the system's record of the process (VmHWM).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from processes import as_package, with_package

WIDTH, HEIGHT = 512, 288
TOOLS = "picture tools"


@dataclass(frozen=True)
class Side:
    """One way to convert the clip."""

    name: str
    model: str
    steady: bool = True
    checkout: Path | None = None
    """Root of the version that does it; None for this one."""


def sides(args: argparse.Namespace) -> list[Side]:
    """What is compared; the last one is what the others are measured by."""
    found = [Side("unpaired", args.model)]
    if args.student:
        found.append(Side("with the student", args.student))
    found.append(Side("unpaired, unsteadied", args.model, steady=False))
    other = args.against
    return [*found, Side("the other version", args.model, checkout=other) if other else Side(TOOLS, args.model)]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path, help="footage with sound, some seconds long")
    parser.add_argument("--model", default="day2night-video", help="a run, a model file or a shipped model")
    parser.add_argument("--student", metavar="MODEL", help="a smaller model, measured too")
    parser.add_argument("--against", type=Path, metavar="DIR", help="root of a checkout of another version")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=9.0, help="how much of the clip is used (default: 9)")
    parser.add_argument("--memory", action="store_true", help="measure peak memory instead of speed")
    parser.add_argument("--minutes", type=float, nargs=2, default=(1.0, 10.0), metavar=("SHORT", "LONG"))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--worker", choices=("steady", "unsteadied", TOOLS), help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    args = arguments()
    if args.worker:
        print(json.dumps(work(args.worker, args.clip, args.model)))
        return
    with tempfile.TemporaryDirectory(prefix="unpaired-") as scratch:
        clip = Path(scratch, "clip.mp4")
        frames = scaled(args.clip, clip, args.seconds)
        measure = memory if args.memory else speed
        report = {
            "clip": args.clip.name,
            "model": args.model,
            "size": [WIDTH, HEIGHT],
            "cores": len(os.sched_getaffinity(0)),
            **measure(args, clip, frames),
        }
    print(json.dumps(report, indent=2) if args.json else "\n".join(lines(report)))


# -- measuring ---------------------------------------------------------------------------------------
def speed(args: argparse.Namespace, clip: Path, frames: int) -> dict[str, Any]:
    """Medians of every side over the rounds."""
    compared = sides(args)
    rounds: dict[str, list[dict[str, Any]]] = {side.name: [] for side in compared}
    for _ in range(args.rounds):
        for side in compared:
            rounds[side.name].append(in_a_process(side, clip))
    medians = {
        name: {key: round(statistics.median(each[key] for each in found), 3) for key in found[0]}
        for name, found in rounds.items()
    }
    slowest = medians[compared[-1].name]["fps"]
    for figures in medians.values():
        figures["ratio"] = round(figures["fps"] / slowest, 2)
    return {"frames": frames, "rounds": args.rounds, "sides": medians}


def memory(args: argparse.Namespace, clip: Path, frames: int) -> dict[str, Any]:
    """Peak memory of a short and a long conversion."""
    found = {}
    for minutes in args.minutes:
        long = clip.with_name(f"{minutes:g}.mkv")
        looped(clip, long, minutes)
        found[f"{minutes:g} min"] = in_a_process(Side("unpaired", args.model), long)
    short, long_ = (each["peak_mb"] for each in found.values())
    return {"lengths": found, "growth_percent": round(100 * (long_ / short - 1), 2)}


def in_a_process(side: Side, clip: Path) -> dict[str, Any]:
    """The figures of a side."""
    way = TOOLS if side.name == TOOLS else "steady" if side.steady else "unsteadied"
    command = [sys.executable, __file__, str(clip), "--worker", way, "--model", side.model]
    package = None if side.checkout is None else as_package(side.checkout, clip.parent / "other")
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=with_package(package))
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def work(side: str, clip: Path, model: str) -> dict[str, Any]:
    """What a process of its own does: make ready, then convert `clip` under the clock."""
    with tempfile.TemporaryDirectory(prefix="unpaired-", dir=clip.parent) as scratch:
        convert = ready(side, clip, model, Path(scratch))
        before, start = os.times(), time.perf_counter()
        output = convert()
        seconds = time.perf_counter() - start
        after = os.times()
        used = sum(after[:4]) - sum(before[:4])
        frames = counted(output)
    if frames != counted(clip):
        raise SystemExit(f"{side} wrote {frames} frames of {counted(clip)}")
    return {
        "fps": frames / seconds,
        "seconds": seconds,
        "cpu_ms": 1000 * used / frames,
        "busy_percent": 100 * used / seconds / len(os.sched_getaffinity(0)),
        "peak_mb": peak_mb(),
    }


def ready(side: str, clip: Path, model: str, scratch: Path) -> Callable[[], Path]:
    """What converts the clip, warmed up."""
    import unpaired

    if side == TOOLS:
        generator = unpaired.load(model, "torch", "cpu").model.generators["a2b"]
        return lambda: by_picture_tools(clip, generator, scratch)
    translator = unpaired.load(model).for_medium("video")
    options: dict[str, Any] = {} if side == "steady" else {"smooth": False, "blend": False, "cuts": False}
    translator.convert(clip, scratch / "warm.mp4", end=0.5, **options)

    def convert() -> Path:
        output = scratch / f"out{clip.suffix}"
        translator.convert(clip, output, **options)
        return output

    return convert


def peak_mb() -> float:
    """The most memory this process ever held, in MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


# -- the picture tools' way --------------------------------------------------------------------------
def by_picture_tools(clip: Path, generator: Any, scratch: Path) -> Path:
    """`ffmpeg -i clip in/%06d.png`, a script over the PNGs, `ffmpeg -i out/%06d.png -i clip -c:a copy`."""
    for name in ("in", "out"):
        (scratch / name).mkdir(exist_ok=True)
    rate = to_pictures(clip, scratch / "in")
    script(generator, scratch / "in", scratch / "out")
    return from_pictures(scratch / "out", rate, clip, scratch / "out.mp4")


def to_pictures(clip: Path, folder: Path) -> Fraction:
    """Every frame as a PNG; the frame rate."""
    with av.open(clip) as source, av.open(str(folder / "%06d.png"), "w", format="image2") as target:
        video = source.streams.video[0]
        video.thread_type = "AUTO"
        assert video.average_rate is not None
        pictures = target.add_stream("png", rate=video.average_rate)
        pictures.width, pictures.height, pictures.pix_fmt = video.width, video.height, "rgb24"
        pictures.thread_type = "AUTO"
        for number, frame in enumerate(source.decode(video)):
            frame = frame.reformat(format="rgb24")
            frame.pts, frame.time_base = number, 1 / video.average_rate
            target.mux(pictures.encode(frame))
        target.mux(pictures.encode(None))
        return video.average_rate


def script(generator: Any, source: Path, target: Path) -> None:
    """The loop of a picture translation script: open, scale to [-1, 1], translate, save."""
    import numpy as np
    import torch
    from PIL import Image

    with torch.no_grad():
        for file in sorted(source.iterdir()):
            picture = Image.open(file).convert("RGB")
            x = torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1).float()[None] / 127.5 - 1
            y = (generator(x)[0].clamp(-1, 1) + 1) * 127.5
            Image.fromarray(y.round().byte().permute(1, 2, 0).numpy()).save(target / file.name)


def from_pictures(folder: Path, rate: Fraction, sound: Path, output: Path) -> Path:
    """The PNGs as H.264 at the codec's defaults, with the packets of the sound."""
    with (
        av.open(str(folder / "%06d.png"), format="image2", options={"framerate": str(rate)}) as pictures,
        av.open(sound) as clip,
        av.open(output, "w") as target,
    ):
        pictures.streams.video[0].thread_type = "AUTO"
        video = target.add_stream("libx264", rate=rate)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        audio = clip.streams.audio[0] if clip.streams.audio else None
        kept = target.add_stream_from_template(audio) if audio else None
        for frame in pictures.decode(video=0):
            target.mux(video.encode(frame.reformat(format="yuv420p")))
        target.mux(video.encode(None))
        for packet in clip.demux(audio) if audio else ():
            if packet.dts is not None:
                packet.stream = kept
                target.mux(packet)
    return output


# -- material ----------------------------------------------------------------------------------------
def scaled(source: Path, target: Path, seconds: float) -> int:
    """The beginning of a clip at 512x288, with its sound; the number of frames."""
    frames = 0
    with av.open(source) as read, av.open(target, "w") as written:
        video = read.streams.video[0]
        out = written.add_stream("libx264", rate=video.average_rate, options={"crf": "18"})
        out.width, out.height, out.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        audio = read.streams.audio[0] if read.streams.audio else None
        kept = written.add_stream_from_template(audio) if audio else None
        for packet in read.demux([video, audio] if audio else [video]):
            if packet.dts is None or packet.time_base is None or packet.dts * packet.time_base >= seconds:
                continue
            if packet.stream is audio:
                packet.stream = kept
                written.mux(packet)
                continue
            for frame in packet.decode():
                written.mux(out.encode(frame.reformat(WIDTH, HEIGHT, "yuv420p")))
                frames += 1
        for frame in video.decode(None):
            written.mux(out.encode(frame.reformat(WIDTH, HEIGHT, "yuv420p")))
            frames += 1
        written.mux(out.encode(None))
    return frames


def looped(source: Path, target: Path, minutes: float) -> None:
    """The clip over and over, packets copied, until it lasts `minutes`."""
    with av.open(target, "w") as written:
        streams: dict[int, Any] = {}
        start = Fraction(0)
        while start < 60 * minutes:
            with av.open(source) as read:
                video = read.streams.video[0]
                assert video.average_rate is not None
                for stream in (video, *read.streams.audio[:1]):
                    if stream.index not in streams:
                        streams[stream.index] = written.add_stream_from_template(stream)
                last = Fraction(0)
                for packet in read.demux([*streams]):
                    if packet.dts is None or packet.pts is None:
                        continue
                    last = max(last, (packet.pts + (packet.duration or 0)) * packet.time_base)
                    shift = round(start / packet.time_base)
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = streams[packet.stream.index]
                    written.mux(packet)
            start += last


def counted(clip: Path) -> int:
    """Frames in the first picture track."""
    with av.open(clip) as read:
        return sum(1 for packet in read.demux(video=0) if packet.size)


def lines(report: dict[str, Any]) -> list[str]:
    """The report for people."""
    said = [f"{report['clip']} at {WIDTH}x{HEIGHT}, {report['model']}, {report['cores']} cores"]
    for name, figures in (report.get("sides") or report["lengths"]).items():
        ratio = f"   {figures['ratio']:6.2f} x" if "ratio" in figures else ""
        said.append(
            f"{name:22} {figures['fps']:7.2f} frames/s   {figures['cpu_ms']:6.1f} ms of CPU a frame"
            f"   {figures['busy_percent']:5.1f} % busy   {figures['peak_mb']:7.0f} MB{ratio}"
        )
    if "growth_percent" in report:
        said.append(f"the longer one's peak is {report['growth_percent']} % above the shorter one's")
    return said


if __name__ == "__main__":
    main()
