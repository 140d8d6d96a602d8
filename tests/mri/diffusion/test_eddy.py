"""Quadratic fields of eddy currents that are known, on a moving head with noise."""

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from motor_bids_app.mri.diffusion import motion
from motor_bids_app.mri.diffusion.eddy import N_TERMS, bend, uniform_shifts
from motor_bids_app.mri.diffusion.gradients import parse_gradients
from motor_bids_app.mri.diffusion.mask import dwi_mask
from motor_bids_app.mri.diffusion.motion import correct_motion

PHASE = 1
VOXEL = 3.0


@pytest.fixture(scope="module")
def gradients(phantom):
    return phantom.gradients(24, b0=1, bval=2000)


@pytest.fixture(scope="module")
def motions(phantom, gradients):
    return phantom.draw_motion(gradients, mm=1, degrees=1, eddy=0.004)


@pytest.fixture(scope="module")
def linear(phantom, gradients, motions):
    return phantom.with_noise(phantom.series(gradients, motions), 15)


@pytest.fixture(scope="module")
def true(phantom, gradients):
    """Coefficients of the fields, shape (N, 10), which follow the gradient."""
    slopes = np.zeros((3, N_TERMS))
    slopes[:, 4:] = np.random.default_rng(1).normal(0, 0.5, (3, 6))
    return gradients.world_directions(phantom.affine) @ slopes


def points_of(phantom, voxels):
    centre = np.argwhere(phantom.mask).mean(axis=0)
    return ((voxels - centre) * VOXEL).T


@pytest.fixture(scope="module")
def bent(phantom, gradients, motions, true):
    still = phantom.series(gradients, motions)
    voxels = np.argwhere(np.ones(still.shape[:3], dtype=bool))
    points, volumes = points_of(phantom, voxels), []
    for t, coefficients in enumerate(true):
        there = points.copy()
        for _ in range(5):  # what is seen here came from there
            there[PHASE] = points[PHASE] - bend(coefficients, there, PHASE)[0]
        places = voxels.T.astype(float)
        places[PHASE] += (there - points)[PHASE] / VOXEL
        seen = ndimage.map_coordinates(still[..., t], places, order=3)
        seen /= 1 + bend(coefficients, there, PHASE)[1]
        volumes.append(seen.reshape(still.shape[:3]))
    return phantom.with_noise(np.stack(volumes, axis=-1), 15)


@pytest.fixture(scope="module")
def corrected(phantom, gradients, bent):
    return correct_motion(bent, phantom.affine, gradients, phantom.mask)


@pytest.fixture(scope="module")
def straight(phantom, gradients, linear):
    return correct_motion(linear, phantom.affine, gradients, phantom.mask)


@pytest.mark.slow
def test_quadratic_fields_are_found(phantom, gradients, corrected, true):
    points = points_of(phantom, np.argwhere(phantom.mask))
    quadratic = np.arange(N_TERMS) > 3  # the rest is shared with motion and linear fields

    wanted, found = (
        np.stack([bend(c * quadratic, points, PHASE)[0] for c in coefficients])
        for coefficients in (true, corrected.bends)
    )

    size = np.sqrt(np.square(wanted).mean())
    assert size > 0.3  # mm
    assert np.sqrt(np.square(found - wanted).mean()) < 0.3 * size
    assert not corrected.bends[gradients.is_b0].any()


@pytest.mark.slow
def test_a_head_without_them_keeps_linear_fields(straight):
    assert not straight.bends.any()


@pytest.mark.slow
def test_undoing_them_brings_the_signal_nearer_to_the_truth(
    phantom, gradients, bent, corrected, straight, monkeypatch
):
    monkeypatch.setattr(motion, "fit_bends", lambda *_: np.zeros((len(gradients), N_TERMS)))
    without = correct_motion(bent, phantom.affine, gradients, phantom.mask)

    left, with_them, best = (
        np.square(one.data - phantom.series(one.gradients))[phantom.mask].mean()
        for one in (without, corrected, straight)
    )

    assert with_them - best < 0.7 * (left - best)  # noise and interpolation leave the best


def test_the_slope_is_that_of_the_field():
    rng = np.random.default_rng(0)
    points, coefficients = rng.normal(0, 40, (3, 50)), rng.normal(size=N_TERMS)
    for axis in range(3):
        step = np.zeros((3, 1))
        step[axis] = 0.01
        change = bend(coefficients, points + step, axis)[0]
        change = change - bend(coefficients, points - step, axis)[0]
        slope = bend(coefficients, points, axis)[1]
        assert slope == pytest.approx(change / 0.02, rel=1e-5, abs=1e-9)


@pytest.fixture(scope="module")
def table():
    """Shells and directions of one b0 and 24 volumes, in no order."""
    directions = np.random.default_rng(1).normal(size=(25, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return np.minimum(np.arange(25), 1), directions


def test_a_shift_that_follows_the_gradient_is_no_motion(table):
    shells, directions = table
    shift = directions @ [0.5, -2.0, 1.0] * (shells > 0)
    head = np.linspace(0, 1.5, 25) + np.random.default_rng(0).normal(0, 0.1, 25)

    found = uniform_shifts(head + shift, shells, directions)

    assert np.abs(found - shift).max() < 0.15  # of 2.3 mm
    assert found[0] == 0


def test_a_head_that_moves_is_not_taken_for_eddy_currents(table):
    for seed in range(20):
        walk = np.cumsum(np.random.default_rng(seed).normal(0, 0.5, 25))
        assert not uniform_shifts(walk, *table).any()


@pytest.fixture(scope="module")
def path():
    """Shells and directions of one b0 and 24 volumes whose gradient turns little by little."""
    angle = np.arange(25) * 2 * np.pi / 24
    turning = np.column_stack([0.9 * np.cos(angle), 0.9 * np.sin(angle), np.full(25, 0.19**0.5)])
    return np.minimum(np.arange(25), 1), turning


def test_a_head_that_moves_as_gradients_turn_is_not_taken_for_eddy_currents(path):
    noise = np.random.default_rng(0).normal(0, 0.1, 25)
    for step in range(4, 22):  # lies elsewhere from then on
        head = 2.0 * (np.arange(25) >= step) + noise
        assert not uniform_shifts(head, *path).any()


def test_a_shift_that_follows_gradients_that_turn_little_by_little_is_found(path):
    shells, directions = path
    shift = directions @ [0.5, -2.0, 0] * (shells > 0)
    head = np.random.default_rng(0).normal(0, 0.05, 25)
    assert np.abs(uniform_shifts(head + shift, shells, directions) - shift).max() < 0.25


def test_a_still_head_at_a_high_b_value_did_not_move(test_data):
    """Its volumes lie on each other but for shifts of 3 mm that follow the gradient."""
    name = test_data / "dwi_ap_pa_b2500" / "sub-01" / "dwi" / "sub-01_dir-AP_dwi"
    image = nib.load(name.with_suffix(".nii.gz"))
    texts = [name.with_suffix(end).read_text() for end in (".bval", ".bvec")]
    table, data = parse_gradients(*texts), np.asarray(image.dataobj, dtype=np.float32)
    mask = dwi_mask(data[..., table.is_b0].mean(axis=3), np.full(3, 3.0))
    found = correct_motion(data, image.affine, table, mask)
    assert found.framewise_displacement.mean() < 0.8  # 1.5 with them
    assert np.abs(found.parameters[:, :3]).max() < 1.5  # 3 with them


@pytest.mark.slow
def test_fields_of_a_real_head_change_sign_with_the_direction_of_phase_encoding(
    test_data, monkeypatch
):
    """The same gradients in the same head: what contrast or motion feign would keep its sign."""
    found, shifts = [], []

    def kept(*given):
        shifts.append(uniform_shifts(*given))
        return shifts[-1]

    monkeypatch.setattr(motion, "uniform_shifts", kept)
    for way in ("AP", "PA"):
        name = test_data / "dwi_ap_pa_b2500" / "sub-01" / "dwi" / f"sub-01_dir-{way}_dwi"
        image = nib.load(name.with_suffix(".nii.gz"))
        texts = [name.with_suffix(end).read_text() for end in (".bval", ".bvec")]
        table, data = parse_gradients(*texts), np.asarray(image.dataobj, dtype=np.float32)
        mask = dwi_mask(data[..., table.is_b0].mean(axis=3), np.full(3, 3.0))
        found.append(correct_motion(data, image.affine, table, mask).bends[:, 4:].ravel())

    for one, other in (found, shifts):
        assert one @ other < -0.9 * np.sqrt((one @ one) * (other @ other))
