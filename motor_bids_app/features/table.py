"""The row of numbers that describes one participant and session."""

import math
from collections.abc import Mapping

import nibabel as nib
import numpy as np

from motor_bids_app.features.columns import COLUMNS, MISSING, TRACT, dictionary_for
from motor_bids_app.features.disconnection_columns import disconnection_column
from motor_bids_app.mri.lesion_values import lesion_voxels
from motor_bids_app.mri.lesions import lesion_side, volume_ml
from motor_bids_app.mri.regions import regional_means, tract_means
from motor_bids_app.mri.tracts import tract_distances, tract_loads
from motor_bids_app.spaces.atlases import MOTOR_REGIONS, Atlas
from motor_bids_app.spaces.tractograms import hcp842_bundles


def feature_row(
    *,
    lesion: nib.Nifti1Image | None,
    tract: Mapping[str, nib.Nifti1Image],
    maps: Mapping[str, nib.Nifti1Image],
    atlas: Atlas,
    brain: nib.Nifti1Image | None = None,
    head: nib.Nifti1Image | None = None,
    native_loads: Mapping[str, float] | None = None,
    disconnection: Mapping[str, float] | None = None,
    quality: Mapping[str, float] | None = None,
) -> dict[str, float | str]:
    """Describe one participant and session by numbers.

    Parameters
    ----------
    lesion : Nifti1Image, shape (X, Y, Z), or None
        Lesion mask; None where none is known. Empty where there is no lesion.
    tract : mapping of Nifti1Image, shape (X, Y, Z)
        Probability of the corticospinal tract on the "left" and "right".
    maps : mapping of Nifti1Image, shape (X, Y, Z)
        Maps by name, of fa, md, rd, ad, gm and wm.
    atlas : Atlas
        Regions of CerebrA. All images are in standard space, on one grid.
    brain : Nifti1Image, shape (X, Y, Z), optional
        Positive where diffusion was measured: its maps are 0 elsewhere.
    head : Nifti1Image, shape (X, Y, Z), optional
        Positive where the head image has scanned: tissue is 0 elsewhere.
    native_loads : mapping of float, optional
        What `motor_bids_app.mri.tracts.native_tract_loads` gives, where there is a head.
    disconnection : mapping of float, optional
        Share of each bundle of HCP842 that the lesion cuts; none where no lesion is known.
    quality : mapping of float, optional
        Measures of earlier steps, copied: those of `motor_bids_app.mri.quality`, and of the lesion
        in the participant's own space.

    Returns
    -------
    dict
        Value of each column; NaN, or "n/a" for a text, is a missing value. Regions without
        the lesion; their asymmetry is (left - right) / (left + right).

    Raises
    ------
    UsageError
        A map or a quality measure is unknown.
    GridMismatchError
        The images are on different grids.
    """
    row: dict[str, float | str] = {
        **_lesion_columns(lesion, tract, native_loads or {}),
        **_overlap_columns(lesion, atlas),
        **{
            disconnection_column(bundle): (disconnection or {}).get(bundle, math.nan)
            for bundle in hcp842_bundles()
        },
    }
    for name, image in maps.items():
        inside = brain if name in ("fa", "md", "rd", "ad") else head
        means = regional_means(image, atlas, brain=inside, lesion=lesion)
        pairs = {region: (means[f"{region}_L"], means[f"{region}_R"]) for region in MOTOR_REGIONS}
        along = tract_means(image, tract, brain=inside, lesion=lesion)
        pairs[TRACT] = (along["left"], along["right"])
        for region, (left, right) in pairs.items():
            prefix = f"{name}_{region.lower()}"
            row[f"{prefix}_left"], row[f"{prefix}_right"] = left, right
            total = left + right
            row[f"{prefix}_asymmetry"] = (left - right) / total if total > 0 else math.nan
    for prefix, image in (("scanned", head), ("dwi_scanned", brain)):
        row.update(_scanned_columns(prefix, image, tract, atlas) if image is not None else {})
    row.update(quality or {})
    dictionary_for(row)  # no column without a description
    return row


def _lesion_columns(
    lesion: nib.Nifti1Image | None,
    tract: Mapping[str, nib.Nifti1Image],
    native_loads: Mapping[str, float],
) -> dict[str, float | str]:
    volume, side, measures = math.nan, MISSING, dict(native_loads)
    if lesion is not None:
        volume, side = volume_ml(lesion), lesion_side(lesion)
        measures |= tract_loads(lesion, tract) | tract_distances(lesion, tract)
    names = (name for name in COLUMNS if name.startswith("tract_"))
    return {
        "lesion_mask": "none" if lesion is None else "given",
        "lesion_volume": volume,
        "lesion_volume_ml": math.nan,  # measured before the lesion came to the standard space
        "lesion_side": side,
        **{name: measures.get(name, math.nan) for name in names},
    }


def _overlap_columns(lesion: nib.Nifti1Image | None, atlas: Atlas) -> dict[str, float]:
    """Share of each motor region that is lesioned: the mean of the mask over the region."""
    shares = {} if lesion is None else regional_means(_binary(lesion), atlas)
    return {
        f"lesion_{region.lower()}_{side}": shares.get(f"{region}_{side[0].upper()}", math.nan)
        for region in MOTOR_REGIONS
        for side in ("left", "right")
    }


def _scanned_columns(
    prefix: str, seen: nib.Nifti1Image, tract: Mapping[str, nib.Nifti1Image], atlas: Atlas
) -> dict[str, float]:
    """Share of each motor region and of the tract that is in a field of view."""
    inside = nib.Nifti1Image((np.asarray(seen.dataobj) > 0).astype(np.float32), seen.affine)
    shares, along = regional_means(inside, atlas), tract_means(inside, tract)
    regions = {
        f"{prefix}_{region.lower()}_{side}": shares[f"{region}_{side[0].upper()}"]
        for region in MOTOR_REGIONS
        for side in ("left", "right")
    }
    return regions | {f"{prefix}_{TRACT}_{side}": along[side] for side in ("left", "right")}


def _binary(lesion: nib.Nifti1Image) -> nib.Nifti1Image:
    return nib.Nifti1Image(lesion_voxels(lesion).astype(np.float32), lesion.affine)
