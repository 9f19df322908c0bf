"""Where a fused computation parts from its definition: infinities, nan, masked rows, what is empty, and halves.

The kernels of smooth functions over rows and elements; the agreement of all kernels on ordinary values is in
`test_agreement`.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.kernels import registry
from minigrad.nn.positions import rotate

pytestmark = pytest.mark.host("the kernels are for NumPy")

SPECIAL = {
    "silu": lambda x: mg.nn.functional.silu(x),
    "softmax": lambda x: mg.softmax(x, -1),
    "log_softmax": lambda x: mg.log_softmax(x, -1),
    "rms_norm": lambda x: mg.nn.functional.rms_norm(x, [3], mg.tensor([1.0, -2.0, 3.0], dtype=x.dtype)),
    "rotate": lambda x: rotate(x[:, :2], mg.tensor([[0.5]] * 3, dtype=x.dtype), mg.tensor([[2.0]], dtype=x.dtype)),
}
ROWS = {
    "nan": [0.0, np.nan, 1.0],
    "inf": [0.0, np.inf, 1.0],
    "-inf": [-np.inf, 2.0, 1.0],
    "all -inf": [-np.inf] * 3,
    "both": [-np.inf, np.inf, 0.0],
    "all inf": [np.inf] * 3,
    "large": [1e4, 3e4, -2e4],
    "far left": [-1e5, -200.0, -95.0],
    "zeros": [0.0, 0.0, 0.0],
    "tiny": [1e-20, -1e-20, 2e-20],
}


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("name", SPECIAL)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_of_special_values_a_kernel_makes_what_its_composite_makes(name: str, row: str, dtype: str) -> None:
    def results(mode: Any) -> list[Any]:
        x = mg.tensor(np.array([[0.3, -0.7, 1.1], ROWS[row], [0.2, 0.1, 0.9]], dtype), requires_grad=True)
        with registry.mode(mode):
            out = SPECIAL[name](x)
            cotangent = np.broadcast_to(np.array([1.0, 2.0, -3.0], dtype)[: out.shape[1]], out.shape)
            (gradient,) = mg.autograd.grad(out, [x], mg.tensor(cotangent))
        return [out.detach().numpy(), gradient.numpy()]

    with np.errstate(all="ignore"):
        composed = results("off")
    with warnings.catch_warnings():
        if name in ("silu", "softmax", "log_softmax"):
            warnings.simplefilter("error")
            fused = results("force")
        else:
            with np.errstate(all="ignore"):
                fused = results("force")
    for of_kernel, of_composite in zip(fused, composed, strict=True):
        for row_of_kernel, exact in zip(of_kernel, of_composite, strict=True):
            scale = np.abs(exact, where=np.isfinite(exact), out=np.zeros_like(exact)).max()
            allowed = 20 * np.finfo(dtype).eps * scale + 1e-37
            np.testing.assert_allclose(row_of_kernel, exact, rtol=0, atol=allowed)


@pytest.mark.parametrize("mode", ["off", "force"])
def test_a_row_that_is_all_masked_weighs_nothing_and_passes_no_gradient(mode: Any) -> None:
    x = mg.tensor([[-np.inf, -np.inf], [0.0, -np.inf]], requires_grad=True)
    with registry.mode(mode):
        out = mg.softmax(x, 1)
        out.backward(mg.tensor([[1.0, 2.0], [3.0, 4.0]]))
    assert out.tolist() == [[0.0, 0.0], [1.0, 0.0]]
    assert not x.grad.numpy().any()


@pytest.mark.parametrize("name", SPECIAL)
def test_what_is_empty_or_of_halves_is_left_to_the_definition(name: str) -> None:
    with registry.mode("force"):
        for x in (mg.zeros(0, 3, requires_grad=True), mg.ones(3, 3, dtype=mg.float16, requires_grad=True)):
            if name == "rotate" and x.shape[0] == 0:
                continue
            out = SPECIAL[name](x)
            assert out.dtype == x.dtype and out.grad_fn.op.name != name
        assert SPECIAL[name](mg.ones(3, 3, requires_grad=True)).grad_fn.op.name == name


def test_softmax_over_other_dimensions_is_left_to_the_definition() -> None:
    x = mg.tensor([[0.0, 0.0], [0.0, np.log(3.0)]], dtype=mg.float64, requires_grad=True)
    with registry.mode("force"):
        out = mg.softmax(x, 0)
        assert out.grad_fn.op.name != "softmax" and mg.log_softmax(x, 0).grad_fn.op.name != "log_softmax"
        assert mg.softmax(x, 1).grad_fn.op.name == mg.softmax(x, -1).grad_fn.op.name == "softmax"
        np.testing.assert_allclose(out.detach().numpy(), [[0.5, 0.25], [0.5, 0.75]], rtol=1e-15)
        with pytest.raises(IndexError):
            mg.softmax(x, 2)
        with pytest.raises(IndexError):
            mg.softmax(mg.tensor(1.0), 1)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_a_result_that_was_written_over_is_not_what_the_backward_reads(name: str) -> None:
    x = mg.tensor(np.eye(3), requires_grad=True)
    with registry.mode("force"):
        out = SPECIAL[name](x)
        out.mul_(2.0)
        with pytest.raises(RuntimeError):
            out.sum().backward()


@pytest.mark.parametrize("mode", ["off", "force"])
def test_silu_in_place_writes_into_its_input(mode: Any) -> None:
    leaf = mg.tensor([0.0, 1.0, -2.0], requires_grad=True)
    with registry.mode(mode):
        x = leaf * 1.0
        assert mg.nn.functional.silu(x, inplace=True) is x
        x.sum().backward()
    share = 1.0 / (1.0 + np.exp(-leaf.detach().numpy().astype(np.float64)))
    np.testing.assert_allclose(x.detach().numpy(), leaf.detach().numpy() * share, rtol=1e-6)
    np.testing.assert_allclose(leaf.grad.numpy(), share * (1 + leaf.detach().numpy() * (1 - share)), rtol=1e-6)


def test_rms_norm_without_eps_adds_the_resolution_of_its_dtype() -> None:
    for dtype in ("float32", "float64"):
        x = mg.zeros(2, 4, dtype=dtype, requires_grad=True)
        with registry.mode("force"):
            out = mg.nn.functional.rms_norm(x, [4], mg.ones(4, dtype=dtype))
            out.sum().backward()
        np.testing.assert_allclose(x.grad.numpy(), np.finfo(dtype).eps ** -0.5, rtol=1e-6)


def test_rotation_keeps_the_memory_order_of_its_input_and_refuses_what_does_not_fit() -> None:
    x = mg.tensor(np.arange(48.0).reshape(2, 3, 2, 4)).transpose(1, 2)  # (B, H, T, D), in memory (B, T, H, D)
    with registry.mode("force"):
        out = rotate(x, mg.zeros(3, 2, dtype=x.dtype), mg.ones(3, 2, dtype=x.dtype))
        assert out.data.strides == x.data.strides
        np.testing.assert_array_equal(out.numpy(), np.concatenate([-x.numpy()[..., 2:], x.numpy()[..., :2]], -1))
        with pytest.raises(mg.ShapeError, match="must be even"):
            rotate(mg.ones(2, 3), mg.ones(2, 1), mg.ones(2, 1))
        with pytest.raises(mg.ShapeError):
            rotate(x, mg.ones(4, 2, dtype=x.dtype), mg.ones(4, 2, dtype=x.dtype))
        wider = rotate(x, *(mg.ones(5, 1, 1, 3, 2, dtype=x.dtype),) * 2)  # x is what broadcasts: no kernel
        assert wider.shape == (5, 2, 2, 3, 4)


def test_what_broadcasts_or_fits_nowhere_is_left_to_the_definition() -> None:
    x, pairs = np.ones((2, 3, 4)), np.ones((3, 2))
    select = registry.selectors["rotate"]
    with registry.mode("force"):
        assert select([x, pairs, pairs]) is not None
        assert select([x, pairs, np.ones((5, 1, 3, 2))]) is select([x, np.ones((4, 2)), pairs]) is None
        assert select([x[:0], pairs, pairs]) is None
        with pytest.raises(mg.ShapeError, match="normalized_shape"):
            mg.nn.functional.rms_norm(mg.ones(()), [], mg.ones(()))
