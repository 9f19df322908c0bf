"""What takes a `dtype` computes in it, and gives it: the widest, a narrower one, and half."""

import inspect

import numpy as np
import pytest

import minigrad as mg

FLOATS = [mg.float16, mg.float32, mg.float64]
ORDERS = [2, 1, 0, 3, np.inf, -np.inf]
COMPUTED = {
    **{name: getattr(mg, name) for name in ("sum", "prod", "mean", "nansum", "nanmean")},
    **{f"{name} along a dimension": lambda x, dtype=None, name=name: getattr(mg, name)(x, 1, dtype=dtype)
       for name in ("sum", "prod", "mean", "nansum", "nanmean", "cumsum", "cumprod", "softmax", "log_softmax")},
    **{f"norm {p}": lambda x, dtype=None, p=p: mg.norm(x, p, dtype=dtype) for p in ORDERS},
    **{f"vector_norm {p}": lambda x, dtype=None, p=p: mg.linalg.vector_norm(x, p, dtype=dtype) for p in ORDERS},
    **{f"linalg.norm {p} along a dimension": lambda x, dtype=None, p=p: mg.linalg.norm(x, p, 1, dtype=dtype)
       for p in ORDERS},
    **{f"{name} {p}": lambda x, dtype=None, name=name, p=p: getattr(mg.linalg, name)(x, p, dtype=dtype)
       for name in ("matrix_norm", "norm") for p in ("fro", 1, -1, np.inf, -np.inf)},
    "np.add": lambda x, dtype=None: np.add(x, x, dtype=dtype),
    "np.exp": lambda x, dtype=None: np.exp(x, dtype=dtype),
    "np.sum": lambda x, dtype=None: np.sum(x, dtype=dtype),
    "np.mean": lambda x, dtype=None: np.mean(x, axis=0, dtype=dtype),
    "np.cumsum": lambda x, dtype=None: np.cumsum(x, axis=1, dtype=dtype),
    "np.concatenate": lambda x, dtype=None: np.concatenate([x, x], dtype=dtype),
}  # fmt: skip
MADE = {
    "arange": (3,), "empty": (2,), "empty_like": (mg.ones(2),), "eye": (2,), "full": ((2,), 1), "linspace": (0, 1, 3),
    "full_like": (mg.ones(2), 1), "logspace": (0, 1, 3), "normal": (0.0, 1.0, (2,)), "ones": (2,), "rand": (2,),
    "ones_like": (mg.ones(2),), "rand_like": (mg.ones(2),), "randint": (3, (2,)), "randint_like": (mg.ones(2), 3),
    "randn": (2,), "randn_like": (mg.ones(2),), "randperm": (3,), "tensor": ([1, 2],), "as_tensor": ([1, 2],),
    "tril_indices": (2, 2), "triu_indices": (2, 2), "zeros": (2,), "zeros_like": (mg.ones(2),),
}  # fmt: skip
NEW = {"new_empty": (2,), "new_full": ((2,), 1), "new_ones": (2,), "new_tensor": ([1, 2],), "new_zeros": (2,)}


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("given", FLOATS)
@pytest.mark.parametrize("name", COMPUTED)
def test_what_is_computed_in_a_dtype_has_it_and_gives_its_gradient_back_in_the_other(name, given, dtype):
    values = np.array([[0.3, -1.7, 2.4], [0.9, 0.6, -0.2]])
    x = mg.tensor(values, dtype=given, requires_grad=True)
    out, expected = COMPUTED[name](x, dtype=dtype), COMPUTED[name](x.detach().to(dtype))
    assert out.dtype == dtype
    np.testing.assert_array_equal(out.detach().data, expected.data)
    if out.requires_grad:
        out.sum().backward()
        assert x.grad.dtype == given


@pytest.mark.parametrize("dtype", [*FLOATS, mg.int64, mg.int32])
@pytest.mark.parametrize("name", MADE)
def test_what_is_made_has_the_dtype_asked_for(name, dtype):
    if name in ("rand", "rand_like", "randn", "randn_like", "normal") and np.dtype(dtype).kind != "f":
        return
    assert getattr(mg, name)(*MADE[name], dtype=dtype).dtype == dtype
    if dtype in FLOATS and "requires_grad" in inspect.signature(getattr(mg, name)).parameters:
        assert getattr(mg, name)(*MADE[name], dtype=dtype, requires_grad=True).requires_grad


@pytest.mark.parametrize("dtype", [*FLOATS, mg.int64, mg.int32])
@pytest.mark.parametrize("name", NEW)
def test_what_a_tensor_makes_has_the_dtype_asked_for_or_its_own(name, dtype):
    assert getattr(mg.ones(3), name)(*NEW[name], dtype=dtype).dtype == dtype
    assert getattr(mg.ones(3, dtype=dtype), name)(*NEW[name]).dtype == dtype


def test_every_function_with_a_dtype_is_among_them():
    known = {
        name for space in (mg, mg.linalg) for name in space.__all__
        if inspect.isfunction(getattr(space, name)) and "dtype" in inspect.signature(getattr(space, name)).parameters
    }  # fmt: skip
    assert known <= {*MADE, *(name.split()[0].removeprefix("linalg.") for name in COMPUTED)}


@pytest.mark.parametrize("function", [mg.linspace, mg.logspace])
@pytest.mark.parametrize("number", [np.float32, np.float16, mg.tensor])
def test_steps_between_narrow_numbers_are_computed_in_float64(function, number):
    expected = function(0.0, 1.0, 7, dtype=mg.float64)
    np.testing.assert_array_equal(function(number(0.0), number(1.0), 7, dtype=mg.float64).data, expected.data)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("given", FLOATS)
def test_a_tensor_goes_to_a_dtype_by_its_name_and_by_another_tensor(given, dtype):
    x = mg.ones(2, dtype=given)
    named = {mg.float16: x.half, mg.float32: x.float, mg.float64: x.double}[dtype]
    for out in (named(), x.to(dtype), x.to(dtype=dtype), x.to("cpu", dtype), x.to(mg.ones(1, dtype=dtype)),
                x.type_as(mg.ones(1, dtype=dtype)), mg.as_tensor(x, dtype)):  # fmt: skip
        assert out.dtype == dtype and (out is x) == (dtype == given and out.device == x.device)
