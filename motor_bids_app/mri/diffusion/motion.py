"""Head motion and eddy currents of a diffusion series: estimated, undone, gradients turned."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from nibabel.affines import voxel_sizes
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from motor_bids_app.errors import EmptyRegionError
from motor_bids_app.mri.diffusion.eddy import bend, fit_bends, uniform_shifts
from motor_bids_app.mri.diffusion.gradients import GradientTable
from motor_bids_app.mri.diffusion.poses import Level, Pose, align, resample_linearly, voxel_map
from motor_bids_app.mri.diffusion.prediction import predict_members
from motor_bids_app.mri.diffusion.shells import shell_motion
from motor_bids_app.mri.threads import each

HEAD_RADIUS = 50.0  # mm; turns rotations into displacements (Power et al. 2012)
_SURFACE = 4.0  # mm; what lies around the brain need not move with it
_SHARP = 6.0  # mm from the brain, as far as volumes are interpolated by cubic splines


@dataclass(frozen=True, eq=False)
class MotionCorrection:
    """A diffusion series with all volumes in the place of the first b0.

    Parameters
    ----------
    data : array, shape (X, Y, Z, N), float32
        Corrected series.
    gradients : GradientTable
        Directions turned with the head.
    parameters : array, shape (N, 6)
        Where the head was: translation (mm, RAS) of the brain's centre, then
        rotation vector (degrees, RAS) about it. Shifts by eddy currents are no motion
        (`uniform_shifts`): they are undone with it, and not among these.
    framewise_displacement : array, shape (N,)
        Sum of the absolute changes since the volume before, in mm, rotations on a
        sphere of 50 mm; 0 for the first volume.
    eddy : array, shape (N, 3)
        Stretch and shears of the volume along the phase-encoding axis: its
        displacement there, per mm along each voxel axis. 0 for b0.
    bends : array, shape (N, 10)
        Further displacement along that axis by quadratic fields, for `eddy.bend`; 0 for b0 and
        for shells that show none.
    matrices : array, shape (N, 4, 4)
        Voxels of the corrected volumes to voxels as acquired, but for `bends`.
    """

    data: NDArray[np.float32]
    gradients: GradientTable
    parameters: NDArray[np.float64]
    framewise_displacement: NDArray[np.float64]
    eddy: NDArray[np.float64]
    bends: NDArray[np.float64]
    matrices: NDArray[np.float64]

    def turned(self, gradients: GradientTable, affine: NDArray[np.floating]) -> GradientTable:
        """Turn the directions of another table of this series with the head."""
        turns = Rotation.from_rotvec(self.parameters[:, 3:], degrees=True)
        return gradients.rotated(turns.inv().as_matrix(), affine)


def correct_motion(
    data: NDArray[np.floating],
    affine: NDArray[np.floating],
    gradients: GradientTable,
    mask: NDArray[Any],
    phase_axis: int = 1,
    lost: NDArray[np.bool_] | None = None,
) -> MotionCorrection:
    """Bring all volumes of a diffusion series into the place of the first b0.

    b0 volumes are matched to the first of them. Each weighted volume is matched to the
    mean of its shell in the current places, once at 4 mm and once at 2 mm, then to what the
    others of its shell predict for its direction by a tensor. Eddy currents are a stretch
    and two shears along the phase-encoding axis, each proportional to the gradient within a
    shell (the linear model of Andersson and Sotiropoulos, NeuroImage 125:1063, 2016): white
    matter looks sheared where the gradient darkens it, but likewise for the opposite gradient.
    Quadratic fields follow where they are seen (see `fit_bends`).
    The motion that all volumes of a shell share is that of their mean against the first b0
    (see `shell_motion`).

    Parameters
    ----------
    data : array, shape (X, Y, Z, N)
        Series, denoised or not.
    affine : array, shape (4, 4)
        Voxel to mm in RAS.
    gradients : GradientTable
        One entry per volume.
    mask : array, shape (X, Y, Z)
        Positive in the brain, as placed in the first b0.
    phase_axis : int
        Voxel axis of phase encoding; the j of nearly all brain series when left out.
    lost : array, shape (X, Y, Z, N), bool, optional
        Values that have no say in the place of their volume.

    Raises
    ------
    GradientTableError
        The gradients do not fit the data.
    EmptyRegionError
        The mask is empty.
    """
    gradients.check(data.shape[3])
    brain = np.asarray(mask) > 0
    if not brain.any():
        raise EmptyRegionError("The brain mask of the diffusion series is empty.")
    sizes = voxel_sizes(affine)
    axes = np.asarray(affine)[:3, :3] / sizes  # from mm along voxel axes to the world
    poses = [Pose(phase_axis=phase_axis)] * len(gradients)
    directions = gradients.world_directions(affine) @ axes
    coarse, fine = (Level.of(data, brain, sizes, voxel, lost) for voxel in (4.0, 2.0))
    # Shears and turns are told apart badly: the mean, whose contrast differs, finds one of them.
    for level, modelled, with_eddy in (
        (coarse, False, True),
        (fine, False, False),
        (fine, True, True),
    ):
        poses = _refine(poses, level, gradients.shells, directions, modelled, with_eddy)
    bends = fit_bends(fine, poses, gradients.shells, directions)
    centre = np.argwhere(brain).mean(axis=0)
    near = np.nonzero(ndimage.distance_transform_edt(~brain, sampling=sizes) < _SHARP)
    corrected = each(
        lambda t: _resample(data[..., t], poses[t], bends[t], sizes, centre, near), len(poses)
    )
    rotations = np.stack([axes @ pose.rotation @ axes.T for pose in poses])
    places = np.stack([pose.translation for pose in poses])
    places[:, phase_axis] -= uniform_shifts(places[:, phase_axis], gradients.shells, directions)
    translations = places @ axes.T
    turns = Rotation.from_matrix(rotations).as_rotvec(degrees=True)
    parameters = np.concatenate([translations, turns], axis=1)
    return MotionCorrection(
        data=np.stack(corrected, axis=-1),
        gradients=gradients.rotated(rotations.transpose(0, 2, 1), affine),
        parameters=parameters,
        framewise_displacement=framewise_displacement(parameters),
        eddy=np.stack([pose.eddy for pose in poses]),
        bends=bends,
        matrices=np.stack([_voxel_matrix(pose, sizes, centre) for pose in poses]),
    )


def framewise_displacement(parameters: NDArray[np.floating]) -> NDArray[np.float64]:
    """Displacement since the volume before, in mm, from (N, 6) mm and degrees.

    >>> framewise_displacement(np.array([[0, 0, 0, 0, 0, 0], [1., -1, 0, 0, 0, 0]])).tolist()
    [0.0, 2.0]
    """
    arcs = np.concatenate([parameters[:, :3], HEAD_RADIUS * np.deg2rad(parameters[:, 3:])], axis=1)
    changes = np.abs(np.diff(arcs, axis=0)).sum(axis=1)
    return np.concatenate([[0.0], changes])


def _refine(
    poses: list[Pose],
    level: Level,
    shells: NDArray[np.intp],
    directions: NDArray[np.float64],
    modelled: bool,
    with_eddy: bool,
) -> list[Pose]:
    """Match every volume to its reference, once.

    The reference is the mean of the shell, which is matched to the first b0, or, if `modelled`,
    what the others of the shell predict for the `directions`, shape (N, 3), along the voxel axes.
    """
    first = int(np.argmax(shells == 0))
    inner = level.interior(_SURFACE)
    placed = np.stack(
        each(lambda t: level.resampled(level.volumes[t], poses[t].matrix), len(poses))
    )
    numbers = np.unique(shells[shells > 0]).tolist()
    means = {shell: placed[shells == shell].mean(axis=0) for shell in numbers}
    shared = dict.fromkeys(numbers, np.eye(4))
    references = {t: means[shell] for t, shell in enumerate(shells) if shell > 0}
    if not modelled:
        moved = each(lambda i: shell_motion(means[numbers[i]], placed[first], level), len(numbers))
        shared = dict(zip(numbers, moved, strict=True))
    else:
        turned = np.stack([p.rotation.T @ d for p, d in zip(poses, directions, strict=True)])
        for shell in numbers:
            references |= predict_members(placed, np.flatnonzero(shells == shell), turned)

    def match(t: int) -> Pose:
        if t == first:
            return poses[t]
        if shells[t] == 0:
            return align(inner, level.volumes[t], placed[first], poses[t], with_eddy=False)
        # The surface tells shears and turns of weighted volumes apart.
        hidden = level.lost.get(t)
        pose = align(
            level, level.volumes[t], references[t], poses[t], with_eddy=with_eddy, lost=hidden
        )
        return pose.after(shared[shells[t]])

    matched = each(match, len(poses))
    for shell in numbers if with_eddy else ():
        members = np.flatnonzero(shells == shell)
        eddies = np.stack([matched[t].eddy for t in members])
        slopes = np.linalg.lstsq(directions[members], eddies, rcond=None)[0]
        for t, eddy in zip(members, directions[members] @ slopes, strict=True):
            matched[t] = replace(matched[t], eddy=eddy)
    return matched


def _resample(
    volume: NDArray[np.floating],
    pose: Pose,
    bends: NDArray[np.float64],
    sizes: NDArray[np.float64],
    centre: NDArray[np.float64],
    near: tuple[NDArray[np.intp], ...],
) -> NDArray[np.float32]:
    """Undo motion and eddy current by one interpolation of a volume.

    Cubic at the voxels `near` the brain, linear elsewhere, where nothing is measured: a fifth
    of the voxels need the sixty-four neighbours of a cubic spline. Quadratic fields are undone
    near the brain alone.
    """
    volume = np.ascontiguousarray(volume, dtype=np.float32)  # neighbours near in memory
    matrix = pose.matrix
    if np.array_equal(matrix, np.eye(4)):
        return volume
    linear, offset = voxel_map(matrix, sizes, centre)
    moved = resample_linearly(volume, linear, offset)
    places = linear @ np.stack(near) + offset[:, None]
    stretch = np.ones(1, dtype=np.float32)
    if bends.any():
        axis = pose.phase_axis
        points = pose.rotation @ ((np.stack(near) - centre[:, None]) * sizes[:, None])
        points += pose.translation[:, None]
        shift, slope = bend(bends, points, axis)
        places[axis] += shift / sizes[axis]
        stretch = np.float32(1) + slope.astype(np.float32)
    splines = ndimage.spline_filter(volume, 3, output=np.float32)
    moved[near] = stretch * ndimage.map_coordinates(
        splines, places, order=3, mode="nearest", prefilter=False
    )
    # Where eddy currents stretched the head, the same signal was spread over more voxels.
    return np.maximum(moved, 0) * np.float32(np.linalg.det(matrix[:3, :3]))


def _voxel_matrix(
    pose: Pose, sizes: NDArray[np.float64], centre: NDArray[np.float64]
) -> NDArray[np.float64]:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = voxel_map(pose.matrix, sizes, centre)
    return matrix
