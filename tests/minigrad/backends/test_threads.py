"""Work shared among threads: all of it is done, once, and nothing else changes."""

import os
import sys
import threading
import time

import numpy as np
import pytest

import minigrad as mg
from minigrad.backends import threads
from minigrad.backends.threads import for_each


@pytest.fixture(autouse=True)
def three_threads():
    before = mg.get_num_threads()
    mg.set_num_threads(3)
    yield
    mg.set_num_threads(before)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 100])
def test_every_item_is_dealt_with_once(count):
    seen = []
    for_each(seen.append, range(count))
    assert sorted(seen) == list(range(count))


def test_items_are_dealt_with_at_the_same_time():
    together = threading.Barrier(3, timeout=30)  # breaks if fewer than three threads come
    for_each(lambda _: together.wait(), range(3))


def test_at_most_so_many_threads():
    names = set()
    for_each(lambda _: names.add(threading.current_thread().name), range(50), most=1)
    assert names == {threading.current_thread().name}
    mg.set_num_threads(1)
    for_each(lambda _: names.add(threading.current_thread().name), range(50))
    assert len(names) == 1


def test_an_exception_reaches_the_caller_when_all_threads_are_done():
    running = []

    def work(number):
        if number == 0:
            raise ValueError("the first")
        running.append(number)
        time.sleep(0.05)
        running.remove(number)

    with pytest.raises(ValueError, match="the first"):
        for_each(work, range(3))
    assert running == []


def test_work_inside_of_work_does_not_wait_for_threads_that_wait_for_it():
    mg.set_num_threads(2)
    inner = []

    def outer(_):
        time.sleep(0.05)
        for_each(inner.append, range(2))

    worker = threading.Thread(target=for_each, args=(outer, range(2)), daemon=True)
    worker.start()
    worker.join(30)
    assert not worker.is_alive()
    assert sorted(inner) == [0, 0, 1, 1]


def test_where_no_thread_can_be_started_the_calling_one_does_the_work(monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    seen = []
    mg.set_num_threads(threads._started + 3)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        for_each(seen.append, range(20))
    for_each(seen.append, range(20))
    assert sorted(seen) == sorted([*range(20), *range(20)])


def test_ctrl_c_in_the_calling_thread_waits_for_the_others():
    mg.set_num_threads(2)
    running = []
    both = threading.Barrier(2, timeout=30)
    caller = threading.current_thread()

    def work(_):
        both.wait()
        if threading.current_thread() is caller:
            raise KeyboardInterrupt
        running.append(1)
        time.sleep(0.1)
        running.pop()

    with pytest.raises(KeyboardInterrupt):
        for_each(work, range(2))
    assert running == []


def test_what_numpy_was_told_about_errors_holds_in_every_thread():
    together = threading.Barrier(3, timeout=30)

    def divide(_):
        together.wait()
        np.ones(1) / np.zeros(1)

    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        for_each(divide, range(3))
    with np.errstate(divide="ignore"):
        for_each(divide, range(3))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own():
    for_each(lambda _: time.sleep(0.01), range(3))
    child = os.fork()
    if child == 0:
        seen = []
        for_each(seen.append, range(10))
        os._exit(0 if sorted(seen) == list(range(10)) else 1)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        time.sleep(0.01)
    else:
        os.kill(child, 9)
        pytest.fail("the forked process waits for threads that it does not have")
    assert os.waitstatus_to_exitcode(status) == 0


@pytest.mark.parametrize(("count", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError), (True, TypeError)])
def test_a_number_of_threads_that_means_nothing(count, error):
    with pytest.raises(error, match="set_num_threads takes"):
        mg.set_num_threads(count)
    assert mg.get_num_threads() == 3


class Blas:
    """Stands for OpenBLAS."""

    def __init__(self, count):
        self.count = count

    def get(self):
        return self.count

    def change(self, count):
        self.count = count


@pytest.fixture
def blas(monkeypatch):
    made = Blas(5)
    monkeypatch.setattr(threads, "_openblas", lambda: (made.get, made.change))
    return made


def test_the_number_holds_for_products_too(blas):
    mg.set_num_threads(2)
    assert blas.count == 2


@pytest.mark.parametrize(("count", "ours", "theirs"), [(1, 1, 1), (3, 3, 3), (4, 3, 4), (9, 3, 5)])
def test_a_block_with_no_more_threads_than_that_ends_as_it_began(blas, count, ours, theirs):
    with pytest.raises(KeyError), threads.no_more_than(count):
        assert (mg.get_num_threads(), blas.count) == (ours, theirs)
        raise KeyError
    assert (mg.get_num_threads(), blas.count) == (3, 5)


def test_such_blocks_of_several_threads_may_overlap_and_end_in_any_order(blas):
    for first in (0, 1):
        blocks = [threads.no_more_than(2), threads.no_more_than(1)]
        for block in blocks:
            block.__enter__()
        assert (mg.get_num_threads(), blas.count) == (1, 1)
        blocks[first].__exit__(None, None, None)
        assert (mg.get_num_threads(), blas.count) == ((1, 1) if first == 0 else (2, 2))
        blocks[1 - first].__exit__(None, None, None)
        assert (mg.get_num_threads(), blas.count) == (3, 5)


def test_the_openblas_of_numpy_is_found_where_there_is_one():
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"]
    if not (sys.platform.startswith("linux") and "openblas" in blas):
        pytest.skip(f"NumPy's products are those of {blas} here")
    threads._openblas.cache_clear()
    get, _ = threads._openblas()
    mg.set_num_threads(2)
    assert get() == 2
    mg.set_num_threads(1)
    assert get() == 1


def test_without_openblas_the_number_holds_for_our_own_blocks(monkeypatch):
    monkeypatch.setattr(threads, "_OPENBLAS", [("no_such_function", "nor_this")])
    threads._openblas.cache_clear()
    try:
        assert threads._openblas() is None
        mg.set_num_threads(2)
        with threads.no_more_than(1):
            assert mg.get_num_threads() == 1
        assert mg.get_num_threads() == 2
    finally:
        threads._openblas.cache_clear()


def test_the_environment_tells_how_many(monkeypatch):
    for name in ("MINIGRAD_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    assert 1 <= threads._default() <= 8
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    assert threads._default() == 1
    monkeypatch.setenv("MINIGRAD_NUM_THREADS", "4")
    assert threads._default() == 4
    monkeypatch.delenv("MINIGRAD_NUM_THREADS")
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert threads._default() >= 1


def trained(count, sizes=(70_000, 3, 200_000)):
    mg.set_num_threads(count)
    rng = np.random.default_rng(0)
    parameters = [mg.tensor(rng.standard_normal(size).astype(np.float32), requires_grad=True) for size in sizes]
    optimizer = mg.optim.AdamW(parameters, lr=0.1)
    for _ in range(3):
        for parameter in parameters:
            parameter.grad = mg.tensor(rng.standard_normal(parameter.shape).astype(np.float32))
        norm = mg.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
    return [parameter.detach().numpy() for parameter in parameters], norm.item()


def test_training_gives_the_same_bits_on_any_number_of_threads():
    (ones, one_norm), (threes, three_norm) = trained(1), trained(3)
    assert all(np.array_equal(one, three) for one, three in zip(ones, threes, strict=True))
    assert one_norm == three_norm


def test_a_class_that_changes_an_update_says_itself_whether_it_runs_at_once():
    together, most = [], []

    class Counted(mg.optim.SGD):
        def update(self, param, grad, state, group):
            together.append(1)
            most.append(len(together))
            time.sleep(0.02)
            super().update(param, grad, state, group)
            together.pop()

    parameters = [mg.zeros(100_000, requires_grad=True) for _ in range(3)]
    for parameter in parameters:
        parameter.grad = mg.ones(100_000)
    Counted(parameters, lr=0.1).step()
    assert max(most) == 1


def test_a_step_that_fails_half_way_leaves_no_graph_that_takes_the_new_values_for_the_old():
    class Failing(mg.optim.SGD):
        def update(self, param, grad, state, group):
            if param.shape == (2,):
                raise MemoryError
            super().update(param, grad, state, group)

    a, b = mg.ones(1, requires_grad=True), mg.ones(2, requires_grad=True)
    y = (a * a).sum()
    a.grad, b.grad = mg.ones(1), mg.ones(2)
    with pytest.raises(MemoryError):
        Failing([a, b], lr=0.1).step()
    with pytest.raises(RuntimeError, match="changed in place"):
        y.backward()


@pytest.mark.host("threads are for what is computed there")
def test_parameters_that_look_at_one_memory_take_turns():
    names = set()

    class Named(mg.optim.SGD):
        at_once = True

        def update(self, param, grad, state, group):
            names.add(threading.current_thread().name)
            time.sleep(0.02)
            super().update(param, grad, state, group)

    memory = np.zeros(300_000, np.float32)
    parameters = [mg.from_numpy(memory[i : i + 200_000]).requires_grad_() for i in (0, 50_000, 100_000)]
    for parameter in parameters:
        parameter.grad = mg.ones(200_000)
    Named(parameters, lr=0.1).step()
    assert names == {threading.current_thread().name}
