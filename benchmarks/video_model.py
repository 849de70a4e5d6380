"""The shipped models of footage: gather their data, train them, pack them.

    python benchmarks/video_model.py gather MODEL SHARED DATA     a folder of pictures and frames for each side
    python benchmarks/video_model.py train MODEL DATA RUN         4 to 15 minutes on one core of a CPU
    python benchmarks/video_model.py pack MODEL RUN models/MODEL.safetensors

MODEL is day2night-video or live2animation. SHARED holds images/day2night (AMOS webcams, MIT, from
udacity/CVND_Exercises), and below video/ the clips that `MODELS` names. Of clips that steadiness is measured on
(`benchmarks/video_stability.py`) only seconds that it does not see are taken. RUN is resumed if it exists.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
from packing import pack

import unpaired
from unpaired.core.model.shipped import load_model_named
from unpaired.domains.video.training.objective import VideoCycleSettings

HEIGHT = 288


@dataclass(frozen=True)
class Clip:
    """Frames of a clip, evenly over the seconds from `start` to `end`."""

    file: str
    start: float
    end: float
    frames: int


@dataclass(frozen=True)
class Made:
    """How a model is made."""

    sides: dict[str, Sequence[str | Clip]]
    """For the name of each side what is gathered of it: folders of images/day2night, and clips of video/."""
    domain: unpaired.Video
    networks: unpaired.NetworkSettings
    objective: VideoCycleSettings
    training: unpaired.TrainingSettings
    description: str
    data: str
    licence: str

    @property
    def card(self) -> dict[str, str]:
        """What the model file says of itself."""
        return {"description": self.description, "data": self.data, "licence": self.licence}


TRAFFIC, BUNNY = "traffic_topview/car-detection.mp4", "animation/big_buck_bunny_0_30.webm"
MODELS = {
    "day2night-video": Made(
        {"day": ["trainA", Clip(TRAFFIC, 10.0, 1e9, 24), Clip(BUNNY, 10.0, 1e9, 24)], "night": ["trainB"]},
        unpaired.Video(size=128, load_size=176),
        unpaired.NetworkSettings(start="transport", upsampling="resize", discriminator_layers=2),
        # Free to leave the colours of the input, as in the recipe `light`. By equivariance 10 bikes.mp4 has 1.55 times
        # its input's warping error when steadied; by 30, 0.73.
        VideoCycleSettings(cycle_a=2, cycle_b=2, identity_a=0.5, identity_b=0.5, equivariance=30, motion_noise=0.03),
        # From the picture model, which knows night but not how to keep still: RUN@400, two minutes, is what ships.
        unpaired.TrainingSettings(start_from="day2night", steps=1_000, checkpoint_every=200, keep=5),
        "Footage by day into night and back, held steady: trained to move as its input moves",
        "109 day and 106 night pictures of AMOS webcams from udacity/CVND_Exercises; by day also 24 frames each of "
        "car-detection.mp4 (Intel IoT DevKit) and Big Buck Bunny (Blender Foundation)",
        "Apache-2.0 (weights); MIT, CC BY 4.0 and CC BY 3.0 (data)",
    ),
    "live2animation": Made(
        {
            "live": ["trainA", Clip("driving_day/solidWhiteRight.mp4", 3.0, 8.8, 24), Clip(TRAFFIC, 10.0, 30.0, 24)],
            "animation": [Clip(BUNNY, 2.0, 22.0, 160)],
        },
        unpaired.Video(size=128, load_size=176),
        unpaired.NetworkSettings(start="transport", upsampling="resize", discriminator_layers=2),
        # Free to leave the colours of the input; later than that skies are smeared (compare `--recipe light`).
        VideoCycleSettings(cycle_a=2, cycle_b=2, identity_a=0.5, identity_b=0.5, equivariance=10, motion_noise=0.03),
        unpaired.TrainingSettings(steps=1_500, checkpoint_every=500),
        "Live footage in the colours and light of an animated film, and back, held steady",
        "109 day pictures of AMOS webcams from udacity/CVND_Exercises, 24 frames each of solidWhiteRight.mp4 (Udacity) "
        "and car-detection.mp4 (Intel IoT DevKit); 160 frames of Big Buck Bunny (Blender Foundation)",
        "Apache-2.0 (weights); MIT, CC BY 4.0 and CC BY 3.0 (data)",
    ),
}


def gather(model: str, shared: Path, data: Path) -> None:
    """Copies of the pictures, and frames of the clips, in a folder of `data` for each side."""
    for side, sources in MODELS[model].sides.items():
        for source in sources:
            if isinstance(source, Clip):
                _gather_frames(source, shared / "video", data / side)
            else:
                shutil.copytree(shared / "images" / "day2night" / source, data / side, dirs_exist_ok=True)


def _gather_frames(clip: Clip, videos: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with av.open(videos / clip.file) as footage:
        frames = [each for each in footage.decode(video=0) if each.time and clip.start <= each.time < clip.end]
        for frame in frames[:: len(frames) // clip.frames][: clip.frames]:
            width = round(frame.width * HEIGHT / frame.height)
            picture = frame.reformat(width=width, height=HEIGHT).to_image()
            picture.save(folder / f"{Path(clip.file).stem}-{frame.time:06.3f}.jpg", quality=95)


def train(model: str, data: Path, run: Path) -> None:
    """Train, or go on with, the run."""
    made = MODELS[model]
    first, second = made.sides
    training = dataclasses.replace(made.training, workers=0, seed=1, held_out=0, log_every=100, preview_every=500)
    unpaired.train(
        made.domain, data / first, data / second, run, preset="small", names=(first, second), networks=made.networks,
        objective=made.objective, training=training, resume=(run / "config.yaml").exists(),
    )  # fmt: skip


def main() -> None:
    """One of the three steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(dest="what", required=True)
    for name, places in {"gather": ("shared", "data"), "train": ("data", "run"), "pack": ("run", "out")}.items():
        step = steps.add_parser(name)
        step.add_argument("model", choices=list(MODELS))
        for place in places:
            step.add_argument(place, type=Path)
    args = parser.parse_args()
    if args.what == "gather":
        gather(args.model, args.shared, args.data)
    elif args.what == "train":
        train(args.model, args.data, args.run)
    else:
        pack(load_model_named(args.run), args.out, card=MODELS[args.model].card)


if __name__ == "__main__":
    main()
