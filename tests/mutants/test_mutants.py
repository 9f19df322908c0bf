"""The gradient checker notices a wrong rule, whichever it is."""

import random

import numpy as np
import pytest

import minigrad as mg
from minigrad.kernels.registry import kernels
from minigrad.ops import elementwise, reduce, rounding, scan
from minigrad.testing.mutants.call import OPERATORS
from minigrad.testing.mutants.runtime import all_mutants, mutated
from tests.mutants import equivalents, sample
from tests.mutants.equivalents import LISTED
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


def test_of_a_gradient_of_zeros_the_left_out_operators_make_nothing_else():
    given = {mutant.operator.name for mutant in all_mutants() if mutant.target is rounding.floor}
    assert "a constant added" in given
    left_out = [each for each in OPERATORS.values() if each.needs in ("nothing", "inputs") and each.name not in given]
    assert len(left_out) > 25
    for operator in left_out:
        if not operator.recorded:
            x = [[0.5, 1.5, 2.5], [-0.5, 3.5, 0.5]]
            assert changes(rounding.floor, 0, operator.name, lambda x: rounding.floor(x) * x, x) == 0, operator.name


def test_every_operator_goes_with_some_rule():
    assert {mutant.operator.name for mutant in all_mutants()} == set(OPERATORS)


def changes(target, argument, operator, function, *arrays):
    """How often the operator made another gradient of what the function calls."""
    tensors = [mg.tensor(np.asarray(array, np.float64), requires_grad=True) for array in arrays]
    with mutated(target, argument, OPERATORS[operator]) as seen:
        function(*tensors).sum().backward()
    assert seen.calls
    return seen.changes


def test_settings_can_be_other_than_in_the_forward():
    x = np.arange(12.0).reshape(3, 4) % 5
    (layer_norm,), (dropout,) = kernels["layer_norm"], kernels["_dropout"]
    with mg.kernels.mode("force"):
        normalized = lambda x, w, b: mg.nn.functional.layer_norm(x, (4,), w, b).exp()
        for argument, differs in ((0, 1), (1, 1), (2, 0)):  # the bias knows nothing of eps
            assert changes(layer_norm, argument, "eps dropped", normalized, x, np.ones(4), np.ones(4)) == differs
        dropped = lambda x: mg.nn.functional.dropout(x, 0.5)
        assert changes(dropout, 0, "mask redrawn", dropped, x) == 1
        assert changes(dropout, 0, "a number 0.1% off", dropped, x) == 1
    assert changes(scan._cumsum, 0, "another axis", lambda x: x.cumsum(0), x) == 1
    assert changes(scan._cumsum, 0, "another axis", lambda x: x.cumsum(0), x[0]) == 0  # there is no other


def test_ties_are_wrong_in_full_only_where_there_are_some():
    for y, differs in (([1.0, 5.0], 1), ([2.0, 5.0], 0)):
        assert changes(elementwise.mul, 0, "tied inputs in full", mg.mul, [1.0, 3.0], y) == differs
    for x, differs in (([3.0, 1.0, 3.0], 1), ([3.0, 1.0, 2.0], 0)):
        assert changes(reduce._amax, 0, "tied entries in full", lambda x: x.amax(), x) == differs


# -------------------------------------------------------------------------------------------------- the killed


SAMPLE = sample.read()
PARTS = 10


def test_the_sample_has_two_hundred():
    assert len(SAMPLE) == 200
    assert set(SAMPLE) <= {mutant.name for mutant in all_mutants()}
    assert len({name.partition(": ")[2] for name in SAMPLE}) > 40  # operators


@pytest.mark.parametrize("part", range(PARTS))
def test_the_sample_is_killed(part):
    mutants = {mutant.name: mutant for mutant in all_mutants()}
    runner = Runner()
    for name in list(SAMPLE)[part::PARTS]:
        assert runner.run(mutants[name], SAMPLE[name]).fate == "killed", name


def test_a_right_rule_is_not_killed():
    (mutant,) = (each for each in all_mutants() if each.name == "add[0]: swap")
    runner = Runner(tries=8)
    assert runner.run(mutant).fate == "equivalent"
    assert not runner.refused


@pytest.mark.slow
def test_all_are_killed_but_those_listed_as_equivalent():
    fates, refused = run_all(all_mutants())
    found = summary(fates, 0.0, refused)
    assert found["survivors"] == []
    assert found["listed as equivalent, but killed"] == []


# --------------------------------------------------------------------------------------------- the equivalent


def test_every_mutant_listed_as_equivalent_is_there():
    assert set(LISTED) <= {mutant.name for mutant in all_mutants()}
    assert all(len(reason) > 20 for reason in LISTED.values())


@pytest.mark.parametrize("seed", range(4))
def test_some_of_those_listed_are_equivalent_on_other_draws(seed):
    listed = [mutant for mutant in all_mutants() if mutant.name in LISTED and mutant.target.name in ALL]
    target = random.Random(seed).choice([mutant.target for mutant in listed])
    mutants = [mutant for mutant in listed if mutant.target is target]
    proofs = equivalents.prove(target, mutants, draws=150, start=1000 + seed, cases=[target.name])
    assert [name for name, proof in proofs.items() if proof.counterexample] == []
    assert all(proof.draws for proof in proofs.values())


def test_what_is_not_equivalent_has_a_counterexample():
    names = ["mul[0]: sign", "mul[0]: written into the input", "mul[0]: second order: cut off", "mul[1]: one buffer"]
    mutants = [mutant for mutant in all_mutants() if mutant.name in names]
    assert len(mutants) == len(names)
    proofs = equivalents.prove(elementwise.mul, mutants, draws=40, cases=["mul"])
    assert all(proof.counterexample for proof in proofs.values())


def test_a_proof_of_some_leaves_what_is_listed_of_others(tmp_path, monkeypatch):
    monkeypatch.setattr(equivalents, "FILE", tmp_path / "list.json")
    monkeypatch.setattr(equivalents, "LISTED", {"cat[each]: sign": "old", "matmul[1]: sign": "old"})
    proven = [mutant for mutant in all_mutants() if mutant.name == "matmul[1]: transpose"]
    equivalents.write(lambda mutant: "new", {"matmul[1]: sign", "matmul[1]: transpose"}, proven)
    assert equivalents.listed() == {"cat[each]: sign": "old", "matmul[1]: transpose": "new"}
