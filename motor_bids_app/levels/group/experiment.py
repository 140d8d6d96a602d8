"""One experiment: how every model does on the same splits, and what follows from it."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from motor_bids_app.evaluation.comparisons import compare_models, compare_pairs
from motor_bids_app.evaluation.crossvalidation import Watch, cross_validate, split_metrics
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.summary import metrics_table
from motor_bids_app.levels.cohort.scoring import of_everyone, of_patients, populations
from motor_bids_app.levels.group.auditing import audit_cohort
from motor_bids_app.levels.group.chance import (
    CONSTANT,
    Tests,
    chance_tests,
    refitted_test,
    with_p_values,
)
from motor_bids_app.levels.group.comparisons import (
    ComparisonModels,
    evaluate_comparisons,
    layer_watcher,
    watched_by_both,
)
from motor_bids_app.levels.group.estimators import Builder, usable_models
from motor_bids_app.levels.group.evaluation import Evaluation, Scores, Setup, stack
from motor_bids_app.levels.group.harmonisation import check_harmonisation
from motor_bids_app.levels.group.notes import evaluation_notes
from motor_bids_app.levels.group.nuisance import NUISANCE, check_rung
from motor_bids_app.levels.group.parts.added import Added
from motor_bids_app.levels.group.parts.audit import Audit
from motor_bids_app.levels.group.parts.backbones import Backbones
from motor_bids_app.levels.group.parts.beside import Beside
from motor_bids_app.levels.group.parts.by_map import ByMap
from motor_bids_app.levels.group.parts.chance import Chance
from motor_bids_app.levels.group.parts.conformal import Abstention, Conformal
from motor_bids_app.levels.group.parts.decisions import Decisions
from motor_bids_app.levels.group.parts.folds import ByFold
from motor_bids_app.levels.group.parts.groups import Groups
from motor_bids_app.levels.group.parts.ladder import Ladder
from motor_bids_app.levels.group.parts.learning import LearningCurve
from motor_bids_app.levels.group.parts.losses import Losses
from motor_bids_app.levels.group.parts.paper import AsPaper, Embedding
from motor_bids_app.levels.group.parts.part import Part
from motor_bids_app.levels.group.parts.people import Missing
from motor_bids_app.levels.group.parts.performance import Comparisons, Performance, Spread
from motor_bids_app.levels.group.parts.predictions import PersonPredictions
from motor_bids_app.levels.group.parts.recalibration import Recalibration
from motor_bids_app.levels.group.parts.recovery import Recovery
from motor_bids_app.levels.group.parts.sample_size import SampleSize
from motor_bids_app.levels.group.parts.sites import Sites
from motor_bids_app.levels.group.parts.subgroups import Subgroups
from motor_bids_app.levels.group.parts.transformed import Transformed
from motor_bids_app.levels.group.splitting import plan_splits, planned_repeats, usable_splits
from motor_bids_app.levels.group.training_watch import TrainingWatch
from motor_bids_app.levels.progress import progress_bar
from motor_bids_app.models.catalog import COMPARED_ONLY, FUSION, NETWORKS
from motor_bids_app.models.networks.layers import WITHOUT_PROBABILITY

log = logging.getLogger(__name__)
PARTS: tuple[type[Part], ...] = (  # in the order of the page, within each of its places
    Groups,
    Missing,
    Performance,
    Transformed,
    Recovery,
    Chance,
    PersonPredictions,
    Conformal,
    Abstention,
    Decisions,
    LearningCurve,
    Spread,
    Losses,
    Recalibration,
    Sites,
    Subgroups,
    Comparisons,
    Added,
    ByMap,
    Beside,
    Embedding,
    AsPaper,
    ByFold,
    Backbones,
    Ladder,
    Audit,
    SampleSize,
)


def evaluate(
    builder: Builder,
    allowed: Sequence[str] = (),
    given: pd.DataFrame | None = None,
    watch: Watch | None = None,
    ahead: Callable[[Setup], None] | None = None,
) -> Evaluation:
    """Cross-validate every model of the experiment on the same splits, and compute all parts.

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
    ahead : callable, optional
        Trains networks elsewhere before they are asked for; see `units`.

    Raises
    ------
    StoppedByAuditError
        The audit found what makes results void.
    DataError
        The people are too few, or no model has its inputs.
    """
    setup = prepare(builder, allowed, given)
    if ahead is not None:
        ahead(setup)
    network, splits = builder.experiment.model.kind, setup.splits
    layers = layer_watcher(builder, splits) if network in setup.models else None
    training = TrainingWatch(builder.cohort, splits)
    watches = {setup.final: watch}
    for name in {*NETWORKS, *FUSION} & set(setup.models):
        watches[name] = watched_by_both(watches.get(name), training.of(name))
    if layers is not None:
        watches[network] = watched_by_both(watches[network], layers.watch)
    tables, by_map = _cross_validate_all(builder, setup.models, splits, watches)
    beside = evaluate_comparisons(builder, splits, layers, setup.models)
    scores = _scores(builder, setup, tables, beside)
    setup = _with_checks(setup, builder, scores)
    evaluation = Evaluation(
        builder=builder,
        setup=setup,
        tables=tables,
        beside=beside,
        by_map=by_map,
        raw=_raw_predictions(builder, setup.final, splits),
        scores=scores,
        training=training,
    )
    found = [kind.compute(evaluation) for kind in PARTS]
    return replace(
        evaluation,
        notes=evaluation_notes(evaluation),
        parts=tuple(part for part in found if part is not None),
    )


def prepare(builder: Builder, allowed: Sequence[str], given: pd.DataFrame | None) -> Setup:
    """Deal the splits, choose the models that have their inputs, and audit both; see `evaluate`."""
    cohort, experiment = builder.cohort, builder.experiment
    splits, notes = plan_splits(cohort, experiment, builder.seed, given)
    models, left_out = usable_models(cohort, experiment)
    builder.check(models)
    checks = audit_cohort(
        cohort, models, splits, planned_repeats(experiment), allowed, experiment.as_published
    )
    final = experiment.model.final_name
    if final not in models:
        last = next(name for name in reversed(models) if name not in COMPARED_ONLY)
        notes += (f"{final} needs {left_out[final]}: {last} is the final model instead.",)
        final = last
    return Setup(
        models=models,
        left_out=left_out,
        final=final,
        audit=checks,
        notes=notes,
        splits=usable_splits(splits, list(cohort.labels.truth.index)),
    )


def _with_checks(setup: Setup, builder: Builder, scores: Scores) -> Setup:
    """Add the checks of the audit that take fitted models."""
    found = (
        check_rung(scores, setup.final, builder.cohort.outcome.task),
        check_harmonisation(builder.cohort, builder.experiment, setup.models, builder.seed),
    )
    rows = [row for row in found if row is not None]
    if not rows:
        return setup
    audit = pd.DataFrame(rows, columns=setup.audit.columns)
    return replace(setup, audit=pd.concat([setup.audit, audit], ignore_index=True))


def _scores(
    builder: Builder, setup: Setup, tables: Mapping[str, pd.DataFrame], beside: ComparisonModels
) -> Scores:
    """Metrics of all models and what is beside them, comparisons and tests, in patients.

    Metrics are of everyone too where there are controls; see `levels.cohort.scoring`.
    """
    cohort, seed, task = builder.cohort, builder.seed, builder.cohort.outcome.task
    whom, predictions = populations(cohort), of_patients(tables, cohort)
    metrics = [metrics_table(of_everyone(tables, cohort), task, seed, whom)]
    comparisons = [compare_models(predictions, setup.models, task, seed)]
    comparisons.append(_against_nuisance(predictions, comparisons[0], task, seed))
    if beside.tables:
        kind, others = builder.experiment.model.kind, of_everyone(beside.tables, cohort)
        scores = [name for name in others if name.split("-")[0] in WITHOUT_PROBABILITY]
        metrics.append(metrics_table(others, task, seed, whom, uncalibrated=scores))
        # What differs in one thing from a model is compared with it, all else with the network.
        own = {name: name.split("-")[0] for name in others}
        pairs = [(name, own[name] if own[name] in predictions else kind) for name in others]
        judged = {**predictions, **of_patients(beside.tables, cohort)}
        comparisons.append(compare_pairs(judged, pairs, task, seed))
    chance = _chance(builder, setup)
    return Scores(
        metrics=with_p_values(pd.concat(metrics, ignore_index=True), chance, task),
        comparisons=pd.concat(comparisons, ignore_index=True),
        fold_metrics=stack({name: split_metrics(p, task) for name, p in predictions.items()}),
        chance=chance,
    )


def _against_nuisance(
    predictions: Mapping[str, Predictions], compared: pd.DataFrame, task: str, seed: int
) -> pd.DataFrame:
    """Compare all models with what is no biology, but those that already are."""
    done = compared.loc[compared["reference"] == NUISANCE, "model"]
    pairs = [
        (name, NUISANCE)
        for name in predictions
        if NUISANCE in predictions and name not in {CONSTANT, NUISANCE, *done}
    ]
    return compare_pairs(predictions, pairs, task, seed)


def _chance(builder: Builder, setup: Setup) -> Tests:
    """Permutation tests, of the network of the experiment too where it asks for that."""
    cohort, experiment, seed = builder.cohort, builder.experiment, builder.seed
    log.info("%s: permuting labels", experiment.name)
    chance = chance_tests(cohort, experiment, setup.models, setup.splits, seed)
    if experiment.validation.refits and experiment.model.kind in setup.models:
        network = builder.build(experiment.model.kind)[0]
        chance |= refitted_test(cohort, experiment, network, setup.splits, seed, builder.fit)
    return chance


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


def _raw_predictions(builder: Builder, final: str, splits: pd.DataFrame) -> pd.DataFrame | None:
    """Out-of-fold predictions of the final model without recalibration, where that is asked for."""
    cohort, experiment = builder.cohort, builder.experiment
    if experiment.model.recalibrate == "none":
        return None
    log.info("%s: %s without recalibration, to compare", experiment.name, final)
    models = builder.build(final, raw=True)
    return cross_validate(models, cohort.samples, cohort.y, splits, fit=builder.fit)
