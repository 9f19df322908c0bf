"""The profile accounts for every operation: counts, bytes and times that add up; the report of what a graph keeps."""

import json
import threading
import time

import numpy as np
import pytest

import minigrad as mg
from minigrad import hooks, nn


@pytest.fixture(autouse=True)
def nothing_stays_on():
    yield
    assert not hooks.forward_watchers and not hooks.backward_watchers


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(8, 16, bias=False)
        self.b = nn.Linear(16, 4, bias=False)

    def forward(self, x):
        return self.b(self.a(x).tanh())


def profiled(create_graph=False):
    model, x = Model(), mg.randn(32, 8)
    with mg.profiler.profile() as prof:
        model(x).sum().backward(create_graph=create_graph)
    model(x).sum().backward()  # not watched
    return prof


@pytest.mark.parametrize(
    "mode", ["off", pytest.param("force", marks=pytest.mark.host("the kernels are for NumPy"))]
)
def test_every_operation_is_counted_with_its_bytes(mode):
    with mg.kernels.mode(mode):
        prof = profiled()
    rows = {row.name: row for row in prof.rows()}
    product = "linear" if mode == "force" else "matmul"
    assert rows[product].calls == 2
    assert rows[product].forward_bytes == 4 * 32 * (16 + 4)
    assert (rows["tanh"].calls, rows["tanh"].forward_bytes, rows["tanh"].backward_bytes) == (1, 2048, 2048)
    modules = {row.name: row for row in prof.rows("module")}
    assert set(modules) == {"Model", "a", "b", ""}  # the sum is outside
    if mode == "force":
        assert modules["b"].backward_bytes == 4 * (16 * 4 + 32 * 16)
    assert sum(row.time for row in modules.values()) == pytest.approx(sum(row.time for row in rows.values()))


def test_views_make_no_bytes():
    x = mg.ones(4, 4)
    with mg.profiler.profile() as prof:
        (x.reshape(16)[2:].reshape(2, 7).T * 1.0).sum()
    assert {row.name: row.bytes for row in prof.rows() if row.bytes} == {"mul": 56, "sum": 4}


def test_times_are_each_operations_own():
    """A Function that calls operations, and a backward that is recorded: what is inside is not counted twice."""

    class Slow(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            time.sleep(0.02)
            return x * 2.0

        @staticmethod
        def backward(ctx, g):
            time.sleep(0.03)
            return g * 2.0

    x = mg.ones(2, requires_grad=True)
    started = time.perf_counter()
    with mg.profiler.profile() as prof:
        Slow.apply(x).sum().backward(create_graph=True)
    took = time.perf_counter() - started
    rows = {row.name: row for row in prof.rows()}
    assert rows["Slow"].forward >= 0.02 and rows["Slow"].backward >= 0.03
    assert rows["mul"].calls == 2 and rows["mul"].forward < 0.015
    assert sum(row.time for row in rows.values()) <= took
    outer, inner = prof.events[0], prof.events[1]
    assert outer.start <= inner.start <= inner.end <= outer.end and outer.inside == inner.end - inner.start


def test_the_table_is_sorted_and_adds_up():
    prof = profiled()
    lines = prof.table(sort_by="name").splitlines()
    assert lines[0].split() == (
        ["op", "calls", "forward", "ms", "backward", "ms", "total", "ms", "%", "forward", "bytes", "backward", "bytes"]
    )
    names = [line.split()[0] for line in lines[1:-1]]
    assert names == sorted(names) and lines[-1].startswith("total")
    assert int(lines[-1].split()[1]) == sum(event.phase == "forward" for event in prof.events)
    for key in ("time", "calls", "forward", "backward", "forward_bytes", "backward_bytes", "bytes"):
        by_key = sorted(prof.rows(), key=lambda row, key=key: -getattr(row, key))
        assert prof.table(key, row_limit=1).splitlines()[1].split()[0] == by_key[0].name
    assert len({len(line) for line in lines}) == 1  # columns
    with pytest.raises(ValueError, match=r"sorted by one of name, calls.*got 'speed'"):
        prof.table(sort_by="speed")
    with pytest.raises(ValueError, match=r"'op' or 'module', got 'line'"):
        prof.table(by="line")
    assert mg.profiler.profile().table().splitlines()[-1].split()[:2] == ["total", "0"]


def test_the_trace_is_what_chrome_reads(tmp_path):
    prof = profiled()
    prof.export_chrome_trace(tmp_path / "trace.json")
    trace = json.loads((tmp_path / "trace.json").read_text())
    events = trace["traceEvents"]
    assert len(events) == len(prof.events)
    for event in events:
        assert event["ph"] == "X" and event["cat"] in ("forward", "backward")
        assert isinstance(event["name"], str) and event["ts"] >= 0 and event["dur"] >= 0
        assert isinstance(event["pid"], int) and isinstance(event["tid"], int)
    assert {(event["name"], event["args"]["module"]) for event in events} >= {("tanh", "Model"), ("sum", "")}
    assert [event["ts"] for event in events] == sorted(event["ts"] for event in events)


def test_operations_that_fail_end_too():
    with mg.profiler.profile() as prof:
        with pytest.raises(ValueError):
            mg.ones(2) + mg.ones(3)
        mg.ones(2) + mg.ones(2)
    assert [event.inside for event in prof.events] == [0.0, 0.0]
    assert all(event.end >= event.start > 0 for event in prof.events)


def test_threads_are_kept_apart():
    def work():
        for _ in range(200):
            mg.ones(2) * 2.0

    with mg.profiler.profile() as prof:
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(prof.events) == 600 and all(event.inside == 0.0 for event in prof.events)


# --------------------------------------------------------------------------------------------- saved bytes


def test_saved_bytes_count_memory_once_and_leaves_not_at_all():
    x, w = mg.ones(100, requires_grad=True), mg.ones(100, 100, requires_grad=True)
    h = x.exp()  # saves itself
    out = (h * h + (h.reshape(10, 10) * h.reshape(10, 10)).sum() + w @ x).sum()
    report = mg.profiler.saved_bytes(out)
    assert (report.total, report.by_op, report.by_module) == (400, {"exp": 400}, {"": 400})
    assert mg.profiler.saved_bytes(x).total == 0
    out.backward()
    assert mg.profiler.saved_bytes(out).total == 0


def test_saved_bytes_by_module_and_what_a_checkpoint_saves():
    model, x = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh()), mg.randn(16, 4)
    report = mg.profiler.saved_bytes(model(x).sum())
    assert report.by_module["1"] == 16 * 8 * 4
    assert report.total == sum(report.by_op.values()) == sum(report.by_module.values())
    lines = report.table("module").splitlines()
    assert lines[0].split() == ["module", "saved", "bytes"] and lines[-1].split() == ["total", f"{report.total:,}"]
    out = mg.func.checkpoint(model, x * mg.ones(1, requires_grad=True)).sum()
    assert mg.profiler.saved_bytes(out).by_module == {"": 256, "0": 256}  # the arguments of mul and of the model
    assert report.table().count("\n") == 1 + len(report.by_op)
    with pytest.raises(ValueError, match="'op' or 'module'"):
        report.table("line")


def test_saved_bytes_agree_with_what_is_allocated():
    """Against the interpreter's own account of the memory that a forward leaves."""
    import tracemalloc

    x = mg.ones(1 << 16, requires_grad=True)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    node = ((x * 2.0).exp() * x.tanh()).sum()
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert mg.profiler.saved_bytes(node).total == pytest.approx(held, rel=0.05)
    assert np.isfinite(node.item())
