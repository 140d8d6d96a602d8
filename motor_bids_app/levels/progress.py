"""Progress: a bar on a terminal; elsewhere nothing, or log lines every few seconds."""

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Item = TypeVar("Item")
log = logging.getLogger(__name__)
LOG_SECONDS = 10
QUIET_SECONDS = 30  # after which a run says that it is still at work


def track(items: Iterable[Item], total: int, unit: str) -> Iterator[Item]:
    """Yield `items`, drawing a bar on stderr where a person is watching."""
    if not sys.stderr.isatty() or total < 2:
        yield from items
        return
    with _bar(unit) as progress:
        yield from progress.track(items, total=total)


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Give a function that is told how many fits are done, of how many.

    On a terminal it draws a bar; it always logs the end, and elsewhere the way, now and then.
    """
    last = time.monotonic()
    watched = sys.stderr.isatty()

    def report(done: int, total: int) -> None:
        nonlocal last
        if done == total or (not watched and time.monotonic() > last + LOG_SECONDS):
            last = time.monotonic()
            log.info("%s, %d of %d fits", what, done, total)

    if not watched:
        yield report
        return
    with _bar(what) as progress:
        task: TaskID = progress.add_task(what, total=None)

        def show(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)
            report(done, total)

        yield show


class _Last(logging.Handler):
    """Remembers when something was logged."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.time = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:  # noqa: ARG002 (what it says does not matter)
        self.time = time.monotonic()


@contextmanager
def pulse(
    say: Callable[[], str], *, watched: bool, seconds: float = QUIET_SECONDS
) -> Iterator[None]:
    """Log what `say` returns whenever nothing was logged for some seconds.

    `watched` tells whether there is a bar where a person is watching: then nothing is said.
    """
    if watched and sys.stderr.isatty():
        yield
        return
    logger, last, ended = logging.getLogger("motor_bids_app"), _Last(), threading.Event()
    logger.addHandler(last)

    def beat() -> None:
        while not ended.wait(max(0.01, last.time + seconds - time.monotonic())):
            if time.monotonic() >= last.time + seconds:
                log.info("%s", say())
                last.time = time.monotonic()  # a logger of warnings alone tells it nothing

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        logger.removeHandler(last)


def _bar(unit: str) -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), unit, TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)
