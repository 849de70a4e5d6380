"""Every medium under every objective: it trains, or is refused in one line that says what to set."""

from __future__ import annotations

from pathlib import Path

import pytest
from synthetic_footage import moving, write_clip
from synthetic_sound import folders

import unpaired
from unpaired.core.monitoring.log import read_metrics

SMALLEST = unpaired.NetworkSettings(filters=4, discriminator_filters=4, discriminator_layers=2)
REFUSED = {
    ("audio", "disco"): "shows no features to match; set networks.discriminator to patchgan",
    ("audio", "cut"): "has no encoder whose features cut could compare; set networks.generator to resnet",
}


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[unpaired.Domain, Path, Path]]:
    """Two folders of one clip or recording a name, so that they can be pairs too."""
    place = tmp_path_factory.mktemp("media")
    for seed, side in enumerate(("a", "b")):
        for number in range(2):
            frames = moving(4, step=2, height=64, width=64, seed=10 * seed + number)
            write_clip(place / "clips" / side / f"{number}.mkv", frames)
    sound = folders(place / "sound", 2)
    return {
        "video": (unpaired.Video(size=64), place / "clips" / "a", place / "clips" / "b"),
        "audio": (unpaired.Audio(), sound / "a", sound / "b"),
    }


@pytest.mark.parametrize("name", ["dual", "disco", "pix2pix", "cut"])
@pytest.mark.parametrize("medium", ["video", "audio"])
def test_a_medium_trains_under_an_objective_or_is_told_why_not(
    medium: str, name: str, media: dict[str, tuple[unpaired.Domain, Path, Path]], tmp_path: Path
) -> None:
    domain, a, b = media[medium]

    def train() -> None:
        unpaired.train(
            domain, a, b, tmp_path / "run", networks=SMALLEST, preset="tiny", objective_name=name, steps=2, workers=0,
            batch=2, device="cpu",
        )  # fmt: skip

    if (medium, name) in REFUSED:
        with pytest.raises(unpaired.ConfigError) as raised:
            train()
        assert REFUSED[medium, name] in str(raised.value)
        assert not (tmp_path / "run").exists()
        return
    train()
    assert read_metrics(tmp_path / "run")[-1]["step"] == 2
