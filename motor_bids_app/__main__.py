"""Entry points: do what the command line says, and end with one sentence and the exit code."""

import logging
import sys
from collections.abc import Callable, Sequence

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
        sentence, code = work(), 0
    except MotorBidsAppError as error:
        sentence, code = str(error), error.exit_code
    except KeyboardInterrupt:
        sentence, code = "Interrupted; run the same command again to continue.", 75
    except Exception as error:
        logging.getLogger("motor_bids_app").exception("internal error")
        sentence, code = f"Internal error (a bug, please report it): {error!r}", 70
    kind = "" if code == 0 else f" (exit {code}: {EXIT_CODES[code]})"
    sys.stderr.write(f"motor_bids_app: {sentence}{kind}\n")
    return code


def _log_to_terminal(verbosity: int) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    handler.setLevel(logging.DEBUG if verbosity > 0 else logging.INFO)
    logger = logging.getLogger("motor_bids_app")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logging.captureWarnings(capture=True)


if __name__ == "__main__":
    sys.exit(main())
