"""What is known of patients that is no biology: gaps, quality of the measurements, and sites."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from motor_bids_app.evaluation.confounds import check_gaps, check_nuisance, check_separation
from motor_bids_app.evaluation.leakage import Row
from motor_bids_app.features.columns import QUALITY
from motor_bids_app.levels.cohort.cohort import Cohort
from motor_bids_app.models.catalog import needs
from motor_bids_app.models.tables.columns import numeric_columns


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
        What is missing, quality measures, sites, and whether there is a lesion mask.
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
        quality = [name for name in map(str, table) if re.fullmatch(QUALITY, name)]
        measured = table[quality].apply(pd.to_numeric, errors="coerce")
        if "lesion_mask" in table:
            measured = measured.assign(lesion_mask=(table["lesion_mask"] == "given").astype(float))
        sites = pd.get_dummies(cohort.sites.loc[patients], prefix="site", dtype=float)
        gaps = (~known).astype(float).T.drop_duplicates().T.add_prefix("no ")
        return cls(values, known, pd.concat([gaps, by_person(measured), sites], axis=1))


def check_confounds(cohort: Cohort, predictors: Predictors) -> list[Row]:
    """Rows of the audit on what tells the outcome of patients without being biology."""
    truth = cohort.labels.truth[cohort.patients]
    classify = cohort.outcome.task == "classification"
    rows = [
        check_gaps(predictors.known, truth, classify),
        check_nuisance(predictors.nuisance, truth, classify),
    ]
    return [*rows, check_separation(predictors.values, truth)] if classify else rows
