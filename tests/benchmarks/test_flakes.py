"""The count of flakes draws anew for every seed, and counts what fails."""

import hypothesis
import pytest

import minigrad as mg
from benchmarks import flakes
from minigrad.testing import tensors
from minigrad.testing.verdicts import LISTENERS


@pytest.fixture(autouse=True)
def layers(monkeypatch):
    profile = hypothesis.settings.get_current_profile_name()
    drawn = {"x": tensors((2,))}
    monkeypatch.setattr(flakes, "LAYERS", {
        "right": (lambda x: x.sin(), drawn), "wrong": (lambda x: x.sin() + x.cos().detach(), drawn),
        "module": (lambda: mg.nn.Linear(2, 1), drawn),
    })  # fmt: skip
    monkeypatch.setattr(flakes, "MODULES", ("module",))
    yield
    hypothesis.settings.load_profile(profile)


def points(name, seed):
    seen = []
    LISTENERS.append(lambda report: seen.append(tuple(report.point)))
    try:
        assert flakes.failure(name, seed, 7) == ""
    finally:
        LISTENERS.pop()
    return seen


def test_what_is_wrong_fails_and_nothing_else_does():
    assert "WrongFormula" in flakes.failure("wrong", 0, 5)
    assert len(points("right", 0)) == len(points("module", 0)) / 2 == 7


def test_another_seed_draws_other_points_and_the_same_one_the_same():
    assert points("right", 1) == points("right", 1) != points("right", 2)


def test_failures_are_counted_by_layer_and_seed(monkeypatch, capsys):
    arguments = "flakes --runs 3 --points 3 --first 5 --only wrong right"
    monkeypatch.setattr("sys.argv", arguments.split())
    before = len(LISTENERS)
    flakes.main()
    output = capsys.readouterr().out
    assert "seed 5, wrong: WrongFormula" in output and "3 runs, 2 failures" in output
    assert len(LISTENERS) == before
