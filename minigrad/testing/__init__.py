"""The gradient checker: certified numeric derivatives, and what they say of a backward. Needs NumPy alone."""

from . import adapters
from .check import check_grads, check_module, check_vjp_pair
from .oracles import Certified, derivative
from .verdicts import ERRORS, GradientError, GradReport, Verdict

__all__ = [
    "ERRORS", "Certified", "GradReport", "GradientError", "Verdict", "adapters", "check_grads", "check_module",
    "check_vjp_pair", "derivative",
]  # fmt: skip
