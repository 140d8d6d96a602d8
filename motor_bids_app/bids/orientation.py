"""Where an image lies: what its header says, and what the user says where it does not."""

from collections.abc import Sequence
from fnmatch import fnmatch
from itertools import product
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine, voxel_sizes
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from motor_bids_app.bids.headers import DAMAGED
from motor_bids_app.errors import DataError, MotorBidsAppError
from motor_bids_app.opening import check_file
from motor_bids_app.settings import MATRICES, Trust

_EDGES = (0.05, 100.0)  # mm, of voxels; beyond, the header is in another unit
_APART = 1.001  # mm at a corner, from which qform and sform mean two places; a real 2 mm head has 1
_REMEDY = (
    "Convert the scanner's files again or repair the header, or say what holds with "
    "--trust-orientation"
)


class _Trusted:
    """What this process trusts; the settings say it once, before any image is read."""

    rules: tuple[Trust, ...] = ()


def trust_orientation(rules: Sequence[Trust]) -> None:
    """Say what holds from now on, in this process, for headers that leave it open."""
    _Trusted.rules = tuple(rules)


def oriented(image: nib.Nifti1Image, path: Path) -> nib.Nifti1Image:
    """Return the image with the affine to believe, and that one only.

    Raises
    ------
    DataError
        The header does not say where the image lies, or says two places, and no rule of
        `trust_orientation` is for it.
    """
    problem = orientation_problem(image)
    if problem is None:
        return image
    rule = _rule_for(path)
    if rule is None:
        raise DataError(f"{path}: {problem} {_REMEDY}{_offer(image.header)}.")
    affine = _believed(image, rule, path)
    made = nib.Nifti1Image(image.dataobj, affine, image.header)
    made.set_sform(affine, code=1)
    made.set_qform(None, code=0)
    return made


def trusted_notes(paths: Sequence[Path]) -> list[str]:
    """Say of which images it was trusted where left and right are, and what.

    Files that cannot be read are left to those who need them.
    """
    notes = []
    for path in dict.fromkeys(paths):
        rule = _rule_for(path)
        if rule is None:
            continue
        try:
            check_file(path)
            problem = orientation_problem(nib.load(path))
        except (MotorBidsAppError, *DAMAGED):
            continue
        what = f"its {rule.what}" if rule.what in MATRICES else f"that its axes lead to {rule.what}"
        if problem:
            notes.append(f"{path.name}: {problem} --trust-orientation says to trust {what}.")
    return notes


def orientation_problem(image: nib.Nifti1Image) -> str | None:
    """Say why the header leaves open where an image lies; None where it does not."""
    header = image.header
    sform, qform = _form(header, "sform"), _form(header, "qform")
    if not header["sform_code"] > 0 and not header["qform_code"] > 0:
        return (
            "its header does not say where the image lies (qform_code and sform_code are 0), so "
            "that left and right are unknown."
        )
    if not (header["sform_code"] > 0 and header["qform_code"] > 0):
        return None
    if sform is None or qform is None:
        return f"its {'sform' if sform is None else 'qform'} is no orientation."
    if np.linalg.det(sform[:3, :3]) * np.linalg.det(qform[:3, :3]) < 0:
        return "its qform and its sform are mirror images of each other: left and right are open."
    ends = np.array(list(product(*((0, n - 1) for n in image.shape[:3]))))
    apart = np.linalg.norm(apply_affine(sform, ends) - apply_affine(qform, ends), axis=-1).max()
    if apart <= _APART:
        return None
    return f"its qform and its sform lay a corner of the image {apart:.1f} mm apart."


def check_edges(image: nib.Nifti1Image, path: Path) -> None:
    """Raise for voxels of a size that is none in mm, which all that follows takes affines to be.

    The message names the unit that the header declares: it is not believed, as many are wrong.
    """
    edges = voxel_sizes(image.affine)
    if (edges > _EDGES[1]).any() or ((edges > 0) & (edges < _EDGES[0])).any():
        listed = " x ".join(f"{edge:g}" for edge in edges)
        raise DataError(
            f"{path} has voxels of {listed} mm (unit in its header: "
            f"{image.header.get_xyzt_units()[0]}), which no scan of a head has. Convert its header "
            "to mm, or correct it."
        )


def _form(header: Any, name: str) -> NDArray[np.float64] | None:
    """The matrix of a header, whatever its code; None where it is none."""
    try:
        matrix = header.get_sform() if name == "sform" else header.get_qform()
    except (HeaderDataError, ValueError, np.linalg.LinAlgError):
        return None
    usable = np.isfinite(matrix).all() and abs(np.linalg.det(matrix[:3, :3])) > 0
    return np.asarray(matrix, dtype=np.float64) if usable else None


def _rule_for(path: Path) -> Trust | None:
    return next((rule for rule in _Trusted.rules if fnmatch(path.name, rule.pattern)), None)


def _believed(image: nib.Nifti1Image, rule: Trust, path: Path) -> NDArray[np.float64]:
    if rule.what in MATRICES:
        matrix = _form(image.header, rule.what)
        if matrix is None:
            raise DataError(
                f"{path}: --trust-orientation {rule.what} cannot be applied, as its {rule.what} is "
                "not a valid orientation. Give the voxel orientation instead, such as LAS."
            )
        return matrix
    codes = nib.orientations.axcodes2ornt(tuple(rule.what))
    zooms = np.asarray(image.header.get_zooms()[:3], dtype=np.float64)
    affine = np.eye(4)
    affine[:3, :3] = 0
    for voxel_axis, (axis, sign) in enumerate(codes):
        affine[int(axis), voxel_axis] = sign * zooms[voxel_axis]
    middle = (np.array(image.shape[:3]) - 1) / 2
    affine[:3, 3] = -affine[:3, :3] @ middle
    return affine


def _offer(header: Any) -> str:
    """Ways to go on that this header allows."""
    forms = [name for name in MATRICES if _form(header, name) is not None]
    if header["sform_code"] > 0 or header["qform_code"] > 0:
        return f" {' or '.join(forms)}" if forms else " and where its axes lead, such as LAS"
    return " and the voxel orientation, such as LAS (left, anterior, superior)"
