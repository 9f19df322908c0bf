"""Each refusal begins with the name of what was called, once, and goes on with what that needs."""

import re

import numpy as np
import pytest

import minigrad as mg
from minigrad.ops import failure

A, B, I = mg.ones(2, 3), mg.ones(2, 3, dtype=mg.float64), mg.tensor([0, 1])
INT = mg.ones(2, 2, dtype=mg.int64)
FAR = mg.tensor([[5, 5, 5]])
HOST = pytest.mark.host("a device does not look at values")

ENDINGS = {  # of the message for each kind of stranger
    None: "None is neither a tensor nor a number",
    "a": "str is neither a tensor nor a number; use minigrad.tensor(...)",
    (): "tuple is neither a tensor nor a number; use minigrad.tensor(...)",
    1j: "a tensor cannot hold complex numbers; a tensor holds bool, integers of up to 64 bits, float16, float32 or "
        "float64",
}  # fmt: skip
BEGINNINGS = {  # of the message: the call
    "full needs a number to fill with, got str": lambda: mg.full((2,), "a"),
    "full_like needs a number to fill with, got str": lambda: mg.full_like(A, "a"),
    "linspace needs a number to fill with, got str": lambda: mg.linspace("a", 1, 2),
    "linspace needs a number to fill with, got list": lambda: mg.linspace(0, [1], 2),
    "logspace needs a number to fill with, got str": lambda: mg.logspace("a", 1, 2),
    "logspace needs a number to fill with, got list": lambda: mg.logspace(0, [1], 2),
    "diagonal needs two different dimensions, got 0 twice": lambda: mg.diagonal(A, 0, 0, -2),
    "diag_embed needs two different dimensions, got 1 twice": lambda: mg.diag_embed(A, 0, 1, -2),
    "tril needs at least 2 dimensions, got shape (2,)": lambda: mg.tril(I),
    "triu needs at least 2 dimensions, got shape (2,)": lambda: mg.triu(I),
    "masked_fill takes tensors, got float": lambda: mg.masked_fill(1.0, A > 0, 1.0),
    "masked_fill takes tensors, got bool": lambda: mg.masked_fill(A, True, 1.0),
    "masked_fill: a tensor cannot hold complex numbers": lambda: mg.masked_fill(A, A > 0, 1j),
    "gather takes tensors, got float": lambda: mg.gather(1.0, 0, I),
    "gather takes tensors, got list": lambda: mg.gather(A, 0, [0]),
    "gather needs integer indices, got float32": lambda: mg.gather(A, 0, A),
    "gather needs an index of 2 dimensions": lambda: mg.gather(A, 0, I),
    "index_select needs a vector of integers, got float32": lambda: mg.index_select(A, 0, mg.ones(2)),
    "index_put: a tensor cannot hold complex numbers": lambda: mg.index_put(A, (I,), 1j),
    "take needs integer indices, got float32": lambda: mg.take(A, mg.ones(2)),
    "masked_select needs a mask of bools, got float32": lambda: mg.masked_select(A, A),
    "linalg.inv takes square matrices": lambda: mg.linalg.inv(A),
    "linalg.inv takes floating-point tensors": lambda: mg.linalg.inv(INT),
    "linalg.solve takes square matrices": lambda: mg.linalg.solve(A, A),
    "linalg.solve takes floating-point tensors": lambda: mg.linalg.solve(mg.eye(2), INT),
    "linalg.det takes square matrices": lambda: mg.linalg.det(A),
    "linalg.slogdet takes square matrices": lambda: mg.linalg.slogdet(A),
    "linalg.cholesky takes square matrices": lambda: mg.linalg.cholesky(A),
    "linalg.cholesky takes floating-point tensors": lambda: mg.linalg.cholesky(INT),
    "mm takes tensors, got float": lambda: mg.mm(A, 1.0),
    "bmm takes tensors, got float": lambda: mg.bmm(1.0, A),
    "mm of (2, 3) and (2,): both need 2 dimensions": lambda: mg.mm(A, I),
    "bmm of (2, 3) and (2, 3): both need 3 dimensions": lambda: mg.bmm(A, A),
    "randint: 0 to 999 do not fit uint8": lambda: mg.randint(1000, (2,), dtype=np.uint8),
    "randperm: 0 to 299 do not fit uint8": lambda: mg.randperm(300, dtype=np.uint8),
    "sum takes tensors, got float": lambda: mg.sum(1.0),
    "cat takes tensors, got float": lambda: mg.cat([A, 1.0]),
    "stack takes tensors, got float": lambda: mg.stack([A, 1.0]),
    "scatter needs integer indices, got float32": lambda: mg.scatter(A, 0, A, 1.0),
    "scatter of float64 into float32": lambda: mg.scatter(A, 0, INT, B),
    "scatter_add needs integer indices, got float32": lambda: mg.scatter_add(A, 0, A, A),
    "scatter_add of float64 into float32": lambda: mg.scatter_add(A, 0, INT, B),
    "scatter_reduce needs integer indices, got float32": lambda: mg.scatter_reduce(A, 0, A, A, "sum"),
    "scatter_reduce of float64 into float32": lambda: mg.scatter_reduce(A, 0, INT, B, "sum"),
    "index_add needs a vector of integers": lambda: mg.index_add(A, 0, A, A),
    "index_add: source has shape (2,)": lambda: mg.index_add(A, 0, I, I),
    "index_add of float64 into float32": lambda: mg.index_add(A, 0, I, B),
    "index_copy needs a vector of integers": lambda: mg.index_copy(A, 0, A, A),
    "index_copy: source has shape (2,)": lambda: mg.index_copy(A, 0, I, I),
    "index_copy of float64 into float32": lambda: mg.index_copy(A, 0, I, B),
    "index_fill needs a vector of integers": lambda: mg.index_fill(A, 0, mg.ones(2), 1.0),
    "hsplit needs at least 1 dimensions": lambda: mg.ones(()).hsplit(1),
    "vsplit needs at least 2 dimensions": lambda: mg.ones(2).vsplit(1),
    "dsplit needs at least 3 dimensions": lambda: A.dsplit(1),
    "hsplit: dimension 1 of size 3 cannot be cut": lambda: A.hsplit(2),
    "vsplit: dimension 0 of size 2 cannot be cut": lambda: A.vsplit(3),
    "dsplit: dimension 2 of size 1 cannot be cut": lambda: A.unsqueeze(2).dsplit(3),
    "np.ptp of a Tensor takes no axis=()": lambda: np.ptp(A, axis=()),
    "np.median of a Tensor takes no axis=()": lambda: np.median(A, axis=()),
    "np.var of a Tensor takes no axis=()": lambda: np.var(A, axis=()),
    "np.std of a Tensor takes no axis=()": lambda: np.std(A, axis=()),
    "np.sum of a Tensor takes no axis=()": lambda: np.sum(A, axis=()),
    "np.add.reduce of a Tensor takes no axis=()": lambda: np.add.reduce(A, axis=()),
    "np.unique of a Tensor gives no return_index": lambda: np.unique(A, return_index=True),
    "np.copyto: out= cannot be recorded": lambda: np.copyto(A.clone(), mg.ones(2, 3, requires_grad=True)),
    "np.copyto: a result of dtype float32 cannot be kept in a tensor of dtype int64": lambda: np.copyto(
        INT.clone(), mg.ones(2, 2)
    ),
    "linalg.vector_norm takes floating-point tensors": lambda: mg.linalg.vector_norm(INT),
    "addmm: input of shape (4, 1, 1) does not expand": lambda: mg.addmm(mg.ones(4, 1, 1), A, A.T),
}  # fmt: skip
OF_VALUES = {
    "gather: indices from 5 to 5 do not fit dimension 0 of size 2": lambda: mg.gather(A, 0, FAR),
    "index_select: indices from 5 to 5 do not fit dimension 0 of size 2": lambda: mg.index_select(A, 0, FAR[0]),
    "scatter: indices from 5 to 5 do not fit dimension 0 of size 2": lambda: mg.scatter(A, 0, FAR, 1.0),
    "scatter_add: indices from 5 to 5 do not fit dimension 0 of size 2": lambda: mg.scatter_add(A, 0, FAR, A),
    "scatter_reduce: indices from 5 to 5 do not fit dimension 0 of size 2": lambda: mg.scatter_reduce(
        A, 0, FAR, A, "amax"
    ),
    "index_add: indices from 5 to 5 do not fit dimension 0 of size 2": lambda: mg.index_add(
        A, 0, FAR[0], mg.ones(3, 3)
    ),
    "index_copy: indices from 5 to 5 do not fit dimension 0 of size 2": lambda: mg.index_copy(
        A, 0, FAR[0], mg.ones(3, 3)
    ),
    "index_fill: indices from 5 to 5 do not fit dimension 0 of size 2": lambda: mg.index_fill(A, 0, FAR[0], 1.0),
}  # fmt: skip
CHANGES = {
    "add_": lambda x: x.add_(1), "sub_": lambda x: x.sub_(1), "mul_": lambda x: x.mul_(2), "div_": lambda x: x.div_(2),
    "clamp_": lambda x: x.clamp_(0), "fill_": lambda x: x.fill_(1), "zero_": lambda x: x.zero_(),
    "exp_": lambda x: x.exp_(), "pow_": lambda x: x.pow_(2), "lerp_": lambda x: x.lerp_(x, 0.5),
    "an assignment by index": lambda x: x.__setitem__(0, 1.0), "np.exp": lambda x: np.exp(x.detach(), out=x),
}  # fmt: skip


def check(beginning, call):
    with pytest.raises((TypeError, ValueError, RuntimeError, IndexError)) as error:
        call()
    assert re.match(re.escape(beginning), str(error.value)), str(error.value)


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_a_refusal_begins_with_the_name_of_what_was_called(beginning):
    check(beginning, BEGINNINGS[beginning])


@pytest.mark.parametrize("stranger", ENDINGS)
def test_what_is_no_tensor_is_told_what_to_do_about_it(stranger):
    for call in (lambda: A * stranger, lambda: mg.maximum(A, stranger), lambda: mg.exp(stranger), lambda: stranger - A):
        with pytest.raises(TypeError) as error:
            call()
        assert str(error.value).endswith(ENDINGS[stranger]), str(error.value)


@HOST
@pytest.mark.parametrize("beginning", OF_VALUES)
def test_a_refusal_of_values_begins_with_it_too(beginning):
    check(beginning, OF_VALUES[beginning])


@HOST
@pytest.mark.parametrize("index", [[-1, 0, 0], [0, 3, 0], [-4, 9, 0]])
def test_an_index_is_out_of_range_on_either_side(index):
    index, x = mg.tensor(index), mg.ones(3)
    low, high = min(index.tolist()), max(index.tolist())
    for call in (lambda: x.gather(0, index), lambda: x.scatter(0, index, 1.0), lambda: x.index_select(0, index),
                 lambda: x.index_add(0, index, x), lambda: x.index_copy(0, index, x)):  # fmt: skip
        with pytest.raises(IndexError, match=rf"indices from {low} to {high} do not fit dimension 0 of size 3"):
            call()


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_that_may_not_be_made_begins_with_its_name(name):
    check(f"{name} would overwrite a leaf of shape (2,)", lambda: CHANGES[name](mg.ones(2, requires_grad=True)))
    narrow = mg.ones(1).expand(2)
    check(f"{name} on a tensor of shape (2,) whose memory is read-only", lambda: CHANGES[name](narrow))


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_that_was_made_is_known_by_its_name(name):
    x = mg.ones(2, requires_grad=True) * 1.0
    square = x * x
    CHANGES[name](x if name != "np.exp" else x.detach())
    with pytest.raises(RuntimeError, match=rf"changed in place by {name}\b"):
        square.sum().backward()


@pytest.mark.parametrize("value, shown", [
    ((1,) * 8, True), ((1,) * 9, False), ([2] * 8, True), ((1, (2, None)), True), ((1, 0.5), False),
    (((0.5,),), False), (0.5, True), (True, True), (False, False), (None, False), ("a" * 39, True), ("a" * 40, False),
    (slice(1, None), True), (np.dtype("float32"), True), (..., True), (A, False), (np.float64(1.0), True),
    ({1: 2}, False), ((), True),
])  # fmt: skip
def test_settings_are_shown_that_are_short_and_plain(value, shown):
    told = failure._with({"setting": value, "bounds": (0, 1), "data": 1, "home": "cpu"})
    assert told == (f" with setting={value!r}" if shown else "")


def test_what_is_inside_of_a_sequence_has_its_place_in_the_message():
    with pytest.raises(TypeError, match=r"^meshgrid of .*: tensors\[1\]"):
        mg.meshgrid(I, "a")
    assert dict(failure._flat({"x": (1, 2), "y": 3, "z": [4]})) == {"x[0]": 1, "x[1]": 2, "y": 3, "z[0]": 4}
    assert dict(failure._flat({"x": (0,) * 99})).keys() == {f"x[{place}]" for place in range(99)}
    assert dict(failure._flat({"x": (0,) * 100})).keys() == {"x"}
