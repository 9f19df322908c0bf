"""The layers that are compared with PyTorch: how each is made and called. Data shared by `make_layers.py`, which asks
PyTorch, and the tests, which ask minigrad; and how the answers are kept: all numbers in one array, for hundreds of
small ones would take more room in names than in numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
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
    call: tuple[Any, ...] = ()  # the positional arguments, (tuples of) names of inputs; all of them in order by default
    masks: dict[str, Any] = field(default_factory=dict)  # arrays that are keyword arguments
    settings: dict[str, Any] = field(default_factory=dict)
    torch_extra: dict[str, Any] = field(default_factory=dict)  # what PyTorch needs to be told beside
    evaluating: bool = False  # whether in evaluation rather than in training
    build: Callable[[Any], Any] | None = None  # from `nn`, the layer, for one that is made from others


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
    Case(
        "sequential", "Sequential", {}, {"input": (4, 3)},
        build=lambda nn: nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)),
    ),
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
    Case(
        "encoder_of_two", "TransformerEncoder", {}, {"src": (4, 2, 6)}, (), {"mask": CAUSAL},
        build=lambda nn: nn.TransformerEncoder(nn.TransformerEncoderLayer(**LAYER), 2, nn.LayerNorm(6)),
    ),
    Case(
        "decoder_of_two", "TransformerDecoder", {}, {"tgt": (2, 4, 6), "memory": (2, 5, 6)}, (),
        {"tgt_mask": CAUSAL, "memory_key_padding_mask": PADDING},
        build=lambda nn: nn.TransformerDecoder(nn.TransformerDecoderLayer(**LAYER, batch_first=True), 2),
    ),
]  # fmt: skip

PLACES = np.array([[[0, 3, 5], [1, 2, 4]]])
IMAGE: dict[str, Any] = {"input": (1, 4, 4, 5)}
SIZES: dict[str, Any] = {"in_channels": 4, "out_channels": 2, "kernel_size": 3}

windows = [
    Case("conv1d", "Conv1d", {**SIZES, "stride": 2, "padding": 1}, {"input": (2, 4, 7)}),
    Case("conv1d_unbatched", "Conv1d", {**SIZES, "dilation": 2}, {"input": (4, 7)}),
    Case("conv2d", "Conv2d", {**SIZES, "padding": (1, 0), "stride": (2, 1)}, IMAGE),
    Case("conv2d_groups", "Conv2d", {**SIZES, "groups": 2, "bias": False, "padding": "same", "dilation": 2}, IMAGE),
    Case("conv2d_even", "Conv2d", {**SIZES, "kernel_size": (2, 4), "padding": "same"}, IMAGE),
    Case("conv2d_reflect", "Conv2d", {**SIZES, "padding": (2, 1), "padding_mode": "reflect"}, IMAGE),
    Case("conv2d_replicate", "Conv2d", {**SIZES, "padding": "same", "padding_mode": "replicate"}, IMAGE),
    Case("conv2d_circular", "Conv2d", {**SIZES, "padding": 2, "padding_mode": "circular", "stride": 2}, IMAGE),
    Case("conv2d_valid", "Conv2d", {**SIZES, "padding": "valid", "padding_mode": "circular"}, IMAGE),
    Case("conv3d", "Conv3d", {**SIZES, "kernel_size": (2, 3, 2), "padding": 1, "groups": 2}, {"input": (4, 2, 3, 3)}),
    Case("conv_transpose1d", "ConvTranspose1d", {**SIZES, "stride": 2}, {"input": (4, 5)}),
    Case(
        "conv_transpose2d", "ConvTranspose2d",
        {**SIZES, "stride": 3, "padding": (1, 2), "output_padding": (2, 1), "groups": 2, "dilation": 2}, IMAGE,
    ),
    Case(
        "conv_transpose2d_to_size", "ConvTranspose2d", {**SIZES, "stride": 2, "bias": False}, IMAGE,
        settings={"output_size": (10, 11)},
    ),
    Case("conv_transpose3d", "ConvTranspose3d", {**SIZES, "padding": 1, "stride": 2}, {"input": (1, 4, 2, 2, 2)}),
    Case("max_pool1d", "MaxPool1d", {"kernel_size": 3, "stride": 2, "padding": 1}, {"input": (2, 3, 7)}),
    Case("max_pool2d", "MaxPool2d", {"kernel_size": 2, "ceil_mode": True}, IMAGE),
    Case("max_pool3d", "MaxPool3d", {"kernel_size": 2, "dilation": (1, 2, 1), "stride": 1}, {"input": (2, 3, 4, 3)}),
    Case("avg_pool1d", "AvgPool1d", {"kernel_size": 3, "stride": 2, "padding": 1}, {"input": (2, 3, 8)}),
    Case("avg_pool2d", "AvgPool2d", {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}, IMAGE),
    Case("avg_pool2d_valid", "AvgPool2d", {"kernel_size": 2, "padding": 1, "count_include_pad": False}, IMAGE),
    Case("avg_pool3d", "AvgPool3d", {"kernel_size": 2, "divisor_override": 3}, {"input": (2, 3, 4, 5, 2)}),
    Case("lp_pool1d", "LPPool1d", {"norm_type": 2, "kernel_size": 3}, {"input": (2, 3, 7)}),
    Case("lp_pool2d", "LPPool2d", {"norm_type": 4, "kernel_size": 2, "stride": 1}, IMAGE),
    Case("lp_pool3d", "LPPool3d", {"norm_type": 2, "kernel_size": 2}, {"input": (3, 4, 3, 2)}),
    Case("adaptive_max_pool1d", "AdaptiveMaxPool1d", {"output_size": 3}, {"input": (2, 3, 7)}),
    Case("adaptive_max_pool2d", "AdaptiveMaxPool2d", {"output_size": (2, None)}, IMAGE),
    Case("adaptive_max_pool3d", "AdaptiveMaxPool3d", {"output_size": 2}, {"input": (3, 3, 4, 5)}),
    Case("adaptive_avg_pool1d", "AdaptiveAvgPool1d", {"output_size": 3}, {"input": (2, 3, 7)}),
    Case("adaptive_avg_pool2d", "AdaptiveAvgPool2d", {"output_size": (None, 4)}, IMAGE),
    Case("adaptive_avg_pool3d", "AdaptiveAvgPool3d", {"output_size": (2, 1, 3)}, {"input": (3, 3, 4, 3)}),
    Case("unfold", "Unfold", {"kernel_size": (2, 3), "padding": 1, "stride": 2}, IMAGE),
    Case("fold", "Fold", {"output_size": (4, 5), "kernel_size": 2, "padding": (1, 0)}, {"input": (2, 8, 20)}),
    Case("upsample", "Upsample", {"scale_factor": 2}, IMAGE),
    Case("upsample_trilinear", "Upsample", {"size": (3, 5, 2), "mode": "trilinear"}, {"input": (2, 3, 2, 3, 4)}),
    Case("upsampling_nearest2d", "UpsamplingNearest2d", {"size": (7, 3)}, IMAGE),
    Case("upsampling_bilinear2d", "UpsamplingBilinear2d", {"scale_factor": 1.5}, IMAGE),
    Case("pixel_shuffle", "PixelShuffle", {"upscale_factor": 2}, IMAGE),
    Case("max_unpool1d", "MaxUnpool1d", {"kernel_size": 2}, {"input": (1, 2, 3), "indices": PLACES}),
    Case(
        "max_unpool2d", "MaxUnpool2d", {"kernel_size": 2, "stride": 1, "padding": 0}, {
            "input": (2, 1, 3), "indices": PLACES[0][:, None]}, settings={"output_size": (2, 4)},
    ),
    Case("max_unpool3d", "MaxUnpool3d", {"kernel_size": (1, 1, 2)}, {
        "input": (1, 2, 1, 1, 3), "indices": PLACES[:, :, None, None]}),
    Case("pixel_unshuffle", "PixelUnshuffle", {"downscale_factor": 2}, {"input": (3, 4, 6)}),
]  # fmt: skip

STEP: dict[str, Any] = {"input_size": 3, "hidden_size": 4}
DEEP: dict[str, Any] = {**STEP, "num_layers": 2, "bidirectional": True}
SEQUENCE: dict[str, Any] = {"input": (5, 2, 3)}
FIRST_IN_BATCH: dict[str, Any] = {"input": (2, 5, 3), "h": (4, 2, 4)}
STARTED = ("input", ("h", "c"))

recurrent = [
    Case("rnn", "RNN", STEP, SEQUENCE),
    Case("rnn_relu", "RNN", {**DEEP, "nonlinearity": "relu", "batch_first": True}, FIRST_IN_BATCH),
    Case("lstm", "LSTM", STEP, SEQUENCE),
    Case("lstm_deep", "LSTM", DEEP, {**SEQUENCE, "h": (4, 2, 4), "c": (4, 2, 4)}, STARTED),
    Case("lstm_batch_first", "LSTM", {**DEEP, "batch_first": True, "bias": False}, {"input": (2, 5, 3)}),
    Case("lstm_projected", "LSTM", {**DEEP, "proj_size": 2}, {**SEQUENCE, "h": (4, 2, 2), "c": (4, 2, 4)}, STARTED),
    Case("lstm_unbatched", "LSTM", DEEP, {"input": (5, 3), "h": (4, 4), "c": (4, 4)}, STARTED),
    Case("gru", "GRU", STEP, SEQUENCE),
    Case("gru_deep", "GRU", {**DEEP, "batch_first": True}, FIRST_IN_BATCH),
    Case("gru_unbatched", "GRU", {**STEP, "bias": False, "batch_first": True}, {"input": (5, 3)}),
    Case("rnn_cell", "RNNCell", STEP, {"input": (2, 3), "h": (2, 4)}),
    Case("rnn_cell_relu", "RNNCell", {**STEP, "nonlinearity": "relu"}, {"input": (3,)}),
    Case("lstm_cell", "LSTMCell", STEP, {"input": (2, 3), "h": (2, 4), "c": (2, 4)}, STARTED),
    Case("lstm_cell_unbatched", "LSTMCell", {**STEP, "bias": False}, {"input": (3,)}),
    Case("gru_cell", "GRUCell", STEP, {"input": (2, 3), "h": (2, 4)}),
    Case("gru_cell_unbatched", "GRUCell", STEP, {"input": (3,), "h": (4,)}),
]  # fmt: skip

files = {
    "layers": layers, "attention": attention, "transformer": transformer, "windows": windows, "recurrent": recurrent,
}  # fmt: skip


def differentiated(name: str, array: np.ndarray) -> bool:
    """Whether gradients are taken of an input that is given as it is: targets have none."""
    return name == "input" and array.dtype.kind == "f"


def positional(case: Case, inputs: dict[str, Any]) -> list[Any]:
    """The positional arguments of a call."""
    names = case.call or case.inputs
    return [tuple(inputs[each] for each in name) if isinstance(name, tuple) else inputs[name] for name in names]


def flat(result: Any) -> list[Any]:
    """What a call returns, tuples taken apart and None left out."""
    if isinstance(result, tuple):
        return [out for part in result for out in flat(part)]
    return [] if result is None else [result]


def save(file: str, arrays: dict[str, np.ndarray]) -> None:
    shapes = json.dumps({name: np.shape(array) for name, array in arrays.items()})
    values = np.concatenate([np.ravel(array).astype(np.float64) for array in arrays.values()])
    np.savez_compressed(Path(__file__).parent / f"{file}.npz", shapes=shapes, values=values)


def load(file: str) -> dict[str, np.ndarray]:
    with np.load(Path(__file__).parent / f"{file}.npz") as saved:
        shapes, values = json.loads(str(saved["shapes"])), saved["values"]
    parts = np.split(values, np.cumsum([math.prod(shape) for shape in shapes.values()]))
    return {name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), parts)}
