"""Losses as layers: a function of `minigrad.nn.functional` with its settings kept. PyTorch: `torch.nn`.

`reduction` is "mean", "sum" or "none". A `weight` is a buffer: it moves with the module and is part of its state.
"""

# The functions return Any, arrays or tensors as their input is:
# mypy: disable-error-code="no-any-return"
from __future__ import annotations

from ...tensor import Tensor
from .. import functional as F
from ..module import Module
from .configured import Configured


class _Loss(Configured):
    """A loss; like PyTorch's it shows no settings."""

    def extra_repr(self) -> str:
        return ""


# ---------------------------------------------------------------------------------------- of classes, with weights


class CrossEntropyLoss(Module):
    """`F.cross_entropy` with its settings kept; `weight` (C) is a buffer. PyTorch: `torch.nn.CrossEntropyLoss`."""

    weight: Tensor | None

    def __init__(
        self, weight: Tensor | None = None, ignore_index: int = -100, reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
        self.reduction = reduction
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(input, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing)


class NLLLoss(Module):
    """The negative of log-probabilities at class ids. PyTorch: `torch.nn.NLLLoss`."""

    weight: Tensor | None

    def __init__(self, weight: Tensor | None = None, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
        self.reduction = reduction

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.nll_loss(input, target, self.weight, self.ignore_index, self.reduction)


class MultiMarginLoss(Module):
    """By how much other classes come within `margin` of the target's score. PyTorch: `torch.nn.MultiMarginLoss`.

    Raises ValueError for a `p` other than 1 and 2.
    """

    weight: Tensor | None

    def __init__(self, p: int = 1, margin: float = 1.0, weight: Tensor | None = None, reduction: str = "mean") -> None:
        super().__init__()
        if p not in (1, 2):
            raise ValueError(f"MultiMarginLoss: p must be 1 or 2, got {p}")
        self.register_buffer("weight", weight)
        self.p = p
        self.margin = margin
        self.reduction = reduction

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.multi_margin_loss(input, target, self.p, self.margin, self.weight, self.reduction)


class BCELoss(Module):
    """The cross-entropy of yes or no, for probabilities. PyTorch: `torch.nn.BCELoss`."""

    weight: Tensor | None

    def __init__(self, weight: Tensor | None = None, reduction: str = "mean") -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.reduction = reduction

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy(input, target, self.weight, self.reduction)


class BCEWithLogitsLoss(Module):
    """`BCELoss` of the sigmoid of logits, without overflow. PyTorch: `torch.nn.BCEWithLogitsLoss`."""

    weight: Tensor | None
    pos_weight: Tensor | None

    def __init__(self, weight: Tensor | None = None, reduction: str = "mean", pos_weight: Tensor | None = None) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)
        self.reduction = reduction

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(input, target, self.weight, self.reduction, self.pos_weight)


class MultiLabelSoftMarginLoss(Module):
    """`BCEWithLogitsLoss`, averaged over the classes first. PyTorch: `torch.nn.MultiLabelSoftMarginLoss`."""

    weight: Tensor | None

    def __init__(self, weight: Tensor | None = None, reduction: str = "mean") -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.reduction = reduction

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.multilabel_soft_margin_loss(input, target, self.weight, self.reduction)


# ------------------------------------------------------------------------------- of numbers and distributions


class MSELoss(_Loss):
    """The squared difference, averaged, summed or elementwise. PyTorch: `torch.nn.MSELoss`."""

    reduction: str = "mean"

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(input, target, self.reduction)


class L1Loss(_Loss):
    """The absolute difference. PyTorch: `torch.nn.L1Loss`."""

    reduction: str = "mean"

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.l1_loss(input, target, self.reduction)


class SmoothL1Loss(_Loss):
    """The absolute difference, rounded off within `beta`. PyTorch: `torch.nn.SmoothL1Loss`."""

    reduction: str = "mean"
    beta: float = 1.0

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.smooth_l1_loss(input, target, self.reduction, self.beta)


class HuberLoss(_Loss):
    """Half the squared difference, linear beyond `delta`. PyTorch: `torch.nn.HuberLoss`."""

    reduction: str = "mean"
    delta: float = 1.0

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.huber_loss(input, target, self.reduction, self.delta)


class KLDivLoss(_Loss):
    """The Kullback-Leibler divergence, term by term; `reduction` may be "batchmean". PyTorch: `torch.nn.KLDivLoss`."""

    reduction: str = "mean"
    log_target: bool = False

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.kl_div(input, target, self.reduction, self.log_target)


class PoissonNLLLoss(_Loss):
    """The negative log-likelihood of counts. PyTorch: `torch.nn.PoissonNLLLoss`."""

    log_input: bool = True
    full: bool = False
    eps: float = 1e-8
    reduction: str = "mean"

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.poisson_nll_loss(input, target, self.log_input, self.full, self.eps, self.reduction)


class GaussianNLLLoss(Module):
    """The negative log-likelihood of numbers, given means and variances. PyTorch: `torch.nn.GaussianNLLLoss`."""

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__()
        self.full = full
        self.eps = eps
        self.reduction = reduction

    def forward(self, input: Tensor, target: Tensor, var: Tensor | float) -> Tensor:
        return F.gaussian_nll_loss(input, target, var, self.full, self.eps, self.reduction)


# -------------------------------------------------------------------------------------------------- of margins


class HingeEmbeddingLoss(_Loss):
    """A distance where the target is 1, its lack of `margin` where it is -1. PyTorch: `torch.nn.HingeEmbeddingLoss`."""

    margin: float = 1.0
    reduction: str = "mean"

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.hinge_embedding_loss(input, target, self.margin, self.reduction)


class MarginRankingLoss(_Loss):
    """Wants one input above the other by `margin`. PyTorch: `torch.nn.MarginRankingLoss`."""

    margin: float = 0.0
    reduction: str = "mean"

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return F.margin_ranking_loss(input1, input2, target, self.margin, self.reduction)


class CosineEmbeddingLoss(_Loss):
    """Wants vectors to point one way, or apart, by the cosine. PyTorch: `torch.nn.CosineEmbeddingLoss`."""

    margin: float = 0.0
    reduction: str = "mean"

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return F.cosine_embedding_loss(input1, input2, target, self.margin, self.reduction)


class SoftMarginLoss(_Loss):
    """log(1 + exp(-target * input)). PyTorch: `torch.nn.SoftMarginLoss`."""

    reduction: str = "mean"

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.soft_margin_loss(input, target, self.reduction)


class TripletMarginLoss(_Loss):
    """Wants the anchor nearer to the positive than to the negative by `margin`. PyTorch: `torch.nn.TripletMarginLoss`.

    Raises ValueError unless `margin` is above 0.
    """

    margin: float = 1.0
    p: float = 2.0
    eps: float = 1e-6
    swap: bool = False
    reduction: str = "mean"

    def __post_init__(self) -> None:
        if self.margin <= 0:
            raise ValueError(f"TripletMarginLoss: margin must be above 0, got {self.margin}")

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return F.triplet_margin_loss(
            anchor, positive, negative, self.margin, self.p, self.eps, self.swap, self.reduction
        )


__all__ = [
    "BCELoss", "BCEWithLogitsLoss", "CosineEmbeddingLoss", "CrossEntropyLoss", "GaussianNLLLoss",
    "HingeEmbeddingLoss", "HuberLoss", "KLDivLoss", "L1Loss", "MSELoss", "MarginRankingLoss",
    "MultiLabelSoftMarginLoss", "MultiMarginLoss", "NLLLoss", "PoissonNLLLoss", "SmoothL1Loss", "SoftMarginLoss",
    "TripletMarginLoss",
]  # fmt: skip
