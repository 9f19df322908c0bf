"""GradBugs of recurrent cells: gates, masks, time."""

from __future__ import annotations

import numpy as np

from ..corpus import Array, GradBug, normal, sigmoid

KEPT = np.array([[1, 0, 1], [0, 1, 1], [1, 1, 0], [0, 0, 1]])  # (step, unit): zoneout keeps the old state where 0


def _cell(z: Array, b: Array, c: Array) -> Array:
    """An LSTM cell from its gates (input, forget, candidate, output) before their functions."""
    i, f, u, o = z + b
    return sigmoid(o) * np.tanh(sigmoid(f) * c + sigmoid(i) * np.tanh(u))


def _cell_back(g: Array, z: Array, b: Array, c: Array) -> tuple[Array, Array, Array]:
    i, f, u, o = z + b
    i, f, u, o = sigmoid(i), sigmoid(f), np.tanh(u), sigmoid(o)
    t = np.tanh(f * c + i * u)
    dc = g * o * (1 - t * t)
    d = np.stack([dc * u * i * (1 - i), dc * c * f * (1 - f), dc * i * (1 - u * u), g * t * o * (1 - o)])
    return d, d.copy(), dc * f


def _cell_back_one_gate(g: Array, z: Array, b: Array, c: Array) -> tuple[Array, Array, Array]:
    dz, db, dc = _cell_back(g, z, b, c)
    db[0], db[3] = db[1], db[1]
    return dz, db, dc


def _zoneout(x: Array, h: Array) -> Array:
    """h becomes tanh(x + h) in the units that a step does not hold."""
    for step, kept in zip(x, KEPT):
        h = np.where(kept, np.tanh(step + h), h)
    return h


def _zoneout_back(g: Array, x: Array, h: Array, masks: Array) -> tuple[Array, Array]:
    states = [h]
    for step, kept in zip(x, KEPT):
        states.append(np.where(kept, np.tanh(step + states[-1]), states[-1]))
    dx = np.zeros_like(x)
    for t in reversed(range(len(x))):
        slope = 1 - np.tanh(x[t] + states[t]) ** 2
        dx[t] = np.where(masks[t], g * slope, 0)
        g = np.where(masks[t], g * slope, g)
    return dx, g


BUGS = (
    GradBug(
        "learn_dl-53-lstm", "https://github.com/hanbt/learn_dl/issues/53",
        "The biases of the input and the output gate got the gradient of the forget gate's.",
        _cell, _cell_back, _cell_back_one_gate,
        normal((4, 3), (4, 3), (3,)),
    ),
    GradBug(
        "haste-43-zoneout", "https://github.com/lmnt-com/haste/issues/43",
        "All steps of the backward used the mask of the first.",
        _zoneout,
        lambda g, x, h: _zoneout_back(g, x, h, KEPT),
        lambda g, x, h: _zoneout_back(g, x, h, np.repeat(KEPT[:1], len(KEPT), 0)),
        normal((4, 3), (3,)),
    ),
)  # fmt: skip
