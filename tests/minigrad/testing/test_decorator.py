"""`@gradtest`: a mistake that shows only at some shapes is found, and told at the smallest point that shows it."""

import subprocess
import sys

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

import minigrad as mg
from minigrad.testing import axes_of, gradtest, like, tensors
from minigrad.testing.decorator import Tally
from minigrad.testing.verdicts import (
    Disconnected,
    GradReport,
    Inconclusive,
    Nondifferentiable,
    Raised,
    Verdict,
    WrongFormula,
)


class LayerNorm(mg.autograd.Function):
    """Normalizes the last dimension; the gradient is 1% off in one entry, if there are enough rows and columns."""

    @staticmethod
    def forward(ctx, x):
        centred = x - x.mean(-1, keepdim=True)
        scale = 1 / ((centred * centred).mean(-1, keepdim=True) + 1e-5).sqrt()
        ctx.save_for_backward(centred * scale, scale)
        return centred * scale

    @staticmethod
    def backward(ctx, g):
        y, scale = ctx.saved_tensors
        gradient = (g - g.mean(-1, keepdim=True) - y * (g * y).mean(-1, keepdim=True)) * scale
        if gradient.shape[0] >= 2 and gradient.shape[-1] >= 3:
            factor = np.ones(tuple(gradient.shape))
            factor[1, 2] = 1.01
            gradient = gradient * mg.tensor(factor)
        return gradient


@pytest.mark.host("draws more points than is usual on a device")
def test_a_mistake_at_some_shapes_is_told_at_the_smallest_of_them():
    @gradtest(x=tensors(ndim=2, size=(1, 5)))
    def test_layer_norm(x):
        return LayerNorm.apply(x)

    with pytest.raises(WrongFormula) as caught:
        test_layer_norm()
    message = str(caught.value)
    assert message.startswith("WRONG_FORMULA  layer_norm: gradient of x")
    assert "x: float64 (2, 3) = [[0., 0., 0.], [0., 0., 0.]]" in message
    assert "wrong entries: 1 of 6" in message
    assert "x[1, 2]" in message
    assert "ratio 1.01" in message


def test_the_right_layer_passes():
    @gradtest(x=tensors(ndim=(1, 3)), dim=axes_of("x"))
    def test_softmax(x, dim):
        """The page on softmax."""
        return x.softmax(dim)

    test_softmax()
    assert test_softmax.__name__ == "test_softmax"
    assert test_softmax.__doc__ == "The page on softmax."


def test_arguments_are_drawn_in_order_and_may_depend_on_one_another():
    seen = []

    @gradtest(x=tensors(ndim=(1, 2)), y=like("x"), k=st.integers(1, 3), wrt=["y"])
    def test_product(x, y, k):
        seen.append((x.shape == y.shape, type(k), x.requires_grad))
        return x.detach() * y * k

    test_product()
    assert {each[:2] for each in seen} == {(True, int)}
    assert not any(each[2] for each in seen)


def test_a_strategy_that_depends_on_something_unknown():
    @gradtest(x=tensors(ndim=(1, 2)), dim=axes_of("y"))
    def test_nothing(x, dim):
        return x

    with pytest.raises(ValueError, match="nothing called 'y' was drawn before; drawn so far: x"):
        test_nothing()


def test_no_strategies_at_all():
    @gradtest()
    def test_nothing():
        return mg.ones(2)

    with pytest.raises(ValueError, match="nothing: no strategies were given"):
        test_nothing()


def test_a_function_that_raises_is_told_where():
    @gradtest(x=tensors(ndim=1, size=(1, 5)))
    def test_division(x):
        return x / [4.0, 2.0, 1.0][x.shape[0]]

    with pytest.raises(Raised, match="IndexError: list index out of range"):
        test_division()


def test_kinks_are_allowed_unless_they_are_not_to_be():
    @gradtest(x=tensors((3,), values="kinky"))
    def test_relu(x):
        return x.relu()

    test_relu()

    @gradtest(x=tensors((3,), values="kinky"), kinks="fail")
    def test_strict(x):
        return x.relu()

    with pytest.raises(Nondifferentiable):
        test_strict()


def test_as_many_points_are_drawn_as_the_profile_says():
    kept = hypothesis.settings.get_current_profile_name()
    hypothesis.settings.register_profile("three", max_examples=3)
    hypothesis.settings.load_profile("three")
    try:

        @gradtest(x=tensors((2,)), layouts=False, probes=1)
        def test_counted(x):
            return x * 1

    finally:
        hypothesis.settings.load_profile(kept)
    test_counted()
    assert test_counted.tally.points == 3


# ------------------------------------------------------------------------------------------------- modules


class Wrong(mg.nn.Linear):
    def forward(self, x):
        return super().forward(x) + self.bias.detach()


def test_a_module_is_made_of_what_is_drawn_for_its_arguments_and_fed_the_rest():
    made = set()

    def linear(out_features, bias):
        made.add((out_features, bias))
        return mg.nn.Linear(3, out_features, bias=bias)

    gradtest.module(linear, out_features=st.integers(1, 3), bias=st.booleans(), x=tensors((2, 3)))()
    assert len(made) > 2
    wrong = gradtest.module(lambda: Wrong(3, 2), x=tensors((2, 3)))
    with pytest.raises(WrongFormula) as caught:
        wrong()
    assert "gradient of bias" in str(caught.value)
    assert "0.5" in str(caught.value)


def test_a_mistake_of_one_mode_is_found():
    class OnlyInEvaluation(mg.nn.Module):
        def forward(self, x):
            return x * x if self.training else x * x.detach()

    with pytest.raises(WrongFormula, match=r"OnlyInEvaluation \(eval\): gradient of x"):
        gradtest.module(OnlyInEvaluation, x=tensors((2,)))()


# ------------------------------------------------------------------------------------------ modules of a package

LAYERS = {
    "__init__.py": "",
    "gates.py": """
import minigrad as mg

class Gate(mg.nn.Module):
    def __init__(self, width: int, bias: bool = True, *, scale=2.0):
        super().__init__()
        self.weight = mg.nn.Parameter(mg.ones(width, dtype=mg.float64))
        self.bias, self.scale = bias, scale

    def forward(self, x):
        y = x * self.weight.sigmoid() * self.scale
        return y + self.weight.detach() if self.bias else y

class _Private(mg.nn.Module):
    pass
""",
    "inner/__init__.py": "from discovered.gates import Gate",
    "inner/deep.py": """
from minigrad.nn import Module

class Deep(Module):
    def forward(self, x):
        return x.tanh()
""",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    (tmp_path / "discovered/inner").mkdir(parents=True)
    for name, text in LAYERS.items():
        (tmp_path / "discovered" / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path / "discovered"
    for name in [name for name in sys.modules if name.partition(".")[0] == "discovered"]:
        del sys.modules[name]


def layers_of(test):
    (mark,) = test.pytestmark
    return mark.args[1]


def test_every_public_module_of_a_package_is_tested_as_its_case_says(package):
    gate = {"width": 3, "x": tensors((2, 3))}
    test = gradtest.discover("discovered", {"Gate": gate, "Deep": {"x": tensors((2,))}})
    assert layers_of(test) == ["Deep", "Gate"]
    test("Deep")
    with pytest.raises(Disconnected, match="gradient of weight") as caught:
        test("Gate")  # with a bias, which is drawn both ways
    assert "Gate (train)" in str(caught.value)
    right = gradtest.discover("discovered.gates", {"Gate": gate | {"bias": False}})
    right("Gate")


def test_a_module_without_a_case_fails_and_a_case_without_a_module_too(package):
    test = gradtest.discover("discovered", {"Deep": None, "Gaet": {}})
    assert layers_of(test) == ["Gaet", "Gate"]
    with pytest.raises(LookupError, match=r"no case for 'Gate' of discovered\.gates"):
        test("Gate")
    with pytest.raises(LookupError, match="case for 'Gaet', but 'discovered' defines no such module"):
        test("Gaet")


def test_a_package_without_modules_or_with_two_of_one_name_is_refused(package):
    with pytest.raises(ValueError, match=r"no subclass of nn\.Module is defined in 'json'"):
        gradtest.discover("json", {})
    (package / "more.py").write_text(LAYERS["inner/deep.py"])
    with pytest.raises(ValueError, match=r"both discovered\.inner\.deep and discovered\.more define a module 'Deep'"):
        gradtest.discover("discovered", {})


# ------------------------------------------------------------------------------------------- inconclusive points


def test_points_that_show_nothing_pass_while_they_are_rare():
    tally, nothing, fine = Tally(), GradReport("f", verdict=Verdict.INCONCLUSIVE), GradReport("f")
    for i in range(1, 200):
        tally.judge(nothing if i % 25 == 0 else fine)
    assert (tally.points, tally.inconclusive) == (199, 7)
    with pytest.raises(Inconclusive):
        for _ in range(10):
            tally.judge(nothing)
    assert (tally.points, tally.inconclusive) == (203, 11)


def test_few_points_that_show_nothing_are_no_share_yet_but_all_of_them_are():
    tally, nothing = Tally(), GradReport("f", verdict=Verdict.INCONCLUSIVE)
    for _ in range(3):
        tally.judge(nothing)
    with pytest.raises(Inconclusive, match="none of the 3 points drawn showed anything"):
        tally.close("f")


def test_a_function_that_shows_nothing_anywhere_does_not_pass():
    @gradtest(x=tensors((2,), values="positive"))
    def test_rounded(x):
        return mg.tensor(np.sin(x.data.astype(np.float16)).astype(x.data.dtype)) + 0 * x

    with pytest.raises(Inconclusive, match="rounded"):
        test_rounded()


def test_without_hypothesis_the_error_names_the_extra():
    program = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "import minigrad.testing\n"
        "for name in ('decorator', 'strategies'):\n"
        "    try:\n        __import__(f'minigrad.testing.{name}')\n"
        "    except ImportError as error:\n        assert \"pip install 'minigrad[test]'\" in str(error), error\n"
        "    else:\n        raise SystemExit(name)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_what_draws_is_imported_when_it_is_asked_for():
    program = (
        "import sys, minigrad.testing\n"
        "assert not {'hypothesis', 'pytest', 'flint', 'torch', 'jax', 'autograd'} & set(sys.modules)\n"
        "from minigrad.testing import gradtest, tensors\n"
        "assert 'hypothesis' in sys.modules and gradtest.module and tensors((2,))\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_what_is_not_there_is_named():
    with pytest.raises(AttributeError, match=r"'minigrad\.testing' has no attribute 'gradtset'"):
        mg.testing.gradtset  # noqa: B018
