"""Processes forked from this one: what they answer, what they share, and how they end."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from minigrad.backends.processes import Worker, shared_like

pytestmark = pytest.mark.host("processes share the memory of the host")


@pytest.fixture
def worker(request):
    """One that evaluates what it is sent."""
    made = Worker(eval)
    yield made
    made.close()


def gone(pid, seconds=10):
    """Whether a process ends within so many seconds; one nobody waited for has ended too."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with open(f"/proc/{pid}/stat") as file:
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except FileNotFoundError:
            return True
        time.sleep(0.01)
    return False


def test_messages_are_answered_in_their_order(worker):
    for number in range(5):
        worker.send(f"{number} * 2")
    assert [worker.receive() for _ in range(5)] == [0, 2, 4, 6, 8]


def test_it_is_another_process(worker):
    worker.send("__import__('os').getpid(), __import__('os').getppid()")
    pid, parent = worker.receive()
    assert pid != os.getpid() == parent


def test_memory_is_shared_both_ways():
    array = shared_like(np.arange(6.0).reshape(2, 3).T)
    assert array.flags.c_contiguous and (array == np.arange(6.0).reshape(2, 3).T).all()

    def doubled(_):
        array[...] *= 2
        return array.sum()

    worker = Worker(doubled)
    array[0, 0] = 100
    worker.send(None)
    assert worker.receive() == 2 * (100 + 15) == array.sum()
    worker.close()


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (2, 2)])
@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.bool_])
def test_any_shape_and_dtype_can_be_shared(shape, dtype):
    array = np.ones(shape, dtype)
    shared = shared_like(array)
    assert (shared.shape, shared.dtype) == (array.shape, array.dtype) and (shared == array).all()


def test_an_error_is_raised_here_with_where_it_came_from_and_the_next_message_is_answered(worker):
    worker.send("1 / 0")
    worker.send("1 + 1")
    with pytest.raises(ZeroDivisionError) as caught:
        worker.receive()
    assert "in a process that shares the work" in caught.value.__notes__[0] and "_serve" in caught.value.__notes__[0]
    assert worker.receive() == 2


class Unkind(Exception):
    """Can be pickled, and not be read again."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


def test_an_error_that_cannot_be_sent_comes_as_its_words(worker):
    def fail(_):
        raise Unkind("this", "that")

    other = Worker(fail)
    other.send(None)
    with pytest.raises(RuntimeError, match="Unkind: this and that"):
        other.receive()
    other.close()


def test_an_answer_that_cannot_be_sent_is_an_error(worker):
    worker.send("lambda: 0")
    worker.send("3")
    with pytest.raises(Exception, match="pickle"):
        worker.receive()
    assert worker.receive() == 3


def test_one_that_was_killed_is_named_with_the_likely_cause(worker):
    worker.send("__import__('os').kill(__import__('os').getpid(), 9)")
    with pytest.raises(RuntimeError, match=r"process \d+, .* was ended by SIGKILL; a system short of memory"):
        worker.receive()
    with pytest.raises(RuntimeError, match="was ended"):
        for _ in range(2):
            worker.send("1")


def test_one_that_exits_is_named_with_its_code(worker):
    worker.send("__import__('os')._exit(7)")
    with pytest.raises(RuntimeError, match=r"was ended with code 7$"):
        worker.receive()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_asks_a_group_of_processes_to_end_is_left_to_the_calling_one(worker, number):
    worker.send("1")
    assert worker.receive() == 1
    os.kill(worker.pid, number)
    worker.send("5")
    assert worker.receive() == 5


def test_a_busy_one_can_be_closed():
    worker = Worker(time.sleep)
    worker.send(1000)
    pid = worker.pid
    worker.close()
    assert gone(pid, 0.1)


def test_one_that_nobody_holds_is_closed():
    first, second = Worker(eval), Worker(eval)  # the second has the first's connection open
    pid = first.pid
    del first
    assert gone(pid)
    second.send("1")
    assert second.receive() == 1
    second.close()


def test_they_end_with_the_calling_process_however_it_ends():
    script = (
        "import os, signal\n"
        "from minigrad.backends.processes import Worker\n"
        "workers = [Worker(eval) for _ in range(2)]\n"
        "print(*(worker.pid for worker in workers), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, timeout=60)
    assert run.returncode == -signal.SIGKILL
    for pid in run.stdout.split():
        assert gone(int(pid))


def test_one_that_computes_ends_too_when_the_calling_process_is_gone():
    script = (
        "import os, signal, time\n"
        "from minigrad.backends.processes import Worker\n"
        "worker = Worker(time.sleep)\n"
        "worker.send(1000)\n"
        "print(worker.pid, flush=True)\n"
        "time.sleep(0.2)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, timeout=60)
    assert gone(int(run.stdout))


def test_nothing_is_left_of_one_that_was_closed():
    worker = Worker(eval)
    worker.close()
    assert not os.path.exists(f"/proc/{worker.pid}")


def test_what_would_end_the_calling_process_is_an_error_there(worker):
    worker.send("__import__('sys').exit(3)")
    with pytest.raises(RuntimeError, match="SystemExit: 3"):
        worker.receive()


def test_a_message_that_it_cannot_read_is_an_error(worker):
    worker.send(Unreadable())
    with pytest.raises(ValueError, match="not to be read"):
        worker.receive()
    worker.send("2")
    assert worker.receive() == 2


class Unreadable:
    def __reduce__(self):
        return refuse, ()


def refuse():
    raise ValueError("not to be read")


def test_one_forked_from_the_calling_process_does_not_end_them(worker):
    child = os.fork()
    if not child:
        worker.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    worker.send("9")
    assert worker.receive() == 9


def test_without_fork_it_says_so(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(RuntimeError, match="forked: safe on Linux alone, not on darwin"):
        Worker(eval)


def test_what_the_calling_process_would_do_at_its_end_is_done_once():
    script = (
        "import atexit, sys\n"
        "from minigrad.backends.processes import Worker\n"
        "atexit.register(print, 'the end')\n"
        "print('begun', end=' ')  # waits in a buffer, of which the copy has a copy\n"
        "worker = Worker(eval)\n"
        "worker.send('1'); worker.receive()\n"
    )
    run = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, timeout=60, check=True)
    assert run.stdout == "begun the end\n"
