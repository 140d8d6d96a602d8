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
from motor_bids_app.mri.diffusion.mask import dwi_mask
from motor_bids_app.mri.diffusion.motion import MotionCorrection, correct_motion
from motor_bids_app.mri.diffusion.tensor import fit_tensor
from motor_bids_app.mri.lesions import align_lesion
from motor_bids_app.mri.quality import diffusion_quality, motion_summary
from motor_bids_app.mri.registration import register_rigid, register_to_template
from motor_bids_app.mri.resampling import resample
from motor_bids_app.reports import checks
from motor_bids_app.reports.motion import motion_chart
from motor_bids_app.settings import ProcessingSettings
from motor_bids_app.spaces.grids import Grid, standard_grid
from motor_bids_app.spaces.templates import load_template
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


def preprocess_diffusion(scan: Scan, outputs: Outputs, settings: ProcessingSettings) -> None:
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
    if outputs.head is None:
        brain, from_standard = _register_alone(b0, scan, outputs, settings)
    else:
        brain, from_standard = _register_to_head(b0, outputs)
    fitted = fit_tensor(corrected.data, corrected.gradients, np.asarray(brain.dataobj))
    maps = {name: _image(fitted[name], series) for name in MAP_UNITS}
    _save_series(corrected, series, scan, outputs)
    path = outputs.path("mask", "dwi", desc="brain")
    outputs.save(brain, path, [scan.dwi], Type="Brain")
    for name, image in maps.items():
        _save_map(name, image, from_standard, scan, outputs)
    outputs.save_figure(checks.tensor_maps(maps, brain))
    outputs.save_figure(motion_chart(corrected.parameters, corrected.framewise_displacement))
    _save_facts(corrected, sigma, brain, outputs)


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


def _register_to_head(b0: nib.Nifti1Image, outputs: Outputs) -> tuple[nib.Nifti1Image, Transform]:
    """Place the series by the head image; return its brain mask, and standard space -> series."""
    assert outputs.head is not None
    head = load_image(outputs.head)
    head_brain = outputs.load("mask", "anat", desc="brain")
    matrix = register_rigid(head, b0, head_brain)
    to_head = Transform(matrix=np.linalg.inv(matrix).astype(np.float64))
    moved = resample(head_brain, Grid.of(b0), to_head)
    inside = (np.asarray(moved.dataobj) > 0.5) & (np.asarray(b0.dataobj) > 0)
    shown = resample(b0, Grid.of(head), Transform(matrix=matrix))
    white_matter = outputs.load("probseg", "anat", label="WM")
    outputs.save_figure(checks.coregistration(shown, head, white_matter, head_brain))
    brain = nib.Nifti1Image(inside.astype(np.uint8), b0.affine)
    return brain, outputs.load_transform().then(matrix)


def _register_alone(
    b0: nib.Nifti1Image, scan: Scan, outputs: Outputs, settings: ProcessingSettings
) -> tuple[nib.Nifti1Image, Transform]:
    """Without a head image, the mean b0 volume takes its place."""
    brain = nib.Nifti1Image(dwi_mask(np.asarray(b0.dataobj), Grid.of(b0).voxel_sizes), b0.affine)
    lesion = None
    if scan.lesion is not None and not scan.lesion.is_standard:
        lesion = align_lesion(load_image(scan.lesion.path), b0)
    transform = register_to_template(b0, brain, lesion, sloppy=settings.sloppy).transform
    grid = standard_grid(RESOLUTION)
    if lesion is not None and scan.lesion is not None:
        moved = np.asarray(resample(lesion, grid, transform).dataobj) > 0.5
        path = outputs.path("mask", "anat", label="L", standard=True)
        image = nib.Nifti1Image(moved.astype(np.uint8), grid.affine)
        outputs.save(image, path, [scan.lesion.path], Type="Lesion")
    template = {kind: load_template(kind, RESOLUTION) for kind in ("T1w", "WM", "brain")}
    outputs.save_figure(
        checks.registration(
            resample(b0, grid, transform),
            template["T1w"],
            brain=template["brain"],
            white_matter=template["WM"],
        )
    )
    return brain, transform


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
    name: str, image: nib.Nifti1Image, from_standard: Transform, scan: Scan, outputs: Outputs
) -> None:
    """Save a tensor map on the grid of the series and on the standard grid."""
    assert scan.dwi is not None
    entities = {"model": "tensor", "param": name}
    sidecar = {
        "Model": {"Description": "Diffusion tensor, fitted by weighted least squares"},
        "Units": MAP_UNITS[name],
    }
    outputs.save(image, outputs.path("dwimap", "dwi", **entities), [scan.dwi], **sidecar)
    moved = resample(image, standard_grid(RESOLUTION), from_standard)
    path = outputs.path("dwimap", "dwi", **entities, standard=True)
    outputs.save(moved, path, [scan.dwi], **sidecar)


def _save_facts(
    corrected: MotionCorrection,
    sigma: NDArray[np.float32] | None,
    brain: nib.Nifti1Image,
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
    if outputs.head is not None:
        methods.append("coregistration")
    else:
        methods.append("registration")
        notes.append(
            "There is no head image: the mean b = 0 volume was registered to the template instead, "
            "which is less exact."
        )
    outputs.save_facts("dwi", Facts(methods=methods, quality=quality, notes=notes))


def _image(data: NDArray[np.floating], like: nib.Nifti1Image) -> nib.Nifti1Image:
    return nib.Nifti1Image(np.asarray(data, dtype=np.float32), like.affine)
