import copy
import gc
import threading
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad import grad_mode, graph, nn


class Block(nn.Module):
    def __init__(self, width=3):
        super().__init__()
        self.attn = nn.Linear(width, width)
        self.scale = nn.Parameter(mg.ones(width))
        self.register_buffer("calls", mg.zeros(1))
        self.register_buffer("scratch", mg.zeros(1), persistent=False)

    def forward(self, x):
        return self.attn(x) * self.scale


class Model(nn.Module):
    def __init__(self, width=3):
        super().__init__()
        self.embed = nn.Embedding(5, width)
        self.blocks = nn.ModuleList([Block(width), Block(width)])
        self.head = nn.Linear(width, 5, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, ids):
        x = self.embed(ids)
        for block in self.blocks:
            x = block(x)
        return self.head(x)


# ------------------------------------------------------------------------------------------------ its parts


def test_attributes_are_the_parts_in_the_order_they_were_assigned():
    names = [name for name, _ in Model().named_parameters()]
    assert names == [
        "embed.weight",
        "blocks.0.scale", "blocks.0.attn.weight", "blocks.0.attn.bias",
        "blocks.1.scale", "blocks.1.attn.weight", "blocks.1.attn.bias",
    ]  # fmt: skip
    assert [name for name, _ in Model().named_modules()] == [
        "", "embed", "blocks", "blocks.0", "blocks.0.attn", "blocks.1", "blocks.1.attn", "head"
    ]  # fmt: skip
    assert [name for name, _ in Model().named_children()] == ["embed", "blocks", "head"]
    assert [name for name, _ in Model().named_buffers()] == [
        "blocks.0.calls", "blocks.0.scratch", "blocks.1.calls", "blocks.1.scratch"
    ]  # fmt: skip


def test_a_shared_part_is_listed_once_unless_duplicates_are_asked_for():
    model = Model()
    assert len(list(model.parameters())) == 7
    assert "head.weight" in dict(model.named_parameters(remove_duplicate=False))
    twice = nn.Sequential(nn.Linear(2, 2))
    twice.append(twice[0])
    assert [name for name, _ in twice.named_modules()] == ["", "0"]
    assert [name for name, _ in twice.named_modules(remove_duplicate=False)] == ["", "0", "1"]
    assert len(list(twice.parameters())) == 2
    assert len(list(twice.children())) == 1


def test_parameters_of_this_module_alone():
    assert [name for name, _ in Block().named_parameters(recurse=False)] == ["scale"]
    assert [name for name, _ in Block().named_parameters(prefix="layer")] == [
        "layer.scale", "layer.attn.weight", "layer.attn.bias"
    ]  # fmt: skip


def test_replacing_a_parameter_keeps_its_place():
    linear = nn.Linear(2, 2)
    linear.weight = nn.Parameter(mg.zeros(2, 2))
    assert [name for name, _ in linear.named_parameters()] == ["weight", "bias"]


@pytest.mark.parametrize("wrong", [mg.zeros(2, 2), np.zeros((2, 2)), 3.0])
def test_a_parameter_is_not_silently_replaced_by_something_else(wrong):
    linear = nn.Linear(2, 2)
    with pytest.raises(TypeError, match=r"Linear\.weight is a Parameter"):
        linear.weight = wrong
    model = Model()
    with pytest.raises(TypeError, match=r"Model\.head is a Module"):
        model.head = wrong
    with pytest.raises(TypeError, match=r"Block\.calls is a buffer"):
        model.blocks[0].calls = 3.0
    model.head = None
    assert len(list(model.children())) == 2


def test_a_part_cannot_hide_a_method():
    block = Block()
    for name in ("forward", "train", "training", "to"):
        with pytest.raises(AttributeError, match=name):
            setattr(block, name, nn.Linear(1, 1))
    with pytest.raises(KeyError, match="train"):
        nn.ModuleDict({"train": nn.Linear(1, 1)})


@pytest.mark.parametrize("name", ["", "a.b", 3])
def test_a_part_needs_a_name_without_dots(name):
    with pytest.raises(KeyError):
        Block().register_buffer(name, mg.zeros(1))
    with pytest.raises(KeyError):
        Block().add_module(name, nn.Identity())


def test_registering_refuses_the_wrong_kind():
    with pytest.raises(TypeError, match="must be a Tensor"):
        Block().register_buffer("b", np.zeros(1))
    with pytest.raises(TypeError, match="must be a Parameter"):
        Block().register_parameter("p", mg.zeros(1))
    with pytest.raises(TypeError, match="must be a Module"):
        Block().add_module("m", mg.zeros(1))


def test_registering_does_not_replace_a_part_of_another_kind():
    """PyTorch: KeyError "attribute already exists"; None would delete the part without a word."""
    block = Block()
    register = {"attn": block.add_module, "scale": block.register_parameter, "calls": block.register_buffer}
    before = dict(vars(block))
    for name in register:
        for other, function in register.items():
            if other != name:
                with pytest.raises(KeyError, match=f"already has an attribute '{name}'"):
                    function(name, None)
    assert vars(block) == before
    for name, function in register.items():
        function(name, None)
        assert getattr(block, name) is None


def test_a_parameter_under_the_name_of_a_buffer_is_a_parameter_only():
    block = Block()
    block.calls = nn.Parameter(mg.zeros(2))
    assert [name for name, _ in block.named_buffers()] == ["scratch"]
    assert [name for name, _ in block.named_parameters(recurse=False)] == ["scale", "calls"]


def test_deleting_a_part():
    block = Block()
    del block.calls
    assert [name for name, _ in block.named_buffers()] == ["scratch"]
    del block.attn
    assert [name for name, _ in block.named_parameters()] == ["scale"]


def test_parts_by_path():
    model = Model()
    assert model.get_submodule("") is model
    assert model.get_submodule("blocks.1.attn") is model.blocks[1].attn
    assert model.get_parameter("blocks.1.attn.bias") is model.blocks[1].attn.bias
    assert model.get_buffer("blocks.1.scratch") is model.blocks[1].scratch
    with pytest.raises(AttributeError, match=r"no buffer 'blocks\.0\.scale'.* has calls, scratch"):
        model.get_buffer("blocks.0.scale")
    with pytest.raises(AttributeError, match=r"blocks\.7.*ModuleList has no '7', it has 0, 1"):
        model.get_submodule("blocks.7")
    with pytest.raises(AttributeError, match=r"Block has no 'gain', it has attn, scale"):
        model.get_parameter("blocks.0.gain")


def test_a_parameter_shares_memory_and_must_be_floating():
    data = mg.zeros(3).data
    parameter = nn.Parameter(data)
    assert parameter.requires_grad and parameter.data is data
    assert not nn.Parameter(mg.zeros(2), requires_grad=False).requires_grad
    assert isinstance(nn.Parameter(np.float32(2.0)).data, type(data))
    with pytest.raises(RuntimeError, match="int64"):
        nn.Parameter(mg.arange(3))
    with pytest.raises(TypeError, match="list"):
        nn.Parameter([1.0])


# ------------------------------------------------------------------------------------------ changing all of it


def test_train_and_eval_reach_every_module():
    model = Model()
    assert model.eval() is model
    assert not any(module.training for module in model.modules())
    assert model.train() is model
    assert all(module.training for module in model.modules())
    with pytest.raises(ValueError):
        model.train("no")


def test_apply_visits_children_before_parents():
    seen = []
    Block().apply(lambda module: seen.append(type(module).__name__))
    assert seen == ["Linear", "Block"]


def test_requires_grad_and_zero_grad():
    model = Block()
    model(mg.ones(1, 3)).sum().backward()
    model.zero_grad(set_to_none=False)
    assert all((p.grad.data == 0).all() for p in model.parameters())
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())
    model.requires_grad_(False)
    assert not model(mg.ones(1, 3)).requires_grad


def test_to_changes_dtype_in_place_and_takes_gradients_along():
    model = Block()
    model.register_buffer("count", mg.arange(3))
    before = list(model.parameters())
    model(mg.ones(1, 3)).sum().backward()
    assert model.to(mg.float64) is model
    assert all(a is b for a, b in zip(before, model.parameters()))
    assert all(p.dtype == np.float64 and p.grad.dtype == np.float64 for p in model.parameters())
    assert model.calls.dtype == np.float64 and model.count.dtype == np.int64
    with pytest.raises(TypeError, match="floating"):
        model.to(mg.int64)
    with pytest.raises(TypeError, match="'cpu' or 'cuda', got 'foo'"):
        model.to("foo")


@pytest.mark.host("expects no GPU")
def test_dtypes_and_devices_have_methods():
    model = Block()
    for method, dtype in (("double", np.float64), ("half", np.float16), ("float", np.float32)):
        assert getattr(model, method)() is model and model.attn.weight.dtype == dtype
    assert model.cpu() is model and model.attn.weight.device == "cpu"
    with pytest.raises(RuntimeError, match="cuda"):
        model.cuda()


def test_deepcopy_is_independent_and_keeps_sharing():
    model = Model()
    model(mg.tensor([1, 2]))  # fills the table of paths, which must not be copied
    twin = copy.deepcopy(model)
    assert twin.head.weight is twin.embed.weight
    assert twin.embed.weight is not model.embed.weight
    with mg.no_grad():
        twin.embed.weight.fill_(7.0)
    assert not (model.embed.weight.data == 7.0).any()
    assert twin(mg.tensor([1])).grad_fn.module == "head"


def test_a_model_dies_by_reference_counting():
    gc.disable()
    try:
        model = Model()
        model(mg.tensor([1, 2])).sum().backward()
        reference = weakref.ref(model)
        del model
        assert reference() is None
    finally:
        gc.enable()


# -------------------------------------------------------------------------------------------------- state_dict


def test_state_dict_has_parameters_and_persistent_buffers_under_every_path():
    state = Model().state_dict()
    assert set(state) == {
        "embed.weight", "head.weight",
        "blocks.0.scale", "blocks.0.attn.weight", "blocks.0.attn.bias", "blocks.0.calls",
        "blocks.1.scale", "blocks.1.attn.weight", "blocks.1.attn.bias", "blocks.1.calls",
    }  # fmt: skip
    assert not any(tensor.requires_grad for tensor in state.values())
    assert set(Block().state_dict(prefix="x.")) == {"x.scale", "x.attn.weight", "x.attn.bias", "x.calls"}


@pytest.mark.parametrize("convert", [lambda tensor: tensor, lambda tensor: tensor.numpy().astype(np.float64)])
def test_state_dict_round_trip(convert):
    source, target = Model(), Model()
    memory = [parameter.data for parameter in target.parameters()]
    keys = target.load_state_dict({name: convert(tensor) for name, tensor in source.state_dict().items()})
    assert keys == ([], []) and keys.missing_keys == [] and keys.unexpected_keys == []
    for a, b, array in zip(source.parameters(), target.parameters(), memory):
        assert np.array_equal(a.data, b.data) and a.data is not b.data
        assert b.data is array and b.dtype == np.float32
    assert target.head.weight is target.embed.weight


def test_everything_that_does_not_fit_is_reported_at_once_and_nothing_is_changed():
    model = Model()
    before = {name: tensor.data.copy() for name, tensor in model.state_dict().items()}
    state = {name: tensor.data + 1 for name, tensor in model.state_dict().items()}
    state["blocks.0.scale"] = np.zeros((4, 4))
    state["blocks.0.calls"] = np.zeros(1, complex)
    state["blocks.1.calls"] = "text"
    state["blocks.7.gain"] = np.zeros(1)
    del state["blocks.1.scale"], state["blocks.1.attn.bias"]
    with pytest.raises(RuntimeError) as error:
        model.load_state_dict(state)
    for part in (
        "Model", "missing: blocks.1.scale, blocks.1.attn.bias", "unexpected: blocks.7.gain",
        "blocks.0.scale: shape (4, 4) is given, the module's is (3,)", "blocks.0.calls: dtype complex128",
        "blocks.1.calls: a str",
    ):  # fmt: skip
        assert part in str(error.value)
    assert all(np.array_equal(tensor.data, before[name]) for name, tensor in model.state_dict().items())


def test_nothing_is_loaded_if_some_memory_is_read_only():
    model = nn.Linear(2, 2)
    model.bias = nn.Parameter(np.broadcast_to(mg.ones(1).data, (2,)))
    before = model.weight.data.copy()
    state = {"weight": before + 1, "bias": np.zeros(2, np.float32)}
    with pytest.raises(RuntimeError, match="bias: the module's memory is read-only"):
        model.load_state_dict(state)
    assert np.array_equal(model.weight.data, before)
    model.load_state_dict(state, assign=True)
    assert model.bias.tolist() == [0.0, 0.0]


def test_assigning_takes_the_arrays_themselves():
    model = Model()
    weight, parameter = np.ones((5, 3)), model.embed.weight
    state = {**model.state_dict(), "embed.weight": weight, "head.weight": weight}
    parameter.grad = mg.ones(5, 3)
    assert model.load_state_dict(state, assign=True) == ([], [])
    assert model.embed.weight is model.head.weight is parameter and parameter.data is weight
    assert parameter.dtype == np.float64 and parameter.requires_grad and parameter.grad is None
    with pytest.raises(RuntimeError, match=r"embed\.weight: dtype int64"):
        model.load_state_dict({"embed.weight": np.ones((5, 3), np.int64)}, strict=False, assign=True)


def test_state_of_another_library_is_told_to_be_converted():
    class Tensor:
        dtype, shape, numpy = "float32", (2, 2), None

    Tensor.__module__ = "torch"
    with pytest.raises(RuntimeError, match=r"weight: a Tensor of torch is given; convert it with \.numpy\(\)"):
        nn.Linear(2, 2, bias=False).load_state_dict({"weight": Tensor()})
    with pytest.raises(TypeError, match="tensors by name, got a list"):
        nn.Linear(2, 2).load_state_dict([])


def test_state_dict_may_hold_the_tensors_themselves():
    model = Block()
    assert model.state_dict(keep_vars=True)["scale"] is model.scale
    assert model.state_dict()["scale"] is not model.scale


def test_not_strict_loads_what_is_there_but_never_a_wrong_shape():
    model = Block()
    keys = model.load_state_dict({"scale": np.full(3, 5.0), "other": np.zeros(1)}, strict=False)
    assert keys.missing_keys == ["calls", "attn.weight", "attn.bias"]
    assert keys.unexpected_keys == ["other"]
    assert (model.scale.data == 5.0).all()
    with pytest.raises(RuntimeError, match="scale: shape"):
        model.load_state_dict({"scale": np.zeros(4)}, strict=False)


def test_a_shared_parameter_may_be_given_under_one_path_but_not_with_two_values():
    model = Model()
    state = {name: tensor.data.copy() for name, tensor in model.state_dict().items()}
    value = state.pop("embed.weight")
    state["head.weight"] = value + 1
    assert model.load_state_dict(state) == ([], [])
    assert np.array_equal(model.embed.weight.data, value + 1)
    state["embed.weight"] = state["head.weight"] = np.full_like(value, np.nan)
    state["embed.weight"] = state["embed.weight"].copy()
    assert model.load_state_dict(state) == ([], [])  # two nan are the same value
    state["head.weight"] = value + 1
    state["embed.weight"] = value
    with pytest.raises(RuntimeError, match=r"embed\.weight and head\.weight are one parameter"):
        model.load_state_dict(state)


def test_a_graph_does_not_survive_loading():
    model = nn.Linear(2, 2)
    loss = (model.weight * model.weight).sum()
    model.load_state_dict(model.state_dict())
    with pytest.raises(RuntimeError, match="load_state_dict"):
        loss.backward()


# ------------------------------------------------------------------------------------------- the running module


def test_nodes_know_the_path_of_their_module():
    model = Model()
    seen = set()
    with graph.backward_hooks(begin=lambda node, _: seen.add(node.module)):
        model(mg.tensor([1, 2])).sum().backward()
    # `.sum()` is outside of any module
    assert seen == {"", "embed", "blocks.0", "blocks.0.attn", "blocks.1", "blocks.1.attn", "head"}


def test_the_outermost_module_goes_by_its_class_and_paths_are_relative_to_it():
    block = Model().blocks[1]
    assert block(mg.ones(1, 3)).grad_fn.module == "Block"
    assert block.attn(mg.ones(1, 3)).grad_fn.module == "Linear"


def test_paths_are_exact_below_containers_that_are_not_called():
    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.box = nn.Module()
            self.box.inner = nn.ModuleDict({"a": nn.ModuleList([nn.Linear(2, 2)])})

        def forward(self, x):
            return self.box.inner["a"][0](x)

    assert Outer()(mg.ones(1, 2)).grad_fn.module == "box.inner.a.0"


def test_paths_follow_changes_of_the_structure():
    model = Model()
    model(mg.tensor([1]))
    model.blocks[1].attn = nn.Linear(3, 3)
    model.blocks.append(Block())
    seen = set()
    with graph.backward_hooks(begin=lambda node, _: seen.add(node.module)):
        model(mg.tensor([1])).sum().backward()
    assert {"blocks.1.attn", "blocks.2.attn"} <= seen
    inner = model.head
    del model.head
    model.out = inner
    model.head = nn.Identity()
    assert model.out(mg.ones(1, 3)).grad_fn.module == "Linear"
    model.forward = lambda x: model.out(x)
    assert model(mg.ones(1, 3)).grad_fn.module == "out"


def test_a_removed_module_has_no_path():
    model = Model()
    model(mg.tensor([1]))
    removed = model.head
    del model.head
    model.forward = lambda x: removed(x)
    assert model(mg.ones(1, 3)).grad_fn.module == "Linear"


def test_a_module_that_belongs_to_no_one_goes_by_its_class():
    class Outer(nn.Module):
        def forward(self, x):
            return nn.Sequential(nn.Linear(2, 2))(x)

    assert Outer()(mg.ones(1, 2)).grad_fn.module == "0"


def test_errors_name_the_module():
    class Wrong(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(3, 4), nn.Linear(3, 4)])

        def forward(self, x):
            return self.layers[1](self.layers[0](x))

    with pytest.raises(ValueError, match=r"'layers\.1'"):
        Wrong()(mg.ones(1, 3))
    with pytest.raises(IndexError, match=r"embed"):
        Model()(mg.tensor([9]))


def test_an_exception_restores_what_was_running():
    class Raises(nn.Module):
        def forward(self, x):
            raise KeyError("x")

    class Catches(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = Raises()

        def forward(self, x):
            try:
                self.inner(x)
            except KeyError:
                return grad_mode.state.get().module
            return None

    assert Catches()(1) == "Catches"
    with pytest.raises(KeyError):
        Raises()(1)
    assert grad_mode.state.get() == grad_mode.State()
    assert Catches()(1) == "Catches"


def test_a_module_keeps_the_grad_mode_it_is_called_in():
    model = Block()
    with mg.no_grad():
        assert not model(mg.ones(1, 3)).requires_grad
    assert model(mg.ones(1, 3)).requires_grad


def test_threads_do_not_see_each_other():
    barrier = threading.Barrier(2)

    class Waits(nn.Module):
        def forward(self, _):
            barrier.wait(10)
            path = grad_mode.state.get().module
            barrier.wait(10)
            return path

    class Other(Waits):
        pass

    paths = {}
    threads = [threading.Thread(target=lambda m=m: paths.update({type(m).__name__: m(0)})) for m in (Waits(), Other())]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert paths == {"Waits": "Waits", "Other": "Other"}


def test_forward_hooks_see_and_replace():
    linear, seen = nn.Linear(2, 2), []
    first = linear.register_forward_pre_hook(lambda module, args: (args[0] * 0.0,))
    second = linear.register_forward_hook(lambda module, args, out: seen.append((module, args[0], out)))
    third = linear.register_forward_hook(lambda module, args, out: out + 1.0)
    out = linear(mg.ones(1, 2))
    assert np.allclose(out.data, linear.bias.data + 1.0)
    assert seen[0][0] is linear and (seen[0][1].data == 0).all()
    for each in (first, second, third, third):
        each.remove()
    assert not np.allclose(linear(mg.ones(1, 2)).data, out.data)
    assert len(seen) == 1


class Mixed(nn.Module):
    def forward(self, x, factor, y):
        return x * y, x + factor * y


def test_a_backward_hook_sees_the_gradients_of_arguments_and_outputs():
    module, seen = Mixed(), []
    handle = module.register_full_backward_hook(lambda *args: seen.append(args))
    x, y = mg.tensor([1.0, 2.0], requires_grad=True), mg.tensor([3.0, 4.0])
    product, total = module(x, 2, y)
    (product * product).sum().backward(retain_graph=True)
    ((owner, grad_input, grad_output),) = seen
    assert owner is module
    assert [None if g is None else g.tolist() for g in grad_input] == [[18.0, 64.0], None, None]
    assert [None if g is None else g.tolist() for g in grad_output] == [[6.0, 16.0], None]
    handle.remove()
    (module(x, 2, y)[1]).sum().backward()
    assert len(seen) == 1
    (product * total).sum().backward()  # of the call that was made before
    assert [g.tolist() for g in seen[1][2]] == [[7.0, 10.0], [3.0, 8.0]]


def test_a_backward_hook_may_replace_grad_input_and_is_differentiable():
    linear = nn.Linear(2, 1, bias=False)
    linear.weight.data[...] = 1.0
    linear.register_full_backward_hook(lambda module, grad_input, grad_output: (grad_input[0] * 10.0,))
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    (linear(x) ** 2).sum().backward()
    assert x.grad.tolist() == [60.0, 60.0] and linear.weight.grad.tolist() == [[6.0, 12.0]]
    (slope,) = mg.autograd.grad((linear(x) ** 2).sum(), x, create_graph=True)
    assert mg.autograd.grad(slope.sum(), x)[0].tolist() == [400.0, 400.0]  # as PyTorch: the hook counts twice


def test_a_backward_hook_without_gradients_of_arguments_has_those_of_outputs():
    linear, seen = nn.Linear(2, 1, bias=False), []
    linear.register_full_backward_hook(lambda module, grad_input, grad_output: seen.append((grad_input, grad_output)))
    linear(mg.ones(2)).sum().backward()
    with mg.no_grad():
        linear(mg.ones(2))
    assert [(grad_input, grad_output[0].tolist()) for grad_input, grad_output in seen] == [((None,), [1.0])]


def test_a_backward_hook_returns_as_many_gradients_as_there_are_arguments():
    linear = nn.Linear(2, 1)
    linear.register_full_backward_hook(lambda module, grad_input, grad_output: (*grad_input, None))
    with pytest.raises(RuntimeError, match="backward hook of Linear returned 2 gradients where grad_input has 1"):
        linear(mg.ones(2, requires_grad=True)).sum().backward()


def test_handles_are_context_managers():
    linear, seen = nn.Linear(2, 1), []
    with linear.register_forward_hook(lambda *_: seen.append(1)):
        linear(mg.ones(2))
    linear(mg.ones(2))
    assert seen == [1]


def test_forward_must_be_defined():
    with pytest.raises(NotImplementedError, match="Empty"):
        type("Empty", (nn.Module,), {})()(1)


# ------------------------------------------------------------------------------------------------------- repr


def test_repr_shows_the_tree_with_shapes_and_counts_that_add_up():
    assert (
        repr(Model())
        == """\
Model()                                                         45 parameters
  (embed): Embedding(5, 3)                                          15  weight (5, 3)
  (blocks): ModuleList()                                            30
    (0-1): 2 x Block()                                          2 x 15  scale (3,)
      (attn): Linear(in_features=3, out_features=3, bias=True)      12  weight (3, 3), bias (3,)
  (head): Linear(in_features=3, out_features=5, bias=False)          0  weight = embed.weight"""
    )
    assert repr(nn.ReLU()) == "ReLU()  0 parameters"
    assert repr(nn.Linear(2, 3)) == (
        "Linear(in_features=2, out_features=3, bias=True)  9 parameters  weight (3, 2), bias (3,)"
    )


def test_repr_draws_neighbours_that_differ_one_by_one():
    assert repr(nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.ReLU(), nn.Linear(2, 2))).count("\n") == 3
    assert "x" not in repr(nn.Sequential(nn.LayerNorm(2), nn.LayerNorm(3)))
