"""A diffusion series without noise, motion, drift and bias, on its own grid."""

from dataclasses import dataclass, field, replace

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from motor_bids_app.errors import DataError, GradientTableError
from motor_bids_app.levels.participant.diffusion.read import Series
from motor_bids_app.levels.participant.outputs import Facts
from motor_bids_app.mri.anatomy import correct_bias
from motor_bids_app.mri.diffusion.denoise import MIN_VOLUMES, denoise_mppca
from motor_bids_app.mri.diffusion.drift import signal_drift
from motor_bids_app.mri.diffusion.gibbs import remove_gibbs
from motor_bids_app.mri.diffusion.gradients import GradientTable
from motor_bids_app.mri.diffusion.mask import dwi_mask
from motor_bids_app.mri.diffusion.motion import MotionCorrection, correct_motion
from motor_bids_app.mri.diffusion.outliers import find_dropouts
from motor_bids_app.mri.diffusion.replacement import lost_slices, lost_values, replace_lost
from motor_bids_app.mri.diffusion.shells import JUMP, shell_jumps
from motor_bids_app.mri.diffusion.unlike import find_unlike, too_many
from motor_bids_app.settings import ProcessingSettings
from motor_bids_app.spaces.grids import Grid, finite_values, image_like


@dataclass(frozen=True, eq=False)
class Denoising:
    """What denoising did: root mean square of what it took away, and a volume before and after.

    All have shape (X, Y, Z), as has the `brain` mask that it went by.
    """

    removed: NDArray[np.float32]
    before: NDArray[np.float32]
    after: NDArray[np.float32]
    brain: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Clean:
    """A series without noise, motion, drift and bias, and what was learnt on the way.

    `sigma`, shape (X, Y, Z), is the noise, None where the series is too short to tell, as is
    `denoising`; `dropouts` are slices as acquired, shape (slices, N).
    """

    corrected: MotionCorrection
    dropouts: NDArray[np.bool_]
    denoising: Denoising | None = None
    sigma: NDArray[np.float32] | None = None
    facts: Facts = field(default_factory=Facts)

    def mean_b0(self, like: nib.Nifti1Image) -> nib.Nifti1Image:
        """Mean of the volumes without weighting, in the place of the series."""
        corrected = self.corrected
        return image_like(corrected.data[..., corrected.gradients.is_b0].mean(axis=3), like)

    def with_gradients(self, gradients: GradientTable) -> "Clean":
        """The same with another table."""
        return replace(self, corrected=replace(self.corrected, gradients=gradients))


def clean_series(series: Series, settings: ProcessingSettings) -> Clean:
    """Remove noise, ringing, motion, drift and bias; noise first: interpolation correlates it."""
    image, gradients = series.image, series.gradients
    data = finite_values(image)
    mask = dwi_mask(data[..., gradients.is_b0].mean(axis=3), Grid.of(image).voxel_sizes)
    facts = Facts(methods=["dwi_outliers", "dwi_motion", "dwi_bias"])
    dropouts = find_dropouts(data, gradients, mask, series.slice_axis)
    sigma = denoising = None
    if data.shape[3] >= MIN_VOLUMES:
        denoised, sigma = denoise_mppca(data, mask)
        facts.methods.append("dwi_denoise")
        denoising = _compare(data, denoised, gradients, mask)
        data = denoised
    else:
        facts.notes.append(f"The dwi has fewer than {MIN_VOLUMES} volumes: it was not denoised.")
    if settings.gibbs:
        data = remove_gibbs(data, series.slice_axis)
        facts.methods.append("dwi_gibbs")
    corrected = _correct_motion(data, series, mask, dropouts, facts)
    _judge_shells(corrected, gradients, facts)
    drift = signal_drift(corrected.data, gradients, mask)
    if drift is not None:
        np.divide(corrected.data, drift.astype(np.float32), out=corrected.data)
        facts.methods.append("dwi_drift")
        facts.quality["dwi_drift"] = 100 * float(np.abs(drift - 1).max())
    bias = _bias_field(corrected, mask, image)
    np.divide(corrected.data, bias[..., None], out=corrected.data)
    if sigma is not None:
        sigma /= bias
    return Clean(corrected, dropouts, denoising, sigma, facts)


def _correct_motion(
    data: NDArray[np.float32],
    series: Series,
    mask: NDArray[np.uint8],
    dropouts: NDArray[np.bool_],
    facts: Facts,
) -> MotionCorrection:
    """Undo motion, in which lost slices have no say, and replace these afterwards."""
    affine, axis = series.image.affine, series.slice_axis
    facts.quality["dwi_replaced_slices"] = float(dropouts.sum())
    lost = lost_slices(dropouts, data.shape, axis) if dropouts.any() else None
    corrected = correct_motion(data, affine, series.gradients, mask, series.phase_axis, lost)
    if corrected.bends.any():
        facts.methods.append("dwi_eddy_quadratic")
    if lost is not None:
        facts.methods.append("dwi_replaced")
        lost = lost_values(dropouts, corrected.matrices, mask, axis)
        replace_lost(corrected.data, lost, corrected.gradients)
    return corrected


def _judge_shells(corrected: MotionCorrection, gradients: GradientTable, facts: Facts) -> None:
    """Measure how far shells lie from b0 as a whole, and say where that is far."""
    jumps = shell_jumps(corrected.parameters, gradients)
    if jumps:
        facts.quality["dwi_shell_jump"] = max(map(max, jumps.values()))
    facts.warnings.extend(
        f"The volumes at b = {bval:.0f} lie {shift:.1f} mm and {turn:.1f} degrees away from the "
        "b = 0 volumes beside them: the head moved between them, or they were misregistered."
        for bval, (shift, turn) in jumps.items()
        if max(shift, turn) > JUMP
    )


def without_unlike(series: Series) -> tuple[Series, list[str]]:
    """Leave out volumes that cannot be what the gradient table says; also say so.

    Raises
    ------
    DataError
        They are so many that the table must be wrong, or what is left measures no diffusion.
    """
    data = finite_values(series.image)
    table = series.gradients
    found = find_unlike(data, table, series.image.affine)
    if not found:
        return series, []
    listed = "; ".join(f"volume {number}: {why}" for number, why in sorted(found.items()))
    if too_many(found, table):
        raise DataError(
            "The images do not bear out the gradient table (counted from 0; "
            f"{listed}). Check that the bval and bvec files belong to this series."
        )
    kept = np.array([number not in found for number in range(len(table))])
    image = nib.Nifti1Image(data[..., kept], series.image.affine)
    table = table.select(kept)
    try:
        table.check(int(kept.sum()))
    except GradientTableError as error:
        raise GradientTableError(
            f"After unlike volumes were left out ({listed}): {error}"
        ) from None
    warning = f"Left out of the dwi (counted from 0): {listed}."
    return replace(series, image=image, gradients=table), [warning]


def _compare(
    data: NDArray[np.float32],
    denoised: NDArray[np.float32],
    gradients: GradientTable,
    mask: NDArray[np.uint8],
) -> Denoising:
    """Keep what a reader wants to see of denoising."""
    squares = np.zeros(data.shape[:3], dtype=np.float32)
    for volume in range(data.shape[3]):
        squares += (data[..., volume] - denoised[..., volume]) ** 2
    shown = np.flatnonzero(~gradients.is_b0)[0]
    before, after = (array[..., shown].copy() for array in (data, denoised))
    return Denoising(np.sqrt(squares / data.shape[3]), before, after, mask)


def _bias_field(
    corrected: MotionCorrection, mask: NDArray[np.uint8], series: nib.Nifti1Image
) -> NDArray[np.float32]:
    """Smooth brightness of the coil, shape (X, Y, Z), seen in the mean b0 volume.

    Every volume has the same, so that no map of diffusion depends on it.
    """
    b0 = corrected.data[..., corrected.gradients.is_b0].mean(axis=3)
    flat = correct_bias(image_like(b0, series), nib.Nifti1Image(mask, series.affine))
    values = np.asarray(flat.dataobj)
    known = (values > 0) & (b0 > 0)
    return np.divide(b0, values, out=np.ones_like(b0), where=known)
