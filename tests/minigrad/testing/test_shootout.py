"""The comparison of gradient checkers counts what it says it counts."""

import numpy as np
import pytest

from benchmarks import gradcheck_shootout as shootout
from minigrad.testing.mutants.corpus import GradBug, HardButRight, normal

SINE = GradBug(
    "none-0-sine", "https://github.com/", "The sign was wrong.", np.sin, lambda g, x: g * np.cos(x),
    lambda g, x: -g * np.cos(x), normal((3,)),
)  # fmt: skip
JUMP = HardButRight("a jump", "", lambda x: np.sign(x) + x, lambda g, x: g * 1, lambda rng: (np.zeros(1),))
COSINE = HardButRight("a false alarm", "", np.cos, lambda g, x: g * np.sin(x), normal((3,)))


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(shootout, "GRADBUGS", (SINE,))
    monkeypatch.setattr(shootout, "HARD_BUT_RIGHT", (JUMP, COSINE))


def test_flags_passes_and_what_is_undecided_are_told_apart(small):
    result = shootout.judge(shootout.ours)
    assert result["bugs"] == {"none-0-sine": "flagged"} and result["repaired"] == {"none-0-sine": "passed"}
    assert result["hard"] == {"a jump": "undecided", "a false alarm": "flagged"}
    assert "1 of 1 |   1 of 1 |   0 of 1 |   1 of 2 |   1 |" in shootout.row("ours", result)


def test_a_checker_that_flags_everything_tells_nothing_apart(small):
    def refuses(forward, vjp, arrays):
        raise AssertionError

    assert "1 of 1 |   0 of 1 |   1 of 1 |   2 of 2 |   0 |" in shootout.row("no", shootout.judge(refuses))


def test_a_checker_that_is_not_installed_is_named(small, monkeypatch, capsys):
    monkeypatch.setattr(shootout, "find_spec", lambda name: None)
    monkeypatch.setattr("sys.argv", ["shootout", "--only", "jax check_grads"])
    shootout.main()
    assert "absent: jax is not installed" in capsys.readouterr().out
