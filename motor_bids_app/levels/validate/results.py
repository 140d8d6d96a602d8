"""What the validate level writes: tables with their dictionaries, and pages."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from motor_bids_app import __version__
from motor_bids_app.bids.dataset import dataset_name
from motor_bids_app.bids.files import write_table, write_text
from motor_bids_app.bids.paths import own_folder
from motor_bids_app.evaluation.external import compare_external
from motor_bids_app.levels.predict.results import predictions_dictionary, predictions_table
from motor_bids_app.levels.validate.external import External
from motor_bids_app.levels.validate.report import build_report, link_to
from motor_bids_app.reports.validation.page import render_side_by_side, render_validation
from motor_bids_app.settings import Settings

log = logging.getLogger(__name__)
FOLDER = "validations"
_INTERVAL = {
    "low": {"Description": "Lower limit of the 95 % interval"},
    "high": {"Description": "Upper limit of the 95 % interval"},
}
_COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "participant_id": {"Description": "Participant"},
    "session_id": {"Description": "Session; n/a where there are no sessions"},
    "reason": {"Description": "Why the scan does not count"},
    "true": {"Description": "Score of this scan, or 1 for a poor and 0 for a good outcome"},
    "metric": {
        "Description": "Name of the metric; calibration_intercept is the calibration-in-the-large: "
        "of classes, on log odds, of scores the mean of truth minus prediction"
    },
    "value": {"Description": "Value in these people"},
    **_INTERVAL,
    "noise_floor": {"Description": "Half-width of the band that guessing fills in so many people"},
    "n_people": {"Description": "Patients it is about"},
    "n_poor": {"Description": "Those of them in the poor class"},
    "group": {"Description": "Whom the row is about"},
    "level": {"Description": "Share of people whose set or interval should hold the truth"},
    "coverage": {"Description": "Share of people whose set or interval holds it"},
    "size": {"Description": "Classes in the set, or width of the interval, on average"},
    "single": {"Description": "Share of people with one class left"},
    "update": {
        "Description": "What is done to the predictions, fitted to some people and judged on others"
    },
    "intercept": {"Description": "Of the update as fitted to everyone; of classes, on log odds"},
    "slope": {"Description": "Of the update as fitted to everyone"},
    "loss": {"Description": "Brier score (brier) or mean squared error (mse)"},
    "gain": {"Description": "How much less the loss is than that of the model as it is"},
    "quantity": {"Description": "What is compared; of skewed amounts, the logarithm"},
    "n_training": {"Description": "Training people with a value"},
    "mean_training": {"Description": "Their mean"},
    "sd_training": {"Description": "Their standard deviation"},
    "mean": {"Description": "Mean of these people"},
    "sd": {"Description": "Their standard deviation"},
    "difference": {
        "Description": "Mean here less that in training, in standard deviations of training; or "
        "the metric of the model less that of the reference"
    },
    "outside": {"Description": "Share of people farther off than 99 of 100 of training"},
    "characteristic": {"Description": "What the people are divided by"},
    "remark": {"Description": "Why there is no value"},
    "site": {"Description": "Site, the mean of sites (random effects), or a new site"},
    "model": {"Description": "Name of the model, or everyone: acting on all"},
    "reference": {"Description": "Model that it is compared with"},
    "threshold": {"Description": "Probability at which one would act"},
    "net_benefit": {
        "Description": "Share of true positives, minus that of false positives times the odds of "
        "the threshold (Vickers and Elkin 2006)"
    },
    "p_value": {"Description": "Two-sided, over people; not corrected for the number of models"},
}


def write_validation(settings: Settings, found: External) -> Path:
    """Write tables and page of one model; return the page."""
    folder = own_folder(settings.output_dir, FOLDER, found.name)
    scored = found.scored
    predictions = predictions_table(found.model, scored.scans)
    predictions.insert(2, "true", scored.y)
    dictionary = {**predictions_dictionary(found.model.metadata), "true": _COLUMNS["true"]}
    write_table(
        folder / "predictions.tsv",
        predictions,
        {str(name): dictionary[str(name)] for name in predictions},
    )
    tables = {
        "metrics": found.metrics, "coverage": found.coverage, "updates": found.updates,
        "case_mix": found.case_mix, "subgroups": found.subgroups, "sites": found.sites,
        "decision_curve": found.decisions, "left_out": scored.left_out,
    }  # fmt: skip
    for name, table in tables.items():
        _write(folder / f"{name}.tsv", table)
    page = folder / "report.html"
    write_text(page, render_validation(build_report(found, dataset_name(settings.bids_dir))))
    log.info("saved %s", page)
    return page


def write_side_by_side(
    settings: Settings, models: Sequence[External], failed: Mapping[str, str]
) -> None:
    """Write the page of several models, and how they differ on the people they share."""
    folder = own_folder(settings.output_dir, FOLDER)
    seed = settings.processing.random_seed
    by_target: dict[str, list[External]] = {}
    for one in models:
        by_target.setdefault(one.scored.outcome.text, []).append(one)
    comparisons = {
        target: table
        for target, some in by_target.items()
        if len(some) > 1 and not (table := _compare(some, seed)).empty
    }
    every = [table.assign(target=target) for target, table in comparisons.items()]
    _write(folder / "comparisons.tsv", pd.concat(every) if every else pd.DataFrame())
    links = [link_to(one, f"{one.name}/report.html") for one in models]
    versions = {"motor_bids_app": __version__}
    dataset = dataset_name(settings.bids_dir)
    page = render_side_by_side(links, comparisons, failed, dataset, versions)
    write_text(folder / "report.html", page)
    log.info("saved %s", folder / "report.html")


def _compare(models: Sequence[External], seed: int) -> pd.DataFrame:
    """Compare models on the people whom all of them predict; empty where metrics are undefined."""
    shared = set.intersection(*({*one.scored.predictions.people} for one in models))
    predictions = {}
    for one in models:
        own = one.scored.predictions
        predictions[one.name] = own.of_people(np.array([person in shared for person in own.people]))
    some, task = next(iter(predictions.values())), models[0].scored.outcome.task
    if len(some.truth) < 3 or float(some.truth.std()) == 0:
        return pd.DataFrame()
    return compare_external(predictions, task, seed)


def _write(path: Path, table: pd.DataFrame) -> None:
    """Write a table with its dictionary; without rows, none, and that of an earlier run goes."""
    if table.empty:
        path.unlink(missing_ok=True)
        path.with_suffix(".json").unlink(missing_ok=True)
        return
    known = {**_COLUMNS, "target": {"Description": "What is predicted"}}
    write_table(path, table, {str(name): known[str(name)] for name in table})
