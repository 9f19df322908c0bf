"""A toy language to translate into: every line backwards.

Models of sequence to sequence shift the labels by one themselves, for what their decoder reads.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lm.data.masking import IGNORED

Ints = NDArray[np.int64]


def backwards(lines: list[Ints], length: int, eos_id: int, pad_id: int) -> dict[str, Ints]:
    """A batch that asks for every line backwards: `ids` and `attention_mask` (B, length), `labels` (B, length).

    >>> batch = backwards([np.array([7, 8])], 4, eos_id=1, pad_id=0)
    >>> {name: array[0].tolist() for name, array in batch.items()}
    {'ids': [7, 8, 1, 0], 'attention_mask': [1, 1, 1, 0], 'labels': [8, 7, 1, -100]}
    """
    filled = np.full((len(lines), length), pad_id, np.int64)
    labels = np.full((len(lines), length), IGNORED, np.int64)
    for row, line in enumerate(lines):
        if len(line) >= length:
            raise ValueError(f"a line of {len(line)} tokens and its end do not fit into {length}")
        filled[row, : len(line) + 1] = [*line, eos_id]
        labels[row, : len(line) + 1] = [*line[::-1], eos_id]
    return {
        "ids": filled,
        "attention_mask": (np.arange(length) <= np.array([[len(line)] for line in lines])).astype(np.int64),
        "labels": labels,
    }
