"""docs/operations.md says what the registries and the tests say."""

import re

import pytest

from tests.minigrad.test_torch_values import WRITTEN_TWICE
from tests.operations import coverage, page

pytestmark = pytest.mark.host("the page is written from calls that all succeed")


def test_the_page_is_in_step():
    assert page.PAGE.read_text() == page.page(), "run python -m tests.operations.page"


def test_its_links_lead_somewhere():
    links = set(re.findall(r"\]\((\.\./[^)]+)\)", page.PAGE.read_text()))
    assert len(links) > 40
    assert [link for link in links if not (page.PAGE.parent / link).exists()] == []


def test_a_kernel_is_shown_where_it_stands_in(monkeypatch):
    """For what calls its composite, and for nothing else."""
    functions = {operation.name: operation.function for operation in page.operations()}
    assert page.kernels_of(functions["F.gelu"]) == ["gelu (NumPy)"]
    assert page.kernels_of(functions["F.scaled_dot_product_attention"]) == ["attention (NumPy)"]
    assert page.kernels_of(functions["F.mish"]) == []


def test_the_stand_in_ran_every_call_there_is():
    """Whoever adds an operation or a call runs python -m tests.operations.on_device again."""
    found = page.results(page.STAND_IN)
    less = {name: order for name, order in coverage.against_pytorch().items() if found["operations"].get(name) != order}
    assert less == {}
    assert sorted(found["failed"]) == sorted(f"indexing: {name}" for name in WRITTEN_TWICE)


def test_results_of_a_device_are_shown_with_their_date(tmp_path, monkeypatch):
    file = tmp_path / "found.json"
    monkeypatch.setattr(page, "GPU", file)
    assert page.on_device(file, "exp") == "not run"
    page.results.cache_clear()
    file.write_text('{"date": "2026-01-02", "device": "a GPU", "operations": {"exp": 2, "floor": 0}, "failed": {}}')
    assert page.on_device(file, "exp") == "2, 2026-01-02"
    assert page.on_device(file, "floor") == "value, 2026-01-02"
    assert page.on_device(file, "sin") == "no"
    page.results.cache_clear()
