"""Every runtime computes what torch computes, for every shape and under given statistics."""

from __future__ import annotations

import builtins
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import nn

import unpaired
from unpaired.core.errors import ConfigError, MissingDependency
from unpaired.core.model.export import psnr
from unpaired.core.networks.initialisation import initialise
from unpaired.core.networks.norm import WithStatistics
from unpaired.core.networks.resnet import ResnetGenerator
from unpaired.core.networks.unet import UnetGenerator
from unpaired.core.runtimes import choice, packages
from unpaired.core.runtimes.onnx import OnnxRuntime
from unpaired.core.runtimes.openvino import OpenVinoRuntime
from unpaired.core.runtimes.runtime import translate_end
from unpaired.core.runtimes.source import GeneratorSource
from unpaired.core.runtimes.torch import TorchRuntime

SPACES = {
    1: [(1, 16), (3, 24), (1, 72)],
    2: [(1, 16, 16), (2, 24, 40), (1, 64, 32)],
    3: [(1, 16, 16, 8), (2, 8, 24, 16)],
}
MAKERS = {
    "torch": lambda generator, dimensions: TorchRuntime(generator, "cpu"),
    "openvino": lambda generator, dimensions: OpenVinoRuntime(
        GeneratorSource.of(generator, dimensions), precision="fp32"
    ),
    "onnx": OnnxRuntime,
}


def generator_of(kind: str, dimensions: int) -> nn.Module:
    random = torch.Generator().manual_seed(3)
    made: dict[str, Any] = {
        "resnet": lambda: ResnetGenerator(3, 2, dimensions, filters=4, blocks=2),
        "resize": lambda: ResnetGenerator(3, 2, dimensions, filters=4, blocks=1, upsampling="resize", dropout=0.5),
        "blurred": lambda: ResnetGenerator(
            3, 2, dimensions, filters=4, blocks=1, upsampling="blurred", downsampling="blurred"
        ),
        "transport": lambda: ResnetGenerator(3, 2, dimensions, filters=4, blocks=1, start="transport"),
        "unet": lambda: UnetGenerator(3, 2, dimensions, filters=4, levels=3, norm="instance"),
        "unet-batch": lambda: UnetGenerator(3, 2, dimensions, filters=4, levels=3, norm="batch"),
    }
    network: nn.Module = made[kind]()
    initialise(network, random, 0.2)
    if kind == "transport":  # as of data: OpenVINO computes some forms of it wrongly
        for name, values in network.start.named_buffers():
            values.uniform_(0.05 if name == "towards.variance" else -0.5, 0.5, generator=random)
    return network.eval().requires_grad_(False)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize("kind", ["resnet", "resize", "blurred", "transport", "unet", "unet-batch"])
@pytest.mark.parametrize("runtime", MAKERS)
def test_a_runtime_agrees_with_the_module(runtime: str, kind: str, dimensions: int) -> None:
    generator = generator_of(kind, dimensions)
    run = MAKERS[runtime](generator, dimensions)
    taped = WithStatistics(generator)
    for batch, *space in SPACES[dimensions]:
        x = torch.rand(batch, 3, *space) * 2 - 1
        expected = generator(x)
        assert expected.std() > 0.05  # there is something to compare
        torch.testing.assert_close(run(x), expected, atol=1e-4, rtol=0)
        if taped.size == 0 or batch > 1:
            continue
        # Near the sample's own: others let activations, and with them rounding, grow from layer to layer.
        own = taped(x[:1], torch.zeros(taped.size), torch.tensor(1.0))[1]
        statistics = own * (1.1 + 0.2 * torch.rand(taped.size))
        for momentum in (0.0, 0.3, 1.0):
            y, used = run.with_statistics(x[:1], statistics, momentum)
            expected, expected_used = taped(x[:1], statistics, torch.tensor(momentum))
            torch.testing.assert_close(y, expected, atol=1e-4, rtol=0)
            torch.testing.assert_close(used, expected_used, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("runtime", MAKERS)
def test_frozen_own_statistics_change_nothing(runtime: str) -> None:
    run = MAKERS[runtime](generator_of("resnet", 2), 2)
    x = torch.rand(1, 3, 32, 32) * 2 - 1
    y, used = run.with_statistics(x, torch.zeros(WithStatistics(generator_of("resnet", 2)).size), 1.0)
    torch.testing.assert_close(y, run(x), atol=1e-4, rtol=0)
    torch.testing.assert_close(run.with_statistics(x, used, 0.0)[0], y, atol=1e-5, rtol=0)


def test_reduced_precision_is_close_to_fp32() -> None:
    """N(0, 0.02) weights are those of a generator before training: residual blocks still add much rounding."""
    random = torch.Generator().manual_seed(0)
    generator = ResnetGenerator(3, 3, filters=16, blocks=3)
    initialise(generator, random)
    generator.eval().requires_grad_(False)
    ways = choice.choose("openvino").candidates
    run = OpenVinoRuntime(GeneratorSource.of(generator, 2), "bf16" if len(ways) > 1 else "fp32")
    x = torch.nn.functional.interpolate(torch.rand(1, 3, 16, 16) * 2 - 1, size=(128, 128), mode="bilinear")
    assert psnr(run(x), generator(x)) >= (50.0 if run.precision == "bf16" else 100.0)


def test_samples_of_a_batch_side_by_side_are_those_alone() -> None:
    run = OpenVinoRuntime(GeneratorSource.of(generator_of("resnet", 2), 2), precision="fp32")
    x = torch.rand(5, 3, 16, 20) * 2 - 1
    for _ in range(3):
        torch.testing.assert_close(run(x), torch.cat([run(sample[None]) for sample in x]), atol=1e-6, rtol=0)


def test_spectrograms_of_every_length_share_a_graph() -> None:
    """Making one for each length of a folder's recordings would take longer than converting them."""
    generator = unpaired.Audio().networks("tiny", unpaired.NetworkSettings()).generator_a2b.build("generators").eval()
    source = GeneratorSource.of(generator, 2)
    run, statistics = OpenVinoRuntime(source), torch.rand(source.takes.statistics)
    asked = [torch.rand(1, 1, 80, length) * 2 - 1 for length in (64, 100, 100, 640)]
    given = [run.with_statistics(x, statistics, 0.0)[0] for x in asked]
    mixed = [run.with_statistics(x, statistics, 0.5)[0] for x in asked]
    assert not any(graph._fixed for graph in run._graphs.values())
    run.with_statistics(asked[0][..., :32], statistics, 0.0)  # as in a voice that is spoken
    assert [len(graph._fixed) for graph in run._graphs.values()] == [1, 0]
    for x, first, second in zip(asked, given, mixed, strict=True):
        fresh = OpenVinoRuntime(source)
        assert torch.equal(fresh.with_statistics(x, statistics, 0.0)[0], first)
        assert torch.equal(fresh.with_statistics(x, statistics, 0.5)[0], second)


@pytest.mark.parametrize("runtime", MAKERS)
def test_the_end_of_a_translation_is_that_of_the_whole(runtime: str) -> None:
    generator = unpaired.Audio().networks("tiny", unpaired.NetworkSettings()).generator_a2b.build("generators").eval()
    run, statistics = MAKERS[runtime](generator, 2), torch.rand(WithStatistics(generator).size)
    for frames, length in ((32, 1), (32, 5), (64, 2)):
        x = torch.rand(1, 1, 80, frames) * 2 - 1
        whole = run.with_statistics(x, statistics, 0.0)[0]
        end = translate_end(run, x, statistics, length)
        torch.testing.assert_close(end, whole[..., -length:], atol=1e-5, rtol=0)
    pictures, x = MAKERS[runtime](generator_of("resnet", 2), 2), torch.rand(1, 3, 16, 16) * 2 - 1
    statistics = torch.rand(WithStatistics(generator_of("resnet", 2)).size)
    whole = pictures.with_statistics(x, statistics, 0.0)[0]
    torch.testing.assert_close(translate_end(pictures, x, statistics, 5), whole[..., -5:], atol=1e-6, rtol=0)


def test_windows_of_a_spectrogram_at_once_are_those_alone() -> None:
    generator = unpaired.Audio().networks("tiny", unpaired.NetworkSettings()).generator_a2b.build("generators").eval()
    source = GeneratorSource.of(generator, 2)
    run, statistics = OpenVinoRuntime(source), torch.rand(source.takes.statistics)
    windows = [torch.rand(1, 1, 80, length) * 2 - 1 for length in (400, 64, 400, 304)]
    alone = [run.with_statistics(x, statistics, 0.0)[0] for x in windows]
    with ThreadPoolExecutor(4) as threads:
        found = [threads.submit(run.with_statistics, x, statistics, 0.0) for x in windows]
    for each, y in zip(found, alone, strict=True):
        assert torch.equal(each.result()[0], y)


def test_graphs_of_fixed_shape_are_bounded() -> None:
    generator = generator_of("resnet", 2)
    run = OpenVinoRuntime(GeneratorSource.of(generator, 2), precision="fp32")
    inputs = {side: torch.rand(2, 3, side, side) for side in (8, 12, 16, 20, 24, 28)}
    for _ in range(2):
        for x in inputs.values():
            torch.testing.assert_close(run(x), generator(x), atol=1e-4, rtol=0)
    assert list(run._graphs) == [("own", True, None)]
    assert len(run._graphs["own", True, None]._fixed) == 4


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("runtime", ["torch", "openvino", "onnx"])
def test_what_was_asked_before_changes_no_bit(runtime: str, batch: int) -> None:
    """The model of voices: its graphs for one shape and for any give numbers that differ in the last places."""
    translator = unpaired.load("female-male", runtime=runtime, device="cpu")
    asked = {length: 2 * torch.rand(batch, 1, 80, length) - 1 for length in (64, 100, 64)}
    answers = {length: translator(x) for length, x in asked.items()}
    for _ in range(5):
        for length, x in asked.items():
            assert torch.equal(translator(x), answers[length])
    fresh = unpaired.load("female-male", runtime=runtime, device="cpu")
    assert torch.equal(fresh(asked[100]), answers[100])


@pytest.mark.parametrize("runtime", MAKERS)
def test_runtimes_are_thread_safe_and_leave_the_module_alone(runtime: str) -> None:
    generator = generator_of("resnet", 2)
    run = MAKERS[runtime](generator, 2)
    size = WithStatistics(generator).size
    batches = [torch.rand(1, 3, 16, 16 + 4 * i) for i in range(3)]
    expected = [generator(x) for x in batches]
    wrong: list[int] = []

    def work(number: int) -> None:
        for _ in range(5):
            y = run(batches[number])
            z, _ = run.with_statistics(batches[number], torch.zeros(size), 1.0)
            if max((y - expected[number]).abs().max(), (z - expected[number]).abs().max()) > 1e-4:
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        torch.testing.assert_close(generator(batches[0]), expected[0])
    for thread in threads:
        thread.join()
    assert wrong == []
    assert {str(value.device) for value in generator.state_dict().values()} == {"cpu"}


SIGNALLED = """
import signal, threading
import torch
from unpaired.core.networks.resnet import ResnetGenerator
from unpaired.core.runtimes.openvino import OpenVinoRuntime
from unpaired.core.runtimes.source import GeneratorSource

torch.set_num_threads(1)
generator = ResnetGenerator(3, 3, filters=4, blocks=1).eval()
first, second = OpenVinoRuntime(GeneratorSource.of(generator, 2)), OpenVinoRuntime(GeneratorSource.of(generator, 2))
for runtime in (first, second):
    runtime(torch.zeros(1, 3, 16, 16))
del runtime
# ended
told = []
both = {signal.SIGINT, signal.SIGTERM}
for name in both:
    signal.signal(name, lambda number, _: told.append(number))
signal.pthread_sigmask(signal.SIG_BLOCK, both)
for name in both:
    signal.pthread_kill(threading.main_thread().ident, name)
convolution = torch.nn.Conv2d(64, 64, 3)
with torch.autocast("cpu", torch.bfloat16):  # AMX, where the CPU has it, makes every signal take 8 KiB more
    convolution(torch.randn(1, 64, 64, 64)).sum().backward()
signal.pthread_sigmask(signal.SIG_UNBLOCK, both)
assert sorted(told) == sorted(both), told
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the signal stack is replaced on Linux alone")
@pytest.mark.parametrize("options", [[], ["-X", "faulthandler"]], ids=["no stack before", "a stack before"])
@pytest.mark.parametrize("ended", ["", "del first; del second"], ids=["in use", "ended"])
def test_signals_are_survived_after_openvino(ended: str, options: list[str]) -> None:
    program = SIGNALLED.replace("# ended", ended)
    environment = {name: value for name, value in os.environ.items() if not name.endswith("MAX_CPU_ISA")}  # AMX too
    command = [sys.executable, *options, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def ways(*arguments: str) -> list[str]:
    return [str(each) for each in choice.choose(*arguments).candidates]


@pytest.mark.parametrize("native", [True, False], ids=["with bf16", "without bf16"])
def test_what_comes_into_question_on_the_cpu(native: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "native_bf16", lambda kind: native)
    bf16 = ["openvino bf16"] if native else []
    assert ways("auto", "cpu") == ["openvino fp32", *bf16, "torch fp32"]
    assert ways("openvino") == ["openvino fp32", *bf16]
    assert ways("auto", "cpu", "fp32") == ["openvino fp32", "torch fp32"]
    assert ways("auto", "cpu", "bf16") == (bf16 or ["torch bf16"])
    assert ways("torch", "cpu") == ways("torch", "cpu", "fp32") == ["torch fp32"]
    assert ways("torch", "cpu", "bf16") == ["torch bf16"]
    assert ways("onnx") == ways("onnx", "cpu", "fp32") == ["onnx fp32"]
    monkeypatch.setattr(choice, "_installed", lambda name: name == "torch")
    assert ways("auto", "cpu") == ["torch fp32", "torch bf16"][: 1 + native]


def test_a_precision_that_the_machine_lacks_is_taken_and_said_to_be_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choice.choose("auto", "cpu").notes == choice.choose("auto", "cpu", "fp32").notes == ()
    monkeypatch.setattr(choice, "native_bf16", lambda kind: False)
    slow = choice.choose("auto", "cpu", "bf16")
    assert "slower than fp32" in slow.notes[0]
    generator = generator_of("resnet", 2)
    run, x = slow.build(GeneratorSource.of(generator, 2)), torch.rand(1, 3, 32, 32) * 2 - 1
    assert run.ran == ("torch bf16",)
    assert 25 < psnr(run(x), generator(x)) < 90
    assert run(x).dtype == torch.float32
    with pytest.raises(ConfigError, match="leave out the runtime, or take fp32"):
        choice.choose("openvino", "cpu", "bf16")


def test_a_way_of_its_own_is_built_as_it_is() -> None:
    for name, kind in (("torch", TorchRuntime), ("onnx", OnnxRuntime)):
        assert isinstance(choice.choose(name, "cpu").build(GeneratorSource.of(generator_of("resnet", 1), 1)), kind)
    run = choice.choose("openvino", "cpu", "fp32").build(GeneratorSource.of(generator_of("resnet", 1), 1))
    assert isinstance(run, OpenVinoRuntime)
    device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    assert choice.choose().device == device


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("openvin",), "expected one of auto, torch, openvino, onnx"),
        (("torch", "gpu"), "device is 'gpu'; expected"),
        (("torch", "vulkan"), "device is 'vulkan'; expected"),
        (("torch", "cuda:99"), "CUDA devices are usable"),
        (("openvino", "cuda"), "runs on the CPU"),
        (("onnx", "mps"), "runs on the CPU"),
        (("onnx", "cpu", "bf16"), "runtime onnx computes in fp32"),
        (("auto", "cpu", "fp16"), "precision is 'fp16'; expected one of auto, fp32, bf16"),
    ],
)
def test_choices_that_cannot_be(asked: tuple[str, ...], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        choice.choose(*asked)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    found = choice.find_spec
    monkeypatch.setattr(choice, "find_spec", lambda name: None if name in ("openvino", "onnxruntime") else found(name))
    assert {each.runtime for each in choice.choose("auto", "cpu").candidates} == {"torch"}
    for name, package in (("openvino", "openvino"), ("onnx", "onnxruntime")):
        with pytest.raises(MissingDependency, match=f"pip install {package}"):
            choice.choose(name)
    imported = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        if name.startswith("onnxruntime"):
            raise ImportError(name)
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    monkeypatch.setattr(packages, "import_module", refuse)
    with pytest.raises(MissingDependency, match="pip install onnxruntime"):
        OnnxRuntime(generator_of("resnet", 1), 1)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_agrees_with_the_cpu() -> None:
    generator = ResnetGenerator(3, 3, filters=16, blocks=3)
    initialise(generator, torch.Generator().manual_seed(0))
    generator.eval().requires_grad_(False)
    run = TorchRuntime(generator, "cuda")
    x = torch.nn.functional.interpolate(torch.rand(1, 3, 16, 16) * 2 - 1, size=(128, 128), mode="bilinear")
    assert psnr(run(x), generator(x)) >= 50.0
    y, used = run.with_statistics(x, torch.zeros(WithStatistics(generator).size), 1.0)
    assert psnr(y, generator(x)) >= 50.0
    assert (y.device, used.device) == (x.device, x.device)
