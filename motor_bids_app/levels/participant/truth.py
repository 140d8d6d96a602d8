"""How close the derivatives of a simulated participant come to the truth."""

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from motor_bids_app.bids.files import load_image
from motor_bids_app.bids.paths import TRUTH, DerivativePath
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.mri.resampling import resample
from motor_bids_app.settings import STANDARD_SPACE
from motor_bids_app.simulation.sampling import grid_points
from motor_bids_app.spaces.grids import Grid
from motor_bids_app.spaces.templates import load_template

_WHITE_MATTER = 0.35  # true FA from which a voxel is white matter
_NEAR = 12.0  # mm from the lesion


def compare_with_truth(bids_dir: Path, outputs: Outputs) -> dict[str, float]:
    """Measure the anatomy and diffusion of one simulated participant.

    Returns
    -------
    dict of float
        "brain_dice"; "gm_correlation" and "wm_correlation" in the true brain outside the
        lesion; "deformation_mm" and "deformation_near_lesion_mm": mean distance between where
        template points are and where they were found; "fa_error": mean absolute error of FA in
        true white matter. What was not scanned is left out.
    """
    truth = _Truth(bids_dir, outputs)
    brain = truth.mask("mask", "anat", desc="brain")
    lesion = truth.mask("mask", "anat", desc="lesion") if truth.has_lesion else np.zeros_like(brain)
    found = np.asarray(outputs.load("mask", "anat", desc="brain").dataobj) > 0
    result = {"brain_dice": float(2 * (found & brain).sum() / (found.sum() + brain.sum()))}
    for name in ("GM", "WM"):
        true = truth.load("probseg", "anat", label=name)
        own = outputs.load("probseg", "anat", label=name)
        result[f"{name.lower()}_correlation"] = _correlation(own, true, brain & ~lesion)
    result |= _deformation(truth, outputs)
    if truth.path("dwimap", "dwi", desc="fa").is_file():
        result["fa_error"] = _fa_error(truth, outputs)
    return result


class _Truth:
    """Files of the truth about one participant."""

    def __init__(self, bids_dir: Path, outputs: Outputs) -> None:
        self.folder, self.outputs = bids_dir / TRUTH, outputs

    def path(self, suffix: str, datatype: str, **entities: Any) -> Path:
        name = DerivativePath(
            sub=self.outputs.participant,
            ses=self.outputs.session,
            suffix=suffix,
            datatype=datatype,
            **entities,
        )
        return self.folder / str(name)

    def load(self, suffix: str, datatype: str, **entities: Any) -> nib.Nifti1Image:
        return load_image(self.path(suffix, datatype, **entities))

    def mask(self, suffix: str, datatype: str, **entities: Any) -> NDArray[np.bool_]:
        return np.asarray(self.load(suffix, datatype, **entities).dataobj) > 0.5

    @property
    def has_lesion(self) -> bool:
        return self.path("mask", "anat", desc="lesion").is_file()


def _deformation(truth: _Truth, outputs: Outputs) -> dict[str, float]:
    """Compare template points in the head with where they really are, over the template's brain."""
    points = truth.load("points", "anat", space=STANDARD_SPACE)
    grid = Grid.of(points)
    true = np.asarray(points.dataobj, dtype=np.float64).reshape(-1, 3)
    start = grid_points(grid).reshape(-1, 3)
    found = outputs.load_transform()(start)
    error = np.linalg.norm(found - true, axis=1)
    brain = np.asarray(resample(load_template("brain", 2), grid, order=0).dataobj).ravel() > 0
    result = {"deformation_mm": float(error[brain].mean())}
    path = outputs.path("mask", "anat", label="L", standard=True)
    if path.is_file():
        lesion = start[np.asarray(resample(load_image(path), grid).dataobj).ravel() > 0.5]
        if len(lesion):
            near = brain & (cKDTree(lesion).query(start)[0] < _NEAR)
            result["deformation_near_lesion_mm"] = float(error[near].mean())
    return result


def _fa_error(truth: _Truth, outputs: Outputs) -> float:
    # In the lesion FA is low, so that it is no white matter by this limit.
    true = truth.load("dwimap", "dwi", desc="fa")
    values = np.asarray(true.dataobj, dtype=np.float64)
    own = outputs.load("dwimap", "dwi", model="tensor", param="fa")
    measured = truth.mask("mask", "dwi", desc="brain") & (values > _WHITE_MATTER)
    return float(np.abs(np.asarray(own.dataobj) - values)[measured].mean())


def _correlation(own: nib.Nifti1Image, true: nib.Nifti1Image, where: NDArray[np.bool_]) -> float:
    values = [np.asarray(image.dataobj, dtype=np.float64)[where] for image in (own, true)]
    return float(np.corrcoef(values[0], values[1])[0, 1])
