import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lm.training.run_lock import RunLock, RunLockedError

HOLD = """
import os, sys, time
from lm.training.run_lock import RunLock
with RunLock(sys.argv[1]):
    child = os.fork() if sys.argv[2] == "fork" else None
    if child != 0:
        print(child or 0, flush=True)
    time.sleep(60)
"""


def holder(run_dir, how="alone"):
    command = [sys.executable, "-c", HOLD, str(run_dir), how]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[3], stdout=subprocess.PIPE, text=True)
    return process, int(process.stdout.readline())


def kill(process):
    process.kill()
    process.wait()
    process.stdout.close()


def test_second_process_is_refused_within_a_second_with_the_pid_of_the_first(tmp_path):
    process, _ = holder(tmp_path)
    try:
        start, descriptors = time.perf_counter(), os.listdir("/dev/fd")
        with pytest.raises(RunLockedError, match=rf"{tmp_path.name}.* process {process.pid}\b"), RunLock(tmp_path):
            pass
        assert time.perf_counter() - start < 1
        assert len(os.listdir("/dev/fd")) == len(descriptors)
    finally:
        kill(process)


def test_lock_of_a_killed_process_is_recovered(tmp_path):
    process, _ = holder(tmp_path)
    kill(process)
    with RunLock(tmp_path):
        assert (tmp_path / "run.lock").read_text() == f"{os.getpid()}\n"


def test_lock_does_not_live_on_in_a_forked_child(tmp_path):
    process, child = holder(tmp_path, "fork")
    try:
        time.sleep(0.1)
        process.kill()
        process.wait()
        with RunLock(tmp_path):
            os.kill(child, 0)  # the child is alive
    finally:
        os.kill(child, signal.SIGKILL)
        kill(process)


def test_released_lock_can_be_taken_again_and_names_nobody(tmp_path):
    lock = RunLock(tmp_path)
    for _ in range(3):
        with lock, pytest.raises(RunLockedError), RunLock(tmp_path):
            pass
        assert (tmp_path / "run.lock").read_text() == ""
    with pytest.raises(KeyError), lock:
        raise KeyError
    with lock, pytest.raises(RuntimeError, match="already"), lock:
        pass


def test_holder_that_has_not_yet_written_its_pid_is_still_refused(tmp_path):
    with open(tmp_path / "run.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(RunLockedError, match="process unknown"), RunLock(tmp_path):
            pass


@pytest.mark.parametrize("again", [False, True])
def test_lock_that_is_removed_while_it_is_taken_is_refused(tmp_path, monkeypatch, again):
    flock = fcntl.flock

    def removed(descriptor, how):
        (tmp_path / "run.lock").unlink()
        if again:
            (tmp_path / "run.lock").touch()
        flock(descriptor, how)

    with monkeypatch.context() as patched:
        patched.setattr(fcntl, "flock", removed)
        with pytest.raises(RunLockedError, match="try again"), RunLock(tmp_path):
            pass
    with RunLock(tmp_path):
        pass


def test_pid_of_an_earlier_longer_number_is_replaced(tmp_path):
    (tmp_path / "run.lock").write_text("1234567890123\n")
    with RunLock(tmp_path):
        assert (tmp_path / "run.lock").read_text() == f"{os.getpid()}\n"


def test_missing_folder_and_link_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"), RunLock(tmp_path / "nowhere"):
        pass
    (tmp_path / "target").write_text("mine")
    (tmp_path / "run.lock").symlink_to("target")
    with pytest.raises(OSError, match=r"run\.lock"), RunLock(tmp_path):
        pass
    assert (tmp_path / "target").read_text() == "mine"


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOTSUP])
def test_file_system_without_locks_warns_and_goes_on(tmp_path, monkeypatch, code):
    def flock(descriptor, how):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.warns(UserWarning, match="not protected"), RunLock(tmp_path):
        pass
    monkeypatch.setattr(fcntl, "flock", lambda descriptor, how: (_ for _ in ()).throw(OSError(errno.EIO, "broken")))
    with pytest.raises(OSError, match="broken"), RunLock(tmp_path):
        pass
