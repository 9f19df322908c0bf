"""Copies within a process work as PyTorch's do; pickles are refused by whatever holds a tensor, and say what to do."""

import copy
import multiprocessing.reduction
import pickle
import threading

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.optim import lr_scheduler

# ------------------------------------------------------------------------------------------------------- pickles


def trained():
    model = nn.Linear(2, 1)
    optimizer = optim.AdamW(model.parameters(), lr=0.1)
    model(mg.ones(1, 2)).sum().backward()
    optimizer.step()
    return model, optimizer


def scheduled():
    return lr_scheduler.LambdaLR(trained()[1], float)


HOLDERS = {
    "a Tensor": (lambda: mg.ones(2), "minigrad.save_file"),
    "a computed Tensor": (lambda: mg.ones(2, requires_grad=True) * 2, r"x\.detach\(\)\.numpy\(\)"),
    "a Parameter": (lambda: nn.Parameter(mg.ones(2)), "a Parameter is not pickled.*minigrad.save_file"),
    "a Module": (lambda: nn.Linear(2, 2), r"a Linear is not pickled.*state_dict\(\).*minigrad.save_file"),
    "a Module without parameters": (nn.ReLU, "a ReLU is not pickled"),
    "an Optimizer": (lambda: trained()[1], r"an AdamW is not pickled.*state_dict\(\)"),
    "a scheduler": (scheduled, r"a LambdaLR is not pickled.*state_dict\(\)"),
    "a Generator": (mg.Generator, r"a Generator is not pickled.*get_state\(\)"),
    "a node": (lambda: (mg.ones(2, requires_grad=True) * 2).grad_fn, "a Node is not pickled.*compute it again"),
    "a state_dict": (lambda: nn.Linear(2, 2).state_dict(), "minigrad.save_file"),
    "a list": (lambda: [mg.ones(2)], "a Tensor is not pickled"),
}


@pytest.mark.parametrize("name", HOLDERS)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_nothing_that_holds_tensors_is_pickled(name, protocol):
    make, word = HOLDERS[name]
    with pytest.raises(TypeError, match=word):
        pickle.dumps(make(), protocol)


@pytest.mark.parametrize("name", HOLDERS)
def test_multiprocessing_says_the_same(name):
    make, word = HOLDERS[name]
    with pytest.raises(TypeError, match=word):
        multiprocessing.reduction.ForkingPickler.dumps(make())


def test_what_the_messages_point_to_is_pickled():
    _model, _optimizer = trained()
    for value in (mg.ones(2).detach().numpy(), mg.Generator().get_state(), scheduled().state_dict()):
        pickle.dumps(value)


# ------------------------------------------------------------------------------------------------ copies of tensors


def test_a_deep_copy_of_a_leaf_is_another_leaf_with_its_own_gradient():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    x.grad = mg.tensor([3.0, 4.0])
    x.register_hook(lambda g: g * 2)
    y = copy.deepcopy(x)
    assert type(y) is mg.Tensor and y.requires_grad and y.is_leaf
    assert y.tolist() == [1.0, 2.0] and y.grad.tolist() == [3.0, 4.0]
    assert not np.shares_memory(x.data, y.data) and not np.shares_memory(x.grad.data, y.grad.data)
    y.sum().backward()
    assert y.grad.tolist() == [4.0, 5.0]  # the hook stayed with x, as in PyTorch
    assert x.grad.tolist() == [3.0, 4.0]


def test_a_deep_copy_keeps_class_order_and_sharing():
    w = nn.Parameter(mg.ones(3, 2).T)
    pair = copy.deepcopy([w, w])
    assert pair[0] is pair[1] and type(pair[0]) is nn.Parameter
    assert pair[0].data.strides == w.data.strides
    v = nn.Parameter(mg.ones(2, 3))
    w.grad = v.grad = mg.ones(2, 3)
    first, second = copy.deepcopy([w, v])
    assert first.grad is second.grad is not w.grad
    assert copy.deepcopy(mg.ones(2), {}).requires_grad is False


def test_a_computed_tensor_is_deep_copied_only_without_a_graph():
    x = mg.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"only leaf tensors.*\.detach\(\)"):
        copy.deepcopy(x * 2)
    assert copy.deepcopy((x * 2).detach()).tolist() == [2.0, 2.0]


def test_a_shallow_copy_shares_memory_and_history_but_no_gradient():
    x = mg.ones(2, requires_grad=True)
    x.grad = mg.ones(2)
    y = copy.copy(x)
    assert y is not x and y.data is x.data and y.requires_grad and y.is_leaf and y.grad is None
    z = copy.copy(x * 3)
    z.sum().backward()
    assert x.grad.tolist() == [4.0, 4.0]


# ---------------------------------------------------------------------------------- copies of what holds tensors


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(5, 3)
        self.head = nn.Linear(3, 5, bias=False)
        self.head.weight = self.embed.weight
        self.register_buffer("scale", mg.ones(1), persistent=False)
        self.seen = []
        self.both = [self.embed, self.embed.weight]
        self.register_forward_hook(type(self).note)

    def note(self, args, out):
        self.seen.append(out.shape)

    def forward(self, ids):
        return self.head(self.embed(ids)) * self.scale


def test_a_deep_copy_of_a_module_is_independent_and_keeps_what_is_tied():
    model = Tied()
    model.embed.weight.grad = mg.ones(5, 3)
    twin = copy.deepcopy(model)
    assert twin.head.weight is twin.embed.weight is twin.both[1] and twin.both[0] is twin.embed
    assert twin.embed.weight is not model.embed.weight
    assert twin.scale is not model.scale and list(dict(twin.named_buffers())) == ["scale"]
    assert twin.state_dict().keys() == model.state_dict().keys()
    assert twin.embed.weight.grad.tolist() == model.embed.weight.grad.tolist()
    np.testing.assert_array_equal(twin(mg.tensor([1])).data, model(mg.tensor([1])).data)
    assert len(twin.seen) == len(model.seen) == 1  # the hook came along, and notes in the copy
    with mg.no_grad():
        twin.embed.weight.fill_(0.0)
        twin.scale.fill_(5.0)
    assert (model.embed.weight.data != 0).any() and model.scale.item() == 1.0
    assert type(twin).__name__ == "Tied" and not twin.train(False).training and model.training


def test_a_hook_of_the_copy_is_its_own():
    model = nn.Linear(2, 2)
    model.register_forward_hook(lambda module, args, out: out * 0.0)
    twin = copy.deepcopy(model)
    twin.register_forward_hook(lambda module, args, out: out + 1.0)
    assert twin(mg.ones(1, 2)).tolist() == [[1.0, 1.0]]
    assert model(mg.ones(1, 2)).tolist() == [[0.0, 0.0]]


def test_a_module_that_knows_itself_is_copied():
    model = nn.Linear(2, 2)
    model.all = [model]
    twin = copy.deepcopy(model)
    assert twin.all[0] is twin


def test_a_shallow_copy_of_a_module_shares_its_parameters():
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    twin = copy.copy(model)
    assert twin is not model and [*twin.parameters()] == [*model.parameters()]
    twin.extra = nn.Linear(2, 2)
    assert not hasattr(model, "extra")


def test_a_module_may_say_what_is_copied():
    class Counting(nn.Module):
        def __getstate__(self):
            return {**super().__getstate__(), "copies": self.__dict__.get("copies", 0) + 1}

        def __setstate__(self, state):
            self.__dict__.update(state)

    assert copy.deepcopy(copy.copy(Counting())).copies == 2


def test_a_deep_copy_of_an_optimizer_trains_its_own_parameters():
    _model, optimizer = trained()
    twin = copy.deepcopy(optimizer)
    (old, *_), (new, *_) = optimizer.param_groups[0]["params"], twin.param_groups[0]["params"]
    assert old is not new and new in twin.state and old not in twin.state
    before = old.tolist()
    new.grad = mg.ones_like(new)
    twin.step()
    assert old.tolist() == before != new.tolist()
    assert twin.state[new]["step"].item() == 2 and optimizer.state[old]["step"].item() == 1
    twin.param_groups[0]["lr"] = 7.0
    assert optimizer.param_groups[0]["lr"] == 0.1


def test_a_model_and_its_optimizer_copied_together_stay_together():
    model, optimizer = copy.deepcopy(trained())
    assert [id(p) for p in optimizer.param_groups[0]["params"]] == [id(p) for p in model.parameters()]
    before = model.weight.tolist()
    model(mg.ones(1, 2)).sum().backward()
    optimizer.step()
    assert model.weight.tolist() != before


def test_a_scheduler_is_copied_with_its_optimizer():
    scheduler = scheduled()
    twin = copy.deepcopy(scheduler)
    twin.optimizer.step()
    twin.step()
    assert (twin.last_epoch, scheduler.last_epoch) == (1, 0)
    assert twin.optimizer is not scheduler.optimizer and copy.copy(scheduler).optimizer is scheduler.optimizer


@pytest.mark.parametrize("method", [copy.copy, copy.deepcopy])
def test_a_copied_generator_draws_the_same_and_on_its_own(method):
    generator = mg.Generator().manual_seed(3)
    mg.rand(2, generator=generator)
    twin = method(generator)
    assert isinstance(twin._lock, type(threading.Lock()))
    ahead = mg.rand(4, generator=generator).tolist()
    assert mg.rand(4, generator=twin).tolist() == ahead


def test_a_node_is_not_copied():
    node = (mg.ones(2, requires_grad=True) * 2).grad_fn
    for method in (copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="compute it again"):
            method(node)
