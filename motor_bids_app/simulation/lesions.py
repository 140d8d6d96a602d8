"""Strokes of the middle and anterior cerebral artery, as regions of the standard space.

A lesion is a formula, not an image: it can be asked at any point, so that its border is
sharp at every resolution, and its damage is known without drawing it.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Side = Literal["left", "right"]
Points = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Territory:
    """Where lesions of one kind lie, in mm on the right side, and how large they are.

    Parameters
    ----------
    share : float
        Part of all patients.
    centre, scatter : tuple
        Mean and standard deviation of the lesion's centre.
    radius, spread : float
        Median radius in mm, and its standard deviation on the log scale.
    stretch : tuple
        Radii relative to `radius`, by axis.
    """

    share: float
    centre: tuple[float, float, float]
    scatter: tuple[float, float, float]
    radius: float
    spread: float
    stretch: tuple[float, float, float]


TERRITORIES = {
    "deep": Territory(
        share=0.34,
        centre=(27, -12, 14),
        scatter=(4, 7, 6),
        radius=11,
        spread=0.35,
        stretch=(0.75, 1.4, 1.15),
    ),
    "cortical": Territory(
        share=0.26,
        centre=(47, -12, 18),
        scatter=(5, 18, 12),
        radius=18,
        spread=0.4,
        stretch=(0.8, 1.3, 1.0),
    ),
    "lacunar": Territory(
        share=0.22,
        centre=(25, -17, 16),
        scatter=(4, 6, 8),
        radius=5,
        spread=0.3,
        stretch=(0.8, 1.1, 1.3),
    ),
    "complete": Territory(
        share=0.10,
        centre=(38, -10, 18),
        scatter=(4, 8, 6),
        radius=29,
        spread=0.2,
        stretch=(0.85, 1.35, 1.05),
    ),
    "anterior": Territory(
        share=0.08,
        centre=(9, -8, 50),
        scatter=(2, 16, 8),
        radius=11,
        spread=0.35,
        stretch=(0.7, 2.0, 1.2),
    ),
}
_WAVES = 10
_ROUGHNESS = 0.17  # of the border, relative to the radius


@dataclass(frozen=True, eq=False)
class Lesion:
    """An infarct: rough ellipsoids on one side of the brain.

    Parameters
    ----------
    side : "left" or "right"
    kind : str
        Key of `TERRITORIES`.
    centres, radii : array, shape (n, 3)
        Of the ellipsoids, in mm.
    turns : array, shape (n, 3, 3)
        Rotations from the world to the axes of each ellipsoid.
    waves, phases : array, shape (k, 3) and (k,)
        Spatial frequencies in radian per mm, of the ripples of the border.
    """

    side: Side
    kind: str
    centres: NDArray[np.float64]
    radii: NDArray[np.float64]
    turns: NDArray[np.float64]
    waves: NDArray[np.float32]
    phases: NDArray[np.float32]

    def covers(self, points: Points) -> NDArray[np.bool_]:
        """Whether points, shape (N, 3) in standard mm, are inside; also outside the brain."""
        covered = np.zeros(len(points), dtype=bool)
        limit = _ROUGHNESS * np.sqrt(2 * len(self.waves))  # no ripple is higher
        for centre, radii, turn in zip(self.centres, self.radii, self.turns, strict=True):
            box = (1 + limit) * radii.max()
            close = [np.abs(points[:, axis] - centre[axis]) < box for axis in range(3)]
            near = np.flatnonzero(close[0] & close[1] & close[2] & ~covered)
            offset = ((points[near] - centre) @ turn.T / radii).astype(np.float32)
            distance = np.sqrt(np.einsum("ij,ij->i", offset, offset))
            covered[near[distance < 1 - limit]] = True
            border = np.abs(distance - 1) <= limit
            near, distance = near[border], distance[border]
            ripples = np.cos(points[near] @ self.waves.T + self.phases).sum(axis=1)
            covered[near] |= distance + _ROUGHNESS * np.sqrt(2 / len(self.waves)) * ripples < 1
        sign = 1 if self.side == "right" else -1
        return covered & (sign * points[:, 0] > 1)  # an infarct does not cross the midline


def draw_lesion(rng: np.random.Generator) -> Lesion:
    """Draw a lesion of either side."""
    kinds = list(TERRITORIES)
    kind = str(rng.choice(kinds, p=[TERRITORIES[kind].share for kind in kinds]))
    territory = TERRITORIES[kind]
    side: Side = "right" if rng.random() < 0.5 else "left"
    n_blobs = 1 if kind == "lacunar" else 1 + rng.poisson(1)
    main = territory.radius * np.exp(territory.spread * rng.standard_normal())
    sizes = main * np.array([1, *rng.uniform(0.3, 0.7, n_blobs - 1)])
    radii = sizes[:, None] * territory.stretch * rng.uniform(0.85, 1.2, (n_blobs, 3))
    centre = rng.normal(territory.centre, territory.scatter)
    centres = centre + rng.standard_normal((n_blobs, 3)) * 0.6 * radii[0]
    centres[0] = centre
    centres[:, 0] *= 1 if side == "right" else -1
    directions = rng.standard_normal((_WAVES, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    wavelengths = main * rng.uniform(0.5, 2.0, _WAVES)
    return Lesion(
        side=side,
        kind=kind,
        centres=centres,
        radii=radii,
        turns=Rotation.from_rotvec(rng.normal(0, 0.3, (n_blobs, 3))).as_matrix(),
        waves=(directions * (2 * np.pi / wavelengths)[:, None]).astype(np.float32),
        phases=rng.uniform(0, 2 * np.pi, _WAVES).astype(np.float32),
    )
