"""The gate around a module with backward hooks: its arguments and its outputs pass through, and so do their gradients.

Both passages are nodes of the graph. The one at the outputs learns `grad_output`; the one at the arguments learns
`grad_input`, calls the hooks with both, and lets through what they return.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..function import Context, Function
from ..tensor import Tensor


class _Pass(Function):
    """Tensors that pass unchanged. On the way back `seen` is shown their gradients and says what goes on."""

    @staticmethod
    def forward(ctx: Context, seen: Callable[[tuple[Any, ...]], Sequence[Any]], *tensors: Tensor) -> Any:
        ctx.set_materialize_grads(False)
        ctx.seen = seen  # type: ignore[attr-defined]
        return tuple(tensor.detach() for tensor in tensors)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return (None, *ctx.seen(grads))


class Gate:
    """One call of a module with backward hooks."""

    def __init__(self, module: Any, hooks: Sequence[Callable[..., Any]]) -> None:
        self.module = module
        self.hooks = hooks
        self.grad_output: tuple[Any, ...] | None = None
        self.arguments = 0
        self.has_inputs = False

    def enter(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The positional arguments of `forward`."""
        places = [i for i, arg in enumerate(args) if isinstance(arg, Tensor) and arg.requires_grad]
        self.arguments, self.has_inputs = len(args), bool(places)

        def at_inputs(grads: tuple[Any, ...]) -> Sequence[Any]:
            if self.grad_output is None:  # gradients of the arguments, but by no way through the outputs
                return grads
            known = dict(zip(places, grads))
            grad_input = self._call(tuple(known.get(i) for i in range(len(args))))
            return [grad_input[i] for i in places]

        return _through(at_inputs, args, places)

    def leave(self, out: Any) -> Any:
        """The output of the module, a tensor or a tuple; any other passes without a hook."""
        outputs = out if isinstance(out, (tuple, list)) else (out,)
        places = [i for i, each in enumerate(outputs) if isinstance(each, Tensor) and each.requires_grad]

        def at_outputs(grads: tuple[Any, ...]) -> Sequence[Any]:
            known = dict(zip(places, grads))
            self.grad_output = tuple(known.get(i) for i in range(len(outputs)))
            if not self.has_inputs:
                self._call((None,) * self.arguments)
            return grads

        passed = _through(at_outputs, tuple(outputs), places)
        if not isinstance(out, (tuple, list)):
            return passed[0]
        return out._make(passed) if hasattr(out, "_make") else type(out)(passed)

    def _call(self, grad_input: tuple[Any, ...]) -> tuple[Any, ...]:
        for hook in self.hooks:
            changed = hook(self.module, grad_input, self.grad_output)
            if changed is None:
                continue
            changed = changed if isinstance(changed, (tuple, list)) else (changed,)
            if len(changed) != len(grad_input):
                raise RuntimeError(
                    f"a backward hook of {type(self.module).__name__} returned {len(changed)} gradients where "
                    f"grad_input has {len(grad_input)}"
                )
            grad_input = tuple(changed)
        return grad_input


def _through(seen: Callable[..., Sequence[Any]], values: tuple[Any, ...], places: Sequence[int]) -> tuple[Any, ...]:
    if not places:
        return values
    passed = dict(zip(places, _Pass.apply(seen, *(values[i] for i in places))))
    return tuple(passed.get(i, value) for i, value in enumerate(values))
