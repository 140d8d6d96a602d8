"""Diffusion of one participant: from a raw series to tensor maps in standard space."""

import nibabel as nib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.bids.files import load_image, read_text, write_table, write_text
from motor_bids_app.bids.scan import Scan
from motor_bids_app.errors import DataError
from motor_bids_app.levels.outputs import RESOLUTION, Facts, Outputs
from motor_bids_app.mri.diffusion.denoise import MIN_VOLUMES, denoise_mppca
from motor_bids_app.mri.diffusion.gradients import GradientTable, parse_gradients
from motor_bids_app.mri.diffusion.motion import MotionCorrection, correct_motion
from motor_bids_app.mri.diffusion.tensor import dwi_mask, fit_tensor
from motor_bids_app.mri.quality import diffusion_quality, motion_summary
from motor_bids_app.mri.registration import register_rigid
from motor_bids_app.mri.resampling import resample
from motor_bids_app.reports import checks
from motor_bids_app.reports.motion import motion_chart
from motor_bids_app.spaces.grids import Grid, standard_grid
from motor_bids_app.spaces.transforms import Transform

MAP_UNITS = {"fa": "arbitrary", "md": "mm^2/s", "rd": "mm^2/s", "ad": "mm^2/s"}
_CONFOUNDS = {
    **{
        f"{kind}_{axis}": {"Description": f"{kind} of the head, axis {axis}", "Units": unit}
        for kind, unit in (("trans", "mm"), ("rot", "deg"))
        for axis in "xyz"
    },
    "framewise_displacement": {
        "Description": "Movement since the volume before, rotations on a sphere of 50 mm",
        "Units": "mm",
    },
}


def preprocess_diffusion(scan: Scan, outputs: Outputs) -> None:
    """Save denoised and motion-corrected diffusion data, tensor maps and their standard forms."""
    assert scan.dwi is not None
    series = load_image(scan.dwi)
    gradients = read_gradients(scan)
    if series.ndim != 4:
        raise DataError(
            f"{scan.dwi} has {series.ndim} axes instead of 4: a single volume holds no tensor. "
            "Pass the whole series, or leave dwi out with --modalities anat."
        )
    gradients.check(series.shape[3])
    gradients.check_tensor()
    corrected, sigma = _clean(series, gradients, outputs)
    b0 = _image(corrected.data[..., corrected.gradients.is_b0].mean(axis=3), series)
    to_series = _coregister(b0, outputs)
    brain = _brain(b0, to_series, outputs)
    fitted = fit_tensor(corrected.data, corrected.gradients, np.asarray(brain.dataobj))
    maps = {name: _image(fitted[name], series) for name in MAP_UNITS}
    _save_series(corrected, series, scan, outputs)
    path = outputs.path("mask", "dwi", desc="brain")
    outputs.save(brain, path, [scan.dwi], Type="Brain")
    for name, image in maps.items():
        _save_map(name, image, to_series, scan, outputs)
    outputs.save_figure(checks.tensor_maps(maps, brain))
    outputs.save_figure(motion_chart(corrected.parameters, corrected.framewise_displacement))
    if to_series is not None:
        _save_coregistration_figure(b0, to_series, outputs)
    _save_facts(corrected, sigma, brain, to_series is not None, outputs)


def read_gradients(scan: Scan) -> GradientTable:
    """Read the gradient files of a scan; DataError when there are none."""
    if scan.bval is None or scan.bvec is None:
        raise DataError(
            f"{scan.dwi} has no .bval and .bvec file, beside it or higher up in the dataset. "
            "Add them, or leave dwi out with --modalities anat."
        )
    return parse_gradients(read_text(scan.bval), read_text(scan.bvec))


def _clean(
    series: nib.Nifti1Image, gradients: GradientTable, outputs: Outputs
) -> tuple[MotionCorrection, NDArray[np.float32] | None]:
    """Remove noise and motion; noise first, because interpolation would correlate it.

    Returns the corrected series and the noise, which a short series does not tell.
    """
    data = np.nan_to_num(np.asarray(series.dataobj, dtype=np.float32))
    mask = dwi_mask(data[..., gradients.is_b0].mean(axis=3), Grid.of(series).voxel_sizes)
    sigma = None
    if data.shape[3] >= MIN_VOLUMES:
        denoised, sigma = denoise_mppca(data, mask)
        shown = np.flatnonzero(~gradients.is_b0)[0]
        before, after = (_image(array[..., shown], series) for array in (data, denoised))
        brain = nib.Nifti1Image(mask, series.affine)
        outputs.save_figure(checks.denoising(before, after, brain))
        data = denoised
    return correct_motion(data, series.affine, gradients, mask), sigma


def _coregister(b0: nib.Nifti1Image, outputs: Outputs) -> NDArray[np.float64] | None:
    """Rigid matrix from points of the head image to points of the series; None without a head."""
    head = outputs.head
    if head is None:
        return None
    mask = outputs.load("mask", "anat", desc="brain")
    return register_rigid(load_image(head), b0, mask)


def _brain(
    b0: nib.Nifti1Image, to_series: NDArray[np.float64] | None, outputs: Outputs
) -> nib.Nifti1Image:
    """Brain mask on the grid of the series: that of the head image, or its own without one."""
    grid = Grid.of(b0)
    if to_series is None:
        mask = dwi_mask(np.asarray(b0.dataobj), grid.voxel_sizes)
        return nib.Nifti1Image(mask, b0.affine)
    head_mask = outputs.load("mask", "anat", desc="brain")
    transform = Transform(matrix=np.linalg.inv(to_series).astype(np.float64))
    moved = resample(head_mask, grid, transform)
    inside = (np.asarray(moved.dataobj) > 0.5) & (np.asarray(b0.dataobj) > 0)
    return nib.Nifti1Image(inside.astype(np.uint8), b0.affine)


def _save_series(
    corrected: MotionCorrection, series: nib.Nifti1Image, scan: Scan, outputs: Outputs
) -> None:
    assert scan.dwi is not None
    assert scan.bval is not None
    assert scan.bvec is not None
    path = outputs.path("dwi", "dwi", desc="preproc")
    outputs.save(
        _image(corrected.data, series), path, [scan.dwi, scan.bval, scan.bvec], SkullStripped=False
    )
    for text, extension in zip(corrected.gradients.to_text(), (".bval", ".bvec"), strict=True):
        name = outputs.path("dwi", "dwi", desc="preproc", extension=extension)
        write_text(name, text)
        outputs.written.append(name)
    table = pd.DataFrame(
        np.column_stack([corrected.parameters, corrected.framewise_displacement]),
        columns=list(_CONFOUNDS),
    )
    name = outputs.path("timeseries", "dwi", desc="confounds", extension=".tsv")
    write_table(name, table, _CONFOUNDS)
    outputs.written.append(name)


def _save_map(
    name: str,
    image: nib.Nifti1Image,
    to_series: NDArray[np.float64] | None,
    scan: Scan,
    outputs: Outputs,
) -> None:
    """Save a tensor map on the grid of the series and, where there is a head, the standard one."""
    assert scan.dwi is not None
    entities = {"model": "tensor", "param": name}
    sidecar = {
        "Model": {"Description": "Diffusion tensor, fitted by weighted least squares"},
        "Units": MAP_UNITS[name],
    }
    outputs.save(image, outputs.path("dwimap", "dwi", **entities), [scan.dwi], **sidecar)
    if to_series is not None:
        transform = outputs.load_transform().then(to_series)
        moved = resample(image, standard_grid(RESOLUTION), transform)
        path = outputs.path("dwimap", "dwi", **entities, standard=True)
        outputs.save(moved, path, [scan.dwi], **sidecar)


def _save_coregistration_figure(
    b0: nib.Nifti1Image, to_series: NDArray[np.float64], outputs: Outputs
) -> None:
    assert outputs.head is not None
    head = load_image(outputs.head)
    moved = resample(b0, Grid.of(head), Transform(matrix=to_series))
    white_matter = outputs.load("probseg", "anat", label="WM")
    brain = outputs.load("mask", "anat", desc="brain")
    outputs.save_figure(checks.coregistration(moved, head, white_matter, brain))


def _save_facts(
    corrected: MotionCorrection,
    sigma: NDArray[np.float32] | None,
    brain: nib.Nifti1Image,
    coregistered: bool,
    outputs: Outputs,
) -> None:
    quality = motion_summary(corrected.parameters, corrected.framewise_displacement)
    methods = ["dwi_motion", "tensor"]
    notes = []
    if sigma is not None:
        mask = np.asarray(brain.dataobj)
        quality |= diffusion_quality(corrected.data, sigma, corrected.gradients, mask)
        methods.append("dwi_denoise")
    else:
        notes.append(f"The dwi has fewer than {MIN_VOLUMES} volumes: it was not denoised.")
    if coregistered:
        methods.append("coregistration")
    else:
        notes.append("There is no head image: diffusion maps stay on the grid of the series.")
    outputs.save_facts("dwi", Facts(methods=methods, quality=quality, notes=notes))


def _image(data: NDArray[np.floating], like: nib.Nifti1Image) -> nib.Nifti1Image:
    return nib.Nifti1Image(np.asarray(data, dtype=np.float32), like.affine)
