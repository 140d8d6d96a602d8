import numpy as np
import pytest
from dipy.core.gradients import gradient_table as dipy_table
from dipy.reconst.dti import TensorModel

from motor_bids_app.simulation import diffusion
from motor_bids_app.simulation.damage import Damage
from motor_bids_app.simulation.deformation import rigid
from motor_bids_app.simulation.diffusion import (
    draw_motion,
    gradient_table,
    scan_dwi,
    spread_directions,
)
from motor_bids_app.simulation.tensors import tensor_field


@pytest.fixture(scope="module")
def scan(shape):
    field = tensor_field(None, Damage(), np.random.default_rng(0))
    return scan_dwi(
        shape, field, noise=0.002, voxel_size=5.0, n_directions=30, rng=np.random.default_rng(1)
    )


def fit(scan, directions):
    model = TensorModel(dipy_table(scan.b_values, bvecs=directions))
    return model.fit(scan.image, mask=scan.brain & (scan.fa > 0.3))


def turned(scan):
    """Directions in the head's own frame."""
    pairs = zip(scan.motion, scan.directions, strict=True)
    return np.stack([motion[:3, :3].T @ direction for motion, direction in pairs])


def test_fit_finds_the_true_maps(scan):
    found = fit(scan, turned(scan))

    white = scan.brain & (scan.fa > 0.3)
    # What remains is motion, which is not corrected here.
    assert np.abs(found.fa - scan.fa)[white].mean() < 0.04
    assert np.abs(found.md - scan.md)[white].mean() < 0.1e-3


def test_diffusion_is_seen_along_the_head_however_it_lies(shape, monkeypatch):
    axes = np.eye(3)
    turn = rigid(np.array([0.0, 0, 40]), np.zeros(3))
    monkeypatch.setattr(diffusion, "_MOVES", 60.0)  # such a turn takes the brain far
    means = []
    for pose, directions in ((np.eye(4), axes), (turn, axes @ turn[:3, :3].T), (turn, axes)):
        monkeypatch.setattr(
            diffusion, "draw_motion", lambda n, rng, pose=pose: np.stack([pose] * n)
        )
        monkeypatch.setattr(
            diffusion, "gradient_table", lambda n, rng, g=directions: (np.full(3, 1000.0), g)
        )
        scan = scan_dwi(
            shape,
            tensor_field(None, Damage(), np.random.default_rng(0)),
            noise=0.0,
            voxel_size=5.0,
            n_directions=3,
            rng=np.random.default_rng(1),
        )
        means.append(scan.image.mean(axis=(0, 1, 2)))
    resting, followed, left_behind = means

    np.testing.assert_allclose(followed, resting, rtol=2e-3)
    assert np.abs(left_behind / resting - 1).max() > 6e-3


def test_directions_are_spread_over_the_sphere():
    vectors = spread_directions(30, np.random.default_rng(0))

    closeness = np.abs(vectors @ vectors.T) - np.eye(30)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1)
    assert np.degrees(np.arccos(closeness.max())) > 18  # 24 degrees is the best there is


def test_series_has_several_unweighted_volumes_and_all_directions():
    b_values, directions = gradient_table(30, np.random.default_rng(0))

    assert (b_values == 0).sum() == 4
    assert b_values[0] == 0
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), b_values > 0)


def test_head_starts_at_rest_and_then_moves_rigidly():
    motion = draw_motion(40, np.random.default_rng(0))

    turns = motion[:, :3, :3]
    np.testing.assert_allclose(
        turns @ turns.transpose(0, 2, 1), np.eye(3)[None].repeat(40, 0), atol=1e-12
    )
    np.testing.assert_allclose(motion[0], np.eye(4), atol=1e-12)
    assert 0.2 < np.abs(motion[1:, :3, 3]).max() < 10
