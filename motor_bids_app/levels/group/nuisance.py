"""What is known of patients that is no biology: gaps, quality of the measurements, and sites."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from motor_bids_app.evaluation.confounds import (
    check_against_nuisance,
    check_gaps,
    check_nuisance,
    check_separation,
)
from motor_bids_app.evaluation.crossvalidation import primary_metric
from motor_bids_app.evaluation.leakage import Row
from motor_bids_app.evaluation.refitting import CHANCE
from motor_bids_app.levels.cohort.cohort import Cohort
from motor_bids_app.levels.cohort.scoring import PATIENTS
from motor_bids_app.levels.group.evaluation import Scores
from motor_bids_app.models.catalog import needs
from motor_bids_app.models.tables.columns import numeric_columns
from motor_bids_app.models.tables.nuisance import (
    PARTLY_BRAIN,
    distinct,
    nuisance_columns,
    scanners_of,
)

NUISANCE = "nuisance"


@dataclass(frozen=True)
class Predictors:
    """What models may see of patients, one row per patient.

    Parameters
    ----------
    values : DataFrame of float
        Columns of the models; NaN where unknown.
    known : DataFrame of bool
        Whether a patient has a value: of those columns, and of maps and recordings.
    nuisance : DataFrame of float
        What is missing, quality measures, sites, scanners, and whether there is a lesion mask.
    """

    values: pd.DataFrame
    known: pd.DataFrame
    nuisance: pd.DataFrame

    @classmethod
    def of(cls, cohort: Cohort, models: Sequence[str]) -> "Predictors":
        """Collect them from a cohort; scans of a person are averaged."""
        table = cohort.samples.table
        patients = cohort.controls.index[cohort.patients]
        people = table["participant_id"].to_numpy(dtype=object)

        def by_person(columns: pd.DataFrame) -> pd.DataFrame:
            return columns.groupby(people).mean().reindex(patients)

        names = tuple(sorted({name for model in models for name in needs(model).chosen(table)}))
        numbers = numeric_columns(cohort.samples, names) if names else None
        values = by_person(pd.DataFrame(numbers, index=table.index, columns=list(names)))
        known = cohort.known.loc[patients]
        known = known.join(values.drop(columns=known.columns, errors="ignore").notna())
        sites = tuple(sorted({str(name) for name in cohort.sites.loc[patients].dropna()}))
        scanners = tuple(sorted(set(scanners_of(cohort.samples)) - {""}))
        columns, measured = nuisance_columns(cohort.samples, sites, scanners)
        columns = [
            f"{name} (of the brain too)" if name in PARTLY_BRAIN else name for name in columns
        ]
        nuisance = by_person(pd.DataFrame(measured, index=table.index, columns=columns))
        return cls(values, known, nuisance.iloc[:, distinct(nuisance.to_numpy(np.float64))])


def check_confounds(cohort: Cohort, predictors: Predictors) -> list[Row]:
    """Rows of the audit on what tells the outcome of patients without being biology."""
    truth = cohort.labels.truth[cohort.patients]
    classify = cohort.outcome.task == "classification"
    rows = [
        check_gaps(predictors.known, truth, classify),
        check_nuisance(predictors.nuisance, truth, classify),
    ]
    return [*rows, check_separation(predictors.values, truth)] if classify else rows


def check_rung(scores: Scores, final: str, task: str) -> Row | None:
    """Row of the audit on whether the final model is better than what is no biology.

    None where there is no such comparison.
    """
    compared = scores.comparisons
    compared = compared[(compared["model"] == final) & (compared["reference"] == NUISANCE)]
    if compared.empty:
        return None
    rows = scores.metrics[
        (scores.metrics["population"] == PATIENTS)
        & (scores.metrics["metric"] == primary_metric(task))
    ].set_index("model")
    value, low = rows["value"].to_dict(), rows["low"].to_dict()
    return check_against_nuisance(
        float(value[final]),
        (float(value[NUISANCE]), float(low[NUISANCE])),
        compared.iloc[0].to_dict(),
        metric="AUC" if task == "classification" else str(primary_metric(task)),
        chance=CHANCE[task],
    )
