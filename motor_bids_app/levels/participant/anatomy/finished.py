"""Anatomy that another tool has finished: its files brought to the form of our own steps."""

from pathlib import Path

import nibabel as nib
import numpy as np
import SimpleITK as sitk  # noqa: N813

from motor_bids_app.bids.files import load_image
from motor_bids_app.bids.finished import Finished
from motor_bids_app.errors import DataError, EmptyRegionError, ReadWriteError
from motor_bids_app.levels.participant.anatomy.images import TakenAnatomy
from motor_bids_app.mri.resampling import resample
from motor_bids_app.spaces.grids import RESOLUTION, Grid, standard_grid
from motor_bids_app.spaces.transforms import Transform, transform_of_field

_MOST_SHARE = 1.1  # interpolation may leave the range of probabilities a little


def take_anatomy(finished: Finished, head: nib.Nifti1Image) -> TakenAnatomy:
    """Load what belongs to a finished head.

    Raises
    ------
    EmptyRegionError
        The brain mask is empty on the grid of the head.
    DataError
        A probability of tissue is above 1.
    ReadWriteError
        A file cannot be read.
    """
    brain = None
    if finished.brain:
        inside = np.asarray(_on(head, finished.brain).dataobj) > 0.5
        if not inside.any():
            raise EmptyRegionError(
                f"{finished.brain} holds no voxel of {finished.head}: leave this derivative out, "
                "or repair its mask."
            )
        brain = nib.Nifti1Image(inside.astype(np.uint8), head.affine)
    return TakenAnatomy(
        head=finished.head is not None,
        brain=brain,
        tissue={name: _share(head, path) for name, path in finished.tissue.items()},
        transform=read_itk_transform(finished.transform) if finished.transform else None,
    )


def _share(head: nib.Nifti1Image, path: Path) -> nib.Nifti1Image:
    """A probability of tissue on the grid of the head."""
    image = _on(head, path)
    highest = float(np.asarray(image.dataobj).max())
    if highest > _MOST_SHARE:
        raise DataError(
            f"{path} goes up to {highest:.3g}, and a probability to 1. Scale it, or leave this "
            "derivative out."
        )
    return image


def _on(head: nib.Nifti1Image, path: Path) -> nib.Nifti1Image:
    """Load an image of the same space on the grid of the head, whose axes we may have turned."""
    image = nib.as_closest_canonical(load_image(path))
    grid = Grid.of(head)
    if image.shape[:3] == grid.shape and np.allclose(image.affine, grid.affine, atol=1e-3):
        return nib.Nifti1Image(np.asarray(image.dataobj, dtype=np.float32), grid.affine)
    return resample(image, grid)


def read_itk_transform(path: Path) -> Transform:
    """Read a transform that ANTs or fMRIPrep wrote, composite or not, as a displacement.

    Raises
    ------
    ReadWriteError
        It is no transform that ITK reads.
    """
    if path.suffix != ".h5":
        return transform_of_field(load_image(path))
    try:
        transform = sitk.ReadTransform(str(path))
    except RuntimeError as error:
        raise ReadWriteError(
            f"{path} is no transform that ITK can read. Copy it again, or leave it out."
        ) from error
    grid = standard_grid(RESOLUTION)
    to_lps = np.array([-1.0, -1, 1])
    field = sitk.TransformToDisplacementField(
        transform,
        sitk.sitkVectorFloat64,
        list(grid.shape),
        (to_lps * grid.affine[:3, 3]).tolist(),
        grid.voxel_sizes.tolist(),
        np.diag(to_lps).ravel().tolist(),
    )
    vectors = np.transpose(sitk.GetArrayFromImage(field), (2, 1, 0, 3))[:, :, :, None]
    return transform_of_field(nib.Nifti1Image(vectors.astype(np.float32), grid.affine))
