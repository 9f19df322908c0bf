"""Layers: functions of `minigrad.nn.functional` together with their parameters and settings. PyTorch: `torch.nn`.

Every module lists in its `__all__` what it adds to the public names.
"""

from typing import TYPE_CHECKING

from . import (
    activation,
    affine,
    channel_norm,
    convolution,
    distance,
    loss,
    noise,
    normalization,
    padding,
    pooling,
    recurrent,
    resize,
    sparse,
)
from .activation import *
from .affine import *
from .channel_norm import *
from .convolution import *
from .distance import *
from .loss import *
from .noise import *
from .normalization import *
from .padding import *
from .pooling import *
from .recurrent import *
from .resize import *
from .sparse import *

if not TYPE_CHECKING:  # a checker reads no computed list; to it, what a star brings is public
    __all__ = [
        *activation.__all__, *affine.__all__, *channel_norm.__all__, *convolution.__all__, *distance.__all__,
        *loss.__all__, *noise.__all__, *normalization.__all__, *padding.__all__, *pooling.__all__, *recurrent.__all__,
        *resize.__all__, *sparse.__all__,
    ]  # fmt: skip
