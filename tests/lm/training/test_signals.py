import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lm.training.signals import StopSignal, catch_stop_signals

BOTH = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]

LOOP = """
import signal, sys, time
from lm.training.signals import catch_stop_signals
signal.signal(signal.SIGINT, signal.default_int_handler)
with catch_stop_signals() as stop:
    print("ready", flush=True)
    while not stop or sys.argv[1] == "deaf":
        time.sleep(0.001)
sys.exit(stop.exit_code)
"""


@pytest.fixture(autouse=True)
def handlers():
    """Start from Python's handlers (a shell's background jobs ignore SIGINT) and leave nothing to the other tests."""
    before = {number: signal.getsignal(number) for number, _ in BOTH}
    default = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    for number, handler in default.items():
        signal.signal(number, handler)
    yield default
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number, code", BOTH)
def test_first_signal_sets_the_flag_and_nothing_else(number, code, capfd):
    with catch_stop_signals() as stop:
        assert not stop and stop.number is None and stop.exit_code == 0
        signal.raise_signal(number)
        assert stop and stop.number == number and stop.exit_code == code
        assert "Ctrl-C" in capfd.readouterr().err
    assert stop.exit_code == code


@pytest.mark.parametrize("first, code", BOTH)
def test_ctrl_c_after_the_first_signal_stops_at_once(first, code):
    with pytest.raises(KeyboardInterrupt), catch_stop_signals() as stop:
        signal.raise_signal(first)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("went on")
    assert stop.exit_code == code


def test_further_sigterms_change_nothing():
    with catch_stop_signals() as stop:
        signal.raise_signal(signal.SIGINT)
        for _ in range(3):
            signal.raise_signal(signal.SIGTERM)
    assert stop.exit_code == 130


def test_previous_handlers_come_back_also_after_an_exception(handlers):
    def own(number, frame):
        pass

    signal.signal(signal.SIGTERM, own)
    with pytest.raises(KeyError), catch_stop_signals():
        assert signal.getsignal(signal.SIGTERM) is not own
        raise KeyError
    assert signal.getsignal(signal.SIGTERM) is own
    assert signal.getsignal(signal.SIGINT) is handlers[signal.SIGINT]


def test_ignored_signal_stays_ignored():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with catch_stop_signals() as stop:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        assert not stop
        signal.raise_signal(signal.SIGTERM)
        assert stop.exit_code == 143
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_nested_blocks_give_each_loop_its_own_flag():
    with catch_stop_signals() as outer:
        with catch_stop_signals() as inner:
            signal.raise_signal(signal.SIGTERM)
        assert inner and not outer


def test_outside_the_main_thread_nothing_is_touched(handlers):
    seen = []

    def work():
        with catch_stop_signals() as stop:
            seen.append((type(stop), bool(stop), signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(StopSignal, False, handlers[signal.SIGINT])]


def test_closed_standard_error_does_not_turn_a_signal_into_a_crash():
    saved = os.dup(2)
    os.close(2)
    try:
        with catch_stop_signals() as stop:
            signal.raise_signal(signal.SIGTERM)
    finally:
        os.dup2(saved, 2)
        os.close(saved)
    assert stop


@pytest.mark.parametrize("number, code", BOTH)
def test_process_ends_with_the_exit_code_of_the_signal(number, code):
    with process("polite") as child:
        child.send_signal(number)
        assert child.wait(timeout=10) == code


def test_loop_that_never_looks_is_stopped_by_the_second_ctrl_c():
    with process("deaf") as child:
        child.send_signal(signal.SIGINT)
        assert b"Ctrl-C" in child.stderr.readline() + child.stderr.readline()
        child.send_signal(signal.SIGINT)
        assert child.wait(timeout=10) == -signal.SIGINT


def process(how):
    child = subprocess.Popen(
        [sys.executable, "-c", LOOP, how],
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.stdout.readline() == b"ready\n"
    return child
