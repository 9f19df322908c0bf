"""Language models: a family is one file, the model and the dataclass that configures it; `count.py` says what it costs.

Training is in `lm.training`, text from a model in `lm.generation`, exchange with Hugging Face in `lm.hub`.
"""

from .bert import (
    Bert,
    BertConfig,
    BertForMaskedLM,
    BertForNextSentencePrediction,
    BertForPreTraining,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertForTokenClassification,
)
from .cache import EncoderDecoderCache, KVCache
from .glove import GloVe, GloVeConfig
from .gpt2 import GPT2, GPT2Config
from .llama import Llama, LlamaConfig, Rope
from .qwen2 import Qwen2, Qwen2Config
from .roberta import (
    Roberta,
    RobertaConfig,
    RobertaForMaskedLM,
    RobertaForQuestionAnswering,
    RobertaForSequenceClassification,
    RobertaForTokenClassification,
)
from .t5 import T5, T5Config
from .transformer import Transformer, TransformerConfig
from .word2vec import Word2Vec, Word2VecConfig
from .word_vectors import WordVectors, load_word2vec_format

__all__ = [
    "GPT2", "T5", "Bert", "BertConfig", "BertForMaskedLM", "BertForNextSentencePrediction", "BertForPreTraining",
    "BertForQuestionAnswering", "BertForSequenceClassification", "BertForTokenClassification",
    "EncoderDecoderCache", "GPT2Config", "GloVe", "GloVeConfig", "KVCache", "Llama", "LlamaConfig", "Qwen2",
    "Qwen2Config", "Roberta", "RobertaConfig", "RobertaForMaskedLM", "RobertaForQuestionAnswering",
    "RobertaForSequenceClassification", "RobertaForTokenClassification", "Rope", "T5Config", "Transformer",
    "TransformerConfig", "Word2Vec", "Word2VecConfig", "WordVectors", "load_word2vec_format",
]  # fmt: skip
