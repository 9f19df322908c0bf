"""The options that minigrad adds to pytest; what they do is in `minigrad.testing.plugin`.

pytest loads this in every run where minigrad is installed. It is no part of the package so that a run that uses no
option of it imports nothing for it, not even NumPy.
"""

from __future__ import annotations

from typing import Any


def pytest_addoption(parser: Any) -> None:
    group = parser.getgroup("minigrad", "gradients (minigrad.testing)")
    group.addoption(
        "--grad-profile", choices=["quick", "ci", "deep"],
        help="how many points a gradtest draws: 25, 200 (the same in every run), or 5000",
    )  # fmt: skip
    group.addoption(
        "--grad-report", metavar="DIR", help="write what all gradient checks found to DIR/gradients.json and .md"
    )


def pytest_configure(config: Any) -> None:
    profile, folder = config.getoption("--grad-profile"), config.getoption("--grad-report")
    if profile or folder:
        from minigrad.testing.plugin import start

        start(config, profile, folder)
