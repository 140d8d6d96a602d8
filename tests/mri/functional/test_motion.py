"""Motion of a small head that is seen in noise while it moves in a known way."""

import numpy as np
import pytest
from nibabel.affines import apply_affine
from scipy import ndimage
from scipy.spatial.transform import Rotation

from motor_bids_app.errors import EmptyRegionError
from motor_bids_app.mri.functional.motion import estimate_motion, mean_volume
from motor_bids_app.spaces.grids import standard_grid
from motor_bids_app.spaces.templates import load_template

VOXEL, N_VOLUMES, REFERENCE = 4, 8, 3
AFFINE = standard_grid(VOXEL).affine


def head():
    grey, white, brain = (
        np.asarray(load_template(kind, VOXEL).dataobj) for kind in ("GM", "WM", "brain")
    )
    fluid = np.clip(1 - grey - white, 0, 1) * brain
    return (900 * grey + 750 * white + 1200 * fluid) * brain


@pytest.fixture(scope="module")
def moving():
    """Series, brain mask, and true matrices (voxels of the reference to those of a volume)."""
    rng = np.random.default_rng(0)
    still = head()
    centre = np.argwhere(still > 0).mean(axis=0)
    turns = Rotation.from_rotvec(rng.uniform(-1.5, 1.5, (N_VOLUMES, 3)), degrees=True).as_matrix()
    shifts = rng.uniform(-2, 2, (N_VOLUMES, 3)) / VOXEL
    turns[REFERENCE], shifts[REFERENCE] = np.eye(3), 0
    matrices = np.tile(np.eye(4), (N_VOLUMES, 1, 1))
    matrices[:, :3, :3] = turns
    matrices[:, :3, 3] = centre - turns @ centre + shifts
    back = np.linalg.inv(matrices)
    series = [ndimage.affine_transform(still, m[:3, :3], m[:3, 3], order=3) for m in back]
    waves = ndimage.gaussian_filter(rng.normal(size=(*still.shape, N_VOLUMES)), (4, 4, 4, 0))
    drift = 1 + 0.015 * waves / waves.std()  # as neural signals do
    noisy = np.stack(series, axis=-1) * drift + rng.normal(0, 9, waves.shape)
    return noisy.astype(np.float32), still > 0, matrices


@pytest.fixture(scope="module")
def found(moving):
    series, brain, _ = moving
    return estimate_motion(series, AFFINE, brain, REFERENCE)


def test_motion_is_found_within_a_sixth_of_a_millimetre(moving, found):
    _, brain, truth = moving

    points = np.argwhere(brain)
    errors = [
        VOXEL * np.linalg.norm(apply_affine(a, points) - apply_affine(b, points), axis=1).mean()
        for a, b in zip(found.matrices, truth, strict=True)
    ]
    assert np.mean(errors) < 0.17
    assert max(errors) < 0.3


def test_parameters_are_those_of_the_matrices_in_the_world(moving, found):
    _, brain, _ = moving

    middle = np.argwhere(brain).mean(axis=0)
    for matrix, parameters in zip(found.matrices, found.parameters, strict=True):
        world = AFFINE @ matrix @ np.linalg.inv(AFFINE)
        turn = Rotation.from_matrix(world[:3, :3]).as_rotvec(degrees=True)
        shift = VOXEL * (apply_affine(matrix, middle) - middle)
        np.testing.assert_allclose(parameters, [*shift, *turn], atol=1e-6)


def test_the_reference_has_not_moved(found):
    np.testing.assert_allclose(found.matrices[REFERENCE], np.eye(4), atol=1e-9)


def test_mean_is_sharper_once_volumes_are_in_place(moving):
    """Of a head as blurred as a scanner sees it: edges sharper than its voxels would be lost by
    making this series, and not by its mean."""
    _, brain, truth = moving
    still = ndimage.gaussian_filter(head(), 0.7)
    back = np.linalg.inv(truth)
    series = [ndimage.affine_transform(still, m[:3, :3], m[:3, 3], order=3) for m in back]
    series = np.stack(series, axis=-1).astype(np.float32)

    corrected = mean_volume(series, truth)

    def error(image):
        return np.abs(image - still)[brain].mean()

    assert error(corrected) < 0.4 * error(series.mean(axis=3))


def test_an_empty_mask_is_refused(moving):
    series, brain, _ = moving
    with pytest.raises(EmptyRegionError, match="bold"):
        estimate_motion(series, AFFINE, np.zeros_like(brain), 0)
