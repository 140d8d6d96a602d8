"""Who takes part in an experiment, with their classes or scores and their maps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.bids.tables.predictors import Predictor
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.experiments.sections import Inputs
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.volumes import Volumes, VolumeStore
from motor_bids_app.levels.cohort.completeness import (
    harmonisation_notes,
    incomplete,
    own_groups,
    wrong_seeds,
)
from motor_bids_app.levels.cohort.doubtful import doubtful_digests
from motor_bids_app.levels.cohort.instances import instance_digests, modality_instances
from motor_bids_app.levels.cohort.maps import (
    MapLibrary,
    available_maps,
    brain_grid,
    experiment_mask,
    map_digests,
    mirror_features,
    to_flip,
)
from motor_bids_app.levels.cohort.outcome import Outcome
from motor_bids_app.levels.cohort.participants import Participants
from motor_bids_app.levels.cohort.question import find_outcome
from motor_bids_app.levels.cohort.targets import Labels, label
from motor_bids_app.levels.cohort.unreadable import UnreadableScansError
from motor_bids_app.levels.cohort.windows import experiment_instances
from motor_bids_app.models.catalog import needs
from motor_bids_app.models.tables.columns import DEMOGRAPHICS


@dataclass(frozen=True, kw_only=True)
class Cohort:
    """What an experiment is run on.

    Parameters
    ----------
    samples : Samples
        Scans that take part, with their maps where there are any.
    labels : Labels
        Their classes or scores.
    outcome : Outcome
        What is predicted.
    controls : Series of bool
        Whether a person is healthy, by participant_id, in the order of ``labels.truth``.
    mask : bool array on the grid of maps and windows, or None
        Voxels that models may use.
    digests : mapping
        See `map_digests`, `instance_digests` and `doubtful_digests`.
    excluded : DataFrame
        Columns participant_id, session_id and reason.
    notes : tuple of str
        Remarks, one sentence each.
    own : tuple of Predictor
        Predictors that the experiment names.
    """

    samples: Samples
    labels: Labels
    outcome: Outcome
    controls: "pd.Series[bool]"
    mask: NDArray[np.bool_] | None
    digests: Mapping[tuple[str, str], list[str]]
    excluded: pd.DataFrame
    notes: tuple[str, ...]
    own: tuple[Predictor, ...] = ()

    @property
    def patients(self) -> NDArray[np.bool_]:
        """Whom results are about, shape (n_people,), in the order of ``labels.truth``.

        Healthy controls, where the experiment keeps them, help to train. They are not scored:
        to tell them from people after stroke is no prediction of impairment.
        """
        return ~self.controls.to_numpy(dtype=bool)

    @property
    def groups(self) -> dict[str, "pd.Series[bool]"]:
        """Whether each person is of a group: patients, by outcome where it has two; controls."""
        truth, controls = self.labels.truth, self.controls
        groups = {"patients": ~controls}
        if self.outcome.cutoff is not None:
            groups = {
                "patients, poor": (truth == 1) & ~controls,
                "patients, good": (truth == 0) & ~controls,
            }
        return groups | ({"controls": controls} if controls.any() else {})

    @property
    def left_out(self) -> dict[str, int]:
        """People of whom no scan takes part, by the first reason, without names of theirs."""
        out = self.excluded[~self.excluded["participant_id"].isin(self.labels.truth.index)]
        reasons = out.drop_duplicates("participant_id")["reason"].astype(str)
        named = reasons.str.contains("sub-|/")
        counts = reasons.where(~named, "unusable, see excluded.tsv").value_counts()
        return {str(reason): int(count) for reason, count in counts.items()}

    @property
    def known(self) -> pd.DataFrame:
        """Whether each person has a value, by participant_id, for all that models can see.

        Of regional features, whether there is any of each kind, such as "regional fa"; of what an
        experiment names, whether there is any of its columns. Lesion measures of controls are not
        missing: models take them as 0.
        """
        table = self.samples.table
        people = table["participant_id"].to_numpy(dtype=object)
        seen = {name: table[name].notna().to_numpy() for name in DEMOGRAPHICS}
        kinds = own_groups(table)
        for name in needs("regional").chosen(table):
            kinds.setdefault(f"regional {name.split('_')[0]}", []).append(name)
        seen |= {kind: table[own].notna().any(axis=1).to_numpy() for kind, own in kinds.items()}
        if self.samples.volumes is not None:
            present = self.samples.volumes.present
            seen |= {f"map {name}": present[:, i] for i, name in enumerate(self.maps)}
        seen |= {name: instances.counts > 0 for name, instances in self.samples.instances.items()}
        by_person = pd.DataFrame(seen, index=people).groupby(level=0).any()
        return by_person.reindex(self.labels.truth.index)

    @property
    def sites(self) -> "pd.Series[Any]":
        """Where each person was examined, by participant_id; missing where nobody says."""
        table = self.samples.table
        if "site" not in table:
            return pd.Series(None, index=self.labels.truth.index, dtype=object)
        people = table["participant_id"].to_numpy(dtype=object)
        return table["site"].groupby(people).first().reindex(self.labels.truth.index)

    @property
    def y(self) -> NDArray[np.float64] | NDArray[np.int64]:
        """Class (0 or 1) or score of each scan, shape (n_scans,)."""
        return self.labels.y if self.outcome.cutoff is None else self.labels.y.astype(np.int64)

    @property
    def maps(self) -> tuple[str, ...]:
        """Maps that models see."""
        return () if self.samples.volumes is None else self.samples.volumes.maps


def build_cohort(people: Participants, experiment: Experiment, library: MapLibrary) -> Cohort:
    """Choose scans, classes and maps as the experiment says.

    Raises
    ------
    DataError
        The score or a map is missing, or too few people are left.
    """
    unreadable: dict[int, str] = {}
    while True:  # whom a scan leaves out is known when it is read, and changes who takes part
        try:
            return _build(people, experiment, library, unreadable)
        except UnreadableScansError as error:
            unreadable |= error.reasons


def _build(
    people: Participants,
    experiment: Experiment,
    library: MapLibrary,
    unreadable: Mapping[int, str],
) -> Cohort:
    """Build the cohort without scans that are known to be unreadable.

    Raises
    ------
    UnreadableScansError
        There are more of them.
    """
    people, outcome, own, exclusions, remarks = find_outcome(people, experiment)
    inputs = experiment.inputs
    for row, reason in unreadable.items():
        exclusions[row] = exclusions[row] or reason
    labels = _take_part(people, outcome, exclusions, experiment)
    flip = to_flip(people.table, inputs.mirror_lesion_to)
    table = mirror_features(people.table, flip).iloc[labels.rows].reset_index(drop=True)
    table = with_demographics(table)
    controls = (table["group"] == "control").to_numpy(dtype=bool)
    scans = [people.scans[row] for row in labels.rows]
    maps = available_maps(scans, controls, inputs.maps)
    notes = (*people.notes, *labels.notes, *remarks, *harmonisation_notes(table, inputs.harmonise))
    volumes, mask, digests = _read_maps(maps, inputs, library, labels.rows, people)
    whole = experiment_instances(experiment, library, labels.rows)
    instances = {kind: each[labels.rows] for kind, each in whole.items()}
    if instances:
        mask = experiment_mask(inputs.mask, brain_grid(inputs.resolution))
    others, said = modality_instances(experiment, library, labels.rows)
    instances, notes = {**instances, **others}, (*notes, *said)
    digests |= instance_digests(instances, table["participant_id"].tolist())
    digests |= doubtful_digests(scans, table["participant_id"].tolist())
    by_person = pd.Series(controls, index=table["participant_id"].to_numpy(dtype=object))
    return Cohort(
        samples=Samples(table, volumes, instances),
        labels=labels,
        outcome=outcome,
        mask=mask,
        controls=by_person.groupby(level=0).any().reindex(labels.truth.index),
        digests=digests,
        notes=notes,
        own=own,
        excluded=pd.concat([people.excluded, labels.excluded], ignore_index=True),
    )


def _take_part(
    people: Participants,
    outcome: Outcome,
    exclusions: NDArray[np.object_],
    experiment: Experiment,
) -> Labels:
    """Scans that have an outcome and all that the experiment asks for."""
    inputs, controls = experiment.inputs, experiment.target.controls
    labels = label(people, outcome, controls, exclusions)
    if inputs.missing == "leave_out":
        exclusions = incomplete(people, labels.rows, exclusions, inputs.maps)
        labels = label(people, outcome, controls, exclusions)
    exclusions = wrong_seeds(people, labels.rows, exclusions, experiment)
    return label(people, outcome, controls, exclusions)


def _read_maps(
    maps: tuple[str, ...],
    inputs: Inputs,
    library: MapLibrary,
    rows: NDArray[np.intp],
    people: Participants,
) -> tuple[Volumes | None, NDArray[np.bool_] | None, dict[tuple[str, str], list[str]]]:
    """Maps of the scans in some rows, the voxels that models may use, and what `map_digests` gives.

    No maps, no mask and no digests where an experiment has none.
    """
    if not maps:
        return None, None, {}
    store: VolumeStore = library.store(maps, inputs.resolution, inputs.mirror_lesion_to, rows)
    participants = people.table["participant_id"].iloc[rows].tolist()
    mask = experiment_mask(inputs.mask, store.grid)
    return store.volumes()[rows], mask, map_digests(store, rows, participants)


def with_demographics(table: pd.DataFrame) -> pd.DataFrame:
    """Add demographics that a dataset does not have at all as missing values."""
    absent = [name for name in DEMOGRAPHICS if name not in table]
    return table.assign(**dict.fromkeys(absent, np.nan))
