"""Activations, losses, normalization by channel and other small layers that are compared with PyTorch; see
`layer_cases`. Each is made with its defaults and with other settings."""

from __future__ import annotations

from typing import Any

import numpy as np

from .layer_cases import Case

ROWS = {"input": (3, 4)}
PAIR = {"input": (3, 4), "target": (3, 4)}
CLASSES = {"input": (4, 3), "target": np.array([0, 2, 1, 1])}
YES_NO = {"input": (3, 4), "target": (np.arange(12) % 3 > 0).astype(float).reshape(3, 4)}
INSIDE = {"input": 0.05 + 0.07 * np.arange(12.0).reshape(3, 4), "target": YES_NO["target"]}
SIGNS = (np.arange(12) % 3 - 1.0).reshape(3, 4)
WEIGHT = np.array([0.5, 1.0, 2.0])
WEIGHTS = np.array([0.5, 1.0, 2.0, 0.1])
VECTORS = {"x1": (3, 4), "x2": (3, 4)}
TRIPLET = {"anchor": (3, 4), "positive": (3, 4), "negative": (3, 4)}
POSITIVE = 0.2 + np.arange(12.0).reshape(3, 4)
BATCH: dict[str, Any] = {"num_features": 3}
FOLLOWED: dict[str, Any] = {**BATCH, "affine": True, "track_running_stats": True}

activations = [
    *(
        Case(name.lower(), name, {}, ROWS)
        for name in (
            "ReLU", "ReLU6", "LeakyReLU", "ELU", "SELU", "CELU", "GELU", "SiLU", "Mish", "Softplus", "Softsign",
            "Hardtanh", "Hardswish", "LogSigmoid", "GLU", "PReLU", "Tanhshrink", "Softshrink", "Hardshrink",
        )
    ),
    Case("leaky_relu_steep", "LeakyReLU", {"negative_slope": 0.5}, ROWS),
    Case("elu_half", "ELU", {"alpha": 0.5}, ROWS),
    Case("celu_half", "CELU", {"alpha": 0.5}, ROWS),
    Case("softplus_sharp", "Softplus", {"beta": 3.0, "threshold": 2.0}, ROWS),
    Case("hardtanh_narrow", "Hardtanh", {"min_val": -0.5, "max_val": 0.25}, ROWS),
    Case("glu_columns", "GLU", {"dim": 0}, {"input": (4, 3)}),
    Case("prelu_channels", "PReLU", {"num_parameters": 4}, {"input": (3, 4, 2)}),
    Case("rrelu", "RReLU", {"lower": 0.25, "upper": 0.5}, ROWS, evaluating=True),
    Case("threshold", "Threshold", {"threshold": 0.25, "value": 20.0}, ROWS),
    Case("softshrink_narrow", "Softshrink", {"lambd": 0.125}, ROWS),
    Case("hardshrink_narrow", "Hardshrink", {"lambd": 0.125}, ROWS),
    Case("softmax", "Softmax", {"dim": 1}, ROWS),
    Case("softmin", "Softmin", {"dim": 0}, ROWS),
    Case("log_softmax", "LogSoftmax", {"dim": -1}, ROWS),
    Case("bilinear", "Bilinear", {"in1_features": 3, "in2_features": 2, "out_features": 4}, {"x": (5, 3), "y": (5, 2)}),
    Case(
        "bilinear_no_bias", "Bilinear", {"in1_features": 3, "in2_features": 2, "out_features": 1, "bias": False},
        {"x": (2, 5, 3), "y": (2, 5, 2)},
    ),
    Case("unflatten", "Unflatten", {"dim": 1, "unflattened_size": (2, -1, 3)}, {"input": (2, 12)}),
    Case("cosine_similarity", "CosineSimilarity", {}, VECTORS),
    Case("cosine_similarity_columns", "CosineSimilarity", {"dim": 0, "eps": 0.1}, VECTORS),
    Case("pairwise_distance", "PairwiseDistance", {}, VECTORS),
    Case("pairwise_distance_options", "PairwiseDistance", {"p": 3.0, "eps": 0.1, "keepdim": True}, VECTORS),
    Case("alpha_dropout", "AlphaDropout", {"p": 0.3, "inplace": True}, ROWS, evaluating=True),
    Case("dropout1d", "Dropout1d", {"p": 0.3}, ROWS, evaluating=True),
    Case("dropout2d", "Dropout2d", {}, {"input": (1, 2, 2, 2)}, evaluating=True),
    Case("dropout3d", "Dropout3d", {}, {"input": (1, 2, 2, 1, 2)}, evaluating=True),
    Case("feature_alpha_dropout", "FeatureAlphaDropout", {}, ROWS, evaluating=True),
]  # fmt: skip

channel_norms = [
    Case("batch_norm1d", "BatchNorm1d", BATCH, {"input": (4, 3)}),
    Case("batch_norm1d_options", "BatchNorm1d", {**BATCH, "eps": 0.1, "momentum": 0.4}, {"input": (2, 3, 5)}),
    Case("batch_norm1d_averaging", "BatchNorm1d", {**BATCH, "momentum": None}, {"input": (4, 3)}),
    Case("batch_norm1d_no_bias", "BatchNorm1d", {**BATCH, "bias": False}, {"input": (4, 3)}),
    Case(
        "batch_norm1d_plain", "BatchNorm1d", {**BATCH, "affine": False, "track_running_stats": False}, {"input": (4, 3)}
    ),
    Case("batch_norm2d", "BatchNorm2d", BATCH, {"input": (2, 3, 2, 3)}),
    Case("batch_norm2d_evaluating", "BatchNorm2d", BATCH, {"input": (1, 3, 1, 1)}, evaluating=True),
    Case(
        "batch_norm2d_never_tracking", "BatchNorm2d", {**BATCH, "track_running_stats": False}, {"input": (2, 3, 2, 1)},
        evaluating=True,
    ),
    Case("batch_norm3d", "BatchNorm3d", BATCH, {"input": (2, 3, 2, 1, 2)}),
    Case("instance_norm1d", "InstanceNorm1d", BATCH, {"input": (2, 3, 4)}),
    Case("instance_norm1d_evaluating", "InstanceNorm1d", BATCH, {"input": (2, 3, 4)}, evaluating=True),
    Case("instance_norm1d_unbatched", "InstanceNorm1d", FOLLOWED, {"input": (3, 4)}),
    Case("instance_norm2d", "InstanceNorm2d", {**FOLLOWED, "momentum": 0.4, "eps": 0.1}, {"input": (2, 3, 2, 3)}),
    Case("instance_norm2d_evaluating", "InstanceNorm2d", FOLLOWED, {"input": (2, 3, 1, 1)}, evaluating=True),
    Case("instance_norm3d", "InstanceNorm3d", {**BATCH, "affine": True, "bias": False}, {"input": (3, 2, 1, 2)}),
    Case("group_norm", "GroupNorm", {"num_groups": 2, "num_channels": 4}, {"input": (2, 4, 3)}),
    Case(
        "group_norm_options", "GroupNorm", {"num_groups": 1, "num_channels": 4, "eps": 0.1, "bias": False},
        {"input": (2, 4)},
    ),
    Case(
        "group_norm_plain", "GroupNorm", {"num_groups": 4, "num_channels": 4, "affine": False}, {"input": (2, 4, 2, 2)}
    ),
    Case("local_response_norm", "LocalResponseNorm", {"size": 2}, {"input": (2, 4, 3)}),
    Case(
        "local_response_norm_options", "LocalResponseNorm", {"size": 3, "alpha": 0.5, "beta": 0.6, "k": 2.0},
        {"input": (2, 4, 2, 2)},
    ),
]  # fmt: skip

SIDES = {1: (2, 1), 2: (2, 1, 0, 1), 3: (1, 0, 1, 1, 0, 1)}
GRIDS = {1: {"input": (2, 3, 4)}, 2: {"input": (2, 3, 4)}, 3: {"input": (2, 2, 2, 3)}}
paddings = [
    case
    for kind in ("Constant", "Zero", "Reflection", "Replication", "Circular")
    for n in (1, 2, 3)
    for settings in ({"value": 1.5} if kind == "Constant" else {},)
    for case in (
        Case(f"{kind}{n}", f"{kind}Pad{n}d", {"padding": 1, **settings}, GRIDS[n]),
        Case(f"{kind}{n} of each side", f"{kind}Pad{n}d", {"padding": SIDES[n], **settings}, GRIDS[n]),
    )
]

losses = [
    Case("nll", "NLLLoss", {}, CLASSES),
    Case("nll_options", "NLLLoss", {"weight": WEIGHT, "ignore_index": 2, "reduction": "sum"}, CLASSES),
    Case("cross_entropy_weights", "CrossEntropyLoss", {"weight": WEIGHT}, CLASSES),
    Case("bce", "BCELoss", {}, INSIDE),
    Case("bce_options", "BCELoss", {"weight": WEIGHTS, "reduction": "none"}, INSIDE),
    Case("bce_with_logits", "BCEWithLogitsLoss", {}, YES_NO),
    Case(
        "bce_with_logits_options", "BCEWithLogitsLoss",
        {"weight": WEIGHTS, "pos_weight": WEIGHTS[::-1].copy(), "reduction": "sum"}, YES_NO,
    ),
    Case("l1", "L1Loss", {"reduction": "none"}, PAIR),
    Case("smooth_l1", "SmoothL1Loss", {"beta": 0.5}, PAIR),
    Case("smooth_l1_defaults", "SmoothL1Loss", {}, PAIR),
    Case("huber", "HuberLoss", {"delta": 0.5, "reduction": "sum"}, PAIR),
    Case("huber_defaults", "HuberLoss", {}, PAIR),
    Case("kl_div", "KLDivLoss", {"reduction": "batchmean"}, {"input": (3, 4), "target": POSITIVE / POSITIVE.sum()}),
    Case("kl_div_logarithms", "KLDivLoss", {"reduction": "sum", "log_target": True}, PAIR),
    Case("poisson_nll", "PoissonNLLLoss", {}, {"input": (3, 4), "target": POSITIVE}),
    Case(
        "poisson_nll_options", "PoissonNLLLoss", {"log_input": False, "full": True, "eps": 0.5, "reduction": "none"},
        {"input": POSITIVE, "target": POSITIVE[::-1].copy()},
    ),
    Case("gaussian_nll", "GaussianNLLLoss", {}, {**PAIR, "var": POSITIVE}),
    Case(
        "gaussian_nll_options", "GaussianNLLLoss", {"full": True, "eps": 2.0, "reduction": "sum"},
        {**PAIR, "var": POSITIVE},
    ),
    Case("hinge_embedding", "HingeEmbeddingLoss", {}, {"input": (3, 4), "target": SIGNS}),
    Case(
        "hinge_embedding_options", "HingeEmbeddingLoss", {"margin": 0.5, "reduction": "sum"},
        {"input": (3, 4), "target": SIGNS},
    ),
    Case("margin_ranking", "MarginRankingLoss", {"margin": 0.5}, {"x1": (3, 4), "x2": (3, 4), "target": SIGNS}),
    Case("cosine_embedding", "CosineEmbeddingLoss", {"margin": -0.5}, {**VECTORS, "target": SIGNS[0, :3]}),
    Case("soft_margin", "SoftMarginLoss", {}, {"input": (3, 4), "target": SIGNS}),
    Case("triplet_margin", "TripletMarginLoss", {}, TRIPLET),
    Case("triplet_margin_options", "TripletMarginLoss", {"margin": 2.0, "p": 1.5, "swap": True, "eps": 0.1}, TRIPLET),
    Case("multi_margin", "MultiMarginLoss", {}, CLASSES),
    Case("multi_margin_options", "MultiMarginLoss", {"p": 2, "margin": 0.5, "weight": WEIGHT}, CLASSES),
    Case("multilabel_soft_margin", "MultiLabelSoftMarginLoss", {}, YES_NO),
    Case(
        "multilabel_soft_margin_options", "MultiLabelSoftMarginLoss", {"weight": WEIGHTS, "reduction": "none"}, YES_NO
    ),
]  # fmt: skip

files = {"activations": activations, "channel_norms": channel_norms, "losses": losses, "paddings": paddings}
