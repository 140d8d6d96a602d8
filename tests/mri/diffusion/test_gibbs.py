import numpy as np
import pytest
from dipy.denoise.gibbs import gibbs_removal

from motor_bids_app.mri.diffusion.gibbs import remove_gibbs

FINE = 4  # voxels of the object in one of the image


def disc(n):
    """Bright disc with a dark hole off the centre, shape (n, n)."""
    x, y = np.meshgrid(*[(np.arange(n) + 0.5) / n - 0.5] * 2, indexing="ij")
    hole = np.hypot(x - 0.08, y + 0.05) < 0.1
    return (1000.0 * (np.hypot(x, y) < 0.35) - 600.0 * hole).astype(np.float32)


@pytest.fixture(scope="module")
def truth():
    fine = disc(64 * FINE)
    return fine.reshape(64, FINE, 64, FINE).mean(axis=(1, 3))


@pytest.fixture(scope="module")
def ringing():
    """The middle of k-space alone."""
    spectrum = np.fft.fftshift(np.fft.fft2(disc(64 * FINE)))
    first = 64 * (FINE - 1) // 2
    middle = np.fft.ifftshift(spectrum[first : first + 64, first : first + 64])
    # The centre of a block of voxels is half a block minus half a voxel from its first.
    k = np.fft.fftfreq(64)
    shift = np.exp(1j * np.pi * (FINE - 1) / FINE * (k[:, None] + k[None]))
    return np.abs(np.fft.ifft2(middle * shift) / FINE**2).astype(np.float32)


def inside(n=64):
    """Where only ringing varies: away from the edges."""
    x, y = np.meshgrid(*[(np.arange(n) + 0.5) / n - 0.5] * 2, indexing="ij")
    hole, radius = np.hypot(x - 0.08, y + 0.05), np.hypot(x, y)
    return (hole > 0.1 + 1.5 / n) & (radius < 0.35 - 1.5 / n)


def test_ringing_is_mostly_gone(ringing):
    clean = remove_gibbs(ringing[..., None])[..., 0]

    assert clean[inside()].std() < 0.4 * ringing[inside()].std()


def test_as_good_as_dipy(ringing, truth):
    own = remove_gibbs(ringing[..., None])[..., 0]
    dipy = gibbs_removal(ringing.astype(np.float64), inplace=False, num_processes=1)

    errors = [np.abs(image - truth)[inside()].mean() for image in (own, dipy)]
    assert errors[0] < 1.05 * errors[1]


def test_an_image_without_edges_is_left_alone():
    x = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    smooth = (500 + 100 * np.sin(x)[:, None] * np.cos(2 * x)[None]).astype(np.float32)

    clean = remove_gibbs(smooth[..., None])[..., 0]

    assert np.abs(clean - smooth).max() < 2  # of 100: linear interpolation


@pytest.mark.parametrize("slice_axis", [0, 1])
def test_slices_may_lie_along_any_axis(ringing, slice_axis):
    series = np.stack([ringing, 2 * ringing], axis=-1)[:, :, None]
    expected = np.moveaxis(remove_gibbs(series), 2, slice_axis)

    found = remove_gibbs(np.moveaxis(series, 2, slice_axis), slice_axis)

    np.testing.assert_allclose(found, expected, rtol=1e-5)
