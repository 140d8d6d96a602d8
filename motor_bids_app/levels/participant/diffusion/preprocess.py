"""Diffusion of one participant: from a raw series to tensor maps in standard space."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from motor_bids_app.bids.files import load_image
from motor_bids_app.bids.scan import Scan
from motor_bids_app.bids.search import read_sidecars
from motor_bids_app.errors import DataError, GradientTableError
from motor_bids_app.levels.participant.diffusion.files import (
    MAP_UNITS,
    image_like,
    save_denoising,
    save_maps,
    save_series,
)
from motor_bids_app.levels.participant.diffusion.place import register_alone, register_to_head
from motor_bids_app.levels.participant.diffusion.susceptibility import (
    Distortion,
    find_distortion,
    show_distortion,
)
from motor_bids_app.levels.participant.outputs import Facts, Outputs
from motor_bids_app.mri.anatomy import correct_bias
from motor_bids_app.mri.diffusion.axes import check_axes
from motor_bids_app.mri.diffusion.denoise import MIN_VOLUMES, denoise_mppca
from motor_bids_app.mri.diffusion.drift import signal_drift
from motor_bids_app.mri.diffusion.gibbs import remove_gibbs
from motor_bids_app.mri.diffusion.gradients import (
    TENSOR_LIMIT,
    GradientTable,
    parse_gradients,
)
from motor_bids_app.mri.diffusion.mask import dwi_mask
from motor_bids_app.mri.diffusion.motion import MotionCorrection, correct_motion
from motor_bids_app.mri.diffusion.outliers import find_dropouts, outlier_volumes, usable_values
from motor_bids_app.mri.diffusion.susceptibility import unwarp
from motor_bids_app.mri.diffusion.tensor import fit_tensor, fit_trace
from motor_bids_app.mri.quality import (
    HIGH_MOTION,
    diffusion_quality,
    motion_summary,
    outlier_summary,
)
from motor_bids_app.opening import read_text
from motor_bids_app.reports.participant import checks
from motor_bids_app.reports.participant.motion import motion_chart
from motor_bids_app.settings import ProcessingSettings
from motor_bids_app.spaces.grids import Grid

_LEAST_USABLE = 0.5  # of the volumes, or a voxel was not measured
_AXES = {"i": 0, "j": 1, "k": 2}


@dataclass(frozen=True, eq=False)
class _Clean:
    """A series without noise, motion, drift and bias, and what was learnt on the way.

    `sigma` is the noise, None where the series is too short to tell; `dropouts` are slices as
    acquired, shape (slices, N); `slice_axis` and `phase_axis` are voxel axes.
    """

    corrected: MotionCorrection
    sigma: NDArray[np.float32] | None
    dropouts: NDArray[np.bool_]
    slice_axis: int
    phase_axis: int
    facts: Facts = field(default_factory=Facts)


def preprocess_diffusion(scan: Scan, outputs: Outputs, settings: ProcessingSettings) -> None:
    """Save denoised and corrected diffusion data, tensor maps and their standard forms."""
    assert scan.dwi is not None
    series = load_image(scan.dwi)
    gradients = read_gradients(scan)
    if series.ndim != 4:
        raise DataError(
            f"{scan.dwi} has {series.ndim} axes instead of 4: a single volume holds no tensor. "
            "Pass the whole series, or leave dwi out with --modalities anat."
        )
    gradients.check(series.shape[3])
    clean = _clean(series, gradients, scan, outputs, settings)
    if "PhaseEncodingDirection" not in read_sidecars(scan.dwi_sidecars):
        clean.facts.notes.append(
            "No sidecar of the dwi has its PhaseEncodingDirection: the second axis (j) was "
            "assumed, along which eddy currents distort."
        )
    found, distorted, b0 = _undistort(clean, series, scan, outputs, settings)
    if outputs.head is None:
        brain, from_standard, facts = register_alone(b0, scan, outputs, settings)
        clean.facts.add(facts)
    else:
        brain, placed = register_to_head(b0, outputs, found.placed)
        from_standard = outputs.load_transform().then(placed)
        found = replace(found, placed=placed)
        clean.facts.methods.append("coregistration")
    if found.field is not None:
        show_distortion(distorted, b0, found, brain, scan, outputs)
    clean.facts.add(found.facts)
    clean, fitted = _fit(clean, gradients, brain, settings)
    save_series(clean.corrected, clean.dropouts, series, scan, outputs)
    outputs.save(brain, outputs.path("mask", "dwi", desc="brain"), [scan.dwi], Type="Brain")
    save_maps(fitted, series, from_standard, scan, outputs)
    if clean.sigma is not None:
        path = outputs.path("dwimap", "dwi", desc="noise")
        outputs.save(image_like(clean.sigma, series), path, [scan.dwi], Units="arbitrary")
    _draw(clean, fitted, brain, outputs)
    _measure(clean, fitted, brain)
    outputs.save_facts("dwi", clean.facts)


def _undistort(
    clean: _Clean,
    series: nib.Nifti1Image,
    scan: Scan,
    outputs: Outputs,
    settings: ProcessingSettings,
) -> tuple[Distortion, nib.Nifti1Image, nib.Nifti1Image]:
    """Undo susceptibility distortion in place; return it and the mean b0 before and after.

    The corrected volumes are interpolated again, by splines along the phase-encoding axis alone.
    """
    corrected = clean.corrected
    before = image_like(corrected.data[..., corrected.gradients.is_b0].mean(axis=3), series)
    found = find_distortion(before, clean.phase_axis, scan, outputs, settings)
    if found.field is None:
        return found, before, before
    corrected.data[...] = unwarp(corrected.data, found.field, found.axis)
    if clean.sigma is not None:
        clean.sigma[...] = unwarp(clean.sigma, found.field, found.axis)
    after = image_like(corrected.data[..., corrected.gradients.is_b0].mean(axis=3), series)
    return found, before, after


def read_gradients(scan: Scan) -> GradientTable:
    """Read the gradient files of a scan; DataError when there are none."""
    if scan.bval is None or scan.bvec is None:
        raise DataError(
            f"{scan.dwi} has no .bval and .bvec file, beside it or higher up in the dataset. "
            "Add them, or leave dwi out with --modalities anat."
        )
    return parse_gradients(read_text(scan.bval), read_text(scan.bvec))


def _clean(
    series: nib.Nifti1Image,
    gradients: GradientTable,
    scan: Scan,
    outputs: Outputs,
    settings: ProcessingSettings,
) -> _Clean:
    """Remove noise, ringing, motion, drift and bias; noise first: interpolation correlates it."""
    data = np.nan_to_num(np.asarray(series.dataobj, dtype=np.float32), posinf=0, neginf=0)
    sidecar = read_sidecars(scan.dwi_sidecars)
    slice_axis = _axis(sidecar.get("SliceEncodingDirection"), 2)
    mask = dwi_mask(data[..., gradients.is_b0].mean(axis=3), Grid.of(series).voxel_sizes)
    facts = Facts(methods=["dwi_outliers", "dwi_motion", "dwi_bias"])
    dropouts = find_dropouts(data, gradients, mask, slice_axis)
    sigma = None
    if data.shape[3] >= MIN_VOLUMES:
        denoised, sigma = denoise_mppca(data, mask)
        facts.methods.append("dwi_denoise")
        save_denoising(
            data, denoised, gradients, image_like(mask.astype(np.float32), series), scan, outputs
        )
        data = denoised
    else:
        facts.notes.append(f"The dwi has fewer than {MIN_VOLUMES} volumes: it was not denoised.")
    if settings.gibbs:
        data = remove_gibbs(data, slice_axis)
        facts.methods.append("dwi_gibbs")
    phase_axis = _axis(sidecar.get("PhaseEncodingDirection"), 1)
    corrected = correct_motion(data, series.affine, gradients, mask, phase_axis)
    drift = signal_drift(corrected.data, gradients, mask)
    if drift is not None:
        np.divide(corrected.data, drift.astype(np.float32), out=corrected.data)
        facts.methods.append("dwi_drift")
        facts.quality["dwi_drift"] = 100 * float(np.abs(drift - 1).max())
    field_ = _bias_field(corrected, mask, series)
    np.divide(corrected.data, field_[..., None], out=corrected.data)
    if sigma is not None:
        sigma /= field_
    return _Clean(corrected, sigma, dropouts, slice_axis, phase_axis, facts)


def _axis(direction: object, usual: int) -> int:
    """Voxel axis of a direction as in BIDS sidecars ('j-'), or what is usual."""
    return _AXES.get(str(direction)[:1], usual)


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


def _fit(
    clean: _Clean, gradients: GradientTable, brain: nib.Nifti1Image, settings: ProcessingSettings
) -> tuple[_Clean, dict[str, NDArray[np.float32]]]:
    """Fit a tensor, or the trace where directions are too few; check the axes of the table."""
    corrected, facts = clean.corrected, clean.facts
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
    usable = usable_values(clean.dropouts, corrected.matrices, mask, clean.slice_axis)
    if usable is not None:
        mask = mask * (usable.mean(axis=3) >= _LEAST_USABLE)
    fitted = fit_tensor(corrected.data, corrected.gradients, mask, usable)
    flipped = float(np.linalg.det(brain.affine)) > 0  # where bvec files reverse the first axis
    check = check_axes(fitted["direction"], fitted["fa"], Grid.of(brain).voxel_sizes, flipped)
    if check is not None:
        facts.quality["gradient_coherence"] = check.coherence / check.best
        if check.is_wrong and settings.correct_gradients:
            table = corrected.turned(gradients.with_axes(check.matrix), brain.affine)
            clean = replace(clean, corrected=replace(corrected, gradients=table))
            fitted = fit_tensor(corrected.data, table, mask, usable)
            facts.methods.append("gradient_axes")
            facts.notes.append(f"The gradient table was corrected: {check.words}.")
        elif check.is_wrong:
            facts.notes.append(
                "The gradient table seems to be wrong: fibres are "
                f"{100 * (check.best / check.coherence - 1):.0f} % more coherent with "
                f"{check.words}. Maps but colour FA hardly change; to correct the table, run with "
                "--correct-gradients."
            )
    table = clean.corrected.gradients
    world = fitted["direction"] @ table.frame(brain.affine).T.astype(np.float32)
    fitted["decfa"] = np.abs(world) * fitted["fa"][..., None]
    return clean, fitted


def _draw(
    clean: _Clean,
    fitted: Mapping[str, NDArray[np.float32]],
    brain: nib.Nifti1Image,
    outputs: Outputs,
) -> None:
    maps = {name: image_like(fitted[name], brain) for name in MAP_UNITS if name in fitted}
    outputs.save_figure(checks.tensor_maps(maps, brain))
    if "rmse" in fitted:
        outputs.save_figure(checks.tensor_residual(image_like(fitted["rmse"], brain), brain))
    corrected = clean.corrected
    chart = motion_chart(corrected.parameters, corrected.framewise_displacement, limit=HIGH_MOTION)
    outputs.save_figure(chart)


def _measure(
    clean: _Clean, fitted: Mapping[str, NDArray[np.float32]], brain: nib.Nifti1Image
) -> None:
    """Add what was measured to the facts."""
    corrected, quality, mask = clean.corrected, clean.facts.quality, np.asarray(brain.dataobj)
    quality |= motion_summary(corrected.parameters, corrected.framewise_displacement)
    volumes = outlier_volumes(clean.dropouts)
    quality |= outlier_summary(clean.dropouts, volumes)
    if volumes.any():
        numbers = ", ".join(map(str, np.flatnonzero(volumes)))
        clean.facts.notes.append(
            f"Volumes of the dwi (counted from 0) that lost more than a tenth of their slices: "
            f"{numbers}. Those slices do not count in the maps."
        )
    if clean.sigma is not None:
        quality |= diffusion_quality(corrected.data, clean.sigma, corrected.gradients, mask)
    if "rmse" in fitted:
        inside = (mask > 0) & (fitted["s0"] > 0)
        quality["tensor_residual"] = float(np.median(fitted["rmse"][inside] / fitted["s0"][inside]))
