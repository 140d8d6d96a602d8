"""Places of a head in the volumes of a series, and matching one volume to a reference."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation
from torch.nn import functional

from motor_bids_app.mri.threads import each

_TOLERANCE = 0.01  # mm; smaller steps end the search
_ITERATIONS = 8
_MAX_POINTS = 80_000  # more would cost time and add no precision
_MARGIN = 12.0  # mm around the brain mask, for heads that move out of it
LOST = 0.6  # of a voxel of a level, from which it tells nothing; with less it is only darker
_LEVER = 60.0  # mm; a rotation moves the edge of the brain by this times its angle


@dataclass(frozen=True, eq=False)
class Pose:
    """Where points of the reference head are in one volume: x goes to ``E (R x + t)``.

    Coordinates are mm along the voxel axes, from the centre of the brain. E is the
    identity plus `eddy` in the row of the phase-encoding axis.
    """

    rotation: NDArray[np.float64] = field(default_factory=lambda: np.eye(3))
    translation: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    eddy: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    phase_axis: int = 1

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The map as one matrix, shape (4, 4)."""
        warp = np.eye(3)
        warp[self.phase_axis] += self.eddy
        matrix = np.eye(4)
        matrix[:3, :3] = warp @ self.rotation
        matrix[:3, 3] = warp @ self.translation
        return matrix

    @classmethod
    def factor(cls, matrix: NDArray[np.floating], phase_axis: int) -> "Pose":
        """Split a matrix into motion and eddy current.

        The two rows that eddy currents leave alone determine the rotation.
        """
        others = [axis for axis in range(3) if axis != phase_axis]
        left, _, right = np.linalg.svd(matrix[others, :3], full_matrices=False)
        rotation = np.empty((3, 3))
        rotation[others] = left @ right
        rotation[phase_axis] = np.cross(rotation[phase_axis - 2], rotation[phase_axis - 1])
        eddy = rotation @ matrix[phase_axis, :3]
        eddy[phase_axis] -= 1
        warp = np.eye(3)
        warp[phase_axis] += eddy
        translation = np.asarray(np.linalg.solve(warp, matrix[:3, 3]), dtype=np.float64)
        return cls(rotation, translation, eddy, phase_axis)

    def after(self, matrix: NDArray[np.floating]) -> "Pose":
        """Apply `matrix` first, then this pose."""
        return Pose.factor(self.matrix @ matrix, self.phase_axis)


@dataclass(frozen=True, eq=False)
class Level:
    """Volumes of a series at one resolution, around the brain.

    Parameters
    ----------
    volumes : array, shape (N, x, y, z), float32
        Averaged over blocks and smoothed.
    sizes, centre : arrays, shape (3,)
        Voxel edges in mm, and the voxel coordinates of the brain's centre.
    points : array, shape (P, 3)
        Voxels in and just around the brain: those that are matched.
    depth : array, shape (P,)
        Distance of each point from the edge of the brain in mm; 0 outside.
    lost : dict of array, shape (x, y, z), float32
        Share of a voxel whose signal a volume, by its number, has lost.
    """

    volumes: NDArray[np.float32]
    sizes: NDArray[np.float64]
    centre: NDArray[np.float64]
    points: NDArray[np.int64]
    depth: NDArray[np.float32]
    lost: Mapping[int, NDArray[np.float32]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        data: NDArray[np.floating],
        brain: NDArray[np.bool_],
        sizes: NDArray[np.float64],
        voxel: float,
        lost: NDArray[np.bool_] | None = None,
    ) -> "Level":
        """Average a series, shape (X, Y, Z, N), over blocks of about `voxel` mm.

        `lost`, of that shape, is true where the signal of a volume is lost.
        """
        factors = np.ceil(voxel / sizes - 0.01).astype(int)
        corner, stop = _box_around(brain, np.ceil(_MARGIN / sizes).astype(int), factors)
        box = tuple(slice(a, b) for a, b in zip(corner, stop, strict=True))
        sigma = 0.4 * voxel / (sizes * factors)

        def averaged(volume: NDArray[Any]) -> NDArray[np.float32]:
            return ndimage.gaussian_filter(_block_mean(volume[box], factors), sigma)

        volumes = np.stack(each(lambda t: averaged(data[..., t]), data.shape[3]))
        numbers = [] if lost is None else np.flatnonzero(lost.any(axis=(0, 1, 2))).tolist()
        hidden = {t: averaged(lost[..., t]) for t in numbers if lost is not None}
        inside = _block_mean(brain[box], factors) > 0
        points = np.argwhere(ndimage.binary_dilation(inside))
        points = points[:: -(-len(points) // _MAX_POINTS)]
        centre = (np.argwhere(brain).mean(axis=0) - corner - (factors - 1) / 2) / factors
        depth = ndimage.distance_transform_edt(inside, sampling=sizes * factors)
        return cls(volumes, sizes * factors, centre, points, depth[tuple(points.T)], hidden)

    def interior(self, depth: float) -> "Level":
        """Match only points of some depth in the brain; at least the deeper half of them."""
        deep = self.depth >= min(depth, float(np.median(self.depth)))
        return replace(self, points=self.points[deep], depth=self.depth[deep])

    def resampled(self, volume: NDArray[np.float32], matrix: NDArray[Any]) -> NDArray[np.float32]:
        """Interpolate a volume at the places where `matrix` puts the reference."""
        return resample_linearly(volume, *voxel_map(matrix, self.sizes, self.centre))


def voxel_map(
    matrix: NDArray[np.float64], sizes: NDArray[np.float64], centre: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Express a map of mm from the centre in voxels, as a 3x3 matrix and an offset."""
    linear = matrix[:3, :3] * sizes / sizes[:, None]
    return linear, centre - linear @ centre + matrix[:3, 3] / sizes


def resample_linearly(
    volume: NDArray[np.float32], linear: NDArray[np.float64], offset: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Volume (x, y, z) at `linear` times each voxel plus `offset`; beyond the edge, the nearest.

    As `scipy.ndimage.affine_transform` of order 1, in two thirds of its time.
    """
    counts = np.array(volume.shape, dtype=np.float64)
    # torch counts from -1 to 1 between the edges, the last axis first
    steps, start = 2 * linear.T / counts, (2 * offset + 1) / counts - 1
    i, j, k = (
        torch.from_numpy(np.arange(n)[:, None] * step[None, ::-1]).float()
        for n, step in zip(volume.shape, steps, strict=True)
    )
    first = torch.from_numpy(start[::-1].copy()).float()
    places = (i + first)[:, None, None] + (j[:, None] + k)
    moved = functional.grid_sample(
        torch.from_numpy(volume)[None, None],
        places[None],
        padding_mode="border",
        align_corners=False,
    )
    return np.asarray(moved.view(volume.shape).numpy())


class Matcher:
    """Matches volumes to one reference of the same contrast.

    Gauss-Newton with the gradients of the reference, so that they are computed once
    (inverse compositional; Baker and Matthews, IJCV 56:221-255, 2004). Overall
    brightness is fitted too.

    Parameters
    ----------
    level : Level
        Where to match.
    reference : array, shape (x, y, z)
        Of the shape of the level's volumes.
    phase_axis : int or None
        Axis along which eddy currents are fitted too; None: rigid motion alone.
    """

    def __init__(
        self, level: Level, reference: NDArray[np.float32], phase_axis: int | None = None
    ) -> None:
        index = tuple(level.points.T)
        self._level = level
        self._voxels = level.points.astype(np.float64).T
        self._wanted = reference[index].astype(np.float64)
        points = (level.points - level.centre) * level.sizes
        slopes = [_slope(reference, axis)[index] for axis in range(3)]
        slope = np.stack(slopes, axis=1) / level.sizes
        columns = [np.cross(points, slope), slope]
        if phase_axis is not None:
            columns.append(points * slope[:, phase_axis, None])
        jacobian = np.concatenate(columns, axis=1)
        normal = np.linalg.pinv(jacobian.T @ jacobian, rcond=1e-10, hermitian=True)
        self._solver = normal @ jacobian.T

    def match(
        self, volume: NDArray[np.float32], pose: Pose, lost: NDArray[np.float32] | None = None
    ) -> Pose:
        """Find the pose of a volume, starting from `pose`; what is mostly `lost` has no say."""
        level, wanted = self._level, self._wanted
        for _ in range(_ITERATIONS):
            linear, offset = voxel_map(pose.matrix, level.sizes, level.centre)
            places = linear @ self._voxels + offset[:, None]
            seen = _in_view(places, volume.shape)  # what was not scanned tells nothing
            if lost is not None:
                seen &= sample(lost, places) < LOST
            found = sample(volume, places) * seen
            found *= (found @ wanted) / max(found @ found, 1e-9)
            step = self._solver @ (found - wanted * seen)
            pose = pose.after(np.linalg.inv(_increment(step, pose.phase_axis)))
            if max(np.abs(step[:3]).max() * _LEVER, np.abs(step[3:6]).max()) < _TOLERANCE:
                break
        return pose


def align(
    level: Level,
    volume: NDArray[np.float32],
    reference: NDArray[np.float32],
    pose: Pose,
    *,
    with_eddy: bool,
    lost: NDArray[np.float32] | None = None,
) -> Pose:
    """Match one volume to a reference of the same contrast, starting from `pose`."""
    axis = pose.phase_axis if with_eddy else None
    return Matcher(level, reference, axis).match(volume, pose, lost)


def sample(volume: NDArray[np.float32], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Interpolate linearly at voxel coordinates (3, P); beyond the edge, the nearest value.

    A volume (x, y, z) gives values (P,), several of them (N, x, y, z) give (N, P). On the CPU
    whatever torch's default device is: several threads do this at once.
    """
    counts = np.array(volume.shape[-3:], dtype=np.float64)[:, None]
    unit = ((2 * places + 1) / counts - 1)[::-1].T.astype(np.float32)
    values = functional.grid_sample(
        torch.from_numpy(np.ascontiguousarray(volume)).view(1, -1, *volume.shape[-3:]),
        torch.from_numpy(np.ascontiguousarray(unit)).view(1, -1, 1, 1, 3),
        padding_mode="border",
        align_corners=False,
    )
    return values.view(*volume.shape[:-3], -1).numpy().astype(np.float64)


def _in_view(places: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which voxel coordinates (3, P) lie in a volume."""
    inside = np.ones(places.shape[1], dtype=bool)
    for along, count in zip(places, shape, strict=True):
        inside &= (along >= -0.5) & (along <= count - 0.5)
    return inside


def _increment(step: NDArray[np.float64], phase_axis: int) -> NDArray[np.float64]:
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(step[:3]).as_matrix()
    matrix[:3, 3] = step[3:6]
    if len(step) > 6:
        eddy = np.eye(4)
        eddy[phase_axis, :3] += step[6:]
        matrix = matrix @ eddy
    return matrix


def _slope(image: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Central differences; none along an axis with a single slice."""
    return np.gradient(image, axis=axis) if image.shape[axis] > 1 else np.zeros_like(image)


def _box_around(
    mask: NDArray[np.bool_], margin: NDArray[np.int_], factors: NDArray[np.int_]
) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """First and last corner of the box around a mask; edges are multiples of the factors."""
    voxels = np.argwhere(mask)
    start = np.maximum(0, voxels.min(axis=0) - margin)
    stop = np.minimum(mask.shape, voxels.max(axis=0) + 1 + margin)
    return start, start + np.maximum(1, (stop - start) // factors) * factors


def _block_mean(volume: NDArray[Any], factors: NDArray[np.int_]) -> NDArray[np.float32]:
    """Average over blocks; the shape must be a multiple of the factors."""
    (x, y, z), (a, b, c) = volume.shape, factors
    blocks = volume.reshape(x // a, a, y // b, b, z // c, c)
    return np.asarray(blocks.mean(axis=(1, 3, 5), dtype=np.float32))
