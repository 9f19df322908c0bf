"""An error or nan in a backward names the line of the forward; what is saved is guarded against NumPy aliases."""

import gc
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad import hooks, nn

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


@pytest.fixture(autouse=True)
def nothing_stays_on():
    yield
    assert not hooks.forward_watchers and not hooks.backward_watchers


def leaf(*values):
    return mg.tensor(np.array(values), requires_grad=True)


class Rooted(nn.Module):
    def forward(self, x):
        return x.sqrt() * 0.0  # the guilty line


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([Rooted()])

    def forward(self, x):
        return self.blocks[0](x * 1.0)


@pytest.mark.parametrize("mode", ["off", "force"])
@pytest.mark.parametrize("create_graph", [False, True])
def test_nan_in_a_gradient_names_operation_module_and_line(mode, create_graph):
    with mg.kernels.mode(mode), mg.autograd.detect_anomaly():
        out = Model()(leaf(0.0, 1.0))
        with pytest.raises(
            RuntimeError, match=r"backward of sqrt .*'blocks.0' gave nan, in 1 of 2 .* \(2,\)"
        ) as raised:
            out.sum().backward(create_graph=create_graph)
    note = raised.value.__notes__[-1]
    assert note.startswith("sqrt; it was recorded at") and "# the guilty line" in note
    assert note.index("test_nan_in_a_gradient") < note.index("in forward")  # the caller first, as Python has it


def test_without_check_nan_nan_passes_and_without_the_block_too():
    x = leaf(0.0)
    with mg.autograd.detect_anomaly(check_nan=False):
        Rooted()(x).backward()
    Rooted()(x).backward()
    assert np.isnan(x.grad.data).all()


def test_any_error_of_a_backward_names_the_line():
    class Bad(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1.0

        @staticmethod
        def backward(ctx, g):
            raise KeyError("no")

    with mg.autograd.detect_anomaly():
        out = Bad.apply(leaf(1.0))  # here
        with pytest.raises(KeyError) as raised:
            out.backward()
        assert "# here" in raised.value.__notes__[-1]
        y = leaf(1.0).exp()  # saved here
        with pytest.raises(RuntimeError, match="freed") as raised:
            y.backward()
            y.backward()
        assert "# saved here" in raised.value.__notes__[-1]


def test_the_switch():
    mg.autograd.set_detect_anomaly(True)
    try:
        assert hooks.forward_watchers
        with mg.autograd.set_detect_anomaly(False):
            assert not hooks.forward_watchers
        assert len(hooks.forward_watchers) == 1
        with mg.autograd.detect_anomaly(), mg.autograd.detect_anomaly(check_nan=False):
            assert len(hooks.forward_watchers) == 1
        with pytest.raises(RuntimeError, match="gave nan"):  # checking again
            Rooted()(leaf(0.0)).backward()
    finally:
        mg.autograd.set_detect_anomaly(False)


# ------------------------------------------------------------------------------------------------ NumPy aliases


@pytest.mark.host("NumPy's aliases of a tensor's memory")
def test_a_result_that_is_saved_is_read_only_until_its_backward():
    with mg.autograd.detect_anomaly():
        x = leaf(1.0, 2.0)
        y = x.exp()
        z = y * y
        alias = y.detach().numpy()
        with pytest.raises(ValueError, match="read-only"):
            alias[0] = 5.0
        z.sum().backward()
        alias[0] = 5.0
        y = x.exp()
        alias = y.detach().numpy()
        assert not alias.flags.writeable
        del y  # an abandoned graph
        alias[0] = 5.0
        y = x.exp()
    y.detach().numpy()[0] = 5.0  # and the end of the block


@pytest.mark.host("NumPy's aliases of a tensor's memory")
def test_a_leaf_is_not_locked_and_a_change_of_it_is_seen():
    values = np.array([1.0, 2.0])
    x = mg.from_numpy(values).requires_grad_()
    with mg.autograd.detect_anomaly():
        out = (x * x).sum()
        values[0] = 5.0  # a view of the memory would do as well
        with pytest.raises(RuntimeError, match=r"mul .* shape \(2,\) that it saved was changed .* NumPy array"):
            out.backward()
    batch = np.array([[1.0], [2.0]])
    with mg.autograd.detect_anomaly():
        out = (mg.from_numpy(batch) @ mg.tensor([[1.0]], dtype=mg.float64, requires_grad=True)).sum()
        batch[:, :1] *= 2.0
        with pytest.raises(RuntimeError, match=r"matmul .* was changed"):
            out.backward()


@pytest.mark.host("NumPy's aliases of a tensor's memory")
def test_a_view_that_was_there_before_is_caught_by_the_checksum():
    with mg.autograd.detect_anomaly():
        x = leaf(1.0, 2.0) * 1.0
        view = x.detach().numpy()[:1]
        out = (x * x).sum()
        view[0] = 9.0
        with pytest.raises(RuntimeError, match="shares its memory"):
            out.backward()


def test_training_goes_on_as_without():
    losses = []
    for anomaly in (False, True):
        mg.manual_seed(0)
        model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Dropout(0.2), nn.Linear(4, 1))
        optimizer = mg.optim.Adam(model.parameters(), lr=0.1)
        x = mg.randn(5, 3)
        with mg.autograd.set_detect_anomaly(anomaly):
            for _ in range(3):
                loss = (mg.func.checkpoint(model, x) ** 2).mean() + (model(x) ** 2).mean()
                optimizer.zero_grad()
                loss.backward(retain_graph=True)
                loss.backward()
                optimizer.step()
        losses.append(loss.item())
    assert losses[0] == losses[1]


def test_graphs_die_as_without():
    gc.disable()
    try:
        with mg.autograd.detect_anomaly():
            y = leaf(1.0, 2.0).exp()
            alive = [weakref.ref(y.node), weakref.ref(y.data)]
            del y
            assert [ref() for ref in alive] == [None, None]
    finally:
        gc.enable()
