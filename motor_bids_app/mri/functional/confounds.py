"""What disturbs a bold series: motion, tissue signals, jumps; and how much of it is left."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_PURE = 0.95  # tissue probability
_GREY = 0.5  # probability from which a neighbour could spill grey matter signal
_FEWEST = 20  # voxels that a mean signal can be trusted with
_AXES = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")


def motion_terms(parameters: NDArray[np.floating]) -> dict[str, NDArray[np.float64]]:
    """The 24 motion terms, under fMRIPrep's names: places, their changes, and squares of both.

    Parameters
    ----------
    parameters : array, shape (T, 6)
        Translations (mm) and rotations (degrees).

    Returns
    -------
    dict of array, shape (T,)
        In mm and radians. The change of the first volume is 0.
    """
    places = np.concatenate([parameters[:, :3], np.deg2rad(parameters[:, 3:])], axis=1)
    terms: dict[str, NDArray[np.float64]] = {}
    for name, place in zip(_AXES, places.T, strict=True):
        change = np.diff(place, prepend=place[0])
        terms |= {
            name: place,
            f"{name}_derivative1": change,
            f"{name}_power2": place**2,
            f"{name}_derivative1_power2": change**2,
        }
    return terms


def tissue_masks(
    grey: NDArray[np.floating],
    white: NDArray[np.floating],
    fluid: NDArray[np.floating],
    usable: NDArray[np.bool_],
    lesion: NDArray[np.bool_] | None = None,
) -> dict[str, NDArray[np.bool_]]:
    """Voxels whose mean signal is nuisance: pure white matter and fluid, away from grey matter.

    Parameters
    ----------
    grey, white, fluid : array, shape (X, Y, Z)
        Probabilities, 0 to 1.
    usable : array, shape (X, Y, Z)
        Voxels with a signal.
    lesion : array, shape (X, Y, Z), optional
        Left out with its neighbours: it is fluid to a segmentation, and no ventricle.

    Returns
    -------
    dict of array
        "white_matter" and "csf"; one is missing where there is too little of it.
    """
    cross = ndimage.generate_binary_structure(3, 1)
    allowed = usable & ndimage.binary_erosion(usable, cross)
    if lesion is not None:
        allowed &= ~ndimage.binary_dilation(lesion, cross)
    away = ~ndimage.binary_dilation(grey > _GREY, cross)
    masks = {}
    for name, probability in (("white_matter", white), ("csf", fluid)):
        pure = (probability > _PURE) & allowed
        best = pure & away
        chosen = best if best.sum() >= _FEWEST else pure
        if chosen.sum() >= _FEWEST:
            masks[name] = chosen
    return masks


def dvars(signals: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Change of the whole image since the volume before, plain and standardised.

    Parameters
    ----------
    signals : array, shape (T, voxels)
        Series of the brain, in arbitrary units; scaled here to a median of 1000.

    Returns
    -------
    dvars, standardised : arrays, shape (T,)
        Root mean square change, and relative to what the temporal standard deviation and the
        autocorrelation of the voxels let expect [1]_, so that 1 is usual. NaN for the first.

    References
    ----------
    .. [1] Nichols, Notes on creating a standardized version of DVARS, 2013 (arXiv:1704.01469).
    """
    scaled = np.asarray(signals, dtype=np.float32) * np.float32(1000 / np.median(signals))
    low, high = np.percentile(scaled, (25, 75), axis=0, method="lower")
    spread = (high - low) / 1.349
    centred = scaled - scaled.mean(axis=0)
    power = np.einsum("tv,tv->v", centred, centred)
    lagged = np.einsum("tv,tv->v", centred[1:], centred[:-1])
    memory = np.divide(lagged, power, out=np.zeros_like(power), where=power > 0)
    expected = float(np.mean(np.sqrt(2 * (1 - memory)) * spread))
    changes = np.diff(scaled, axis=0)
    rms = np.sqrt(np.einsum("tv,tv->t", changes, changes, dtype=np.float64) / changes.shape[1])
    plain = np.concatenate([[np.nan], rms])
    return plain, plain / expected if expected > 0 else np.full(len(plain), np.nan)


def temporal_snr(signals: NDArray[np.floating]) -> NDArray[np.float32]:
    """Mean over standard deviation in time, after a linear trend is removed.

    Parameters
    ----------
    signals : array, shape (T, voxels)

    Returns
    -------
    array, shape (voxels,)
        0 where a voxel does not vary.
    """
    n_volumes = len(signals)
    mean = signals.mean(axis=0)
    time = np.linspace(-1, 1, n_volumes, dtype=np.float32)
    residual = signals - mean
    residual = residual - np.outer(time, time @ residual / (time @ time))
    spread = residual.std(axis=0, ddof=min(2, n_volumes - 1))
    return np.divide(mean, spread, out=np.zeros_like(mean), where=spread > 0)


def mean_signals(
    signals: NDArray[np.floating], masks: Mapping[str, NDArray[np.bool_]], inside: NDArray[Any]
) -> dict[str, NDArray[np.float64]]:
    """Mean time course of each mask.

    Parameters
    ----------
    signals : array, shape (T, voxels)
        Of the voxels that are `inside`, in their order.
    masks : mapping of array, shape (X, Y, Z)
    inside : array, shape (X, Y, Z)
    """
    return {
        name: signals[:, mask[inside]].mean(axis=1, dtype=np.float64)
        for name, mask in masks.items()
    }
