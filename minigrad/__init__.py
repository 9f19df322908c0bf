"""minigrad: reverse-mode automatic differentiation on NumPy, with PyTorch's names.

>>> import minigrad as mg
>>> w = mg.tensor([1.0, 2.0], requires_grad=True)
>>> loss = ((w * 3.0 - 1.0) ** 2).mean()
>>> loss.backward()
>>> w.grad
tensor([ 6., 15.])
"""

from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as _np

from . import autograd, debug, func, nn, ops, optim, profiler
from .backends import get_default_device, set_default_device
from .backends.threads import get_num_threads, set_num_threads
from .grad_mode import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from .io import CorruptFileError, load_file, save_file
from .ops import *
from .ops import linalg
from .tensor import Tensor

if find_spec("minigrad.kernels") is not None:  # kernels only make things faster: without them all works
    from . import kernels as kernels

float16 = _np.dtype("float16")
float32 = _np.dtype("float32")
float64 = _np.dtype("float64")
int32 = _np.dtype("int32")
int64 = _np.dtype("int64")
bool = _np.dtype("bool")

__all__ = [
    "CorruptFileError", "Tensor", "autograd", "bool", "debug", "enable_grad", "float16", "float32", "float64",
    "func", "get_default_device", "get_num_threads", "int32", "int64", "is_grad_enabled", "linalg", "load_file", "nn",
    "no_grad", "ops", "optim", "profiler", "save_file", "set_default_device", "set_grad_enabled", "set_num_threads",
]  # fmt: skip
if not TYPE_CHECKING:  # a checker reads no computed list
    __all__ += ops.__all__
