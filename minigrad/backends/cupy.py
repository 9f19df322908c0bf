"""The CuPy backend: arrays on an NVIDIA GPU, and everything CuPy does otherwise than NumPy.

Loaded when a device named "cuda" is first asked for, never by `import minigrad`.
"""

from __future__ import annotations

from typing import Any

import cupy
import numpy as np
from cupyx.scipy import special

from . import philox

# What atomic addition on the GPU knows; narrower integers are added in int32, int64 in its two's complement.
_ADDED_IN_PLACE = frozenset(map(np.dtype, ("float16", "float32", "float64", "int32", "uint32", "uint64")))
_INT64, _UINT64 = np.dtype(np.int64), np.dtype(np.uint64)


class CupyBackend:
    """Arrays on the current GPU; see `minigrad.backends.Backend` for what each shim means.

    Values are never looked at, since that would wait for the device: where NumPy's backend raises for an index out of
    range, for labels that name no class, for probabilities beyond 1, for integers divided by 0 or for a singular
    matrix, here the index wraps around and the other results are whatever CuPy makes of them. In doubt, run the same
    lines on the CPU.
    """

    device = "cuda"
    xp = cupy
    checks_values = False

    def __init__(self) -> None:
        """Raises RuntimeError if CuPy finds no GPU."""
        try:
            self.count = cupy.cuda.runtime.getDeviceCount()
        except cupy.cuda.runtime.CUDARuntimeError as error:
            raise RuntimeError(
                f"device 'cuda': CuPy {cupy.__version__} is installed but finds no NVIDIA GPU it can use ({error})"
            ) from None

    def has(self, number: int) -> bool:
        current = cupy.cuda.runtime.getDevice()
        if number < self.count and number != current:
            raise RuntimeError(
                f"minigrad computes on one GPU, here 'cuda:{current}', so not on 'cuda:{number}'; start the program "
                f"with CUDA_VISIBLE_DEVICES={number}, or call cupy.cuda.Device({number}).use() before anything else"
            )
        return bool(number == current)

    def asarray(self, data: Any, dtype: Any = None) -> Any:
        return cupy.asarray(data, dtype=dtype)

    def to_host(self, array: Any) -> Any:
        return array.get()

    def synchronize(self) -> None:
        cupy.cuda.get_current_stream().synchronize()

    def sum(self, x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
        if not axes:
            return self.sum(x[None], (0,), False)
        if x.dtype == np.float16:
            return x.sum(axis=axes, keepdims=keepdims, dtype=np.float32).astype(np.float16)
        return x.sum(axis=axes, keepdims=keepdims)

    def scatter_add(self, target: Any, index: Any, values: Any) -> None:
        if target.dtype == _INT64:
            cupy.add.at(target.view(_UINT64), index, values.astype(_INT64, copy=False).view(_UINT64))
        elif target.dtype in _ADDED_IN_PLACE:
            cupy.add.at(target, index, values)
        else:
            wide = target.astype(np.int32)
            cupy.add.at(wide, index, values)
            target[...] = wide

    def scatter_by(self, by: str, target: Any, index: Any, values: Any) -> None:
        """CuPy has no atomic product, and its extremes know neither float16 nor nan. So: sort the values by the place
        they go to, combine each run of one place by doubling its reach, and write what the last of a run holds."""
        combine = getattr(np, by)
        places = cupy.arange(target.size).reshape(target.shape)[index]
        values = cupy.broadcast_to(values, places.shape).reshape(-1)
        order = cupy.argsort(places.reshape(-1))
        places, values = places.reshape(-1)[order], values[order].astype(target.dtype)
        count, reach = places.size, 1
        while reach < count:
            same = places[reach:] == places[:-reach]
            further = cupy.where(same, combine(values[reach:], values[:-reach]), values[reach:])
            values = cupy.concatenate([values[:reach], further])
            reach *= 2
        last = cupy.concatenate([places[1:] != places[:-1], cupy.ones(min(count, 1), np.bool_)])
        spare = cupy.arange(target.size, target.size + count)  # where all others go, each to a place of its own
        goal = cupy.where(last, places, spare)
        whole = cupy.concatenate([target.reshape(-1), values])
        whole[goal] = combine(whole[goal], values)
        target[...] = whole[: target.size].reshape(target.shape)

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        return cupy.where(condition, x, y)

    def diagonal(self, x: Any, offset: int, dim1: int, dim2: int) -> Any:
        return cupy.diagonal(x, offset, dim1, dim2)

    def windows(self, x: Any, dims: tuple[int, ...], sizes: tuple[int, ...]) -> Any:
        # CuPy's `sliding_window_view` compares sizes on the device, and its view does not know whose memory it sees.
        shape = list(x.shape)
        for dim, size in zip(dims, sizes):
            shape[dim] -= size - 1
        if min(shape) < 0 or 0 in (shape[dim] for dim in dims):
            raise ValueError(f"windows of {sizes} do not fit an array of shape {x.shape}")
        view = x.view()
        view._set_shape_and_strides((*shape, *sizes), (*x.strides, *(x.strides[dim] for dim in dims)), True, True)
        return view

    def erf(self, x: Any) -> Any:
        return special.erf(x).astype(x.dtype, copy=False)

    def erfc(self, x: Any) -> Any:
        return special.erfc(x).astype(x.dtype, copy=False)

    def random_bits(self, key: tuple[int, int], counter: int, count: int) -> Any:
        blocks = cupy.arange(1, 1 - (-count // 4), dtype=np.uint64)
        return philox.words(blocks, key, counter)[:count]
