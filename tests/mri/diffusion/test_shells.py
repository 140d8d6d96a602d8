import nibabel as nib
import numpy as np
import pytest
from nibabel.affines import voxel_sizes
from scipy.spatial.transform import Rotation

from motor_bids_app.mri.diffusion.gradients import parse_gradients
from motor_bids_app.mri.diffusion.mask import dwi_mask
from motor_bids_app.mri.diffusion.motion import correct_motion
from motor_bids_app.mri.diffusion.poses import Level
from motor_bids_app.mri.diffusion.shells import shell_jumps, shell_motion

STRONG = [
    ("dwi_ap_pa_b2500", "sub-01_dir-AP_dwi"),
    ("dwi_ap_pa_b2500", "sub-01_dir-PA_dwi"),
    ("dwi_canon_orientations", "sub-01_acq-sag_dir-PA_dwi"),
]


def matrix(shift, turn):
    made = np.eye(4)
    made[:3, :3] = Rotation.from_rotvec(turn, degrees=True).as_matrix()
    made[:3, 3] = shift
    return made


def distance(first, second):
    """Greatest distance in mm between where two motions put points 60 mm from the centre."""
    corners = np.array(np.meshgrid([-35, 35], [-35, 35], [-35, 35])).reshape(3, -1)
    moved = [m[:3, :3] @ corners + m[:3, 3:] for m in (first, second)]
    return np.linalg.norm(moved[0] - moved[1], axis=0).max()


@pytest.mark.parametrize("bval", [700, 1000, 2500, 5000])
def test_motion_between_shells_is_found_at_any_b(phantom, bval):
    table = phantom.gradients(8, b0=1, bval=bval)
    true = matrix([3, -4, 5], [4, -3, 2])
    series = phantom.with_noise(phantom.series(table), 15)
    level = Level.of(series, phantom.mask, np.full(3, 3.0), 4.0)
    mean = level.resampled(level.volumes[1:].mean(axis=0), np.linalg.inv(true))

    found = shell_motion(mean, level.volumes[0], level)

    assert distance(found, true) < 1.5


def test_a_shell_that_does_not_move_stays(phantom):
    table = phantom.gradients(8, b0=1, bval=2500)
    series = phantom.with_noise(phantom.series(table), 15)
    level = Level.of(series, phantom.mask, np.full(3, 3.0), 4.0)

    found = shell_motion(level.volumes[1:].mean(axis=0), level.volumes[0], level)

    assert distance(found, np.eye(4)) < 0.3


def test_an_image_of_something_else_moves_nothing(phantom):
    table = phantom.gradients(8, b0=1)
    level = Level.of(phantom.series(table), phantom.mask, np.full(3, 3.0), 4.0)
    noise = np.random.default_rng(0).normal(100, 10, level.volumes[0].shape).astype(np.float32)

    found = shell_motion(noise, level.volumes[0], level)

    assert np.array_equal(found, np.eye(4))


def test_a_jump_is_counted_from_the_nearest_b0():
    table = parse_gradients("0 1000 1000 0 1000", "0 1 0 0 0\n0 0 1 0 0\n0 0 0 0 1")
    parameters = np.zeros((5, 6))
    parameters[3:, 0] = 7  # the head moved, and b0 with it
    parameters[4, 5] = 4
    parameters[1:3, 1] = 2

    jumps = shell_jumps(parameters, table)

    assert jumps == {1000.0: (pytest.approx(2), pytest.approx(0))}


def read(test_data, folder, name):
    stem = test_data / folder / "sub-01" / "dwi" / name
    image = nib.load(stem.with_suffix(".nii.gz"))
    texts = [stem.with_suffix(end).read_text() for end in (".bval", ".bvec")]
    return image, np.asarray(image.dataobj, dtype=np.float32), parse_gradients(*texts)


@pytest.mark.slow
@pytest.mark.parametrize(("folder", "name"), STRONG)
def test_strongly_weighted_volumes_stay_on_b0(test_data, folder, name):
    # The images of one person lie on each other as they are. A map from the intensities of b0 to
    # those of the shell turned them by 21 degrees.
    image, series, table = read(test_data, folder, name)
    mask = dwi_mask(series[..., 0], voxel_sizes(image.affine))

    result = correct_motion(series, image.affine, table, mask)

    ((shift, turn),) = shell_jumps(result.parameters, table).values()
    assert shift < 2  # mm
    assert turn < 2  # degrees


@pytest.mark.slow
@pytest.mark.parametrize(("folder", "name"), STRONG)
def test_a_known_shift_of_real_volumes_is_found(test_data, folder, name):
    image, series, _ = read(test_data, folder, name)
    mask = dwi_mask(series[..., 0], voxel_sizes(image.affine)) > 0
    level = Level.of(series, mask, voxel_sizes(image.affine), 4.0)
    mean, b0 = level.volumes[1:].mean(axis=0), level.volumes[0]
    still = shell_motion(mean, b0, level)
    known = matrix([-5, 4, 6], [6, -5, 4])

    found = shell_motion(level.resampled(mean, np.linalg.inv(known)), b0, level)

    assert distance(found, known @ still) < 3
