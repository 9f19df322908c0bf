"""Checks the derivatives of a function of float64 tensors against certified ones, made from its values (`slope`).

One number is compared per order: the derivative of <cotangent, f(x)> along a random direction, in which an error of
any entry of any input shows. The second order differentiates <gradient, direction>, as a function of the inputs and
the cotangent both. Beside the numbers: what a gradient must be like whatever its value (`check_structure`).
"""

import math
from typing import NamedTuple

import numpy as np

import minigrad as mg
from minigrad.backends import backend_for, backend_of
from minigrad.writes import is_writable

EPS = float(np.finfo(np.float64).eps)
# A certificate wider than this part of what is added up is none. Those of smooth functions are some 1e-13.
UNCERTAIN = 1e-11

LAYOUTS = ("contiguous", "transposed", "strided", "reversed", "read-only")


def laid_out(array, layout):
    """The same values in other memory."""
    array = np.array(array)
    if layout == "transposed":
        return array.copy(order="F")
    if layout == "strided" and array.ndim:
        wide = np.full((*array.shape[:-1], 2 * array.shape[-1]), np.nan)
        wide[..., ::2] = array
        return wide[..., ::2]
    if layout == "reversed":
        back = (slice(None, None, -1),) * array.ndim
        return array[(*back, ...)].copy()[(*back, ...)]
    if layout == "read-only":
        array.flags.writeable = False
    return array


def on_default_device(array):
    """A tensor of an array as it lies in memory, if that is the host's; of a copy on another device."""
    return mg.Tensor(backend_for(None).asarray(array))


def host(tensor):
    """The values as they lie in memory, or a copy of them from another device."""
    return backend_of(tensor.data).to_host(tensor.data)


class Certified(NamedTuple):
    """A number, and how far from the true one it is at most."""

    value: float
    error: float


# Points so near one another that there a smooth function is a cubic; in no simple proportions, for then the rounded
# values of a line might lie on a line again.
POINTS = 2e-5 * np.sin([-1.4, -1.1, -0.7, -0.3, 0.0, 0.2, 0.6, 0.9, 1.5])
CUBICS = np.linalg.qr(np.vander(POINTS / 2e-5, 4))[0]


def noise(function, size):
    """How far off the values of a function are: what the best cubic leaves of them, at points near one another. At
    least one rounding of what is added up, of magnitude `size`."""
    found = np.array([function(point) for point in POINTS])
    found -= found[4]
    left = found - CUBICS @ (CUBICS.T @ found)
    return 3 * math.sqrt(np.sum(left**2) / (len(POINTS) - 4)) + EPS * size


def slope(function, size=0.0, step=0.0156, rungs=14):
    """The derivative at 0 of a function of a number, certified: central differences at halving steps, extrapolated
    (Ridders, "Accurate computation of F'(x)", 1982).

    Of all extrapolations the one with the smallest bound is taken. The bound is twice its distance from both numbers it
    was made from, and the noise of the values, which grows as steps shrink. The function should be smooth within
    `step`; if it is not, steps shrink below the kink, and the bound stays true but grows. At a kink it certifies the
    mean of both sides, and so fails whoever has one of them.
    """
    blur = noise(function, size)
    best, rows = Certified(math.nan, math.inf), []
    for rung in range(rungs):
        h = step / 2**rung
        row = [(function(h) - function(-h)) / (2 * h)]
        for order, coarser in enumerate(rows[-1] if rows else ()):
            row.append(row[order] + (row[order] - coarser) / (4 ** (order + 1) - 1))
            bound = 2 * max(abs(row[-1] - row[-2]), abs(row[-1] - coarser)) + 2 * blur / h + EPS * abs(row[-1])
            best = min(best, Certified(row[-1], bound), key=lambda found: found.error)
        rows.append(row)
        if best.error <= 4 * blur / h:  # the next step would add more noise than it takes away
            break
    return best


def _outputs(function, tensors):
    out = function(*tensors)
    return [each for each in (out if isinstance(out, tuple) else (out,)) if each.dtype.kind == "f"]


def values(function, arrays):
    with mg.no_grad():
        return [host(out) for out in _outputs(function, [on_default_device(array) for array in arrays])]


def gradients(function, arrays, cotangents, **settings):
    """The gradient of sum <cotangent, output> for every array; zeros for one that no output depends on."""
    tensors = [on_default_device(array).requires_grad_() for array in arrays]
    outputs = _outputs(function, tensors)
    pairs = [(out, on_default_device(c)) for out, c in zip(outputs, cotangents, strict=True) if out.requires_grad]
    if not pairs:
        return [np.zeros(array.shape) for array in arrays]
    outputs, weights = zip(*pairs)
    grads = mg.autograd.grad(outputs, tensors, weights, allow_unused=True, **settings)
    return [np.zeros(array.shape) if grad is None else host(grad) for array, grad in zip(arrays, grads)]


def _direction(rng, shapes):
    """At most 1 in each entry, so that a step of the differences moves no value further than `step`."""
    return [np.asarray(rng.uniform(0.3, 1.0, shape) * rng.choice([-1.0, 1.0], shape)) for shape in shapes]


def _moved(arrays, directions, t):
    return [np.asarray(array + t * direction) for array, direction in zip(arrays, directions)]


def _dot(xs, ys):
    return float(sum(np.sum(x * y) for x, y in zip(xs, ys)))


def _size(xs, ys):
    return 1.0 + float(sum(np.sum(np.abs(x * y)) for x, y in zip(xs, ys)))


def check(function, arrays, seed=0, second=True):
    """Assert that first and second derivatives of `function` at `arrays` (float64, any layout) are right.

    `function` takes one tensor per array and should be smooth within 1/64 of each entry: see `slope`.
    """
    rng = np.random.default_rng(seed)
    plain = [np.array(array) for array in arrays]
    outputs = values(function, plain)
    u = _direction(rng, [array.shape for array in plain])
    v = _direction(rng, [out.shape for out in outputs])
    grads = gradients(function, arrays, v)
    numeric = slope(lambda t: _dot(v, values(function, _moved(plain, u, t))), _size(v, outputs))
    _assert_agreement("first derivative", _dot(grads, u), numeric, _size(grads, u) + _size(v, outputs))
    check_structure(function, arrays, v, grads, rng)
    if second:
        _check_second(function, arrays, plain, v, u, rng)


def _assert_agreement(what, ours, numeric, size):
    """Of our derivative with a certified one, whose bound has room for our own roundings too: it is 128 or more of
    `size`, the magnitude of what is added up."""
    assert numeric.error <= UNCERTAIN * size, f"{what}: the numeric one is uncertain by {numeric.error} of {size}"
    assert abs(ours - numeric.value) <= numeric.error, f"{what} {ours}, numeric {numeric.value} +- {numeric.error}"


def _check_second(function, arrays, plain, v, u, rng):
    w, dv = _direction(rng, [array.shape for array in plain]), _direction(rng, [each.shape for each in v])
    inputs = [on_default_device(array).requires_grad_() for array in arrays]
    cotangents = [on_default_device(each).requires_grad_() for each in v]
    pairs = [(out, c) for out, c in zip(_outputs(function, inputs), cotangents, strict=True) if out.requires_grad]
    if not pairs:
        return
    outputs, weights = zip(*pairs)
    grads = mg.autograd.grad(outputs, inputs, weights, create_graph=True, allow_unused=True)
    plain_grads = gradients(function, arrays, v)
    for grad, expected in zip(grads, plain_grads):
        if grad is not None:  # the same rules on tensors as on arrays: the same numbers
            rounding = 1e-13 * (1 + np.abs(expected).max(initial=0))
            np.testing.assert_allclose(host(grad), expected, rtol=0, atol=rounding)
    projected = sum((grad * on_default_device(each)).sum() for grad, each in zip(grads, w) if grad is not None)
    seconds = mg.autograd.grad(projected, [*inputs, *cotangents], allow_unused=True)
    moving, moved = [*inputs, *cotangents], [*u, *dv]
    ours = float(sum(np.sum(host(s) * d) for s, d in zip(seconds, moved) if s is not None))
    for second, each in zip(seconds, moving):
        assert second is None or (second.shape, second.dtype) == (each.shape, each.dtype)
    at_zero = _size(plain_grads, w)
    numeric = slope(lambda t: _dot(gradients(function, _moved(plain, u, t), _moved(v, dv, t)), w), at_zero)
    size = at_zero + sum(_size([host(s)], [d]) for s, d in zip(seconds, moved) if s is not None)
    _assert_agreement("second derivative", ours, numeric, size)


def check_structure(function, arrays, v, grads, rng):
    """What holds of every gradient: its shape, dtype and memory; linearity in the cotangent; nothing is changed."""
    before = [array.copy() for array in arrays]
    for each in v:
        each.flags.writeable = False  # whoever writes into a cotangent raises
    outputs = values(function, arrays)
    again = gradients(function, arrays, v)
    for array, old in zip(arrays, before):
        np.testing.assert_array_equal(array, old, "an input was changed")
    for array, grad, repeated in zip(arrays, grads, again):
        assert grad.shape == array.shape and grad.dtype == array.dtype
        np.testing.assert_array_equal(grad, repeated, "two runs of one backward differ")
    memories = [*again, *arrays, *v, *outputs]
    for i, grad in enumerate(again):
        assert is_writable(grad) or not grad.size
        for j, other in enumerate(memories):
            assert i == j or not np.shares_memory(grad, other), f"gradient {i} shares memory with {j}"
    for zero in gradients(function, arrays, [np.zeros(each.shape) for each in v]):
        assert not zero.any(), "the gradient of a zero cotangent is not zero"
    other = _direction(rng, [each.shape for each in v])
    combined = gradients(function, arrays, [np.asarray(2.0 * a - 3.0 * b) for a, b in zip(v, other)])
    for both, first, second in zip(combined, grads, gradients(function, arrays, other)):
        bound = 1e-13 * (1 + np.abs(first).max(initial=0) + np.abs(second).max(initial=0)) * 20
        np.testing.assert_allclose(both, 2.0 * first - 3.0 * second, rtol=0, atol=bound, err_msg="not linear")
    for i, grad in enumerate(grads if len(grads) > 1 else ()):  # asked for alone among constants, it is the same

        def alone(tensor, i=i):
            return function(*[tensor if j == i else on_default_device(array) for j, array in enumerate(arrays)])

        rounding = 1e-13 * (1 + np.abs(grad).max(initial=0))
        np.testing.assert_allclose(gradients(alone, [arrays[i]], v)[0], grad, rtol=0, atol=rounding)
