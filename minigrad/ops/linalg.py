"""Linear algebra on matrices and stacks of matrices: `minigrad.linalg`, with the names of `torch.linalg`.

The gradients are those of Giles, "An extended collection of matrix derivative results for forward and reverse mode
algorithmic differentiation" (2008), and for `cholesky` of Murray, "Differentiation of the Cholesky decomposition"
(2016).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..backends import Array, backend_of
from ..tensor import Tensor
from . import products
from .cast import clone
from .diagonals import tril
from .elementwise import where
from .failure import DTypeError, LinAlgError, ShapeError, in_module
from .index import getitem, raw, whole
from .norms import matrix_norm, norm, vector_norm
from .primitive import Primitive
from .products import matmul
from .shape import expand, reshape, squeeze, transpose, unsqueeze


def _in_float(name: str, function: Callable[..., Array]) -> Callable[..., Array]:
    """NumPy's linear algebra on float32 or float64, its failures in our words; float16 is computed in float32."""

    def run(*matrices: Array) -> Array:
        dtype = matrices[0].dtype
        wide = [matrix.astype(np.float32) if dtype == np.float16 else matrix for matrix in matrices]
        try:
            return function(*wide).astype(dtype)
        except np.linalg.LinAlgError:
            raise LinAlgError(_REASONS[name]) from None

    return run


_REASONS = {
    "inv": "a matrix is singular, so it has no inverse (are two rows equal, or one zero?)",
    "solve": "a matrix is singular, so there is no single solution (are two rows equal, or one zero?)",
    "cholesky": "a matrix is not positive definite (add a small multiple of eye(n) to a covariance that should be)",
}


def _square(name: str, input: Any) -> Any:
    if input.ndim < 2 or input.shape[-1] != input.shape[-2]:
        raise ShapeError(f"linalg.{name} takes square matrices, got shape {tuple(input.shape)}{in_module()}")
    return _floating(name, input)


def _floating(name: str, input: Any) -> Any:
    if input.dtype.kind != "f":
        raise DTypeError(f"linalg.{name} takes floating-point tensors, got {input.dtype}; convert with .float()")
    return input


# ------------------------------------------------------------------------------------------ inverses and solutions

_inv_arrays = _in_float("inv", np.linalg.inv)
_solve_arrays = _in_float("solve", np.linalg.solve)
_inv: Primitive = Primitive("inv", lambda x: _inv_arrays(x)).rules(
    x=lambda g, out: -(_mT(out) @ g @ _mT(out)),
)
_solve: Primitive = Primitive("solve", lambda a, b: _solve_arrays(a, b)).rules(
    a=lambda g, a, out: -(_solve(_mT(a), g) @ _mT(out)),
    b=lambda g, a: _solve(_mT(a), g),
)


def _mT(x: Any) -> Any:
    return transpose(x, -1, -2)


def inv(A: Any) -> Any:
    """The inverse of every matrix in (..., n, n). PyTorch: `torch.linalg.inv`.

    Raises LinAlgError (a RuntimeError) for a singular matrix, ShapeError for one that is not square. To solve a system,
    `solve` is faster and more accurate.

    >>> import minigrad as mg
    >>> mg.linalg.inv(mg.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    return _inv(_square("inv", A))


def solve(A: Any, B: Any, *, left: bool = True) -> Any:
    """X with A X = B (X A = B unless `left`), for A of (..., n, n). PyTorch: `torch.linalg.solve`.

    B is a vector (n,), a stack of vectors (..., n) over the batch of A, or matrices (..., n, k). Raises LinAlgError for
    a singular matrix.

    >>> import minigrad as mg
    >>> mg.linalg.solve(mg.tensor([[2.0, 0.0], [0.0, 4.0]]), mg.tensor([2.0, 2.0]))
    tensor([1.0000, 0.5000])
    """
    A, B = _square("solve", A), _floating("solve", B)
    vectors = B.ndim == 1 or (B.ndim == A.ndim - 1 and tuple(B.shape) == tuple(A.shape[:-1]))
    if not left:
        if vectors:
            raise ShapeError(f"linalg.solve of X A = B takes matrices B, got shape {tuple(B.shape)}")
        return _mT(_solved(_mT(A), _mT(B)))
    return squeeze(_solved(A, unsqueeze(B, -1)), -1) if vectors else _solved(A, B)


def _solved(A: Any, columns: Any) -> Any:
    n = A.shape[-1]
    if columns.ndim < 2 or columns.shape[-2] != n:
        raise ShapeError(
            f"linalg.solve: {tuple(A.shape)} has {n} rows, {tuple(columns.shape)} {columns.shape[-2]}{in_module()}"
        )
    try:
        batch = np.broadcast_shapes(tuple(A.shape[:-2]), tuple(columns.shape[:-2]))
    except ValueError:
        raise ShapeError(
            f"linalg.solve: the batches of {tuple(A.shape)} and {tuple(columns.shape)} do not broadcast{in_module()}"
        ) from None
    return _solve(expand(A, (*batch, n, n)), expand(columns, (*batch, *columns.shape[-2:])))


def matrix_power(input: Any, n: int) -> Any:
    """The product of `n` copies of every matrix; of the inverse for negative `n`. PyTorch: `torch.linalg.matrix_power`.

    By squaring, so in about 2 log2(n) products.
    """
    if input.ndim < 2 or input.shape[-1] != input.shape[-2]:
        raise ShapeError(f"linalg.matrix_power takes square matrices, got shape {tuple(input.shape)}{in_module()}")
    n = whole("n", n)
    if n < 0:
        return matrix_power(inv(input), -n)
    if n == 0:
        one = Tensor(backend_of(input.data).xp.eye(input.shape[-1], dtype=input.dtype))
        return where(Tensor(backend_of(input.data).xp.zeros((), bool)), input, one)  # depends on it, with gradient 0
    if n == 1:
        return clone(input)
    power, square = None, input
    while True:
        if n % 2:
            power = square if power is None else matmul(power, square)
        n //= 2
        if not n:
            return power
        square = matmul(square, square)


# --------------------------------------------------------------------------------------------------- determinants


def _cofactors(x: Any, out: Any) -> Any:
    """The gradient of the determinant: det(x) inv(x)^T, or minor by minor where a matrix is nearly singular. Without a
    look at the values, small ones are always taken for that, and large ones never."""
    n = x.shape[-1]
    if not backend_of(raw(x)).checks_values:
        if n > 16:
            return _by_matrix(out) * _mT(_inv(x))
    elif np.all(raw(out) != 0.0):
        inverse = _inv(x)
        if n > 16 or np.all(_row_sum(x) * _row_sum(inverse) < 1e6):  # the condition number, of the norm of rows
            return _by_matrix(out) * _mT(inverse)
    rows = np.arange(n, like=raw(x))
    kept = rows[: n - 1] + (rows[: n - 1] >= rows[:, None])  # (n, n - 1): all but the i-th
    minors = getitem(x, (..., kept[:, None, :, None], kept[None, :, None, :]))
    signs = 1.0 - 2.0 * ((rows[:, None] + rows) % 2)
    return _det(minors) * signs.astype(x.dtype)


def _row_sum(x: Any) -> Array:
    """The largest absolute sum of a row of every matrix."""
    return np.max(np.sum(np.abs(raw(x)), axis=-1), axis=-1, initial=0.0)


def _by_matrix(values: Any) -> Any:
    """One number for each matrix, to be multiplied with it."""
    return reshape(values, (*values.shape, 1, 1))


_det_arrays = _in_float("det", np.linalg.det)
_det: Primitive = Primitive("det", lambda x: _det_arrays(x)).rules(
    x=lambda g, out, x: _by_matrix(g) * _cofactors(x, out),
)


def _sign_and_log(x: Array) -> Array:
    wide = x.astype(np.float32) if x.dtype == np.float16 else x
    return np.stack(np.linalg.slogdet(wide)).astype(x.dtype)


_slogdet = Primitive("slogdet", _sign_and_log).rules(
    x=lambda g, x: _by_matrix(g[1]) * _mT(_inv(x)),
)


def det(A: Any) -> Any:
    """The determinant of every matrix in (..., n, n). PyTorch: `torch.linalg.det`.

    Its gradient is defined for singular matrices too.

    >>> import minigrad as mg
    >>> mg.linalg.det(mg.tensor([[2.0, 1.0], [0.0, 3.0]])).item()
    6.0
    """
    return _det(_square("det", A))


class SignAndLog(NamedTuple):
    """What `slogdet` returns: det(A) = sign * exp(logabsdet)."""

    sign: Any
    logabsdet: Any


def slogdet(A: Any) -> SignAndLog:
    """Sign and logarithm of the determinant of every matrix, where it would overflow itself. PyTorch:
    `torch.linalg.slogdet`.

    A singular matrix has sign 0 and logarithm -inf, and there its gradient raises LinAlgError.
    """
    both = _slogdet(_square("slogdet", A))
    return SignAndLog(getitem(both, 0).detach(), getitem(both, 1))


def logdet(input: Any) -> Any:
    """The logarithm of the determinant; nan where that is negative. PyTorch: `torch.logdet`."""
    sign, logarithm = slogdet(input)
    return where(sign == -1.0, math.nan, logarithm)


# --------------------------------------------------------------------------------------------------- factorizations


def _cholesky_gradient(g: Any, out: Any) -> Any:
    half = tril(matmul(_mT(out), g))
    half = half * (1.0 - 0.5 * backend_of(raw(out)).xp.eye(out.shape[-1], dtype=out.dtype))  # the diagonal counts half
    left = _solve(_mT(out), half)  # L^-T (...)
    both = _mT(_solve(_mT(out), _mT(left)))  # L^-T (...) L^-1
    return (both + _mT(both)) * 0.5


_cholesky_arrays = _in_float("cholesky", np.linalg.cholesky)
_cholesky = Primitive("cholesky", lambda x: _cholesky_arrays(x)).rules(x=_cholesky_gradient)


def cholesky(input: Any, *, upper: bool = False) -> Any:
    """The lower triangular L with L L^T = A, for `input` A of (..., n, n), symmetric and positive definite; U = L^T if
    `upper`. PyTorch: `torch.linalg.cholesky`.

    Only the lower triangle of A is read (the upper if `upper`), and the gradient is symmetric. Raises LinAlgError for a
    matrix that is not positive definite.
    """
    input = _square("cholesky", input)
    return _mT(_cholesky(_mT(input))) if upper else _cholesky(input)


# ------------------------------------------------------------------------------------------------- products


def cross(input: Any, other: Any, *, dim: int = -1) -> Any:
    """Cross products of vectors of three along `dim`; the other dimensions broadcast. PyTorch: `torch.linalg.cross`."""
    return products.cross(input, other, dim)


def vecdot(x: Any, y: Any, *, dim: int = -1) -> Any:
    """Dot products of vectors along `dim`. PyTorch: `torch.linalg.vecdot`."""
    return (x * y).sum(dim)


def multi_dot(tensors: Any) -> Any:
    """The product of several matrices in the cheapest order; the first and the last may be vectors. PyTorch:
    `torch.linalg.multi_dot`."""
    tensors = list(tensors)
    if len(tensors) < 2:
        raise ValueError(f"multi_dot takes two tensors or more, got {len(tensors)}")
    row, column = tensors[0].ndim == 1, tensors[-1].ndim == 1
    if row:
        tensors[0] = unsqueeze(tensors[0], 0)
    if column:
        tensors[-1] = unsqueeze(tensors[-1], 1)
    for left, right in itertools.pairwise(tensors):
        if left.ndim != 2 or right.ndim != 2 or left.shape[1] != right.shape[0]:
            raise ShapeError(f"multi_dot: {tuple(left.shape)} and {tuple(right.shape)} are no matrices that multiply")
    out = _cheapest_product(tensors)
    if row:
        out = squeeze(out, 0)
    return squeeze(out, -1) if column else out


def _cheapest_product(matrices: list[Any]) -> Any:
    """Dynamic programming over where the last product splits the chain."""
    sizes = [matrices[0].shape[0], *(matrix.shape[1] for matrix in matrices)]
    best: dict[tuple[int, int], tuple[int, int]] = {(i, i + 1): (0, i) for i in range(len(matrices))}
    for length in range(2, len(matrices) + 1):
        for i in range(len(matrices) - length + 1):
            j = i + length
            best[i, j] = min(
                (best[i, k][0] + best[k, j][0] + sizes[i] * sizes[k] * sizes[j], k) for k in range(i + 1, j)
            )

    def product(i: int, j: int) -> Any:
        return matrices[i] if j == i + 1 else matmul(product(i, best[i, j][1]), product(best[i, j][1], j))

    return product(0, len(matrices))


inverse = inv
OUTSIDE = ["det", "inverse", "logdet", "matrix_power", "slogdet"]  # also `torch.det` and so on

__all__ = [
    "LinAlgError", "cholesky", "cross", "det", "inv", "matrix_norm", "matrix_power", "multi_dot", "norm", "slogdet",
    "solve", "vecdot", "vector_norm",
]  # fmt: skip
