"""Positions: what is done to tokens to say where in the sequence each one stands: added to embeddings, or turned by."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backends import backend_for
from ..ops import ShapeError
from ..ops.composite import composite
from ..ops.failure import in_module
from ..ops.shape import cat
from ..tensor import Tensor
from . import init
from .module import Module
from .parameter import empty_parameter


class SinusoidalPositions(Module):
    """Adds sines and cosines of the position, at wavelengths from 2 pi to 10000 * 2 pi. Nothing is trained.

    Feature 2i of position p is sin(p / 10000^(2i / embedding_dim)), feature 2i + 1 the cosine of the same. The table
    is a buffer `table` (num_positions, embedding_dim) that is no part of the state_dict. Source: Vaswani et al.,
    "Attention is all you need" (2017), section 3.5.

    >>> import minigrad as mg
    >>> mg.nn.SinusoidalPositions(100, 4, batch_first=True)(mg.zeros(1, 2, 4))[0, 0]
    tensor([0., 1., 0., 1.])
    """

    table: Tensor

    def __init__(
        self, num_positions: int, embedding_dim: int, batch_first: bool = False, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        if embedding_dim % 2:
            raise ValueError(f"SinusoidalPositions: embedding_dim must be even (sine and cosine), got {embedding_dim}")
        self.num_positions = num_positions
        self.embedding_dim = embedding_dim
        self.batch_first = batch_first
        frequencies = 10000.0 ** -(np.arange(0, embedding_dim, 2) / embedding_dim)
        angles = np.arange(num_positions)[:, None] * frequencies  # (positions, dim / 2)
        table = np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(num_positions, embedding_dim)
        table = table.astype(np.float32 if dtype is None else dtype)
        self.register_buffer("table", Tensor(backend_for(device).asarray(table)), persistent=False)

    def forward(self, input: Tensor, offset: int = 0) -> Tensor:
        """`input` (L, N, embedding_dim), or batch first, or (L, embedding_dim), plus positions from `offset` on."""
        return _add_positions(self, self.table, input, offset, self.batch_first)

    def extra_repr(self) -> str:
        return f"{self.num_positions}, {self.embedding_dim}, batch_first={self.batch_first}"


class LearnedPositions(Module):
    """Adds a trained vector for each position, `weight` (num_positions, embedding_dim).

    Starts normal with standard deviation 0.02. Source: Radford et al., "Language models are unsupervised multitask
    learners" (2019), and its code.
    """

    def __init__(
        self, num_positions: int, embedding_dim: int, batch_first: bool = False, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.num_positions = num_positions
        self.embedding_dim = embedding_dim
        self.batch_first = batch_first
        self.weight = empty_parameter(num_positions, embedding_dim, dtype=dtype, device=device)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw initial values anew."""
        init.normal_(self.weight, std=0.02)

    def forward(self, input: Tensor, offset: int = 0) -> Tensor:
        """`input` (L, N, embedding_dim), or batch first, or (L, embedding_dim), plus positions from `offset` on."""
        return _add_positions(self, self.weight, input, offset, self.batch_first)

    def extra_repr(self) -> str:
        return f"{self.num_positions}, {self.embedding_dim}, batch_first={self.batch_first}"


@composite
def rotate(x: Any, cos: Any, sin: Any) -> Any:
    """Rotary positions: each pair of features (i, i + R) of `x` turned by the angle of its position.

    `x` is (..., T, D), such as the queries or the keys (B, H, T, D) of an attention; `cos` and `sin`, of the angles of
    T positions and R = D / 2 pairs, broadcast to (..., T, R). Source: Su et al., "RoFormer: Enhanced transformer with
    rotary position embedding" (2021); the pairs lie as in Hugging Face's Llama. Raises ShapeError (a ValueError and
    RuntimeError) if D is odd.

    >>> import minigrad as mg
    >>> mg.nn.positions.rotate(mg.tensor([[1.0, 2.0]]), mg.tensor([[0.0]]), mg.tensor([[1.0]]))  # by a right angle
    tensor([[-2.,  1.]])
    """
    if x.shape[-1] % 2:
        raise ShapeError(f"rotate of {tuple(x.shape)}: features turn in pairs, their number must be even{in_module()}")
    R = x.shape[-1] // 2
    a, b = x[..., :R], x[..., R:]  # (..., T, R) each
    return cat([a * cos - b * sin, b * cos + a * sin], -1)  # (..., T, D)


def _add_positions(module: Module, table: Tensor, input: Tensor, offset: int, batch_first: bool) -> Tensor:
    name = type(module).__name__
    if input.ndim not in (2, 3) or input.shape[-1] != table.shape[1]:
        layout = "(N, L, features)" if batch_first else "(L, N, features)"
        raise ShapeError(f"{name} of {input.shape}{in_module()}: must be {layout} with {table.shape[1]} features")
    length = input.shape[-2 if batch_first else 0]
    if offset < 0 or offset + length > table.shape[0]:
        raise ValueError(
            f"{name}: positions {offset} to {offset + length - 1} are asked for, the table has {table.shape[0]} "
            f"(is batch_first={batch_first} right for an input of shape {input.shape}?)"
        )
    rows = table[offset : offset + length]  # (L, features)
    return input + (rows if batch_first or input.ndim == 2 else rows.unsqueeze(1))
