"""Tables of states of connectivity in the page of an experiment."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.explanation.dynamics import Dynamics
from motor_bids_app.reports.pages import Table

CLASSES = ("good", "poor")


def search_table(search: pd.DataFrame) -> Table:
    """Numbers of states, and how well they divide the windows."""
    shown = search.assign(chosen=search["chosen"].map({True: "yes", False: ""}))
    return Table.of(
        shown,
        "Numbers of states tried.",
        {
            "k": "States",
            "states_of_most": "States visited by most people",
            "lowest_participation": "Participation, least",
            "mean_participation": "Mean",
            "silhouette": "Silhouette",
            "cost": "Distance",
            "chosen": "Chosen",
        },
    )


def dynamics_table(dynamics: Dynamics, poor: NDArray[np.bool_]) -> Table:
    """Mean and standard deviation of each measure in each class."""
    table = dynamics.table()
    table = table[[name for name in table if not str(name).startswith("dwell_windows")]]
    rows = []
    for name in table:
        kind, _, state = str(name).rpartition("_")
        label = {
            "occupancy": f"Share of time in state {state}",
            "dwell_seconds": f"Mean dwell time in state {state} (s)",
        }.get(kind, "State transitions")
        values = table[name].to_numpy(np.float64)
        rows.append((label, *(_mean_and_spread(values[members]) for members in (~poor, poor))))
    return Table(
        caption="State dynamics: mean (standard deviation) by class. states/people.tsv has one "
        "row per person.",
        columns=("Measure", *CLASSES),
        rows=tuple(rows),
        numeric=frozenset({1, 2}),
    )


def _mean_and_spread(values: NDArray[np.float64]) -> str:
    """Mean and standard deviation in words; one person has no spread."""
    spread = f" ({values.std(ddof=1):.2f})" if len(values) > 1 else ""
    return f"{values.mean():.2f}{spread}"


def cluster_table(clusters: pd.DataFrame, n_permutations: int) -> Table:
    """Clusters with both p values side by side."""
    rows = tuple(
        (
            f"State {row['state']}, {row['region']}",
            row["higher_in"],
            f"{row['x']:.0f}, {row['y']:.0f}, {row['z']:.0f}",
            row["voxels"],
            f"{row['peak_t']:.2f}",
            f"{row['p_uncorrected']:.2g}",
            f"{row['p_corrected']:.3f}",
        )
        for row in clusters.to_dict("records")
    )
    kept = int((clusters["p_corrected"] < 0.05).sum()) if len(clusters) else 0
    return Table(
        caption="Differences between classes in a state, adjusted for age, sex and time since "
        "stroke: clusters of 50 voxels or more at p < 0.05 per voxel, uncorrected (as published). "
        "The last column corrects for multiple comparisons by the largest cluster in "
        f"{n_permutations} permutations of people: {kept} of {len(clusters)} clusters are "
        "significant at 0.05. The others can arise by chance among so many voxels.",
        columns=(
            "Peak",
            "Higher in",
            "MNI (mm)",
            "Voxels",
            "t",
            "p of the peak, uncorrected",
            "p of the cluster, corrected",
        ),
        rows=rows,
        numeric=frozenset({3, 4, 5, 6}),
    )
