"""Checks the derivatives of a function of float64 tensors against differences of its values.

One number is compared per order: the derivative of <cotangent, f(x)> along a random direction, in which an error of
any entry of any input shows. The second order differentiates <gradient, direction>, as a function of the inputs and
the cotangent both. Beside the numbers: what a gradient must be like whatever its value (`check_structure`).
"""

import numpy as np

import minigrad as mg
from minigrad.backends import backend_for, backend_of
from minigrad.writes import is_writable

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


def slope(function, step=1 / 64, rungs=4):
    """The derivative at 0 of a smooth function of a number: central differences at halving steps, extrapolated
    (Richardson). Wrong by about step**8 and by rounding / step."""
    rows = []
    for rung in range(rungs):
        h = step / 2**rung
        row = [(function(h) - function(-h)) / (2 * h)]
        for order, coarser in enumerate(rows[-1] if rows else ()):
            row.append(row[order] + (row[order] - coarser) / (4 ** (order + 1) - 1))
        rows.append(row)
    return rows[-1][-1]


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


def check(function, arrays, seed=0, second=True, tolerance=1e-9):
    """Assert that first and second derivatives of `function` at `arrays` (float64, any layout) are right.

    `function` takes one tensor per array and must be smooth within 1/64 of each entry. The tolerance is relative to
    the sum of the magnitudes of what is added up; differences alone are good to about 1e-12 of that.
    """
    rng = np.random.default_rng(seed)
    plain = [np.array(array) for array in arrays]
    outputs = values(function, plain)
    u = _direction(rng, [array.shape for array in plain])
    v = _direction(rng, [out.shape for out in outputs])
    grads = gradients(function, arrays, v)
    numeric = slope(lambda t: _dot(v, values(function, _moved(plain, u, t))))
    size = _size(grads, u) + _size(v, outputs)
    assert abs(_dot(grads, u) - numeric) <= tolerance * size, f"first derivative {_dot(grads, u)}, numeric {numeric}"
    check_structure(function, arrays, v, grads, rng)
    if second:
        _check_second(function, arrays, plain, v, u, rng, tolerance)


def _check_second(function, arrays, plain, v, u, rng, tolerance):
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
    numeric = slope(lambda t: _dot(gradients(function, _moved(plain, u, t), _moved(v, dv, t)), w))
    size = _size(plain_grads, w) + sum(_size([host(s)], [d]) for s, d in zip(seconds, moved) if s is not None)
    assert abs(ours - numeric) <= tolerance * size, f"second derivative {ours}, numeric {numeric}"


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
