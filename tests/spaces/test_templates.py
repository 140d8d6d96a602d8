import numpy as np
import pytest

from motor_bids_app.errors import InputMissingError
from motor_bids_app.spaces.grids import Grid, standard_grid
from motor_bids_app.spaces.templates import cut, load_template, package_file


@pytest.mark.parametrize("resolution", [2, 3, 4])
@pytest.mark.parametrize("kind", ["T1w", "GM", "WM", "brain"])
def test_every_template_is_its_own_mirror_image(kind, resolution):
    values = np.asarray(load_template(kind, resolution).dataobj)

    np.testing.assert_allclose(values, values[::-1], atol=2e-6)


def test_templates_agree_with_those_nilearn_returns():
    from nilearn import datasets

    ours = load_template("T1w", 1)
    theirs = datasets.load_mni152_template(resolution=1)
    points = np.array([[0, 0, 0], [-38, -22, 56], [30, -60, -30], [10, 20, 5]])
    for world in points:
        here = np.rint(np.linalg.inv(ours.affine) @ [*world, 1])[:3].astype(int)
        there = np.rint(np.linalg.inv(theirs.affine) @ [*world, 1])[:3].astype(int)
        assert ours.dataobj[tuple(here)] == pytest.approx(theirs.dataobj[tuple(there)], abs=1e-6)


@pytest.mark.parametrize("resolution", [2, 3, 4])
def test_the_volume_of_the_brain_does_not_depend_on_the_resolution(resolution):
    mask = np.asarray(load_template("brain", resolution).dataobj)

    litres = mask.sum() * standard_grid(resolution).voxel_volume / 1e6
    assert litres == pytest.approx(1.887, rel=0.01)  # ICBM 2009a sym, counted at 1 mm


def test_white_matter_lies_in_the_corona_radiata_and_grey_matter_in_the_cortex():
    to_voxels = np.linalg.inv(standard_grid(2).affine)

    def at(kind, *world):
        voxel = np.rint(to_voxels @ [*world, 1])[:3].astype(int)
        return load_template(kind, 2).dataobj[tuple(voxel)]

    assert at("WM", -26, -18, 32) > 0.9
    assert at("GM", -26, -18, 32) < 0.1
    assert at("GM", -42, -12, 8) > 0.6  # posterior insula


def test_a_missing_package_is_named():
    with pytest.raises(InputMissingError, match="no_such_package"):
        package_file("no_such_package", "x")
    with pytest.raises(InputMissingError, match=r"nilearn has no x/y\.nii"):
        package_file("nilearn", "x", "y.nii")


def test_cutting_keeps_every_value_at_its_place_in_the_world():
    values = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
    affine = np.array([[-2.0, 0, 0, 4], [0, 2, 0, -2], [0, 0, 2, 0], [0, 0, 0, 1]])
    target = np.diag([2.0, 2, 2, 1])
    target[:3, 3] = (-2, 0, 2)

    result = cut(values, affine, Grid((4, 3, 5), target))

    for voxel in np.ndindex(result.shape):
        source = np.rint(np.linalg.inv(affine) @ target @ [*voxel, 1])[:3].astype(int)
        inside = np.all((source >= 0) & (source < values.shape))
        assert result[voxel] == (values[tuple(source)] if inside else 0)
