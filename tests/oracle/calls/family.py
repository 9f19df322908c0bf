"""A family of calls that PyTorch and minigrad both understand.

A call is a function of the library (`torch` or `minigrad`) and of float64 tensors. The numbers come from a formula, so
that only answers need to be stored: `make_ops.py` records PyTorch's in `<family>.npz` beside the family's module.
"""

import numpy as np

POSITIVE = (0.1, 3.0)
UNIT = (-0.9, 0.9)
INSIDE = (0.05, 0.95)
ABOVE_ONE = (1.1, 4.0)
REAL = (-2.0, 2.0)


def numbers(size, position, low=-2.0, high=2.0):
    """Irregular float64 numbers of a shape, other ones for each position in a call."""
    count = int(np.prod(size))
    fractions = (np.arange(1, count + 1) * 0.6180339887498949 + position * 0.3819660112501051) % 1.0
    return (low + (high - low) * fractions).reshape(size)


class Family(dict):
    """Calls by name: each with the arrays it is made with."""

    def call(self, name, function, *sizes, values=REAL):
        """`function(library, *tensors)`, on tensors of these sizes."""
        assert name not in self, name
        self[name] = (function, [numbers(size, position, *values) for position, size in enumerate(sizes)])

    def functional(self, name, function, *sizes, values=REAL):
        """`function(F, library, *tensors)`, of `nn.functional`; recorded under "F.name"."""
        self.call(f"F.{name}", lambda m, *xs: function(m.nn.functional, m, *xs), *sizes, values=values)

    def whole(self, name, function, *sizes):
        """A call that gives truth or whole numbers, or several tensors: as one of float64, with a gradient of zero."""

        def call(m, *xs):
            out = function(m, *xs)
            parts = out if isinstance(out, tuple) else (out,)
            return m.cat([part.detach().reshape(-1).to(m.float64) for part in parts]) + xs[0].sum() * 0.0

        self.call(name, call, *sizes)


def first_only(function):
    """A call that shows value and first derivative of another, which PyTorch differentiates only once."""

    def call(m, *xs):
        out = function(m, *xs)
        gradients = m.autograd.grad((out * out).sum(), xs)
        return m.cat([out.detach().reshape(-1), *(g.detach().reshape(-1) for g in gradients)]) + xs[0].sum() * 0.0

    return call


def ids(m, *values):
    return m.tensor(np.array(values))


def differentiated_once(m, function, x):
    """The value and the gradient of `function`, both as values: for what has no second derivative in PyTorch."""
    leaf = x.detach().clone().requires_grad_()
    out = function(leaf)
    (gradient,) = m.autograd.grad(out.sum(), leaf)
    return m.cat([out.detach().reshape(-1), gradient.reshape(-1)]) + x.sum() * 0.0
