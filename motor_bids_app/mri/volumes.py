"""How much there is of each tissue, and what diffusion is like in white matter."""

from collections.abc import Mapping

import nibabel as nib
import numpy as np

from motor_bids_app.spaces.grids import Grid

_PURE = 0.9  # share of white matter from which a voxel counts
_FEWEST_VOXELS = 50


def tissue_volumes(tissue: Mapping[str, nib.Nifti1Image]) -> dict[str, float]:
    """Volumes of the tissues, and the ratio of grey to white matter.

    Parameters
    ----------
    tissue : mapping of Nifti1Image, shape (X, Y, Z)
        Probability (0 to 1) of "GM", "WM" and "CSF", on the grid of the head.

    Returns
    -------
    dict of float
        "gm_ml", "wm_ml" and "csf_ml", and "gm_wm_ratio" where there is white matter.
    """
    volumes = {
        f"{name.lower()}_ml": float(np.asarray(image.dataobj, dtype=np.float64).sum())
        * Grid.of(image).voxel_volume
        / 1000
        for name, image in tissue.items()
    }
    if volumes.get("wm_ml", 0) > 0 and "gm_ml" in volumes:
        volumes["gm_wm_ratio"] = volumes["gm_ml"] / volumes["wm_ml"]
    return volumes


def white_matter_medians(
    maps: Mapping[str, nib.Nifti1Image],
    white_matter: nib.Nifti1Image,
    lesion: nib.Nifti1Image | None = None,
) -> dict[str, float]:
    """Median of FA and MD in the template's white matter, where both were measured.

    Parameters
    ----------
    maps : mapping of Nifti1Image, shape (X, Y, Z)
        "fa" and "md" in the standard space, 0 where nothing was measured; either may be absent.
    white_matter : Nifti1Image, shape (X, Y, Z)
        Its share in the template, 0 to 1.
    lesion : Nifti1Image, shape (X, Y, Z), optional
        Left out.

    Returns
    -------
    dict of float
        "white_matter_fa" and "white_matter_md"; none where no white matter was measured.
    """
    inside = np.asarray(white_matter.dataobj) > _PURE
    if lesion is not None:
        inside &= ~(np.asarray(lesion.dataobj) > 0)
    found = {}
    for name in ("fa", "md"):
        if name in maps:
            values = np.asarray(maps[name].dataobj)[inside]
            values = values[values > 0]
            if values.size >= _FEWEST_VOXELS:
                found[f"white_matter_{name}"] = float(np.median(values))
    return found
