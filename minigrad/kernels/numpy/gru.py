"""Gated recurrent units over a whole sequence; see `lstm.py`, of which this is the plainer sibling."""

from __future__ import annotations

import numpy as np

from ...backends import Array
from ..registry import FusedKernel, register
from .lstm import states_before


def _applies(gates: Array, h: Array, w: Array, b: Array | None, reverse: bool) -> bool:
    if gates.ndim != 3 or w.ndim != 2 or 0 in gates.shape:
        return False
    (_, batch, width), hidden = gates.shape, w.shape[1]
    return (
        width == 3 * hidden and w.shape[0] == width and h.shape == (batch, hidden)
        and (b is None or b.shape == (width,))
    )  # fmt: skip


@np.errstate(over="ignore")  # of a gate that is closed
def _forward(gates: Array, h: Array, w: Array, b: Array | None, reverse: bool) -> tuple[Array, tuple[Array, ...]]:
    length, batch, width = gates.shape
    hidden = width // 3
    opened = np.empty_like(gates, order="C")  # (L, N, 3H): the gates r, z and n
    recurrent = np.empty((length, batch, hidden), gates.dtype)  # what the state contributes to n, before r acts on it
    states = np.empty((length, batch, hidden), gates.dtype)
    product = np.empty((batch, width), gates.dtype)
    for t in reversed(range(length)) if reverse else range(length):
        np.matmul(h, w.T, out=product)
        if b is not None:
            product += b
        recurrent[t] = product[:, 2 * hidden :]
        both, n = opened[t, :, : 2 * hidden], opened[t, :, 2 * hidden :]  # (N, 2H) of r and z; (N, H)
        np.add(gates[t, :, : 2 * hidden], product[:, : 2 * hidden], out=both)
        np.negative(both, out=both)  # sigmoid(x) = 1 / (1 + exp(-x))
        np.exp(both, out=both)
        both += 1.0
        np.reciprocal(both, out=both)
        np.multiply(both[:, :hidden], recurrent[t], out=n)
        n += gates[t, :, 2 * hidden :]
        np.tanh(n, out=n)
        new = np.subtract(h, n, out=states[t])
        new *= both[:, hidden:]
        new += n
        h = new
    return states, (opened, recurrent, states)


def _backward(
    g: Array, wanted: tuple[bool, ...], stored: tuple[Array, ...], gates: Array, h: Array, w: Array, b: Array | None,
    reverse: bool,
) -> tuple[Array | None, ...]:  # fmt: skip
    """With m what the state contributes to n: dn = dh (1 - z), dz = dh (h' - n), dr = dn m, dm = dn r, each through its
    own slope; and dh' = dh z + (dr, dz, dm) w. A prime is the step before."""
    opened, recurrent, states = stored
    length, batch, width = opened.shape
    hidden = width // 3
    r, z, n = np.moveaxis(opened.reshape(length, batch, 3, hidden), 2, 0)  # (L, N, H) each
    order = range(length - 1, -1, -1) if reverse else range(length)
    before = states_before(states, h, order)
    slope_n = (1.0 - z) * (1.0 - n * n)
    slope_z = (before - n) * z * (1.0 - z)
    slope_r = recurrent * r * (1.0 - r)

    dgates = np.empty((length, batch, 3, hidden), g.dtype)  # of r, z and n
    dproduct = np.empty_like(dgates)  # of r, z and m
    dh = np.zeros((batch, hidden), g.dtype)
    for t in reversed(order):
        dh += g[t]
        of_r, of_z, of_n = dgates[t, :, 0], dgates[t, :, 1], dgates[t, :, 2]
        np.multiply(dh, slope_n[t], out=of_n)
        np.multiply(dh, slope_z[t], out=of_z)
        np.multiply(of_n, slope_r[t], out=of_r)
        dproduct[t, :, :2] = dgates[t, :, :2]
        np.multiply(of_n, r[t], out=dproduct[t, :, 2])
        dh *= z[t]
        dh += dproduct[t].reshape(batch, width) @ w
    flat = dproduct.reshape(length * batch, width)
    dw = flat.T @ before.reshape(length * batch, hidden) if wanted[2] else None
    db = np.ones(len(flat), flat.dtype) @ flat if wanted[3] else None
    return dgates.reshape(length, batch, width), dh, dw, db


register(FusedKernel("_gru", _forward, _backward, arrays=(0, 1, 2, 3), applies=_applies))
