"""In-place operations: right uses give PyTorch's gradients, wrong ones raise, and none gives wrong numbers."""

import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import writes
from minigrad.nn import functional as F
from minigrad.ops import inplace
from tests.minigrad.ops.cases.inplace import INSIDE, UNARY


def leaf(*values):
    return mg.tensor(np.array(values, float), requires_grad=True)


def stale(saved_by, changed_by):
    return pytest.raises(RuntimeError, match=rf"backward through {saved_by} .* changed in place by {changed_by}")


# -------------------------------------------------------------------------------- wrong uses raise


@pytest.mark.parametrize(
    "change, name",
    [
        (lambda y: y.add_(1.0), "add_"), (lambda y: y.sub_(1.0), "sub_"), (lambda y: y.mul_(2.0), "mul_"),
        (lambda y: y.div_(2.0), "div_"), (lambda y: y.clamp_(0.0), "clamp_"), (lambda y: y.zero_(), "zero_"),
        (lambda y: y.fill_(3.0), "fill_"), (lambda y: y.copy_(mg.zeros(2)), "an assignment by index"),
        (lambda y: y.__setitem__(0, 1.0), "an assignment by index"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("recorded", [True, False])
def test_a_saved_array_that_was_overwritten_is_refused(change, name, recorded):
    x = leaf(1.0, 2.0)
    y = x.exp()
    loss = y.sum()
    with mg.set_grad_enabled(recorded):
        change(y)
    with stale("exp", name):
        loss.backward()
    assert x.grad is None


def test_a_saved_input_that_was_overwritten_is_refused():
    x, w = leaf(1.0, 2.0), mg.tensor(np.array([3.0, 4.0]))
    loss = (x * w).sum()
    w[0] = 5.0
    with stale("mul", "an assignment by index"):
        loss.backward()


def test_a_write_through_a_view_is_seen():
    x, w = leaf(1.0, 2.0), mg.tensor(np.array([[3.0, 4.0], [5.0, 6.0]]))
    loss = (x * w).sum()
    w[0].T[1:].fill_(0.0)
    with stale("mul", "fill_"):
        loss.backward()


def test_a_write_to_the_base_of_a_saved_view_is_seen():
    x, w = leaf(1.0, 2.0), mg.tensor(np.array([[3.0, 4.0], [5.0, 6.0]]))
    loss = (x * w[1]).sum()
    w.zero_()
    with stale("mul", "zero_"):
        loss.backward()


def test_an_update_of_a_parameter_between_forward_and_backward_is_refused():
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    loss = (x * w).sum()
    with mg.no_grad():
        w -= 0.1 * w
    with stale("mul", "sub_"):
        loss.backward()


@pytest.mark.parametrize(
    "read", [lambda x, i: x[i], lambda x, i: mg.gather(x, 0, i), lambda x, i: F.embedding(i, x.reshape(3, 1))]
)
def test_an_index_that_was_overwritten_is_refused(read):
    x, index = leaf(1.0, 2.0, 3.0), mg.tensor([0, 1])
    loss = read(x, index).sum()
    index.add_(1)
    with stale("getitem", "add_"):
        loss.backward()


@pytest.mark.skipif(not hasattr(mg, "kernels"), reason="needs the kernels")
@pytest.mark.host("the kernels are for NumPy")
@pytest.mark.parametrize("which", ["logits", "ids"])
def test_what_a_kernel_saved_and_was_overwritten_is_refused(which):
    x, ids = leaf(1.0, 2.0, 3.0).reshape(1, 3) * 1.0, mg.tensor([0])
    with mg.kernels.mode("force"):
        loss = F.cross_entropy(x, ids)
    with mg.no_grad():
        (x if which == "logits" else ids).add_(1)
    with pytest.raises(RuntimeError, match="changed in place by add_"):
        loss.backward()


def test_a_change_after_backward_or_of_what_was_not_saved_is_allowed():
    x, w = leaf(1.0, 2.0), mg.tensor(np.array([3.0, 4.0]))
    loss = (x * w).sum()
    loss.backward()
    w.zero_()
    y = x + w
    w.fill_(7.0)  # addition saves nothing
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.data, [4.0, 5.0])


def test_a_change_before_the_save_is_allowed():
    x, w = leaf(1.0, 2.0), mg.tensor(np.array([3.0, 4.0]))
    w.mul_(2.0)
    (x * w).sum().backward()
    np.testing.assert_array_equal(x.grad.data, [6.0, 8.0])


def test_a_dead_tensor_leaves_no_note_of_its_writes():
    """So that a new array at its address is not taken for it, and a long run does not grow."""
    before = len(writes.writes_so_far)
    written = [mg.tensor(np.zeros(2)).add_(1.0) for _ in range(50)]
    assert len(writes.writes_so_far) == before + 50
    del written
    assert len(writes.writes_so_far) == before


def test_a_leaf_that_requires_grad_is_overwritten_only_under_no_grad():
    for change in (lambda x: x.add_(1.0), lambda x: x.zero_(), lambda x: x.__setitem__(0, 5.0)):
        x = leaf(1.0, 2.0)
        with pytest.raises(RuntimeError, match=r"would overwrite a leaf of shape .* that requires grad"):
            change(x)
        np.testing.assert_array_equal(x.data, [1.0, 2.0])
        with mg.no_grad():
            change(x)
        assert x.is_leaf and x.requires_grad and float(x.data[0]) in (2.0, 0.0, 5.0)


@pytest.mark.parametrize(
    "change", [lambda v: v.add_(1.0), lambda v: v.zero_(), lambda v: v.__setitem__(0, 5.0), lambda v: v.mul_(2.0)]
)
def test_a_view_of_a_recorded_tensor_is_not_written_to(change):
    base = leaf(1.0, 2.0) * 1.0
    before = base.data.copy()
    with mg.no_grad():
        unrecorded = base[:1]
    for view in (base[:1], base.reshape(2, 1)[:1], unrecorded):
        with pytest.raises(RuntimeError, match="on a view of a tensor that is part of a graph"):
            change(view)
    np.testing.assert_array_equal(base.data, before)


def test_a_recorded_value_is_not_written_into_a_view_of_a_constant():
    base, w = mg.tensor(np.ones(2)), leaf(2.0)
    with pytest.raises(RuntimeError, match="on a view"):
        base[:1].mul_(w)
    with pytest.raises(RuntimeError, match="on a view"):
        base[:1][0] = w[0]


@pytest.mark.parametrize(
    "use",
    [
        lambda v: v * 2.0, lambda v: v.sum(), lambda v: v[0], lambda v: v.backward(mg.Tensor(np.ones(1))),
        lambda v: F.gelu(v), lambda v: v.add_(1.0), lambda v: v.__setitem__(0, 1.0), lambda v: v.__setitem__(0, v[0]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("recorded_base", [True, False])
def test_a_view_made_before_a_recorded_write_to_its_base_is_refused(use, recorded_base):
    base = leaf(1.0, 2.0) * 1.0 if recorded_base else mg.tensor(np.array([1.0, 2.0]))
    view = base[:1]
    base.mul_(leaf(3.0, 4.0))
    with pytest.raises(RuntimeError, match=r"view of a tensor that|does not require grad|on a view"):
        use(view)
    assert (base[:1] * 2.0).requires_grad  # made again, it is right


@pytest.mark.parametrize("index", [slice(0, 1), 0, (0, ...), slice(None, None, -1)])
def test_an_index_of_slices_and_ints_is_a_view(index):
    base = mg.tensor(np.array([1.0, 2.0]))
    base[index].fill_(7.0)
    assert float(base.data[0]) == 7.0


def test_a_cast_is_walked_while_the_log_of_writes_holds_something():
    """A dtype, which the cast keeps, is its own `base`: looking for the owner of its memory would never end."""
    written = mg.zeros(2).add_(1.0)
    x = leaf(1.0, 2.0)
    x.float().double().sum().backward()
    np.testing.assert_array_equal(x.grad.data, [1.0, 1.0])
    assert written.tolist() == [1.0, 1.0]


# -------------------------------------------------------------------------------- right uses are right


def test_a_chain_of_in_place_changes():
    x, w = leaf(1.0, 2.0), leaf(0.5, -0.5)
    y = x * 1.0
    y += w  # (x + w)
    y *= 3.0
    y -= x  # 3 (x + w) - x
    y /= 2.0
    z = y * y
    y += 0.0 * w  # z saved y: this spoils it
    with stale("mul", "add_"):
        z.sum().backward()
    y = x * 1.0
    y += w
    y *= 3.0
    y -= x
    y /= 2.0
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.data, [1.0, 1.0])
    np.testing.assert_array_equal(w.grad.data, [1.5, 1.5])


def test_a_constant_becomes_part_of_the_graph_when_a_recorded_value_is_written_into_it():
    out, x = mg.zeros(3, dtype=mg.float64), leaf(1.0, 2.0, 3.0)
    for i in range(3):
        out[i] = x[i] * (i + 1.0)
    assert out.requires_grad and not out.is_leaf
    out.sum().backward()
    np.testing.assert_array_equal(x.grad.data, [1.0, 2.0, 3.0])


def test_a_leaf_copied_into_a_constant_gets_its_gradient():
    x, out = leaf(1.0, 2.0), mg.zeros(2, dtype=mg.float64)
    out.copy_(x)
    (out * out).sum().backward()
    np.testing.assert_array_equal(x.grad.data, [2.0, 4.0])


def test_what_was_overwritten_gets_no_gradient():
    x = leaf(1.0, 2.0, 3.0)
    y = x * 2.0
    y[1] = 0.0
    y[y > 5.0] = 1.0
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.data, [2.0, 0.0, 0.0])


def test_a_factor_gets_the_value_before_the_change():
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    y = x * 1.0
    y.mul_(w)
    y.clamp_(4.0)
    y.sum().backward()
    np.testing.assert_array_equal(w.grad.data, [0.0, 2.0])
    np.testing.assert_array_equal(x.grad.data, [0.0, 4.0])


def test_in_place_operations_return_their_tensor_and_keep_memory_and_dtype():
    x = mg.tensor([1.0, 2.0])
    data = x.data
    assert x.add_(mg.tensor(np.array([1.0, 1.0]))).mul_(2).sub_(1, alpha=2).div_(2).clamp_(0, 1).copy_([1.0, 0.5]) is x
    assert x.data is data and x.dtype == np.float32
    y = x
    y += mg.tensor(np.array([1.0, 1.0]))  # float64, kept as float32
    assert y is x and x.dtype == np.float32


@pytest.mark.parametrize("name", ["exp_", "sqrt_", "tanh_", "sigmoid_", "sin_", "log_", "square_", "abs_", "relu_"])
def test_what_is_changed_by_a_function_of_itself_has_the_gradient_of_that_function(name):
    """Whether its rule reads the result or what was overwritten."""
    x, y = leaf(0.5, 2.0), leaf(0.5, 2.0)
    changed = x * 1.0
    assert getattr(changed, name)() is changed
    changed.sum().backward()
    getattr(mg, name[:-1])(y).sum().backward()
    np.testing.assert_array_equal(x.grad.data, y.grad.data)


@pytest.mark.parametrize("name", [name for name in inplace.IN_PLACE if not name.startswith("bitwise")])
def test_an_in_place_form_computes_what_the_operation_does(name):
    x = mg.tensor(np.array([[0.3, 0.6], [0.2, 0.9]]) + (name == "acosh_"))
    operands = {
        "addcdiv_": (x, x + 1.0), "addcmul_": (x, x), "lerp_": (x + 1.0, 0.25), "masked_fill_": (x > 0.5, 2.0),
        "cumprod_": (0,), "cumsum_": (1,), "clamp_min_": (0.5,), "clamp_max_": (0.5,),
    }.get(name, () if name in {*UNARY, *INSIDE, "logical_not_", "tril_", "triu_"} else (x * 3.0,))  # fmt: skip
    expected = getattr(mg.Tensor, name[:-1])
    changed = x.clone()
    data = changed.data
    assert getattr(changed, name)(*operands) is changed and changed.data is data
    np.testing.assert_array_equal(data, expected(x, *operands).data)
    owned = x.clone()
    with pytest.raises(RuntimeError, match=f"{name} would overwrite a leaf"):
        getattr(owned.requires_grad_(), name)(*operands)


def test_an_integer_keeps_no_fraction():
    with pytest.raises(mg.DTypeError, match="exp_: a result of dtype float32 cannot be kept"):
        mg.tensor([1, 2]).exp_()
    assert mg.tensor([1, 2]).pow_(2).tolist() == [1, 4]


def test_nothing_is_copied_where_nothing_is_recorded():
    x, y = mg.ones(3), leaf(1.0) * 1.0
    assert inplace._before(x) is x and inplace._before(y) is not y and inplace._before(x, y) is not x
    with mg.no_grad():
        assert inplace._before(y) is y


# a random program, in place and out of place, must agree

STEPS = {
    "add_": (lambda t, o: t.add_(o), lambda t, o: t + o),
    "mul_": (lambda t, o: t.mul_(o), lambda t, o: t * o),
    "sub_": (lambda t, o: t.sub_(o, alpha=2), lambda t, o: t - o * 2),
    "div_": (lambda t, o: t.div_(o * o + 1), lambda t, o: t / (o * o + 1)),
    "clamp_": (lambda t, o: t.clamp_(-1.0, 1.0), lambda t, o: mg.clamp(t, -1.0, 1.0)),
    "zero_": (lambda t, o: t.zero_(), lambda t, o: t * 0.0),
    "copy_": (lambda t, o: t.copy_(o), lambda t, o: t * 0.0 + o),
    "exp_": (lambda t, o: (t * 0.3).exp_(), lambda t, o: mg.exp(t * 0.3)),
    "sin_": (lambda t, o: t.sin_(), lambda t, o: mg.sin(t)),
    "addcmul_": (lambda t, o: t.addcmul_(o, o, value=0.5), lambda t, o: mg.addcmul(t, o, o, value=0.5)),
    "lerp_": (lambda t, o: t.lerp_(o, t.sigmoid()), lambda t, o: mg.lerp(t, o, t.sigmoid())),
    "row": (lambda t, o: _assigned(t, o), lambda t, o: mg.cat([(o[0] * 2.0).unsqueeze(0), t[1:]])),
    "tanh": (lambda t, o: t.tanh(), lambda t, o: t.tanh()),
    "sin": (lambda t, o: t.sin() + o, lambda t, o: t.sin() + o),
}


def _assigned(tensor, other):
    tensor[0] = other[0] * 2.0
    return tensor


@given(st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.booleans()), min_size=1, max_size=8), st.integers(0, 99))
def test_programs_in_place_give_the_gradients_of_programs_out_of_place_or_raise(program, seed):
    rng = np.random.default_rng(seed)
    numbers = [rng.uniform(0.2, 2.0, (2, 3)) for _ in range(3)]

    def run(form):
        x, w, v = (mg.tensor(n, requires_grad=True) for n in numbers)
        t = x * 1.0
        for step, by_w in program:
            t = STEPS[step][form](t, w if by_w else v)
        return t, mg.autograd.grad((t * mg.tensor(numbers[0])).sum(), (x, w, v), allow_unused=True)

    expected, gradients = run(1)
    try:
        out, ours = run(0)
    except RuntimeError as error:
        assert "changed in place" in str(error)
        assert {step for step, _ in program} & {"tanh", "sin", "div_"}  # what saves its own input or output
        return
    np.testing.assert_allclose(out.data, expected.data, rtol=1e-14)
    for mine, theirs in zip(ours, gradients):
        mine, theirs = (np.zeros((2, 3)) if g is None else g.data for g in (mine, theirs))
        np.testing.assert_allclose(mine, theirs, rtol=1e-13, atol=1e-14)


# -------------------------------------------------------------------------------- clear refusals


def test_a_result_that_does_not_fit_is_refused_and_changes_nothing():
    x = mg.tensor([1.0, 2.0])
    with pytest.raises(mg.ShapeError, match=r"add_: the result has shape \(3, 2\), the tensor to hold it \(2,\)"):
        x.add_(mg.ones(3, 2))
    with pytest.raises(mg.ShapeError, match=r"add_ of \(2,\) float32 and \(3,\) float32: sizes 2 and 3"):
        x.add_(mg.ones(3))
    with pytest.raises(
        mg.DTypeError, match="div_: a result of dtype float32 cannot be kept in a tensor of dtype int64"
    ):
        mg.tensor([1, 2]).div_(2)
    with pytest.raises(ValueError, match=r"assignment into a tensor of shape \(2,\)"):
        x[:] = mg.ones(3)
    with pytest.raises(IndexError, match=r"assignment into a tensor of shape \(2,\)"):
        x[5] = 1.0
    np.testing.assert_array_equal(x.data, [1.0, 2.0])


def test_an_expanded_tensor_is_not_written_to():
    x = mg.zeros(1).expand(3)
    for change in (lambda: x.add_(1.0), lambda: x.fill_(1.0), lambda: x.zero_()):
        with pytest.raises(RuntimeError, match=r"read-only .*; call \.clone\(\) first"):
            change()
    with pytest.raises(RuntimeError, match="read-only"):
        x[0] = 1.0


def test_integers_keep_their_dtype_when_assigned():
    x = mg.tensor([1, 2])
    x[0] = leaf(1.7)[0]
    assert x.dtype == np.int64 and not x.requires_grad
    np.testing.assert_array_equal(x.data, [1, 2])


def test_backward_through_a_cast_ends_while_a_write_is_noted():
    """The check of what was saved meets the cast's dtype, whose `base` is itself."""
    written = mg.zeros(2)
    written.add_(1.0)
    x = mg.ones(2, requires_grad=True)
    x.double().sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    "assign, other, expected",
    [(operator.ipow, 2, [4, 25]), (operator.ifloordiv, 2, [1, 2]), (operator.imod, 2, [0, 1]),
     (operator.iand, 4, [0, 4]), (operator.ior, 1, [3, 5]), (operator.ixor, 1, [3, 4])],
)  # fmt: skip
def test_operators_of_assignment_change_the_tensor(assign, other, expected):
    x = mg.tensor([2, 5])
    assert assign(x, other) is x and x.tolist() == expected


def test_a_power_in_place_has_the_gradient_of_a_power():
    x, e = leaf(2.0, 3.0), leaf(2.0, 2.0)
    y = x * 1.0
    y **= e
    y.sum().backward()
    np.testing.assert_allclose(x.grad.data, [4.0, 6.0])
    np.testing.assert_allclose(e.grad.data, [4.0 * np.log(2.0), 9.0 * np.log(3.0)])


@pytest.mark.parametrize("index", [0, slice(None), mg.tensor([True, True]), [0, 1]])
@pytest.mark.parametrize("recorded", [True, False])
def test_dimensions_of_size_1_in_front_of_a_value_do_not_count(index, recorded):
    x, value = mg.zeros(2), mg.ones(1, 1, 1, requires_grad=recorded)
    x[index] = value
    count = 1 if index.__class__ is int else 2
    assert x.tolist() == [1.0, count - 1.0]
    if recorded:
        x.sum().backward()
        assert value.grad.tolist() == [[[count]]]


def test_the_bounds_of_a_slice_are_read_when_it_is_used():
    x, stop = leaf(1.0, 2.0, 3.0), mg.tensor(2)
    y = x[:stop]
    stop.zero_()
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0, 0.0]


def test_bools_in_a_list_are_a_mask():
    assert mg.tensor([1, 2])[[mg.tensor(False), mg.tensor(True)]].tolist() == [2]


def test_a_view_of_a_view_is_refused_after_a_write_to_the_whole():
    base = leaf(1.0, 2.0) * 1.0
    view = base[:][:1]
    base.mul_(leaf(3.0, 3.0))
    with pytest.raises(RuntimeError, match=r"view of a tensor that .* changed in place"):
        view * 2.0


def test_the_accumulation_of_gradients_is_a_write():
    x, w = leaf(1.0), leaf(2.0)
    (x * 1.0).sum().backward()
    loss = (w * x.grad).sum()
    (x * 1.0).sum().backward()
    with stale("mul", "the accumulation of gradients"):
        loss.backward()


def test_an_assignment_that_is_refused_changes_nothing():
    base = leaf(1.0, 2.0) * 1.0
    stale_view, buffer, view = base[:1], mg.zeros(2, dtype=mg.float64), base[1:]
    base.mul_(3.0)
    before = base.data.copy()
    with pytest.raises(RuntimeError, match="view of a tensor that mul changed in place"):
        buffer[:1] = stale_view
    with pytest.raises(RuntimeError, match="view of a tensor that mul changed in place"):
        view[0] = 7.0
    with pytest.raises(ValueError, match="index_put"):
        base[:] = leaf(1.0, 2.0, 3.0)
    assert buffer.tolist() == [0.0, 0.0] and not buffer.requires_grad
    np.testing.assert_array_equal(base.data, before)
    base.sum().backward()  # nor is it noted as a write


def test_an_assignment_of_a_part_of_itself():
    x = leaf(1.0, 2.0, 3.0)
    y = x * 1.0
    y[1:] = y[:2]
    y[0] = y[2] * 2.0
    y.backward(mg.tensor([1.0, 10.0, 100.0]))
    assert y.tolist() == [4.0, 1.0, 2.0]
    assert x.grad.tolist() == [10.0, 102.0, 0.0]


@pytest.mark.parametrize("name", [
    "iadd", "isub", "imul", "itruediv", "ifloordiv", "imod", "ipow", "iand", "ior", "ixor",
])  # fmt: skip
def test_an_operator_in_place_changes_the_tensor_itself(name):
    bits = name in ("iand", "ior", "ixor")
    x = mg.tensor([7, 9, 5] if bits else [7.0, 9.0, 5.0])
    expected = getattr(x, f"__{name[1:]}__")(2).tolist()
    result = getattr(operator, name)(x, 2)
    assert result is x and x.tolist() == expected
