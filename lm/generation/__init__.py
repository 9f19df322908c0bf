"""Text from a trained model: `generate` walks one text token by token, `generate_batch` several, also by beam search.

`sampling` turns logits into tokens, `processors` changes scores before that; `GenerationConfig` says how, as data.
"""

from .batches import generate_batch, stream_batch
from .generate import generate
from .sampling import draw, filter_logits, greedy
from .settings import GenerationConfig

__all__ = ["GenerationConfig", "draw", "filter_logits", "generate", "generate_batch", "greedy", "stream_batch"]
