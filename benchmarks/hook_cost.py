"""What the hooks cost when nobody watches: a train step of minigrad and of a copy with every hook check deleted.

    python -m benchmarks.hook_cost [--blocks 50] [--rounds 5]

Two steps are measured: a perceptron on 8 numbers, where nothing but the cost per operation counts, and the character
GPT of `shakespeare.py` on random ids. Two processes take turns, a block of steps each: the package as it is, and the
copy without hooks or, as a control, the package again: what that differs by is noise. Ratios are taken between blocks
that ran one after another. Two processes of one program differ by some percent for good, by where their memory lies,
so every round starts new ones; printed is the median of each round's median ratio, and all of them.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.side_by_side import Worker, in_turns, machine, median

ROOT = Path(__file__).parent.parent

# What to delete: (file, text, what is left of it). A text that is not there any more is an error.
CHECKS = [
    ("ops/primitive.py", """            if forward_watchers:
                out = watched(self, self.forward, arrays, settings)
            else:
                out = self.forward(*arrays, **settings)
""", """            out = self.forward(*arrays, **settings)
"""),
    ("kernels/registry.py", """        if forward_watchers:
            out, stored = watched(self, self.forward, raw, {}, lambda result: result[:1])
        else:
            out, stored = self.forward(*raw)
""", """        out, stored = self.forward(*raw)
"""),
    ("graph.py", """        if forward_watchers:
            for watcher in forward_watchers:
                if watcher.record:
                    watcher.record(self)
""", ""),
    ("graph.py", "(backward_watchers or gradient.dtype != target.dtype)", "gradient.dtype != target.dtype"),
    ("graph.py", """        if source is not None and backward_watchers and gradient.__class__ is not Parts:
            owned = False  # a hook may keep what it sees
            for hooks in backward_watchers:
                if hooks.accumulate:
                    hooks.accumulate(source, target, gradient)
""", ""),
    ("graph.py", """        if node.hooks:
            cotangent = _run_hooks(node.hooks, incoming)
""", ""),
    ("graph.py", """            for hooks in backward_watchers:
                if hooks.begin:
                    hooks.begin(node, cotangent)
""", ""),
    ("graph.py", """        for hooks in backward_watchers:
            if hooks.end:
                hooks.end(node)
""", ""),
    ("graph.py", "_run_hooks(leaf.hooks, gradient) if leaf.hooks else gradient.value", "gradient.value"),
    ("nn/module.py", "self._run_hooked(args, kwargs) if self._hooks else self.forward(*args, **kwargs)",
     "self.forward(*args, **kwargs)"),
]  # fmt: skip


def make_copy(folder: Path, without_hooks: bool) -> None:
    shutil.copytree(ROOT / "minigrad", folder / "minigrad", ignore=shutil.ignore_patterns("__pycache__"))
    for name, check, rest in CHECKS if without_hooks else []:
        path = folder / "minigrad" / name
        text = path.read_text()
        if text.count(check) != 1:
            raise SystemExit(f"{name} no longer has this hook check once:\n{check}")
        path.write_text(text.replace(check, rest))


class Hooks:
    """The package in `folder`, and one of the two train steps."""

    def __init__(self, folder: str, size: str) -> None:
        sys.path.insert(0, folder)
        import minigrad as mg
        from minigrad.backends.numpy import keep_freed_memory

        if not mg.__file__.startswith(folder):
            raise RuntimeError(f"measuring {mg.__file__}, not the copy")
        keep_freed_memory()
        mg.manual_seed(0)
        self.loss = self._perceptron(mg) if size == "perceptron" else self._gpt(mg)
        self.optimizer = mg.optim.SGD(list(self.model.parameters()), lr=1e-3)

    def _perceptron(self, mg: Any) -> Callable[[], Any]:
        nn = mg.nn
        self.model = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1))
        x = mg.rand(4, 8)
        return lambda: (self.model(x) ** 2).mean()

    def _gpt(self, mg: Any) -> Callable[[], Any]:
        from lm.models.gpt2 import GPT2, GPT2Config

        config = GPT2Config(
            vocab_size=65, n_positions=64, n_embd=128, n_layer=4, n_head=4, embd_pdrop=0.0, attn_pdrop=0.0,
            resid_pdrop=0.0, bias=False,
        )  # fmt: skip
        self.model = GPT2(config)
        ids, targets = mg.randint(65, (12, 64)), mg.randint(65, (12, 64))
        return lambda: self.model.loss(ids, targets)

    def run(self, count: int) -> None:
        for _ in range(count):
            self.loss().backward()
            self.optimizer.step()
            self.optimizer.zero_grad()


class Again(Hooks):
    """The control."""


class NoHooks(Hooks):
    """The copy without hooks."""


def ratio(folders: dict[str, Path], other: str, size: str, blocks: int, block: int) -> float:
    """With new processes: the median of the times of `Hooks` over those of `other`.

    Two take turns, never three: whoever is always in the middle never runs twice in a row, and pays for cold caches.
    """
    workers = [
        Worker(f"benchmarks.hook_cost:{name}", folder=str(folders[name]), size=size) for name in ("Hooks", other)
    ]
    in_turns(workers, 10 * block, block)  # warm up
    with_hooks, others = in_turns(workers, blocks * block, block).values()
    for worker in workers:
        worker.close()
    return median([a / b for a, b in zip(with_hooks, others)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as made:
        folders = {"Hooks": Path(made, "with"), "NoHooks": Path(made, "without")}
        for name, folder in folders.items():
            make_copy(folder, without_hooks=name == "NoHooks")
        folders["Again"] = folders["Hooks"]
        for size, blocks, block in (("perceptron", 20 * arguments.blocks, 10), ("gpt", arguments.blocks, 1)):
            found: dict[str, list[float]] = {"NoHooks": [], "Again": []}
            for _ in range(arguments.rounds):
                for name in found:
                    found[name].append(ratio(folders, name, size, blocks, block))
            for name, title in (("NoHooks", "with / without hooks"), ("Again", "with / with (control)")):
                each = " ".join(f"{value:.4f}" for value in found[name])
                print(f"{size:<10}  {title:<22} {median(found[name]):.4f}   {each}", flush=True)


if __name__ == "__main__":
    main()
