import nibabel as nib
import numpy as np
import pytest
from nibabel.affines import apply_affine

from motor_bids_app.errors import GridMismatchError
from motor_bids_app.mri.disconnection import (
    bundle_shares,
    lost_density,
    pair_shares,
    region_shares,
    trace,
)
from motor_bids_app.mri.lesions import mirror
from motor_bids_app.spaces.atlases import load_cerebra
from motor_bids_app.spaces.grids import standard_grid
from motor_bids_app.spaces.mni import to_mni_space
from motor_bids_app.spaces.tractograms import Tractogram, load_hcp842, other_side

GRID = standard_grid(4)


@pytest.fixture(scope="module")
def hcp842():
    return trace(load_hcp842(), load_cerebra(4))


def lesion(centre, radius=10.0):
    """A ball, in mm."""
    points = apply_affine(GRID.affine, np.moveaxis(np.indices(GRID.shape), 0, -1))
    inside = np.linalg.norm(points - centre, axis=-1) <= radius
    return nib.Nifti1Image(inside.astype(np.uint8), GRID.affine)


def shares(connectome, mask):
    table = bundle_shares(connectome, connectome.cut_by(mask))
    return dict(zip(table["bundle"], table["share"], strict=True))


def line(*points, space="MNI152NLin2009aSym", names=("one",)):
    """A tractogram of one streamline."""
    points = np.array(points, dtype=np.float32)
    return Tractogram(points, np.array([len(points)]), np.array([0]), names, space)


CAPSULE = (-26.0, -18.0, 12.0)  # left internal capsule, posterior limb


def test_no_lesion_cuts_nothing_and_a_whole_brain_cuts_all(hcp842):
    none = nib.Nifti1Image(np.zeros(GRID.shape, np.uint8), GRID.affine)
    whole = nib.Nifti1Image(np.ones(GRID.shape, np.uint8), GRID.affine)

    assert set(shares(hcp842, none).values()) == {0}
    assert set(shares(hcp842, whole).values()) == {1}


def test_a_mirrored_lesion_cuts_the_mirror_images_of_bundles(hcp842):
    struck = lesion(CAPSULE)

    ours, mirrored = shares(hcp842, struck), shares(hcp842, mirror(struck))

    assert {other_side(name): share for name, share in ours.items()} == mirrored


def test_a_lesion_of_the_capsule_cuts_the_motor_tract_of_its_side(hcp842):
    found = shares(hcp842, lesion(CAPSULE))

    assert found["corticospinal_tract_left"] > 0.6
    assert found["corticospinal_tract_right"] == 0
    assert found["cingulum_frontal_parietal_left"] == found["vermis"] == 0


def test_a_larger_lesion_cuts_all_that_a_smaller_one_cuts(hcp842):
    small, large = (hcp842.cut_by(lesion(CAPSULE, radius)) for radius in (6, 14))

    assert small.sum() < large.sum()
    assert not (small & ~large).any()


def test_streamlines_of_pairs_are_those_that_end_in_regions(hcp842):
    cut = hcp842.cut_by(lesion(CAPSULE))
    regions, pairs = region_shares(hcp842, cut), pair_shares(hcp842, cut)

    region = "Precentral_L"
    own = pairs[(pairs["region"] == region) | (pairs["other_region"] == region)]
    whole = regions.set_index("region").loc[region]
    alone = ((hcp842.ends == whole["index"]).any(axis=1) & (hcp842.ends == 0).any(axis=1)).sum()
    assert own["streamlines"].sum() + alone == whole["streamlines"]
    assert (pairs["cut"] <= pairs["streamlines"]).all()
    assert not regions["region"].str.contains("Ventricle").any()


def test_the_density_is_whole_in_the_lesion_and_the_share_of_others_beyond_it(hcp842):
    struck = lesion(CAPSULE)
    cut = hcp842.cut_by(struck)

    density = np.asarray(lost_density(hcp842, cut).dataobj)

    run = (hcp842.visits.sum(axis=0) > 0).reshape(GRID.shape)
    inside = np.asarray(struck.dataobj) > 0
    assert (density[inside & run] == 1).all()
    assert (density[~run] == 0).all()
    assert density.min() >= 0
    assert density.max() <= 1
    voxel = np.flatnonzero((density.ravel() > 0) & (density.ravel() < 1))[0]
    here = hcp842.visits[:, [voxel]].toarray().ravel() > 0
    assert density.ravel()[voxel] == pytest.approx(cut[here].mean())


def test_a_lesion_between_points_that_are_far_apart_cuts_their_streamline():
    connectome = trace(line((-40, -60, 20), (-40, 60, 20)), load_cerebra(4))

    assert shares(connectome, lesion((-40, 0, 20), 4)) == {"one": 0.5}  # not its mirror image
    assert shares(connectome, lesion((-20, 0, 20), 4)) == {"one": 0}


def test_a_streamline_that_leaves_the_grid_counts_where_it_is_inside():
    connectome = trace(line((-40, 0, 20), (-400, 0, 20)), load_cerebra(4))

    assert shares(connectome, lesion((-60, 0, 20), 4)) == {"one": 0.5}
    assert connectome.ends[0, 1] == 0


def test_sides_trade_places_in_mirror_images():
    connectome = trace(line((-40, 0, 20), (-40, 8, 20), names=("tract_left",)), load_cerebra(4))

    assert shares(connectome, lesion((40, 4, 20), 6)) == {"tract_left": 0, "tract_right": 1}


def test_streamlines_of_another_mni_space_are_moved_to_ours():
    here = np.array([(-40.0, y, 20.0) for y in range(-60, 60, 2)])
    there = to_mni_space("MNI152NLin6Asym")(here)

    own = trace(line(*here), load_cerebra(2))
    moved = trace(line(*there, space="MNI152NLin6Asym"), load_cerebra(2))

    def places(connectome):
        voxels = np.unravel_index(connectome.visits[[0]].indices, connectome.grid.shape)
        points = apply_affine(connectome.grid.affine, np.column_stack(voxels))
        return points[np.argsort(points[:, 1])]

    assert np.abs(there - here).max() > 2  # the spaces differ
    assert np.abs(places(own).mean(axis=0) - places(moved).mean(axis=0)).max() < 0.5


def test_a_lesion_on_another_grid_is_refused(hcp842):
    other = nib.Nifti1Image(np.zeros((9, 9, 9), np.uint8), GRID.affine)

    with pytest.raises(GridMismatchError, match="shape"):
        hcp842.cut_by(other)
