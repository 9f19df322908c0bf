"""One GPT, one batch after another, for everyone who is measured: sizes, weights, data and the settings of a step.

Weights are named as in `lm.models.gpt2`, matrices lie (out, in), the head is tied to the embedding. A step is forward,
loss, backward, gradients clipped to a norm of 1, AdamW.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

LEARNING_RATE, BETAS, EPS, DECAY, MOST = 1e-3, (0.9, 0.95), 1e-8, 0.1, 1.0


@dataclass(frozen=True)
class Size:
    """A model and the batch it is trained on."""

    layers: int
    heads: int
    channels: int
    context: int
    vocabulary: int
    batch: int

    @property
    def tokens(self) -> int:
        """Of a step."""
        return self.batch * self.context


SIZES = {
    "tiny": Size(layers=4, heads=4, channels=128, context=64, vocabulary=65, batch=12),
    "small": Size(layers=6, heads=6, channels=384, context=256, vocabulary=65, batch=4),
    "gpt2": Size(layers=12, heads=12, channels=768, context=256, vocabulary=50257, batch=1),
}


def weights(size: Size) -> dict[str, Any]:
    """The same for everyone: matrices normal with deviation 0.02, biases 0, norms 1; float32."""
    rng, C = np.random.default_rng(0), size.channels

    def normal(*shape: int, std: float = 0.02) -> Any:
        return np.float32(std) * rng.standard_normal(shape, np.float32)

    made = {"wte.weight": normal(size.vocabulary, C), "wpe.weight": normal(size.context, C)}
    for i in range(size.layers):
        for name, shape in (
            ("ln_1", (C,)), ("attn.c_attn", (3 * C, C)), ("attn.c_proj", (C, C)),
            ("ln_2", (C,)), ("mlp.c_fc", (4 * C, C)), ("mlp.c_proj", (C, 4 * C)),
        ):  # fmt: skip
            std = 0.02 / math.sqrt(2 * size.layers) if name.endswith("c_proj") else 0.02
            weight = np.ones(shape, np.float32) if len(shape) == 1 else normal(*shape, std=std)
            made |= {f"h.{i}.{name}.weight": weight, f"h.{i}.{name}.bias": np.zeros(shape[0], np.float32)}
    return made | {"ln_f.weight": np.ones(C, np.float32), "ln_f.bias": np.zeros(C, np.float32)}


def batches(size: Size) -> Iterator[tuple[Any, Any]]:
    """ids and targets (B, T) without end: a pattern that can be learned, so that losses fall alike."""
    rng = np.random.default_rng(1)
    while True:
        steps = rng.integers(1, 4, (size.batch, size.context + 1))
        ids = (rng.integers(size.vocabulary, size=(size.batch, 1)) + np.cumsum(steps, axis=1)) % size.vocabulary
        yield ids[:, :-1].copy(), ids[:, 1:].copy()


def decayed(name: str) -> bool:
    """Matrices are, biases and norms are not."""
    return name.startswith(("wte", "wpe")) or (name.endswith("weight") and "ln_" not in name)
