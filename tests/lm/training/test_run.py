"""A run's folder: what may be started where, and what is never written over."""

import multiprocessing
import os
from dataclasses import replace
from pathlib import Path

import pytest

from lm.config import ConfigError, load_config
from lm.data.text import DataError
from lm.training.run import (
    make_tokenizer,
    new_folder,
    newest_folder,
    open_run,
    resume_run,
    start_numbered_run,
    start_run,
)
from lm.training.run_lock import RunLock, RunLockedError
from minigrad import CorruptFileError
from minigrad.io import atomic
from tests.lm.training.tiny import TEXT, tiny_config
from tests.minigrad.io.faults import PowerCuts, write_tree


def listing(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_started_run_opens(tmp_path):
    config = tiny_config(tmp_path, "--out", "elsewhere")
    with start_run(tmp_path / "run", config) as started:
        pass
    opened = open_run(tmp_path / "run")
    assert opened.config == started.config and opened.config.out is None
    assert opened.corpus.sha256 == started.corpus.sha256
    ids = opened.corpus.train.tokens.window(0, 20)
    assert opened.tokenizer.decode(ids.tolist()) == TEXT[:20]


def test_parents_of_the_folder_are_made(tmp_path):
    with start_run(tmp_path / "a" / "b" / "run", tiny_config(tmp_path)) as run:
        assert (run.folder / "config.yaml").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"short", r"text\.txt: too short: its training part has 4 tokens; one context of 8"),
        (b"twenty characters ...", r"text\.txt: too short: its validation part has 3 tokens"),
        (b"", r"text\.txt: empty"),
        (b"some text and a \0 byte", r"text\.txt: NUL at byte 16"),
        (b"caf\xe9 in Latin-1", r"text\.txt: not UTF-8 at byte 3"),
        (None, r"text\.txt"),
    ],
    ids=["short", "short validation", "empty", "binary", "undecodable", "missing"],
)
def test_a_bad_text_writes_nothing(tmp_path, content, message):
    config = tiny_config(tmp_path)
    if content is None:
        (tmp_path / "text.txt").unlink()
    else:
        (tmp_path / "text.txt").write_bytes(content)
    before = listing(tmp_path)
    kind = FileNotFoundError if content is None else DataError
    (tmp_path / "empty").mkdir()
    for folder in ("run", "a/b/run", "empty"):
        with pytest.raises(kind, match=message), start_run(tmp_path / folder, config):
            pass
    assert listing(tmp_path) == before
    assert {path.name for path in tmp_path.iterdir()} - {"text.txt"} == {"empty"}


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied", "run.lock"), RunLockedError("in use")])
def test_a_folder_that_will_not_do_is_found_out_before_the_text_is_read(tmp_path, monkeypatch, error):
    def refuse(lock):
        raise error

    config = tiny_config(tmp_path)
    (tmp_path / "text.txt").write_bytes(b"not \0 text")
    monkeypatch.setattr(RunLock, "__enter__", refuse)
    with pytest.raises(type(error)), start_run(tmp_path / "a" / "run", config):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["text.txt"]


def test_a_run_among_its_texts_does_not_read_itself(tmp_path):
    config = replace(tiny_config(tmp_path), data=str(tmp_path))
    with start_run(tmp_path / "run", config) as run:
        assert run.corpus.train.bytes + run.corpus.val.bytes == len(TEXT)


def test_all_of_the_text_is_checked_before_anything_is_written(tmp_path):
    config = tiny_config(tmp_path, "--tokenizer.kind", "bpe", "--tokenizer.vocab_size", "270")
    (tmp_path / "text.txt").write_bytes(TEXT.encode() * 200 + b"\0")  # BPE is not learnt from the end
    with pytest.raises(DataError, match="NUL"), start_run(tmp_path / "run", config):
        pass
    assert not (tmp_path / "run").exists()


def test_a_tokenizer_that_lacks_a_character_of_the_text_writes_nothing(tmp_path):
    (tmp_path / "other.txt").write_text("line " * 99 + "é" * 200)
    with start_run(tmp_path / "first", tiny_config(tmp_path)):
        pass
    path = str(tmp_path / "first" / "tokenizer.json")
    config = tiny_config(tmp_path, "--tokenizer.path", path, "--data", str(tmp_path / "other.txt"))
    with pytest.raises(DataError, match=r"other\.txt: character U\+00E9"), start_run(tmp_path / "second", config):
        pass
    assert not (tmp_path / "second").exists()


@pytest.mark.parametrize("name", ["config.yaml", "thesis.txt"])
def test_a_folder_that_holds_something_is_not_written_to(tmp_path, name):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / name).write_text("precious")
    message = "--resume" if name == "config.yaml" else "not empty"
    with pytest.raises(FileExistsError, match=message), start_run(folder, tiny_config(tmp_path)):
        pass
    assert listing(folder) == {name: b"precious"}


def test_a_file_is_no_folder(tmp_path):
    with pytest.raises(FileExistsError, match=r"text\.txt"), start_run(tmp_path / "text.txt", tiny_config(tmp_path)):
        pass


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_not_writable_is_named(tmp_path):
    config = tiny_config(tmp_path)
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(PermissionError, match="locked"), start_run(tmp_path / "locked" / "run", config):
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    config = tiny_config(tmp_path)
    with pytest.raises(NotADirectoryError, match=r"text\.txt"), start_run(tmp_path / "text.txt" / "run", config):
        pass


def test_a_folder_that_a_run_never_began_in_is_free(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.lock").touch()
    assert new_folder(tmp_path, "run") == folder
    with start_run(folder, tiny_config(tmp_path)):
        pass


def hold(folder, held, release):
    with RunLock(folder):
        held.set()
        release.wait(30)


def test_a_second_process_is_refused(tmp_path):
    with start_run(tmp_path / "run", tiny_config(tmp_path)):
        pass
    context = multiprocessing.get_context("spawn")
    held, release = context.Event(), context.Event()
    other = context.Process(target=hold, args=(tmp_path / "run", held, release))
    other.start()
    try:
        assert held.wait(30)
        before = listing(tmp_path / "run")
        with pytest.raises(RunLockedError, match=str(other.pid)), resume_run(tmp_path / "run", None, ()):
            pass
        assert listing(tmp_path / "run") == before
    finally:
        release.set()
        other.join()


def test_resuming_with_another_setting_is_refused_by_name(tmp_path):
    with start_run(tmp_path / "run", tiny_config(tmp_path)):
        pass
    before = listing(tmp_path / "run")
    resumed = resume_run(tmp_path / "run", None, ("--model.n_layer", "3"))
    with pytest.raises(ConfigError, match=r"model\.n_layer: 2 and 3"), resumed:
        pass
    assert listing(tmp_path / "run") == before


def test_only_a_flag_makes_a_run_longer(tmp_path):
    with start_run(tmp_path / "run", tiny_config(tmp_path)):
        pass
    before = listing(tmp_path / "run")
    for max_steps in (5, 20):
        file = tmp_path / "settings.yaml"
        file.write_bytes(before["config.yaml"].replace(b"max_steps: 9", b"max_steps: %d" % max_steps))
        with resume_run(tmp_path / "run", str(file), ("--config", str(file), "--resume")) as run:
            assert run.config.max_steps == 9
        assert listing(tmp_path / "run") == before
    with resume_run(tmp_path / "run", str(file), ("--config", str(file), "--max_steps=12")) as run:
        assert run.config.max_steps == load_config(tmp_path / "run" / "config.yaml").max_steps == 12


def test_a_run_cannot_be_made_shorter(tmp_path):
    with start_run(tmp_path / "run", tiny_config(tmp_path)):
        pass
    before = listing(tmp_path / "run")
    resumed = resume_run(tmp_path / "run", None, ("--max_steps", "8"))
    with pytest.raises(ConfigError, match=r"max_steps 8 is less than the 9 of .*run: "), resumed:
        pass
    assert listing(tmp_path / "run") == before


def test_resuming_needs_no_settings_and_no_text(tmp_path):
    with start_run(tmp_path / "run", tiny_config(tmp_path)) as started:
        pass
    (tmp_path / "text.txt").unlink()
    with resume_run(tmp_path / "run", None, ()) as resumed:
        assert resumed.config == started.config
        assert resumed.corpus.sha256 == started.corpus.sha256


def test_an_interrupted_preparation_is_made_again(tmp_path):
    with start_run(tmp_path / "run", tiny_config(tmp_path)) as started:
        pass
    (tmp_path / "run" / "corpus" / "corpus.json").unlink()
    (tmp_path / "run" / "tokenizer.json").unlink()
    with pytest.raises(CorruptFileError, match="never prepared"):
        open_run(tmp_path / "run")
    with resume_run(tmp_path / "run", None, ()) as resumed:
        assert resumed.corpus.sha256 == started.corpus.sha256


def test_power_cut_at_any_moment_of_the_preparation_leaves_a_run_or_none(tmp_path, monkeypatch):
    config = tiny_config(tmp_path)
    (tmp_path / "run").mkdir()
    disk = PowerCuts(tmp_path / "run")
    with monkeypatch.context() as patched:
        patched.setattr(atomic, "files", disk.files)
        with start_run(tmp_path / "run", config) as unbroken:
            pass
    found, trees = set(), []
    for done, tree in disk.states():
        if done < len(disk.log) and tree in trees:
            continue
        folder = tmp_path / str(len(trees))
        trees.append(tree)
        write_tree(folder, tree)
        begun, prepared = (folder / "config.yaml").exists(), (folder / "corpus" / "corpus.json").exists()
        with resume_run(folder, None, ()) if begun else start_run(folder, config) as run:
            assert run.config == unbroken.config
            assert run.tokenizer_sha256 == unbroken.tokenizer_sha256
            assert listing(folder / "corpus").items() >= listing(tmp_path / "run" / "corpus").items()
        found.add((done == len(disk.log), begun, prepared))
    assert found == {(False, False, False), (False, True, False), (False, True, True), (True, True, True)}


@pytest.mark.parametrize("open_it", [lambda folder: resume_run(folder, None, ()).__enter__(), open_run])
def test_where_there_is_no_run_it_says_so(tmp_path, open_it):
    with pytest.raises(FileNotFoundError, match="no run"):
        open_it(tmp_path / "absent")
    assert not (tmp_path / "absent").exists()


def test_folders_are_numbered(tmp_path):
    assert new_folder(tmp_path, "default") == tmp_path / "default"
    with pytest.raises(FileNotFoundError, match="default"):
        newest_folder(tmp_path, "default")
    for expected in ("default", "default-2", "default-3"):
        folder = new_folder(tmp_path, "default")
        assert folder == tmp_path / expected
        with start_run(folder, tiny_config(tmp_path)):
            pass
        assert newest_folder(tmp_path, "default") == folder


def test_a_folder_that_another_process_locked_a_moment_ago_is_passed_over(tmp_path):
    for expected in ("default-2", "default-3"):
        (tmp_path / "default").mkdir(exist_ok=True)
        with (
            RunLock(tmp_path / "default"),
            start_numbered_run(tmp_path, "default", tiny_config(tmp_path)) as run,
        ):
            assert run.folder == tmp_path / expected
    assert [path.name for path in (tmp_path / "default").iterdir()] == ["run.lock"]


def begun_meanwhile(monkeypatch):
    """Another process begins a run in the folder that is about to be locked, the first time."""
    enter, others = RunLock.__enter__, []

    def slow(lock):
        entered = enter(lock)
        if not others:
            others.append(lock.path.parent / "config.yaml")
            others[0].write_text("seed: 99\n")
        return entered

    monkeypatch.setattr(RunLock, "__enter__", slow)
    return others


def test_a_run_that_began_meanwhile_is_not_written_over(tmp_path, monkeypatch):
    config, others = tiny_config(tmp_path), begun_meanwhile(monkeypatch)
    with pytest.raises(FileExistsError, match="holds a run"), start_run(tmp_path / "run", config):
        pass
    assert others[0].read_text() == "seed: 99\n"
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"config.yaml", "run.lock"}


def test_a_folder_in_which_a_run_began_meanwhile_is_passed_over(tmp_path, monkeypatch):
    config, others = tiny_config(tmp_path), begun_meanwhile(monkeypatch)
    with start_numbered_run(tmp_path, "default", config) as run:
        assert run.folder == tmp_path / "default-2"
    assert others == [tmp_path / "default" / "config.yaml"]


@pytest.mark.parametrize("link", ["runs", "runs/default"])
def test_a_folder_that_cannot_be_made_ends_the_search_for_a_free_one(tmp_path, link):
    config = tiny_config(tmp_path)
    (tmp_path / link).parent.mkdir(exist_ok=True)
    (tmp_path / link).symlink_to("nowhere")
    with pytest.raises(FileExistsError, match="runs"), start_numbered_run(tmp_path / "runs", "default", config):
        pass


def test_an_error_in_a_numbered_run_is_the_callers(tmp_path):
    with (
        pytest.raises(FileExistsError, match="mine"),
        start_numbered_run(tmp_path, "default", tiny_config(tmp_path)),
    ):
        raise FileExistsError("mine")
    assert new_folder(tmp_path, "default") == tmp_path / "default-2"


def test_a_removed_folder_does_not_change_which_is_the_newest(tmp_path):
    for name in ("default", "default-2", "default-10", "default-09", "default-x", "default-11-2", "my default-12"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").touch()
    (tmp_path / "default-11").mkdir()
    (tmp_path / "default-11" / "notes.txt").touch()
    (tmp_path / "default-13").mkdir()
    for removed in ("default-2", "default"):
        (tmp_path / removed / "config.yaml").unlink()
        (tmp_path / removed).rmdir()
        assert newest_folder(tmp_path, "default") == tmp_path / "default-10"
        assert new_folder(tmp_path, "default") == tmp_path / "default-12"


@pytest.mark.parametrize("choose", [new_folder, newest_folder])
def test_a_file_with_the_name_of_a_folder_is_named(tmp_path, choose):
    (tmp_path / "default").touch()
    with pytest.raises(FileExistsError, match=r"not a folder.*default"):
        choose(tmp_path, "default")


def test_merges_are_learnt_from_the_training_part_alone(tmp_path):
    from lm.data.text import open_text

    config = tiny_config(tmp_path, "--tokenizer.kind", "bpe", "--tokenizer.vocab_size", "260")
    (tmp_path / "text.txt").write_text(" ".join(f"{i:02d}" for i in range(100)) + " " + "xy" * 16)

    def learnt(config):
        tokenizer = make_tokenizer(config, open_text(tmp_path / "text.txt"))
        return {tokenizer.token_bytes(id) for id in range(257, 260)}

    assert b"xy" in learnt(replace(config, val_fraction=0.001))
    assert b"xy" not in learnt(replace(config, val_fraction=0.1))


def test_a_damaged_configuration_is_named(tmp_path):
    with start_run(tmp_path / "run", tiny_config(tmp_path)):
        pass
    (tmp_path / "run" / "config.yaml").write_text("max_stepz: 3\n")
    with pytest.raises(ConfigError, match=r"config\.yaml: unknown key max_stepz"):
        open_run(tmp_path / "run")
