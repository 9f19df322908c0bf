"""What a checkpoint of a run says, and what of it comes back."""

import json
import math
from dataclasses import asdict

import pytest

from lm.config import Config
from lm.models import GPT2
from lm.training.checkpoint import ForeignCheckpointError, latest_checkpoint
from lm.training.log import read_log
from lm.training.loop import make_optimizer, train
from lm.training.run import resume_run, start_run
from lm.training.state import LATER, Position, check_of, restore, run_settings, save
from tests.lm.training.tiny import tiny_config


def test_a_checkpoint_depends_on_every_setting_but_where_it_lies_and_how_long_it_goes_on():
    config = asdict(Config())
    assert set(run_settings(Config())) == set(config) - {"data", "out", "max_steps"}
    del config["training"]["gradient_checkpointing"]  # it changes no number
    assert run_settings(Config()).items() <= config.items()


def test_a_checkpoint_from_before_a_setting_is_read_with_what_held_then(tmp_path):
    with start_run(tmp_path / "run", tiny_config(tmp_path)) as run:
        train(run, stop=True)
    checkpoint = latest_checkpoint(tmp_path / "run")
    for section, settings in LATER["config"].items():
        for name in settings:
            del checkpoint.state["config"][section][name]
    with resume_run(tmp_path / "run", None, ()) as run:
        model = run.task.make_model()
        check_of(run, model)(checkpoint)
        del checkpoint.state["config"]["seed"]
        with pytest.raises(ForeignCheckpointError, match=r"config\.seed: nothing -> 0"):
            check_of(run, model)(checkpoint)


def test_a_checkpoint_of_another_seed_is_refused(tmp_path):
    with start_run(tmp_path / "run", tiny_config(tmp_path)) as run:
        train(run, stop=True)
    settings = run.folder / "config.yaml"
    settings.write_text(settings.read_text().replace("seed: 0", "seed: 1"))
    with (
        resume_run(run.folder, None, ()) as run,
        pytest.raises(ForeignCheckpointError, match=r"config\.seed: 0 -> 1"),
    ):
        train(run)


def test_the_time_so_far_is_that_of_the_log(tmp_path):
    with start_run(tmp_path / "run", tiny_config(tmp_path)) as run:
        model = train(run)
        restored = restore(run, model, make_optimizer(model, run.config))
        assert restored.seconds == read_log(run.folder)[-1]["seconds"] > 0


def no_such_number(name):
    raise AssertionError(f"{name} is not JSON")


def test_the_state_is_json_also_before_the_first_evaluation_and_without_clipping(tmp_path):
    with start_run(tmp_path / "run", tiny_config(tmp_path, "--optimizer.max_norm", ".inf")) as run:
        model = GPT2(run.config.model.gpt2(run.tokenizer.vocab_size))
        optimizer = make_optimizer(model, run.config)
        save(run, model, optimizer, Position(step=1))
        state = latest_checkpoint(run.folder).path / "state.json"
        json.loads(state.read_bytes(), parse_constant=no_such_number)
        assert restore(run, model, optimizer) == Position(step=1, best_step=None, best_loss=math.inf)


def test_a_run_stopped_in_its_first_evaluation_goes_on(tmp_path):
    with start_run(tmp_path / "run", tiny_config(tmp_path)) as run:
        train(run, stop=True)
        assert latest_checkpoint(run.folder).best_step is None
    with resume_run(tmp_path / "run", None, ()) as run:
        train(run)
        assert latest_checkpoint(run.folder).best_step is not None
