"""What the final model looks at: maps, tables and the section of the report."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.explanation.attribution import activation_pattern
from motor_bids_app.levels.cohort.cohort import Cohort
from motor_bids_app.levels.cohort.maps import MapLibrary
from motor_bids_app.levels.group.explanation.collect import Explainer
from motor_bids_app.levels.group.explanation.maps import TITLES, is_mean, save_group, unit
from motor_bids_app.levels.group.explanation.tables import ExplainedTables
from motor_bids_app.levels.group.explanation.tally import Tally
from motor_bids_app.models.networks.inputs import map_columns
from motor_bids_app.models.opened.maps import (
    linear_scores,
    linear_weights,
    open_networks,
    plain_model,
    seen_volumes,
)
from motor_bids_app.models.training.snapshots import Checkpoints
from motor_bids_app.reports.experiment.explanation import Explanation


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
    folder: Path,
    cohort: Cohort,
    experiment: Experiment,
    seed: int,
    place: Checkpoints | None = None,
) -> Explainer | None:
    """Return what watches the models of an experiment; None where there are no maps."""
    if cohort.samples.volumes is None:
        return None
    return Explainer(folder, cohort, experiment, seed, place)


def find_lesions(cohort: Cohort, experiment: Experiment, library: MapLibrary) -> Lesions | None:
    """Return the lesions of a cohort with maps, read where they are none of its maps."""
    volumes = cohort.samples.volumes
    if volumes is None:
        return None
    if "lesion" in volumes.maps:
        return Lesions(volumes.store.data, volumes.maps.index("lesion"), volumes.rows)
    if not any("lesion" in scan.maps for scan in library.scans):
        return None
    inputs = experiment.inputs
    store = library.store(("lesion",), inputs.resolution, inputs.mirror_lesion_to)
    return Lesions(store.data, 0, volumes.rows)


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
    cohort, volumes = explainer.cohort, explainer.volumes
    tables = ExplainedTables(volumes.grid, explainer.mask, experiment.inputs.resolution)
    for method, tally in explainer.tallies.items():
        values = _group_map(explainer, method, tally, members[0])
        save_group(explainer.folder, cohort, method, values, tally.n_people or len(cohort.samples))
        maps = dict(zip(cohort.maps, values, strict=True))
        reading = _reading(method, cohort)
        tables.add(
            method, tally, maps, TITLES[method], reading, unit(cohort, method), explainer.linear
        )
    return tables.write(folder, _sentences(explainer, members[0]))


def _group_map(
    explainer: Explainer, method: str, tally: Tally, model: Any
) -> NDArray[np.floating[Any]]:
    """Mean over people, or the map of the model trained on everyone; (n_maps, X, Y, Z)."""
    if is_mean(method):
        return tally.total / max(tally.n_people, 1)
    cohort = explainer.cohort
    volumes = seen_volumes(model, cohort.samples)
    columns = map_columns(volumes, plain_model(model).maps_)
    scale = volumes.spread(volumes.mean(), cohort.mask)[columns, None, None, None]
    if method == "weights":
        return linear_weights(model) * scale
    pattern = activation_pattern(volumes, columns, linear_scores(model, cohort.samples))
    return pattern / scale * explainer.mask


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
        apart = networks[0].stride * networks[0].voxel_size
        said.append(
            f"Grad-CAM has one value every {apart:.0f} mm, interpolated between: it cannot resolve "
            "smaller distances. Later layers are even coarser."
        )
    if explainer.refused:
        names = ", ".join(TITLES[name] for name in sorted(explainer.refused))
        said.append(f"Not made, because it does not apply to this kind of model: {names}.")
    return tuple(said)
