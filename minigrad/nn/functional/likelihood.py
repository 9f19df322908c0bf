"""Losses that are likelihoods: of yes or no, of a distribution, of a count, of a number with its variance."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...backends import backend_of
from ...ops import ShapeError, clamp_min, exp, log, log1p, logaddexp, where, xlogy
from ...ops.failure import in_module
from ...tensor import Tensor
from .activation import logsigmoid
from .loss import check_floating_target, check_same_shape, reduced


def binary_cross_entropy(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
    """-(target log(input) + (1 - target) log(1 - input)), for probabilities `input`. PyTorch: `F.binary_cross_entropy`.

    Logarithms are limited to -100 from below, and the gradient to 1e12, so that a certainty that proves wrong has
    a finite loss; `binary_cross_entropy_with_logits` loses no digits there. `weight` broadcasts and
    multiplies the losses. Raises ShapeError if input and target differ in shape, ValueError for an input outside of
    [0, 1].
    """
    check_same_shape("binary_cross_entropy", input, target)
    check_floating_target("binary_cross_entropy", target)
    data = input.data if isinstance(input, Tensor) else input
    if backend_of(data).checks_values and not ((data >= 0) & (data <= 1)).all():
        raise ValueError(
            f"binary_cross_entropy: input must lie between 0 and 1; is it a logit? "
            f"binary_cross_entropy_with_logits takes those{in_module()}"
        )
    losses = _yes_or_no(input, target)
    return reduced("binary_cross_entropy", losses if weight is None else losses * weight, reduction)


def _yes_or_no(input: Any, target: Any) -> Any:
    limit = max(1e-12, float(np.finfo(input.dtype).tiny))
    certain = input * (1.0 - input) < limit
    inside = where(certain, 0.5, input)
    losses = -(target * log(inside) + (1.0 - target) * log1p(-inside))
    # Where the input is (nearly) 0 or 1: a line in it, of PyTorch's value and slope.
    at = input.detach()
    log_yes = where(at == 0, -100.0, clamp_min(log(where(at == 0, 1.0, at)), -100.0))
    log_no = where(at == 1, -100.0, log1p(-where(at == 1, 0.0, at)))
    line = (input - at) * ((at - target.detach()) / limit) - (target * log_yes + (1.0 - target) * log_no)
    return where(certain, line, losses)


def binary_cross_entropy_with_logits(
    input: Any, target: Any, weight: Any = None, reduction: str = "mean", pos_weight: Any = None
) -> Any:
    """`binary_cross_entropy` of sigmoid(`input`), without overflow and with every digit far out.

    PyTorch: `F.binary_cross_entropy_with_logits`. `weight` multiplies the losses, `pos_weight` the part of the
    positive targets; both broadcast. Raises ShapeError if input and target differ in shape.

    >>> import minigrad as mg
    >>> mg.nn.functional.binary_cross_entropy_with_logits(mg.tensor([-1000.0, 1000.0]), mg.ones(2), reduction="none")
    tensor([1000.,    0.])
    """
    check_same_shape("binary_cross_entropy_with_logits", input, target)
    check_floating_target("binary_cross_entropy_with_logits", target)
    positive = target * logaddexp(-input, 0.0)
    if pos_weight is not None:
        positive = positive * pos_weight
    losses = positive + (1.0 - target) * logaddexp(input, 0.0)
    return reduced("binary_cross_entropy_with_logits", losses if weight is None else losses * weight, reduction)


def multilabel_soft_margin_loss(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
    """`binary_cross_entropy_with_logits`, averaged over the classes, the last dimension, first. PyTorch:
    `F.multilabel_soft_margin_loss`. `weight` is a factor per class."""
    losses = -(target * logsigmoid(input) + (1.0 - target) * logsigmoid(-input))
    if weight is not None:
        losses = losses * weight
    return reduced("multilabel_soft_margin_loss", losses.sum(-1) / input.shape[-1], reduction)


def kl_div(input: Any, target: Any, reduction: str = "mean", log_target: bool = False) -> Any:
    """target * (log(target) - input): the Kullback-Leibler divergence, term by term. PyTorch: `F.kl_div`.

    `input` is a log-probability, and so is `target` with `log_target`. The divergence itself is the "sum" of its
    terms, or "batchmean": that divided by the size of the first dimension. "mean" divides by the number of elements.
    """
    terms = exp(target) * (target - input) if log_target else xlogy(target, target) - target * input
    if reduction == "batchmean":
        return reduced("kl_div", terms, "sum") / (input.shape[0] if input.ndim else 1)
    return reduced("kl_div", terms, reduction)


def gaussian_nll_loss(
    input: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Any:
    """The negative log-likelihood of `target` under a normal of mean `input` and variance `var`.

    PyTorch: `F.gaussian_nll_loss`. `var`, a number or a tensor, has the shape of `input`, or lacks the last
    dimension, or has size 1 in one; a value below `eps` counts as `eps`, and the gradient does not see that. `full`
    adds the constant log(2 pi) / 2. Source: Nix and Weigend, "Estimating the mean and variance of the target
    probability distribution" (1994). Raises ShapeError for another shape of `var`, ValueError for a negative one.
    """
    if not isinstance(var, Tensor):
        var = Tensor(np.full_like(input.data, var))
    if backend_of(var.data).checks_values and (var.data < 0).any():
        raise ValueError(f"gaussian_nll_loss: var has a value below 0{in_module()}")
    shape = tuple(input.shape)
    if tuple(var.shape) == shape[:-1]:
        var = var.reshape(*var.shape, 1)
    elif tuple(var.shape) != shape and (
        var.ndim != input.ndim or sum(size for size, own in zip(var.shape, shape) if size != own) != 1
    ):
        raise ShapeError(
            f"gaussian_nll_loss: var of shape {tuple(var.shape)} does not fit input of shape {shape}: it may lack the "
            f"last dimension or have size 1 in one{in_module()}"
        )
    var = var + (clamp_min(var, eps) - var).detach()
    difference = input - target
    losses = 0.5 * (log(var) + difference * difference / var)
    return reduced("gaussian_nll_loss", losses + 0.5 * math.log(2.0 * math.pi) if full else losses, reduction)


def poisson_nll_loss(
    input: Any, target: Any, log_input: bool = True, full: bool = False, eps: float = 1e-8, reduction: str = "mean"
) -> Any:
    """The negative log-likelihood of counts `target` under a Poisson distribution of rate exp(`input`).

    PyTorch: `F.poisson_nll_loss`. Without `log_input`, `input` is the rate itself, and its logarithm is taken of
    `input + eps`. The constant log(target!) is left out, or with `full` added by Stirling's formula where it is more
    than that of 1.
    """
    losses = exp(input) - target * input if log_input else input - target * log(input + eps)
    if full:
        many = target > 1
        count = where(many, target, 1.0)
        stirling = count * log(count) - count + 0.5 * log(2.0 * math.pi * count)
        losses = losses + where(many, stirling, 0.0)
    return reduced("poisson_nll_loss", losses, reduction)


__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "gaussian_nll_loss", "kl_div",
    "multilabel_soft_margin_loss", "poisson_nll_loss",
]  # fmt: skip
