"""Whose predictions count.

Every number, comparison and figure of an experiment is about patients. Healthy controls may train
the models, but to tell them from people after stroke takes no model, so that counting them makes
any model look good. Only tables and figures that say so count everyone, beside the patients.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.evaluation.crossvalidation import average_trainings
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.thresholds import with_thresholds
from motor_bids_app.levels.cohort.cohort import Cohort

PATIENTS, EVERYONE = "patients", "all"


def of_everyone(tables: Mapping[str, pd.DataFrame], cohort: Cohort) -> dict[str, Predictions]:
    """Out-of-fold predictions of all people, by model.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        See `cross_validate`.
    """
    truth = cohort.labels.truth
    found = {
        name: Predictions.of(average_trainings(table), truth) for name, table in tables.items()
    }
    if cohort.outcome.task != "classification":
        return found
    return {name: with_thresholds(one, cohort.patients) for name, one in found.items()}


def of_patients(tables: Mapping[str, pd.DataFrame], cohort: Cohort) -> dict[str, Predictions]:
    """Out-of-fold predictions of the patients who were tested, by model: what is summarised."""
    return {
        name: one.of_people(cohort.patients & np.atleast_1d((one.folds > 0).any(axis=0)))
        for name, one in of_everyone(tables, cohort).items()
    }


def populations(cohort: Cohort) -> dict[str, NDArray[np.bool_]]:
    """Whom metrics are about: patients, and everyone too where there are controls."""
    patients = {PATIENTS: cohort.patients}
    if cohort.patients.all():
        return patients
    return patients | {EVERYONE: np.ones(len(cohort.patients), dtype=bool)}
