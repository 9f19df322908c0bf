"""BERT: an encoder that reads a text, or a pair of texts, in both directions, and heads for what it is asked of them.

Source: Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers" (2019). Layer norm comes after each
sublayer's sum, the masked-language head shares its matrix with the word embeddings. Hugging Face's names of the
weights are in `lm/hub/families/bert.py`.

Shapes: B sequences of T tokens, C = hidden_size channels in H = num_attention_heads heads of D = C / H, I =
intermediate_size, a vocabulary of V, N = num_labels.
"""

# Modules and functions of nn return Any, arrays or tensors as their input is:
# mypy: disable-error-code="no-any-return"
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

import minigrad.nn.functional as F
from minigrad import Tensor, nn, tanh

from .activations import ACTIVATIONS, check_activation
from .checks import check_ids, require_counts, require_probabilities
from .initial import initialize
from .masks import padding_mask


@dataclass(frozen=True)
class BertConfig:
    """The shape of a BERT under the names of Hugging Face's config.json; the defaults are BERT-base's.

    Raises ValueError naming a bad field.
    """

    vocab_size: int = 30522
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1  # of the embeddings and of what each sublayer adds
    attention_probs_dropout_prob: float = 0.1
    classifier_dropout: float | None = None  # in front of a classifier; None: hidden_dropout_prob
    max_position_embeddings: int = 512
    type_vocab_size: int = 2  # the first text and the second
    layer_norm_eps: float = 1e-12
    initializer_range: float = 0.02
    pad_token_id: int | None = 0  # its embedding is not trained
    num_labels: int = 2  # of a classifier

    def __post_init__(self) -> None:
        require_counts(
            self, "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
            "max_position_embeddings", "type_vocab_size", "num_labels",
        )  # fmt: skip
        require_probabilities(self, "hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout")
        check_activation(f"{type(self).__name__}: hidden_act", self.hidden_act)
        if not 0 < self.layer_norm_eps < math.inf:
            raise ValueError(f"{type(self).__name__}: layer_norm_eps must be positive, got {self.layer_norm_eps!r}")
        if self.hidden_size % self.num_attention_heads:
            raise ValueError(
                f"{type(self).__name__}: hidden_size = {self.hidden_size} is not divisible by num_attention_heads = "
                f"{self.num_attention_heads}: every head gets an equal share of the channels"
            )

    @property
    def head_dropout(self) -> float:
        """Dropout in front of a classifier."""
        return self.hidden_dropout_prob if self.classifier_dropout is None else self.classifier_dropout


class Attention(nn.Module):
    """Self-attention: every token looks at every token that is no padding."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.heads = config.num_attention_heads
        self.dropout_p = config.attention_probs_dropout_prob
        self.query = nn.Linear(config.hidden_size, config.hidden_size)
        self.key = nn.Linear(config.hidden_size, config.hidden_size)
        self.value = nn.Linear(config.hidden_size, config.hidden_size)
        self.output = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        B, T, C = x.shape
        q = self.query(x).reshape(B, T, self.heads, -1).transpose(1, 2)  # (B, H, T, D)
        k = self.key(x).reshape(B, T, self.heads, -1).transpose(1, 2)  # (B, H, T, D)
        v = self.value(x).reshape(B, T, self.heads, -1).transpose(1, 2)  # (B, H, T, D)
        dropout_p = self.dropout_p if self.training else 0.0
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout_p)  # (B, H, T, D)
        y = y.transpose(1, 2).reshape(B, T, C)  # (B, T, C): the heads side by side
        return self.output(y)  # (B, T, C)


class Layer(nn.Module):
    """Attention, then two linear layers on each token alone; after each, the sum with its input is normed."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.attention = Attention(config)
        self.attention_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.activation = ACTIVATIONS[config.hidden_act]
        self.intermediate = nn.Linear(config.hidden_size, config.intermediate_size)
        self.output = nn.Linear(config.intermediate_size, config.hidden_size)
        self.output_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        x = self.attention_norm(x + self.dropout(self.attention(x, mask)))  # (B, T, C)
        y = self.activation(self.intermediate(x))  # (B, T, I)
        return self.output_norm(x + self.dropout(self.output(y)))  # (B, T, C)


class Bert(nn.Module):
    """The encoder: ids (B, T) -> (B, T, C), with fresh weights from the generator `minigrad.manual_seed` seeds.

    `pooler` says whether it has the layer of `pooled`, which classifiers of whole texts start from.

    >>> import minigrad as mg
    >>> config = BertConfig(vocab_size=10, hidden_size=4, num_hidden_layers=1, num_attention_heads=2)
    >>> Bert(config)(mg.tensor([[1, 2, 3]])).shape
    (1, 3, 4)
    """

    def __init__(self, config: BertConfig, pooler: bool = True) -> None:
        super().__init__()
        self.config = config
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size, padding_idx=config.pad_token_id)
        self.position_embeddings = self.make_positions(config)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, config.hidden_size)
        self.embeddings_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.layers = nn.ModuleList([Layer(config) for _ in range(config.num_hidden_layers)])
        self.pooler = nn.Linear(config.hidden_size, config.hidden_size) if pooler else None
        initialize(self, lambda _, matrix: nn.init.normal_(matrix, std=config.initializer_range))

    def make_positions(self, config: BertConfig) -> nn.Embedding:
        """The table of positions."""
        return nn.Embedding(config.max_position_embeddings, config.hidden_size)

    def positions(self, ids: Tensor) -> Tensor:
        """Where each token stands: (T,), or (B, T) if that depends on the sequence."""
        T = ids.shape[1]
        longest = self.config.max_position_embeddings
        if longest < T:
            raise ValueError(
                f"Bert reads at most max_position_embeddings = {longest} tokens, got {T}; shorten the text"
            )
        return Tensor(np.arange(T, like=ids.data))

    def forward(
        self, ids: Tensor, attention_mask: Tensor | None = None, token_type_ids: Tensor | None = None
    ) -> Tensor:
        """What the encoder makes of every token: ids (B, T) -> (B, T, C).

        Args:
            ids: the tokens.
            attention_mask: (B, T), 0 for padding; None: there is none.
            token_type_ids: (B, T), 0 for the first text, 1 for the second; None: all 0.

        Raises ShapeError for ids that are not (B, T), IndexError for one outside the vocabulary, ValueError for more
        tokens than there are positions and for a sequence that is all padding.
        """
        B, T = check_ids(type(self).__name__, ids)
        mask = padding_mask(attention_mask, B, T)
        x = self.word_embeddings(ids)  # (B, T, C)
        if token_type_ids is None:
            x = x + self.token_type_embeddings.weight[0]  # (B, T, C)
        else:
            x = x + self.token_type_embeddings(token_type_ids)  # (B, T, C)
        x = x + self.position_embeddings(self.positions(ids))  # (B, T, C)
        x = self.dropout(self.embeddings_norm(x))  # (B, T, C)
        for layer in self.layers:
            x = layer(x, mask)  # (B, T, C)
        return x  # (B, T, C)

    def pooled(self, x: Tensor) -> Tensor:
        """One vector for a whole text, from its first token: (B, T, C) -> (B, C)."""
        assert self.pooler is not None
        return tanh(self.pooler(x[:, 0]))  # (B, C)


class MaskedHead(nn.Module):
    """Logits of the token at every place: (B, T, C) -> (B, T, V), with the word embeddings as the last matrix."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.activation = ACTIVATIONS[config.hidden_act]
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.bias = nn.Parameter(np.zeros(config.vocab_size, np.float32))

    def forward(self, x: Tensor, words: Tensor) -> Tensor:
        x = self.norm(self.activation(self.dense(x)))  # (B, T, C)
        return F.linear(x, words, self.bias)  # (B, T, V)


class WithHead(nn.Module):
    """What the models below share: the encoder, and what goes into it."""

    pooler = False  # whether the encoder has the layer of `pooled`
    trunk: type[Bert] = Bert

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.config = config
        self.bert = self.trunk(config, pooler=self.pooler)
        self.make_head(config)
        initialize(self, lambda _, matrix: nn.init.normal_(matrix, std=config.initializer_range))

    def make_head(self, config: BertConfig) -> None:
        """Make the layers of the head."""
        raise NotImplementedError

    def answer(self, x: Tensor) -> Any:
        """What the head makes of the encoder's output (B, T, C)."""
        raise NotImplementedError

    def forward(self, ids: Tensor, attention_mask: Tensor | None = None, token_type_ids: Tensor | None = None) -> Any:
        """The head's answer; the arguments are those of `Bert.forward`."""
        return self.answer(self.bert(ids, attention_mask, token_type_ids))


class WithLabels(WithHead):
    """A head whose answer is a label for each token, or for each text."""

    def loss(
        self, ids: Tensor, labels: Tensor, attention_mask: Tensor | None = None, token_type_ids: Tensor | None = None
    ) -> Tensor:
        """The mean cross-entropy of `labels`, one for each logit's token or text; -100 counts for nothing."""
        return _cross_entropy(self(ids, attention_mask, token_type_ids), labels)


class BertForMaskedLM(WithLabels):
    """Which token stands at every place, the masked ones above all: ids (B, T) -> logits (B, T, V)."""

    def make_head(self, config: BertConfig) -> None:
        self.head = MaskedHead(config)

    def answer(self, x: Tensor) -> Tensor:
        return self.head(x, self.bert.word_embeddings.weight)  # (B, T, V)


class BertForPreTraining(WithHead):
    """Masked tokens, and whether the second text follows the first: ids (B, T) -> logits (B, T, V) and (B, 2)."""

    pooler = True

    def make_head(self, config: BertConfig) -> None:
        self.head = MaskedHead(config)
        self.next = nn.Linear(config.hidden_size, 2)

    def answer(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.head(x, self.bert.word_embeddings.weight), self.next(self.bert.pooled(x))

    def loss(
        self,
        ids: Tensor,
        labels: Tensor,
        next_sentence_label: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
    ) -> Tensor:
        """The sum of both mean cross-entropies; `next_sentence_label` (B,) is 0 where the second text is the next."""
        tokens, following = self(ids, attention_mask, token_type_ids)
        return _cross_entropy(tokens, labels) + _cross_entropy(following, next_sentence_label)


class BertForNextSentencePrediction(WithLabels):
    """Whether the second text follows the first: ids (B, T) -> logits (B, 2); 0 is that it does."""

    pooler = True

    def make_head(self, config: BertConfig) -> None:
        self.next = nn.Linear(config.hidden_size, 2)

    def answer(self, x: Tensor) -> Tensor:
        return self.next(self.bert.pooled(x))  # (B, 2)


class BertForSequenceClassification(WithLabels):
    """A class for every text: ids (B, T) -> logits (B, N); with one label, a number for every text."""

    pooler = True

    def make_head(self, config: BertConfig) -> None:
        self.head_dropout = nn.Dropout(config.head_dropout)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)

    def answer(self, x: Tensor) -> Tensor:
        return self.classifier(self.head_dropout(self.bert.pooled(x)))  # (B, N)

    def loss(
        self, ids: Tensor, labels: Tensor, attention_mask: Tensor | None = None, token_type_ids: Tensor | None = None
    ) -> Tensor:
        """The mean cross-entropy of `labels` (B,); with one label, the mean squared error of the numbers `labels`."""
        logits = self(ids, attention_mask, token_type_ids)  # (B, N)
        if self.config.num_labels == 1:
            return F.mse_loss(logits.reshape(-1), labels.reshape(-1).to(logits.dtype))
        return _cross_entropy(logits, labels)


class BertForTokenClassification(WithLabels):
    """A class for every token: ids (B, T) -> logits (B, T, N)."""

    def make_head(self, config: BertConfig) -> None:
        self.head_dropout = nn.Dropout(config.head_dropout)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)

    def answer(self, x: Tensor) -> Tensor:
        return self.classifier(self.head_dropout(x))  # (B, T, N)


class BertForQuestionAnswering(WithHead):
    """Where the answer begins and ends: ids (B, T) -> logits (B, T) of the first token and (B, T) of the last."""

    def make_head(self, config: BertConfig) -> None:
        self.spans = nn.Linear(config.hidden_size, 2)

    def answer(self, x: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.spans(x)  # (B, T, 2)
        return logits[..., 0], logits[..., 1]

    def loss(
        self,
        ids: Tensor,
        start_positions: Tensor,
        end_positions: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
    ) -> Tensor:
        """The mean of both cross-entropies, of places (B,); one past the last token (cut off) counts for nothing."""
        T = ids.shape[1]
        starts, ends = self(ids, attention_mask, token_type_ids)
        places = [np.where(each.data >= T, -100, each.data) for each in (start_positions, end_positions)]
        return (F.cross_entropy(starts, Tensor(places[0])) + F.cross_entropy(ends, Tensor(places[1]))) / 2


def _cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(logits.reshape(-1, logits.shape[-1]), labels.reshape(-1))
