"""Maps of one scan as a saved model wants them, with a look at their units."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.bids.index import DerivedScan
from motor_bids_app.errors import DataError, IncompatibleModelError
from motor_bids_app.features.volumes import Volumes, VolumeStore
from motor_bids_app.levels.maps import brain_grid, fill_store

DIFFUSIVITIES = frozenset({"md", "rd", "ad"})
_LEAST_DIFFUSIVITY, _MOST_DIFFUSIVITY = 1e-4, 3e-3  # mm2/s, medians of any brain lie between


def read_maps(
    inputs: Mapping[str, Any], scan: DerivedScan, row: pd.DataFrame, flip: NDArray[np.bool_]
) -> Volumes:
    """Read the maps that the model was trained on, on its grid."""
    grid = brain_grid(inputs["resolution"])
    if list(grid.shape) != inputs["grid"]["shape"] or not np.allclose(
        grid.affine, inputs["grid"]["affine"]
    ):
        raise IncompatibleModelError(
            f"The model works on a grid of {inputs['grid']['shape']}, this version on "
            f"{list(grid.shape)}. Use the version that trained it."
        )
    maps = tuple(inputs["maps"])
    missing = [name for name in maps if name not in scan.maps and name != "lesion"]
    if missing:
        raise DataError(
            f"The model needs the maps {', '.join(maps)}, and this scan lacks {', '.join(missing)}."
        )
    store = VolumeStore.empty(1, maps, grid)
    fill_store(store, [scan], row, flip)
    return store.volumes()


def unusual_units(volumes: Volumes) -> tuple[str, ...]:
    """Say which diffusivities cannot be in mm2/s: maps of other tools may be scaled."""
    notes = []
    for name in DIFFUSIVITIES.intersection(volumes.maps):
        values = volumes.read()[0, volumes.maps.index(name)]
        if not (values > 0).any():
            continue
        median = float(np.median(values[values > 0])) / 1e3  # stored in um2/ms
        if not _LEAST_DIFFUSIVITY < median < _MOST_DIFFUSIVITY:
            notes.append(
                f"{name} has a median of {median:.2g}, which is no diffusivity of brain in mm2/s: "
                "do not trust this prediction, and scale the map"
            )
    return tuple(sorted(notes))
