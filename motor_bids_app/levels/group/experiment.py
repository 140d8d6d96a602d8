"""One experiment: how every model does on the same splits."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from motor_bids_app.evaluation.calibration import decision_curves
from motor_bids_app.evaluation.comparisons import compare_models, compare_pairs
from motor_bids_app.evaluation.conformal import (
    abstention_curve,
    conformal_coverage,
    conformal_limits,
)
from motor_bids_app.evaluation.crossvalidation import Watch, cross_validate, split_metrics
from motor_bids_app.evaluation.learning import learning_curve
from motor_bids_app.evaluation.paper import as_paper
from motor_bids_app.evaluation.subgroups import calibration_table, subgroup_table
from motor_bids_app.evaluation.subsets import chosen_maps, score_subsets
from motor_bids_app.evaluation.summary import metrics_table
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.levels.cohort.cohort import Cohort
from motor_bids_app.levels.cohort.scoring import of_everyone, of_patients, populations
from motor_bids_app.levels.group.auditing import audit_cohort
from motor_bids_app.levels.group.chance import Tests, chance_tests, refitted_test, with_p_values
from motor_bids_app.levels.group.comparisons import (
    ComparisonModels,
    evaluate_comparisons,
    layer_watcher,
    watched_by_both,
)
from motor_bids_app.levels.group.estimators import Builder, usable_models
from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.flawed import flawed_protocols
from motor_bids_app.levels.group.splitting import plan_splits, planned_repeats, usable_splits
from motor_bids_app.levels.group.subgroups import missing_of, subgroups_of
from motor_bids_app.levels.progress import progress_bar
from motor_bids_app.models.catalog import FUSION
from motor_bids_app.models.networks.layers import WITHOUT_PROBABILITY

log = logging.getLogger(__name__)


def evaluate(
    builder: Builder,
    allowed: Sequence[str] = (),
    given: pd.DataFrame | None = None,
    watch: Watch | None = None,
) -> Evaluation:
    """Cross-validate every model of the experiment on the same splits.

    Parameters
    ----------
    builder : Builder
        The experiment, its cohort, and the seed of splits, models and resamples.
    allowed : sequence of str
        Checks of the audit that may fail.
    given : DataFrame, optional
        Splits of the user: columns repeat, fold, participant_id.
    watch : callable, optional
        Shown each fitted final model; see `cross_validate`.

    Raises
    ------
    StoppedByAuditError
        The audit found what makes results void.
    DataError
        The people are too few, or no model has its inputs.
    """
    setup = _prepare(builder, allowed, given)
    cohort, experiment = builder.cohort, builder.experiment
    final, network, splits = setup.final, experiment.model.kind, setup.splits
    layers = layer_watcher(builder, splits) if network in setup.models else None
    watches = {final: watch}
    if layers is not None:
        watches[network] = watched_by_both(watches.get(network), layers.watch)
    tables, by_map = _cross_validate_all(builder, setup.models, splits, watches)
    beside = ComparisonModels()
    if network in setup.models:
        beside = evaluate_comparisons(builder, splits, layers)
    raw = _raw_predictions(builder, final, splits)
    scores = _scores(builder, setup.models, tables, beside)
    chance = _chance(builder, setup)
    task = cohort.outcome.task
    return Evaluation(
        models=setup.models,
        left_out=setup.left_out,
        final=final,
        splits=splits,
        audit=setup.audit,
        out_of_fold=_stack(tables | beside.tables),
        chance=chance,
        beside=beside.labels,
        embedding=beside.embedding,
        metrics=with_p_values(scores.pop("metrics"), chance, task),
        **scores,
        **_of_final(builder, setup, tables[final], raw),
        **_as_published(builder, tables, beside),
        **_by_map(cohort, by_map),
        missing=missing_of(cohort, setup.models),
        notes=(
            *cohort.notes,
            *setup.notes,
            *builder.notes,
            *beside.notes,
            *_remarks(experiment, scores["fold_metrics"], raw is not None),
        ),
    )


@dataclass(frozen=True, kw_only=True)
class _Setup:
    """What is decided before anything is fitted; fields as of `Evaluation`."""

    models: tuple[str, ...]
    left_out: dict[str, str]
    final: str
    splits: pd.DataFrame
    audit: pd.DataFrame
    notes: tuple[str, ...]


def _prepare(builder: Builder, allowed: Sequence[str], given: pd.DataFrame | None) -> _Setup:
    """Deal the splits, choose the models that have their inputs, and audit both."""
    cohort, experiment = builder.cohort, builder.experiment
    splits, notes = plan_splits(cohort, experiment, builder.seed, given)
    models, left_out = usable_models(cohort, experiment)
    builder.check(models)
    checks = audit_cohort(
        cohort, models, splits, planned_repeats(experiment), allowed, experiment.as_published
    )
    final = experiment.model.final_name
    if final not in models:
        notes += (f"{final} needs {left_out[final]}: {models[-1]} is the final model instead.",)
        final = models[-1]
    return _Setup(
        models=models,
        left_out=left_out,
        final=final,
        audit=checks,
        notes=notes,
        splits=usable_splits(splits, list(cohort.labels.truth.index)),
    )


def _scores(
    builder: Builder,
    models: Sequence[str],
    tables: Mapping[str, pd.DataFrame],
    beside: ComparisonModels,
) -> dict[str, Any]:
    """Metrics of all models and what is beside them, comparisons and decision curves: patients.

    Metrics are of everyone too where there are controls; see `levels.cohort.scoring`.
    """
    cohort, seed, task = builder.cohort, builder.seed, builder.cohort.outcome.task
    whom, predictions = populations(cohort), of_patients(tables, cohort)
    metrics = [metrics_table(of_everyone(tables, cohort), task, seed, whom)]
    comparisons = [compare_models(predictions, models, task, seed)]
    if beside.tables:
        kind, others = builder.experiment.model.kind, of_everyone(beside.tables, cohort)
        scores = [name for name in others if name.split("-")[0] in WITHOUT_PROBABILITY]
        metrics.append(metrics_table(others, task, seed, whom, uncalibrated=scores))
        pairs = [(name, kind) for name in others]
        judged = {kind: predictions[kind], **of_patients(beside.tables, cohort)}
        comparisons.append(compare_pairs(judged, pairs, task, seed))
    found: dict[str, Any] = {
        "metrics": pd.concat(metrics, ignore_index=True),
        "comparisons": pd.concat(comparisons, ignore_index=True),
        "fold_metrics": _stack({name: split_metrics(p, task) for name, p in predictions.items()}),
    }
    if task == "classification":
        found["decisions"] = decision_curves(predictions, seed)
    return found


def _chance(builder: Builder, setup: _Setup) -> Tests:
    """Permutation tests, of the network of the experiment too where it asks for that."""
    cohort, experiment, seed = builder.cohort, builder.experiment, builder.seed
    log.info("%s: permuting labels", experiment.name)
    chance = chance_tests(cohort, experiment, setup.models, setup.splits, seed)
    if experiment.validation.refits and experiment.model.kind in setup.models:
        # A permutation is trained in a while, and there are many: none leaves a checkpoint.
        network = replace(builder, checkpoints=None).build(experiment.model.kind)[0]
        chance |= refitted_test(cohort, experiment, network, setup.splits, seed, builder.fit)
    return chance


def _of_final(
    builder: Builder, setup: _Setup, table: pd.DataFrame, raw: pd.DataFrame | None
) -> dict[str, Any]:
    """All that is said of the final model alone; fields of `Evaluation`."""
    cohort, experiment, seed = builder.cohort, builder.experiment, builder.seed
    task, final = cohort.outcome.task, setup.final
    patients = of_patients({final: table}, cohort)[final]
    found: dict[str, Any] = {
        "learning": _learning(builder, final, setup.splits),
        "subgroups": subgroup_table(
            of_everyone({final: table}, cohort)[final], subgroups_of(cohort), task, seed
        ),
        "limits": conformal_limits(patients, task, span=cohort.outcome.span),
        "coverage": conformal_coverage(patients, task, span=cohort.outcome.span),
        "ladder": flawed_protocols(
            cohort,
            experiment,
            final,
            builder.build(final, raw=True),
            setup.splits,
            table if raw is None else raw,
            seed,
            builder.fit,
        ),
    }
    if task == "classification":
        found["abstention"] = abstention_curve(patients)
    if raw is not None:
        before = of_patients({final: raw}, cohort)[final]
        found["recalibration"] = calibration_table({"before": before, "after": patients}, seed)
    return found


def _as_published(
    builder: Builder, tables: Mapping[str, pd.DataFrame], beside: ComparisonModels
) -> dict[str, Any]:
    """Metrics as karakis2023 printed them: of all people, since the paper counted controls."""
    network, truth = builder.experiment.model.kind, builder.cohort.labels.truth
    if network not in tables or builder.cohort.outcome.task != "classification":
        return {}
    if network in FUSION:  # whose paper has no such table
        return {}
    printed = {network: tables[network], **beside.tables}
    return {"as_paper": _stack({name: as_paper(table, truth) for name, table in printed.items()})}


def _by_map(cohort: Cohort, by_map: pd.DataFrame | None) -> dict[str, Any]:
    """Predictions by single maps, of models that make them, and every subset scored in patients."""
    if by_map is None:
        return {}
    patients = cohort.labels.truth[cohort.patients]
    return {
        "by_map": by_map,
        "map_subsets": score_subsets(by_map, patients, cohort.outcome.task),
        "chosen": chosen_maps(by_map),
    }


def _remarks(
    experiment: Experiment, fold_metrics: pd.DataFrame, recalibrated: bool
) -> tuple[str, ...]:
    """What readers of the numbers must know, one sentence each."""
    notes: tuple[str, ...] = ()
    asked = experiment.as_published
    if recalibrated and asked is not None and asked.protocols:
        notes += ("The leakage ladder shows the final model without recalibration.",)
    if fold_metrics.loc[fold_metrics["metric"] == "r", "value"].isna().all() and (
        experiment.target.task == "regression"
    ):
        notes += (
            "There is no correlation: it is taken among people whom the same fitted model "
            "predicted, and no test set holds two patients with different scores.",
        )
    return notes


def _cross_validate_all(
    builder: Builder,
    models: Sequence[str],
    splits: pd.DataFrame,
    watch: Mapping[str, Watch | None],
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame | None]:
    """Out-of-fold predictions of each model, and those by single maps where there are any."""
    cohort, tables = builder.cohort, {}
    by_map: list[pd.DataFrame] = []
    for name in models:
        with progress_bar(f"{builder.experiment.name}: {name}") as report:
            tables[name] = cross_validate(
                builder.build(name),
                cohort.samples,
                cohort.y,
                splits,
                report,
                by_map,
                watch.get(name),
                builder.fit,
            )
    return tables, pd.concat(by_map, ignore_index=True) if by_map else None


def _learning(builder: Builder, final: str, splits: pd.DataFrame) -> pd.DataFrame | None:
    """Learning curve of the final model, unless it is a network."""
    cohort, experiment = builder.cohort, builder.experiment
    if final == experiment.model.kind:
        return None
    log.info("%s: learning curve of %s", experiment.name, final)
    (model,) = builder.build(final)
    return learning_curve(
        model,
        cohort.samples,
        cohort.y,
        splits,
        cohort.labels.truth,
        cohort.outcome.task,
        builder.seed,
        cohort.patients,
    )


def _raw_predictions(builder: Builder, final: str, splits: pd.DataFrame) -> pd.DataFrame | None:
    """Out-of-fold predictions of the final model without recalibration, where that is asked for."""
    cohort, experiment = builder.cohort, builder.experiment
    if experiment.model.recalibrate == "none":
        return None
    log.info("%s: %s without recalibration, to compare", experiment.name, final)
    models = builder.build(final, raw=True)
    return cross_validate(models, cohort.samples, cohort.y, splits, fit=builder.fit)


def _stack(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Put the tables of all models below each other, with a first column model."""
    parts = [table.assign(model=name) for name, table in tables.items()]
    stacked = pd.concat(parts, ignore_index=True)
    return stacked[["model", *(column for column in stacked if column != "model")]]
