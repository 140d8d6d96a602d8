"""Whether models do better than chance: permutation tests of those that are cheap to refit."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.evaluation.crossvalidation import primary_metric
from motor_bids_app.evaluation.fitting import Fit, fit_in_turn
from motor_bids_app.evaluation.permutation import PermutationTest, permutation_test
from motor_bids_app.evaluation.refitting import refitting_test
from motor_bids_app.evaluation.summary import ROOM
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.levels.cohort.cohort import Cohort
from motor_bids_app.levels.group.splitting import folds_like
from motor_bids_app.models.catalog import MODELS, needs
from motor_bids_app.models.tables.products import linear_products, stands_in
from motor_bids_app.models.tables.transformed import transformed

log = logging.getLogger(__name__)
Tests = dict[str, PermutationTest]  # by model, among patients
COLUMNS = [
    "model",
    "tested",
    "population",
    "metric",
    "value",
    "null_mean",
    "null_high",
    "p_value",
    "n_permutations",
]
STAND_IN, ITSELF = "ridge", "model"
CONSTANT = "prevalence"
MIN_NULL = 20  # permutations whose spread is known well enough
VOXELS = (
    "own_kernel",
    "kernel_demographics",
    "kernel",
    "own_lesion_map",
    "lesion_map",
)  # most inputs first
COLUMNS_ONLY = (
    "own_regional", "own_lesion", "regional", "physiology", "disconnection", "combined", "own",
    "tract_load", "lesion_volume", "demographics",
)  # fmt: skip


def chance_tests(
    cohort: Cohort,
    experiment: Experiment,
    models: Sequence[str],
    splits: pd.DataFrame,
    seed: int,
) -> Tests:
    """Permute labels among the patients of each site, for models linear in what they see.

    Controls train, and keep their labels: were they dealt out too, a model that recognises who
    had a stroke would beat chance.

    Parameters
    ----------
    models : sequence of str
        Models that could be evaluated; the others than linear ones have no test.
    splits : DataFrame
        Of the evaluation; see `blind_test_sets`.
    """
    validation, truth = experiment.validation, cohort.labels.truth
    if not validation.permutations or cohort.outcome.task == "ordinal":
        return {}  # the fast test is of a ridge, and no model of ordered classes is one
    y = transformed(truth, experiment.target.transform)
    tests = {}
    for name in models:
        found = linear_products(
            name,
            cohort.samples,
            [str(person) for person in truth.index],
            cohort.maps,
            cohort.mask,
            experiment.inputs.harmonise,
        )
        if found is None:
            continue
        products, penalties = found
        tests[name] = permutation_test(
            products,
            y,
            task=cohort.outcome.task,
            penalties=penalties,
            controls=~cohort.patients,
            n_permutations=validation.permutations,
            folds=folds_like(splits, len(y)),
            repeats=int(splits["repeat"].nunique()),
            seed=seed,
            test_sets=blind_test_sets(cohort, experiment, splits),
            sites=cohort.sites.fillna("").to_numpy(dtype=str),
            stand_in=stands_in(name, cohort.outcome.task),
        )
    return tests


def blind_test_sets(
    cohort: Cohort, experiment: Experiment, splits: pd.DataFrame
) -> list[NDArray[np.intp]] | None:
    """Positions of the people tested together, where the splits never saw the labels: by site.

    None for other splits, which were spread over classes, or may have been by who made the file:
    a permutation test then draws test sets of the same size (`folds_like`) without the labels.
    """
    validation = experiment.validation
    if validation.splits is not None or validation.scheme != "leave_one_site_out":
        return None
    people = cohort.labels.truth.index
    return [
        np.flatnonzero(people.isin(part)) for _, part in splits.groupby("fold")["participant_id"]
    ]


def refitted_test(
    cohort: Cohort,
    experiment: Experiment,
    network: Any,
    splits: pd.DataFrame,
    seed: int,
    fit: Fit = fit_in_turn,
) -> Tests:
    """Permute labels among patients, and train the network of an experiment each time.

    Test sets are those of `chance_tests`, once instead of in every repeat.
    """
    kind, wanted = experiment.model.kind, experiment.validation.refits
    log.info("%s: training %s for %d permutations", experiment.name, kind, wanted)
    truth = cohort.labels.truth
    test = refitting_test(
        network,
        cohort.samples,
        truth,
        task=cohort.outcome.task,
        controls=~cohort.patients,
        n_permutations=wanted,
        folds=folds_like(splits, len(truth)),
        seed=seed,
        test_sets=blind_test_sets(cohort, experiment, splits),
        sites=cohort.sites.fillna("").to_numpy(dtype=str),
        progress=lambda done: log.info("%s: %d of %d permutations", experiment.name, done, wanted),
        fit=fit,
    )
    return {kind: test}


def chance_table(tests: Tests, task: str) -> pd.DataFrame:
    """One row per test: columns `COLUMNS`."""
    rows = [
        (
            model,
            STAND_IN if test.stand_in else ITSELF,
            "patients",
            primary_metric(task),
            test.value,
            float(test.null.mean()),
            float(np.quantile(test.null, 0.95)),
            test.p_value,
            len(test.null),
        )
        for model, test in tests.items()
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def with_p_values(metrics: pd.DataFrame, tests: Tests, task: str) -> pd.DataFrame:
    """Add a column p_value to the metrics, filled for the primary one in patients where tested.

    There the band of chance is that of the permutations, and of an AUC at least that of theory.
    A model without a test inherits the permutations of the one that is most like it.
    """
    metric = primary_metric(task)
    rows = zip(metrics["model"], metrics["population"], metrics["metric"], strict=True)
    judged = [
        str(model) if (population, name) == ("patients", metric) else ""
        for model, population, name in rows
    ]
    p_values = [tests[model].p_value if model in tests else np.nan for model in judged]
    nulls = [_nearest(model, tests) if model else None for model in judged]
    bands = metrics["noise_floor"].to_numpy(np.float64)
    own = np.array([np.nan if null is None else null.noise_floor for null in nulls])
    bands = np.fmax(bands, own) if metric == "roc_auc" else np.where(np.isnan(own), bands, own)
    room = np.array([ROOM.get(str(name), np.inf) for name in metrics["metric"]])
    return metrics.assign(
        p_value=np.array(p_values, dtype=np.float64), noise_floor=np.minimum(bands, room)
    )


def _nearest(model: str, tests: Tests) -> PermutationTest | None:
    """Permutations of a model, or of the linear one with the most of its inputs."""
    if model == CONSTANT or not tests:
        return None  # what guesses needs no other model's guesses
    if model in tests and len(tests[model].null) >= MIN_NULL:
        return tests[model]
    needed = needs(model) if model in MODELS else None
    voxels = needed is None or needed.volumes or bool(needed.instances)
    order = (*VOXELS, *COLUMNS_ONLY) if voxels else (*COLUMNS_ONLY, *VOXELS)
    return next((tests[name] for name in order if name in tests), None)
