"""Aerial photos in false colours that tell streets, water and parks apart, for maps_quality.py.

At 128x128 a street is two or three pixels wide and as bright as its roofs: over the training set brightness tells
roads from land no better than chance. What tells them is how smooth a photo of 600x600 is inside each of these pixels,
which goes when it is made smaller. So a photo is reduced to three planes, measured at its own size:

- light: how smooth a pixel's content is beside that of its surroundings (streets among houses);
- red: how rough the surroundings are (built-up land, against water and parks);
- blue: how blue they are (water).

Every plane is the share of all pixels of the training photos with a lower value. No map is needed for any of it; that
it is these planes was decided by how they tell classes apart on true pairs (below).

    python benchmarks/aerial.py --data maps    how well each plane tells classes apart, and what light alone would draw
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from scipy import ndimage
from scipy.stats import rankdata

Plane = npt.NDArray[np.float32]
PLANES = ("light", "blue", "red")
WINDOW = 5
"""Pixels of the photo itself, a side, whose standard deviation is its roughness there."""
SURROUNDINGS = {"light": 1 / 16, "blue": 1 / 64, "red": 1 / 32}
"""Standard deviation of the Gaussian window, as a share of the picture's side."""
COLOUR = 0.4
"""Share of the range of 0 to 255 that red and blue take; with light they make a picture in YCbCr."""
LEVELS = 256


class FalseColours:
    """Makes a photo a picture in false colours, with the ranks of the given photos at `size` pixels."""

    def __init__(self, photos: Sequence[Path], size: int) -> None:
        every = [planes(photo, size) for photo in photos]
        shares = np.linspace(0, 1, LEVELS + 1)[1:-1]
        self._bounds = [np.quantile(np.stack(plane), shares) for plane in zip(*every, strict=True)]

    def __call__(self, photo: Path, size: int) -> Pillow.Image:
        """The photo as an RGB picture of `size` x `size`."""
        found = zip(self._bounds, planes(photo, size), strict=True)
        light, *colours = (np.searchsorted(bounds, plane) for bounds, plane in found)
        middle = (LEVELS - 1) / 2
        channels = [light, *(middle + COLOUR * (colour - middle) for colour in colours)]
        made = [Pillow.fromarray(channel.round().astype(np.uint8)) for channel in channels]
        return Pillow.merge("YCbCr", made).convert("RGB")


def planes(photo: Path, size: int) -> list[Plane]:
    """Light, blue and red of a photo before they are ranked, each (size, size)."""
    with Pillow.open(photo) as opened:
        picture = opened.convert("RGB")
    brightness = np.asarray(picture, np.float32).mean(axis=2)
    mean, square = (ndimage.uniform_filter(each, WINDOW) for each in (brightness, brightness**2))
    rough = np.log1p(_reduced(np.sqrt(np.maximum(square - mean**2, 0)), size))
    _, blue, red = (_reduced(np.asarray(plane, np.float32), size) for plane in picture.convert("YCbCr").split())

    def around(plane: Plane, name: str) -> Plane:
        blurred: Plane = ndimage.gaussian_filter(plane, SURROUNDINGS[name] * size)
        return blurred

    above = rough - around(rough, "light")
    # Where all is alike, as on a lake, what differs is noise: it is not to fill the range.
    light = -above / np.sqrt(around(above**2, "light") + 0.05)
    return [light, around(blue - red, "blue"), around(rough, "red")]


def _reduced(plane: Plane, size: int) -> Plane:
    return np.asarray(Pillow.fromarray(plane).resize((size, size), Pillow.Resampling.BOX))


def separation(values: npt.NDArray[np.floating], chosen: npt.NDArray[np.bool_]) -> float:
    """Probability that a chosen value is above one that is not (area under the ROC curve); 0.5 tells nothing."""
    ranks = rankdata(values)
    count = int(chosen.sum())
    return float((ranks[chosen].sum() - count * (count + 1) / 2) / count / (chosen.size - count))


def main() -> None:
    """Print how well the planes, and brightness, tell each class of the maps from all others, and how near to streets
    the lightest pixels of the test photos lie."""
    from maps_data import CLASSES, SIZE, every_other, near_streets, reduced

    from unpaired.domains.image.picture import to_tensor
    from unpaired.domains.image.scores import LabelScorer

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the maps set")
    args = parser.parse_args()
    scorer = LabelScorer(CLASSES)

    def classes(folder: str, photos: Sequence[Path]) -> npt.NDArray[np.integer]:
        maps = [to_tensor(np.asarray(reduced(args.data / folder / photo.name))) for photo in photos]
        return np.stack([scorer.classify(each).numpy() for each in maps])

    photos = every_other(args.data / "trainA", 0)
    found = [[np.asarray(reduced(photo).convert("L"), np.float32), *planes(photo, SIZE)] for photo in photos]
    true = classes("trainB", photos).ravel()
    print("plane       " + "".join(name.rjust(10) for name in CLASSES))
    for name, values in zip(("brightness", *PLANES), zip(*found, strict=True), strict=True):
        every = np.stack(values).ravel()
        told = [separation(every, true == number) for number in range(len(CLASSES))]
        print(name.ljust(12) + "".join(f"{value:10.2f}" for value in told))
    tests = sorted((args.data / "testA").iterdir())
    light = np.stack([planes(photo, SIZE)[0] for photo in tests])
    road = classes("testB", tests) == list(CLASSES).index("road")
    lightest = light > np.quantile(light, 1 - road.mean())
    near = near_streets(list(lightest), list(road))
    print(f"the lightest pixels, as many as road has: {near['near']:.2f} near a street, by chance {near['chance']:.2f}")


if __name__ == "__main__":
    main()
