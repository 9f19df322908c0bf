"""docs/operations.md says what the registries and the tests say."""

import re

from tests.operations import page


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


def test_results_of_a_device_are_shown_with_their_date(tmp_path):
    file = tmp_path / "found.json"
    assert page.on_device(file, "exp") == "not run"
    page.results.cache_clear()
    file.write_text('{"date": "2026-01-02", "device": "a GPU", "operations": {"exp": 2, "floor": 0}}')
    assert page.on_device(file, "exp") == "2, 2026-01-02"
    assert page.on_device(file, "floor") == "value, 2026-01-02"
    assert page.on_device(file, "sin") == "no"
    page.results.cache_clear()
