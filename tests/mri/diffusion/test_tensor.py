import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.errors import EmptyRegionError, GradientTableError
from motor_bids_app.mri.diffusion.gradients import GradientTable
from motor_bids_app.mri.diffusion.tensor import dwi_mask, fit_tensor, fit_trace

BOX = (slice(20, 36), slice(30, 44), slice(20, 32))


@pytest.fixture(scope="module")
def gradients(phantom):
    return phantom.gradients(20)


@pytest.fixture(scope="module")
def clean(phantom, gradients):
    return phantom.series(gradients)[BOX]


@pytest.fixture(scope="module")
def mask(phantom):
    return phantom.mask[BOX]


def true_maps(phantom):
    values = np.linalg.eigvalsh(phantom.tensor[BOX])
    mean = values.mean(axis=-1)
    spread = ((values - mean[..., None]) ** 2).sum(axis=-1)
    return {
        "fa": np.sqrt(1.5 * spread / np.maximum((values**2).sum(axis=-1), 1e-30)),
        "md": mean,
        "rd": values[..., :2].mean(axis=-1),
        "ad": values[..., 2],
        "s0": phantom.s0[BOX],
    }


def test_noiseless_signals_give_the_tensor_back(phantom, gradients, clean, mask):
    maps = fit_tensor(clean, gradients, mask)

    for name, truth in true_maps(phantom).items():
        assert maps[name][mask] == pytest.approx(truth[mask], rel=1e-4, abs=1e-6), name
        assert not maps[name][~mask].any()


def test_agrees_with_dipy_on_noisy_signals(phantom, gradients, clean, mask):
    dti = pytest.importorskip("dipy.reconst.dti")
    from dipy.core.gradients import gradient_table

    noisy = phantom.with_noise(clean, 40)
    table = gradient_table(gradients.bvals, bvecs=gradients.bvecs)
    reference = dti.TensorModel(table, fit_method="WLS").fit(noisy, mask=mask)

    maps = fit_tensor(noisy, gradients, mask)

    assert np.abs(maps["fa"] - reference.fa)[mask].max() < 1e-5
    for name in ("md", "rd", "ad"):
        assert np.abs(maps[name] - getattr(reference, name))[mask].max() < 1e-8


def test_high_shells_and_trace_volumes_do_not_count(gradients, clean, mask):
    bvals = np.concatenate([gradients.bvals, [3000, 1000]])
    bvecs = np.concatenate([gradients.bvecs, [[1, 0, 0], [0, 0, 0]]])
    junk = np.full((*clean.shape[:3], 2), 700.0)

    maps = fit_tensor(np.concatenate([clean, junk], -1), GradientTable(bvals, bvecs), mask)

    assert np.array_equal(maps["fa"], fit_tensor(clean, gradients, mask)["fa"])


def test_signals_without_logarithm_give_finite_maps(gradients, clean, mask):
    broken = clean.copy()
    broken[8, 7, 6, 3:9] = [0, -5, 0, 1e-9, 0, 0]
    broken[9, 7, 6] = 0

    maps = fit_tensor(broken, gradients, mask)

    for image in maps.values():
        assert np.isfinite(image).all()
    assert maps["fa"].max() <= 1


def test_empty_mask_is_explained(gradients, clean):
    with pytest.raises(EmptyRegionError, match="mask has 0 voxels"):
        fit_tensor(clean, gradients, np.zeros(clean.shape[:3]))


def test_three_directions_give_the_mean_diffusivity(phantom, mask):
    gradients = GradientTable([0, 1000, 1000, 1000], np.concatenate([np.zeros((1, 3)), np.eye(3)]))
    series = phantom.series(gradients)[BOX]

    with pytest.raises(GradientTableError, match="only a trace"):
        fit_tensor(series, gradients, mask)
    maps = fit_trace(series, gradients, mask)

    assert maps["md"][mask] == pytest.approx(true_maps(phantom)["md"][mask], rel=1e-4)
    assert maps["s0"][mask] == pytest.approx(phantom.s0[BOX][mask], rel=1e-4)


def test_mask_finds_the_brain_under_a_dim_scalp(phantom):
    rng = np.random.default_rng(0)
    brain = phantom.mask
    b0 = phantom.s0 + np.hypot(*rng.normal(0, 15, (2, *brain.shape)))
    x, y, z = np.indices(brain.shape)
    radius = np.hypot(np.hypot((x - 30) / 26, (y - 37) / 33), (z - 26) / 28)
    b0[(radius > 0.98) & (radius < 1.06) & ~brain] += 90

    found = dwi_mask(b0, np.full(3, 3.0)) > 0

    assert 2 * (found & brain).sum() / (found.sum() + brain.sum()) > 0.95


@pytest.mark.parametrize("value", [0.0, 7.0])
def test_blank_image_has_no_brain(value):
    with pytest.raises(EmptyRegionError, match=r"no brain|too few for a brain"):
        dwi_mask(np.full((20, 20, 20), value), np.full(3, 2.0))


def test_real_brain_is_masked_whole(test_data):
    image = nib.load(test_data / "dwi_trio_20dir" / "sub-01" / "dwi" / "sub-01_dwi.nii.gz")
    b0 = np.asarray(image.dataobj[..., 0], dtype=np.float32)

    mask = dwi_mask(b0, np.array(image.header.get_zooms()[:3]))

    volume = mask.sum() * 8 / 1000
    assert 1300 < volume < 1700  # an adult brain with its fluid, in ml
    assert b0[mask > 0].mean() > 8 * b0[mask == 0].mean()
