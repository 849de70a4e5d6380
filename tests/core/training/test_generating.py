"""Trainings from noise and labels: one dimension and two, resumed bitwise, and what they and their models refuse."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from safetensors.torch import load_file
from torch import Tensor

import unpaired
from unpaired.apps.main import main
from unpaired.apps.web.database import open_database
from unpaired.apps.web.models import Models
from unpaired.apps.web.places import Places
from unpaired.apps.web.settings import WebSettings
from unpaired.core.adapter.labels import find_labels
from unpaired.core.model.model_file import read_header
from unpaired.core.monitoring.log import read_figures, read_findings
from unpaired.core.monitoring.records import flatten
from unpaired.core.monitoring.symptoms import generated_flat, mode_collapse
from unpaired.core.monitoring.verdict import judge, verdict_of
from unpaired.core.noise import Noise
from unpaired.core.scoring.composition import total_score
from unpaired.core.settings.mapping import read_yaml
from unpaired.core.training import checkpoints
from unpaired.core.training.held_out import HELD_OUT

SMALL = unpaired.NetworkSettings(generator="dcgan", discriminator="dcgan", filters=2, discriminator_filters=2)

PERCEPTRONS = unpaired.NetworkSettings(
    generator="perceptron", discriminator="perceptron", filters=16, discriminator_filters=8
)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of 8 x 8 pixels in sub-folders bright and dark."""
    folder = tmp_path_factory.mktemp("digits")
    rng = np.random.default_rng(0)
    for name, level in (("bright", 200), ("dark", 50)):
        (folder / name).mkdir()
        for number in range(6):
            pixels = rng.integers(level - 40, level + 40, (8, 8)).astype(np.uint8)
            Pillow.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


def train(out: Path, b: Any, domain: unpaired.Domain | None = None, **options: Any) -> Path:
    given: dict[str, Any] = {
        "objective_name": "cgan", "steps": 4, "batch": 4, "workers": 0, "device": "cpu", "precision": "fp32",
        "networks": SMALL, "checkpoint_every": 2, "preview_every": 100,
    }  # fmt: skip
    domain = domain or unpaired.Image(size=8, mode="grey", flip=False)
    return unpaired.train(domain, None, b, out, **{**given, **options}).parent


@pytest.fixture(scope="module")
def run(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("runs") / "cgan", digits)


def weights(run: Path) -> dict[str, Tensor]:
    return load_file(checkpoints.listed(run)[-1] / "weights.safetensors")


# -- training ----------------------------------------------------------------------------------------
def test_a_resumed_run_is_bitwise_that_without_a_stop(digits: Path, run: Path, tmp_path: Path) -> None:
    stopped = tmp_path / "stopped"
    train(stopped, digits, steps=2, constant_share=1.0)
    assert main(["train", "--out", str(stopped), "--resume", "--steps", "4"]) == 0
    again = weights(train(tmp_path / "whole", digits, constant_share=1.0))
    assert all(torch.equal(value, again[name]) for name, value in weights(stopped).items())
    assert read_yaml(run / "config.yaml")["a"] == {"noise": {"size": 100, "labels": ["bright", "dark"]}}
    assert (run / "previews").is_dir()


def test_noise_is_uniform_and_its_labels_are_equally_likely() -> None:
    noise, rng = Noise(3, ("x", "y")), np.random.default_rng(0)
    drawn = np.stack([noise.draw(rng) for _ in range(2000)])
    assert drawn.dtype == np.float32
    assert drawn[:, :3].std() == pytest.approx(1 / np.sqrt(3), rel=0.02)
    assert np.abs(drawn[:, :3]).max() <= 1
    assert drawn[:, 3:].sum(1).tolist() == [1.0] * 2000
    assert drawn[:, 3].mean() == pytest.approx(0.5, abs=0.05)
    assert noise.draw(rng, 1)[3:].tolist() == [0.0, 1.0]


@pytest.mark.parametrize("objective", ["gan", "dcgan"])
def test_arrays_of_one_dimension_go_through_the_same_code(objective: str, tmp_path: Path) -> None:
    folder = tmp_path / "b"
    folder.mkdir()
    for number in range(4):
        np.save(folder / f"{number}.npy", np.sin(np.arange(40, dtype=np.float32) + number)[None])
    networks = {"gan": PERCEPTRONS, "dcgan": SMALL}[objective]
    medium = unpaired.Tensors(dimensions=1, channels_b=1, size=16)
    run = train(tmp_path / "run", folder, medium, objective_name=objective, networks=networks, steps=1)
    translator = unpaired.load(run)
    made = translator.generate(5)
    assert made.shape == (5, 1, 16)
    files = translator.generate_files(tmp_path / "out", 2)
    assert [file.name for file in files] == ["0000.npy", "0001.npy"]
    assert np.allclose(np.load(files[1]), made[1].numpy(), atol=1e-6)


def test_a_dataset_may_be_what_is_learnt(tmp_path: Path) -> None:
    samples = torch.rand(6, 1, 8, 8) * 2 - 1
    run = train(tmp_path / "run", samples, objective_name="dcgan", steps=1)
    assert unpaired.load(run).generate(2).shape == (2, 1, 8, 8)


def test_samples_are_scored_beside_held_out_ones_and_the_best_checkpoint_is_kept(
    digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train(tmp_path / "run", digits, held_out=4.0)
    assert "scored at checkpoints by 32 samples from noise, beside 4 of B that are held out" in capsys.readouterr().out
    held = json.loads((run / HELD_OUT).read_text())
    assert sorted(Path(file).parent.name for file in held["b"]) == ["bright", "bright", "dark", "dark"]
    _, scores = read_figures(run)
    assert {"random_swd_a2b", "random_kid_a2b", "sharpness_a2b"} <= scores[-1].scores.keys()
    assert not [name for name in scores[-1].scores if name.startswith(("structure", "discriminator", "untranslated"))]
    assert scores[-1].score == pytest.approx(total_score(scores[-1].scores), rel=1e-5)
    best = min((report for report in scores if report.score is not None), key=lambda report: report.score or 0)
    assert read_header(run / "best.safetensors")["step"] == best.step
    assert unpaired.load(f"{run}@best").generate(2).shape == (2, 1, 8, 8)
    with pytest.raises(unpaired.ConfigError, match="the length of its average is not chosen by scores"):
        unpaired.choose_ema_length(run)


def test_a_test_folder_of_b_alone_scores_them(digits: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for number in range(3):
        shutil.copy(digits / "dark" / f"{number}.png", other)
    run = train(tmp_path / "run", digits, steps=2, test_b=other)
    assert read_figures(run)[1][-1].score is not None
    with pytest.raises(unpaired.ConfigError, match=r"test_a is .*, and this objective generates from noise"):
        train(tmp_path / "again", digits, test_a=other, test_b=digits)


def test_a_run_of_an_earlier_version_goes_on_with_all_its_files(tmp_path: Path) -> None:
    folder, medium = tmp_path / "b", unpaired.Tensors(dimensions=1, channels_b=1, size=16)
    folder.mkdir()
    for number in range(50):
        np.save(folder / f"{number}.npy", np.sin(np.arange(16, dtype=np.float32) + number)[None])
    run = train(tmp_path / "run", folder, medium, objective_name="dcgan", steps=1)
    assert len(json.loads((run / HELD_OUT).read_text())["b"]) == 8
    (run / HELD_OUT).unlink()
    train(run, folder, medium, objective_name="dcgan", steps=2, resume=True)
    assert not (run / HELD_OUT).exists()
    large = train(tmp_path / "large", folder, medium, objective_name="dcgan", steps=1, batch=45)
    assert not (large / HELD_OUT).exists(), "42 files are left, too few for a batch"


# -- generating --------------------------------------------------------------------------------------
def test_samples_depend_on_model_seed_place_and_label_alone(run: Path) -> None:
    translator = unpaired.load(run)
    made = translator.generate(6, seed=3)
    assert made.shape == (6, 1, 8, 8)
    assert made.abs().max() <= 1
    assert torch.allclose(translator.generate(70, seed=3)[:6], made, atol=1e-6)
    assert torch.equal(unpaired.load(run).generate(6, seed=3), made)
    assert not torch.equal(translator.generate(6, seed=4), made)
    bright = translator.generate(6, "bright", seed=3)
    assert torch.allclose(bright[::2], made[::2], atol=1e-6)  # labels come in turn
    assert not torch.allclose(bright[1::2], made[1::2], atol=1e-4)


def test_an_interpolation_goes_in_a_line_from_one_point_of_noise_to_another(run: Path) -> None:
    translator = unpaired.load(run)
    steps = translator.generate(5, "dark", interpolate=True)
    ends = translator.generate(2, "dark")
    assert torch.allclose(steps[[0, -1]], ends, atol=1e-6)
    moves = (steps[1:] - steps[:-1]).flatten(1).norm(dim=1)
    assert float(moves.min()) > 0


def test_files_of_labels_lie_in_their_folders_and_can_be_trained_on(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["generate", str(run), str(out), "--count", "5"]) == 0
    assert sorted(str(file.relative_to(out)) for file in out.rglob("*.png")) == [
        "bright/0000.png", "bright/0002.png", "bright/0004.png", "dark/0001.png", "dark/0003.png",
    ]  # fmt: skip
    made = unpaired.load(run).generate(5)[0, 0]
    assert np.abs(np.asarray(Pillow.open(out / "bright/0000.png")) - (made.numpy() + 1) * 127.5).max() <= 0.51
    assert find_labels(out, "").names == ("bright", "dark")
    assert "samples: 5 in" in capsys.readouterr().out


# -- what is said of a run ---------------------------------------------------------------------------
def test_a_generator_that_learns_far_faster_than_its_discriminator_collapses_and_the_doctor_says_so(
    digits: Path, tmp_path: Path
) -> None:
    fast = {"learning_rate": 5e-2, "discriminator_learning_rate": 1e-7, "steps": 30, "preview_every": 6}
    run = train(tmp_path / "run", digits, objective_name="gan", networks=PERCEPTRONS, checkpoint_every=30, **fast)
    findings = {finding.name: finding for finding in read_findings(run)}
    assert "mode collapse a2b" in findings
    assert "training.learning_rate (now 0.05)" in findings["mode collapse a2b"].advice
    assert "set objective.augment (now empty) to colour" in findings["mode collapse a2b"].advice
    assert verdict_of(run).findings[0] == "mode collapse"
    report = (run / "report.html").read_text()
    assert "mode collapse" in report
    assert "right real ones" in report


def test_few_repeated_samples_are_a_collapse_and_many_different_ones_are_none() -> None:
    random = torch.Generator().manual_seed(0)
    real = torch.rand(64, 1, 8, 8, generator=random)
    other = torch.rand(64, 1, 8, 8, generator=random)
    assert mode_collapse(other, real) == ""
    assert generated_flat(other, real) == ""
    three = other[:3].repeat(21, 1, 1, 1) + 0.01 * torch.rand(63, 1, 8, 8, generator=random)
    assert "half of the 63 samples from different noise differ from their nearest by less than 0.00" in mode_collapse(
        three, real
    )
    assert "samples vary by 0.000" in generated_flat(torch.ones(64, 1, 8, 8), real)
    assert mode_collapse(three[:7], real) == ""  # too few to tell


def test_the_verdict_on_samples_from_noise_sends_to_the_previews(run: Path) -> None:
    settings = flatten(read_yaml(run / "config.yaml"))
    verdict = judge(settings, [{"step": 4, "steps": 4, "losses": {}}], [], [], needed=4)
    assert str(verdict) == (
        "not scored: no files are held out, and losses do not tell how good samples from noise are, by step 4 of 4. "
        "Look at the previews, which show them beside real ones, or hold files out (--held-out)."
    )


def test_inspect_shows_the_settings_that_the_networks_have(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(run)]) == 0
    shown = next(line for line in capsys.readouterr().out.splitlines() if "networks: generator" in line)
    assert shown.strip() == ("networks: generator dcgan, filters 2, discriminator dcgan, discriminator_filters 2")


# -- bad input ---------------------------------------------------------------------------------------
def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(list(words)) == 2
    error = capsys.readouterr().err.strip()
    assert "\n" not in error
    return error.removeprefix("unpaired: ")


def test_convert_and_generate_name_one_another(
    digits: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = str(digits / "dark" / "0.png")
    assert "unpaired generate MODEL OUT" in refused(capsys, "convert", str(run), picture, str(tmp_path / "o.png"))
    assert "unpaired convert MODEL INPUT OUTPUT" in refused(capsys, "generate", "day2night", str(tmp_path / "o"))
    assert not (tmp_path / "o").exists()


def test_the_page_offers_no_conversion_by_a_model_that_generates(run: Path, tmp_path: Path) -> None:
    settings = WebSettings(home=tmp_path / "home")
    settings.runs.mkdir(parents=True)
    shutil.copytree(run, settings.runs / "digits")
    models = Models(settings, Places(settings, open_database(settings.database)))
    offered = {model.name: tuple(model.words) for model in models.all()}
    assert offered["digits"] == ()
    assert offered["day2night"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--label", "grey"], "label is 'grey'; this model knows bright, dark"),
        (["--count", "0"], "count is 0; expected 1 to 10,000,000"),
        (["--count", "1", "--interpolate"], "an interpolation has two ends"),
        (["--seed", "-1"], "seed is -1; expected 0 to"),
    ],
)
def test_options_of_generate_are_refused_before_anything_is_written(
    words: list[str], expected: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert expected in refused(capsys, "generate", str(run), str(tmp_path / "out"), *words)
    assert not (tmp_path / "out").exists()


def test_labels_and_files_must_fit(digits: Path, tmp_path: Path) -> None:
    folder = tmp_path / "b"
    shutil.copytree(digits, folder)
    (folder / "none").mkdir()
    with pytest.raises(unpaired.ConfigError, match=r"label without usable files in .*: none; add some, or remove"):
        train(tmp_path / "run", folder)
    (folder / "none").rmdir()
    shutil.copy(folder / "dark" / "0.png", folder / "lost.png")
    with pytest.raises(unpaired.ConfigError, match=r"1 file of .* has no sub-folder, and so no label: lost.png"):
        train(tmp_path / "run", folder)
    (folder / "lost.png").unlink()
    shutil.rmtree(folder / "dark")
    with pytest.raises(unpaired.ConfigError, match=r"has 1 sub-folder \(bright\); labels need two or more"):
        train(tmp_path / "run", folder)
    assert not (tmp_path / "run").exists()


def test_labels_may_come_from_a_table(digits: Path, tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    rows = [f"{kind}/{number}.png,{kind[0]}" for kind in ("dark", "bright") for number in range(6)]
    table.write_text("\n".join(["file,label", *rows]) + "\n")
    labels = find_labels(digits, str(table))
    assert labels.names == ("b", "d")
    assert labels.of(digits / "dark" / "3.png") == 1
    labels.check([digits / "dark" / "3.png", digits / "bright" / "0.png"])
    with pytest.raises(unpaired.ConfigError, match=r"1 file of .* has no row in the file of labels: dark/9.png"):
        labels.check([digits / "dark" / "9.png"])
    for text, fault in (
        ("name,kind\n", "begins with 'name,kind'; expected the line file,label"),
        ("file,label\na.png\n", "row 2 of .* is 'a.png'; expected a file and its label"),
        ("file,label\na.png,x\n", r"has 1 label \(x\); labels need two or more"),
        ("", "begins with nothing"),
    ):
        table.write_text(text)
        with pytest.raises(unpaired.ConfigError, match=fault):
            find_labels(digits, str(table))
    with pytest.raises(unpaired.MissingFile, match="there is no file"):
        find_labels(digits, str(tmp_path / "no.csv"))
    with pytest.raises(unpaired.ConfigError, match=r"'../x' is no label"):
        Noise(1, ("a", "../x"))


def test_batches_that_cannot_be_are_refused(digits: Path, tmp_path: Path) -> None:
    with pytest.raises(unpaired.ConfigError, match=r"training.batch is 1, and DcganGenerator norms over the batch"):
        train(tmp_path / "run", digits, batch=1)
    with pytest.raises(unpaired.ConfigError, match=r"B has 12 samples an epoch, and training.batch is 128"):
        train(tmp_path / "run", digits, batch=128)


def test_a_folder_a_is_refused_where_noise_takes_its_place(
    digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "--domain", "image", "--objective", "dcgan", "--b", str(digits), "--out", str(tmp_path / "run")]
    assert "dcgan generates from noise; leave it out" in refused(capsys, *words, "--a", str(digits))
    with pytest.raises(unpaired.ConfigError, match="has no folder A; leave out a"):
        unpaired.train(unpaired.Image(), digits, digits, tmp_path / "run", objective_name="dcgan")
    with pytest.raises(unpaired.ArgumentError, match="a is null; expected a folder"):
        unpaired.train(unpaired.Image(), None, digits, tmp_path / "run")


def test_a_model_file_whose_labels_name_other_places_is_refused(run: Path, tmp_path: Path) -> None:
    header = read_header(run / "model.safetensors")
    assert header["noise"] == {"size": 100, "labels": ["bright", "dark"]}
    with pytest.raises(unpaired.ConfigError):
        Noise.of_dict({"size": 1, "labels": ["/etc"]})
