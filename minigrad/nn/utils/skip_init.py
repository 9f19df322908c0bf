"""Modules without values: made in no time and in no memory, to be counted, or filled from a file.

PyTorch: `torch.nn.utils.skip_init`, and its "meta" device.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from .. import init
from ..module import Module

M = TypeVar("M", bound=Module)


def skip_init(module_cls: Callable[..., M], *args: Any, **kwargs: Any) -> M:
    """`module_cls(*args, **kwargs)` whose parameters have shapes, and neither values nor memory of their own.

    They read as zeros and cannot be written to until `load_state_dict(..., assign=True)` gives them arrays. Nothing
    is drawn, so the generator stays where it is.

    >>> import minigrad as mg
    >>> layer = mg.nn.utils.skip_init(mg.nn.Linear, 10**6, 10**6)
    >>> layer.weight.shape, layer.weight.data.base.nbytes
    ((1000000, 1000000), 4)
    """
    token = init.skipping.set(True)
    try:
        return module_cls(*args, **kwargs)
    finally:
        init.skipping.reset(token)


__all__ = ["skip_init"]
