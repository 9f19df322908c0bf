"""The tokenizer of a folder: tokenizer.json and tokenizer_config.json, or the older files of its family.

The formats are `lm.tokenizer`'s; here is what stands beside them for transformers. A tokenizer that Hugging Face has
no format for is kept in a file of our own.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lm.generation.settings import GenerationConfig
from lm.tokenizer import CharacterTokenizer, load_tokenizer, save_tokenizer

from .json_files import write_json

THEIRS, SETTINGS, OURS = "tokenizer.json", "tokenizer_config.json", "tokenizer.minigrad.json"
OLDER = ("vocab.json", "vocab.txt")


def read_tokenizer(folder: Path) -> Any:
    """The tokenizer in a folder; None where there is none, and, with a warning, where its kind is not known here."""
    if (folder / OURS).exists():
        return load_tokenizer(folder / OURS)
    if not any((folder / name).exists() for name in (THEIRS, *OLDER)) and not [*folder.glob("*.tiktoken")]:
        return None
    try:
        return load_tokenizer(folder)
    except ValueError as error:
        warnings.warn(f"the tokenizer is left out: {error}", stacklevel=3)
        return None


def write_tokenizer(
    tokenizer: Any,
    folder: Path,
    special_tokens: Mapping[str, str],
    settings: GenerationConfig,
    context_length: int | None,
) -> None:
    """Write a tokenizer for transformers to read, which is told what its special tokens are for.

    `special_tokens` are those of its family, by transformers' names for them; `settings` have the last word.
    """
    if isinstance(tokenizer, CharacterTokenizer):
        warnings.warn(f"Hugging Face has no format for a character tokenizer: it is in {OURS}", stacklevel=3)
        save_tokenizer(tokenizer, folder / OURS)
        return
    save_tokenizer(tokenizer, folder / THEIRS, format="huggingface")
    spelled: dict[str, Any] = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False}
    if context_length is not None:
        spelled["model_max_length"] = context_length
    spelled |= {use: spelling for use, spelling in special_tokens.items() if spelling in tokenizer.special_tokens}
    ends = settings.ends
    for name, id in (
        ("bos_token", settings.bos_token_id),
        ("eos_token", ends[0] if ends else None),
        ("pad_token", settings.pad_token_id),
    ):
        if id is not None and id < tokenizer.vocab_size:
            spelled[name] = tokenizer.decode([id])
    write_json(folder / SETTINGS, spelled)


__all__ = ["read_tokenizer", "write_tokenizer"]
