"""LeakGAN (docs/examples/unpaired-text): manager, worker and what each learns from."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from contract.text_models import LENGTH, VOCABULARY, leak_generator
from torch import Tensor
from torch.nn import functional as F


@pytest.fixture(autouse=True)
def _package(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(repository / "docs" / "examples" / "unpaired-text" / "src"))
    torch.manual_seed(0)


def test_the_goals_loss_compares_the_way_from_each_segments_start_position_by_position() -> None:
    from unpaired_text.leakgan import intrinsic_rewards, manager_loss

    features, goals = torch.randn(3, LENGTH + 1, 5), torch.randn(3, LENGTH, 5)
    values, c = torch.rand(3, 2), 4

    def cosine(x: Tensor, y: Tensor) -> float:
        return float(x @ y / (x.norm() * y.norm()))

    segments = ((0, 4), (4, 6))
    expected = -sum(
        float(values[b, j]) * cosine(features[b, end] - features[b, start], goals[b, start])
        for b in range(3) for j, (start, end) in enumerate(segments)
    ) / 6  # fmt: skip
    assert float(manager_loss(features, goals, values, c)) == pytest.approx(expected, rel=1e-5)
    found = intrinsic_rewards(features, goals, c)
    for b in range(3):
        for t in range(1, LENGTH + 1):
            back = [cosine(features[b, t] - features[b, t - i], goals[b, t - i]) for i in range(1, min(c, t) + 1)]
            assert float(found[b, t - 1]) == pytest.approx(sum(back) / len(back), rel=1e-4, abs=1e-6)


def test_rewards_are_rescaled_by_rank_within_a_column() -> None:
    from unpaired_text.leakgan import rescale

    found = rescale(torch.tensor([[0.1, 9.0], [0.3, 8.0], [0.2, 7.0], [0.0, 6.0]]), 12.0)
    ranks = torch.tensor([[3, 1], [1, 2], [2, 3], [4, 4]])
    torch.testing.assert_close(found, torch.sigmoid(12.0 * (0.5 - ranks / 4)))


def test_the_worker_goes_where_rewards_are_and_the_manager_alone_sets_goals() -> None:
    model = leak_generator()
    tokens = torch.randint(VOCABULARY, (3, LENGTH))
    plan = model.plan(tokens)
    model.loss_of(plan.hidden, tokens, torch.ones(3, LENGTH)).backward()
    managers = [*model.manager.parameters(), *model.goal.parameters()]
    assert all(weight.grad is None for weight in managers), "the worker's loss leaves the manager alone"
    before = float(model.log_likelihood(tokens).detach().sum())
    with torch.no_grad():
        for weight in model.parameters():
            if weight.grad is not None:
                weight -= 1e-3 * weight.grad
    assert float(model.log_likelihood(tokens).detach().sum()) > before, "rewarded tokens become likelier"
    assert not any(weight.requires_grad for weight in model.extractor.parameters())


def test_writing_token_by_token_plans_as_reading_the_whole_text_does() -> None:
    model = leak_generator()
    tokens = model.sample(torch.rand(3, LENGTH))
    state, given, found = model.begin(3), torch.zeros(3, dtype=torch.long), []
    with torch.no_grad():
        for place in range(LENGTH):
            hidden, state = model.advance(given, state)
            found.append(hidden)
            given = tokens[:, place]
        torch.testing.assert_close(torch.stack(found, 1), model.hidden(tokens))


def test_features_of_beginnings_are_those_of_texts_padded_with_token_0() -> None:
    model = leak_generator()
    tokens = torch.randint(VOCABULARY, (3, LENGTH))
    found = model.prefix_features(tokens)
    assert found.shape[:2] == (3, LENGTH + 1)
    for count in range(LENGTH + 1):
        beginning = torch.cat([tokens[:, :count], torch.zeros(3, LENGTH - count, dtype=torch.long)], 1)
        torch.testing.assert_close(found[:, count], model.extractor.features(beginning))


def test_logits_are_the_workers_matrix_times_the_projected_goals() -> None:
    from unpaired_text.leakgan_networks import _joint

    hidden, wanted, matrix = torch.randn(2, 7), torch.randn(2, 3), torch.randn(VOCABULARY, 3, 8)
    output = torch.einsum("vkh,bh->bvk", matrix, F.pad(hidden, (0, 1), value=1.0))
    expected = torch.einsum("bvk,bk->bv", output, wanted)
    torch.testing.assert_close(_joint(hidden, wanted) @ matrix.flatten(1).T, expected)
