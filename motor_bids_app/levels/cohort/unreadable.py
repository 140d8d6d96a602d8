"""Scans of which something cannot be read: named and left out, while the others go on."""

import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import nibabel as nib

from motor_bids_app.bids.files import load_image
from motor_bids_app.errors import DataError, DiskFullError, MotorBidsAppError
from motor_bids_app.levels.intact import check_intact

log = logging.getLogger(__name__)
Read = TypeVar("Read")


class UnreadableScansError(DataError):
    """Some scans cannot be read.

    Parameters
    ----------
    reasons : mapping of int to str
        Why, by row of the scan.
    """

    def __init__(self, reasons: Mapping[int, str]) -> None:
        super().__init__(" ".join(dict.fromkeys(reasons.values())))
        self.reasons = dict(reasons)


def read_each(
    rows: Iterable[int], read: Callable[[int], Read]
) -> tuple[dict[int, Read], dict[int, str]]:
    """Read scans by row; return what was read, and why others could not be."""
    found: dict[int, Read] = {}
    reasons: dict[int, str] = {}
    for row in rows:
        try:
            found[row] = read(row)
        except DiskFullError:
            raise
        except MotorBidsAppError as error:
            log.warning("left out: %s", error)
            reasons[row] = str(error)
    return found, reasons


def read_all(n_scans: int, read: Callable[[int], Read]) -> list[Read]:
    """Read all scans by row.

    Raises
    ------
    UnreadableScansError
        Some of them cannot be read: it names them all.
    """
    found, reasons = read_each(range(n_scans), read)
    check_readable(reasons, range(n_scans))
    return [found[row] for row in range(n_scans)]


def check_readable(reasons: Mapping[int, str], rows: Iterable[int]) -> None:
    """Raise UnreadableScansError if there is a reason for one of these rows."""
    mine = {int(row): reasons[row] for row in rows if row in reasons}
    if mine:
        raise UnreadableScansError(mine)


def load_derivative(path: Path) -> nib.Nifti1Image:
    """Load an image that the participant level, or another tool, made.

    Raises
    ------
    MotorBidsAppError
        It cannot be read, or is not as the participant level left it.
    """
    check_intact(path)
    return load_image(path)
