"""The operations: each primitive beside its gradient, and what is composed of them.

Every module lists in its `__all__` what it adds to the public names. Importing this package gives Tensor its operators
and methods.
"""

from typing import TYPE_CHECKING

from . import (
    cast,
    contraction,
    conversion,
    creation,
    diagonals,
    dtypes,
    elementwise,
    failure,
    index,
    interchange,
    join,
    logic,
    norms,
    ordering,
    probability,
    products,
    random,
    rearrange,
    reduce,
    rounding,
    scan,
    scattering,
    search,
    shape,
    statistics,
    transcendental,
)
from . import linalg as linalg
from .cast import *
from .contraction import *
from .conversion import *
from .creation import *
from .diagonals import *
from .dtypes import *
from .elementwise import *
from .failure import *
from .failure import explained
from .index import *
from .interchange import *
from .join import *
from .linalg import det, inverse, logdet, matrix_power, slogdet
from .logic import *
from .methods import bind
from .norms import *
from .ordering import *
from .probability import *
from .products import *
from .random import *
from .rearrange import *
from .reduce import *
from .rounding import *
from .scan import *
from .scattering import *
from .search import *
from .shape import *
from .statistics import *
from .transcendental import *

if not TYPE_CHECKING:  # a checker reads no computed list; to it, what a star brings is public
    __all__ = [
        *cast.__all__, *contraction.__all__, *conversion.__all__, *creation.__all__, *diagonals.__all__,
        *dtypes.__all__, *elementwise.__all__, *failure.__all__, *index.__all__, *interchange.__all__, *join.__all__,
        *logic.__all__, *norms.__all__, *ordering.__all__, *probability.__all__, *products.__all__,
        *random.__all__, *rearrange.__all__, *reduce.__all__, *rounding.__all__,
        *scan.__all__, *scattering.__all__, *search.__all__, *shape.__all__, *statistics.__all__,
        *transcendental.__all__, "det", "inverse", "logdet", "matrix_power", "slogdet",
    ]  # fmt: skip
    for _name in __all__:
        globals()[_name] = explained(globals()[_name])
    for _name in linalg.__all__:
        setattr(linalg, _name, explained(getattr(linalg, _name)))

bind()
