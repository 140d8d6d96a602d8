import numpy as np
import pytest
import torch

from motor_bids_app.errors import DataError
from motor_bids_app.mri.diffusion.denoise import denoise_mppca
from motor_bids_app.mri.diffusion.tensor import fit_tensor

BOX = (slice(20, 36), slice(30, 44), slice(20, 32))
WHITE = (slice(14, 34), slice(20, 44), slice(20, 38))
SIGMA = 40.0


@pytest.fixture(scope="module")
def crop(phantom):
    """Clean and noisy signals of the middle of the brain, and its mask."""
    clean = phantom.series(phantom.gradients(30, b0=4))
    noisy = phantom.with_noise(clean, SIGMA)
    return clean[BOX], noisy[BOX], phantom.mask[BOX]


def error(found, clean, mask):
    return np.sqrt(np.mean((found[mask] - clean[mask]) ** 2))


@pytest.mark.parametrize(
    ("directions", "b0", "most_bias"),
    [(20, 1, 2.5), (30, 4, 1.0), pytest.param(64, 6, 1.0, marks=pytest.mark.slow)],
)
def test_anisotropy_of_white_matter_stays(phantom, directions, b0, most_bias):
    table = phantom.gradients(directions, b0=b0)
    clean, mask = phantom.series(table)[WHITE], phantom.mask[WHITE]
    noisy = clean + np.random.default_rng(1).normal(0, SIGMA, clean.shape)

    denoised, _ = denoise_mppca(noisy, mask)

    true, found, raw = (
        fit_tensor(series, table, mask)["fa"] for series in (clean, denoised, noisy)
    )
    white = true > 0.4
    white[[0, 1, -2, -1]] = white[:, [0, 1, -2, -1]] = white[..., [0, 1, -2, -1]] = False
    plain = plain_mppca(noisy, white, 3 if directions < 27 else 5)
    plain = fit_tensor(plain, table, white)["fa"]
    assert abs(100 * (found[white].mean() / true[white].mean() - 1)) < most_bias
    assert error(found, true, white) < error(plain, true, white)
    assert error(found, true, white) < error(raw, true, white)


def plain_mppca(series, mask, width):
    """MP-PCA as first published (Veraart et al. 2016): the middle of a patch around each voxel."""
    result = series.copy()
    for middle in np.argwhere(mask):
        box = tuple(slice(place - width // 2, place + width // 2 + 1) for place in middle)
        patch = series[box].reshape(-1, series.shape[3])
        left, values, right = np.linalg.svd(patch, full_matrices=False)
        squares = values[::-1] ** 2 / max(patch.shape)
        p = np.arange(1, len(squares) + 1)
        means = np.cumsum(squares) / p
        ratio = p / (max(patch.shape) - len(squares) + p)
        noise = np.flatnonzero(squares - squares[0] < 4 * np.sqrt(ratio) * means)[-1] + 1
        values[len(values) - noise :] = 0
        result[tuple(middle)] = (left[len(left) // 2] * values) @ right
    return result


def test_signals_come_nearer_to_the_truth(crop):
    clean, noisy, mask = crop

    denoised, _ = denoise_mppca(noisy, mask)

    assert error(denoised, clean, mask) < 0.55 * error(noisy, clean, mask)


def test_noise_level_is_found(crop):
    _, noisy, mask = crop

    _, sigma = denoise_mppca(noisy, mask)

    assert np.median(sigma[mask]) == pytest.approx(SIGMA, rel=0.05)


def test_pure_noise_becomes_flat():
    noise = np.random.default_rng(0).normal(100, 10, (12, 12, 12, 20))

    denoised, _ = denoise_mppca(noise, np.ones(noise.shape[:3]))

    assert denoised.std() < 0.35 * noise.std()  # what reaches the edge of noise is kept


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
