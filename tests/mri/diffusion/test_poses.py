import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.transform import Rotation

from motor_bids_app.mri.diffusion.poses import Level, Pose, align, resample_linearly


def test_what_left_the_field_of_view_does_not_pull_the_match():
    """A head that fills the volume moves by three slices, so that a quarter of it is not seen."""
    rng = np.random.default_rng(0)
    long = ndimage.gaussian_filter(rng.normal(size=(24, 24, 18)), 2).astype(np.float32) + 1
    reference, moved = long[..., 3:15], long[..., :12]
    sizes = np.full(3, 2.0)
    level = Level.of(
        np.stack([reference, moved], axis=-1), np.ones(reference.shape, bool), sizes, 2
    )

    start = Pose(translation=np.array([0, 0, 4.0]))
    found = align(level, level.volumes[1], level.volumes[0], start, with_eddy=False)

    assert np.abs(found.translation - [0, 0, 6]).max() < 0.2  # mm; 1.2 if the edge is repeated


@pytest.mark.parametrize("shape", [(20, 17, 11), (20, 17, 1)])
def test_linear_resampling_is_that_of_scipy(shape):
    rng = np.random.default_rng(1)
    volume = rng.normal(size=shape).astype(np.float32)
    linear = Rotation.from_rotvec([5, -8, 3], degrees=True).as_matrix() + 0.02
    offset = np.array([3.0, -2.0, 0.4])

    found = resample_linearly(volume, linear, offset)

    wanted = ndimage.affine_transform(volume, linear, offset, order=1, mode="nearest")
    assert np.abs(found - wanted).max() < 1e-4
