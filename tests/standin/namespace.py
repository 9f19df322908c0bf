"""The modules of the stand-in: every function and ufunc that CuPy has, computed by NumPy, and nothing else.

`install()` puts them in the place of `cupy` and `cupyx`.
"""

from __future__ import annotations

import functools
import math
import sys
import types
from typing import Any

import numpy as np

from .arrays import SCALARS, computed, device, host, ndarray
from .signatures import SIGNATURES, UFUNCS, bind
from .syncs import in_library, place, synced

# What waits for the device: because the shape of its result depends on values, or once it has sorted.
WAITING = frozenset({"nonzero", "argwhere", "flatnonzero", "unique", "bincount", "compress", "extract", "argpartition",
                     "partition"})  # fmt: skip
PLAIN = frozenset({"result_type", "can_cast", "promote_types", "min_scalar_type", "shape", "ndim", "size",
                   "broadcast_shapes", "common_type", "iinfo", "finfo", "dtype"})  # fmt: skip
OPERANDS = frozenset({"a", "b", "x", "x1", "x2", "y", "v", "arr", "ar", "condition", "indices", "m", "element",
                      "test_elements", "values", "weights"})  # fmt: skip
FROM_HOST = frozenset({"array", "asarray", "asanyarray", "ascontiguousarray"})


# ------------------------------------------------------------------------------------------------- ufuncs


class Ufunc:
    """A ufunc with the loops that CuPy compiles for it, and the methods that it has for some dtypes."""

    def __init__(self, path: str, function: Any) -> None:
        self.path, self.function = path, function
        self.name = path.rpartition(".")[2]
        self.loops = [tuple(map(np.dtype, part)) for loop in UFUNCS[path]["types"].split() for part in (_chars(loop),)]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("out") is None:
            kwargs.pop("out", None)
        bind(self.path, args, kwargs)
        count = len(self.loops[0]) - 1 if self.name not in ("divmod", "modf", "frexp") else len(args)
        inputs, outs = args[:count], args[count:] or ((kwargs.pop("out"),) if "out" in kwargs else ())
        for each in (*inputs, *outs):
            if not isinstance(each, (ndarray, *SCALARS)) and (in_library() or not isinstance(each, np.ndarray)):
                raise TypeError(f"Unsupported type {type(each)} in {self.path}")
        raw = [host(each, self.path) for each in inputs]
        kwargs = {key: value for key, value in kwargs.items() if value is not None}
        loop = self._loop(raw)
        raw = [np.asarray(each).astype(kind, copy=False) for each, kind in zip(raw, loop)]
        result = np.asarray(computed(self.function, *raw)).astype(kwargs.get("dtype", loop[-1]), copy=False)
        if not outs:
            return device(result)
        (out,) = outs
        if not np.can_cast(result.dtype, out.dtype, "same_kind"):
            raise TypeError(f"{self.path}: output of {result.dtype} cannot be cast to {out.dtype}")
        if np.broadcast_shapes(result.shape, out.shape) != out.shape:
            raise ValueError(f"{self.path}: a result of shape {result.shape} does not fit {out.shape}")
        out[...] = device(result)
        return out

    def _loop(self, raw: list[Any]) -> tuple[Any, ...]:
        """The first loop that takes all operands; Python's numbers are weak."""
        strong = [None if type(each) in (bool, int, float, complex) else np.asarray(each).dtype for each in raw]
        weak = ["bifc"[(bool, int, float, complex).index(type(each))] for each in raw
                if type(each) in (bool, int, float, complex)]  # fmt: skip
        common = np.result_type(*(each for each in strong if each is not None), *(
            {"b": False, "i": 0, "f": 0.0, "c": 0j}[kind] for kind in weak))  # fmt: skip
        for loop in self.loops:
            if all(np.can_cast(each or common, kind) for each, kind in zip(strong, loop)):
                return loop
        raise TypeError(f"{self.path} has no loop for {', '.join(str(each) for each in strong)}")

    def _served(self, method: str, dtype: Any) -> None:
        if dtype.char not in UFUNCS[self.path].get(method, ""):
            raise TypeError(f"{self.path}.{method} does not know {dtype}")

    def at(self, a: Any, indices: Any, b: Any = None) -> None:
        self._served("at", a.dtype)
        parts, _ = a._index(indices)
        values = host(b, f"{self.path}.at")
        computed(self.function.at, a._host, parts, np.asarray(values).astype(a.dtype))

    def reduce(self, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
        self._served("reduce", array.dtype)
        return device(computed(self.function.reduce, array._host, axis=axis, dtype=dtype, keepdims=keepdims))

    def accumulate(self, array: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
        self._served("accumulate", array.dtype)
        return device(computed(self.function.accumulate, array._host, axis=axis, dtype=dtype))

    def outer(self, a: Any, b: Any) -> Any:
        return device(computed(self.function.outer, host(a, "outer"), host(b, "outer")))


def _chars(loop: str) -> str:
    return loop.replace("->", "")


_ERF = {"erf": np.vectorize(math.erf, otypes="d"), "erfc": np.vectorize(math.erfc, otypes="d")}


@functools.cache
def ufunc_named(name: str) -> Any:
    """As CuPy looks for the function that NumPy's ufunc of this name stands for."""
    return function_at(f"cupy.{name}") or function_at(f"cupyx.scipy.special.{name}")


# ---------------------------------------------------------------------------------------------- functions


@functools.cache
def function_at(path: str) -> Any:
    """What CuPy has at a path, or None."""
    if path not in SIGNATURES:
        return None
    name = path.rpartition(".")[2]
    theirs = _numpy_at(path)
    if path in UFUNCS:
        return Ufunc(path, _ERF.get(name, theirs)) if _ERF.get(name, theirs) is not None else None
    if isinstance(theirs, type) or SIGNATURES[path] in ("value", "property"):
        return theirs
    return None if theirs is None else functools.partial(_call, path, name, theirs)


def _numpy_at(path: str) -> Any:
    try:
        return functools.reduce(getattr, path.split(".")[1:], np)
    except AttributeError:
        return None


def _call(path: str, name: str, theirs: Any, *args: Any, **kwargs: Any) -> Any:
    bound = bind(path, args, kwargs)
    if name in FROM_HOST:
        return _from_host(name, *args, **kwargs)
    named = bound.arguments if bound else {}
    for key, value in named.items():
        if key in OPERANDS and isinstance(value, (list, tuple)) and in_library():
            raise TypeError(f"{path}: a list for {key}")
    if name == "repeat" and isinstance(named["repeats"], ndarray):
        raise ValueError("cupy.ndarray cannot be specified as `repeats` argument.")
    if name in ("argsort", "sort") and named.get("kind") not in (None, "stable"):
        raise ValueError(f"{path}: kind can only be None or 'stable'")
    if name in WAITING or (name == "where" and len(named) == 1):
        synced(name)
    arrays = [each for each in _flat((args, kwargs)) if isinstance(each, ndarray)]
    args, kwargs = host(args, path), {key: host(value, path) for key, value in kwargs.items()}
    if name in PLAIN:
        return theirs(*args, **kwargs)
    kwargs.pop("blocking", None)
    if path.startswith("cupy.linalg."):
        return device(_lenient(theirs, args, kwargs))
    result = computed(theirs, *args, **kwargs)
    if name in ("diagonal", "broadcast_to"):
        result.flags.writeable = True
    if name == "copyto":
        return None
    return device(result, *arrays)


def _flat(value: Any) -> Any:
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, (tuple, list)):
        for each in value:
            yield from _flat(each)
    else:
        yield value


def _from_host(name: str, obj: Any, dtype: Any = None, copy: Any = None, **kwargs: Any) -> Any:
    if isinstance(obj, ndarray):
        if name != "array" and not copy and (dtype is None or obj.dtype == dtype):
            return obj
        return obj.astype(obj.dtype if dtype is None else dtype)
    if isinstance(obj, (list, tuple)) and any(isinstance(each, ndarray) for each in _flat(obj)):
        obj = host(obj, name)
    if not isinstance(obj, SCALARS) and in_library() and not place().startswith("minigrad/backends/cupy.py"):
        raise TypeError(f"{name} of a {type(obj).__name__} in host memory: only the backend's asarray may transfer")
    array = computed(np.array, obj, dtype=dtype)
    if array.dtype.kind not in "biufc" or array.dtype.char in "gG":
        raise ValueError(f"Unsupported dtype {array.dtype}")
    return device(array)


def _lenient(function: Any, args: Any, kwargs: Any) -> Any:
    """Linear algebra on the device does not look whether it worked."""
    try:
        return computed(function, *args, **kwargs)
    except np.linalg.LinAlgError as error:
        if "ingular" not in str(error) and "definite" not in str(error):
            raise
        return np.full(np.shape(args[-1]), np.nan, args[-1].dtype)


# ------------------------------------------------------------------------------------------------ modules


class _Module(types.ModuleType):
    """A module whose names are those of the snapshot."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = function_at(f"{self.__name__}.{name}")
        if found is None:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return found


class CUDARuntimeError(RuntimeError):
    """What CuPy raises where there is no GPU."""


class _Stream:
    def synchronize(self) -> None:
        synced("synchronize")


def modules() -> dict[str, types.ModuleType]:
    """The stand-in under the names of CuPy's modules."""
    names = ("cupy", "cupy.linalg", "cupy.lib", "cupy.lib.stride_tricks", "cupy.cuda", "cupy.cuda.runtime", "cupyx",
             "cupyx.scipy", "cupyx.scipy.special")  # fmt: skip
    made = {name: _Module(name) for name in names}
    for name in names:
        parent, _, last = name.rpartition(".")
        made[name].__path__ = []
        if parent:
            setattr(made[parent], last, made[name])
    made["cupy"].ndarray = ndarray
    made["cupy"].__version__ = "stand-in"
    made["cupy.cuda"].get_current_stream = _Stream
    runtime = made["cupy.cuda.runtime"]
    runtime.CUDARuntimeError = CUDARuntimeError
    runtime.getDeviceCount, runtime.getDevice = lambda: 2, lambda: 0
    return made


def install() -> None:
    """Let `import cupy` find the stand-in."""
    sys.modules.update(modules())
