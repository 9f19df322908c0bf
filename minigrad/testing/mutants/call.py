"""What the operators of mutation see of a rule, and the table in which they are.

An operator is a small function that spoils one gradient, with a name and a sentence. It sees a `Call` of one rule and
returns what the wrong rule would. It is given arrays, for a plain backward is what most of them spoil; those of the
second order are given tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np

Array: TypeAlias = Any


@dataclass
class Call:
    """One call of the rule for the gradient of one argument.

    cotangent: of the output.
    gradient: what the right rule says; memory of its own.
    shape: of the argument.
    inputs: the argument, if the operator asks for it, or all of them; the one that is differentiated is at `number`.
    read: what the right rule read: arguments, outputs, shapes.
    again: the right rule, given other values for what it read.
    other: the gradient of another argument, if there is one.
    settings: of the rule, by name; of a kernel all that is no array.
    otherwise: the right rule, given other settings; a kernel's forward has them, too.
    memory: what the operator likes to keep from one call to the next.
    """

    cotangent: Any
    gradient: Any
    shape: tuple[int, ...]
    number: int
    read: tuple[Any, ...]
    again: Callable[[tuple[Any, ...]], Any]
    inputs: tuple[Any, ...] = ()
    other: Callable[[], Any] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    otherwise: Callable[[dict[str, Any]], Any] | None = None
    memory: dict[Any, Any] = field(default_factory=dict)

    @property
    def x(self) -> Array:
        return np.asarray(self.inputs[self.number])


Kind = Literal["", "zeros", "tied entries", "tied inputs", "repeated", "float32", "modules"]
SOMEWHERE = "somewhere"  # in the memory: whether there was such an input, though the gradient may have been 0
MODULE = "module"  # in the memory: the module that the function was put into, if it was
AXES = ("axis", "axes", "dim", "dims", "dim1", "dim2")  # settings that name dimensions
SIGNED = (*AXES, "offset", "index")  # settings that may count from the end
NUMBERS = ("eps", "p", "dropout_p", "scale")  # settings that are real numbers
KEYS = ("key", "draw")  # settings that name a draw of random numbers
Needs = Literal[
    "nothing", "broadcasting", "inputs", "several inputs", "other", "read", "settings", "axes", "numbers", "eps", "keys"
]


@dataclass(frozen=True)
class Operator:
    """`needs`: what a rule must have for this to make sense; `recorded`: it spoils the backward that is recorded, which
    shows in the second order alone; `somewhere`: it makes a difference for some inputs only, so that there should be
    examples of these; `kind`: it shows in examples of this kind, which are made from others; `of_zero`: it
    makes something else of a gradient that is 0, too."""

    name: str
    sentence: str
    spoil: Callable[[Call], Any]
    needs: Needs = "nothing"
    recorded: bool = False
    somewhere: bool = False
    kind: Kind = ""
    of_zero: bool = False


OPERATORS: dict[str, Operator] = {}


def operator(
    name: str,
    sentence: str,
    needs: Needs = "nothing",
    recorded: bool = False,
    somewhere: bool = False,
    kind: Kind = "",
    of_zero: bool = False,
) -> Callable[[Callable[[Call], Any]], Callable[[Call], Any]]:
    """Enter a function into the table."""

    def enter(spoil: Callable[[Call], Any]) -> Callable[[Call], Any]:
        OPERATORS[name] = Operator(name, sentence, spoil, needs, recorded, somewhere, kind, of_zero)
        return spoil

    return enter
