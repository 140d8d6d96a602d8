"""A small brain with known tensors that can be scanned while it moves."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from motor_bids_app.mri.diffusion.gradients import GradientTable
from motor_bids_app.spaces.grids import standard_grid
from motor_bids_app.spaces.templates import load_template

VOXEL = 3  # mm


@dataclass
class Motion:
    """Place of the head in a volume: x (mm from the centre) goes to E (R x + t), E along axis 1."""

    rotation: NDArray[np.float64] = field(default_factory=lambda: np.eye(3))
    translation: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    eddy: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))

    @property
    def parameters(self) -> NDArray[np.float64]:
        rotation = Rotation.from_matrix(self.rotation).as_rotvec(degrees=True)
        return np.concatenate([self.translation, rotation])

    @property
    def matrix(self) -> NDArray[np.float64]:
        warp = np.eye(3)
        warp[1] += self.eddy
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = warp @ self.rotation, warp @ self.translation
        return matrix


@dataclass
class Phantom:
    """S0, shape (X, Y, Z), and tensors, shape (X, Y, Z, 3, 3); voxel axes are the world's."""

    s0: NDArray[np.float64]
    tensor: NDArray[np.float64]
    affine: NDArray[np.float64]

    @property
    def mask(self) -> NDArray[np.bool_]:
        return self.s0 > 0

    def gradients(self, directions: int, b0: int = 2, bval: float = 1000) -> GradientTable:
        """Some b0 volumes, then directions spread over the sphere (Fibonacci lattice)."""
        index = np.arange(directions) + 0.5
        polar, azimuth = np.arccos(1 - 2 * index / directions), np.pi * (1 + 5**0.5) * index
        across = np.sin(polar)
        world = np.stack(
            [np.cos(azimuth) * across, np.sin(azimuth) * across, np.cos(polar)], axis=1
        )
        bvals = np.concatenate([np.zeros(b0), np.full(directions, bval)])
        return GradientTable.from_world(
            bvals, np.concatenate([np.zeros((b0, 3)), world]), self.affine
        )

    def series(self, gradients: GradientTable, motions: list[Motion] | None = None) -> NDArray:
        """Signals without noise, shape (X, Y, Z, N), of a head that moves."""
        motions = motions or [Motion()] * len(gradients)
        directions = gradients.world_directions(self.affine)
        centre = np.argwhere(self.mask).mean(axis=0)
        volumes = []
        for bval, direction, motion in zip(gradients.bvals, directions, motions, strict=True):
            fixed = motion.rotation.T @ direction
            signal = self.s0 * np.exp(-bval * np.einsum("xyzij,i,j", self.tensor, fixed, fixed))
            back = np.linalg.inv(motion.matrix)
            offset = centre - back[:3, :3] @ centre + back[:3, 3] / VOXEL
            moved = ndimage.affine_transform(signal, back[:3, :3], offset, order=1)
            volumes.append(moved * np.linalg.det(back[:3, :3]))
        return np.stack(volumes, axis=-1)

    @staticmethod
    def with_noise(series: NDArray, sigma: float) -> NDArray[np.float32]:
        """Add Rician noise."""
        rng = np.random.default_rng(0)
        real = series + sigma * rng.standard_normal(series.shape)
        return np.hypot(real, sigma * rng.standard_normal(series.shape)).astype(np.float32)

    @staticmethod
    def draw_motion(
        gradients: GradientTable, mm: float, degrees: float, eddy: float = 0
    ) -> list[Motion]:
        """Draw independent places, the first volume excepted; eddy currents follow the gradient."""
        rng = np.random.default_rng(0)
        n = len(gradients)
        turns = rng.uniform(-degrees, degrees, (n, 3)) * (np.arange(n) > 0)[:, None]
        shifts = rng.uniform(-mm, mm, (n, 3)) * (np.arange(n) > 0)[:, None]
        warps = gradients.bvecs @ rng.normal(0, eddy, (3, 3))
        matrices = Rotation.from_rotvec(turns, degrees=True).as_matrix()
        return [Motion(*place) for place in zip(matrices, shifts, warps, strict=True)]


@pytest.fixture(scope="session")
def phantom() -> Phantom:
    """Template tissue: isotropic grey matter and fluid, white matter with smooth directions."""
    grey, white, brain = (
        np.asarray(load_template(kind, VOXEL).dataobj) for kind in ("GM", "WM", "brain")
    )
    fluid = np.clip(1 - grey - white, 0, 1) * brain
    noise = np.random.default_rng(0).standard_normal((3, *grey.shape))
    fibre = np.stack([ndimage.gaussian_filter(component, 3.3) for component in noise], axis=-1)
    fibre /= np.linalg.norm(fibre, axis=-1, keepdims=True)
    isotropic = (0.4e-3 * white + 0.85e-3 * grey + 3e-3 * fluid)[..., None, None] * np.eye(3)
    along = np.einsum("...i,...j->...ij", fibre, fibre)
    return Phantom(
        s0=(700 * white + 900 * grey + 1500 * fluid) * brain,
        tensor=isotropic + 1.1e-3 * white[..., None, None] * along,
        affine=standard_grid(VOXEL).affine,
    )
