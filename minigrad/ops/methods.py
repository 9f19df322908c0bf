"""The table of operators and methods of Tensor, and the stub that shows them to type checkers.

`python -m minigrad.ops.methods` writes the stub `minigrad/_methods.pyi` anew.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..tensor import Tensor
from . import (
    cast,
    conversion,
    creation,
    diagonals,
    display,
    dtypes,
    elementwise,
    index,
    inplace,
    interchange,
    join,
    linalg,
    logic,
    memory,
    numpy_functions,
    ordering,
    probability,
    products,
    rearrange,
    reduce,
    rounding,
    scan,
    scattering,
    search,
    shape,
    statistics,
    transcendental,
    ufuncs,
)
from .failure import ShapeError, explained
from .primitive import Primitive


def _swapped(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, other: function(other, self)


def _equal(self: Tensor, other: Any) -> Any:
    return logic.eq(self, other) if hasattr(other, "dtype") or isinstance(other, (bool, int, float)) else False


def _unequal(self: Tensor, other: Any) -> Any:
    return logic.ne(self, other) if hasattr(other, "dtype") or isinstance(other, (bool, int, float)) else True


def _iterate(self: Tensor) -> Any:
    if not self.shape:
        raise TypeError("iteration over a 0-d tensor")
    return iter(shape.unbind(self))


def _backwards(self: Tensor) -> Any:
    return rearrange.flip(self, 0) if self.shape else self


def _matrices(self: Tensor) -> Any:
    if self.ndim == 1:
        raise ShapeError(f"mT and mH transpose matrices, this tensor has shape {self.shape}")
    return shape.transpose(self, -1, -2) if self.shape else self


def _matrix(self: Tensor) -> Any:
    if self.ndim not in (0, 2):
        raise ShapeError(f"H transposes a matrix, this tensor has shape {self.shape}; use mH for a stack of them")
    return shape.t(self)


OPERATORS: dict[str, Callable[..., Any]] = {
    "__add__": elementwise.add, "__radd__": _swapped(elementwise.add),
    "__sub__": elementwise.sub, "__rsub__": _swapped(elementwise.sub),
    "__mul__": elementwise.mul, "__rmul__": _swapped(elementwise.mul),
    "__truediv__": elementwise.true_divide, "__rtruediv__": _swapped(elementwise.true_divide),
    "__floordiv__": rounding.floor_divide, "__rfloordiv__": _swapped(rounding.floor_divide),
    "__mod__": rounding.remainder, "__rmod__": _swapped(rounding.remainder),
    "__pow__": elementwise.pow, "__rpow__": _swapped(elementwise.pow),
    "__matmul__": products.matmul, "__rmatmul__": _swapped(products.matmul),
    "__iadd__": inplace.add_, "__isub__": inplace.sub_, "__imul__": inplace.mul_, "__itruediv__": inplace.div_,
    "__ifloordiv__": inplace.IN_PLACE["floor_divide_"], "__imod__": inplace.IN_PLACE["remainder_"],
    "__ipow__": inplace.IN_PLACE["pow_"],
    "__iand__": inplace.IN_PLACE["bitwise_and_"], "__ior__": inplace.IN_PLACE["bitwise_or_"],
    "__ixor__": inplace.IN_PLACE["bitwise_xor_"],
    "__neg__": elementwise.neg, "__abs__": elementwise.abs, "__invert__": logic.bitwise_not,
    "__and__": logic.bitwise_and, "__rand__": _swapped(logic.bitwise_and),
    "__or__": logic.bitwise_or, "__ror__": _swapped(logic.bitwise_or),
    "__xor__": logic.bitwise_xor, "__rxor__": _swapped(logic.bitwise_xor),
    "__eq__": _equal, "__ne__": _unequal,
    "__lt__": logic.lt, "__le__": logic.le, "__gt__": logic.gt, "__ge__": logic.ge,
    "__getitem__": index.getitem, "__setitem__": inplace.setitem, "__iter__": _iterate, "__reversed__": _backwards,
}  # fmt: skip


def where(self: Tensor, condition: Any, other: Any) -> Any:
    return elementwise.where(condition, self, other)


def split(self: Tensor, split_size: Any, dim: int = 0) -> Any:
    return shape.split(self, split_size, dim)


# The public operations of these modules are methods too, under the same name ...
OPERATIONS: dict[str, Callable[..., Any]] = {
    name: getattr(module, name)
    for module in (
        cast, elementwise, rounding, transcendental, logic, reduce, probability, statistics, scan, ordering, shape,
        diagonals, join, rearrange, index, scattering, search, products,
    )
    for name in module.__all__
}
# ... but for those that PyTorch has as functions alone.
FUNCTIONS_ONLY = {
    "atleast_1d", "atleast_2d", "atleast_3d", "broadcast_tensors", "bucketize", "cat", "dstack", "hstack", "isin",
    "meshgrid", "searchsorted", "stack", "std_mean", "tril_indices", "triu_indices", "var_mean", "vstack",
}

METHODS: dict[str, Callable[..., Any]] = {
    **{name: function for name, function in OPERATIONS.items() if name not in FUNCTIONS_ONLY},
    **{name: getattr(inplace, name) for name in inplace.__all__},
    **inplace.IN_PLACE,
    "where": where, "split": split,
    "view": shape.view, "expand": shape.expand,
    "to": cast.to, "cpu": cast.cpu, "cuda": cast.cuda,
    "half": cast.half, "float": cast.float_, "double": cast.double, "int": cast.int_, "long": cast.long,
    "bool": cast.bool_,
    **scattering.IN_PLACE,
    **conversion.METHODS, **interchange.METHODS, **memory.METHODS, **creation.NEW,
    **{name: getattr(linalg, name) for name in linalg.OUTSIDE}, "cholesky": linalg.cholesky,
    **{name: getattr(shape, name) for name in ("view_as", "reshape_as", "expand_as")},
    "is_floating_point": dtypes.is_floating_point,
}  # fmt: skip

PROPERTIES: dict[str, Callable[[Any], Any]] = {
    "T": lambda self: shape.permute(self, *reversed(range(self.ndim))),
    "mT": _matrices, "mH": _matrices, "H": _matrix, **memory.PROPERTIES,
}
PROTOCOLS: dict[str, Callable[..., Any]] = {  # what Python and NumPy call
    **conversion.PROTOCOL, **display.PROTOCOL, **interchange.PROTOCOL,
    "__array_ufunc__": ufuncs.array_ufunc, "__array_function__": numpy_functions.array_function,
}  # fmt: skip


def _bound(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A primitive is an object, and only plain functions become methods."""
    if not isinstance(function, Primitive):
        return function if name in OPERATORS or name in PROTOCOLS else explained(function)
    if len(function.names) == 1:
        return lambda self: function(self)
    if name in OPERATORS or (function.names[1] == "other" and not function.alpha):
        return lambda self, other: function(self, other)
    return lambda self, *args, **settings: function(self, *args, **settings)


def bind() -> None:
    """Give Tensor its operators and methods."""
    for name, function in {**OPERATORS, **METHODS, **PROTOCOLS}.items():
        setattr(Tensor, name, _bound(name, function))
    for name, function in PROPERTIES.items():
        setattr(Tensor, name, property(function))


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    function = getattr(function, "__wrapped__", function)
    if not isinstance(function, Primitive):
        return list(inspect.signature(function).parameters.values())
    alpha = [inspect.Parameter("alpha", inspect.Parameter.KEYWORD_ONLY, default=1)] if function.alpha else []
    return [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in function.names] + alpha


_PAIRS = ("aminmax", "cummax", "cummin", "kthvalue", "max", "median", "min", "slogdet", "sort", "topk")  # or one tensor
_PARTS = ("split", "chunk", "unbind", "tensor_split", "hsplit", "vsplit", "dsplit")
_RETURNS = {**dict.fromkeys((*_PAIRS, "nonzero", "unique", "stride"), "Any"),
            **dict.fromkeys(_PARTS, "tuple[Tensor, ...]"),
            **dict.fromkeys(("size", "item", "tolist", "numpy", "__array__", "__dlpack__", "__dlpack_device__",
                             "__array_ufunc__", "__array_function__"), "Any"),
            **dict.fromkeys(("allclose", "equal", "is_contiguous", "is_floating_point", "__bool__", "__contains__"),
                            "builtins.bool"),
            **dict.fromkeys(("dim", "ndimension", "element_size", "nelement", "numel", "itemsize", "nbytes", "__len__",
                             "__int__", "__index__"), "builtins.int"),
            "__float__": "builtins.float", "__complex__": "builtins.complex", "__repr__": "builtins.str",
            "__format__": "builtins.str", "__iter__": "Iterator[Tensor]", "__setitem__": "None"}  # fmt: skip


def _declaration(name: str, function: Callable[..., Any]) -> str:
    parts = ["self"]
    keyword_only = False
    for parameter in _parameters(function)[1:]:
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            parts.append(f"*{parameter.name}: Any")
            keyword_only = True
            continue
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            parts.append(f"**{parameter.name}: Any")
            continue
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and not keyword_only:
            parts.append("*")
            keyword_only = True
        has_default = parameter.default is not inspect.Parameter.empty
        parts.append(f"{parameter.name}: Any" + (" = ..." if has_default else ""))
    if name in OPERATORS and name not in ("__getitem__", "__setitem__"):
        parts[1:] = ["other: Any"] * (len(parts) > 1)
    ignore = "  # type: ignore[override]" if name in ("__eq__", "__ne__") else ""
    return f"    def {name}({', '.join(parts)}) -> {_RETURNS.get(name, 'Tensor')}: ...{ignore}"


def stub() -> str:
    """The text of `_methods.pyi`."""
    lines = [
        '"""Generated by `python -m minigrad.ops.methods`: what `minigrad.ops` binds to Tensor."""',
        "",
        "import builtins",
        "from collections.abc import Iterator",
        "from typing import Any",
        "",
        "from .tensor import Tensor",
        "",
        "class Methods:",
        *(_declaration(name, function) for name, function in {**OPERATORS, **METHODS, **PROTOCOLS}.items()),
    ]
    for name in PROPERTIES:
        lines += ["    @property", f"    def {name}(self) -> {_RETURNS.get(name, 'Tensor')}: ..."]
    return "\n".join(lines) + "\n"


def stub_path() -> Path:
    return Path(__file__).parent.parent / "_methods.pyi"


if __name__ == "__main__":
    stub_path().write_text(stub())
