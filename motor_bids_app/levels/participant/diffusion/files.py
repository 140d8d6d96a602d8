"""Derivatives of the diffusion series of one participant: names, sidecars, tables."""

from collections.abc import Mapping
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.bids.files import write_table, write_text
from motor_bids_app.bids.scan import Scan
from motor_bids_app.levels.participant.outputs import RESOLUTION, Outputs
from motor_bids_app.mri.diffusion.gradients import GradientTable
from motor_bids_app.mri.diffusion.motion import MotionCorrection
from motor_bids_app.mri.diffusion.outliers import outlier_volumes
from motor_bids_app.mri.resampling import resample_inside
from motor_bids_app.reports.participant import checks
from motor_bids_app.spaces.grids import standard_grid
from motor_bids_app.spaces.transforms import Transform

# Maps of diffusion, which go to the standard space too.
MAP_UNITS = {"fa": "arbitrary", "md": "mm^2/s", "rd": "mm^2/s", "ad": "mm^2/s"}
_NATIVE_MAPS = {
    "s0": "Signal without diffusion weighting",
    "rmse": "Root mean square of the signals less those of the tensor",
    "decfa": "Fractional anisotropy times the size of each component of the principal direction: "
    "right-left, front-back, up-down (red, green, blue)",
}
_MODELS = {
    "tensor": "Diffusion tensor, fitted by weighted least squares",
    "trace": "Mean over the weighted volumes of the fall of the log signal over the b-value",
}
_CONFOUNDS: dict[str, dict[str, Any]] = {
    **{
        f"{kind}_{axis}": {"Description": f"{kind} of the head, axis {axis}", "Units": unit}
        for kind, unit in (("trans", "mm"), ("rot", "deg"))
        for axis in "xyz"
    },
    "framewise_displacement": {
        "Description": "Movement since the volume before, rotations on a sphere of 50 mm",
        "Units": "mm",
    },
    "outlier_slices": {
        "Description": "Slices that lost their signal; they do not count in the tensor",
        "Units": "arbitrary",
    },
    "outlier_volume": {
        "Description": "Whether the volume lost more than a tenth of its slices",
        "Levels": {"0": "no", "1": "yes"},
    },
}


def save_denoising(
    data: NDArray[np.float32],
    denoised: NDArray[np.float32],
    gradients: GradientTable,
    brain: nib.Nifti1Image,
    scan: Scan,
    outputs: Outputs,
) -> None:
    """Save the root mean square of what denoising took away, and a volume before and after."""
    assert scan.dwi is not None
    squares = np.zeros(data.shape[:3], dtype=np.float32)
    for volume in range(data.shape[3]):
        squares += (data[..., volume] - denoised[..., volume]) ** 2
    removed = image_like(np.sqrt(squares / data.shape[3]), brain)
    sidecar = {"Units": "arbitrary", "Description": "Root mean square of what denoising took away"}
    outputs.save(removed, outputs.path("dwimap", "dwi", desc="residual"), [scan.dwi], **sidecar)
    shown = np.flatnonzero(~gradients.is_b0)[0]
    before, after = (image_like(array[..., shown], brain) for array in (data, denoised))
    outputs.save_figure(checks.denoising(before, after, brain, removed))


def save_series(
    corrected: MotionCorrection,
    dropouts: NDArray[np.bool_],
    like: nib.Nifti1Image,
    scan: Scan,
    outputs: Outputs,
) -> None:
    """Save the preprocessed series, its gradients and the table of confounds.

    `dropouts`, shape (slices, N), are slices that lost their signal.
    """
    assert scan.dwi is not None
    assert scan.bval is not None
    assert scan.bvec is not None
    path = outputs.path("dwi", "dwi", desc="preproc")
    image = image_like(corrected.data, like)
    outputs.save(image, path, [scan.dwi, scan.bval, scan.bvec], SkullStripped=False)
    for text, extension in zip(corrected.gradients.to_text(), (".bval", ".bvec"), strict=True):
        name = outputs.path("dwi", "dwi", desc="preproc", extension=extension)
        write_text(name, text)
        outputs.written.append(name)
    counts = [dropouts.sum(axis=0), outlier_volumes(dropouts)]
    table = pd.DataFrame(
        np.column_stack([corrected.parameters, corrected.framewise_displacement, *counts]),
        columns=list(_CONFOUNDS),
    )
    name = outputs.path("timeseries", "dwi", desc="confounds", extension=".tsv")
    write_table(name, table, _CONFOUNDS)
    outputs.written.extend([name, name.with_suffix(".json")])


def save_maps(
    fitted: Mapping[str, NDArray[np.float32]],
    like: nib.Nifti1Image,
    from_standard: Transform,
    scan: Scan,
    outputs: Outputs,
) -> None:
    """Save maps on the grid of the series, and those of `MAP_UNITS` on the standard grid too."""
    assert scan.dwi is not None
    model = "tensor" if "fa" in fitted else "trace"
    inside = image_like((fitted["s0"] > 0).astype(np.float32), like)
    for name in (*MAP_UNITS, *_NATIVE_MAPS):
        if name not in fitted:
            continue
        entities = {"model": model, "param": name}
        sidecar = {
            "Model": {"Description": _MODELS[model]},
            "Units": MAP_UNITS.get(name, "arbitrary"),
        }
        if name in _NATIVE_MAPS:
            sidecar["Description"] = _NATIVE_MAPS[name]
        image = image_like(fitted[name], like)
        outputs.save(image, outputs.path("dwimap", "dwi", **entities), [scan.dwi], **sidecar)
        if name in MAP_UNITS:
            moved = resample_inside(image, inside, standard_grid(RESOLUTION), from_standard)
            path = outputs.path("dwimap", "dwi", **entities, standard=True)
            outputs.save(moved, path, [scan.dwi], **sidecar)


def image_like(data: NDArray[np.floating], like: nib.Nifti1Image) -> nib.Nifti1Image:
    """Image of float32 values in the place of another image."""
    return nib.Nifti1Image(np.asarray(data, dtype=np.float32), like.affine)
