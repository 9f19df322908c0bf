"""Array backends: which array module an array belongs to, and the few things the modules do differently.

Everything above calls `numpy` functions on whatever array it holds: NumPy's own dispatch protocols
(`__array_ufunc__`, `__array_function__`) carry the call to the array's module, so the backend of an operation
follows from its arrays and never from a global. What has no such spelling is a shim of `Backend`.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

import numpy as np

from .numpy import NumpyBackend

Array: TypeAlias = Any  # an ndarray of some backend; NumPy's stubs cannot name "NumPy or CuPy"


class Backend(Protocol):
    """What every backend provides beside its array module `xp`."""

    @property
    def device(self) -> str:
        """The name its arrays go by: "cpu", "cuda"."""

    @property
    def xp(self) -> Any:
        """The array module."""

    def asarray(self, data: Any, dtype: Any = None) -> Array:
        """Put host data into an array of this backend."""

    def to_host(self, array: Array) -> Any:
        """Copy an array of this backend into NumPy memory (NumPy's own arrays are returned as they are)."""

    def synchronize(self) -> None:
        """Wait until everything asked of the device is done."""

    def sum(self, x: Array, axes: tuple[int, ...], keepdims: bool) -> Array:
        """The sum over some axes, as accurate as pairwise summation and in float32 for float16."""

    def scatter_add(self, target: Array, index: Any, values: Array) -> None:
        """`target[index] += values` in place, with repeated indices adding up."""

    def scatter_by(self, by: str, target: Array, index: Any, values: Array) -> None:
        """As `scatter_add`, with the ufunc "multiply", "maximum" or "minimum" in place of the sum."""

    def diagonal(self, x: Array, offset: int, dim1: int, dim2: int) -> Array:
        """A view of the diagonals of two dimensions as the last one, which can be written to if `x` can."""

    def windows(self, x: Array, dim: int, size: int) -> Array:
        """A view of all windows of `size` elements along `dim`; the last dimension is the place in the window."""

    def erf(self, x: Array) -> Array:
        """The error function, elementwise."""

    def erfc(self, x: Array) -> Array:
        """1 - erf(x), elementwise, with digits also where that is tiny."""

    def random_bits(self, key: tuple[int, int], counter: int, count: int) -> Array:
        """`count` words of uint64 drawn by Philox-4x64-10 from a 128-bit key and a draw counter."""


cpu: Backend = NumpyBackend()
_by_type: dict[type, Backend] = {cpu.xp.ndarray: cpu}


def backend_of(array: Any) -> Backend:
    """The backend an array belongs to; NumPy for everything that is not another backend's array."""
    return _by_type.get(type(array), cpu)


def is_array_class(kind: type) -> bool:
    """Whether the instances of a class are a backend's arrays, and mean no more than their values: not masked ones."""
    return kind in _by_type or kind is np.memmap


def as_array(value: Any) -> Array:
    """What arithmetic on 0-d arrays gave, as an array: NumPy makes scalars of its own of it, other modules do not."""
    return np.asarray(value) if isinstance(value, np.generic) else value


def backend_for(device: Any) -> Backend:
    """The backend that serves a device name such as `"cpu"`."""
    name = str(device).split(":")[0]
    for backend in _by_type.values():
        if backend.device == name:
            return backend
    known = ", ".join(repr(backend.device) for backend in _by_type.values())
    raise RuntimeError(f"no backend serves device {str(device)!r}; this process has {known}")
