"""Share of grey matter, white matter and fluid in every voxel of a brain."""

from dataclasses import dataclass

import nibabel as nib
import numpy as np
import torch
from nibabel.affines import voxel_sizes
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from motor_bids_app.errors import EmptyRegionError
from motor_bids_app.mri.sampling import as_volume, sample, shrink, smooth, voxel_grid
from motor_bids_app.spaces.grids import check_same_grid

_BINS = 400  # of intensity
_MIXTURES = np.linspace(0.05, 0.95, 10)  # shares of the brighter of two tissues in one voxel
_FIT_ROUNDS = 60
_BIAS_ROUNDS = 3
_BIAS_SCALE = 25.0  # mm, standard deviation of the smoothing
_BIAS_VOXEL = 5.0  # mm
_FIELD_ROUNDS = 4
_FIELD_STRENGTH = 0.25  # gain in log probability for each of six neighbours of the same tissue
_LEAST_SPREAD = 0.01  # of the intensity range, standard deviation within a tissue

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Mixture:
    """Intensities of three tissues, dark to bright, and of mixtures of two neighbours.

    Parameters
    ----------
    means, spreads : arrays, shape (3,)
    shares : array, shape (5,)
        Of the voxels: first tissue, mixture, second tissue, mixture, third tissue.
    """

    means: Array
    spreads: Array
    shares: Array

    def densities(self, intensity: Array) -> tuple[Array, Array]:
        """Density of the five classes, (5, B), and of the tissues expected in them, (5, 3, B)."""
        density = np.zeros((5, intensity.size))
        content = np.zeros((5, 3, intensity.size))
        for k in range(3):
            density[2 * k] = _normal(intensity, self.means[k], self.spreads[k])
            content[2 * k, k] = 1
        for k in range(2):
            means = (1 - _MIXTURES) * self.means[k] + _MIXTURES * self.means[k + 1]
            spreads = np.hypot((1 - _MIXTURES) * self.spreads[k], _MIXTURES * self.spreads[k + 1])
            each = _normal(intensity, means[:, None], spreads[:, None])
            density[2 * k + 1] = each.mean(axis=0)
            brighter = (_MIXTURES[:, None] * each).sum(axis=0) / each.sum(axis=0).clip(1e-300)
            content[2 * k + 1, k], content[2 * k + 1, k + 1] = 1 - brighter, brighter
        return density, content

    def total(self, intensity: Array) -> Array:
        """Density of all classes together, (B,)."""
        return np.asarray(self.shares @ self.densities(intensity)[0])


def _normal(x: Array, mean: Array | float, spread: Array | float) -> Array:
    return np.exp(-0.5 * ((x - mean) / spread) ** 2) / spread


def _fit(counts: Array, intensity: Array, mixture: _Mixture) -> _Mixture:
    """Expectation-maximisation on a histogram."""
    least = _LEAST_SPREAD * (intensity[-1] - intensity[0])
    for _ in range(_FIT_ROUNDS):
        density, _ = mixture.densities(intensity)
        joint = mixture.shares[:, None] * density
        members = counts * joint / joint.sum(axis=0).clip(1e-300)
        shares = members.sum(axis=1) / counts.sum()
        pure = members[::2]
        size = pure.sum(axis=1).clip(1e-9)
        means = (pure * intensity).sum(axis=1) / size
        variance = (pure * (intensity - means[:, None]) ** 2).sum(axis=1) / size
        mixture = _Mixture(means, np.sqrt(variance).clip(least), shares.clip(1e-4))
    return mixture


def _fit_anew(counts: Array, intensity: Array) -> _Mixture:
    """Fit from quantiles that suit dark or bright fluid, whichever explains the image better."""
    cumulative = np.cumsum(counts) / counts.sum()
    fits = []
    for quantiles in ((0.06, 0.4, 0.8), (0.25, 0.65, 0.95)):
        means = np.interp(quantiles, cumulative, intensity)
        spreads = np.full(3, max(np.diff(means).min() / 2, 1e-3))
        start = _Mixture(means, spreads, np.array([0.15, 0.15, 0.3, 0.15, 0.25]))
        fits.append(_fit(counts, intensity, start))
    return max(fits, key=lambda fit: (counts * np.log(fit.total(intensity).clip(1e-300))).sum())


def segment_tissue(
    image: nib.Nifti1Image,
    brain_mask: nib.Nifti1Image,
    lesion_mask: nib.Nifti1Image | None = None,
) -> dict[str, nib.Nifti1Image]:
    """Estimate which share of each voxel is grey matter, white matter and fluid.

    Three tissues and the mixtures of neighbours in brightness are fitted to the histogram of
    the healthy brain, in turns with what is left of the bias field; then a weak Markov field
    lets neighbours decide where noise leaves doubt. Which tissue is which is told by their
    depth below the surface: white matter lies deepest.

    Parameters
    ----------
    image : Nifti1Image, shape (X, Y, Z)
        T1w for good maps. From T2w they are rougher, and from FLAIR rough.
    brain_mask, lesion_mask : Nifti1Image, shape (X, Y, Z)
        Positive inside, on the grid of `image`.

    Returns
    -------
    dict of Nifti1Image, shape (X, Y, Z), float32
        "GM", "WM" and "CSF", 0 to 1; they add to 1 in the brain outside the lesion, and are 0
        elsewhere.

    Raises
    ------
    EmptyRegionError
        Hardly any healthy brain is left.
    """
    check_same_grid(image, brain_mask=brain_mask)
    brain = np.asarray(brain_mask.dataobj) > 0
    healthy = brain.copy()
    if lesion_mask is not None:
        check_same_grid(image, lesion_mask=lesion_mask)
        healthy &= ~(np.asarray(lesion_mask.dataobj) > 0)
    if healthy.sum() < 1000:
        raise EmptyRegionError(
            f"Only {healthy.sum()} voxels are in the brain mask and outside the lesion: too few "
            "to tell tissues apart. Check both masks."
        )
    box = (slice(None), *ndimage.find_objects(healthy.astype(np.uint8))[0])
    volume, inside = as_volume(np.asarray(image.dataobj))[box], as_volume(healthy)[box] > 0
    sizes = np.asarray(voxel_sizes(image.affine))

    volume, mixture = _fit_with_bias(volume, inside, sizes)
    shares = _regularise(volume, inside, mixture, sizes)
    result = np.zeros((3, *image.shape[:3]), dtype=np.float32)
    result[box] = shares.numpy()
    names = _name_tissues(shares, inside, sizes)
    header = image.header.copy()
    header.set_data_dtype(np.float32)
    return {name: nib.Nifti1Image(result[k], image.affine, header) for k, name in enumerate(names)}


def _fit_with_bias(volume: Tensor, inside: Tensor, sizes: Array) -> tuple[Tensor, _Mixture]:
    """Intensities with the rest of the bias field taken out, and the mixture that fits them.

    What the mixture leaves unexplained is smoothed and divided out (Wells et al. 1996).
    Intensities are scaled so that the brightest are 1.
    """
    bright = torch.quantile(volume[inside][:: 1 + int(inside.sum()) // 200_000], 0.995)
    volume = (volume / bright).clamp(1e-3, 1)
    steps = np.maximum(1, _BIAS_VOXEL / sizes)
    x, y, z = steps
    sigmas = tuple((_BIAS_SCALE / (sizes * steps)).tolist())
    grid = voxel_grid(tuple(volume.shape[1:])) / torch.tensor(steps).float().view(3, 1, 1, 1)
    intensity = (np.arange(_BINS) + 0.5) / _BINS
    mixture = None
    for _ in range(_BIAS_ROUNDS + 1):
        index = _bin(volume)
        counts = torch.bincount(index[inside], minlength=_BINS).double().numpy()
        mixture = _fit(counts, intensity, mixture) if mixture else _fit_anew(counts, intensity)
        residual, weight = _unexplained(mixture, intensity)
        weights = weight[index] * inside
        parts = shrink(torch.cat([residual[index] * weights, weights]), (x, y, z))
        parts = smooth(parts, sigmas)
        log_bias = sample(parts[:1] / parts[1:].clamp_min(1e-6), grid, padding="border")
        volume = (volume / log_bias.exp()).clamp(1e-3, 1)
    assert mixture is not None
    return volume, mixture


def _bin(volume: Tensor) -> Tensor:
    return (volume * _BINS).long().clamp(0, _BINS - 1)


def _unexplained(mixture: _Mixture, intensity: Array) -> tuple[Tensor, Tensor]:
    """Log of intensity over what its likely pure tissues have, and how much to trust that."""
    density, _ = mixture.densities(intensity)
    joint = mixture.shares[:, None] * density
    pure = (joint / joint.sum(axis=0).clip(1e-300))[::2]
    precision = pure * (mixture.means / mixture.spreads)[:, None] ** 2  # of the logarithm
    trust = precision.sum(axis=0)
    residual = (precision * np.log(intensity / mixture.means[:, None])).sum(axis=0)
    residual /= trust.clip(1e-9)
    return torch.from_numpy(residual).float(), torch.from_numpy(trust).float()


def _regularise(volume: Tensor, inside: Tensor, mixture: _Mixture, sizes: Array) -> Tensor:
    """Shares of the three tissues, shape (3, X, Y, Z), after a few mean-field rounds."""
    intensity = (np.arange(_BINS) + 0.5) / _BINS
    density, content = mixture.densities(intensity)
    joint = mixture.shares[:, None] * density
    index = _bin(volume)[inside]
    evidence = torch.from_numpy(np.log(joint.clip(1e-30))).float()[:, index]
    tissues = torch.from_numpy(content).float()[..., index]  # (5, 3, N)
    shares = torch.zeros((3, *volume.shape[1:]))
    support = torch.zeros_like(evidence)
    for _ in range(_FIELD_ROUNDS + 1):
        classes = (evidence + support).softmax(0)
        shares[:, inside[0]] = torch.einsum("cn,ctn->tn", classes, tissues)
        near = _FIELD_STRENGTH * _neighbours(shares, sizes)[:, inside[0]]
        support[::2] = near
        support[1::2] = (near[:2] + near[1:]) / 2
    return shares


def _neighbours(shares: Tensor, sizes: Array) -> Tensor:
    """Sum over the six neighbours, those farther away counting less."""
    result = torch.zeros_like(shares)
    for axis, closeness in enumerate(sizes.min() / sizes, start=1):
        n = shares.shape[axis]
        low, high = (shares.narrow(axis, start, n - 1) for start in (0, 1))
        result.narrow(axis, 1, n - 1).add_(low, alpha=float(closeness))
        result.narrow(axis, 0, n - 1).add_(high, alpha=float(closeness))
    return result


def _name_tissues(shares: Tensor, inside: Tensor, sizes: Array) -> tuple[str, str, str]:
    """Names of the tissues from dark to bright, knowing that white matter lies deepest."""
    x, y, z = np.maximum(1, 3 / sizes)
    small = shrink(torch.cat([shares, inside.float()]), (x, y, z)).numpy()
    depth = ndimage.distance_transform_edt(np.pad(small[3] > 0.5, 1), sampling=sizes * (x, y, z))[
        1:-1, 1:-1, 1:-1
    ]
    deepest = int(np.argmax([np.average(depth, weights=share + 1e-9) for share in small[:3]]))
    return (("WM", "GM", "CSF"), ("CSF", "WM", "GM"), ("CSF", "GM", "WM"))[deepest]
