"""Running the tests on a device: it becomes the default, and tests may look at what lies there.

The library stays held to the rules of device memory; what a test reads, or hands to NumPy to compare, is copied to the
host for it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import namespace
from .syncs import in_library


def start(real: bool) -> None:
    """Make "cuda" the default device: the stand-in, or the GPU of this machine."""
    if not real:
        namespace.install()
    import minigrad as mg
    from minigrad.backends import backend_of

    mg.set_default_device("cuda")
    strict = mg.Tensor.numpy

    def numpy(self: Any, *, force: bool = False) -> Any:
        if force or in_library() or self.requires_grad:
            return strict(self, force=force)
        return backend_of(self.data).to_host(self.data)

    mg.Tensor.numpy = numpy
    if real:
        _let_tests_read(backend_of(mg.empty(0).data).xp.ndarray)


def _let_tests_read(ndarray: Any) -> None:
    """CuPy's array, which converts itself for the frames of a test. (The stand-in's does so by itself.)"""
    strict_array, strict_ufunc = ndarray.__array__, ndarray.__array_ufunc__

    def __array__(self: Any, dtype: Any = None, copy: Any = None) -> Any:
        return strict_array(self, dtype) if in_library() else np.asarray(self.get(), dtype)

    def __array_ufunc__(self: Any, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if in_library() or not any(isinstance(each, np.ndarray) for each in inputs):
            return strict_ufunc(self, ufunc, method, *inputs, **kwargs)
        return getattr(ufunc, method)(*(each.get() if isinstance(each, ndarray) else each for each in inputs), **kwargs)

    ndarray.__array__, ndarray.__array_ufunc__ = __array__, __array_ufunc__
