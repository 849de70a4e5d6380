"""What starts without torch, and that it computes the same."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from synthetic_footage import moving, write_clip
from untrained import untrained_model

from unpaired import Image, NetworkSettings
from unpaired.core.model.model_file import save_model
from unpaired.domains.image.encoding import save_picture
from unpaired.domains.image.picture import Picture

BLOCKED = """
import json, sys

class Torch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "torchvision", "lightning_fabric"):
            raise ImportError(f"{name} is imported")

sys.meta_path.insert(0, Torch())
from unpaired.apps.main import main
codes = [main(words) for words in json.loads(sys.argv[1])]
print()
print(json.dumps([codes, sorted({name.partition(".")[0] for name in sys.modules})]))
"""


@pytest.fixture
def without_torch(program: Callable) -> Callable[..., set[str]]:
    """Run commands one after the other in a process in which torch cannot be imported; the modules that it has then."""

    def call(*commands: list[str | Path], code: int = 0) -> set[str]:
        words = json.dumps([[str(word) for word in command] for command in commands])
        done = program("-c", BLOCKED, words)
        assert done.code == 0, done.err
        codes, modules = json.loads(done.out.splitlines()[-1])
        assert codes == [code] * len(commands), done.err
        return set(modules)

    return call


@pytest.fixture(scope="module")
def curved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file for pictures with tone curves, stored in 16 bits."""
    domain = Image(size=32, gamma_a=1.7, gamma_b=2.2)
    path = tmp_path_factory.mktemp("curved") / "curved.safetensors"
    save_model(untrained_model(domain, NetworkSettings(blocks=1, upsampling="resize")), path, half=True)
    return path


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Pictures of many kinds."""
    random, folder = np.random.default_rng(0), tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    eight = random.integers(0, 256, (40, 56, 3), dtype=np.uint8)
    sixteen = random.integers(0, 65536, (33, 29, 3), dtype=np.uint16)
    alpha = random.integers(0, 65536, (33, 29, 1), dtype=np.uint16)
    save_picture(Picture(eight), folder / "colour.png", 90)
    save_picture(Picture(eight), folder / "lossy.jpg", 90)
    save_picture(Picture(eight[..., :1]), folder / "grey.png", 90)
    save_picture(Picture(sixteen, alpha), folder / "deep" / "alpha.png", 90)
    save_picture(Picture(sixteen), folder / "deep" / "sixteen.tif", 90)
    np.save(folder / "deep" / "floats.npy", random.random((20, 24, 3), dtype=np.float32))
    save_picture(Picture(eight[:1, :1]), folder / "tiny.png", 90)
    save_picture(Picture(np.full_like(eight, 90)), folder / "plain.png", 90)
    save_picture(Picture(random.integers(0, 256, (150, 210, 3), dtype=np.uint8)), folder / "tiles.png", 90)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("options", [[], ["--strength", "0.6", "--direction", "b2a"]], ids=["whole", "strength"])
def test_pictures_are_the_same_without_torch(
    options: list[str], without_torch: Callable, unpaired: Callable, curved: Path, pictures: Path, tmp_path: Path
) -> None:
    """The first conversion makes the graphs by torch; the next finds them, and everything else, on the disk."""
    tiles = ["--conversion.tile", "128", "--conversion.overlap", "32", "--conversion.tile_above", "20000"]
    words = ["convert", curved, pictures]
    assert unpaired(*words, tmp_path / "first", *tiles, *options).code == 0
    again = [*words, tmp_path / "second", *tiles, *options]
    modules = without_torch(again, [*words, tmp_path / "first", *tiles, *options, "--skip-existing"])
    assert "openvino" in modules
    first, second = contents(tmp_path / "first"), contents(tmp_path / "second")
    # The record of one knows the model by the same name as that of the other.
    records = [[json.loads(line) for line in found.pop(".unpaired.jsonl").splitlines()] for found in (first, second)]
    assert [{line["model"] for line in record} for record in records] == [{records[0][0]["model"]}] * 2
    assert first == second
    assert len(first) == 9


def test_footage_is_the_same_without_torch(
    without_torch: Callable, unpaired: Callable, curved: Path, tmp_path: Path
) -> None:
    """With norms that follow, a curve of strength, and what is written beside the clip."""
    write_clip(tmp_path / "in.mkv", moving(5, step=2))
    plain = ["convert", curved, tmp_path / "in.mkv", "PLACE/plain.mkv"]
    options = ["--conversion.smooth", "true", "--strength", "0:0,0.3:1", "--contact-sheet", "PLACE/sheet.png"]
    much = ["convert", curved, tmp_path / "in.mkv", "PLACE/much.mp4", *options]
    first, second = ([[str(word).replace("PLACE", str(tmp_path / place)) for word in words] for words in (plain, much)]
                     for place in ("first", "second"))  # fmt: skip
    for words in first:
        assert unpaired(*words).code == 0
    assert {"openvino", "av"} <= without_torch(*second)
    made = contents(tmp_path / "first")
    assert list(made) == ["much.mp4", "plain.mkv", "sheet.png"]
    assert made == contents(tmp_path / "second")


def test_a_voice_is_the_same_without_torch(
    without_torch: Callable, unpaired: Callable, voice_model: Path, assets: Path, tmp_path: Path
) -> None:
    words = ["convert", voice_model, assets / "speech/female-1.flac", "--end", "1"]
    assert unpaired(*words, tmp_path / "first.wav").code == 0
    modules = without_torch([*words, tmp_path / "second.wav"])
    assert {"openvino", "soundfile"} <= modules
    assert (tmp_path / "first.wav").read_bytes() == (tmp_path / "second.wav").read_bytes()


def test_a_picture_needs_little(without_torch: Callable, unpaired: Callable, model: Path, tmp_path: Path) -> None:
    Pillow.new("RGB", (40, 30), (200, 90, 30)).save(tmp_path / "in.png")
    words = ["convert", model, tmp_path / "in.png", tmp_path / "out.png"]
    assert unpaired(*words).code == 0
    modules = without_torch(words, ["inspect", tmp_path / "in.png"])
    assert not modules & {"scipy", "pandas", "av", "soundfile", "safetensors.torch"}


def test_modules_of_networks_make_their_tensors_with_memory(program: Callable, model: Path) -> None:
    """They are imported for a model of which shapes alone are wanted at first."""
    code = (
        "import sys, torch, unpaired\n"
        "unpaired.load(sys.argv[1])\n"
        "found = [each for name, module in list(sys.modules.items()) if name.startswith('unpaired.core.networks')\n"
        "         for each in vars(module).values() if isinstance(each, torch.Tensor)]\n"
        "assert not any(each.is_meta for each in found), found\n"
        "assert 'torch._dynamo' not in sys.modules\n"
    )
    done = program("-c", code, model)
    assert done.code == 0, done.err


def test_answers_about_words_and_folders_need_no_torch(without_torch: Callable, model: Path, tmp_path: Path) -> None:
    modules = without_torch(["--help"], ["models"], ["machine"], ["machine", "--json"], ["help", "convert"])
    assert not modules & {"openvino", "cv2"}
    wrong = [
        ["convert", "--strenght", "0.5", "a", "b"],
        ["convert", "day2nigt", "a.png", "b.png"],
        ["convert", model, tmp_path / "absent.png", tmp_path / "b.png"],
        ["trian"],
        ["runs", tmp_path],
        ["train", "--a", tmp_path, "--out", tmp_path / "run", "--tranining.steps", "5"],
    ]
    without_torch(*wrong, code=2)


def test_a_model_that_cannot_be_used_says_so_in_either_way(
    unpaired: Callable, without_torch: Callable, model: Path, tmp_path: Path
) -> None:
    """A file that differs in one bit is another file, which nothing is known of."""
    Pillow.new("RGB", (40, 30), (200, 90, 30)).save(tmp_path / "in.png")
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(model.read_bytes())
    assert unpaired("convert", copy, tmp_path / "in.png", tmp_path / "out.png").code == 0
    broken = bytearray(model.read_bytes())
    broken[-1] ^= 1
    copy.write_bytes(broken)
    done = unpaired("convert", copy, tmp_path / "in.png", tmp_path / "out.png")
    assert done.code == 2
    assert "checksum" in done.err


def test_another_machine_with_a_device_asks_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    from unpaired.core.runtimes import devices

    asked = []
    monkeypatch.setattr(os.path, "exists", lambda path: asked.append(path) or path == "/dev/nvidiactl")
    assert devices._may_have_another()
    assert "/dev/nvidiactl" in asked
