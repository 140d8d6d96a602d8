"""Individual shape: a smooth invertible warp, a head size and a pose in the scanner."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from motor_bids_app.simulation.sampling import grid_points, move, sample
from motor_bids_app.spaces.grids import Grid, standard_grid
from motor_bids_app.spaces.transforms import Transform

FIELD_RESOLUTION = 4  # mm; the fields are smooth over 10 mm and more
SQUARINGS = 6
CENTRE = np.array([0.0, -17.0, 10.0])  # mm; heads turn and grow about the middle of the brain


@dataclass(frozen=True, eq=False)
class Shape:
    """Map between the standard space and one person's head in the scanner.

    Parameters
    ----------
    matrix : array, shape (4, 4)
        Size and pose: standard mm to scanner mm, applied after the warp.
    warp, unwarp : array, shape (X, Y, Z, 3)
        Displacements in mm on the 4 mm standard grid: individual form, and its inverse.
    """

    matrix: NDArray[np.float64]
    warp: NDArray[np.float32]
    unwarp: NDArray[np.float32]

    @property
    def to_scanner(self) -> Transform:
        """Standard mm to scanner mm, as an anatomical pipeline should find it."""
        grid = standard_grid(FIELD_RESOLUTION)
        return Transform(matrix=self.matrix, displacement=self.warp, grid=grid)

    def to_standard(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map scanner points, shape (N, 3) in mm, to the standard space."""
        points = move(np.linalg.inv(self.matrix), points)
        return points + _displacement(self.unwarp, points)


def draw_shape(rng: np.random.Generator, displacement: float = 7.0) -> Shape:
    """Draw a shape; 1 % of its displacements are above `displacement` mm."""
    velocity = _smooth_noise(rng, 20) + 0.35 * _smooth_noise(rng, 10)
    size = np.linalg.norm(velocity, axis=-1)
    velocity *= np.float32(displacement / np.percentile(size, 99))
    return Shape(_draw_affine(rng), _integrate(velocity), _integrate(-velocity))


def draw_rigid(rng: np.random.Generator, degrees: float, millimetres: float) -> NDArray[np.float64]:
    """Draw a rigid movement about the middle of the head, each parameter within its limit."""
    angles, shift = rng.uniform(-1, 1, (2, 3))
    return rigid(degrees * angles, millimetres * shift)


def rigid(angles: NDArray[np.floating], shift: NDArray[np.floating]) -> NDArray[np.float64]:
    """4x4 matrix of turns about x, y, z (degrees) at the head's centre, then a shift in mm."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    matrix[:3, 3] = CENTRE - matrix[:3, :3] @ CENTRE + shift
    return matrix


def _draw_affine(rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw size, proportions, a little shear, and pose (10 degrees, 10 mm).

    The template is larger than most people (1.9 litres), hence sizes mostly below 1.
    """
    growth = np.eye(4)
    growth[:3, :3] = np.diag(rng.uniform(0.88, 1.0) * rng.uniform(0.97, 1.03, 3))
    growth[:3, :3] += np.triu(rng.uniform(-0.02, 0.02, (3, 3)), 1)
    growth[:3, 3] = CENTRE - growth[:3, :3] @ CENTRE
    return draw_rigid(rng, degrees=10, millimetres=10) @ growth


def _smooth_noise(rng: np.random.Generator, millimetres: float) -> NDArray[np.float32]:
    """Vector noise of unit size on the field grid, smoothed by a Gaussian of that sigma."""
    shape = standard_grid(FIELD_RESOLUTION).shape
    sigma = millimetres / FIELD_RESOLUTION
    noise = np.stack(
        [ndimage.gaussian_filter(rng.standard_normal(shape), sigma) for _ in range(3)], axis=-1
    )
    return (noise / noise.std()).astype(np.float32)


def _integrate(velocity: NDArray[np.float32]) -> NDArray[np.float32]:
    """Follow a stationary velocity for unit time, by scaling and squaring (invertible)."""
    points = grid_points(standard_grid(FIELD_RESOLUTION))
    displacement = velocity / np.float32(2**SQUARINGS)
    for _ in range(SQUARINGS):
        moved = points + displacement.reshape(-1, 3)
        displacement = displacement + _displacement(displacement, moved).reshape(velocity.shape)
    return displacement


def _displacement(field: NDArray[np.float32], points: NDArray[np.float32]) -> NDArray[np.float32]:
    volumes = np.ascontiguousarray(np.moveaxis(field, -1, 0))
    grid: Grid = standard_grid(FIELD_RESOLUTION)
    return np.ascontiguousarray(sample(volumes, grid, points, edge=True).T)
