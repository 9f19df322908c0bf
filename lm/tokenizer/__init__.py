"""Tokenizers: text to ids and back. `CharacterTokenizer`, and byte-level BPE with `BPETokenizer` and `train_bpe`.

The names below are loaded when first asked for, so that importing this package stays free.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lm.tokenizer.bpe import BPETokenizer
    from lm.tokenizer.character import CharacterTokenizer
    from lm.tokenizer.files import load_tokenizer, save_tokenizer
    from lm.tokenizer.protocol import Tokenizer
    from lm.tokenizer.training import train_bpe
    from lm.tokenizer.word import WordTokenizer, train_words

__all__ = [
    "BPETokenizer", "CharacterTokenizer", "Tokenizer", "WordTokenizer", "load_tokenizer", "save_tokenizer", "train_bpe",
    "train_words",
]  # fmt: skip

_HOMES = {
    "BPETokenizer": "bpe",
    "CharacterTokenizer": "character",
    "Tokenizer": "protocol",
    "WordTokenizer": "word",
    "load_tokenizer": "files",
    "save_tokenizer": "files",
    "train_bpe": "training",
    "train_words": "word",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(globals().keys() | _HOMES.keys())
