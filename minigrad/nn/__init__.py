"""Neural networks: modules, layers, and the functions they are made of. PyTorch: `torch.nn`."""

from typing import TYPE_CHECKING

from . import functional, init, layers, utils
from .attention import MultiheadAttention
from .containers import ModuleDict, ModuleList, Sequential
from .data_parallel import DataParallel
from .layers import *
from .module import Module
from .parameter import Parameter
from .positions import LearnedPositions, SinusoidalPositions
from .transformer import TransformerDecoder, TransformerDecoderLayer, TransformerEncoder, TransformerEncoderLayer

__all__ = [
    "DataParallel", "LearnedPositions", "Module", "ModuleDict", "ModuleList", "MultiheadAttention", "Parameter",
    "Sequential", "SinusoidalPositions", "TransformerDecoder", "TransformerDecoderLayer", "TransformerEncoder",
    "TransformerEncoderLayer", "functional", "init", "utils",
]  # fmt: skip
if not TYPE_CHECKING:  # a checker reads no computed list
    __all__ += layers.__all__
