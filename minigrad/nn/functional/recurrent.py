"""Recurrent networks: one step of each kind, and LSTM and GRU over a whole sequence."""

# The functions return Any, arrays or tensors as their input is:
# mypy: disable-error-code="no-any-return"
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...ops import chunk, sigmoid, stack, tanh, unbind
from ...ops.composite import composite
from .affine import linear

State = tuple[Any, ...]  # h; or h and c of an LSTM


def rnn_step(activation: Callable[[Any], Any], x: Any, state: State, w: Any, b: Any, projection: Any = None) -> State:
    """J. Elman, "Finding structure in time" (1990). `x` is what the input contributes, (N, H), as in all steps."""
    (h,) = state
    return (activation(x + linear(h, w, b)),)


def lstm_step(x: Any, state: State, w: Any, b: Any, projection: Any = None) -> State:
    """S. Hochreiter and J. Schmidhuber, "Long short-term memory" (1997), with forget gates; projected as in Sak et al.
    (2014)."""
    h, c = state
    i, f, g, o = chunk(x + linear(h, w, b), 4, -1)
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    h = sigmoid(o) * tanh(c)
    return (h if projection is None else linear(h, projection)), c


def gru_step(x: Any, state: State, w: Any, b: Any, projection: Any = None) -> State:
    """K. Cho et al., "Learning phrase representations using RNN encoder-decoder" (2014); the reset gate acts on the
    product, as in PyTorch."""
    (h,) = state
    x_r, x_z, x_n = chunk(x, 3, -1)
    h_r, h_z, h_n = chunk(linear(h, w, b), 3, -1)
    r, z = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
    n = tanh(x_n + r * h_n)
    return ((1.0 - z) * n + z * h,)


def lstm(gates: Any, h: Any, c: Any, w: Any, b: Any, reverse: bool) -> Any:
    """All states of an LSTM, every h and every c, (2, L, N, H): from what the inputs contribute, (L, N, 4H), and the
    state before the first, (N, H) each. With `reverse` the last input comes first."""
    return _lstm(gates, h, c, w, b, reverse)


@composite
def _lstm(gates: Any, h: Any, c: Any, w: Any, b: Any, reverse: bool) -> Any:
    steps = unbind(gates, 0)
    states = []
    for x in reversed(steps) if reverse else steps:
        h, c = lstm_step(x, (h, c), w, b)
        states.append((h, c))
    return stack([stack(each, 0) for each in zip(*(states[::-1] if reverse else states))], 0)


def gru(gates: Any, h: Any, w: Any, b: Any, reverse: bool) -> Any:
    """All states of a GRU, (L, N, H): from what the inputs contribute, (L, N, 3H), and the state before the first,
    (N, H). With `reverse` the last input comes first."""
    return _gru(gates, h, w, b, reverse)


@composite
def _gru(gates: Any, h: Any, w: Any, b: Any, reverse: bool) -> Any:
    steps = unbind(gates, 0)
    states = []
    for x in reversed(steps) if reverse else steps:
        (h,) = gru_step(x, (h,), w, b)
        states.append(h)
    return stack(states[::-1] if reverse else states, 0)
