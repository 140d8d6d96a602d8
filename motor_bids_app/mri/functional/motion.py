"""Head motion during a bold series."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from nibabel.affines import voxel_sizes
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from motor_bids_app.errors import EmptyRegionError
from motor_bids_app.mri.diffusion.motion import framewise_displacement
from motor_bids_app.mri.diffusion.poses import Level, Matcher, Pose, voxel_map
from motor_bids_app.mri.threads import each

_AVERAGED = 20  # volumes; more would take time and show nothing new


@dataclass(frozen=True, eq=False)
class SeriesMotion:
    """Where the head was in each volume of a series.

    Parameters
    ----------
    parameters : array, shape (T, 6)
        Translation (mm, RAS) of the brain's centre against the reference volume, then rotation
        vector (degrees, RAS) about it.
    framewise_displacement : array, shape (T,)
        Sum of the absolute changes since the volume before, in mm, rotations on a sphere of
        50 mm (Power et al. 2012); 0 for the first volume.
    matrices : array, shape (T, 4, 4)
        Voxels of the reference volume to those of each volume.
    """

    parameters: NDArray[np.float64]
    framewise_displacement: NDArray[np.float64]
    matrices: NDArray[np.float64]

    @property
    def farthest(self) -> tuple[float, float]:
        """Largest translation along an axis (mm) and rotation about one (degrees)."""
        most = np.abs(self.parameters).max(axis=0)
        return float(most[:3].max()), float(most[3:].max())


def estimate_motion(
    data: NDArray[np.floating],
    affine: NDArray[np.floating],
    mask: NDArray[Any],
    reference: int,
) -> SeriesMotion:
    """Match all volumes of a bold series to one of them.

    First to that volume itself, then to the mean of all in the places that were found: it has
    less noise, so that one volume's noise does not become everybody's motion.

    Parameters
    ----------
    data : array, shape (X, Y, Z, T)
        Series as acquired: interpolating slices in time would mix places of the head.
    affine : array, shape (4, 4)
        Voxel to mm in RAS.
    mask : array, shape (X, Y, Z)
        Positive in the brain, as placed in the reference volume.
    reference : int
        Number of the reference volume.

    Raises
    ------
    EmptyRegionError
        The mask is empty.
    """
    brain = np.asarray(mask) > 0
    if not brain.any():
        raise EmptyRegionError("The brain mask of the bold series is empty.")
    sizes = voxel_sizes(affine)
    level = Level.of(data, brain, sizes, float(sizes.min()))
    first = Matcher(level, level.volumes[reference])
    poses = each(lambda t: first.match(level.volumes[t], Pose()), data.shape[3])
    mean = _mean(level, poses)
    second = Matcher(level, mean)
    poses = each(lambda t: second.match(level.volumes[t], poses[t]), data.shape[3])
    back = np.linalg.inv(poses[reference].matrix)  # the mean need not lie just as its volume does
    poses = [pose.after(back) for pose in poses]
    axes = np.asarray(affine)[:3, :3] / sizes  # from mm along voxel axes to the world
    turns = np.stack([axes @ pose.rotation @ axes.T for pose in poses])
    shifts = np.stack([axes @ pose.translation for pose in poses])
    angles = Rotation.from_matrix(turns).as_rotvec(degrees=True)
    parameters = np.concatenate([shifts, angles], axis=1)
    centre = np.argwhere(brain).mean(axis=0)
    matrices = np.tile(np.eye(4), (len(poses), 1, 1))
    for matrix, pose in zip(matrices, poses, strict=True):
        matrix[:3, :3], matrix[:3, 3] = voxel_map(pose.matrix, sizes, centre)
    return SeriesMotion(parameters, framewise_displacement(parameters), matrices)


def mean_volume(data: NDArray[np.floating], matrices: NDArray[np.floating]) -> NDArray[np.float32]:
    """Mean of some volumes of a series, in the place of the reference.

    Parameters
    ----------
    data : array, shape (X, Y, Z, T)
    matrices : array, shape (T, 4, 4)
        `SeriesMotion.matrices`.
    """
    chosen = np.unique(np.linspace(0, data.shape[3] - 1, _AVERAGED).astype(int))

    def moved(number: int) -> NDArray[np.float32]:
        matrix = matrices[chosen[number]]
        volume = np.asarray(data[..., chosen[number]], dtype=np.float32)
        return np.asarray(
            ndimage.affine_transform(
                volume, matrix[:3, :3], matrix[:3, 3], order=3, mode="constant"
            )
        )

    return np.mean(each(moved, len(chosen)), axis=0, dtype=np.float32)


def _mean(level: Level, poses: list[Pose]) -> NDArray[np.float32]:
    """Mean of the volumes of a level, each brought back to the reference."""
    placed = each(lambda t: level.resampled(level.volumes[t], poses[t].matrix), len(poses))
    return np.mean(placed, axis=0, dtype=np.float32)
