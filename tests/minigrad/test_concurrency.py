"""Threads, tasks and generators that run at once do not see one another's grad modes, module paths or draws; what holds
for the whole process comes back when all who changed it are done."""

import asyncio
import contextvars
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import minigrad as mg
from minigrad import grad_mode, nn
from minigrad.func import checkpoint
from minigrad.hooks import forward_hooks
from minigrad.ops import random as random_ops


def records():
    """Whether an operation recorded, which must be what the mode says."""
    assert (mg.ones(1, requires_grad=True) * 2.0).requires_grad == mg.is_grad_enabled()
    return mg.is_grad_enabled()


@pytest.fixture(autouse=True)
def nothing_is_left_behind():
    yield
    assert grad_mode.state.get() == grad_mode.State()


# ------------------------------------------------------------------------------------------------------- grad modes


def test_tasks_interleave_inside_their_blocks():
    """Ten thousand switches between tasks, each of which nests blocks as it likes."""

    async def task(seed):
        choose = random.Random(seed)

        async def nested(depth, mode):
            for _ in range(3):
                await asyncio.sleep(0)
                assert records() is mode
                if depth:
                    inner = choose.random() < 0.5
                    block = choose.choice([mg.set_grad_enabled, lambda on: mg.enable_grad() if on else mg.no_grad()])
                    with block(inner):
                        await nested(depth - 1, inner)
                    assert records() is mode
                if depth == 1 and choose.random() < 0.1:
                    with pytest.raises(KeyError), mg.no_grad():
                        await asyncio.sleep(0)
                        raise KeyError

        await nested(4, True)

    async def main():
        await asyncio.gather(*map(task, range(30)))

    asyncio.run(main())


def test_a_task_begins_with_the_mode_it_was_made_in_and_keeps_its_own():
    async def child():
        began = records()
        mg.set_grad_enabled(True)
        await asyncio.sleep(0)
        return began, records()

    async def main():
        with mg.no_grad():
            task = asyncio.create_task(child())
            assert not records()
        assert records()
        assert await task == (False, True)
        with mg.no_grad():
            assert await asyncio.create_task(child()) == (False, True)
            assert not records()

    asyncio.run(main())


def test_a_cancelled_task_leaves_its_block():
    async def child(log):
        try:
            with mg.no_grad():
                await asyncio.sleep(60)
        finally:
            log.append(records())

    async def main():
        log = []
        task = asyncio.create_task(child(log))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert log == [True] and records()

    asyncio.run(main())


def test_a_decorated_coroutine_has_the_mode_until_it_is_done():
    @mg.no_grad()
    async def evaluate():
        first = records()
        await asyncio.sleep(0)
        return first, records()

    async def other(log):
        for _ in range(4):
            log.append(records())
            await asyncio.sleep(0)

    async def main():
        log = []
        result, _ = await asyncio.gather(evaluate(), other(log))
        assert result == (False, False) and log == [True] * 4
        assert await evaluate() == (False, False) and records()

    asyncio.run(main())


def test_a_decorated_asynchronous_generator_keeps_its_mode_to_itself():
    @mg.no_grad()
    async def numbers():
        try:
            log.append(records())
            received = yield 1
            await asyncio.sleep(0)
            log.append((received, records()))
            try:
                yield 2
            except KeyError:
                log.append(records())
            yield 3
        finally:
            log.append(("closed", records()))

    log = []

    async def main():
        generator = numbers()
        assert await anext(generator) == 1 and records()
        assert await generator.asend("hello") == 2 and records()
        assert await generator.athrow(KeyError) == 3 and records()
        await generator.aclose()
        assert records()
        assert [number async for number in numbers()] == [1, 2, 3] and records()

    asyncio.run(main())
    assert log[:4] == [False, ("hello", False), False, ("closed", False)]
    assert log[4:] == [False, (None, False), ("closed", False)]


def suspended(mode, log=None):
    """A generator that is suspended in a block of its own."""
    with mg.set_grad_enabled(mode) if log is None else mg.no_grad():
        yield records()
        if log is not None:
            log.append(records())


def test_a_block_a_generator_is_suspended_in_reaches_its_consumer_until_it_is_left():
    """As in PyTorch, where a decorator is the way to keep a mode from a consumer."""
    generator = suspended(False, [])
    assert next(generator) is False
    assert not records()
    assert list(generator) == []
    assert records()


@pytest.mark.parametrize("leave", ["close", "throw", "exhaust"])
def test_a_generator_that_is_left_inside_its_consumer_s_block_changes_nothing_there_and_leaves_nothing(leave):
    """PyTorch ends such a program without gradients: the consumer's block brings back the generator's mode."""
    generator = suspended(False, [])
    next(generator)
    with mg.enable_grad():
        if leave == "close":
            generator.close()
        elif leave == "throw":
            with pytest.raises(KeyError):
                generator.throw(KeyError)
        else:
            assert list(generator) == []
        assert records()
        with mg.no_grad():
            assert not records()
        assert records()
    assert records()


def test_two_suspended_generators_may_be_left_in_any_order():
    for order in ((0, 1), (1, 0)):
        generators = [suspended(False, []), suspended(False, [])]
        for generator in generators:
            next(generator)
        for number in order:
            assert not records()
            generators[number].close()
        assert records()


def test_a_generator_may_be_closed_by_another_thread_and_by_another_task():
    """Which is what happens to the one the collector finds; the block was never opened there, so nothing changes."""
    generator, other, log = suspended(False, []), suspended(False, []), []
    context = contextvars.copy_context()
    context.run(next, generator)
    context.run(next, other)

    def close():
        with mg.no_grad():
            generator.close()
            log.append(records())
        log.append(records())

    thread = threading.Thread(target=close)
    thread.start()
    thread.join()
    other.close()
    assert log == [False, True] and records()


def test_an_asynchronous_generator_left_to_the_loop_leaves_nothing():
    async def numbers():
        with mg.no_grad():
            yield 1
            yield 2

    async def consume():
        async for _ in numbers():
            break
        return 1

    async def main():
        assert await asyncio.create_task(consume()) == 1
        for _ in range(3):
            await asyncio.sleep(0)
        return records()

    assert asyncio.run(main())
    assert records()


def test_threads_of_a_pool_start_with_recording_on_and_keep_no_mode_between_jobs():
    """A block belongs to the thread: the jobs submitted inside one do not have its mode, as in PyTorch."""

    def job(number):
        before = records()
        with mg.set_grad_enabled(number % 2 == 0):
            assert records() is (number % 2 == 0)
        return before, records()

    with ThreadPoolExecutor(4) as pool, mg.no_grad():
        assert list(pool.map(job, range(100))) == [(True, True)] * 100
        assert not records()


def test_a_context_takes_the_mode_along_and_brings_nothing_back():
    with mg.no_grad():
        context = contextvars.copy_context()
    assert context.run(records) is False

    def switch():
        mg.set_grad_enabled(True)
        return records()

    with mg.no_grad():
        assert contextvars.copy_context().run(switch)
        assert not records()

    async def main():
        with mg.no_grad():
            return await asyncio.to_thread(records)

    assert asyncio.run(main()) is False


# ----------------------------------------------------------------------------------------------------- module paths


class Block(nn.Module):
    def __init__(self, between):
        super().__init__()
        self.inner = nn.Linear(2, 2)
        self.between = between

    def forward(self, x):
        h = self.inner(x)
        self.between()
        return h * 2.0


def path_of(model, x):
    out = model(x)
    return out.node.module, out.node.edges[0].module


def test_threads_inside_modules_record_each_its_own_path():
    both, device = threading.Barrier(2, timeout=10), mg.get_default_device()  # a new thread has a default of its own
    models = [nn.Sequential(Block(both.wait)), nn.ModuleDict({"a": Block(both.wait)})]
    found = {}

    def work(number):
        model = models[number] if number == 0 else models[number]["a"]
        found[number] = path_of(model, mg.ones(1, 2, device=device))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {0: ("0", "0.inner"), 1: ("Block", "inner")}
    assert (mg.ones(1, requires_grad=True) * 1.0).node.module == ""


def test_modules_are_walked_over_while_a_first_call_notes_something_in_them():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    walks = [model.named_modules(), model.named_children()]
    for walk in walks:
        next(walk)
    model(mg.ones(1, 2))
    assert [len(list(walk)) for walk in walks] == [2, 1]


def test_a_generator_made_inside_a_module_runs_with_its_consumer_s_path():
    class Lazy(nn.Module):
        def __init__(self):
            super().__init__()
            self.part = nn.Linear(2, 2)

        def forward(self, x):
            for _ in range(2):
                x = self.part(x)
                yield x

    lazy, x = Lazy(), mg.ones(1, 2)
    for out in nn.Sequential(lazy)(x):
        assert (out * 1.0).node.module == ""
    assert grad_mode.state.get().module == ""


def test_a_module_that_fails_leaves_its_path():
    def fail():
        raise KeyError

    for model in (Block(fail), nn.Sequential(nn.Sequential(Block(fail)))):
        with pytest.raises(KeyError):
            model(mg.ones(1, 2))
        assert grad_mode.state.get().module == ""
        assert path_of(nn.Sequential(Block(lambda: None)), mg.ones(1, 2)) == ("0", "0.inner")


def test_tasks_call_modules_and_suspend_between_them():
    async def task(name):
        model = nn.ModuleDict({name: Block(lambda: None)})
        outer = nn.Sequential(model[name])
        x = mg.ones(1, 2)
        for _ in range(20):
            assert path_of(outer, x) == ("0", "0.inner")
            assert path_of(model[name], x) == ("Block", "inner")
            await asyncio.sleep(0)
            assert (mg.ones(1, requires_grad=True) * 1.0).node.module == ""

    async def main():
        await asyncio.gather(*map(task, "abcdef"))

    asyncio.run(main())


# ----------------------------------------------------------------------------------------------- of the whole process

SWITCHES = {
    "kernels.mode": (lambda: mg.kernels.mode("off"), lambda: mg.kernels.registry._mode),
    "detect_anomaly": (lambda: mg.autograd.detect_anomaly(), lambda: mg.debug.anomaly._detector.on),
    "detect_nonfinite": (lambda: mg.debug.detect_nonfinite(), lambda: mg.debug.nonfinite._detector.on),
}


@pytest.mark.parametrize("block, now", SWITCHES.values(), ids=SWITCHES)
def test_blocks_of_several_threads_may_overlap_and_end_in_any_order(block, now):
    """What held before the first holds after the last, whichever that is."""
    before = now()
    for order in ((0, 1, 2), (2, 1, 0), (1, 0, 2), (1, 2, 0), (0, 2, 1), (2, 0, 1)):
        blocks = [block() for _ in range(3)]
        for each in blocks:
            each.__enter__()
        during = now()
        assert during != before
        for count, number in enumerate(order):
            blocks[number].__exit__(None, None, None)
            assert now() == (before if count == 2 else during)


def test_blocks_that_are_entered_in_another_order_than_they_were_made():
    before = mg.kernels.registry._mode
    first, second = mg.kernels.mode("off"), mg.kernels.mode("force")
    with second:
        first.__enter__()
        assert mg.kernels.registry._mode == "force"
        first.__exit__()
        assert mg.kernels.registry._mode == "force"
    assert mg.kernels.registry._mode == before


def test_a_switch_called_as_a_function_stays():
    before = mg.kernels.registry._mode
    try:
        mg.kernels.mode("off")
        with mg.kernels.mode("force"):
            assert mg.kernels.registry._mode == "force"
        assert mg.kernels.registry._mode == "off"
    finally:
        mg.kernels.mode(before)


def test_a_profile_of_several_threads_nests_what_each_ran():
    def work(number):
        for _ in range(20):
            x = mg.ones(3, requires_grad=True)
            checkpoint(lambda x: (x * float(number)).exp(), x).sum().backward()

    with mg.profiler.profile() as prof, ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert not any(prof._running.values())
    counts = {}
    for event in prof.events:
        assert event.end >= event.start and event.seconds >= 0.0
        counts[event.name, event.phase] = counts.get((event.name, event.phase), 0) + 1
    # the checkpoint runs its function again, inside the backward
    assert counts["mul", "forward"] == counts["exp", "forward"] == 160
    assert counts["mul", "backward"] == counts["exp", "backward"] == counts["sum", "backward"] == 80


# ------------------------------------------------------------------------------------------------- draws and gradients


def test_threads_that_draw_from_one_generator_get_different_numbers(monkeypatch):
    """Though another thread runs in the middle of every draw."""
    generator, key = mg.Generator().manual_seed(0), random_ops.Key

    def slowly(*fields):
        time.sleep(1e-4)
        return key(*fields)

    monkeypatch.setattr(random_ops, "Key", slowly)

    def work(_):
        return [generator.key("k").counter for _ in range(20)]

    with ThreadPoolExecutor(4) as pool:
        counters = [counter for part in pool.map(work, range(4)) for counter in part]
    assert sorted(counters) == list(range(80))


def test_the_replay_of_a_checkpoint_takes_no_draws_from_other_threads():
    """Nor gives it any twice: while one thread draws again what its forward drew, another goes on where it stood."""
    mg.manual_seed(5)
    replaying, drawn = threading.Event(), threading.Event()
    found = []

    def function(x):
        x = nn.functional.dropout(x * 1.0, 0.5)
        if replaying.is_set():
            found.append("again")
            between.start()
            assert drawn.wait(10)
        return nn.functional.dropout(x, 0.5).exp()

    def draw():
        found.append(mg.default_generator.key("other").counter)
        drawn.set()

    between = threading.Thread(target=draw)
    x = mg.ones(1000, requires_grad=True)
    out = checkpoint(function, x)
    assert mg.default_generator.counter == 2
    replaying.set()
    out.sum().backward()
    between.join()
    assert found == ["again", 2]
    assert mg.default_generator.counter == 3
    kept = out.data != 1.0
    np.testing.assert_array_equal(x.grad.data != 0.0, kept)


def test_backwards_of_several_threads_over_graphs_that_share_leaves_and_lose_nothing():
    """PyTorch leaves open what happens then; here every gradient is added once, under a lock."""
    w, b = mg.zeros(1000, requires_grad=True), mg.zeros(1, requires_grad=True)

    def work(number):
        for _ in range(50):
            ((w + b) * float(number)).sum().backward()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert (w.grad == 50.0 * sum(range(8))).all()
    assert b.grad.item() == 50_000.0 * sum(range(8))


def test_a_watcher_may_go_backward_while_gradients_are_added():
    w, other = mg.ones(2, requires_grad=True), mg.ones(2, requires_grad=True)

    def watch(op, arguments, settings, outputs):
        if op.name == "add":  # of the second gradient to the first
            (other * 3.0).sum().backward()

    def work():
        w.exp().sum().backward(create_graph=True)
        with forward_hooks(end=watch):
            w.exp().sum().backward(create_graph=True)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(10.0)
    assert not thread.is_alive()
    np.testing.assert_allclose(w.grad.detach().numpy(), 2.0 * np.e, rtol=1e-6)
    assert other.grad.tolist() == [3.0, 3.0]
