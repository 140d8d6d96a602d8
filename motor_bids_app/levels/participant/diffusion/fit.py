"""Maps of diffusion of a clean series: of a tensor, or of the trace."""

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from motor_bids_app.errors import GradientTableError
from motor_bids_app.levels.participant.diffusion.clean import Clean
from motor_bids_app.levels.participant.diffusion.read import Series
from motor_bids_app.mri.diffusion.axes import AxesCheck, check_axes
from motor_bids_app.mri.diffusion.gradients import TENSOR_LIMIT
from motor_bids_app.mri.diffusion.outliers import usable_values
from motor_bids_app.mri.diffusion.tensor import fit_tensor, fit_trace
from motor_bids_app.settings import ProcessingSettings
from motor_bids_app.spaces.grids import Grid

Maps = dict[str, NDArray[np.float32]]
_LEAST_USABLE = 0.5  # of the volumes, or a voxel was not measured


def fit_maps(
    clean: Clean, series: Series, brain: nib.Nifti1Image, settings: ProcessingSettings
) -> tuple[Clean, Maps]:
    """Fit a tensor, or the trace where directions are too few; check the axes of the table."""
    corrected, facts, gradients = clean.corrected, clean.facts, series.gradients
    mask = np.asarray(brain.dataobj)
    if gradients.tensor_limit > TENSOR_LIMIT:
        facts.notes.append(
            f"The lowest weighting is b = {gradients.bvals[~gradients.is_b0].min():.0f}, beyond "
            f"the {TENSOR_LIMIT:.0f} that a tensor describes well: diffusivities are too low."
        )
    try:
        corrected.gradients.check_tensor()
    except GradientTableError as reason:
        facts.methods.append("trace")
        facts.notes.append(f"No tensor was fitted. {reason}")
        return clean, fit_trace(corrected.data, corrected.gradients, mask)
    facts.methods.append("tensor")
    usable = usable_values(clean.dropouts, corrected.matrices, mask, series.slice_axis)
    if usable is not None:
        mask = mask * (usable.mean(axis=3) >= _LEAST_USABLE)
    fitted = fit_tensor(corrected.data, corrected.gradients, mask, usable)
    flipped = float(np.linalg.det(brain.affine)) > 0  # where bvec files reverse the first axis
    check = check_axes(fitted["direction"], fitted["fa"], Grid.of(brain).voxel_sizes, flipped)
    if check is not None:
        facts.quality["gradient_coherence"] = check.coherence / check.best
        if check.is_wrong and settings.correct_gradients:
            table = corrected.turned(gradients.with_axes(check.matrix), brain.affine)
            clean = clean.with_gradients(table)
            fitted = fit_tensor(corrected.data, table, mask, usable)
            facts.methods.append("gradient_axes")
            facts.notes.append(f"The gradient table was corrected: {check.words}.")
        elif check.is_wrong:
            facts.warnings.append(_wrong_axes(check))
    table = clean.corrected.gradients
    world = fitted["direction"] @ table.frame(brain.affine).T.astype(np.float32)
    fitted["decfa"] = np.abs(world) * fitted["fa"][..., None]
    return clean, fitted


def _wrong_axes(check: AxesCheck) -> str:
    return (
        "The gradient table seems to be wrong: fibres are "
        f"{100 * (check.best / check.coherence - 1):.0f} % more coherent with "
        f"{check.words}. Maps but colour FA hardly change; to correct the table, run with "
        "--correct-gradients."
    )
