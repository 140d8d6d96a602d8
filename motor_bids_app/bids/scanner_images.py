"""Single diffusion images that scanners make of a series, told by their names."""

import re
from pathlib import Path

from motor_bids_app.bids.listing import Found
from motor_bids_app.bids.search import inherited
from motor_bids_app.errors import MotorBidsAppError
from motor_bids_app.opening import read_text

TRACE = re.compile("TRACE.*|ISO|DWI", re.IGNORECASE)
SCANNER_MAP = re.compile("ADC|FA|ColFA|TENSOR", re.IGNORECASE)
_TENSOR_DIRECTIONS = 6


def scanner_label(file: Found, root: Path) -> str:
    """Label that says whether an image is a single one of the scanner: its rec, else its acq.

    The acq is anyone's word, as for "isotropic", and says nothing where there are the directions
    of a tensor.
    """
    if file.get("reconstruction"):
        return str(file.get("reconstruction"))
    label = str(file.get("acquisition") or "")
    if is_single(label) and count_directions(file, root) >= _TENSOR_DIRECTIONS:
        return ""
    return label


def is_single(label: str) -> bool:
    """Whether a label is one of those that scanners give to single images."""
    return bool(TRACE.fullmatch(label) or SCANNER_MAP.fullmatch(label))


def count_directions(file: Found, root: Path) -> int:
    """Different axes in the bvec file of an image; 0 where there is no readable one."""
    tables = inherited(file.path, ".bvec", root)
    try:
        rows = [line.split() for line in read_text(tables[-1]).splitlines()]
        vectors = [[float(cell) for cell in row] for row in rows if row]
        columns = {tuple(column) for column in zip(*vectors, strict=True)}
    except (IndexError, MotorBidsAppError, ValueError):
        return 0
    return len({max(column, tuple(-x for x in column)) for column in columns if any(column)})
