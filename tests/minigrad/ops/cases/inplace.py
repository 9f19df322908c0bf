"""In-place operations."""


from hypothesis import strategies as st

from tests.minigrad.ops.cases.case import (
    Case,
    nonzero,
    separated,
    shape,
)  # fmt: skip


def _in_place(name, *numbers):
    """The method called on a fresh copy, and the copy used before and after."""

    def function(x, *others):
        target = x * 1.5
        before = target.sum() if name in ("add_", "sub_") else 0.0
        result = getattr(target, name)(*others, *numbers)
        assert result is target
        return target * 2.0 + before

    return function


into = shape.flatmap(lambda s: st.tuples(st.just(s), st.sampled_from([s, (), (1,) * len(s), s[1:], (*s[:-1], 1)])
    .filter(lambda b: len(b) <= len(s))))  # fmt: skip
IN_PLACE = {
    **{name: Case(_in_place(name), into) for name in ("add_", "sub_", "mul_", "copy_")},
    "div_": Case(_in_place("div_"), into, values=nonzero),
    "add_ of alpha": Case(lambda x, y: (x * 1.0).add_(y, alpha=-0.5), into, names=("add_",)),
    "sub_ of alpha": Case(lambda x, y: (x * 1.0).sub_(y, alpha=3), into, names=("sub_",)),
    "mul_ by a number": Case(_in_place("mul_", 3.0), names=("mul_",)),
    "clamp_": Case(_in_place("clamp_", -0.5, 0.5), values=separated),
    "fill_": Case(_in_place("fill_", 2.0)),
    "zero_": Case(_in_place("zero_")),
}
