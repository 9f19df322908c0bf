"""Fused kernels: the composites of `minigrad.nn.functional` again, faster. This package can be deleted.

`mode("off" | "auto" | "force")` decides whether they are used.
"""

from . import numpy
from .registry import FusedKernel, kernels, mode

__all__ = ["FusedKernel", "kernels", "mode", "numpy"]
