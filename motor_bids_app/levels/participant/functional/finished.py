"""Reading of bold that fMRIPrep has freed of motion, and of what tells where its space is."""

from dataclasses import dataclass

import nibabel as nib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.bids.bold import BoldFile
from motor_bids_app.bids.files import load_image
from motor_bids_app.bids.mni_spaces import known_space
from motor_bids_app.bids.scan import Scan
from motor_bids_app.bids.tables.tsv import numeric_column, read_table
from motor_bids_app.errors import DataError
from motor_bids_app.levels.participant.functional.read import Series, read_series
from motor_bids_app.mri.diffusion.motion import framewise_displacement
from motor_bids_app.mri.functional.motion import SeriesMotion
from motor_bids_app.settings import STANDARD_SPACE, BoldSettings

_PLACES = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")
_UNSTEADY = "non_steady_state_outlier"


@dataclass(frozen=True, eq=False, kw_only=True)
class ToolSpace:
    """The space that a tool has brought a series to.

    Parameters
    ----------
    mni : str or None
        It is this one of `settings.MNI_SPACES`.
    is_of_head : bool
        It is that of the person's head; else it is another standard space.
    head, brain : Nifti1Image or None
        The tool's head in that space, and the mask of its brain. Without that head, the space is
        the one that our own head was taken from.
    """

    mni: str | None = None
    is_of_head: bool = False
    head: nib.Nifti1Image | None = None
    brain: nib.Nifti1Image | None = None


def read_finished(bold: BoldFile, settings: BoldSettings) -> tuple[Series, SeriesMotion]:
    """Read a finished series, and the motion that was found and undone.

    Volumes that the tool calls unsteady are dropped, unless the settings give their number.

    Raises
    ------
    DataError
        The table has no motion, or another number of rows than the series has volumes.
    """
    assert bold.confounds is not None
    table = read_table(bold.confounds)
    missing = [name for name in _PLACES if name not in table]
    if missing:
        raise DataError(
            f"{bold.confounds} has no column {missing[0]}: without motion the bold cannot be "
            "cleaned. Take the whole derivative, or leave it out to start from the raw bold."
        )
    marked = [name for name in table if str(name).startswith(_UNSTEADY)]
    flags = [numeric_column(table, str(name), bold.confounds) for name in marked]
    found = pd.concat(flags, axis=1) if flags else None
    dropped = settings.dummy_scans
    if dropped is None:
        dropped = 0 if found is None else int(found.to_numpy().any(axis=1).sum())
    series = read_series(bold, settings, dropped)
    if len(table) != series.data.shape[3] + dropped:
        raise DataError(
            f"{bold.confounds} has {len(table)} rows, but {bold.path} has "
            f"{series.data.shape[3] + dropped} volumes. They do not belong together."
        )
    return series, _motion(table.iloc[dropped:], bold)


def _motion(table: pd.DataFrame, bold: BoldFile) -> SeriesMotion:
    """Motion in a table of confounds (mm and radians); nothing of it is left to be undone."""
    assert bold.confounds is not None
    columns = [numeric_column(table, name, bold.confounds) for name in _PLACES]
    parameters: NDArray[np.float64] = np.stack(columns, axis=1).astype(np.float64)
    gaps = np.isnan(parameters).sum(axis=0)
    if gaps.any():
        first = int((gaps > 0).argmax())
        raise DataError(
            f"{bold.confounds} has no number in {gaps[first]} rows of {_PLACES[first]}: without "
            "motion the bold cannot be cleaned. Take the whole derivative, or leave it out to "
            "start from the raw bold."
        )
    parameters[:, 3:] = np.rad2deg(parameters[:, 3:])
    matrices = np.tile(np.eye(4), (len(table), 1, 1))
    return SeriesMotion(parameters, framewise_displacement(parameters), matrices)


def read_tool_space(scan: Scan) -> ToolSpace:
    """Read what tells where the space of a finished series is."""
    bold = scan.bold
    assert bold is not None
    known = known_space(bold.space or "")
    if known and (known == STANDARD_SPACE or bold.head is None):
        return ToolSpace(mni=known)
    assert bold.head is not None
    if bold.space == "T1w" and bold.head == scan.finished.head:
        return ToolSpace(is_of_head=True)
    head = load_image(bold.head)
    if bold.space == "T1w":
        return ToolSpace(is_of_head=True, head=head)
    return ToolSpace(head=head, brain=load_image(bold.head_brain) if bold.head_brain else None)
