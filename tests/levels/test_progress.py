"""Progress on a terminal and elsewhere."""

import io
import logging
import sys
import threading

import pytest

from motor_bids_app.levels import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_elsewhere_the_end_is_logged_and_nothing_is_drawn(caplog, monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with caplog.at_level(logging.INFO), progress.progress_bar("mine: kernel") as report:
        for done in (1, 2, 3):
            report(done, 3)
    assert caplog.messages == ["mine: kernel, 3 of 3 fits"]
    assert stream.getvalue() == ""


def test_long_work_is_logged_on_the_way(caplog, monkeypatch):
    monkeypatch.setattr(progress, "LOG_SECONDS", -1)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with caplog.at_level(logging.INFO), progress.progress_bar("mine: kernel") as report:
        report(1, 3)
    assert caplog.messages == ["mine: kernel, 1 of 3 fits, about 0 s left"]


def test_on_a_terminal_a_bar_counts_the_fits(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with progress.progress_bar("mine: kernel") as report:
        report(2, 5)
    assert "mine: kernel" in stream.getvalue()


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_every_item_comes_through(stream, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream)
    assert list(progress.track(range(4), 4, "people", progress.TimeLeft())) == [0, 1, 2, 3]


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test sets."""
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_time_left_is_right_after_each_round_of_equal_work(clock, workers):
    total, length = 8 * workers, 75.0
    left = progress.TimeLeft(workers)
    assert left.seconds is None

    for rounds in range(1, 9):
        clock[0] = 1000 + rounds * length
        for worker in range(workers):
            clock[0] += 0.1  # nobody ends at quite the same time
            left.count(total - (rounds - 1) * workers - worker - 1)
        assert left.seconds == pytest.approx((8 - rounds) * length, rel=0.02, abs=0.5)


def test_a_first_one_of_several_at_once_tells_of_the_others(clock):
    left = progress.TimeLeft(workers=2)
    clock[0] += 100
    left.count(3)
    assert 100 <= left.seconds <= 150


def test_what_an_earlier_run_did_says_nothing_of_the_time_left(clock):
    left = progress.TimeLeft()
    for number in range(500):
        clock[0] += 0.01
        left.count(999 - number, worked=False)
    assert left.seconds is None
    clock[0] += 60
    left.count(499)

    assert left.seconds == pytest.approx(499 * 60)
    assert str(left) == ", about 8 h left"


def test_the_time_left_passes_while_nothing_ends(clock):
    left = progress.TimeLeft()
    clock[0] += 60
    left.count(1)
    clock[0] += 45
    assert left.seconds == pytest.approx(15)
    clock[0] += 45
    assert left.seconds == 0


@pytest.fixture
def elsewhere(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())


def test_a_quiet_run_says_that_it_is_still_at_work(caplog, elsewhere):
    said = threading.Event()

    def say():
        said.set()
        return "still at work"

    with caplog.at_level(logging.INFO), progress.pulse(say, watched=False, seconds=0.01):
        assert said.wait(30)
    assert "still at work" in caplog.messages


def test_a_run_that_speaks_is_not_interrupted(caplog, elsewhere):
    logger = logging.getLogger("motor_bids_app.levels")
    with caplog.at_level(logging.INFO), progress.pulse(str, watched=False, seconds=1000):
        logger.info("done")
    assert caplog.messages == ["done"]


def test_where_a_person_watches_a_bar_nothing_is_said(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    threads = threading.active_count()
    with progress.pulse(str, watched=True, seconds=0.01):
        assert threading.active_count() == threads
