"""Maps of one scan as a saved model wants them, with a look at their units."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.bids.derived import DerivedScan
from motor_bids_app.errors import DataError, IncompatibleModelError
from motor_bids_app.features.connectivity import CONNECTIVITY
from motor_bids_app.features.volumes import STORED_UNITS, Volumes, VolumeStore
from motor_bids_app.levels.cohort.maps import brain_grid, experiment_mask, fill_store
from motor_bids_app.levels.cohort.unreadable import check_readable

DIFFUSIVITIES = frozenset({"md", "rd", "ad"})
_MOST_Z = 7.3  # of a correlation of 1 - 1e-6
_SLACK = 0.1  # noise and interpolation may leave the range of a share by so much
_LEAST_DIFFUSIVITY, _MOST_DIFFUSIVITY = 1e-4, 3e-3  # mm2/s, medians of any brain lie between


def read_maps(
    inputs: Mapping[str, Any],
    scan: DerivedScan,
    row: pd.DataFrame,
    flip: NDArray[np.bool_],
    *,
    required: bool = True,
) -> Volumes:
    """Read the maps that the model was trained with, on its grid, as the first scan of a store.

    Raises
    ------
    IncompatibleModelError
        This version has another grid.
    DataError
        A map cannot be used or, where maps are required, is not there (but a lesion map).
    """
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
    if missing and required:
        there = f"lacks {', '.join(missing)}" if scan.maps else "has no map at all"
        raise DataError(
            f"The model needs the maps {', '.join(maps)}, and this scan {there}. Run the "
            "participant level on its images first, or name finished derivatives with -d."
        )
    store = VolumeStore.empty(1, maps, grid)
    check_readable(fill_store(store, [scan], row, flip, inputs["mirror_lesion_to"]), [0])
    return store.volumes()


def impossible_units(volumes: Volumes) -> tuple[str, ...]:
    """Say which maps of the first scan cannot be what they are called: those of other tools differ.

    A sentence for each. The brain's voxels are taken to be those that are not 0.
    """
    sentences = []
    for column, name in enumerate(volumes.maps):
        values = volumes.store.data[0, column].astype(np.float64)
        values = values[values != 0]
        if name == "lesion" or not volumes.present[0, column]:
            continue
        if name in CONNECTIVITY:
            most = float(np.abs(values).max(initial=0))
            if most > _MOST_Z:
                sentences.append(
                    f"The {name} map reaches {most:.3g}, which is not a Fisher z value."
                )
            continue
        if not values.size:
            sentences.append(f"The {name} map is 0 everywhere.")
        elif name in DIFFUSIVITIES:
            median = float(np.median(values)) / STORED_UNITS[name]
            if not _LEAST_DIFFUSIVITY < median < _MOST_DIFFUSIVITY:
                sentences.append(
                    f"The {name} map has a median of {median:.2g}, which is not a brain "
                    "diffusivity in mm2/s (about 0.0008)."
                )
        else:
            low, high = np.percentile(values, (1, 99))
            if low < -_SLACK or high > 1 + _SLACK:
                sentences.append(
                    f"The {name} map goes from {low:.3g} to {high:.3g}, but is a share from 0 to 1."
                )
    return tuple(sentences)


@lru_cache(maxsize=1)
def model_mask(name: str, resolution: int) -> NDArray[np.bool_]:
    """Voxels that the model of an experiment looks at; the same for all people."""
    return experiment_mask(name, brain_grid(resolution))
