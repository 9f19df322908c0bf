"""Training on several processes: the same loss and gradients, exact resuming, and no process that stays."""

import os
import subprocess
from functools import partial

import numpy as np
import pytest

import minigrad as mg
from lm.config import ConfigError, load_config
from lm.config.settings import TOKENIZERS, WORD_VECTORS
from lm.training.families import FAMILIES
from lm.training.loop import accumulate_gradients, train
from lm.training.parallel import shared_loss
from lm.training.run import resume_run, start_run
from tests.lm.training.tasks.test_filling_gaps import flags_of
from tests.lm.training.test_loop import StopAtPoll
from tests.lm.training.tiny import timeless_log, tiny_config, weights

pytestmark = pytest.mark.host("processes share the memory of the host")


def children():
    """The processes that this one has."""
    found = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(os.getpid())], stdout=subprocess.PIPE, text=True, check=False
    )
    return {pid for pid in found.stdout.split() if os.path.exists(f"/proc/{pid}")}


def gradients(run, model, loss_of):
    model.zero_grad()
    loss = accumulate_gradients(run, 3, loss_of)
    return loss, [parameter.grad.numpy().copy() for parameter in model.parameters()]


def make(run):
    mg.manual_seed(0)
    return run.task.make_model().double()


@pytest.mark.parametrize("processes", [2, 4])
def test_loss_and_gradients_are_those_of_the_whole_batch(tmp_path, processes):
    with start_run(tmp_path / "run", tiny_config(tmp_path, "--model.dropout", "0")) as run:
        model = make(run)
        loss, wanted = gradients(run, model, partial(run.task.loss, model))
        with shared_loss(run.task, model, processes) as loss_of:
            shared, found = gradients(run, model, loss_of)
        assert shared == pytest.approx(loss, rel=1e-12)
        for one, other in zip(found, wanted):
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-13)


SHARED = [family for family in FAMILIES if family not in WORD_VECTORS]


@pytest.mark.parametrize("family", SHARED)
def test_the_loss_is_the_mean_of_the_parts_losses(tmp_path, family):
    """Of which each is a mean of its own, over what is masked in it, say."""
    flags = ["--model.dropout", "0", "--tokenizer.kind", TOKENIZERS[family][0]]
    if flags[-1] == "character":
        flags += ["--tokenizer.vocab_size", "null"]
    config = load_config(flags=flags_of(tmp_path, family, *flags))
    with start_run(tmp_path / "run", config) as run:
        model, batch = make(run), run.task.batch(0)
        halves = [{name: array[half] for name, array in batch.items()} for half in (slice(0, 4), slice(4, 8))]
        wanted = np.mean([run.task.loss(model, half).item() for half in halves])
        with shared_loss(run.task, model, 2) as loss_of:
            assert loss_of(batch).item() == pytest.approx(wanted, rel=1e-12)


def test_stopping_and_resuming_gives_the_same_bits(tmp_path):
    flags = ("--training.processes", "2")
    with start_run(tmp_path / "unbroken", tiny_config(tmp_path, *flags)) as run:
        train(run)
    with start_run(tmp_path / "broken", tiny_config(tmp_path, *flags)) as run:
        train(run, StopAtPoll(5))
    for polls in (9, 10**9):
        with resume_run(tmp_path / "broken", None, ()) as run:
            train(run, StopAtPoll(polls))
    assert weights(tmp_path / "broken") == weights(tmp_path / "unbroken")
    assert timeless_log(tmp_path / "broken") == timeless_log(tmp_path / "unbroken")


def test_no_process_is_left_when_a_run_ends_however_it_ends(tmp_path, monkeypatch):
    before = children()
    with start_run(tmp_path / "run", tiny_config(tmp_path, "--training.processes", "2")) as run:
        train(run)
    assert children() == before
    seen = []

    def fail(*_):
        seen.append(children() - before)
        raise KeyboardInterrupt

    monkeypatch.setattr("lm.training.loop.check_finite", fail)
    config = tiny_config(tmp_path, "--training.processes", "2", "--training.eval_every", "100")
    monkeypatch.setattr("lm.training.loop.validate", lambda *_: None)
    with start_run(tmp_path / "other", config) as run, pytest.raises(KeyboardInterrupt):
        train(run)
    assert len(seen[0]) == 1 and children() == before


def test_a_number_that_is_not_finite_is_found_wherever_it_was_computed(tmp_path):
    flags = ("--training.processes", "2", "--optimizer.lr", "1e30", "--optimizer.max_norm", ".inf")
    flags += ("--schedule.warmup_steps", "0", "--schedule.min_lr", "0", "--training.eval_every", "100")
    with (
        start_run(tmp_path / "run", tiny_config(tmp_path, *flags)) as run,
        pytest.raises(FloatingPointError, match=r"not finite is in the (output|gradient)"),
    ):
        train(run)


def test_elsewhere_than_on_linux_one_process_does_all(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.platform", "darwin")
    with start_run(tmp_path / "run", tiny_config(tmp_path)) as run:
        model = make(run)
        with shared_loss(run.task, model, 2) as loss_of:
            assert loss_of.func == run.task.loss


def test_a_batch_that_cannot_be_shared_evenly_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"training.processes must be a divisor of training.batch_size = 16, got 3"):
        tiny_config(tmp_path, "--training.processes", "3")
