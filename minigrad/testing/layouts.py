"""The same values in other memory: what a function must not notice."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = Any

LAYOUTS = ("contiguous", "transposed", "strided", "reversed", "read-only")


def laid_out(array: Array, layout: str) -> Array:
    """The values of `array` in one of `LAYOUTS`.

    >>> import numpy as np
    >>> laid_out(np.ones((2, 3)), "transposed").flags.f_contiguous
    True
    """
    array = np.array(array)
    if layout == "transposed":
        return array.copy(order="F")
    if layout == "strided" and array.ndim:
        wide = np.full((*array.shape[:-1], 2 * array.shape[-1]), np.nan, array.dtype)
        wide[..., ::2] = array
        return wide[..., ::2]
    if layout == "reversed":
        back = (slice(None, None, -1),) * array.ndim
        return array[(*back, ...)].copy()[(*back, ...)]
    if layout == "read-only":
        array.flags.writeable = False
    return array
