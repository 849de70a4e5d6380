"""Settings of pictures: what they mean, and all faults in one message."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest

from unpaired import ConfigError, Image
from unpaired.domains.image import ImageConversion, ImageSettings


def test_the_papers_numbers_are_the_default() -> None:
    settings = ImageSettings()
    assert settings.crop == (256, 256)
    assert settings.loaded == (286, 286)
    assert settings.channels("a") == settings.channels("b") == 3


def test_a_rectangular_crop_is_enlarged_alike_on_both_sides() -> None:
    settings = ImageSettings(width=128, height=64, load_size=96)
    assert settings.crop == (64, 128)
    assert settings.loaded == (96, 192)


@pytest.mark.parametrize(
    ("mode", "expected"), [("rgb", (3, 3)), ("grey", (1, 1)), ("rgba", (4, 4)), ("channels", (5, 2))]
)
def test_channels_follow_the_mode(mode: str, expected: tuple[int, int]) -> None:
    domain = Image(mode=mode, channels_a=5, channels_b=2)
    assert (domain.channels("a"), domain.channels("b")) == expected


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        ImageSettings(size=1, load_size=9000, mode="cmyk", fit="long", cache_mb=-1)  # type: ignore[arg-type]
    for name in ("domain.size", "domain.load_size", "domain.mode", "domain.fit", "domain.cache_mb"):
        assert name in str(caught.value)


def test_every_fault_of_a_conversion_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        ImageConversion(strength=2.0, tile=10, overlap=400, quality=0)
    for name in ("strength", "tile", "overlap", "quality"):
        assert name in str(caught.value)


def test_a_load_size_below_the_crop_is_refused() -> None:
    with pytest.raises(ConfigError, match="load_size is 100"):
        Image(size=128, load_size=100)


def test_an_unknown_setting_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match=r"domain\.sise is unknown; did you mean domain\.size"):
        Image(sise=128)


def test_single_settings_go_on_top_of_given_ones() -> None:
    assert Image(ImageSettings(size=64, flip=False), size=32).settings == ImageSettings(size=32, flip=False)


def test_the_domain_pickles_with_its_settings() -> None:
    assert pickle.loads(pickle.dumps(Image(size=48))).settings == ImageSettings(size=48)


def test_settings_load_without_torch_or_decoders() -> None:
    code = (
        "import sys; from unpaired.domains.image import Image; Image(size=64);"
        "print([name for name in ('torch', 'cv2', 'PIL', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
