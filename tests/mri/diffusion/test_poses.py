import numpy as np
from scipy import ndimage

from motor_bids_app.mri.diffusion.poses import Level, Pose, align


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
