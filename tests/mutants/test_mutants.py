"""The gradient checker notices a wrong rule, whichever it is."""

import random

import numpy as np
import pytest

import minigrad as mg
from minigrad.kernels.registry import kernels
from minigrad.ops import elementwise
from minigrad.testing.mutants.operators import OPERATORS
from minigrad.testing.mutants.runtime import all_mutants, mutated
from tests.mutants.examples import ALL
from tests.mutants.runner import Runner, run_all, summary

pytestmark = pytest.mark.host("the operators are for NumPy")


def gradient(function, *numbers):
    tensors = [mg.tensor(np.float64(number), requires_grad=True) for number in numbers]
    return [float(each) for each in mg.autograd.grad(function(*tensors), tensors)]


def test_a_rule_is_wrong_inside_the_block_and_right_after_it():
    assert gradient(mg.mul, 2.0, 3.0) == [3.0, 2.0]  # a plan of the right rules is now kept
    with mutated(elementwise.mul, 0, OPERATORS["sign"]) as seen:
        assert gradient(mg.mul, 2.0, 3.0) == [-3.0, 2.0]
    assert (seen.calls, seen.changes) == (1, 1)
    assert gradient(mg.mul, 2.0, 3.0) == [3.0, 2.0]


def test_a_rule_is_right_again_after_an_error():
    with pytest.raises(KeyError), mutated(elementwise.mul, 0, OPERATORS["sign"]):
        raise KeyError
    assert gradient(mg.mul, 2.0, 3.0) == [3.0, 2.0]


def test_a_kernel_is_wrong_inside_the_block_and_right_after_it():
    (kernel,) = kernels["gelu"]
    (right,) = gradient(mg.nn.functional.gelu, 0.5)
    with mutated(kernel, 0, OPERATORS["doubled"]):
        assert gradient(mg.nn.functional.gelu, 0.5) == [2 * right]
    assert kernels["gelu"] == [kernel]
    assert gradient(mg.nn.functional.gelu, 0.5) == [right]


def test_what_gives_the_same_bits_is_no_change():
    with mutated(elementwise.mul, 0, OPERATORS["transpose"]) as seen:
        gradient(mg.mul, 2.0, 3.0)
    assert (seen.calls, seen.changes) == (1, 0)


def test_there_are_thousands_with_names_of_their_own():
    names = [mutant.name for mutant in all_mutants()]
    assert len(names) == len(set(names)) >= 2500


def test_a_sample_is_killed():
    with_a_case = [m for m in all_mutants() if {m.target.name, f"F.{m.target.name}"} & set(ALL)]
    mutants = random.Random(1).sample(with_a_case, 60)
    runner = Runner(tries=6, own=True)
    fates = [runner.run(mutant) for mutant in mutants]
    assert [fate for fate in fates if fate.fate == "survived"] == []
    assert sum(fate.fate == "killed" for fate in fates) >= 45
    assert not [refused for refused in runner.refused if " at 0:" not in refused]


@pytest.mark.slow
def test_all_are_killed():
    fates, runner, seconds = run_all(all_mutants())
    found = summary(fates, seconds, runner.refused)
    assert found["survivors"] == []
