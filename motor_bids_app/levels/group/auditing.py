"""The audit of an experiment, before anything is fitted: errors stop it unless allowed."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from motor_bids_app.bids.tables.predictors import CATEGORIES
from motor_bids_app.errors import DataError
from motor_bids_app.evaluation.audit import FAILED, audit
from motor_bids_app.evaluation.granularity import check_published
from motor_bids_app.evaluation.leakage import near_duplicates
from motor_bids_app.experiments.beside import AsPublished
from motor_bids_app.features.likeness import likeness
from motor_bids_app.levels.cohort.cohort import Cohort
from motor_bids_app.levels.cohort.doubtful import implausible_maps
from motor_bids_app.levels.cohort.own import columns_of
from motor_bids_app.levels.group.nuisance import Predictors, check_confounds
from motor_bids_app.models.tables.columns import OWN, own_column


class StoppedByAuditError(DataError):
    """The audit found what would make results void.

    Parameters
    ----------
    checks : DataFrame
        See `audit`: all of them.
    names : tuple of str
        Those that stop.
    """

    def __init__(self, checks: pd.DataFrame, names: tuple[str, ...]) -> None:
        found = " ".join(checks.loc[checks["name"].isin(list(names)), "finding"])
        super().__init__(
            f"The audit stops this experiment: {found} To continue anyway, add --allow "
            f"{' '.join(names)}; the report will say so."
        )
        self.checks, self.names = checks, names


def audit_cohort(
    cohort: Cohort,
    models: Sequence[str],
    splits: pd.DataFrame,
    repeats: int,
    allowed: Sequence[str],
    published: AsPublished | None = None,
) -> pd.DataFrame:
    """Run all checks.

    Parameters
    ----------
    models : sequence of str
        Models of the experiment, whose columns are looked at.
    allowed : sequence of str
        Checks whose failure does not stop the experiment.
    published : AsPublished, optional
        Figures of a paper, whose possibility is checked.

    Returns
    -------
    DataFrame
        See `audit`.

    Raises
    ------
    StoppedByAuditError
        A check failed that is not allowed to.
    """
    table = cohort.samples.table
    predictors = Predictors.of(cohort, models)
    score = table.groupby("participant_id")[cohort.outcome.score.name].mean()
    checks = audit(
        splits,
        list(cohort.labels.truth.index),
        cohort.digests,
        repeats,
        cohort.known,
        cohort.controls,
        alike=_near_duplicates(cohort),
        predictors=predictors.values,
        scores=score.reindex(predictors.values.index),
        own=_own_values(cohort, predictors) if cohort.own else None,
        sites=cohort.sites,
        truth=cohort.labels.truth,
        scans=table,
        score=cohort.outcome.score.name,
    )
    for row in check_confounds(cohort, predictors):
        checks.loc[len(checks)] = row
    if published is not None and published.tested is not None and published.figures:
        checks.loc[len(checks)] = check_published(published.figures, published.tested)
    stopping = checks[(checks["state"] == FAILED) & ~checks["name"].isin(list(allowed))]
    if len(stopping):
        raise StoppedByAuditError(checks, tuple(stopping["name"]))
    return checks


def _own_values(cohort: Cohort, predictors: Predictors) -> pd.DataFrame:
    """What the experiment names, of patients; categories numbered, in one column too."""
    own = predictors.values.filter(regex=f"^({OWN})$")
    numbered = {}
    for one in (one for one in cohort.own if one.type == CATEGORIES):
        each = own.reindex(columns=columns_of(one))
        numbered[own_column(one.name)] = (each * np.arange(1, 1 + len(each.columns))).sum(
            axis=1, skipna=False
        )
    return own.assign(**numbered)


def _near_duplicates(cohort: Cohort) -> tuple[pd.DataFrame, int] | None:
    """See `near_duplicates`; None where there are no maps of whole brains.

    Lesion masks of different people may well be alike, and controls have none.
    """
    volumes, table = cohort.samples.volumes, cohort.samples.table
    whole = [k for k, name in enumerate(cohort.maps) if name != "lesion"]
    if volumes is None or not whole:
        return None
    names = [cohort.maps[k] for k in whole]
    return near_duplicates(
        np.stack([likeness(volumes, column) for column in whole]),
        volumes.present[:, whole] & ~implausible_maps(table, names),
        table["participant_id"].tolist(),
        names,
    )
