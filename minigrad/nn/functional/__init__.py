"""Functions of neural networks, each as its textbook definition over the operations of `minigrad.ops`.

None of them has a gradient of its own: it follows from the definition. Where a fused kernel is registered for one, it
gives the same numbers faster, and the definition is what it is checked against. Arguments and defaults are PyTorch's
(`torch.nn.functional`). Every module lists in its `__all__` what it adds to the public names.
"""

from typing import TYPE_CHECKING

from ...ops.failure import explained
from ...ops.probability import log_softmax as log_softmax
from ...ops.probability import softmax as softmax
from ...ops.transcendental import sigmoid, tanh
from . import (
    activation,
    adaptive_pooling,
    affine,
    attention,
    channel_norm,
    convolution,
    distance,
    likelihood,
    loss,
    margin,
    noise,
    normalization,
    padding,
    piecewise,
    pooling,
    resize,
    sparse,
)
from .activation import *
from .adaptive_pooling import *
from .affine import *
from .attention import *
from .channel_norm import *
from .convolution import *
from .distance import *
from .likelihood import *
from .loss import *
from .margin import *
from .noise import *
from .normalization import *
from .padding import *
from .piecewise import *
from .pooling import *
from .resize import *
from .sparse import *

if not TYPE_CHECKING:  # a checker reads no computed list; to it, what a star brings is public
    __all__ = [
        "log_softmax", "sigmoid", "softmax", "tanh", *activation.__all__, *adaptive_pooling.__all__, *affine.__all__,
        *attention.__all__, *channel_norm.__all__, *convolution.__all__, *distance.__all__, *likelihood.__all__,
        *loss.__all__, *margin.__all__, *noise.__all__, *normalization.__all__, *padding.__all__, *piecewise.__all__,
        *pooling.__all__, *resize.__all__, *sparse.__all__,
    ]  # fmt: skip
    for _name in __all__:
        globals()[_name] = explained(globals()[_name])
