"""Images of the standard space MNI152NLin2009aSym, from the files inside nilearn.

They are read as files, because importing nilearn takes seconds. The space is
symmetric: every image equals its mirror image.
"""

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from motor_bids_app.errors import InputMissingError
from motor_bids_app.spaces.grids import Grid, standard_grid

TemplateKind = Literal["T1w", "GM", "WM", "brain"]
_FILES = {
    kind: f"mni_icbm152_{name}_tal_nlin_sym_09a_converted.nii.gz"
    for kind, name in {"T1w": "t1", "GM": "gm", "WM": "wm"}.items()
}
_SMOOTHING = 0.35  # standard deviation in new voxels, against aliasing


def package_file(package: str, *parts: str) -> Path:
    """Path of a data file inside an installed package, which is not imported.

    Raises
    ------
    InputMissingError
        The package is not installed, or has no such file.
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise InputMissingError(f"Package {package} is missing: install this app's lock file.")
    path = Path(spec.origin).parent.joinpath(*parts)
    if not path.is_file():
        raise InputMissingError(
            f"{package} has no {'/'.join(parts)}: install the version in this app's lock file."
        )
    return path


@lru_cache(maxsize=16)
def load_template(kind: TemplateKind, resolution: int) -> nib.Nifti1Image:
    """Return an image of the standard space on `standard_grid(resolution)`.

    Parameters
    ----------
    kind : str
        T1w: skull-stripped, highest value 1. GM, WM: share of the tissue, 0 to 1. brain:
        mask, 1 inside.
    resolution : int
        Voxel size in mm, 1 to 4. Above 1 mm, values are averages of the voxels around.

    Returns
    -------
    Nifti1Image, shape (X, Y, Z), float32; the mask uint8
        Shared by all callers: do not modify it.

    Notes
    -----
    Fonov et al. 2009, ICBM 152 nonlinear symmetric version 2009a, as nilearn ships it. The
    mask is the support of the skull-stripped image.
    """
    grid = standard_grid(resolution)
    fine = _fine("T1w" if kind == "brain" else kind)
    if kind == "brain":
        fine = (fine > 0).astype(np.float32)
    if resolution > 1:
        fine = ndimage.gaussian_filter(fine, _SMOOTHING * resolution, truncate=3)
    coarse = np.ascontiguousarray(fine[::resolution, ::resolution, ::resolution])
    values = (coarse > 0.5).astype(np.uint8) if kind == "brain" else coarse
    assert values.shape == grid.shape
    image = nib.Nifti1Image(values, grid.affine)
    image.header.set_xyzt_units("mm")
    return image


def _fine(kind: str) -> NDArray[np.float32]:
    """Template at 1 mm, cut to the standard grid, scaled to 0..1."""
    image = nib.load(package_file("nilearn", "datasets", "data", _FILES[kind]))
    values = np.asarray(image.dataobj, dtype=np.float32)
    return cut(values, image.affine, standard_grid(1)) / values.max()


def cut(
    values: NDArray[np.float32], affine: NDArray[np.float64], grid: Grid
) -> NDArray[np.float32]:
    """Copy values to a grid whose voxel centres are among their own; 0 where there are none.

    `affine` may reverse axes. Exact, where interpolation would blur.
    """
    step = np.linalg.inv(affine) @ grid.affine
    strides, first = np.rint(np.diag(step)[:3]).astype(int), np.rint(step[:3, 3]).astype(int)
    assert np.allclose(step[:3, :3], np.diag(strides)), "axes differ"
    assert np.allclose(step[:3, 3], first, atol=1e-3), "voxel centres differ"
    indices = [
        start + stride * np.arange(count)
        for start, stride, count in zip(first, strides, grid.shape, strict=True)
    ]
    inside = [
        (index >= 0) & (index < count) for index, count in zip(indices, values.shape, strict=True)
    ]
    result = np.zeros(grid.shape, dtype=np.float32)
    result[np.ix_(*inside)] = values[np.ix_(*(i[k] for i, k in zip(indices, inside, strict=True)))]
    return result
