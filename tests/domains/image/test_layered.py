"""OpenEXR and DPX: scene-linear light through a view transform and back, and all else of the file around it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import OpenImageIO as oiio  # noqa: N813
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from kept import row
from PIL import Image as Pillow

from unpaired import ConfigError, Image, MediaError, MissingFile, Translator
from unpaired.domains.image.encoding import save_picture
from unpaired.domains.image.files import read_header, read_picture
from unpaired.domains.image.openimageio import library
from unpaired.domains.image.picture import to_array, to_pixels
from unpaired.domains.image.scene import Cineon, ColourSpace, Display, Primaries, Scene, linear
from unpaired.domains.image.settings import View

ACESCG = (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767)
HALF = np.dtype(np.float16)


def write(path: Path, *parts: tuple[Sequence[str], np.ndarray], **attributes: Any) -> Path:
    """A picture of those channels and values, each part by one of both."""
    specs = []
    for number, (names, values) in enumerate(parts):
        kind = {"float16": "half", "float32": "float", "uint32": "uint"}.get(str(values.dtype), str(values.dtype))
        spec = oiio.ImageSpec(values.shape[1], values.shape[0], values.shape[2], oiio.TypeDesc(kind))
        spec.channelnames = tuple(names)
        for name, value in attributes.items():
            name = name.replace("__", ":")
            if name == "window":
                spec.x, spec.y, spec.full_x, spec.full_y, spec.full_width, spec.full_height = value
            elif name == "chromaticities":
                spec.attribute(name, "float[8]", value)
            elif isinstance(value, tuple):
                spec.attribute(name, "rational", value)
            else:
                spec.attribute(name, value)
        if len(parts) > 1:
            spec.attribute("oiio:subimagename", ("rgba", "depth", "ids")[number])
        specs.append(spec)
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), specs if len(specs) > 1 else specs[0]), out.geterror()
    for number, (_, values) in enumerate(parts):
        assert not number or out.open(str(path), specs[number], "AppendSubimage"), out.geterror()
        assert out.write_image(values), out.geterror()
    out.close()
    return path


def read(path: Path, part: int = 0, kind: str = "float") -> np.ndarray:
    file = oiio.ImageInput.open(str(path))
    assert file.seek_subimage(part, 0)
    values = file.read_image(part, 0, 0, file.spec().nchannels, kind)
    file.close()
    return np.asarray(values)


def attributes(path: Path, part: int = 0) -> dict[str, Any]:
    file = oiio.ImageInput.open(str(path))
    assert file.seek_subimage(part, 0)
    spec = file.spec()
    found = {each.name: each.value for each in spec.extra_attribs}
    windows = spec.x, spec.y, spec.width, spec.height, spec.full_x, spec.full_y, spec.full_width, spec.full_height
    return found | {"windows": windows, "types": [str(spec.channelformat(n)) for n in range(spec.nchannels)]}


def light(height: int = 40, width: int = 56, seed: int = 0, channels: int = 4) -> np.ndarray:
    """Half floats with shadows, highlights far above 1 and negative values; the last of four channels is alpha."""
    rng = np.random.default_rng(seed)
    values = np.exp2(rng.uniform(-14, 8, (height, width, channels))) * rng.choice([1, 1, 1, 1, -1], (height, width, 1))
    if channels == 4:
        values[..., 3] = rng.choice([0.0, 0.25, 1.0], (height, width))
    return values.astype(np.float16)


def within_tolerance(before: np.ndarray, after: np.ndarray) -> bool:
    """One step of half floats below 1, a thousandth above; what is not finite stays what it is."""
    finite = np.isfinite(before)
    if not np.array_equal(before[~finite], after[~finite], equal_nan=True):
        return False
    before, after = before[finite].astype(np.float64), after[finite].astype(np.float64)
    step = np.spacing(np.abs(before).clip(0, 1).astype(np.float16)).astype(np.float64)
    return bool((np.abs(after - before) <= np.where(np.abs(before) < 1, step, 1e-3 * np.abs(before))).all())


def by_identity(scene: Scene) -> np.ndarray:
    """What comes back by way of the networks' tensors."""
    shown = scene.shown()
    return scene.translated(to_pixels(to_array(shown), np.dtype(np.float32)), shown)


def scenes() -> st.SearchStrategy[Scene]:
    """Scenes of half floats or floats, of any of the colour spaces, with transparency or none, bright or dark."""
    spaces: list[ColourSpace] = [
        Primaries(),
        Primaries(tuple(zip(ACESCG[::2], ACESCG[1::2], strict=True))),
        Display(),
        Cineon(),
    ]
    number = st.floats(-65504, 65504, width=16) | st.floats(-2, 2, width=16) | st.sampled_from(
        [np.nan, np.inf, -np.inf]
    )  # fmt: skip
    values = st.lists(number, min_size=18, max_size=18).map(lambda v: np.array(v, np.float16).reshape(2, 3, 3))
    alphas = st.none() | st.lists(st.sampled_from([0.0, 1e-6, 0.25, 1.0, np.nan]), min_size=6, max_size=6).map(
        lambda v: np.array(v, np.float16).reshape(2, 3, 1)
    )
    return st.builds(Scene, values, alphas, st.sampled_from(spaces), st.sampled_from([0.0, 2.5, -3.0]))


_DARK_BESIDE_NEGATIVE = np.zeros((2, 3, 3), np.float16)
_DARK_BESIDE_NEGATIVE[0, 0] = [1.47e-4, -655, np.nan]
_ACES = Primaries(tuple(zip(ACESCG[::2], ACESCG[1::2], strict=True)))


@row("OpenEXR, DPX", "light that is not changed")
@given(scenes())
@example(Scene(_DARK_BESIDE_NEGATIVE, None, _ACES, 0.0))
@example(Scene(_DARK_BESIDE_NEGATIVE, None, _ACES, 2.5))
@settings(max_examples=60, deadline=None)
def test_what_is_not_translated_comes_back(scene: Scene) -> None:
    shown = scene.shown()
    assert shown.dtype == np.float32
    assert np.isfinite(shown).all()
    assert shown.min() >= 0
    assert shown.max() <= 1
    back = by_identity(scene)
    assert back.dtype == scene.values.dtype
    assert within_tolerance(scene.values, back)
    floats = replace(scene, values=scene.values.astype(np.float32))
    assert within_tolerance(floats.values, by_identity(floats))


def test_primaries_are_those_of_the_film_academy() -> None:
    space = Primaries(tuple(zip(ACESCG[::2], ACESCG[1::2], strict=True)))
    unit = np.eye(3, dtype=np.float32)[None]
    expected = [[1.70505, -0.13026, -0.02400], [-0.62179, 1.14080, -0.12897], [-0.08326, -0.01055, 1.15297]]
    assert np.allclose(space.to_linear(unit)[0], expected, atol=2e-3)  # Bradford, as in Academy TB-2014-012
    grey = np.full((1, 1, 3), 0.18, np.float32)
    assert np.allclose(space.to_linear(grey), grey, atol=1e-4)
    assert np.array_equal(Primaries().to_linear(unit), unit)


def test_what_the_network_sees() -> None:
    values = np.array([[[0.18, 0.18, 0.18], [4.0, 2.0, 0.0], [-0.5, 0.5, 0.5]]], np.float32)
    shown = Scene(values, None, Primaries()).shown()
    assert np.allclose(shown[0, 0], 0.4613, atol=1e-3)
    assert np.allclose(linear(shown[0, 1:2]), [[1.0, 0.5, 0.0]], atol=1e-5)  # of its colour, as bright as can be
    assert shown[0, 2, 0] == 0
    raised = Scene(values, None, Primaries(), exposure=1.0).shown()
    assert np.allclose(linear(raised[0, :1]), 0.36, atol=1e-5)


def test_highlights_keep_their_ratio_and_negative_values_give_way() -> None:
    values = np.array([[[8.0, 4.0, 0.0], [-0.25, 0.5, 0.5]]], np.float32)
    scene = Scene(values, None, Primaries())
    back = scene.translated(np.full((1, 2, 3), 0.5, np.float32), scene.shown())
    half = float(linear(np.float32([0.5]))[0])
    assert np.allclose(back[0, 0], 8 * half, rtol=1e-3)
    assert np.allclose(back[0, 1], [2 * half - 0.25, half, half], rtol=1e-3)


def test_nan_does_not_spread() -> None:
    values = light(channels=3).clip(0, 1)
    holes = values.copy()
    holes[10:14, 20:24] = np.nan
    holes[30, 40, 1] = np.inf
    scene = Scene(holes, None, Primaries())
    shown = scene.shown()
    far = np.isfinite(holes)
    assert np.array_equal(shown[far], Scene(values, None, Primaries()).shown()[far])
    back = scene.translated(np.zeros_like(shown), shown)
    assert np.array_equal(np.isfinite(back), far)
    assert np.isinf(back[30, 40, 1])


@row("OpenEXR", "layers, parts, windows, compression, attributes")
def test_everything_else_of_a_file_stays(translator: Translator, tmp_path: Path) -> None:
    values, depth = light(channels=7), np.random.default_rng(1).random((40, 56, 1), np.float32) * 1e4
    ids = np.random.default_rng(2).integers(0, 2**32, (40, 56, 1), dtype=np.uint32)
    values[3, 4, 0] = np.nan
    names = ["R", "G", "B", "A", "diffuse.R", "diffuse.G", "diffuse.B"]
    path = write(
        tmp_path / "x.exr", (names, values), (["Z"], depth), (["id"], ids), compression="piz", owner="a studio",
        FramesPerSecond=(24000, 1001), chromaticities=ACESCG, window=(-6, 3, 0, 0, 64, 48),
    )  # fmt: skip
    report = translator.convert(path, tmp_path / "y.exr")
    said = " ".join(note.text for note in report.notes)
    assert "its layer rgba is translated; its other channels (5) stay as they are" in said
    assert "not finite (1 pixels) stay where they are" in said
    for part in range(3):
        before, after = (attributes(tmp_path / name, part) for name in ("x.exr", "y.exr"))
        for each in (before, after):
            each.pop("openexr:chunkCount", None)
            each.pop("DateTime", None)
        assert before == after
    own, other = read(path), read(tmp_path / "y.exr")
    assert np.array_equal(own[..., 3:], other[..., 3:])
    assert not np.allclose(own[..., :3], other[..., :3], equal_nan=True)
    assert np.array_equal(np.isfinite(own), np.isfinite(other))
    assert np.array_equal(depth, read(tmp_path / "y.exr", 1))
    assert np.array_equal(ids, read(tmp_path / "y.exr", 2, "uint"))
    translator.convert(path, tmp_path / "same.exr", strength=0.0)
    assert within_tolerance(own.astype(np.float16), read(tmp_path / "same.exr").astype(np.float16))
    assert (tmp_path / "y.exr").read_bytes() == _again(translator, path, tmp_path).read_bytes()


@row("OpenEXR", "layers, parts, windows, compression, attributes")
def test_each_channel_stays_in_its_own_type(translator: Translator, tmp_path: Path) -> None:
    rng, path = np.random.default_rng(3), tmp_path / "x.exr"
    kinds = dict.fromkeys("RGBA", np.float16) | dict.fromkeys(["Z", "crypto.R"], np.float32)
    given = {name: rng.random((40, 56)).astype(kind) for name, kind in kinds.items()}
    given["id"] = rng.integers(2**24, 2**32, (40, 56), dtype=np.uint32)
    given["Z"].view(np.uint32)[3, 4] = 0x7F800001  # a signalling NaN, which arithmetic would change
    tiles = OpenEXR.TileDescription()
    tiles.xSize = tiles.ySize = 16
    header = {"type": OpenEXR.tiledimage, "tiles": tiles, "compression": OpenEXR.PIZ_COMPRESSION, "owner": "a studio",
              "chromaticities": ACESCG}  # fmt: skip
    with OpenEXR.File(header, dict(given)) as file:  # which it fills with its own
        file.write(str(path))
    said = " ".join(note.text for note in translator.convert(path, tmp_path / "y.exr").notes)
    assert said == "its picture is translated; its other channels (3) stay as they are"
    with OpenEXR.File(str(tmp_path / "y.exr"), separate_channels=True) as file:
        after = {name: channel.pixels for name, channel in file.channels().items()}
        assert file.header()["owner"] == "a studio"
    assert {name: values.dtype for name, values in after.items()} == {n: v.dtype for n, v in given.items()}
    same = {name for name, values in given.items() if values.tobytes() == after[name].tobytes()}
    assert same == {"A", "Z", "crypto.R", "id"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "OpenEXR", None)
        with pytest.raises(MediaError, match=r"whole numbers .* need OpenEXR: pip install 'unpaired\[vfx\]'"):
            translator.convert(path, tmp_path / "z.exr")
    assert not (tmp_path / "z.exr").exists()


def test_no_levels_are_declared_that_are_not_written(translator: Translator, tmp_path: Path) -> None:
    buffer = oiio.ImageBuf(str(write(tmp_path / "x.exr", ("RGB", light(64, 64, channels=3)))))
    assert oiio.ImageBufAlgo.make_texture(oiio.MakeTxTexture, buffer, str(tmp_path / "mip.exr"))
    assert attributes(tmp_path / "mip.exr")["oiio:miplevels"] > 1
    translator.convert(tmp_path / "mip.exr", tmp_path / "y.exr")
    assert "oiio:miplevels" not in attributes(tmp_path / "y.exr")


def _again(translator: Translator, path: Path, folder: Path) -> Path:
    translator.convert(path, folder / "again.exr")
    return folder / "again.exr"


def test_the_picture_is_what_the_windows_make_up_together(tmp_path: Path) -> None:
    path = write(tmp_path / "x.exr", ("RGB", light(20, 30, channels=3)), window=(10, 5, 0, 0, 64, 48))
    header = read_header(path)
    assert (header.format, header.mode, header.width, header.height, header.bits) == ("EXR", "half RGB", 64, 48, 16)
    pixels = read_picture(path).pixels
    assert pixels.shape == (48, 64, 3)
    assert not pixels[:5].any()
    assert pixels[5:25, 10:40].any()
    save_picture(read_picture(path), tmp_path / "y.exr", 95)
    assert np.array_equal(read(path), read(tmp_path / "y.exr"))


@pytest.mark.parametrize(
    ("names", "translated"),
    [
        (["R", "G", "B"], [0, 1, 2]),
        (["Z", "beauty.B", "beauty.G", "beauty.R"], [3, 2, 1]),
        (["spec.R", "spec.G", "spec.B", "V.Combined.R", "V.Combined.G", "V.Combined.B"], [3, 4, 5]),
        (["red", "green", "blue"], [0, 1, 2]),
        (["Y"], [0]),
    ],
)  # fmt: skip
def test_which_layer_is_the_picture(names: list[str], translated: list[int], tmp_path: Path) -> None:
    values = light(8, 8, channels=len(names)).clip(0, 1)
    path = write(tmp_path / "x.exr", (names, values))
    picture = read_picture(path)
    own = attributes(path)
    stored = read(path)
    order = list(oiio.ImageInput.open(str(path)).spec().channelnames)
    expected = stored[..., [order.index(names[n]) for n in translated]]
    assert np.allclose(linear(picture.pixels), expected, atol=2e-3)
    assert own["windows"][:2] == (0, 0)


@row("OpenEXR", "deep, damaged, without colour")
def test_what_is_refused(translator: Translator, tmp_path: Path) -> None:
    depth = write(tmp_path / "z.exr", (["Z", "N.x"], light(8, 8, channels=2)))
    with pytest.raises(MediaError, match=r"holds no colour that is known: its channels are Z, N\.x; expected R, G and"):
        translator.convert(depth, tmp_path / "y.exr")
    whole = write(tmp_path / "x.exr", ("RGB", light(64, 64, channels=3)))
    (tmp_path / "cut.exr").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(MediaError, match=r"cut\.exr cannot be decoded"):
        translator.convert(tmp_path / "cut.exr", tmp_path / "y.exr")
    (tmp_path / "bad.exr").write_bytes(b"v/1\x01" + bytes(100))
    with pytest.raises(MediaError, match=r"bad\.exr cannot be decoded"):
        translator.convert(tmp_path / "bad.exr", tmp_path / "y.exr")
    spec = oiio.ImageSpec(4, 4, 4, oiio.TypeDesc("half"))
    spec.deep, spec.channelnames = True, ("R", "G", "B", "A")
    out = oiio.ImageOutput.create(str(tmp_path / "deep.exr"))
    assert out.open(str(tmp_path / "deep.exr"), spec)
    data = oiio.DeepData()
    data.init(16, 4, [oiio.TypeDesc("half")] * 4, ["R", "G", "B", "A"])
    assert out.write_deep_image(data)
    out.close()
    with pytest.raises(MediaError, match="is a deep picture; flatten it first"):
        translator.convert(tmp_path / "deep.exr", tmp_path / "y.exr")
    assert not (tmp_path / "y.exr").exists()


@row("OpenEXR and DPX from and to other formats", "light, depth")
def test_other_formats(translator: Translator, photo: Path, tmp_path: Path) -> None:
    translator.convert(photo, tmp_path / "x.exr", strength=0.0)
    stored, pixels = read(tmp_path / "x.exr"), np.asarray(Pillow.open(photo))
    assert np.allclose(stored, linear(pixels.astype(np.float32) / 255), atol=1e-3)
    report = translator.convert(tmp_path / "x.exr", tmp_path / "y.png", strength=0.0)
    assert np.abs(read_picture(tmp_path / "y.png").pixels / 257.0 - pixels).max() < 0.2
    assert "EXR" not in [note.text for note in report.notes]
    translator.convert(photo, tmp_path / "x.dpx", strength=0.0)
    assert attributes(tmp_path / "x.dpx")["oiio:BitsPerSample"] == 10
    assert np.abs(read(tmp_path / "x.dpx") * 255 - pixels).max() < 0.2
    bright = write(tmp_path / "b.exr", ("RGBA", light()))
    said = translator.convert(bright, tmp_path / "b.png").notes[0].text
    assert said == "PNG cannot hold floats (rounded to 16), light above 1, its header"


@row("DPX", "bits, header, rate")
@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_dpx(bits: int, translator: Translator, tmp_path: Path) -> None:
    codes = np.random.default_rng(0).integers(0, 2**bits, (24, 32, 3))
    values = (codes * 65535 // (2**bits - 1)).astype(np.uint16)
    path = write(
        tmp_path / "x.dpx", ("RGB", values if bits > 8 else codes.astype(np.uint8)), oiio__BitsPerSample=bits,
        dpx__FrameRate=24.0, dpx__FramePosition=7,
    )  # fmt: skip
    assert read_header(path).rate == 24
    assert read_header(path).bits == bits
    translator.convert(path, tmp_path / "y.dpx", strength=0.0)
    assert np.array_equal(read(path, kind="uint16"), read(tmp_path / "y.dpx", kind="uint16"))
    before, after = attributes(path), attributes(tmp_path / "y.dpx")
    assert before == after


def test_film_scans_are_logarithmic(tmp_path: Path) -> None:
    values = np.full((4, 4, 3), 685 * 64, np.uint16)
    path = write(tmp_path / "x.dpx", ("RGB", values), dpx__Transfer="Printing density", oiio__BitsPerSample=10)
    shown = read_picture(path).pixels
    assert np.allclose(shown, 1.0, atol=5e-3)  # code value 685 is white
    assert read_picture(path, view=View(exposure=-1.0)).pixels.max() < 0.8


@row("OpenEXR", "grey (Y)")
@pytest.mark.parametrize("names", ["Y", "AY"])
def test_grey_comes_back_as_colour_with_all_its_light(names: str, translator: Translator, tmp_path: Path) -> None:
    values = np.abs(light(channels=2)[..., -len(names) :])
    if names == "AY":
        values[..., 0] = 1
    path = write(tmp_path / "x.exr", (list(names), values), owner="a studio", FramesPerSecond=(24, 1))
    report = translator.convert(path, tmp_path / "y.exr", strength=0.0)
    assert not [note for note in report.notes if "left out" in note.text]
    assert np.allclose(read(tmp_path / "y.exr")[..., :3], values[..., -1:].astype(np.float32), rtol=2e-3, atol=1e-6)
    told = attributes(tmp_path / "y.exr")
    assert (told["Copyright"], told["FramesPerSecond"]) == ("a studio", (24, 1))


@row("DPX", "marked linear")
def test_video_that_is_marked_as_linear_is_taken_as_video(tmp_path: Path) -> None:
    values = np.full((4, 4, 3), 512 * 64, np.uint16)
    wide = write(tmp_path / "w.dpx", ("RGB", values), dpx__Transfer="Linear", oiio__BitsPerSample=16)
    assert np.allclose(linear(read_picture(wide).pixels), 0.5, atol=1e-2)
    path = write(tmp_path / "x.dpx", ("RGB", values), dpx__Transfer="Linear", oiio__BitsPerSample=10)
    picture = read_picture(path)
    assert np.allclose(picture.pixels / 65535, 0.5, atol=1e-2)
    assert "its 10 bits are taken as a screen shows them; --colour-space names" in picture.notes[0]
    named = read_picture(path, view=View(colour_space="lin_rec709_scene"))
    assert not named.notes
    assert np.allclose(linear(named.pixels), 0.5, atol=1e-2)


@row("OpenEXR", "transparency")
def test_where_there_is_nothing_it_stays_black() -> None:
    values = np.array([[[0, 0, 0], [0, 0, 0], [0.5, 0, 0]]], np.float16)
    alpha = np.array([[[0], [0.5], [0]]], np.float16)
    scene = Scene(values, alpha, Primaries())
    back = scene.translated(np.full((1, 3, 3), 0.5, np.float32), scene.shown())
    half = float(linear(np.float32([0.5]))[0])
    assert np.array_equal(back[0, 0], [0, 0, 0])  # light there would be a halo around everything that is laid over
    assert np.allclose(back[0, 1:], [[half / 2] * 3, [half] * 3], rtol=2e-3)  # thin, and a glow


def test_colour_spaces_by_name(translator: Translator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "x.exr", ("RGB", light(16, 16, channels=3).clip(0, 1)))
    by_name = read_picture(path, view=View(colour_space="ACEScg")).pixels
    own = write(tmp_path / "ap1.exr", ("RGB", light(16, 16, channels=3).clip(0, 1)), chromaticities=ACESCG)
    assert np.allclose(by_name, read_picture(own).pixels, atol=5e-3)
    translator.convert(path, tmp_path / "y.exr", colour_space="ACEScct", strength=0.0, exposure=1.5)
    assert within_tolerance(read(path).astype(np.float16), read(tmp_path / "y.exr").astype(np.float16))
    with pytest.raises(ConfigError, match=r"has no colour space 'ACESxx'; it has .*ACEScg"):
        translator.convert(path, tmp_path / "z.exr", colour_space="ACESxx")
    with pytest.raises(MissingFile, match=r"there is no OpenColorIO configuration /no/config\.ocio"):
        translator.convert(path, tmp_path / "z.exr", colour_space="/no/config.ocio:ACEScg")
    monkeypatch.setenv("OCIO", str(tmp_path / "gone.ocio"))
    for name in ("lin_rec709", "ACEScg"):  # the second was found in the built-in configuration before
        with pytest.raises(MissingFile, match="the environment variable OCIO names it"):
            read_picture(path, view=View(colour_space=name))
    with pytest.raises(ConfigError, match="exposure is 30"):
        translator.convert(path, tmp_path / "z.exr", exposure=30)
    assert not (tmp_path / "z.exr").exists()


def test_an_exposure_is_for_light(translator: Translator, photo: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"photo\.png: an exposure or a colour space is for OpenEXR and DPX"):
        translator.convert(photo, tmp_path / "y.png", exposure=1.0)


@row("OpenEXR and DPX in training", "what networks see")
def test_training_folders_of_exr(tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path / f"x{number}.exr", ("RGB", light(48, 48, number, 3)), FramesPerSecond=(30000, 1001))
    domain = Image(size=32)
    found = domain.scan(tmp_path, thorough=True)
    assert len(found.files) == 3
    assert not found.broken
    sample = domain.sample(found.files[0], "a", np.random.default_rng(0))
    assert sample.shape == (3, 32, 32)
    assert float(sample.abs().max()) <= 1
    assert read_header(found.files[0]).rate == Fraction(30000, 1001)


def test_names_that_are_not_utf8(translator: Translator, tmp_path: Path) -> None:
    odd = tmp_path / b"n\xff.exr".decode("utf-8", "surrogateescape")
    write(tmp_path / "x.exr", ("RGB", light(16, 16, channels=3))).rename(odd)
    out = tmp_path / b"o\xff.exr".decode("utf-8", "surrogateescape")
    translator.convert(odd, out, strength=0.0)
    out.rename(tmp_path / "y.exr")
    assert read(tmp_path / "y.exr").shape == (16, 16, 3)


def test_without_openimageio_it_is_said(translator: Translator, photo: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "x.exr", ("RGB", light(16, 16, channels=3)))
    library.cache_clear()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(sys.modules, "OpenImageIO", None)
            for source, target in ((path, "y.png"), (photo, "y.exr"), (photo, "y.dpx")):
                with pytest.raises(MediaError, match=r"need OpenImageIO: pip install 'unpaired\[vfx\]'"):
                    translator.convert(source, tmp_path / target)
            assert [each.path for each in Image(size=32).scan(tmp_path).broken] == [path]
    finally:
        library.cache_clear()


def test_inspection_says_layers_and_windows(tmp_path: Path) -> None:
    values = light()
    path = write(tmp_path / "a.exr", (("R", "G", "B", "A"), values), (("Z",), values[..., :1].astype(np.float32)),
                 window=(4, 6, 0, 0, 80, 60))  # fmt: skip
    facts = Image().describe(path)
    assert facts["layers"] == ["rgba: R G B A (half)", "depth: Z (float)"]
    assert (facts["translated"], facts["format"]) == ("R, G, B, A", "EXR")
    assert (facts["display window"], facts["data window"]) == ("80x60", "56x40 from 4,6")
