"""Qwen2: Llama with biases in the projections to queries, keys and values, and in those alone.

Source: Yang et al., "Qwen2 technical report" (2024). Everything else is in `llama.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from .llama import Llama, LlamaConfig


@dataclass(frozen=True)
class Qwen2Config(LlamaConfig):
    """The shape of a Qwen2 under the names of Hugging Face's config.json, and with the defaults of its class there.

    Raises ValueError naming a bad field.
    """

    vocab_size: int = 151936
    intermediate_size: int = 22016
    num_key_value_heads: int | None = 32
    max_position_embeddings: int = 32768
    attention_bias: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.attention_bias or self.mlp_bias:
            raise ValueError(
                f"Qwen2Config: a Qwen2 has attention_bias = True and mlp_bias = False, which its files do not say; got "
                f"{self.attention_bias} and {self.mlp_bias}. Other biases make a Llama of it: use LlamaConfig"
            )

    @property
    def output_bias(self) -> bool:
        """The heads' output has none."""
        return False


class Qwen2(Llama):
    """A Qwen2 language model with fresh weights, drawn from the generator `minigrad.manual_seed` seeds.

    >>> config = Qwen2Config(vocab_size=10, hidden_size=8, intermediate_size=12, num_hidden_layers=1,
    ...                      num_attention_heads=4, num_key_value_heads=2)
    >>> attention = Qwen2(config).layers[0].self_attn
    >>> attention.k_proj.bias.shape, attention.o_proj.bias
    ((4,), None)
    """
