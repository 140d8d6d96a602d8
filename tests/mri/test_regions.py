import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.errors import GridMismatchError
from motor_bids_app.mri.lesions import mirror
from motor_bids_app.mri.regions import lesion_overlap, regional_means, tract_means
from motor_bids_app.spaces.atlases import Atlas, corticospinal_tract, load_aal
from motor_bids_app.spaces.grids import standard_grid

GRID = standard_grid(4)


def image(values):
    return nib.Nifti1Image(np.asarray(values, dtype=np.float32), GRID.affine)


@pytest.fixture(scope="module")
def atlas() -> Atlas:
    return load_aal(4)


@pytest.fixture
def values():
    return np.random.default_rng(0).random(GRID.shape).astype(np.float32)


def test_means_are_those_of_each_mask(atlas, values):
    means = regional_means(image(values), atlas)

    assert set(means) == set(atlas.names.values())
    for name in ("Precentral_L", "Precentral_R", "Thalamus_L"):
        assert means[name] == pytest.approx(values[atlas.mask(name)].mean(), rel=1e-5)


def test_lesion_and_unmeasured_voxels_do_not_count(atlas, values):
    region = np.argwhere(atlas.mask("Precentral_L"))
    lesion, unmeasured, rest = np.array_split(region, 3)
    values[tuple(rest.T)] = 0.5
    values[tuple(lesion.T)] = 100
    values[tuple(unmeasured.T)] = np.nan
    hole, brain = np.zeros(GRID.shape), np.ones(GRID.shape)
    hole[tuple(lesion.T)] = 1
    brain[tuple(unmeasured[::2].T)] = 0

    means = regional_means(image(values), atlas, brain=image(brain), lesion=image(hole))

    assert means["Precentral_L"] == pytest.approx(0.5)


def test_region_lost_to_the_lesion_is_missing(atlas, values):
    lesion = image(atlas.mask("Putamen_R"))

    means = regional_means(image(values), atlas, lesion=lesion)

    assert np.isnan(means["Putamen_R"])
    assert np.isfinite(means["Putamen_L"])


def test_mirrored_map_swaps_sides(atlas, values):
    means = regional_means(image(values), atlas)
    mirrored = regional_means(mirror(image(values)), atlas)

    assert mirrored["Caudate_R"] == pytest.approx(means["Caudate_L"], rel=1e-5)


def test_tract_mean_is_weighted_by_probability(values):
    tract = corticospinal_tract(4)
    weights = np.asarray(tract["left"].dataobj)

    means = tract_means(image(values), tract)

    assert means["left"] == pytest.approx(np.average(values, weights=weights), rel=1e-5)


def test_another_grid_is_refused(atlas):
    with pytest.raises(GridMismatchError, match="atlas has shape"):
        regional_means(nib.Nifti1Image(np.zeros((5, 5, 5)), GRID.affine), atlas)


def test_overlap_adds_up_to_the_lesion():
    atlas = load_aal(4)
    struck = atlas.mask("Putamen_L") | (np.asarray(atlas.labels.dataobj) == 0)
    struck[20:] = False
    lesion = nib.Nifti1Image(struck.astype(np.uint8), atlas.labels.affine)

    table = lesion_overlap(lesion, atlas).set_index("region")

    voxel = 4**3 / 1000
    assert table["lesioned_ml"].sum() == pytest.approx(struck.sum() * voxel)
    assert table["share_of_lesion"].sum() == pytest.approx(1)
    assert table.loc["Putamen_L", "region_ml"] == pytest.approx(
        atlas.mask("Putamen_L").sum() * voxel
    )
    hit = (struck & atlas.mask("Putamen_L")).sum() / atlas.mask("Putamen_L").sum()
    assert table.loc["Putamen_L", "share_of_region"] == pytest.approx(hit)
    assert table.drop(["Putamen_L", "outside"])["lesioned_ml"].sum() == 0
    assert np.isnan(table.loc["outside", "share_of_region"])


def test_an_empty_lesion_overlaps_with_nothing():
    atlas = load_aal(4)
    empty = nib.Nifti1Image(np.zeros(atlas.labels.shape, np.uint8), atlas.labels.affine)

    table = lesion_overlap(empty, atlas)

    assert (table["lesioned_ml"] == 0).all()
    assert table["share_of_lesion"].isna().all()


@pytest.mark.parametrize(("share", "known"), [(0.4, False), (0.6, True)])
def test_a_region_of_which_less_than_half_was_scanned_has_no_mean(atlas, values, share, known):
    region = np.argwhere(atlas.mask("Putamen_L"))
    seen = np.ones(GRID.shape, dtype=np.uint8)
    seen[tuple(region[int(share * len(region)) :].T)] = 0

    means = regional_means(image(values), atlas, brain=nib.Nifti1Image(seen, GRID.affine))

    assert np.isfinite(means["Putamen_L"]) == known
    assert np.isfinite(means["Putamen_R"])


def test_a_region_that_is_scanned_but_mostly_lesioned_keeps_its_mean(atlas, values):
    region = np.argwhere(atlas.mask("Putamen_L"))
    struck = np.zeros(GRID.shape, dtype=np.uint8)
    struck[tuple(region[len(region) // 4 :].T)] = 1

    means = regional_means(image(values), atlas, lesion=nib.Nifti1Image(struck, GRID.affine))

    rest = values[tuple(region[: len(region) // 4].T)]
    assert means["Putamen_L"] == pytest.approx(rest.mean(), rel=1e-5)
