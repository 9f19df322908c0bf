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


def test_module_dict_is_a_dict():
    a, b = nn.Linear(2, 2), nn.ReLU()
    named = nn.ModuleDict({"a": a, "b": b})
    assert named["a"] is a and "b" in named and "c" not in named and len(named) == 2
    assert list(named) == list(named.keys()) == ["a", "b"]
    assert list(named.values()) == [a, b] and list(named.items()) == [("a", a), ("b", b)]
    del named["a"]
    assert list(named) == ["b"] and not list(named.parameters())
    with pytest.raises(KeyError):
        del named["a"]
