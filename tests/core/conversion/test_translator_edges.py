"""One answer of all runtimes where a network has none of its own: values out of all range, and nothing to translate."""

from __future__ import annotations

import pytest
import torch
from kept import row

import unpaired
from unpaired import MediaError, Translator

RUNTIMES = ("torch", "openvino", "onnx")


@pytest.fixture(scope="module", params=RUNTIMES)
def translator(request: pytest.FixtureRequest) -> Translator:
    return unpaired.load("day2night", runtime=request.param, device="cpu")


@row("tensors", "values that are not finite, or beyond 1000")
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e30, -1001.0])
def test_what_no_runtime_computes_with_is_refused(translator: Translator, value: float) -> None:
    x = torch.rand(2, 3, 32, 40)
    x[1, 2, 5, 7] = value
    with pytest.raises(MediaError, match=r"not finite or beyond 1000; expected -1 to 1"):
        translator(x)
    with pytest.raises(MediaError, match="not finite"):
        translator.for_direction("a2b").with_statistics(x[1:], None, 1.0)


@row("tensors, pictures", "one colour throughout")
@pytest.mark.parametrize("colour", [(-1.0, -1.0, -1.0), (0.3, -0.2, 0.9), (1.0, 1.0, 1.0)])
def test_one_colour_comes_back_as_it_is(translator: Translator, colour: tuple[float, ...]) -> None:
    flat = torch.tensor(colour)[None, :, None, None].expand(1, 3, 33, 47)
    x = torch.cat([flat, torch.rand(1, 3, 33, 47)])
    y = translator(x)
    assert torch.equal(y[:1], flat)
    torch.testing.assert_close(y[1:], translator(x[1:]), atol=0.02, rtol=0)  # beside it and alone: other threads, bf16
    assert torch.equal(translator.for_direction("a2b").with_statistics(flat, None, 1.0)[0], flat)


def test_runtimes_agree_on_a_picture_with_little_in_it() -> None:
    """A step of one level of 8 bits in a corner is enough for a norm, in fp32."""
    x = torch.full((1, 3, 64, 64), 0.25)
    x[..., :9, :9] += 2 / 255
    first, second = (unpaired.load("day2night", runtime=name, device="cpu")(x) for name in ("torch", "onnx"))
    assert (first - second).abs().mean() < 1e-2
