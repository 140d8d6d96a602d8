"""Layers as points in the plane."""

import numpy as np

from motor_bids_app.explanation.embedding import LEAST, embed


def test_neighbours_stay_neighbours():
    """Two clouds far apart: the nearest person in the plane is one of the own cloud."""
    rng = np.random.default_rng(0)
    group = np.arange(30) < 12
    features = rng.normal(size=(30, 50)) + 20 * group[:, None]
    points = embed(features, 0)
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert (group[distance.argmin(axis=1)] == group).all()


def test_few_people_and_layers_that_say_nothing_have_places():
    assert np.isfinite(embed(np.eye(LEAST), 0)).all()
    assert not embed(np.ones((LEAST, 3)), 0).any()
