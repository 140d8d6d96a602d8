"""First steps for a structural image: axes, noise, and the bias field of the coil."""

from itertools import product

import nibabel as nib
import numpy as np
import SimpleITK as sitk  # noqa: N813
import torch
from nibabel.affines import voxel_sizes
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from motor_bids_app.errors import DataError, EmptyRegionError
from motor_bids_app.mri.sampling import as_volume, sample, voxel_grid
from motor_bids_app.spaces.grids import check_same_grid, finite_values

_FEWEST_SLICES = 8
_SLAB = 12
_BIAS_VOXEL = 6.0  # mm; the field is smooth, and the time goes with the number of voxels
_BIAS_ROUNDS = (40, 40, 40, 40)  # N4 iterations, the control points doubling each time
_SLOPPY_BIAS_ROUNDS = (20, 20, 20)
_BIAS_TOLERANCE = 1e-3  # smaller ones take longer for no gain
_BLOCK = 5  # voxels, in which noise is measured
_FLATTEST = 0.1  # share of the blocks of the head
_FLATTEST_OF_NOISE = 0.65  # of that share's mean absolute deviation, where all is normal noise
_STRENGTH = 1.0  # of denoising: squared distances are compared with this times the noise variance


def reorient(image: nib.Nifti1Image) -> nib.Nifti1Image:
    """Put the axes of an image in the order right, anterior, superior, as closely as they allow.

    The world coordinates of every voxel stay what they are.

    Parameters
    ----------
    image : Nifti1Image, shape (X, Y, Z) or (X, Y, Z, N)
        Repeated measurements (N) are averaged.

    Returns
    -------
    Nifti1Image, shape (X, Y, Z), float32
        Values that are not finite have become 0.

    Raises
    ------
    DataError
        The image is no volume, has too few slices to hold a brain, or does not vary.
    """
    shape = tuple(n for axis, n in enumerate(image.shape) if axis < 3 or n > 1)
    if len(shape) not in (3, 4) or min(shape[:3]) < _FEWEST_SLICES:
        raise DataError(
            f"An image of shape {image.shape} is no volume of a head: at least {_FEWEST_SLICES} "
            "voxels along each of three axes are needed. Exclude it, or give the whole series."
        )
    if not abs(np.linalg.det(image.affine)) > 0:
        raise DataError("The affine of the image is singular: set its qform or sform.")
    values = finite_values(image).reshape(shape)
    if values.ndim == 4:
        values = values.mean(axis=-1)
    if not values.max() > values.min():
        raise DataError(f"Every voxel of the image is {values.max():g}: there is nothing to see.")
    canonical = nib.as_closest_canonical(nib.Nifti1Image(values, image.affine))
    return _like(canonical, np.ascontiguousarray(canonical.dataobj))


def denoise(image: nib.Nifti1Image) -> nib.Nifti1Image:
    """Average every voxel with those around it whose surroundings look alike.

    Non-local means (Coupe et al. 2008) over 3x3x3 voxels, or 3x3 where voxels are more than
    twice as long along one axis; the noise is measured in the image itself. Values of exactly
    0 were cut out by someone, and stay.

    Parameters
    ----------
    image : Nifti1Image, shape (X, Y, Z)

    Returns
    -------
    Nifti1Image, shape (X, Y, Z), float32
    """
    volume = as_volume(np.asarray(image.dataobj))
    sizes = np.asarray(voxel_sizes(image.affine))
    near = sizes < 2 * sizes.min()
    variance = _noise(volume) ** 2
    if variance == 0:  # interpolated, or synthetic
        return _like(image, volume[0].cpu().numpy())
    shifts = _half_neighbours(near)
    result = torch.empty_like(volume)
    for start in range(0, volume.shape[1], _SLAB):  # what fits a processor's cache
        low, stop = max(start - 2, 0), start + _SLAB
        part = _average_alike(volume[:, low : stop + 2], shifts, variance)
        result[:, start:stop] = part[:, start - low : stop - low]
    return _like(image, (result * (volume != 0))[0].cpu().numpy())


def _average_alike(volume: Tensor, shifts: list[tuple[int, ...]], variance: float) -> Tensor:
    total, weights = volume.clone(), torch.ones_like(volume)
    for shift in shifts:
        one, other = _shifted(shift), _shifted(tuple(-step for step in shift))
        distance = _mean_of_27((volume[one] - volume[other]).square_())
        distance.sub_(2 * variance).clamp_(min=0).div_(-_STRENGTH * variance)
        weight = distance.exp_()
        total[one].addcmul_(weight, volume[other])
        total[other].addcmul_(weight, volume[one])
        weights[one] += weight
        weights[other] += weight
    return total.div_(weights)


def _mean_of_27(volume: Tensor) -> Tensor:
    """Mean over each voxel and its neighbours; at the edge, the voxel itself stands for them."""
    for axis in range(1, 4):
        n = volume.shape[axis]
        total = volume.clone()
        total.narrow(axis, 1, n - 1).add_(volume.narrow(axis, 0, n - 1))
        total.narrow(axis, 0, n - 1).add_(volume.narrow(axis, 1, n - 1))
        total.select(axis, 0).add_(volume.select(axis, 0))
        total.select(axis, n - 1).add_(volume.select(axis, n - 1))
        volume = total
    return volume.div_(27)


def _noise(volume: Tensor) -> float:
    """Standard deviation of the noise, from the flattest tenth of the blocks of the head.

    The second difference along all three axes leaves little of the anatomy (Immerkaer 1996), but
    not nothing where voxels are as large as the folds of the cortex: the typical block of a head
    at 2 mm varies more by its anatomy than by noise.
    """
    deviation = volume[0]
    for axis in range(3):
        n = deviation.shape[axis] - 2
        before, middle, after = (deviation.narrow(axis, start, n) for start in range(3))
        deviation = before + after - 2 * middle
    inner = volume[0, 1:-1, 1:-1, 1:-1]
    size = [min(_BLOCK, n) for n in inner.shape]
    typical = functional.avg_pool3d(deviation.abs()[None, None], size).flatten()
    bright = functional.avg_pool3d(inner[None, None], size).flatten() > inner.mean()
    whole = functional.max_pool3d(-inner[None, None].abs(), size).flatten() < 0
    chosen = typical[bright & whole]
    if chosen.numel() == 0:
        return 0.0
    # Eight neighbours in each of three directions: their weights have squares of 6 * 6 * 6.
    return float(torch.quantile(chosen, _FLATTEST)) / (_FLATTEST_OF_NOISE * 6**1.5)


def _half_neighbours(near: NDArray[np.bool_]) -> list[tuple[int, ...]]:
    """One of each pair of opposite neighbours, along the axes that are `near`."""
    steps = [(-1, 0, 1) if close else (0,) for close in near]
    return [shift for shift in product(*steps) if shift > (0, 0, 0)]


def _shifted(shift: tuple[int, ...]) -> tuple[slice, ...]:
    """Part of a volume that has a neighbour at the opposite of `shift`."""
    return (slice(None), *(slice(max(s, 0), s if s < 0 else None) for s in shift))


def correct_bias(
    image: nib.Nifti1Image, mask: nib.Nifti1Image | None = None, *, sloppy: bool = False
) -> nib.Nifti1Image:
    """Divide out the smooth change of brightness that the receive coil causes.

    N4 (Tustison et al. 2010), as SimpleITK has it.

    Parameters
    ----------
    image : Nifti1Image, shape (X, Y, Z)
    mask : Nifti1Image, shape (X, Y, Z), optional
        Where to fit, positive inside. Left out, the head is found by Otsu's threshold.
    sloppy : bool
        Fewer iterations, and a smoother field.

    Returns
    -------
    Nifti1Image, shape (X, Y, Z), float32
        Its mean inside the mask stays what it was.
    """
    if mask is not None:
        check_same_grid(image, mask=mask)
    values = as_volume(np.asarray(image.dataobj))
    sizes = np.asarray(voxel_sizes(image.affine))
    steps = np.maximum(1, np.rint(_BIAS_VOXEL / sizes)).astype(int)
    # Voxels are left out, not averaged: mixtures of tissues would hide the peaks N4 sharpens.
    every = (slice(None), *(slice(None, None, step) for step in steps))
    coarse = _to_itk(values[every].clamp_min(0), sizes * steps)
    if mask is None:
        inside = values > values.mean()
        where = sitk.OtsuThreshold(coarse, 0, 1, 128)
    else:
        inside = as_volume(np.asarray(mask.dataobj)) > 0
        where = sitk.Cast(_to_itk(inside[every], sizes * steps), sitk.sitkUInt8)
        if not inside[every].any():
            raise EmptyRegionError("The mask is empty: the bias field cannot be fitted in it.")

    n4 = sitk.N4BiasFieldCorrectionImageFilter()
    n4.SetNumberOfThreads(torch.get_num_threads())
    n4.SetMaximumNumberOfIterations(_SLOPPY_BIAS_ROUNDS if sloppy else _BIAS_ROUNDS)
    n4.SetConvergenceThreshold(_BIAS_TOLERANCE)
    n4.Execute(coarse, where)
    log_bias = as_volume(sitk.GetArrayFromImage(n4.GetLogBiasFieldAsImage(coarse)).T)
    scale = torch.as_tensor(steps).view(3, 1, 1, 1)
    points = voxel_grid(tuple(values.shape[1:])) / scale
    corrected = values / sample(log_bias, points.float(), padding="border").exp()
    corrected *= values[inside].double().mean() / corrected[inside].double().mean()
    return _like(image, corrected[0].cpu().numpy())


def _to_itk(volume: Tensor, sizes: NDArray[np.float64]) -> sitk.Image:
    """Volume (1, X, Y, Z) with its voxel sizes in mm; its place in the world is left out."""
    image = sitk.GetImageFromArray(volume[0].float().cpu().numpy().T.copy())
    image.SetSpacing(sizes.tolist())
    return image


def _like(image: nib.Nifti1Image, values: NDArray[np.float32]) -> nib.Nifti1Image:
    header = image.header.copy()
    header.set_data_dtype(np.float32)  # an integer header would round on disk
    return nib.Nifti1Image(values, image.affine, header)
