"""Text from a trained model: `generate` walks it token by token, `sampling` turns logits into tokens."""

from .generate import generate
from .sampling import draw, filter_logits, greedy

__all__ = ["draw", "filter_logits", "generate", "greedy"]
