"""Scores of pictures against numbers worked out by hand, closed forms, and what a distance must do."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from skimage.metrics import structural_similarity
from torch import Tensor, nn
from torch.nn import functional

import unpaired
from unpaired.core.errors import ConfigError, MediaError, MissingFile
from unpaired.core.model.model_file import Model
from unpaired.domains.image import scores

PALETTE = {"land": (236, 230, 222), "road": (254, 254, 254), "water": (178, 208, 254)}


@pytest.fixture(autouse=True)
def _fewer_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """A coarser estimate of the proxy, with the same properties, eight times as fast."""
    monkeypatch.setattr(scores, "DESCRIPTORS", 2048)
    monkeypatch.setattr(scores, "PROJECTIONS", 128)


def of_levels(values: object) -> Tensor:
    """Levels 0..255, (H, W, C), as a sample (C, H, W) in [-1, 1]."""
    return torch.tensor(values, dtype=torch.float32).movedim(-1, 0) / 127.5 - 1


def textures(count: int, seed: int, size: int = 48) -> list[Tensor]:
    """Pictures with structure at several scales, alike in distribution whatever the seed."""
    generator = torch.Generator().manual_seed(seed)
    pictures = []
    for _ in range(count):
        octaves = [torch.rand(1, 3, size >> k, size >> k, generator=generator) - 0.5 for k in range(4)]
        pictures.append(sum(functional.interpolate(o, size=(size, size), mode="nearest")[0] for o in octaves) / 2)
    return pictures


def blurred(picture: Tensor, times: int) -> Tensor:
    for _ in range(times):
        picture = functional.avg_pool2d(functional.pad(picture, (1, 1, 1, 1), mode="reflect"), 3, stride=1)
    return picture


# -- paired ------------------------------------------------------------------------------------------
def test_levels_round_and_clip() -> None:
    found = scores.levels(torch.tensor([-1.5, -1.0, -1 + 2 * 100.4 / 255, 0.999, 7.0]))
    assert found.tolist() == [0, 0, 100, 255, 255]


def test_psnr_of_a_constant_difference() -> None:
    flat = torch.zeros(3, 8, 8)
    assert scores.psnr(flat + 0.2, flat) == pytest.approx(20.0, abs=1e-5)  # 10 log10(4 / 0.04)
    assert scores.psnr(flat, flat) == math.inf


def test_l1_counts_levels() -> None:
    assert scores.l1(of_levels([[[10, 20, 30]]]), of_levels([[[13, 20, 24]]])) == 3.0  # (3 + 0 + 6) / 3


def test_accuracy_needs_every_channel_below_the_threshold() -> None:
    target = of_levels([[[100, 100, 100]] * 4])
    translated = of_levels([[[100, 104, 96], [100, 105, 100], [90, 100, 100], [100, 100, 81]]])
    found = [scores.accuracy_at(translated, target, threshold) for threshold in scores.THRESHOLDS]
    assert found == [0.25, 0.5, 1.0]  # largest differences 4, 5, 10 and 19: "less than"


def test_ssim_of_two_flat_pictures_is_the_luminance_term() -> None:
    # levels 0.25 and 0.75 of white: (2 * 0.1875 + c) / (0.0625 + 0.5625 + c), c = 0.01^2
    low, high = torch.full((3, 16, 16), -0.5), torch.full((3, 16, 16), 0.5)
    assert scores.ssim(low, high) == pytest.approx((0.375 + 1e-4) / (0.625 + 1e-4), abs=1e-9)
    assert scores.ssim(low, low) == pytest.approx(1.0)


def test_ssim_is_the_published_form_on_bytes() -> None:
    first, second = (picture.clamp(-1, 1) for picture in textures(2, seed=3))
    as_bytes = [scores.levels(x).numpy().astype(np.float64) for x in (first, second)]
    published = structural_similarity(
        *as_bytes, channel_axis=0, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert scores.ssim(first, second) == pytest.approx(published, abs=2e-3)


def test_paired_scores_of_equal_pictures() -> None:
    picture = textures(1, seed=0)[0].clamp(-1, 1)
    found = scores.paired_scores(picture, picture.clone())
    assert found == {
        "psnr": math.inf, "l1": 0.0, "ssim": pytest.approx(1.0),
        "accuracy_at_5": 1.0, "accuracy_at_10": 1.0, "accuracy_at_20": 1.0, "efficientnet_distance": 0.0,
    }  # fmt: skip


def test_small_pictures_have_no_ssim() -> None:
    tiny = torch.zeros(3, 10, 40)
    assert "ssim" not in scores.paired_scores(tiny, tiny)
    with pytest.raises(MediaError, match="11x11 pixels or more; this picture is 40x10"):
        scores.ssim(tiny, tiny)


def test_unlike_shapes_are_refused() -> None:
    with pytest.raises(MediaError, match=r"\(3, 8, 8\).*\(3, 8, 9\)"):
        scores.paired_scores(torch.zeros(3, 8, 8), torch.zeros(3, 8, 9))


# -- label maps --------------------------------------------------------------------------------------
def test_labels_by_hand() -> None:
    """Target LLLR / RRWW, translation LLRR / RLWL, spread over two pictures."""
    land, road, water = PALETTE.values()
    scorer = scores.LabelScorer(PALETTE)
    scorer.add(of_levels([[land, land, road, road]]), of_levels([[land, land, land, road]]))
    scorer.add(of_levels([[road, land, water, land]]), of_levels([[road, road, water, water]]))
    assert scorer.confusion.tolist() == [[2, 1, 0], [1, 2, 0], [1, 0, 1]]
    chance = (3 * 4 + 3 * 3 + 2 * 1) / 64
    expected = {
        "label_accuracy": 5 / 8, "label_mean_accuracy": (2 / 3 + 2 / 3 + 1 / 2) / 3,
        "label_mean_iou": (2 / 5 + 2 / 4 + 1 / 2) / 3, "label_kappa": (5 / 8 - chance) / (1 - chance),
        "label_iou_land": 2 / 5, "label_accuracy_land": 2 / 3, "label_iou_road": 2 / 4, "label_accuracy_road": 2 / 3,
        "label_iou_water": 1 / 2, "label_accuracy_water": 1 / 2,
    }  # fmt: skip
    assert scorer.result() == pytest.approx(expected)


def test_the_nearest_colour_counts() -> None:
    found = scores.LabelScorer(PALETTE).classify(of_levels([[(240, 235, 228), (180, 190, 250), (255, 255, 250)]]))
    assert found.tolist() == [[0, 2, 1]]


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_nearest_colour_agrees_with_all_distances(seed: int) -> None:
    rng = np.random.default_rng(seed)
    colours = rng.integers(0, 256, (6, 3))
    picture = rng.integers(0, 256, (5, 7, 3))
    found = scores.LabelScorer({str(i): c.tolist() for i, c in enumerate(colours)}).classify(of_levels(picture))
    assert found.tolist() == ((picture[:, :, None] - colours) ** 2).sum(-1).argmin(-1).tolist()


def test_a_constant_has_no_kappa_and_a_copy_has_all() -> None:
    land, road, _ = PALETTE.values()
    target = of_levels([[land, land, land, road]])
    constant, copy = scores.LabelScorer(PALETTE), scores.LabelScorer(PALETTE)
    constant.add(of_levels([[land] * 4]), target)
    copy.add(target, target)
    assert constant.result()["label_kappa"] == 0.0
    assert constant.result()["label_mean_iou"] == pytest.approx(0.375)  # land 3/4, road 0, water left out
    assert copy.result()["label_kappa"] == 1.0
    assert math.isnan(copy.result()["label_iou_water"])


@pytest.mark.parametrize(
    ("palette", "message"),
    [
        ({"land": (1, 2, 3)}, "two classes or more"),
        ({"land": (1, 2, 3), "road": (1, 2)}, "one number for every channel"),
        ({"land": (1, 2, 3), "road": (1, 2, 256)}, "between 0 and 255; look at road"),
    ],
)
def test_bad_palettes(palette: dict[str, tuple[float, ...]], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        scores.LabelScorer(palette)


def test_palette_and_picture_must_have_the_same_channels() -> None:
    with pytest.raises(ConfigError, match="have 3 numbers; the picture has 1 channels"):
        scores.LabelScorer(PALETTE).add(torch.zeros(1, 4, 4), torch.zeros(1, 4, 4))


# -- the proxy ---------------------------------------------------------------------------------------
def test_equal_sets_are_at_distance_zero_in_any_order() -> None:
    pictures = textures(6, seed=1)
    assert set(scores.sliced_wasserstein(pictures, pictures[::-1]).values()) == {0.0}


def test_the_proxy_is_symmetric_and_repeats() -> None:
    first, second = textures(5, seed=1), [blurred(x, 1) for x in textures(7, seed=2)]
    found = scores.sliced_wasserstein(first, second, seed=4)
    assert scores.sliced_wasserstein(second, first, seed=4) == pytest.approx(found, rel=1e-5)
    assert scores.sliced_wasserstein(first, second, seed=4) == found
    assert scores.sliced_wasserstein(first, second, seed=5) != found


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda x, amount: blurred(x, amount), id="blur"),
        pytest.param(lambda x, amount: x + 0.1 * amount, id="colour shift"),
        pytest.param(lambda x, amount: x / (1 + 0.3 * amount), id="contrast"),
        pytest.param(
            lambda x, amount: x + 0.1 * amount * torch.randn(x.shape, generator=torch.Generator().manual_seed(9)),
            id="noise",
        ),
    ],
)
def test_the_proxy_grows_with_damage(damage: Callable[[Tensor, int], Tensor]) -> None:
    real, fresh = textures(8, seed=1), textures(8, seed=2)
    found = [scores.sliced_wasserstein([damage(x, amount) for x in fresh], real)["swd"] for amount in (0, 1, 2, 4)]
    assert found == sorted(found)
    assert found[1] > 1.2 * found[0]


def test_blur_shows_at_the_finest_level_and_colour_at_the_coarsest() -> None:
    real, fresh = textures(8, seed=1), textures(8, seed=2)
    blur = scores.sliced_wasserstein([blurred(x, 1) for x in fresh], real)
    shift = scores.sliced_wasserstein([x + 0.3 for x in fresh], real)
    assert blur["swd_1"] > 3 * blur["swd_2"]
    assert shift["swd_2"] > 3 * shift["swd_1"]


def test_one_dimensional_distance_of_a_shift() -> None:
    """Patches 0 and 2: the pooled deviation is 1, every direction w sees |2 sum(w)|."""
    patches = torch.zeros(4, 1, 7, 7)
    directions = functional.normalize(
        torch.randn(49, scores.PROJECTIONS, generator=torch.Generator().manual_seed(0)), dim=0
    )
    expected = float((2 * directions.sum(0)).abs().mean())
    assert scores._level_distance(patches, patches + 2, seed=0) == pytest.approx(expected, rel=1e-5)


@given(st.integers(7, 90), st.integers(7, 90))
@settings(max_examples=25, deadline=None)
def test_a_pyramid_adds_up_to_its_picture(height: int, width: int) -> None:
    picture = torch.rand(3, height, width, generator=torch.Generator().manual_seed(height)) * 2 - 1
    *bands, rest = scores.laplacian_pyramid(picture)
    for band in reversed(bands):
        spread = torch.zeros_like(band)
        spread[:, ::2, ::2] = rest
        rest = band + 4 * scores._blur(spread)
    assert torch.allclose(rest, picture, atol=1e-5)


def test_the_proxy_needs_pictures() -> None:
    with pytest.raises(MediaError, match="7x7 pixels or more"):
        scores.sliced_wasserstein([], textures(1, seed=0))
    with pytest.raises(MediaError, match="7x7 pixels or more"):
        scores.sliced_wasserstein([torch.zeros(3, 6, 40)], textures(1, seed=0))
    with pytest.raises(MediaError, match="1 and of 3 channels"):
        scores.sliced_wasserstein([torch.zeros(1, 40, 40)], textures(1, seed=0))


# -- features ----------------------------------------------------------------------------------------
def test_frechet_distance_by_hand() -> None:
    """One feature: (m1 - m2)^2 + (s1 - s2)^2. Here the means are 1 and 5, the deviations sqrt(2) and sqrt(8)."""
    first, second = torch.tensor([[0.0], [2.0]]).double(), torch.tensor([[3.0], [7.0]]).double()
    assert scores.frechet_distance(first, second) == pytest.approx(16 + 2)  # (sqrt 8 - sqrt 2)^2 = 2


def test_frechet_distance_of_gaussians_with_known_moments() -> None:
    """Sets whitened to exact moments; for commuting covariances the root is the product of the deviations."""
    rng = np.random.default_rng(0)
    raw = rng.standard_normal((400, 5))
    raw -= raw.mean(0)
    white = torch.from_numpy(raw @ np.linalg.inv(np.linalg.cholesky(np.cov(raw.T))).T)
    a, b = torch.tensor([1.0, 2, 3, 4, 5]).double(), torch.tensor([2.0, 2, 1, 0, 7]).double()
    turn = torch.linalg.qr(torch.from_numpy(rng.standard_normal((5, 5)))).Q
    found = scores.frechet_distance((white * a) @ turn + 1.0, (white * b) @ turn - 1.0)
    assert found == pytest.approx(5 * 4 + float((a - b).square().sum()))


def test_frechet_distance_agrees_with_the_matrix_root() -> None:
    from scipy.linalg import sqrtm

    rng = np.random.default_rng(1)
    first, second = rng.standard_normal((60, 8)) @ rng.standard_normal((8, 8)), rng.standard_normal((50, 8)) + 0.3
    s1, s2 = np.cov(first.T), np.cov(second.T)
    textbook = ((first.mean(0) - second.mean(0)) ** 2).sum() + np.trace(s1 + s2 - 2 * sqrtm(s1 @ s2).real)
    assert scores.frechet_distance(torch.from_numpy(first), torch.from_numpy(second)) == pytest.approx(textbook)


def test_frechet_distance_with_fewer_pictures_than_features() -> None:
    found = torch.randn(6, 40, generator=torch.Generator().manual_seed(0)).double()
    assert scores.frechet_distance(found, found.flip(0)) == pytest.approx(0, abs=1e-9)
    assert scores.frechet_distance(found, found + 1) == pytest.approx(40)


def test_kernel_distance_by_hand() -> None:
    """One feature, X = {0, 1}, Y = {1, 2}, k(x, y) = (xy + 1)^3: 1 + 27 - 2 * (1 + 1 + 8 + 27) / 4."""
    first, second = torch.tensor([[0.0], [1.0]]).double(), torch.tensor([[1.0], [2.0]]).double()
    assert scores.kernel_distance(first, second) == pytest.approx(1 + 27 - 18.5)


def test_kernel_distance_is_unbiased_and_its_subsets_are_seeded() -> None:
    generator = torch.Generator().manual_seed(0)
    draws = [torch.randn(2, 40, 4, generator=generator).double() for _ in range(400)]
    estimates = torch.tensor([scores.kernel_distance(x, y) for x, y in draws])
    assert abs(float(estimates.mean())) < 3 * float(estimates.std()) / 20
    large, small = torch.randn(1200, 4, generator=generator).double(), torch.randn(300, 4, generator=generator).double()
    assert scores.kernel_distance(large, small, seed=1) == scores.kernel_distance(large, small, seed=1)
    assert scores.kernel_distance(large, small, seed=1) != scores.kernel_distance(large, small, seed=2)


class Means(nn.Module):
    """Channel means of a uint8 batch: features that can be worked out by hand."""

    def forward(self, x: Tensor) -> Tensor:
        if x.dtype != torch.uint8:
            raise ValueError("expected uint8")
        return x.float().mean(dim=(2, 3))


class Classifier(nn.Module):
    """Like the published Inception files: features only when asked for, in a tuple."""

    def forward(self, x: Tensor, return_features: bool = False) -> tuple[Tensor]:
        found = x.float().mean(dim=(2, 3))
        return (found if return_features else found[:, :1],)


@pytest.fixture
def extractor(tmp_path: Path) -> Path:
    path = tmp_path / "means.pt"
    torch.jit.script(Means()).save(str(path))
    return path


def test_features_see_bytes_and_grey_becomes_rgb(extractor: Path) -> None:
    found = scores.features([of_levels([[[10, 20, 30]]]), of_levels([[[7]]])], extractor)
    assert found.tolist() == [[10, 20, 30], [7, 7, 7]]


def test_features_are_asked_for_where_the_module_takes_the_question(tmp_path: Path) -> None:
    path = tmp_path / "classifier.pt"
    torch.jit.script(Classifier()).save(str(path))
    assert scores.features([of_levels([[[10, 20, 30]]])] * 2, path).tolist() == [[10, 20, 30]] * 2


def test_unpaired_scores_with_an_extractor(extractor: Path) -> None:
    real = textures(6, seed=1)
    same = scores.unpaired_scores(real, real[::-1], extractor)
    moved = scores.unpaired_scores([x + 0.2 for x in real], real, extractor)
    assert {"swd", "swd_1", "swd_2", "kid", "fid", "efficientnet_kid", "efficientnet_fid"} == set(same)
    assert same["fid"] == pytest.approx(0, abs=1e-6)
    assert moved["fid"] == pytest.approx(3 * 25.5**2, rel=0.02)
    assert moved["kid"] > same["kid"]
    assert "fid" not in scores.unpaired_scores(real, real)


def test_extractors_that_do_not_do(tmp_path: Path, extractor: Path) -> None:
    picture = [torch.zeros(3, 16, 16)] * 2
    with pytest.raises(MissingFile, match="no feature extractor at"):
        scores.features(picture, tmp_path / "none.pt")
    text = tmp_path / "text.pt"
    text.write_text("not a network")
    with pytest.raises(ConfigError, match="not a TorchScript module"):
        scores.features(picture, text)
    linear = tmp_path / "linear.pt"
    torch.jit.script(nn.Linear(4, 2)).save(str(linear))
    with pytest.raises(ConfigError, match="cannot read a uint8 batch"):
        scores.features(picture, linear)
    with pytest.raises(ConfigError, match="these have 4 channels"):
        scores.features([torch.zeros(4, 16, 16)] * 2, extractor)
    with pytest.raises(MediaError, match="need 2 pictures or more"):
        scores.features(picture[:1], extractor)


# -- on pictures from files --------------------------------------------------------------------------
def test_the_controls_of_the_maps_set(
    shared: Path, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A constant colour and somebody else's map get the figures that the maps set is known for."""
    monkeypatch.syspath_prepend(repository / "benchmarks")
    benchmark = importlib.import_module("maps_quality")
    for each in (benchmark, importlib.import_module("maps_data")):
        monkeypatch.setattr(each, "SHUFFLES", 12)
    _, maps = benchmark.prepare(shared / "data" / "images" / "maps", tmp_path)
    true = benchmark.true_maps(maps)
    found = benchmark.controls(true)
    constant, other = found["one colour"], found["somebody else's map"]
    assert constant["l1"] == pytest.approx(10.1, abs=0.05)
    assert constant["accuracy"] == pytest.approx(0.76, abs=0.005)
    assert constant["mean_iou"] == pytest.approx(0.152, abs=0.0005)
    assert constant["kappa"] == 0.0
    assert other["mean_iou"]["least"] < 0.155 < other["mean_iou"]["most"]
    assert other["kappa"]["least"] < 0.02 < other["kappa"]["most"]
    streets = benchmark.streets([each.roll(2, dims=2) for each in true], true)
    assert streets["near"] > 0.98  # two pixels aside; what left at one edge came back at the other
    assert 0.2 < streets["chance"] < 0.45
    assert streets["drawn"] == pytest.approx(0.106, abs=0.001)
    assert benchmark.streets([torch.full_like(each, -1.0) for each in true], true)["near"] == 0.0


def test_false_colours_show_the_smooth_street_among_rough_houses(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A street as bright as the houses is lighter than they are, and water, smooth all over, less red and bluer."""
    monkeypatch.syspath_prepend(repository / "benchmarks")
    aerial = importlib.import_module("aerial")
    rng = np.random.default_rng(0)
    town = np.repeat(rng.integers(0, 256, (300, 300, 1)), 3, axis=2)
    town[140:160] = 128
    town[:, 200:] = np.array((70, 90, 140)) + rng.integers(-2, 3, (300, 100, 1))
    photo = tmp_path / "town.png"
    Pillow.fromarray(town.astype(np.uint8)).save(photo)
    picture = aerial.FalseColours([photo], 60)(photo, 60)
    assert picture.mode == "RGB"
    assert picture.size == (60, 60)
    light, blue, red = (plane.astype(float) for plane in np.moveaxis(np.asarray(picture.convert("YCbCr")), 2, 0))
    assert light[29:31, 5:35].mean() > light[:24, 5:35].mean() + 60
    assert blue[:, 45:].mean() > blue[:, :35].mean() + 20
    assert red[:, 45:].mean() < red[:, :35].mean() - 20


def test_evaluate_scores_pictures(tmp_path: Path) -> None:
    """Both directions of an untrained model, on files, with pairs, labels and an extractor."""
    domain = unpaired.Image(size=32)
    networks = domain.networks("tiny", unpaired.NetworkSettings(filters=4, blocks=1))
    specs = {"a2b": networks.generator_a2b, "b2a": networks.generator_b2a}
    model = Model({direction: spec.build("generators").eval() for direction, spec in specs.items()}, networks, domain)
    for side, seed in (("a", 1), ("b", 2)):
        (tmp_path / side).mkdir()
        for index, picture in enumerate(textures(3, seed, size=40)):
            pixels = scores.levels(picture).to(torch.uint8).movedim(0, -1).numpy()
            Pillow.fromarray(pixels).save(tmp_path / side / f"{index}.png")
    network = tmp_path / "means.pt"
    torch.jit.script(Means()).save(str(network))
    report = unpaired.evaluate(
        unpaired.Translator(model, runtime="torch", device="cpu"),
        tmp_path / "a",
        tmp_path / "b",
        paired=True,
        extractor=network,
        scorers={"b": partial(scores.LabelScorer, PALETTE)},
        sheet=tmp_path / "sheet.jpg",
    )
    assert {"swd", "kid", "fid"} < set(report.scores["a2b"].unpaired)
    assert {"psnr", "ssim", "l1", "accuracy_at_5", "label_kappa", "label_iou_land"} < set(report.scores["a2b"].paired)
    assert "label_kappa" not in report.scores["b2a"].paired
    assert report.scores["a2b"].untranslated["swd"] == pytest.approx(report.scores["b2a"].untranslated["swd"], rel=1e-5)
    assert (tmp_path / "sheet.jpg").stat().st_size > 0
