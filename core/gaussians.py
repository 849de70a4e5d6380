"""The optimal transport of one Gaussian to another: of all affine maps that give values the other's mean and covariance
the one that moves them least, y = m2 + A (x - m1) with A = S1^(-1/2) (S1^(1/2) S2 S1^(1/2))^(1/2) S1^(-1/2) (Olkin and
Pukelsheim 1982; Peyré and Cuturi 2019, remark 2.31)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]


def monge(source: Matrix, target: Matrix) -> Matrix:
    """A (n, n) for covariances S1 and S2 (n, n), symmetric and positive."""
    root, inverse = _power(source, 0.5), _power(source, -0.5)
    linear: Matrix = inverse @ _power(root @ target @ root, 0.5) @ inverse
    return linear


def _power(matrix: Matrix, exponent: float) -> Matrix:
    values, vectors = np.linalg.eigh(matrix)
    least = np.finfo(np.float64).tiny if exponent < 0 else 0.0
    power: Matrix = (vectors * np.maximum(values, least) ** exponent) @ vectors.T
    return power
