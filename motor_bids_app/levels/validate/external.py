"""All that is found about one model on people of elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from motor_bids_app.errors import MotorBidsAppError
from motor_bids_app.evaluation.calibration import decision_curves
from motor_bids_app.evaluation.case_mix import case_mix
from motor_bids_app.evaluation.conformal import CLASSES, LEVEL, coverage_table
from motor_bids_app.evaluation.crossvalidation import average_trainings, cross_validate
from motor_bids_app.evaluation.domain import Domain
from motor_bids_app.evaluation.external import external_metrics
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.sites import sites_table
from motor_bids_app.evaluation.subgroups import subgroup_table
from motor_bids_app.evaluation.updating import (
    AS_IT_IS,
    REFIT,
    advised,
    enough_to_update,
    update_splits,
    updates_table,
)
from motor_bids_app.features.samples import Samples
from motor_bids_app.levels.bundles import SavedModel
from motor_bids_app.levels.cohort.cohort import with_demographics
from motor_bids_app.levels.cohort.maps import mirror_features, to_flip
from motor_bids_app.levels.group.subgroups import divided
from motor_bids_app.levels.predict.prediction import Prediction
from motor_bids_app.levels.validate.scored import Scored
from motor_bids_app.models.catalog import needs


@dataclass(frozen=True, kw_only=True)
class External:
    """One model on these people; tables are empty where they say nothing.

    Parameters
    ----------
    model : SavedModel
    name : str
        Of the model here: that of its experiment, with its hash where two have the same.
    scored : Scored
    metrics, coverage, updates, case_mix, subgroups, sites, decisions : DataFrame
    advice : str
        Which update these people ask for, see `advised`.
    notes : tuple of str
    """

    model: SavedModel
    name: str
    scored: Scored
    metrics: pd.DataFrame
    coverage: pd.DataFrame
    updates: pd.DataFrame
    case_mix: pd.DataFrame
    subgroups: pd.DataFrame
    sites: pd.DataFrame
    decisions: pd.DataFrame
    advice: str
    notes: tuple[str, ...]


def judge(model: SavedModel, name: str, scored: Scored, seed: int) -> External:
    """Measure a model on people whose scores are known; nothing is fitted but the updates."""
    task, predictions, people = scored.outcome.task, scored.predictions, scored.people
    domain = Domain.from_json(model.metadata["training"]["domain"])
    metrics = external_metrics(predictions, task, seed)
    updates, said = _updates(model, scored, seed)
    judged = not metrics.empty
    return External(
        model=model,
        name=name,
        scored=scored,
        metrics=metrics,
        coverage=_coverage(scored),
        updates=updates,
        case_mix=case_mix(domain, people),
        subgroups=subgroup_table(
            predictions, divided(people, np.ones(len(people), dtype=bool)), task, seed
        ),
        sites=_sites(scored) if judged else pd.DataFrame(),
        decisions=decision_curves({name: predictions}, seed)
        if judged and task == "classification"
        else pd.DataFrame(),
        advice=advised(predictions, updates, task) if len(updates) else AS_IT_IS,
        notes=(*scored.notes, *said, *_same_sites(domain, people)),
    )


def _updates(model: SavedModel, scored: Scored, seed: int) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Compare updates of the model, and the same kind of model fitted anew."""
    task, predictions = scored.outcome.task, scored.predictions
    if not enough_to_update(predictions.truth, task):
        return pd.DataFrame(), ("Too few people to evaluate an update of the model.",)
    splits = update_splits(predictions, task, seed)
    others: dict[str, Predictions] = {}
    notes: tuple[str, ...] = ()
    needed = needs(model.metadata["model"])
    if needed.volumes or needed.instances:
        notes = (
            "Models of images are not refitted here: run the group level on these people to train "
            "and evaluate one.",
        )
    else:
        try:
            others[REFIT] = _refitted(model, scored, splits)
        except MotorBidsAppError as error:
            notes = (f"The model could not be refitted to these people: {error}",)
    return updates_table(predictions, others, task, splits), notes


def _refitted(model: SavedModel, scored: Scored, splits: pd.DataFrame) -> Predictions:
    """Cross-validate the same kind of model on these people."""
    flip = to_flip(scored.table, model.metadata["inputs"]["mirror_lesion_to"])
    table = with_demographics(mirror_features(scored.table, flip)).reset_index(drop=True)
    anew = [clone(member) for member in model.members]
    found = cross_validate(anew, Samples(table), scored.y, splits)
    truth = pd.Series(scored.predictions.truth, index=scored.predictions.people)
    return Predictions.of(average_trainings(found), truth)


def _coverage(scored: Scored) -> pd.DataFrame:
    """How often the conformal sets or intervals that were given hold the truth."""
    task = scored.outcome.task
    truth = dict(zip(scored.predictions.people, scored.predictions.truth, strict=True))
    held: dict[str, list[tuple[float, float, float]]] = {}
    for one in scored.scans:
        found = _held(one, float(truth[one.participant]))
        if found is not None:
            held.setdefault(one.participant, []).append(found)
    if not held:
        return pd.DataFrame()
    rows = np.array([np.mean(found, axis=0) for found in held.values()])
    own = np.array([truth[person] for person in held], dtype=np.float64)
    return coverage_table(rows, own, task, LEVEL)


def _held(one: Prediction, truth: float) -> tuple[float, float, float] | None:
    """Whether the set or interval of a scan holds the truth, its size, and whether it is single."""
    if one.classes is not None:
        chosen = one.classes
        return float(CLASSES[int(truth)] in chosen), len(chosen), float(len(chosen) == 1)
    if one.interval is not None:
        low, high = one.interval
        return float(low <= truth <= high), high - low, np.nan
    return None


def _sites(scored: Scored) -> pd.DataFrame:
    people = scored.people
    if "site" not in people or people["site"].isna().any():
        return pd.DataFrame()
    return sites_table(
        scored.predictions, people["site"].astype(str).to_numpy(object), scored.outcome.task
    )


def _same_sites(domain: Domain, people: pd.DataFrame) -> tuple[str, ...]:
    """Say who is from a site that the model learned from."""
    if "site" not in people or not domain.sites:
        return ()
    own = people["site"].astype(str)
    shared = sorted(set(own) & set(domain.sites))
    if not shared:
        return ()
    n = int(own.isin(shared).sum())
    return (
        f"{n} of {len(people)} people are from a site of training ({', '.join(shared)}): for them "
        "this is not an external validation.",
    )


def plain_metrics(metadata: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Metrics of the model in its own cross-validation, in patients, by name."""
    return {
        row["metric"]: row for row in metadata["performance"] if row["population"] == "patients"
    }
