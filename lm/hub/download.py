"""Models by their names on the Hugging Face Hub: downloaded, where there is a network, into a folder to load from.

Files are fetched and kept by the package huggingface_hub, which the extra `hub` brings.
"""

from __future__ import annotations

import os
from pathlib import Path

# What is read, and nothing else: no pickles, no code, no weights of other frameworks.
WANTED = ["*.json", "*.safetensors", "merges.txt", "vocab.txt", "*.model", "*.tiktoken"]


def download(name: str, revision: str | None = None, into: str | os.PathLike[str] | None = None) -> Path:
    """The folder with the files of model `name`, such as "openai-community/gpt2", at a branch, tag or commit.

    Args:
        into: a folder to put them in; None: the cache that all programs share.

    Raises ModuleNotFoundError, saying how to install it, without huggingface_hub; ConnectionError where the name is
    not known, or cannot be asked for.
    """
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "to download a model, lm.hub needs huggingface_hub: pip install 'minigrad[hub]'", name="huggingface_hub"
        ) from None
    try:
        folder = snapshot_download(name, revision=revision, local_dir=into, allow_patterns=WANTED)
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ConnectionError(f"{name}: cannot be downloaded from the Hugging Face Hub ({reason})") from error
    return Path(folder)


def find(source: str | os.PathLike[str], revision: str | None = None) -> Path:
    """`source` itself if it is a folder; what it names on the hub if it looks like "owner/name" or "name"."""
    path = Path(source)
    if path.is_dir():
        return path
    if path.is_absolute() or path.exists() or len(path.parts) > 2:
        raise NotADirectoryError(20, "is no folder of a model, and no name of one on the hub", str(source))
    return download(str(source), revision)


__all__ = ["download", "find"]
