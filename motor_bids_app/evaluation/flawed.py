"""Protocols that make a model look better than it is, as published studies used them.

Each turns a right plan into a flawed one. None is used unless an experiment names it under
``[as_published]``. Models are told apart by their parameters: ``penalty`` or ``epochs`` (how freely
to learn), ``columns`` or ``maps`` and ``mask`` (what is read), and ``random_state``.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.evaluation.flawed_choices import (
    best_of_trainings,
    choice_on_test,
    stopping_on_test,
    with_settings,
)
from motor_bids_app.evaluation.protocols import Plan

SELECT_FROM, FEWEST = 10, 5  # columns: fewer leave nothing to select, and so many are kept
KEPT_COLUMNS, KEPT_VOXELS = 0.1, 0.05  # share selected
TIME = "time_since_stroke"
WHOLE_SITES = "sites are tested whole: all scans and copies of a person are in one test set"

Change = Callable[[Plan], Plan | str]  # a flawed plan, or why the flaw cannot be made here


def controls_included(plan: Plan) -> Plan | str:
    """Healthy volunteers count in the metrics, though nobody needs a model to tell them apart.

    karakis2023 and cbam2025: most of the good class never had a stroke.
    """
    if plan.controls_count or not plan.controls.any():
        return "nobody is healthy here" if not plan.controls.any() else "controls already count"
    return replace(plan, controls_count=True)


def control_time_zero(plan: Plan) -> Plan | str:
    """Time since stroke is 0 for healthy people, who count (karakis2023 and cbam2025)."""
    if not plan.controls.any():
        return "nobody is healthy here"
    if TIME not in plan.columns or TIME not in plan.samples.table:
        return "the model does not read the time since stroke"
    table = plan.samples.table
    time = table[TIME].astype(np.float64).where(~plan.samples.controls, 0.0)
    samples = replace(plan.samples, table=table.assign(**{TIME: time}))
    return replace(plan, samples=samples, controls_count=True)


def scan_folds(plan: Plan) -> Plan | str:
    """Splits are made of scans, so that a model is tested on people it has learned.

    karakis2023: 154 images of 123 people, before and after rehabilitation.
    """
    labels = _scan_labels(plan)
    if len(set(labels)) == len(plan.truth):
        return "every person has one scan"
    return _by_unit(plan, labels)


def window_folds(plan: Plan) -> Plan | str:
    """Splits are made of windows or slices of the same scan, which are nearly the same.

    gao2025: 209 overlapping windows per person, on both sides of every split.
    """
    scans = pd.Series(_scan_labels(plan))
    for kind in plan.samples.instances:
        apart, rows = plan.samples.apart(kind, plan.models[0].get_params().get(kind, 0))
        plan = replace(plan, samples=apart, y=plan.y[rows])
        scans = scans.iloc[rows].reset_index(drop=True)
    if scans.is_unique:
        return "every scan is one sample: there are no windows or slices"
    return _by_unit(plan, (scans + " window " + scans.groupby(scans).cumcount().map(str)).tolist())


def _scan_labels(plan: Plan) -> list[str]:
    table = plan.samples.table
    people = table["participant_id"].astype(str)
    if "session_id" in table and table["session_id"].notna().any():
        return (people + " " + table["session_id"].fillna("ses-").astype(str)).tolist()
    return (people + " scan " + people.groupby(people).cumcount().map(str)).tolist()


def _by_unit(plan: Plan, labels: Sequence[str]) -> Plan | str:
    """Split and count other units than people."""
    if plan.deal is None:
        return WHOLE_SITES
    samples = replace(plan.samples, table=plan.samples.table.assign(participant_id=list(labels)))
    truth = pd.Series(plan.y, index=list(labels), dtype=np.float64).groupby(level=0).first()
    changed = replace(plan, samples=samples, truth=truth)
    return replace(changed, splits=plan.deal(truth, changed.controls))


def augmented_before_split(plan: Plan) -> Plan | str:
    """The smaller class is filled up with copies before the split: they are on both sides.

    A common slip (none of the presets' papers says so). Copies are exact here, as in random
    oversampling; sharpened or noisy ones are nearly so.
    """
    if plan.task != "classification" or plan.deal is None:
        return WHOLE_SITES if plan.deal is None else "there are no classes to balance"
    poor, good = (list(plan.truth.index[plan.truth == value]) for value in (1, 0))
    few, lacking = (
        (poor, len(good) - len(poor)) if len(poor) < len(good) else (good, len(poor) - len(good))
    )
    if not lacking:
        return "both classes have equally many people"
    participants = plan.samples.participants
    rows, labels = [np.arange(len(participants))], [participants.astype(object)]
    for number in range(lacking):
        name = few[number % len(few)]
        rows.append(np.flatnonzero(participants == name))
        labels.append(np.full(len(rows[-1]), f"{name} copy {number // len(few) + 1}", dtype=object))
    taken = np.concatenate(rows)
    samples = plan.samples[taken]
    samples = replace(samples, table=samples.table.assign(participant_id=np.concatenate(labels)))
    copies = {label: plan.truth[few[0]] for part in labels[1:] for label in part}
    truth = pd.concat([plan.truth, pd.Series(copies, dtype=np.float64)])
    changed = replace(plan, samples=samples, y=plan.y[taken], truth=truth)
    return replace(changed, splits=plan.deal(truth, changed.controls))


def selection_before_split(plan: Plan) -> Plan | str:
    """Columns or voxels are chosen by how they go with the outcome in everyone.

    Test people take part in making the model (Ambroise and McLachlan 2002, PNAS 99:6562).
    """
    parameters = plan.models[0].get_params(deep=False)
    if "columns" in parameters:
        if len(plan.columns) < SELECT_FROM:
            return f"the model reads {len(plan.columns)} columns: there is nothing to select"
        values = plan.samples.table[list(plan.columns)].apply(pd.to_numeric, errors="coerce")
        strength = _correlation(values.fillna(values.median()).to_numpy(np.float64), plan.y)
        best = np.argsort(-strength)[: max(FEWEST, round(KEPT_COLUMNS * len(strength)))]
        columns = tuple(plan.columns[place] for place in np.sort(best))
        return replace(with_settings(plan, columns=columns, pattern=""), columns=columns)
    if "mask" in parameters and plan.samples.volumes is not None:
        return with_settings(plan, mask=_best_voxels(plan, parameters["mask"]))
    return "the model reads neither columns nor maps"


def _best_voxels(plan: Plan, mask: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """Voxels where some map goes with the outcome, among those of the mask."""
    volumes = plan.samples.volumes
    assert volumes is not None  # the caller has looked
    inside = np.ones(volumes.grid.shape, dtype=bool) if mask is None else mask
    strength = np.zeros(int(inside.sum()))
    for column in range(len(volumes.maps)):
        has = volumes.present[:, column]
        if has.sum() < 3 or np.ptp(plan.y[has]) == 0:
            continue
        for part, block in volumes.blocks(column, mask):
            found = _correlation(block[has].astype(np.float64), plan.y[has])
            strength[part] = np.maximum(strength[part], found)
    size = max(1, round(KEPT_VOXELS * len(strength)))
    chosen = np.zeros(inside.shape, dtype=bool)
    chosen.ravel()[np.flatnonzero(inside)[np.argsort(-strength, kind="stable")[:size]]] = True
    return chosen


def _correlation(values: NDArray[np.float64], y: NDArray[Any]) -> NDArray[np.float64]:
    """Absolute correlation of each column with the outcome; 0 where it does not vary."""
    centred, outcome = values - values.mean(axis=0), y - np.mean(y)
    length = np.sqrt(np.square(centred).sum(axis=0) * np.square(outcome).sum())
    varies = length > 1e-12
    return np.where(varies, np.abs(outcome @ centred) / np.where(varies, length, 1), 0)


def one_model_scores_all_folds(plan: Plan) -> Plan | str:
    """One trained model predicts every test set, though it learned from the people of most.

    cbam2025: one set of weights is scored in all ten folds.
    """
    if len(plan.splits.groupby(["repeat", "fold"])) < 2:
        return "there is one test set"
    return replace(plan, refit=False)


FLAWS: dict[str, Change] = {  # in an order in which they can be put on top of each other
    "controls-included": controls_included,
    "control-time-zero": control_time_zero,
    "scan-folds": scan_folds,
    "window-folds": window_folds,
    "augmented-before-split": augmented_before_split,
    "selection-before-split": selection_before_split,
    "best-of-trainings": best_of_trainings,
    "choice-on-test": choice_on_test,
    "test-set-stopping": stopping_on_test,
    "one-model-scores-all-folds": one_model_scores_all_folds,
}
