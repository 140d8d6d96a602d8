"""One experiment: how every model does on the same splits, and the final model."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from motor_bids_app.errors import DataError
from motor_bids_app.evaluation.calibration import decision_curves
from motor_bids_app.evaluation.conformal import (
    Limits,
    abstention_curve,
    conformal_coverage,
    conformal_limits,
)
from motor_bids_app.evaluation.crossvalidation import (
    average_trainings,
    cross_validate,
    split_metrics,
)
from motor_bids_app.evaluation.learning import learning_curve
from motor_bids_app.evaluation.metrics import Predictions
from motor_bids_app.evaluation.paper import as_paper
from motor_bids_app.evaluation.subgroups import calibration_table, subgroup_table
from motor_bids_app.evaluation.subsets import score_subsets
from motor_bids_app.evaluation.summary import compare_models, metrics_table
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.levels.auditing import audit_cohort
from motor_bids_app.levels.chance import Tests, chance_tests, with_p_values
from motor_bids_app.levels.cohort import Cohort
from motor_bids_app.levels.flawed import flawed_protocols
from motor_bids_app.levels.hardware import usable_precision
from motor_bids_app.levels.splitting import plan_splits, planned_repeats, usable_splits
from motor_bids_app.levels.subgroups import missing_of, subgroups_of
from motor_bids_app.models.catalog import build_model, needs
from motor_bids_app.models.columns import BASELINE, DEMOGRAPHICS
from motor_bids_app.models.recalibration import RecalibratedClassifier
from motor_bids_app.models.training import Checkpoints

log = logging.getLogger(__name__)
PROGRESS_SECONDS = 10


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """How all models of an experiment did.

    Parameters
    ----------
    models : tuple of str
        Models that could be evaluated, simplest first.
    left_out : dict
        The others, with the reason.
    final : str
        The model that is trained on everyone.
    splits, metrics, comparisons, audit : DataFrame
        See `evaluation`.
    out_of_fold : DataFrame
        Columns model, repeat, fold, training, participant_id, prediction.
    fold_metrics : DataFrame
        Columns model, repeat, fold, metric, value.
    as_paper : DataFrame or None
        Column model and those of `evaluation.paper.as_paper`, for networks.
    limits : Limits
        Conformal limits of the final model.
    coverage, abstention : DataFrame, DataFrame or None
        How often they hold, and accuracy if only the surest are answered (classes).
    learning : DataFrame or None
        See `learning_curve`, of the final model unless it is a network.
    decisions : DataFrame or None
        See `decision_curves`, for classes.
    by_map, map_subsets : DataFrame or None
        Out-of-fold predictions by single maps, and `score_subsets` of them (cbam2025).
    chance : dict of PermutationTest
        By model and population; models that are costly to refit have none.
    ladder : DataFrame or None
        See `leakage_ladder`, of the final model, where the experiment asks for it.
    recalibration : DataFrame or None
        See `calibration_table`: the final model before and after it.
    subgroups : DataFrame
        See `subgroup_table`, of the final model.
    missing : DataFrame
        See `missing_table`.
    notes : tuple of str
        Remarks, one sentence each.
    """

    models: tuple[str, ...]
    left_out: dict[str, str]
    final: str
    splits: pd.DataFrame
    out_of_fold: pd.DataFrame
    metrics: pd.DataFrame
    fold_metrics: pd.DataFrame
    comparisons: pd.DataFrame
    as_paper: pd.DataFrame | None
    audit: pd.DataFrame
    limits: Limits
    coverage: pd.DataFrame
    abstention: pd.DataFrame | None
    learning: pd.DataFrame | None
    decisions: pd.DataFrame | None
    chance: Tests
    ladder: pd.DataFrame | None
    recalibration: pd.DataFrame | None
    subgroups: pd.DataFrame
    missing: pd.DataFrame
    notes: tuple[str, ...]
    by_map: pd.DataFrame | None = None
    map_subsets: pd.DataFrame | None = None


def evaluate(
    cohort: Cohort,
    experiment: Experiment,
    seed: int,
    device: str,
    allowed: Sequence[str] = (),
    given: pd.DataFrame | None = None,
    checkpoints: Checkpoints | None = None,
) -> Evaluation:
    """Cross-validate every model of the experiment on the same splits.

    Parameters
    ----------
    cohort : Cohort
    experiment : Experiment
    seed : int
        Of splits, models and resamples.
    device : str
        For networks: "cpu", "cuda" or "cuda:i".
    allowed : sequence of str
        Checks of the audit that may fail.
    given : DataFrame, optional
        Splits of the user: columns repeat, fold, participant_id.
    checkpoints : Checkpoints, optional
        Where networks leave what they need to go on after a stop.

    Raises
    ------
    DataError
        The audit found what makes results void, or the people are too few.
    """
    task, truth = cohort.outcome.task, cohort.labels.truth
    splits, notes = plan_splits(cohort, experiment, seed, given)
    models, left_out = usable_models(cohort, experiment)
    checks = audit_cohort(
        cohort, models, splits, planned_repeats(experiment), allowed, experiment.as_published
    )
    splits = usable_splits(splits, list(truth.index))
    final = experiment.model.final_name
    if final not in models:
        notes += (f"{final} needs {left_out[final]}: {models[-1]} is the final model instead.",)
        final = models[-1]
    tables, paper = {}, []
    by_map: list[pd.DataFrame] = []
    for name in models:
        estimators = build_estimators(
            name, cohort, experiment, seed, device, checkpoints=checkpoints
        )
        tables[name] = cross_validate(
            estimators,
            cohort.samples,
            cohort.y,
            splits,
            _progress(experiment.name, name),
            by_map,
        )
        if name == experiment.model.kind and task == "classification":
            paper.append(as_paper(tables[name], truth).assign(model=name))
    predictions = {
        name: Predictions.of(average_trainings(table), truth) for name, table in tables.items()
    }
    recalibration = None
    if experiment.model.recalibrate != "none":
        log.info("%s: %s without recalibration, to compare", experiment.name, final)
        raw = build_estimators(final, cohort, experiment, seed, device, True, checkpoints)
        table = average_trainings(cross_validate(raw, cohort.samples, cohort.y, splits))
        before_after = {"before": Predictions.of(table, truth), "after": predictions[final]}
        recalibration = calibration_table(before_after, seed)
    patients = ~cohort.controls.to_numpy(dtype=bool)
    populations = {"all": np.ones(len(truth), dtype=bool)}
    if not patients.all():
        populations["patients"] = patients
    log.info("%s: permuting labels", experiment.name)
    chance = chance_tests(cohort, experiment, models, splits, seed)
    learning = None
    if final != experiment.model.kind:
        log.info("%s: learning curve of %s", experiment.name, final)
        (estimator,) = build_estimators(final, cohort, experiment, seed, device)
        learning = learning_curve(estimator, cohort.samples, cohort.y, splits, truth, task, seed)
    members = build_estimators(final, cohort, experiment, seed, device)
    ladder = flawed_protocols(cohort, experiment, final, members, splits, tables[final], seed)
    return Evaluation(
        ladder=ladder, models=models, left_out=left_out, final=final, splits=splits,
        out_of_fold=_stack(tables),
        metrics=with_p_values(
            metrics_table(predictions, task, seed, populations), chance, task
        ),
        chance=chance,
        learning=learning,
        recalibration=recalibration,
        subgroups=subgroup_table(predictions[final], subgroups_of(cohort), task, seed),
        missing=missing_of(cohort, models),
        limits=conformal_limits(predictions[final], task),
        coverage=conformal_coverage(predictions[final], task),
        abstention=abstention_curve(predictions[final]) if task == "classification" else None,
        decisions=decision_curves(predictions, seed) if task == "classification" else None,
        fold_metrics=_stack({name: split_metrics(p, task) for name, p in predictions.items()}),
        comparisons=compare_models(predictions, models, task, seed),
        as_paper=pd.concat(paper) if paper else None, audit=checks,
        notes=(*cohort.notes, *notes),
        by_map=pd.concat(by_map, ignore_index=True) if by_map else None,
        map_subsets=score_subsets(pd.concat(by_map), truth, task) if by_map else None,
    )  # fmt: skip


def usable_models(cohort: Cohort, experiment: Experiment) -> tuple[tuple[str, ...], dict[str, str]]:
    """Models whose inputs are there, and what the others lack.

    Raises
    ------
    DataError
        No model is left.
    """
    lacking: dict[str, str] = {}
    for name in experiment.model.names:
        needed = needs(name)
        unmet = [
            "a baseline score, which [inputs] baseline_score names" if lack == BASELINE else lack
            for lack in needed.unmet(cohort.samples.table)
        ]
        if set(unmet) < set(DEMOGRAPHICS) or needed.volumes:
            # Missing demographics are imputed in the fold, as long as there is something to use.
            unmet = [name for name in unmet if name not in DEMOGRAPHICS]
        if needed.volumes and cohort.samples.volumes is None:
            unmet.append("maps")
        if unmet:
            lacking[name] = ", ".join(unmet)
            log.warning("%s: %s is left out, it needs %s", experiment.name, name, lacking[name])
    models = tuple(name for name in experiment.model.names if name not in lacking)
    if not models:
        raise DataError(f"No model of {experiment.name} has its inputs: {lacking}.")
    return models, lacking


def build_estimators(
    name: str,
    cohort: Cohort,
    experiment: Experiment,
    seed: int,
    device: str,
    raw: bool = False,
    checkpoints: Checkpoints | None = None,
) -> list[Any]:
    """Return a model, for networks once for each training, with seeds that follow on.

    With `raw`, its probabilities are not recalibrated even where the experiment says so.
    """
    network = name == experiment.model.kind
    model, training = experiment.model, experiment.training
    params: dict[str, Any] = {}
    if name == "regional":
        params = {"harmonise": experiment.inputs.harmonise}
    if network:
        params = {
            "widths": model.widths, "n_residuals": model.n_residuals, "hidden": model.hidden,
            "dropout": model.dropout, "learning_rate": training.learning_rate,
            "momentum": training.momentum, "weight_decay": training.weight_decay,
            "epochs": training.epochs, "batch_size": training.batch_size,
            "balance": training.balance, "parts": training.parts, "optimizer": training.optimizer,
            "schedule": training.schedule, "halve_after": training.halve_after,
            "stop_after": training.stop_after, "validation_share": training.validation_share,
            "precision": usable_precision(training.precision, device),
        }  # fmt: skip
    built = [
        build_model(
            name, task=cohort.outcome.task, maps=cohort.maps, mask=cohort.mask, params=params,
            random_state=seed + i, device=device, checkpoints=checkpoints,
        )
        for i in range(training.trainings if network else 1)
    ]  # fmt: skip
    if model.recalibrate == "logistic" and not raw:
        return [RecalibratedClassifier(one, seed + i) for i, one in enumerate(built)]
    return list(built)


def train_final(
    name: str,
    cohort: Cohort,
    experiment: Experiment,
    seed: int,
    device: str,
    checkpoints: Checkpoints | None = None,
) -> list[Any]:
    """Train the final model on everyone; of a network, as often as in each split."""
    log.info("%s: training the final model, %s, on everyone", experiment.name, name)
    return [
        clone(model).fit(cohort.samples, cohort.y)
        for model in build_estimators(
            name, cohort, experiment, seed, device, checkpoints=checkpoints
        )
    ]


def _stack(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Put the tables of all models below each other, with a first column model."""
    parts = [table.assign(model=name) for name, table in tables.items()]
    stacked = pd.concat(parts, ignore_index=True)
    return stacked[["model", *(column for column in stacked if column != "model")]]


def _progress(experiment: str, model: str) -> Callable[[int, int], None]:
    """Log when a model is done, and on the way every few seconds."""
    last = time.monotonic()

    def report(done: int, total: int) -> None:
        nonlocal last
        if done == total or time.monotonic() > last + PROGRESS_SECONDS:
            last = time.monotonic()
            log.info("%s: %s, %d of %d fits", experiment, model, done, total)

    return report
