"""Rigid motion between the shells of a diffusion series, whose contrasts differ."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize
from scipy.spatial.transform import Rotation

from motor_bids_app.mri.diffusion.gradients import GradientTable
from motor_bids_app.mri.diffusion.poses import Level, sample, voxel_map

_CORE_DEPTH = 8.0  # mm from the edge of the brain
_MAX_POINTS = 20_000
_FIRST_STEP = 2.0  # mm and degrees, of the search
_PRECISION = 0.02  # mm and degrees
_FARTHEST = 25.0  # mm and degrees; a head coil has no room for more
_AWAY = 12.0  # mm, where no edge meets its own
_CLEAR = 1.25  # times the agreement there; 1.06 at most for noise, 1.36 at least for real heads
_BINS = 32
_SMOOTH = 20.0  # mm; the brightness of the coil varies over more
JUMP = 3.0  # mm or degrees between a shell and b0, beyond which someone should look

Volume = NDArray[np.float32]
Parameters = NDArray[np.float64]  # 3 mm, 3 degrees


def shell_motion(mean: Volume, b0: Volume, level: Level) -> NDArray[np.float64]:
    """Rigid motion, shape (4, 4), that the weighted volumes of a shell share against b0.

    Found where edges run alike: the greatest mean square of the cosine between the gradients of
    both images (normalised gradient fields [1]_), whatever the contrasts are. No map of
    intensities leads from b0 to a strongly weighted image: half of its contrast is another, and
    the coil changes both. At the surface, where fluid is bright in b0 only, edges are not of one
    place: real heads seem to shift by 1 mm; so only what lies 8 mm deep counts. Points lie between
    the voxels: on them, images that are not interpolated would match best.

    There is no motion unless edges agree better with it than far away, by a quarter, which those
    of noise never do, and mutual information, too, is greater with it.

    Parameters
    ----------
    mean : array, shape (x, y, z)
        Mean of the volumes of the shell.
    b0 : array, shape (x, y, z)
        Reference without weighting.
    level : Level
        To which both belong.

    References
    ----------
    .. [1] Haber and Modersitzki, MICCAI 2006, LNCS 4191:726-733.
    """
    edges = _Edges.of(mean, b0, level.interior(_CORE_DEPTH))
    found = optimize.minimize(
        lambda parameters: -edges.agreement(parameters),
        np.zeros(6),
        method="Powell",
        options={"xtol": _PRECISION, "ftol": 1e-5, "direc": _FIRST_STEP * np.eye(6)},
    ).x
    still = np.zeros(6)
    shared = [_shared_information(mean, b0, level, motion) for motion in (still, found)]
    seen = np.abs(found).max() < _FARTHEST and edges.agreement(found) > _CLEAR * edges.by_chance()
    return _matrix(found if seen and shared[1] > shared[0] else still)


def shell_jumps(
    parameters: NDArray[np.floating], gradients: GradientTable
) -> dict[float, tuple[float, float]]:
    """How far each shell lies as a whole from the b0 volumes nearest in time.

    Parameters
    ----------
    parameters : array, shape (N, 6)
        Motion of the volumes, mm and degrees.
    gradients : GradientTable
        One entry per volume.

    Returns
    -------
    dict
        Mean b-value of a shell to median shift in mm and median turn in degrees.
    """
    zeros, times = np.flatnonzero(gradients.is_b0), np.arange(len(gradients))
    nearest = zeros[np.abs(times[:, None] - zeros).argmin(axis=1)]
    moved = parameters - parameters[nearest]
    jumps = {}
    for shell in np.unique(gradients.shells[~gradients.is_b0]):
        members = gradients.shells == shell
        middle = np.median(moved[members], axis=0)
        bval = float(gradients.bvals[members].mean())
        jumps[bval] = (float(np.linalg.norm(middle[:3])), float(np.linalg.norm(middle[3:])))
    return jumps


@dataclass(frozen=True, eq=False)
class _Edges:
    """Slopes of two images at points, each divided by its size and a little more."""

    slopes: Volume  # of the mean, along each axis, shape (3, x, y, z)
    least: float  # size of slopes that are noise
    wanted: NDArray[np.float64]  # normalised, of b0, shape (3, P)
    voxels: NDArray[np.float64]  # shape (3, P)
    level: Level

    @classmethod
    def of(cls, mean: Volume, b0: Volume, level: Level) -> "_Edges":
        every = -(-len(level.points) // _MAX_POINTS)
        points = level.points[::every].astype(np.float64).T
        voxels = points + np.random.default_rng(0).uniform(-0.5, 0.5, points.shape)
        slopes = _slopes(mean, level)
        own, others = (sample(image, voxels) for image in (slopes, _slopes(b0, level)))
        noise = [float(np.median(np.linalg.norm(one, axis=0))) for one in (own, others)]
        return cls(slopes, noise[0], _normalised(others, noise[1]), voxels, level)

    def agreement(self, parameters: Parameters) -> float:
        """Mean square of the cosine between the slopes, 0 to 1."""
        matrix = _matrix(parameters)
        linear, offset = voxel_map(matrix, self.level.sizes, self.level.centre)
        places = linear @ self.voxels + offset[:, None]
        turned = matrix[:3, :3].T @ _normalised(sample(self.slopes, places), self.least)
        return float(np.mean((turned * self.wanted).sum(axis=0) ** 2))

    def by_chance(self) -> float:
        """Mean agreement of images that are 12 mm apart."""
        away = [sign * _AWAY * axis for axis in np.eye(6)[:3] for sign in (-1, 1)]
        return float(np.mean([self.agreement(shift) for shift in away]))


def _matrix(parameters: Parameters) -> NDArray[np.float64]:
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(parameters[3:], degrees=True).as_matrix()
    matrix[:3, 3] = parameters[:3]
    return matrix


def _slopes(image: Volume, level: Level) -> Volume:
    """Change per mm along each axis, shape (3, x, y, z); none along an axis with one slice."""
    slopes = np.zeros((3, *image.shape), dtype=np.float32)
    for axis in range(3):
        if image.shape[axis] > 1:
            slopes[axis] = np.gradient(image, axis=axis) / level.sizes[axis]
    return slopes


def _normalised(slopes: NDArray[np.float64], noise: float) -> NDArray[np.float64]:
    size = np.sqrt((slopes**2).sum(axis=0) + noise**2)
    return np.asarray(slopes / np.maximum(size, np.finfo(np.float32).tiny))


def _shared_information(mean: Volume, b0: Volume, level: Level, motion: Parameters) -> float:
    """Normalised mutual information (Studholme et al. 1999) without the coil's brightness."""
    linear, offset = voxel_map(_matrix(motion), level.sizes, level.centre)
    points = level.points.astype(np.float64).T
    voxels = points + np.random.default_rng(0).uniform(-0.5, 0.5, points.shape)
    values = [
        sample(_even(b0, level), voxels),
        sample(_even(mean, level), linear @ voxels + offset[:, None]),
    ]
    ranks = [np.searchsorted(np.quantile(v, np.arange(1, _BINS) / _BINS), v) for v in values]
    joint = np.bincount(ranks[0] * _BINS + ranks[1], minlength=_BINS**2).reshape(_BINS, _BINS)
    marginals = [_entropy(joint.sum(axis=axis)) for axis in (0, 1)]
    return sum(marginals) / max(_entropy(joint.ravel()), 1e-9)


def _even(image: Volume, level: Level) -> Volume:
    """Image divided by a smooth copy of itself."""
    smooth = ndimage.gaussian_filter(np.maximum(image, 0), _SMOOTH / level.sizes)
    return np.asarray(image / np.maximum(smooth, 0.05 * smooth.max()), dtype=np.float32)


def _entropy(counts: NDArray[np.integer]) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())
