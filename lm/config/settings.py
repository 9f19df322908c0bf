"""What a run is made of, as dataclasses: their defaults are `configs/default.yaml`.

Only what a run can be told lives here. How it is read is in `sources.py`; what is done with it is in `lm/data`,
`lm/models` and `lm/training`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from lm.models import GPT2Config

SMALLEST_BPE_VOCABULARY = 257  # every byte, and the end of a text

TOKENIZERS = {  # the kinds each family can do with; masks and sentinels are special tokens, which BPE alone has
    "gpt2": ("bpe", "character"), "llama": ("bpe", "character"), "bert": ("bpe",), "roberta": ("bpe",), "t5": ("bpe",),
    "transformer": ("character",), "word2vec": ("word",), "glove": ("word",),
}  # fmt: skip
WORD_VECTORS = [family for family, kinds in TOKENIZERS.items() if kinds == ("word",)]


class ConfigError(ValueError):
    """A setting is unknown, of the wrong type, or out of range; the message names it, and the file it stands in."""


def _require(condition: bool, key: str, value: object, rule: str) -> None:
    if not condition:
        raise ConfigError(f"{key} must be {rule}, got {value!r}")


def check_seed(seed: int) -> None:
    """Raise ConfigError for what is no seed."""
    _require(0 <= seed < 1 << 63, "seed", seed, "0 or more, and below 2**63")


@dataclass(frozen=True)
class TokenizerConfig:
    """How text becomes tokens.

    Args:
        kind: "bpe", learnt from the training text, "character", the distinct characters of the whole text, or "word",
            for word vectors.
        vocab_size: how many tokens BPE learns, 256 bytes and special tokens included; always null for "character",
            where the text decides, and for "word" null or how many words at most.
        min_count: how often a word must occur to have a token of its own; without meaning but for "word".
        path: a tokenizer file (`lm tok train` writes one) to use instead of learning one.
    """

    kind: Literal["bpe", "character", "word"] = "bpe"
    vocab_size: int | None = 2048
    min_count: int = 5
    path: str | None = None

    def __post_init__(self) -> None:
        size = self.vocab_size
        if self.path is None and self.kind == "bpe":
            rule = f"at least {SMALLEST_BPE_VOCABULARY} (256 bytes and the end of text)"
            _require(size is not None and size >= SMALLEST_BPE_VOCABULARY, "tokenizer.vocab_size", size, rule)
        _require(self.min_count >= 1, "tokenizer.min_count", self.min_count, "at least 1")
        if self.kind == "character":
            object.__setattr__(self, "vocab_size", None)  # `--tokenizer.kind character` says enough


@dataclass(frozen=True)
class ModelConfig:
    """The model to train, in GPT-2's names whatever its family; its vocabulary is the tokenizer's.

    Args:
        family: what is trained, and with it on what: "gpt2" and "llama" on the next token, "bert" and "roberta" on
            masked tokens, "t5" on spans that were cut out, "transformer" on saying lines backwards, "word2vec" and
            "glove", which have no layers, on words near one another.
        n_positions: tokens the model reads at once, its context.
        n_embd: channels.
        n_layer: blocks, of an encoder and of a decoder each where there are two.
        n_head: attention heads per block.
        n_kv_head: key and value heads per block, for "llama" alone; null: as many as n_head.
        dropout: probability, of the embeddings, the attention weights and what each sublayer adds.
        bias: whether linear layers and layer norms have biases, for "gpt2" alone: the others always or never have.
    """

    family: str = "gpt2"
    n_positions: int = 128
    n_embd: int = 128
    n_layer: int = 4
    n_head: int = 4
    n_kv_head: int | None = None
    dropout: float = 0.0
    bias: bool = False

    def __post_init__(self) -> None:
        known = isinstance(self.family, str) and self.family in TOKENIZERS
        _require(known, "model.family", self.family, f"one of {', '.join(TOKENIZERS)}")
        for name in ("n_positions", "n_embd", "n_layer", "n_head"):
            _require(getattr(self, name) >= 1, f"model.{name}", getattr(self, name), "at least 1")
        rule = f"divisible by model.n_head = {self.n_head}"
        _require(self.family in WORD_VECTORS or self.n_embd % self.n_head == 0, "model.n_embd", self.n_embd, rule)
        _require(0 <= self.dropout < 1, "model.dropout", self.dropout, "in [0, 1)")
        shared = self.n_kv_head
        if shared is not None:
            _require(self.family == "llama", "model.n_kv_head", shared, f"null for a {self.family}")
            rule = f"a divisor of model.n_head = {self.n_head}"
            _require(shared >= 1 and self.n_head % shared == 0, "model.n_kv_head", shared, rule)

    def gpt2(self, vocab_size: int) -> GPT2Config:
        """The model's own configuration."""
        from lm.models import GPT2Config

        return GPT2Config(
            vocab_size=vocab_size,
            n_positions=self.n_positions,
            n_embd=self.n_embd,
            n_layer=self.n_layer,
            n_head=self.n_head,
            embd_pdrop=self.dropout,
            attn_pdrop=self.dropout,
            resid_pdrop=self.dropout,
            bias=self.bias,
        )


@dataclass(frozen=True)
class ObjectiveConfig:
    """What is hidden from the families that fill gaps: "bert" and "roberta" (masked tokens), "t5" (spans).

    Args:
        probability: the share of the tokens that is hidden.
        masking: whether a text has other masks each time it is seen, "dynamic", or one of ten, "static".
        whole_words: whether the tokens of a word are masked together.
        next_sentence: whether "bert" also learns if two texts follow one another.
        span_length: how many tokens "t5" cuts out at a time, on average.
    """

    probability: float = 0.15
    masking: Literal["dynamic", "static"] = "dynamic"
    whole_words: bool = False
    next_sentence: bool = True
    span_length: float = 3.0

    def __post_init__(self) -> None:
        _require(0 < self.probability < 1, "objective.probability", self.probability, "between 0 and 1")
        _require(self.span_length >= 1, "objective.span_length", self.span_length, "at least 1")


@dataclass(frozen=True)
class EmbeddingsConfig:
    """What word vectors are learnt from, under the names of gensim and of GloVe's program.

    Args:
        window: words to each side that count as near.
        sg: "word2vec": skip-gram; else CBOW.
        hs: "word2vec": hierarchical softmax, with negative 0.
        negative: "word2vec": noise words for each word.
        sample: "word2vec": words of more than this share of the text are left out at random.
        x_max: "glove": the count from which on a pair of words has its full weight.
        alpha: "glove": the power of the count by which it has less below.
    """

    window: int = 5
    sg: bool = False
    hs: bool = False
    negative: int = 5
    sample: float = 1e-3
    x_max: float = 100.0
    alpha: float = 0.75

    def __post_init__(self) -> None:
        _require(self.window >= 1, "embeddings.window", self.window, "at least 1")
        rule = "0 with embeddings.hs, and at least 1 without"
        _require(self.negative == 0 if self.hs else self.negative >= 1, "embeddings.negative", self.negative, rule)
        _require(0 <= self.sample < 1, "embeddings.sample", self.sample, "in [0, 1)")
        for name in ("x_max", "alpha"):
            _require(0 < getattr(self, name) < math.inf, f"embeddings.{name}", getattr(self, name), "positive")


@dataclass(frozen=True)
class OptimizerConfig:
    """How weights move, on gradients clipped by their global norm.

    "word2vec" and "glove" have optimizers of their own, gradient descent and AdaGrad, and take the learning rate alone.

    Args:
        kind: "adamw" (Loshchilov and Hutter, 2019), or "adafactor" (Shazeer and Stern, 2018), T5's own, with which
            large weights take large steps.
        lr: the highest learning rate; Adafactor's is a share of a weight's size.
        betas: decay rates of AdamW's two running means.
        eps: added to the root of AdamW's second mean.
        weight_decay: of matrices; vectors (biases, norms) have none.
        max_norm: gradients are scaled down to this global norm.
    """

    kind: Literal["adamw", "adafactor"] = "adamw"
    lr: float = 3e-3
    betas: tuple[float, float] = (0.9, 0.99)
    eps: float = 1e-8
    weight_decay: float = 0.1
    max_norm: float = 1.0

    def __post_init__(self) -> None:
        _require(0 < self.lr < math.inf, "optimizer.lr", self.lr, "positive")
        _require(all(0 <= beta < 1 for beta in self.betas), "optimizer.betas", self.betas, "two numbers in [0, 1)")
        _require(0 < self.eps < math.inf, "optimizer.eps", self.eps, "positive")
        _require(0 <= self.weight_decay < math.inf, "optimizer.weight_decay", self.weight_decay, "0 or more")
        _require(self.max_norm > 0, "optimizer.max_norm", self.max_norm, "positive (.inf: no clipping)")


@dataclass(frozen=True)
class ScheduleConfig:
    """The learning rate as a function of the step: linear warm-up to `optimizer.lr`, then down to `min_lr`.

    Args:
        kind: how it falls until `max_steps`: "cosine", "linear", or "constant" (it does not).
        warmup_steps: steps of warm-up.
        min_lr: what it falls to; without meaning for "constant".
    """

    kind: Literal["cosine", "linear", "constant"] = "cosine"
    warmup_steps: int = 50
    min_lr: float = 3e-4

    def __post_init__(self) -> None:
        _require(self.warmup_steps >= 0, "schedule.warmup_steps", self.warmup_steps, "0 or more")
        _require(0 <= self.min_lr < math.inf, "schedule.min_lr", self.min_lr, "0 or more")


@dataclass(frozen=True)
class TrainingConfig:
    """The loop.

    Args:
        batch_size: sequences per forward and backward; for "word2vec" words of the text, for "glove" pairs of words.
        accumulation_steps: forwards and backwards per optimizer step; their gradients are averaged.
        processes: how many share a forward and backward, each with its part of the sequences; more than one are faster
            on as many cores of a CPU, and draw other dropout masks. On Linux, on the CPU; elsewhere one does all.
        gradient_checkpointing: whether layers forget what they computed and compute it again in the backward: less
            memory, the same numbers, about a third more time. Without effect for "word2vec" and "glove".
        eval_every: steps between two evaluations on the whole validation split.
        save_every: steps between two checkpoints.
        keep: how many of the newest checkpoints stay, beside the best.
    """

    batch_size: int = 8
    accumulation_steps: int = 1
    processes: int = 1
    gradient_checkpointing: bool = False
    eval_every: int = 100
    save_every: int = 100
    keep: int = 2

    def __post_init__(self) -> None:
        for name in ("batch_size", "accumulation_steps", "processes", "eval_every", "save_every", "keep"):
            _require(getattr(self, name) >= 1, f"training.{name}", getattr(self, name), "at least 1")
        rule = f"a divisor of training.batch_size = {self.batch_size}"
        _require(self.batch_size % self.processes == 0, "training.processes", self.processes, rule)


@dataclass(frozen=True)
class Config:
    """A run.

    Args:
        data: a text file, a folder of text files, or a list of either; null: `pydoc_data.topics`, the language
            reference that comes with Python.
        val_fraction: the share of the text, at its end, that is held out for validation.
        out: the run's folder; null: runs/<name of the config file>, numbered when that is taken.
        seed: of everything drawn: weights, order of the batches, dropout.
        max_steps: optimizer steps.
    """

    data: str | list[str] | None = None
    val_fraction: float = 0.1
    out: str | None = None
    seed: int = 0
    max_steps: int = 1000
    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    embeddings: EmbeddingsConfig = field(default_factory=EmbeddingsConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def __post_init__(self) -> None:
        _require(0 < self.val_fraction < 1, "val_fraction", self.val_fraction, "between 0 and 1")
        check_seed(self.seed)
        _require(self.max_steps >= 1, "max_steps", self.max_steps, "at least 1")
        _require(self.data != [], "data", self.data, "null or name at least one file")
        family, kind = self.model.family, self.tokenizer.kind
        kinds = TOKENIZERS[family]
        if self.tokenizer.path is None:
            _require(kind in kinds, "tokenizer.kind", kind, f"{' or '.join(kinds)} for a {family}")
        if family in WORD_VECTORS:
            for name in ("accumulation_steps", "processes"):
                value = getattr(self.training, name)
                _require(value == 1, f"training.{name}", value, f"1 for {family}")
        if self.schedule.kind != "constant":  # which never falls to it
            rule = f"at most optimizer.lr = {self.optimizer.lr}"
            _require(self.schedule.min_lr <= self.optimizer.lr, "schedule.min_lr", self.schedule.min_lr, rule)
