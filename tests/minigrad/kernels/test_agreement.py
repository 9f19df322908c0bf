"""A kernel means what its composite means, and is as accurate.

The reference is the composite itself in a wider type: float64 for float32, the platform's long double for float64. The
tolerance is not chosen per kernel: a kernel may be at most four times as far from the reference as the composite of its
own dtype is, plus eight units in the last place of the largest value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.kernels import registry
from minigrad.kernels.numpy import attention as attention_kernel
from minigrad.kernels.numpy import blocks
from minigrad.ops.composite import composite, definitions, selectors
from minigrad.ops.random import Key
from minigrad.tensor import Tensor

pytestmark = pytest.mark.host("the kernels are for NumPy")
sizes = st.integers(1, 7)


@st.composite
def layer_norm(draw: Any) -> list[Any]:
    normalized = draw(st.lists(sizes, min_size=1, max_size=2))
    lead = draw(st.lists(sizes, max_size=2))
    bias = tuple(normalized) if draw(st.booleans()) else None
    return [(*lead, *normalized), normalized, tuple(normalized), bias, 1e-5]


@st.composite
def linear(draw: Any) -> list[Any]:
    inner, out = draw(sizes), draw(sizes)
    return [(*draw(st.lists(sizes, max_size=2)), inner), (out, inner), (out,) if draw(st.booleans()) else None]


@st.composite
def gelu(draw: Any) -> list[Any]:
    return [tuple(draw(st.lists(sizes, max_size=3))), draw(st.sampled_from(["none", "tanh"]))]


@st.composite
def cross_entropy(draw: Any) -> list[Any]:
    rows, classes = draw(sizes), draw(sizes)
    ids = draw(st.lists(st.sampled_from([-100, *range(classes)]), min_size=rows, max_size=rows))
    if set(ids) == {-100}:
        ids[0] = 0  # the mean of nothing is nan in both
    return [(rows, classes), np.array(ids), None, 1, -100, "mean", 0.0]


@st.composite
def dropout(draw: Any) -> list[Any]:
    key = Key(draw(st.integers(0, 9)), "dropout", 0)
    return [tuple(draw(st.lists(sizes, max_size=3))), draw(st.floats(0.01, 0.99)), key]


@st.composite
def attention(draw: Any) -> list[Any]:
    batch, heads, length, source, width, value_width = (draw(st.integers(1, 4)) for _ in range(6))
    kind = draw(st.sampled_from(["none", "causal", "mask"]))
    mask = None
    if kind == "mask":
        mask = np.array(draw(st.lists(st.booleans(), min_size=length * source, max_size=length * source)))
        mask = mask.reshape(length, source)
    drop = draw(st.sampled_from([0.0, 0.4]))
    key = Key(3, "dropout", draw(st.integers(0, 9))) if drop else None
    shapes = [(batch, heads, length, width), (batch, heads, source, width), (batch, heads, source, value_width)]
    return [*shapes, mask, drop, key, kind == "causal", width**-0.5]


@st.composite
def lstm(draw: Any) -> list[Any]:
    length, batch, hidden = draw(sizes), draw(sizes), draw(sizes)
    state = (batch, hidden)
    bias = (4 * hidden,) if draw(st.booleans()) else None
    return [(length, batch, 4 * hidden), state, state, (4 * hidden, hidden), bias, draw(st.booleans())]


@st.composite
def gru(draw: Any) -> list[Any]:
    length, batch, hidden = draw(sizes), draw(sizes), draw(sizes)
    bias = (3 * hidden,) if draw(st.booleans()) else None
    return [(length, batch, 3 * hidden), (batch, hidden), (3 * hidden, hidden), bias, draw(st.booleans())]


@st.composite
def rms_norm(draw: Any) -> list[Any]:
    normalized = draw(st.lists(sizes, min_size=1, max_size=2))
    lead = draw(st.lists(sizes, max_size=2))
    return [(*lead, *normalized), normalized, tuple(normalized), draw(st.sampled_from([None, 1e-6]))]


@st.composite
def silu(draw: Any) -> list[Any]:
    return [tuple(draw(st.lists(sizes, max_size=3))), False]


@st.composite
def softmax(draw: Any) -> list[Any]:
    shape = tuple(draw(st.lists(sizes, min_size=1, max_size=3)))
    return [shape, draw(st.sampled_from([-1, len(shape) - 1]))]


@st.composite
def rotate(draw: Any) -> list[Any]:
    lead, pairs = draw(st.lists(sizes, max_size=3)), draw(sizes)
    shapes = []
    for _ in range(2):
        kept = [draw(st.sampled_from([1, size])) for size in (*lead, pairs)]
        shapes.append(tuple(kept[draw(st.integers(0, len(lead))) :]))
    return [(*lead, 2 * pairs), *shapes]


CASES: dict[str, Callable[[], st.SearchStrategy[Any]]] = {
    "layer_norm": layer_norm,
    "linear": linear,
    "gelu": gelu,
    "_cross_entropy_of_ids": cross_entropy,
    "_dropout": dropout,
    "_attention": attention,
    "_gru": gru,
    "_lstm": lstm,
    "_log_softmax": softmax,
    "_softmax": softmax,
    "rms_norm": rms_norm,
    "rotate": rotate,
    "silu": silu,
}
WIDER = {"float32": np.float64, "float64": np.longdouble}


def test_every_kernel_is_checked_here() -> None:
    assert set(CASES) == set(registry.kernels)


def test_the_reference_for_float64_is_wider() -> None:
    if np.finfo(np.longdouble).eps >= np.finfo(np.float64).eps:
        pytest.skip("long double is float64 on this platform; the float64 reference is then the composite itself")
    assert np.finfo(WIDER["float64"]).eps < np.finfo(np.float64).eps


def _laid_out(array: np.ndarray[Any, Any], layout: str) -> np.ndarray[Any, Any]:
    if layout == "reversed" and array.ndim:
        return np.ascontiguousarray(array[::-1])[::-1]
    if layout == "transposed":
        return np.ascontiguousarray(array.T).T
    return array


def _results(
    name: str, arguments: list[Any], arrays: tuple[int, ...], dtype: Any, layout: str, wanted: set[int]
) -> list[Any]:
    """The output and the gradients of the wanted arguments, in `dtype`, under the kernel mode in force."""
    rng = np.random.default_rng(0)
    call = list(arguments)
    for position in arrays:
        if call[position] is not None:
            # float32 values, so that the wider reference starts from the same numbers
            values = rng.standard_normal(call[position]).astype(np.float32).astype(dtype)
            call[position] = Tensor(_laid_out(values, layout), position in wanted)
    selector = registry.selectors[name]
    kernel = selector(call)
    out = definitions[name](*call) if kernel is None else kernel.run(call)
    cotangent = Tensor(np.asarray(rng.standard_normal(out.shape).astype(np.float32).astype(dtype)))
    inputs = [call[position] for position in arrays if position in wanted and call[position] is not None]
    return [out.data, *(g.data for g in mg.autograd.grad(out, inputs, cotangent))]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(data=st.data())
def test_kernel_is_as_close_to_the_reference_as_its_composite(name: str, dtype: str, data: st.DataObject) -> None:
    arguments = data.draw(CASES[name]())
    layout = data.draw(st.sampled_from(["contiguous", "reversed", "transposed"]))
    arrays = registry.kernels[name][0].arrays
    present = [position for position in arrays if arguments[position] is not None]
    wanted = data.draw(st.sets(st.sampled_from(present), min_size=1))
    exact_gelu = name == "gelu" and arguments[1] == "none"  # erf is computed in float64
    wider = np.float64 if exact_gelu else WIDER[dtype]
    with pytest.MonkeyPatch.context() as patch, registry.mode("force"):
        patch.setattr(blocks, "BLOCK", data.draw(st.sampled_from([8, 1 << 14])))
        scores, queries = data.draw(st.sampled_from([(1, 1), (8, 2), (20, 3), (64, 4), (1 << 18, 128)]))
        patch.setattr(attention_kernel, "BLOCK", scores)
        patch.setattr(attention_kernel, "QUERIES", queries)
        fused = _results(name, arguments, arrays, np.dtype(dtype), layout, wanted)
    with registry.mode("off"):
        composed = _results(name, arguments, arrays, np.dtype(dtype), layout, wanted)
        reference = _results(name, arguments, arrays, wider, layout, wanted)
    for of_kernel, of_composite, exact in zip(fused, composed, reference, strict=True):
        assert of_kernel.dtype == of_composite.dtype == np.dtype(dtype)
        assert of_kernel.shape == exact.shape
        scale = float(np.abs(exact).max(initial=0.0)) or 1.0
        allowed = 4 * np.abs(of_composite - exact).max(initial=0.0) + 8 * np.finfo(dtype).eps * scale
        assert np.abs(of_kernel - exact).max(initial=0.0) <= allowed


@pytest.mark.parametrize("name", CASES)
def test_kernel_applies_to_its_own_cases(name: str) -> None:
    """Otherwise the agreement above would compare the composite with itself."""

    @given(case=CASES[name]())
    def check(case: Any) -> None:
        arguments = list(case)
        for position in registry.kernels[name][0].arrays:
            if arguments[position] is not None:
                arguments[position] = np.ones(arguments[position], np.float32)
        with registry.mode("force"):
            assert registry.selectors[name](arguments) is registry.kernels[name][0]

    check()


def test_mode_switches_and_restores() -> None:
    x = mg.ones(2, 3, requires_grad=True)
    names = []
    for mode in ("off", "force"):
        with mg.kernels.mode(mode):
            names.append(mg.nn.functional.layer_norm(x, [3], mg.ones(3)).grad_fn.op.name)
    assert names[0] != "layer_norm" and names[1] == "layer_norm"
    with pytest.raises(ValueError, match="kernel mode"):
        mg.kernels.mode("on")


def test_dispatch_leaves_what_a_kernel_does_not_know_to_the_composite() -> None:
    x = mg.ones(2, 3, requires_grad=True)
    with mg.kernels.mode("force"):
        assert mg.nn.functional.layer_norm(x.to(mg.float16), [3], mg.ones(3, dtype=mg.float16)).dtype == mg.float16
        assert mg.nn.functional.layer_norm(x, [3]).grad_fn.op.name != "layer_norm"  # no weight
        with pytest.raises(mg.DTypeError, match="input is float32 and weight float64"):
            mg.nn.functional.linear(x, mg.ones(4, 3, dtype=mg.float64))


def test_a_kernel_of_two_dependent_inputs_counts_each_path_once_at_second_order() -> None:
    def second_derivative(mode: str) -> np.ndarray[Any, Any]:
        with mg.kernels.mode(mode):
            x = mg.tensor(np.linspace(-1.0, 2.0, 6).reshape(2, 3), requires_grad=True)
            weight = (x * x).sum(0)
            (first,) = mg.autograd.grad(mg.nn.functional.layer_norm(x, [3], weight).sin().sum(), x, create_graph=True)
            (second,) = mg.autograd.grad((first * first).sum(), x)
            return second.numpy()

    np.testing.assert_allclose(second_derivative("force"), second_derivative("off"), rtol=1e-10, atol=1e-12)


def test_without_a_gradient_to_compute_nothing_is_saved() -> None:
    with mg.kernels.mode("force"), mg.no_grad():
        assert mg.nn.functional.gelu(mg.ones(3, requires_grad=True)).node is None
    with mg.kernels.mode("force"):
        assert mg.nn.functional.gelu(mg.ones(3)).node is None
        assert isinstance(mg.nn.functional.gelu(np.ones(3)), np.ndarray)


def _second_derivatives(name: str, arguments: list[Any], wanted: set[int]) -> list[Any]:
    """First and second derivatives of a nonlinear function of the output, through a recorded backward."""
    rng = np.random.default_rng(1)
    call = list(arguments)
    arrays = registry.kernels[name][0].arrays
    for position in arrays:
        if call[position] is not None:
            call[position] = Tensor(rng.standard_normal(call[position]), position in wanted)
    kernel = registry.selectors[name](call)
    out = definitions[name](*call) if kernel is None else kernel.run(call)
    inputs = [call[position] for position in arrays if position in wanted]
    first = mg.autograd.grad((out**3).sum(), inputs, create_graph=True)
    total = sum(((gradient * gradient).sum() for gradient in first), mg.zeros(()))
    second = mg.autograd.grad(total, inputs, allow_unused=True)
    return [*(g.data for g in first), *(np.zeros(1) if g is None else g.data for g in second)]


@pytest.mark.parametrize("name", CASES)
@given(data=st.data())
def test_recorded_backward_is_right_whichever_inputs_are_frozen(name: str, data: st.DataObject) -> None:
    arguments = data.draw(CASES[name]())
    if name == "linear" and data.draw(st.booleans()):  # square, so that a wrong transpose would go unnoticed
        size = data.draw(sizes)
        arguments = [(2, size), (size, size), None]
    present = [position for position in registry.kernels[name][0].arrays if arguments[position] is not None]
    wanted = data.draw(st.sets(st.sampled_from(present), min_size=1))
    with registry.mode("force"):
        fused = _second_derivatives(name, arguments, wanted)
    with registry.mode("off"):
        composed = _second_derivatives(name, arguments, wanted)
    for of_kernel, of_composite in zip(fused, composed, strict=True):
        scale = np.abs(of_composite).max(initial=1.0)
        np.testing.assert_allclose(of_kernel, of_composite, rtol=0, atol=1e-9 * scale)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("mode", ["off", "force"])
@given(data=st.data())
def test_given_arrays_it_computes_on_arrays(name: str, mode: str, data: st.DataObject) -> None:
    raw = data.draw(CASES[name]())
    rng = np.random.default_rng(0)
    for position in registry.kernels[name][0].arrays:
        if raw[position] is not None:
            raw[position] = np.asarray(rng.standard_normal(raw[position]))
    arrays = registry.kernels[name][0].arrays
    tensors = [Tensor(a) if i in arrays and a is not None else a for i, a in enumerate(raw)]
    with registry.mode(mode):  # type: ignore[arg-type]
        kernel = registry.selectors[name](raw)
        run = definitions[name] if kernel is None else lambda *call: kernel.run(list(call))
        out = run(*raw)
        assert not isinstance(out, Tensor)
        np.testing.assert_array_equal(out, run(*tensors).data)


def test_a_weight_of_another_shape_of_that_size_is_refused():
    with mg.kernels.mode("force"), pytest.raises(mg.ShapeError, match=r"weight or bias of shape \(3, 2\)"):
        mg.nn.functional.layer_norm(mg.ones(4, 2, 3), [2, 3], mg.ones(3, 2))


@pytest.mark.parametrize("name, gates", [("_lstm", 4), ("_gru", 3)])
def test_recurrences_of_shapes_that_do_not_fit_are_left_to_the_definition(name: str, gates: int) -> None:
    def selected(length: int, batch: int, hidden: int, of_state: int) -> Any:
        states = [np.ones((batch, of_state), np.float32)] * (2 if name == "_lstm" else 1)
        x, w = np.ones((length, batch, gates * hidden), np.float32), np.ones((gates * hidden, hidden), np.float32)
        return registry.selectors[name]([x, *states, w, None, False])

    assert selected(2, 3, 4, 4) is not None
    assert selected(2, 3, 4, 5) is None and selected(2, 0, 4, 4) is None


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_gates_that_are_closed_warn_of_nothing(kind: str) -> None:
    layer = getattr(mg.nn, kind)(1, 2)
    with mg.kernels.mode("force"):
        output, _ = layer(mg.full((3, 1, 1), -1e5))
    assert np.isfinite(output.detach().numpy()).all()


def test_a_definition_gets_the_named_arguments_when_no_kernel_applies(monkeypatch):
    monkeypatch.setattr("minigrad.ops.composite.definitions", {})  # this one is not for the rest of the tests

    @composite
    def declined(x, by=2):
        return x, by

    monkeypatch.setitem(selectors, "declined", lambda arguments: None)
    assert declined(1, by=3) == (1, 3)
    assert declined(1) == (1, 2)


@pytest.mark.parametrize("mode", ["off", "force"])
def test_the_loss_beside_an_infinite_logit_is_infinite(mode):
    with mg.kernels.mode(mode), np.errstate(all="ignore"):
        assert mg.nn.functional.cross_entropy(mg.tensor([[np.inf, 0.0]]), mg.tensor([1])).item() == np.inf


@pytest.mark.parametrize("size", [1e3, 1e5, 1e7])
@pytest.mark.parametrize("mode", ["off", "force"])
def test_attention_gives_the_gradients_of_its_weights_however_large_all_scores_are(mode, size):
    q = mg.tensor(np.full((1, 1, 1, 1), size, np.float32), requires_grad=True)
    k, v = (mg.tensor(np.ones((1, 1, 4, 1), np.float32), requires_grad=True) for _ in range(2))
    with registry.mode(mode):
        mg.nn.functional.scaled_dot_product_attention(q, k, v).backward(mg.ones(1, 1, 1, 1))
    assert np.allclose(v.grad.numpy(), 0.25, rtol=1e-6)
    assert np.abs(k.grad.numpy()).max() <= 1e-6 * size


@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("is_causal", [False, True])
def test_attention_in_several_blocks_is_that_in_one(is_causal, dropout, monkeypatch):
    def results():
        mg.manual_seed(0)
        rng = np.random.default_rng(0)
        q, k, v = (mg.tensor(rng.standard_normal((2, 3, 7, 4)), requires_grad=True) for _ in range(3))
        with registry.mode("force"):
            out = mg.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=is_causal, dropout_p=dropout)
        out.backward(mg.tensor(rng.standard_normal(out.shape)))
        return [each.numpy() for each in (out.detach(), q.grad, k.grad, v.grad)]

    whole = results()
    monkeypatch.setattr(attention_kernel, "BLOCK", 14)
    monkeypatch.setattr(attention_kernel, "QUERIES", 2)
    for one, several in zip(whole, results(), strict=True):
        np.testing.assert_allclose(several, one, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("mode", ["off", "force"])
def test_a_hook_may_change_the_gradient_of_logits_in_place_and_the_next_backward_is_right(mode):
    x = mg.tensor(np.zeros((2, 3)), requires_grad=True)
    with registry.mode(mode):
        loss = mg.nn.functional.cross_entropy(x, mg.tensor([0, 1]))
    x.register_hook(lambda gradient: gradient.mul_(2))
    loss.backward(retain_graph=True)
    first = x.grad.numpy().copy()
    x.grad = None
    loss.backward()
    assert np.array_equal(x.grad.numpy(), first)


@pytest.mark.parametrize("mode", ["off", "force"])
@pytest.mark.parametrize("length", [1, 3])
@pytest.mark.parametrize(
    "kind",
    [
        "plain", "mask", "causal", "dropout", "fewer value heads", "more value heads", "wide batch", "no batch",
        "nothing",
    ],
)  # fmt: skip
def test_shared_key_heads_are_repeated_ones(kind: str, length: int, mode: registry.Mode) -> None:
    rng = np.random.default_rng(1)
    lead = {"wide batch": (5,), "no batch": (), "nothing": (0,)}.get(kind, (2,))
    groups = {"fewer value heads": (2, 1), "more value heads": (1, 2)}.get(kind, (2, 2))
    query = Tensor(rng.standard_normal(((1,) if kind == "wide batch" else lead) + (4, length, 3)), True)
    key, value = (Tensor(rng.standard_normal((*lead, heads, 6, 3)), True) for heads in groups)
    settings: dict[str, Any] = {"is_causal": kind == "causal", "dropout_p": 0.5 if kind == "dropout" else 0.0}
    if kind == "mask":
        settings["attn_mask"] = Tensor(rng.random((2, 4, length, 6)) < 0.6)
    attend = mg.nn.functional.scaled_dot_product_attention
    cotangent = Tensor(rng.standard_normal((*lead, 4, length, 3)))
    results = []
    with registry.mode(mode):
        for shared in (True, False):
            mg.manual_seed(0)
            keys = key if shared else mg.repeat_interleave(key, 4 // groups[0], -3)
            values = value if shared else mg.repeat_interleave(value, 4 // groups[1], -3)
            out = attend(query, keys, values, **settings, enable_gqa=shared)
            results.append([out.data, *(g.data for g in mg.autograd.grad(out, [query, key, value], cotangent))])
    for ours, repeated in zip(*results, strict=True):
        assert ours.shape == repeated.shape
        np.testing.assert_allclose(ours, repeated, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", ["mask", "causal", "dropout"])
def test_one_query_sees_what_it_may(kind: str) -> None:
    rng = np.random.default_rng(2)
    q, k, v = (Tensor(rng.standard_normal((2, 3, length, 4))) for length in (1, 5, 5))
    mask = Tensor(np.array([True, False, True, True, False])) if kind == "mask" else None
    results = []
    for mode in ("off", "force"):
        mg.manual_seed(0)
        with registry.mode(mode):  # type: ignore[arg-type]
            results.append(
                mg.nn.functional.scaled_dot_product_attention(
                    q, k, v, mask, dropout_p=0.4 if kind == "dropout" else 0.0, is_causal=kind == "causal"
                ).numpy()
            )
    np.testing.assert_allclose(*results, rtol=0, atol=1e-14)
    with registry.mode("force"):
        free = mg.nn.functional.scaled_dot_product_attention(q, k, v).numpy()
    assert not np.allclose(free, results[1])


def test_heads_that_do_not_divide_are_refused() -> None:
    q, k = mg.ones(1, 4, 2, 3), mg.ones(1, 3, 2, 3)
    for key, value in ((k, k), (q, k), (k, q)):
        with pytest.raises(mg.ShapeError, match="4 query heads are not a multiple of 3 key heads"):
            mg.nn.functional.scaled_dot_product_attention(q, key, value, enable_gqa=True)
