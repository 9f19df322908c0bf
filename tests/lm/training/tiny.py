"""A run of a second or less, with everything on that could make resuming inexact: dropout and accumulation."""

import hashlib
import json
from pathlib import Path

from lm.config import Config, load_config
from lm.training.log import read_log

TEXT = "".join(f"line {i}: {i * i} is the square of {i}.\n" for i in range(60))

FLAGS = (
    *("--max_steps", "9", "--tokenizer.kind", "character", "--tokenizer.vocab_size", "null"),
    *("--model.n_positions", "8", "--model.n_embd", "8", "--model.n_layer", "2", "--model.n_head", "2"),
    *("--model.dropout", "0.2", "--optimizer.lr", "0.01", "--schedule.warmup_steps", "2"),
    *("--training.batch_size", "16", "--training.accumulation_steps", "2"),
    *("--training.eval_every", "4", "--training.save_every", "3"),
)


def write_text(folder: Path) -> Path:
    path = folder / "text.txt"
    path.write_text(TEXT)
    return path


def tiny_flags(folder: Path, *changes: str) -> list[str]:
    """`FLAGS` for the text in `folder`, but for what `changes` says otherwise."""
    flags = [*FLAGS, "--data", str(write_text(folder)), *changes]
    settings = dict(zip(flags[::2], flags[1::2]))
    return [word for flag in settings.items() for word in flag]


def tiny_config(folder: Path, *changes: str) -> Config:
    return load_config(flags=tiny_flags(folder, *changes))


def weights(folder: Path) -> str:
    """SHA-256 of the newest checkpoint's model."""
    newest = max((folder / "checkpoints").iterdir())
    return hashlib.sha256((newest / "model.safetensors").read_bytes()).hexdigest()


def timeless_log(folder: Path) -> list[str]:
    """The log without what depends on the clock."""
    return [
        json.dumps({key: value for key, value in entry.items() if key not in ("seconds", "tokens_per_second")})
        for entry in read_log(folder)
    ]
