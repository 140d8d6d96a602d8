"""Where a map is largest: coordinates and names of regions."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from nibabel.affines import apply_affine
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

from motor_bids_app.spaces.atlases import Atlas
from motor_bids_app.spaces.grids import Grid

DISTANCE = 16.0  # mm, least between peaks
N_PEAKS = 10
NEAR = 10.0  # mm, from a region whose neighbour a peak is called
COLUMNS = ("map", "x", "y", "z", "value", "region", "distance")


@dataclass(frozen=True, eq=False)
class Regions:
    """Voxels of all regions of an atlas, to name points by; see `name_point`."""

    points: NDArray[np.float64]  # (n, 3), mm
    names: NDArray[np.str_]  # (n,)

    @classmethod
    def of(cls, atlas: Atlas) -> "Regions":
        """Take an atlas."""
        labels = np.asarray(atlas.labels.dataobj)
        voxels = np.argwhere(labels > 0)
        names = np.array([atlas.names[number] for number in labels[tuple(voxels.T)]])
        return cls(apply_affine(atlas.labels.affine, voxels), names)

    def name_point(self, point: NDArray[np.float64]) -> tuple[str, float]:
        """Return the nearest region and its distance in mm, or no name if it is beyond `NEAR`."""
        squares = np.square(self.points - point).sum(axis=1)
        nearest = int(squares.argmin())
        distance = float(np.sqrt(squares[nearest]))
        return (str(self.names[nearest]), distance) if distance <= NEAR else ("", distance)


def peak_table(
    values: NDArray[np.floating],
    maps: tuple[str, ...],
    mask: NDArray[np.bool_],
    grid: Grid,
    regions: Regions,
) -> pd.DataFrame:
    """Return the largest local extremes of a map of attributions, largest first.

    Parameters
    ----------
    values : float array, shape (n_maps, X, Y, Z)
        Maps in comparable units; signs are kept in the table, and left out in the search.
    maps : tuple of str
        Their names.
    mask : bool array, shape (X, Y, Z)
        Where to look.
    grid : Grid
    regions : Regions

    Returns
    -------
    DataFrame
        `N_PEAKS` rows at most, `DISTANCE` apart within a map: map, x, y, z (mm), value, region
        ("" if none is near) and its distance (mm).
    """
    sizes = np.abs(values) * mask
    window = np.maximum(1, np.round(DISTANCE / grid.voxel_sizes).astype(int)) // 2 * 2 + 1
    highest = maximum_filter(sizes, size=(1, *window), mode="constant")
    candidates = np.argwhere((sizes == highest) & (sizes > 0))
    order = np.argsort(-sizes[tuple(candidates.T)], kind="stable")
    rows: list[tuple[object, ...]] = []
    taken: list[tuple[int, NDArray[np.float64]]] = []
    for k, *voxel in candidates[order]:
        point = apply_affine(grid.affine, np.array(voxel, dtype=np.float64))
        if any(k == m and np.linalg.norm(point - other) < DISTANCE for m, other in taken):
            continue
        taken.append((int(k), point))
        name, distance = regions.name_point(point)
        x, y, z = (float(value) for value in point)
        rows.append((maps[k], x, y, z, float(values[(k, *voxel)]), name, distance))
        if len(rows) == N_PEAKS:
            break
    return pd.DataFrame(rows, columns=list(COLUMNS))
