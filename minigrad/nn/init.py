"""Initial values, written into tensors in place. PyTorch: `torch.nn.init`.

Every draw is a key of the default generator (or of the one given), so `minigrad.manual_seed` fixes them all.
"""

from __future__ import annotations

import math
from contextvars import ContextVar
from numbers import Real
from typing import Any

import numpy as np

from ..backends import Array, backend_of
from ..ops.random import Generator, Key, default_generator
from ..tensor import Tensor
from ..writes import is_writable, log_write

# While set, nothing is drawn or written: `nn.utils.skip_init` makes modules that have shapes and no values.
skipping: ContextVar[bool] = ContextVar("minigrad.init.skipping", default=False)

_LINEAR = ["linear", *(f"{kind}{dims}d" for kind in ("conv", "conv_transpose") for dims in (1, 2, 3)), "sigmoid"]
_GAINS = {**dict.fromkeys(_LINEAR, 1.0), "tanh": 5.0 / 3.0, "relu": math.sqrt(2.0), "selu": 0.75}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """By how much to scale weights in front of a nonlinearity. PyTorch: `torch.nn.init.calculate_gain`.

    One of "linear", "conv1d" to "conv3d", "conv_transpose1d" to "conv_transpose3d", "sigmoid", "tanh", "relu", "selu"
    or "leaky_relu", whose slope is `param` (0.01). Raises ValueError for another, and for a slope that is no number.

    >>> import minigrad as mg
    >>> mg.nn.init.calculate_gain("leaky_relu", 1.0)
    1.0
    """
    if nonlinearity == "leaky_relu":
        if param is not None and (isinstance(param, bool) or not isinstance(param, (int, float))):
            raise ValueError(f"the slope of a leaky ReLU is a number, got {param!r}")
        return math.sqrt(2.0 / (1.0 + (0.01 if param is None else param) ** 2))
    if nonlinearity not in _GAINS:
        raise ValueError(f"no gain is known for {nonlinearity!r}; known: {', '.join([*_GAINS, 'leaky_relu'])}")
    return _GAINS[nonlinearity]


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Uniform on [a, b). PyTorch: `torch.nn.init.uniform_`.

    >>> import minigrad as mg
    >>> x = mg.nn.init.uniform_(mg.empty(100), -2, 2)
    >>> bool((x.abs() <= 2).all())
    True
    """
    _check_floating(tensor, "uniform_")
    if skipping.get():
        return tensor
    if b < a or not math.isfinite(b - a):
        raise ValueError(f"uniform_ needs finite a <= b, got {a} and {b}")
    values = _key(generator).uniform(tensor.shape, tensor.dtype, backend_of(tensor.data))
    return _write(tensor, values * (b - a) + a, "uniform_")


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Normal with this mean and standard deviation. PyTorch: `torch.nn.init.normal_`."""
    _check_floating(tensor, "normal_")
    if skipping.get():
        return tensor
    if not (math.isfinite(mean) and math.isfinite(std) and std >= 0):
        raise ValueError(f"normal_ needs a finite mean and std >= 0, got {mean} and {std}")
    values = _key(generator).normal(tensor.shape, tensor.dtype, backend_of(tensor.data))
    return _write(tensor, values * std + mean, "normal_")


def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:  # fmt: skip
    """Normal, given that the value is in [a, b] (which are values, not multiples of std). PyTorch: `trunc_normal_`.

    Draws u uniformly between the distribution function's values at a and b, and inverts it by Newton's method.
    """
    _check_floating(tensor, "trunc_normal_")
    if skipping.get():
        return tensor
    if not (math.isfinite(mean) and math.isfinite(std) and std > 0 and a < b):
        raise ValueError(f"trunc_normal_ needs a finite mean, std > 0 and a < b; got {mean}, {std}, {a} and {b}")
    backend = backend_of(tensor.data)
    low, high = (0.5 + 0.5 * math.erf((edge - mean) / (std * math.sqrt(2.0))) for edge in (a, b))
    if high - low < 1e-12:
        raise ValueError(f"trunc_normal_: [{a}, {b}] is too far out in the tail of a normal of mean {mean}, std {std}")
    u = low + (high - low) * _key(generator).uniform(tensor.shape, np.float64, backend)
    x = np.zeros_like(u)
    for _ in range(100):  # from 0 the steps never overshoot: the function is concave above 0 and convex below
        density = np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)
        step = (u - 0.5 - 0.5 * backend.erf(x / math.sqrt(2.0))) / density
        x = np.clip(x + step, (a - mean) / std, (b - mean) / std)
        if not (np.abs(step) > 1e-9).any():
            break
    return _write(tensor, np.clip(x * std + mean, a, b), "trunc_normal_")


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Every element `val`. PyTorch: `torch.nn.init.constant_`."""
    if not isinstance(val, Real) and getattr(val, "shape", None) != ():
        raise TypeError(f"constant_ takes one number, got {type(val).__name__}")
    return _write(tensor, val.item() if isinstance(val, Tensor) else val, "constant_")


def zeros_(tensor: Tensor) -> Tensor:
    """Every element 0. PyTorch: `torch.nn.init.zeros_`."""
    return _write(tensor, 0, "zeros_")


def ones_(tensor: Tensor) -> Tensor:
    """Every element 1. PyTorch: `torch.nn.init.ones_`."""
    return _write(tensor, 1, "ones_")


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Uniform within gain * sqrt(6 / (fan_in + fan_out)). PyTorch: `torch.nn.init.xavier_uniform_`.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010).
    """
    bound = gain * math.sqrt(6.0 / max(sum(fans(tensor)), 1))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Normal with standard deviation gain * sqrt(2 / (fan_in + fan_out)). PyTorch: `torch.nn.init.xavier_normal_`."""
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / max(sum(fans(tensor)), 1)), generator)


def kaiming_uniform_(
    tensor: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:  # fmt: skip
    """Uniform within gain * sqrt(3 / fan), with the gain of `nonlinearity`. PyTorch: `torch.nn.init.kaiming_uniform_`.

    `a` is the slope of a leaky ReLU, `mode` "fan_in" or "fan_out". Source: He et al., "Delving deep into rectifiers"
    (2015).
    """
    bound = math.sqrt(3.0) * _kaiming_std("kaiming_uniform_", tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:  # fmt: skip
    """Normal with standard deviation gain / sqrt(fan); see `kaiming_uniform_`. PyTorch:
    `torch.nn.init.kaiming_normal_`."""
    return normal_(tensor, 0.0, _kaiming_std("kaiming_normal_", tensor, a, mode, nonlinearity), generator)


def _kaiming_std(name: str, tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"{name}: mode must be 'fan_in' or 'fan_out', got {mode!r}")
    fan = fans(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(max(fan, 1))


def orthogonal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """`gain` times a matrix with orthonormal rows or columns, whichever are fewer, uniform among those.

    PyTorch: `torch.nn.init.orthogonal_`. Dimensions after the first count as one. The orthogonal factor of a normal
    matrix, with the signs that make it unique. Sources: Saxe, McClelland and Ganguli, "Exact solutions to the
    nonlinear dynamics of learning in deep linear neural networks" (2014); Mezzadri, "How to generate random matrices
    from the classical compact groups" (2007). Raises ValueError for fewer than two dimensions.

    >>> import minigrad as mg
    >>> w = mg.nn.init.orthogonal_(mg.empty(2, 5))
    >>> bool(((w @ w.T - mg.eye(2)).abs() < 1e-6).all())
    True
    """
    if tensor.ndim < 2:
        raise ValueError(f"orthogonal_ needs at least two dimensions, got shape {tensor.shape}")
    rows, columns = tensor.shape[0], math.prod(tensor.shape[1:])
    if not rows * columns:
        return tensor
    tall = (max(rows, columns), min(rows, columns))
    _check_floating(tensor, "orthogonal_")
    q, r = np.linalg.qr(_key(generator).normal(tall, np.float64, backend_of(tensor.data)))
    q = q * np.sign(np.diagonal(r))
    return _write(tensor, gain * (q if rows >= columns else q.T).reshape(tensor.shape), "orthogonal_")


def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix. PyTorch: `torch.nn.init.eye_`. Raises ValueError unless there are two dimensions."""
    if tensor.ndim != 2:
        raise ValueError(f"eye_ needs a matrix, got shape {tensor.shape}")
    return _write(tensor, backend_of(tensor.data).xp.eye(*tensor.shape, dtype=tensor.dtype), "eye_")


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """A convolution's weight (out, in, k1, ...) that passes its input on: 1 at the middle of the kernel from channel i
    to channel i of each of `groups` groups of outputs. PyTorch: `torch.nn.init.dirac_`.

    Raises ValueError unless there are 3, 4 or 5 dimensions, and if the outputs do not divide into the groups.
    """
    if tensor.ndim not in (3, 4, 5):
        raise ValueError(f"dirac_ needs a weight (out, in, k1, ...) of 3, 4 or 5 dimensions, got shape {tensor.shape}")
    if tensor.shape[0] % groups:
        raise ValueError(f"dirac_: {tensor.shape[0]} outputs do not divide into {groups} groups")
    per_group = tensor.shape[0] // groups
    values = np.zeros(tensor.shape, tensor.dtype, like=tensor.data)
    middle: tuple[Any, ...] = tuple(size // 2 for size in tensor.shape[2:])
    for i in range(min(per_group, tensor.shape[1])):
        values[(slice(i, None, per_group), i, *middle)] = 1
    return _write(tensor, values, "dirac_")


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> Tensor:
    """Normal with standard deviation `std`, but a fraction `sparsity` of each column, drawn at random, is 0.

    PyTorch: `torch.nn.init.sparse_`. Source: Martens, "Deep learning via Hessian-free optimization" (2010). Raises
    ValueError unless there are two dimensions.
    """
    if tensor.ndim != 2:
        raise ValueError(f"sparse_ needs a matrix, got shape {tensor.shape}")
    normal_(tensor, 0.0, std, generator)
    order = np.argsort(_key(generator).uniform(tensor.shape, np.float64, backend_of(tensor.data)), axis=0)
    drawn = np.argsort(order, axis=0) < math.ceil(sparsity * tensor.shape[0])
    return _write(tensor, np.where(drawn, 0, tensor.data), "sparse_")


def fans(tensor: Tensor) -> tuple[int, int]:
    """How many inputs an output of a weight (out, in, ...) has, and how many outputs an input has."""
    if tensor.ndim < 2:
        raise ValueError(f"fan in and fan out need at least two dimensions, (out, in, ...); got shape {tensor.shape}")
    receptive = math.prod(tensor.shape[2:])
    return tensor.shape[1] * receptive, tensor.shape[0] * receptive


def _key(generator: Generator | None) -> Key:
    return (generator or default_generator).key("init")


def _check_floating(tensor: Tensor, name: str) -> None:
    if tensor.dtype.kind != "f":
        raise TypeError(f"init.{name} draws real numbers, the tensor of shape {tensor.shape} is {tensor.dtype}")


def _write(tensor: Tensor, values: Array | Any, name: str) -> Tensor:
    if skipping.get():
        return tensor
    if tensor.node is not None:
        raise RuntimeError(f"init.{name} would overwrite a computed tensor of shape {tensor.shape}; detach it first")
    if not is_writable(tensor.data):
        raise ValueError(f"init.{name} cannot write to a tensor of shape {tensor.shape} in read-only memory; copy it")
    tensor.data[...] = values
    log_write(tensor.data, name)
    return tensor
