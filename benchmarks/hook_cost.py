"""What the hooks cost when nobody watches: a train step of minigrad and of a copy with every hook check deleted.

    python -m benchmarks.hook_cost [--blocks 50] [--rounds 5]

The copy has no hooks on operations, nodes, gradients, tensors or modules, on which the anomaly and nonfinite detectors,
the profiler and checkpointing are built; a second copy does not track the path of the running module either. That
nothing is left of them is tried before anything is measured.

Two steps are measured: a perceptron on 8 numbers, where nothing but the cost per operation counts, and the character
GPT of `shakespeare.py` on random ids. Two processes take turns, a block of steps each: the package as it is, and a
copy or, as a control, the package again: what that differs by is noise. Ratios are taken between blocks that ran one
after another. Two processes of one program differ by some percent for good, by where their memory lies, so every round
starts new ones; printed is the median of each round's median ratio, the lowest and the highest, and all of them.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.side_by_side import Worker, in_turns, machine, median

ROOT = Path(__file__).parent.parent

# What to delete: (file, text, what is left of it). A text that is not there any more is an error.
HOOKS = [
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
    ("function.py", """            if forward_watchers:
                result = watched(call, call.forward, (ctx, *args), {}, _outputs)
            else:
                result = call.forward(ctx, *args)
""", """            result = call.forward(ctx, *args)
"""),
    ("tensor.py", "self.hooks: list[Callable[[Any], Any]] | None = None", "pass"),
    ("graph.py", """        self.hooks: list[Callable[[Value], Value | None]] | None = None
        self.retained_by: Callable[[], Leaf | None] | None = None
""", ""),
    ("graph.py", """        if node.retained_by is not None:
            results[node] = cotangent if recorder else cotangent.copy()
""", ""),
    ("graph.py", """            for hooks in backward_watchers:
                if hooks.failed:
                    hooks.failed(node, error)
""", ""),
    ("graph.py", """        if forward_watchers:
            for watcher in forward_watchers:
                if watcher.record:
                    watcher.record(self)
""", ""),
    ("graph.py", "(backward_watchers or gradient.dtype != target.dtype)", "gradient.dtype != target.dtype"),
    ("graph.py", """        if backward_watchers and source is not None and gradient.__class__ is not Parts:
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
    ("nn/module.py", " and not self._hooks:", ":"),
]  # fmt: skip
PATHS = [
    ("graph.py", """        "module",  # path of the module that was running, such as "blocks.3.attn"
""", ""),
    ("graph.py", "out: Array, module: str,", "out: Array,"),
    ("graph.py", "        self.module = module\n", ""),
    ("ops/primitive.py", "settings, out, current.module)", "settings, out)"),
    ("kernels/registry.py", "{\"arguments\": raw}, out, state.module)", "{\"arguments\": raw}, out)"),
    ("function.py", "plan, {}, whole, current.module)", "plan, {}, whole)"),
    ("function.py", "None, {}, out, call.module)", "None, {}, out)"),
    ("nn/module.py", """        outermost = _outermost.get()
        if outermost is not None:
            date, table = outermost._states
            if date != _structure:
                table = outermost._make_states()
            states = table.get(id(self))
            if states is not None:
                before = state.get()
                state.set(states[before.grad_enabled])
                try:
                    return self.forward(*args, **kwargs)
                except TypeError as error:
                    here = error.__traceback__
                    if here is not None and here.tb_next is None:  # the call itself was wrong
                        raise TypeError(f"{error}{in_module()}") from None
                    raise
                finally:
                    state.set(before)
        token = _outermost.set(self)  # nothing is running, or nothing that this module is a part of
        try:
            return self(*args, **kwargs)
        finally:
            _outermost.reset(token)
""", """        return self.forward(*args, **kwargs)
"""),
]  # fmt: skip
DELETED = {"Hooks": [], "Again": [], "NoHooks": HOOKS, "NoHooksNorPaths": HOOKS + PATHS}
TITLES = {
    "NoHooks": "with / without hooks", "NoHooksNorPaths": "with / without both", "Again": "with / with (control)",
}  # fmt: skip


def make_copy(folder: Path, deleted: Sequence[tuple[str, str, str]]) -> None:
    """The package without some of its text, in `folder`."""
    shutil.copytree(ROOT / "minigrad", folder / "minigrad", ignore=shutil.ignore_patterns("__pycache__"))
    for name, check, rest in deleted:
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


    def seen(self) -> dict[str, int]:
        """How often hooks of every kind are called in a step, and in how many modules the nodes were made."""
        from minigrad.hooks import backward_hooks, forward_hooks

        counts = dict.fromkeys(("begin", "end", "record", "vjp", "vjp end", "accumulate", "tensor", "module"), 0)

        def count(kind: str) -> Callable[..., None]:
            def hook(*_: Any) -> None:
                counts[kind] += 1

            return hook

        parameter = next(self.model.parameters())
        node = type((parameter * 1.0).node)
        if hasattr(parameter, "hooks"):
            parameter.register_hook(count("tensor"))
        self.model.register_forward_hook(count("module"))
        with (
            forward_hooks(count("begin"), count("end"), count("record")),
            backward_hooks(count("vjp"), count("vjp end"), count("accumulate")),
        ):
            loss = self.loss()
            paths, stack = set(), [loss.node]
            while stack:
                each = stack.pop()
                paths.add(getattr(each, "module", ""))
                stack.extend(edge for edge in each.edges if isinstance(edge, node))
            loss.backward()
        return {**counts, "paths": len(paths - {""})}


class Again(Hooks):
    """The control."""


class NoHooks(Hooks):
    """The copy without hooks."""


class NoHooksNorPaths(Hooks):
    """The copy that does not know which module runs either."""


def check(folders: dict[str, Path]) -> None:
    """Raise SystemExit unless each copy has what it should have and nothing else."""
    for name, folder in folders.items():
        worker = Worker(f"benchmarks.hook_cost:{name}", folder=str(folder), size="perceptron")
        seen, _ = worker.call("seen")
        worker.close()
        expected = {kind: PATHS[0] not in DELETED[name] if kind == "paths" else not DELETED[name] for kind in seen}
        if {kind: count > 0 for kind, count in seen.items()} != expected:
            raise SystemExit(f"{name} calls hooks, and knows paths, so many times: {seen}")


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
        folders = {name: Path(made, name) for name in DELETED}
        for name, folder in folders.items():
            make_copy(folder, DELETED[name])
        check(folders)
        for size, blocks, block in (("perceptron", 20 * arguments.blocks, 10), ("gpt", arguments.blocks, 1)):
            found: dict[str, list[float]] = {name: [] for name in TITLES}
            for _ in range(arguments.rounds):
                for name in found:
                    found[name].append(ratio(folders, name, size, blocks, block))
            for name, title in TITLES.items():
                values = sorted(found[name])
                each = " ".join(f"{value:.4f}" for value in found[name])
                spread = f"({values[0]:.4f}, {values[-1]:.4f})"
                print(f"{size:<10}  {title:<22} {median(values):.4f} {spread}   {each}", flush=True)


if __name__ == "__main__":
    main()
