"""The learning-rate schedules of today's language models: plain functions from the step to a factor of the rate.

All start with a warm-up. Call them yourself, as a training loop that keeps the number of its step can, or hand them to
`LambdaLR`. PyTorch's schedulers are in `formulas.py` and `cycles.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

Schedule = Callable[[int], float]  # from the number of the step, 0 for the first, to a factor of the learning rate


def warmup_constant(warmup_steps: int = 0) -> Schedule:
    """Linear warm-up, then 1. Step n of the warm-up has factor (n + 1) / (warmup_steps + 1), so none has 0.

    >>> [warmup_constant(3)(step) for step in range(5)]
    [0.25, 0.5, 0.75, 1.0, 1.0]
    """
    return _schedule(warmup_steps, math.inf, math.inf, 1.0, line)


def warmup_linear(warmup_steps: int, total_steps: int, final: float = 0.0) -> Schedule:
    """Linear warm-up, then a line from 1 down to `final` at step `total_steps`, and `final` from there on."""
    return _schedule(warmup_steps, warmup_steps, total_steps, final, line)


def warmup_cosine(warmup_steps: int, total_steps: int, final: float = 0.0) -> Schedule:
    """Linear warm-up, then half a cosine from 1 down to `final` at step `total_steps`, and `final` from there on.

    Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts" (2017).

    >>> schedule = warmup_cosine(1, 5, final=0.1)
    >>> [round(schedule(step), 3) for step in range(7)]
    [0.5, 1.0, 0.868, 0.55, 0.232, 0.1, 0.1]
    """
    return _schedule(warmup_steps, warmup_steps, total_steps, final, half_cosine)


def warmup_stable_decay(warmup_steps: int, decay_steps: int, total_steps: int, final: float = 0.0) -> Schedule:
    """Linear warm-up, then 1, then over the last `decay_steps` a line down to `final` at step `total_steps`.

    As a scheduler, and with other shapes: `WarmupStableDecayLR`, whose warm-up starts at 0. Source: Hu et al.,
    "MiniCPM: unveiling the potential of small language models with scalable training strategies" (arXiv:2404.06395).
    """
    return _schedule(warmup_steps, total_steps - decay_steps, total_steps, final, line)


def _schedule(warmup_steps: int, start: float, end: float, final: float, fall: Callable[[float], float]) -> Schedule:
    """Warm-up, 1 until step `start`, then `fall` (from 1 at 0 to 0 at 1) stretched to reach `final` at step `end`."""
    if not 0 <= warmup_steps <= start <= end:
        raise ValueError(f"{warmup_steps} steps of warm-up and a decay from step {start} to step {end} do not fit")

    def factor(step: int) -> float:
        if step < warmup_steps:
            return (step + 1) / (warmup_steps + 1)
        if step < start:
            return 1.0
        if step >= end:
            return final
        return final + (1.0 - final) * fall((step - start) / (end - start))

    return factor


def line(progress: float) -> float:
    return 1.0 - progress


def half_cosine(progress: float) -> float:
    return 0.5 + 0.5 * math.cos(math.pi * progress)
