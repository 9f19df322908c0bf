"""The log: written line by line, and rewound to a checkpoint."""

import json
import math
import os
from pathlib import Path

import pytest

from lm.training.log import FILE, Log, read_log, rewind_log
from minigrad import CorruptFileError
from minigrad.io import atomic
from tests.minigrad.io.faults import PowerCuts, write_tree


def entry(step, split="train"):
    return {"step": step, "split": split, "loss": 1.0 / (step + 1)}


def write(folder, *entries):
    with Log(folder) as log:
        for one in entries:
            log.write(one)


def test_each_line_is_in_the_file_at_once(tmp_path):
    with Log(tmp_path) as log:
        log.write(entry(1))
        assert json.loads((tmp_path / FILE).read_text()) == entry(1)


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_number_that_is_not_finite_is_not_written(tmp_path, number):
    with pytest.raises(ValueError, match="not JSON"):
        write(tmp_path, {**entry(1), "loss": number})
    assert read_log(tmp_path) == []


def test_a_log_is_appended_to(tmp_path):
    write(tmp_path, entry(1))
    write(tmp_path, entry(2))
    assert read_log(tmp_path) == [entry(1), entry(2)]


def test_a_synced_log_survives_a_power_cut(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor)))
    with Log(tmp_path) as log:
        log.write(entry(1))
        assert synced == []
        log.sync()
    assert [status.st_ino for status in synced] == [(tmp_path / FILE).stat().st_ino]
    assert synced[0].st_size == (tmp_path / FILE).stat().st_size


def test_power_cut_at_any_moment_of_rewinding_leaves_the_old_log_or_the_new(tmp_path, monkeypatch):
    run = tmp_path / "run"
    run.mkdir()
    entries = [entry(step) for step in range(1, 6)]
    write(run, *entries)
    disk = PowerCuts(run)
    with monkeypatch.context() as patched:
        patched.setattr(atomic, "files", disk.files)
        rewind_log(run, 3, evaluates=False)
    found = set()
    for i, (done, tree) in enumerate(disk.states()):
        write_tree(tmp_path / str(i), tree)
        found.add((done == len(disk.log), len(read_log(tmp_path / str(i)))))
    assert found == {(False, 5), (False, 3), (True, 3)}


def test_rewinding_drops_what_will_happen_again(tmp_path):
    entries = [entry(0, "val"), entry(1), entry(2), entry(2, "val"), entry(3)]
    write(tmp_path, *entries)
    rewind_log(tmp_path, 2, evaluates=False)
    assert read_log(tmp_path) == entries[:4]
    rewind_log(tmp_path, 2, evaluates=True)
    assert read_log(tmp_path) == entries[:3]
    rewind_log(tmp_path, 0, evaluates=True)
    assert read_log(tmp_path) == []


def test_a_line_that_a_kill_cut_short_is_left_out(tmp_path):
    write(tmp_path, entry(1), entry(2))
    path = tmp_path / FILE
    path.write_bytes(path.read_bytes()[:-5])
    assert read_log(tmp_path) == [entry(1)]
    rewind_log(tmp_path, 9, evaluates=True)
    write(tmp_path, entry(2))
    assert read_log(tmp_path) == [entry(1), entry(2)]


@pytest.mark.parametrize(
    "line",
    [b"{}", b"", b'{"step": 2', b"[]", b'{"step": "2", "split": "val"}', b"\xff", b"[" * 100_000, b'{"step": 2}'],
)
def test_a_line_that_is_no_entry_is_named_and_nothing_is_lost(tmp_path, line):
    write(tmp_path, entry(1))
    with open(tmp_path / FILE, "ab") as file:
        file.write(line + b"\n")
    write(tmp_path, entry(3))
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(CorruptFileError, match=r"log\.jsonl, line 2: no entry"):
        rewind_log(tmp_path, 3, evaluates=True)
    assert (tmp_path / FILE).read_bytes() == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_names_the_log(tmp_path):
    (tmp_path / FILE).symlink_to("/dev/full")
    with pytest.raises(OSError, match=r"No space left.*log\.jsonl"), Log(tmp_path) as log:
        log.write(entry(1))


def test_no_log_is_an_empty_log(tmp_path):
    assert read_log(tmp_path) == []
