"""Recurrent layers and their cells. PyTorch: `torch.nn`.

A cell is one step: from what a time step of the input contributes to the gates, and the state, to the next state. A
layer takes the steps over a sequence, in one direction or both, one layer on top of the other.
"""

# The functions return Any, arrays or tensors as their input is:
# mypy: disable-error-code="no-any-return"
from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any, ClassVar

from ...ops import ShapeError, stack, tanh, unbind, zeros
from ...ops.failure import in_module
from ...ops.shape import cat, squeeze, transpose, unsqueeze
from ...tensor import Tensor
from .. import functional as F
from .. import init
from ..functional.recurrent import State, gru, gru_step, lstm, lstm_step, rnn_step
from ..module import Module
from ..parameter import Parameter, empty_parameter


def _activation(name: str, nonlinearity: str) -> Callable[[Any], Any]:
    if nonlinearity not in ("tanh", "relu"):
        raise ValueError(f"{name}: nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}")
    return tanh if nonlinearity == "tanh" else F.relu


def _check_state(name: str, given: Any, count: int, shapes: tuple[tuple[int, ...], ...], hint: str = "") -> State:
    """`given` as a tuple of states of these shapes."""
    states = tuple(given) if isinstance(given, (tuple, list)) else (given,)
    if len(states) != count or not all(hasattr(each, "ndim") for each in states):
        raise TypeError(f"{name}: the initial state must be {'a tensor' if count == 1 else 'a pair of tensors'}")
    for each, shape in zip(states, shapes):
        if tuple(each.shape) != shape:
            raise ShapeError(
                f"{name}: initial state of shape {tuple(each.shape)}, it must be {shape}{hint}{in_module()}"
            )
    return states


# -------------------------------------------------------------------------------------------------------- layers


class _Recurrent(Module):
    """What recurrent layers share: parameters per layer and direction, and the walk over the sequence."""

    gates: ClassVar[int]
    states: ClassVar[int] = 1

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int, bias: bool, batch_first: bool, dropout: float,
        bidirectional: bool, proj_size: int, device: Any, dtype: Any,
    ) -> None:  # fmt: skip
        super().__init__()
        name = type(self).__name__
        if min(input_size, hidden_size, num_layers) < 1:
            raise ValueError(
                f"{name}: input_size, hidden_size and num_layers must be at least 1, got {input_size}, {hidden_size} "
                f"and {num_layers}"
            )
        if not 0.0 <= dropout <= 1.0:
            raise ValueError(f"{name}: dropout must be in [0, 1], got {dropout}")
        if not 0 <= proj_size < hidden_size:
            raise ValueError(f"{name}: proj_size must be less than hidden_size {hidden_size}, got {proj_size}")
        if dropout and num_layers == 1:
            warnings.warn(f"{name}: dropout acts between layers, and there is only one", stacklevel=3)
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        width = proj_size or hidden_size
        for layer in range(num_layers):
            taken = input_size if layer == 0 else width * (2 if bidirectional else 1)
            for suffix in self._suffixes(layer):
                shapes: dict[str, tuple[int, ...]] = {
                    "weight_ih": (self.gates * hidden_size, taken),
                    "weight_hh": (self.gates * hidden_size, width),
                }
                if bias:
                    shapes |= {"bias_ih": (self.gates * hidden_size,), "bias_hh": (self.gates * hidden_size,)}
                if proj_size:
                    shapes["weight_hr"] = (proj_size, hidden_size)
                for kind, shape in shapes.items():
                    setattr(self, kind + suffix, empty_parameter(*shape, dtype=dtype, device=device))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw initial values anew."""
        bound = 1.0 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def flatten_parameters(self) -> None:
        """Nothing: here for scripts that call PyTorch's, which rearranges memory for a GPU."""

    def _suffixes(self, layer: int) -> list[str]:
        return [f"_l{layer}", f"_l{layer}_reverse"] if self.bidirectional else [f"_l{layer}"]

    def _step(self, x: Any, state: State, w: Any, b: Any, projection: Any = None) -> State:
        raise NotImplementedError

    def _run(self, input: Any, hx: Any) -> tuple[Tensor, State]:
        """The output of the last layer, and the last state of every layer and direction."""
        name = type(self).__name__
        if not hasattr(input, "ndim"):
            raise TypeError(
                f"{name} takes a padded tensor; packed sequences ({type(input).__name__}) are not available"
            )
        if input.ndim not in (2, 3) or input.shape[-1] != self.input_size:
            order = "(N, L" if self.batch_first else "(L, N"
            raise ShapeError(
                f"{name}: input of shape {tuple(input.shape)} must be {order}, {self.input_size}) or "
                f"(L, {self.input_size}){in_module()}"
            )
        batched = input.ndim == 3
        if not batched:
            input = unsqueeze(input, 1)
        elif self.batch_first:
            input = transpose(input, 0, 1)
        length, batch = input.shape[:2]  # (L, N, input_size) from here on
        if length == 0:
            raise ShapeError(f"{name}: a sequence of length 0, input of shape {tuple(input.shape)}{in_module()}")
        rows = self.num_layers * (2 if self.bidirectional else 1)
        widths = (self.proj_size or self.hidden_size, self.hidden_size)
        if hx is None:
            initial: State = tuple(
                zeros(rows, batch, width, dtype=input.dtype, device=input.device) for width in widths[: self.states]
            )
        else:
            shapes = tuple((rows, batch, width) if batched else (rows, width) for width in widths)
            first = hx[0] if isinstance(hx, (tuple, list)) and hx else hx
            swapped = batched and tuple(getattr(first, "shape", ())) == (rows, length, widths[0])
            hint = f" (is batch_first={not self.batch_first} meant?)" if swapped else ""
            initial = _check_state(name, hx, self.states, shapes, hint)
            initial = initial if batched else tuple(unsqueeze(each, 1) for each in initial)
        output, last = self._layers(input, tuple(zip(*map(unbind, initial))))
        if not batched:
            return squeeze(output, 1), tuple(squeeze(each, 1) for each in last)
        return (transpose(output, 0, 1) if self.batch_first else output), last

    def _layers(self, output: Any, initial: tuple[State, ...]) -> tuple[Any, State]:
        last: list[State] = []
        for layer in range(self.num_layers):
            if layer and self.dropout:
                output = F.dropout(output, self.dropout, self.training)
            directions = []
            for suffix in self._suffixes(layer):
                hidden, state = self._sequence(output, initial[len(last)], suffix)
                directions.append(hidden)
                last.append(state)
            output = directions[0] if len(directions) == 1 else cat(directions, -1)
        return output, tuple(stack(each, 0) for each in zip(*last))

    def _sequence(self, input: Any, state: State, suffix: str) -> tuple[Any, State]:
        """One layer in one direction: (L, N, taken) gives (L, N, width), and the last state."""
        parameters = vars(self)
        gates = F.linear(input, parameters["weight_ih" + suffix], parameters.get("bias_ih" + suffix))
        w, b, projection = (parameters.get(kind + suffix) for kind in ("weight_hh", "bias_hh", "weight_hr"))
        return self._steps(gates, state, w, b, projection, suffix.endswith("_reverse"))

    def _steps(self, gates: Any, state: State, w: Any, b: Any, projection: Any, reverse: bool) -> tuple[Any, State]:
        """From what the input contributes, (L, N, gates H), to every h, (L, N, width), and the last state."""
        steps = unbind(gates, 0)
        hidden: list[Any] = []
        for x in reversed(steps) if reverse else steps:
            state = self._step(x, state, w, b, projection)
            hidden.append(state[0])
        return stack(hidden[::-1] if reverse else hidden, 0), state

    def extra_repr(self) -> str:
        parts = [f"{self.input_size}, {self.hidden_size}"]
        parts += [f"proj_size={self.proj_size}"] if self.proj_size else []
        parts += [f"num_layers={self.num_layers}"] if self.num_layers != 1 else []
        parts += ["bias=False"] if not self.bias else []
        parts += ["batch_first=True"] if self.batch_first else []
        parts += [f"dropout={self.dropout}"] if self.dropout else []
        parts += ["bidirectional=True"] if self.bidirectional else []
        return ", ".join(parts)


class RNN(_Recurrent):
    """A recurrent network of Elman's kind: h' = tanh(W x + b + U h + c). PyTorch: `torch.nn.RNN`.

    Args and sizes are those of `LSTM`, with `nonlinearity` "tanh" or "relu" and one state. Returns (output, h).
    """

    gates = 1

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, nonlinearity: str = "tanh", bias: bool = True,
        batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False, device: Any = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        _activation("RNN", nonlinearity)
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype
        )
        self.nonlinearity = nonlinearity

    def _step(self, x: Any, state: State, w: Any, b: Any, projection: Any = None) -> State:
        return rnn_step(_activation("RNN", self.nonlinearity), x, state, w, b)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> tuple[Tensor, Tensor]:
        output, (h,) = self._run(input, hx)
        return output, h


class LSTM(_Recurrent):
    """Long short-term memory, layer on layer. PyTorch: `torch.nn.LSTM`.

    Args:
        input_size: features of the input.
        hidden_size: features of the state.
        num_layers: how many layers, each reading the output of the one below.
        bias: whether to add `bias_ih` and `bias_hh`.
        batch_first: whether the batch is the first dimension of input and output; never of the states.
        dropout: the probability of dropping an element between layers, in training.
        bidirectional: whether a second set of weights (`..._reverse`) reads the sequence backwards.
        proj_size: if not 0, features that h is projected to.

    Called with the input, (L, N, input_size) or (L, input_size), and optionally the initial (h, c), zeros by default,
    of shape (num_layers * directions, N, size). Returns output, (L, N, directions * size), and the last (h, c). Gates
    stand in the order input, forget, cell, output. Parameters start uniform within 1 / sqrt(hidden_size).

    >>> import minigrad as mg
    >>> output, (h, c) = mg.nn.LSTM(3, 5, num_layers=2, batch_first=True)(mg.zeros(4, 7, 3))
    >>> output.shape, h.shape
    ((4, 7, 5), (2, 4, 5))
    """

    gates = 4
    states = 2

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True, batch_first: bool = False,
        dropout: float = 0.0, bidirectional: bool = False, proj_size: int = 0, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size, device, dtype
        )

    def _step(self, x: Any, state: State, w: Any, b: Any, projection: Any = None) -> State:
        return lstm_step(x, state, w, b, projection)

    def _steps(self, gates: Any, state: State, w: Any, b: Any, projection: Any, reverse: bool) -> tuple[Any, State]:
        if projection is not None:
            return super()._steps(gates, state, w, b, projection, reverse)
        h, c = state
        states = lstm(gates, h, c, w, b, reverse)  # (2, L, N, H)
        last = 0 if reverse else -1
        return states[0], (states[0, last], states[1, last])

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, State]:
        return self._run(input, hx)


class GRU(_Recurrent):
    """Gated recurrent units, layer on layer. PyTorch: `torch.nn.GRU`.

    Args and sizes are those of `LSTM`, with one state. Returns (output, h). Gates stand in the order reset, update,
    new.
    """

    gates = 3

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True, batch_first: bool = False,
        dropout: float = 0.0, bidirectional: bool = False, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype
        )

    def _steps(self, gates: Any, state: State, w: Any, b: Any, projection: Any, reverse: bool) -> tuple[Any, State]:
        (h,) = state
        states = gru(gates, h, w, b, reverse)  # (L, N, H)
        return states, (states[0 if reverse else -1],)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> tuple[Tensor, Tensor]:
        output, (h,) = self._run(input, hx)
        return output, h


# --------------------------------------------------------------------------------------------------------- cells


class _Cell(Module):
    gates: ClassVar[int]
    states: ClassVar[int] = 1
    bias_ih: Parameter | None
    bias_hh: Parameter | None

    def __init__(self, input_size: int, hidden_size: int, bias: bool, device: Any, dtype: Any) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = self.gates * hidden_size
        self.weight_ih = empty_parameter(rows, input_size, dtype=dtype, device=device)
        self.weight_hh = empty_parameter(rows, hidden_size, dtype=dtype, device=device)
        self.bias_ih = empty_parameter(rows, dtype=dtype, device=device) if bias else None
        self.bias_hh = empty_parameter(rows, dtype=dtype, device=device) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw initial values anew."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size else 0.0
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def _step(self, x: Any, state: State, w: Any, b: Any) -> State:
        raise NotImplementedError

    def _run(self, input: Any, hx: Any) -> State:
        name = type(self).__name__
        if input.ndim not in (1, 2) or input.shape[-1] != self.input_size:
            raise ShapeError(
                f"{name}: input of shape {tuple(input.shape)} must be (N, {self.input_size}) or ({self.input_size},)"
                f"{in_module()}"
            )
        shape = (*input.shape[:-1], self.hidden_size)
        if hx is None:
            state: State = (zeros(*shape, dtype=input.dtype, device=input.device),) * self.states
        else:
            state = _check_state(name, hx, self.states, (shape,) * self.states)
        return self._step(F.linear(input, self.weight_ih, self.bias_ih), state, self.weight_hh, self.bias_hh)

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else ", bias=False")


class RNNCell(_Cell):
    """One step of `RNN`: (N, input_size), or one vector, and the state give the next state. PyTorch:
    `torch.nn.RNNCell`."""

    gates = 1

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh", device: Any = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        _activation("RNNCell", nonlinearity)
        super().__init__(input_size, hidden_size, bias, device, dtype)
        self.nonlinearity = nonlinearity

    def _step(self, x: Any, state: State, w: Any, b: Any) -> State:
        return rnn_step(_activation("RNNCell", self.nonlinearity), x, state, w, b)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return self._run(input, hx)[0]

    def extra_repr(self) -> str:
        return super().extra_repr() + ("" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity}")


class LSTMCell(_Cell):
    """One step of `LSTM`: (N, input_size), or one vector, and (h, c) give the next (h, c). PyTorch:
    `torch.nn.LSTMCell`."""

    gates = 4
    states = 2

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, device, dtype)

    def _step(self, x: Any, state: State, w: Any, b: Any) -> State:
        return lstm_step(x, state, w, b)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> State:
        return self._run(input, hx)


class GRUCell(_Cell):
    """One step of `GRU`: (N, input_size), or one vector, and the state give the next state. PyTorch:
    `torch.nn.GRUCell`."""

    gates = 3

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, device, dtype)

    def _step(self, x: Any, state: State, w: Any, b: Any) -> State:
        return gru_step(x, state, w, b)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return self._run(input, hx)[0]


__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNCell"]
