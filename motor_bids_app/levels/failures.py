"""What a failure means for the run: most end one participant or experiment, some the whole."""

import traceback
from pathlib import Path

from motor_bids_app.bids.files import write_text
from motor_bids_app.errors import (
    DataError,
    DiskFullError,
    InternalError,
    MotorBidsAppError,
    check_space,
)

_NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "bad allocation")


def failure_of(error: Exception, output_dir: Path, name: str) -> MotorBidsAppError:
    """Return an error of one participant or experiment as one with a message for the user.

    Of a bug, the traceback goes to ``logs/crash-<name>.txt``; it must not take down the others.

    Raises
    ------
    DiskFullError
        There is no room for what the others would write either.
    """
    if isinstance(error, OSError):
        check_space(error, output_dir)
    if isinstance(error, DiskFullError):
        raise error
    if isinstance(error, MotorBidsAppError):
        return error
    if isinstance(error, MemoryError) or any(words in str(error).lower() for words in _NO_MEMORY):
        return DataError(
            f"The memory did not suffice ({error or type(error).__name__}). Use a machine with "
            "more, or fewer processes (--nprocs)."
        )
    crash = output_dir / "logs" / f"crash-{name}.txt"
    write_text(crash, "".join(traceback.format_exception(error)))
    return InternalError(f"internal error {error!r}: please report it with {crash}")
