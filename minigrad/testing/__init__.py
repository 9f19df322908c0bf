"""The gradient checker: certified numeric derivatives, and what they say of a backward. Needs NumPy alone.

What draws inputs (`gradtest` and the strategies: `tensors`, `axes_of`, ...) needs hypothesis, and is imported with it
when it is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import adapters
from .check import check_grads, check_module, check_vjp_pair
from .oracles import Certified, derivative
from .verdicts import ERRORS, GradientError, GradReport, Verdict

if TYPE_CHECKING:
    from .decorator import *
    from .strategies import *

__all__ = [
    "ERRORS", "Certified", "GradReport", "GradientError", "Verdict", "adapters", "check_grads", "check_module",
    "check_vjp_pair", "derivative",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if not name.startswith("_"):
        for module in map(import_module, (".decorator", ".strategies"), (__name__,) * 2):
            if name in module.__all__:
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
