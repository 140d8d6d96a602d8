import numpy as np
import pytest
import torch

from motor_bids_app.errors import DataError
from motor_bids_app.mri.diffusion.denoise import denoise_mppca

BOX = (slice(20, 36), slice(30, 44), slice(20, 32))
SIGMA = 40.0


@pytest.fixture(scope="module")
def crop(phantom):
    """Clean and noisy signals of the middle of the brain, and its mask."""
    clean = phantom.series(phantom.gradients(30, b0=4))
    noisy = phantom.with_noise(clean, SIGMA)
    return clean[BOX], noisy[BOX], phantom.mask[BOX]


def error(found, clean, mask):
    return np.sqrt(np.mean((found[mask] - clean[mask]) ** 2))


def test_at_least_as_good_as_dipy(crop):
    localpca = pytest.importorskip("dipy.denoise.localpca")
    clean, noisy, mask = crop

    denoised, _ = denoise_mppca(noisy, mask)

    reference = localpca.mppca(noisy, mask=mask, patch_radius=2)
    assert error(denoised, clean, mask) < error(reference, clean, mask)
    assert error(denoised, clean, mask) < 0.5 * error(noisy, clean, mask)


def test_noise_level_is_found(crop):
    _, noisy, mask = crop

    _, sigma = denoise_mppca(noisy, mask)

    assert np.median(sigma[mask]) == pytest.approx(SIGMA, rel=0.05)


def test_pure_noise_becomes_flat():
    noise = np.random.default_rng(0).normal(100, 10, (12, 12, 12, 20))

    denoised, _ = denoise_mppca(noise, np.ones(noise.shape[:3]))

    assert denoised.std() < 0.15 * noise.std()


def test_result_does_not_depend_on_threads(crop):
    _, noisy, mask = crop
    before = torch.get_num_threads()
    results = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        results.append(denoise_mppca(noisy, mask)[0])
        assert torch.get_num_threads() == threads
    torch.set_num_threads(before)

    assert np.array_equal(*results)


def test_far_from_the_mask_nothing_changes(crop):
    _, noisy, _ = crop
    mask = np.zeros(noisy.shape[:3], dtype=bool)
    mask[:2] = True

    denoised, sigma = denoise_mppca(noisy, mask)

    assert np.array_equal(denoised[10:], noisy[10:])
    assert not sigma[10:].any()


def test_units_of_the_data_do_not_matter(crop):
    _, noisy, mask = crop

    denoised, sigma = denoise_mppca(noisy * np.float32(1e-3), mask)

    expected, expected_sigma = denoise_mppca(noisy, mask)
    assert denoised * 1e3 == pytest.approx(expected, abs=2)
    assert sigma * 1e3 == pytest.approx(expected_sigma, rel=0.01)


def test_too_few_volumes_are_refused():
    with pytest.raises(DataError, match="needs 8 volumes, and the series has 4"):
        denoise_mppca(np.zeros((6, 6, 6, 4)), np.ones((6, 6, 6)))
