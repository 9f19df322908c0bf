"""Every differentiable operation of the public table, with the inputs on which its derivatives are checked.

A case draws shapes and settings, and says in which values the operation is smooth. `test_derivatives.py` checks the
cases, and that none is missing.
"""

from tests.minigrad.ops.cases.arrange import ARRANGE
from tests.minigrad.ops.cases.elementwise import ELEMENTWISE
from tests.minigrad.ops.cases.index import INDEX
from tests.minigrad.ops.cases.inplace import IN_PLACE
from tests.minigrad.ops.cases.linalg import LINALG
from tests.minigrad.ops.cases.ordering import ORDERING
from tests.minigrad.ops.cases.products import PRODUCTS
from tests.minigrad.ops.cases.reduce import REDUCE
from tests.minigrad.ops.cases.rounding import ROUNDING
from tests.minigrad.ops.cases.scan import SCAN
from tests.minigrad.ops.cases.scattering import SCATTERING
from tests.minigrad.ops.cases.shape import SHAPE
from tests.minigrad.ops.cases.transcendental import TRANSCENDENTAL
from tests.minigrad.ops.cases.windows import WINDOWS

CASES = {
    **ELEMENTWISE, **TRANSCENDENTAL, **ROUNDING, **REDUCE, **SCAN, **ORDERING, **SHAPE, **ARRANGE, **INDEX,
    **SCATTERING, **PRODUCTS, **LINALG, **WINDOWS, **IN_PLACE,
}  # fmt: skip
