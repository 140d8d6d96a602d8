"""Read a tractogram that somebody gives in the place of that of this package."""

import re
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine

from motor_bids_app.bids.mni_spaces import known_space
from motor_bids_app.errors import DataError, MotorBidsAppError, UsageError
from motor_bids_app.opening import check_file
from motor_bids_app.settings import MNI_SPACES
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.tractograms import Tractogram

_ENDINGS = (".trk", ".tck")
_MOST = 200_000  # streamlines; with their mirror images they are kept in memory
_IN_BRAIN = 0.5  # of the points must be
ALL = "all"  # the one bundle of such a file


def tractogram_space(path: Path) -> str:
    """Return the MNI152 space that a tractogram is in, by its name, after a look at what it is.

    Raises
    ------
    UsageError
        It has another format, or its name does not say a space that it can be moved from.
    InputMissingError, ReadWriteError
        There is no such file, or it cannot be opened.
    """
    if path.suffix.lower() not in _ENDINGS:
        raise UsageError(
            f"--tractogram {path}: only {' and '.join(_ENDINGS)} are read. Convert it first (a "
            ".trx file with trx-python)."
        )
    check_file(path)
    match = re.search("(?:^|_)space-([0-9A-Za-z]+)[_.]", path.name)
    space = known_space(match[1]) if match else None
    if space is None:
        raise UsageError(
            f"--tractogram {path}: its name must say in which space it is, as in "
            f"space-{MNI_SPACES[-2]}_tractogram.trk. It can be one of {', '.join(MNI_SPACES)}."
        )
    return space


def read_tractogram(path: Path) -> Tractogram:
    """Read the streamlines of a TRK or TCK file, as one bundle.

    Raises
    ------
    UsageError
        See `tractogram_space`.
    DataError
        It is damaged, holds no streamlines or too many, or does not lie in the brain.
    """
    space = tractogram_space(path)
    try:
        streamlines = nib.streamlines.load(path).streamlines
        points = np.asarray(streamlines.get_data(), dtype=np.float32).reshape(-1, 3)
        lengths = np.array([len(one) for one in streamlines], dtype=np.int64)
    except MotorBidsAppError:
        raise
    except Exception as error:  # whatever nibabel finds wrong, of many kinds
        raise DataError(f"{path} cannot be read as streamlines: {error}. Copy it again.") from error
    points, lengths = points[: int(lengths.sum())], lengths[lengths > 0]
    if not 0 < len(lengths) <= _MOST:
        raise DataError(
            f"{path} has {len(lengths)} streamlines, and must have 1 to {_MOST}. Thin it out, for "
            "example with tckedit -number of MRtrix3."
        )
    if not np.isfinite(points).all():
        raise DataError(f"{path} has points that are not finite. Write it again.")
    _check_place(points, path)
    return Tractogram(points, lengths, np.zeros(len(lengths), dtype=np.int64), (ALL,), space)


def _check_place(points: np.ndarray, path: Path) -> None:
    """Raise unless most points lie in the brain: MNI152 spaces differ by little in comparison."""
    brain = load_template("brain", 4)
    voxels = np.rint(apply_affine(np.linalg.inv(brain.affine), points)).astype(int)
    inside = ((voxels >= 0) & (voxels < brain.shape)).all(axis=1)
    voxels = np.where(inside[:, None], voxels, 0)
    share = float((np.asarray(brain.dataobj)[tuple(voxels.T)] * inside).mean())
    if share < _IN_BRAIN:
        raise DataError(
            f"Only {100 * share:.0f} % of the points of {path} lie in the brain of an MNI152 "
            "template: its coordinates are of another space, or in voxels. Move it there first."
        )
