"""Language models: a family is one file, the model and the dataclass that configures it; `count.py` says what it costs.

Training is in `lm.training`, text from a model in `lm.generation`.
"""

from .gpt2 import GPT2, GPT2Config, KVCache

__all__ = ["GPT2", "GPT2Config", "KVCache"]
