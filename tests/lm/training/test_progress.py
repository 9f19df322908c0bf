"""What is shown while a run goes on."""

import io

import pytest

from lm.training import progress as progress_module
from lm.training.progress import show_progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_elsewhere_than_on_a_terminal_lines_are_plain(monkeypatch):
    clock = iter([0.0, 5.0, 11.0, 12.0, 20.0])
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: next(clock))
    stream = io.StringIO()
    with show_progress(10, 14, stream) as progress:
        for step in (11, 12, 13, 14):
            progress.step(step, 2.5, 12345.6)
    assert stream.getvalue() == (
        "step 12/14  loss 2.500  12,346 tokens/s  0:11 left\nstep 14/14  loss 2.500  12,346 tokens/s  0:00 left\n"
    )


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_terminal_has_a_bar():
    stream = Terminal()
    with show_progress(10, 20, stream) as progress:
        for step in range(11, 21):
            progress.step(step, 2.5, 12345.6)
        progress.note("a note")
    shown = stream.getvalue()
    assert "20/20" in shown and "loss 2.500, 12,346 tokens/s" in shown and "\ra note\n" in shown
