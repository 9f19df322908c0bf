"""RoBERTa: BERT's encoder, positions counted from the first token that is no padding, and no next-sentence head.

Source: Liu et al., "RoBERTa: A Robustly Optimized BERT Pretraining Approach" (2019). What differs from `bert.py` is
here: positions, the configuration, and a classifier of whole texts that starts from the token <s> without a pooler.

Shapes as in `bert.py`: B sequences of T tokens, C channels, a vocabulary of V, N labels.
"""

# Modules and functions of nn return Any, arrays or tensors as their input is:
# mypy: disable-error-code="no-any-return"
from __future__ import annotations

from dataclasses import dataclass

from minigrad import Tensor, cumsum, nn, tanh

from .bert import (
    Bert,
    BertConfig,
    BertForMaskedLM,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertForTokenClassification,
)


@dataclass(frozen=True)
class RobertaConfig(BertConfig):
    """The shape of a RoBERTa under the names of Hugging Face's config.json; the defaults are RoBERTa-base's.

    `max_position_embeddings` counts rows of the table: 2 more than the longest text, since positions start after that
    of padding. Raises ValueError naming a bad field.

    >>> RobertaConfig(pad_token_id=None)
    Traceback (most recent call last):
        ...
    ValueError: RobertaConfig: pad_token_id must be a token: positions are counted from it
    """

    vocab_size: int = 50265
    max_position_embeddings: int = 514
    type_vocab_size: int = 1
    layer_norm_eps: float = 1e-5
    pad_token_id: int | None = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pad_token_id is None:
            raise ValueError("RobertaConfig: pad_token_id must be a token: positions are counted from it")


class Roberta(Bert):
    """The encoder: ids (B, T) -> (B, T, C).

    >>> import minigrad as mg
    >>> config = RobertaConfig(vocab_size=10, hidden_size=4, num_hidden_layers=1, num_attention_heads=2)
    >>> Roberta(config).positions(mg.tensor([[0, 5, 6, 2], [0, 2, 1, 1]]))
    tensor([[2, 3, 4, 5],
            [2, 3, 1, 1]])
    """

    def make_positions(self, config: BertConfig) -> nn.Embedding:
        return nn.Embedding(config.max_position_embeddings, config.hidden_size, padding_idx=config.pad_token_id)

    def positions(self, ids: Tensor) -> Tensor:
        """(B, T): tokens are counted on from that of padding, which all padding has."""
        pad, rows = self.config.pad_token_id, self.config.max_position_embeddings
        assert pad is not None
        T = ids.shape[1]
        if rows - pad - 1 < T:
            raise ValueError(
                f"Roberta reads at most {rows - pad - 1} tokens (max_position_embeddings = {rows}, without those up to "
                f"the padding's), got {T}; shorten the input"
            )
        real = (ids != pad).long()  # (B, T)
        return cumsum(real, 1) * real + pad  # (B, T)


class RobertaForMaskedLM(BertForMaskedLM):
    """Which token stands at every place: ids (B, T) -> logits (B, T, V)."""

    trunk = Roberta


class RobertaForSequenceClassification(BertForSequenceClassification):
    """A class for every text: ids (B, T) -> logits (B, N); with one label, a number for every text."""

    trunk = Roberta
    pooler = False

    def make_head(self, config: BertConfig) -> None:
        self.head_dropout = nn.Dropout(config.head_dropout)
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.out_proj = nn.Linear(config.hidden_size, config.num_labels)

    def answer(self, x: Tensor) -> Tensor:
        x = tanh(self.dense(self.head_dropout(x[:, 0])))  # (B, C): of <s>
        return self.out_proj(self.head_dropout(x))  # (B, N)


class RobertaForTokenClassification(BertForTokenClassification):
    """A class for every token: ids (B, T) -> logits (B, T, N)."""

    trunk = Roberta


class RobertaForQuestionAnswering(BertForQuestionAnswering):
    """Where the answer begins and ends: ids (B, T) -> logits (B, T) of the first token and (B, T) of the last."""

    trunk = Roberta
