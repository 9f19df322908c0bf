"""The picture of a run, `loss.png`: bits per byte, or the loss, of training and validation over the steps."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lm.data.corpus import Corpus
from lm.training.log import Entry
from minigrad.io import atomic_write

FILE = "loss.png"


def plot_losses(run_dir: Path, entries: Sequence[Entry], corpus: Corpus, bits: bool = True) -> Path | None:
    """Draw the log's losses; returns where, or None when there is nothing to draw.

    Losses of different tokenizers compare in bits per byte, and so does `gzip -9`; the right axis has the loss in
    nats per token. Where the loss is not of the whole text, `bits` False, there is nothing but the loss. The training
    curve is the mean over about a hundredth of the run, the loss of single batches behind it, pale.
    """
    train = [(entry["step"], entry["loss"]) for entry in entries if entry["split"] == "train"]
    val = [(entry["step"], entry["loss"]) for entry in entries if entry["split"] == "val"]
    if not train or not val:
        return None

    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    scale = corpus.val.bits_per_byte(1.0) if bits else 1.0
    figure = Figure(figsize=(8, 5), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    steps, losses = np.array(train).T
    width = max(1, len(losses) // 100)
    smooth = np.convolve(losses, np.ones(width) / width, mode="valid")
    axes.plot(steps, scale * losses, color="C0", alpha=0.2, linewidth=0.8)
    axes.plot(steps[width - 1 :], scale * smooth, color="C0", label="training")
    val_steps, val_losses = np.array(val).T
    axes.plot(val_steps, scale * val_losses, color="C1", marker="o", markersize=4, label="validation")
    axes.annotate(
        f"{scale * val_losses[-1]:.2f}",
        (val_steps[-1], scale * val_losses[-1]),
        textcoords="offset points",
        xytext=(0, 8),
        ha="right",
        color="C1",
    )
    gzip = corpus.val.gzip_bits_per_byte if bits else None
    if gzip is not None:
        axes.axhline(gzip, color="0.4", linestyle="--", label=f"gzip -9 of the validation text: {gzip:.2f}")
    axes.set_xlabel("optimizer steps")
    axes.set_ylabel("bits per byte" if bits else "loss (nats)")
    axes.set_xlim(left=0)
    low = min(scale * float(min(smooth.min(), val_losses.min())), math.inf if gzip is None else gzip)
    axes.set_ylim(bottom=max(0.0, low - 0.3))
    if bits:
        to_nats: Any = lambda bits: bits / scale
        to_bits: Any = lambda nats: nats * scale
        axes.secondary_yaxis("right", functions=(to_nats, to_bits)).set_ylabel("loss (nats per token)")
    axes.grid(alpha=0.3)
    axes.legend()
    axes.set_title(corpus.name)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    atomic_write(run_dir / FILE, buffer.getvalue())
    return run_dir / FILE
