"""The toy language: every line backwards, and its end."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm.data.translation import backwards


@given(st.lists(st.lists(st.integers(3, 9), min_size=0, max_size=7), min_size=1, max_size=4))
def test_a_batch_asks_for_lines_backwards(lines):
    batch = backwards([np.array(line, np.int64) for line in lines], 8, eos_id=1, pad_id=0)
    for row, line in enumerate(lines):
        n = len(line) + 1
        assert batch["ids"][row].tolist() == [*line, 1, *[0] * (8 - n)]
        assert batch["attention_mask"][row].tolist() == [1] * n + [0] * (8 - n)
        assert batch["labels"][row].tolist() == [*line[::-1], 1, *[-100] * (8 - n)]


def test_a_line_too_long_is_refused():
    with pytest.raises(ValueError, match="a line of 8 tokens and its end do not fit into 8"):
        backwards([np.arange(8)], 8, 1, 0)
