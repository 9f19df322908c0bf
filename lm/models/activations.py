"""Activation functions under the names that Hugging Face's config.json gives them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import minigrad.nn.functional as F
from minigrad import tanh

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "gelu": F.gelu,
    "gelu_new": partial(F.gelu, approximate="tanh"),
    "gelu_pytorch_tanh": partial(F.gelu, approximate="tanh"),
    "relu": F.relu,
    "silu": F.silu,
    "swish": F.silu,
    "tanh": tanh,
}


def check_activation(what: str, name: str) -> None:
    """Raise ValueError, naming the setting `what`, for an activation that is not in the table."""
    if name not in ACTIVATIONS:
        raise ValueError(f"{what} = {name!r} is not known; known are {', '.join(ACTIVATIONS)}")


__all__ = ["ACTIVATIONS", "check_activation"]
