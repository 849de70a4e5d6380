"""What a conversion reads: listed once, links followed as everywhere, no output among what links lead to."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from kept import row
from stored_signals import translator_of, write_signal

from unpaired import Domain, OutputError
from unpaired.core.conversion.files import convert

links = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")


@links
def test_files_behind_links_are_converted_under_the_names_that_lead_to_them(
    tmp_path: Path, tracks: type[Domain]
) -> None:
    write_signal(tmp_path / "in/a.npy", 30)
    signal = write_signal(tmp_path / "elsewhere/b.npy", 40, 1)
    (tmp_path / "in/link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in/again").symlink_to(tmp_path / "in")
    report = convert(translator_of(tracks()), tmp_path / "in", tmp_path / "out")
    assert report.converted == (tmp_path / "out/a.npy", tmp_path / "out/link/b.npy")
    np.testing.assert_allclose(np.load(report.converted[1]), signal.mean(0, keepdims=True) / 2, atol=1e-7)


@links
def test_a_link_that_leads_nowhere_costs_itself_alone(tmp_path: Path, tracks: type[Domain]) -> None:
    write_signal(tmp_path / "in/a.npy", 30)
    (tmp_path / "in/b.npy").symlink_to(tmp_path / "absent.npy")
    report = convert(translator_of(tracks()), tmp_path / "in", tmp_path / "out")
    assert report.converted == (tmp_path / "out/a.npy",)
    assert [each.path for each in report.failed] == [tmp_path / "in/b.npy"]


@links
@row("any folder", "an output where a link in the input leads")
@pytest.mark.parametrize(
    ("link", "leads_to", "output"),
    [
        ("in/link", "elsewhere", "elsewhere"),
        ("in/link", "elsewhere", "elsewhere/deep/out"),
        ("in/link", ".", "out"),
        ("in/sub/b.npy", "out/a.npy", "out"),
        ("in/link", "out/sub", "out"),
    ],
)
def test_no_output_goes_where_a_link_of_the_input_leads(
    link: str, leads_to: str, output: str, tmp_path: Path, tracks: type[Domain]
) -> None:
    for file in ("in/a.npy", "in/sub/b.npy", "elsewhere/b.npy", "out/a.npy", "out/sub/b.npy"):
        write_signal(tmp_path / file, 30)
    (tmp_path / link).unlink(missing_ok=True)
    (tmp_path / link).symlink_to(tmp_path / leads_to)
    before = shutil.copytree(tmp_path, tmp_path.with_name(f"{tmp_path.name}-before"), symlinks=True)
    with pytest.raises(OutputError, match=r"lies where|one of the inputs"):
        convert(translator_of(tracks()), tmp_path / "in", tmp_path / output)
    for file in (path for path in before.rglob("*.npy") if path.is_file()):
        assert file.read_bytes() == (tmp_path / file.relative_to(before)).read_bytes()
