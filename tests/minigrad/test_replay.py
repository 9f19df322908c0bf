"""A recording computes what the function it is of would compute, or is not made."""

import threading

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad.func.replay import NotRecordable, record
from minigrad.hooks import forward_hooks, forward_watchers, watched

pytestmark = pytest.mark.host("recordings are of arrays in host memory")


@pytest.fixture(autouse=True)
def without_gradients():
    with mg.no_grad():
        yield


@pytest.fixture
def x():
    return mg.tensor(np.linspace(-1.0, 2.0, 6).reshape(2, 3).astype(np.float32))


def recorded(function, *known):
    return record(function, [each.data if isinstance(each, mg.Tensor) else each for each in known])[1]


def test_a_replay_reads_what_is_known_anew(x):
    layer = mg.nn.Linear(3, 4)
    steps = mg.nn.Sequential(layer, mg.nn.LayerNorm(4), mg.nn.GELU())
    weights = [weight.data for weight in steps.parameters()]
    out, recording = record(lambda: steps(x).tanh(), [x.data, *weights])
    np.testing.assert_array_equal(recording.replay(), out.numpy())
    x.data[...] = np.arange(6).reshape(2, 3)
    layer.weight.data[...] += 1.0
    np.testing.assert_array_equal(recording.replay(), steps(x).tanh().numpy())


@pytest.mark.parametrize("mode", ["off", "force"])
def test_views_parts_and_joins_are_recorded(x, mode):
    places = mg.tensor([2, 0])

    def function():
        a, b = x.T[places].reshape(2, 2) @ x[:, :2]
        return F.linear(mg.cat([a[None], b[None] * 2], 0).mT, x[:, 1:])

    with mg.kernels.mode(mode):
        recording = recorded(function, x, places)
        x.data[...], places.data[...] = x.data[::-1] * 2, [1, 2]
        np.testing.assert_array_equal(recording.replay(), function().numpy())


class Halves:
    """An operation of two results."""

    name = "halves"

    @staticmethod
    def forward(x):
        return x[:, :1] * 2, x[:, 1:] + 1


def test_an_operation_may_have_several_results(x):
    def function():
        a, b = map(mg.Tensor, watched(Halves, Halves.forward, (x.data,), {}, lambda result: result))
        return a - b

    recording = recorded(function, x)
    x.data[...] = x.data[::-1] ** 2
    np.testing.assert_array_equal(recording.replay(), x.numpy()[:, :1] * 2 - (x.numpy()[:, 1:] + 1))


@pytest.mark.parametrize(
    "function, reason",
    [
        (lambda x: x + mg.ones(3), "add: an argument of type ndarray that no operation made"),
        (lambda x: x * mg.Tensor(x.data * 2), "mul: an argument of type ndarray"),
        (lambda x: x * x.numpy().max(), None),  # a number: seen by comparing two recordings
        (lambda x: x.sum(), "sum: a result that is no array with dimensions"),
        (lambda x: mg.ones(2), "the result is not that of an operation"),
        (lambda x: x, "the result is not that of an operation"),
        (lambda x: x[x[:, 0].argsort()], "getitem: an argument of type ndarray"),
        (lambda x: F.dropout(x, 0.5, True), None),
    ],
)
def test_what_a_replay_would_not_compute_anew_is_not_recorded(x, function, reason):
    if reason is None:
        first = recorded(lambda: function(x), x)
        x.data[...] *= 3
        assert recorded(lambda: function(x), x) != first
    else:
        with pytest.raises(NotRecordable, match=reason):
            recorded(lambda: function(x), x)


def test_a_change_in_place_is_not_recorded(x):
    def of_a_result():
        y = x * 2
        y += 1
        return y * x

    def of_what_is_known():
        x.mul_(2)
        return x * 3

    for function in (of_a_result, of_what_is_known):
        with pytest.raises(NotRecordable, match="changed an array in place"):
            recorded(function, x)
    x.add_(1)  # before the recording it does not matter
    recorded(lambda: x * 2, x)


def test_recordings_are_equal_if_all_but_the_values_is(x):
    y, scale = mg.ones(2, 3), 2.0
    first = recorded(lambda: (x * scale)[:, 1:] + 1, x, y)
    assert first == recorded(lambda: (x * scale)[:, 1:] + 1, x, y) and len(first) == 3
    for other in (
        lambda: (x * 3.0)[:, 1:] + 1,
        lambda: (x * scale)[:, :2] + 1,
        lambda: (x * scale)[:, 1:] + True,
        lambda: (y * scale)[:, 1:] + 1,
        lambda: (x / scale)[:, 1:] + 1,
        lambda: (x * scale)[:, 1:] + 1 + 1,
        lambda: (x * scale + 1)[:, 1:],
    ):
        assert first != recorded(other, x, y)
    assert first != "a recording"


def test_the_same_operations_in_another_order_of_use_are_another_recording(x):
    def function(first, second):
        results = [x * 2, x * 2]
        return results[first] - results[second]

    assert recorded(lambda: function(0, 1), x) == recorded(lambda: function(0, 1), x)
    assert recorded(lambda: function(0, 1), x) != recorded(lambda: function(1, 0), x)

    def last(number):
        results = [x * 2, x * 2]
        return results[number]

    assert recorded(lambda: last(0), x) != recorded(lambda: last(1), x)


class Scaled:
    """An operation with a setting."""

    name = "scaled"

    @staticmethod
    def forward(x, *, by, beside=None):
        return x * (by if isinstance(by, (int, float)) else by[0])


def scaled(x, **settings):
    return mg.Tensor(watched(Scaled, Scaled.forward, (x.data,), settings))


def test_settings_are_compared_with_their_names_and_kinds(x):
    def of(**settings):
        return recorded(lambda: scaled(x, **settings), x)

    assert of(by=float("nan")) == of(by=float("nan")) and of(by=(1, 2)) == of(by=(1, 2))
    different = [of(by=1), of(by=1.0), of(by=True), of(by=(1,)), of(by=[1]), of(by=1, beside=1), of(by=(1, (2,)))]
    assert all((a == b) == (a is b) for a in different for b in different)


def test_settings_are_those_of_the_recorded_run(x):
    settings = {"by": 2.0}

    def function():
        arrays = (x.data,)
        out = mg.Tensor(watched(Scaled, Scaled.forward, arrays, settings))
        settings["by"] = 3.0
        return out

    recording = recorded(function, x)
    np.testing.assert_array_equal(recording.replay(), x.numpy() * 2.0)


def test_an_operation_that_failed_is_no_part_of_it(x):
    def function():
        with pytest.raises(mg.ShapeError):
            x @ x
        return x * 2

    recording = recorded(function, x)
    assert len(recording) == 1
    np.testing.assert_array_equal(recording.replay(), x.numpy() * 2)


def test_the_first_problem_is_the_one_that_is_told(x):
    def function():
        y = x + mg.ones(3)
        return y @ mg.ones(3)

    with pytest.raises(NotRecordable, match=r"^add: "):
        recorded(function, x)


def test_a_result_that_is_no_tensor_is_not_recorded(x):
    for result in (lambda y: None, lambda y: (y, y), lambda y: y.numpy()):
        with pytest.raises(NotRecordable, match="the result is not that of an operation"):
            recorded(lambda result=result: result(x * 2), x)


def test_tensors_may_be_known_as_their_arrays_are(x):
    assert record(lambda: x * 2, [x])[1] == record(lambda: x * 2, [x.data])[1]


def test_the_operations_of_other_threads_are_not_recorded(x):
    def function():
        y = x * 2
        other = threading.Thread(target=lambda: (x + mg.ones(3)).exp())
        other.start()
        other.join()
        return y - x

    recording = recorded(function, x)
    assert len(recording) == 2
    np.testing.assert_array_equal(recording.replay(), x.numpy())


def test_a_replay_shows_watchers_nothing_and_warns_of_nothing(x):
    recording = recorded(lambda: (x * 10.0).exp(), x)
    x.data[...] = 10.0
    seen = []
    with forward_hooks(end=lambda *event: seen.append(event)), np.errstate(all="raise"):
        recording.replay()
    assert not seen


def test_gradients_are_refused(x):
    with mg.enable_grad(), pytest.raises(RuntimeError, match="a replay has no gradients"):
        recorded(lambda: x * 2, x)


def test_what_the_function_raises_comes_through_and_nobody_watches_on(x):
    def function():
        y = x * 2
        raise KeyError(y.shape)

    with pytest.raises(KeyError):
        recorded(function, x)
    with pytest.raises(mg.ShapeError):
        recorded(lambda: x @ x, x)
    assert not forward_watchers
