"""Progress: a bar on a terminal; elsewhere nothing, or log lines every few seconds."""

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress, Task, TaskID

Item = TypeVar("Item")
log = logging.getLogger(__name__)
LOG_SECONDS = 10
QUIET_SECONDS = 30  # after which a run says that it is still at work
_RECENT = 20  # units from whose pace the time left is told


class TimeLeft:
    """How long the rest will take, from the pace of the last units.

    Parameters
    ----------
    workers : int
        Units that are under way at a time: before the first ones are done, others are nearly so.
    """

    def __init__(self, workers: int = 1) -> None:
        self._workers, self._left = workers, 0
        self._ends = [time.monotonic()]  # of units; the first is the start

    def count(self, left: int, *, worked: bool = True) -> None:
        """Note that a unit is done and how many are left; `worked`: not by an earlier run."""
        self._left = left
        if worked:
            self._ends.append(time.monotonic())
        elif len(self._ends) == 1:
            self._ends = [time.monotonic()]

    @property
    def seconds(self) -> float | None:
        """Seconds left; None before anything was done."""
        n = min(len(self._ends) - 1, _RECENT)
        if not n:
            return None
        last = self._ends[-1]
        each = (last - self._ends[-1 - n]) / max(n, min(self._workers, n + self._left))
        return max(0.0, each * self._left - (time.monotonic() - last))

    def __str__(self) -> str:
        """Words for a line of the log: ', about 3 min left'."""
        seconds = self.seconds
        if seconds is None or not self._left:
            return ""
        for unit, length in (("h", 3600), ("min", 60)):
            if seconds >= 2 * length:
                return f", about {seconds / length:.0f} {unit} left"
        return f", about {seconds:.0f} s left"


def track(items: Iterable[Item], total: int, unit: str, left: TimeLeft) -> Iterator[Item]:
    """Yield `items`, drawing a bar on stderr where a person is watching."""
    if not sys.stderr.isatty() or total < 2:
        yield from items
        return
    with _bar(unit, left) as progress:
        yield from progress.track(items, total=total)


@contextmanager
def progress_bar(
    what: str, workers: int = 1, units: str = "fits"
) -> Iterator[Callable[[int, int], None]]:
    """Give a function that is told how many fits (or other units) are done, of how many.

    On a terminal it draws a bar; it always logs the end, and elsewhere the way, now and then.
    """
    last = time.monotonic()
    watched = sys.stderr.isatty()
    left = TimeLeft(workers)

    def report(done: int, total: int) -> None:
        nonlocal last
        left.count(total - done)
        if done == total or (not watched and time.monotonic() > last + LOG_SECONDS):
            last = time.monotonic()
            log.info("%s, %d of %d %s%s", what, done, total, units, left)

    if not watched:
        yield report
        return
    with _bar(what, left) as progress:
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


def _bar(unit: str, left: TimeLeft) -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn
    from rich.text import Text

    class _Left(ProgressColumn):
        """The time left: rich's own counts from the first unit, which several begin with."""

        def render(self, task: "Task") -> Text:  # noqa: ARG002 (all bars have one task)
            return Text(str(left).removeprefix(", "), style="progress.remaining")

    columns = (BarColumn(), MofNCompleteColumn(), unit, _Left())
    return Progress(*columns, console=Console(stderr=True), transient=True)
