"""The runner of the source mutants: what it changes, and that a change is seen in a warm and in a cold process.

Slow because it needs the extra `mutants`.
"""

import json
import subprocess
import sys
import textwrap

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.host("the tests of the operations run on the host"),
    pytest.mark.filterwarnings("ignore::pytest.PytestAssertRewriteWarning"),
]

SOURCE = textwrap.dedent('''
    """About +."""
    F = TypeVar("F", bound=str)
    add = Primitive("add", np.add).rules(x=lambda g, y: g * y)

    @composite
    def scaled(x: int | None, by: float = 1.0) -> Any:
        """x * by"""
        if isinstance(x, str):
            raise TypeError(f"no {type(x)}")
        told = "two words"
        return x * by

    __all__ = ["add"]
''')


def changes(kind):
    pytest.importorskip("mutmut", reason="pip install minigrad[mutants]")
    from tests.mutants.source.population import mutants_of

    return {(mutant.where, *mutant.change()) for mutant in mutants_of("a.py", SOURCE) if mutant.kind == kind}


def test_rules_and_composites_are_changed():
    line = 'add = Primitive("add", np.add).rules(x=lambda g, y: g * y)'
    assert changes("rule") == {("add", line, line.replace("g * y", now)) for now in ("g / y", "None")}
    assert ("scaled", "return x * by", "return x / by") in changes("other")


def test_what_does_not_run_and_what_is_for_people_is_left_alone():
    changed = {was for _, was, _ in changes("other")}
    assert changed == {
        'add = Primitive("add", np.add).rules(x=lambda g, y: g * y)',
        "def scaled(x: int | None, by: float = 1.0) -> Any:",  # the default
        'told = "two words"',  # to None, not to other words
        "return x * by",
    }
    assert {was for _, was, _ in changes("words")} == {'raise TypeError(f"no {type(x)}")'}


def test_a_sample_stays_where_the_code_stays():
    pytest.importorskip("mutmut", reason="pip install minigrad[mutants]")
    from tests.mutants.source.__main__ import drawn
    from tests.mutants.source.population import mutants_of

    sample, other = ([each.change() for each in drawn(mutants_of("a.py", SOURCE), 5, seed)] for seed in (0, 1))
    assert len(set(sample)) == 5 and sample != other
    longer = drawn(mutants_of("a.py", "first = 1 + 2\n" + SOURCE), 9, 0)
    assert set(sample) < {each.change() for each in longer if each.where != "first"}


RUN = """
import json, sys
from tests.mutants.source.population import all_mutants
from tests.mutants.source.session import cold, warm
found = {mutant.change(): mutant for mutant in all_mutants() if mutant.file.endswith("transcendental.py")}
line = 'exp = Primitive("exp", np.exp, promote=to_float).rules(x=lambda g, out: g * out)'
rule, name = found[line, line.replace("g * out", "g / out")], found[line, line.replace('"exp"', '"EXP"')]
test = "tests/minigrad/ops/test_derivatives.py::"
work = [(None, [test + "test_derivatives[exp]"]), (rule, [test + "test_derivatives[sin]"]),
        (rule, [test + "test_derivatives[exp]"]), (name, [test + "test_every_primitive_is_checked"])]
print()
print(json.dumps([[fate.fate for fate in run(work, {}, 2)] for run in (warm, cold)]))
"""


def test_a_change_is_noticed_by_the_tests_that_run_it():
    pytest.importorskip("mutmut", reason="pip install minigrad[mutants]")
    done = subprocess.run([sys.executable, "-c", RUN], capture_output=True, text=True)
    warm, cold = json.loads(done.stdout.splitlines()[-1])
    assert warm == ["survived", "survived", "killed", "import"]  # the name is given when the module is imported
    assert cold == ["survived", "survived", "killed", "killed"]
