"""Evaluation on a medium of one axis, with translators whose figures can be worked out by hand."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from unpaired.core.adapter.domain import ConversionSettings, Domain, Scorer
from unpaired.core.adapter.inventory import BrokenFile, Inventory
from unpaired.core.adapter.streams import Reader, Writer
from unpaired.core.conversion.translator import Translator
from unpaired.core.errors import ConfigError, MediaError, MissingFile, OutputError
from unpaired.core.evaluation.evaluate import evaluate
from unpaired.core.evaluation.report import EvaluationReport
from unpaired.core.model.model_file import Model
from unpaired.core.networks.presets import default_networks
from unpaired.core.networks.settings import NetworkSettings
from unpaired.core.sides import Direction, Side


class Signals(Domain):
    """Arrays (C, L) in .npy files."""

    name = "signals"
    dimensions = 1

    def __init__(self, channels_b: int = 1) -> None:
        super().__init__()
        self.channels_b = channels_b
        self.loaded: list[str] = []

    def channels(self, side: Side) -> int:
        return 1 if side == "a" else self.channels_b

    def scan(self, folder: Path, thorough: bool = False) -> Inventory:
        files = sorted(folder.rglob("*.np?"))
        empty = tuple(BrokenFile(file, "empty") for file in files if not file.stat().st_size)
        return Inventory(folder, tuple(file for file in files if file.stat().st_size), empty)

    def sample(self, file: Path, side: Side, rng: np.random.Generator, augmentation: float = 1.0) -> Tensor:
        self.loaded.append(f"{side}/{file.stem}")
        try:
            return torch.from_numpy(np.load(file))
        except ValueError as error:
            raise MediaError(f"{file} is no array") from error

    def open(self, path: Path, side: Side, options: ConversionSettings) -> Reader:
        raise NotImplementedError

    def create(self, path: Path, like: Reader, options: ConversionSettings) -> Writer:
        raise NotImplementedError

    def preview(self, sample: Tensor) -> Tensor:
        return ((sample[:1] + 1) * 127.5).to(torch.uint8)[None].expand(3, 8, -1)

    def unpaired_scores(
        self, translated: Sequence[Tensor], real: Sequence[Tensor], extractor: Path | None = None, seed: int = 0
    ) -> dict[str, float]:
        means = [sum(float(x.mean()) for x in samples) / len(samples) for samples in (translated, real)]
        return {"means": abs(means[0] - means[1])}


class Affine(nn.Module):
    """x * factor + shift: a generator of which every figure is known."""

    multiple, minimum = 1, 1

    def __init__(self, factor: float, shift: float, in_channels: int = 1, out_channels: int = 1) -> None:
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels
        self.factor, self.shift = (nn.Parameter(torch.tensor(float(x))) for x in (factor, shift))

    def forward(self, x: Tensor) -> Tensor:
        return (x * self.factor + self.shift).mean(1, keepdim=True).expand(-1, self.out_channels, -1)


def translator(domain: Signals | None = None, **generators: Affine) -> Translator:
    domain = domain or Signals()
    networks = default_networks(1, 1, 1, "tiny", NetworkSettings())
    directions: dict[Direction, nn.Module] = {
        direction: generators[direction].eval() for direction in ("a2b", "b2a") if direction in generators
    }
    model = Model(directions, networks, domain, names=("sine", "saw"), step=7, card={"name": "affine"})
    return Translator(model, runtime="torch", device="cpu")


def write(folder: Path, **values: float) -> Path:
    folder.mkdir(exist_ok=True)
    for name, value in values.items():
        np.save(folder / f"{name}.npy", np.full((1, 12), value, dtype=np.float32))
    return folder


@pytest.fixture
def a(tmp_path: Path) -> Path:
    return write(tmp_path / "a", one=0.0, two=0.2, three=-0.2)


@pytest.fixture
def b(tmp_path: Path) -> Path:
    return write(tmp_path / "b", one=0.5, two=0.3, three=0.1)


def there_and_back() -> Translator:
    """There: half, plus 0.25. Back: minus 0.25, so that the way back misses half of the input."""
    return translator(a2b=Affine(0.5, 0.25), b2a=Affine(1.0, -0.25))


def test_every_figure_by_hand(a: Path, b: Path) -> None:
    report = evaluate(there_and_back(), a, b, paired=True)
    there, back = report.scores["a2b"], report.scores["b2a"]
    # a is 0, 0.2, -0.2: translated 0.25, 0.35, 0.15, and back again 0, 0.1, -0.1
    assert there.cycle == pytest.approx((0 + 0.1 + 0.1) / 3)
    assert there.paired == pytest.approx({"l1": (0.25 + 0.05 + 0.05) / 3})
    assert there.unpaired == pytest.approx({"means": 0.05})  # 0.25 against 0.3
    assert there.untranslated == pytest.approx({"means": 0.3})
    # b is 0.5, 0.3, 0.1: put through "there" 0.5, 0.4, 0.3
    assert there.identity == pytest.approx((0 + 0.1 + 0.2) / 3)
    # translated 0.25, 0.05, -0.15; forth again 0.375, 0.275, 0.175
    assert back.cycle == pytest.approx((0.125 + 0.025 + 0.075) / 3)
    assert back.identity == pytest.approx(0.25)
    assert back.paired == pytest.approx({"l1": (0.25 + 0.15 + 0.05) / 3})
    assert back.unpaired == pytest.approx({"means": 0.05})


def test_what_was_used_stands_beside_the_figures(a: Path, b: Path) -> None:
    (b / "hole.npy").touch()
    report = evaluate(there_and_back(), a, b, limit=2, seed=5)
    assert report.model.name == "affine"
    assert report.model.step == 7
    assert report.model.runtime == "torch fp32 on cpu"
    assert report.model.names == ("sine", "saw")
    assert (report.sets["a"].folder, report.sets["a"].usable, report.sets["a"].scored) == (str(a), 3, 2)
    assert report.sets["b"].broken == (BrokenFile(b / "hole.npy", "empty"),)
    text = report.text()
    for part in ("affine, step 7, signals", report.model.weights, "A (sine)",
                 f"{b}: 2 files scored of 3 usable, 1 broken",
                 "2 a folder, drawn with seed 5", "no pairs", "a2b", "b2a", "cycle", "unpaired means"):  # fmt: skip
        assert part in text
    assert str(report) == text


def test_the_weights_name_the_model(a: Path, b: Path) -> None:
    first = evaluate(there_and_back(), a, b).model.weights
    other = evaluate(translator(a2b=Affine(0.5, 0.25), b2a=Affine(1.0, -0.26)), a, b).model.weights
    assert first == evaluate(there_and_back(), a, b).model.weights
    assert first != other
    assert len(first) == 16


def test_json_holds_the_report(a: Path, b: Path, tmp_path: Path) -> None:
    file = tmp_path / "out" / "scores.json"
    report = evaluate(there_and_back(), a, b, paired=True, json=file)
    assert json.loads(file.read_text()) == json.loads(json.dumps(report.as_dict())) == json.loads(report.as_json())
    assert report.as_dict()["scores"]["a2b"]["cycle"] == pytest.approx(0.2 / 3)
    assert report.as_dict()["sets"]["a"] == {"folder": str(a), "usable": 3, "scored": 3, "broken": []}


def test_a_row_a_file_and_the_totals_apart(a: Path, b: Path, tmp_path: Path) -> None:
    write(a.parent / "a", **{'quoted "name", with comma': 0.4})
    write(a.parent / "b", **{'quoted "name", with comma': 0.4})
    report = evaluate(there_and_back(), a, b, paired=True)
    report.write_csv(tmp_path / "out" / "scores.csv")
    data = (tmp_path / "out" / "scores.csv").read_bytes()
    assert data.startswith(b"side,file,paired l1,cycle,identity\r\n")
    rows = list(csv.DictReader(io.StringIO(data.decode(), newline="")))
    assert [(row["side"], Path(row["file"]).stem) for row in rows] == [
        (side, name) for side in "ab" for name in ("one", 'quoted "name", with comma', "three", "two")
    ]
    one, two = rows[0], rows[7]
    assert (one["file"], two["file"]) == (str(a / "one.npy"), str(b / "two.npy"))
    # 0 becomes 0.25, whose counterpart is 0.5, and comes back as 0; put through "back", which makes A, it is -0.25.
    assert [float(one[name]) for name in ("paired l1", "cycle", "identity")] == pytest.approx([0.25, 0.0, 0.25])
    # 0.3 becomes 0.05, whose counterpart is 0.2, and comes back as 0.275; put through "there" it is 0.4.
    assert [float(two[name]) for name in ("paired l1", "cycle", "identity")] == pytest.approx([0.15, 0.025, 0.1])
    with (tmp_path / "out" / "scores-totals.csv").open(newline="") as lines:
        totals = {row["figure"]: row for row in csv.DictReader(lines)}
    for name in ("cycle", "identity", "paired l1"):
        assert float(totals[name]["a2b"]) == pytest.approx(
            sum(float(row[name]) for row in (rows[4:] if name == "identity" else rows[:4])) / 4
        )
    assert report.to_frame().set_index("figure").loc["cycle", "a2b"] == report.scores["a2b"].cycle
    assert report.to_frame(per_file=True)["file"].tolist() == [row["file"] for row in rows]
    assert "files" not in report.as_dict()


class Worst:
    """The largest difference of the whole set, and something undefined."""

    def __init__(self) -> None:
        self.found = 0.0

    def add(self, translated: Tensor, target: Tensor) -> None:
        self.found = max(self.found, float((translated - target).abs().max()))

    def result(self) -> Mapping[str, float]:
        return {"worst": self.found, "undefined": math.nan}


def test_further_scorers_see_one_direction_each(a: Path, b: Path) -> None:
    worst: type[Scorer] = Worst
    report = evaluate(there_and_back(), a, b, paired=True, scorers={"b": worst})
    assert report.scores["a2b"].paired["worst"] == pytest.approx(0.25)
    assert "worst" not in report.scores["b2a"].paired
    assert report.as_dict()["scores"]["a2b"]["paired"]["undefined"] is None
    assert "undefined" in report.text()


def test_a_draw_repeats_and_depends_on_the_seed(tmp_path: Path) -> None:
    values = {f"file{index}": index / 50 for index in range(20)}
    a, b = write(tmp_path / "a", **values), write(tmp_path / "b", **values)

    def drawn(seed: int, paired: bool) -> list[str]:
        domain = Signals()
        evaluate(translator(domain, a2b=Affine(1, 0)), a, b, limit=4, seed=seed, paired=paired)
        return domain.loaded

    assert drawn(1, paired=False) == drawn(1, paired=False) != drawn(2, paired=False)
    names = {side: {name[2:] for name in drawn(3, paired=True) if name[0] == side} for side in "ab"}
    assert names["a"] == names["b"]
    assert len(names["a"]) == 4


def test_one_direction(a: Path, b: Path) -> None:
    assert list(evaluate(there_and_back(), a, b, direction="b2a").scores) == ["b2a"]
    one_way = translator(b2a=Affine(1.0, -0.25))
    report = evaluate(one_way, a, b)
    assert list(report.scores) == ["b2a"]
    assert report.scores["b2a"].cycle is None
    assert report.scores["b2a"].identity == pytest.approx(0.25)
    assert report.text().splitlines()[-1].split()[-1] != "-"
    with pytest.raises(ConfigError, match="no direction 'a2b'; it has b2a"):
        evaluate(one_way, a, b, direction="a2b")


def test_domains_with_other_channels_have_no_identity(a: Path, tmp_path: Path) -> None:
    b = tmp_path / "stereo"
    b.mkdir()
    np.save(b / "one.npy", np.zeros((2, 12), dtype=np.float32))
    report = evaluate(translator(Signals(channels_b=2), a2b=Affine(1, 0, 1, 2), b2a=Affine(1, 0, 2, 1)), a, b)
    assert report.scores["a2b"].identity is None
    assert report.scores["a2b"].untranslated == {}
    assert report.scores["a2b"].cycle == pytest.approx(0)


def test_progress_reaches_its_end(a: Path, b: Path) -> None:
    seen: list[tuple[int, int]] = []
    evaluate(there_and_back(), a, b, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 12) for done in range(1, 13)]


def test_pairs_need_matching_names(a: Path, b: Path) -> None:
    write(b, four=0.0, five=0.1)
    write(a, six=0.0)
    with pytest.raises(
        ConfigError, match=r"3 files of .* have no counterpart of the same name: five, four, six; rename"
    ):
        evaluate(there_and_back(), a, b, paired=True)
    for number in range(9):
        write(a, **{f"more{number}": 0.0})
    with pytest.raises(ConfigError, match=r"12 files .* and 7 more;"):
        evaluate(there_and_back(), a, b, paired=True)


def test_pairs_need_one_file_a_name(a: Path, b: Path) -> None:
    (a / "one.npz").write_bytes((a / "one.npy").read_bytes())
    with pytest.raises(ConfigError, match="several files of one name"):
        evaluate(there_and_back(), a, b, paired=True)


def test_broken_files_leave_their_counterparts_out(a: Path, b: Path) -> None:
    (a / "one.npy").write_bytes(b"")  # seen by the scan
    (b / "two.npy").write_text("text")  # found when decoded
    report = evaluate(there_and_back(), a, b, paired=True)
    assert [report.sets[side].scored for side in ("a", "b")] == [1, 1]
    assert [each.path.name for side in ("a", "b") for each in report.sets[side].broken] == ["one.npy", "two.npy"]
    unpaired = evaluate(there_and_back(), a, b)
    assert [unpaired.sets[side].scored for side in ("a", "b")] == [2, 2]


def test_the_sheet_shows_both_directions(a: Path, b: Path, tmp_path: Path) -> None:
    from torchvision.io import decode_jpeg, read_file

    sheet = tmp_path / "sheet.jpg"
    report = evaluate(there_and_back(), a, b, paired=True, sheet=sheet, sheet_rows=2)
    picture = decode_jpeg(read_file(str(sheet))).float()
    assert report.sheet == str(sheet)
    assert picture.shape == (3, 4 * (8 + 4), 4 * (12 + 4))  # 2 lines a direction; input, translation, target, back
    # the first line is a/one: 0, translated 0.25, its counterpart 0.5, back 0
    cells = [float(picture[:, 1:7, 16 * column + 1 : 16 * column + 11].mean()) for column in range(4)]
    assert cells == pytest.approx([127.5, 159.4, 191.25, 127.5], abs=6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limit": 0, "sheet_rows": 0}, "limit is 0; expected 1 or more; sheet_rows is 0"),
        ({"sheet": "sheet.png"}, "a name that ends in .jpg"),
        ({"scorers": {"b": Worst}}, "set paired"),
    ],
)
def test_settings_that_do_not_do(a: Path, b: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        evaluate(there_and_back(), a, b, **options)


def test_folders_that_do_not_do(a: Path, b: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match=r"no folder at .*nowhere"):
        evaluate(there_and_back(), a, tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="A and B are the same folder"):
        evaluate(there_and_back(), a, a / ".." / "a")
    with pytest.raises(MissingFile, match="no feature extractor"):
        evaluate(there_and_back(), a, b, extractor=tmp_path / "none.pt")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(MediaError, match="no usable file to score"):
        evaluate(there_and_back(), a, empty)
    (empty / "text.npy").write_text("text")
    with pytest.raises(MediaError, match=r"no file of .* can be decoded"):
        evaluate(there_and_back(), a, empty)


def test_a_full_disk_is_said_in_one_line(a: Path, b: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, array: object) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OutputError, match="No space left on device"):
        evaluate(there_and_back(), a, b)


def test_translations_wait_on_disk_and_are_removed(
    a: Path, b: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    seen: list[int] = []
    domain = Signals()

    def look(
        translated: Sequence[Tensor], real: Sequence[Tensor], extractor: Path | None, seed: int
    ) -> dict[str, float]:
        seen.append(len(list(scratch.rglob("*.npy"))))
        assert len(translated[1:]) == 2
        return {}

    monkeypatch.setattr(domain, "unpaired_scores", look)
    report = evaluate(translator(domain, a2b=Affine(1, 0)), a, b)
    assert seen == [3, 0]
    assert list(scratch.iterdir()) == []
    assert isinstance(report, EvaluationReport)


def test_a_medium_without_label_maps_says_so() -> None:
    from toy import Arrays

    with pytest.raises(ConfigError, match="the domain 'arrays' has no label maps to score"):
        Arrays().label_scorer({"land": (0, 0), "sea": (1, 1)})
