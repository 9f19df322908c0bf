"""Train steps of models other than Transformers, and a second derivative: minigrad beside PyTorch.

    python -m benchmarks.layers [--models mlp convolutional lstm second_order] [--seconds 10]

The same lines build and train the models of both, since the names are the same. Weights and batches are too, and
so must the losses be. Each runs in a process of its own, in turns.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.side_by_side import Worker, machine

# mypy: disable-error-code="no-untyped-call"
CLASSES = 10


def mlp(nn: Any) -> Any:
    """Two hidden layers on images of 28 x 28."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, CLASSES)
    )


def convolutional(nn: Any) -> Any:
    """Two convolutions, each pooled, and a linear layer, on images of 28 x 28."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * 7 * 7, CLASSES),
    )  # fmt: skip


def lstm(nn: Any) -> Any:
    """The next of 65 characters, by an LSTM of 128 channels."""

    class Characters(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.lstm = nn.Embedding(65, 64), nn.LSTM(64, 128, batch_first=True)
            self.head = nn.Linear(128, 65)

        def forward(self, ids: Any) -> Any:
            hidden, _ = self.lstm(self.embedding(ids))  # (B, T, 128)
            return self.head(hidden).reshape(-1, 65)  # (B T, 65)

    return Characters()


def smooth(nn: Any) -> Any:
    """A perceptron with two derivatives."""
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.Tanh(), nn.Linear(128, CLASSES))


def _images(rng: np.random.Generator, batch: int) -> tuple[Any, Any]:
    return rng.standard_normal((batch, 1, 28, 28), np.float32), rng.integers(CLASSES, size=batch)


def _texts(rng: np.random.Generator, batch: int) -> tuple[Any, Any]:
    ids = (rng.integers(65, size=(batch, 1)) + np.cumsum(rng.integers(1, 4, (batch, 65)), axis=1)) % 65
    return ids[:, :-1].copy(), ids[:, 1:].reshape(-1).copy()


MODELS: dict[str, tuple[Callable[[Any], Any], Callable[..., tuple[Any, Any]], int]] = {
    "mlp": (mlp, _images, 128),
    "convolutional": (convolutional, _images, 32),
    "lstm": (lstm, _texts, 16),
    "second_order": (smooth, _images, 64),
}


class Trained:
    """A model of one framework, trained by its SGD; `second_order` descends on the squared norm of a gradient too."""

    framework = "minigrad"

    def __init__(self, model: str) -> None:
        self.m, (make, draw, batch) = import_module(self.framework), MODELS[model]
        self.nn = import_module(f"{self.framework}.nn")
        self.model, self.second = make(self.nn), model == "second_order"
        rng = np.random.default_rng(0)
        self.batches = [tuple(map(self.m.from_numpy, draw(rng, batch))) for _ in range(4)]
        state = {
            name: self.m.from_numpy((rng.standard_normal(tuple(value.shape)) * 0.05).astype(np.float32))
            for name, value in sorted(self.model.state_dict().items())
        }
        self.model.load_state_dict(state)
        self.optimizer = self.m.optim.SGD(self.model.parameters(), lr=0.05, momentum=0.9)
        self.steps = 0

    def run(self, count: int) -> float:
        """So many steps; the last loss."""
        for _ in range(count):
            inputs, targets = self.batches[self.steps % len(self.batches)]
            loss = self.nn.functional.cross_entropy(self.model(inputs), targets)
            if self.second:
                gradients = self.m.autograd.grad(loss, list(self.model.parameters()), create_graph=True)
                loss = loss + sum((gradient * gradient).sum() for gradient in gradients)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.steps += 1
        return float(loss.item())


class Minigrad(Trained):
    """NumPy keeps the memory that it frees, as in the `lm` command."""

    def __init__(self, model: str) -> None:
        from minigrad.backends.numpy import keep_freed_memory

        keep_freed_memory()
        super().__init__(model)


class PyTorch(Trained):
    framework = "torch"


def measure(model: str, names: list[str], seconds: float) -> dict[str, tuple[list[float], float]]:
    """Of every peer: seconds of each step, and the loss after ten; later ones part by rounding alone."""
    workers = {name: Worker(f"benchmarks.layers:{name}", model=model) for name in names}
    times: dict[str, list[float]] = {name: [] for name in names}
    try:
        losses = {name: worker.call("run", 10)[0] for name, worker in workers.items()}
        start = time.perf_counter()
        while time.perf_counter() - start < seconds:
            for name in names:
                times[name].append(workers[name].call("run", 5)[1] / 5)
    finally:
        for worker in workers.values():
            worker.close()
    return {name: (times[name], losses[name]) for name in names}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--seconds", type=float, default=10.0, help="for each model")
    options = parser.parse_args(arguments)
    names = ["Minigrad", *(["PyTorch"] if find_spec("torch") else [])]
    print(f"{machine()}\n\n| model | peer | ms/step, median | fastest | minigrad / it, median | fastest | loss |")
    print("|---|---|---|---|---|---|---|")
    for model in options.models:
        found = measure(model, names, options.seconds)
        ours, same = found["Minigrad"]
        for name, (times, loss) in found.items():
            if abs(loss - same) > 2e-3 * abs(same):
                raise SystemExit(f"{name} is no peer: its loss is {loss:.4f}, minigrad's {same:.4f}")
            median, fastest = statistics.median(times), min(times)
            print(
                f"| {model} | {name} | {1e3 * median:.2f} | {1e3 * fastest:.2f} "
                f"| {median / statistics.median(ours):.2f} | {fastest / min(ours):.2f} | {loss:.4f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
