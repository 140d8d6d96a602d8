"""Entry points: do what the command line says, and end with one sentence and the exit code."""

import errno
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from motor_bids_app.cli.parse import parse_settings
from motor_bids_app.cli.values import available_cpus
from motor_bids_app.errors import EXIT_CODES, MotorBidsAppError
from motor_bids_app.settings import SelfTest, Settings

log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the BIDS App; return its exit code."""
    return _guarded(lambda: _run(parse_settings(argv)))


def simulate(argv: Sequence[str] | None = None) -> int:
    """Run the simulator; return its exit code."""
    from motor_bids_app.cli.simulate import main as run

    return _guarded(lambda: run(argv))


def convert(argv: Sequence[str] | None = None) -> int:
    """Run the converter of recordings; return its exit code."""
    from motor_bids_app.cli.convert import main as run

    return _guarded(lambda: run(argv))


def _run(request: Settings | SelfTest) -> str:
    """Do what was asked for, and say in one sentence what happened.

    The levels are imported here, so that --help and wrong usage answer at once.
    """
    if isinstance(request, SelfTest):
        from motor_bids_app.levels.selftest import run as selftest

        _log_to_terminal(0)
        return selftest(request, n_procs=available_cpus())
    from motor_bids_app.levels.run import run

    _log_to_terminal(request.verbosity)
    return run(request)


def _guarded(work: Callable[[], str]) -> int:
    """Turn errors into exit codes; the last line on stderr says what happened."""
    try:
        with _ended_by_signals():
            sentence, code = work(), 0
    except MotorBidsAppError as error:
        sentence, code = str(error), error.exit_code
    except KeyboardInterrupt as stop:
        by = f"Stopped by {stop}" if str(stop) else "Interrupted"
        sentence, code = f"{by}; run the same command again to continue.", 75
    except Exception as error:
        sentence, code = _unforeseen(error)
    kind = "" if code == 0 else f" (exit {code}: {EXIT_CODES[code]})"
    with suppress(OSError):  # nobody is there to read it, or no room
        sys.stderr.write(f"motor_bids_app: {sentence}{kind}\n")
    return code


def _unforeseen(error: Exception) -> tuple[str, int]:
    """Sentence and exit code of an error that no code foresaw: a full disk, or a bug."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
        place = f"{error.filename} could not be written" if error.filename else "Writing failed"
        return f"{place}: {error.strerror}. Free space, then run again to continue.", 74
    logging.getLogger("motor_bids_app").exception("internal error")
    return f"Internal error (a bug, please report it): {error!r}", 70


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let signals that ask to end, as of a scheduler or a container, end the block like Ctrl-C.

    A signal that the caller has this process ignore (nohup) stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    names = [name for name in ("SIGTERM", "SIGHUP", "SIGXCPU") if hasattr(signal, name)]
    before = {signal.Signals[name]: signal.getsignal(signal.Signals[name]) for name in names}

    def stop(number: int, _frame: object) -> None:
        for other in before:
            signal.signal(other, signal.SIG_IGN)  # one is enough; cleaning up takes a while
        raise KeyboardInterrupt(signal.Signals(number).name)

    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _log_to_terminal(verbosity: int) -> None:
    logging.raiseExceptions = False  # a log that cannot be written is no reason for a traceback
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    levels = {-1: logging.WARNING, 0: logging.INFO}
    handler.setLevel(levels.get(verbosity, logging.DEBUG))
    logger = logging.getLogger("motor_bids_app")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logging.captureWarnings(capture=True)


if __name__ == "__main__":
    sys.exit(main())
