"""Greedy text from a GPT, one sequence, with a cache of keys and values: minigrad beside `transformers` on PyTorch.

    python -m benchmarks.generation [--sizes tiny gpt2] [--tokens 64] [--rounds 5]

The same random weights on both sides, so the same tokens must come out. The limit is the time it takes to read the
weights once for each token, at the speed a matrix times a vector reaches here.
"""

from __future__ import annotations

import argparse
import statistics
import time
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.gpt import SIZES, weights
from benchmarks.side_by_side import Worker, machine

# mypy: disable-error-code="import-not-found, import-untyped, no-untyped-call"
PROMPT = [1, 5, 9, 2]


class Minigrad:
    """`lm.generation.generate`."""

    def __init__(self, size: str) -> None:
        import minigrad as mg
        from lm.models.gpt2 import GPT2, GPT2Config
        from minigrad.backends.numpy import keep_freed_memory

        keep_freed_memory()
        s = SIZES[size]
        self.model = GPT2(GPT2Config(s.vocabulary, s.context, s.channels, s.layers, s.heads))
        self.model.load_state_dict({name: mg.from_numpy(array) for name, array in weights(s).items()})

    def run(self, count: int) -> list[int]:
        from lm.generation import generate

        return list(generate(self.model, PROMPT, count, greedy=True))


class Transformers:
    """`GPT2LMHeadModel.generate`."""

    def __init__(self, size: str) -> None:
        import torch
        from transformers import GPT2Config, GPT2LMHeadModel

        s = SIZES[size]
        config = GPT2Config(
            vocab_size=s.vocabulary, n_positions=s.context, n_embd=s.channels, n_layer=s.layers, n_head=s.heads,
            bos_token_id=None, eos_token_id=None, pad_token_id=0,
        )  # fmt: skip
        self.torch, self.model = torch, GPT2LMHeadModel(config).eval()
        theirs = self.model.state_dict()
        for name, array in weights(s).items():
            conv = name.startswith("h.") and name.endswith("weight") and "ln_" not in name  # stored (in, out) there
            theirs[f"transformer.{name}"].copy_(torch.from_numpy(array.T.copy() if conv else array))

    def run(self, count: int) -> list[int]:
        with self.torch.no_grad():
            ids = self.torch.tensor([PROMPT])
            length = {"max_new_tokens": count, "min_new_tokens": count}
            out = self.model.generate(ids, attention_mask=self.torch.ones_like(ids), do_sample=False, **length)
        return [int(token) for token in out[0, len(PROMPT) :]]


class Reading:
    """The weights that a token is computed with, each read once, as matrices times vectors."""

    def __init__(self, size: str) -> None:
        self.products = [
            (array, np.ones(array.shape[1], np.float32), np.empty(array.shape[0], np.float32))
            for name, array in weights(SIZES[size]).items() if array.ndim == 2 and name != "wpe.weight"
        ]  # fmt: skip

    def run(self, count: int) -> None:
        for _ in range(count):
            for matrix, vector, out in self.products:
                np.matmul(matrix, vector, out=out)


PEERS: dict[str, tuple[type[Any], str]] = {
    "minigrad": (Minigrad, "numpy"), "transformers": (Transformers, "transformers"), "reading": (Reading, "numpy"),
}  # fmt: skip


def measure(size: str, tokens: int, rounds: int) -> dict[str, tuple[list[float], Any]]:
    """Of every peer: tokens per second in each round, and the tokens."""
    names = [name for name, (_, package) in PEERS.items() if find_spec(package)]
    workers = {name: Worker(f"benchmarks.generation:{PEERS[name][0].__name__}", size=size) for name in names}
    speeds: dict[str, list[float]] = {name: [] for name in names}
    try:
        texts = {name: worker.call("run", min(tokens, 8))[0] for name, worker in workers.items()}
        for _ in range(rounds):
            for name in names:
                texts[name], seconds = workers[name].call("run", tokens)
                speeds[name].append(tokens / seconds)
    finally:
        for worker in workers.values():
            worker.close()
    return {name: (speeds[name], texts[name]) for name in names}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=["tiny", "gpt2"])
    parser.add_argument("--tokens", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    print(f"{machine()}, {time.strftime('%Y-%m-%d')}")
    for size in options.sizes:
        found = measure(size, options.tokens, options.rounds)
        print(f"\n{size}\n\n| | tokens/s, median | fastest | minigrad / it, median | fastest | same tokens |")
        print("|---|---|---|---|---|---|")
        ours, text = found["minigrad"]
        for name, (speeds, theirs) in found.items():
            median, fastest = statistics.median(speeds), max(speeds)
            same = "" if theirs is None else "yes" if theirs == text else "NO"
            print(
                f"| {name} | {median:.1f} | {fastest:.1f} | {statistics.median(ours) / median:.2f} "
                f"| {max(ours) / fastest:.2f} | {same} |"
            )


if __name__ == "__main__":
    main()
