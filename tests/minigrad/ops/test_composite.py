"""A kernel stands in for a composite under its name, gets its arguments in order, and may leave the call to it."""

import pytest

from minigrad.ops import composite


class Kernel:
    """Which tells what it was given."""

    def run(self, arguments):
        return list(arguments)


@pytest.fixture
def scaled(monkeypatch):
    monkeypatch.setattr(composite, "definitions", {})
    monkeypatch.setattr(composite, "selectors", {})

    @composite.composite
    def scaled(x, by, plus=3, *, minus=4):
        return x * by + plus - minus

    return scaled


CALLS = [  # the arguments, and what the kernel gets
    ((1, 2), {}, [1, 2, 3, 4]), ((1,), {"by": 2}, [1, 2, 3, 4]), ((), {"by": 2, "x": 1}, [1, 2, 3, 4]),
    ((1, 2, 5), {}, [1, 2, 5, 4]), ((1, 2), {"plus": 5}, [1, 2, 5, 4]), ((1, 2), {"minus": 6}, [1, 2, 3, 6]),
    ((1, 2, 5), {"minus": 6}, [1, 2, 5, 6]), ((1,), {"minus": 6, "plus": 5, "by": 2}, [1, 2, 5, 6]),
]  # fmt: skip
WRONG = [((), {}), ((1,), {}), ((1,), {"plus": 2}), ((1, 2, 3, 4, 5), {}), ((1, 2), {"other": 3}), ((1, 2), {"x": 1})]


@pytest.mark.parametrize("args, settings, expected", CALLS)
def test_a_kernel_gets_all_arguments_in_the_order_of_the_definition(scaled, args, settings, expected):
    x, by, plus, minus = expected
    assert scaled(*args, **settings) == x * by + plus - minus  # without a kernel, what is defined
    composite.selectors["scaled"] = lambda arguments: Kernel()
    assert scaled(*args, **settings) == expected
    composite.selectors["scaled"] = lambda arguments: Kernel() if arguments[0] != 1 else None
    assert scaled(*args, **settings) == x * by + plus - minus


@pytest.mark.parametrize("args, settings", WRONG)
def test_a_wrong_call_never_reaches_a_kernel(scaled, args, settings):
    composite.selectors["scaled"] = lambda arguments: Kernel()
    with pytest.raises(TypeError, match=r"scaled\(\)"):
        scaled(*args, **settings)


def test_the_definition_is_known_by_its_name(scaled):
    assert composite.definitions == {"scaled": scaled.__wrapped__} and scaled.__name__ == "scaled"
    assert scaled.__wrapped__(1, 2) == 1
    composite.selectors["other"] = lambda arguments: Kernel()
    assert scaled(1, 2) == 1
