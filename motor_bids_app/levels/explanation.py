"""What the final model looks at: maps, tables and the section of the report."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.bids.files import write_table
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.explanation.attribution import activation_pattern
from motor_bids_app.explanation.checks import deletion_area, shares, stability
from motor_bids_app.explanation.peaks import Regions, peak_table
from motor_bids_app.levels.cohort import Cohort
from motor_bids_app.levels.explained_maps import TITLES, is_mean, map_image, save_group, unit
from motor_bids_app.levels.explaining import Explainer, Tally
from motor_bids_app.levels.maps import MapLibrary, experiment_mask
from motor_bids_app.models.inputs import map_columns
from motor_bids_app.models.opened import linear_scores, linear_weights, open_networks, plain_model
from motor_bids_app.reports.explanation import (
    REFERENCES,
    Explanation,
    attribution_figure,
    check_table,
    peak_list,
    place_table,
)
from motor_bids_app.spaces.atlases import load_aal
from motor_bids_app.spaces.templates import cut, load_template

ALIKE = 0.5  # rank correlation from which a map says little of what was learned
COLUMNS: dict[str, dict[str, Any]] = {
    "method": {"Description": "How the map was made", "Levels": dict(TITLES)},
    "check": {"Description": "What was checked", "Levels": {
        "randomised": "rank correlation (signs left out) with the map of the same network with "
        "random weights, or of the linear model fitted to labels dealt out anew; mean over models",
        "deletion": "area under the output as voxels are deleted, those that speak most for it "
        "first; mean over people, starting at 1",
        "stability": "mean correlation between maps of the models of different training folds",
        "completeness": "mean error of the sum of integrated gradients over mean output",
        "share": "share of the attribution in the region, signs left out"}},
    "region": {"Description": "Place of a share", "Levels": {
        "lesion": "own lesion of the person, mean over people with one",
        "cst": "corticospinal tracts of both sides", "motor": "motor regions of AAL, both sides"}},
    "value": {"Description": "Number found; of a peak, in the unit that the maps have"},
    "expected": {"Description": "Of a share, the region's share of the volume; of deletion, the "
                 "area in random order; otherwise what is best"},
    "state": {"Description": "Outcome", "Levels": {
        "passed": "as it should be", "warning": "do not rely on the map", "n/a": "no limit"}},
    "n": {"Description": "People, models, or pairs of models that the number is about"},
    "map": {"Description": "Map that the model sees"},
    "x": {"Description": "Place from left to right", "Units": "mm"},
    "y": {"Description": "Place from back to front", "Units": "mm"},
    "z": {"Description": "Place from bottom to top", "Units": "mm"},
    "distance": {"Description": "Distance from the region; 0 inside", "Units": "mm"},
}  # fmt: skip
PEAK_COLUMNS = {"region": {"Description": "Nearest region of AAL within 10 mm"}}


@dataclass(frozen=True, eq=False)
class Lesions:
    """Lesion of each scan of a cohort, on the grid of its maps."""

    data: NDArray[np.float16]  # (n_scans of the store, n_maps, X, Y, Z)
    column: int
    rows: NDArray[np.intp]  # of the store, by scan of the cohort

    def __call__(self, scan: int) -> NDArray[np.bool_]:
        """Voxels of which at least half is lesion."""
        return np.asarray(self.data[self.rows[scan], self.column] >= 0.5)


def build_explainer(
    folder: Path, cohort: Cohort, experiment: Experiment, library: MapLibrary, seed: int
) -> Explainer | None:
    """Return what watches the models of an experiment; None where there are no maps."""
    volumes = cohort.samples.volumes
    if volumes is None:
        return None
    lesions: Callable[[int], NDArray[np.bool_]] | None = None
    if "lesion" in volumes.maps:
        lesions = Lesions(volumes.store.data, volumes.maps.index("lesion"), volumes.rows)
    elif any("lesion" in scan.maps for scan in library.scans):
        inputs = experiment.inputs
        store = library.store(("lesion",), inputs.resolution, inputs.mirror_lesion_to)
        lesions = Lesions(store.data, 0, volumes.rows)
    return Explainer(folder, cohort, experiment, lesions, seed)


def explain(
    folder: Path, explainer: Explainer | None, experiment: Experiment, members: Sequence[Any]
) -> Explanation | None:
    """Write the group's maps and all tables; return the section, or None if nothing was explained.

    Parameters
    ----------
    folder : Path
        Of the experiment.
    members : sequence of estimators
        The final model, trained on everyone.
    """
    if explainer is None or not explainer.tallies:
        return None
    cohort, resolution = explainer.cohort, experiment.inputs.resolution
    regions = {name: experiment_mask(name, explainer.volumes.grid) for name in ("cst", "motor")}
    atlas = Regions.of(load_aal(resolution))
    tables, peaks, figures = [], [], []
    for method, tally in explainer.tallies.items():
        values = _group_map(explainer, method, tally, members[0])
        save_group(explainer.folder, cohort, method, values, tally.n_people or len(cohort.samples))
        tables.append(_check(explainer, method, tally, values, regions))
        found = peak_table(values, cohort.maps, explainer.mask, explainer.volumes.grid, atlas)
        found.insert(0, "method", method)
        peaks.append(found)
        figures.append(_figure(explainer, method, values, resolution))
    table, places = pd.concat(tables), pd.concat(peaks)
    known = COLUMNS | PEAK_COLUMNS
    write_table(
        folder / "explanation.tsv", table, {str(name): COLUMNS[str(name)] for name in table}
    )
    write_table(
        folder / "explanation_peaks.tsv", places, {str(name): known[str(name)] for name in places}
    )
    return Explanation(
        sentences=_sentences(explainer, members[0]), figures=tuple(figures),
        checks=check_table(table, TITLES), places=place_table(table, TITLES),
        peaks=peak_list(places, TITLES),
        references=tuple(
            REFERENCES[name] for name in (*explainer.tallies, "") if name in REFERENCES
        ),
    )  # fmt: skip


def _group_map(
    explainer: Explainer, method: str, tally: Tally, model: Any
) -> NDArray[np.floating[Any]]:
    """Mean over people, or the map of the model trained on everyone; (n_maps, X, Y, Z)."""
    if is_mean(method):
        return tally.total / max(tally.n_people, 1)
    volumes, cohort = explainer.volumes, explainer.cohort
    columns = map_columns(volumes, plain_model(model).maps_)
    scale = volumes.spread(volumes.mean(), cohort.mask)[columns, None, None, None]
    if method == "weights":
        return linear_weights(model) * scale
    pattern = activation_pattern(volumes, columns, linear_scores(model, cohort.samples))
    return pattern / scale * explainer.mask


def _check(
    explainer: Explainer, method: str, tally: Tally, values: Any, regions: dict[str, Any]
) -> pd.DataFrame:
    """One row for each check of a method."""
    rows: list[tuple[Any, ...]] = []
    alike = float(np.mean(tally.randomised))
    state: str | None = "passed" if alike < ALIKE else "warning"
    if explainer.linear:
        # Whatever the labels, weights lie along what varies most: likeness proves nothing.
        state = None
    rows.append(("randomised", None, alike, 0.0, state, len(tally.randomised)))
    if tally.drops:
        area, random = deletion_area(tally.drops), deletion_area(tally.random_drops)
        state = "passed" if area < random else "warning"
        rows.append(("deletion", None, area, random, state, len(tally.drops)))
    if len(tally.folds) > 1:
        inside = [one[:, explainer.mask] for one in tally.folds]
        n_pairs = len(inside) * (len(inside) - 1) // 2
        rows.append(("stability", None, stability(inside), 1.0, None, n_pairs))
    if tally.errors:
        error, output = np.mean(tally.errors, axis=0)
        if output > 0:
            rows.append(("completeness", None, error / output, 0.0, None, len(tally.errors)))
    rows += [
        ("share", name, share, volume, None, tally.n_people or 1)
        for name, (share, volume) in shares(values, explainer.mask, regions).items()
    ]
    if tally.lesion:
        share, volume = np.mean(tally.lesion, axis=0)
        rows.append(("share", "lesion", share, volume, None, len(tally.lesion)))
    table = pd.DataFrame(rows, columns=["check", "region", "value", "expected", "state", "n"])
    table.insert(0, "method", method)
    return table


def _figure(explainer: Explainer, method: str, values: Any, resolution: int) -> Any:
    grid, cohort = explainer.volumes.grid, explainer.cohort
    template = load_template("T1w", resolution)
    grey = cut(np.asarray(template.dataobj, dtype=np.float32), template.affine, grid)
    maps = {name: map_image(one, grid) for name, one in zip(cohort.maps, values, strict=True)}
    return attribution_figure(
        method, TITLES[method], _reading(method, cohort), maps, map_image(grey, grid),
        unit(cohort, method),
    )  # fmt: skip


def _reading(method: str, cohort: Cohort) -> str:
    outcome = f"{cohort.outcome.text}" if cohort.outcome.cutoff else "a higher score"
    if method == "weights":
        return (
            "where it is positive, a higher value of the map moves the prediction towards "
            f"{outcome}, with all other voxels held fixed. Weights also cancel noise: read them "
            "together with the pattern."
        )
    if method == "pattern":
        return f"where it is positive, the map is higher in people predicted to have {outcome}."
    return (
        "positive voxels spoke, on average, for what the model said of a person (poor or good, "
        "high or low), negative ones against it; the average brain is the reference."
    )


def _sentences(explainer: Explainer, model: Any) -> tuple[str, ...]:
    n_people = max(tally.n_people for tally in explainer.tallies.values())
    said = []
    if n_people:
        said.append(
            f"{n_people} people were each explained by a model that had not learned from them "
            "(first training of the first test set that they are in). Their maps are in the folder "
            "maps."
        )
    networks = open_networks(model)
    if networks and "gradcam" in explainer.tallies:
        apart = networks[0].stride * explainer.volumes.grid.voxel_sizes.mean()
        said.append(
            f"Grad-CAM has one value every {apart:.0f} mm, interpolated between: it cannot tell "
            "places that are closer."
        )
    if explainer.refused:
        names = ", ".join(TITLES[name] for name in sorted(explainer.refused))
        said.append(f"Not made, because it does not apply to this kind of model: {names}.")
    return tuple(said)
