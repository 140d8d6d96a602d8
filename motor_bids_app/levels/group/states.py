"""States of connectivity of an experiment with windows: found, followed, compared, written."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.errors import DataError
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.explanation.clusters import cluster_table, contrast_groups
from motor_bids_app.explanation.dynamics import follow_states
from motor_bids_app.explanation.medians import Windows
from motor_bids_app.explanation.states import find_states, state_maps
from motor_bids_app.features.instances import Instances
from motor_bids_app.features.series import WINDOWS, SeriesWindows
from motor_bids_app.levels.cohort.cohort import Cohort
from motor_bids_app.levels.group.state_files import (
    CLUSTERS,
    Contrasts,
    FoundStates,
    centre_images,
    write_states,
)
from motor_bids_app.models.tables.columns import DEMOGRAPHICS
from motor_bids_app.reports.experiment.content import Block
from motor_bids_app.reports.experiment.states import states_section
from motor_bids_app.spaces.atlases import load_aal
from motor_bids_app.spaces.grids import Grid, standard_grid
from motor_bids_app.spaces.templates import load_template

CLASSES = ("good", "poor")


def describe_states(
    folder: Path, cohort: Cohort, experiment: Experiment, n_threads: int, seed: int
) -> list[Block]:
    """Write states, their dynamics and the contrasts between classes; return their section.

    Nothing where there are no windows, or none are asked for. Where they are too few, the section
    says so. States are found among all people and without labels; nothing here goes into a model.
    """
    instances = cohort.samples.instances.get(WINDOWS)
    if instances is None or not experiment.states.find:
        return []
    try:
        found = _find(instances, cohort, experiment, n_threads, seed)
    except DataError as error:
        return [Block(place="states", sentences=(f"No states were found. {error}",))]
    contrasts, notes = _contrasts(found, cohort, experiment, seed)
    clusters = _clusters(contrasts, experiment.inputs.resolution)
    write_states(folder / "states", found, contrasts, clusters)
    classes = None if cohort.outcome.cutoff is None else _classes(found, cohort)
    template = load_template("T1w", experiment.inputs.resolution)
    section = states_section(
        found.states,
        found.dynamics,
        centre_images(found),
        _on_grid(template, found.source.grid),
        classes,
        clusters,
        notes,
        experiment.states.permutations,
        experiment.states.decides,
    )
    return [section]


def _find(
    instances: Instances, cohort: Cohort, experiment: Experiment, n_threads: int, seed: int
) -> FoundStates:
    """Find and follow states in all scans with windows."""
    source = instances.source
    assert isinstance(source, SeriesWindows)
    rows = np.flatnonzero(instances.counts > 0)
    if not len(rows):
        raise DataError("Nobody has windows of the bold.")
    people, person = np.unique(cohort.samples.participants[rows], return_inverse=True)
    order = np.argsort(person, kind="stable")  # scans of a person one after the other
    rows = rows[order]
    chosen = instances[rows]
    windows = _windows(source, chosen, person[order])
    states = find_states(
        windows,
        numbers_of_states=experiment.states.numbers,
        decides=experiment.states.decides,
        n_threads=n_threads,
        seed=seed,
    )
    k, seconds = len(states.centres), np.array(source.seconds)[chosen.scans]
    by_scan = follow_states(states.labels, chosen.rows, windows.numbers, k, seconds)
    dynamics = follow_states(states.labels, windows.people, windows.numbers, k, seconds)
    maps, counts = state_maps(windows, states.labels, k)
    table = cohort.samples.table.iloc[rows]
    named = table.columns.intersection(["participant_id", "session_id"])
    known = [str(name) for name in named if table[name].notna().any()]
    return FoundStates(
        people.tolist(),
        table[known].reset_index(drop=True),
        states,
        dynamics,
        by_scan,
        source,
        maps,
        counts,
    )


def _windows(source: SeriesWindows, chosen: Instances, person: NDArray[np.intp]) -> Windows:
    """All windows of the chosen scans; `person` has the number of whose each scan is."""
    firsts = np.searchsorted(chosen.rows, np.arange(len(person)))
    scans = [int(scan) for scan in chosen.scans[firsts]]
    return Windows(
        partial(_values, source, scans),
        int(source.inside.sum()),
        person[chosen.rows],
        _numbers(source, scans, person),
    )


def _values(source: SeriesWindows, scans: Sequence[int], part: slice) -> NDArray[np.float32]:
    """All windows of some scans in some voxels, one scan below the other."""
    counts = source.counts[scans]
    ends = np.cumsum(counts)
    values = np.empty((int(ends[-1]), len(range(part.stop)[part])), dtype=np.float32)
    for scan, count, end in zip(scans, counts, ends, strict=True):
        values[end - count : end] = source.voxels(scan, np.arange(count), part)
    return values


def _numbers(
    source: SeriesWindows, scans: Sequence[int], person: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Places of windows in the series of a person, with a gap between one scan and the next."""
    parts: list[NDArray[np.intp]] = []
    for number, scan in enumerate(scans):
        follows = number > 0 and person[number] == person[number - 1]
        first = int(parts[-1][-1]) + 2 if follows else 0
        parts.append(first + source.places_of(scan))
    return np.concatenate(parts)


def _classes(found: FoundStates, cohort: Cohort) -> NDArray[np.bool_]:
    """Who has a poor outcome, shape (n_people,)."""
    return np.asarray(cohort.labels.truth.loc[found.people] == 1)


def _contrasts(
    found: FoundStates, cohort: Cohort, experiment: Experiment, seed: int
) -> tuple[Contrasts, list[str]]:
    """Contrast of the classes in each state that enough people visit, with group sizes."""
    if cohort.outcome.cutoff is None:
        return {}, ["Scores are predicted, so that there are no classes to compare."]
    poor = _classes(found, cohort)
    first = cohort.samples.table.groupby("participant_id").first().loc[found.people]
    known = [name for name in DEMOGRAPHICS if first[name].notna().any()]
    covariates = first[known].to_numpy(dtype=np.float64)
    complete = np.isfinite(covariates).all(axis=1)
    mask = _whole(found.source.inside, found.source.grid, experiment.inputs.resolution) > 0
    contrasts, notes = {}, []
    if not complete.all():
        notes.append(f"{int((~complete).sum())} people lack a covariate and are not compared.")
    for state in np.flatnonzero(found.states.shared):
        visit = (found.counts[:, state] > 0) & complete
        maps = found.maps[visit, state].astype(np.float64)
        maps[maps == 0] = np.nan  # in the lesion, or without signal
        try:
            contrast = contrast_groups(
                maps,
                poor[visit],
                covariates[visit],
                mask,
                n_permutations=experiment.states.permutations,
                seed=seed,
            )
        except DataError as error:
            notes.append(f"State {state + 1} was not compared between classes. {error}")
            continue
        contrasts[int(state)] = (contrast, int((~poor[visit]).sum()), int(poor[visit].sum()))
    return contrasts, notes


def _whole(values: NDArray[Any], grid: Grid, resolution: int) -> NDArray[Any]:
    """Values on the cropped grid of an experiment, on the whole standard grid."""
    whole = standard_grid(resolution)
    start = np.round((grid.affine[:3, 3] - whole.affine[:3, 3]) / resolution).astype(int)
    place = tuple(slice(a, a + n) for a, n in zip(start, grid.shape, strict=True))
    placed = np.zeros(whole.shape, dtype=values.dtype)
    placed[place] = values
    return placed


def _clusters(contrasts: Contrasts, resolution: int) -> pd.DataFrame:
    atlas, grid = load_aal(resolution), standard_grid(resolution)
    parts = [
        cluster_table(contrast, grid, atlas, CLASSES).assign(
            state=state + 1, n_good=n_good, n_poor=n_poor
        )
        for state, (contrast, n_good, n_poor) in contrasts.items()
    ]
    kept = [part for part in parts if len(part)]
    if not kept:
        return pd.DataFrame(columns=list(CLUSTERS))
    return pd.concat(kept, ignore_index=True)[list(CLUSTERS)]


def _on_grid(image: nib.Nifti1Image, grid: Grid) -> nib.Nifti1Image:
    """Part of a template of the same resolution inside a cropped grid."""
    start = np.round((grid.affine[:3, 3] - image.affine[:3, 3]) / grid.voxel_sizes).astype(int)
    place = tuple(slice(a, a + n) for a, n in zip(start, grid.shape, strict=True))
    return nib.Nifti1Image(np.asarray(image.dataobj, dtype=np.float32)[place], grid.affine)
