#!/usr/bin/env bash
# OpenVINO turns a constant divided by a mean upside down, if the graph was converted from PyTorch in memory.
#
# Guess: a model converted by openvino.convert_model gives what PyTorch gives, up to rounding, in fp32.
# Behaviour: C / (x.mean((2, 3), keepdim=True) + 0.1), with one value of C a channel, comes out as its inverse. Nothing
# is raised or logged. The same graph, saved and read again, is right; so is C times the power -1.
# Seen with: OpenVINO 2026.4.1, PyTorch 2.12.1, CPU. (Installs PyTorch: some gigabytes in the temporary folder.)
# What helps: write the quotient as a product with a power, or save the graph and read it again before compiling it.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" -q install torch==2.12.1 openvino==2026.4.1 numpy==2.4.6
"$place/venv/bin/python" - "$place/graph.xml" <<'PYTHON'
import sys

import numpy as np
import openvino as ov
import torch


class Quotient(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.c = torch.nn.Parameter(torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.c / (x.mean((2, 3), keepdim=True) + 0.1)


class Product(Quotient):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.c * (x.mean((2, 3), keepdim=True) + 0.1) ** -1


def run(graph: ov.Model, x: torch.Tensor) -> np.ndarray:
    compiled = ov.compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return compiled(x.numpy())[0].ravel()


print(f"OpenVINO {ov.__version__}, PyTorch {torch.__version__}")
x = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
quotient, product = Quotient().eval(), Product().eval()
wanted = quotient(x).detach().numpy().ravel()
graph = ov.convert_model(quotient, example_input=x, input=[(1, 3, 8, 8)])
direct = run(graph, x)
ov.save_model(graph, sys.argv[1], compress_to_fp16=False)
again = run(ov.Core().read_model(sys.argv[1]), x)
power = run(ov.convert_model(product, example_input=x, input=[(1, 3, 8, 8)]), x)
for name, values in (("PyTorch", wanted), ("converted", direct), ("read again", again), ("as a product", power)):
    print(f"{name:13}", *(f"{value:.4f}" for value in values))
as_described = (
    np.allclose(direct * wanted, 1, rtol=1e-3)
    and not np.allclose(direct, wanted, rtol=0.1)
    and np.allclose(again, wanted, rtol=1e-3)
    and np.allclose(power, wanted, rtol=1e-3)
)
print("as described" if as_described else "not as described")
sys.exit(not as_described)
PYTHON
