"""What is drawn keeps the promises of its strategy."""

import inspect

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
import minigrad.nn.functional as F
from minigrad.testing import strategies as s
from minigrad.testing.layouts import LAYOUTS, laid_out

SOME = st.sampled_from(["regular", "positive", "separated", "kinky", "extreme"])


@given(s.shapes((1, 3), (2, 4)), s.shapes(2), s.shapes(0))
def test_shapes_have_as_many_dimensions_of_such_sizes_as_was_said(some, matrix, none):
    assert 1 <= len(some) <= 3 and all(2 <= n <= 4 for n in some)
    assert len(matrix) == 2 and all(1 <= n <= 5 for n in matrix)
    assert none == ()


@pytest.mark.parametrize("shape", [(5,), (70,), (2, 40)])  # number by number, and from a seed
@given(data=st.data(), dtype=st.sampled_from(["f2", "f4", "f8"]))
def test_values_are_of_their_kind(shape, data, dtype):
    drawn = {
        values: data.draw(s.arrays(shape, values=values, dtype=dtype))
        for values in ("regular", "positive", "separated", "kinky", "extreme")
    }
    for values, array in drawn.items():
        assert array.shape == shape and array.dtype == dtype and np.isfinite(array).all(), values
        assert np.array_equal(array, array.astype(np.float16).astype(dtype)), values  # the same number in every dtype
    assert np.abs(drawn["regular"]).max() <= 4
    assert drawn["positive"].min() >= 1 / 16 and drawn["positive"].max() <= 4 + 1 / 16
    gaps = np.diff(np.sort(drawn["separated"].ravel()))
    assert gaps.min() >= 1 / 16
    assert np.isin(drawn["kinky"], [0, 1, -1, 0.5, -0.5, 6, 3, -3]).all()
    assert np.abs(drawn["extreme"]).min() >= 2.0**-14 and np.abs(drawn["extreme"]).max() <= 2.0**14


def test_the_simplest_tensor_is_zero_and_the_smallest():
    simplest = hypothesis.find(s.tensors(ndim=(1, 3)), lambda x: True)
    assert isinstance(simplest, mg.Tensor) and simplest.shape == (1,) and simplest.item() == 0
    nonzero = hypothesis.find(s.arrays((2, 2)), lambda x: (x != 0).any())
    assert np.count_nonzero(nonzero) == 1 and np.abs(nonzero).max() == 1 / 16


def test_layouts_are_all_drawn_and_keep_the_values():
    found = {
        layout: hypothesis.find(
            s.arrays((2, 3), layouts=True, values="separated"), lambda x, test=test: test(x),
        )
        for layout, test in {
            "transposed": lambda x: x.flags.f_contiguous, "read-only": lambda x: not x.flags.writeable,
            "reversed": lambda x: x.strides[0] < 0, "strided": lambda x: x.strides[-1] == 16,
        }.items()
    }  # fmt: skip
    assert set(found) == set(LAYOUTS) - {"contiguous"}
    for array in (np.arange(6.0).reshape(2, 3), np.array(3.0), np.zeros((0, 2))):
        for layout in LAYOUTS:
            np.testing.assert_array_equal(laid_out(array, layout), array)


def following(strategy, **drawn):
    return strategy.strategy(drawn)


@given(st.data(), s.tensors(ndim=(1, 3)))
def test_what_depends_on_a_tensor_fits_it(data, x):
    shape = tuple(x.shape)
    assert -x.ndim <= data.draw(following(s.axes_of("x"), x=x)) < x.ndim
    axes = data.draw(following(s.axis_tuples_of("x", min_size=1), x=x))
    assert axes and len({axis % x.ndim for axis in axes}) == len(axes)
    assert sorted(data.draw(following(s.permutations_of("x"), x=x))) == list(range(x.ndim))
    assert tuple(data.draw(following(s.like("x"), x=x)).shape) == shape
    assert tuple(data.draw(following(s.cotangents_for("x"), x=x)).shape) == shape
    other = data.draw(following(s.broadcast_to("x"), x=x))
    assert np.broadcast_shapes(tuple(other.shape), shape) == shape
    index = data.draw(following(s.indices_of("x"), x=x))
    np.testing.assert_array_equal(x[index].data, x.data[index])


@given(s.mutually_broadcastable(3), s.matmul_operands())
def test_operands_fit_each_other(several, pair):
    np.broadcast_shapes(*(tuple(x.shape) for x in several))
    assert len(several) == 3
    a, b = pair
    np.testing.assert_array_equal((a @ b).data, a.data @ b.data)


@given(s.einsum_specs(3))
def test_an_equation_fits_its_operands(spec):
    equation, operands = spec
    assert len(operands) == 3
    np.testing.assert_allclose(
        mg.einsum(equation, *operands).data, np.einsum(equation, *(x.data for x in operands)), atol=1e-9
    )


@given(s.token_ids(7), s.token_ids(3, (2, 4)), s.seeds())
def test_tokens_are_below_the_size_of_the_vocabulary(some, shaped, seed):
    assert some.dtype == np.int64 and some.data.min() >= 0 and some.data.max() < 7
    assert tuple(shaped.shape) == (2, 4) and shaped.data.max() < 3
    mg.manual_seed(seed)


@given(s.conv_configs())
def test_a_convolution_fits_its_input(c):
    convolve = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}[len(c.input) - 2]
    out = convolve(mg.zeros(*c.input), mg.zeros(*c.weight), None, c.stride, c.padding, c.dilation, c.groups)
    assert tuple(out.shape[:2]) == (c.input[0], c.weight[0]) and out.numel() > 0


@given(s.attention_configs())
def test_an_attention_fits_its_mask(c):
    mask = None if c.mask is None else mg.tensor(c.mask)
    q, k, v = (mg.zeros(*shape) for shape in (c.query, c.key, c.value))
    out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=c.is_causal)
    assert tuple(out.shape) == (*c.query[:-1], c.value[-1])


@given(s.norm_configs(), s.optimizer_configs())
def test_settings_of_norms_and_optimizers_are_taken(norm, settings):
    shape, count = norm
    assert tuple(F.layer_norm(mg.zeros(*shape), shape[-count:]).shape) == shape
    weight = mg.nn.Parameter(mg.ones(2))
    weight.grad = mg.ones(2)
    mg.optim.SGD([weight], **settings).step()
    assert (weight.data > 1).all() == settings["maximize"] or settings["weight_decay"]


@given(st.data())
def test_a_constructor_is_called_with_what_its_signature_allows(data):
    settings = data.draw(s.module_configs(mg.nn.Linear, in_features=3, out_features=st.integers(2, 3)))
    assert set(settings) <= set(inspect.signature(mg.nn.Linear).parameters)
    layer = mg.nn.Linear(**settings)
    assert tuple(layer(mg.zeros(1, 3)).shape)[1] in (2, 3)
    assert (layer.bias is not None) == settings["bias"]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: s.arrays((2,), values="odd"), "values must be one of 'regular', 'kinky'"),
        (lambda: s.tensors((2,), dtype=np.int64), "only floating dtypes have gradients; use `indices` for integers"),
        (lambda: s.token_ids(0), "a vocabulary has at least one token, got 0"),
        (lambda: s.axes_of("x").strategy({}), "nothing called 'x' was drawn before; drawn so far: none"),
        (lambda: s.axes_of("x").strategy({"x": mg.tensor(1.0)}), "'x' has no dimension to draw an axis of"),
        (lambda: s.module_configs(mg.nn.Linear, inputs=3, in_features=1, out_features=1), "Linear takes no 'inputs'"),
        (lambda: s.module_configs(mg.nn.Sequential, layers=2), "takes no 'layers'"),
    ],
)
def test_what_cannot_be_drawn(make, said):
    with pytest.raises(ValueError, match=said):
        make()
