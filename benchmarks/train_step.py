"""A train step of a GPT: minigrad beside PyTorch, eager and compiled, JAX, HIPS autograd, and the products alone.

    python -m benchmarks.train_step [--sizes tiny small gpt2] [--peers ...] [--seconds 20] [--json FILE]

Everyone has the same weights, batches and AdamW, in a process of its own, or where it says "shared" in as many as there
are cores; they take turns, so that a machine whose speed drifts is the same for all. The losses of the last steps are
compared: who computes something else is not a peer.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.gpt import BETAS, DECAY, EPS, LEARNING_RATE, MOST, SIZES, Size, batches, decayed, weights
from benchmarks.side_by_side import Worker, forget_peak, machine, peak

# mypy: disable-error-code="import-not-found, import-untyped, no-untyped-call"


class Peer:
    """Runs steps; remembers the last loss."""

    def __init__(self, size: str) -> None:
        self.size, self.last = SIZES[size], math.nan
        self.data = batches(self.size)
        self.prepare(weights(self.size))
        forget_peak()

    def prepare(self, arrays: dict[str, Any]) -> None:
        raise NotImplementedError

    def step(self, ids: Any, targets: Any) -> Any:
        """One step; its loss."""
        raise NotImplementedError

    def run(self, count: int) -> float:
        for _ in range(count):
            self.last = self.step(*next(self.data))
        return float(self.last)

    def memory(self) -> int:
        """The most memory it had since it was prepared, in bytes, with that of processes it made."""
        return peak()


class Minigrad(Peer):
    """`lm.models.GPT2` and `minigrad.optim.AdamW`; its products of matrices have all cores."""

    processes: int | None = 1

    def prepare(self, arrays: dict[str, Any]) -> None:
        import minigrad as mg
        from lm.models.gpt2 import GPT2, GPT2Config
        from lm.models.loss import Loss
        from minigrad.backends.numpy import keep_freed_memory

        keep_freed_memory()
        s = self.size
        undropped = {"embd_pdrop": 0.0, "attn_pdrop": 0.0, "resid_pdrop": 0.0}
        config = GPT2Config(s.vocabulary, s.context, s.channels, s.layers, s.heads, **undropped)
        self.mg, self.model = mg, GPT2(config)
        self.model.load_state_dict({name: mg.from_numpy(array) for name, array in arrays.items()})
        named = dict(self.model.named_parameters())
        self.parameters = list(named.values())
        self.optimizer = mg.optim.AdamW(
            [
                {"params": [p for name, p in named.items() if decayed(name) == yes], "weight_decay": DECAY * yes}
                for yes in (True, False)
            ],
            lr=LEARNING_RATE, betas=BETAS, eps=EPS,
        )  # fmt: skip
        self.losses = mg.nn.DataParallel(Loss(self.model), None if self.processes is None else range(self.processes))

    def step(self, ids: Any, targets: Any) -> Any:
        loss = self.losses(self.mg.from_numpy(ids), self.mg.from_numpy(targets)).mean()
        loss.backward()
        self.mg.nn.utils.clip_grad_norm_(self.parameters, MOST)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss.item()


class MinigradShared(Minigrad):
    """The batch shared by `nn.DataParallel`, a process of one thread for each core."""

    processes = None  # as many as there are threads


class PyTorch(Peer):
    """The same model, written plainly with PyTorch's own functions; AdamW as it is by default."""

    compiled = fused = False

    def prepare(self, arrays: dict[str, Any]) -> None:
        import torch

        self.torch = torch
        self.weights = {name: torch.nn.Parameter(torch.from_numpy(array)) for name, array in arrays.items()}
        groups = [
            {"params": [p for name, p in self.weights.items() if decayed(name) == yes], "weight_decay": DECAY * yes}
            for yes in (True, False)
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=LEARNING_RATE, betas=BETAS, eps=EPS, fused=self.fused)
        self.loss: Callable[..., Any] = torch.compile(self._loss) if self.compiled else self._loss

    def _loss(self, w: dict[str, Any], ids: Any, targets: Any) -> Any:
        F = self.torch.nn.functional
        s = self.size
        shape, (batch, length) = (s.channels,), ids.shape

        def norm(x: Any, name: str) -> Any:
            return F.layer_norm(x, shape, w[f"{name}.weight"], w[f"{name}.bias"])

        def linear(x: Any, name: str) -> Any:
            return F.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])

        x = F.embedding(ids, w["wte.weight"]) + w["wpe.weight"][:length]
        for i in range(s.layers):
            heads = linear(norm(x, f"h.{i}.ln_1"), f"h.{i}.attn.c_attn").split(s.channels, 2)
            q, k, v = (h.view(batch, length, s.heads, -1).transpose(1, 2) for h in heads)
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(x.shape)
            x = x + linear(y, f"h.{i}.attn.c_proj")
            y = F.gelu(linear(norm(x, f"h.{i}.ln_2"), f"h.{i}.mlp.c_fc"), approximate="tanh")
            x = x + linear(y, f"h.{i}.mlp.c_proj")
        logits = F.linear(norm(x, "ln_f"), w["wte.weight"])
        return F.cross_entropy(logits.view(-1, s.vocabulary), targets.view(-1))

    def step(self, ids: Any, targets: Any) -> Any:
        loss = self.loss(self.weights, self.torch.from_numpy(ids), self.torch.from_numpy(targets))
        loss.backward()
        self.torch.nn.utils.clip_grad_norm_(self.weights.values(), MOST)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss.item()


class PyTorchCompiled(PyTorch):
    """The loss compiled, the rest of the step as it is."""

    compiled = True


class PyTorchFused(PyTorch):
    """With the AdamW that PyTorch has to be asked for: `fused=True`, three times as fast on a CPU."""

    fused = True


class PyTorchCompiledFused(PyTorch):
    """Both."""

    compiled = fused = True


class PyTorchShared(PyTorchFused):
    """The batch shared by `DistributedDataParallel`, a process of one thread for each core, as for minigrad."""

    def prepare(self, arrays: dict[str, Any]) -> None:
        import torch
        from torch.nn.parallel import DistributedDataParallel

        cores = os.cpu_count() or 1
        self.parts, self.rank = min(cores, self.size.batch), 0
        meeting = Path(tempfile.mkdtemp()) / "meeting"
        self.pipes = [os.pipe() for _ in range(self.parts - 1)]  # to each other process, a byte for a step
        for rank in range(1, self.parts):
            if not os.fork():
                self.rank = rank
                break
        torch.set_num_threads(cores // self.parts)
        torch.distributed.init_process_group("gloo", f"file://{meeting}", rank=self.rank, world_size=self.parts)
        super().prepare(arrays)
        loss_of = self._loss

        class Loss(torch.nn.Module):  # type: ignore[misc]
            def __init__(self, weights: dict[str, Any]) -> None:
                super().__init__()
                self.names, self.all = list(weights), torch.nn.ParameterList(weights.values())

            def forward(self, ids: Any, targets: Any) -> Any:
                return loss_of(dict(zip(self.names, self.all)), ids, targets)

        shared = DistributedDataParallel(Loss(self.weights), gradient_as_bucket_view=True)
        self.loss = lambda weights, ids, targets: shared(ids, targets)
        if self.rank:
            for _, writer in self.pipes:
                os.close(writer)
            while os.read(self.pipes[self.rank - 1][0], 1):
                self.step(*next(self.data))
            os._exit(0)

    def step(self, ids: Any, targets: Any) -> Any:
        if not self.rank:
            for _, writer in self.pipes:
                os.write(writer, b".")
        part = slice(self.rank * len(ids) // self.parts, (self.rank + 1) * len(ids) // self.parts)
        loss = self.torch.tensor(super().step(ids[part], targets[part]))
        self.torch.distributed.all_reduce(loss)
        return loss.item() / self.parts


class _Functional(Peer):
    """The model in a module that follows NumPy, which differentiates a function of the weights."""

    def model(self, np: Any) -> Callable[..., Any]:
        s = self.size
        hidden = np.triu(np.ones((s.context, s.context), bool), 1)
        rows = np.arange(s.tokens)

        def norm(w: Any, x: Any, name: str) -> Any:
            centred = x - x.mean(-1, keepdims=True)
            scaled = centred / np.sqrt((centred * centred).mean(-1, keepdims=True) + np.float32(1e-5))
            return scaled * w[f"{name}.weight"] + w[f"{name}.bias"]

        def linear(w: Any, x: Any, name: str) -> Any:
            return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

        def gelu(x: Any) -> Any:
            scale, half = np.float32(math.sqrt(2 / math.pi)), np.float32(0.5)
            return x * half * (1 + np.tanh(scale * (x + np.float32(0.044715) * x * x * x)))

        def loss(w: Any, ids: Any, targets: Any) -> Any:
            (batch, length), width = ids.shape, s.channels // s.heads
            x = w["wte.weight"][ids] + w["wpe.weight"][:length]
            for i in range(s.layers):
                qkv = linear(w, norm(w, x, f"h.{i}.ln_1"), f"h.{i}.attn.c_attn")
                qkv = qkv.reshape(batch, length, 3, s.heads, width)
                q, k, v = (np.swapaxes(qkv[:, :, j], 1, 2) for j in range(3))  # (B, H, T, D)
                scores = q @ np.swapaxes(k, 2, 3) * np.float32(1 / math.sqrt(width))
                scores = np.where(hidden, np.float32(-1e30), scores)
                exps = np.exp(scores - scores.max(-1, keepdims=True))
                y = exps / exps.sum(-1, keepdims=True) @ v
                x = x + linear(w, np.swapaxes(y, 1, 2).reshape(x.shape), f"h.{i}.attn.c_proj")
                y = gelu(linear(w, norm(w, x, f"h.{i}.ln_2"), f"h.{i}.mlp.c_fc"))
                x = x + linear(w, y, f"h.{i}.mlp.c_proj")
            logits = (norm(w, x, "ln_f") @ w["wte.weight"].T).reshape(-1, s.vocabulary)
            logits = logits - logits.max(-1, keepdims=True)
            return np.mean(np.log(np.exp(logits).sum(-1)) - logits[rows, targets.reshape(-1)])

        return loss


class Jax(_Functional):
    """One jitted function for the whole step, weights and moments given away to it."""

    def prepare(self, arrays: dict[str, Any]) -> None:
        import jax
        import jax.numpy as jnp

        value_and_grad = jax.value_and_grad(self.model(jnp))

        def step(w: Any, m: Any, v: Any, t: Any, ids: Any, targets: Any) -> Any:
            loss, g = value_and_grad(w, ids, targets)
            norm = jnp.sqrt(sum(jnp.sum(each * each) for each in g.values()))
            factor = jnp.minimum(1.0, MOST / (norm + 1e-6))
            for name in w:
                grad = g[name] * factor
                m[name] = BETAS[0] * m[name] + (1 - BETAS[0]) * grad
                v[name] = BETAS[1] * v[name] + (1 - BETAS[1]) * grad * grad
                change = m[name] / (1 - BETAS[0] ** t) / (jnp.sqrt(v[name] / (1 - BETAS[1] ** t)) + EPS)
                w[name] = w[name] * (1 - LEARNING_RATE * DECAY * decayed(name)) - LEARNING_RATE * change
            return loss, w, m, v

        self.jitted = jax.jit(step, donate_argnums=(0, 1, 2))
        self.w = {name: jnp.asarray(array) for name, array in arrays.items()}
        self.m, self.v = ({name: jnp.zeros_like(array) for name, array in arrays.items()} for _ in range(2))
        self.t = 0

    def step(self, ids: Any, targets: Any) -> Any:
        self.t += 1
        loss, self.w, self.m, self.v = self.jitted(self.w, self.m, self.v, np.float32(self.t), ids, targets)
        return float(loss)


class Autograd(_Functional):
    """HIPS autograd, with AdamW in place."""

    def prepare(self, arrays: dict[str, Any]) -> None:
        import autograd
        import autograd.numpy as anp

        from minigrad.backends.numpy import keep_freed_memory

        keep_freed_memory()  # as for minigrad: it is NumPy's memory
        self.differentiated = autograd.value_and_grad(self.model(anp))
        self.w = arrays
        self.m, self.v = ({name: np.zeros_like(array) for name, array in arrays.items()} for _ in range(2))
        self.t = 0

    def step(self, ids: Any, targets: Any) -> Any:
        self.t += 1
        loss, g = self.differentiated(self.w, ids, targets)
        norm = math.sqrt(sum(float(np.vdot(each, each)) for each in g.values()))
        factor = np.float32(min(1.0, MOST / (norm + 1e-6)))
        root, c1 = math.sqrt(1 - BETAS[1] ** self.t), 1 - BETAS[0] ** self.t
        for name, weight in self.w.items():
            grad = g[name].astype(np.float32, copy=False) * factor
            m, v = self.m[name], self.v[name]
            m += (1 - BETAS[0]) * (grad - m)
            v += (1 - BETAS[1]) * (grad * grad - v)
            weight *= 1 - LEARNING_RATE * DECAY * decayed(name)
            weight -= LEARNING_RATE * root / c1 * m / (np.sqrt(v) + EPS * root)
        return float(loss)


class Products(Peer):
    """The matrix products of a step and nothing else, attention's as if nothing were masked."""

    def prepare(self, arrays: dict[str, Any]) -> None:
        s, rng = self.size, np.random.default_rng(0)
        N, C, T, width = s.tokens, s.channels, s.context, s.channels // s.heads

        def filled(*shape: int) -> Any:
            return rng.standard_normal(shape, np.float32)

        self.products = []
        linears = [(C, 3 * C), (C, C), (C, 4 * C), (4 * C, C)] * s.layers + [(C, s.vocabulary)]
        for inputs, outputs in linears:  # y = x wT, dx = dy w, dw = dyT x
            x, w, y = filled(N, inputs), filled(outputs, inputs), filled(N, outputs)
            self.products += [(x, w.T, y), (y, w, np.empty_like(x)), (y.T, x, np.empty_like(w))]
        for _ in range(s.layers):  # scores and weighted values, and two gradients of each
            q, k, v = (filled(s.batch, s.heads, T, width) for _ in range(3))
            scores, out = filled(s.batch, s.heads, T, T), np.empty_like(q)
            kT, vT, scoresT = (each.swapaxes(-1, -2) for each in (k, v, scores))
            gradient = np.empty_like(scores)
            self.products += [(q, kT, gradient), (scores, v, out), (scores, k, out), (scoresT, q, out)]
            self.products += [(q, vT, gradient), (scoresT, q, out)]

    def step(self, ids: Any, targets: Any) -> Any:
        for a, b, out in self.products:
            np.matmul(a, b, out=out)
        return math.nan


OURS = ["minigrad", "minigrad, shared"]
PEERS: dict[str, tuple[type[Peer], str]] = {  # and the package it needs
    "minigrad": (Minigrad, "numpy"),
    "minigrad, shared": (MinigradShared, "numpy"),
    "PyTorch": (PyTorch, "torch"),
    "PyTorch compiled": (PyTorchCompiled, "torch"),
    "PyTorch fused": (PyTorchFused, "torch"),
    "PyTorch compiled and fused": (PyTorchCompiledFused, "torch"),
    "PyTorch, fused, shared": (PyTorchShared, "torch"),
    "JAX": (Jax, "jax"),
    "HIPS autograd": (Autograd, "autograd"),
    "matrix products": (Products, "numpy"),
}


def measure(size: str, names: list[str], seconds: float, warm: int = 3) -> dict[str, dict[str, Any]]:
    """Of every peer: seconds of each step, the last loss, and the peak of its memory in bytes."""
    workers = {name: Worker(f"benchmarks.train_step:{PEERS[name][0].__name__}", size=size) for name in names}
    found: dict[str, dict[str, Any]] = {name: {"seconds": []} for name in names}
    try:
        rounds = 0
        for worker in workers.values():
            worker.call("run", warm)
        while rounds < 3 or sum(sum(each["seconds"]) for each in found.values()) < seconds:
            for name in names if rounds % 2 == 0 else reversed(names):
                count = 5 if size == "tiny" else 1
                found[name]["seconds"].append(workers[name].call("run", count)[1] / count)
            rounds += 1
        for name, worker in workers.items():
            found[name]["loss"] = worker.call("run", 1)[0]
            found[name]["memory"] = worker.call("memory")[0]
    finally:
        for worker in workers.values():
            worker.close()
    return found


def table(size: Size, found: dict[str, dict[str, Any]]) -> str:
    """Markdown: milliseconds, tokens per second, minigrad's speed over the peer's, alone and shared, memory."""
    ours = [found[name]["seconds"] for name in OURS]
    lines = [
        "| | ms/step, median | fastest | tokens/s | minigrad / it, median | fastest | shared / it, median | fastest "
        "| peak memory, MB | loss |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, each in found.items():
        median, fastest = statistics.median(each["seconds"]), min(each["seconds"])
        ratios = " | ".join(f"{median / statistics.median(own):.2f} | {fastest / min(own):.2f}" for own in ours)
        loss, same = each["loss"], found["minigrad"]["loss"]
        if abs(loss - same) > 2e-3 * abs(same):  # nan, of the products, is not
            raise SystemExit(f"{name} is no peer: its loss is {loss:.4f}, minigrad's {same:.4f}")
        lines.append(
            f"| {name} | {1e3 * median:.1f} | {1e3 * fastest:.1f} | {size.tokens / median:,.0f} | {ratios} "
            f"| {each['memory'] / 1e6:,.0f} | {each['loss']:.4f} |"
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--peers", nargs="+", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--seconds", type=float, default=60.0, help="of measuring, all together, for each size")
    parser.add_argument("--json", type=Path, help="where to write every measurement")
    options = parser.parse_args(arguments)
    print(machine())
    names = [*OURS, *(name for name in options.peers if name not in OURS and find_spec(PEERS[name][1]))]
    everything = {}
    for size in options.sizes:
        everything[size] = measure(size, names, options.seconds)
        print(f"\n{size}: {SIZES[size]}\n\n{table(SIZES[size], everything[size])}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(everything, indent=1) + "\n")


if __name__ == "__main__":
    main()
