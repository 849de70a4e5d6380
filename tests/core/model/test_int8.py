"""A generator in eight bits: what is written is read by OpenVINO, and is as far from fp32 as the report says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import openvino
import pytest
import torch

from unpaired.apps.main import main
from unpaired.core.errors import ConfigError, MediaError, MissingDependency, MissingFile
from unpaired.core.model.int8 import Int8Report, export_int8
from unpaired.core.model.model_file import Model
from unpaired.core.runtimes import packages
from unpaired.domains.image import Image

Make = Callable[..., Model]
PHOTOS = Path(__file__).parents[2] / "assets" / "day2night" / "day"


def test_the_graph_is_in_eight_bits_and_near_the_network(tmp_path: Path) -> None:
    report = export_int8("day2night-video", tmp_path / "out.xml", calibration=PHOTOS)
    assert report.bytes == sum((tmp_path / name).stat().st_size for name in ("out.xml", "out.bin"))
    assert (tmp_path / "out.bin").stat().st_size < 600_000  # under a third of what fp32 takes
    assert report.held_out == 16
    assert 25.0 < report.psnr < 50.0
    graph = openvino.Core().read_model(tmp_path / "out.xml")
    assert [op.get_type_name() for op in graph.get_ops()].count("FakeQuantize") > 10
    weights = [op.input_value(1).get_node() for op in graph.get_ordered_ops() if "Convolution" in op.get_type_name()]
    whole = [each.get_type_name() == "Constant" for each in weights]  # as they were; others are scaled again
    assert whole == [False] * (len(whole) - 1) + [True]
    compiled = openvino.Core().compile_model(graph, "CPU")
    assert compiled({0: torch.zeros(1, 3, 64, 96).numpy()})[0].shape == (1, 3, 64, 96)


def test_the_same_call_writes_the_same_bytes(make_model: Make, tmp_path: Path) -> None:
    model = make_model(Image(size=32))
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        export_int8(model, tmp_path / name / "out.xml", "b2a", calibration=PHOTOS)
    for file in ("out.xml", "out.bin"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_a_network_that_is_spoilt_is_said_to_be() -> None:
    report = Int8Report(Path("out.xml"), "a2b", 1, 48, 16, 23.4, 9.0, 8.0)
    assert [note.partition(" is ")[2][:12] for note in report.warnings] == ["23.4 dB from", "no faster th"]
    assert not Int8Report(Path("out.xml"), "a2b", 1, 48, 16, 40.0, 7.9, 8.0).warnings


def test_what_it_cannot_work_with_is_refused(make_model: Make, tmp_path: Path) -> None:
    model = make_model(Image(size=32))
    with pytest.raises(ConfigError, match=r"out\.onnx .* expected \.xml"):
        export_int8(model, tmp_path / "out.onnx", calibration=PHOTOS)
    with pytest.raises(ConfigError, match="direction is 'b2c'"):
        export_int8(model, tmp_path / "out.xml", "b2c", calibration=PHOTOS)  # type: ignore[arg-type]
    with pytest.raises(MissingFile):
        export_int8(model, tmp_path / "out.xml", calibration=tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(MediaError, match="no usable file to calibrate with"):
        export_int8(model, tmp_path / "out.xml", calibration=tmp_path / "empty")
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_without_its_package_the_extra_is_named(
    make_model: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "nncf", None)
    assert packages.require("openvino", "openvino")
    with pytest.raises(MissingDependency, match=r"pip install 'unpaired\[int8\]'"):
        export_int8(make_model(Image(size=32)), tmp_path / "out.xml", calibration=PHOTOS)


def test_the_command_prints_the_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "out.xml")
    assert main(["export", "day2night", out, "--int8", "--calibration", str(PHOTOS)]) == 0
    said = capsys.readouterr().out
    assert "dB PSNR on 16 samples that were held out" in said
    assert "ms, in fp32" in said
    assert len(said.splitlines()) == 3  # nothing of NNCF's own
    for wrong in (["--int8"], ["--calibration", str(PHOTOS)], ["--int8", "--calibration", str(PHOTOS), "--half"]):
        assert main(["export", "day2night", out, *wrong]) == 2


def test_nncf_is_imported_only_for_it() -> None:
    code = "import sys, unpaired.core.model.int8, unpaired.core.model.export; sys.exit('nncf' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
