import nibabel as nib
import numpy as np
import pytest
from nibabel.affines import from_matvec
from scipy.spatial.transform import Rotation

from motor_bids_app.errors import DataError
from motor_bids_app.mri.repeats import average_runs
from motor_bids_app.mri.resampling import resample
from motor_bids_app.spaces.grids import standard_grid
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform

NOISE = 60.0


@pytest.fixture(scope="module")
def brain():
    template = load_template("T1w", 3)
    return nib.Nifti1Image(1000 * np.asarray(template.dataobj), template.affine)


def run(brain, seed, degrees=0.0, gain=1.0):
    """Scan the brain, turned about its centre, with Rician noise."""
    rng = np.random.default_rng(seed)
    turn = Rotation.from_euler("xyz", [degrees, -degrees, degrees], degrees=True).as_matrix()
    centre = np.array([0, -18, 8])
    moved = resample(
        brain, standard_grid(3), Transform(matrix=from_matvec(turn, centre - turn @ centre))
    )
    real, other = NOISE * rng.standard_normal((2, *moved.shape))
    values = gain * np.hypot(np.asarray(moved.dataobj) + real, other)
    return nib.Nifti1Image(values.astype(np.float32), moved.affine)


def error(image, brain):
    inside = np.asarray(load_template("brain", 3).dataobj) > 0
    return np.sqrt(np.mean((np.asarray(image.dataobj) - np.asarray(brain.dataobj))[inside] ** 2))


def test_the_average_of_moved_runs_is_nearer_to_the_truth(brain):
    runs = [run(brain, 0), run(brain, 1, degrees=3), run(brain, 2, degrees=-2, gain=1.5)]

    average, used = average_runs(runs)

    assert used == [0, 1, 2]
    assert error(average, brain) < 0.75 * error(runs[0], brain)


def test_a_run_of_another_contrast_is_left_out_even_if_it_is_the_first(brain):
    spoilt = run(brain, 0)
    spoilt = nib.Nifti1Image(1000 - np.asarray(spoilt.dataobj), spoilt.affine)

    average, used = average_runs([spoilt, run(brain, 1), run(brain, 2)])

    assert used == [1, 2]
    assert error(average, brain) < NOISE


def test_a_single_run_stays_as_it_is(brain):
    average, used = average_runs([brain])

    assert used == [0]
    assert np.asarray(average.dataobj) == pytest.approx(np.asarray(brain.dataobj), abs=1e-3)


def test_no_runs_are_explained():
    with pytest.raises(DataError, match="no runs"):
        average_runs([])


def test_a_run_that_shows_nothing_leaves_the_first_alone(brain):
    first = run(brain, 0)
    nothing = nib.Nifti1Image(np.zeros(first.shape, dtype=np.float32), first.affine)

    average, used = average_runs([first, nothing])

    assert used == [0]
    assert np.array_equal(average.dataobj, first.dataobj)
