"""Measures of image quality: signal, contrast, coverage, registration, motion."""

from collections.abc import Mapping

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from motor_bids_app.errors import EmptyRegionError
from motor_bids_app.mri.diffusion.gradients import GradientTable
from motor_bids_app.spaces.grids import check_same_grid

_PURE = 0.9  # tissue probability from which a voxel counts as that tissue
_MIN_VOXELS = 50
HIGH_MOTION = 0.5  # mm of framewise displacement
_OUTLYING = 3.0  # scaled median absolute deviations
_FEWEST_VALUES = 5  # of a cohort in which one may be called an outlier


def anatomical_quality(
    image: nib.Nifti1Image, tissue: Mapping[str, nib.Nifti1Image]
) -> dict[str, float]:
    """Signal to noise of white matter, and contrast of grey to white matter.

    Parameters
    ----------
    image : Nifti1Image, shape (X, Y, Z)
        Head, in arbitrary units, without bias field but with its noise.
    tissue : mapping of Nifti1Image, shape (X, Y, Z)
        Probability (0 to 1) of "GM" and "WM", 0 in lesions.

    Returns
    -------
    dict of float
        "snr_wm": mean over standard deviation of white matter. "cnr": difference of the
        mean grey and white matter over the root mean square of their standard deviations.
        After Magnotta et al. 2006, without the noise in air, which is blank in many images:
        not on the scale of MRIQC, whose contrast to noise sums the variances and adds the air.

    Raises
    ------
    EmptyRegionError
        Hardly any voxel is clearly grey or clearly white matter.
    """
    check_same_grid(image, **tissue)
    values = np.asarray(image.dataobj, dtype=np.float64)
    means, deviations = {}, {}
    for name in ("GM", "WM"):
        pure = values[np.asarray(tissue[name].dataobj) > _PURE]
        if pure.size < _MIN_VOXELS or not pure.std() > 0:
            raise EmptyRegionError(
                f"Quality cannot be measured: {pure.size} voxels are clearly {name}, or they do "
                "not vary. Check the brain mask and the segmentation."
            )
        means[name], deviations[name] = pure.mean(), pure.std(ddof=1)
    noise = np.sqrt((deviations["GM"] ** 2 + deviations["WM"] ** 2) / 2)
    return {
        "snr_wm": float(means["WM"] / deviations["WM"]),
        "cnr": float(abs(means["WM"] - means["GM"]) / noise),
    }


def diffusion_quality(
    data: NDArray[np.floating],
    sigma: NDArray[np.floating],
    gradients: GradientTable,
    mask: NDArray[np.generic],
) -> dict[str, float]:
    """Signal to noise of a diffusion series.

    Parameters
    ----------
    data : array, shape (X, Y, Z, N)
        Series, in the units of `sigma`.
    sigma : array, shape (X, Y, Z)
        Standard deviation of the noise, as `denoise_mppca` estimates it.
    gradients : GradientTable
        One entry per volume.
    mask : array, shape (X, Y, Z)
        Positive in the brain.

    Returns
    -------
    dict of float
        "snr_b0" and "snr_dwi": median over the brain of signal over noise, without and with
        weighting. "noise_dwi": median noise, in units of the data.

    Raises
    ------
    EmptyRegionError
        The noise is unknown in the whole mask.
    """
    inside = (np.asarray(mask).astype(np.float32) > 0) & (sigma > 0)
    if not inside.any():
        raise EmptyRegionError("The noise of the diffusion series is not known inside the mask.")
    signal, noise = data[inside], sigma[inside]
    return {
        "snr_b0": float(np.median(signal[:, gradients.is_b0].mean(axis=1) / noise)),
        "snr_dwi": float(np.median(signal[:, ~gradients.is_b0].mean(axis=1) / noise)),
        "noise_dwi": float(np.median(noise)),
    }


def motion_summary(
    parameters: NDArray[np.floating], framewise_displacement: NDArray[np.floating]
) -> dict[str, float]:
    """Summarise head motion.

    Parameters
    ----------
    parameters : array, shape (N, 6)
        Translations in mm and rotations in degrees.
    framewise_displacement : array, shape (N,)
        In mm; the first is 0 by definition and left out of the mean.

    Returns
    -------
    dict of float
        "motion_mean_fd" and "motion_max_fd" (mm), "motion_high_share" (share of the volumes
        with more than 0.5 mm), "motion_max_translation" (mm), "motion_max_rotation" (degrees).
    """
    moved = framewise_displacement[1:] if len(framewise_displacement) > 1 else np.zeros(1)
    return {
        "motion_mean_fd": float(moved.mean()),
        "motion_max_fd": float(moved.max()),
        "motion_high_share": float((moved > HIGH_MOTION).mean()),
        "motion_max_translation": float(np.linalg.norm(parameters[:, :3], axis=1).max()),
        "motion_max_rotation": float(np.linalg.norm(parameters[:, 3:], axis=1).max()),
    }


def bold_quality(
    parameters: NDArray[np.floating],
    framewise_displacement: NDArray[np.floating],
    tsnr: NDArray[np.floating],
    standard_dvars: NDArray[np.floating],
    coverage: float,
) -> dict[str, float]:
    """Summarise motion and signal of a bold series.

    Parameters
    ----------
    parameters, framewise_displacement
        As for `motion_summary`.
    tsnr : array, shape (voxels,)
        Temporal signal to noise of the brain.
    standard_dvars : array, shape (T,)
        NaN for the first volume.
    coverage : float
        Share of the template's brain that has a signal.

    Returns
    -------
    dict of float
        "bold_" and the names of `motion_summary`, "bold_tsnr" (median), "bold_std_dvars" (mean),
        "bold_coverage" and "bold_volumes" (count).
    """
    summary = motion_summary(parameters, framewise_displacement)
    return {
        **{name.replace("motion_", "bold_"): value for name, value in summary.items()},
        "bold_tsnr": float(np.median(tsnr)),
        "bold_std_dvars": float(np.nanmean(standard_dvars)),
        "bold_coverage": float(coverage),
        "bold_volumes": float(len(parameters)),
    }


def outlier_summary(dropouts: NDArray[np.bool_], volumes: NDArray[np.bool_]) -> dict[str, float]:
    """Summarise slices, shape (slices, N), and volumes, shape (N,), that lost their signal.

    Returns
    -------
    dict of float
        "dwi_outlier_volumes" (count) and "dwi_outlier_slices" (share of all slices).
    """
    return {
        "dwi_outlier_volumes": float(volumes.sum()),
        "dwi_outlier_slices": float(dropouts.mean()),
    }


def registration_quality(
    image: nib.Nifti1Image,
    brain: nib.Nifti1Image,
    template: nib.Nifti1Image,
    template_brain: nib.Nifti1Image,
    lesion: nib.Nifti1Image | None = None,
) -> dict[str, float]:
    """How well a head matches the template after registration; all images in standard space.

    Parameters
    ----------
    image, brain, lesion : Nifti1Image, shape (X, Y, Z)
        The head, its brain mask and, if there is one, its lesion mask.
    template, template_brain : Nifti1Image, shape (X, Y, Z)
        The template and its brain mask.

    Returns
    -------
    dict of float
        "brain_dice": overlap of the brain masks. "brain_coverage": share of the template's brain
        that is in the image. "template_correlation": Pearson correlation of intensities in the
        brain outside the lesion; negative for contrasts opposite to the template's.

    Raises
    ------
    EmptyRegionError
        The brains do not meet.
    """
    check_same_grid(image, brain=brain, template=template, template_brain=template_brain)
    own, common = (np.asarray(mask.dataobj) > 0 for mask in (brain, template_brain))
    both = own & common
    compared = both.copy()
    if lesion is not None:
        check_same_grid(image, lesion=lesion)
        compared &= ~(np.asarray(lesion.dataobj) > 0)
    if compared.sum() < _MIN_VOXELS:
        raise EmptyRegionError(
            f"Only {compared.sum()} voxels of the brain lie in the template's brain: the "
            "registration failed. Check the brain mask and the image."
        )
    values = [np.asarray(i.dataobj, dtype=np.float64)[compared] for i in (image, template)]
    return {
        "brain_dice": float(2 * both.sum() / (own.sum() + common.sum())),
        "brain_coverage": float(both.sum() / common.sum()),
        "template_correlation": _correlation(*values),
    }


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    first, second = first - first.mean(), second - second.mean()
    scale = np.sqrt((first @ first) * (second @ second))
    return float(first @ second / scale) if scale > 0 else 0.0


def robust_outliers(values: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Find values that stand apart from a cohort.

    Parameters
    ----------
    values : array, shape (N,)
        One measure of N scans; NaN where it is missing.

    Returns
    -------
    array of bool, shape (N,)
        More than 3 scaled median absolute deviations (1.4826 MAD, the standard deviation of
        normal values) from the median [1]_. None among fewer than 5 values, or where half of them
        are equal.

    References
    ----------
    .. [1] Leys et al., J Exp Soc Psychol 49:764-766, 2013.
    """
    known = values[np.isfinite(values)]
    if known.size < _FEWEST_VALUES:
        return np.zeros(values.shape, dtype=bool)
    middle = np.median(known)
    spread = 1.4826 * np.median(np.abs(known - middle))
    if not spread > 0:
        return np.zeros(values.shape, dtype=bool)
    return np.asarray(np.nan_to_num(np.abs(values - middle)) > _OUTLYING * spread)
