import numpy as np
import pytest

from motor_bids_app.simulation.lesions import TERRITORIES, draw_lesion
from motor_bids_app.simulation.sampling import grid_points
from motor_bids_app.spaces.grids import standard_grid

POINTS = grid_points(standard_grid(3))


@pytest.fixture(scope="module")
def lesions():
    rng = np.random.default_rng(0)
    return [draw_lesion(rng) for _ in range(200)]


def test_lesion_stays_in_its_hemisphere(lesions):
    for lesion in lesions[:30]:
        x = POINTS[lesion.covers(POINTS), 0]
        assert (x > 0).all() if lesion.side == "right" else (x < 0).all()


def test_volume_does_not_depend_on_the_grid_it_is_asked_on(lesions):
    large = max(lesions, key=lambda lesion: lesion.radii.max())

    volumes = [large.covers(grid_points(standard_grid(size))).sum() * size**3 for size in (2, 3, 4)]

    assert max(volumes) < 1.03 * min(volumes)


def test_shortcuts_of_the_border_change_nothing(lesions):
    lesion = lesions[0]
    inside = np.zeros(len(POINTS), dtype=bool)
    for centre, radii, turn in zip(lesion.centres, lesion.radii, lesion.turns, strict=True):
        distance = np.linalg.norm((POINTS - centre) @ turn.T / radii, axis=1)
        ripples = np.cos(POINTS @ lesion.waves.T + lesion.phases).sum(axis=1)
        inside |= distance + 0.17 * np.sqrt(2 / len(lesion.waves)) * ripples < 1
    inside &= np.sign(POINTS[:, 0]) == (1 if lesion.side == "right" else -1)

    assert (lesion.covers(POINTS) == inside).mean() > 0.9999


def test_both_sides_and_all_territories_occur(lesions):
    assert {lesion.kind for lesion in lesions} == set(TERRITORIES)
    assert 70 < sum(lesion.side == "left" for lesion in lesions) < 130


def test_sizes_have_a_heavy_tail(patients):
    volumes = np.array([person.damage.lesion_volume for person in patients])

    assert volumes.mean() > 2 * np.median(volumes)
    assert volumes.min() > 0
