"""Tensors on a GPU: nothing waits in a training step, nothing moves unasked, and the numbers are the CPU's.

Runs with `pytest --device=cuda` alone, and from `test_cuda_path.py` in every run of the suite.
"""

import numpy as np
import pytest

import minigrad as mg
from lm.models import GPT2, GPT2Config
from minigrad import nn, optim
from minigrad.backends import backend_for, backend_of
from minigrad.hooks import forward_hooks
from minigrad.kernels.registry import FusedKernel
from minigrad.testing import check_grads, check_module
from minigrad.testing.verdicts import LISTENERS, Disconnected
from tests.standin.syncs import syncs

pytestmark = pytest.mark.skipif(mg.get_default_device() != "cuda", reason="needs --device=cuda")
F = nn.functional
DTYPES = ["bool", "int8", "uint8", "int16", "int32", "int64", "float16", "float32", "float64"]


def cpu(tensor):
    return tensor.detach().cpu().numpy()


def gpt():
    return GPT2(GPT2Config(vocab_size=13, n_positions=6, n_embd=8, n_layer=2, n_head=2))  # with dropout


def mlp():
    return nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), nn.GELU(), nn.Dropout(0.2), nn.Linear(8, 3))


def loss_of(model, device):
    if isinstance(model, GPT2):
        ids = mg.tensor(np.arange(12).reshape(2, 6) % 13, device=device)
        return model.loss(ids, mg.tensor(np.arange(1, 13).reshape(2, 6) % 13, device=device))
    x = mg.tensor(np.linspace(-1, 1, 20, dtype=np.float32).reshape(5, 4), device=device)
    return F.cross_entropy(model(x), mg.tensor([0, 1, 2, -100, 1], device=device))


def train(model, device, steps):
    optimizer = optim.AdamW(model.parameters(), lr=0.01)
    losses, norms = [], []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_of(model, device)
        loss.backward()
        norms.append(optim.clip_grad_norm_(model.parameters(), 0.5))
        optimizer.step()
        losses.append(loss)
    return losses, norms


@pytest.mark.parametrize("make", [mlp, gpt])
def test_a_training_step_never_waits_for_the_device(make):
    model = make()
    syncs.clear()
    train(model, "cuda", 2)
    assert syncs == []


def zeros(x):
    return mg.zeros(*x.shape, dtype=mg.int64)


@pytest.mark.parametrize("call", [
    lambda x: x.topk(2, 0), lambda x: x.topk(1, largest=False), lambda x: x.kthvalue(2), lambda x: x.median(0),
    lambda x: x.median(), lambda x: x.sort(), lambda x: x.cummax(0), lambda x: x.amax(1),
    lambda x: x.gather(1, zeros(x)), lambda x: x.scatter_add(1, zeros(x), x), lambda x: x.index_select(0, zeros(x)[0]),
    lambda x: mg.linalg.det(x[:3, :3]), lambda x: x.masked_fill(x > 0, 1.0), lambda x: x.clamp(0.0, 1.0),
    lambda x: mg.searchsorted(x.sort().values, x),
    lambda x: mg.randint(0, 9, (4,)), lambda x: mg.randn(3), lambda x: mg.bernoulli(mg.ones(3) * 0.5),
    lambda x: mg.multinomial(x.abs() + 1.0, 2), lambda x: mg.normal(x, x.abs()), lambda x: x.roll(1, 0),
    lambda x: mg.logsumexp(x, 1), lambda x: x.masked_scatter(x > 0, x), lambda x: (x * 9).long() // 2,
])  # fmt: skip
def test_an_operation_that_needs_no_value_never_waits_for_the_device(call):
    x = mg.tensor(np.random.default_rng(0).normal(size=(24, 40)), requires_grad=True)
    syncs.clear()
    out = call(x)
    first = out[0] if isinstance(out, tuple) else out
    if first.requires_grad:
        first.sum().backward()
    assert syncs == []


@pytest.mark.parametrize("make", [mlp, gpt])
def test_training_gives_the_numbers_of_the_cpu(make):
    """Initial weights and dropout masks are the same, so all the rest is."""
    seen = []
    for device in ("cpu", "cuda"):
        mg.set_default_device(device)
        mg.manual_seed(3)
        model = make()
        assert {parameter.device for parameter in model.parameters()} == {device}
        losses, norms = train(model, device, 3)
        seen.append(np.array([cpu(each) for each in (*losses, *norms)]))
    np.testing.assert_allclose(*seen, rtol=2e-5)


def test_reading_a_value_waits_and_is_counted():
    x = mg.ones(3)
    for read in (lambda: x.sum().item(), lambda: float(x[0]), lambda: bool(x.all()), lambda: repr(x), x.tolist, x.cpu):
        syncs.clear()
        read()
        assert len(syncs) == 1


@pytest.mark.parametrize(
    "name, call",
    [
        ("add", lambda x, y: x + y), ("matmul", lambda x, y: x @ y), ("where", lambda x, y: mg.where(x > 0, x, y)),
        ("cat", lambda x, y: mg.cat([x, y])), ("div", lambda x, y: y / x), ("maximum", mg.maximum),
    ],
)  # fmt: skip
def test_mixing_devices_is_refused_by_name(name, call):
    with pytest.raises(mg.DeviceError, match=rf"^{name} of .*different devices \(cpu, cuda\); use \.to\(device\)"):
        call(mg.ones(2, 2), mg.ones(2, 2, device="cpu"))


def test_arrays_in_host_memory_are_no_operands():
    with pytest.raises(mg.DeviceError, match=r"add of .*different devices \(cpu, cuda\)"):
        mg.ones(2) + np.ones(2, np.float32)


def test_an_array_of_the_device_is_shared_whatever_the_default_is():
    data = mg.ones(2).data
    for default in ("cpu", "cuda"):
        mg.set_default_device(default)
        assert mg.as_tensor(data).data is data and nn.Parameter(data).data is data


def test_an_index_comes_from_host_memory_but_not_back():
    x, host = mg.arange(4), mg.arange(4, device="cpu")
    assert x[[3, 0]].tolist() == x[mg.tensor([3, 0], device="cpu")].tolist() == x[np.array([3, 0])].tolist() == [3, 0]
    with pytest.raises(mg.DeviceError, match="a tensor on 'cpu' is indexed by one on 'cuda'"):
        host[mg.tensor([1])]


def test_gradients_of_several_devices_are_not_clipped_together():
    weights = [mg.ones(2, requires_grad=True), mg.ones(2, device="cpu", requires_grad=True)]
    for weight in weights:
        weight.sum().backward()
    with pytest.raises(mg.DeviceError, match=r"clip_grad_norm_: .*\(cpu, cuda\)"):
        optim.clip_grad_norm_(weights, 1.0)


@pytest.mark.parametrize(
    "draw",
    [
        lambda **k: mg.rand(101, **k), lambda **k: mg.rand(7, dtype=mg.float64, **k), lambda **k: mg.randn(33, **k),
        lambda **k: mg.randint(-5, 2**40, (9,), **k), lambda **k: mg.randperm(12, **k),
        lambda **k: F.dropout(mg.ones(50, **k), 0.3), lambda **k: mg.bernoulli(mg.full((40,), 0.3, **k)),
        lambda **k: nn.init.trunc_normal_(mg.empty(20, **k)), lambda **k: nn.init.orthogonal_(mg.empty(4, 3, **k)),
    ],
)  # fmt: skip
def test_the_same_seed_gives_the_same_draw_on_both_devices(draw):
    drawn = []
    for device in ("cpu", "cuda"):
        mg.manual_seed(11)
        drawn.append(draw(device=device))
    assert drawn[1].device == "cuda"
    np.testing.assert_allclose(*map(cpu, drawn), rtol=1e-6)


def test_random_bits_are_equal():
    for key in ((1, 2), (2**64 - 1, 2**63)):
        ours = backend_for("cuda").random_bits(key, 5, 1001)
        np.testing.assert_array_equal(ours.get(), backend_for("cpu").random_bits(key, 5, 1001))


def test_a_model_is_saved_and_loaded(tmp_path):
    model, twin = mlp(), mlp()
    mg.save_file(model.state_dict(), tmp_path / "m.safetensors")
    twin.load_state_dict(mg.load_file(tmp_path / "m.safetensors"))
    for ours, theirs in zip(twin.parameters(), model.parameters()):
        assert ours.device == "cuda"
        np.testing.assert_array_equal(cpu(ours), cpu(theirs))


def test_a_model_and_its_gradients_move_and_come_back():
    model = mlp()
    loss_of(model, "cuda").backward()
    before = [cpu(p.grad) for p in model.parameters()]
    model.cpu()
    assert {p.device for p in model.parameters()} == {p.grad.device for p in model.parameters()} == {"cpu"}
    for parameter, gradient in zip(model.parameters(), before):
        np.testing.assert_array_equal(parameter.grad.numpy(), gradient)


def test_the_gradient_of_a_move_moves_back():
    x = mg.ones(2, device="cpu", requires_grad=True)
    (x.to("cuda") * 3.0).sum().backward()
    assert x.grad.device == "cpu" and x.grad.tolist() == [3.0, 3.0]


@pytest.mark.parametrize("make", [mlp, gpt])
def test_kernels_of_numpy_never_see_a_device_array(make):
    recorded = []
    with mg.kernels.mode("force"), forward_hooks(record=recorded.append):
        loss_of(make(), "cuda")
    assert recorded and not any(isinstance(node.op, FusedKernel) for node in recorded)


# ------------------------------------------------------------------------------------------------- the backend


def test_cuda_moves_to_the_device_unless_told_which():
    x = mg.ones(2, device="cpu")
    assert x.cuda().device == x.cuda("cuda").device == "cuda"


def test_devices_have_numbers():
    assert mg.ones(1, device="cuda:0").device == "cuda"
    assert mg.ones(1).to("cuda:0").device == "cuda"
    with pytest.raises(RuntimeError, match=r"there is no device 'cuda:99'"):
        mg.ones(1, device="cuda:99")
    with pytest.raises(RuntimeError, match=r"no backend serves device 'cuda:x'"):
        mg.ones(1, device="cuda:x")


@pytest.mark.parametrize("dtype", DTYPES)
def test_repeated_indices_add_up_in_every_dtype(dtype):
    rng = np.random.default_rng(0)
    target, values = (rng.integers(-3, 4, shape).astype(dtype) for shape in ((5, 2), (40, 2)))
    index = rng.integers(-5, 5, 40)
    expected = target.copy()
    np.add.at(expected, index, values)
    backend = backend_for("cuda")
    ours = backend.asarray(target)
    backend.scatter_add(ours, (backend.asarray(index),), backend.asarray(values))
    np.testing.assert_array_equal(ours.get(), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("by", ["multiply", "maximum", "minimum"])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 17, 64])
def test_repeated_indices_combine_in_every_dtype(by, dtype, count):
    rng = np.random.default_rng(count)
    target, values = (rng.integers(-1, 3, shape).astype(dtype) for shape in ((3, 4), (count,)))
    rows, columns = rng.integers(-3, 3, count), rng.integers(0, 2, count)
    expected = target.copy()
    getattr(np, by).at(expected, (rows, columns), values)
    backend = backend_for("cuda")
    ours = backend.asarray(target)
    backend.scatter_by(by, ours, (backend.asarray(rows), backend.asarray(columns)), backend.asarray(values))
    np.testing.assert_array_equal(ours.get(), expected)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("name", ["erf", "erfc"])
def test_error_functions_keep_their_dtype_and_agree(name, dtype):
    x = np.linspace(-3, 3, 25).astype(dtype)
    ours = getattr(backend_for("cuda"), name)(backend_for("cuda").asarray(x))
    assert ours.dtype == dtype
    np.testing.assert_allclose(ours.get(), getattr(backend_for("cpu"), name)(x), rtol=4 * np.finfo(dtype).eps)


def test_an_array_of_the_device_is_known_before_its_name_was_used():
    data = backend_for("cuda").xp.ones(2)
    assert backend_of(data).device == "cuda" and mg.tensor(data).device == "cuda"


def check_argument():
    check_grads(mg.exp, mg.ones(3, dtype=mg.float64), order=2)


def check_an_array():
    check_grads(lambda x: x.exp() * mg.ones(3, dtype=mg.float64), np.ones(3), order=2)


def check_parameters():
    check_module(nn.BatchNorm1d(2).double(), mg.randn(3, 2, dtype=mg.float64), order=2)


def check_closed_over():
    weight = mg.full((3,), 0.5, dtype=mg.float64, requires_grad=True)
    check_grads(lambda x: x.to("cuda") * weight, mg.ones(3, dtype=mg.float64, device="cpu"), order=2)
    assert weight.device == "cuda" and weight.tolist() == [0.5] * 3


@pytest.mark.parametrize("check", [check_argument, check_an_array, check_parameters, check_closed_over])
def test_gradients_are_checked_where_the_tensors_are(check):
    reports = []
    LISTENERS.append(reports.append)
    try:
        check()
    finally:
        LISTENERS.remove(reports.append)
    for report in reports:
        assert {probe.oracle for probe in report.probes} == {"float64"}  # nothing is wider there
        assert report.passed and not any("memory" in each or "left alone" in each for each in report.passed)


def test_a_wrong_gradient_on_the_device_is_found():
    with pytest.raises(Disconnected, match="gradient of argument 1"):
        check_grads(lambda x, y: x * y.detach(), mg.ones(2), mg.ones(2))


def test_processes_share_no_work_of_a_device():
    model = nn.Linear(3, 2)
    parallel = nn.DataParallel(model, device_ids=[0, 1])
    with pytest.raises(TypeError, match="DataParallel shares work on the CPU; an argument is on cuda"):
        parallel(mg.ones(4, 3))
    with pytest.raises(TypeError, match="'weight' of Linear is on cuda"):
        parallel(mg.ones(4, 3, device="cpu"))


def test_gradients_of_gradients_cross_between_devices():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    (gradient,) = mg.autograd.grad((x.to("cpu") ** 3).sum(), x, create_graph=True)
    assert gradient.device == x.device
    gradient.to("cpu").sum().backward()
    assert x.grad.device == x.device and x.grad.tolist() == [6.0, 12.0]


def test_positions_are_made_where_their_counts_are():
    counts = mg.tensor([1, 0, 2])
    for default in ("cpu", "cuda"):
        mg.set_default_device(default)
        repeated = mg.repeat_interleave(counts)
        assert repeated.device == "cuda" and repeated.tolist() == [0, 2, 2]
