"""Long short-term memory over a whole sequence: what needs no step before it is done for all steps at once.

A step forward is one product and a dozen calls on (N, 4H); a step backward one product and seven. The gradients of the
weights are one product over all steps.
"""

from __future__ import annotations

import numpy as np

from ...backends import Array
from ..registry import FusedKernel, register


def _applies(gates: Array, h: Array, c: Array, w: Array, b: Array | None, reverse: bool) -> bool:
    if gates.ndim != 3 or w.ndim != 2 or 0 in gates.shape:
        return False
    (_, batch, width), hidden = gates.shape, w.shape[1]
    return (
        width == 4 * hidden and w.shape[0] == width and h.shape == c.shape == (batch, hidden)
        and (b is None or b.shape == (width,))
    )  # fmt: skip


@np.errstate(over="ignore")  # of a gate that is closed
def _forward(
    gates: Array, h: Array, c: Array, w: Array, b: Array | None, reverse: bool
) -> tuple[Array, tuple[Array, ...]]:
    length, batch, width = gates.shape
    hidden = width // 4
    opened = gates.copy() if b is None else gates + b  # (L, N, 4H): the gates i, f, g and o
    states = np.empty((2, length, batch, hidden), gates.dtype)  # every h, every c
    squashed = np.empty((length, batch, hidden), gates.dtype)  # tanh(c)
    product, new = np.empty((batch, width), gates.dtype), np.empty((batch, hidden), gates.dtype)
    for t in reversed(range(length)) if reverse else range(length):
        gate = opened[t]
        i, f, g, o = (gate[:, k * hidden : (k + 1) * hidden] for k in range(4))  # (N, H) each
        gate += np.matmul(h, w.T, out=product)
        np.tanh(g, out=new)
        np.negative(gate, out=gate)  # sigmoid(x) = 1 / (1 + exp(-x)); of g it is not needed
        np.exp(gate, out=gate)
        gate += 1.0
        np.reciprocal(gate, out=gate)
        g[...] = new
        new *= i
        c = np.multiply(f, c, out=states[1, t])
        c += new
        h = np.multiply(o, np.tanh(c, out=squashed[t]), out=states[0, t])
    return states, (opened, squashed, states)


def _backward(
    g: Array, wanted: tuple[bool, ...], stored: tuple[Array, ...], gates: Array, h: Array, c: Array, w: Array,
    b: Array | None, reverse: bool,
) -> tuple[Array | None, ...]:  # fmt: skip
    """With s = tanh(c): dc += dh o (1 - s^2), do = dh s, di = dc g, df = dc c', dg = dc i, and dc' = dc f; through each
    gate's own slope to dgates, and dh' = dgates w. A prime is the step before."""
    opened, squashed, states = stored
    length, batch, width = opened.shape
    hidden = width // 4
    opened = opened.reshape(length, batch, 4, hidden)
    order = range(length - 1, -1, -1) if reverse else range(length)
    h_before, c_before = states_before(states[0], h, order), states_before(states[1], c, order)

    slopes = opened - opened * opened  # (L, N, 4, H): of i, f and o
    slopes[:, :, 2] = 1.0 - opened[:, :, 2] * opened[:, :, 2]
    slopes[:, :, 0] *= opened[:, :, 2]
    slopes[:, :, 1] *= c_before
    slopes[:, :, 2] *= opened[:, :, 0]
    slopes[:, :, 3] *= squashed
    passed = (1.0 - squashed * squashed) * opened[:, :, 3]  # (L, N, H): from h to c

    dgates = np.empty_like(opened)
    dh, dc = np.zeros((batch, hidden), g.dtype), np.zeros((batch, hidden), g.dtype)
    for t in reversed(order):
        dh += g[0, t]
        dc += g[1, t]
        dc += np.multiply(dh, passed[t], out=passed[t])
        np.multiply(dc[:, None], slopes[t, :, :3], out=dgates[t, :, :3])
        np.multiply(dh, slopes[t, :, 3], out=dgates[t, :, 3])
        dc *= opened[t, :, 1]
        np.matmul(dgates[t].reshape(batch, width), w, out=dh)
    flat = dgates.reshape(length * batch, width)
    dw = flat.T @ h_before.reshape(length * batch, hidden) if wanted[3] else None
    db = np.ones(len(flat), flat.dtype) @ flat if wanted[4] else None
    return flat.reshape(length, batch, width), dh, dc, dw, db


def states_before(states: Array, first: Array, order: range) -> Array:
    """What each step began with, (L, N, H): the first with `first`, others with the state of the one before."""
    before = np.empty_like(states)
    before[order[0]] = first
    before[list(order[1:])] = states[list(order[:-1])]
    return before


register(FusedKernel("_lstm", _forward, _backward, arrays=(0, 1, 2, 3, 4), applies=_applies))
