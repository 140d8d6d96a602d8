"""States of connectivity as files: maps, and tables with their data dictionaries."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.bids.files import save_image, write_table
from motor_bids_app.explanation.clusters import Contrast
from motor_bids_app.explanation.dynamics import Dynamics
from motor_bids_app.explanation.states import States
from motor_bids_app.features.series import SeriesWindows
from motor_bids_app.settings import STANDARD_SPACE
from motor_bids_app.spaces.grids import standard_grid

Contrasts = dict[int, tuple[Contrast, int, int]]  # by state, with people of good and poor outcome
CLUSTERS: dict[str, dict[str, Any]] = {
    "state": {"Description": "State, 1 the most frequent"},
    "higher_in": {"Description": "Class with the higher connectivity"},
    **{axis: {"Description": f"{axis} of the peak", "Units": "mm"} for axis in "xyz"},
    "voxels": {"Description": "Size of the cluster at the resolution of the experiment"},
    "peak_t": {"Description": "t of the peak, positive where poor is higher"},
    "region": {"Description": "Region of AAL at the peak"},
    "p_uncorrected": {"Description": "Two-sided p of the peak, of one voxel alone (as published)"},
    "p_corrected": {
        "Description": "p of the size, by the largest cluster when people are permuted"
    },
    "n_good": {"Description": "People with a good outcome who visit the state"},
    "n_poor": {"Description": "People with a poor outcome who visit the state"},
}
_SEARCH: dict[str, dict[str, Any]] = {
    "k": {"Description": "Number of states"},
    "states_of_most": {"Description": "States that three quarters of the people visit"},
    "lowest_participation": {"Description": "Share of people in the least visited state"},
    "mean_participation": {"Description": "Mean over states of the share of people who visit"},
    "cost": {"Description": "Mean L1 distance from the own state, per voxel (elbow)"},
    "silhouette": {"Description": "Mean silhouette of exemplars, L1 distance"},
    "chosen": {"Description": "Number of states that is used"},
}


@dataclass(frozen=True, eq=False)
class FoundStates:
    """States, and what follows from them."""

    people: list[str]
    scans: pd.DataFrame  # participant_id and, where there are any, session_id
    states: States
    dynamics: Dynamics  # of people
    by_scan: Dynamics
    source: SeriesWindows
    maps: NDArray[np.float32]  # (n_people, k, n_voxels)
    counts: NDArray[np.intp]  # (n_people, k)


def _table(found: FoundStates) -> pd.DataFrame:
    """Features of each scan: occupancy, dwell time, transitions."""
    table = pd.concat([found.scans, found.by_scan.table()], axis=1)
    k = found.by_scan.transitions.shape[1]
    counts = {
        f"transitions_{a + 1}_{b + 1}": found.by_scan.transitions[:, a, b]
        for a in range(k)
        for b in range(k)
        if a != b
    }
    return table.assign(**counts)


def _describe(name: str) -> dict[str, Any]:
    """Entry of the data dictionary of a column of the features of states."""
    kind, *states = name.rsplit("_", 2 if name.startswith("transitions") else 1)
    words: dict[str, dict[str, Any]] = {
        "occupancy": {"Description": "Share of windows in state {}"},
        "dwell_windows": {"Description": "Mean length of a stay in state {}, in windows"},
        "dwell_seconds": {"Description": "Mean length of a stay in state {}", "Units": "s"},
        "transitions": {"Description": "How often state {} is followed by state {}"},
    }
    if name in ("participant_id", "session_id"):
        return {"Description": name.removesuffix("_id").capitalize()}
    if name == "changes_of_state":
        return {"Description": "How often the state changes"}
    entry = dict(words[kind])
    return {**entry, "Description": entry["Description"].format(*states)}


def centre_images(found: FoundStates) -> list[nib.Nifti1Image]:
    """Median map of each state on the grid of the experiment."""
    images = []
    for centre in found.states.centres:
        volume = np.zeros(found.source.grid.shape, dtype=np.float32)
        volume[found.source.inside] = centre
        images.append(nib.Nifti1Image(volume, found.source.grid.affine))
    return images


def write_states(
    folder: Path,
    found: FoundStates,
    contrasts: Contrasts,
    clusters: pd.DataFrame,
) -> None:
    """Write maps of states and contrasts, and the tables of the search, clusters and people."""
    place = {"SpatialReference": STANDARD_SPACE}
    for number, image in enumerate(centre_images(found), start=1):
        save_image(
            image,
            folder / f"state-{number}_centre.nii.gz",
            {
                **place,
                "Description": f"Median over the windows in state {number}: Fisher z of the "
                "correlation with M1",
            },
        )
    resolution = round(float(found.source.grid.voxel_sizes[0]))
    affine = standard_grid(resolution).affine
    for state, (contrast, n_good, n_poor) in contrasts.items():
        image = nib.Nifti1Image(contrast.t.astype(np.float32), affine)
        save_image(
            image,
            folder / f"state-{state + 1}_t.nii.gz",
            {
                **place,
                "Description": "t of poor against good outcome, adjusted for age, sex and "
                "time since stroke; positive where poor is higher",
                "DegreesOfFreedom": contrast.degrees_of_freedom,
                "Threshold": contrast.threshold,
                "NumberOfPeople": {"good": n_good, "poor": n_poor},
            },
        )
    table = _table(found)
    write_table(folder / "search.tsv", found.states.search, _named(_SEARCH, found.states.search))
    write_table(folder / "clusters.tsv", clusters, _named(CLUSTERS, clusters))
    write_table(folder / "people.tsv", table, {str(name): _describe(str(name)) for name in table})


def _named(known: dict[str, dict[str, Any]], table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    columns: Sequence[str] = [str(name) for name in table.columns]
    return {name: known[name] for name in columns}
