import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.errors import EmptyRegionError, GridMismatchError
from motor_bids_app.mri.tissue import segment_tissue
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform

CONTRASTS = {"T1w": (0.25, 0.62, 1.0), "T2w": (1.0, 0.6, 0.42), "FLAIR": (0.2, 1.0, 0.8)}
TISSUES = ("CSF", "GM", "WM")


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


@pytest.mark.parametrize(
    ("contrast", "to_template", "least"),
    [("T1w", None, 0.9), ("T1w", Transform(), 0.9), ("T2w", Transform(), 0.85)],
)
def test_shares_follow_the_truth(truth, mask, contrast, to_template, least):
    found = segment_tissue(scan(truth, contrast), mask, to_template=to_template)

    for name in TISSUES:
        assert correlation(found, truth, mask, name) > least, name


def test_the_template_tells_the_tissues_of_flair_apart(truth, mask):
    found = segment_tissue(scan(truth, "FLAIR"), mask, to_template=Transform())

    for name in ("GM", "WM"):
        assert correlation(found, truth, mask, name) > 0.7


def test_large_ventricles_are_fluid(truth, mask):
    """150 ml of fluid in the depth, as in old age: the tissue that lies deepest is fluid then."""
    x, y, z = np.indices(mask.shape)
    wide = (((x - 30) / 11) ** 2 + ((y - 34) / 16) ** 2 + ((z - 28) / 8) ** 2) < 1
    wide &= np.asarray(mask.dataobj) > 0
    drawn = {name: np.where(wide, name == "CSF", truth[name]) for name in TISSUES}
    found = segment_tissue(scan(drawn), mask)

    assert wide.sum() * 0.027 > 100  # ml
    assert np.asarray(found["CSF"].dataobj)[wide].mean() > 0.8
    assert correlation(found, drawn, mask, "WM") > 0.85


def test_a_bias_field_that_is_left_does_little_harm(truth, mask):
    flat = segment_tissue(scan(truth), mask)
    bent = segment_tissue(scan(truth, bias=0.35), mask)

    for name in ("GM", "WM"):
        loss = correlation(flat, truth, mask, name) - correlation(bent, truth, mask, name)
        assert loss < 0.03


def test_shares_add_to_one_in_the_healthy_brain_and_are_zero_elsewhere(truth, mask):
    lesion = np.zeros(mask.shape, np.uint8)
    lesion[20:28, 25:35, 30:38] = 1

    found = segment_tissue(scan(truth), mask, nib.Nifti1Image(lesion, mask.affine))

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
    one = segment_tissue(image, mask, lesion_mask)
    other = segment_tissue(nib.Nifti1Image(spoilt, image.affine), mask, lesion_mask)

    for name in TISSUES:
        np.testing.assert_array_equal(one[name].dataobj, other[name].dataobj)


def test_the_unit_of_the_image_does_not_matter(truth, mask):
    image = scan(truth)
    scaled = nib.Nifti1Image(np.asarray(image.dataobj) * 16, image.affine)

    one, other = segment_tissue(image, mask), segment_tissue(scaled, mask)

    np.testing.assert_allclose(one["GM"].dataobj, other["GM"].dataobj, atol=1e-3)


def test_a_mask_without_brain_or_from_elsewhere_is_refused(truth, mask):
    nothing = nib.Nifti1Image(np.zeros(mask.shape, np.uint8), mask.affine)

    with pytest.raises(EmptyRegionError, match="Only 0 voxels"):
        segment_tissue(scan(truth), nothing)
    with pytest.raises(EmptyRegionError, match="Only 0 voxels"):
        segment_tissue(scan(truth), mask, mask)
    with pytest.raises(GridMismatchError):
        segment_tissue(scan(truth), load_template("brain", 2))
