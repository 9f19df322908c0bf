import pytest

import minigrad as mg
from minigrad import nn


def three():
    return [nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2)]


def test_module_list_is_a_list():
    modules = three()
    listed = nn.ModuleList(modules)
    assert list(listed) == modules and len(listed) == 3
    assert listed[0] is modules[0] and listed[-1] is modules[2]
    assert type(listed[1:]) is nn.ModuleList and list(listed[1:]) == modules[1:]
    listed[1] = new = nn.Tanh()
    assert list(listed) == [modules[0], new, modules[2]]
    listed.insert(0, first := nn.Identity())
    assert list(listed) == [first, modules[0], new, modules[2]]
    del listed[1]
    assert list(listed) == [first, new, modules[2]]
    assert [name for name, _ in listed.named_children()] == ["0", "1", "2"]
    assert len(listed.extend(three())) == 6
    for wrong in (6, -7):
        with pytest.raises(IndexError, match="length 6"):
            listed[wrong]
    with pytest.raises(TypeError, match="function"):
        listed.append(lambda x: x)
    with pytest.raises(NotImplementedError, match="ModuleList"):
        listed(1)


@pytest.mark.parametrize("kind", [nn.ModuleList, nn.ModuleDict])
def test_no_modules_is_none_as_in_pytorch(kind):
    assert len(kind(None)) == len(kind(modules=None)) == len(kind()) == 0


def test_sequential_runs_in_turn():
    modules = three()
    x = mg.ones(1, 2)
    expected = modules[2](modules[1](modules[0](x)))
    assert (nn.Sequential(*modules)(x).data == expected.data).all()
    named = nn.Sequential({"first": modules[0], "act": modules[1], "last": modules[2]})
    assert (named(x).data == expected.data).all()
    assert list(named.state_dict()) == ["first.weight", "first.bias", "last.weight", "last.bias"]
    assert named[-1] is modules[2] and named.first is modules[0]
    assert (named[:2](x).data == modules[1](modules[0](x)).data).all()
    assert nn.Sequential()(x) is x
    with pytest.raises(TypeError, match="list at '0'"):
        nn.Sequential(modules)


def test_a_slice_of_a_sequential_keeps_the_names():
    modules = three()
    net = nn.Sequential(*modules)
    tail = net[1:]
    assert [name for name, _ in tail.named_children()] == ["1", "2"] and list(tail) == modules[1:]
    assert list(net[2:].state_dict()) == ["2.weight", "2.bias"]
    assert list(nn.Sequential({"a": modules[0], "b": modules[1]})[:1].state_dict()) == ["a.weight", "a.bias"]
    tail.append(last := nn.Tanh())  # its position is the name of another
    assert list(tail) == [*modules[1:], last]


def test_sequential_is_a_list_too():
    a, b, c = three()
    net = nn.Sequential({"first": a, "second": b, "third": c})
    del net[1]
    assert list(net) == [a, c] and [name for name, _ in net.named_children()] == ["0", "1"]
    assert net.insert(1, b) is net and list(net) == [a, b, c]
    assert net.pop(-1) is c and list(net) == [a, b]
    del net[:1]
    assert list(net) == [b]
    both = net + nn.Sequential(a, c)
    assert type(both) is nn.Sequential and list(both) == [b, a, c] and list(net) == [b]


def test_module_lists_add_and_pop():
    a, b, c = three()
    listed = nn.ModuleList([a, b])
    both = listed + [c]
    assert type(both) is nn.ModuleList and list(both) == [a, b, c] and len(listed) == 2
    assert both.pop(0) is a and list(both) == [b, c]
    del both[:]
    assert len(both) == 0


@pytest.mark.parametrize("kind", [nn.ModuleList, nn.Sequential])
def test_a_list_holds_nothing_but_modules(kind):
    listed = kind()
    with pytest.raises(TypeError, match=f"{kind.__name__} takes modules, got NoneType at '0'"):
        listed.append(None)
    listed.append(nn.ReLU())
    with pytest.raises(TypeError, match="NoneType at '0'"):
        listed[0] = None
    assert len(listed) == 1


def test_module_dict_is_a_dict():
    a, b = nn.Linear(2, 2), nn.ReLU()
    assert dict(nn.ModuleDict([("a", a), ("b", b)])) == {"a": a, "b": b}
    named = nn.ModuleDict({"a": a, "b": b})
    assert named["a"] is a and "b" in named and "c" not in named and len(named) == 2
    assert list(named) == list(named.keys()) == ["a", "b"]
    assert list(named.values()) == [a, b] and list(named.items()) == [("a", a), ("b", b)]
    del named["a"]
    assert list(named) == ["b"] and not list(named.parameters())
    with pytest.raises(KeyError):
        del named["a"]
