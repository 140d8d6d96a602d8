"""Runs of one diffusion protocol, joined into one series."""

from collections.abc import Mapping, Sequence
from typing import Any

import nibabel as nib
import numpy as np

from motor_bids_app.mri.diffusion.gradients import GradientTable

_SAME = ("PhaseEncodingDirection", "PhaseEncodingAxis", "EchoTime", "MagneticFieldStrength")
_ALMOST = 0.02  # of the readout time, by which runs of one protocol may differ
_SHIFT = 1e-2  # mm, between the places of two runs on one grid

Run = tuple[nib.Nifti1Image, GradientTable]


def why_apart(
    image: nib.Nifti1Image,
    sidecar: Mapping[str, Any],
    other: nib.Nifti1Image,
    other_sidecar: Mapping[str, Any],
) -> str:
    """Why two series are no runs of one protocol; empty where they are.

    Their distortion must be the same, since one field undoes that of all volumes.
    """
    if other.ndim != 4 or other.shape[:3] != image.shape[:3]:
        return "it has another grid"
    if not np.allclose(other.affine, image.affine, atol=_SHIFT):
        return "its grid lies elsewhere"
    for key in _SAME:
        if sidecar.get(key) != other_sidecar.get(key):
            return f"it has another {key}"
    own, its = (one.get("TotalReadoutTime") for one in (sidecar, other_sidecar))
    if isinstance(own, int | float) and isinstance(its, int | float):
        return "it has another TotalReadoutTime" if abs(its - own) > _ALMOST * abs(own) else ""
    return ""


def join_runs(runs: Sequence[Run]) -> Run:
    """Put the volumes of runs behind each other.

    Scanners choose their gain for each run: runs are brought to the brightness of the first by
    their volumes without weighting, where they have some.

    Parameters
    ----------
    runs : sequence of (Nifti1Image, shape (X, Y, Z, N), GradientTable)
        On one grid.

    Returns
    -------
    (Nifti1Image, shape (X, Y, Z, sum of N), GradientTable)
    """
    first = runs[0][0]
    usual = _brightness(*runs[0])
    parts = []
    for image, gradients in runs:
        own = _brightness(image, gradients)
        gain = usual / own if usual > 0 and own > 0 else 1.0
        parts.append(np.asarray(image.dataobj, dtype=np.float32) * np.float32(gain))
    joined = nib.Nifti1Image(np.concatenate(parts, axis=3), first.affine, first.header)
    joined.set_data_dtype(np.float32)
    bvals = np.concatenate([gradients.bvals for _, gradients in runs])
    bvecs = np.concatenate([gradients.bvecs for _, gradients in runs])
    return joined, GradientTable(bvals, bvecs)


def _brightness(image: nib.Nifti1Image, gradients: GradientTable) -> float:
    """Median of the bright half of the mean volume without weighting; 0 where there is none."""
    if not gradients.is_b0.any():
        return 0.0
    mean = np.asarray(image.dataobj, dtype=np.float32)[..., gradients.is_b0].mean(axis=3)
    bright = mean[mean > mean.mean()]
    return float(np.median(bright)) if bright.size else 0.0
