import numpy as np
import pytest
from nibabel.affines import apply_affine

from motor_bids_app.simulation.functional import (
    M1,
    REPETITION,
    draw_switches,
    interleaved,
    is_coupled,
    scan_bold,
)

N_VOLUMES = 60


@pytest.fixture(scope="module")
def scan(shape):
    return scan_bold(
        shape,
        None,
        0.0,
        noise=0.002,
        n_volumes=N_VOLUMES,
        coarse=1.5,
        rng=np.random.default_rng(1),
    )


def course(scan, shape, place):
    """Relative change of the voxel that a standard place is in, as the head lies."""
    at_rest = np.linalg.inv(scan.to_t1w)
    courses = []
    for volume, motion in enumerate(scan.motion):
        point = apply_affine(motion @ at_rest, shape.to_scanner(np.array([place]))[0])
        voxel = np.rint(apply_affine(np.linalg.inv(scan.grid.affine), point)).astype(int)
        around = tuple(slice(index - 1, index + 2) for index in voxel)
        courses.append(scan.image[(*around, volume)].mean())
    return np.array(courses[4:])


def test_slices_are_interleaved_over_the_whole_volume():
    times = interleaved(30)

    assert np.sort(times) == pytest.approx(REPETITION * np.arange(30) / 30, abs=1e-4)
    assert times[1] > times[2]


@pytest.mark.parametrize("share", [0.25, 0.65])
def test_states_last_as_long_as_they_should(share):
    rng = np.random.default_rng(0)
    times = np.arange(0, 480.0)
    shares = [is_coupled(times, draw_switches(480, share, rng)).mean() for _ in range(300)]

    assert np.mean(shares) == pytest.approx(share, abs=0.04)


def test_damage_loosens_the_coupling_of_the_two_m1(shape):
    options = {"noise": 0.0, "n_volumes": 3, "coarse": 4}
    intact, damaged = (
        scan_bold(shape, None, loss, rng=np.random.default_rng(0), **options).coupling
        for loss in (0.0, 1.0)
    )

    assert all(damaged[state] < intact[state] for state in intact)


def test_the_first_volume_is_brighter(scan):
    means = scan.image.mean(axis=(0, 1, 2))

    assert means[0] > 1.2 * means[10:].mean()


def test_left_and_right_m1_go_together_while_they_are_coupled(shape):
    """The truth says when: the correlation then is higher than at other times."""
    found = {True: [], False: []}
    for seed in range(3):
        scan = scan_bold(
            shape, None, 0.0, noise=0.0, n_volumes=120, coarse=1.5, rng=np.random.default_rng(seed)
        )
        left, right = (course(scan, shape, (side * M1[0], *M1[1:])) for side in (1, -1))
        for state, values in found.items():
            chosen = scan.coupled[4:] == state
            if chosen.sum() > 20:
                values.append(
                    np.corrcoef(np.diff(left)[chosen[1:]], np.diff(right)[chosen[1:]])[0, 1]
                )
    assert np.mean(found[True]) > np.mean(found[False])


def test_the_same_seed_gives_the_same_series(shape, scan):
    again = scan_bold(
        shape,
        None,
        0.0,
        noise=0.002,
        n_volumes=N_VOLUMES,
        coarse=1.5,
        rng=np.random.default_rng(1),
    )

    np.testing.assert_array_equal(again.image, scan.image)
