"""Averages kept while training, from which one of any length is rebuilt: against weights worked out by hand, and
against an average that was kept directly."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from toy import Arrays, write_arrays

import unpaired
from unpaired.core.model.averages import (
    LENGTHS,
    Profile,
    by_direction,
    exponent_of,
    products,
    rebuild,
    snapshot_file,
    snapshot_files,
    solve,
)
from unpaired.core.model.shipped import load_model_named
from unpaired.core.training import post_hoc
from unpaired.core.training.post_hoc import PostHocAverages, keep_snapshot


@pytest.mark.parametrize(("length", "exponent"), [(0.05, 16.97), (0.10, 6.94), (12**-0.5, 0.0)])
def test_the_exponent_of_a_length(length: float, exponent: float) -> None:
    """Those of the paper; and a plain mean, whose deviation is that of a uniform distribution."""
    found = exponent_of(length)
    assert found == pytest.approx(exponent, abs=5e-3)
    place = (np.arange(200_000) + 0.5) / 200_000
    weights = place**found / np.sum(place**found)
    mean = np.sum(weights * place)
    assert np.sqrt(np.sum(weights * (place - mean) ** 2)) == pytest.approx(length, rel=1e-3)


@pytest.mark.parametrize(("every", "ends"), [(1, (1, 2, 3, 4)), (2, (2, 4))])
def test_the_weights_of_an_average_are_those_of_its_power_function(
    every: int, ends: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stretch of steps from s to t, of 4 in all, weighs (t/4)^(g+1) - (s/4)^(g+1)."""
    monkeypatch.setattr(post_hoc, "EVERY", every)
    generator = nn.Linear(1, 1, bias=False).double()
    averages = PostHocAverages({"a2b": generator})
    values = {1: 3.0, 2: -1.0, 3: 4.0, 4: 10.0}
    for step, value in values.items():
        nn.init.constant_(generator.weight, value)
        averages.update(step)
    for length in LENGTHS:
        power = exponent_of(length) + 1
        bounds = [(end / 4) ** power for end in (0, *ends)]
        expected = sum((high - low) * values[end] for low, high, end in zip(bounds, bounds[1:], ends, strict=False))
        assert float(averages.averages[length]["a2b.weight"]) == pytest.approx(expected, rel=1e-12)


def test_inner_products_are_integrals() -> None:
    first, second = Profile(100.0, 6.94), Profile(60.0, 16.97)
    step = (np.arange(600_000) + 0.5) * 100 / 600_000
    profiles = [np.where(step < t, (g + 1) * step**g / t ** (g + 1), 0) for t, g in (first, second)]
    assert products([first], [second])[0, 0] == pytest.approx(float(np.mean(profiles[0] * profiles[1]) * 100), rel=1e-4)
    assert products([first], [second]) == products([second], [first])


def test_the_factors_are_exact_for_what_is_kept_and_near_for_what_lies_between() -> None:
    kept = [Profile(t, exponent_of(length)) for t in (250.0, 500.0, 750.0, 1000.0) for length in LENGTHS]
    factors, error = solve(kept, kept[-1])
    assert error < 1e-2
    assert factors[-1] == pytest.approx(1, abs=1e-2)
    for length in (0.03, 0.07, 0.15, 0.2):
        factors, error = solve(kept, Profile(1000.0, exponent_of(length)))
        assert factors.sum() == pytest.approx(1, abs=1e-9)
        assert error < {0.03: 0.2, 0.07: 0.05, 0.15: 0.15, 0.2: 0.3}[length]
    assert solve(kept[-2:], Profile(1000.0, exponent_of(0.25)))[1] > 0.4


def test_a_third_length_is_rebuilt_from_the_two_that_were_kept(tmp_path: Path) -> None:
    """On the weights of a small network that learns, with noise in every step; the third average was kept beside."""
    torch.manual_seed(3)
    generator = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 2))
    target = nn.Linear(4, 2)
    kept, third = PostHocAverages({"a2b": generator}), PostHocAverages({"a2b": generator}, (0.07, 0.14))
    optimiser = torch.optim.Adam(generator.parameters(), 0.02)
    for step in range(1, 801):
        x = torch.randn(8, 4)
        optimiser.zero_grad()
        (generator(x) - target(x).detach()).square().mean().backward()
        optimiser.step()
        kept.update(step)
        third.update(step)
        if step % 50 == 0:
            keep_snapshot(tmp_path, step, kept, ())
    assert len(snapshot_files(tmp_path)) == post_hoc.KEEP
    apart = _distance(kept.averages[0.05], kept.averages[0.10])
    for length, largest in ((0.07, 0.05), (0.14, 0.15)):
        rebuilt, error = rebuild(tmp_path, 800, length)
        assert error < largest
        assert _distance(rebuilt, third.averages[length]) < largest * apart, length
    assert _distance(third.averages[0.07], kept.averages[0.05]) > 0.2 * apart


def _distance(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> float:
    assert first.keys() == second.keys()
    return float(torch.stack([(first[name] - second[name]).square().sum() for name in first]).sum().sqrt())


def train(place: Path, out: str, **options: object) -> Path:
    settings = {"preset": "tiny", "checkpoint_every": 3, "log_every": 4, "workers": 0, "device": "cpu", "keep": 2}
    unpaired.train(Arrays(), place / "a", place / "b", place / out, **{**settings, **options})  # type: ignore[arg-type]
    return place / out


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("post_hoc")
    write_arrays(folder / "a", 3, 0, 0.3)
    write_arrays(folder / "b", 3, 1, -0.3)
    train(folder, "whole", steps=14)
    return folder


def files(run: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in snapshot_files(run).values()}


def test_a_run_keeps_them_and_switched_off_its_weights_are_the_same(place: Path) -> None:
    run, without = place / "whole", train(place, "without", steps=14, post_hoc_ema=False)
    assert list(snapshot_files(run)) == [6, 9, 12, 14]
    assert not snapshot_files(without)
    last = "checkpoints/step-00000014/weights.safetensors"
    assert (run / last).read_bytes() == (without / last).read_bytes()
    with pytest.raises(unpaired.MissingFile, match=r"keeps no averages up to step 14, so that none of length 0\.1"):
        load_model_named(without, Arrays, 0.1)


def test_resuming_gives_the_same_averages_bit_for_bit(place: Path) -> None:
    run = train(place, "parts", steps=14, checkpoint_every=7)
    shutil.rmtree(run / "checkpoints" / "step-00000014")
    (run / "averages" / "step-00000099.safetensors").write_bytes(b"of steps to be done again")
    train(place, "parts", resume=True, checkpoint_every=3, steps=14)
    whole, parts = files(place / "whole"), files(run)
    assert parts.keys() == {"step-00000007.safetensors", *(name for name in whole if name > "step-00000007")}
    assert all(parts[name] == whole[name] for name in whole if name in parts)


def test_an_earlier_checkpoint_resumes_without_them_and_says_so(place: Path) -> None:
    run = train(place, "earlier", steps=14, checkpoint_every=7)
    shutil.rmtree(run / "averages")
    shutil.rmtree(run / "checkpoints" / "step-00000014")
    folder = run / "checkpoints" / "step-00000007"
    state = torch.load(folder / "state.pt", weights_only=True)
    del state["post_hoc"]
    torch.save(state, folder / "state.pt")
    (folder / "checksums.json").unlink()
    train(place, "earlier", resume=True, steps=14, checkpoint_every=7)
    last = "checkpoints/step-00000014/weights.safetensors"
    assert (run / last).read_bytes() == (place / "whole" / last).read_bytes()
    assert not snapshot_files(run)
    with pytest.raises(unpaired.MissingFile, match="an earlier version trained it"):
        unpaired.load(run, domain=Arrays, ema_length=0.05)


@pytest.mark.parametrize("name", ["whole", "whole@14", "whole@latest", "whole/model.safetensors", "whole@12"])
def test_a_model_of_a_run_takes_a_length(place: Path, name: str) -> None:
    model = load_model_named(place / name, Arrays, 0.05)
    usual = load_model_named(place / name, Arrays)
    assert (model.step, model.card) == (usual.step, {"ema_length": "0.05"})
    kept = load_file(snapshot_file(place / "whole", model.step))
    for direction, generator in model.generators.items():
        assert not generator.training
        for key, value in generator.state_dict().items():
            torch.testing.assert_close(value, kept[f"0.05.{direction}.{key}"].float(), rtol=1e-2, atol=1e-3)
    assert any(not torch.equal(x, y) for x, y in zip(
        model.generators["a2b"].parameters(), usual.generators["a2b"].parameters(), strict=True))  # fmt: skip


def test_it_is_exported_and_a_checkpoints_folder_serves(place: Path, tmp_path: Path) -> None:
    folder = place / "whole" / "checkpoints" / "step-00000014"
    assert load_model_named(folder, Arrays, 0.1).step == 14
    translator = unpaired.load(folder, "torch", "cpu", Arrays, ema_length=0.1)
    assert translator(torch.zeros(1, 2, 16, 16)).shape == (1, 2, 16, 16)
    with pytest.raises(unpaired.ArgumentError, match="is loaded already"):
        unpaired.export_model(translator.model, tmp_path / "x.safetensors", ema_length=0.1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "length", "error", "said"),
    [
        ("whole", 0.5, unpaired.ConfigError, "ema_length is 0.5; expected 0.01 to 0.25, as a share of the run"),
        ("whole", float("nan"), unpaired.ConfigError, "ema_length is nan"),
        ("whole", "long", unpaired.ArgumentError, "ema_length is 'long'; expected a number"),
        ("day2night", 0.1, unpaired.ConfigError, "'day2night' is a model by itself"),
    ],
)
def test_what_is_no_length_is_told(place: Path, name: str, length: float, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        load_model_named(place / name if name == "whole" else name, None if name != "whole" else Arrays, length)


@pytest.mark.parametrize("harm", ["bits", "cut", "other"])
def test_a_damaged_snapshot_is_named(place: Path, tmp_path: Path, harm: str) -> None:
    run = Path(shutil.copytree(place / "whole", tmp_path / "run"))
    file = snapshot_file(run, 9)
    data = bytearray(file.read_bytes())
    data[-5] ^= 1
    file.write_bytes({"bits": bytes(data), "cut": bytes(data[:900]), "other": b"{}"}[harm])
    with pytest.raises(unpaired.ModelFileError, match=r"step-00000009\.safetensors is"):
        load_model_named(run, Arrays, 0.07)


def test_averages_of_other_generators_are_refused(place: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(place / "whole", tmp_path / "run"))
    shutil.rmtree(run / "averages")
    other = PostHocAverages({"a2b": nn.Linear(2, 2)})
    other.update(4)
    keep_snapshot(run, 14, other, ())
    with pytest.raises(unpaired.ModelFileError, match="of other generators"):
        load_model_named(run, Arrays, 0.1)
    assert by_direction({"a2b.x": torch.zeros(1), "b2a.x": torch.ones(1)}, "b2a") == {"x": torch.ones(1)}
    assert json.loads(json.dumps(list(snapshot_files(run)))) == [14]
