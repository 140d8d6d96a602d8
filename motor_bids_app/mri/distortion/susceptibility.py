"""Susceptibility distortion of echo-planar images: found from a pair or by the head, and undone.

Fields are in voxels along the phase-encoding axis, shape (X, Y, Z): what belongs to voxel y of
the true head lies at y + field(y) of the image, where it is 1 + field'(y) times as long.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from nibabel.affines import voxel_sizes
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation
from torch import Tensor

from motor_bids_app.errors import EmptyRegionError
from motor_bids_app.mri.deformation import Match, local_correlation
from motor_bids_app.mri.diffusion.motion import HEAD_RADIUS
from motor_bids_app.mri.diffusion.poses import Level, Pose, align, voxel_map
from motor_bids_app.mri.distortion.field_fit import Model, along, fit_field, slopes
from motor_bids_app.mri.sampling import as_volume, box_mean

Field = NDArray[np.float32]

LEAST_MOVE = 1.5  # mm; less is not told from noise by the head
LEAST_SHARE = 0.01  # of the brain that must move so far
LEAST_GAIN = 0.08  # of the mean squared local correlation there
_SCALES = (8.0, 4.0, 2.0)  # mm
_PAIR_STIFFNESS = 0.02  # for images from 0 to about 1
_HEAD_STIFFNESS = 0.2  # for images of local variance 1
_BINS = 64
_EDGE = 6.0  # mm from the edge of the brain within which the head has no say
_WIDTH = 5  # voxels, edge of the cubes that are brought to mean 0 and variance 1
_LEAST_DEVIATION = 0.05  # of values from 0 to about 1; in flatter cubes noise would steer
_MOVED = 0.3  # mm of head motion between the two of a pair from which it is undone
_MATCHING = 3.0  # mm, voxel edge at which that motion is found


@dataclass(frozen=True, eq=False)
class ByHead:
    """Result of `correct_by_head`.

    Parameters
    ----------
    field : array, shape (X, Y, Z), float32
        In voxels; 0 everywhere where it was not accepted.
    accepted : bool
        Whether enough of the brain moves, and its similarity to the head rises by it.
    share : float
        Part of the inner brain that would move by `LEAST_MOVE` mm or more.
    before, after : float
        Mean squared local correlation with the head there, 0 to 1; 0 where nothing moves.
    """

    field: Field
    accepted: bool
    share: float
    before: float
    after: float


@torch.no_grad()
def unwarp(data: NDArray[np.floating], field: Field, axis: int) -> NDArray[np.float32]:
    """Undo a field by cubic splines along its axis, and spread signal that was piled up.

    Parameters
    ----------
    data : array, shape (X, Y, Z) or (X, Y, Z, N)
    field : array, shape (X, Y, Z)
        In voxels along `axis`.
    axis : int
        Phase-encoding axis.

    Returns
    -------
    array of the shape of `data`, float32, not negative
    """
    shift = _lines(field, axis)[0]
    count = shift.shape[-1]
    place = (torch.arange(count, dtype=torch.float32) + shift).clamp(0, count - 1)
    low = place.floor()
    t = place - low
    density = (1 + shift @ slopes(count).T).clamp_min(0)
    weights = [(1 - t) ** 3, 4 - 6 * t**2 + 3 * t**3, 4 - 6 * (1 - t) ** 2 + 3 * (1 - t) ** 3, t**3]
    taps = [
        (density * weight / 6, (low.long() + offset).clamp(0, count - 1))
        for weight, offset in zip(weights, (-1, 0, 1, 2), strict=True)
    ]
    filtered = _spline_filter(count).T
    result = np.empty(data.shape, dtype=np.float32)
    for index in [()] if data.ndim == 3 else np.ndindex(data.shape[3]):
        spline = _lines(data[(..., *index)], axis)[0] @ filtered
        moved = sum(weight * spline.gather(-1, tap) for weight, tap in taps)
        assert isinstance(moved, Tensor)
        result[(..., *index)] = moved.clamp_min(0).movedim(-1, axis).cpu().numpy()
    return result


@torch.no_grad()
def correct_pair(
    up: NDArray[np.floating],
    down: NDArray[np.floating],
    brain: NDArray[Any],
    affine: NDArray[np.floating],
    axis: int,
) -> Field:
    """Find the field of a b0 image from another with phase encoding the other way.

    Where the one is stretched, the other is squeezed by as much (Andersson et al. 2003). Motion
    of the head between the two is found on the corrected images, undone, and the field found
    again; what of it is a shift along `axis` stays in the field.

    Parameters
    ----------
    up, down : array, shape (X, Y, Z)
        Images without diffusion weighting of one readout time; the field is that of `up`.
    brain : array, shape (X, Y, Z)
        Positive in the brain.
    affine : array, shape (4, 4)
        Voxel to mm of both.
    axis : int
        Phase-encoding axis.

    Raises
    ------
    EmptyRegionError
        The mask is empty, or one of the images is dark in it.
    """
    first, second = (_scaled(image, np.asarray(brain) > 0) for image in (up, down))
    field = _field_of_pair(first, second, affine, axis)
    sizes, inside = voxel_sizes(affine), np.asarray(brain) > 0
    both = np.stack([unwarp(first, field, axis), unwarp(second, -field, axis)], axis=-1)
    level = Level.of(both, inside, sizes, _MATCHING)
    pose = align(level, level.volumes[1], level.volumes[0], Pose(phase_axis=axis), with_eddy=False)
    turn = np.linalg.norm(Rotation.from_matrix(pose.rotation).as_rotvec()) * HEAD_RADIUS
    if np.linalg.norm(pose.translation) + turn < _MOVED:
        return field
    linear, offset = voxel_map(pose.matrix, sizes, np.argwhere(inside).mean(axis=0))
    still = ndimage.affine_transform(second, linear, offset, order=1, mode="nearest")
    return _field_of_pair(first, still, affine, axis)


@torch.no_grad()
def correct_by_head(
    b0: NDArray[np.floating],
    head: NDArray[np.floating],
    brain: NDArray[Any],
    affine: NDArray[np.floating],
    axis: int,
    lesion: NDArray[Any] | None = None,
) -> ByHead:
    """Find the field that makes a b0 image match the head, which is not distorted.

    The head is given the intensities of the b0 image at the same places (the mean in each of
    64 equally filled bins). Both are brought to mean 0 and variance 1 in small cubes, so that
    brightness which varies slowly has no say, and fitted along one axis. Voxels near the edge of
    the brain have no say either: there the field continues that of the inside.

    Parameters
    ----------
    b0 : array, shape (X, Y, Z)
    head : array, shape (X, Y, Z)
        T1w or other contrast, rigidly brought to the grid of `b0`.
    brain : array, shape (X, Y, Z)
        Positive in the brain of `head`.
    affine : array, shape (4, 4)
        Voxel to mm of all.
    axis : int
        Phase-encoding axis.
    lesion : array, shape (X, Y, Z), optional
        Positive where the two differ by nature: there the field is that of the surroundings.

    Raises
    ------
    EmptyRegionError
        No brain is in the field of view, or it is dark.
    """
    inside = np.asarray(brain) > 0
    healthy = inside if lesion is None else inside & ~(np.asarray(lesion) > 0)
    image = _scaled(b0, healthy)
    target = np.where(inside, _recoloured(np.asarray(head), image, healthy), 0)
    sizes = voxel_sizes(affine)
    core = _core(healthy, sizes)
    volumes = torch.cat([_lines(one, axis) for one in (image, target, inside, core)])
    lined = fit_field(volumes, _by_head, _ordered(sizes, axis), _SCALES, _HEAD_STIFFNESS)
    field = lined.movedim(-1, axis).contiguous().cpu().numpy()
    match = Match(as_volume(target), as_volume(image), as_volume(core))
    found = _judge(field, match, axis, LEAST_MOVE / sizes[axis])
    return found if found.accepted else replace(found, field=np.zeros_like(field))


def _field_of_pair(up: Field, down: Field, affine: NDArray[np.floating], axis: int) -> Field:
    volumes = torch.cat([_lines(up, axis), _lines(down, axis)])
    sizes = _ordered(voxel_sizes(affine), axis)
    field = fit_field(volumes, _symmetric, sizes, _SCALES, _PAIR_STIFFNESS)
    return field.movedim(-1, axis).contiguous().cpu().numpy()


def _symmetric(level: Tensor) -> Model:
    """up(y + u) (1 + u') = down(y - u) (1 - u')."""
    difference = slopes(level.shape[-1]).T
    up, down = torch.stack([level, level @ difference], dim=1)

    def model(field: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        stretch = field @ difference
        (first, first_slope), (second, second_slope) = along(up, field), along(down, -field)
        residual = first * (1 + stretch) - second * (1 - stretch)
        return residual, first_slope * (1 + stretch) + second_slope * (1 - stretch), first + second

    return model


def _by_head(level: Tensor) -> Model:
    """Image at y + u like the target at y, both of local variance 1, near the brain."""
    image, target = _normalised(level[:2], level[2:3])
    weight = level[3]
    image = torch.stack([image, image @ slopes(image.shape[-1]).T])

    def model(field: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        value, slope = along(image, field)
        return weight * (value - target), weight * slope, torch.zeros_like(field)

    return model


def _core(brain: NDArray[np.bool_], sizes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The brain without what is near its edge; all of it where nothing else is left.

    The fluid around the brain is bright in b0 images only, and in no brain mask by the same part.
    """
    core = ndimage.distance_transform_edt(brain, sampling=sizes) > _EDGE
    return core if core.any() else brain


def _normalised(volumes: Tensor, inside: Tensor) -> Tensor:
    """Mean 0 and variance 1 of what is inside, in the cube around each voxel."""
    total = box_mean(inside, _WIDTH).clamp_min(1e-3)
    mean = box_mean(inside * volumes, _WIDTH) / total
    variance = box_mean(inside * volumes.square(), _WIDTH) / total - mean.square()
    return (volumes - mean) / (variance.clamp_min(0).sqrt() + _LEAST_DEVIATION)


def _judge(field: Field, match: Match, axis: int, least_move: float) -> ByHead:
    """Measure where what the match weighs moves, and how much better it fits."""
    brain = match.weight[0].cpu().numpy() > 0
    moved = brain & (np.abs(field) >= least_move)
    share = float(moved.sum() / brain.sum())
    if not moved.any():
        return ByHead(field, False, 0.0, 0.0, 0.0)
    everywhere = replace(match, weight=torch.ones_like(match.weight))
    shift = torch.zeros(3, *field.shape)
    before = local_correlation(everywhere, shift)[0].cpu().numpy()[moved].mean()
    shift[axis] = torch.as_tensor(field)
    after = local_correlation(everywhere, shift)[0].cpu().numpy()[moved].mean()
    accepted = share >= LEAST_SHARE and after - before >= LEAST_GAIN
    return ByHead(field, bool(accepted), share, float(before), float(after))


def _scaled(image: NDArray[np.floating], inside: NDArray[np.bool_]) -> NDArray[np.float32]:
    """From 0 to about 1 in the brain."""
    values = np.asarray(image, dtype=np.float32)
    high = float(np.percentile(values[inside], 99)) if inside.any() else 0.0
    if not high > 0:
        raise EmptyRegionError("There is no brain in the b0 image to correct its distortion by.")
    return np.clip(values / high, 0, 2)


def _recoloured(
    head: NDArray[Any], b0: NDArray[np.float32], inside: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Head with the contrast that the b0 image has to it inside."""
    values = head[inside]
    edges = np.quantile(values, np.linspace(0, 1, _BINS + 1))
    bins = np.clip(np.searchsorted(edges, values) - 1, 0, _BINS - 1)
    counts = np.bincount(bins, minlength=_BINS)
    means = np.bincount(bins, b0[inside], _BINS) / np.maximum(counts, 1)
    filled = counts > 0
    middles = (edges[1:] + edges[:-1]) / 2
    return np.interp(head, middles[filled], means[filled]).astype(np.float32)


def _lines(values: NDArray[Any], axis: int) -> Tensor:
    """Array of shape (X, Y, Z) as tensor with the lines along `axis` last, shape (1, ...)."""
    return as_volume(np.moveaxis(values, axis, -1))


def _ordered(sizes: NDArray[np.float64], axis: int) -> list[float]:
    return [*np.delete(sizes, axis).tolist(), float(sizes[axis])]


def _spline_filter(count: int) -> Tensor:
    """Matrix (n, n) from n samples to coefficients of the cubic B-spline through them."""
    row = torch.arange(count)
    values = torch.zeros(count, count, dtype=torch.float64)
    for offset, weight in ((-1, 1 / 6), (0, 4 / 6), (1, 1 / 6)):
        values[row, (row + offset).clamp(0, count - 1)] += weight
    return torch.linalg.inv(values).float()
