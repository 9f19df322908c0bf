"""What `pytest --grad-profile` and `--grad-report` do: how many points are drawn, and a report of all that was found.

The options themselves are in `pytest_minigrad`, which imports this when one of them is used.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from .oracles import HAS_LONGDOUBLE
from .verdicts import LISTENERS, GradReport

PROFILES: dict[str, dict[str, Any]] = {
    "quick": {"max_examples": 25},
    "ci": {"max_examples": 200, "derandomize": True, "database": None},
    "deep": {"max_examples": 5000, "print_blob": True},
}
COLUMNS = ("op", "verdict", "points", "worst error / bound", "resolution", "inconclusive probes")
PART = "gradients-{}.part"  # what a worker of xdist leaves for the main process

Row = dict[str, Any]


def start(config: Any, profile: str | None, folder: str | None) -> None:
    """Load the profile and listen to all checks."""
    notes = [f"oracles {'longdouble, ' if HAS_LONGDOUBLE else ''}float64"]
    if profile:
        notes.append(_load(profile))
    config.pluginmanager.register(Header(", ".join(notes)), "minigrad-header")
    if folder:
        config.pluginmanager.register(Reports(Path(folder).absolute()), "minigrad-reports")


def _load(profile: str) -> str:
    """Make a profile that of hypothesis; says which, or that hypothesis is not there."""
    try:
        from hypothesis import settings
    except ImportError:
        return f"profile {profile} not loaded: it needs hypothesis"
    settings.register_profile(f"grad-{profile}", deadline=None, **PROFILES[profile])
    settings.load_profile(f"grad-{profile}")
    return f"profile {profile} ({PROFILES[profile]['max_examples']} points)"


class Header:
    """The line at the top of a run."""

    def __init__(self, line: str) -> None:
        self.line = line

    def pytest_report_header(self) -> str:
        return f"gradients: {self.line}"


class Reports:
    """Sums up what the checks of a run found, and writes it at its end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.worker = os.environ.get("PYTEST_XDIST_WORKER", "")
        self.rows: dict[tuple[str, str, str], Row] = {}
        self.test = ""
        folder.mkdir(parents=True, exist_ok=True)
        LISTENERS.append(self.heard)

    def pytest_runtest_setup(self, item: Any) -> None:
        self.test = item.nodeid

    def heard(self, report: GradReport) -> None:
        """Points are summed up: a search may try thousands. Of what is wrong the last report is kept, the smallest."""
        key = (self.test, report.name, report.verdict.name)
        fresh = {"points": 0, "probes": 0, "inconclusive": 0, "worst": None, "resolution": None}
        row = self.rows.setdefault(key, dict(zip(("test", "op", "verdict"), key)) | fresh)
        row["points"] += 1
        row["probes"] += len(report.probes)
        row["inconclusive"] += report.inconclusive
        for probe in report.probes:
            if probe.conclusive and probe.bound > 0:
                error = abs(probe.backward - probe.numeric) / probe.bound
                row["worst"] = max(row["worst"] or 0.0, error)
                row["resolution"] = max(row["resolution"] or 0.0, probe.resolution)
        if not report.ok:
            row["report"] = json.loads(report.to_json())

    def pytest_sessionfinish(self) -> None:
        LISTENERS.remove(self.heard)
        rows = list(self.rows.values())
        if self.worker:
            (self.folder / PART.format(self.worker)).write_text(json.dumps(rows), encoding="utf-8")
            return
        for part in sorted(self.folder.glob(PART.format("*"))):
            rows += json.loads(part.read_text(encoding="utf-8"))
            part.unlink()
        (self.folder / "gradients.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
        (self.folder / "gradients.md").write_text(summary(rows), encoding="utf-8")

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        terminalreporter.write_line(f"gradients: {self.folder / 'gradients.md'}")


def summary(rows: list[Row]) -> str:
    """A Markdown table with a row for each operation and verdict, what is wrong first.

    worst error / bound: how far a backward was from the numeric derivative, in units of what it may be: more than 1 is
    wrong. resolution: the share of a typical entry that an error must exceed to be seen, in the worst probe.

    >>> row = {"op": "tanh", "verdict": "CORRECT", "points": 2, "probes": 4, "inconclusive": 0}
    >>> print(summary([row | {"test": "test_tanh", "worst": 0.25, "resolution": 1e-14}]).splitlines()[-1])
    | tanh | CORRECT | 2 | 0.25 | 1e-14 | 0 of 4 |
    """
    together: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        together.setdefault((row["op"], row["verdict"]), []).append(row)
    total, tests = sum(row["points"] for row in rows), len({row["test"] for row in rows})
    lines = [
        "# Gradients", "", f"{total} points in {tests} tests.", "",
        f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|",
    ]  # fmt: skip
    for op, verdict in sorted(together, key=lambda pair: (pair[1] == "CORRECT", pair)):
        each = together[op, verdict]
        points, probes, blind = (sum(row[key] for row in each) for key in ("points", "probes", "inconclusive"))
        worst, resolution = (
            max((f"{row[key]:.2g}" for row in each if row[key] is not None), key=float, default="")
            for key in ("worst", "resolution")
        )
        name = op.replace("|", "\\|").replace("<", "&lt;")
        lines.append(f"| {name} | {verdict} | {points} | {worst} | {resolution} | {blind} of {probes} |")
    return "\n".join(lines) + "\n"
