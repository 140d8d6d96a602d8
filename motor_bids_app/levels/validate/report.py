"""What the pages of validated models say."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from motor_bids_app import __version__
from motor_bids_app.evaluation.summary import ROOM
from motor_bids_app.evaluation.updating import AS_IT_IS, BOTH, INTERCEPT, REFIT
from motor_bids_app.levels.predict.report import provenance
from motor_bids_app.levels.validate.external import External, plain_metrics
from motor_bids_app.reports.experiment.agreement import (
    calibration_curve,
    decision_curve,
    ordered_matrix,
    score_scatter,
)
from motor_bids_app.reports.experiment.charts import METRICS
from motor_bids_app.reports.experiment.gate import Verdict
from motor_bids_app.reports.experiment.roc import roc_curves
from motor_bids_app.reports.experiment.tables import (
    coverage_table,
    left_out_table,
    metric_cell,
    subgroup_table,
)
from motor_bids_app.reports.models import LABELS
from motor_bids_app.reports.pages import Figure, Table
from motor_bids_app.reports.validation.content import ModelLink, ValidationReport
from motor_bids_app.reports.validation.verdict import (
    ExternalEvidence,
    decide_external,
)

# How well people are told apart: R² would count what an update can mend.
_DISCRIMINATION = {"classification": "roc_auc", "regression": "r", "ordinal": "quadratic_kappa"}
_CHANCE = {"roc_auc": 0.5}
_IDEAL = {"calibration_slope": 1.0, "calibration_intercept": 0.0}
_SHOWN = {
    "classification": (
        "roc_auc", "balanced_accuracy", "sensitivity", "specificity", "brier",
        "calibration_slope", "calibration_intercept", "ece",
    ),
    "regression": ("r2", "r", "mae", "rmse", "calibration_slope", "calibration_intercept"),
    "ordinal": (
        "quadratic_kappa", "mae", "accuracy", "calibration_slope", "calibration_intercept",
    ),
}  # fmt: skip
_ONCE = {  # figures whose words are of cross-validation
    "calibration": "Patients grouped by predicted probability; numbers are the patients in a "
    "group. On the dashed line, 30 % predicted means 30 % observed. Lines are 95 % binomial "
    "intervals of the share (Wilson).",
    "roc": "Closer to the top left is better; the dashed line is chance.",
}


def build_report(found: External, dataset: str) -> ValidationReport:
    """Collect what the page of one model shows."""
    scored = found.scored
    task, label = scored.outcome.task, _label(found)
    truth = scored.predictions.truth
    return ValidationReport(
        name=found.name,
        model_label=label,
        target=scored.outcome.text,
        dataset=dataset,
        verdict=verdict(found),
        headline=_headline(found),
        n_people=len(truth),
        n_poor=int(truth.sum()) if task == "classification" else None,
        left_out=scored.left_out[["participant_id", "reason"]],
        performance=_performance(found),
        figures=_figures(found, label),
        updates=found.updates,
        advice=_advice(found.advice) if len(found.updates) else "",
        case_mix=found.case_mix,
        coverage=_coverage(found),
        subgroups=subgroup_table(found.subgroups, label) if len(found.subgroups) else None,
        sites=left_out_table(found.sites, label) if len(found.sites) else None,
        notes=found.notes,
        provenance=provenance(found.model),
        versions={"motor_bids_app": __version__},
    )


def link_to(found: External, href: str) -> ModelLink:
    """One model as a row of the page of several."""
    return ModelLink(
        name=found.name,
        label=_label(found),
        href=href,
        target=found.scored.outcome.text,
        n_people=len(found.scored.predictions.truth),
        result=_main(found),
        verdict=verdict(found),
    )


def verdict(found: External) -> Verdict:
    """What may be said of the model here."""
    task, truth = found.scored.outcome.task, found.scored.predictions.truth
    metric = _DISCRIMINATION[task]
    by_name = {
        str(row["metric"]): {
            key: float(row[key]) for key in ("value", "low", "high", "noise_floor")
        }
        for _, row in found.metrics.iterrows()
    }
    main = by_name.get(metric)
    n_poor = int(truth.sum())
    chance = _CHANCE.get(metric, 0.0)
    floor = main["noise_floor"] if main else np.nan
    return decide_external(
        ExternalEvidence(
            n_people=len(truth),
            n_least_class=min(n_poor, len(truth) - n_poor) if task == "classification" else None,
            value=main["value"] if main else None,
            low=main["low"] if main else -np.inf,
            chance=chance,
            band_high=chance + (floor if np.isfinite(floor) else 0.0),
            most=chance + ROOM[metric],
            calibration=tuple(
                (by_name[name]["low"], by_name[name]["high"], ideal)
                for name, ideal in _IDEAL.items()
                if name in by_name and np.isfinite(by_name[name]["low"])
            ),
            update=found.advice in (INTERCEPT, BOTH),
        )
    )


def _label(found: External) -> str:
    name = found.model.metadata["model"]
    return LABELS.get(name, name)


def _main(found: External) -> str:
    """Main metric with its interval."""
    metric = _DISCRIMINATION[found.scored.outcome.task]
    row = found.metrics[found.metrics["metric"] == metric]
    name = METRICS[metric]
    return f"{name} {metric_cell(row.iloc[0].to_dict())}" if len(row) else f"{name} not defined"


def _headline(found: External) -> str:
    metric = _DISCRIMINATION[found.scored.outcome.task]
    before = plain_metrics(found.model.metadata).get(metric)
    n = len(found.scored.predictions.truth)
    said = f"{_main(found)} in {n} patients the model was not trained on"
    if before is None:
        return f"{said}."
    n_before = found.model.metadata["training"]["n_patients"]
    return f"{said}; in development it was {_cell(before)}, cross-validated in {n_before} patients."


def _advice(update: str) -> str:
    if update == AS_IT_IS:
        return "No evidence that the model needs updating for these people."
    if update == REFIT:
        return (
            "A model of the same kind refitted to people like these performs better than this one, "
            "updated or not."
        )
    return f"For people like these its {update} should be updated (closed test, 5 %)."


def _performance(found: External) -> tuple[tuple[str, str, str], ...]:
    before = plain_metrics(found.model.metadata)
    here = found.metrics.set_index("metric")
    return tuple(
        (
            METRICS.get(name, name),
            metric_cell(here.loc[name].to_dict()),
            _cell(before[name]) if name in before else "not measured",
        )
        for name in _SHOWN[found.scored.outcome.task]
        if name in here.index
    )


def _cell(row: Mapping[str, Any]) -> str:
    """Value and interval of a bundle, in which what is missing is None."""
    return metric_cell(
        {key: np.nan if row[key] is None else float(row[key]) for key in ("value", "low", "high")}
    )


def _coverage(found: External) -> Table | None:
    if found.coverage.empty:
        return None
    table = found.coverage.assign(measured="elsewhere", remark=None)
    return coverage_table(table, found.scored.outcome.task)


def _figures(found: External, label: str) -> tuple[Figure, ...]:
    """Pictures of the predictions against the truth."""
    if found.metrics.empty:
        return ()
    outcome, predictions = found.scored.outcome, found.scored.predictions
    table = pd.DataFrame(
        {
            "model": found.name,
            "repeat": 1,
            "fold": 1,
            "participant_id": predictions.people,
            "true": predictions.truth,
            "predicted": predictions.values[0],
        }
    )
    if outcome.task == "classification":
        metrics = found.metrics.assign(model=found.name, population="patients")
        drawn: tuple[Figure, ...] = (
            roc_curves(table, metrics, {found.name: label}),
            calibration_curve(table, label, positive="poor"),
            decision_curve(found.decisions, found.name, label, positive="poor"),
        )
    elif outcome.task == "ordinal":
        drawn = (ordered_matrix(table, label, outcome.classes),)
    else:
        drawn = (score_scatter(table, label, target=outcome.text),)
    return tuple(replace(one, caption=_ONCE.get(one.name, one.caption)) for one in drawn)
