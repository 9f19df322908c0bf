"""Exchange with Hugging Face: models, tokenizers and settings from its folders, and to them.

A family is an entry of `families.py` and its table of names in `tables.py`.
"""

from .download import download, find
from .folders import Pretrained, load_pretrained, save_pretrained

__all__ = ["Pretrained", "download", "find", "load_pretrained", "save_pretrained"]
