"""The gradient of an embedding of a million ids, beside a sorted segment sum written out in NumPy.

    python -m benchmarks.embedding_gradient [--ids 1000000] [--rounds 7]

The dense gradient (vocabulary, channels) of float32 rows, for ids that are uniform or follow Zipf's law. The two take
turns in processes of their own. Printed are the median of each, the median of the ratios between turns that ran one
after another, and the lowest and highest of them.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from benchmarks.side_by_side import Worker, in_turns, machine, median

VOCABULARIES = (1_000, 50_257, 1_000_000)
CHANNELS = (64, 256)


class Case:
    """Ids and the gradient of the rows they read."""

    def __init__(self, ids: int, vocabulary: int, channels: int, kind: str) -> None:
        from minigrad.backends.numpy import keep_freed_memory

        keep_freed_memory()
        rng = np.random.default_rng(0)
        self.vocabulary = vocabulary
        if kind == "uniform":
            self.ids = rng.integers(0, vocabulary, ids)
        else:
            shares = 1.0 / np.arange(1, vocabulary + 1)
            ranks = np.searchsorted(np.cumsum(shares / shares.sum()), rng.random(ids))
            self.ids = rng.permutation(vocabulary)[np.minimum(ranks, vocabulary - 1)]
        self.gradient = rng.standard_normal((ids, channels), dtype=np.float32)  # (N, C)

    def once(self) -> Any:
        raise NotImplementedError

    def run(self, count: int) -> None:
        for _ in range(count):
            self.once()

    def probe(self) -> list[float]:
        """Some numbers of the result, by which both are compared."""
        result = self.once()
        return [float(value) for value in result[np.unique(self.ids)[:: max(1, self.vocabulary // 50)], 1]]


class Minigrad(Case):
    """The backward of `F.embedding`: its walk and all."""

    def __init__(self, **case: Any) -> None:
        super().__init__(**case)
        import minigrad as mg

        weight = mg.zeros(self.vocabulary, self.gradient.shape[1], requires_grad=True)
        rows = mg.nn.functional.embedding(mg.from_numpy(self.ids), weight)
        cotangent = mg.from_numpy(self.gradient)
        self.backward = lambda: mg.autograd.grad(rows, weight, cotangent, retain_graph=True)[0].data

    def once(self) -> Any:
        return self.backward()


class Segments(Case):
    """Sort, add each run, put the sums in their place."""

    def once(self) -> Any:
        order = np.argsort(self.ids, kind="stable")
        ids = self.ids[order]
        starts = np.flatnonzero(np.concatenate(([True], ids[1:] != ids[:-1])))
        result = np.zeros((self.vocabulary, self.gradient.shape[1]), np.float32)
        result[ids[starts]] = np.add.reduceat(self.gradient[order], starts, axis=0)
        return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ids", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    print(machine())
    print("vocabulary  channels  ids      minigrad ms  segments ms  ratio (lowest, highest)")
    for vocabulary in VOCABULARIES:
        for channels in CHANNELS:
            for kind in ("uniform", "zipf"):
                case = {"ids": arguments.ids, "vocabulary": vocabulary, "channels": channels, "kind": kind}
                workers = [Worker(f"benchmarks.embedding_gradient:{name}", **case) for name in ("Minigrad", "Segments")]
                ours, theirs = (worker.call("probe")[0] for worker in workers)  # warms up, too
                np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-2)
                times = list(in_turns(workers, arguments.rounds, 1).values())
                for worker in workers:
                    worker.close()
                ratios = [a / b for a, b in zip(*times)]
                print(
                    f"{vocabulary:>10,}  {channels:>8}  {kind:<7}  {1e3 * median(times[0]):>11.0f}  "
                    f"{1e3 * median(times[1]):>11.0f}  {median(ratios):>5.2f} ({min(ratios):.2f}, {max(ratios):.2f})",
                    flush=True,
                )


if __name__ == "__main__":
    main()
