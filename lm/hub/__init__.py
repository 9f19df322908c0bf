"""Exchange with Hugging Face: models, tokenizers and settings from its folders, and to them.

A family is a file of `families/`, with its table of names, and a line in the registry there.
"""

from .download import download, find
from .folders import Pretrained, load_pretrained, save_pretrained

__all__ = ["Pretrained", "download", "find", "load_pretrained", "save_pretrained"]
