"""A character GPT on tinyshakespeare: ours and the same model on PyTorch, side by side.

    python -m benchmarks.shakespeare --data PATH [--steps 2000] [--seeds 0 1 2]

nanoGPT's CPU recipe (`configs/shakespeare-char-cpu.yaml`): 4 layers, 4 heads, 128 channels, context 64, batch 12, no
dropout, no biases, AdamW with betas 0.9/0.99 and weight decay 0.1 on matrices, learning rate 1e-3 with 100 warm-up
steps and a cosine to 1e-4, clip 1.0. Both see the same batches and are scored on the whole last tenth of the text, in
windows of 64 that do not overlap. Needs `torch`. Each peer runs in its own process; they take turns, 50 steps each.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.side_by_side import Worker, in_turns, machine, median

LAYERS, HEADS, CHANNELS, CONTEXT, BATCH = 4, 4, 128, 64, 12
PEAK, FLOOR, WARMUP = 1e-3, 1e-4, 100


class Text:
    """The text as ids, in two parts, and the batches of both."""

    def __init__(self, path: str, seed: int) -> None:
        text = Path(path).read_text(encoding="utf-8")
        alphabet = sorted(set(text))
        ids = np.array([alphabet.index(character) for character in text], np.int64)
        cut = len(ids) * 9 // 10
        self.train, self.val, self.vocabulary = ids[:cut], ids[cut:], len(alphabet)
        self._rng = np.random.default_rng(seed)

    def batch(self) -> tuple[Any, Any]:
        starts = self._rng.integers(0, len(self.train) - CONTEXT, BATCH)
        windows = self.train[starts[:, None] + np.arange(CONTEXT + 1)]
        return windows[:, :-1], windows[:, 1:]

    def validation(self) -> tuple[Any, Any]:
        count = (len(self.val) - 1) // CONTEXT
        used = self.val[: count * CONTEXT + 1]
        return used[:-1].reshape(count, CONTEXT), used[1:].reshape(count, CONTEXT)


def learning_rate(step: int, steps: int) -> float:
    if step < WARMUP:
        return PEAK * (step + 1) / (WARMUP + 1)
    progress = (step - WARMUP) / max(1, steps - WARMUP)
    return FLOOR + 0.5 * (1 + math.cos(math.pi * progress)) * (PEAK - FLOOR)


class Minigrad:
    """Our GPT-2, the batch shared by a process for each core, as `training.processes` of the configuration says."""

    def __init__(self, data: str, seed: int, steps: int) -> None:
        import minigrad as mg
        from lm.models.gpt2 import GPT2, GPT2Config
        from lm.models.loss import Loss
        from minigrad.backends.numpy import keep_freed_memory

        keep_freed_memory()
        mg.manual_seed(seed)
        self.mg, self.text, self.steps, self.done = mg, Text(data, seed), steps, 0
        self.model = GPT2(
            GPT2Config(
                vocab_size=self.text.vocabulary, n_positions=CONTEXT, n_embd=CHANNELS, n_layer=LAYERS, n_head=HEADS,
                embd_pdrop=0.0, attn_pdrop=0.0, resid_pdrop=0.0, bias=False,
            )
        )  # fmt: skip
        self.losses = mg.nn.DataParallel(Loss(self.model))
        parameters = list(self.model.parameters())
        groups = [
            {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": 0.1},
            {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
        ]
        self.parameters, self.optimizer = parameters, mg.optim.AdamW(groups, lr=PEAK, betas=(0.9, 0.99))

    def run(self, count: int) -> None:
        for _ in range(count):
            for group in self.optimizer.param_groups:
                group["lr"] = learning_rate(self.done, self.steps)
            ids, targets = self.text.batch()
            self.losses(self.mg.from_numpy(ids), self.mg.from_numpy(targets)).mean().backward()
            self.mg.optim.clip_grad_norm_(self.parameters, 1.0)
            self.optimizer.step()
            self.optimizer.zero_grad()
            self.done += 1

    def loss(self) -> float:
        ids, targets = self.text.validation()
        with self.mg.no_grad():
            losses = [
                self.model.loss(self.mg.from_numpy(ids[i : i + 64]), self.mg.from_numpy(targets[i : i + 64])).item()
                * len(ids[i : i + 64])
                for i in range(0, len(ids), 64)
            ]
        return sum(losses) / len(ids)


class PyTorch:
    """The same model, written plainly in PyTorch and run eagerly."""

    def __init__(self, data: str, seed: int, steps: int) -> None:
        import torch

        torch.manual_seed(seed)
        self.torch, self.text, self.steps, self.done = torch, Text(data, seed), steps, 0

        def normal(*shape: int, std: float = 0.02) -> Any:
            return torch.nn.Parameter(torch.randn(*shape) * std)

        def ones() -> Any:
            return torch.nn.Parameter(torch.ones(CHANNELS))

        small = 0.02 / math.sqrt(2 * LAYERS)
        self.tokens, self.positions = normal(self.text.vocabulary, CHANNELS), normal(CONTEXT, CHANNELS)
        self.layers = [
            (ones(), normal(3 * CHANNELS, CHANNELS), normal(CHANNELS, CHANNELS, std=small),
             ones(), normal(4 * CHANNELS, CHANNELS), normal(CHANNELS, 4 * CHANNELS, std=small))
            for _ in range(LAYERS)
        ]  # fmt: skip
        self.norm = ones()
        self.parameters = [self.tokens, self.positions, *(p for layer in self.layers for p in layer), self.norm]
        groups = [
            {"params": [p for p in self.parameters if p.ndim >= 2], "weight_decay": 0.1},
            {"params": [p for p in self.parameters if p.ndim < 2], "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=PEAK, betas=(0.9, 0.99))

    def _loss(self, ids: Any, targets: Any) -> Any:
        F = self.torch.nn.functional
        shape = (CHANNELS,)
        batch, length = ids.shape
        x = self.tokens[ids] + self.positions[:length]
        for norm_1, qkv, project, norm_2, widen, narrow in self.layers:
            heads = F.linear(F.layer_norm(x, shape, norm_1), qkv).split(CHANNELS, 2)
            q, k, v = (h.view(batch, length, HEADS, CHANNELS // HEADS).transpose(1, 2) for h in heads)
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(x.shape)
            x = x + F.linear(y, project)
            x = x + F.linear(F.gelu(F.linear(F.layer_norm(x, shape, norm_2), widen), approximate="tanh"), narrow)
        logits = F.linear(F.layer_norm(x, shape, self.norm), self.tokens)
        return F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.reshape(-1))

    def run(self, count: int) -> None:
        from_numpy = self.torch.from_numpy
        for _ in range(count):
            for group in self.optimizer.param_groups:
                group["lr"] = learning_rate(self.done, self.steps)
            ids, targets = self.text.batch()
            self._loss(from_numpy(ids), from_numpy(targets)).backward()
            self.torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
            self.done += 1

    def loss(self) -> float:
        ids, targets = map(self.torch.from_numpy, self.text.validation())
        with self.torch.no_grad():
            losses = [
                self._loss(ids[i : i + 64], targets[i : i + 64]).item() * len(ids[i : i + 64])
                for i in range(0, len(ids), 64)
            ]
        return sum(losses) / len(ids)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="the text")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments = parser.parse_args()
    print(machine())
    print(f"{'seed':>4}  {'peer':<10} {'untrained':>9} {'val loss':>9} {'ms/step':>8} {'fastest':>8} {'tokens/s':>9}")
    ratios, losses = [], []
    for seed in arguments.seeds:
        peers = {name: f"benchmarks.shakespeare:{name}" for name in ("Minigrad", "PyTorch")}
        settings = {"data": arguments.data, "seed": seed, "steps": arguments.steps}
        workers = {name: Worker(peer, **settings) for name, peer in peers.items()}
        untrained = {name: worker.call("loss")[0] for name, worker in workers.items()}
        seconds = in_turns(list(workers.values()), arguments.steps, 50)
        for name, worker in workers.items():
            step, loss = median(seconds[worker.peer]), worker.call("loss")[0]
            print(
                f"{seed:>4}  {name:<10} {untrained[name]:9.3f} {loss:9.4f} {1e3 * step:8.1f} "
                f"{1e3 * min(seconds[worker.peer]):8.1f} {BATCH * CONTEXT / step:9.0f}",
                flush=True,
            )
            if name == "Minigrad":
                losses.append(loss)
            worker.close()
        ratios.append(median(seconds[peers["PyTorch"]]) / median(seconds[peers["Minigrad"]]))
    print(f"median validation loss of ours {median(losses):.4f}; throughput ours / PyTorch {median(ratios):.2f}")


if __name__ == "__main__":
    main()
