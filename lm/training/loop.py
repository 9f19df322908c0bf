"""The training loop.

Everything drawn in a step (batches, dropout) and the learning rate are functions of the seed and the step, so a run
that was stopped, or killed, goes on from its last checkpoint to the same weights, bit for bit.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import minigrad as mg
from lm.config import Config
from lm.training.checkpoint import best_checkpoint
from lm.training.finite import check_finite
from lm.training.log import Entry, Log, rewind_log
from lm.training.parallel import shared_loss
from lm.training.progress import show_progress
from lm.training.recompute import checkpoint_blocks
from lm.training.run import Run
from lm.training.signals import StopSignal
from lm.training.state import Position, check_of, restore, save
from minigrad import Tensor, nn, optim
from minigrad.optim import lr_scheduler


def train(run: Run, stop: StopSignal | None = None) -> Any:
    """Train until `max_steps`, or until `stop` rises; returns the model as it is then. Saves at the end in either case.

    Starts from the newest checkpoint of the run, if it has one.

    Raises:
        FloatingPointError: a loss, gradient or weight is not finite; says where. Nothing is saved after that.
        CorruptFileError, ForeignCheckpointError: nothing but damaged checkpoints, or ones of another run.
        OSError: a checkpoint cannot be saved; the previous one is intact.
    """
    config = run.config
    mg.manual_seed(config.seed)
    model = run.task.make_model()
    if config.training.gradient_checkpointing:
        checkpoint_blocks(model)
    optimizer = make_optimizer(model, config)
    schedule = make_schedule(config)
    restored = restore(run, model, optimizer)
    at = restored or Position()
    evaluated, saved = False, restored is not None
    rewind_log(run.folder, at.step, evaluates=evaluates_at(at.step, config))
    began = time.monotonic() - at.seconds

    with (
        Log(run.folder) as log,
        show_progress(at.step, config.max_steps) as progress,
        shared_loss(run.task, model, config.training.processes) as loss_of,
        np.errstate(all="ignore"),  # check_finite says more than NumPy's warnings
    ):
        while True:
            done = at.step >= config.max_steps
            if not evaluated and evaluates_at(at.step, config):
                val_loss = validate(model, run, at.step, stop)
                if val_loss is not None:
                    evaluated = True
                    if val_loss < at.best_loss:
                        at.best_step, at.best_loss, saved = at.step, val_loss, False
                    bits = run.task.bits_per_byte(val_loss)
                    at.seconds = time.monotonic() - began
                    log.write(val_entry(at, val_loss, bits))
                    per_byte = "" if bits is None else f", {bits:.3f} bits per byte"
                    progress.note(f"step {at.step}: validation loss {val_loss:.4f}{per_byte}")
            if not saved and (done or stop or at.step % config.training.save_every == 0 or at.best_step == at.step):
                log.sync()
                save(run, model, optimizer, at)
            if done or stop:
                return model

            started = time.monotonic()
            lr = config.optimizer.lr * schedule(at.step)
            loss, grad_norm = take_step(model, optimizer, run, at.step, lr, loss_of)
            at.step, evaluated, saved = at.step + 1, False, False
            now = time.monotonic()
            at.seconds, speed = now - began, tokens_per_step(run) / (now - started)
            log.write(train_entry(at, loss, lr, grad_norm, speed))
            progress.step(at.step, loss, speed)


def evaluates_at(step: int, config: Config) -> bool:
    """Whether a run looks at the validation text when it is at this step."""
    return step >= config.max_steps or step % config.training.eval_every == 0


def validate(model: nn.Module, run: Run, step: int, stop: StopSignal | None) -> float | None:
    """The loss on what is held out, None when `stop` rises meanwhile. One that is not finite stops the run."""
    loss = run.task.evaluate(model, stop)
    if loss is not None:
        check_finite(step, {"validation loss": loss}, model, replay=lambda: run.task.evaluate(model))
    return loss


def take_step(
    model: Any, optimizer: optim.Optimizer, run: Run, step: int, lr: float, loss_of: Callable[[Any], Tensor]
) -> tuple[float, float | None]:
    """One step of the optimizer; returns the loss before it and the norm of its gradients before they were clipped.

    Raises FloatingPointError, and leaves the weights as they are, if one of the two is not finite. A model that steps
    by hand has no norm, and its weights are gone by then; the last checkpoint is not.
    """
    if run.task.by_hand:
        batch = run.task.batch(step)
        loss = model.step(batch, lr)
        check_finite(step + 1, {"loss": loss}, model, replay=lambda: run.task.loss(model, batch))
        return loss, None

    def compute_gradients(loss_of: Callable[[Any], Tensor]) -> float:
        optimizer.zero_grad()
        return accumulate_gradients(run, step, loss_of)

    def replay() -> float:
        """In this process alone, where it is watched."""
        return compute_gradients(partial(run.task.loss, model))

    loss = compute_gradients(loss_of)
    grad_norm = float(optim.clip_grad_norm_(model.parameters(), run.config.optimizer.max_norm))
    check_finite(step + 1, {"loss": loss, "gradients' norm": grad_norm}, model, replay)
    for group in optimizer.param_groups:
        group["lr"] = lr
    optimizer.step()
    return loss, grad_norm


def accumulate_gradients(run: Run, step: int, loss_of: Callable[[Any], Tensor]) -> float:
    """The mean of `loss_of(batch)` over a step's micro-batches; adds its gradient to the parameters' `grad`."""
    training, seed = run.config.training, run.config.seed
    total = 0.0
    for micro_step in range(training.accumulation_steps):
        number = step * training.accumulation_steps + micro_step
        mg.default_generator.set_state({"seed": seed, "counter": (number + 1) << 32})  # of dropout
        loss = loss_of(run.task.batch(number))
        (loss / training.accumulation_steps).backward()
        total += loss.item()
    return total / training.accumulation_steps


def make_optimizer(model: nn.Module, config: Config) -> optim.Optimizer:
    """The optimizer the settings ask for; it decays matrices, and nothing of fewer dimensions."""
    settings = config.optimizer
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    groups = [
        {"params": matrices, "weight_decay": settings.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    if settings.kind == "adafactor":
        return optim.Adafactor(groups, lr=settings.lr)
    return optim.AdamW(groups, lr=settings.lr, betas=settings.betas, eps=settings.eps)


def make_schedule(config: Config) -> lr_scheduler.Schedule:
    """From the number of a step, 0 for the first, to the factor of its learning rate."""
    warmup, last, final = config.schedule.warmup_steps, config.max_steps, config.schedule.min_lr / config.optimizer.lr
    return {
        "cosine": lr_scheduler.warmup_cosine(warmup, max(last, warmup), final),
        "linear": lr_scheduler.warmup_linear(warmup, max(last, warmup), final),
        "constant": lr_scheduler.warmup_constant(warmup),
    }[config.schedule.kind]


def tokens_per_step(run: Run) -> int:
    """Tokens that a step of the optimizer trains on."""
    return run.task.tokens_per_batch * run.config.training.accumulation_steps


def train_entry(at: Position, loss: float, lr: float, grad_norm: float | None, tokens_per_second: float) -> Entry:
    """What the log says of a step."""
    return {
        "step": at.step,
        "split": "train",
        "loss": loss,
        "lr": lr,
        "grad_norm": grad_norm,
        "tokens_per_second": round(tokens_per_second),
        "seconds": at.seconds,
    }


def val_entry(at: Position, loss: float, bits_per_byte: float | None) -> Entry:
    """What the log says of an evaluation."""
    return {"step": at.step, "split": "val", "loss": loss, "bits_per_byte": bits_per_byte, "seconds": at.seconds}


def load_best(run: Run) -> tuple[Any, int]:
    """The model with the lowest validation loss, and its step.

    Raises:
        FileNotFoundError: nothing was saved yet.
        CorruptFileError, ForeignCheckpointError: nothing but damaged checkpoints, or ones of another run.
    """
    model = run.task.make_model()
    checkpoint = best_checkpoint(run.folder, check_of(run, model))
    if checkpoint is None:
        raise FileNotFoundError(errno.ENOENT, "nothing was saved yet; train with --resume", str(run.folder))
    model.load_state_dict(checkpoint.model)
    return model.eval(), checkpoint.step
