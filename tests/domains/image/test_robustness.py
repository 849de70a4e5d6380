"""Files that broke other programs: each is read or refused in one line, in little memory, without a crash."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from unpaired import MediaError
from unpaired.domains.image.files import read_picture

READ_ALL = """
import json, resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
from unpaired import Image, MediaError, UnpairedError
from unpaired.domains.image import ImageConversion
domain, options, verdicts = Image(size=32), ImageConversion(), {}
import numpy as np
for path in sorted(path for path in Path(sys.argv[1]).rglob("*") if path.is_file()):
    try:
        with domain.open(path, "a", options) as reader:
            target = Path(sys.argv[2]) / (path.name + ".png")
            writer = domain.create(target, reader, options)
            for chunk in reader:
                writer.write(chunk)
            writer.finish()
        domain.sample(path, "a", np.random.default_rng(0))
        verdicts[path.name] = "converted"
    except MediaError as error:
        verdicts[path.name] = str(error)
print(json.dumps(verdicts))
"""

REFUSED = {
    "10ct_32bit_128.tiff": "scale them",
    "animated.gif": "4 frames or pages",
    "broken.png": "no picture",
    "broken_data_stream.png": "cannot be decoded",
    "chi.gif": "31 frames or pages",
    "corrupt.jpg": "cannot be decoded",
    "crash-0c7e0e8e11ce787078f00b5b0ca409a167f070e0.tif": "cannot be decoded",
    "crash-2020-10-test.tif": "cannot be decoded",
    "cross_scan_line_truncated.tga": "truncated",
    "decompression_bomb.gif": "pixels",
    "delay.png": "5 frames or pages",
    "dispose_bgnd.gif": "5 frames or pages",
    "g4-multi.tiff": "3 frames or pages",
    "gradient.heic": "HEIC pictures cannot be read",
    "iss634.apng": "41 frames or pages",
    "iss634.webp": "42 frames or pages",
    "multipage.tiff": "3 frames or pages",
    "multipage_rgb.tif": "2 frames or pages",
    "negative_size.ppm": "no picture",
    "no_palette.gif": "2 frames or pages",
    "png_decompression_dos.png": "cannot be decoded",
    "reallybig.bmp": "pixels",
    "shortfile.bmp": "truncated",
    "sigsegv.png": "cannot be decoded",
    "star.gif": "4 frames or pages",
    "truncated_image.png": "truncated",
    "truncated_jpeg.jpg": "truncated",
    "unknown_compression_method.png": "no picture",
    "zero_width.gif": "no picture",
}


@pytest.mark.skipif(sys.platform == "win32", reason="no memory limits there")
def test_every_hostile_file_is_converted_or_refused(shared: Path, tmp_path: Path) -> None:
    folder = shared / "data" / "robustness" / "images"
    done = subprocess.run(
        [sys.executable, "-c", READ_ALL, str(folder), str(tmp_path)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    verdicts = json.loads(done.stdout)
    refused = {name: verdict for name, verdict in verdicts.items() if verdict != "converted"}
    assert len(verdicts) == 67
    assert set(refused) == set(REFUSED)
    for name, reason in REFUSED.items():
        assert name in refused[name]
        assert reason in refused[name]
        assert "\n" not in refused[name]
    assert len(list(tmp_path.iterdir())) == len(verdicts) - len(refused)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@given(
    bits=st.sampled_from([8, 12, 16]),
    packing=st.sampled_from([None, "zlib", "lzma"]),
    damage=st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), min_size=1, max_size=8),
    length=st.floats(0.0, 1.0),
)
@settings(max_examples=150, deadline=None)
def test_a_damaged_tiff_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory,
    bits: int,
    packing: str | None,
    damage: list[tuple[int, int]],
    length: float,
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "x.tif"
    values = np.arange(20 * 30 * 3).reshape(20, 30, 3).astype(np.uint8 if bits == 8 else np.uint16)
    tifffile.imwrite(path, values, photometric="rgb", compression=packing)
    data = bytearray(path.read_bytes())
    for place, value in damage:
        data[place % 400 if place % 3 else place % len(data)] = value  # the directory stands at the beginning
    path.write_bytes(data[: int(len(data) * (0.5 + length / 2))])
    try:
        said = f"{path}: {read_picture(path).pixels.ndim} axes"
    except MediaError as error:
        said = str(error)
    assert str(path) in said
    assert "\n" not in said
