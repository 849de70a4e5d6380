"""The shipped model `day2night-video`: gather its data, train it, pack it.

    python benchmarks/video_model.py gather SHARED DATA        day, night: pictures and frames of two clips
    python benchmarks/video_model.py train DATA RUN            7 minutes on one core of a CPU
    python benchmarks/video_model.py pack RUN models/day2night-video.safetensors

SHARED holds images/day2night (AMOS webcams, MIT, from udacity/CVND_Exercises), and below video/ the clips
traffic_topview/car-detection.mp4 (intel-iot-devkit/sample-videos, CC BY 4.0) and animation/big_buck_bunny_0_30.webm
(Blender Foundation, CC BY 3.0). Of the clips only what follows their first ten seconds is taken: on those the model's
steadiness is measured (`benchmarks/video_stability.py`). RUN is resumed if it exists.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
from pathlib import Path

import av

import unpaired
from unpaired.core.model.model_file import save_model
from unpaired.core.model.shipped import load_model_named
from unpaired.domains.video.training.objective import VideoCycleSettings

CLIPS = ("traffic_topview/car-detection.mp4", "animation/big_buck_bunny_0_30.webm")
UNSEEN_SECONDS = 10.0
FRAMES_EACH = 24
HEIGHT = 288
CARD = {
    "description": "Footage by day into night and back, held steady: trained to move as its input moves",
    "data": "109 day and 106 night pictures of AMOS webcams from udacity/CVND_Exercises; by day also 24 frames each of "
    "car-detection.mp4 (Intel IoT DevKit) and Big Buck Bunny (Blender Foundation)",
    "licence": "Apache-2.0 (weights); MIT, CC BY 4.0 and CC BY 3.0 (data)",
}


def gather(shared: Path, data: Path) -> None:
    """Copies of the pictures, and frames of the clips, as `data`/day and `data`/night."""
    for name, source in (("day", "trainA"), ("night", "trainB")):
        shutil.copytree(shared / "images" / "day2night" / source, data / name, dirs_exist_ok=True)
    for clip in CLIPS:
        with av.open(shared / "video" / clip) as footage:
            frames = [frame for frame in footage.decode(video=0) if frame.time and frame.time >= UNSEEN_SECONDS]
            for frame in frames[:: len(frames) // FRAMES_EACH][:FRAMES_EACH]:
                width = round(frame.width * HEIGHT / frame.height)
                picture = frame.reformat(width=width, height=HEIGHT).to_image()
                picture.save(data / "day" / f"{Path(clip).stem}-{frame.time:06.3f}.jpg", quality=95)


def train(data: Path, run: Path, steps: int) -> None:
    """Train, or go on with, the run: from the picture model, which knows night but not how to keep still.

    Few steps are enough, and more are worse: later the discriminators win against so calm a generator, night turns
    into a brighter dusk and edges get rims.
    """
    unpaired.train(
        # The curve spreads what is dark at night for the networks, and draws their noise together again.
        unpaired.Video(size=128, load_size=176, gamma_b=0.5),
        data / "day",
        data / "night",
        run,
        preset="small",
        names=("day", "night"),
        networks=unpaired.NetworkSettings(upsampling="resize"),
        # Equivariance weighs more than all else: below 10 the noise of a camera comes out magnified.
        objective=VideoCycleSettings(equivariance=30, motion_noise=0.03),
        training=unpaired.TrainingSettings(
            start_from="day2night", steps=steps, workers=0, seed=1, held_out=0, log_every=100, checkpoint_every=200,
            preview_every=1000,
        ),
        resume=(run / "config.yaml").exists(),
    )  # fmt: skip


def pack(run: Path, out: Path) -> None:
    """The run's model in half precision, with its card."""
    save_model(dataclasses.replace(load_model_named(run), card=CARD), out, half=True)
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB")


def main() -> None:
    """One of the three steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(dest="what", required=True)
    one = steps.add_parser("gather")
    one.add_argument("shared", type=Path)
    one.add_argument("data", type=Path)
    two = steps.add_parser("train")
    two.add_argument("data", type=Path)
    two.add_argument("run", type=Path)
    two.add_argument("--steps", type=int, default=1_000)
    three = steps.add_parser("pack")
    three.add_argument("run", type=Path)
    three.add_argument("out", type=Path)
    args = parser.parse_args()
    if args.what == "gather":
        gather(args.shared, args.data)
    elif args.what == "train":
        train(args.data, args.run, args.steps)
    else:
        pack(args.run, args.out)


if __name__ == "__main__":
    main()
