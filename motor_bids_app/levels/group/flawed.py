"""The leakage ladder of an experiment that asks for it with [as_published]."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.evaluation.crossvalidation import primary_metric
from motor_bids_app.evaluation.fitting import Fit, fit_in_turn
from motor_bids_app.evaluation.ladder import leakage_ladder
from motor_bids_app.evaluation.metrics import CLASSIFICATION, ORDINAL, REGRESSION
from motor_bids_app.evaluation.protocols import Fits, Plan
from motor_bids_app.evaluation.splits import MIN_CLASS, make_splits
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.levels.cohort.cohort import Cohort
from motor_bids_app.levels.group.splitting import folds_like
from motor_bids_app.models.catalog import needs

log = logging.getLogger(__name__)
MIN_PATIENTS = 3  # with scores, for an R2


def flawed_protocols(
    cohort: Cohort,
    experiment: Experiment,
    name: str,
    models: Sequence[Any],
    splits: pd.DataFrame,
    table: pd.DataFrame,
    seed: int,
    fit: Fit = fit_in_turn,
) -> pd.DataFrame | None:
    """Evaluate a model with the flawed protocols that an experiment names, beside the right one.

    Parameters
    ----------
    name : str
        Model of the catalog.
    models : sequence of estimators
        The model with the seed of each training, not recalibrated: flaws change its settings.
    splits : DataFrame
        The right ones.
    table : DataFrame
        Out-of-fold predictions of these models on them.
    fit : callable
        See `cross_validate`.

    Returns
    -------
    DataFrame or None
        See `leakage_ladder`; None where nothing is asked for.
    """
    asked, task = experiment.as_published, cohort.outcome.task
    if asked is None or not asked.protocols:
        return None
    plan = right_plan(cohort, experiment, name, models, splits)
    fits = Fits(fit)
    fits.keep(plan, models, table)
    metrics = [primary_metric(task), *(["accuracy"] if task == "classification" else [])]
    known = {"classification": CLASSIFICATION, "regression": REGRESSION, "ordinal": ORDINAL}[task]
    published = {
        metric: float(figure) for metric, figure in asked.figures.items() if metric in known
    }
    return leakage_ladder(
        plan,
        asked.protocols,
        list(dict.fromkeys([*metrics, *published])),
        seed,
        published=published,
        fits=fits,
        progress=lambda protocol: log.info("%s: %s, %s", experiment.name, name, protocol),
    )


def right_plan(
    cohort: Cohort,
    experiment: Experiment,
    name: str,
    models: Sequence[Any],
    splits: pd.DataFrame,
) -> Plan:
    """Patients are judged, unless they lack a class; controls only train."""
    validation, task = experiment.validation, cohort.outcome.task
    seed = models[0].get_params().get("random_state", 0)
    folds, repeats = folds_like(splits, len(cohort.labels.truth)), int(splits["repeat"].nunique())

    def deal(truth: "pd.Series[float]", controls: "pd.Series[bool]") -> pd.DataFrame:
        values: NDArray[Any] = truth.to_numpy(np.float64)
        return make_splits(
            list(truth.index),
            values.astype(np.int64) if task == "classification" else values,
            scheme=validation.scheme,
            folds=folds,
            repeats=repeats,
            seed=seed,
            strata=controls.to_numpy(dtype=bool),
            test_fraction=validation.test_fraction,
            balanced_test=validation.balanced_test,
        )

    by_site = validation.splits is None and validation.scheme == "leave_one_site_out"
    return Plan(
        samples=cohort.samples,
        y=cohort.y,
        truth=cohort.labels.truth,
        splits=splits,
        deal=None if by_site else deal,
        variants=((tuple(models),),),
        task=task,
        columns=needs(name).chosen(cohort.samples.table),
        controls_count=not _patients_suffice(cohort),
    )


def _patients_suffice(cohort: Cohort) -> bool:
    """Whether patients alone can be judged: enough of either class, or of different scores."""
    patients = cohort.labels.truth[~cohort.controls.to_numpy(dtype=bool)]
    if cohort.outcome.task == "classification":
        return min(int((patients == value).sum()) for value in (0, 1)) >= MIN_CLASS
    return len(patients) >= MIN_PATIENTS and float(patients.std()) > 0
