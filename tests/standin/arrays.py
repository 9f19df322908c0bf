"""The array of the stand-in: NumPy memory behind CuPy's interface, with CuPy's refusals made loud.

An operation of the library may not meet a NumPy array, a list, an index out of range or one that names a place twice:
CuPy would refuse the first, copy the second without saying so, and give undefined values for the others. A test may mix
the two kinds of memory, for it looks at results.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .signatures import SIGNATURES, bind
from .syncs import in_library, synced

SCALARS = (bool, int, float, complex, np.generic)


def computed(function: Any, *args: Any, **kwargs: Any) -> Any:
    with np.errstate(all="ignore"):  # a GPU never warns
        return function(*args, **kwargs)


def host(value: Any, what: str) -> Any:
    """A device array's memory; a number as it is; whatever else as CuPy takes it."""
    if isinstance(value, ndarray):
        return value._host
    if isinstance(value, np.ndarray) and in_library():
        raise TypeError(f"{what}: implicit transfer of a numpy.ndarray of shape {value.shape} to the device")
    if isinstance(value, (list, tuple)):
        return type(value)(host(each, what) for each in value)
    return value


def device(value: Any, *sources: Any) -> Any:
    """What NumPy returned as the device would: arrays stay arrays, also of no dimensions."""
    if isinstance(value, (tuple, list)):
        return tuple(device(each, *sources) for each in value)
    if not isinstance(value, (np.ndarray, np.generic)):
        return value
    value = np.asarray(value)
    owner = next((source.owner for source in sources if np.may_share_memory(value, source.owner._host)), None)
    if owner is None and not value.size:  # no memory to share, but perhaps a view
        owner = next((source.owner for source in sources if _root(value) is _root(source.owner._host)), None)
    if owner is None and value.base is not None:
        value = value.copy(order="K")
    return ndarray._of(value, owner)


def _root(memory: np.ndarray) -> Any:
    """What owns the memory that NumPy's views look at."""
    while isinstance(memory.base, np.ndarray):
        memory = memory.base
    return memory


class Flags:
    """What CuPy tells of an array's memory: not whether it may be written to."""

    def __init__(self, flags: Any) -> None:
        self.c_contiguous, self.f_contiguous = flags.c_contiguous, flags.f_contiguous
        self.fnc, self.forc = flags.fnc, flags.forc


class ndarray:
    """An array on the device."""

    __slots__ = ("__weakref__", "_host", "base")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, shape: Any, dtype: Any = float) -> None:
        self._host = np.empty(shape, dtype)
        self.base: ndarray | None = None

    @classmethod
    def _of(cls, memory: np.ndarray, base: ndarray | None = None) -> ndarray:
        self = cls.__new__(cls)
        self._host, self.base = memory, base
        return self

    @property
    def owner(self) -> ndarray:
        return self if self.base is None else self.base

    # ------------------------------------------------------------------------------------- what it is

    shape = property(lambda self: self._host.shape)
    dtype = property(lambda self: self._host.dtype)
    strides = property(lambda self: self._host.strides)
    size = property(lambda self: self._host.size)
    ndim = property(lambda self: self._host.ndim)
    nbytes = property(lambda self: self._host.nbytes)
    itemsize = property(lambda self: self._host.itemsize)
    flags = property(lambda self: Flags(self._host.flags))
    T = property(lambda self: device(self._host.T, self))
    mT = property(lambda self: device(self._host.mT, self))

    def __len__(self) -> int:
        return len(self._host)

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    # ---------------------------------------------------------------------------------- to the host

    def get(self, stream: Any = None, order: str = "C", out: Any = None, blocking: bool = True) -> np.ndarray:
        synced("get")
        return self._host.copy(order)

    def item(self) -> Any:
        synced("item")
        return self._host.item()

    def tolist(self) -> Any:
        synced("tolist")
        return self._host.tolist()

    def __bool__(self) -> bool:
        synced("bool")
        if self.size == 0:
            raise ValueError("the truth of an empty array")
        return bool(self._host)

    def __int__(self) -> int:
        synced("int")
        return int(self._host)

    def __float__(self) -> float:
        synced("float")
        return float(self._host)

    def __repr__(self) -> str:
        synced("repr")
        return repr(self._host)

    def __format__(self, spec: str) -> str:
        synced("format")
        return format(self._host, spec)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        if in_library():
            raise TypeError("Implicit conversion to a NumPy array is not allowed")
        return np.array(self._host, dtype=dtype)

    # -------------------------------------------------------------------------------------- by index

    def __getitem__(self, index: Any) -> ndarray:
        parts, basic = self._index(index)
        if basic:
            return device(self._host[parts if Ellipsis in map(_kind, parts) else (*parts, ...)], self)
        return device(np.array(self._host[parts]))

    def __setitem__(self, index: Any, value: Any) -> None:
        parts, basic = self._index(index)
        if not isinstance(value, (ndarray, *SCALARS)) and in_library():
            raise TypeError(f"a {type(value).__name__} cannot be assigned to device memory")
        value = host(value, "assignment")
        if not basic and np.size(value) > 1:
            places = np.arange(self.size).reshape(self.shape)[parts]
            if np.unique(places).size != places.size and in_library():
                raise IndexError("assignment to a place named twice: which value stays is not defined")
        first, end = np.lib.array_utils.byte_bounds(self._host)
        if end - first < self.nbytes:
            raise RuntimeError("assignment to memory that several elements share")
        computed(self._host.__setitem__, parts, value)

    def _index(self, index: Any) -> tuple[tuple[Any, ...], bool]:
        parts: list[Any] = []
        basic = True
        for part in index if isinstance(index, tuple) else (index,):
            if isinstance(part, ndarray):
                basic = False
                if part.dtype.kind == "b":
                    synced("index by a mask")
                elif part.dtype.kind not in "iu":
                    raise IndexError("arrays used as indices must be of integer or boolean type")
                parts.append(part._host)
            elif isinstance(part, (bool, np.bool_)):
                basic = False
                synced("index by a truth")
                parts.append(part)
            elif part is None or part is Ellipsis or isinstance(part, (slice, int, np.integer)):
                parts.append(part)
            elif in_library():
                raise TypeError(f"index by a {type(part).__name__} in host memory")
            else:
                basic = False
                parts.append(part)
        return tuple(parts), basic

    # ------------------------------------------------------------------------------------ protocols

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        from . import namespace

        found = namespace.ufunc_named(ufunc.__name__)
        if found is None:
            return NotImplemented
        if "out" in kwargs:
            (kwargs["out"],) = kwargs["out"]
        for each in inputs:
            if not isinstance(each, (ndarray, np.ndarray, *SCALARS)):
                return NotImplemented
        return (found if method == "__call__" else getattr(found, method))(*inputs, **kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        from . import namespace

        path = ".".join(["cupy", *func.__module__.split(".")[1:], func.__name__])
        found = namespace.function_at(path)
        if found is None or not all(issubclass(each, (ndarray, np.ndarray)) for each in types):
            return NotImplemented
        return found(*args, **kwargs)

    def __deepcopy__(self, memo: Any) -> ndarray:
        return self.copy()

    def view(self, dtype: Any = None, type: Any = None) -> ndarray:
        return device(self._host.view() if dtype is None else self._host.view(dtype), self)

    def _set_shape_and_strides(self, shape: Any, strides: Any, c_contiguous: bool, f_contiguous: bool) -> None:
        self._host = np.lib.stride_tricks.as_strided(self._host, shape, strides)

    def astype(
        self, dtype: Any, order: str = "K", casting: Any = None, subok: Any = None, copy: bool = True
    ) -> ndarray:
        if not copy and self.dtype == dtype:
            return self
        return device(computed(self._host.astype, dtype, order=order))

    def reshape(self, *shape: Any, order: str = "C", copy: Any = None) -> ndarray:
        return device(self._host.reshape(*shape, order=order), self)

    def transpose(self, *axes: Any) -> ndarray:
        return device(self._host.transpose(*axes), self)

    def fill(self, value: Any) -> None:
        self[...] = value


def _kind(part: Any) -> Any:
    return part if part is Ellipsis else None


def _method(name: str) -> Any:
    def method(self: ndarray, *args: Any, **kwargs: Any) -> Any:
        from . import namespace

        bind(f"cupy.ndarray.{name}", (self, *args), kwargs)
        if name in namespace.WAITING:
            synced(name)
        args, kwargs = host(args, name), {key: host(value, name) for key, value in kwargs.items()}
        return device(computed(getattr(self._host, name), *args, **kwargs), self)

    return method


for _path, _text in SIGNATURES.items():
    _, _, _name = _path.rpartition("cupy.ndarray.")
    _called = _path.startswith("cupy.ndarray.") and "." not in _name and _text not in ("property", "value")
    if _called and not hasattr(ndarray, _name) and hasattr(np.ndarray, _name):
        setattr(ndarray, _name, _method(_name))


def _operator(name: str, reflected: bool, in_place: bool) -> Any:
    def operate(self: ndarray, other: Any) -> Any:
        from . import namespace

        if not isinstance(other, (ndarray, np.ndarray, *SCALARS)):
            return NotImplemented
        call = namespace.ufunc_named(name)
        return call(other, self) if reflected else call(self, other, out=self) if in_place else call(self, other)

    return operate


_BINARY = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide", "floordiv": "floor_divide",
    "mod": "remainder", "pow": "power", "matmul": "matmul", "and": "bitwise_and", "or": "bitwise_or",
    "xor": "bitwise_xor", "lshift": "left_shift", "rshift": "right_shift",
}  # fmt: skip
_COMPARED = {"lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "eq": "equal", "ne": "not_equal"}
for _short, _long in _BINARY.items():
    setattr(ndarray, f"__{_short}__", _operator(_long, False, False))
    setattr(ndarray, f"__r{_short}__", _operator(_long, True, False))
    if _short != "matmul":
        setattr(ndarray, f"__i{_short}__", _operator(_long, False, True))
for _short, _long in _COMPARED.items():
    setattr(ndarray, f"__{_short}__", _operator(_long, False, False))


def _unary(name: str) -> Any:
    def operate(self: ndarray) -> Any:
        from . import namespace

        return namespace.ufunc_named(name)(self)

    return operate


ndarray.__neg__, ndarray.__abs__, ndarray.__invert__ = map(_unary, ("negative", "absolute", "invert"))
ndarray.__module__ = "cupy"  # by this the library knows it
