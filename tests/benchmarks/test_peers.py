"""What is measured beside peers is the same thing, and is what it says."""

import math

import numpy as np
import pytest

from benchmarks import attention_memory, cold_start, generation, gpt, layers, side_by_side, small_ops, train_step
from minigrad.backends.processes import Worker

pytestmark = pytest.mark.host("speed and memory are compared there")

SMALL = gpt.Size(layers=2, heads=2, channels=8, context=6, vocabulary=11, batch=4)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setitem(gpt.SIZES, "small test", SMALL)


def losses(name, steps=4):
    peer, package = train_step.PEERS[name]
    pytest.importorskip(package)
    trained = peer("small test")
    return [trained.run(1) for _ in range(steps)]


@pytest.mark.parametrize("name", [name for name in train_step.PEERS if name not in ("minigrad", "matrix products")])
def test_every_peer_trains_the_same_model(name):
    if "compiled" in name:
        pytest.skip("compiling takes longer than this suite")
    np.testing.assert_allclose(losses(name), losses("minigrad"), rtol=2e-5)


def test_the_loss_falls_and_depends_on_the_batch():
    first, *_, last = losses("minigrad", 60)
    assert last < first - 0.1
    batches = gpt.batches(SMALL)
    (ids, targets), (others, _) = next(batches), next(batches)
    assert ids.shape == targets.shape == (4, 6)
    assert np.array_equal(ids[:, 1:], targets[:, :-1])
    assert not np.array_equal(ids, others)


def test_the_products_are_those_of_a_step():
    """Each projection is multiplied three times, each head's scores and values six."""
    products = train_step.Products("small test").products
    work = sum(2 * math.prod(out.shape) * a.shape[-1] for a, _, out in products)
    tokens, C, T, V = SMALL.tokens, SMALL.channels, SMALL.context, SMALL.vocabulary
    linear = SMALL.layers * 12 * C * C + C * V
    assert work == 3 * 2 * tokens * linear + SMALL.layers * 6 * 2 * tokens * T * C


def test_a_peer_runs_in_a_process_of_its_own_and_is_in_the_table():
    found = train_step.measure("tiny", ["minigrad", "minigrad, shared", "matrix products"], seconds=0.0, warm=1)
    assert len(found["minigrad"]["seconds"]) == 3
    assert found["minigrad"]["memory"] > 10e6
    lines = train_step.table(gpt.SIZES["tiny"], found).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| minigrad", "| minigrad, shared", "| matrix products"]


def test_memory_is_that_of_the_children_too():
    def holding(size):
        held = np.ones(size)
        return held.sum()

    before = side_by_side.peak()
    worker = Worker(holding)
    worker.send(10_000_000)  # 80 MB
    worker.receive()
    assert 75e6 < side_by_side.peak() - before < 150e6
    worker.close()


@pytest.mark.parametrize("name", [name for name in small_ops.PEERS if name != "minigrad"])
def test_every_peer_computes_the_same_chain(name):
    peer, package = small_ops.PEERS[name]
    pytest.importorskip(package)
    assert peer().run(1) == pytest.approx(small_ops.Minigrad().run(1), rel=1e-5)


def test_the_chain_has_51_operations():
    operations = []

    class Counted(float):
        def __mul__(self, other):
            operations.append("*")
            return Counted(float(self) * other)

        def __add__(self, other):
            operations.append("+")
            return Counted(float(self) + other)

    small_ops.chain(Counted(0.5), lambda x: operations.append("tanh") or Counted(math.tanh(x)))
    assert len(operations) == 51


def test_the_same_weights_write_the_same_text():
    pytest.importorskip("transformers")
    assert generation.Transformers("tiny").run(12) == generation.Minigrad("tiny").run(12)


def test_memory_of_attention_for_a_token_is_the_same_in_any_context():
    needs = [attention_memory.bytes_per_token(context, 2048) for context in (64, 256, 2048)]
    assert max(needs) < 1.1 * min(needs)
    assert attention_memory.bytes_per_token(2048, 2048, "off") > 10 * needs[0]


@pytest.mark.parametrize("model", layers.MODELS)
def test_both_frameworks_train_the_same_layers(model):
    pytest.importorskip("torch")
    assert layers.PyTorch(model).run(3) == pytest.approx(layers.Trained(model).run(3), rel=1e-5)


@pytest.mark.parametrize("model", layers.MODELS)
def test_layers_learn_the_batches_they_see(model):
    trained = layers.Trained(model)
    first = trained.run(1)
    assert trained.run(24) < first - 1e-3


def test_the_squared_gradient_is_part_of_what_descends(monkeypatch):
    both, first_alone = layers.Trained("second_order"), layers.Trained("second_order")
    monkeypatch.setattr(first_alone, "second", False)
    assert both.run(1) > first_alone.run(1)
    assert both.run(1) != first_alone.run(1)


def test_a_cold_start_ends_and_takes_time():
    assert cold_start.seconds("minigrad") > 0.05
