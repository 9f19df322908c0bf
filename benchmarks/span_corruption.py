"""A T5 that fills gaps beside a decoder that goes on with a text: nats for each byte of the same gaps.

    lm train --config configs/t5-tiny-span.yaml --out T5
    lm train --out GPT
    python -m benchmarks.span_corruption T5 GPT

Both runs are of the same text; the gaps are those of the T5's held-out texts. The T5 sees what stands before and after
a gap, and must also say where it ends; the decoder sees the text before it, half a context at least, and is told
nothing of gaps. A token's nats are shared among its bytes, since the two have tokens of their own.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lm.data.spans import corrupt
from lm.training.loop import load_best
from lm.training.run import Run, open_run
from minigrad import Tensor, no_grad
from minigrad.ops.random import Key

Floats = NDArray[np.float64]


def nats(logits: NDArray[np.generic], labels: NDArray[np.int64]) -> Floats:
    """-log of the probability of each label: logits (B, T, V), labels (B, T) -> (B, T)."""
    x = logits.astype(np.float64)
    x -= x.max(-1, keepdims=True)
    right: Floats = np.take_along_axis(x, labels[..., None], -1)[..., 0]
    return np.log(np.exp(x).sum(-1)) - right


def byte_lengths(run: Run, ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many bytes each token stands for."""
    table = np.array([len(run.tokenizer.decode_bytes([id])) for id in range(run.tokenizer.vocab_size)])
    return table[ids]


@no_grad()
def of_every_byte(run: Run) -> Floats:
    """The decoder's nats for each byte of the held-out text, after half a context or more; nan at the start."""
    model, _ = load_best(run)
    tokens = run.corpus.val.tokens
    ids = tokens.window(0, len(tokens))
    context = model.context_length
    of_token = np.full(len(ids), np.nan)
    for start in range(0, len(ids) - context, context // 2):
        window = ids[start : start + context + 1]
        said = nats(model(Tensor(window[None, :-1])).numpy(), window[None, 1:])[0]  # (context,)
        fresh = slice(start + context // 2 + 1, start + context + 1)
        of_token[fresh] = said[context // 2 :]
    lengths = byte_lengths(run, ids)
    return np.repeat(of_token / np.maximum(lengths, 1), lengths)


@no_grad()
def compare(t5: Run, gpt: Run, texts: int, batch_size: int = 32) -> dict[str, float]:
    """Nats for each byte of the gaps: the T5's words alone, the T5 with the ends of gaps, and the decoder."""
    model, _ = load_best(t5)
    task: Any = t5.task
    cut, tokens = task.corruption, t5.corpus.val.tokens
    ids = tokens.window(0, len(tokens))
    lengths = byte_lengths(t5, ids)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    decoder = of_every_byte(gpt)
    assert len(decoder) == offsets[-1], "the two runs are not of the same text"
    total = dict.fromkeys(("bytes", "words", "all", "decoder"), 0.0)
    first, end = task.special_id("span 0"), task.special_id("end")
    for number in range(0, texts, batch_size):
        rows, bytes_cut = [], []
        for each in range(number, number + batch_size):
            rng = Key(t5.config.seed, "gaps", each).numpy()
            start = int(rng.integers(len(ids) - cut.raw_length))
            gaps = cut.mask(rng)
            rows.append(corrupt(ids[start : start + cut.raw_length], gaps, first, end))
            places = start + np.flatnonzero(gaps)
            bytes_cut.append(np.concatenate([np.arange(offsets[place], offsets[place + 1]) for place in places]))
        read, labels = (np.stack(part) for part in zip(*rows))
        said = nats(model(Tensor(read), model.shift_right(Tensor(labels))).numpy(), labels)  # (B, T)
        words = (labels != end) & ((labels > first) | (labels <= first - cut.spans))
        for row, places in enumerate(bytes_cut):
            if np.isnan(decoder[places]).any():  # too near the start of the text
                continue
            total["bytes"] += len(places)
            total["words"] += said[row, words[row]].sum()
            total["all"] += said[row].sum()
            total["decoder"] += decoder[places].sum()
    return {name: value / total["bytes"] for name, value in total.items() if name != "bytes"}


def main() -> None:
    parser = argparse.ArgumentParser(description="a T5 beside a decoder, on the gaps of a text")
    parser.add_argument("t5", type=Path)
    parser.add_argument("gpt", type=Path)
    parser.add_argument("--texts", type=int, default=640)
    args = parser.parse_args()
    t5, gpt = open_run(args.t5), open_run(args.gpt)
    found = compare(t5, gpt, args.texts)
    print(f"nats for each byte of what was cut out, {args.texts} texts")
    print(f"  T5, the words of the gaps              {found['words']:.3f}")
    print(f"  T5, and where each gap ends            {found['all']:.3f}")
    print(f"  {gpt.config.model.family}, the same bytes from those before  {found['decoder']:.3f}")
    overall = gpt.corpus.val.bits_per_byte(gpt.task.evaluate(load_best(gpt)[0]) or 0.0) * np.log(2)
    print(f"  {gpt.config.model.family}, all of the held-out text          {overall:.3f}")


if __name__ == "__main__":
    main()
