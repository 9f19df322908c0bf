"""The layers that are compared with PyTorch: how each is made and called. Data shared by `make_layers.py`, which asks
PyTorch, and the tests, which ask minigrad; and how the answers are kept: all numbers in one array, for hundreds of
small ones would take more room in names than in numbers."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Case:
    name: str
    layer: str  # the class, of the same name in both libraries
    arguments: dict[str, Any]
    inputs: dict[str, Any]  # the shape of a tensor to draw, or an array as it is
    call: tuple[str, ...] = ()  # the positional arguments, names of inputs; all of them in order by default
    masks: dict[str, Any] = field(default_factory=dict)  # arrays that are keyword arguments
    settings: dict[str, Any] = field(default_factory=dict)
    torch_extra: dict[str, Any] = field(default_factory=dict)  # what PyTorch needs to be told beside


CAUSAL = np.triu(np.ones((4, 4), bool), 1)
ADDITIVE = np.sin(np.arange(20.0)).reshape(4, 5)
PADDING = np.array([[0, 0, 0, 0, 1], [0, 0, 1, 1, 0]], bool)  # (2, 5)
PADDING4 = PADDING[:, 1:]
PER_HEAD = np.sin(np.arange(80.0)).reshape(4, 4, 5)  # (N * heads, L, S)
IDS = np.array([[1, 0, 3], [2, 2, 5]])

layers = [
    Case("linear", "Linear", {"in_features": 3, "out_features": 4}, {"input": (2, 5, 3)}),
    Case("linear_no_bias", "Linear", {"in_features": 3, "out_features": 4, "bias": False}, {"input": (5, 3)}),
    Case("linear_vector", "Linear", {"in_features": 3, "out_features": 4}, {"input": (3,)}),
    Case("embedding", "Embedding", {"num_embeddings": 6, "embedding_dim": 4}, {"input": IDS}),
    Case(
        "embedding_padding", "Embedding", {"num_embeddings": 6, "embedding_dim": 4, "padding_idx": 2}, {"input": IDS}
    ),
    Case("layer_norm", "LayerNorm", {"normalized_shape": 5}, {"input": (2, 3, 5)}),
    Case("layer_norm_two_dims", "LayerNorm", {"normalized_shape": (3, 5), "eps": 1e-3}, {"input": (2, 3, 5)}),
    Case("layer_norm_no_bias", "LayerNorm", {"normalized_shape": 5, "bias": False}, {"input": (2, 5)}),
    Case("layer_norm_plain", "LayerNorm", {"normalized_shape": 5, "elementwise_affine": False}, {"input": (2, 5)}),
    Case("rms_norm", "RMSNorm", {"normalized_shape": 5}, {"input": (2, 3, 5)}),
    Case("rms_norm_eps", "RMSNorm", {"normalized_shape": (3, 5), "eps": 1e-2}, {"input": (2, 3, 5)}),
    Case("rms_norm_plain", "RMSNorm", {"normalized_shape": 5, "elementwise_affine": False}, {"input": (2, 5)}),
    Case("relu", "ReLU", {}, {"input": (3, 4)}),
    Case("gelu", "GELU", {}, {"input": (3, 4)}),
    Case("gelu_tanh", "GELU", {"approximate": "tanh"}, {"input": (3, 4)}),
    Case("silu", "SiLU", {}, {"input": (3, 4)}),
    Case("tanh", "Tanh", {}, {"input": (3, 4)}),
    Case("sigmoid", "Sigmoid", {}, {"input": (3, 4)}),
    Case("identity", "Identity", {"anything": 1}, {"input": (3, 4)}),
    Case("flatten", "Flatten", {}, {"input": (2, 3, 4)}),
    Case("flatten_some", "Flatten", {"start_dim": 0, "end_dim": 1}, {"input": (2, 3, 4)}),
    Case("dropout_none", "Dropout", {"p": 0.0}, {"input": (2, 3)}),
    Case("cross_entropy", "CrossEntropyLoss", {}, {"input": (4, 3), "target": np.array([0, 2, 1, 1])}),
    Case(
        "cross_entropy_options", "CrossEntropyLoss",
        {"ignore_index": 1, "reduction": "sum", "label_smoothing": 0.1},
        {"input": (4, 3), "target": np.array([0, 2, 1, 1])},
    ),
    Case("mse", "MSELoss", {}, {"input": (4, 3), "target": (4, 3)}),
    Case("mse_sum", "MSELoss", {"reduction": "sum"}, {"input": (4, 3), "target": (4, 3)}),
]  # fmt: skip

HEADS: dict[str, Any] = {"embed_dim": 6, "num_heads": 2}
FIRST: dict[str, Any] = {**HEADS, "batch_first": True}
OTHER = {"query": (2, 4, 6), "key": (2, 5, 6), "value": (2, 5, 6)}
SELF = ("x", "x", "x")
LAYER: dict[str, Any] = {"d_model": 6, "nhead": 2, "dim_feedforward": 5, "dropout": 0.0}

attention = [
    Case("self", "MultiheadAttention", FIRST, {"x": (2, 4, 6)}, SELF),
    Case("self_no_bias", "MultiheadAttention", {**FIRST, "bias": False}, {"x": (2, 4, 6)}, SELF),
    Case("self_length_first", "MultiheadAttention", HEADS, {"x": (4, 2, 6)}, SELF),
    Case("self_unbatched", "MultiheadAttention", FIRST, {"x": (4, 6)}, SELF),
    Case("self_unbatched_length_first", "MultiheadAttention", HEADS, {"x": (4, 6)}, SELF, {"attn_mask": CAUSAL}),
    Case(
        "self_causal", "MultiheadAttention", FIRST, {"x": (2, 4, 6)}, SELF, settings={"is_causal": True},
        torch_extra={"attn_mask": CAUSAL},
    ),
    Case(
        "self_causal_padded", "MultiheadAttention", FIRST, {"x": (2, 4, 6)}, SELF, {"key_padding_mask": PADDING4},
        settings={"is_causal": True}, torch_extra={"attn_mask": CAUSAL},
    ),
    Case("cross", "MultiheadAttention", FIRST, OTHER),
    Case("cross_memory", "MultiheadAttention", FIRST, {"x": (2, 4, 6), "memory": (2, 5, 6)}, ("x", "memory", "memory")),
    Case("cross_padded", "MultiheadAttention", FIRST, OTHER, (), {"key_padding_mask": PADDING}),
    Case("cross_additive", "MultiheadAttention", FIRST, OTHER, (), {"attn_mask": ADDITIVE}),
    Case(
        "cross_additive_padded", "MultiheadAttention", FIRST, OTHER, (),
        {"attn_mask": ADDITIVE, "key_padding_mask": np.where(PADDING, -3.0, 0.5)},
    ),
    Case(
        "cross_per_head_each", "MultiheadAttention", FIRST, OTHER, (), {"attn_mask": PER_HEAD},
        settings={"average_attn_weights": False},
    ),
    Case(
        "cross_other_widths", "MultiheadAttention", {**FIRST, "kdim": 3, "vdim": 4},
        {"query": (2, 4, 6), "key": (2, 5, 3), "value": (2, 5, 4)},
    ),
]  # fmt: skip

transformer = [
    Case("encoder_post", "TransformerEncoderLayer", LAYER, {"src": (4, 2, 6)}),
    Case("encoder_pre", "TransformerEncoderLayer", {**LAYER, "norm_first": True}, {"src": (4, 2, 6)}),
    Case(
        "encoder_post_masked", "TransformerEncoderLayer", {**LAYER, "batch_first": True, "activation": "gelu"},
        {"src": (2, 4, 6)}, (), {"src_mask": CAUSAL, "src_key_padding_mask": PADDING4},
    ),
    Case(
        "encoder_pre_causal", "TransformerEncoderLayer",
        {**LAYER, "batch_first": True, "norm_first": True, "bias": False, "layer_norm_eps": 1e-3}, {"src": (2, 4, 6)},
        settings={"is_causal": True}, torch_extra={"src_mask": CAUSAL},
    ),
    Case("decoder_post", "TransformerDecoderLayer", LAYER, {"tgt": (4, 2, 6), "memory": (5, 2, 6)}),
    Case(
        "decoder_pre_masked", "TransformerDecoderLayer", {**LAYER, "norm_first": True, "batch_first": True},
        {"tgt": (2, 4, 6), "memory": (2, 5, 6)}, (),
        {"tgt_key_padding_mask": PADDING4, "memory_key_padding_mask": PADDING, "memory_mask": ADDITIVE > 0.9},
        settings={"tgt_is_causal": True}, torch_extra={"tgt_mask": CAUSAL},
    ),
    Case(
        "decoder_post_masked", "TransformerDecoderLayer", {**LAYER, "batch_first": True},
        {"tgt": (2, 4, 6), "memory": (2, 5, 6)}, (), {"tgt_mask": CAUSAL, "memory_mask": ADDITIVE},
    ),
]  # fmt: skip

files = {"layers": layers, "attention": attention, "transformer": transformer}


def save(file: str, arrays: dict[str, np.ndarray]) -> None:
    shapes = json.dumps({name: np.shape(array) for name, array in arrays.items()})
    values = np.concatenate([np.ravel(array).astype(np.float64) for array in arrays.values()])
    np.savez_compressed(Path(__file__).parent / f"{file}.npz", shapes=shapes, values=values)


def load(file: str) -> dict[str, np.ndarray]:
    with np.load(Path(__file__).parent / f"{file}.npz") as saved:
        shapes, values = json.loads(str(saved["shapes"])), saved["values"]
    parts = np.split(values, np.cumsum([math.prod(shape) for shape in shapes.values()]))
    return {name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), parts)}
