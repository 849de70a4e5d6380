"""The text GANs of docs/examples/unpaired-text: numbers by hand, and errors that implementations are known for."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from contract.text_models import LENGTH, SIZES, VOCABULARY, language_model, leak_generator
from torch import Tensor
from torch.nn import functional as F

import unpaired
from unpaired.core.networks.spec import Networks, NetworkSpec
from unpaired.core.objectives import Generators
from unpaired.core.samples import Batch
from unpaired.core.training.devices import make_fabric
from unpaired.core.training.engine import Engine


@pytest.fixture(autouse=True)
def _package(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(repository / "docs" / "examples" / "unpaired-text" / "src"))
    torch.manual_seed(0)


def only(token: int) -> Tensor:
    return F.one_hot(torch.tensor(token), VOCABULARY).float()


# -- tokens and likelihoods -------------------------------------------------------------------------
@pytest.mark.parametrize("vocabulary", [2, 11, 100, 5000])
def test_tokens_are_samples_and_back(vocabulary: int) -> None:
    from unpaired_text.tokens import decode, encode

    tokens = torch.arange(vocabulary)[None]
    samples = encode(tokens, vocabulary)
    assert (samples.shape, samples.min(), samples.max()) == ((1, 1, vocabulary), -1.0, 1.0)
    assert torch.equal(decode(samples, vocabulary), tokens)


def test_a_draw_inverts_the_cumulative_distribution() -> None:
    from unpaired_text.tokens import draw

    logits = 2.0 * torch.randn(1, 37)
    logits[0, [0, 20, 36]] = float("-inf")
    chance = (torch.arange(5000) + 0.5) / 5000
    drawn = draw(logits.expand(5000, -1), chance)
    expected = (logits.double().softmax(1).cumsum(1) <= chance[:, None].double()).sum(1)
    assert (drawn - expected).abs().sum() <= 5, "they differ by rounding, at the edges between tokens, alone"
    assert not set(drawn.tolist()) & {0, 20, 36}
    edges = draw(logits.expand(2, -1), torch.tensor([0.0, 1.0 - 2**-24]))
    assert edges.tolist() == [1, 35], "the first and the last token that can be drawn"


def test_the_weighted_likelihood_is_that_of_cross_entropy() -> None:
    from unpaired_text.likelihood import weighted_nll

    hidden, weight, bias = (torch.randn(*shape, dtype=torch.float64) for shape in ((300, 7), (11, 7), (11,)))
    tokens, weights = torch.randint(11, (300,)), torch.randn(300, dtype=torch.float64)
    inputs = [each.requires_grad_() for each in (hidden, weight, bias)]
    ours = weighted_nll(*inputs, tokens, weights)
    theirs = (weights * F.cross_entropy(hidden @ weight.T + bias, tokens, reduction="none")).sum()
    torch.testing.assert_close(ours, theirs)
    for one, other in zip(*(torch.autograd.grad(3.0 * loss, inputs) for loss in (ours, theirs)), strict=True):
        torch.testing.assert_close(one, other)


def test_texts_are_drawn_with_the_probabilities_that_the_loss_knows() -> None:
    model = language_model(torch.full((VOCABULARY,), 1 / VOCABULARY))
    with torch.no_grad():
        model.output.weight.normal_(0.0, 2.0)
        drawn = model.sample(torch.rand(4000, LENGTH))
        every = torch.cartesian_prod(torch.arange(VOCABULARY), torch.arange(VOCABULARY))
        p = model.log_likelihood(F.pad(every, (0, LENGTH - 2)))[:, :2].sum(1).exp().view(VOCABULARY, -1)
    counted = torch.zeros(VOCABULARY, VOCABULARY).index_put_(tuple(drawn[:, :2].T), torch.ones(4000), accumulate=True)
    assert float(p.sum()) == pytest.approx(1.0, abs=1e-5)
    # Pearson's statistic over the cells that are likely: its mean is their number, its deviation sqrt(2 cells).
    cells = p * 4000 > 5
    statistic = float(((counted - 4000 * p).square() / (4000 * p))[cells].sum())
    assert statistic < int(cells.sum()) + 5 * math.sqrt(2 * int(cells.sum()))


# -- roll-outs --------------------------------------------------------------------------------------
def share_of(token: int) -> Any:
    """A discriminator that counts one token: the share of a text that it is."""
    return lambda texts: (texts == token).float().mean(1)


@pytest.mark.parametrize("prefixes", [(), (2, 4)])
def test_rewards_of_a_discriminator_that_counts_one_token_are_exact(prefixes: tuple[int, ...]) -> None:
    """Every text, step and roll-out has the reward of its own: here the number of 3s so far, and the rest all 3s."""
    from unpaired_text.rollouts import rewards

    tokens = torch.randint(VOCABULARY, (5, LENGTH))
    tokens[:, ::2] = torch.where(torch.rand(5, 3) < 0.5, 3, tokens[:, ::2])
    ends = [*(prefixes or range(1, LENGTH)), LENGTH]
    for other, kept in ((3, 1), (4, 0)):
        found = rewards(language_model(only(other)), share_of(3), tokens, 2, prefixes)
        expected = [
            [(int((text[:end] == 3).sum()) + kept * (LENGTH - end)) / LENGTH for end in ends] for text in tokens
        ]
        torch.testing.assert_close(found, torch.tensor(expected))


def test_rewards_are_means_over_roll_outs_of_the_policy() -> None:
    from unpaired_text.rollouts import rewards

    p, tokens = torch.arange(1.0, 12.0) / 66.0, torch.randint(VOCABULARY, (3, LENGTH))
    found = rewards(language_model(p), share_of(10), tokens, 3000)
    for text, row in zip(tokens, found, strict=True):
        for end in range(1, LENGTH + 1):
            expected = (float((text[:end] == 10).sum()) + float(p[10]) * (LENGTH - end)) / LENGTH
            assert float(row[end - 1]) == pytest.approx(expected, abs=5 * math.sqrt(0.14 * LENGTH / 3000) / LENGTH)


@pytest.mark.parametrize("kind", ["lstm", "leak"])
def test_roll_outs_go_on_from_each_prefix_as_the_policy_would(kind: str) -> None:
    """At a low temperature there is one way on, which a plain loop over prefixes finds too."""
    from unpaired_text.rollouts import roll_out

    model = language_model() if kind == "lstm" else leak_generator()
    with torch.no_grad():
        model.output.weight.normal_(0.0, 3.0)
    model.temperature, tokens = 1e-3, torch.randint(VOCABULARY, (4, LENGTH))
    rolled = roll_out(model, tokens, 2)
    for length in range(1, LENGTH):
        text = tokens.clone()
        text[:, length:] = 0
        for place in range(length, LENGTH):
            with torch.no_grad():
                text[:, place] = model.output(model.hidden(text)[:, place]).argmax(1)
        assert torch.equal(rolled[length - 1], text.expand(2, -1, -1))


# -- SeqGAN and RankGAN -----------------------------------------------------------------------------
def spec(kind: type[Any], **options: Any) -> NetworkSpec:
    return NetworkSpec("toy", {"in_channels": 1, **SIZES, **options}, kind)


def networks(generator: NetworkSpec, discriminator: NetworkSpec) -> Networks:
    return Networks(generator, generator, discriminator, discriminator)


def seqgan(discriminator: str = "TextCnn", scheme: str = "seqgan.SeqGan", **settings: Any) -> tuple[Any, Networks]:
    from importlib import import_module

    module, kind = scheme.split(".")
    found = getattr(import_module(f"unpaired_text.{module}"), kind)
    judge = import_module("unpaired_text.networks").__dict__[discriminator]
    lstm = import_module("unpaired_text.networks").LstmGenerator
    made = networks(spec(lstm, in_channels=LENGTH, embedding=5, hidden=7), spec(judge, embedding=6, scale=0.03))
    return found(found.settings_type(**{"pretrain": 2, "pretrain_discriminator": 1, **settings})), made


def test_the_delayed_copy_rolls_out_and_follows_the_generator() -> None:
    objective, made = seqgan(rollouts=3, discriminator_steps=1)
    generators = Generators(made, ("a2b",), objective.heads(made))
    generators.a2b, policy = language_model(only(4) * 0.9 + 0.1 / VOCABULARY), generators.heads["policy"]
    seen: list[Tensor] = []

    class Counting(torch.nn.Module):
        def judge(self, texts: Tensor) -> Tensor:
            seen.append(texts)
            return (texts == 4).float().sum(1, keepdim=True)

    tokens = torch.randint(VOCABULARY, (2, LENGTH))
    objective.step = 3  # the first adversarial step: the copy begins as the generator
    objective.adversarial(generators, Counting(), tokens, None)
    assert all(torch.equal(x, y) for x, y in zip(policy.parameters(), generators.a2b.parameters(), strict=True))
    assert not any(weight.requires_grad for weight in policy.parameters())
    before = [weight.clone() for weight in policy.parameters()]
    with torch.no_grad():
        generators.a2b.output.bias.copy_(1e4 * only(7))
    objective.step = 4
    seen.clear()
    objective.adversarial(generators, Counting(), tokens, None)
    for old, own, current in zip(before, policy.parameters(), generators.a2b.parameters(), strict=True):
        torch.testing.assert_close(own, 0.2 * old + 0.8 * current)
    assert (seen[0][: 3 * 2, 1:] == 7).all(), "completions are those of the copy"


def test_a_rewarded_token_becomes_likelier() -> None:
    """The gradient of the score function, by enumeration: of the mean reward of one token drawn from p."""
    objective, made = seqgan(rollouts=1)
    generators = Generators(made, ("a2b",), objective.heads(made))
    model = generators.a2b
    every = torch.arange(VOCABULARY)[:, None].expand(-1, LENGTH)
    rewards = torch.rand(VOCABULARY, 1).expand(-1, LENGTH)
    with torch.no_grad():
        p = model.log_likelihood(every)[:, 0].exp()
    weights = torch.zeros(VOCABULARY, LENGTH)
    weights[:, 0] = p * rewards[:, 0]  # each token as often as it is drawn
    (surrogate,) = torch.autograd.grad(model.loss(every, weights), model.output.bias)
    expected_reward = (model.log_likelihood(every)[:, 0].exp() * rewards[:, 0]).sum()
    (exact,) = torch.autograd.grad(-expected_reward, model.output.bias)
    torch.testing.assert_close(surrogate, exact, rtol=1e-4, atol=1e-6)


def test_losses_are_those_of_the_authors() -> None:
    """A sum over tokens for the generator; for the discriminator the squares of its last layer beside cross entropy."""
    objective, made = seqgan(rollouts=1)
    generators = Generators(made, ("a2b",), objective.heads(made))
    tokens, rewards = torch.randint(VOCABULARY, (3, LENGTH)), torch.rand(3, LENGTH)
    objective.step, objective.token_rewards = 3, lambda *_: rewards
    loss = objective.adversarial(generators, torch.nn.Identity(), tokens, None)["adversarial"]
    torch.testing.assert_close(loss, -(generators.a2b.log_likelihood(tokens) * rewards).sum())
    judge = made.discriminator_b.build("discriminators").eval()
    real, drawn = torch.rand(2, 4, 1, LENGTH) * 2 - 1
    found = objective.discriminate(judge, real, drawn).loss
    entropy = (F.softplus(-judge(real)).mean() + F.softplus(judge(drawn)).mean()) / 2
    # 0.2 / 2 (|w|^2 + |b|^2) of the weights +- w / 2 of two logits
    last = torch.cat([0.5 * judge.output.weight[0], 0.5 * judge.output.bias])
    torch.testing.assert_close(found, entropy + 0.2 / 2 * 2 * last.square().sum())


def test_rank_scores_by_hand() -> None:
    from unpaired_text.rankgan import rank_score

    x, y = torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([[1.0, 0.0], [0.0, 3.0], [-1.0, 0.0]])
    found = rank_score(x, torch.tensor([[4.0, 0.0], [0.0, 1.0]]), y, 2.0).exp()
    e2, e_2 = math.exp(2), math.exp(-2)
    along, across = e2 / (2 * e2 + 1 + e_2), 1 / (1 + 1 + e2 + 1)
    assert float(found[0]) == pytest.approx((along + across) / 2)
    along, across = 1 / (1 + e2 + 1 + e_2), e2 / (e2 + 1 + e2 + 1)
    assert float(found[1]) == pytest.approx((along + across) / 2)


def test_a_batch_too_small_to_rank_is_refused() -> None:
    objective, _ = seqgan("Ranker", "rankgan.RankGan")
    with pytest.raises(unpaired.ConfigError, match=r"training\.batch is 8; rankgan needs 33 or more"):
        objective._parts(torch.rand(8, 4))


# -- TextGAN ----------------------------------------------------------------------------------------
def test_squared_mmd_by_hand() -> None:
    from unpaired_text.textgan import squared_mmd

    x, y = torch.tensor([[0.0], [1.0]]), torch.tensor([[3.0]])
    k = [math.exp(-d / 2) for d in (0, 1, 9, 4)]
    assert float(squared_mmd(x, y, (1.0,))) == pytest.approx((2 * k[0] + 2 * k[1]) / 4 + 1 - (k[2] + k[3]), rel=1e-5)
    assert float(squared_mmd(x, x, (1.0, 5.0))) == pytest.approx(0.0, abs=1e-6)


def test_a_soft_argmax_is_the_hard_one_with_a_gradient() -> None:
    from unpaired_text.textgan import SoftGenerator
    from unpaired_text.tokens import decode

    model = SoftGenerator(4, **SIZES, embedding=5, hidden=7, sharpness=300.0)
    model.initialise(torch.Generator().manual_seed(3))
    noise = torch.rand(8, 4, 1) * 2 - 1
    soft = model.soft(noise)
    assert torch.equal(soft.argmax(2), decode(model(noise), VOCABULARY))
    soft.square().sum().backward()
    assert float(model.first.weight.grad.abs().sum()) > 0  # type: ignore[union-attr]


def test_textgan_begins_as_the_decoder_of_an_autoencoder() -> None:
    from unpaired_text.textgan import MatchedCnn, SoftGenerator, TextGan

    made = networks(spec(SoftGenerator, in_channels=LENGTH), spec(MatchedCnn, embedding=6, scale=0.03, noise=LENGTH))
    objective = TextGan()
    generators = Generators(made, ("a2b",), objective.heads(made))
    optimiser = torch.optim.Adam(generators.parameters(), 0.02)
    texts = torch.randint(VOCABULARY, (8, LENGTH))
    for _ in range(60):
        optimiser.zero_grad()
        objective.likelihood(generators, texts)["likelihood"].backward()
        optimiser.step()
    generator, encoder = generators.a2b, generators.heads["encoder"]
    z = torch.tanh(encoder.recover(encoder.features(texts)))  # type: ignore[operator]
    with torch.no_grad():
        of_own, of_others = (float(generator.loss(texts, each)) for each in (z, z.roll(1, 0)))  # type: ignore[operator]
        assert of_own == pytest.approx(-float(generator.log_likelihood(texts, z).mean()), rel=1e-5)  # type: ignore[operator]
    assert of_own < of_others - 1.0, "z says which text it is"


# -- all of them ------------------------------------------------------------------------------------
@pytest.mark.parametrize("system", ["seqgan", "rankgan", "leakgan", "textgan"])
def test_each_goes_through_its_phases_and_resumes(system: str) -> None:
    from unpaired_text import leakgan, leakgan_networks, rankgan, textgan
    from unpaired_text import networks as nets
    from unpaired_text import seqgan as seq
    from unpaired_text.tokens import encode

    small = {"embedding": 6, "scale": 0.03}
    kinds = {
        "seqgan": (seq.SeqGan, nets.LstmGenerator, nets.TextCnn, {}, {"rollouts": 2}),
        "rankgan": (rankgan.RankGan, nets.LstmGenerator, nets.Ranker, {}, {"references": 2, "comparisons": 2}),
        "leakgan": (leakgan.LeakGan, leakgan_networks.LeakGenerator, nets.TextCnn,
                    {"scale": 0.03, "extractor_embedding": 6}, {"rollouts": 2, "pretrain_every": 2}),
        "textgan": (textgan.TextGan, textgan.SoftGenerator, textgan.MatchedCnn, {}, {}),
    }  # fmt: skip
    kind, generator, judge, options, settings = kinds[system]
    judged = {**small, **({"noise": LENGTH} if system == "textgan" else {})}
    made = networks(spec(generator, in_channels=LENGTH, **options), spec(judge, **judged))
    objective: Any = kind(kind.settings_type(pretrain=2, pretrain_discriminator=1, discriminator_steps=2, **settings))
    training = unpaired.TrainingSettings(device="cpu", precision="fp32", learning_rate=0.01)

    def begin() -> Engine:
        torch.manual_seed(0)
        return Engine(make_fabric(training), objective.networks(made), objective, training)

    def go(engine: Engine, steps: range) -> list[set[str]]:
        seen = []
        for step in steps:
            random = torch.Generator().manual_seed(step)
            noise = 2 * torch.rand(8, LENGTH, 1, generator=random) - 1
            real = encode(torch.randint(VOCABULARY, (8, LENGTH), generator=random), VOCABULARY)
            seen.append(set(engine.step([Batch(noise, real)], None, 1.0, step)))
        return seen

    whole = begin()
    names = go(whole, range(6))
    assert "likelihood" in names[1]
    assert "discriminator_b" not in names[1]
    assert "generators" not in names[2]
    assert "discriminator_b" in names[2]
    assert {"generators", "discriminator_b"} <= names[3]
    assert "generators" not in names[4]
    first, second = begin(), begin()
    go(first, range(4))
    second.restore_weights(first.weights())
    second.restore_shared_state(first.shared_state())
    second.restore_local_state(first.local_state())
    go(second, range(4, 6))
    for name, weight in whole.weights().items():
        assert torch.equal(weight, second.weights()[name]), name


def test_a_scheme_needs_the_networks_it_is_made_for() -> None:
    from unpaired_text.networks import LstmGenerator, Ranker

    objective, _ = seqgan()
    made = networks(spec(LstmGenerator, in_channels=LENGTH), spec(Ranker, scale=0.03))
    with pytest.raises(unpaired.ConfigError, match=r"networks\.discriminator is toy; SeqGan needs a TextCnn"):
        objective.networks(made)
    with pytest.raises(unpaired.ConfigError, match=r"objective\.noise is 5; texts of 6 tokens need 6 or more"):
        LstmGenerator(5, **SIZES)
