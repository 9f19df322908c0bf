"""What is done in place by tensors that require grad, to one that does not: each gets the gradient it would have got.

The rules of many operations read the tensor as it was before; by then it is overwritten.
"""

import inspect

import numpy as np
import pytest

import minigrad as mg
from minigrad.ops import inplace, scattering
from minigrad.ops.primitive import Primitive

MADE = {name: getattr(inplace, name) for name in inplace.__all__} | inplace.IN_PLACE | scattering.IN_PLACE
RNG = np.random.default_rng(0)
X, Y, Z = (RNG.uniform(0.2, 0.9, (2, 3)) for _ in range(3))
INDEX = np.array([[0, 1, 1], [1, 0, 1]])
ONCE = np.array([[0, 1, 1], [1, 0, 0]])
MASK = np.array([[True, False, True], [False, True, False]])

# The arguments after the first, of which every floating array may require grad.
OPERANDS = {
    "add_": (Y,), "sub_": (Y,), "mul_": (Y,), "div_": (Y,),
    "clamp_": (Y, Y + 0.1), "clamp_ from above": (None, Y), "clamp_min_": (Y,),
    "clamp_max_": (Y,), "pow_": (Y,), "atan2_": (Y,), "hypot_": (Y,), "lerp_": (Y, Z), "addcmul_": (Y, Z),
    "addcdiv_": (Y, Z), "xlogy_": (Y,), "fmod_": (Y / 3,), "remainder_": (Y / 3,), "masked_fill_": (MASK, Y[0, 0]),
    "scatter_": (0, ONCE, Y), "scatter_add_": (0, INDEX, Y), "scatter_reduce_": (0, INDEX, Y, "prod"),
    "index_add_": (1, INDEX[0], Y), "index_copy_": (1, np.array([2, 0, 1]), Y), "index_fill_": (1, INDEX[0], Y[0, 0]),
    "index_put_": ((INDEX[0], INDEX[1]), Y[0]), "masked_scatter_": (MASK, Y),
}  # fmt: skip
SETTINGS = [
    ("add_", {"alpha": -2.0}), ("sub_", {"alpha": -2.0}), ("addcmul_", {"value": -0.5}), ("addcdiv_", {"value": 3.0}),
    ("div_", {"rounding_mode": "floor"}), ("div_", {"rounding_mode": "trunc"}), ("scatter_", {"reduce": "add"}),
    ("scatter_", {"reduce": "multiply"}), ("scatter_reduce_", {"include_self": False}), ("index_add_", {"alpha": 2.0}),
    ("index_put_", {"accumulate": True}),
]  # fmt: skip
CASES = [
    (name, settings, place)
    for name, settings in [*((name, {}) for name in OPERANDS), *SETTINGS]
    for place, value in enumerate(OPERANDS[name])
    if getattr(value, "dtype", None) == np.float64
]
CASES += [(name, {"reduce": reduce}, 2) for name in ("scatter_reduce_",) for reduce in ("sum", "mean", "amax", "amin")]


def arguments(name, place):
    """As tensors, of which the one at `place` requires grad."""
    made = []
    for each, value in enumerate(OPERANDS[name]):
        if isinstance(value, tuple):
            made.append(tuple(map(mg.tensor, value)))
        elif isinstance(value, np.ndarray | np.floating):
            made.append(mg.tensor(value, requires_grad=each == place))
        else:
            made.append(value)
    return made


def parameters(name):
    function = getattr(MADE[name], "__wrapped__", MADE[name])
    return function.names if isinstance(function, Primitive) else list(inspect.signature(function).parameters)


@pytest.mark.parametrize("by_name", [False, True])
@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("case, settings, place", CASES)
def test_an_operand_alone_gets_its_gradient(case, settings, place, recorded, by_name):
    results, name = [], case.split()[0]
    for form in (name, name[:-1]):
        leaf = mg.tensor(X, requires_grad=recorded)
        x = leaf * 1.0
        operands = [each for each in arguments(case, place) if not (settings.get("reduce") and each == "prod")]
        if by_name:
            out = getattr(x, form)(**dict(zip(parameters(name)[1:], operands)), **settings)
        else:
            out = getattr(x, form)(*operands, **settings)
        assert (out is x) == (form == name)
        (out * mg.tensor(Z)).sum().backward()
        wanted = [operands[place], *([leaf] if recorded else [])]
        results.append([out.detach().data, *(each.grad.data for each in wanted)])
    for mine, expected in zip(*results):
        np.testing.assert_allclose(mine, expected, rtol=1e-14)


@pytest.mark.parametrize("write", [
    lambda x, y: x.copy_(y), lambda x, y: x.fill_(y[0, 0]), lambda x, y: x.__setitem__(0, y[1]),
    lambda x, y: x.__setitem__((slice(None), [0, 2]), y[:, 1:]), lambda x, y: x.__setitem__(MASK, y[0]),
])  # fmt: skip
def test_what_is_written_gets_the_gradient_of_the_places_it_went_to(write):
    x, y = mg.tensor(X), mg.tensor(Y, requires_grad=True)
    counts = mg.tensor(np.arange(6.0).reshape(2, 3))
    write(x, y)
    (x * counts).sum().backward()
    before, after = x.detach().data.copy(), mg.tensor(X)
    nudged = Y.copy()
    for place in np.ndindex(Y.shape):  # linear in y: differences are exact
        nudged[place] += 1.0
        with mg.no_grad():
            after.copy_(mg.tensor(X))
            write(after, mg.tensor(nudged))
        nudged[place] -= 1.0
        assert y.grad.data[place] == pytest.approx(((after.data - before) * counts.data).sum())


def test_every_operation_in_place_with_several_operands_is_among_them():
    constant = {  # where no other argument has a gradient
        "bitwise_and_", "bitwise_or_", "bitwise_xor_", "logical_and_", "logical_or_", "logical_xor_", "cumprod_",
        "cumsum_", "floor_divide_", "logit_", "nan_to_num_", "round_", "tril_", "triu_",
    }  # fmt: skip
    several = {name for name in MADE if len(parameters(name)) > 1}
    assert several - constant == {*(case.split()[0] for case in OPERANDS), "copy_", "fill_"}


def test_whole_numbers_take_values_and_no_history():
    value = mg.tensor([2.7, -1.2], requires_grad=True)
    for write in (lambda x: x.__setitem__(slice(2), value), lambda x: x[:2].copy_(value),
                  lambda x: x[:2].__setitem__(slice(None), value)):  # fmt: skip
        x = mg.zeros(3, dtype=mg.int64)
        write(x)
        assert x.tolist() == [2, -1, 0] and not x.requires_grad
    for wrong in (lambda x: x.add_(value[0]), lambda x: x.mul_(0.5)):
        with pytest.raises(mg.DTypeError, match="a result of dtype float32 cannot be kept in a tensor of dtype int64"):
            wrong(mg.zeros(3, dtype=mg.int64))


@pytest.mark.parametrize("recorded", [False, True])
def test_a_view_that_is_out_of_date_is_no_value_and_takes_none(recorded):
    base = mg.tensor([1.0, 2.0, 3.0])
    view = base[:1]
    base.mul_(mg.tensor(2.0, requires_grad=True))
    target = mg.zeros(2, requires_grad=True) * 1.0 if recorded else mg.zeros(2)
    for use in (lambda: target.__setitem__(0, view), lambda: target.copy_(view), lambda: view.__setitem__(0, 1.0),
                lambda: view.copy_(target[:1]), lambda: target.add_(view), lambda: view.fill_(1.0)):  # fmt: skip
        with pytest.raises(RuntimeError, match="is a view of a tensor that mul changed in place"):
            use()
    with mg.no_grad():
        target[0] = view
    assert target.tolist() == [2.0, 0.0]


def test_a_retained_gradient_is_that_of_the_value_after_the_last_change():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = x * 3.0
    y.retain_grad()
    y.mul_(2.0)
    y[0] = 0.0
    (y * y).sum().backward()
    assert y.grad.tolist() == [0.0, 24.0] and x.grad.tolist() == [0.0, 144.0]


@pytest.mark.parametrize("make", [lambda: [1.0, 2.0], lambda: (1.0, 2.0), lambda: np.array([1.0, 2.0]),
                                  lambda: np.array([[1.0, 2.0]]), lambda: mg.tensor([[[1.0, 2.0]]]),
                                  lambda: mg.tensor([1, 2])])  # fmt: skip
@pytest.mark.parametrize("recorded", [False, True])
def test_what_is_assigned_is_a_list_an_array_or_a_tensor(make, recorded):
    value = make()  # on the device that new tensors go to now
    x = mg.zeros(3, 2, requires_grad=True) * 1.0 if recorded else mg.zeros(3, 2)
    kinds = mg.Tensor if mg.get_default_device() != "cpu" else (mg.Tensor, np.ndarray)
    if recorded and not isinstance(value, kinds):
        return
    x[1:] = value
    assert x.tolist() == [[0.0, 0.0], [1.0, 2.0], [1.0, 2.0]] and x.dtype == mg.float32
    x[0] = value
    x[2, 1], x[:, 0] = 9.0, 5
    assert x.tolist() == [[5.0, 2.0], [5.0, 2.0], [5.0, 9.0]]
