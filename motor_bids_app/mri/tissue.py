"""Share of grey matter, white matter and fluid in every voxel of a brain."""

import nibabel as nib
import numpy as np
import torch
from nibabel.affines import voxel_sizes
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from motor_bids_app.errors import EmptyRegionError
from motor_bids_app.mri.mixture import (
    CLASS,
    CONTENT,
    Mixture,
    fit,
    fit_from_quantiles,
    fit_from_regions,
)
from motor_bids_app.mri.resampling import resample
from motor_bids_app.mri.sampling import as_volume, sample, smooth, voxel_grid
from motor_bids_app.spaces.grids import Grid, check_same_grid
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform

_TISSUES = ("CSF", "GM", "WM")
_BINS = 400  # of intensity
_BIAS_ROUNDS = 12
_BIAS_SCALE = 25.0  # mm, standard deviation of the smoothing
_BIAS_VOXEL = 2.0  # mm
_FIELD_ROUNDS = 4
_FIELD_STRENGTH = 0.25  # gain in log probability for each of six neighbours of the same tissue

Array = NDArray[np.float64]


def segment_tissue(
    image: nib.Nifti1Image,
    brain_mask: nib.Nifti1Image,
    lesion_mask: nib.Nifti1Image | None = None,
    to_template: Transform | None = None,
) -> dict[str, nib.Nifti1Image]:
    """Estimate which share of each voxel is grey matter, white matter and fluid.

    Three tissues and the mixtures of neighbours in brightness are fitted to the histogram of
    the healthy brain, in turns with what is left of the bias field; then a weak Markov field
    lets neighbours decide where noise leaves doubt. The template's tissue maps tell which tissue
    is which, and how common each is where; how far to trust them is fitted too. Without them
    the image is read as a T1w, in which fluid is dark and white matter bright.

    Parameters
    ----------
    image : Nifti1Image, shape (X, Y, Z)
        T1w for good maps. From T2w they are rougher, and from FLAIR rough.
    brain_mask, lesion_mask : Nifti1Image, shape (X, Y, Z)
        Positive inside, on the grid of `image`.
    to_template : Transform, optional
        From points of the image to points of the standard space: the inverse of what
        `register_to_template` finds. Needed for T2w and FLAIR.

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
    steps = np.maximum(1, np.rint(_BIAS_VOXEL / sizes)).astype(int)
    regions = _regions(Grid.of(image), box, steps, to_template)

    volume, regions, mixture, names = _fit_with_bias(volume, inside, regions, sizes, steps)
    shares = _regularise(volume, inside, regions, mixture, sizes)
    result = np.zeros((3, *image.shape[:3]), dtype=np.float32)
    result[box] = shares.cpu().numpy()
    header = image.header.copy()
    header.set_data_dtype(np.float32)
    return {name: nib.Nifti1Image(result[k], image.affine, header) for k, name in enumerate(names)}


def _regions(
    grid: Grid, box: tuple[slice, ...], steps: NDArray[np.int64], to_template: Transform | None
) -> Tensor:
    """Template's shares of tissues, (3, x, y, z), in every few voxels of a box; or one region."""
    extent = np.array([part.stop - part.start for part in box[1:]])
    shape = (-(-extent // steps)).tolist()
    if to_template is None:
        return torch.ones(1, *shape)
    start = np.eye(4)
    start[:3, 3] = [part.start for part in box[1:]]
    thin = Grid((shape[0], shape[1], shape[2]), grid.affine @ start @ np.diag([*steps, 1]))
    grey, white = (
        as_volume(np.asarray(resample(load_template(kind, 2), thin, to_template).dataobj))
        for kind in ("GM", "WM")
    )
    shares = torch.cat([1 - grey - white, grey, white]).clamp_min(1e-3)
    return shares / shares.sum(0)


def _fit_with_bias(
    volume: Tensor, inside: Tensor, regions: Tensor, sizes: Array, steps: NDArray[np.int64]
) -> tuple[Tensor, Tensor, Mixture, tuple[str, ...]]:
    """Fit the mixture, and take out the rest of the bias field.

    What the mixture leaves unexplained is smoothed and divided out (Wells et al. 1996), which
    some of the voxels are enough for. Returned are the intensities, the brightest being 1; the
    regions in all voxels; the mixture; and the tissues from dark to bright.
    """
    bright = torch.quantile(volume[inside][:: 1 + int(inside.sum()) // 200_000], 0.995)
    volume = (volume / bright).clamp(1e-3, 1)
    thin = (slice(None), *(slice(None, None, step) for step in steps))
    raw, some = volume[thin], inside[thin]
    x, y, z = _BIAS_SCALE / (sizes * steps)
    intensity = (np.arange(_BINS) + 0.5) / _BINS
    mixture, log_bias = None, torch.zeros_like(raw)
    names: tuple[str, ...] = _TISSUES
    for _ in range(_BIAS_ROUNDS):
        index = _bin(raw / log_bias.exp())
        counts = _histograms(index, some, regions)
        if mixture is not None:
            mixture = fit(counts, intensity, mixture)
        elif len(counts) == 1:
            mixture = fit_from_quantiles(counts, intensity)
        else:
            mixture, order = fit_from_regions(counts, intensity)
            names = tuple(_TISSUES[region] for region in order)
        residual, trust = (
            (regions * table[:, index[0]]).sum(0, keepdim=True) * some
            for table in _unexplained(mixture, intensity)
        )
        parts = smooth(torch.cat([residual, trust]), (x, y, z))
        log_bias = log_bias + parts[:1] / parts[1:].clamp_min(1e-6)
    points = voxel_grid(tuple(volume.shape[1:])) / torch.as_tensor(steps).view(3, 1, 1, 1)
    thin_maps = sample(torch.cat([log_bias, regions]), points.float(), padding="border")
    volume, regions = (volume / thin_maps[:1].exp()).clamp(1e-3, 1), thin_maps[1:]
    assert mixture is not None
    mixture = fit(_histograms(_bin(volume), inside, regions), intensity, mixture)
    return volume, regions, mixture, names


def _histograms(index: Tensor, inside: Tensor, regions: Tensor) -> Array:
    """Voxels of each intensity in each region, shape (R, B)."""
    where, chosen = index[inside], inside[0]
    counts = [torch.bincount(where, weights=region[chosen], minlength=_BINS) for region in regions]
    return torch.stack(counts).double().cpu().numpy()


def _bin(volume: Tensor) -> Tensor:
    return (volume * _BINS).long().clamp(0, _BINS - 1)


def _unexplained(mixture: Mixture, intensity: Array) -> tuple[Tensor, Tensor]:
    """Log of intensity over that of the likely pure tissues, times trust; and the trust: (R, B)."""
    joint = mixture.joint(intensity)
    pure = joint[:, :3] / joint.sum(axis=1, keepdims=True)
    precision = pure * (mixture.means / mixture.spreads)[:, None] ** 2  # of the logarithm
    residual = (precision * np.log(intensity / mixture.means[:, None])).sum(axis=1)
    return torch.as_tensor(residual).float(), torch.as_tensor(precision.sum(axis=1)).float()


def _regularise(
    volume: Tensor, inside: Tensor, regions: Tensor, mixture: Mixture, sizes: Array
) -> Tensor:
    """Shares of the three tissues, shape (3, X, Y, Z), after a few mean-field rounds."""
    density = mixture.densities((np.arange(_BINS) + 0.5) / _BINS)
    classes = np.stack([density[k == CLASS].sum(axis=0) for k in range(5)])
    content = np.stack([CONTENT[k == CLASS].T @ density[k == CLASS] for k in range(5)])
    content /= classes[:, None]  # tissues expected in each class at each intensity, (5, 3, B)
    index = _bin(volume)[inside]
    expected = torch.as_tensor(mixture.shares).float().T @ regions[:, inside[0]]  # (5, N)
    evidence = torch.as_tensor(np.log(classes)).float()[:, index] + expected.log()
    tissues = torch.as_tensor(content).float()[..., index]  # (5, 3, N)
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
