"""3x3 convolutions by Winograd's minimal filtering algorithm F(4x4, 3x3) (Lavin & Gray 2016, arXiv 1509.09308).

Of every 6x6 window of the input comes a 4x4 window of the output by 36 multiplications of channel vectors instead of
144: with V = B' d B of the input, U = G g G' of the weight and Y = A' (U V) A, the sums over channels are 36 matrix
products. On a CPU, where these are as fast as any convolution, that takes about half the time. Results differ from
those of a direct convolution by about 1e-5 of the largest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn

# Points 0, 1, -1, 2, -2 and infinity; section 4.1 of the paper has them as B', G and A' for F(4, 3). On the CPU, also
# where this is imported while a network is made that has shapes and no memory.
with torch.device("cpu"):
    _B = torch.tensor([[4.0, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0],
                       [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1]])  # fmt: skip
    _G = torch.tensor([[6.0, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]]) / 24
    _A = torch.tensor([[1.0, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]])
_MKL = bool(torch.backends.mkl.is_available())  # type: ignore[no-untyped-call]
_EVERYWHERE = 7
"""The plane of the point (1, 1), which counts once in every value of a window."""


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x (B, C, H + 2, W + 2), weight (K, C, 3, 3), bias (K,) -> (B, K, H, W): F.conv2d without padding.

    H and W are multiples of 4. The output is in channels_last, where windows are gathered and spread in whole runs.
    Fastest with `x` in that format too, and a weight that is `laid_out`.
    """
    return _apply(x.contiguous(memory_format=torch.channels_last), weight, bias)


def pays(layer: nn.Conv2d) -> bool:
    """Whether this algorithm is faster for a layer: with few channels the transforms take longer than they save, and
    another library than MKL was not measured."""
    form = (layer.kernel_size, layer.stride, layer.dilation, layer.padding, layer.groups)
    channels = min(layer.in_channels, layer.out_channels)
    return form == ((3, 3), (1, 1), (1, 1), (0, 0), 1) and channels >= 128 and _MKL


def fits(x: Tensor, weight: Tensor) -> bool:
    """Whether this algorithm can, and is to, convolve these two."""
    plain = x.dtype == weight.dtype == torch.float32 and x.device.type == "cpu" and not torch.is_autocast_enabled("cpu")
    return plain and x.shape[2] % 4 == x.shape[3] % 4 == 2


def laid_out(weight: Tensor) -> Tensor:
    """The same weight (K, C, 3, 3) with its nine planes one after the other in memory."""
    return weight.permute(2, 3, 0, 1).contiguous().permute(2, 3, 0, 1)


class _Winograd(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        (samples, _, height, width), channels = x.shape, len(weight)
        products = torch.bmm(_transformed_input(x), _transformed_weight(weight).transpose(1, 2))
        if bias is not None:
            products[_EVERYWHERE] += bias
        windows = _both_axes(_A, products, 6).view(4, 4, samples, (height - 2) // 4, (width - 2) // 4, channels)
        y = windows.permute(2, 3, 0, 4, 1, 5).reshape(samples, height - 2, width - 2, channels)
        return y.permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        samples, channels, height, width = gradient.shape
        windows = gradient.permute(0, 2, 3, 1).reshape(samples, height // 4, 4, width // 4, 4, channels)
        products = _both_axes(_A.t(), windows.permute(2, 4, 0, 1, 3, 5).contiguous(), 4).view(36, -1, channels)
        of_x = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            of_x = _spread(torch.bmm(products, _transformed_weight(weight)), x)
        if ctx.needs_input_grad[1]:
            of_planes = torch.bmm(products.transpose(1, 2), _transformed_input(x))
            of_weight = _both_axes(_G.t(), of_planes, 6).view(3, 3, *weight.shape[:2]).permute(2, 3, 0, 1)
        if ctx.needs_input_grad[2]:
            of_bias = products[_EVERYWHERE].sum(0)
        return of_x, of_weight, of_bias


_apply = cast(Callable[[Tensor, Tensor, Tensor | None], Tensor], _Winograd.apply)


def _both_axes(matrix: Tensor, planes: Tensor, side: int) -> Tensor:
    """The transform of rows and columns of windows: planes (side, side, ...) flat or not -> (n, n, rest)."""
    rows = torch.mm(matrix, planes.view(side, -1))
    return torch.matmul(matrix, rows.view(len(matrix), side, -1))


def _transformed_weight(weight: Tensor) -> Tensor:
    """(K, C, 3, 3) -> (36, K, C)."""
    return _both_axes(_G, weight.permute(2, 3, 0, 1).contiguous(), 3).view(36, *weight.shape[:2])


def _transformed_input(x: Tensor) -> Tensor:
    """(B, C, H + 2, W + 2) -> (36, windows, C)."""
    (samples, channels, height, width), (a, b, c, d) = x.shape, x.stride()
    shape = (6, 6, samples, (height - 2) // 4, (width - 2) // 4, channels)
    windows = x.as_strided(shape, (c, d, a, 4 * c, 4 * d, b), x.storage_offset()).contiguous()
    return _both_axes(_B, windows, 6).view(36, -1, channels)


def _spread(products: Tensor, x: Tensor) -> Tensor:
    """Gradients of the transformed input (36, windows, C) -> those of the input x: its windows overlap by 2."""
    samples, channels, height, width = x.shape
    down, across = (height - 2) // 4, (width - 2) // 4
    windows = _both_axes(_B.t(), products, 6).view(6, 6, samples, down, across, channels)
    found = products.new_zeros(samples, down + 1, 4, across + 1, 4, channels)
    placed = found.permute(2, 4, 0, 1, 3, 5)
    placed[:, :, :, :-1, :-1] = windows[:4, :4]
    placed[:2, :, :, 1:, :-1] += windows[4:, :4]
    placed[:, :2, :, :-1, 1:] += windows[:4, 4:]
    placed[:2, :2, :, 1:, 1:] += windows[4:, 4:]
    return found.view(samples, height + 2, width + 2, channels)[:, :height, :width].permute(0, 3, 1, 2)
