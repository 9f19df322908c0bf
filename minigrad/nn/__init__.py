"""Neural networks: modules, layers, and the functions they are made of. PyTorch: `torch.nn`."""

from . import functional, init
from .attention import MultiheadAttention
from .containers import ModuleDict, ModuleList, Sequential
from .layers import (
    GELU,
    CrossEntropyLoss,
    Dropout,
    Embedding,
    Flatten,
    Identity,
    LayerNorm,
    Linear,
    MSELoss,
    ReLU,
    RMSNorm,
    Sigmoid,
    SiLU,
    Tanh,
)
from .module import Module, Parameter
from .positions import LearnedPositions, SinusoidalPositions
from .transformer import TransformerDecoder, TransformerDecoderLayer, TransformerEncoder, TransformerEncoderLayer

__all__ = [
    "GELU", "CrossEntropyLoss", "Dropout", "Embedding", "Flatten", "Identity", "LayerNorm", "LearnedPositions",
    "Linear", "MSELoss", "Module", "ModuleDict", "ModuleList", "MultiheadAttention", "Parameter", "RMSNorm", "ReLU",
    "Sequential", "SiLU", "Sigmoid", "SinusoidalPositions", "Tanh", "TransformerDecoder", "TransformerDecoderLayer",
    "TransformerEncoder", "TransformerEncoderLayer", "functional", "init",
]  # fmt: skip
