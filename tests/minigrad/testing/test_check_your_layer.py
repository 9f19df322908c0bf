"""The page `docs/check_your_layer.md` runs, and prints what it says it prints.

`python -m tests.minigrad.testing.test_check_your_layer` writes the outputs and the table of the page anew.
"""

import re
from pathlib import Path

import pytest

from minigrad.testing import ERRORS, GradientError, Verdict
from minigrad.testing.oracles import HAS_LONGDOUBLE

PAGE = Path(__file__).parents[3] / "docs" / "check_your_layer.md"
SECTIONS = {"A layer of minigrad": None, "A layer of PyTorch": "torch", "A pair of NumPy functions": None}
TEXT = re.compile(r"^```text\n(.*?)^```", re.S | re.M)
HEAD = "| verdict | what to do |\n|---|---|\n"


def section(title):
    return PAGE.read_text(encoding="utf-8").split(f"\n## {title}\n")[1].split("\n## ")[0]


def output(text):
    """What the examples of a section, run in order, and their test, if there is one, raise."""
    names = {"__name__": "page"}
    with pytest.raises(GradientError) as caught:
        for program in re.findall(r"^```python\n(.*?)^```", text, re.S | re.M):
            exec(compile(program, str(PAGE), "exec"), names)  # noqa: S102  our own page
        for name in [name for name in names if name.startswith("test_")]:
            names[name]()
    return str(caught.value) + "\n"


def table():
    return HEAD + "".join(f"| `{verdict.name}` | {verdict.value} |\n" for verdict in Verdict)


def without_roundings(text):
    """Sizes of errors, and how many values it took, are those of one machine."""
    text = re.sub(r"\(\w+, \d+ evaluations\)", "(...)", text)
    text = re.sub(r"= \S+ times the bound", "= ... times the bound", text)
    text = re.sub(r"float64 gradients are accurate \(against \w+\), ", "", text)
    return re.sub(r"(\+- |by |values \(|entry, )?\b\d[\d.]*e-\d+", r"\1...", text)


@pytest.mark.host("what shows in memory alone does not show on a device, and the page has it")
@pytest.mark.parametrize("title", SECTIONS)
def test_an_example_prints_what_the_page_says(title):
    if SECTIONS[title]:
        pytest.importorskip(SECTIONS[title])
    (expected,) = TEXT.findall(section(title))
    assert expected
    assert without_roundings(output(section(title))) == without_roundings(expected)


def test_what_is_compared_is_more_than_roundings():
    for title in SECTIONS:
        (expected,) = TEXT.findall(section(title))
        kept = without_roundings(expected)
        assert "what to do: " in kept and len(kept) > 0.8 * len(expected)


def test_every_verdict_is_explained():
    assert table() in PAGE.read_text(encoding="utf-8")
    assert set(ERRORS) == set(Verdict) - {Verdict.CORRECT}


def write():
    assert HAS_LONGDOUBLE, "the outputs of the page are those of a machine with a wide longdouble"
    page = PAGE.read_text(encoding="utf-8")
    for title in SECTIONS:
        old = section(title)
        begin, end = TEXT.search(old).span(1)
        page = page.replace(old, old[:begin] + output(old) + old[end:])
    rows = re.escape(HEAD) + r"(\|.*\n)*"
    PAGE.write_text(re.sub(rows, lambda found: table(), page), encoding="utf-8")


if __name__ == "__main__":
    from tests import conftest  # noqa: F401  the profile of hypothesis that the tests run with

    write()
