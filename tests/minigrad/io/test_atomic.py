import errno
import fcntl
import os
import stat
import threading

import pytest

from minigrad.io import CorruptFileError, atomic, atomic_write
from tests.minigrad.io.faults import OPERATIONS, PowerCuts, failing, watched, write_tree

LEFTOVER = ".minigrad-0123456789abcdef.tmp"


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_replaces_and_creates(tmp_path):
    path = tmp_path / "a"
    for data in (b"first", b"", b"x" * (1 << 20), b"y" * ((1 << 20) + 1)):
        atomic_write(path, data)
        assert path.read_bytes() == data
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_new_file_has_the_mode_that_open_gives(tmp_path, umask):
    before = os.umask(umask)
    try:
        atomic_write(tmp_path / "ours", b"x")
        (tmp_path / "theirs").write_bytes(b"x")
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("ours", "theirs")]
    assert modes == [0o666 & ~umask] * 2


@pytest.mark.parametrize("mode", [0o600, 0o664, 0o640])
def test_replaced_file_keeps_its_mode(tmp_path, mode):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(mode)
    atomic_write(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_symbolic_link_is_followed(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to("data/real")
    for data in (b"1", b"2"):
        atomic_write(tmp_path / "link", data)
        assert (tmp_path / "data" / "real").read_bytes() == data
    assert (tmp_path / "link").is_symlink()


def test_short_writes_are_completed(tmp_path, monkeypatch):
    class Short(atomic.Files):
        def write(self, file, data):
            return file.write(data[:7])

    monkeypatch.setattr(atomic, "files", Short())
    atomic_write(tmp_path / "a", bytes(range(100)))
    assert (tmp_path / "a").read_bytes() == bytes(range(100))


@pytest.mark.parametrize("code, error", [(errno.ENOSPC, OSError), (errno.EACCES, PermissionError)])
def test_failure_of_any_call_keeps_the_previous_file(tmp_path, monkeypatch, code, error):
    path = tmp_path / "model.bin"
    failed = 0
    for n in range(1, 100):
        path.write_bytes(b"old")
        disk = failing(n, code)
        monkeypatch.setattr(atomic, "files", disk)
        try:
            atomic_write(path, b"new, longer")
        except error as caught:
            failed += 1
            assert str(path) in str(caught)
            after_rename = "directory is not synced" in str(caught)
            assert after_rename or "11 bytes" in str(caught)
            assert path.read_bytes() == (b"new, longer" if after_rename else b"old")
        else:
            assert path.read_bytes() == b"new, longer"
        monkeypatch.setattr(atomic, "files", atomic.Files())
        assert len(names(tmp_path)) <= 2  # the file, and at most one leftover where the clean-up was made to fail
        atomic_write(path, b"next")
        assert names(tmp_path) == ["model.bin"]
        if disk.calls < n:
            break
    assert disk.calls < n and failed >= 8


@pytest.mark.parametrize("only", OPERATIONS)
def test_disk_that_fails_and_stays_broken_keeps_the_previous_file(tmp_path, monkeypatch, only):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    monkeypatch.setattr(atomic, "files", failing(1, only=only, forever=True))
    try:
        atomic_write(path, b"new")
    except OSError as error:
        assert path.read_bytes() == (b"new" if "directory is not synced" in str(error) else b"old")
    else:
        assert path.read_bytes() == b"new"
    monkeypatch.setattr(atomic, "files", atomic.Files())
    atomic_write(path, b"next")
    assert names(tmp_path) == ["a"] and path.read_bytes() == b"next"


@pytest.mark.parametrize(
    "data, wrong",
    [(b"new", b"ne?"), (b"new", b"ne"), (b"new", b"new "), (b"new", b""), (bytes(1 << 20), bytes((1 << 20) + 1))],
    ids=["altered", "short", "long", "nothing", "long after a whole chunk"],
)
def test_what_was_written_wrongly_is_never_renamed(tmp_path, monkeypatch, data, wrong):
    class Liar(atomic.Files):
        def write(self, file, rest):
            file.write(wrong)
            return len(rest)

    path = tmp_path / "a"
    path.write_bytes(b"old")
    monkeypatch.setattr(atomic, "files", Liar())
    with pytest.raises(OSError, match="reading back"):
        atomic_write(path, data)
    assert path.read_bytes() == b"old" and names(tmp_path) == ["a"]


def test_short_reads_are_completed(tmp_path, monkeypatch):
    class Short(atomic.Files):
        def read(self, file, size):
            return file.read(min(size, 7))

    monkeypatch.setattr(atomic, "files", Short())
    atomic_write(tmp_path / "a", bytes(range(100)))  # which reads it back
    assert atomic.read_regular(tmp_path / "a") == bytes(range(100))


def test_a_file_that_shrinks_while_it_is_read_is_found(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_bytes(bytes(100))
    monkeypatch.setattr(atomic, "files", watched(lambda name, *_: name == "open" and os.truncate(path, 60)))
    with pytest.raises(CorruptFileError, match="ended after 60 of 100 bytes"):
        atomic.read_regular(path)


def test_an_interrupted_write_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(name, *_):
        if name == "fsync":
            raise KeyboardInterrupt

    monkeypatch.setattr(atomic, "files", watched(interrupt))
    with pytest.raises(KeyboardInterrupt):
        atomic_write(tmp_path / "a", b"new")
    assert names(tmp_path) == []


@pytest.mark.parametrize("code, fatal", [(errno.EINVAL, False), (errno.ENOTSUP, False), (errno.EIO, True)])
def test_a_directory_may_have_no_sync_but_not_a_failing_one(tmp_path, monkeypatch, code, fatal):
    sync = os.fsync

    def fsync(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(code, "injected")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    if fatal:
        with pytest.raises(OSError, match="its directory is not synced"):
            atomic_write(tmp_path / "a", b"new")
    else:
        atomic_write(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"


def test_power_cut_at_any_moment_leaves_old_or_new(tmp_path, monkeypatch):
    root = tmp_path / "disk"
    root.mkdir()
    (root / "a").write_bytes(b"old")
    disk = PowerCuts(root)
    monkeypatch.setattr(atomic, "files", disk.files)
    atomic_write(root / "a", b"new content")
    states = list(disk.states())
    assert {tree["a"] for _, tree in states} == {b"old", b"new content"}
    assert {tree["a"] for done, tree in states if done == len(disk.log)} == {b"new content"}  # durable on return
    monkeypatch.setattr(atomic, "files", atomic.Files())
    for i, (_, tree) in enumerate(states):
        write_tree(tmp_path / str(i), tree)
        atomic_write(tmp_path / str(i) / "a", b"next")
        assert names(tmp_path / str(i)) == ["a"]


def test_leftovers_of_killed_saves_are_removed_and_those_in_use_are_not(tmp_path):
    (tmp_path / LEFTOVER).write_bytes(b"half")
    (tmp_path / LEFTOVER.replace("0", "1")).mkdir()
    (tmp_path / LEFTOVER.replace("0", "1") / "part").write_bytes(b"half")
    in_use = tmp_path / LEFTOVER.replace("0", "2")
    in_use.write_bytes(b"being written")
    mine = [".minigrad-notes.tmp", f"my{LEFTOVER}", f"{LEFTOVER}.txt"]
    for name in mine:
        (tmp_path / name).write_bytes(b"not ours to remove")
    lock = atomic.files.lock(in_use)
    atomic_write(tmp_path / "a", b"x")
    assert names(tmp_path) == sorted([in_use.name, *mine, "a"])
    atomic.files.unlock(lock)
    atomic_write(tmp_path / "a", b"x")
    assert names(tmp_path) == sorted([*mine, "a"])


@pytest.mark.parametrize("taken", ["removed", "locked", "replaced"])
def test_temporary_taken_for_a_leftover_is_made_again(tmp_path, monkeypatch, taken):
    """What another process may do between the moment when a temporary is made and the moment when it is locked."""
    made, others = [], []

    def before(name, *arguments):
        if name == "open" and arguments[1] == "xb":
            made.append(arguments[0])
        if name == "lock" and len(made) == 1:
            if taken == "removed":
                made[0].unlink()
            elif taken == "locked":
                others.append(os.open(made[0], os.O_RDONLY))
                flock(others[0], fcntl.LOCK_EX)

    def replace_then_lock(descriptor, how):
        if len(made) == 1 and taken == "replaced":
            made[0].unlink()
            made[0].write_bytes(b"another's")
        flock(descriptor, how)

    flock = fcntl.flock
    monkeypatch.setattr(fcntl, "flock", replace_then_lock)
    monkeypatch.setattr(atomic, "files", watched(before))
    atomic_write(tmp_path / "a", b"x")
    assert len(made) == 2 and (tmp_path / "a").read_bytes() == b"x"
    for descriptor in others:
        os.close(descriptor)


def test_two_threads_saving_to_one_path_never_disturb_each_other(tmp_path):
    path, errors = tmp_path / "a", []

    def save(data):
        try:
            for _ in range(40):
                atomic_write(path, data)
                assert path.read_bytes() in (b"1" * 999, b"2" * 9999)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=save, args=(data,)) for data in (b"1" * 999, b"2" * 9999)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors and names(tmp_path) == ["a"]


def test_directory_pipe_and_missing_folder_are_refused(tmp_path):
    with pytest.raises(IsADirectoryError, match=tmp_path.name):
        atomic_write(tmp_path, b"x")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        atomic_write(tmp_path / "pipe", b"x")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        atomic_write(tmp_path / "nowhere" / "a", b"x")
    with pytest.raises(CorruptFileError, match="not a regular file"):
        atomic.read_regular(tmp_path / "pipe")
