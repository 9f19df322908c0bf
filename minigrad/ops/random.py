"""Random numbers as a function of (seed, stream, counter): nothing is drawn that could not be drawn again.

A `Key` names one draw. Its bits come from Philox-4x64-10, keyed by a hash of seed and stream name and started at the
counter, so they are the same on every backend and a replay (resuming, checkpointing, a recorded backward) redraws
what was drawn. A `Generator` hands out keys one after another. Source: Salmon et al., "Parallel random numbers: as
easy as 1, 2, 3" (2011).
"""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np

from ..backends import Array, Backend, as_array, backend_for, backend_of, cpu
from ..backends.locks import lock_for
from ..copying import Copied
from ..tensor import Tensor
from .creation import sizes_of
from .dtypes import checked_dtype
from .failure import ShapeError
from .search import searchsorted

_MASK = (1 << 64) - 1
BLOCK = 1 << 15  # numbers: what is computed for them stays in the cache


class Key(NamedTuple):
    """The name of one draw."""

    seed: int
    stream: str
    counter: int

    def bits(self, count: int, backend: Backend = cpu) -> Array:
        """`count` words of uint64."""
        digest = hashlib.blake2b(f"{self.seed}/{self.stream}".encode(), digest_size=16).digest()
        words = int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")
        return backend.random_bits(words, self.counter & _MASK, count)

    def bits32(self, count: int, backend: Backend = cpu) -> Array:
        """`count` words of uint32."""
        return self.bits(-(-count // 2), backend).view(np.uint32)[:count]

    def uniform(self, shape: tuple[int, ...], dtype: Any = np.float32, backend: Backend = cpu) -> Array:
        """Uniform on [0, 1), with 53 random bits for float64, 24 for float32 and 11 for float16."""
        count = math.prod(shape)
        if dtype == np.float64:
            return ((self.bits(count, backend) >> np.uint64(11)) * 2.0**-53).reshape(shape)
        values = (self.bits32(count, backend) >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)
        if dtype == np.float16:  # rounding could give 1.0
            values = (np.floor(values * np.float32(2048)) / np.float32(2048)).astype(np.float16)
        return values.reshape(shape)

    def normal(self, shape: tuple[int, ...], dtype: Any = np.float32, backend: Backend = cpu) -> Array:
        """Standard normal, by the transform of Box and Muller (1958) in float64; in blocks, so that what is computed on
        the way takes no memory."""
        count = math.prod(shape)
        half = -(-count // 2)
        bits = self.bits(2 * half, backend)
        values = np.empty(2 * half, dtype, like=bits)
        block = BLOCK if backend is cpu else max(half, 1)
        for start in range(0, half, block):
            one, other = (slice(first, first + min(block, half - start)) for first in (start, half + start))
            radius = np.sqrt(-2.0 * np.log(_inside_0_1(bits[one])))
            angle = (2.0 * math.pi) * _inside_0_1(bits[other])
            values[one] = radius * np.cos(angle)
            values[other] = radius * np.sin(angle)
        return values.reshape(shape) if count == values.size else values[:count].copy().reshape(shape)

    def bernoulli(self, shape: tuple[int, ...], p: float, backend: Backend = cpu) -> Array:
        """True with probability `p`, to within 2**-32."""
        count = math.prod(shape)
        threshold = round(p * 2.0**32)
        if threshold >= 1 << 32:
            return backend.xp.ones(shape, np.bool_)
        return (self.bits32(count, backend) < np.uint32(threshold)).reshape(shape)

    def numpy(self) -> np.random.Generator:
        """A NumPy generator for draws on the host: permutations, choices."""
        return np.random.Generator(np.random.Philox(key=self.bits(2)))


def _inside_0_1(bits: Array) -> Array:
    """Uniform on (0, 1), without its ends, in float64."""
    return ((bits >> np.uint64(11)) + 0.5) * 2.0**-53


class Generator(Copied):
    """Hands out keys: each call to `key` names the next draw. PyTorch: `torch.Generator`.

    >>> import minigrad as mg
    >>> g = mg.Generator().manual_seed(1)
    >>> bool((mg.rand(3, generator=g) == mg.rand(3, generator=mg.Generator().manual_seed(1))).all())
    True
    """

    _instead = "Keep its get_state(), two numbers"

    def __init__(self, seed: int = 0) -> None:
        self._lock = lock_for(self, "_lock", threading.Lock)
        self.seed = seed
        self.counter = 0

    def __getstate__(self) -> dict[str, int]:
        return self.get_state()

    def __setstate__(self, state: dict[str, int]) -> None:
        self._lock = lock_for(self, "_lock", threading.Lock)
        self.set_state(state)

    def manual_seed(self, seed: int) -> Generator:
        """Start again at counter 0 of another seed."""
        with self._lock:
            self.seed, self.counter = int(seed), 0
        return self

    def initial_seed(self) -> int:
        """The seed. PyTorch: `Generator.initial_seed`."""
        return self.seed

    def key(self, stream: str) -> Key:
        """The next draw."""
        with self._lock:
            key = Key(self.seed, stream, self.counter)
            self.counter += 1
        return key

    def get_state(self) -> dict[str, int]:
        """Seed and counter: all there is to save."""
        with self._lock:
            return {"seed": self.seed, "counter": self.counter}

    def set_state(self, state: dict[str, int]) -> None:
        """Continue from what `get_state` returned."""
        with self._lock:
            self.seed, self.counter = int(state["seed"]), int(state["counter"])


class _Default(Generator):
    """The generator that is used when none is given. A replay draws again what was drawn, and does not move it: other
    threads go on where it stands."""

    _stand_in: ContextVar[Generator | None] = ContextVar("minigrad.stand_in", default=None)

    @contextmanager
    def replaying(self, state: dict[str, int]) -> Iterator[None]:
        """In this thread or task, draw from a generator of that state instead until the block ends."""
        stand_in = Generator()
        stand_in.set_state(state)
        token = self._stand_in.set(stand_in)
        try:
            yield
        finally:
            self._stand_in.reset(token)

    def manual_seed(self, seed: int) -> Generator:
        stand_in = self._stand_in.get()
        return super().manual_seed(seed) if stand_in is None else stand_in.manual_seed(seed)

    def initial_seed(self) -> int:
        stand_in = self._stand_in.get()
        return super().initial_seed() if stand_in is None else stand_in.initial_seed()

    def key(self, stream: str) -> Key:
        stand_in = self._stand_in.get()
        return super().key(stream) if stand_in is None else stand_in.key(stream)

    def get_state(self) -> dict[str, int]:
        stand_in = self._stand_in.get()
        return super().get_state() if stand_in is None else stand_in.get_state()

    def set_state(self, state: dict[str, int]) -> None:
        stand_in = self._stand_in.get()
        if stand_in is None:
            super().set_state(state)
        else:
            stand_in.set_state(state)


default_generator = _Default()


def manual_seed(seed: int) -> Generator:
    """Seed the generator that is used when none is given. PyTorch: `torch.manual_seed`."""
    return default_generator.manual_seed(seed)


def _draw(generator: Generator | None, stream: str) -> Key:
    return (generator or default_generator).key(stream)


def _shape_of(sizes: tuple[Any, ...], named: Any = None) -> tuple[int, ...]:
    shape = sizes_of(sizes, named)
    if any(size < 0 for size in shape):
        raise ShapeError(f"no tensor can have shape {shape}: sizes must not be negative")
    return shape


def _floating(dtype: Any) -> np.dtype[Any]:
    chosen = checked_dtype(np.float32 if dtype is None else dtype)
    if chosen.kind != "f":
        raise TypeError(f"random real numbers need a floating-point dtype, got {chosen}")
    return chosen


def rand(
    *sizes: Any, size: Any = None, generator: Generator | None = None, dtype: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Uniform on [0, 1). PyTorch: `torch.rand`."""
    data = _draw(generator, "rand").uniform(_shape_of(sizes, size), _floating(dtype), backend_for(device))
    return Tensor(data, requires_grad)


def randn(
    *sizes: Any, size: Any = None, generator: Generator | None = None, dtype: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Standard normal. PyTorch: `torch.randn`.

    >>> import minigrad as mg
    >>> mg.randn(2, 3).shape
    (2, 3)
    """
    data = _draw(generator, "randn").normal(_shape_of(sizes, size), _floating(dtype), backend_for(device))
    return Tensor(data, requires_grad)


def randint(
    low: int = 0,
    high: int | tuple[int, ...] | None = None,
    size: tuple[int, ...] | None = None,
    *,
    generator: Generator | None = None,
    dtype: Any = np.int64,
    device: Any = None,
) -> Tensor:
    """Integers in [low, high); `randint(high, size)` starts at 0. PyTorch: `torch.randint`.

    Raises ValueError if there are none, or if `dtype`, which may also be bool or floating, cannot hold all of them.
    """
    start, end, sizes = (0, low, high) if size is None else (0, low, size) if high is None else (low, high, size)
    if not isinstance(start, Integral) or not isinstance(end, Integral) or not isinstance(sizes, (tuple, list)):
        raise TypeError("randint takes (high, size) or (low, high, size)")
    start, end, shape = int(start), int(end), _shape_of((sizes,))
    if end <= start:
        raise ValueError(f"randint needs low < high, got {start} and {end}")
    _check_integers("randint", start, end - 1, dtype)
    bits = _draw(generator, "randint").bits(math.prod(shape), backend_for(device))
    drawn = bits % np.uint64(end - start) if end - start <= _MASK else bits
    values = drawn + np.uint64(start & _MASK)  # a negative start by its two's complement
    return Tensor(values.view(np.int64).astype(dtype).reshape(shape))


def rand_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Uniform on [0, 1), in the shape, dtype and device of `input`. PyTorch: `torch.rand_like`."""
    return rand(input.shape, dtype=dtype or input.dtype, device=device or input.device, requires_grad=requires_grad)


def randn_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Standard normal, in the shape, dtype and device of `input`. PyTorch: `torch.randn_like`."""
    return randn(input.shape, dtype=dtype or input.dtype, device=device or input.device, requires_grad=requires_grad)


def randint_like(input: Tensor, low: int, high: int | None = None, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Integers in [low, high), or [0, low), in the shape and dtype of `input`. PyTorch: `torch.randint_like`."""
    low, high = (0, low) if high is None else (low, high)
    drawn = randint(low, high, input.shape, device=device or input.device)
    return Tensor(drawn.data.astype(dtype or input.dtype))


def normal(
    mean: Any, std: Any = 1.0, size: Any = None, *, generator: Generator | None = None, dtype: Any = None,
    device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Normal, with mean and standard deviation as numbers (and then `size`), or as tensors, one for each draw. PyTorch:
    `torch.normal`."""
    mean_data, std_data = (each.data if isinstance(each, Tensor) else each for each in (mean, std))
    tensors = [each for each in (mean_data, std_data) if hasattr(each, "dtype")]
    if bool(tensors) == (size is not None):
        raise TypeError("normal takes two numbers and a size, or tensors and no size")
    if backend_of(std_data).checks_values and np.any(std_data < 0):
        raise ValueError("normal needs standard deviations of at least 0")
    if size is not None:
        drawn = randn(size, generator=generator, dtype=dtype, device=device)
        return Tensor(drawn.data * drawn.dtype.type(std) + drawn.dtype.type(mean), requires_grad)
    shape, backend = np.broadcast_shapes(*(each.shape for each in tensors)), backend_of(tensors[0])
    values = _draw(generator, "normal").normal(shape, _floating(tensors[0].dtype), backend)
    return Tensor(values * std_data + mean_data)


def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """`num_samples` indices for each row of weights (n,) or (m, n), each with the probability of its share. PyTorch:
    `torch.multinomial`.

    Without replacement no index comes twice; then the draw is one race of exponential times, each at the rate of its
    weight (Efraimidis and Spirakis, 2006). Raises ValueError for negative, infinite or missing weights.

    >>> import minigrad as mg
    >>> mg.multinomial(mg.tensor([0.0, 1.0, 0.0]), 2, replacement=True)
    tensor([1, 1])
    """
    weights = input.data
    if weights.ndim not in (1, 2) or weights.dtype.kind != "f":
        raise ValueError(f"multinomial takes weights (n,) or (m, n), got {weights.dtype} of shape {weights.shape}")
    if num_samples <= 0 or (not replacement and num_samples > weights.shape[-1]):
        raise ValueError(f"multinomial cannot draw {num_samples} of {weights.shape[-1]}, replacement={replacement}")
    weights = weights.astype(np.float64)
    backend, key = backend_of(weights), _draw(generator, "multinomial")
    if backend.checks_values:
        if not (np.all(np.isfinite(weights)) and np.all(weights >= 0.0)):
            raise ValueError("multinomial needs weights that are finite and at least 0")
        positive = np.count_nonzero(weights, axis=-1)
        if weights.size and int(positive.min()) < (1 if replacement else num_samples):
            raise ValueError(f"multinomial: a row has only {int(positive.min())} weights above 0")
    if not replacement:
        uniform = key.uniform(weights.shape, np.float64, backend)
        times = np.where(weights > 0.0, -np.log1p(-uniform), np.inf) / weights  # of a weight of 0 it stays infinite
        return Tensor(np.argsort(times, axis=-1)[..., :num_samples])
    ends = np.cumsum(weights, axis=-1)
    marks = key.uniform((*weights.shape[:-1], num_samples), np.float64, backend) * ends[..., -1:]
    return searchsorted(Tensor(ends), Tensor(marks), right=True)


def randperm(n: int, *, generator: Generator | None = None, dtype: Any = np.int64, device: Any = None) -> Tensor:
    """The integers 0..n-1 in random order, drawn on the host. PyTorch: `torch.randperm`."""
    if not isinstance(n, Integral):
        raise TypeError(f"randperm takes a whole number, got {type(n).__name__}")
    if n < 0:
        raise ValueError(f"randperm: there are no {n} integers to permute")
    _check_integers("randperm", 0, int(n) - 1, dtype)
    order = _draw(generator, "randperm").numpy().permutation(int(n)).astype(dtype)
    return Tensor(backend_for(device).asarray(order))


def _check_integers(name: str, lowest: int, highest: int, dtype: Any) -> None:
    """Raises ValueError unless `dtype` tells all integers from `lowest` to `highest` apart."""
    dtype = np.dtype(dtype)
    if dtype.kind in "iu":
        least, most = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    else:
        most = 1 if dtype.kind == "b" else 2 ** (np.finfo(dtype).nmant + 1)
        least = 0 if dtype.kind == "b" else -most
    if lowest < least or highest > most:
        raise ValueError(f"{name}: {lowest} to {highest} do not fit {dtype}")


def bernoulli(input: Tensor, *, generator: Generator | None = None) -> Tensor:
    """1 with the probability each element of `input` gives, else 0. PyTorch: `torch.bernoulli`."""
    backend = backend_of(input.data)
    if backend.checks_values and input.data.size and not (input.data.min() >= 0.0 and input.data.max() <= 1.0):
        raise ValueError("bernoulli needs probabilities, between 0 and 1")
    uniform = _draw(generator, "bernoulli").uniform(input.shape, np.float64, backend)
    return Tensor(as_array((uniform < input.data).astype(input.dtype)))


__all__ = [
    "Generator", "bernoulli", "default_generator", "manual_seed", "multinomial", "normal", "rand", "rand_like",
    "randint", "randint_like", "randn", "randn_like", "randperm",
]  # fmt: skip
