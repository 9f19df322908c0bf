"""Memory shared with other libraries: NumPy's arrays, and by DLPack whatever else holds arrays (PyTorch, JAX, CuPy).

Both sides see what either writes. What the other side writes is not in the log of in-place changes (`writes.py`), so a
backward cannot know that a value it saved was changed from there: change shared memory between training steps only.

Source: the Python specification of DLPack, https://dmlc.github.io/dlpack/latest/python_spec.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..backends import backend_for
from ..tensor import HELD, KINDS, Tensor
from .dtypes import can_hold, held_instead
from .failure import DTypeError

_CPU = 1  # kDLCPU in dlpack.h
_DEVICES = {_CPU: "cpu", 2: "cuda", 3: "cpu"}  # by DLDeviceType; 3 is host memory that a GPU can read


def numpy(input: Tensor, *, force: bool = False) -> np.ndarray[Any, Any]:
    """The values as a NumPy array that shares this tensor's memory. PyTorch: `Tensor.numpy`.

    Raises RuntimeError for a tensor that requires grad (call `detach()` first) or lives on another device, unless
    `force` says to do what it takes.
    """
    if force:
        input = input.detach().to(device="cpu")
    if input.requires_grad:
        raise RuntimeError("numpy() of a tensor that requires grad would lose its graph; call .detach().numpy()")
    if input.device != "cpu":
        raise RuntimeError(f"numpy() of a tensor on {input.device!r}; call .cpu().numpy()")
    return input.data  # type: ignore[no-any-return]


def _array(self: Tensor, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
    """What `np.asarray` and its like call: the tensor's own memory, unless a dtype or `copy=True` asks for other.

    A list of tensors becomes an array of their numbers: `np.array([mg.tensor(1.0), mg.tensor(2.0)])` has shape (2,).
    Raises RuntimeError for a tensor that requires grad.
    """
    return np.array(numpy(self), dtype=dtype, copy=copy)


def _dlpack(
    self: Tensor, *, stream: Any = None, max_version: tuple[int, int] | None = None,
    dl_device: tuple[int, int] | None = None, copy: bool | None = None,
) -> Any:  # fmt: skip
    """A capsule that shares this tensor's memory: what `from_dlpack` of any library calls."""
    if self.requires_grad:
        raise BufferError("a tensor that requires grad would lose its graph in DLPack; share x.detach()")
    given = {"stream": stream, "max_version": max_version, "dl_device": dl_device, "copy": copy}
    return self.data.__dlpack__(**{name: value for name, value in given.items() if value is not None})


def _dlpack_device(self: Tensor) -> tuple[int, int]:
    kind, number = self.data.__dlpack_device__()
    return int(kind), int(number)


def from_numpy(array: np.ndarray[Any, Any]) -> Tensor:
    """A tensor that shares the memory of a NumPy array. PyTorch: `torch.from_numpy`."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"from_numpy needs a NumPy array, got {type(array).__name__}")
    if array.dtype.kind not in KINDS or array.dtype.itemsize > 8:
        raise TypeError(f"from_numpy: a tensor cannot hold {held_instead(array, array.dtype)}; {HELD}")
    if not array.dtype.isnative:
        raise TypeError(
            f"from_numpy cannot share {array.dtype} memory, of foreign byte order; minigrad.tensor converts it"
        )
    return Tensor(array)


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor that shares the memory of another library's. PyTorch: `torch.from_dlpack`.

    `ext_tensor` is an array of any library with `__dlpack__` (NumPy, PyTorch, JAX, CuPy); a gradient it may have does
    not come along. `device` brings the values to another one; `copy=True` gives memory of its own, and `copy=False`
    raises where the values cannot be shared. Memory that the other library calls read-only cannot be written to here
    (with NumPy 2.0 that is all there is: it knows the first version of the protocol alone).

    Raises TypeError for what has no `__dlpack__` and for a dtype that no tensor can have (bfloat16, complex), and
    BufferError where the other library refuses.

    >>> import minigrad as mg
    >>> import numpy as np
    >>> shared = np.zeros(2, np.float32)
    >>> x = mg.from_dlpack(shared)
    >>> shared[0] = 1.0
    >>> x
    tensor([1., 0.])
    """
    if not hasattr(ext_tensor, "__dlpack__") or not hasattr(ext_tensor, "__dlpack_device__"):
        raise DTypeError(
            f"from_dlpack needs an array with __dlpack__ and __dlpack_device__, got {type(ext_tensor).__name__}"
        )
    kind, _ = ext_tensor.__dlpack_device__()
    if int(kind) not in _DEVICES:
        raise BufferError(f"from_dlpack: no backend serves DLPack's device type {int(kind)}")
    home = _DEVICES[int(kind)]
    target = home if device is None else str(device).split(":")[0]
    if target != home and copy is False:
        raise BufferError(f"from_dlpack: values on {home!r} cannot be shared with {target!r}; leave copy out")
    try:
        backend_for(device or home)
    except RuntimeError as error:
        raise RuntimeError(f"from_dlpack: {error}") from None
    try:
        array = backend_for(home).xp.from_dlpack(ext_tensor)
    except (RuntimeError, BufferError) as error:  # NumPy calls a dtype it does not know a RuntimeError
        if "dtype" not in str(error):
            raise
        raise DTypeError(f"from_dlpack: {type(ext_tensor).__name__} holds a dtype that no tensor can have") from None
    if not can_hold(array.dtype):
        raise DTypeError(f"from_dlpack cannot share {array.dtype} memory")
    shared = Tensor(array)
    if target != home:
        return shared.to(device=target)
    return shared.clone() if copy else shared


METHODS: dict[str, Callable[..., Any]] = {"numpy": numpy}
PROTOCOL: dict[str, Callable[..., Any]] = {
    "__array__": _array, "__dlpack__": _dlpack, "__dlpack_device__": _dlpack_device,
}  # fmt: skip

__all__ = ["from_dlpack", "from_numpy"]
