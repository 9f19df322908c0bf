"""Training: what a step computes, and that stopping anywhere changes nothing."""

import math
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from lm.config import load_config
from lm.data.batches import training_batch
from lm.models import GPT2
from lm.training import families, loop, state
from lm.training.checkpoint import ForeignCheckpointError, latest_checkpoint
from lm.training.log import read_log
from lm.training.loop import accumulate_gradients, load_best, make_optimizer, make_schedule, train
from lm.training.run import resume_run, start_run
from lm.training.tasks.next_token import NextToken
from minigrad import tensor
from tests.lm.training.tiny import TEXT, timeless_log, tiny_config, tiny_flags, weights

CONFIGS = Path(__file__).parents[3] / "configs"


class StopAtPoll:
    """Rises when it is looked at for the n-th time: between two steps, or in the midst of an evaluation."""

    def __init__(self, n):
        self.left = n

    def __bool__(self):
        self.left -= 1
        return self.left < 0


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    with start_run(folder / "run", tiny_config(folder)) as run:
        train(run)
    return folder / "run"


def test_stopping_at_any_moment_and_resuming_gives_the_same_bits(unbroken, tmp_path):
    polls = StopAtPoll(10**9)
    with start_run(tmp_path / "polls", tiny_config(tmp_path)) as run:
        train(run, polls)
    polls = 10**9 - polls.left
    assert polls > 9 + 3  # every step, and more than one batch of each evaluation

    for n in range(0, polls, 3):
        folder = tmp_path / str(n)
        with start_run(folder, tiny_config(tmp_path)) as run:
            train(run, StopAtPoll(n))
        with resume_run(folder, None, ()) as run:
            train(run)
        assert weights(folder) == weights(unbroken), n
        assert timeless_log(folder) == timeless_log(unbroken), n
        assert latest_checkpoint(folder).best_step == latest_checkpoint(unbroken).best_step


def test_stopping_again_and_again_gives_the_same_bits(unbroken, tmp_path):
    with start_run(tmp_path / "run", tiny_config(tmp_path)) as run:
        train(run, StopAtPoll(9))
    for _ in range(8):
        with resume_run(tmp_path / "run", None, ()) as run:
            train(run, StopAtPoll(9))
    assert weights(tmp_path / "run") == weights(unbroken)
    assert timeless_log(tmp_path / "run") == timeless_log(unbroken)


def last_step(folder: Path) -> int:
    checkpoint = latest_checkpoint(folder)
    return -1 if checkpoint is None else checkpoint.step


def log_lines(folder: Path) -> int:
    path = folder / "log.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def check_kills(folder: Path, flags: list[str], kills: int, seed: int) -> None:
    """Compare a run with one whose processes are SIGKILLed at `kills` random moments."""
    rng = random.Random(seed)
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}

    def start(run: Path) -> subprocess.Popen:
        resume = ["--resume"] if (run / "config.yaml").exists() else []
        command = [sys.executable, "-m", "lm.cli", "train", "--out", str(run), *flags, *resume]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def finish(run: Path) -> float:
        started = time.monotonic()
        with start(run) as process:
            output, _ = process.communicate()
        assert process.returncode == 0, output
        return time.monotonic() - started

    unbroken, killed = folder / "unbroken", folder / "killed"
    duration = finish(unbroken)
    total = log_lines(unbroken)
    steps = []
    for kill in range(kills):
        with start(killed) as process:
            if kill % 2:  # in the midst of its steps, every time further on
                while process.poll() is None and log_lines(killed) < total * kill / (kills + 1):
                    time.sleep(0.001)
            else:  # any moment of its life
                time.sleep(rng.uniform(0.0, duration))
            process.kill()
        steps.append(last_step(killed))
    finish(killed)
    assert any(0 < step < last_step(unbroken) for step in steps), f"nothing was interrupted: {steps}"
    assert weights(killed) == weights(unbroken), steps
    assert timeless_log(killed) == timeless_log(unbroken), steps


def test_a_run_that_is_killed_and_resumed_ends_with_the_same_bits(tmp_path):
    check_kills(tmp_path, tiny_flags(tmp_path, "--max_steps", "60"), kills=4, seed=1)


@pytest.mark.slow
def test_the_default_run_survives_twenty_kills(tmp_path):
    flags = [
        "--model.dropout",
        "0.1",
        "--training.accumulation_steps",
        "2",
        "--max_steps",
        "150",
        "--training.save_every",
        "5",
    ]
    check_kills(tmp_path, flags, kills=20, seed=1)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_at_the_next_step_boundary(tmp_path, number, status):
    flags = tiny_flags(tmp_path, "--max_steps", "100000", "--training.save_every", "100000")
    # A background job of a shell is born ignoring SIGINT, and so are its children.
    program = (
        "import signal, sys, lm.cli\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "sys.exit(lm.cli.main())"
    )
    command = [sys.executable, "-c", program, "train", "--out", str(tmp_path / "run"), *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        deadline = time.monotonic() + 60
        while len(read_log(tmp_path / "run")) < 10 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(number)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == status, output
    assert latest_checkpoint(tmp_path / "run").step == max(entry["step"] for entry in read_log(tmp_path / "run")) > 0
    assert f"lm train --resume --out {tmp_path / 'run'}" in output


def test_the_log_says_everything_once(unbroken):
    entries = read_log(unbroken)
    train_entries = [entry for entry in entries if entry["split"] == "train"]
    val_entries = [entry for entry in entries if entry["split"] == "val"]
    assert [entry["step"] for entry in train_entries] == list(range(1, 10))
    assert [entry["step"] for entry in val_entries] == [0, 4, 8, 9]
    assert set(train_entries[0]) == {"step", "split", "loss", "lr", "grad_norm", "tokens_per_second", "seconds"}
    assert set(val_entries[0]) == {"step", "split", "loss", "bits_per_byte", "seconds"}
    assert entries == sorted(entries, key=lambda entry: entry["seconds"])


def test_the_log_has_the_gradients_norm_before_clipping(unbroken, tmp_path):
    with start_run(tmp_path / "run", tiny_config(tmp_path)) as run:
        mg.manual_seed(run.config.seed)
        model = GPT2(run.config.model.gpt2(run.tokenizer.vocab_size))
        loss = accumulate_gradients(run, 0, partial(run.task.loss, model))
        norm = math.sqrt(sum((parameter.grad.numpy().astype(float) ** 2).sum() for parameter in model.parameters()))
    first, *later = [entry for entry in read_log(unbroken) if entry["split"] == "train"]
    assert first["loss"] == loss
    assert first["grad_norm"] == pytest.approx(norm, rel=1e-5)
    assert len({entry["grad_norm"] for entry in later}) == len(later)


class Clock:
    """Goes on by 1, 3, 5, ... seconds from one look at it to the next, so that no two steps take equally long."""

    def __init__(self, start):
        self.start, self.looks = start, []

    def monotonic(self):
        self.looks.append(self.start + len(self.looks) ** 2)
        return self.looks[-1]


def test_the_log_has_the_speed_of_each_step_and_the_time_without_pauses(tmp_path, monkeypatch):
    clock = Clock(1000)
    monkeypatch.setattr(loop, "time", clock)
    with start_run(tmp_path / "run", tiny_config(tmp_path)) as run:
        train(run, StopAtPoll(9))
    before = read_log(run.folder)
    for entry in before:
        if entry["split"] == "train":
            end = clock.looks.index(clock.looks[0] + entry["seconds"])
            assert entry["tokens_per_second"] == round(16 * 2 * 8 / (clock.looks[end] - clock.looks[end - 1]))
    monkeypatch.setattr(loop, "time", Clock(9000))
    with resume_run(run.folder, None, ()) as run:
        train(run)
    seconds = [entry["seconds"] for entry in read_log(run.folder)]
    assert len(seconds) > len(before) >= 4
    assert seconds == sorted(set(seconds)) and seconds[-1] < 1000


def test_training_lowers_the_validation_loss(unbroken):
    losses = [entry["loss"] for entry in read_log(unbroken) if entry["split"] == "val"]
    assert losses[-1] < losses[0] - 0.1


def test_another_seed_trains_another_model(unbroken, tmp_path):
    with start_run(tmp_path / "run", tiny_config(tmp_path, "--seed", "1")) as run:
        train(run)
    assert weights(tmp_path / "run") != weights(unbroken)


def test_a_finished_run_is_left_alone(unbroken):
    before = sorted((unbroken / "checkpoints").iterdir()), weights(unbroken), timeless_log(unbroken)
    with resume_run(unbroken, None, ()) as run:
        train(run)
    assert (sorted((unbroken / "checkpoints").iterdir()), weights(unbroken), timeless_log(unbroken)) == before


def test_a_run_can_be_made_longer(tmp_path):
    with start_run(tmp_path / "run", tiny_config(tmp_path)) as run:
        train(run)
    with resume_run(tmp_path / "run", None, ("--max_steps", "12")) as run:
        train(run)
    assert latest_checkpoint(tmp_path / "run").step == 12
    evaluations = [entry["step"] for entry in read_log(tmp_path / "run") if entry["split"] == "val"]
    assert evaluations == [0, 4, 8, 9, 12]  # that of step 9 was due then, and is not now
    assert load_config(tmp_path / "run" / "config.yaml").max_steps == 12


def test_resuming_from_a_damaged_checkpoint_goes_back_to_the_one_before_loudly(unbroken, tmp_path):
    with start_run(tmp_path / "run", tiny_config(tmp_path)) as run:
        train(run, StopAtPoll(20))
    newest = max((tmp_path / "run" / "checkpoints").iterdir())
    with open(newest / "model.safetensors", "r+b") as file:
        file.truncate(100)
    with (
        resume_run(tmp_path / "run", None, ()) as run,
        pytest.warns(UserWarning, match=r"model\.safetensors.*100 bytes"),
    ):
        train(run)
    assert weights(tmp_path / "run") == weights(unbroken)
    assert timeless_log(tmp_path / "run") == timeless_log(unbroken)


def stopped_run(folder: Path, text: str) -> Path:
    """A run of a text with the characters of `TEXT`, stopped halfway: all its arrays have the shapes of any other's."""
    config = tiny_config(folder)
    (folder / "text.txt").write_text(text)
    with start_run(folder / "run", config) as run:
        train(run, StopAtPoll(20))
    return folder / "run"


def test_a_checkpoint_of_another_text_falls_back_to_the_one_before_loudly(unbroken, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    folder, other = stopped_run(tmp_path / "a", TEXT), stopped_run(tmp_path / "b", TEXT[::-1])
    newest = max((other / "checkpoints").iterdir())
    shutil.rmtree(folder / "checkpoints" / newest.name)
    shutil.copytree(newest, folder / "checkpoints" / newest.name)
    with resume_run(folder, None, ()) as run:
        with pytest.warns(UserWarning, match=f"going back .* for .*{newest.name} .*corpus: "):
            load_best(run)
        with pytest.warns(UserWarning, match=f"going back .* for .*{newest.name} .*corpus: "):
            train(run)
    assert weights(folder) == weights(unbroken)
    assert timeless_log(folder) == timeless_log(unbroken)


def test_where_all_checkpoints_are_of_another_tokenizer_nothing_is_trained_or_loaded(tmp_path):
    folder = stopped_run(tmp_path, TEXT)
    path = folder / "tokenizer.json"
    path.write_bytes(path.read_bytes() + b"\n")
    before = weights(folder)
    with resume_run(folder, None, ()) as run:
        for use in (train, load_best):
            with pytest.raises(ForeignCheckpointError, match=r"no checkpoint of .* can be used.*tokenizer: "):
                use(run)
    assert weights(folder) == before


def test_a_full_disk_stops_the_run_and_spares_what_was_saved(unbroken, tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device; saving needs 12,345 bytes", "checkpoints/step-00000003")

    with start_run(tmp_path / "run", tiny_config(tmp_path)) as run:
        train(run, StopAtPoll(0))
        with monkeypatch.context() as patched, pytest.raises(OSError, match="12,345 bytes"):
            patched.setattr(state, "save_checkpoint", full)
            train(run)
        assert latest_checkpoint(run.folder).step == 0
    with resume_run(tmp_path / "run", None, ()) as run:
        train(run)
    assert weights(tmp_path / "run") == weights(unbroken)
    assert timeless_log(tmp_path / "run") == timeless_log(unbroken)


def test_accumulated_gradients_are_those_of_one_large_batch(tmp_path):
    config = tiny_config(tmp_path, "--model.dropout", "0")
    with start_run(tmp_path / "run", config) as run:
        model = GPT2(config.model.gpt2(run.tokenizer.vocab_size)).to(dtype=np.float64)
        loss = accumulate_gradients(run, 3, partial(run.task.loss, model))
        accumulated = {name: parameter.grad.numpy() for name, parameter in model.named_parameters()}
        model.zero_grad()
        batches = [training_batch(run.corpus.train.tokens, 16, 8, seed=0, number=number) for number in (6, 7)]
        ids, targets = (tensor(np.concatenate(parts)) for parts in zip(*batches))
        whole = model.loss(ids, targets)
        whole.backward()
    assert loss == pytest.approx(whole.item(), rel=1e-12)
    for name, parameter in model.named_parameters():
        np.testing.assert_allclose(accumulated[name], parameter.grad.numpy(), rtol=1e-9, atol=1e-12, err_msg=name)


def test_every_micro_step_has_its_own_dropout(tmp_path, monkeypatch):
    keys = []
    original = mg.ops.random.Key.bernoulli
    monkeypatch.setattr(mg.ops.random.Key, "bernoulli", lambda key, *a, **k: keys.append(key) or original(key, *a, **k))
    config = tiny_config(tmp_path)
    with start_run(tmp_path / "run", config) as run:
        model = GPT2(config.model.gpt2(run.tokenizer.vocab_size))
        for step in (0, 1, 0):
            accumulate_gradients(run, step, partial(run.task.loss, model))
    per_step = len(keys) // 3
    assert keys[:per_step] == keys[2 * per_step :]
    assert len(set(keys)) == 2 * 2 * (1 + 3 * config.model.n_layer)  # steps, micro-steps, dropouts of the model


@pytest.mark.parametrize("kind", ["adamw", "adafactor"])
def test_only_matrices_decay(tmp_path, kind):
    config = tiny_config(tmp_path, "--model.bias", "true", "--optimizer.kind", kind)
    optimizer = make_optimizer(GPT2(config.model.gpt2(10)), config)
    matrices, vectors = optimizer.param_groups
    assert (matrices["weight_decay"], vectors["weight_decay"]) == (config.optimizer.weight_decay, 0.0)
    assert {parameter.ndim for parameter in matrices["params"]} == {2}
    assert {parameter.ndim for parameter in vectors["params"]} == {1}


def test_a_run_takes_the_steps_of_adamw_on_clipped_gradients(tmp_path):
    flags = ["--max_steps", "3", "--schedule.warmup_steps", "2", "--model.bias", "true", "--optimizer.max_norm", "0.3"]
    flags += ["--optimizer.betas", "[0.8, 0.9]", "--optimizer.eps", "1e-3", "--optimizer.weight_decay", "0.25"]
    config = tiny_config(tmp_path, *flags)
    with start_run(tmp_path / "run", config) as run:
        trained = train(run).state_dict()

        mg.manual_seed(config.seed)
        model = GPT2(config.model.gpt2(run.tokenizer.vocab_size))
        means = {name: np.zeros_like(weight.data) for name, weight in model.named_parameters()}
        squares = {name: np.zeros_like(weight.data) for name, weight in model.named_parameters()}
        for step, factor in enumerate([1 / 3, 2 / 3, 1.0]):
            model.zero_grad()
            accumulate_gradients(run, step, partial(run.task.loss, model))
            assert mg.optim.clip_grad_norm_(model.parameters(), 0.3).item() > 0.3  # or it would not show
            lr, correction1, correction2 = 0.01 * factor, 1 - 0.8 ** (step + 1), 1 - 0.9 ** (step + 1)
            for name, weight in model.named_parameters():
                w, g, m, v = weight.data, weight.grad.data, means[name], squares[name]
                if w.ndim == 2:
                    w *= 1 - lr * 0.25
                m += (g - m) * (1 - 0.8)
                v *= 0.9
                v += g * g * (1 - 0.9)
                root = math.sqrt(correction2)
                w += m / (np.sqrt(v) + 1e-3 * root) * -(lr * root / correction1)
    for name, weight in model.state_dict().items():
        np.testing.assert_array_equal(trained[name].numpy(), weight.numpy(), err_msg=name)


def test_a_run_takes_the_steps_of_adafactor_on_clipped_gradients_and_goes_on_with_them(tmp_path):
    flags = ["--max_steps", "4", "--schedule.kind", "constant", "--schedule.warmup_steps", "0"]
    flags += ["--optimizer.kind", "adafactor", "--optimizer.max_norm", "0.3", "--optimizer.weight_decay", "0.25"]
    config = tiny_config(tmp_path, *flags)
    with start_run(tmp_path / "run", config) as run:
        train(run, StopAtPoll(4))
    assert latest_checkpoint(tmp_path / "run").step < 4
    with resume_run(tmp_path / "run", None, ()) as run:
        trained = train(run).state_dict()

        mg.manual_seed(config.seed)
        model = GPT2(config.model.gpt2(run.tokenizer.vocab_size))
        parameters = list(model.parameters())
        matrices, vectors = ([p for p in parameters if (p.ndim == 2) == matrix] for matrix in (True, False))
        optimizer = mg.optim.Adafactor([{"params": matrices, "weight_decay": 0.25}, {"params": vectors}], lr=0.01)
        for step in range(4):
            optimizer.zero_grad()
            accumulate_gradients(run, step, partial(run.task.loss, model))
            assert mg.optim.clip_grad_norm_(parameters, 0.3).item() > 0.3  # or it would not show
            optimizer.step()
    for name, weight in model.state_dict().items():
        np.testing.assert_array_equal(trained[name].numpy(), weight.numpy(), err_msg=name)


def test_the_log_is_safe_on_disk_before_the_checkpoint_that_it_leads_to(tmp_path, monkeypatch):
    happened = []
    sync, save = loop.Log.sync, loop.save
    monkeypatch.setattr(loop.Log, "sync", lambda log: happened.append("sync") or sync(log))
    monkeypatch.setattr(loop, "save", lambda *args: happened.append("save") or save(*args))
    with start_run(tmp_path / "run", tiny_config(tmp_path)) as run:
        train(run)
    assert happened == ["sync", "save"] * (len(happened) // 2) and len(happened) >= 2 * 4


def test_the_learning_rate_is_nanogpts():
    config = load_config(CONFIGS / "shakespeare-char-cpu.yaml")
    schedule = make_schedule(config)

    def nanogpt(it):  # get_lr of its train.py
        if it < 100:
            return 1e-3 * (it + 1) / (100 + 1)
        decay_ratio = (it - 100) / (2000 - 100)
        return 1e-4 + 0.5 * (1.0 + math.cos(math.pi * decay_ratio)) * (1e-3 - 1e-4)

    for step in (0, 1, 99, 100, 101, 1000, 1999):
        assert 1e-3 * schedule(step) == pytest.approx(nanogpt(step), rel=1e-12)


@pytest.mark.parametrize("kind", ["cosine", "linear", "constant"])
def test_a_run_shorter_than_its_warm_up_has_a_schedule(kind):
    schedule = make_schedule(load_config(flags=["--max_steps", "3", "--schedule.kind", kind]))
    assert 0 < schedule(0) < schedule(2) < 1


def test_a_constant_learning_rate_stays_whatever_it_would_fall_to():
    flags = ["--schedule.kind", "constant", "--schedule.warmup_steps", "0", "--optimizer.lr", "1e-5"]
    schedule = make_schedule(load_config(flags=flags))
    assert [schedule(step) for step in (0, 1, 999)] == [1.0, 1.0, 1.0]


def test_each_step_has_its_learning_rate(unbroken):
    config = load_config(unbroken / "config.yaml")
    schedule = make_schedule(config)
    logged = [entry["lr"] for entry in read_log(unbroken) if entry["split"] == "train"]
    assert logged == [config.optimizer.lr * schedule(step) for step in range(9)]


def test_the_best_model_is_the_one_with_the_lowest_validation_loss(tmp_path):
    flags = ["--optimizer.lr", "3", "--schedule.warmup_steps", "0", "--schedule.kind", "constant"]
    with start_run(tmp_path / "run", tiny_config(tmp_path, *flags)) as run:
        train(run)
        entries = [entry for entry in read_log(run.folder) if entry["split"] == "val"]
        model, step = load_best(run)
    best = min(entries, key=lambda entry: entry["loss"])
    assert step == best["step"] < entries[-1]["step"]  # else it shows nothing
    assert not model.training


def test_of_equally_good_models_the_first_is_the_best(tmp_path, monkeypatch):
    monkeypatch.setattr(NextToken, "evaluate", lambda *args: 1.5)
    with start_run(tmp_path / "run", tiny_config(tmp_path)) as run:
        train(run)
        assert load_best(run)[1] == 0


class Poisoned(GPT2):
    """Gives nan from the MLP of layer 1 at optimizer step 6, in forward or in backward."""

    where = "forward"

    def __init__(self, config):
        super().__init__(config)
        self.calls = 0
        self.h[1].mlp.register_forward_hook(self.poison)

    def loss(self, ids, targets):
        self.calls += self.training
        return super().loss(ids, targets)

    def poison(self, module, args, out):
        if self.training and self.calls > 10:
            if self.where == "forward":
                return out * math.nan
            out.register_hook(lambda gradient: gradient * math.inf)
        return None


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("forward", r"step 6: the loss is nan; the first .* the output of h\.1\.mlp \(MLP\)"),
        ("backward", r"step 6: the gradients' norm is (nan|inf); the first .* the gradient computed by .*h\.1\.mlp"),
    ],
)
def test_nan_stops_the_run_before_the_step_and_says_where(tmp_path, monkeypatch, where, message):
    monkeypatch.setattr(families, "GPT2", Poisoned)
    monkeypatch.setattr(Poisoned, "where", where)
    steps = []
    step = mg.optim.AdamW.step
    monkeypatch.setattr(mg.optim.AdamW, "step", lambda optimizer: steps.append(1) or step(optimizer))
    with start_run(tmp_path / "run", tiny_config(tmp_path)) as run:
        with pytest.raises(FloatingPointError, match=message):
            train(run)
        assert len(steps) == 5  # the sixth was not taken
        assert latest_checkpoint(run.folder).step == 4
        assert all(np.isfinite(array).all() for array in latest_checkpoint(run.folder).model.values())
        assert all(math.isfinite(entry["loss"]) for entry in read_log(run.folder))


class PoisonedEvaluation(Poisoned):
    """Gives nan from the MLP of layer 1 in every evaluation but the one before training."""

    def poison(self, module, args, out):
        return out * math.nan if not self.training and self.calls else None


def test_a_validation_loss_that_is_not_finite_is_neither_logged_nor_saved(tmp_path, monkeypatch):
    with start_run(tmp_path / "run", tiny_config(tmp_path)) as run:
        with monkeypatch.context() as patched:
            patched.setattr(families, "GPT2", PoisonedEvaluation)
            with pytest.raises(FloatingPointError, match=r"step 4: the validation loss is nan; .* output of h\.1\.mlp"):
                train(run)
        assert latest_checkpoint(run.folder).step == 3
        assert [entry["step"] for entry in read_log(run.folder) if entry["split"] == "val"] == [0]
        train(run)


@pytest.mark.parametrize("kind", ["weights", "moments"])
def test_a_checkpoint_that_is_not_finite_is_not_saved(tmp_path, monkeypatch, kind):
    step = mg.optim.AdamW.step

    def overflow(optimizer):
        step(optimizer)
        parameter = optimizer.param_groups[0]["params"][0]
        array = parameter if kind == "weights" else optimizer.state[parameter]["exp_avg_sq"]
        array.data[0, 0] = math.inf

    with start_run(tmp_path / "run", tiny_config(tmp_path, "--training.save_every", "1")) as run:
        train(run, StopAtPoll(0))
        with monkeypatch.context() as patched:
            patched.setattr(mg.optim.AdamW, "step", overflow)
            with pytest.raises(FloatingPointError, match=r"step 1: wte\.weight\S* holds a number that is not finite"):
                train(run)
        assert latest_checkpoint(run.folder).step == 0


def test_resuming_elsewhere_warns(unbroken, monkeypatch):
    monkeypatch.setattr("lm.training.checkpoint.environment", lambda: {"numpy": "0.1"})
    with resume_run(unbroken, None, ()) as run, pytest.warns(UserWarning, match=r"0\.1"):
        train(run)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_best(run)  # reading a model is not resuming
