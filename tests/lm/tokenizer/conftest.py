"""What several tokenizer tests use: a small trained tokenizer, and how time grows."""

import json
import time
from pathlib import Path

import pytest

from lm.tokenizer import train_bpe

EXPECTED = json.loads(Path(__file__).with_name("merges_expected.json").read_text())


@pytest.fixture(scope="session")
def tokenizer():
    return train_bpe(EXPECTED["text"], 420, special_tokens=["<|endoftext|>", "<|user|>"], min_frequency=1)


@pytest.fixture
def time_ratio():
    """ratio(work, one, other, bound): processor time of work(other) over work(one), the best of several in turn.

    Stops as soon as the ratio is within the bound that the test puts on it: a disturbed machine costs rounds, not a
    red test, and what truly takes longer stays above it however often it is tried. Growth is told from noise over
    three doublings: linear work takes 8 times as long, quadratic work 64 times.
    """

    def ratio(work, one, other, bound):
        best = {one: float("inf"), other: float("inf")}
        for _ in range(10):
            for size in best:
                start = time.process_time()
                work(size)
                best[size] = min(best[size], time.process_time() - start)
            if best[other] <= bound * best[one]:
                break
        return best[other] / best[one]

    return ratio
