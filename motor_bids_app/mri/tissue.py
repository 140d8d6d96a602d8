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
_MIXTURE_TRUST = 0.2  # weight of mixtures, against 1 for pure voxels, in the means of tissues
_FIT_ROUNDS = 60
_BIAS_ROUNDS = 12
_BIAS_SCALE = 25.0  # mm, standard deviation of the smoothing
_BIAS_VOXEL = 2.0  # mm
_FIELD_ROUNDS = 4
_FIELD_STRENGTH = 0.25  # gain in log probability for each of six neighbours of the same tissue
_LEAST_SPREAD = 0.01  # of the brightest, standard deviation within a tissue

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

    def joint(self, intensity: Array) -> Array:
        """Density of each component, times its share, at B intensities: shape (K, B)."""
        means, spreads = _CONTENT @ self.means, np.sqrt(_CONTENT**2 @ self.spreads**2)
        deviation = (intensity - means[:, None]) / spreads[:, None]
        weights = self.shares[_CLASS] / np.bincount(_CLASS)[_CLASS] / spreads
        return np.asarray(weights[:, None] * np.exp(-0.5 * deviation**2) + 1e-30)


def _components() -> tuple[Array, NDArray[np.int64]]:
    """Shares of the tissues in each component, (K, 3), and the class it belongs to, (K,)."""
    content, classes = [], []
    for k in range(3):
        content.append(np.eye(3)[k])
        classes.append(2 * k)
    for k in range(2):
        content += [(1 - share) * np.eye(3)[k] + share * np.eye(3)[k + 1] for share in _MIXTURES]
        classes += [2 * k + 1] * len(_MIXTURES)
    return np.array(content), np.array(classes)


_CONTENT, _CLASS = _components()


def _fit(counts: Array, intensity: Array, mixture: _Mixture) -> _Mixture:
    """Expectation-maximisation on a histogram; mixtures tell the means of the tissues too."""
    for _ in range(_FIT_ROUNDS):
        joint = mixture.joint(intensity)
        members = counts * joint / joint.sum(axis=0)
        size, total = members.sum(axis=1), members @ intensity
        trust = np.where(_CLASS % 2, _MIXTURE_TRUST, 1)
        precision = trust / (_CONTENT**2 @ mixture.spreads**2)
        normal = (_CONTENT.T * (size * precision)) @ _CONTENT
        means = np.linalg.solve(normal + 1e-9 * np.eye(3), _CONTENT.T @ (total * precision))
        squares = (members[:3] * (intensity - means[:, None]) ** 2).sum(axis=1)
        spreads = np.sqrt(squares / size[:3].clip(1e-9)).clip(_LEAST_SPREAD)
        shares = np.bincount(_CLASS, weights=size) / counts.sum()
        mixture = _Mixture(means, spreads, shares.clip(1e-4))
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
    return max(fits, key=lambda fit: (counts * np.log(fit.joint(intensity).sum(axis=0))).sum())


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

    What the mixture leaves unexplained is smoothed and divided out (Wells et al. 1996), which
    some of the voxels are enough for. Intensities are scaled so that the brightest are 1.
    """
    bright = torch.quantile(volume[inside][:: 1 + int(inside.sum()) // 200_000], 0.995)
    volume = (volume / bright).clamp(1e-3, 1)
    steps = np.maximum(1, np.rint(_BIAS_VOXEL / sizes)).astype(int)
    thin = (slice(None), *(slice(None, None, step) for step in steps))
    raw, some = volume[thin], inside[thin]
    x, y, z = _BIAS_SCALE / (sizes * steps)
    intensity = (np.arange(_BINS) + 0.5) / _BINS
    mixture, log_bias = None, torch.zeros_like(raw)
    for _ in range(_BIAS_ROUNDS):
        index = _bin(raw / log_bias.exp())
        counts = torch.bincount(index[some], minlength=_BINS).double().numpy()
        mixture = _fit(counts, intensity, mixture) if mixture else _fit_anew(counts, intensity)
        residual, trust = _unexplained(mixture, intensity)
        weight = trust[index] * some
        parts = smooth(torch.cat([residual[index] * weight, weight]), (x, y, z))
        log_bias = log_bias + parts[:1] / parts[1:].clamp_min(1e-6)
    scale = torch.from_numpy(steps).view(3, 1, 1, 1)
    points = voxel_grid(tuple(volume.shape[1:])) / scale
    volume = (volume / sample(log_bias, points.float(), padding="border").exp()).clamp(1e-3, 1)
    counts = torch.bincount(_bin(volume)[inside], minlength=_BINS).double().numpy()
    assert mixture is not None
    return volume, _fit(counts, intensity, mixture)


def _bin(volume: Tensor) -> Tensor:
    return (volume * _BINS).long().clamp(0, _BINS - 1)


def _unexplained(mixture: _Mixture, intensity: Array) -> tuple[Tensor, Tensor]:
    """Log of intensity over what its likely pure tissues have, and how much to trust that."""
    joint = mixture.joint(intensity)
    pure = (joint / joint.sum(axis=0))[:3]
    precision = pure * (mixture.means / mixture.spreads)[:, None] ** 2  # of the logarithm
    trust = precision.sum(axis=0)
    residual = (precision * np.log(intensity / mixture.means[:, None])).sum(axis=0)
    residual /= trust.clip(1e-9)
    return torch.from_numpy(residual).float(), torch.from_numpy(trust).float()


def _regularise(volume: Tensor, inside: Tensor, mixture: _Mixture, sizes: Array) -> Tensor:
    """Shares of the three tissues, shape (3, X, Y, Z), after a few mean-field rounds."""
    intensity = (np.arange(_BINS) + 0.5) / _BINS
    joint = mixture.joint(intensity)
    classes = np.stack([joint[k == _CLASS].sum(axis=0) for k in range(5)])
    content = np.stack([_CONTENT[k == _CLASS].T @ joint[k == _CLASS] for k in range(5)])
    content /= classes[:, None]  # tissues expected in each class at each intensity, (5, 3, B)
    index = _bin(volume)[inside]
    evidence = torch.from_numpy(np.log(classes)).float()[:, index]
    tissues = torch.from_numpy(content).float()[..., index]  # (5, 3, N)
    shares = torch.zeros((3, *volume.shape[1:]))
    support = torch.zeros_like(evidence)
    for _ in range(_FIELD_ROUNDS + 1):
        probability = (evidence + support).softmax(0)
        shares[:, inside[0]] = torch.einsum("cn,ctn->tn", probability, tissues)
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
