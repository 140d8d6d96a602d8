"""What a lesion destroys: volume, and how much of the corticospinal tract."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.simulation.head import is_tissue, load_brain
from motor_bids_app.simulation.lesions import Lesion
from motor_bids_app.simulation.sampling import grid_points, move, sample
from motor_bids_app.spaces.atlases import juelich_tract
from motor_bids_app.spaces.grids import standard_grid

TRACT_RESOLUTION, VOLUME_RESOLUTION = 2, 3  # mm
_DEGENERATION_SPREAD = 0.12  # of tract degeneration, that the lesion does not explain


@dataclass(frozen=True)
class Damage:
    """Known damage of one person; all zero for a control.

    Parameters
    ----------
    lesion_volume : float
        Lesioned brain tissue in ml, in the size of the standard brain.
    tract_load : float
        Lesioned part of the ipsilesional corticospinal tract, 0 to 1.
    tract_interruption : float
        Lesioned part of the tract's worst axial section, 0 to 1.
    degeneration : float
        Loss of the tract's anisotropy below and above the lesion, 0 to 1.
    """

    lesion_volume: float = 0.0
    tract_load: float = 0.0
    tract_interruption: float = 0.0
    degeneration: float = 0.0


@dataclass(frozen=True, eq=False)
class Tract:
    """Voxels of one corticospinal tract: points in mm, shape (N, 3); the others (N,).

    `tissue` leaves out voxels of the atlas that are in fluid, where no infarct is drawn.
    """

    points: NDArray[np.float32]
    probability: NDArray[np.float64]
    section: NDArray[np.intp]
    tissue: NDArray[np.bool_]


@lru_cache(maxsize=2)
def load_tract(side: str) -> Tract:
    """Return the corticospinal tract of one side."""
    image = juelich_tract(TRACT_RESOLUTION)[side]
    probability = np.asarray(image.dataobj, dtype=np.float64)
    voxels = np.argwhere(probability > 0)
    points = move(image.affine, voxels.astype(np.float32))
    return Tract(points, probability[tuple(voxels.T)], voxels[:, 2], _in_tissue(points))


@lru_cache(maxsize=1)
def _tissue_points() -> NDArray[np.float32]:
    """Points in mm, shape (N, 3), of all grey and white matter."""
    points = grid_points(standard_grid(VOLUME_RESOLUTION))
    return points[_in_tissue(points)]


def _in_tissue(points: NDArray[np.float32]) -> NDArray[np.bool_]:
    brain = load_brain(TRACT_RESOLUTION)
    return is_tissue(*sample(np.stack([brain.grey, brain.white]), brain.grid, points))


def assess(lesion: Lesion, rng: np.random.Generator) -> Damage:
    """Measure a lesion, and draw how far the tract has degenerated."""
    tract = load_tract(lesion.side)
    destroyed = tract.probability * (lesion.covers(tract.points) & tract.tissue)
    sections = np.bincount(tract.section, tract.probability)
    # The thin ends of the tract are left out: a few voxels there are not a section of it.
    wide = sections > 0.25 * sections.max()
    lost = np.bincount(tract.section, destroyed, minlength=len(sections))
    interruption = float((lost[wide] / sections[wide]).max())
    degeneration = interruption + _DEGENERATION_SPREAD * rng.standard_normal()
    return Damage(
        lesion_volume=float(lesion.covers(_tissue_points()).sum() * VOLUME_RESOLUTION**3 / 1000),
        tract_load=float(destroyed.sum() / tract.probability.sum()),
        tract_interruption=interruption,
        degeneration=float(np.clip(degeneration, 0, 1)),
    )
