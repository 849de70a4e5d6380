"""Scores of translated pictures: pure functions on float32 tensors (C, H, W) in [-1, 1].

Colour differences are measured on the 0..255 scale after rounding to whole levels, because that is the
picture a person gets; PSNR, SSIM and the distances between sets use the values as they are.
`docs/scores.md` has the formulas and says how many pictures each figure needs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ...core.errors import ConfigError, MediaError, MissingFile
from ...core.scoring import distances
from .judge import can_judge, judge

THRESHOLDS = (5, 10, 20)
SSIM_WINDOW = 11

PATCH = 7
SMALLEST_LEVEL = 16
DESCRIPTORS = 8192
PROJECTIONS = 256

KID_SUBSET = 1000
KID_SUBSETS = 100


# -- a translation against its true counterpart ------------------------------------------------------
def levels(x: Tensor) -> Tensor:
    """[-1, 1] to whole levels 0..255 (float32), as the picture would be saved; values beyond are clipped."""
    return ((x.float().clamp(-1, 1) + 1) * 127.5).round()


def l1(translated: Tensor, target: Tensor) -> float:
    """Mean absolute difference in levels of 0..255."""
    return float((levels(translated) - levels(target)).abs().mean())


def psnr(translated: Tensor, target: Tensor) -> float:
    """Peak signal-to-noise ratio in dB, 10 log10(2^2 / mean squared difference); infinite for equal pictures."""
    mse = float((translated.double() - target.double()).square().mean())
    return math.inf if mse == 0 else 10 * math.log10(4 / mse)


def ssim(translated: Tensor, target: Tensor) -> float:
    """Structural similarity, at most 1 (Wang et al. 2004: Gaussian window 11x11, sigma 1.5, K 0.01 and 0.03),
    the mean over pixels and channels. Raises MediaError below 11x11 pixels."""
    if min(target.shape[-2:]) < SSIM_WINDOW:
        height, width = target.shape[-2:]
        raise MediaError(f"SSIM needs {SSIM_WINDOW}x{SSIM_WINDOW} pixels or more; this picture is {width}x{height}")
    from skimage.metrics import structural_similarity

    # its luminance term compares means as ratios, so it holds on a scale that starts at black = 0 only
    first, second = ((x.double().numpy() + 1) / 2 for x in (translated, target))
    similarity = structural_similarity(
        first, second, channel_axis=0, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    return float(similarity)


def accuracy_at(translated: Tensor, target: Tensor, threshold: float) -> float:
    """Share of pixels (0 to 1) whose largest channel difference is less than `threshold` levels of 0..255.

    The measure of the maps data set in GcGAN (Fu et al. 2019, section 4.2), there with thresholds 5 and 10.
    """
    largest = (levels(translated) - levels(target)).abs().amax(dim=0)
    return float((largest < threshold).float().mean())


def paired_scores(translated: Tensor, target: Tensor) -> dict[str, float]:
    """Every figure for one translation and its true counterpart, both (C, H, W) in [-1, 1].

    SSIM is left out below 11x11 pixels. Raises MediaError when the shapes differ.
    """
    _require_alike(translated, target)
    scores = {"psnr": psnr(translated, target), "l1": l1(translated, target)}
    if min(target.shape[-2:]) >= SSIM_WINDOW:
        scores["ssim"] = ssim(translated, target)
    for threshold in THRESHOLDS:
        scores[f"accuracy_at_{threshold}"] = accuracy_at(translated, target, threshold)
    if can_judge(translated, target):
        scores["efficientnet_distance"] = judge().distance(translated, target)
    return scores


def _require_alike(translated: Tensor, target: Tensor) -> None:
    if translated.shape != target.shape:
        raise MediaError(
            f"a translation of shape {tuple(translated.shape)} cannot be compared with a target of shape "
            f"{tuple(target.shape)}; true counterparts must have the same size and channels"
        )


# -- label maps --------------------------------------------------------------------------------------
class LabelScorer:
    """Label-map figures by nearest colour, from one confusion matrix over the whole test set.

    Every pixel of a translation and of its target becomes the class whose colour is nearest (squared
    distance over the channels on the 0..255 scale; the earlier class on a tie). Accumulating one matrix
    weighs every pixel of the set alike, so that a class absent from a picture needs no special rule.
    """

    def __init__(self, palette: Mapping[str, Sequence[float]]) -> None:
        """`palette`: class name to colour, one number 0..255 a channel. Raises ConfigError."""
        if len(palette) < 2 or len({len(colour) for colour in palette.values()}) != 1:
            raise ConfigError("a palette needs two classes or more, each with one number for every channel")
        wrong = [name for name, colour in palette.items() if not all(0 <= value <= 255 for value in colour)]
        if wrong:
            raise ConfigError(f"palette colours must lie between 0 and 255; look at {', '.join(wrong)}")
        self.names = tuple(palette)
        self.colours = torch.tensor([list(colour) for colour in palette.values()], dtype=torch.float32)
        self.confusion = torch.zeros(len(palette), len(palette), dtype=torch.int64)
        """Pixels by true class (row) and translated class (column)."""

    def classify(self, x: Tensor) -> Tensor:
        """(C, H, W) in [-1, 1] to class indices (H, W)."""
        if x.shape[0] != self.colours.shape[1]:
            raise ConfigError(
                f"palette colours have {self.colours.shape[1]} numbers; the picture has {x.shape[0]} channels"
            )
        # |x - c|^2 without the |x|^2 that all classes share; whole levels keep this exact in float32
        distance = self.colours.square().sum(1) - 2 * levels(x).movedim(0, -1) @ self.colours.T
        return distance.argmin(dim=-1)

    def add(self, translated: Tensor, target: Tensor) -> None:
        """Count one translation against its true counterpart, both (C, H, W) in [-1, 1]."""
        _require_alike(translated, target)
        count = len(self.names)
        joint = self.classify(target).flatten() * count + self.classify(translated).flatten()
        self.confusion += torch.bincount(joint, minlength=count * count).view(count, count)

    def result(self) -> dict[str, float]:
        """Shares 0 to 1 and Cohen's kappa (-1 to 1) so far; what is undefined (0/0) is nan and left out of means."""
        matrix = self.confusion.double()
        hits, true, translated, total = matrix.diagonal(), matrix.sum(1), matrix.sum(0), matrix.sum()
        iou, recall = hits / (true + translated - hits), hits / true
        agreement, chance = hits.sum() / total, (true @ translated) / total**2
        scores = {
            "label_accuracy": float(agreement),
            "label_mean_accuracy": float(recall.nanmean()),
            "label_mean_iou": float(iou.nanmean()),
            "label_kappa": float((agreement - chance) / (1 - chance)),
        }
        for name, class_iou, class_recall in zip(self.names, iou.tolist(), recall.tolist(), strict=True):
            scores[f"label_iou_{name}"] = class_iou
            scores[f"label_accuracy_{name}"] = class_recall
        return scores


# -- two sets without pairs --------------------------------------------------------------------------
def unpaired_scores(
    translated: Sequence[Tensor], real: Sequence[Tensor], extractor: Path | None = None, seed: int = 0
) -> dict[str, float]:
    """Distance of a set of translations from a set of real pictures; 0 is best.

    Always "swd" (a proxy that needs no weights) with one figure a pyramid level; "efficientnet_kid" and
    "efficientnet_fid" where the extra `judges` is installed and two pictures or more are in each set; with `extractor`,
    a TorchScript file, also "kid" and "fid". Pictures are taken from the sequences one at a time.
    Raises MediaError (too few pictures), MissingFile, ConfigError (an extractor that does not do).
    """
    scores = sliced_wasserstein(translated, real, seed)
    if extractor is not None:
        ours, theirs = features(translated, extractor), features(real, extractor)
        scores["kid"] = kernel_distance(ours, theirs, seed)
        scores["fid"] = frechet_distance(ours, theirs)
    if min(len(translated), len(real)) >= 2 and can_judge(translated[0], real[0]):
        ours, theirs = judge().features(translated), judge().features(real)
        scores["efficientnet_kid"] = kernel_distance(ours, theirs, seed)
        scores["efficientnet_fid"] = frechet_distance(ours, theirs)
    return scores


def sliced_wasserstein(first: Sequence[Tensor], second: Sequence[Tensor], seed: int = 0) -> dict[str, float]:
    """Sliced Wasserstein distance between 7x7 patches of Laplacian pyramids: "swd_1" (finest level), "swd_2", ...
    and their mean "swd", in standard deviations of the two sets taken together.

    After Karras et al. 2018 (section 5), with two changes. Patches are normalised by the pooled statistics of
    both sets, not each set by its own, which would hide a shift of colour or contrast. Patch positions are the
    same in every picture of a size, which makes equal sets score exactly 0 in whatever order they come.
    Raises MediaError for an empty set or pictures too small for one patch.
    """
    ours, theirs = _descriptors(first, seed), _descriptors(second, seed)
    if not ours or not theirs:
        raise MediaError(
            f"the sliced Wasserstein distance needs pictures of {PATCH}x{PATCH} pixels or more in both sets"
        )
    by_level = [_level_distance(a, b, seed) for a, b in zip(ours, theirs, strict=False)]
    scores = {"swd": sum(by_level) / len(by_level)}
    return scores | {f"swd_{number}": distance for number, distance in enumerate(by_level, start=1)}


def _descriptors(pictures: Sequence[Tensor], seed: int) -> list[Tensor]:
    """Patches (N, C, 7, 7) of each pyramid level, finest first; pictures that lack a level add nothing to it."""
    count = math.ceil(DESCRIPTORS / max(1, len(pictures)))
    found: list[list[Tensor]] = []
    for picture in pictures:
        generator = torch.Generator().manual_seed(seed)
        for depth, level in enumerate(laplacian_pyramid(picture)):
            if depth == len(found):
                found.append([])
            patches = level.unfold(1, PATCH, 1).unfold(2, PATCH, 1)
            rows = torch.randint(patches.shape[1], (count,), generator=generator)
            columns = torch.randint(patches.shape[2], (count,), generator=generator)
            found[depth].append(patches[:, rows, columns].movedim(1, 0))
    return [torch.cat(level) for level in found]


def laplacian_pyramid(picture: Tensor) -> list[Tensor]:
    """Band-pass levels (C, H, W), finest first, and the low-pass rest (its short side 16 to 31 pixels) last.

    Burt & Adelson 1983 with the 5-tap binomial kernel. A picture too small for one patch has no level.
    """
    bands: list[Tensor] = []
    rest = picture.float()
    while min(rest.shape[-2:]) >= 2 * SMALLEST_LEVEL:
        coarse = _blur(rest)[:, ::2, ::2]
        spread = torch.zeros_like(rest)
        spread[:, ::2, ::2] = coarse
        bands.append(rest - 4 * _blur(spread))
        rest = coarse
    return [*bands, rest] if min(rest.shape[-2:]) >= PATCH else bands


def _blur(x: Tensor) -> Tensor:
    taps = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
    padded = functional.pad(x[:, None], (2, 2, 2, 2), mode="reflect")
    return functional.conv2d(padded, torch.outer(taps, taps)[None, None])[:, 0]


def _level_distance(first: Tensor, second: Tensor, seed: int) -> float:
    """Mean over random directions of the 1-D Wasserstein distance between patches (N, C, 7, 7) and (M, C, 7, 7)."""
    if first.shape[1] != second.shape[1]:
        raise MediaError(f"pictures of {first.shape[1]} and of {second.shape[1]} channels cannot be compared")
    pooled = torch.cat([first, second])
    deviation, mean = torch.std_mean(pooled, dim=(0, 2, 3), keepdim=True, correction=0)
    scale = deviation.clamp_min(1e-6)
    ours, theirs = (((x - mean) / scale).flatten(1) for x in (first, second))
    return distances.sliced_wasserstein(ours, theirs, seed, PROJECTIONS)


# -- figures on the features of a network given by file ----------------------------------------------
def features(pictures: Sequence[Tensor], extractor: Path) -> Tensor:
    """Features (N, D) float64 of pictures (C, H, W) in [-1, 1], by a TorchScript module from a file.

    The module is called with uint8 RGB (1, 3, H, W) and returns (1, D), or a tuple that starts so; it resizes
    by itself. A grey picture is repeated over three channels. `return_features=True` is passed when the
    module takes it (the Inception file that StyleGAN2-ADA and clean-fid publish). TorchScript is code: use files you
    trust. Raises MissingFile and ConfigError.
    """
    network = _load_extractor(extractor)
    takes = {argument.name for argument in network.forward.schema.arguments}
    options = {"return_features": True} if "return_features" in takes else {}
    rows = []
    with torch.no_grad():
        for picture in pictures:
            if picture.shape[0] not in (1, 3):
                raise ConfigError(
                    f"a feature extractor takes grey or RGB pictures; these have {picture.shape[0]} channels"
                )
            batch = levels(picture).to(torch.uint8).expand(3, -1, -1)[None].contiguous()
            try:
                found = network(batch, **options)
            except RuntimeError as error:
                reason = str(error).strip().splitlines()[-1]
                raise ConfigError(f"{extractor} cannot read a uint8 batch {tuple(batch.shape)}: {reason}") from error
            rows.append((found[0] if isinstance(found, tuple) else found).flatten().double())
    if len(rows) < 2:
        raise MediaError(f"KID and FID need 2 pictures or more in each set; there is {len(rows)}")
    return torch.stack(rows)


def _load_extractor(path: Path) -> Any:
    if not path.is_file():
        raise MissingFile(f"no feature extractor at {path}; give a TorchScript file")
    try:
        return torch.jit.load(str(path), map_location="cpu").eval()  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError) as error:
        raise ConfigError(f"{path} is not a TorchScript module that this torch can load") from error


def kernel_distance(first: Tensor, second: Tensor, seed: int = 0) -> float:
    """KID (Bińkowski et al. 2018): squared maximum mean discrepancy of features (N, D) and (M, D).

    Kernel (x.y / D + 1)^3, the unbiased estimate (it may fall below 0), the mean over 100 random subsets of
    1000, or, when neither set is larger than 1000, one estimate on all.
    """
    if max(len(first), len(second)) <= KID_SUBSET:
        return distances.kernel_distance(first, second)
    size = min(KID_SUBSET, len(first), len(second))
    generator = torch.Generator().manual_seed(seed)
    estimates = [
        distances.kernel_distance(*(x[torch.randperm(len(x), generator=generator)[:size]] for x in (first, second)))
        for _ in range(KID_SUBSETS)
    ]
    return sum(estimates) / len(estimates)


def frechet_distance(first: Tensor, second: Tensor) -> float:
    """FID (Heusel et al. 2017): |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) of features (N, D) and (M, D).

    With S1 = A'A and S2 = B'B (A, B the centred features over sqrt(N - 1)) the trace of the root is the sum of
    the singular values of AB', or of R1 R2' from the QR factors of A and B: no root of an ill-conditioned
    D x D product, and right when there are fewer pictures than features.
    """
    factors = [torch.linalg.qr((x - x.mean(0)) / math.sqrt(len(x) - 1), mode="r").R for x in (first, second)]
    cross = torch.linalg.svdvals(factors[0] @ factors[1].T).sum()
    spread = sum(factor.square().sum() for factor in factors)
    distance = (first.mean(0) - second.mean(0)).square().sum() + spread - 2 * cross
    return max(0.0, float(distance))
