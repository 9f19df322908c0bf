"""The operations: each primitive beside its gradient, and what is composed of them.

Every module lists in its `__all__` what it adds to the public names. Importing this package gives Tensor its operators
and methods.
"""

from typing import TYPE_CHECKING

from . import (
    cast,
    contraction,
    creation,
    elementwise,
    failure,
    index,
    logic,
    ordering,
    products,
    random,
    reduce,
    scan,
    shape,
    statistics,
)
from . import rounding as rounding
from . import transcendental as transcendental
from .cast import *
from .contraction import *
from .creation import *
from .elementwise import *
from .failure import *
from .index import *
from .logic import *
from .methods import bind
from .ordering import *
from .products import *
from .random import *
from .reduce import *
from .rounding import *
from .scan import *
from .shape import *
from .statistics import *
from .transcendental import *

if not TYPE_CHECKING:  # a checker reads no computed list; to it, what a star brings is public
    __all__ = [
        *cast.__all__, *contraction.__all__, *creation.__all__, *elementwise.__all__, *failure.__all__,
        *index.__all__, *logic.__all__, *products.__all__, *random.__all__, *reduce.__all__, *rounding.__all__,
        *scan.__all__, *shape.__all__, *ordering.__all__, *statistics.__all__, *transcendental.__all__,
    ]  # fmt: skip

bind()
