"""Rules that need whole processes: a fresh one, a stopped run, a graph in another runtime, a long file."""

from __future__ import annotations

import multiprocessing
import pickle
import tracemalloc
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from ..adapter.domain import Domain
from ..model.export import ACCEPTABLE_DIFFERENCE
from ..networks.settings import NetworkSettings
from ..objectives.settings import CycleSettings
from ..runtimes.onnx import onnx_graph, session
from ..sides import Side
from ..training.checkpoints import listed
from ..training.run import train
from ..training.settings import TrainingSettings
from .case import SIDES, Case, ContractError, Rule, expect, sample

_SMALLEST = NetworkSettings(filters=2, blocks=1, discriminator_filters=2)


def _drawn(pickled: bytes, files: Mapping[Side, Path]) -> list[np.ndarray[Any, Any]]:
    domain: Domain = pickle.loads(pickled)
    return [sample(domain, file, side).numpy() for side, file in files.items()]


def draws_alike_when_spawned(case: Case) -> None:
    """A spawned process, as Windows and macOS start workers, draws the same sample."""
    files = {side: case.files(side)[0] for side in SIDES}
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        try:
            there = pool.submit(_drawn, pickle.dumps(case.domain), files).result()
        except Exception as error:
            raise ContractError(
                f"a spawned process cannot draw a sample ({type(error).__name__}: {error}); define the class at the "
                'top of a module that can be imported, and start programs below `if __name__ == "__main__":`'
            ) from error
    same = all(np.array_equal(x, y) for x, y in zip(there, _drawn(pickle.dumps(case.domain), files), strict=True))
    expect(same, "a spawned process draws another sample from the same seed; keep all that matters in settings")


def resumes_exactly(case: Case) -> None:
    """Two steps, and two more after a stop, give the same weights as four, bit for bit."""
    fitted = case.domain.fit(case.domain.scan(case.a), case.domain.scan(case.b))
    alike = fitted.channels("a") == fitted.channels("b")
    weighed = CycleSettings(identity_a=float(alike), identity_b=float(alike), equivariance=1.0, history=2)
    takes_weights = issubclass(fitted.objective_type("cycle").settings_type, CycleSettings)

    def trained(run: Path, steps: int, resume: bool = False) -> None:
        settings = TrainingSettings(steps=steps, constant_share=1.0, workers=0, device="cpu", precision="fp32")
        train(
            type(fitted)(fitted.settings),
            case.a,
            case.b,
            run,
            preset="tiny",
            networks=_SMALLEST,
            objective=weighed if takes_weights else None,
            training=settings,
            resume=resume,
        )

    whole, stopped = case.folder("whole"), case.folder("stopped")
    trained(whole, 4)
    trained(stopped, 2)
    trained(stopped, 4, resume=True)
    one, other = (load_file(listed(run)[-1] / "weights.safetensors") for run in (whole, stopped))
    same = one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
    expect(same, "a run that was stopped and resumed ends with other weights; draw from `rng` only and keep no state")


def exports_what_torch_computes(case: Case) -> None:
    """The generators as ONNX graphs give the same results as torch."""
    networks = case.domain.networks("tiny", _SMALLEST)
    for side, spec in zip(SIDES, (networks.generator_a2b, networks.generator_b2a), strict=True):
        generator, x = spec.build("generators").eval(), case.sample(side)[None]
        try:
            run = session(onnx_graph(generator, case.domain.dimensions))
            (found,) = run.run(None, {"x": x.numpy()})
        except Exception as error:
            raise ContractError(
                f"the generator of {side.upper()} cannot be exported ({str(error).splitlines()[0]}); "
                "use operations that ONNX has"
            ) from error
        with torch.no_grad():
            worst = float((torch.from_numpy(found) - generator(x)).abs().max())
        expect(
            worst < ACCEPTABLE_DIFFERENCE,
            f"the exported generator of {side.upper()} differs from torch by up to {worst:.2g}; "
            "let nothing in it depend on the values of a sample but through tensors",
        )


def streams_in_constant_memory(case: Case) -> None:
    """A long file (`Case.long`) is read and written chunk by chunk: there is never half of it in memory."""
    if case.long is None:
        return
    folder = case.folder("streamed")
    _copied(case, case.files("a")[0], folder)  # what is loaded and made once shall not count
    tracemalloc.start()  # counts what numpy and Python hold
    try:
        chunks, size, largest = _copied(case, case.long, folder)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    expect(chunks > 1, f"{case.long.name} comes in one chunk of {size} bytes; read it chunk by chunk")
    held = f"{largest} of {size} bytes"
    expect(largest <= size / 2, f"a chunk keeps {held} alive; read chunk by chunk, or give copies in place of views")
    expect(peak <= size / 2, f"reading and writing hold {peak} bytes for {size}; keep no chunk that is done with")


def _copied(case: Case, file: Path, folder: Path) -> tuple[int, int, int]:
    """Write a file anew as it is read; the number of chunks, their bytes in all, and the most that one keeps alive."""
    options = case.domain.conversion_type()
    chunks = size = largest = 0
    with case.domain.open(file, "a", options) as reader:
        writer = case.domain.create(folder / file.name, reader, options)
        tracemalloc.reset_peak()  # a look ahead may take what it needs, if it keeps nothing
        for chunk in reader:
            chunks, size = chunks + 1, size + chunk.numel() * chunk.element_size()
            largest = max(largest, chunk.untyped_storage().nbytes())
            writer.write(torch.from_numpy(chunk.numpy().copy()))
            del chunk
        writer.finish()
    return chunks, size, largest


PROCESS_RULES: tuple[Rule, ...] = (
    draws_alike_when_spawned,
    resumes_exactly,
    exports_what_torch_computes,
    streams_in_constant_memory,
)
