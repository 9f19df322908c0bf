"""Whether operations are recorded: blocks, decorators, generators, threads and asyncio tasks."""

import asyncio
import threading

import numpy as np
import pytest

import minigrad as mg


def x():
    return mg.tensor([1.0, 2.0], requires_grad=True)


def records():
    assert (x() * 2).requires_grad == mg.is_grad_enabled()
    return mg.is_grad_enabled()


def test_blocks_nest_and_restore():
    assert records()
    with mg.no_grad():
        assert not records()
        with mg.enable_grad():
            assert records()
            with mg.set_grad_enabled(False):
                assert not records()
            assert records()
        assert not records()
    assert records()


def test_a_block_restores_after_an_error():
    with pytest.raises(KeyError), mg.no_grad():
        raise KeyError
    assert records()


def test_one_object_may_be_entered_twice():
    mode = mg.no_grad()
    with mode, mg.enable_grad(), mode:
        assert not records()
    assert records()


def test_a_decorated_function():
    @mg.no_grad()
    def function(a, *, b):
        """Doc."""
        return a + b, records()

    assert function(1, b=2) == (3, False)
    assert (function.__name__, function.__doc__) == ("function", "Doc.")
    assert records()


def test_a_decorated_recursive_function():
    @mg.enable_grad()
    def down(n):
        with mg.no_grad():
            return [records(), *(down(n - 1) if n else [])]

    assert down(3) == [False] * 4
    assert records()


def test_a_decorated_generator_keeps_its_mode_to_itself():
    @mg.no_grad()
    def numbers():
        log.append(records())
        received = yield 1
        log.append((received, records()))
        try:
            yield 2
        except KeyError:
            log.append(records())
        yield 3
        return 4

    log = []
    generator = numbers()
    assert next(generator) == 1 and records()
    assert generator.send("hello") == 2 and records()
    assert generator.throw(KeyError) == 3 and records()
    with pytest.raises(StopIteration) as stop:
        next(generator)
    assert stop.value.value == 4
    assert log == [False, ("hello", False), False]
    assert records()


def test_a_decorated_generator_sees_its_consumer_s_mode_nowhere():
    @mg.enable_grad()
    def modes():
        while True:
            yield records()

    generator = modes()
    assert next(generator)
    with mg.no_grad():
        assert next(generator)
        assert not records()
    assert next(generator)


def test_closing_a_decorated_generator_runs_its_cleanup_in_its_mode():
    @mg.no_grad()
    def numbers():
        try:
            yield 1
        finally:
            log.append(records())

    log = []
    generator = numbers()
    next(generator)
    generator.close()
    assert log == [False]
    assert records()


def test_a_thread_starts_with_recording_on_and_disturbs_no_other():
    log, ready, release = {}, threading.Event(), threading.Event()

    def work():
        log["start"] = records()
        with mg.no_grad():
            ready.set()
            release.wait(10)
            log["inside"] = records()
        log["after"] = records()

    thread = threading.Thread(target=work)
    with mg.no_grad():
        thread.start()
    assert ready.wait(10)
    log["other thread"] = records()
    with mg.enable_grad():
        release.set()
        thread.join()
    assert log == {"start": True, "inside": False, "after": True, "other thread": True}


def test_two_threads_train_and_evaluate_at_once():
    """With different modes, switching as often as they can."""
    failures = []

    def work(mode):
        try:
            for _ in range(300):
                with mg.set_grad_enabled(mode):
                    assert (x() * 2).requires_grad is mode
        except AssertionError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number % 2 == 0,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_asyncio_tasks_have_a_mode_each():
    async def task(mode, log):
        with mg.set_grad_enabled(mode):
            for _ in range(5):
                await asyncio.sleep(0)
                log.append(records() is mode)

    async def main():
        log = []
        await asyncio.gather(*(task(number % 2 == 0, log) for number in range(6)))
        return log

    assert asyncio.run(main()) == [True] * 30
    assert records()


def test_hooks_and_rules_of_a_plain_backward_record_nothing():
    a = x()
    seen = []
    b = a * a
    b.register_hook(lambda g: seen.append((g * a).requires_grad))
    b.sum().backward()
    assert seen == [False]
    assert records()


def test_what_is_computed_under_no_grad_is_a_constant():
    a = x()
    with mg.no_grad():
        b = a * 2
    assert not b.requires_grad and b.is_leaf
    (a * b).sum().backward()
    np.testing.assert_array_equal(a.grad.data, [2.0, 4.0])
    assert not a.detach().requires_grad


def test_set_grad_enabled_acts_at_once_and_its_block_restores():
    mg.set_grad_enabled(False)
    try:
        assert not mg.is_grad_enabled()
        with mg.set_grad_enabled(True):
            assert mg.is_grad_enabled()
        assert not mg.is_grad_enabled()
    finally:
        mg.set_grad_enabled(True)

    @mg.set_grad_enabled(False)
    def mode():
        return mg.is_grad_enabled()

    assert mg.is_grad_enabled() and not mode()


def test_no_grad_decorates_with_and_without_parentheses():
    @mg.no_grad
    def bare():
        return mg.is_grad_enabled()

    @mg.no_grad()
    def called():
        return mg.is_grad_enabled()

    @mg.enable_grad
    def enabled():
        return mg.is_grad_enabled()

    assert not bare() and not called()
    with mg.no_grad():
        assert enabled()


def test_threads_may_share_a_block():
    """Each finds the mode again that it came with."""
    shared, entered, left, found = mg.no_grad(), threading.Event(), threading.Event(), []

    def other():
        with mg.no_grad(), shared:
            entered.set()
            left.wait()
        found.append(mg.is_grad_enabled())

    thread = threading.Thread(target=other)
    with shared:
        thread.start()
        entered.wait()
    found.append(mg.is_grad_enabled())
    left.set()
    thread.join()
    assert found == [True, True]
