"""Differences between groups, and their clusters."""

import nibabel as nib
import numpy as np
import pytest
from nilearn.mass_univariate import permuted_ols
from scipy import ndimage, stats

from motor_bids_app.errors import DataError, EmptyRegionError
from motor_bids_app.explanation.clusters import cluster_table, contrast_groups
from motor_bids_app.spaces.atlases import Atlas, load_aal
from motor_bids_app.spaces.grids import Grid, standard_grid

SHAPE = (10, 10, 10)
MASK = np.ones(SHAPE, dtype=bool)
GROUP = np.arange(24) < 10
GRID = Grid(SHAPE, np.diag([3.0, 3, 3, 1]))
ATLAS = Atlas(nib.Nifti1Image(np.ones(SHAPE, np.int16), GRID.affine), {1: "Precentral_L"})


def noise(rng, n=24, smooth=1.0):
    fields = ndimage.gaussian_filter(rng.normal(size=(n, *SHAPE)), (0, smooth, smooth, smooth))
    return (fields / fields.std()).reshape(n, -1)


@pytest.fixture
def covariates():
    rng = np.random.default_rng(3)
    return np.column_stack([rng.normal(60, 12, 24), rng.integers(0, 2, 24), rng.exponential(8, 24)])


def test_t_without_covariates_is_that_of_scipy():
    maps = noise(np.random.default_rng(0))
    contrast = contrast_groups(maps, GROUP, np.empty((24, 0)), MASK, n_permutations=1)
    expected = stats.ttest_ind(maps[GROUP], maps[~GROUP]).statistic
    np.testing.assert_allclose(contrast.t.ravel(), expected, rtol=1e-9)
    assert contrast.threshold == pytest.approx(stats.t.ppf(0.975, 22))


def test_t_with_covariates_is_that_of_least_squares(covariates):
    maps = noise(np.random.default_rng(0)) + covariates @ [[0.02], [0.5], [0.05]]
    contrast = contrast_groups(maps, GROUP, covariates, MASK, n_permutations=1)
    design = np.column_stack([GROUP, covariates, np.ones(24)])
    slopes, squares, _, _ = np.linalg.lstsq(design, maps[:, 0], rcond=None)
    error = np.sqrt(squares[0] / 19 * np.linalg.inv(design.T @ design)[0, 0])
    assert contrast.t.ravel()[0] == pytest.approx(slopes[0] / error)
    assert contrast.degrees_of_freedom == 19
    nilearn = permuted_ols(GROUP[:, None].astype(float), maps, covariates, n_perm=0)["t"][0]
    np.testing.assert_allclose(contrast.t.ravel(), nilearn, rtol=1e-6)


def test_one_permutation_is_freedman_lane_written_out(covariates):
    """The largest cluster of the full model, fitted to exchanged residuals plus the covariates."""
    maps = noise(np.random.default_rng(0)) + covariates @ [[0.02], [0.5], [0.05]]
    largest = contrast_groups(maps, GROUP, covariates, MASK, n_permutations=1, seed=4).largest[0]
    order = np.random.default_rng(4).permuted(np.arange(24)[None], axis=1)[0]
    rest = np.column_stack([covariates, np.ones(24)])
    explained = rest @ np.linalg.lstsq(rest, maps, rcond=None)[0]
    again = explained + (maps - explained)[order]
    t = contrast_groups(again, GROUP, covariates, MASK, n_permutations=1).t
    sizes = [
        np.bincount(ndimage.label(side > stats.t.ppf(0.975, 19), np.ones((3, 3, 3)))[0].ravel())[1:]
        for side in (t, -t)
    ]
    assert largest == np.concatenate(sizes).max()


def test_p_is_uniform_when_groups_do_not_differ(covariates):
    rng = np.random.default_rng(1)
    values = []
    for _ in range(80):
        maps = noise(rng) + covariates @ [[0.02], [0.5], [0.05]]
        contrast = contrast_groups(maps, GROUP, covariates, MASK, n_permutations=39, seed=rng)
        above = contrast.t > contrast.threshold, contrast.t < -contrast.threshold
        labels = [ndimage.label(side, np.ones((3, 3, 3)))[0] for side in above]
        largest = max(np.bincount(side.ravel())[1:].max(initial=0) for side in labels)
        values.append(contrast.p_corrected(int(largest)) - rng.random() / 40)  # p is a multiple
    assert stats.kstest(values, "uniform").pvalue > 0.01
    assert np.mean(np.array(values) < 0.05) < 0.13


def test_planted_difference_is_found_where_it_is():
    maps = noise(np.random.default_rng(2))
    place = np.zeros(SHAPE, dtype=bool)
    place[2:6, 3:7, 4:8] = True
    maps[GROUP] -= 2.0 * place.ravel()
    contrast = contrast_groups(maps, GROUP, np.empty((24, 0)), MASK, n_permutations=199)
    table = cluster_table(contrast, GRID, ATLAS, ("mild", "severe"))
    first = table.iloc[0]
    assert first["higher_in"] == "mild"
    assert first["peak_t"] < -4
    assert place[tuple(int(v) for v in first[["x", "y", "z"]] / 3)]
    assert 60 <= first["voxels"] <= 160
    assert first["p_corrected"] <= 0.02
    assert first["region"] == "Precentral_L"


def test_exchanged_groups_exchange_the_sign():
    maps = noise(np.random.default_rng(2))
    contrasts = [
        contrast_groups(maps, side, np.empty((24, 0)), MASK, n_permutations=1)
        for side in (GROUP, ~GROUP)
    ]
    np.testing.assert_allclose(contrasts[0].t, -contrasts[1].t)


def test_voxels_that_touch_at_a_corner_are_one_cluster_and_small_ones_are_left_out():
    maps = 0.1 * np.random.default_rng(0).normal(size=(24, *SHAPE))
    maps[GROUP, :3, :3, :3] += 5
    maps[GROUP, 3:6, 3:6, 3:6] += 5  # 54 voxels with the first
    maps[GROUP, 8:, 8:, 8:] += 5  # 8 voxels
    maps = maps.reshape(24, -1)
    contrast = contrast_groups(maps, GROUP, np.empty((24, 0)), MASK, n_permutations=1)
    contrast.t[np.abs(contrast.t) < 20] = 0
    table = cluster_table(contrast, GRID, ATLAS, ("mild", "severe"))
    assert table["voxels"].tolist() == [54]


def test_a_person_without_a_value_counts_as_absent_there():
    maps = noise(np.random.default_rng(0))
    missing = maps.copy()
    missing[3, :50] = np.nan
    missing[:5, 50] = np.nan  # more than a fifth
    contrast = contrast_groups(missing, GROUP, np.empty((24, 0)), MASK, n_permutations=1)
    others = np.arange(24) != 3
    expected = stats.ttest_ind(maps[others & GROUP], maps[others & ~GROUP]).statistic[:50]
    np.testing.assert_allclose(contrast.t.ravel()[:50], expected, rtol=0.1, atol=0.05)
    assert not contrast.tested.ravel()[50]
    assert contrast.tested.sum() == 999


def test_peak_in_the_published_seed_is_in_the_left_precentral_gyrus():
    grid, atlas = standard_grid(3), load_aal(3)
    mask = np.zeros(grid.shape, dtype=bool)
    centre = np.round(np.linalg.inv(grid.affine) @ [-38, -22, 56, 1]).astype(int)[:3]
    mask[tuple(slice(v - 2, v + 3) for v in centre)] = True
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(24, 125)) + 3.0 * GROUP[:, None]
    maps[:, 62] += 30.0 * GROUP
    contrast = contrast_groups(maps, GROUP, np.empty((24, 0)), mask, n_permutations=9)
    table = cluster_table(contrast, grid, atlas, ("mild", "severe"))
    assert table.loc[0, ["x", "y", "z"]].tolist() == pytest.approx([-38, -22, 56], abs=1.5)
    assert table.loc[0, "region"] in {"Precentral_L", "Postcentral_L"}


@pytest.mark.parametrize(
    ("group", "covariates", "message"),
    [
        pytest.param(GROUP, GROUP[:, None], "separate the groups", id="same"),
        pytest.param(GROUP, np.where(GROUP, np.nan, 1)[:, None], "missing", id="missing"),
        pytest.param(np.arange(24) < 1, np.empty((24, 0)), "23 and 1 people", id="few"),
    ],
)
def test_groups_that_cannot_be_compared_are_explained(group, covariates, message):
    with pytest.raises(DataError, match=message):
        contrast_groups(noise(np.random.default_rng(0)), group, covariates, MASK)


def test_maps_that_do_not_vary_are_explained():
    with pytest.raises(EmptyRegionError, match="No voxel varies"):
        contrast_groups(np.ones((24, 1000)), GROUP, np.empty((24, 0)), MASK)
