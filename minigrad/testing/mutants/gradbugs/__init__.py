"""GradBugs: wrong backwards that were published and found, each in a few lines of NumPy with the thread that tells it.

Nothing here is copied. A thread is here if it says, or its code shows, what exactly was wrong; what is a few thousand
elements or a graphics card away from its cause there is brought down to a few numbers here.
"""

from ..corpus import GradBug
from . import elementwise, indexing, losses, memory, normalization, recurrent, reductions, windows

__all__ = ["GRADBUGS"]

GRADBUGS: tuple[GradBug, ...] = (
    *elementwise.BUGS, *reductions.BUGS, *indexing.BUGS, *normalization.BUGS, *windows.BUGS, *losses.BUGS,
    *recurrent.BUGS, *memory.BUGS,
)  # fmt: skip
