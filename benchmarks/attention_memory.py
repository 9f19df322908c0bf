"""What attention needs in memory for a token, as contexts grow and the number of tokens stays.

    python -m benchmarks.attention_memory [--tokens 4096]

Forward and backward of causal attention over 4 heads of 32 channels; the most that was allocated at a time, beside
queries, keys, values and the gradient that comes in. The same without kernels, whose scores exist as a whole.
"""

from __future__ import annotations

import argparse
import tracemalloc

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from benchmarks.side_by_side import machine

CONTEXTS = 64, 128, 256, 512, 1024, 2048
HEADS, WIDTH = 4, 32


def bytes_per_token(context: int, tokens: int, mode: str = "force") -> float:
    """The peak of a forward and a backward, in bytes for each token."""
    rng = np.random.default_rng(0)
    shape = tokens // context, HEADS, context, WIDTH
    q, k, v = (mg.tensor(rng.standard_normal(shape, np.float32), requires_grad=True) for _ in range(3))
    g = mg.tensor(rng.standard_normal(shape, np.float32))
    with mg.kernels.mode(mode):
        tracemalloc.start()
        try:
            F.scaled_dot_product_attention(q, k, v, is_causal=True).backward(g)
            return tracemalloc.get_traced_memory()[1] / tokens
        finally:
            tracemalloc.stop()


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=4096)
    tokens = parser.parse_args(arguments).tokens
    print(f"{machine()}\n\n| context | bytes per token | without kernels |\n|---|---|---|")
    for context in CONTEXTS:
        ours, plain = (bytes_per_token(context, tokens, mode) for mode in ("force", "off"))
        print(f"| {context} | {ours:,.0f} | {plain:,.0f} |")


if __name__ == "__main__":
    main()
