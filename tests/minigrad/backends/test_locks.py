"""A forked process finds every lock open: whoever held one is not there."""

import gc
import os
import sys
import threading

import pytest

import minigrad as mg
from lm.tokenizer import train_bpe
from minigrad import hooks
from minigrad.backends import locks

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


class Holder:
    pass


def opens(take):
    """Whether `take` comes back within seconds in a forked process."""
    child = os.fork()
    if not child:
        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        thread.join(10)
        os._exit(thread.is_alive())
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def taken(lock):
    with lock:
        pass


@pytest.mark.parametrize("make", [threading.Lock, threading.RLock])
def test_a_lock_held_at_the_fork_is_open_in_the_new_process_and_still_held_here(make):
    holder = Holder()
    holder.lock = locks.lock_for(holder, "lock", make)
    kept = holder.lock
    with holder.lock:
        assert opens(lambda: taken(holder.lock))
        assert holder.lock is kept
        assert not opens_here(kept)


def opens_here(lock):
    found = []
    thread = threading.Thread(target=lambda: found.append(lock.acquire(blocking=False)))
    thread.start()
    thread.join()
    return found[0]


def test_who_holds_a_lock_is_not_kept_alive():
    before = len(locks._given)
    holder = Holder()
    holder.lock = locks.lock_for(holder, "lock")
    assert len(locks._given) == before + 1
    del holder
    gc.collect()
    assert len(locks._given) == before


def test_a_fork_while_others_hold_the_locks_of_the_engine_waits_for_none():
    x = mg.ones(3, requires_grad=True)

    def work():
        with mg.kernels.mode("off"):
            (x * mg.rand(3)).sum().backward()

    with hooks._switching, sys.modules["minigrad.tensor"]._accumulating, mg.default_generator._lock:
        assert opens(work)


def test_a_fork_while_another_thread_encodes_does_not_wait_for_it():
    tokenizer = train_bpe(["a b c " * 50], 259)
    with tokenizer.encoder._lock:
        assert opens(lambda: tokenizer.encode("a b c " * 5000))
