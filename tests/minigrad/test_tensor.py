"""What PyTorch's users expect of a tensor beside arithmetic: its sizes, the numbers it becomes, what may be assigned.

Every call of the table was run on PyTorch 2.13; the value or the class of the error is what came of it there.
"""

import math
import operator

import numpy as np
import pytest

import minigrad as mg


def setting(name):
    """x.name = value, and then x.name."""

    def call(x, value):
        setattr(x, name, value)
        return getattr(x, name)

    return call


set_requires_grad, set_grad, set_data = map(setting, ("requires_grad", "grad", "data"))


def vector(m):
    return m.tensor([1.0, 2.0])


def leaf(m):
    return m.tensor([1.0, 2.0], requires_grad=True)


def computed(m):
    return leaf(m) * 2


def integers(m):
    return m.tensor([1, 2])


def number(m):
    return m.tensor(3.0)


def its_own_grad(m):
    x = leaf(m)
    x.grad = x


def without_grad(m):
    x = leaf(m)
    x.grad = m.ones(2)
    del x.grad
    return x.grad


CALLS = [
    # sizes
    (lambda m: len(vector(m)), 2),
    (lambda m: len(number(m)), TypeError),
    (lambda m: vector(m).size(-1), 2),
    (lambda m: vector(m).size(dim=0), 2),
    (lambda m: tuple(m.zeros(2, 3).size()), (2, 3)),
    (lambda m: tuple(m.zeros(2, 3).shape), (2, 3)),
    (lambda m: vector(m).size(5), IndexError),
    (lambda m: number(m).size(0), IndexError),
    (lambda m: vector(m).size("a"), TypeError),
    (lambda m: vector(m).size(True), TypeError),
    (lambda m: (m.zeros(2, 3).ndim, m.zeros(2, 3).dim(), m.zeros(2, 3).ndimension()), (2, 2, 2)),
    (lambda m: (m.zeros(2, 3).numel(), m.zeros(2, 3).nelement(), m.numel(m.zeros(0))), (6, 6, 0)),
    (lambda m: (vector(m).element_size(), vector(m).itemsize, vector(m).nbytes), (4, 4, 8)),
    # one after the other
    (lambda m: [x.item() for x in vector(m)], [1.0, 2.0]),
    (lambda m: [tuple(x.shape) for x in m.zeros(2, 3)], [(3,), (3,)]),
    (lambda m: list(number(m)), TypeError),
    (lambda m: reversed(m.tensor([[1, 2], [3, 4]])).tolist(), [[3, 4], [1, 2]]),
    (lambda m: reversed(number(m)).item(), 3.0),
    (lambda m: (2 in vector(m), 5.0 in vector(m), True in vector(m)), (True, False, True)),
    (lambda m: m.tensor([1.0, 5.0]) in vector(m), True),
    (lambda m: 3.0 in number(m), True),
    (lambda m: 1.0 in leaf(m), True),
    (lambda m: "a" in vector(m), RuntimeError),
    (lambda m: None in vector(m), RuntimeError),
    (lambda m: [1.0] in vector(m), RuntimeError),
    # truth and numbers
    (lambda m: (bool(m.zeros(1, 1)), bool(number(m)), bool(m.tensor([math.nan]))), (False, True, True)),
    (lambda m: bool(vector(m)), RuntimeError),
    (lambda m: bool(m.zeros(0)), RuntimeError),
    (lambda m: 1 if vector(m) else 2, RuntimeError),
    (lambda m: (float(m.tensor([[2.5]])), int(m.tensor(-2.7)), complex(number(m))), (2.5, -2, 3 + 0j)),
    (lambda m: (float(m.tensor(True)), int(m.tensor([7]))), (1.0, 7)),
    (lambda m: float(vector(m)), ValueError),
    (lambda m: int(vector(m)), ValueError),
    (lambda m: complex(vector(m)), ValueError),
    (lambda m: float(m.zeros(0)), ValueError),
    (lambda m: int(m.tensor(math.nan)), ValueError),
    (lambda m: int(m.tensor(math.inf)), OverflowError),
    (lambda m: float(leaf(m)[0]), 1.0),
    (lambda m: math.sqrt(m.tensor(4.0)), 2.0),
    (lambda m: ([1, 2, 3][m.tensor([1])], [1, 2, 3][m.tensor(True)], [1, 2, 3][m.tensor(-1)]), (2, 2, 3)),
    (lambda m: [1, 2, 3, 4][number(m)], TypeError),
    (lambda m: [1, 2, 3][integers(m)], TypeError),
    (lambda m: list(range(m.tensor(3))), [0, 1, 2]),
    (lambda m: (number(m).item(), m.tensor([[7]]).item(), m.tensor(True).item()), (3.0, 7, True)),
    (lambda m: vector(m).item(), RuntimeError),
    (lambda m: m.zeros(0).item(), RuntimeError),
    (lambda m: (number(m).tolist(), m.zeros(0, 3).tolist(), leaf(m).tolist()), (3.0, [], [1.0, 2.0])),
    (lambda m: {number(m): 1}[number(m)], KeyError),
    (lambda m: (lambda x: {x: 1}[x])(number(m)), 1),
    # turned
    (lambda m: vector(m).T.tolist(), [1.0, 2.0]),
    (lambda m: tuple(m.zeros(2, 3).T.shape), (3, 2)),
    (lambda m: tuple(m.zeros(2, 3, 4).mT.shape), (2, 4, 3)),
    (lambda m: tuple(m.zeros(2, 3, 4).mH.shape), (2, 4, 3)),
    (lambda m: tuple(m.zeros(2, 3).H.shape), (3, 2)),
    (lambda m: (number(m).T.item(), number(m).H.item(), number(m).mT.item()), (3.0, 3.0, 3.0)),
    (lambda m: vector(m).mT, RuntimeError),
    (lambda m: vector(m).mH, RuntimeError),
    (lambda m: vector(m).H, RuntimeError),
    (lambda m: m.zeros(2, 3, 4).H, RuntimeError),
    # requires_grad
    (lambda m: (vector(m).is_leaf, leaf(m).is_leaf, computed(m).is_leaf, (vector(m) * 2).is_leaf),
     (True, True, False, True)),
    (lambda m: (set_requires_grad(vector(m), True), set_requires_grad(leaf(m), False)), (True, False)),
    (lambda m: set_requires_grad(integers(m), False), False),
    (lambda m: set_requires_grad(integers(m), True), RuntimeError),
    (lambda m: set_requires_grad(integers(m) > 1, True), RuntimeError),
    (lambda m: set_requires_grad(computed(m), False), RuntimeError),
    (lambda m: set_requires_grad(computed(m), True), RuntimeError),
    (lambda m: set_requires_grad(vector(m), 1), RuntimeError),
    (lambda m: set_requires_grad(vector(m), None), RuntimeError),
    (lambda m: set_requires_grad(vector(m), np.True_), RuntimeError),
    (lambda m: vector(m).requires_grad_().requires_grad, True),
    (lambda m: computed(m).requires_grad_().requires_grad, True),
    (lambda m: computed(m).requires_grad_(False), RuntimeError),
    (lambda m: vector(m).requires_grad_(1), TypeError),
    (lambda m: vector(m).requires_grad_(None), TypeError),
    (lambda m: integers(m).requires_grad_(), RuntimeError),
    (lambda m: m.tensor([1, 2], requires_grad=True), RuntimeError),
    (lambda m: computed(m).detach_().requires_grad, False),
    (lambda m: (lambda x: (x.detach_() is x, x.is_leaf, x.grad_fn))(computed(m)), (True, True, None)),
    (lambda m: leaf(m).detach_().requires_grad, False),
    (lambda m: computed(m)[:1].detach_(), RuntimeError),
    # grad
    (lambda m: (vector(m).grad, set_grad(leaf(m), None)), (None, None)),
    (lambda m: set_grad(leaf(m), m.ones(2)).tolist(), [1.0, 1.0]),
    (lambda m: set_grad(vector(m), m.ones(2)).tolist(), [1.0, 1.0]),
    (lambda m: set_grad(integers(m), integers(m)).tolist(), [1, 2]),
    (lambda m: set_grad(leaf(m), leaf(m)).requires_grad, True),
    (lambda m: without_grad(m), None),
    (lambda m: set_grad(leaf(m), 3), TypeError),
    (lambda m: set_grad(leaf(m), np.ones(2, np.float32)), TypeError),
    (lambda m: set_grad(leaf(m), m.ones(3)), RuntimeError),
    (lambda m: set_grad(leaf(m), m.ones(1, 2)), RuntimeError),
    (lambda m: set_grad(m.ones(2, 2), m.ones(4)), RuntimeError),
    (lambda m: set_grad(leaf(m), m.ones(2, dtype=m.float64)), RuntimeError),
    (lambda m: set_grad(integers(m), m.ones(2)), RuntimeError),
    (its_own_grad, RuntimeError),
    (lambda m: vector(m).retain_grad(), RuntimeError),
    (lambda m: (leaf(m).retain_grad(), leaf(m).retains_grad, computed(m).retains_grad), (None, False, False)),
    (lambda m: (lambda y: (y.retain_grad(), y.retains_grad))(computed(m)), (None, True)),
    # data
    (lambda m: (lambda x: (set_data(x, m.ones(3)), tuple(x.shape)))(vector(m))[1], (3,)),
    (lambda m: (lambda x: (set_data(x, m.ones(2, dtype=m.float64)), x.dtype == m.float64))(leaf(m))[1], True),
    (lambda m: (lambda x: (set_data(x, leaf(m)), x.requires_grad))(vector(m))[1], False),
    (lambda m: (lambda x: (set_data(x, m.ones(2)), x.requires_grad, x.tolist()))(computed(m))[1:], (True, [1.0, 1.0])),
    (lambda m: set_data(vector(m), 3), TypeError),
    (lambda m: set_data(vector(m), None), TypeError),
    (lambda m: set_data(vector(m), [1.0, 2.0]), TypeError),
    (lambda m: set_data(leaf(m), integers(m)), RuntimeError),
    # what cannot be assigned at all
    *((lambda m, name=name: setattr(vector(m), name, None), AttributeError)
      for name in ("is_leaf", "grad_fn", "shape", "dtype", "device", "ndim", "T", "retains_grad")),
    # backward
    (lambda m: (m.ones(1, 1, requires_grad=True) * 2).backward(), None),
    (lambda m: computed(m).backward(m.ones(2)), None),
    (lambda m: computed(m).backward(), RuntimeError),
    (lambda m: vector(m).sum().backward(), RuntimeError),
    (lambda m: computed(m).backward(m.ones(3)), RuntimeError),
    (lambda m: computed(m).backward(np.ones(2)), TypeError),
    (lambda m: computed(m).sum().backward(2.0), TypeError),
]  # fmt: skip


@pytest.mark.parametrize("call, expected", CALLS, ids=range(len(CALLS)))
def test_a_tensor_does_what_pytorchs_does(call, expected):
    if isinstance(expected, type) and issubclass(expected, Exception):
        with pytest.raises(expected) as raised:
            call(mg)
        assert expected is KeyError or len(str(raised.value)) > 12  # words of ours, or Python's
    else:
        assert call(mg) == expected


def test_an_array_is_data_too_and_stays_raw():
    """Where minigrad and PyTorch differ: `data` is an array here."""
    x, array = mg.ones(2, requires_grad=True), mg.tensor([3.0, 4.0]).data
    x.data = array
    assert x.data is array and x.tolist() == [3.0, 4.0]
    x.data = mg.tensor([5.0, 6.0])
    assert type(x.data) is type(array)
    x.data -= 1.0
    assert x.tolist() == [4.0, 5.0] and x.requires_grad
    for wrong in (np.array(["a"]), np.ones(2, complex), np.array([None])):
        with pytest.raises(TypeError, match="cannot hold"):
            x.data = wrong


def test_no_gradient_is_asked_of_integers_in_the_constructor():
    with pytest.raises(RuntimeError, match="not int64"):
        mg.Tensor(np.arange(3), requires_grad=True)


def test_the_messages_name_what_does_not_fit():
    x = mg.ones(2, requires_grad=True)
    for grad, word in ((mg.ones(3), r"shape \(3,\) .* of shape \(2,\)"), (mg.ones(2).double(), "float64 .* float32")):
        with pytest.raises(RuntimeError, match=word):
            x.grad = grad
    with pytest.raises(RuntimeError, match=r"leaf tensors; use \.detach\(\)"):
        (x * 2).requires_grad = False
    assert x.grad is None and x.requires_grad


def test_a_gradient_of_another_device_is_refused():
    x, other = mg.ones(2, requires_grad=True), mg.ones(2)
    elsewhere = type("Elsewhere", (mg.Tensor,), {"device": "elsewhere"})(other.data)
    with pytest.raises(RuntimeError, match=rf"device elsewhere .* device {x.device}"):
        x.grad = elsewhere


def test_a_deleted_gradient_is_none():
    x = mg.ones(2, requires_grad=True)
    x.sum().backward()
    del x.grad
    assert x.grad is None
    x.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_reading_the_gradient_of_a_computed_tensor_warns_once_it_would_mislead():
    x = mg.ones(2, requires_grad=True)
    y = x * 2
    with pytest.warns(UserWarning, match=r"the result of mul.*stays None.*retain_grad"):
        assert y.grad is None
    y.retain_grad()
    y.sum().backward()
    assert y.grad.tolist() == [1.0, 1.0] and x.grad.tolist() == [2.0, 2.0]


@pytest.mark.parametrize("name", ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and_", "or_", "xor"])
def test_an_operator_takes_a_number_on_either_side(name):
    apply, array = getattr(operator, name), np.array([3, 2, 5])
    x = mg.tensor(array)
    assert apply(7, x).tolist() == pytest.approx(apply(7, array).tolist())
    assert apply(x, 7).tolist() == pytest.approx(apply(array, 7).tolist())
    assert apply(x, x + 1).tolist() == pytest.approx(apply(array, array + 1).tolist())
