"""Ball arithmetic in a check: a second opinion on what is wrong, and a verdict where numbers are too coarse."""

import sys

import numpy as np
import pytest

from minigrad.testing import check_vjp_pair
from minigrad.testing.formula import Comparison
from minigrad.testing.verdicts import Inconclusive, UnusableOutput, WrongFormula

pytest.importorskip("flint")

X = np.array([0.3, -1.2, 0.7, 2.0])


def fast(x):
    return np.sin(1e7 * x)


def test_a_wrong_formula_is_confirmed_by_jets():
    with pytest.raises(WrongFormula, match=r"second opinion: ball-arithmetic jet agrees with numeric \(\+-\de-\d\d\)"):
        check_vjp_pair(lambda x: x * np.exp(x), lambda g, x: g * np.exp(x), X)
    with pytest.raises(WrongFormula) as caught:
        check_vjp_pair(lambda x: np.linalg.norm(x, keepdims=True).astype(float), lambda g, x: g * x, X)
    assert "second opinion" not in str(caught.value)


def test_where_numbers_are_too_coarse_jets_decide(monkeypatch):
    report = check_vjp_pair(fast, lambda g, x: g * 1e7 * np.cos(1e7 * x), X)
    assert {probe.oracle for probe in report.probes} == {"jets"}

    def one_entry_wrong(g, x):
        gradient = g * 1e7 * np.cos(1e7 * x)
        gradient[2] *= 1.001
        return gradient

    with pytest.raises(WrongFormula, match=r"wrong entries: 1 of 4\n +input 0\[2\]"):
        check_vjp_pair(fast, one_entry_wrong, X)
    with pytest.raises(WrongFormula, match=r"looks like a constant factor of 1\.01\n"):
        check_vjp_pair(fast, lambda g, x: g * 1.01e7 * np.cos(1e7 * x), X)
    monkeypatch.setitem(sys.modules, "flint", None)
    with pytest.raises(Inconclusive):
        check_vjp_pair(fast, lambda g, x: g * 1e7 * np.cos(1e7 * x), X)


def test_jets_that_follow_another_function_decide_nothing():
    def another(x):
        return np.cos(1e7 * x) if x.dtype == object else fast(x)

    with pytest.raises(Inconclusive):
        check_vjp_pair(another, lambda g, x: g * 1e7 * np.cos(1e7 * x), X)


def test_objects_are_an_answer_to_jets_alone():
    with pytest.raises(UnusableOutput, match="dtype object"):
        check_vjp_pair(lambda x: x.astype(object), lambda g, x: g, X)


def test_numbers_that_jets_contradict_accuse_no_backward(monkeypatch):
    honest = Comparison.numeric

    def mistaken(self, u, v, ratio=1.9):
        found = honest(self, u, v, ratio)
        return type(found)(**{**vars(found), **dict.fromkeys(("value", "left", "right"), found.value * 1.01)})

    monkeypatch.setattr(Comparison, "numeric", mistaken)
    report = check_vjp_pair(np.exp, lambda g, x: g * np.exp(x), X)
    assert any("agrees with the backward, not with the numbers" in note for note in report.notes)
