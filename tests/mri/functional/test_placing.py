import numpy as np
import pytest
from nibabel.affines import apply_affine
from scipy import ndimage

from motor_bids_app.errors import EmptyRegionError
from motor_bids_app.mri.functional.placing import Distortion, PlacedSeries, place_series
from motor_bids_app.spaces.grids import Grid, standard_grid
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform

GRID = standard_grid(4)


@pytest.fixture(scope="module")
def brain():
    return np.asarray(load_template("brain", 4).dataobj) > 0


@pytest.fixture(scope="module")
def series(brain):
    """Smooth volumes, shape (X, Y, Z, 3), of about 100."""
    noise = np.random.default_rng(0).normal(size=(*GRID.shape, 3))
    smooth = ndimage.gaussian_filter(noise, (1.5, 1.5, 1.5, 0))
    return (100 + 10 * smooth / smooth.std()).astype(np.float32)


def test_a_series_that_is_in_place_comes_out_as_it_is(series, brain):
    placed = place_series(
        series, GRID.affine, np.tile(np.eye(4), (3, 1, 1)), GRID, brain, Transform()
    )

    np.testing.assert_array_equal(placed.inside, brain)
    np.testing.assert_allclose(placed.signals, series[brain].T, rtol=1e-4)


def test_motion_and_warp_are_undone_by_one_interpolation(series, brain):
    """Judged by scipy's splines at the points that the transforms lead to, one after the other."""
    motion = np.tile(np.eye(4), (3, 1, 1))
    motion[:, :3, 3] = [[0, 0, 0], [0.4, -0.3, 0.2], [-1.2, 0.1, 0.6]]
    bend = np.zeros((*GRID.shape, 3), dtype=np.float32)
    bend[..., 1] = 3 * np.sin(np.arange(GRID.shape[0]) / 5)[:, None, None]
    place = np.eye(4)
    place[:3, 3] = [2, -3, 1]
    transform = Transform(matrix=place, displacement=bend, grid=GRID)

    placed = place_series(series, GRID.affine, motion, GRID, brain, transform)

    points = apply_affine(GRID.affine, np.argwhere(placed.inside))
    voxels = apply_affine(np.linalg.inv(GRID.affine), transform(points))
    for volume, matrix in enumerate(motion):
        expected = ndimage.map_coordinates(
            series[..., volume], apply_affine(matrix, voxels).T, order=3, mode="mirror"
        )
        np.testing.assert_allclose(placed.signals[volume], expected, rtol=1e-3)


def test_distortion_is_undone_in_the_same_interpolation(series, brain):
    """A head that is bent along an axis and moves comes out as it is, with its signal spread."""
    places = np.moveaxis(np.indices(brain.shape), 0, -1) - [23, 40, 20]
    bend = (2 * np.exp(-np.square(places).sum(axis=-1) / (2 * 6**2))).astype(np.float32)
    true = np.repeat(series[..., :1], 3, axis=3)
    grid = np.indices(brain.shape).astype(float)
    back = np.zeros(brain.shape)  # from the image to the head
    for _ in range(50):
        there = grid + np.stack([0 * back, back, 0 * back])
        back = -ndimage.map_coordinates(bend, there, order=1, mode="nearest")
    bent = ndimage.map_coordinates(true[..., 0], there, order=3) * (1 + np.gradient(back, axis=1))
    motion = np.tile(np.eye(4), (3, 1, 1))
    motion[1, 0, 3] = 1.0
    moved = [bent, ndimage.shift(bent, (1, 0, 0), order=1, mode="nearest"), bent]
    data = np.stack(moved, axis=-1).astype(np.float32)

    placed = place_series(
        data, GRID.affine, motion, GRID, brain, Transform(), Distortion(bend, axis=1)
    )

    expected = true[placed.inside].T
    error = np.abs(placed.signals - expected).mean(axis=1)
    plain = place_series(data, GRID.affine, motion, GRID, brain, Transform())
    without = np.abs(plain.signals - true[plain.inside].T)
    strong = bend > 0.5
    assert (error < 0.5).all()
    assert without[:, strong[plain.inside]].mean() > 8 * error.mean()


def test_voxels_that_any_volume_does_not_see_are_left_out(series, brain):
    motion = np.tile(np.eye(4), (3, 1, 1))
    motion[2, 2, 3] = 12  # the head sinks by twelve slices in the last volume

    placed = place_series(series, GRID.affine, motion, GRID, brain, Transform())

    top = GRID.shape[2] - 12
    assert not placed.inside[:, :, top + 1 :].any()
    np.testing.assert_array_equal(placed.inside[:, :, :top], brain[:, :, :top])


def test_voxels_without_signal_or_change_are_left_out(brain):
    signals = 100 + np.random.default_rng(0).normal(size=(20, brain.sum())).astype(np.float32)
    signals[:, 0] = 100  # constant
    signals[:, 1] /= 10  # dark

    placed = PlacedSeries.of(signals, brain)

    assert placed.signals.shape[1] == brain.sum() - 2
    lost = np.flatnonzero((brain & ~placed.inside)[brain])
    assert lost.tolist() == [0, 1]


def test_a_series_of_another_place_is_refused(series, brain):
    far = Grid(GRID.shape, np.diag([4.0, 4, 4, 1]))
    far.affine[:3, 3] = 500

    with pytest.raises(EmptyRegionError, match="same head"):
        place_series(series, far.affine, np.tile(np.eye(4), (3, 1, 1)), GRID, brain, Transform())
