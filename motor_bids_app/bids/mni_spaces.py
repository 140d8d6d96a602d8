"""Which MNI152 space a file is in, by its name and, where that leaves it open, its box."""

import re
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine

from motor_bids_app.bids.headers import DAMAGED
from motor_bids_app.errors import MotorBidsAppError
from motor_bids_app.opening import check_file
from motor_bids_app.settings import MNI_SPACES, STANDARD_SPACE

_KNOWN = {name.lower(): name for name in MNI_SPACES}
_OF_NO_VERSION = re.compile("(MNI|ICBM)(152)?", re.IGNORECASE)
_FSL = "MNI152NLin6Asym"  # what FSL, and with it most people, call MNI152
# First and last voxel centres (mm) of the templates, at 1 and 2 mm.
_BOXES = {
    "MNI152NLin2009cAsym": ((-96, -132, -78), (96, 96, 114)),
    STANDARD_SPACE: ((-98, -134, -72), (98, 98, 116)),
}
_FSL_BOX = ((-90, -126, -72), (90, 90, 108))  # also that of SPM, and of ours


def known_space(name: str) -> str | None:
    """Return how an MNI152 space is spelled from which images can be moved to ours.

    >>> known_space("MNI152NLin6ASym"), known_space("MNI152Lin")
    ('MNI152NLin6Asym', None)
    """
    return _KNOWN.get(name.lower())


def space_of(path: Path, name: str) -> tuple[str | None, str]:
    """Return the space of a file whose name calls it `name`, and what is doubtful about that.

    None where there is no warp from it; then the text says so.
    """
    known = known_space(name)
    if known:
        return known, ""
    if not _OF_NO_VERSION.fullmatch(name):
        return None, f"it is in {name}, from which there is no warp to {STANDARD_SPACE}"
    found = next((space for space, box in _BOXES.items() if _in_box(path, box)), _FSL)
    reason = "which FSL calls so" if found == _FSL else "whose box of voxels it has"
    return found, (
        f"{path.name} is in {name} of no version, and was taken to be in {found}, {reason}. If it "
        "is in another, it lies some millimetres off: name the version in its space."
    )


def has_box_of_template(path: Path) -> bool:
    """Whether the outermost voxels of an image are those of a template, as no scan's are."""
    return any(_in_box(path, box) for box in (*_BOXES.values(), _FSL_BOX))


def moved_in_words(space: str | None) -> str:
    """Say how an image of another of these spaces comes to ours.

    >>> moved_in_words("MNI152NLin2009cSym")
    'it is taken as it is, for that is MNI152NLin2009aSym in another box'
    """
    if (space or "").endswith("Sym"):
        return f"it is taken as it is, for that is {STANDARD_SPACE} in another box"
    return f"it is moved to {STANDARD_SPACE} by the displacement between the templates"


def _in_box(path: Path, box: tuple[tuple[int, ...], tuple[int, ...]]) -> bool:
    """Whether the outermost voxels of an image, by its header, are those of a template."""
    try:
        check_file(path)
        image = nib.load(path)
        ends = apply_affine(image.affine, [[0, 0, 0], [n - 1 for n in image.shape[:3]]])
    except (MotorBidsAppError, AttributeError, *DAMAGED):
        return False  # what cannot be read is told by who reads it
    return bool(np.allclose([ends.min(axis=0), ends.max(axis=0)], box, atol=1))
