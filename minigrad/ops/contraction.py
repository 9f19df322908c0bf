"""Sums of products by index letters, composed of matrix products."""

from __future__ import annotations

import math
from typing import Any

from .diagonals import diagonal
from .elementwise import mul
from .failure import ShapeError
from .index import dim_of
from .products import matmul
from .reduce import sum
from .shape import permute, reshape


def einsum(equation: str, *operands: Any) -> Any:
    """Sums of products by index letters, such as `"bij,bjk->bik"`; `...` stands for dimensions that broadcast.

    PyTorch: `torch.einsum`. Operands are contracted from left to right, each pair by one matrix product.
    Raises ValueError for an equation that does not fit the operands.

    >>> import minigrad as mg
    >>> mg.einsum("ij,j->i", mg.ones(2, 3), mg.ones(3))
    tensor([3., 3.])
    """
    if len(operands) == 1 and isinstance(operands[0], (tuple, list)):
        operands = tuple(operands[0])
    terms, output = _parse(equation, operands)
    total, letters = _diagonal(operands[0], terms[0])
    for position in range(1, len(operands)):
        right, right_letters = _diagonal(operands[position], terms[position])
        later = set(output).union(*terms[position + 1 :])
        total, letters = _contract(total, letters, right, right_letters, later)
    summed = tuple(axis for axis, letter in enumerate(letters) if letter not in output)
    if summed:
        total = sum(total, summed)
        letters = [letter for letter in letters if letter in output]
    return permute(total, tuple(letters.index(letter) for letter in output)) if letters != output else total


def _parse(equation: str, operands: tuple[Any, ...]) -> tuple[list[list[str]], list[str]]:
    """The index letters of each operand and of the output; the dimensions of `...` become letters of their own."""
    text = equation.replace(" ", "")
    inputs, arrow, out = text.partition("->")
    terms = inputs.split(",")
    if len(terms) != len(operands):
        raise ValueError(f"einsum {equation!r} names {len(terms)} operands, got {len(operands)}")
    if set(text) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ,.->"):
        raise ValueError(f"einsum {equation!r}: an index is a letter")
    if any("." in term.replace("...", "", 1) for term in (*terms, out)):
        raise ValueError(f"einsum {equation!r}: dots come as one '...' in a term")
    ranks = [operand.ndim - len(term.replace("...", "")) for term, operand in zip(terms, operands)]
    for term, operand, rank in zip(terms, operands, ranks):
        if rank < 0 or (rank > 0 and "..." not in term):
            raise ValueError(f"einsum {equation!r}: {term!r} does not fit an operand of shape {tuple(operand.shape)}")
    batch = [f"...{i}" for i in range(max([r for r, t in zip(ranks, terms) if "..." in t], default=0), 0, -1)]
    expanded = [_letters(term, batch[len(batch) - rank :] if "..." in term else []) for term, rank in zip(terms, ranks)]
    if arrow:
        output = _letters(out, batch)
    else:
        counts = [letter for term in expanded for letter in term]
        output = batch + sorted(letter for letter in set(counts) - set(batch) if counts.count(letter) == 1)
    sizes: dict[str, int] = {}
    for term_letters, operand in zip(expanded, operands):
        for letter, size in zip(term_letters, operand.shape):
            if size != 1 and sizes.setdefault(letter, size) not in (1, size):
                raise ValueError(f"einsum {equation!r}: index {letter!r} has sizes {sizes[letter]} and {size}")
    unknown = [letter for letter in output if not any(letter in term for term in expanded)]
    if unknown or len(set(output)) != len(output):
        raise ValueError(f"einsum {equation!r}: the output must name indices of the operands, each once")
    return expanded, output


def _letters(term: str, batch: list[str]) -> list[str]:
    before, dots, after = term.partition("...")
    return [*before, *(batch if dots else []), *after]


def _diagonal(operand: Any, letters: list[str]) -> tuple[Any, list[str]]:
    """An operand in which no letter repeats: of a repeated one, the diagonal."""
    for letter in dict.fromkeys(letters):
        while letters.count(letter) > 1:
            first = letters.index(letter)
            second = letters.index(letter, first + 1)
            size = operand.shape[first]
            if operand.shape[second] != size:
                raise ValueError(f"einsum: repeated index {letter!r} has sizes {size} and {operand.shape[second]}")
            operand = diagonal(operand, 0, first, second)
            rest = [axis for axis in range(len(letters)) if axis not in (first, second)]
            letters = [*(letters[axis] for axis in rest), letter]
    return operand, letters


def _contract(x: Any, xs: list[str], y: Any, ys: list[str], kept: set[str]) -> tuple[Any, list[str]]:
    """Two operands as one: a stack of matrix products over the letters they share and nobody needs later."""
    x, xs = _sum_alone(x, xs, ys, kept)
    y, ys = _sum_alone(y, ys, xs, kept)
    shared = [letter for letter in xs if letter in ys]
    inner = [letter for letter in shared if letter not in kept]
    if any(x.shape[xs.index(letter)] != y.shape[ys.index(letter)] for letter in inner):  # a size 1 that broadcasts
        inner = []
    batch = [letter for letter in shared if letter not in inner]
    rows = [letter for letter in xs if letter not in ys]
    columns = [letter for letter in ys if letter not in xs]
    letters = [*batch, *rows, *columns]
    if not inner:
        left = reshape(
            permute(x, [xs.index(k) for k in batch + rows]), _sizes(x, xs, batch + rows) + (1,) * len(columns)
        )
        right = permute(y, [ys.index(k) for k in batch + columns])
        right = reshape(right, _sizes(y, ys, batch) + (1,) * len(rows) + _sizes(y, ys, columns))
        return mul(left, right), letters
    stack_x, stack_y = _sizes(x, xs, batch), _sizes(y, ys, batch)
    row_sizes, column_sizes, depth = _sizes(x, xs, rows), _sizes(y, ys, columns), math.prod(_sizes(x, xs, inner))
    left = reshape(permute(x, [xs.index(k) for k in batch + rows + inner]), (*stack_x, math.prod(row_sizes), depth))
    right = reshape(
        permute(y, [ys.index(k) for k in batch + inner + columns]), (*stack_y, depth, math.prod(column_sizes))
    )
    out = matmul(left, right)
    return reshape(out, (*out.shape[:-2], *row_sizes, *column_sizes)), letters


def _sizes(x: Any, letters: list[str], chosen: list[str]) -> tuple[int, ...]:
    return tuple(x.shape[letters.index(letter)] for letter in chosen)


def _sum_alone(x: Any, letters: list[str], others: list[str], kept: set[str]) -> tuple[Any, list[str]]:
    alone = tuple(axis for axis, letter in enumerate(letters) if letter not in kept and letter not in others)
    if not alone:
        return x, letters
    return sum(x, alone), [letter for axis, letter in enumerate(letters) if axis not in alone]


def tensordot(a: Any, b: Any, dims: Any = 2) -> Any:
    """Sums of products over some dimensions of both: the last `dims` of `a` and the first of `b`, or a pair of lists.
    PyTorch: `torch.tensordot`.

    >>> import minigrad as mg
    >>> mg.tensordot(mg.ones(2, 3, 4), mg.ones(4, 3, 5), dims=([1, 2], [1, 0])).shape
    (2, 5)
    """
    if isinstance(dims, int):
        if not 0 <= dims <= min(a.ndim, b.ndim):
            raise ValueError(f"tensordot over {dims} dimensions of {tuple(a.shape)} and {tuple(b.shape)}")
        dims = range(a.ndim - dims, a.ndim), range(dims)
    first, second = ([dim_of(x.ndim, dim) for dim in chosen] for x, chosen in zip((a, b), dims))
    if len(first) != len(second):
        raise ValueError(f"tensordot sums over as many dimensions of both, got {len(first)} and {len(second)}")
    for i, j in zip(first, second):
        if a.shape[i] != b.shape[j] and 1 not in (a.shape[i], b.shape[j]):
            raise ShapeError(
                f"tensordot of {tuple(a.shape)} and {tuple(b.shape)}: dimension {i} of the first has size "
                f"{a.shape[i]}, dimension {j} of the second {b.shape[j]}"
            )
    inner = [f"sum {k}" for k in range(len(first))]
    rows, columns = [f"row {i}" for i in range(a.ndim)], [f"column {j}" for j in range(b.ndim)]
    for letter, i, j in zip(inner, first, second):
        rows[i] = columns[j] = letter
    kept = {letter for letter in rows + columns if letter not in inner}
    out, letters = _contract(a, rows, b, columns, kept)
    summed = tuple(axis for axis, letter in enumerate(letters) if letter in inner)
    return sum(out, summed) if summed else out


def kron(input: Any, other: Any) -> Any:
    """Every element of `input` times the whole of `other`, side by side. PyTorch: `torch.kron`.

    >>> import minigrad as mg
    >>> mg.kron(mg.tensor([1, 10]), mg.tensor([1, 2]))
    tensor([ 1,  2, 10, 20])
    """
    ndim = max(input.ndim, other.ndim)
    left = (1,) * (ndim - input.ndim) + tuple(input.shape)
    right = (1,) * (ndim - other.ndim) + tuple(other.shape)
    apart = reshape(input, tuple(n for size in left for n in (size, 1)))
    products = mul(apart, reshape(other, tuple(n for size in right for n in (1, size))))
    return reshape(products, tuple(m * n for m, n in zip(left, right)))


__all__ = ["einsum", "kron", "tensordot"]
