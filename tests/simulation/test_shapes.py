import numpy as np
import pytest

from motor_bids_app.simulation.shapes import Space, distance_to, fill, merge

SPACE = Space.box((-20, -20, -20), (41, 41, 41), 1)


def test_ellipsoid_has_its_volume():
    inside = SPACE.ellipsoid((0, 0, 0), (5, 9, 12)) < 0

    assert inside.sum() == pytest.approx(4 / 3 * np.pi * 5 * 9 * 12, rel=0.03)


def test_tube_leans_back_below_its_top():
    tube = SPACE.tube((0, 0), (4, 4), top=10, lean=0.5)

    sections = [np.argwhere(tube[:, :, z] < 0).mean(axis=0)[1] for z in (29, 9)]

    assert sections[0] - sections[1] == pytest.approx(0.5 * 20)
    assert (tube[:, :, 31:] > 0).all()


def test_union_holds_both_solids():
    first, second = SPACE.ellipsoid((-6, 0, 0), (7, 7, 7)), SPACE.ellipsoid((6, 0, 0), (7, 7, 7))

    union = merge(first, second, 3) < 0

    assert union[(first < 0) | (second < 0)].all()


def test_distance_to_a_half_space_is_linear():
    mask = np.zeros((20, 5, 5), dtype=bool)
    mask[:10] = True

    distance = distance_to(mask, step=2)[:, 2, 2]

    assert distance[12] - distance[11] == 2
    assert distance[9] < 0 < distance[10]


def test_fill_averages_at_the_surface():
    image = fill(np.zeros(3, np.float32), np.array([-5.0, 0.0, 5.0], np.float32), 8.0, step=1)

    assert image.tolist() == [8, 4, 0]
