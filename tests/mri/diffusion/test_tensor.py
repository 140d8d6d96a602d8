import numpy as np
import pytest

from motor_bids_app.errors import EmptyRegionError, GradientTableError
from motor_bids_app.mri.diffusion.gradients import GradientTable
from motor_bids_app.mri.diffusion.tensor import fit_tensor, fit_trace

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


def test_direction_is_that_of_the_fibres(phantom, gradients, clean, mask):
    maps = fit_tensor(clean, gradients, mask)

    # The table is along the voxel axes with the first one reversed: these are RAS.
    world = maps["direction"] * [-1, 1, 1]
    vectors = np.linalg.eigh(phantom.tensor[BOX])[1][..., -1]
    fibres = mask & (true_maps(phantom)["fa"] > 0.2)
    assert np.abs((world * vectors).sum(axis=-1))[fibres].min() > 0.9999


def test_residual_is_the_noise_less_what_the_tensor_takes(phantom, gradients, clean, mask):
    rng = np.random.default_rng(0)

    maps = fit_tensor(clean + rng.normal(0, 20, clean.shape), gradients, mask)

    n = len(gradients)
    typical = np.sqrt(np.mean(maps["rmse"][mask] ** 2))
    assert typical == pytest.approx(20 * np.sqrt((n - 7) / n), rel=0.03)


def test_values_that_are_not_usable_do_not_count(gradients, clean, mask):
    broken, usable = clean.copy(), np.ones(clean.shape, dtype=bool)
    broken[:, :, 4:7, 9], usable[:, :, 4:7, 9] = 1, False
    broken[..., 15], usable[..., 15] = 0, False

    maps = fit_tensor(broken, gradients, mask, usable)

    assert maps["fa"] == pytest.approx(fit_tensor(clean, gradients, mask)["fa"], abs=1e-3)
    assert np.abs(fit_tensor(broken, gradients, mask)["fa"] - maps["fa"])[mask].mean() > 0.1


def test_the_upper_of_two_shells_does_not_change_the_maps(phantom, gradients, clean, mask):
    upper = phantom.gradients(30, b0=0, bval=2500)
    both = GradientTable(
        np.concatenate([gradients.bvals, upper.bvals]),
        np.concatenate([gradients.bvecs, upper.bvecs]),
    )
    series = np.concatenate([clean, phantom.series(upper)[BOX] + 100], axis=-1)  # a noise floor

    maps = fit_tensor(series, both, mask)

    assert maps["fa"][mask] == pytest.approx(true_maps(phantom)["fa"][mask], abs=1e-5)


def test_directions_that_measure_no_mean_are_refused():
    """One direction along a fibre would double the mean diffusivity."""
    data, mask = np.full((2, 2, 2, 3), 100.0), np.ones((2, 2, 2))
    along = GradientTable([0, 1000, 1000], [[0, 0, 0], [1, 0, 0], [1, 0, 0]])

    with pytest.raises(GradientTableError, match="some directions more than others"):
        fit_trace(data, along, mask)


def test_a_single_strong_shell_is_used_when_there_is_no_other():
    vectors = np.random.default_rng(0).normal(size=(12, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    strong = GradientTable([0, *[1500] * 12], np.r_[np.zeros((1, 3)), vectors])
    both = GradientTable([0, *[1000] * 6, *[2500] * 6], np.r_[np.zeros((1, 3)), vectors])

    assert strong.fits_tensor.all()
    assert both.fits_tensor.sum() == 7
    data = np.exp(-strong.bvals * 0.7e-3)[None, None, None] * np.ones((2, 2, 2, 1))
    np.testing.assert_allclose(
        fit_tensor(data, strong, np.ones((2, 2, 2)))["md"], 0.7e-3, rtol=1e-4
    )
