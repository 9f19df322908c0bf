"""The corpora are right about themselves, and the checker about them: every right backward passes, every wrong one does
not, by a name that fits."""

import re

import numpy as np
import pytest

from minigrad.testing import GradientError, Verdict, check_vjp_pair
from minigrad.testing.mutants.gradbugs import GRADBUGS
from minigrad.testing.mutants.hardbutright import HARD_BUT_RIGHT

# A function in longdouble, or a step out of the domain, may make NumPy warn.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def entries(corpus):
    return [pytest.param(entry, id=entry.name.replace(" ", "-")) for entry in corpus]


@pytest.mark.parametrize("bug", entries(GRADBUGS))
def test_the_right_backward_of_a_published_bug_passes(bug):
    assert check_vjp_pair(bug.forward, bug.right, *bug.arrays()).ok


@pytest.mark.parametrize("bug", entries(GRADBUGS))
def test_the_wrong_backward_of_a_published_bug_is_found(bug):
    with pytest.raises(GradientError) as caught:
        check_vjp_pair(bug.forward, bug.wrong, *bug.arrays())
    assert caught.value.report.verdict in bug.verdicts


@pytest.mark.parametrize("hard", entries(HARD_BUT_RIGHT))
def test_what_is_hard_but_right_passes(hard):
    assert check_vjp_pair(hard.forward, hard.vjp, *hard.arrays()).ok


def test_there_are_enough_of_both():
    assert len(GRADBUGS) >= 60 and len(HARD_BUT_RIGHT) >= 40


def test_names_and_links_are_unique():
    for values in ([bug.name for bug in GRADBUGS], [bug.link for bug in GRADBUGS], [h.name for h in HARD_BUT_RIGHT]):
        assert len(set(values)) == len(values)


def test_every_link_is_that_of_a_public_thread_and_named_by_its_number():
    for bug in GRADBUGS:
        match = re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+/(issues|pull)/(\d+)", bug.link)
        assert match and f"-{match[2]}-" in bug.name, bug.name


def test_every_bug_says_what_was_wrong_and_what_it_may_be_called():
    for bug in GRADBUGS:
        assert bug.what.endswith(".") and len(bug.what) > 30, bug.name
        assert bug.verdicts and Verdict.CORRECT not in bug.verdicts, bug.name


@pytest.mark.parametrize("entry", [*GRADBUGS, *HARD_BUT_RIGHT], ids=lambda entry: entry.name.replace(" ", "-"))
def test_a_point_is_the_same_for_the_same_seed(entry):
    first, second = entry.arrays(3), entry.arrays(3)
    assert all(np.array_equal(x, y) and x.dtype == y.dtype for x, y in zip(first, second, strict=True))
