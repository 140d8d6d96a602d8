"""Checks and peaks of attribution maps: the tables, and the section of the report."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.bids.files import write_table
from motor_bids_app.explanation.checks import deletion_area, most_alike, shares, stability
from motor_bids_app.explanation.peaks import Regions, peak_table
from motor_bids_app.levels.cohort.maps import experiment_mask
from motor_bids_app.levels.group.explanation.maps import TITLES, map_image
from motor_bids_app.levels.group.explanation.tally import Tally
from motor_bids_app.reports.experiment.explanation import (
    REFERENCES,
    Explanation,
    attribution_figure,
    check_table,
    peak_list,
    place_table,
)
from motor_bids_app.spaces.atlases import load_aal
from motor_bids_app.spaces.grids import Grid
from motor_bids_app.spaces.templates import cut, load_template

_COLUMNS: dict[str, dict[str, Any]] = {
    "method": {"Description": "How the map was made", "Levels": dict(TITLES)},
    "check": {
        "Description": "What was checked",
        "Levels": {
            "randomised": "rank correlation (signs left out) with the map of the same network "
            "with random weights, or of the linear model fitted to shuffled outcomes; "
            "mean over models",
            "deletion": "area under the output as voxels are deleted, those that speak most for it "
            "first; mean over people, starting at 1",
            "stability": "mean correlation between maps of the models of different training folds",
            "completeness": "mean error of the sum of integrated gradients over mean output",
            "share": "share of the attribution in the region, signs left out",
        },
    },
    "region": {
        "Description": "Place of a share",
        "Levels": {
            "lesion": "own lesion of the person, mean over people with one",
            "cst": "corticospinal tracts of both sides",
            "motor": "motor regions of AAL, both sides",
        },
    },
    "value": {"Description": "Number found; of a peak, in the unit that the maps have"},
    "expected": {
        "Description": "Of a share, the region's share of the volume; of deletion, the "
        "area in random order; otherwise what is best"
    },
    "state": {
        "Description": "Outcome",
        "Levels": {
            "passed": "as it should be",
            "warning": "do not rely on the map",
            "n/a": "no limit",
        },
    },
    "n": {"Description": "People, models, or pairs of models that the number is about"},
    "map": {"Description": "Map that the model sees"},
    "x": {"Description": "Place from left to right", "Units": "mm"},
    "y": {"Description": "Place from back to front", "Units": "mm"},
    "z": {"Description": "Place from bottom to top", "Units": "mm"},
    "distance": {"Description": "Distance from the region; 0 inside", "Units": "mm"},
}
_PEAK_COLUMNS = {"region": {"Description": "Nearest region of AAL within 10 mm"}}


class ExplainedTables:
    """Collects what is said of the maps of one method after another.

    Parameters
    ----------
    grid : Grid
    mask : bool array, shape (X, Y, Z)
        Voxels that count.
    resolution : int
        Of the template and the regions, in mm.
    """

    def __init__(self, grid: Grid, mask: NDArray[np.bool_], resolution: int) -> None:
        self.grid, self.mask, self.resolution = grid, mask, resolution
        self._regions = {name: experiment_mask(name, grid) for name in ("cst", "motor")}
        self._atlas = Regions.of(load_aal(resolution))
        self._checks: list[pd.DataFrame] = []
        self._peaks: list[pd.DataFrame] = []
        self._figures: list[Any] = []

    def add(
        self,
        method: str,
        tally: Tally,
        maps: Mapping[str, NDArray[np.floating[Any]]],
        title: str,
        reading: str,
        unit: str,
        linear: bool = False,
    ) -> None:
        """Take the maps of a method: check them, find their peaks, and draw them.

        Parameters
        ----------
        maps : mapping of str to array, shape (X, Y, Z)
            Map of the group, by name.
        title, reading, unit : str
            For the figure.
        linear : bool
            Whether the model is linear.
        """
        values = np.stack(list(maps.values()))
        rows = _checks(method, tally, self.mask, linear) + [
            ("share", name, share, volume, None, tally.n_people or 1)
            for name, (share, volume) in shares(values, self.mask, self._regions).items()
        ]
        if tally.lesion:
            share, volume = np.mean(tally.lesion, axis=0)
            rows.append(("share", "lesion", share, volume, None, len(tally.lesion)))
        table = pd.DataFrame(rows, columns=["check", "region", "value", "expected", "state", "n"])
        table.insert(0, "method", method)
        self._checks.append(table)
        peaks = peak_table(values, tuple(maps), self.mask, self.grid, self._atlas)
        peaks.insert(0, "method", method)
        self._peaks.append(peaks)
        template = load_template("T1w", self.resolution)
        grey = cut(np.asarray(template.dataobj, dtype=np.float32), template.affine, self.grid)
        images = {name: map_image(one, self.grid) for name, one in maps.items()}
        behind = map_image(grey, self.grid)
        self._figures.append(attribution_figure(method, title, reading, images, behind, unit))

    def write(self, folder: Path, sentences: Sequence[str]) -> Explanation:
        """Write both tables into the folder of an experiment, and return the section."""
        table, peaks = pd.concat(self._checks), pd.concat(self._peaks)
        known = {str(name): _COLUMNS[str(name)] for name in table}
        write_table(folder / "explanation.tsv", table, known)
        known = {str(name): (_COLUMNS | _PEAK_COLUMNS)[str(name)] for name in peaks}
        write_table(folder / "explanation_peaks.tsv", peaks, known)
        methods = (*table["method"].unique(), "")
        return Explanation(
            sentences=tuple(sentences),
            figures=tuple(self._figures),
            checks=check_table(table, TITLES),
            places=place_table(table, TITLES),
            peaks=peak_list(peaks, TITLES),
            references=tuple(REFERENCES[name] for name in methods if name in REFERENCES),
        )


def _checks(
    method: str, tally: Tally, mask: NDArray[np.bool_], linear: bool
) -> list[tuple[Any, ...]]:
    """One row for each check of the maps of a method."""
    alike = float(np.mean(tally.randomised))
    state: str | None = "passed" if alike < most_alike(method) else "warning"
    if linear:
        # Whatever the labels, weights lie along what varies most: likeness proves nothing.
        state = None
    rows: list[tuple[Any, ...]] = [("randomised", None, alike, 0.0, state, len(tally.randomised))]
    if tally.drops:
        area, random = deletion_area(tally.drops), deletion_area(tally.random_drops)
        state = "passed" if area < random else "warning"
        rows.append(("deletion", None, area, random, state, len(tally.drops)))
    if len(tally.folds) > 1:
        inside = [one[:, mask] for one in tally.folds]
        n_pairs = len(inside) * (len(inside) - 1) // 2
        rows.append(("stability", None, stability(inside), 1.0, None, n_pairs))
    if tally.errors:
        error, output = np.mean(tally.errors, axis=0)
        if output > 0:
            rows.append(("completeness", None, error / output, 0.0, None, len(tally.errors)))
    return rows
