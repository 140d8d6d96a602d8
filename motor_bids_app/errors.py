"""Errors a user can act on, and the one table of exit codes."""

import errno
from collections.abc import Sequence
from pathlib import Path
from typing import Any

EXIT_CODES: dict[int, str] = {
    0: "all done",
    1: "some participants or runs failed, the rest was written",
    16: "the input dataset fails BIDS validation",
    17: "unknown analysis level",
    18: "the selection is empty",
    64: "wrong usage of the command line",
    65: "the data cannot be used",
    66: "an input is missing",
    70: "internal error (a bug)",
    73: "the output cannot be created",
    74: "reading or writing failed",
    75: "temporary failure, try again later",
}


class MotorBidsAppError(Exception):
    """Base of all errors whose message tells the user what to do."""

    exit_code = 65


class IncompleteRunError(MotorBidsAppError):
    """Some participants or runs failed; the others are written.

    Parameters
    ----------
    message : str
    results : sequence
        What the others gave, to be shown all the same.
    """

    exit_code = 1

    def __init__(self, message: str, results: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.results = tuple(results)


class ValidationError(MotorBidsAppError):
    """The input dataset breaks the BIDS standard."""

    exit_code = 16


class UnknownLevelError(MotorBidsAppError):
    """The analysis level is none of those the app has."""

    exit_code = 17


class EmptySelectionError(MotorBidsAppError):
    """The filters left no participant."""

    exit_code = 18


class UsageError(MotorBidsAppError):
    """The command line, or a settings file, asks for something impossible."""

    exit_code = 64


class DataError(MotorBidsAppError):
    """Data are there, but cannot be used."""

    exit_code = 65


class GridMismatchError(DataError):
    """Two images that belong together have different grids."""


class EmptyRegionError(DataError):
    """A mask or region has no usable voxel."""


class GradientTableError(DataError):
    """The b-values or directions do not fit the diffusion images."""


class TableError(DataError):
    """A table is not what BIDS calls one, or a cell of it means nothing."""


class ScoreError(TableError):
    """A score or demographic value is out of range, undeclared or contradictory."""


class InvalidNameError(DataError):
    """A label cannot be part of a BIDS file name."""


class IncompatibleModelError(DataError):
    """A model cannot be applied to these derivatives."""


class InputMissingError(MotorBidsAppError):
    """A file or folder that was asked for does not exist."""

    exit_code = 66


class InternalError(MotorBidsAppError):
    """A bug: its traceback is in the logs of the output."""

    exit_code = 70


class WorkerDiedError(MotorBidsAppError):
    """A worker process ended before its work was done."""

    exit_code = 1


class OutputError(MotorBidsAppError):
    """The output folder cannot be made or written."""

    exit_code = 73


class ReadWriteError(MotorBidsAppError):
    """A file is damaged, or the disk refused."""

    exit_code = 74


class DiskFullError(ReadWriteError):
    """The disk has no room left, so that nothing that is still to do can be kept."""


class TryAgainError(MotorBidsAppError):
    """Something outside is busy; the same call may succeed later."""

    exit_code = 75


def check_space(error: OSError, place: Path) -> None:
    """Raise DiskFullError if an error says that there is no room left to write at a place."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        raise DiskFullError(
            f"{place} could not be written: {error.strerror}. Free space there, or choose another "
            "folder; then run again to continue."
        ) from error
