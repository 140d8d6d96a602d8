"""Files that a step can do without: left out where they cannot be used, and that is said."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from motor_bids_app.errors import MotorBidsAppError
from motor_bids_app.opening import check_file

T = TypeVar("T")


def unless_unusable(what: str, read: Callable[[], T], warnings: list[str]) -> T | None:
    """What `read` returns; where it refuses, None, and a sentence more in `warnings`."""
    try:
        return read()
    except MotorBidsAppError as error:
        warnings.append(f"{what} was left out. {error}")
        return None


def within_reach(files: Mapping[str, Path]) -> tuple[dict[str, Path], tuple[str, ...]]:
    """Those whose content is here, and why others are out of reach."""
    there: dict[str, Path] = {}
    reasons: list[str] = []
    for name, path in files.items():
        try:
            check_file(path)
        except MotorBidsAppError as error:
            reasons.append(str(error))
        else:
            there[name] = path
    return there, tuple(reasons)
