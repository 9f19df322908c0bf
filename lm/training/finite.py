"""The guard of steps, evaluations and checkpoints: a number that is not finite stops the run; a message says where."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np

from minigrad import Tensor, graph, nn
from minigrad.backends import Array

_ADVICE = "The last checkpoint is untouched; a lower learning rate or longer warm-up may help"


def check_finite(step: int, numbers: Mapping[str, float], model: nn.Module, replay: Callable[[], object]) -> None:
    """Raise FloatingPointError unless the numbers, such as {"loss": 2.5}, are finite.

    Args:
        replay: computes the same numbers once more, so that it can be watched where they go wrong.
    """
    for name, number in numbers.items():
        if not math.isfinite(number):
            raise FloatingPointError(
                f"step {step}: the {name} is {number}; the first number that is not finite is in "
                f"{locate(model, replay)}. {_ADVICE}"
            )


def check_arrays(step: int, arrays: Mapping[str, Array]) -> None:
    """Raise FloatingPointError, with its name, for an array with a number that is not finite."""
    for name, array in arrays.items():
        if not _is_finite(array):
            raise FloatingPointError(f"step {step}: {name} holds a number that is not finite. {_ADVICE}")


def locate(model: nn.Module, replay: Callable[[], object]) -> str:
    """Where the first number that is not finite appears: in a parameter, a module's output, or a gradient."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    for name, parameter in model.named_parameters():
        if not _is_finite(parameter.data):
            return f"the parameter {name}"

    found: list[str] = []

    def watch_output(path: str) -> Callable[[nn.Module, tuple[Any, ...], Any], None]:
        def hook(module: nn.Module, args: tuple[Any, ...], out: Any) -> None:
            if not found and isinstance(out, Tensor) and not _is_finite(out.data):
                found.append(f"the output of {path or 'the model'} ({type(module).__name__})")

        return hook

    def watch_gradient(source: graph.Node, target: graph.Node | graph.Leaf, gradient: Any) -> None:
        if not found and not _is_finite(gradient.part if isinstance(gradient, graph.Partial) else gradient):
            name = names.get(id(target))
            found.append(f"the gradient {f'of {name}' if name else 'computed'} by the backward of {source!r}")

    with ExitStack() as watching, np.errstate(all="ignore"):
        for path, module in model.named_modules():
            watching.enter_context(module.register_forward_hook(watch_output(path)))
        watching.enter_context(graph.backward_hooks(accumulate=watch_gradient))
        replay()
    if not found:
        found += [
            f"the gradient of {name}"
            for name, parameter in model.named_parameters()
            if parameter.grad is not None and not _is_finite(parameter.grad.data)
        ]
    return found[0] if found else "the sum over losses, or the norm over gradients, that are finite one by one"


def _is_finite(array: Any) -> bool:
    return bool(np.isfinite(array).all())
