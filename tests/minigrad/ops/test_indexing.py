"""Indexing where a comparison of derivatives does not look: what it costs, what is a view, and bad input."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import graph
from minigrad.ops.windows import windows

SHAPES = (ValueError, RuntimeError)  # a ShapeError is both


# ------------------------------------------------------------------------------------------------------- the cost

READS = {
    "an int": lambda x, i: x[i],
    "a slice": lambda x, i: x[i : i + 1],
    "a tensor": lambda x, i: x[mg.tensor([i, i])],
    "select": lambda x, i: x.select(0, i),
    "narrow": lambda x, i: x.narrow(0, i, 1),
    "index_select": lambda x, i: x.index_select(0, mg.tensor([i])),
    "gather": lambda x, i: x.gather(0, mg.tensor([[i, 0]])),
    "a diagonal": lambda x, i: x.diagonal(i - x.shape[0] + 1),
    "windows": lambda x, i: x.unfold(0, 1, x.shape[0]),
}


def elements_touched(read, n, monkeypatch):
    """How many elements a backward through n reads of one tensor allocates or adds."""
    touched = []
    whole, add_to = graph.Partial.whole, graph.Partial.add_to
    monkeypatch.setattr(graph.Partial, "whole", lambda self: touched.append(np.prod(self.shape)) or whole(self))
    monkeypatch.setattr(graph.Partial, "add_to", lambda self, x: touched.append(self.part.size) or add_to(self, x))
    x = mg.ones(n, 4).requires_grad_()
    total = mg.cat([read(x, i).reshape(-1) for i in range(n)]).sum()
    total.backward()
    monkeypatch.undo()
    assert touched, "the gradients of the reads were not partial"
    return sum(touched)


@pytest.mark.parametrize("name", READS)
def test_n_reads_of_a_tensor_cost_what_they_touch(name, monkeypatch):
    small, large = (elements_touched(READS[name], n, monkeypatch) for n in (32, 256))
    assert large <= 8 * small + 64, f"eight times the reads cost {large / small} times the work"


def test_iteration_costs_what_it_touches(monkeypatch):
    small, large = (elements_touched(lambda x, i: mg.stack(list(x)) if i == 0 else x[i], n, monkeypatch)
                    for n in (32, 256))  # fmt: skip
    assert large <= 8 * small + 64


# ------------------------------------------------------------------------------------------------- order of dimensions


def test_ints_come_before_tensors_as_in_pytorch_and_not_as_in_numpy():
    array = np.arange(24.0).reshape(2, 3, 4)
    x = mg.tensor(array)
    assert array[0, :, [1, 2]].shape == (2, 3)
    assert x[0, :, [1, 2]].shape == (3, 2)
    np.testing.assert_array_equal(x[0, :, [1, 2]].numpy(), array[0][:, [1, 2]])
    x[0, :, [1, 2]] = mg.tensor(np.zeros((3, 2)))
    assert x[0, :, 1:3].sum().item() == 0.0 and x.sum().item() == array.sum() - array[0, :, 1:3].sum()


# ---------------------------------------------------------------------------------------------------------- views

VIEWS = {
    "int": lambda x: x[1],
    "element": lambda x: x[1, 2],
    "slices": lambda x: x[::2, 1:],
    "newaxis": lambda x: x[:, None, ..., 0],
    "0-d tensor": lambda x: x[mg.tensor(1)],
    "select": lambda x: x.select(1, -1),
    "diagonal": lambda x: x.diagonal(1),
    "diagonal of a transpose": lambda x: x.T.diagonal(),
    "movedim": lambda x: x.movedim(0, 1),
    "swapaxes": lambda x: x.swapaxes(0, 1),
    "t": lambda x: x.t(),
    "unflatten": lambda x: x.unflatten(1, (2, 2)),
    "view_as": lambda x: x.view_as(mg.ones(4, 3)),
    "tensor_split": lambda x: x.tensor_split(2)[1],
    "hsplit": lambda x: x.hsplit(2)[0],
    "atleast_3d": lambda x: mg.atleast_3d(x),
    "contiguous": lambda x: x.contiguous(),
}
COPIES = {
    "list": lambda x: x[[0, 1]],
    "mask": lambda x: x[x > -1],
    "flip": lambda x: x.flip(0),
    "roll": lambda x: x.roll(0, 0),
    "rot90 by nothing": lambda x: x.rot90(4),
    "diag": lambda x: x.diag(),
    "repeat": lambda x: x.repeat(1, 1),
    "tile": lambda x: x.tile(1),
    "contiguous of a transpose": lambda x: x.T.contiguous(),
    "take": lambda x: x.take(mg.tensor([0])),
    "masked_select": lambda x: x.masked_select(x > -1),
    "pad with nothing": lambda x: mg.nn.functional.pad(x, (0, 0)),
}


@pytest.mark.parametrize("name", VIEWS)
def test_what_is_a_view_in_pytorch_writes_through(name):
    x = mg.arange(12.0).reshape(3, 4)
    VIEWS[name](x).fill_(-1.0)
    assert (x == -1.0).any()


@pytest.mark.parametrize("name", COPIES)
def test_what_is_a_copy_in_pytorch_does_not(name):
    x = mg.arange(12.0).reshape(3, 4)
    COPIES[name](x).fill_(-1.0)
    assert x.tolist() == mg.arange(12.0).reshape(3, 4).tolist()


@pytest.mark.parametrize(
    "view", [lambda x: x.expand(2, 3), lambda x: x.unfold(0, 2, 1), lambda x: mg.meshgrid(x, x)[0]]
)
def test_a_view_that_shows_an_element_twice_refuses_to_be_written(view):
    with pytest.raises(RuntimeError, match="read-only"):
        view(mg.ones(3)).fill_(0.0)


OF_PRIMITIVES = {  # that give views
    "reshape": lambda x: x.reshape(6),
    "permute": lambda x: x.permute(1, 0),
    "expand": lambda x: x.expand(2, 2, 3),
    "getitem": lambda x: x[:, 1:],
    "diagonal": lambda x: x.diagonal(),
    "unfold": lambda x: x.unfold(1, 2, 1),
    "windows": lambda x: windows(x, kernel=(2, 2), stride=(1, 1), dilation=(1, 1)),
}


@pytest.mark.parametrize("name", OF_PRIMITIVES)
def test_a_view_of_what_was_changed_since_is_out_of_date(name):
    x = mg.ones(2, 3, requires_grad=True) * 1.0
    view = OF_PRIMITIVES[name](x)
    assert view.view_of[0] is x
    square = view * view
    x.mul_(2.0)
    assert (view.data == 2.0).all()
    with pytest.raises(RuntimeError, match="is a view of a tensor that mul changed in place"):
        view.sum()
    with pytest.raises(RuntimeError, match="changed in place by mul_"):
        square.sum().backward()


@pytest.mark.parametrize("name", ["reshape", "permute", "getitem", "diagonal"])
def test_a_write_through_a_view_is_noticed_by_a_backward_of_the_whole(name):
    x = mg.ones(2, 3, requires_grad=True) * 1.0
    square = x * x
    with mg.no_grad():
        OF_PRIMITIVES[name](x.detach()).zero_()
    assert (x.data == 0.0).any()
    with pytest.raises(RuntimeError, match="changed in place by zero_"):
        square.sum().backward()


def test_the_diagonal_of_read_only_memory_is_read_only():
    array = np.eye(3)
    array.flags.writeable = False
    with pytest.raises(RuntimeError, match="read-only"):
        mg.from_numpy(array).diagonal().zero_()


# ------------------------------------------------------------------------------------------------------- bad input


def ones(*size, dtype="float32"):
    return mg.tensor(np.ones(size, dtype))


def ids(*values):
    return mg.tensor(list(values))


REFUSED = {
    "too many indices": (lambda: ones(2, 3)[0, 0, 0], IndexError, "getitem of .*too many indices"),
    "too many with a tensor": (lambda: ones(2)[0, ids(0)], IndexError, "too many indices"),
    "an int beside a tensor": (lambda: ones(2, 3)[5, ids(0)], IndexError, "5 is out of range"),
    "a float": (lambda: ones(2)[1.0], TypeError, "cannot be indexed with float"),
    "a short mask": (lambda: ones(3)[mg.tensor([True, False])], IndexError, "the mask has size 2"),
    "tensors that do not broadcast": (lambda: ones(3, 3)[ids(0, 1), ids(0, 1, 2)], IndexError, "broadcast"),
    "a value that does not fit": (lambda: ones(2, 3).__setitem__(0, ones(2)), SHAPES, r"assignment into .*\(2, 3\)"),
    "an assignment out of range": (
        lambda: ones(2).__setitem__(ids(2), 1.0), IndexError, "assignment into .*out of range",
    ),
    "index_put": (lambda: mg.index_put(ones(2), (ids(3),), ones(1)), IndexError, "index_put of .*3 is out of range"),
    "gather of another rank": (
        lambda: mg.gather(ones(2, 3), 0, ids(0)), SHAPES, "gather needs an index of 2 dimensions",
    ),
    "gather of a large index": (
        lambda: mg.gather(ones(2, 3), 0, mg.zeros(1, 4, dtype=mg.int64)), SHAPES,
        "size 4 at dimension 1, the input only 3",
    ),
    "gather of a negative index": (lambda: mg.gather(ones(2), 0, ids(-1)), IndexError, "from -1 to -1 do not fit"),
    "index_select out of range": (
        lambda: mg.index_select(ones(2), 0, ids(2)), IndexError, "from 2 to 2 do not fit dim",
    ),
    "index_select of a matrix": (lambda: mg.index_select(ones(2), 0, ids([0])), SHAPES, "needs a vector of integers"),
    "take of floats": (lambda: mg.take(ones(2), ones(1)), TypeError, "take needs integer indices"),
    "take out of range": (lambda: mg.take(ones(2), ids(2)), IndexError, "2 is out of range"),
    "take_along_dim": (lambda: mg.take_along_dim(ones(2, 3), ids([0, 0]), 0), SHAPES, "do not broadcast beside dim 0"),
    "masked_select of ints": (lambda: mg.masked_select(ones(2), ids(0, 1)), TypeError, "mask of bools"),
    "masked_select": (lambda: mg.masked_select(ones(2), ones(3) > 0), SHAPES, "masked_select of .* do not broadcast"),
    "scatter from a small source": (
        lambda: mg.scatter(ones(3), 0, ids(0, 1), ones(1)), SHAPES,
        r"index of shape \(2,\) reaches beyond src of .*\(1,\)",
    ),
    "scatter of another dtype": (
        lambda: mg.scatter(ones(3), 0, ids(0), ids(1)), TypeError, r"scatter of int64 into float32: convert with \.to"),
    "scatter by another word": (
        lambda: mg.scatter(ones(3), 0, ids(0), 1.0, reduce="sum"), ValueError, "'add' or 'multiply'",
    ),
    "scatter_reduce": (
        lambda: mg.scatter_reduce(ones(3), 0, ids(0), ones(1), "max"), ValueError, "'amax' or 'amin', got 'max'"),
    "scatter_add out of range": (lambda: mg.scatter_add(ones(3), 0, ids(3), ones(1)), IndexError, "from 3 to 3"),
    "index_add of another shape": (
        lambda: mg.index_add(ones(2, 3), 0, ids(0), ones(1, 2)), SHAPES, r"has shape \(1, 2\), but 1 slices \(1, 3\)"),
    "index_copy of another dtype": (lambda: mg.index_copy(ones(2), 0, ids(0), ids(1)), TypeError, "int64 into float32"),
    "index_fill with a vector": (
        lambda: mg.index_fill(ones(2), 0, ids(0), ones(2)), SHAPES, "a number or a 0-d tensor",
    ),
    "index_fill out of range": (lambda: mg.index_fill(ones(2), 0, ids(-3), 1), IndexError, "from -1 to -1"),
    "masked_scatter": (
        lambda: mg.masked_scatter(ones(3), ones(3) > 0, ones(2)), SHAPES, "3 true places, source only 2"),
    "bincount of negatives": (lambda: mg.bincount(ids(-1)), ValueError, "integers from 0"),
    "bincount of floats": (lambda: mg.bincount(ones(1)), ValueError, "integers from 0, got float32"),
    "bincount weights": (lambda: mg.bincount(ids(1), ones(2)), SHAPES, r"weights have shape \(2,\), the values \(1,\)"),
    "searchsorted in rows": (lambda: mg.searchsorted(ones(2, 3), ones(3, 3)), SHAPES, "agree in all but the last"),
    "searchsorted by sides": (
        lambda: mg.searchsorted(ones(3), ones(1), side="left", right=True), ValueError, "agrees with right"),
    "bucketize": (lambda: mg.bucketize(ones(2), ones(2, 2)), SHAPES, "vector of boundaries"),
}  # fmt: skip


LOOKED_AT = ("gather of a negative index", "index_select out of range", "scatter_add out of range",
             "index_fill out of range", "masked_scatter")  # fmt: skip


looking = pytest.mark.host("a device does not look at values")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[looking] * (name in LOOKED_AT)) for name in REFUSED]
)
def test_bad_input_gets_a_clear_word(name):
    call, kinds, message = REFUSED[name]
    with pytest.raises(Exception, match=message) as caught:
        call()
    assert isinstance(caught.value, kinds) and not type(caught.value).__module__.startswith("numpy")


@pytest.mark.host("a device does not look at values")
def test_a_failed_write_loses_nothing():
    x = mg.arange(4.0)
    for write in (lambda: x.scatter_(0, ids(0, 9), 1.0), lambda: x.index_add_(0, ids(0), ones(2)),
                  lambda: x.index_put_((ids(7),), 1.0), lambda: x.masked_scatter_(x > 0, ones(1))):  # fmt: skip
        with pytest.raises((ValueError, IndexError)):
            write()
    assert x.tolist() == [0.0, 1.0, 2.0, 3.0]


# --------------------------------------------------------------------------------------------- in place, and the graph

IN_PLACE = {
    "scatter_": lambda x, src: x.scatter_(0, ids(2, 0), src),
    "scatter_add_": lambda x, src: x.scatter_add_(0, ids(2, 0), src),
    "scatter_reduce_": lambda x, src: x.scatter_reduce_(0, ids(2, 0), src, "prod"),
    "index_add_": lambda x, src: x.index_add_(0, ids(2, 0), src),
    "index_copy_": lambda x, src: x.index_copy_(0, ids(2, 0), src),
    "index_fill_": lambda x, src: x.index_fill_(0, ids(2, 0), src[0]),
    "index_put_": lambda x, src: x.index_put_((ids(2, 0),), src),
    "masked_fill_": lambda x, src: x.masked_fill_(mg.tensor([True, False, True]), src[0]),
    "masked_scatter_": lambda x, src: x.masked_scatter_(mg.tensor([True, False, True]), src),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_what_was_saved_and_then_overwritten_is_noticed(name):
    leaf = ones(3).requires_grad_()
    x = leaf * 2.0
    square = x * x  # saves x
    IN_PLACE[name](x, ones(2))
    with pytest.raises(RuntimeError, match=f"changed in place by {name}"):
        square.sum().backward()


@pytest.mark.parametrize("name", IN_PLACE)
def test_a_leaf_that_requires_grad_is_not_overwritten(name):
    leaf = ones(3).requires_grad_()
    with pytest.raises(RuntimeError, match=f"{name} would overwrite a leaf"):
        IN_PLACE[name](leaf, ones(2))
    assert leaf.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("name", IN_PLACE)
def test_a_source_that_requires_grad_makes_the_target_part_of_its_graph(name):
    src = ones(2).requires_grad_()
    x = mg.zeros(3) + 2.0
    IN_PLACE[name](x, src)
    x.sum().backward()
    assert src.grad.abs().sum().item() > 0.0


# ----------------------------------------------------------------------------------------------------------- values


def test_a_value_of_another_dtype_is_converted_by_assignment():
    x = mg.zeros(3, dtype=mg.int64)
    x[:] = mg.tensor([1.5, 2.7, -1.5])
    assert x.tolist() == [1, 2, -1] and x.dtype == mg.int64


def test_a_tensor_of_no_dimensions_is_written_to_as_a_vector_of_one():
    x, index = mg.tensor(1.0), mg.tensor([0])
    assert x.index_add(0, mg.tensor([0, 0]), mg.tensor([2.0, 3.0]), alpha=-2).item() == -9.0
    assert x.index_copy(0, index, mg.tensor([2.0])).item() == 2.0
    assert x.index_fill(-1, index, 3.0).item() == 3.0 and x.index_fill(0, index, 3.0).shape == ()
    assert x.scatter_reduce(0, mg.tensor(0), mg.tensor(2.0), "sum").item() == 3.0
    assert x.scatter_reduce(0, mg.tensor(0), mg.tensor(2.0), "sum", include_self=False).item() == 2.0
    assert x.unfold(0, 1, 1).tolist() == [1.0]


def test_indices_are_repeated_beside_their_counts():
    repeated = mg.repeat_interleave(mg.tensor([1, 0, 2]))
    assert repeated.device == mg.get_default_device()
    assert repeated.tolist() == [0, 2, 2]


def test_a_number_is_scattered_to_every_place():
    x, index = mg.ones(2, 3), mg.tensor([[0, 2], [1, 1]])
    assert x.scatter(1, index, 5.0).tolist() == [[5.0, 1.0, 5.0], [1.0, 5.0, 1.0]]
    assert x.scatter(1, index, 5.0, reduce="add").tolist() == [[6.0, 1.0, 6.0], [1.0, 11.0, 1.0]]
    assert x.scatter(1, index, value=5.0, reduce="multiply").tolist() == [[5.0, 1.0, 5.0], [1.0, 25.0, 1.0]]


def test_weights_are_counted_up_to_the_least_length():
    assert mg.bincount(mg.tensor([2, 0, 2]), mg.tensor([0.5, 1.0, 0.25]), minlength=5).tolist() == [1, 0, 0.75, 0, 0]


def test_places_with_no_elements():
    empty = mg.zeros(0, dtype=mg.int64)
    assert mg.ones(2, 3)[empty].shape == (0, 3)
    assert mg.ones(2, 3).index_select(1, empty).shape == (2, 0)
    assert mg.ones(3).index_add(0, empty, mg.ones(0)).tolist() == [1.0] * 3
    assert mg.nonzero(mg.zeros(2, 3)).shape == (0, 2)
    assert mg.nonzero(mg.tensor(3)).shape == (1, 0)
    assert mg.nonzero(mg.tensor(0)).shape == (0, 0)
    assert [each.tolist() for each in mg.nonzero(mg.tensor(3), as_tuple=True)] == [[0]]
    assert mg.unique(mg.ones(0)).shape == (0,)
    assert mg.searchsorted(mg.ones(0), mg.ones(2)).tolist() == [0, 0]
    assert mg.searchsorted(mg.ones(2, 0), mg.ones(2, 1)).tolist() == [[0], [0]]


@pytest.mark.parametrize("dtype", [mg.bool, mg.int32, mg.int64, mg.float16, mg.float32])
def test_writing_by_index_keeps_the_dtype(dtype):
    x, src = mg.zeros(3, dtype=dtype), mg.ones(2, dtype=dtype)
    for out in (
        x.scatter(0, ids(0, 2), src), x.scatter(0, ids(0, 2), 1), x.scatter_add(0, ids(0, 2), src),
        x.index_add(0, ids(0, 2), src), x.index_copy(0, ids(0, 2), src), x.index_fill(0, ids(0, 2), 1),
        x.index_put((ids(0, 2),), src), x.index_put((ids(0, 2),), src, True), x.masked_scatter(x == 0, x),
        *(x.scatter_reduce(0, ids(0, 2), src, reduce) for reduce in ("sum", "prod", "amax", "amin")),
    ):  # fmt: skip
        assert out.dtype == dtype


def test_scatter_reduce_of_whole_numbers():
    x, places, src = mg.tensor([7, 7, 7]), ids(0, 0, 2), mg.tensor([-1, -2, 5])
    expected = {  # PyTorch's answers
        ("sum", True): [4, 7, 12], ("prod", True): [14, 7, 35], ("mean", True): [1, 7, 6], ("amax", True): [7, 7, 7],
        ("amin", True): [-2, 7, 5], ("sum", False): [-3, 7, 5], ("prod", False): [2, 7, 5], ("mean", False): [-2, 7, 5],
        ("amax", False): [-1, 7, 5], ("amin", False): [-2, 7, 5],
    }  # fmt: skip
    for (reduce, include), answer in expected.items():
        assert x.scatter_reduce(0, places, src, reduce, include_self=include).tolist() == answer, (reduce, include)


@pytest.mark.parametrize("reduce, answer", [("amin", [True, False, True]), ("amax", [True, True, True])])
def test_the_extreme_of_bools_that_are_sent(reduce, answer):
    sent = mg.tensor([True, True, False])
    out = mg.tensor([False, True, True]).scatter_reduce(0, ids(0, 1, 1), sent, reduce, include_self=False)
    assert out.tolist() == answer


def test_places_named_twice_add_up_beside_an_int():
    out = mg.zeros(2, 3).index_put((1, ids(2, 0, 2)), mg.tensor([1.0, 2.0, 3.0]), accumulate=True)
    assert out.tolist() == [[0.0] * 3, [2.0, 0.0, 4.0]]


@pytest.mark.parametrize("name", ["scatter", "scatter_add"])
def test_of_a_larger_source_the_first_part_is_sent(name):
    x = mg.tensor([[4.0, 5.0], [6.0, 7.0]], requires_grad=True)
    out = getattr(mg.zeros(2, 2), name)(1, mg.tensor([[1]]), x)
    assert out.tolist() == [[0.0, 4.0], [0.0, 0.0]]
    out.sum().backward()
    assert x.grad.tolist() == [[1.0, 0.0], [0.0, 0.0]]


def test_of_an_empty_source_nothing_is_scattered_into_a_copy():
    x = ones(3)
    out = x.masked_scatter(x == 0, ones(0))
    x.fill_(2.0)
    assert out.tolist() == [1.0] * 3


def test_a_number_is_added_or_multiplied_at_every_place():
    x, places = mg.tensor([1.0, 2.0, 3.0]), ids(2, 0, 2)
    assert x.scatter(0, places, 2.0, reduce="add").tolist() == [3.0, 2.0, 7.0]
    assert x.scatter(0, places, 2.0, reduce="multiply").tolist() == [2.0, 2.0, 12.0]


def test_not_a_number_is_its_own_unique_value():
    values = mg.unique(mg.tensor([np.nan, 1.0, np.nan]))
    assert values.shape == (3,) and values[0].item() == 1.0
