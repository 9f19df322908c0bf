"""Array backends: which array module an array belongs to, and the few things the modules do differently.

Everything above calls `numpy` functions on whatever array it holds: NumPy's own dispatch protocols
(`__array_ufunc__`, `__array_function__`) carry the call to the array's module, so the backend of an operation
follows from its arrays and never from a global. What has no such spelling is a shim of `Backend`.
"""

from __future__ import annotations

from contextvars import ContextVar
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

    @property
    def checks_values(self) -> bool:
        """Whether operations look at values to refuse bad ones: on a device that would wait for it at every step."""

    def has(self, number: int) -> bool:
        """Whether this is a device of this kind and the one in use. Raises RuntimeError for one it cannot use."""

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

    def where(self, condition: Any, x: Any, y: Any) -> Array:
        """`np.where` of arrays and numbers, which broadcast."""

    def diagonal(self, x: Array, offset: int, dim1: int, dim2: int) -> Array:
        """A view of the diagonals of two dimensions as the last one, which can be written to if `x` can."""

    def windows(self, x: Array, dims: tuple[int, ...], sizes: tuple[int, ...]) -> Array:
        """A view of all windows of `sizes` elements along `dims`; the last dimensions are the place in the window."""

    def erf(self, x: Array) -> Array:
        """The error function, elementwise."""

    def erfc(self, x: Array) -> Array:
        """1 - erf(x), elementwise, with digits also where that is tiny."""

    def random_bits(self, key: tuple[int, int], counter: int, count: int) -> Array:
        """`count` words of uint64 drawn by Philox-4x64-10 from a 128-bit key and a draw counter."""


cpu: Backend = NumpyBackend()
_by_type: dict[type, Backend] = {cpu.xp.ndarray: cpu}
_by_name: dict[str, Backend] = {cpu.device: cpu}
_default: ContextVar[Backend] = ContextVar("minigrad_default_device", default=cpu)


def backend_of(array: Any) -> Backend:
    """The backend an array belongs to; NumPy for everything that is not another backend's array."""
    return _by_type.get(array.__class__) or _meet(array.__class__)


def _meet(kind: type) -> Backend:
    """The backend of a type that is seen for the first time: an array may come before its device was asked for."""
    backend = cpu
    if kind.__module__ == "cupy" and kind.__name__ == "ndarray":
        backend = backend_for("cuda")
    return _by_type.setdefault(kind, backend)


def is_array_class(kind: type) -> bool:
    """Whether the instances of a class are a backend's arrays, and mean no more than their values: not masked ones."""
    return kind in (np.ndarray, np.memmap) or _by_type.get(kind, cpu) is not cpu


def as_array(value: Any) -> Array:
    """What arithmetic on 0-d arrays gave, as an array: NumPy makes scalars of its own of it, other modules do not."""
    return np.asarray(value) if isinstance(value, np.generic) else value


def moved(array: Array, home: Backend) -> Array:
    """`array` on the device of `home`: itself if it is there, else a copy."""
    theirs = backend_of(array)
    return array if theirs is home else home.asarray(theirs.to_host(array))


def backend_for(device: Any) -> Backend:
    """The backend that serves a device name: "cpu", "cuda", "cuda:0"; None is the default device.

    Raises RuntimeError for a device that is not there, with the reason.
    """
    if device is None:
        return _default.get()
    name, _, number = str(device).partition(":")
    if name not in ("cpu", "cuda") or (number and not number.isdecimal()):
        raise RuntimeError(f"no backend serves device {str(device)!r}; devices are 'cpu', 'cuda' and 'cuda:0'")
    backend = _by_name.get(name) or _connect_cuda()
    if number and not backend.has(int(number)):
        raise RuntimeError(f"there is no device {str(device)!r} on this machine")
    return backend


def _connect_cuda() -> Backend:
    try:
        from .cupy import CupyBackend
    except ImportError as error:
        raise RuntimeError(
            f"device 'cuda' needs CuPy, which could not be imported ({error}); install it with "
            f"pip install 'minigrad[cuda12x]' or 'minigrad[cuda13x]', after the CUDA version of the driver"
        ) from None
    backend: Backend = CupyBackend()
    _by_name[backend.device] = _by_type[backend.xp.ndarray] = backend
    return backend


def set_default_device(device: Any) -> None:
    """Where new tensors are made when no device is named, in this thread; None is the CPU again. PyTorch:
    `torch.set_default_device`.

    Raises RuntimeError for a device that is not there.

    >>> import minigrad as mg
    >>> mg.set_default_device("cpu")
    >>> mg.get_default_device()
    'cpu'
    """
    _default.set(cpu if device is None else backend_for(device))


def get_default_device() -> str:
    """Where new tensors are made when no device is named. PyTorch: `torch.get_default_device`."""
    return _default.get().device
