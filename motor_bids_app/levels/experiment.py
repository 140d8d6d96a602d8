"""One experiment: how every model does on the same splits."""

import logging
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from motor_bids_app.evaluation.calibration import decision_curves
from motor_bids_app.evaluation.comparisons import compare_models, compare_pairs
from motor_bids_app.evaluation.conformal import (
    abstention_curve,
    conformal_coverage,
    conformal_limits,
)
from motor_bids_app.evaluation.crossvalidation import (
    Watch,
    average_trainings,
    cross_validate,
    split_metrics,
)
from motor_bids_app.evaluation.learning import learning_curve
from motor_bids_app.evaluation.metrics import Predictions
from motor_bids_app.evaluation.paper import as_paper
from motor_bids_app.evaluation.subgroups import calibration_table, subgroup_table
from motor_bids_app.evaluation.subsets import chosen_maps, score_subsets
from motor_bids_app.evaluation.summary import metrics_table
from motor_bids_app.levels.auditing import audit_cohort
from motor_bids_app.levels.chance import chance_tests, refitted_test, with_p_values
from motor_bids_app.levels.cohort import Cohort
from motor_bids_app.levels.companions import Companions, both, companions, layer_watcher
from motor_bids_app.levels.estimators import Builder, usable_models
from motor_bids_app.levels.evaluation import Evaluation
from motor_bids_app.levels.flawed import flawed_protocols
from motor_bids_app.levels.progress import told
from motor_bids_app.levels.splitting import plan_splits, planned_repeats, usable_splits
from motor_bids_app.levels.subgroups import missing_of, subgroups_of
from motor_bids_app.models.catalog import FUSION
from motor_bids_app.models.layers import WITHOUT_PROBABILITY

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
    cohort, experiment, seed = builder.cohort, builder.experiment, builder.seed
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
    network = experiment.model.kind
    layers = layer_watcher(builder, splits) if network in models else None
    watches = {final: watch}
    if layers is not None:
        watches[network] = both(watches.get(network), layers.watch)
    tables, by_map = _cross_validate_all(builder, models, splits, watches)
    beside = companions(builder, splits, layers) if network in models else Companions()
    predictions = {
        name: Predictions.of(average_trainings(table), truth) for name, table in tables.items()
    }
    log.info("%s: permuting labels", experiment.name)
    chance = chance_tests(cohort, experiment, models, splits, seed)
    if experiment.validation.refits and experiment.model.kind in models:
        network = builder.build(experiment.model.kind)[0]
        chance |= refitted_test(cohort, experiment, network, seed)
    metrics = metrics_table(predictions, task, seed, _populations(cohort))
    comparisons = compare_models(predictions, models, task, seed)
    last, classify = predictions[final], task == "classification"
    patients = last.of_people(~cohort.controls.to_numpy(dtype=bool))  # whom predict is for
    if beside.tables:
        more = _beside(builder, beside, predictions[network])
        metrics, comparisons = (
            pd.concat(pair, ignore_index=True)
            for pair in zip((metrics, comparisons), more, strict=True)
        )
    printed: dict[str, pd.DataFrame] = {}
    if classify and network in tables and network not in FUSION:  # whose paper has no such table
        printed = {network: tables[network], **beside.tables}
    raw = _raw_predictions(builder, final, splits)
    if (
        raw is not None
        and experiment.as_published is not None
        and experiment.as_published.protocols
    ):
        notes += ("The leakage ladder shows the final model without recalibration.",)
    return Evaluation(
        models=models, left_out=left_out, final=final, splits=splits, audit=checks,
        out_of_fold=_stack(tables | beside.tables), chance=chance,
        metrics=with_p_values(metrics, chance, task),
        fold_metrics=_stack({name: split_metrics(p, task) for name, p in predictions.items()}),
        comparisons=comparisons, beside=beside.labels, embedding=beside.embedding,
        as_paper=_stack({name: as_paper(table, truth) for name, table in printed.items()})
        if printed else None,
        by_map=by_map, map_subsets=None if by_map is None else score_subsets(by_map, truth, task),
        chosen=None if by_map is None else chosen_maps(by_map),
        learning=_learning(builder, final, splits),
        recalibration=_recalibration(builder, raw, last),
        ladder=flawed_protocols(
            cohort, experiment, final, builder.build(final, raw=True), splits,
            tables[final] if raw is None else raw, seed,
        ),
        subgroups=subgroup_table(last, subgroups_of(cohort), task, seed),
        missing=missing_of(cohort, models),
        limits=conformal_limits(patients, task, span=cohort.outcome.span),
        coverage=conformal_coverage(patients, task, span=cohort.outcome.span),
        abstention=abstention_curve(last) if classify else None,
        decisions=decision_curves(predictions, seed) if classify else None,
        notes=(*cohort.notes, *notes, *builder.notes, *beside.notes),
    )  # fmt: skip


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
        with told(f"{builder.experiment.name}: {name}") as report:
            tables[name] = cross_validate(
                builder.build(name), cohort.samples, cohort.y, splits, report, by_map,
                watch.get(name),
            )  # fmt: skip
    return tables, pd.concat(by_map, ignore_index=True) if by_map else None


def _beside(
    builder: Builder, beside: Companions, network: Predictions
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Metrics of what is evaluated beside the models, and comparisons with the network."""
    cohort, seed, kind = builder.cohort, builder.seed, builder.experiment.model.kind
    task, truth = cohort.outcome.task, cohort.labels.truth
    predictions = {
        name: Predictions.of(average_trainings(table), truth)
        for name, table in beside.tables.items()
    }
    scores = [name for name in predictions if name.split("-")[0] in WITHOUT_PROBABILITY]
    metrics = metrics_table(predictions, task, seed, _populations(cohort), uncalibrated=scores)
    pairs = [(name, kind) for name in predictions]
    return metrics, compare_pairs({kind: network, **predictions}, pairs, task, seed)


def _populations(cohort: Cohort) -> dict[str, "np.ndarray[tuple[int], np.dtype[np.bool_]]"]:
    """Whom metrics are about: everyone, and patients alone where there are controls."""
    patients = ~cohort.controls.to_numpy(dtype=bool)
    everyone = {"all": np.ones(len(patients), dtype=bool)}
    return everyone if patients.all() else everyone | {"patients": patients}


def _learning(builder: Builder, final: str, splits: pd.DataFrame) -> pd.DataFrame | None:
    """Learning curve of the final model, unless it is a network."""
    cohort, experiment = builder.cohort, builder.experiment
    if final == experiment.model.kind:
        return None
    log.info("%s: learning curve of %s", experiment.name, final)
    (model,) = builder.build(final)
    return learning_curve(
        model, cohort.samples, cohort.y, splits, cohort.labels.truth, cohort.outcome.task,
        builder.seed,
    )  # fmt: skip


def _raw_predictions(builder: Builder, final: str, splits: pd.DataFrame) -> pd.DataFrame | None:
    """Out-of-fold predictions of the final model without recalibration, where that is asked for."""
    cohort, experiment = builder.cohort, builder.experiment
    if experiment.model.recalibrate == "none":
        return None
    log.info("%s: %s without recalibration, to compare", experiment.name, final)
    return cross_validate(builder.build(final, raw=True), cohort.samples, cohort.y, splits)


def _recalibration(
    builder: Builder, raw: pd.DataFrame | None, after: Predictions
) -> pd.DataFrame | None:
    """Calibration of the final model before and after recalibration, where it is asked for."""
    if raw is None:
        return None
    before = Predictions.of(average_trainings(raw), builder.cohort.labels.truth)
    return calibration_table({"before": before, "after": after}, builder.seed)


def _stack(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Put the tables of all models below each other, with a first column model."""
    parts = [table.assign(model=name) for name, table in tables.items()]
    stacked = pd.concat(parts, ignore_index=True)
    return stacked[["model", *(column for column in stacked if column != "model")]]
