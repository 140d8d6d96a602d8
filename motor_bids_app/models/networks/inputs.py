"""Volumes that models read, checked against what they expect."""

import numpy as np

from motor_bids_app.errors import DataError, IncompatibleModelError
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.series import WindowVolumes
from motor_bids_app.features.volumes import Volumes
from motor_bids_app.spaces.grids import AFFINE_TOLERANCE, Grid

Maps = Volumes | WindowVolumes  # by row, of scans or of windows


def volumes_of(samples: Samples) -> Volumes:
    """Return the volumes of samples; raises DataError if there are none."""
    if samples.volumes is None:
        raise DataError("This model reads maps, but the scans come without: add inputs.maps.")
    return samples.volumes


def check_grid(volumes: Maps, grid: Grid) -> None:
    """Raise IncompatibleModelError unless the volumes are on the grid of a model."""
    if volumes.grid.shape != grid.shape or not np.allclose(
        volumes.grid.affine, grid.affine, atol=AFFINE_TOLERANCE
    ):
        raise IncompatibleModelError(
            f"The model was trained on volumes of shape {grid.shape} at "
            f"{grid.voxel_sizes.round(2).tolist()} mm, but these have {volumes.grid.shape} at "
            f"{volumes.grid.voxel_sizes.round(2).tolist()} mm, or lie elsewhere. "
            "Average the maps onto the grid of the model."
        )


def grid_values(grid: Grid) -> dict[str, list[float]]:
    """Return a grid as JSON can hold it."""
    return {"shape": list(grid.shape), "affine": grid.affine.ravel().tolist()}


def grid_from_values(values: dict[str, list[float]]) -> Grid:
    """Return the grid that `grid_values` described."""
    x, y, z = (int(size) for size in values["shape"])
    return Grid((x, y, z), np.array(values["affine"]).reshape(4, 4))


def map_columns(volumes: Maps, maps: tuple[str, ...]) -> list[int]:
    """Return the positions of `maps` in the volumes.

    Raises
    ------
    IncompatibleModelError
        The volumes lack a map.
    """
    missing = [name for name in maps if name not in volumes.maps]
    if missing:
        raise IncompatibleModelError(
            f"The model reads the maps {', '.join(maps)}, but {', '.join(missing)} is not among "
            f"those given ({', '.join(volumes.maps)})."
        )
    return [volumes.maps.index(name) for name in maps]
