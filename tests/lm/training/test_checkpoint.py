import getpass
import json
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from lm.training import checkpoint as module
from lm.training.checkpoint import (
    CheckpointWarning,
    ForeignCheckpointError,
    best_checkpoint,
    check_same_run,
    environment,
    latest_checkpoint,
    load_checkpoint,
    save_checkpoint,
    warn_of_other_environment,
)
from minigrad.io import CorruptFileError, atomic, save_directory
from tests.minigrad.io.faults import PowerCuts, failing, write_tree

CONFIG = {"model": {"depth": 4, "betas": (0.9, 0.95)}, "seed": 1}


def model_at(step):
    return {"w": np.full((3, 2), step, np.float32), "count": np.array(step)}


def save(run_dir, step, **options):
    state = {"config": CONFIG, "position": [step, 0.1 * step], "note": None}
    optimizer = {"exp_avg.w": np.full((3, 2), -step, np.float32)}
    return save_checkpoint(run_dir, step, model_at(step), optimizer, state, **options)


def assert_whole(checkpoint, step):
    assert checkpoint.step == step
    assert checkpoint.model.keys() == {"w", "count"}
    assert (checkpoint.model["w"] == step).all() and checkpoint.model["count"] == step
    assert (checkpoint.optimizer["exp_avg.w"] == -step).all()
    assert checkpoint.state["position"] == [step, 0.1 * step]


def steps(run_dir):
    return sorted(p.name for p in (run_dir / "checkpoints").iterdir())


def name(*numbers):
    return [f"step-{n:08d}" for n in numbers]


def test_round_trip(tmp_path):
    assert latest_checkpoint(tmp_path) is None
    path = save(tmp_path, 250, best_step=250)
    assert path == tmp_path / "checkpoints" / "step-00000250"
    files = ["manifest.json", "model.safetensors", "optimizer.safetensors", "state.json"]
    assert sorted(p.name for p in path.iterdir()) == files
    for checkpoint in (load_checkpoint(path), latest_checkpoint(tmp_path), best_checkpoint(tmp_path)):
        assert_whole(checkpoint, 250)
        assert checkpoint.state == {
            "config": {"model": {"depth": 4, "betas": [0.9, 0.95]}, "seed": 1},
            "position": [250, 25.0],
            "note": None,
        }
        assert checkpoint.best_step == 250 and checkpoint.environment == environment()


def test_equal_checkpoints_have_equal_bytes(tmp_path):
    for run in ("a", "b"):
        (tmp_path / run).mkdir()
        save(tmp_path / run, 1)
    for file in (tmp_path / "a" / "checkpoints" / "step-00000001").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / "checkpoints" / "step-00000001" / file.name).read_bytes()


@pytest.mark.parametrize("value", [np.float32(1), {1: 2}, b"bytes", {"a": [1, {2}]}, Path("x"), np.zeros(2)])
def test_state_that_json_would_change_is_refused_by_name(tmp_path, value):
    with pytest.raises(TypeError, match=r"state\['bad'\]"):
        save_checkpoint(tmp_path, 1, {}, {}, {"bad": value})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step, keep", [(-1, 2), (1, 0)])
def test_negative_step_and_keeping_nothing_are_refused(tmp_path, step, keep):
    with pytest.raises(ValueError, match="step must be >= 0 and keep >= 1"):
        save_checkpoint(tmp_path, step, {}, {}, {}, keep=keep)


def test_floats_of_the_state_come_back_exactly(tmp_path):
    floats = [0.1, 1e-310, 1 / 3, -0.0, 2.0**70]
    path = save_checkpoint(tmp_path, 1, {}, {}, {"floats": floats, "big": 2**200})
    state = load_checkpoint(path).state
    assert [f.hex() for f in state["floats"]] == [f.hex() for f in floats]
    assert state["big"] == 2**200


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
def test_a_number_that_json_does_not_have_is_refused_by_name(tmp_path, number):
    with pytest.raises(ValueError, match=rf"^state\['best'\]\[1\] is {number}; "):
        save_checkpoint(tmp_path, 1, {}, {}, {"best": [0.5, number]})
    assert list(tmp_path.iterdir()) == []


# ---- rotation ------------------------------------------------------------------------------------------------------


def test_newest_and_best_are_kept(tmp_path):
    best = None
    for step in range(1, 8):
        best = step if step in (1, 3) else best
        save(tmp_path, step, best_step=best, keep=2)
        assert f"step-{step:08d}" in steps(tmp_path)
    assert steps(tmp_path) == name(3, 6, 7)
    assert_whole(best_checkpoint(tmp_path), 3)
    assert_whole(latest_checkpoint(tmp_path), 7)


def test_best_of_every_kept_checkpoint_stays_so_that_falling_back_finds_it(tmp_path):
    save(tmp_path, 1, best_step=1)
    save(tmp_path, 2, best_step=1)
    damaged = save(tmp_path, 3, best_step=3)
    (damaged / "state.json").write_bytes(b"{}")
    with pytest.warns(CheckpointWarning, match=r"state\.json"):
        assert_whole(best_checkpoint(tmp_path), 1)


def test_best_checkpoint_that_is_damaged_gives_the_newest_and_says_so(tmp_path):
    for step in (1, 2, 3):
        best = save(tmp_path, step, best_step=1)
        assert_whole(best_checkpoint(tmp_path), 1)
    (tmp_path / "checkpoints" / "step-00000001" / "model.safetensors").write_bytes(b"")
    with pytest.warns(CheckpointWarning, match=r"best.*step-00000001.*model\.safetensors"):
        assert best_checkpoint(tmp_path).path == best


def test_keep_one_removes_only_after_the_new_one_is_safe(tmp_path, monkeypatch):
    save(tmp_path, 1, keep=1)
    monkeypatch.setattr(atomic, "files", failing(1, only="replace"))
    with pytest.raises(OSError, match="step-00000002"):
        save(tmp_path, 2, keep=1)
    monkeypatch.setattr(atomic, "files", atomic.Files())
    assert_whole(latest_checkpoint(tmp_path), 1)
    save(tmp_path, 2, keep=1)
    assert steps(tmp_path) == name(2)


def test_saving_a_step_again_replaces_it(tmp_path):
    save(tmp_path, 1)
    save(tmp_path, 2)
    for _ in range(3):
        again = save(tmp_path, 2, best_step=2)
        assert latest_checkpoint(tmp_path).path == best_checkpoint(tmp_path).path == again
        assert steps(tmp_path) == [*name(1), again.name]


def test_checkpoints_of_an_abandoned_future_are_removed(tmp_path):
    for step in (10, 20, 30):
        save(tmp_path, step, best_step=30 if step == 30 else 10)
    save(tmp_path, 15, best_step=10)  # went back to 10, saves more often now
    assert steps(tmp_path) == name(10, 15)
    assert_whole(latest_checkpoint(tmp_path), 15)


def test_damaged_checkpoint_does_not_take_the_place_of_one_to_fall_back_on(tmp_path):
    for step in (10, 20):
        save(tmp_path, step)
    (tmp_path / "checkpoints" / "step-00000020" / "model.safetensors").write_bytes(b"")
    with pytest.warns(CheckpointWarning, match=r"step-00000020.*model\.safetensors"):
        save(tmp_path, 25)
    assert steps(tmp_path) == name(10, 25)


def test_other_names_in_the_folder_are_left_alone(tmp_path):
    save(tmp_path, 1)
    for other in ("notes.txt", "step-1", "step-00000001.bak", "step-0000000x"):
        (tmp_path / "checkpoints" / other).write_bytes(b"mine")
    save(tmp_path, 2, keep=1)
    assert steps(tmp_path) == sorted(["notes.txt", "step-1", "step-00000001.bak", "step-0000000x", *name(2)])


def test_failing_to_remove_an_old_checkpoint_warns_and_keeps_the_new_one(tmp_path, monkeypatch):
    save(tmp_path, 1)
    monkeypatch.setattr(module.io, "remove_directory", lambda path: (_ for _ in ()).throw(PermissionError(str(path))))
    with pytest.warns(CheckpointWarning, match="step-00000001"):
        save(tmp_path, 2, keep=1)
    assert_whole(latest_checkpoint(tmp_path), 2)


# ---- damage --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["model.safetensors", "optimizer.safetensors", "state.json", "manifest.json"])
@pytest.mark.parametrize("damage", ["bit", "truncated", "missing"])
def test_damaged_checkpoint_falls_back_loudly_to_the_previous_one(tmp_path, file, damage):
    save(tmp_path, 1)
    path = save(tmp_path, 2) / file
    data = bytearray(path.read_bytes())
    data[0] ^= 4
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(data if damage == "bit" else data[:-1])
    with pytest.raises(CorruptFileError, match=file):
        load_checkpoint(path.parent)
    with pytest.warns(CheckpointWarning, match=f"step-00000001, for .*step-00000002.*{file}"):
        assert_whole(latest_checkpoint(tmp_path), 1)


def test_no_checkpoint_that_verifies_is_an_error_and_not_a_fresh_start(tmp_path):
    (save(tmp_path, 1) / "model.safetensors").write_bytes(b"")
    with pytest.raises(CorruptFileError, match=r"no checkpoint.*model\.safetensors"):
        latest_checkpoint(tmp_path)


@pytest.mark.parametrize("state", [b"", b"[]", b"{}", b'{"step": "x"}', b'{"step": null}', b"[" * 100_000])
def test_intact_directory_that_is_no_checkpoint_is_refused(tmp_path, state):
    contents = {"model.safetensors": b"{}", "optimizer.safetensors": b"", "state.json": state}
    save_directory(tmp_path / "step-00000001", contents)
    with pytest.raises(CorruptFileError, match="step-00000001"):
        load_checkpoint(tmp_path / "step-00000001")
    save_directory(tmp_path / "step-00000002", {"state.json": b"{}"})
    with pytest.raises(CorruptFileError, match=r"model\.safetensors"):
        load_checkpoint(tmp_path / "step-00000002")


def test_failure_of_any_call_keeps_what_was_saved(tmp_path, monkeypatch):
    failed = 0
    (tmp_path / "start").mkdir()
    for step in (1, 2):
        save(tmp_path / "start", step)
    for n in range(1, 300):
        run = tmp_path / str(n)
        shutil.copytree(tmp_path / "start", run)
        disk = failing(n)
        monkeypatch.setattr(atomic, "files", disk)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a failing rotation, or a failing check of the previous checkpoint
            try:
                save(run, 3)
                saved = True
            except OSError as error:
                saved, failed = False, failed + 1
                assert str(run) in str(error)
        monkeypatch.setattr(atomic, "files", atomic.Files())
        latest = latest_checkpoint(run)
        assert latest.step == 3 or not saved
        assert_whole(latest, latest.step)
        assert_whole(load_checkpoint(run / "checkpoints" / "step-00000002"), 2)
        save(run, 4)
        assert steps(run)[-1:] == name(4) and len(steps(run)) == 2
        if disk.calls < n:
            break
    assert disk.calls < n and failed > 25


@pytest.mark.parametrize("before", [0, 2])
def test_power_cut_at_any_moment_leaves_the_last_or_the_one_before(tmp_path, monkeypatch, before):
    run = tmp_path / "run"
    run.mkdir()
    for step in range(1, before + 1):
        save(run, step)
    disk = PowerCuts(run)
    monkeypatch.setattr(atomic, "files", disk.files)
    new = before + 1
    save(run, new)
    monkeypatch.setattr(atomic, "files", atomic.Files())
    found = set()
    for i, (done, tree) in enumerate(disk.states()):
        write_tree(tmp_path / str(i), tree)
        checkpoint = latest_checkpoint(tmp_path / str(i))  # warnings are errors: nothing may even look damaged
        found.add((done == len(disk.log), None if checkpoint is None else checkpoint.step))
        if checkpoint is not None:
            assert_whole(checkpoint, checkpoint.step)
    assert found == {(False, before or None), (False, new), (True, new)}


def kill_saves(run_dir, kills, seed):
    command = [sys.executable, "-m", "tests.lm.training.kill_saves", str(run_dir), str(kills), str(seed)]
    return subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, text=True)


def test_killed_at_any_moment_resumes_from_the_last_or_the_one_before(tmp_path):
    result = kill_saves(tmp_path, 30, 0)
    assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_killed_200_times_resumes_from_the_last_or_the_one_before(tmp_path):
    result = kill_saves(tmp_path, 200, 1)
    assert result.returncode == 0, result.stderr


# ---- foreign runs and other machines -------------------------------------------------------------------------------


def test_own_checkpoint_is_resumable_without_a_word(tmp_path):
    checkpoint = load_checkpoint(save(tmp_path, 1))
    check_same_run(checkpoint, {"config": CONFIG}, model_at(0))
    warn_of_other_environment(checkpoint)
    identity = {"config": {"limit": None, "layers": [1, 2]}, "corpus": "1f"}
    check_same_run(load_checkpoint(save_checkpoint(tmp_path, 2, {}, {}, identity)), identity, {})


@pytest.mark.parametrize(
    "config, model, names",
    [
        ({**CONFIG, "seed": 2}, model_at(0), "seed: 1 -> 2"),
        ({**CONFIG, "model": {"depth": 6, "betas": (0.9, 0.95)}}, model_at(0), r"model\.depth: 4 -> 6"),
        ({**CONFIG, "model": {"depth": 4, "betas": (0.9, 0.99)}}, model_at(0), r"model\.betas: \[0\.9, 0\.95\] ->"),
        ({**CONFIG, "dropout": 0.1}, model_at(0), "dropout: nothing -> 0.1"),
        ({"model": CONFIG["model"]}, model_at(0), "seed: 1 -> nothing"),
        (CONFIG, {**model_at(0), "w": np.zeros((2, 3), np.float32)}, r"w: float32\[3, 2\] -> float32\[2, 3\]"),
        (CONFIG, {**model_at(0), "w": np.zeros((3, 2))}, "float64"),
        (CONFIG, {"w": np.zeros((3, 2), np.float32)}, "count.*nothing"),
        (CONFIG, {**model_at(0), "head.bias": np.zeros(2)}, "head.bias: nothing"),
    ],
)
def test_foreign_checkpoint_is_refused_with_what_differs(tmp_path, config, model, names):
    with pytest.raises(ForeignCheckpointError, match=names):
        check_same_run(load_checkpoint(save(tmp_path, 1)), {"config": config}, model)


def test_a_setting_that_came_later_was_its_default_before(tmp_path):
    checkpoint = load_checkpoint(save(tmp_path, 1))
    later = {**CONFIG, "dropout": 0.1, "model": {**CONFIG["model"], "width": 8}}
    check_same_run(checkpoint, {"config": later}, model_at(0), {"config": later})
    with pytest.raises(ForeignCheckpointError, match=r"model\.width: 8 -> 9"):
        other = {**later, "model": {**later["model"], "width": 9}}
        check_same_run(checkpoint, {"config": other}, model_at(0), {"config": later})


def test_checkpoint_that_does_not_say_of_which_run_it_is_is_refused(tmp_path):
    with pytest.raises(ForeignCheckpointError, match="corpus: nothing -> 1f"):
        check_same_run(load_checkpoint(save(tmp_path, 1)), {"config": CONFIG, "corpus": "1f"}, model_at(0))


def refuse(*steps):
    def check(checkpoint):
        if checkpoint.step in steps:
            raise ForeignCheckpointError(f"{checkpoint.path.name} is not mine")

    return check


def test_foreign_checkpoint_falls_back_loudly_to_the_previous_one(tmp_path):
    for step in (1, 2):
        save(tmp_path, step, best_step=1)
    with pytest.warns(CheckpointWarning, match="step-00000001, for step-00000002 is not mine"):
        assert_whole(latest_checkpoint(tmp_path, refuse(2)), 1)
    with pytest.warns(CheckpointWarning, match="best.*step-00000001 is not mine"):
        assert_whole(best_checkpoint(tmp_path, refuse(1)), 2)
    with pytest.raises(ForeignCheckpointError, match=r"no checkpoint .*step-00000002 is not mine"):
        latest_checkpoint(tmp_path, refuse(1, 2))


def test_resuming_elsewhere_warns_with_what_differs(tmp_path, monkeypatch):
    checkpoint = load_checkpoint(save(tmp_path, 1))
    other = {**environment(), "numpy": "9.9.9", "threads": 64}
    monkeypatch.setattr(module, "environment", lambda: other)
    with pytest.warns(CheckpointWarning, match=r"threads: \d+ -> 64") as caught:
        warn_of_other_environment(checkpoint)
    assert len(caught) == 1 and "9.9.9" in str(caught[0].message) and "python" not in str(caught[0].message)


@pytest.mark.parametrize("variable", ["OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"])
def test_environment_knows_the_thread_count(monkeypatch, variable):
    for other in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(other, raising=False)
    unlimited = environment()["threads"]
    monkeypatch.setenv(variable, "17")
    assert environment()["threads"] == 17 != unlimited
    monkeypatch.setenv(variable, "/home/somebody")
    assert environment()["threads"] == unlimited
    assert environment().keys() == {"minigrad", "python", "numpy", "blas", "threads", "system", "cpu_features"}


def test_no_path_user_host_or_environment_value_is_saved(tmp_path, monkeypatch):
    monkeypatch.setenv("SOME_TOKEN", "hunter2hunter2")
    path = save(tmp_path, 1)
    saved = b"".join(file.read_bytes() for file in path.iterdir())
    private = [str(tmp_path), os.getcwd(), f"{Path.home()}/", f"/{getpass.getuser()}", os.uname().nodename, "hunter2"]
    assert [text for text in [*private, "/home/", "/tmp", "/opt"] if text.encode() in saved] == []
    assert json.loads((path / "state.json").read_text())["environment"] == environment()
