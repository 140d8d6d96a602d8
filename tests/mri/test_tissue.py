import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from motor_bids_app.errors import EmptyRegionError, GridMismatchError
from motor_bids_app.mri.tissue import segment_tissue
from motor_bids_app.spaces.atlases import load_cerebra
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform

CONTRASTS = {"T1w": (0.25, 0.62, 1.0), "T2w": (1.0, 0.6, 0.42), "FLAIR": (0.2, 1.0, 0.8)}
TISSUES = ("CSF", "GM", "WM")
HERE = Transform()  # the images lie in the standard space


@pytest.fixture(scope="module")
def truth():
    """Shares of the tissues in the template's brain at 3 mm, by name."""
    brain = np.asarray(load_template("brain", 3).dataobj) > 0
    grey, white = (np.asarray(load_template(kind, 3).dataobj) * brain for kind in ("GM", "WM"))
    shares = np.stack([np.clip(1 - grey - white, 0, 1) * brain, grey, white]) ** 1.5
    return dict(zip(TISSUES, shares / shares.sum(0).clip(1e-6), strict=True))


@pytest.fixture(scope="module")
def mask():
    return load_template("brain", 3)


def scan(truth, contrast="T1w", noise=0.03, bias=0.0):
    means = CONTRASTS[contrast]
    clean = sum(mean * truth[name] for mean, name in zip(means, TISSUES, strict=True))
    x, y, z = np.indices(clean.shape) / np.array(clean.shape).reshape(3, 1, 1, 1)
    field = np.exp(bias * (x - 0.5 + y * z))
    noisy = clean * field + np.random.default_rng(0).normal(0, noise, clean.shape)
    return nib.Nifti1Image((700 * noisy).astype(np.float32), load_template("brain", 3).affine)


def correlation(found, truth, mask, name):
    inside = np.asarray(mask.dataobj) > 0
    return np.corrcoef(np.asarray(found[name].dataobj)[inside], truth[name][inside])[0, 1]


@pytest.mark.parametrize(("contrast", "least"), [("T1w", 0.9), ("T2w", 0.85)])
def test_shares_follow_the_truth(truth, mask, contrast, least):
    found = segment_tissue(scan(truth, contrast), mask, HERE, bright_fluid=contrast == "T2w")

    for name in TISSUES:
        assert correlation(found, truth, mask, name) > least, name


def test_the_template_tells_the_tissues_of_flair_apart(truth, mask):
    found = segment_tissue(scan(truth, "FLAIR"), mask, HERE)

    for name in ("GM", "WM"):
        assert correlation(found, truth, mask, name) > 0.7


def test_large_ventricles_are_fluid(truth, mask):
    """150 ml of fluid in the depth, as in old age: the tissue that lies deepest is fluid then."""
    x, y, z = np.indices(mask.shape)
    wide = (((x - 30) / 11) ** 2 + ((y - 34) / 16) ** 2 + ((z - 28) / 8) ** 2) < 1
    wide &= np.asarray(mask.dataobj) > 0
    drawn = {name: np.where(wide, name == "CSF", truth[name]) for name in TISSUES}
    found = segment_tissue(scan(drawn), mask, HERE)

    assert wide.sum() * 0.027 > 100  # ml
    assert np.asarray(found["CSF"].dataobj)[wide].mean() > 0.8
    assert correlation(found, drawn, mask, "WM") > 0.85


def region(*names):
    atlas = load_cerebra(3)
    return np.logical_or.reduce([atlas.mask(f"{n}_{side}") for n in names for side in "LR"])


def test_white_matter_that_is_as_dark_as_grey_matter_stays_white(truth, mask):
    """Leukoaraiosis: in the depth of white matter, a twentieth of the brain."""
    deep = ndimage.binary_erosion(truth["WM"] > 0.9, iterations=2)
    dark = deep & (np.indices(mask.shape)[1] % 6 < 3)
    image = np.array(scan(truth).dataobj)
    image[dark] *= 0.65

    found = segment_tissue(nib.Nifti1Image(image, mask.affine), mask, HERE)

    assert dark.sum() * 0.027 > 10  # ml
    assert np.asarray(found["WM"].dataobj)[dark].mean() > 0.7


def test_nuclei_as_bright_as_white_matter_stay_grey(truth, mask):
    nuclei = ndimage.binary_erosion(region("Putamen", "Pallidum"))
    image = np.array(scan(truth).dataobj)
    image[nuclei] = 690 + np.random.default_rng(1).normal(0, 20, nuclei.sum())

    found = segment_tissue(nib.Nifti1Image(image, mask.affine), mask, HERE)

    assert np.asarray(found["GM"].dataobj)[nuclei].mean() > 0.7


@pytest.mark.parametrize("contrast", ["T1w", "T2w"])
def test_ventricles_that_take_the_place_of_nuclei_are_fluid(truth, mask, contrast):
    """Registration does not follow ventricles of 129 ml all the way."""
    place = region("Caudate", "Lateral_Ventricle")
    wide = ndimage.binary_dilation(place, iterations=2) & (np.asarray(mask.dataobj) > 0)
    drawn = {name: np.where(wide, name == "CSF", truth[name]) for name in TISSUES}

    found = segment_tissue(scan(drawn, contrast), mask, HERE, bright_fluid=contrast == "T2w")

    core = ndimage.binary_erosion(wide)
    assert np.asarray(found["CSF"].dataobj)[core].mean() > 0.85


def test_dark_dura_in_the_mask_does_not_take_the_place_of_the_fluid_of_t2w(truth, mask):
    inside = np.asarray(mask.dataobj) > 0
    rim = ndimage.binary_dilation(inside, iterations=1) & ~inside
    image = np.array(scan(truth, "T2w").dataobj)
    image[rim] = 50
    wider = nib.Nifti1Image((inside | rim).astype(np.uint8), mask.affine)

    found = segment_tissue(nib.Nifti1Image(image, mask.affine), wider, HERE, bright_fluid=True)

    for name in TISSUES:
        assert correlation(found, truth, mask, name) > 0.8, name


def test_a_bias_field_that_is_left_does_little_harm(truth, mask):
    flat = segment_tissue(scan(truth), mask, HERE)
    bent = segment_tissue(scan(truth, bias=0.35), mask, HERE)

    for name in ("GM", "WM"):
        loss = correlation(flat, truth, mask, name) - correlation(bent, truth, mask, name)
        assert loss < 0.03


def test_shares_add_to_one_in_the_healthy_brain_and_are_zero_elsewhere(truth, mask):
    lesion = np.zeros(mask.shape, np.uint8)
    lesion[20:28, 25:35, 30:38] = 1

    found = segment_tissue(scan(truth), mask, HERE, nib.Nifti1Image(lesion, mask.affine))

    total = sum(np.asarray(found[name].dataobj) for name in TISSUES)
    healthy = (np.asarray(mask.dataobj) > 0) & (lesion == 0)
    np.testing.assert_allclose(total[healthy], 1, atol=1e-4)
    assert not np.any(total[~healthy])


def test_what_is_inside_a_lesion_does_not_matter(truth, mask):
    lesion = np.zeros(mask.shape, np.uint8)
    lesion[15:28, 25:45, 30:42] = 1
    image = scan(truth)
    spoilt = np.asarray(image.dataobj).copy()
    spoilt[lesion > 0] = 5000

    lesion_mask = nib.Nifti1Image(lesion, mask.affine)
    one = segment_tissue(image, mask, HERE, lesion_mask)
    other = segment_tissue(nib.Nifti1Image(spoilt, image.affine), mask, HERE, lesion_mask)

    for name in TISSUES:
        np.testing.assert_array_equal(one[name].dataobj, other[name].dataobj)


def test_the_unit_of_the_image_does_not_matter(truth, mask):
    image = scan(truth)
    scaled = nib.Nifti1Image(np.asarray(image.dataobj) * 16, image.affine)

    one, other = segment_tissue(image, mask, HERE), segment_tissue(scaled, mask, HERE)

    np.testing.assert_allclose(one["GM"].dataobj, other["GM"].dataobj, atol=1e-3)


def test_a_mask_without_brain_or_from_elsewhere_is_refused(truth, mask):
    nothing = nib.Nifti1Image(np.zeros(mask.shape, np.uint8), mask.affine)

    with pytest.raises(EmptyRegionError, match="Only 0 voxels"):
        segment_tissue(scan(truth), nothing, HERE)
    with pytest.raises(EmptyRegionError, match="Only 0 voxels"):
        segment_tissue(scan(truth), mask, HERE, mask)
    with pytest.raises(GridMismatchError):
        segment_tissue(scan(truth), load_template("brain", 2), HERE)
