"""A module on several processes does what it does on one: outputs, gradients, modes, buffers, errors."""

import copy
import gc
import os
import signal
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F
from minigrad.nn.replicas import Team

pytestmark = pytest.mark.host("processes share the memory of the host")


class Loss(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x, y):
        return F.mse_loss(self.model(x), y)


def double(*shape, requires_grad=False, seed=0):
    values = np.random.default_rng([seed, *shape]).normal(size=shape)
    return mg.tensor(values, requires_grad=requires_grad)


def perceptron(dropout=0.0):
    mg.manual_seed(7)
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Dropout(dropout), nn.Linear(5, 2)).double()


@pytest.fixture
def parallel(request):
    """Makes one of a module, and ends its processes."""
    made = []

    def make(module, count=3, **settings):
        made.append(nn.DataParallel(module, device_ids=range(count), **settings))
        return made[-1]

    yield make
    for each in made:
        each.close()


def grads(module):
    return [None if p.grad is None else p.grad.numpy().copy() for p in module.parameters()]


class Shapes(nn.Module):
    """Outputs and inputs of many kinds."""

    def __init__(self, dim):
        super().__init__()
        self.scale = nn.Parameter(double(1))
        self.unused = nn.Parameter(double(2))
        self.dim = dim

    def forward(self, x, pair, *, named, factor=1.0, nothing=None, word=""):
        assert nothing is None and word == "word"
        first, (second,) = pair["first"], pair["second"]
        y = x * self.scale + first * second
        return {"y": y, "rest": [named.sum(), factor, (y * y).sum(self.dim - 1, keepdim=True), x.argmax()]}


@given(st.integers(1, 9), st.integers(1, 5), st.sampled_from([0, 1, -1]), st.booleans())
def test_outputs_and_gradients_are_those_of_the_parts(size, count, dim, frozen):
    shape = [2, 2]
    shape[dim] = size
    x, first, second, named = (double(*shape, requires_grad=True, seed=seed) for seed in range(4))
    first.requires_grad_(False)
    module = Shapes(dim)
    module.scale.requires_grad_(not frozen)
    replicas = nn.DataParallel(module, device_ids=range(count), dim=dim)
    kwargs = {"named": named, "factor": 2.5, "word": "word"}
    found = replicas(x, {"first": first, "second": (second,)}, **kwargs)

    step = -(-size // count)
    parts = []
    for start in range(0, size, step):
        index = tuple(slice(start, start + step) if axis == dim % 2 else slice(None) for axis in range(2))
        kwargs = {"named": named[index], "factor": 2.5, "word": "word"}
        parts.append(module(x[index], {"first": first[index], "second": (second[index],)}, **kwargs))
    if len(parts) == 1:
        wanted = parts[0]
    else:
        total, _, squares, places = zip(*(part["rest"] for part in parts))
        wanted = {
            "y": mg.cat([part["y"] for part in parts], dim=dim),
            "rest": [mg.stack(total), 2.5, mg.cat(squares, dim=dim), mg.stack(places)],
        }
    for ours, theirs in zip(
        [found["y"], found["rest"][0], found["rest"][2], found["rest"][3]],
        [wanted["y"], wanted["rest"][0], wanted["rest"][2], wanted["rest"][3]],
    ):
        np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-13)
        assert ours.dtype == theirs.dtype
    assert found["rest"][1] == 2.5

    def loss(outputs):
        return (outputs["y"] ** 3).sum() + (outputs["rest"][0] ** 2).sum()

    inputs = [x, second, named, *([] if frozen else [module.scale])]
    ours = mg.autograd.grad(loss(found), inputs)
    theirs = mg.autograd.grad(loss(wanted), inputs)
    for one, other in zip(ours, theirs):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-12, atol=1e-14)
    replicas.close()


def test_the_mean_of_the_parts_losses_is_the_loss_of_the_batch_and_so_is_its_gradient(parallel):
    model = perceptron()
    x, y = double(12, 3), double(12, 2, seed=1)
    F.mse_loss(model(x), y).backward()
    wanted = grads(model)
    model.zero_grad()
    losses = parallel(Loss(model))(x, y)
    assert losses.shape == (3,)
    losses.mean().backward()
    for one, other in zip(grads(model), wanted):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_gradients_add_up_over_calls_and_belong_to_the_parameters(parallel):
    model = perceptron()
    replicas = parallel(Loss(model))
    batches = [(double(6, 3, seed=seed), double(6, 2, seed=seed + 1)) for seed in range(3)]
    for x, y in batches:
        replicas(x, y).mean().backward()
    added = grads(model)
    model.zero_grad()
    sum(F.mse_loss(model(x), y) for x, y in batches).backward()
    for one, other in zip(added, grads(model)):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_calls_may_overlap_and_each_has_its_own_backward(parallel):
    model = perceptron()
    replicas = parallel(Loss(model))
    batches = [(double(6, 3, seed=seed), double(6, 2, seed=seed + 1)) for seed in range(3)]
    losses = [replicas(x, y).mean() for x, y in batches]
    for number in (1, 0, 2):
        (found,) = mg.autograd.grad(losses[number], [model[0].weight])
        (wanted,) = mg.autograd.grad(F.mse_loss(model(batches[number][0]), batches[number][1]), [model[0].weight])
        np.testing.assert_allclose(found.numpy(), wanted.numpy(), rtol=1e-12)


def trained(model, run, steps=4):
    optimizer = mg.optim.AdamW(model.parameters(), lr=0.05)
    for step in range(steps):
        run(double(6, 3, seed=step), double(6, 2, seed=step + 1)).mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    return [p.detach().numpy().copy() for p in model.parameters()]


def test_an_optimizer_made_before_trains_it_as_without_processes_and_to_the_same_bits_each_time(parallel):
    def with_processes():
        model = perceptron()
        return trained(model, parallel(Loss(model)))

    model = perceptron()
    once, again, alone = with_processes(), with_processes(), trained(model, Loss(model))
    for one, same, close in zip(once, again, alone):
        assert (one == same).all()
        np.testing.assert_allclose(one, close, rtol=1e-9)


def same_as_alone(replicas, x):
    np.testing.assert_allclose(
        replicas(x).detach().numpy(), replicas.module(x).detach().numpy(), rtol=1e-13, atol=1e-15
    )


def test_the_processes_see_what_becomes_of_parameters_and_modes(parallel):
    model, x = perceptron(dropout=0.5), double(6, 3)
    replicas = parallel(model).eval()
    same_as_alone(replicas, x)
    team = replicas._team
    model.load_state_dict({name: value * 2.0 for name, value in model.state_dict().items()})
    same_as_alone(replicas, x)
    for _ in range(2):
        model[0].weight.data = model[0].weight.data * 3.0  # another array, as in a descent by hand
        same_as_alone(replicas, x)
    replicas.train()
    zeros = (replicas(mg.ones(600, 3).double()).detach().numpy() == model[3].bias.detach().numpy()).all()
    assert not zeros
    model.requires_grad_(False)
    assert not replicas(x).requires_grad
    model[3].requires_grad_(True)
    replicas(x).sum().backward()
    assert [p.grad is None for p in model.parameters()] == [True, True, False, False]
    assert replicas._team is team, "it went on with the same processes"


def test_dropout_draws_for_each_process_and_again_the_same(parallel):
    replicas = parallel(nn.Dropout(0.5), count=4)

    def drawn():
        return replicas(mg.ones(4, 64)).numpy()

    mg.manual_seed(3)
    first, second = drawn(), drawn()
    mg.manual_seed(3)
    assert (drawn() == first).all() and (drawn() == second).all()
    rows = {row.tobytes() for row in (*first, *second)}
    assert len(rows) == 8, "every process, and every call, has a mask of its own"
    mg.manual_seed(3)
    assert (nn.Dropout(0.5)(mg.ones(1, 64)).numpy() == first[:1]).all(), "the first part is drawn as without processes"


def test_buffers_are_those_of_the_module_and_change_by_the_first_part(parallel):
    norm = nn.BatchNorm1d(2).double()
    twin = copy.deepcopy(norm)
    replicas, x = parallel(norm, count=2), double(8, 2)
    replicas(x)
    twin(x[:4])
    np.testing.assert_allclose(norm.running_mean.numpy(), twin.running_mean.numpy(), rtol=1e-13)
    assert norm.num_batches_tracked.item() == 1
    same_as_alone(replicas.eval(), x)


def test_a_module_of_other_parts_has_other_processes(parallel):
    model, x = perceptron(), double(6, 3)
    replicas = parallel(model)
    same_as_alone(replicas, x)
    model[3] = nn.Linear(5, 2).double()
    same_as_alone(replicas, x)
    model[3].weight = nn.Parameter(double(2, 5))
    same_as_alone(replicas, x)
    model.float()
    same_as_alone(replicas, mg.ones(6, 3))
    replicas.module = nn.Linear(3, 1)
    assert replicas(mg.ones(6, 3)).shape == (6, 1)


def test_a_tied_parameter_stays_one(parallel):
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.one = nn.Linear(3, 3, bias=False).double()
            self.other = nn.Linear(3, 3, bias=False).double()
            self.other.weight = self.one.weight

        def forward(self, x):
            return self.other(self.one(x))

    model, x = Tied(), double(6, 3)
    (wanted,) = mg.autograd.grad(model(x).sum(), [model.one.weight])
    (found,) = mg.autograd.grad(parallel(model)(x).sum(), [model.one.weight])
    np.testing.assert_allclose(found.numpy(), wanted.numpy(), rtol=1e-12)


class Graphs(nn.Module):
    """Says how many forwards its process keeps for a backward, this one not counted."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(mg.ones(1))

    def forward(self, x):
        gc.collect()
        kept = sum(type(each).__name__ == "Run" for each in gc.get_objects())
        return x * self.weight, mg.full((len(x),), kept - 1)


def test_no_process_keeps_what_has_no_backward_to_come(parallel):
    replicas = parallel(Graphs(), count=2)

    def kept():
        return replicas(mg.ones(2))[1].numpy().tolist()

    with mg.no_grad():
        assert [kept() for _ in range(3)] == [[0, 0]] * 3
    outputs = [replicas(mg.ones(2))[0] for _ in range(3)]
    assert kept()[1] == 3
    outputs[0].sum().backward()
    assert kept()[1] == 2
    del outputs
    assert kept()[1] == 0


def test_an_error_comes_with_where_it_was_and_the_next_call_works(parallel):
    replicas = parallel(nn.Embedding(10, 2), count=2)
    good = mg.tensor([1, 2, 3, 4])
    team = replicas(good) is not None and replicas._team
    with pytest.raises(IndexError, match="embedding") as caught:
        replicas(mg.tensor([1, 2, 3, 40]))
    assert any("in a process that shares the work" in note for note in caught.value.__notes__)
    with pytest.raises(IndexError, match="embedding"):
        replicas(mg.tensor([10, 2, 3, 5]))
    same_as_alone(replicas, good)
    assert replicas._team is team, "an error ends no process"


def test_after_ctrl_c_the_next_call_has_its_own_answers(parallel):
    class Interrupted(nn.Module):
        def forward(self, x):
            if x.data[0] < 0:
                raise KeyboardInterrupt
            return x * 2.0

    replicas = parallel(Interrupted(), count=2)
    with pytest.raises(KeyboardInterrupt):
        replicas(mg.tensor([-1.0, 5.0]))
    assert replicas(mg.tensor([1.0, 3.0])).tolist() == [2.0, 6.0]


def test_a_process_that_is_killed_is_an_error_and_the_next_call_works(parallel):
    replicas = parallel(nn.Linear(3, 2))
    replicas(mg.ones(6, 3))
    os.kill(replicas._team.workers[1].pid, signal.SIGKILL)
    with pytest.raises(RuntimeError, match="was ended by SIGKILL"):
        for _ in range(2):
            replicas(mg.ones(6, 3))
    assert replicas(mg.ones(6, 3)).shape == (6, 2)


def test_what_it_cannot_do_it_says(parallel):
    replicas = parallel(nn.Linear(3, 2))
    x = mg.ones(6, 3, requires_grad=True)
    loss = replicas(x).sum()
    with pytest.raises(RuntimeError, match="first derivatives alone"):
        mg.autograd.grad(loss, [x], create_graph=True)
    loss = replicas(x).sum()
    loss.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="second backward through the same call"):
        loss.backward()
    loss = replicas(x).sum()
    replicas.close()
    with pytest.raises(RuntimeError, match="have been ended since the forward"):
        loss.backward()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (lambda: (mg.ones(6, 3), mg.ones(5, 3)), mg.ShapeError, r"dimension 0, where .* the same size, got \[5, 6\]"),
        (lambda: (mg.ones(6, 3), mg.tensor(1.0)), mg.ShapeError, r"dimension 0; one has shape \(\)"),
        (lambda: (mg.ones(6, 3), lambda: 0), AttributeError, "pickle"),
    ],
)
def test_tensors_that_cannot_be_cut_are_named(parallel, arguments, error, message):
    with pytest.raises(error, match=message):
        parallel(nn.Bilinear(3, 3, 2))(*arguments())


def test_an_output_that_cannot_be_joined_is_named(parallel):
    class Rows(nn.Module):
        def forward(self, x):
            return x.sum(1)

    with pytest.raises(mg.ShapeError, match=r"joins outputs along dimension 1; one has shape \(2,\)"):
        parallel(Rows(), dim=1)(mg.ones(2, 6))


def test_bad_settings_are_named():
    with pytest.raises(TypeError, match="takes a Module, got function"):
        nn.DataParallel(lambda x: x)
    with pytest.raises(TypeError, match="device_ids is a list of numbers, got int"):
        nn.DataParallel(nn.Linear(1, 1), device_ids=2)
    with pytest.raises(TypeError, match="str"):
        nn.DataParallel(nn.Linear(1, 1), dim="0")
    with pytest.raises(ValueError, match="no device_ids"):
        nn.DataParallel(nn.Linear(1, 1), device_ids=[])
    with pytest.raises(ValueError, match="output_device='cuda'"):
        nn.DataParallel(nn.Linear(1, 1), output_device="cuda")


def test_one_process_needs_no_other(parallel):
    replicas = parallel(nn.Linear(3, 2), count=1)
    assert replicas(mg.ones(6, 3)).shape == (6, 2) and replicas._team is None
    replicas = parallel(nn.Linear(3, 2), count=4)
    assert replicas(mg.ones(1, 3)).shape == (1, 2) and replicas._team is None
    assert replicas(mg.ones(0, 3)).shape == (0, 2) and replicas._team is None


def test_there_are_as_many_processes_as_threads_unless_told_otherwise(monkeypatch):
    before = mg.get_num_threads()
    try:
        mg.set_num_threads(3)
        assert nn.DataParallel(nn.Linear(1, 1)).device_ids == [0, 1, 2]
        monkeypatch.setattr("sys.platform", "win32")
        assert nn.DataParallel(nn.Linear(1, 1)).device_ids == [0]
        with pytest.raises(RuntimeError, match="Linux alone, not on win32"):
            nn.DataParallel(nn.Linear(1, 1), device_ids=[0, 1])(mg.ones(2, 1))
    finally:
        mg.set_num_threads(before)


class Threads(nn.Module):
    def forward(self, x):
        from minigrad.backends import threads

        blas = threads._openblas()
        return mg.full((len(x), 2), 0) + mg.tensor([mg.get_num_threads(), blas[0]() if blas else mg.get_num_threads()])


def test_threads_are_divided_among_the_processes(parallel):
    before = mg.get_num_threads()
    replicas = parallel(Threads(), count=2)
    try:
        for count, share in ((4, 2), (2, 1), (1, 1)):
            mg.set_num_threads(count)
            assert replicas(mg.ones(2)).numpy().tolist() == [[share, share]] * 2
            assert mg.get_num_threads() == count
    finally:
        mg.set_num_threads(before)


def test_a_copy_has_processes_of_its_own(parallel):
    replicas, x = parallel(perceptron()), double(6, 3)
    replicas(x)
    twin = copy.deepcopy(replicas)
    twin.module[0].weight.data[...] = 0
    same_as_alone(twin, x)
    same_as_alone(replicas, x)
    assert twin._team is not replicas._team
    twin.close()


def test_a_forked_process_makes_its_own(parallel):
    replicas, x = parallel(nn.Linear(3, 2)), mg.ones(6, 3)
    wanted = replicas(x).detach().numpy()
    child = os.fork()
    if not child:
        worked = False
        try:
            worked = bool((replicas(x).detach().numpy() == wanted).all()) and replicas._team.process == os.getpid()
            replicas.close()
        finally:
            os._exit(0 if worked else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert (replicas(x).detach().numpy() == wanted).all()


def test_the_state_dict_is_pytorchs_and_the_tree_shows_the_module():
    replicas = nn.DataParallel(nn.Linear(3, 2), device_ids=[0, 1])
    assert list(replicas.state_dict()) == ["module.weight", "module.bias"]
    assert "(module): Linear(" in repr(replicas)


# ------------------------------------------------------------------------------------------- hooks and watchers


def test_hooks_of_parameters_see_the_gradient_of_all_parts_once(parallel):
    model, x = nn.Linear(3, 2).double(), double(6, 3)
    replicas = parallel(model)

    def gradient():
        model.zero_grad()
        replicas(x).sum().backward()
        return model.weight.grad.numpy().copy()

    plain, seen = gradient(), []
    model.weight.register_hook(lambda g: seen.append(g.numpy().copy()) or g * 2.0)
    np.testing.assert_allclose(gradient(), 2.0 * plain, rtol=1e-12)
    replicas.close()  # and with the hook in every process
    np.testing.assert_allclose(gradient(), 2.0 * plain, rtol=1e-12)
    assert len(seen) == 2


def test_a_hook_of_a_module_added_later_acts_in_every_process(parallel):
    model, x = nn.Linear(3, 2).double(), double(6, 3)
    replicas = parallel(model)
    replicas(x)
    handle = model.register_forward_hook(lambda *args: args[-1] * 100.0)
    same_as_alone(replicas, x)
    handle.remove()
    same_as_alone(replicas, x)


def test_watchers_of_this_process_do_not_stay_in_the_others(parallel):
    replicas = parallel(Watched(), count=2)
    with mg.profiler.profile():
        assert replicas(mg.ones(2)).numpy().tolist() == [1, 0]
    assert replicas(mg.ones(2)).numpy().tolist() == [0, 0]


class Watched(nn.Module):
    def forward(self, x):
        from minigrad.hooks import forward_watchers

        return mg.full((len(x),), int(bool(forward_watchers)))


# ---------------------------------------------------------------------------------------------- memory and draws


def test_an_array_assigned_before_the_backward_of_a_call_is_no_part_of_it(parallel):
    model, x = nn.Linear(3, 2), mg.ones(6, 3, requires_grad=True)
    replicas = parallel(model)
    y = replicas(x)
    model.weight.data = model.weight.data * 3
    replicas(x)
    with pytest.raises(RuntimeError, match="changed in place by DataParallel"):
        y.sum().backward()


def test_gradients_stay_what_they_were_when_others_are_computed(parallel):
    """Also of a parameter that the first part has no gradient for."""

    class Sometimes(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(double(2))

        def forward(self, x):
            return x * self.weight if x.data[0, 0] > 0 else x * 1.0

    model, x = Sometimes(), mg.tensor([[-1.0, 2.0], [3.0, 4.0]]).double().requires_grad_()
    replicas = parallel(model, count=2)
    (first,) = mg.autograd.grad(replicas(x).sum(), [model.weight])
    (second,) = mg.autograd.grad((replicas(x) * 5.0).sum(), [model.weight])
    assert first.tolist() == [3.0, 4.0] and second.tolist() == [15.0, 20.0]


def test_an_input_that_one_part_does_not_use_has_zeros_there(parallel):
    class Unused(nn.Module):
        def forward(self, x, y):
            return x * y if x.data[0] > 0 else x * 2.0

    x, y = mg.tensor([1.0, -1.0], requires_grad=True), mg.tensor([5.0, 7.0], requires_grad=True)
    parallel(Unused(), count=2)(x, y).sum().backward()
    assert x.grad.tolist() == [5.0, 2.0] and y.grad.tolist() == [1.0, 0.0]


def test_a_process_that_is_forked_later_trains_weights_of_its_own(parallel):
    model, x = nn.Linear(3, 2), mg.ones(6, 3)
    replicas = parallel(model)
    replicas(x)
    for closed in (False, True):
        before = model.weight.detach().numpy().copy()
        child = os.fork()
        if not child:
            model.weight.data[...] = 5.0
            os._exit(0)
        os.waitpid(child, 0)
        assert (model.weight.detach().numpy() == before).all(), closed
        replicas.close()


def test_a_tensor_set_anew_is_seen_by_all(parallel):
    class Masked(nn.Module):
        mask = None

        def forward(self, x):
            return x * self.mask

    module = Masked()
    replicas = parallel(module, count=2)
    for number in range(1, 20):
        module.mask = None
        module.mask = mg.ones(1) * float(number)
        assert replicas(mg.ones(2)).tolist() == [number, number]


def test_buffers_that_a_forward_replaces_are_followed_by_the_same_processes(parallel):
    class Running(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("mean", mg.zeros(1))

        def forward(self, x):
            out = x + self.mean
            self.mean = self.mean + 1.0
            return out

    replicas = parallel(Running(), count=2)
    outputs = [replicas(mg.zeros(2)).tolist() for _ in range(3)]
    assert outputs == [[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]
    team = replicas._team
    replicas(mg.zeros(2))
    assert replicas._team is team


def test_what_small_batches_leave_out_is_forgotten_too(parallel):
    replicas = parallel(Graphs(), count=3)
    for _ in range(5):
        replicas(mg.ones(3))
        replicas(mg.ones(2))
    assert replicas(mg.ones(3))[1].tolist() == [0, 0, 0]


def test_what_one_process_has_drawn_no_later_call_draws(parallel):
    class Some(nn.Module):
        def forward(self, x):
            return mg.rand(1, 8) if x.data[0] > 0 else mg.zeros(1, 8)

    replicas = parallel(Some(), count=2)
    x = mg.tensor([-1.0, 1.0])
    assert replicas(x)[1].tolist() != replicas(x)[1].tolist()


def test_they_know_what_is_trained(parallel):
    class Trained(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(mg.ones(1))

        def forward(self, x):
            return mg.full((len(x),), int(self.weight.requires_grad)) + 0.0 * x * self.weight

    module = Trained()
    replicas = parallel(module, count=2)
    for trained in (True, False, True):
        module.weight.requires_grad_(trained)
        assert replicas(mg.ones(2)).tolist() == [trained, trained]


def test_a_gradient_may_be_taken_inside_where_nothing_is_trained(parallel):
    class Force(nn.Module):
        def forward(self, x):
            x = x.detach().requires_grad_()
            (force,) = mg.autograd.grad((x**3).sum(), [x])
            return force

    x = mg.tensor([1.0, 2.0])
    found = parallel(Force(), count=2)(x)
    assert found.tolist() == [3.0, 12.0] and not found.requires_grad


def test_a_parameter_may_have_its_gradient_from_another_process_alone(parallel):
    class Second(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(mg.ones(1))

        def forward(self, x):
            return x * self.weight if x.data[0] > 0 else x.detach()

    module = Second()
    replicas, x = parallel(module, count=2), mg.tensor([-1.0, 3.0])
    (first,) = mg.autograd.grad(replicas(x).sum(), [module.weight])
    (second,) = mg.autograd.grad((replicas(x) * 2.0).sum(), [module.weight])
    assert (first.tolist(), second.tolist()) == ([3.0], [6.0])


def test_what_a_forward_assigns_to_a_parameter_is_not_kept_elsewhere(parallel):
    class Assigns(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(mg.ones(1))

        def forward(self, x):
            out = x * self.weight
            if x.data[0] > 1:  # not in the first part
                self.weight.data = self.weight.data * 0
            return out

    module = Assigns()
    replicas, x = parallel(module, count=2), mg.tensor([1.0, 2.0])
    assert [replicas(x).tolist() for _ in range(3)] == [[1.0, 2.0]] * 3


def test_a_backward_in_a_forked_process_is_refused(parallel):
    replicas = parallel(nn.Linear(3, 2), count=2)
    loss = replicas(mg.ones(4, 3)).sum()
    child = os.fork()
    if not child:
        try:
            loss.backward()
        except RuntimeError as error:
            os._exit(7 if "forked from" in str(error) else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    loss.backward()


def test_an_output_without_history_has_none_outside(parallel):
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(mg.ones(1))

        def forward(self, x):
            return x * self.weight, (x * self.weight).detach()

    one, other = parallel(Both(), count=2)(mg.ones(2))
    assert one.requires_grad and not other.requires_grad


# -------------------------------------------------------------------------------------------- what is refused


class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = mg.ones(1, requires_grad=True)

    def forward(self, x):
        return x * self.scale


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Parameter(mg.ones(2))
        self.other = nn.Parameter(self.one)


class Listed(nn.Module):
    def __init__(self):
        super().__init__()
        self.scales = [mg.ones(1, requires_grad=True)]


class Aliased(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(mg.ones(2))
        self.register_buffer("alias", self.weight.detach())


class Kinds(nn.Module):
    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def forward(self, x):
        return self.answer(x)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (Plain, "'scale' of Plain requires grad and is no Parameter"),
        (Tied, "a parameter and another tensor look at one memory"),
        (lambda: nn.Sequential(nn.DataParallel(nn.Linear(1, 1))), "DataParallel inside DataParallel"),
        (lambda: Kinds(lambda x: [x] * int(x.sum())), "outputs of different kinds"),
        (lambda: Kinds(lambda x: float(x.sum())), "no tensor, float, cannot be joined"),
        (lambda: Kinds(lambda x: (x, x if x.data[0] > 1 else None)), "outputs of different kinds"),
        (lambda: Kinds(lambda x: x.double() if x.data[0] > 1 else x), "the dtypes .'float32', 'float64'. in the parts"),
        (lambda: Listed(), "'scales' of Listed requires grad and is no Parameter"),
        (lambda: Aliased(), "look at one memory"),
        (lambda: Kinds(lambda x: x.numpy()), "no tensor, ndarray, cannot be joined"),
    ],
)
def test_modules_that_would_go_wrong_in_parts_are_refused(parallel, module, message):
    with pytest.raises(TypeError, match=message):
        parallel(module(), count=2)(mg.tensor([1.0, 2.0]))


def test_outputs_that_are_no_tensors_and_equal_are_one_also_nan(parallel):
    replicas = parallel(Kinds(lambda x: (x, "kind", 2.0, float("nan"))), count=2)
    _, kind, number, missing = replicas(mg.tensor([1.0, 2.0]))
    assert (kind, number) == ("kind", 2.0) and missing != missing


def test_parts_of_different_widths_are_named(parallel):
    with pytest.raises(mg.ShapeError, match=r"along dimension 0; the parts have shapes \[\(1, 1\), \(1, 2\)\]"):
        parallel(Kinds(lambda x: mg.ones(1, int(x.sum()))), count=2)(mg.tensor([1.0, 2.0]))


def test_other_weights_by_functional_call_are_refused_rather_than_lost(parallel):
    replicas = parallel(nn.Linear(2, 1), count=2)
    weights = {"module.weight": mg.ones(1, 2, requires_grad=True)}
    with pytest.raises(TypeError, match="'weight' of Linear requires grad and is no Parameter"):
        mg.func.functional_call(replicas, weights, mg.ones(2, 2))


def test_a_checkpoint_around_it_is_an_error_and_one_inside_is_not(parallel):
    model, x = perceptron(), double(6, 3, requires_grad=True)
    replicas = parallel(model)
    y = mg.func.checkpoint(replicas, x)
    with pytest.raises(RuntimeError, match="called while it was at work"):
        y.sum().backward()

    class Inside(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, x):
            return mg.func.checkpoint(self.model, x)

    (found,) = mg.autograd.grad(parallel(Inside())(x).sum(), [x])
    (wanted,) = mg.autograd.grad(model(x).sum(), [x])
    np.testing.assert_allclose(found.numpy(), wanted.numpy(), rtol=1e-12)


def test_a_fork_while_another_thread_draws_does_not_wait_for_it(parallel):
    replicas = parallel(nn.Linear(3, 2), count=2)
    with mg.default_generator._lock:  # as held by a thread that the copy does not have
        replicas._team = Team(replicas.module, 1, replicas._lock)
    shapes = []
    call = threading.Thread(target=lambda: shapes.append(replicas(mg.ones(4, 3)).shape), daemon=True)
    call.start()
    call.join(20)
    assert shapes == [(4, 2)]
