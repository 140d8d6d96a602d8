import errno
import os
import signal
import time

import pytest

from motor_bids_app.__main__ import _guarded


@pytest.fixture
def heard():
    """A hang-up ends a program, unless it was started to outlive its terminal (nohup)."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_signals_that_ask_to_end_clean_up_and_say_so(name, capsys):
    cleaned = []

    def work():
        try:
            os.kill(os.getpid(), signal.Signals[name])
            time.sleep(60)
        finally:
            os.kill(os.getpid(), signal.Signals[name])  # a second one does not end the cleaning
            cleaned.append(True)

    assert _guarded(work) == 75
    assert cleaned
    assert f"Stopped by {name}; run the same command again" in capsys.readouterr().err


def test_signals_mean_afterwards_what_they_meant_before():
    before = signal.getsignal(signal.SIGTERM)

    _guarded(lambda: "done")

    assert signal.getsignal(signal.SIGTERM) is before


def test_a_signal_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert _guarded(lambda: str(os.kill(os.getpid(), signal.SIGHUP))) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_disk_that_is_full_where_nobody_looked_is_no_bug(capsys):
    def work():
        raise OSError(errno.ENOSPC, "No space left on device", "/disk/log")

    assert _guarded(work) == 74
    assert "/disk/log could not be written: No space left" in capsys.readouterr().err
