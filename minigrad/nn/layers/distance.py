"""Distances and angles between vectors, as layers. PyTorch: `torch.nn`."""

# The functions return Any, arrays or tensors as their input is:
# mypy: disable-error-code="no-any-return"
from __future__ import annotations

from ...tensor import Tensor
from .. import functional as F
from .configured import Configured


class CosineSimilarity(Configured):
    """The cosine of the angle between vectors along `dim`. PyTorch: `torch.nn.CosineSimilarity`."""

    dim: int = 1
    eps: float = 1e-8

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.cosine_similarity(x1, x2, self.dim, self.eps)

    def extra_repr(self) -> str:
        return ""


class PairwiseDistance(Configured):
    """The `p`-norm of x1 - x2 + eps along the last dimension. PyTorch: `torch.nn.PairwiseDistance`."""

    p: float = 2.0
    eps: float = 1e-6
    keepdim: bool = False

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.pairwise_distance(x1, x2, self.p, self.eps, self.keepdim)

    def extra_repr(self) -> str:
        return ""


__all__ = ["CosineSimilarity", "PairwiseDistance"]
