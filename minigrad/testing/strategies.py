"""What to draw for a test of a layer: tensors, axes, shapes, indices and configurations, for hypothesis.

A strategy may depend on what was drawn before it: `axes_of("x")` draws an axis of the tensor called "x". `gradtest`
draws them in order. Small tensors are drawn number by number, on a grid exact in float16 with the points where
functions turn nasty, so that they shrink to zeros, ones and halves; large ones from a drawn seed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from ..backends import backend_for
from ..tensor import Tensor
from .layouts import LAYOUTS, laid_out

try:
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as hnp
except ImportError as error:
    raise ImportError("minigrad.testing.strategies draws with hypothesis: pip install 'minigrad[test]'") from error

__all__ = [
    "After", "AttentionConfig", "ConvConfig", "arrays", "attention_configs", "axes_of", "axis_tuples_of",
    "broadcast_to", "conv_configs", "cotangents_for", "einsum_specs", "indices_of", "like", "matmul_operands",
    "module_configs", "mutually_broadcastable", "norm_configs", "optimizer_configs", "permutations_of", "seeds",
    "shapes", "tensors", "token_ids",
]  # fmt: skip

Strategy: TypeAlias = Any
Drawn: TypeAlias = dict[str, Any]
Values: TypeAlias = Literal["regular", "kinky", "extreme", "separated", "positive"]

SINGLY_UP_TO = 64
GRID = 16  # steps to 1: numbers that float16 holds exactly


@dataclass(frozen=True)
class After:
    """A strategy that needs what was drawn before: the names it needs, and how it is made of their values."""

    names: tuple[str, ...]
    make: Callable[..., Strategy]

    def strategy(self, drawn: Drawn) -> Strategy:
        missing = [name for name in self.names if name not in drawn]
        if missing:
            known = ", ".join(drawn) or "none"
            raise ValueError(f"nothing called {missing[0]!r} was drawn before; drawn so far: {known}")
        return self.make(*(drawn[name] for name in self.names))


def shapes(ndim: int | tuple[int, int] = (0, 3), size: tuple[int, int] = (1, 5)) -> Strategy:
    """Shapes with so many dimensions of such sizes."""
    low, high = (ndim, ndim) if isinstance(ndim, int) else ndim
    return hnp.array_shapes(min_dims=low, max_dims=high, min_side=size[0], max_side=size[1]) if high else st.just(())


def arrays(
    shape: Any = None, *, ndim: int | tuple[int, int] = (0, 3), size: tuple[int, int] = (1, 5),
    dtype: Any = np.float64, values: Values = "regular", layouts: bool = False,
) -> Strategy:  # fmt: skip
    """NumPy arrays. `shape` is a shape or a strategy of shapes; without it, `ndim` and `size` bound one.

    values: "regular" between -4 and 4; "positive" from 1/16 to 4; "separated" with gaps between any two, for sort and
        max; "kinky" with zeros and ties on purpose; "extreme" across many orders of magnitude.
    layouts: also transposed, strided, reversed and read-only memory.
    """
    known = ("regular", "kinky", "extreme", "separated", "positive")
    if values not in known:
        raise ValueError(f"values must be one of {', '.join(map(repr, known))}, got {values!r}")
    kind = np.dtype(dtype)
    if kind.kind != "f":
        raise ValueError(f"arrays of {kind}: only floating dtypes have gradients; use `indices` for integers")
    chosen = shapes(ndim, size) if shape is None else shape if hasattr(shape, "example") else st.just(tuple(shape))

    def filled(sizes: tuple[int, ...]) -> Strategy:
        return _numbers(int(np.prod(sizes)), values).map(lambda flat: np.asarray(flat, kind).reshape(sizes))

    drawn = chosen.flatmap(filled)
    if not layouts:
        return drawn
    return st.tuples(drawn, st.sampled_from(LAYOUTS)).map(lambda pair: laid_out(*pair))


def tensors(shape: Any = None, **settings: Any) -> Strategy:
    """As `arrays`, but tensors of minigrad, on the default device."""
    return arrays(shape, **settings).map(_tensor)


def _tensor(array: Any) -> Tensor:
    return Tensor(backend_for(None).asarray(array))


def _numbers(count: int, values: Values) -> Strategy:
    if count > SINGLY_UP_TO:
        return st.integers(0, 2**32 - 1).map(lambda seed: _from_seed(np.random.default_rng(seed), count, values))
    if values == "separated":
        return st.permutations(range(count)).map(lambda order: (np.array(order, float) - count // 2) / 4)
    grid = st.integers(-4 * GRID, 4 * GRID).map(lambda k: k / GRID)
    element = {
        "regular": grid,
        "positive": st.integers(1, 4 * GRID).map(lambda k: k / GRID),
        "kinky": st.sampled_from([0.0, 1.0, -1.0, 0.5, -0.5, 6.0, 3.0, -3.0]),
        "extreme": st.tuples(st.sampled_from([-1.0, 1.0]), st.integers(-14, 14)).map(lambda p: p[0] * 2.0 ** p[1]),
    }[values]
    return st.lists(element, min_size=count, max_size=count).map(lambda numbers: np.array(numbers, float))


def _from_seed(rng: np.random.Generator, count: int, values: Values) -> Any:
    if values == "separated":
        return (rng.permutation(count) - count // 2) / GRID
    if values == "kinky":
        return rng.choice([0.0, 1.0, -1.0, 0.5, -0.5], count)
    if values == "extreme":
        return rng.choice([-1.0, 1.0], count) * 2.0 ** rng.integers(-14, 15, count)
    numbers = rng.integers(-4 * GRID, 4 * GRID + 1, count) / GRID
    return np.abs(numbers) + 1 / GRID if values == "positive" else numbers


# ------------------------------------------------------------------------------------------ beside what was drawn


def axes_of(name: str) -> After:
    """An axis of the tensor called `name`, counted from either end."""

    def make(x: Any) -> Strategy:
        if not x.ndim:
            raise ValueError(f"{name!r} has no dimension to draw an axis of: draw it with ndim=(1, ...)")
        return st.integers(-x.ndim, x.ndim - 1)

    return After((name,), make)


def axis_tuples_of(name: str, min_size: int = 0) -> After:
    """Some axes of the tensor called `name`, each once."""
    return After((name,), lambda x: hnp.valid_tuple_axes(x.ndim, min_size=min_size))


def permutations_of(name: str) -> After:
    """An order of the dimensions of the tensor called `name`."""
    return After((name,), lambda x: st.permutations(range(x.ndim)).map(tuple))


def like(name: str, **settings: Any) -> After:
    """Another tensor of the shape of the one called `name`."""
    return After((name,), lambda x: tensors(tuple(x.shape), **settings))


def broadcast_to(name: str, **settings: Any) -> After:
    """A tensor whose shape broadcasts with that of the one called `name`, without making it larger."""

    def make(x: Any) -> Strategy:
        dims = st.tuples(st.integers(0, x.ndim), st.lists(st.booleans(), min_size=x.ndim, max_size=x.ndim))
        shape = dims.map(lambda d: tuple(1 if one else n for n, one in zip(x.shape, d[1]))[d[0] :])
        return tensors(shape, **settings)

    return After((name,), make)


def cotangents_for(name: str, **settings: Any) -> After:
    """What a backward is given for an output of the shape of the one called `name`."""
    return like(name, **settings)


def mutually_broadcastable(count: int = 2, max_dims: int = 3, **settings: Any) -> Strategy:
    """A tuple of so many tensors whose shapes broadcast."""
    drawn = hnp.mutually_broadcastable_shapes(num_shapes=count, max_dims=max_dims, min_side=1, max_side=4)
    return drawn.flatmap(lambda found: st.tuples(*(tensors(shape, **settings) for shape in found.input_shapes)))


def matmul_operands(max_dims: int = 2, **settings: Any) -> Strategy:
    """A pair of tensors that can be multiplied: vectors, matrices, and batches of them that broadcast."""
    signature = "(m?,n),(n,p?)->(m?,p?)"
    drawn = hnp.mutually_broadcastable_shapes(signature=signature, max_dims=max_dims, min_side=1, max_side=4)
    return drawn.flatmap(lambda found: st.tuples(*(tensors(shape, **settings) for shape in found.input_shapes)))


# --------------------------------------------------------------------------------------------- indices and labels


def indices_of(name: str) -> After:
    """What may stand between the brackets after the tensor called `name`: slices, integers, arrays, masks, ..."""

    def make(x: Any) -> Strategy:
        shape = tuple(x.shape)
        basic = hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True)
        if not shape or 0 in shape:
            return basic
        integer = hnp.integer_array_indices(shape, result_shape=hnp.array_shapes(max_dims=2, max_side=3))
        mask = hnp.arrays(np.bool_, shape)
        return st.one_of(basic, integer, mask)

    return After((name,), make)


def token_ids(vocabulary: int, shape: Sequence[int] | None = None) -> Strategy:
    """Integers below `vocabulary`, repeated ones among them."""
    if vocabulary < 1:
        raise ValueError(f"a vocabulary has at least one token, got {vocabulary}")
    chosen = shapes((1, 2)) if shape is None else st.just(tuple(shape))
    ids = st.integers(0, vocabulary - 1)
    return chosen.flatmap(lambda sizes: hnp.arrays(np.int64, sizes, elements=ids)).map(_tensor)


def seeds() -> Strategy:
    """Seeds for `mg.manual_seed` or a generator."""
    return st.integers(0, 2**31 - 1)


# ------------------------------------------------------------------------------------------------ configurations


def einsum_specs(operands: int = 2, letters: str = "ijkl", **settings: Any) -> Strategy:
    """An equation of `einsum` and tensors for it: repeated, summed and broadcast letters."""

    @st.composite
    def draw(draw: Any) -> tuple[str, list[Tensor]]:
        sizes = {letter: draw(st.integers(1, 4)) for letter in letters}
        terms = [
            "".join(draw(st.lists(st.sampled_from(letters), min_size=0, max_size=3, unique=True)))
            for _ in range(operands)
        ]
        used = sorted(set("".join(terms)))
        kept = "".join(draw(st.permutations(used))[: draw(st.integers(0, len(used)))])
        operand = [draw(tensors(tuple(sizes[letter] for letter in term), **settings)) for term in terms]
        return ",".join(terms) + "->" + kept, operand

    return draw()


@dataclass(frozen=True)
class ConvConfig:
    """Shapes and settings of a convolution that fit each other."""

    input: tuple[int, ...]
    weight: tuple[int, ...]
    stride: int
    padding: int
    dilation: int
    groups: int


def conv_configs(ndim: int | None = None) -> Strategy:
    """`ConvConfig`s of so many spatial dimensions (1 to 3 without): every kernel fits the padded input."""

    @st.composite
    def draw(draw: Any) -> ConvConfig:
        dims = ndim or draw(st.integers(1, 3))
        groups = draw(st.integers(1, 2))
        channels, out = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
        kernel = tuple(draw(st.integers(1, 3)) for _ in range(dims))
        stride, padding, dilation = draw(st.integers(1, 3)), draw(st.integers(0, 2)), draw(st.integers(1, 2))
        least = [max(1, dilation * (k - 1) + 1 - 2 * padding) for k in kernel]
        size = tuple(n + draw(st.integers(0, 3)) for n in least)
        input = (draw(st.integers(1, 2)), channels, *size)
        return ConvConfig(input, (out, channels // groups, *kernel), stride, padding, dilation, groups)

    return draw()


@dataclass(frozen=True)
class AttentionConfig:
    """Shapes, mask and settings of an attention that fit each other; `mask` may hide all keys of a row."""

    query: tuple[int, ...]
    key: tuple[int, ...]
    value: tuple[int, ...]
    mask: Any
    is_causal: bool


def attention_configs() -> Strategy:
    """`AttentionConfig`s with and without a batch, heads, a boolean mask, and causality."""

    @st.composite
    def draw(draw: Any) -> AttentionConfig:
        lead = tuple(draw(st.lists(st.integers(1, 2), max_size=2)))
        length, keys, width, out = (draw(st.integers(1, 4)) for _ in range(4))
        causal = draw(st.booleans())
        mask = None if causal or draw(st.booleans()) else draw(hnp.arrays(np.bool_, (length, keys)))
        return AttentionConfig((*lead, length, width), (*lead, keys, width), (*lead, keys, out), mask, causal)

    return draw()


def norm_configs() -> Strategy:
    """The shape of an input of a normalisation, and how many of its last dimensions are normalised."""
    return shapes((1, 3), (2, 5)).flatmap(lambda shape: st.tuples(st.just(shape), st.integers(1, len(shape))))


def optimizer_configs() -> Strategy:
    """Settings that most optimizers share: lr, weight_decay, maximize."""
    return st.fixed_dictionaries(
        {"lr": st.sampled_from([1e-3, 1e-2, 0.1]), "weight_decay": st.sampled_from([0.0, 0.01, 0.1]),
         "maximize": st.booleans()}
    )  # fmt: skip


def module_configs(cls: type, **known: Any) -> Strategy:
    """Arguments of a module's constructor, drawn from its signature: bools both ways, small sizes, the default of
    whatever has one. `known` gives strategies or values for arguments, which is how those without a default and
    without a type that says enough are given."""
    return st.fixed_dictionaries(arguments_of(cls, known))


def arguments_of(cls: type, known: Mapping[str, Any]) -> dict[str, Strategy]:
    """What `module_configs` draws, by argument."""
    drawn: dict[str, Strategy] = {}
    for name, parameter in inspect.signature(cls).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) or name in ("device", "dtype"):
            continue
        if name in known:
            value = known[name]
            drawn[name] = value if hasattr(value, "example") else st.just(value)
        elif parameter.annotation in (bool, "bool") or isinstance(parameter.default, bool):
            drawn[name] = st.booleans()
        elif parameter.default is not parameter.empty:
            drawn[name] = st.just(parameter.default)
        elif parameter.annotation in (int, "int"):
            drawn[name] = st.integers(1, 4)
        else:
            raise ValueError(f"{cls.__name__}: nothing says what {name!r} may be; pass {name}= a strategy or a value")
    unknown = set(known) - set(drawn)
    if unknown:
        raise ValueError(f"{cls.__name__} takes no {sorted(unknown)[0]!r}")
    return drawn
