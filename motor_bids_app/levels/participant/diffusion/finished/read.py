"""Reading of what another tool has finished of a participant's diffusion."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from motor_bids_app.bids.files import load_image
from motor_bids_app.bids.scan import Scan
from motor_bids_app.bids.tables.tsv import numeric_column, read_table
from motor_bids_app.errors import DataError
from motor_bids_app.levels.participant.diffusion.read import Head, read_head
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.mri.diffusion.gradients import GradientTable, parse_gradients
from motor_bids_app.opening import read_text
from motor_bids_app.settings import STANDARD_SPACE
from motor_bids_app.spaces.grids import finite_values


@dataclass(frozen=True, eq=False)
class HeadOfTool:
    """The head of ours that diffusion is placed by, and the one that the tool aligned it with.

    `is_ours`: the tool's is the head that ours was made from. `image` is the tool's where it is
    another one, and None where none is known.
    """

    ours: Head
    is_ours: bool
    image: nib.Nifti1Image | None


@dataclass(frozen=True, eq=False)
class FinishedMaps:
    """Tensor maps in units of the tool, by 'fa', 'md', 'rd' and 'ad', finite and of three axes.

    `head` is None for maps in the standard space. `warnings` say what makes them doubtful.
    """

    images: Mapping[str, nib.Nifti1Image]
    head: HeadOfTool | None
    dataset: str
    warnings: tuple[str, ...]
    space: str = STANDARD_SPACE


@dataclass(frozen=True, eq=False)
class FinishedSeries:
    """A series without noise and motion, shape (X, Y, Z, N), that a tensor can be fitted to.

    `brain` is the tool's mask of it. `displacement` is framewise, mm, shape (N,); None where the
    tool did not write it.
    """

    image: nib.Nifti1Image
    gradients: GradientTable
    brain: nib.Nifti1Image | None
    head: HeadOfTool
    displacement: NDArray[np.float64] | None
    dataset: str


def read_maps(scan: Scan, outputs: Outputs) -> FinishedMaps:
    """Read finished maps and the heads that place them.

    Raises
    ------
    DataError
        A map is of more than one value, or there is no head to place them by.
    """
    finished = scan.finished
    return FinishedMaps(
        images={name: _finite(load_image(path), path) for name, path in finished.maps.items()},
        head=None if finished.maps_standard else _heads(finished.maps_head, scan, outputs),
        dataset=finished.datasets["maps"],
        warnings=_without_lesion(scan, outputs),
        space=finished.maps_space,
    )


def read_series(scan: Scan, outputs: Outputs) -> FinishedSeries:
    """Read a finished series and the heads that place it.

    Raises
    ------
    DataError
        It is no series that a tensor can be fitted to, or there is no head to place it by.
    """
    finished = scan.finished
    assert finished.dwi is not None
    assert finished.bval is not None
    assert finished.bvec is not None
    image = load_image(finished.dwi)
    gradients = parse_gradients(read_text(finished.bval), read_text(finished.bvec))
    if image.ndim != 4:
        raise DataError(f"{finished.dwi} has {image.ndim} axes instead of 4: it is not a series.")
    gradients.check(image.shape[3])
    gradients.check_tensor()
    return FinishedSeries(
        image=image,
        gradients=gradients,
        brain=load_image(finished.dwi_brain) if finished.dwi_brain else None,
        head=_heads(finished.dwi_head, scan, outputs),
        displacement=_displacement(finished.dwi),
        dataset=finished.datasets["dwi"],
    )


def _heads(path: Path | None, scan: Scan, outputs: Outputs) -> HeadOfTool:
    """Load our head, and that of the tool at `path`."""
    ours = read_head(outputs)
    if ours is None:
        raise DataError(
            f"{outputs.prefix}: there is no head image by which finished diffusion images could be "
            "placed. See the anat step, or leave this derivative out."
        )
    if path is None or path == scan.finished.head:
        return HeadOfTool(ours, is_ours=path is not None, image=None)
    return HeadOfTool(ours, is_ours=False, image=load_image(path))


def _without_lesion(scan: Scan, outputs: Outputs) -> tuple[str, ...]:
    """Say that a mask of the person's own space has no head to lead it to the standard space."""
    if outputs.head is not None or scan.lesion is None or scan.lesion.is_standard:
        return ()
    return (
        f"{scan.lesion.path.name} was left out: no head image was processed that leads from the "
        f"{scan.lesion.image} to the standard space. The maps were measured as if there were no "
        "lesion.",
    )


def _displacement(dwi: Path) -> NDArray[np.float64] | None:
    """Framewise displacement that the tool wrote beside its series."""
    prefix = dwi.name.split("_space-")[0].split("_desc-")[0]
    names = (f"{prefix}_desc-confounds_timeseries.tsv", f"{prefix}_confounds.tsv")
    path = next((dwi.parent / name for name in names if (dwi.parent / name).is_file()), None)
    if path is None:
        return None
    table = read_table(path)
    if "framewise_displacement" not in table or len(table) < 2:
        return None
    moved = numeric_column(table, "framewise_displacement", path).fillna(0)
    return np.asarray(moved, dtype=np.float64)


def _finite(image: nib.Nifti1Image, path: Path) -> nib.Nifti1Image:
    if image.shape[3:] not in ((), (1,)):
        raise DataError(
            f"{path} has the shape {image.shape} instead of three axes: it is no map of one value. "
            "Leave it out of this derivative."
        )
    return nib.Nifti1Image(finite_values(image).reshape(image.shape[:3]), image.affine)
