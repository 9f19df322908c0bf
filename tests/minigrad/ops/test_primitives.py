"""What is said of primitives as such: their names, which of them give views, and which have no gradient."""

import importlib
import pkgutil

import numpy as np

import minigrad as mg
from minigrad.ops.dtypes import to_common_dtype, to_float
from minigrad.ops.primitive import Primitive

OTHER_NAMES = {  # what a person calls it, where the variable says more
    "transfer": "to", "true_divide": "div", "_trunc_divide": "div", "index_put_here": "index_put",
    "_scatter_by": "scatter_reduce",
}  # fmt: skip


def primitives():
    """Every primitive of the operations, with the variables that hold it."""
    found = {}
    for each in pkgutil.iter_modules(mg.ops.__path__):
        for variable, value in vars(importlib.import_module(f"minigrad.ops.{each.name}")).items():
            if isinstance(value, Primitive):
                found.setdefault(id(value), (value, []))[1].append(variable)
    return list(found.values())


def test_a_primitive_has_the_name_of_its_variable():
    for primitive, variables in primitives():
        assert primitive.name in {OTHER_NAMES.get(each, each.strip("_")) for each in variables}, variables
        assert repr(primitive) == f"<primitive {primitive.name}>"


def test_these_primitives_give_views():
    assert {primitive.name for primitive, _ in primitives() if primitive.view} == {
        "diagonal", "expand", "getitem", "permute", "reshape", "unfold", "windows",
    }  # fmt: skip


def test_only_what_tells_truth_and_places_has_no_gradient():
    assert {primitive.name for primitive, _ in primitives() if not primitive.differentiable} == {
        "all", "any", "argmax", "argmin", "argsort", "bitwise_and", "bitwise_not", "bitwise_or", "bitwise_xor", "eq",
        "ge", "gt", "le", "lt", "ne",
    }  # fmt: skip


def test_these_primitives_take_an_alpha():
    assert {primitive.name for primitive, _ in primitives() if primitive.alpha} == {"add", "sub"}


def test_a_primitive_keeps_what_it_was_told():
    def told(each):
        return each.name, each.forward, each.view, each.promote, each.arity, each.names, each.alpha, each.differentiable

    def double(x, y):
        return 2 * x * y

    made = Primitive("double", double, view=True, promote=to_float, names=("a", "b", "c"), alpha=True)
    assert told(made) == ("double", double, True, to_float, 2, ("a", "b"), True, False)
    assert told(Primitive("e", np.exp)) == ("e", np.exp, False, to_common_dtype, 1, ("input",), False, False)
    assert Primitive("settled", lambda x, *, by: x).arity is None
    assert made.rules(x=lambda g, y: 2 * g * y) is made and made.differentiable
