"""The search for one wrong entry finds it, and finds nothing where there is none."""

import pytest

from benchmarks import wrong_entry


@pytest.mark.parametrize("name", wrong_entry.CASES)
def test_a_wrong_entry_is_found_and_named_and_a_right_gradient_is_not(name, monkeypatch):
    assert wrong_entry.search(name, 0, size=40)[:2] == (True, True)
    monkeypatch.setattr(wrong_entry, "WRONG_BY", 0.0)
    assert wrong_entry.search(name, 0, size=40)[:2] == (False, False)
