"""Whether models do better than chance: permutation tests of those that are cheap to refit."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.evaluation.crossvalidation import primary_metric
from motor_bids_app.evaluation.permutation import PermutationTest, permutation_test
from motor_bids_app.evaluation.refitting import refitting_test
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.levels.cohort import Cohort
from motor_bids_app.levels.splitting import folds_like
from motor_bids_app.models.products import linear_products

log = logging.getLogger(__name__)
Tests = dict[tuple[str, str], PermutationTest]  # by model and population
COLUMNS = [
    "model", "population", "metric", "value", "null_mean", "null_high", "p_value",
    "n_permutations",
]  # fmt: skip


def chance_tests(
    cohort: Cohort,
    experiment: Experiment,
    models: Sequence[str],
    splits: pd.DataFrame,
    seed: int,
) -> Tests:
    """Permute labels among people, for every model that is linear in what it sees.

    Parameters
    ----------
    models : sequence of str
        Models that could be evaluated; the others than linear ones have no test.
    splits : DataFrame
        Of the evaluation. Those by site, which are blind to labels, are used here too; in place
        of others, test sets of the same size are drawn blindly.

    Returns
    -------
    dict
        For all people and, where there are controls, among patients.
    """
    validation, truth = experiment.validation, cohort.labels.truth
    if not validation.permutations or cohort.outcome.task == "ordinal":
        return {}  # the fast test is of a ridge, and no model of ordered classes is one
    controls = cohort.controls.to_numpy(dtype=bool)
    y: NDArray[np.float64] = np.asarray(truth, dtype=np.float64)
    populations = {"all": np.ones(len(y), dtype=bool)}
    if controls.any():
        populations["patients"] = ~controls
    test_sets: list[NDArray[np.intp]] | None = None
    folds, repeats = folds_like(splits, len(y)), int(splits["repeat"].nunique())
    if validation.splits is None and validation.scheme == "leave_one_site_out":
        test_sets = [
            np.flatnonzero(truth.index.isin(part)) for _, part in
            splits.groupby("fold")["participant_id"]
        ]  # fmt: skip
    tests = {}
    for name in models:
        found = linear_products(
            name, cohort.samples, [str(person) for person in truth.index], cohort.maps, cohort.mask,
            experiment.inputs.harmonise,
        )  # fmt: skip
        for population, members in populations.items():
            if found is None or np.ptp(y[members]) == 0:
                continue
            products, penalties = found
            tests[name, population] = permutation_test(
                products, y, task=cohort.outcome.task, penalties=penalties, controls=controls,
                patients_only=population == "patients", n_permutations=validation.permutations,
                folds=folds, repeats=repeats, seed=seed, test_sets=test_sets,
            )  # fmt: skip
    return tests


def refitted_test(cohort: Cohort, experiment: Experiment, network: Any, seed: int) -> Tests:
    """Permute labels among people, and train the network of an experiment each time."""
    kind, wanted = experiment.model.kind, experiment.validation.refits
    log.info("%s: training %s for %d permutations", experiment.name, kind, wanted)
    test = refitting_test(
        network, cohort.samples, cohort.labels.truth, task=cohort.outcome.task,
        controls=cohort.controls.to_numpy(dtype=bool), n_permutations=wanted,
        folds=experiment.validation.folds, seed=seed,
        told=lambda done: log.info("%s: %d of %d permutations", experiment.name, done, wanted),
    )  # fmt: skip
    return {(kind, "all"): test}


def chance_table(tests: Tests, task: str) -> pd.DataFrame:
    """One row per test: columns `COLUMNS`."""
    rows = [
        (
            model, population, primary_metric(task), test.value, float(test.null.mean()),
            float(np.quantile(test.null, 0.95)), test.p_value, len(test.null),
        )
        for (model, population), test in tests.items()
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)


def with_p_values(metrics: pd.DataFrame, tests: Tests, task: str) -> pd.DataFrame:
    """Add a column p_value to the metrics, filled for the primary one where there is a test."""
    rows = zip(metrics["model"], metrics["population"], metrics["metric"], strict=True)
    values = [
        tests[model, population].p_value
        if metric == primary_metric(task) and (model, population) in tests
        else np.nan
        for model, population, metric in rows
    ]
    return metrics.assign(p_value=np.array(values, dtype=np.float64))
